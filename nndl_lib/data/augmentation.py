"""Augmentation of images: whole batches shifted, turned, scaled, cut, mirrored and recolored, each image by itself.

Used in chapter 08, "Regularization and generalization", and, for AlexNet's recipe, in chapter 09. Images are (N, H, W)
or (N, C, H, W), floating-point; row 0 is at the top. What a transformation moves in from outside is 0, and pixels are
interpolated bilinearly: a pixel at an integer place is copied bit by bit, so that a shift by whole pixels is exact and
no transformation changes nothing. All is computed on the device of the images, with gradients to them.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_finite, check_number, check_share, raise_at
from nndl_lib._declared import checked, count, number
from nndl_lib.data._checks import SOURCE, angles, batch, check_components, factors, part_size, shares

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


@checked(images=batch)
def shift(images: Tensor, down: float | Tensor = 0.0, right: float | Tensor = 0.0) -> Tensor:
    """Images moved by pixels, in their shape. ``down`` and ``right``: one number for all, or (N,); negative: up, left.

    Raises: ValueError: images are not a floating-point batch, or a value is not finite or not one number or N.
    """
    return _warp(images, down=_each(down, "down", images, "shift"), right=_each(right, "right", images, "shift"))


@checked(images=batch)
def rotate(images: Tensor, degrees: float | Tensor) -> Tensor:
    """Images turned counter-clockwise about their center, in their shape. ``degrees``: one number for all, or (N,).

    By 90 a square image is ``torch.rot90`` of it. torchvision's ``rotate`` turns the same way; its ``affine``, and so
    ``RandomAffine``, turns clockwise.

    Raises: ValueError: images are not a floating-point batch, or a value is not finite or not one number or N.
    """
    return _warp(images, degrees=_each(degrees, "degrees", images, "rotate"))


@checked(images=batch)
def scale(images: Tensor, factor: float | Tensor) -> Tensor:
    """Images enlarged about their center by a factor above 0, below 1 to shrink. ``factor``: one for all, or (N,).

    The size (H, W) stays: what grows over the border is lost. Nothing is averaged where an image shrinks.

    Raises: ValueError: images are not a floating-point batch, or a factor is not above 0, not finite, or not one or N.
    """
    factor = _each(factor, "factor", images, "scale")
    raise_at(factor <= 0, factor, "factor", "scale", "a number greater than 0")
    return _warp(images, factor=factor)


@checked(images=batch, generator=SOURCE)
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

    Raises: ValueError: images are not a floating-point batch, or an argument is outside its range.
    """
    low, high = angles(degrees, "degrees", "random_affine")
    across, along = shares(translate, "translate", "random_affine")
    least, most = factors(scale, "scale", "random_affine")
    N, (H, W) = len(images), images.shape[-2:]
    u = _drawn(torch.rand, (4, N), images, generator, dtype=_precision(images))
    return _warp(
        images,
        degrees=low + (high - low) * u[0],
        factor=least + (most - least) * u[1],
        right=across * W * (2 * u[2] - 1),
        down=along * H * (2 * u[3] - 1),
    )


@checked(images=batch, padding=count(least=0), generator=SOURCE)
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

    Raises: ValueError: images are not a floating-point batch, or size or padding is outside its range.
    """
    images = torch.nn.functional.pad(images, (padding,) * 4) if padding else images
    h, w = part_size(size, images, "random_crop")
    views = images.unfold(-2, h, 1).unfold(-2, w, 1)  # (..., places down, places right, h, w), nothing copied yet
    top, left = (_drawn(partial(torch.randint, n), (len(images),), images, generator) for n in views.shape[-4:-2])
    rows = torch.arange(len(images), device=images.device)
    return views[rows, top, left] if images.ndim == 3 else views[rows, :, top, left]


@checked(images=batch, p=check_share, generator=SOURCE)
def horizontal_flip(images: Tensor, p: float = 0.5, generator: torch.Generator | None = None) -> Tensor:
    """Images of which each is mirrored, left to right, with probability p, in their shape.

    Args:
        p: from 0 to 1; with 1, all are. generator: what is drawn from, on its device; the global one without.

    Raises: ValueError: images are not a floating-point batch, or p is outside its range.
    """
    mirrored = _drawn(torch.rand, (len(images),), images, generator) < p
    return torch.where(mirrored.view(-1, *(1,) * (images.ndim - 1)), images.flip(-1), images)


@checked(images="finite N C H W")
def color_components(images: Tensor) -> tuple[Tensor, Tensor]:
    """The principal components of the colors of all pixels: variances (C,), the largest first, and directions (C, C).

    Column k of the directions is the unit vector of component k, with the sign that makes its largest entry positive.
    To be computed once, for a training set (N, C, H, W).

    Raises: ValueError: images are not a floating-point batch (N, C, H, W), or hold a NaN or an infinity.
    """
    pixels = images.transpose(0, 1).flatten(1)  # (C, N H W)
    variances, directions = torch.linalg.eigh(torch.cov(pixels, correction=0).view(len(pixels), -1))
    largest = directions.gather(0, directions.abs().argmax(dim=0, keepdim=True))
    return variances.clamp(min=0).flip(0), (directions * largest.sign()).flip(1)


@checked(images="N C H W", std=number(), generator=SOURCE)
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
    variances, directions = color_components(images) if components is None else components
    check_components(variances, directions, images)
    N, C = images.shape[:2]
    a = _drawn(torch.randn, (N, C), images, generator, dtype=images.dtype)
    colors = (std * a * variances) @ directions.T
    return images + colors.view(N, C, 1, 1)


@checked(images=batch)
def ten_crop(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Ten parts of each image, (N, 10, h, w) or (N, 10, C, h, w): the corners, the center, and these five mirrored.

    In the order top left, top right, bottom left, bottom right, center. A network's prediction for an image is the
    average of the ten: ``model(ten_crop(images, size).flatten(0, 1)).view(N, 10, -1).softmax(-1).mean(1)``.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386, section 4.1.

    Raises: ValueError: images are not a floating-point batch, or size is larger than they are.
    """
    h, w = part_size(size, images, "ten_crop")
    down, right = images.shape[-2] - h, images.shape[-1] - w
    places = (0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)
    crops = torch.stack([images[..., top : top + h, left : left + w] for top, left in places], dim=1)
    return torch.cat([crops, crops.flip(-1)], dim=1)


# --- helpers ---


def _warp(images: Tensor, degrees=0.0, factor=1.0, down=0.0, right=0.0) -> Tensor:
    """Each output pixel from where it was: back by the move, then turned back and shrunk about the center."""
    (N, H, W), channels = (len(images), *images.shape[-2:]), images.reshape(len(images), -1, *images.shape[-2:])
    like: dict[str, Any] = {"device": images.device, "dtype": _precision(images)}
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


def _drawn(
    function: Callable[..., Tensor],
    size: tuple[int, ...],
    images: Tensor,
    generator: torch.Generator | None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    # Random numbers for images: drawn on the device of their generator, brought to that of the images.
    device = images.device if generator is None else generator.device
    return function(size, generator=generator, device=device, dtype=dtype).to(images.device)


def _each(value: float | Tensor, name: str, images: Tensor, caller: str) -> Tensor:
    if not isinstance(value, Tensor):
        check_number(value, name, caller, least=-math.inf)
    value = torch.as_tensor(value, device=images.device, dtype=_precision(images))
    if value.shape not in ((), images.shape[:1]):
        raise ValueError(
            f"{caller}: {name} has shape {tuple(value.shape)} and images {tuple(images.shape)}; "
            f"expected one number or ({len(images)},)"
        )
    return check_finite(value, caller, **{name: value})
