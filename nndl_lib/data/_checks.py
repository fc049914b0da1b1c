"""What the functions that make or change data take, for their declarations."""

import math
from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_dtype, check_generator, check_number, check_pair, check_tensors
from nndl_lib._declared import Check, number


def floating(value: torch.dtype, name: str, caller: str) -> torch.dtype:
    """A check: a floating-point dtype."""
    return check_dtype(value, caller)


def real(value: torch.dtype, name: str, caller: str) -> torch.dtype:
    """A check: a dtype of floating-point numbers or of integers."""
    return check_dtype(value, caller, integers=True)


DRAWN: dict[str, Check] = {"noise": number(), "generator": check_generator, "dtype": floating}  # of a noisy toy set


# --- of augmentation ---

SOURCE = partial(check_generator, optional=True)  # of random numbers: a generator, or PyTorch's global one


def batch(value: Tensor, name: str, caller: str) -> Tensor:
    """A check: images (N, H, W) or (N, C, H, W), floating-point, with at least one pixel. Raises: ValueError else."""
    check_tensors(caller, **{name: value})
    shape = tuple(value.shape)
    if value.ndim not in (3, 4):
        side = math.isqrt(shape[1]) if value.ndim == 2 else 0
        hint = f"; X.reshape(-1, {side}, {side}) makes images of rows" if side and side * side == shape[1] else ""
        raise ValueError(f"{caller}: {name} has shape {shape}; expected (N, H, W) or (N, C, H, W){hint}")
    if value.numel() == 0:
        raise ValueError(f"{caller}: {name} has shape {shape}; expected at least one pixel")
    if not value.is_floating_point():
        raise ValueError(f"{caller}: {name} is {value.dtype}; expected a floating-point dtype, e.g. {name}.float()")
    return value


def pair(
    value: Any, name: str, caller: str, fits: Callable[[float, float], bool], expected: str
) -> tuple[float, float]:
    """Two finite numbers that fit together, as ``expected`` says. Raises: ValueError else."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{caller}: {name} is {value!r}; expected two numbers")
    if any(isinstance(part, bool) or not isinstance(part, Real) or not math.isfinite(part) for part in value):
        raise ValueError(f"{caller}: {name} is {value!r}; expected finite numbers")
    if not fits(*value):
        raise ValueError(f"{caller}: {name} is {value!r}; expected {expected}")
    return value[0], value[1]


def angles(value: float | tuple[float, float], name: str, caller: str) -> tuple[float, float]:
    """The smallest and the largest angle; one number d stands for -d and d. Raises: ValueError else."""
    if isinstance(value, (tuple, list)):
        return pair(value, name, caller, lambda low, high: low <= high, "two numbers, the smaller first")
    return -check_number(value, name, caller), check_number(value, name, caller)


def shares(value: float | tuple[float, float], name: str, caller: str) -> tuple[float, float]:
    """Two numbers from 0 to 1, or one for both. Raises: ValueError else."""
    both = value if isinstance(value, (tuple, list)) else (value, value)
    return pair(both, name, caller, lambda *both: 0 <= min(both) <= max(both) <= 1, "shares of the side from 0 to 1")


def factors(value: tuple[float, float], name: str, caller: str) -> tuple[float, float]:
    """Two numbers above 0, the smaller first. Raises: ValueError else."""
    return pair(value, name, caller, lambda low, high: 0 < low <= high, "two numbers above 0, the smaller first")


def part_size(size: int | tuple[int, int], images: Tensor, caller: str) -> tuple[int, int]:
    """Height and width of a part of images. Raises: ValueError where size is no such thing, or images are smaller."""
    h, w = check_pair(size, "size", caller)
    if h > images.shape[-2] or w > images.shape[-1]:
        raise ValueError(
            f"{caller}: size is {h} x {w} and the images, with padding, are {images.shape[-2]} x {images.shape[-1]}; "
            "expected a part of them"
        )
    return h, w


def check_components(variances: Tensor, directions: Tensor, images: Tensor) -> None:
    """Raises: ValueError where these are not the components of the colors of such images."""
    check_tensors("pca_color", variances=variances, directions=directions)
    C = images.shape[1]
    if variances.shape != (C,) or directions.shape != (C, C):
        raise ValueError(
            f"pca_color: components have shapes {tuple(variances.shape)} and {tuple(directions.shape)} and images "
            f"{tuple(images.shape)}; expected ({C},) and ({C}, {C})"
        )
