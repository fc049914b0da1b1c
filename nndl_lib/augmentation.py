"""Augmentation of images: shift, rotate and scale whole batches, each image by a value of its own.

Used in chapter 08, "Regularization and generalization". Images are (N, H, W) or (N, C, H, W), floating-point; row 0 is
at the top. What a transformation moves in from outside is 0, and pixels are interpolated bilinearly: a pixel at an
integer place is copied bit by bit, so that a shift by whole pixels is exact and no transformation changes nothing. All
is computed on the device of the images, with gradients to them.
"""

import math
from numbers import Real

import torch
from torch import Tensor

from nndl_lib import arguments

__all__ = ["random_affine", "rotate", "scale", "shift"]


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
    N, (H, W) = len(images), images.shape[-2:]
    device = images.device if generator is None else generator.device
    u = torch.rand(4, N, generator=generator, device=device, dtype=_precision(images)).to(images.device)
    return _warp(
        images,
        degrees=low + (high - low) * u[0],
        factor=smallest + (largest - smallest) * u[1],
        right=across * W * (2 * u[2] - 1),
        down=along * H * (2 * u[3] - 1),
    )


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
    shape = tuple(images.shape)
    if images.ndim not in (3, 4):
        side = math.isqrt(shape[1]) if images.ndim == 2 else 0
        hint = f"; X.reshape(-1, {side}, {side}) makes images of rows" if side and side * side == shape[1] else ""
        raise ValueError(f"{caller}: images has shape {shape}; expected (N, H, W) or (N, C, H, W){hint}")
    if images.numel() == 0:
        raise ValueError(f"{caller}: images has shape {shape}; expected at least one pixel")
    if not images.is_floating_point():
        raise ValueError(f"{caller}: images is {images.dtype}; expected a floating-point dtype, e.g. images.float()")


def _each(value: float | Tensor, name: str, images: Tensor, caller: str) -> Tensor:
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
