"""Augmentation of images: whole batches shifted, turned, scaled, cut, mirrored and recolored, each image by itself.

Used in chapter 08, "Regularization and generalization", and, for AlexNet's recipe, in chapter 09. Images are (N, H, W)
or (N, C, H, W), floating-point; row 0 is at the top. What a transformation moves in from outside is 0, and pixels are
interpolated bilinearly: a pixel at an integer place is copied bit by bit, so that a shift by whole pixels is exact and
no transformation changes nothing. All is computed on the device of the images, with gradients to them.
"""

import math
from numbers import Real

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

__all__ = [
    "color_components",
    "horizontal_flip",
    "pca_color",
    "random_affine",
    "random_crop",
    "rotate",
    "scale",
    "shift",
    "ten_crop",
]


def shift(images: Tensor, down: float | Tensor = 0.0, right: float | Tensor = 0.0) -> Tensor:
    """Images moved by pixels, in their shape. ``down`` and ``right``: one number for all, or (N,); negative: up, left.

    Raises:
        ValueError: images are not a floating-point batch, or a value is not finite or not one number or N.
    """
    _check_images(images, "shift")
    return _warp(images, down=_each(down, "down", images, "shift"), right=_each(right, "right", images, "shift"))


def rotate(images: Tensor, degrees: float | Tensor) -> Tensor:
    """Images turned counter-clockwise about their center, in their shape. ``degrees``: one number for all, or (N,).

    By 90 a square image is ``torch.rot90`` of it. torchvision's ``rotate`` turns the same way; its ``affine``, and so
    ``RandomAffine``, turns clockwise.

    Raises:
        ValueError: images are not a floating-point batch, or a value is not finite or not one number or N.
    """
    _check_images(images, "rotate")
    return _warp(images, degrees=_each(degrees, "degrees", images, "rotate"))


def scale(images: Tensor, factor: float | Tensor) -> Tensor:
    """Images enlarged about their center by a factor above 0, below 1 to shrink. ``factor``: one for all, or (N,).

    The size (H, W) stays: what grows over the border is lost. Nothing is averaged where an image shrinks.

    Raises:
        ValueError: images are not a floating-point batch, or a factor is not above 0, not finite, or not one or N.
    """
    _check_images(images, "scale")
    factor = _each(factor, "factor", images, "scale")
    if (factor <= 0).any():
        arguments.raise_at(factor <= 0, factor, "factor", "scale", "a number greater than 0")
    return _warp(images, factor=factor)


def random_affine(
    images: Tensor,
    degrees: float | tuple[float, float] = 0.0,
    translate: float | tuple[float, float] = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
    generator: torch.Generator | None = None,
) -> Tensor:
    """Each image scaled and turned about its center, then moved, all at random, with one interpolation; same shape.

    Every value is drawn uniformly, anew for each image. Other than in torchvision's ``RandomAffine``, one call makes a
    different transformation for every image, positive degrees turn counter-clockwise, and moves are not rounded to
    whole pixels.

    Args:
        images: (N, H, W) or (N, C, H, W), floating-point; the channels of an image are transformed alike.
        degrees: angles from the first to the second number; one number d stands for (-d, d).
        translate: from 0 to 1. Moves go up to this share of the width to the left or right, and of the height up or
            down; a pair for width and height.
        scale: factors from the first to the second number, both above 0.
        generator: what is drawn from, on its device; PyTorch's global generator without one.

    Raises:
        ValueError: images are not a floating-point batch, or an argument is outside its range.
    """
    caller = "random_affine"
    _check_images(images, caller)
    if isinstance(degrees, (tuple, list)):
        low, high = _pair(degrees, "degrees", caller)
    else:
        arguments.check_number(degrees, "degrees", caller)
        low, high = -degrees, degrees
    both = translate if isinstance(translate, (tuple, list)) else (translate, translate)
    across, along = _pair(both, "translate", caller)
    if not (0 <= across <= 1 and 0 <= along <= 1):
        raise ValueError(f"{caller}: translate is {translate}; expected shares of the side from 0 to 1")
    smallest, largest = _pair(scale, "scale", caller)
    if not 0 < smallest <= largest:
        raise ValueError(f"{caller}: scale is {scale}; expected two numbers above 0, the smaller first")
    if not low <= high:
        raise ValueError(f"{caller}: degrees is {degrees}; expected two numbers, the smaller first")
    N, (H, W), device = len(images), images.shape[-2:], _device(images, generator, caller)
    u = torch.rand(4, N, generator=generator, device=device, dtype=_precision(images)).to(images.device)
    return _warp(
        images,
        degrees=low + (high - low) * u[0],
        factor=smallest + (largest - smallest) * u[1],
        right=across * W * (2 * u[2] - 1),
        down=along * H * (2 * u[3] - 1),
    )


def random_crop(
    images: Tensor,
    size: int | tuple[int, int],
    padding: int = 0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A part of each image, (N, h, w) or (N, C, h, w), from a place drawn anew for each, all places equally likely.

    Args:
        size: h and w, or one number for both, at most the image's with its padding.
        padding: pixels of 0 to put around the images first.
        generator: what is drawn from, on its device; PyTorch's global generator without one.

    Raises:
        ValueError: images are not a floating-point batch, or size or padding is outside its range.
    """
    caller = "random_crop"
    _check_images(images, caller)
    padding = arguments.check_count(padding, "padding", caller, least=0)
    if padding:
        images = torch.nn.functional.pad(images, (padding,) * 4)
    h, w = _crop_size(size, images, caller)
    views = images.unfold(-2, h, 1).unfold(-2, w, 1)  # (..., places down, places right, h, w), nothing copied yet
    device = _device(images, generator, caller)
    top, left = (
        torch.randint(places, (len(images),), generator=generator, device=device).to(images.device)
        for places in views.shape[-4:-2]
    )
    rows = torch.arange(len(images), device=images.device)
    return views[rows, top, left] if images.ndim == 3 else views[rows, :, top, left]


def horizontal_flip(images: Tensor, p: float = 0.5, generator: torch.Generator | None = None) -> Tensor:
    """Images of which each is mirrored, left to right, with probability p, in their shape.

    Args:
        p: from 0 to 1; with 1, all are. generator: what is drawn from, on its device; the global one without.

    Raises:
        ValueError: images are not a floating-point batch, or p is outside its range.
    """
    _check_images(images, "horizontal_flip")
    arguments.check_share(p, "p", "horizontal_flip")
    device = _device(images, generator, "horizontal_flip")
    mirrored = torch.rand(len(images), generator=generator, device=device).to(images.device) < p
    return torch.where(mirrored.view(-1, *(1,) * (images.ndim - 1)), images.flip(-1), images)


def color_components(images: Tensor) -> tuple[Tensor, Tensor]:
    """The principal components of the colors of all pixels: variances (C,), the largest first, and directions (C, C).

    Column k of the directions is the unit vector of component k, with the sign that makes its largest entry positive.
    To be computed once, for a training set (N, C, H, W).

    Raises:
        ValueError: images are not a floating-point batch (N, C, H, W), or hold a NaN or an infinity.
    """
    _check_colors(images, "color_components")
    arguments.check_finite(images, "color_components", images=images)
    pixels = images.transpose(0, 1).flatten(1)  # (C, N H W)
    variances, directions = torch.linalg.eigh(torch.cov(pixels, correction=0).view(len(pixels), -1))
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return variances.clamp(min=0).flip(0), (directions * largest.sign()).flip(1)


def pca_color(
    images: Tensor,
    std: float = 0.1,
    components: tuple[Tensor, Tensor] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Images whose colors are shifted along their principal components, each image by one random color; same shape.

    The color is ``sum over k of a_k * variance_k * direction_k`` with a_k normal of mean 0 and the given standard
    deviation, for each image anew. The magnitude is that of the paper, the eigenvalue and not its square root, so it
    depends on the unit of the pixels.

    Args:
        images: (N, C, H, W). components: from ``color_components``; those of the images themselves without it.
        generator: what is drawn from, on its device; PyTorch's global generator without one.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386, section 4.1.

    Raises:
        ValueError: images are not (N, C, H, W), std is negative, or the components are of another number of channels.
    """
    caller = "pca_color"
    _check_colors(images, caller)
    arguments.check_number(std, "std", caller)
    variances, directions = color_components(images) if components is None else components
    arguments.check_tensors(caller, variances=variances, directions=directions)
    N, C = images.shape[:2]
    if variances.shape != (C,) or directions.shape != (C, C):
        raise ValueError(
            f"{caller}: components have shapes {tuple(variances.shape)} and {tuple(directions.shape)} and images "
            f"{tuple(images.shape)}; expected ({C},) and ({C}, {C})"
        )
    device = _device(images, generator, caller)
    draws = torch.randn(N, C, generator=generator, device=device, dtype=images.dtype).to(images.device)
    colors = (std * draws * variances) @ directions.T
    return images + colors.view(N, C, 1, 1)


def ten_crop(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Ten parts of each image, (N, 10, h, w) or (N, 10, C, h, w): the corners, the center, and these five mirrored.

    In the order top left, top right, bottom left, bottom right, center. A network's prediction for an image is the
    average of the ten: ``model(ten_crop(images, size).flatten(0, 1)).view(N, 10, -1).softmax(-1).mean(1)``.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386, section 4.1.

    Raises:
        ValueError: images are not a floating-point batch, or size is larger than they are.
    """
    _check_images(images, "ten_crop")
    h, w = _crop_size(size, images, "ten_crop")
    down, right = images.shape[-2] - h, images.shape[-1] - w
    places = (0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)
    crops = torch.stack([images[..., top : top + h, left : left + w] for top, left in places], dim=1)
    return torch.cat([crops, crops.flip(-1)], dim=1)


# --- helpers ---


def _warp(images: Tensor, degrees=0.0, factor=1.0, down=0.0, right=0.0) -> Tensor:
    """Each output pixel from where it was: back by the move, then turned back and shrunk about the center."""
    (N, H, W), channels = (len(images), *images.shape[-2:]), images.reshape(len(images), -1, *images.shape[-2:])
    like = {"device": images.device, "dtype": _precision(images)}
    degrees, factor, down, right = (
        torch.as_tensor(value, **like).expand(N).view(N, 1, 1) for value in (degrees, factor, down, right)
    )
    angle = degrees * (math.pi / 180)
    cos, sin = angle.cos() / factor, angle.sin() / factor
    y = torch.arange(H, **like).view(1, H, 1) - (H - 1) / 2 - down  # from the center, downwards
    x = torch.arange(W, **like).view(1, 1, W) - (W - 1) / 2 - right
    sources = cos * y + sin * x + (H - 1) / 2, cos * x - sin * y + (W - 1) / 2
    (top, below), (left, beside) = (_split(s.expand(N, H, W), size) for s, size in zip(sources, (H, W)))
    # A border of zeros, one wide before and two after, is what lies outside: no place needs a mask.
    padded = torch.nn.functional.pad(channels, (1, 2, 1, 2)).flatten(2)
    first = (top * (W + 3) + left).view(N, 1, H * W)

    def pixels(offset: int) -> Tensor:
        return padded.gather(2, (first + offset).expand(-1, channels.shape[1], -1))

    below, beside = (share.to(images.dtype).view(N, 1, H * W) for share in (below, beside))
    upper = torch.lerp(pixels(0), pixels(1), beside)
    lower = torch.lerp(pixels(W + 3), pixels(W + 4), beside)
    return torch.lerp(upper, lower, below).view(images.shape)


def _precision(images: Tensor) -> torch.dtype:
    return torch.promote_types(images.dtype, torch.float32)  # half precision cannot tell the places in a large image


def _split(source: Tensor, size: int) -> tuple[Tensor, Tensor]:
    # The pixel before each place, numbered in the padded image, and how far behind it the place is, from 0 to 1.
    source = source.clamp(-1, size)
    before = source.floor()
    return before.long() + 1, source - before


def _check_images(images: Tensor, caller: str) -> None:
    arguments.check_tensors(caller, images=images)
    shape = tuple(images.shape)
    if images.ndim not in (3, 4):
        side = math.isqrt(shape[1]) if images.ndim == 2 else 0
        hint = f"; X.reshape(-1, {side}, {side}) makes images of rows" if side and side * side == shape[1] else ""
        raise ValueError(f"{caller}: images has shape {shape}; expected (N, H, W) or (N, C, H, W){hint}")
    if images.numel() == 0:
        raise ValueError(f"{caller}: images has shape {shape}; expected at least one pixel")
    if not images.is_floating_point():
        raise ValueError(f"{caller}: images is {images.dtype}; expected a floating-point dtype, e.g. images.float()")


def _check_colors(images: Tensor, caller: str) -> None:
    arguments.check_tensors(caller, images=images)
    if images.ndim != 4:
        raise ValueError(f"{caller}: images has shape {tuple(images.shape)}; expected (N, C, H, W)")
    _check_images(images, caller)


def _crop_size(size: int | tuple[int, int], images: Tensor, caller: str) -> tuple[int, int]:
    h, w = arguments.check_pair(size, "size", caller)
    if h > images.shape[-2] or w > images.shape[-1]:
        raise ValueError(
            f"{caller}: size is {h} x {w} and the images, with padding, are {images.shape[-2]} x {images.shape[-1]}; "
            "expected a part of them"
        )
    return h, w


def _device(images: Tensor, generator: torch.Generator | None, caller: str) -> torch.device:
    # Where the random numbers are drawn.
    arguments.check_generator(generator, "generator", caller, optional=True)
    return images.device if generator is None else generator.device


def _each(value: float | Tensor, name: str, images: Tensor, caller: str) -> Tensor:
    if not isinstance(value, Tensor):
        arguments.check_number(value, name, caller, least=-math.inf)
    value = torch.as_tensor(value, device=images.device, dtype=_precision(images))
    if value.shape not in ((), images.shape[:1]):
        raise ValueError(
            f"{caller}: {name} has shape {tuple(value.shape)} and images {tuple(images.shape)}; "
            f"expected one number or ({len(images)},)"
        )
    if not value.isfinite().all():
        arguments.raise_at(~value.isfinite(), value, name, caller, "finite numbers")
    return value


def _pair(values, name: str, caller: str) -> tuple[float, float]:
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(f"{caller}: {name} is {values!r}; expected two numbers")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise ValueError(f"{caller}: {name} is {values!r}; expected finite numbers")
    return tuple(values)
