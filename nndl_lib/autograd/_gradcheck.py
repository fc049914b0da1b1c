"""Checks of gradients by central differences, which know nothing of the algebra. Chapter 05, "Backpropagation"."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_finite, check_function, check_generator, check_positive, check_tensors
from nndl_lib._declared import checked, count, number

EPSILON = 2.0**-52  # of float64: the distance from 1 to the next number
ROUND = "differences of rounder numbers say little"


def _point(value: Tensor, name: str, caller: str) -> Tensor:
    check_tensors(caller, **{name: value})
    if value.dtype != torch.float64:
        raise ValueError(f"{caller}: {name} is {value.dtype}; expected torch.float64: {ROUND}")
    return check_finite(value, caller, **{name: value})


def _claimed(value: Tensor, name: str, caller: str) -> Tensor:
    check_tensors(caller, **{name: value})
    if value.is_complex():
        raise ValueError(f"{caller}: the {name} is complex; expected real numbers")
    if not value.isfinite().all():
        raise ValueError(f"{caller}: the {name} holds a NaN or an infinity; expected finite numbers")
    return value


@checked(f=check_function, x=_point, h=check_positive)
def numerical_gradient(f: Callable[[Tensor], Any], x: Tensor, h: float = 1e-5) -> Tensor:
    """The gradient of f at x, in its shape, by central differences: ``(f(x + h e) - f(x - h e)) / 2h`` for each entry.

    It costs two calls of f an entry. Where f has a kink within h of x, the result is a mean of the slopes on its sides.

    Args:
        f: takes a tensor like x, which it must not change, and returns one number of float64, as a float or a tensor.
        x: of float64, in any layout; it is not changed.
        h: the step. The error is about ``h**2`` from the curve and 1e-16 / h from rounding: least near 1e-5.

    Raises:
        ValueError: x is not float64 or not finite, h is not positive and finite or is lost beside an entry of x, or f
            changes its argument or does not return one number.
    """
    f = _as_number(f, x, h, "numerical_gradient")
    x = x.detach().clone(memory_format=torch.contiguous_format)
    gradient = torch.empty_like(x)
    entries, slopes = x.view(-1), gradient.view(-1)
    for k in range(x.numel()):
        kept = entries[k].item()
        entries[k] = kept + h
        above = f(x)
        entries[k] = kept - h
        slopes[k] = (above - f(x)) / (2 * h)
        entries[k] = kept
    return gradient


@checked(
    f=check_function,
    x=_point,
    gradient=_claimed,
    generator=check_generator,
    projections=count(),
    h=check_positive,
    tolerance=number(),
    atol=number(),
)
def check_gradients(
    f: Callable[[Tensor], Any],
    x: Tensor,
    gradient: Tensor,
    generator: torch.Generator,
    projections: int = 10,
    h: float = 1e-5,
    tolerance: float = 1e-7,
    atol: float | None = None,
) -> float:
    """Compare a gradient with differences of f along random directions; the cost does not grow with the entries of x.

    Along a direction v of length 1 the slope of f is the product of gradient and v. The error is the difference of the
    two, over the length of the gradient. A fault in one entry counts in proportion to that entry: one that is tiny
    beside the others, or one among very many, may pass. Then compare entry by entry.

    A gradient of zero has no length to compare with, and differences of a function that is constant along v are not
    zero but what rounding leaves: some 1e-16 / h of the numbers that are added up in f. How much it is shows in steps
    far smaller than h. A gradient passes as zero where the slope is within that, and its own length within 1000 times
    the rounding of f itself, which is not divided by h. Slopes below 1e-16 / h of f cannot be seen, of course; a larger
    h, or an f without its large constant, makes them visible.

    Args:
        f: takes a tensor like x, which it must not change, and returns one number of float64.
        x: of float64, in any layout. gradient: what is claimed to be the gradient at x, in its shape.
        generator: what the directions are drawn from. projections: how many.
        h: the step. tolerance: the largest error that passes.
        atol: a difference of the two slopes that passes in any case; the default is none but for zeros, as above.

    Returns:
        The largest error of those above ``atol`` and of those that do not count as zero, if it passes; else 0.

    Raises:
        AssertionError: an error is above the tolerance. It says which slopes were found.
        ValueError: as ``numerical_gradient``; or the gradient has another shape or holds a NaN, or another argument is
            outside its range.
    """
    f = _as_number(f, x, h, "check_gradients")
    _check_shape(gradient, x)
    x, gradient, largest = x.detach(), gradient.detach().to(x.dtype), 0.0
    length = gradient.norm().item()
    for _ in range(projections):
        v = torch.randn(x.shape, dtype=x.dtype, generator=generator, device=generator.device).to(x.device)
        v = v / v.norm().clamp(min=1e-300)
        found = _slope(f, x, v, h)
        claimed = (gradient * v).sum().item()
        error = abs(found - claimed) / max(length, abs(found), 1e-300)
        if error <= tolerance:
            largest = max(largest, error)
        elif not (abs(found - claimed) <= atol if atol is not None else _is_zero(f, x, v, h, length)):  # nor a NaN
            raise AssertionError(
                f"check_gradients: along a random direction the slope is {found:.9g} by differences and {claimed:.9g} "
                f"by the gradient: a relative error of {error:.2g}; expected at most {tolerance:g}"
            )
    return largest


def _slope(f: Callable[[Tensor], float], x: Tensor, v: Tensor, h: float) -> float:
    return (f(x + h * v) - f(x - h * v)) / (2 * h)


def _is_zero(f: Callable[[Tensor], float], x: Tensor, v: Tensor, h: float, length: float) -> bool:
    """Whether the slope along v is zero but for the rounding of f, and a gradient of that length but for its own."""
    # Steps far below h leave f as it is but for rounding: of the numbers that are added up in it, which may be far
    # larger than their sum, and of x, which counts where f bends.
    close = [f(x + k * 1e-7 * h * v) for k in range(-4, 5)]
    bend = abs(f(x + h * v) - 2 * close[4] + f(x - h * v)) / h
    noise = 4 * (max(close) - min(close) + EPSILON * (max(map(abs, close)) + x.abs().max().item() * bend)) / h
    # At a saddle such as that of x**3 differences are not zero, but h**2: a second step shows how much the curve adds.
    found = (4 * _slope(f, x, v, h) - _slope(f, x, v, 2 * h)) / 3
    return f(x) == close[4] and abs(found) <= noise and length <= 1000 * h * noise


def _check_shape(gradient: Tensor, x: Tensor) -> None:
    if gradient.shape != x.shape:
        shapes = f"gradient has shape {tuple(gradient.shape)} and x {tuple(x.shape)}"
        raise ValueError(f"check_gradients: {shapes}; expected the same shape")


def _as_number(f: Callable[[Tensor], Any], x: Tensor, h: float, caller: str) -> Callable[[Tensor], float]:
    """f as a function to a float that refuses what f must not do, and an h that is lost beside an entry of x."""
    largest = x.detach().abs().max().item() if x.numel() else 0.0
    if h < 8 * EPSILON * largest:
        beside = f"which is lost beside an entry of x of size {largest:g}"
        raise ValueError(f"{caller}: h is {h}, {beside}; expected a larger h")

    def number_at(x: Tensor) -> float:
        given = x.clone()
        value = f(given)
        if not given.equal(x):
            raise ValueError(f"{caller}: f changes its argument in place; expected one that leaves it as it is")
        if isinstance(value, (int, float)):
            return float(value)
        shape, dtype = getattr(value, "shape", None), str(getattr(value, "dtype", type(value).__name__))
        if shape is None or math.prod(shape) != 1:
            found = dtype if shape is None else f"shape {tuple(shape)}"
            raise ValueError(f"{caller}: f returned {found}; expected one number")
        if dtype.removeprefix("torch.") != "float64":
            raise ValueError(f"{caller}: f returned {dtype}; expected float64: {ROUND}")
        return value.item()

    return number_at
