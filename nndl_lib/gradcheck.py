"""Checks of gradients by central differences, which know nothing of the algebra. Derived in chapter 05, "Backpropagation"."""

import torch
from torch import Tensor

__all__ = ["check_gradients", "numerical_gradient"]


def numerical_gradient(f, x: Tensor, h: float = 1e-5) -> Tensor:
    """The gradient of f at x by central differences, ``(f(x + h e) - f(x - h e)) / 2h`` for each entry: in the shape of x.

    It costs two calls of f an entry. Where f has a kink within h of x, the result is a mean of the slopes on both sides.

    Args:
        f: takes a tensor like x and returns one number, as a float or a 0-d tensor.
        x: of float64; it is not changed.
        h: the step. The error is about ``h**2`` from the curve and 1e-16 / h from rounding: least near 1e-5.

    Raises:
        ValueError: x is not float64, h is not positive and finite, or f does not return one number.
    """
    _check(x, h, "numerical_gradient")
    gradient, x = torch.empty_like(x), x.detach().clone()
    entries, slopes = x.view(-1), gradient.view(-1)
    for k in range(x.numel()):
        kept = entries[k].item()
        entries[k] = kept + h
        above = _number(f(x), "numerical_gradient")
        entries[k] = kept - h
        slopes[k] = (above - _number(f(x), "numerical_gradient")) / (2 * h)
        entries[k] = kept
    return gradient


def check_gradients(
    f, x: Tensor, gradient: Tensor, generator: torch.Generator, projections: int = 10, h: float = 1e-5, tolerance: float = 1e-7
) -> float:
    """Compare a gradient with differences of f along random directions; the cost does not grow with the entries of x.

    Along a direction v of length 1 the slope of f is the product of gradient and v. The error is the difference of the
    two, over the length of the gradient. A fault in one entry counts in proportion to that entry: one that is tiny beside
    the others, or one among very many, may pass. Then compare entry by entry.

    Args:
        f: takes a tensor like x and returns one number.
        x: of float64. gradient: what is claimed to be the gradient at x, in its shape.
        generator: what the directions are drawn from. projections: how many.
        h: the step. tolerance: the largest error that passes.

    Returns:
        The largest error, if it passes.

    Raises:
        AssertionError: an error is above the tolerance. It says which slopes were found.
        ValueError: as ``numerical_gradient``; or the gradient has another shape or holds a NaN, or projections < 1.
    """
    _check(x, h, "check_gradients")
    if gradient.shape != x.shape:
        raise ValueError(
            f"check_gradients: gradient has shape {tuple(gradient.shape)} and x {tuple(x.shape)}; expected the same shape"
        )
    if not gradient.isfinite().all():
        raise ValueError("check_gradients: the gradient holds a NaN or an infinity; expected finite numbers")
    if isinstance(projections, bool) or not isinstance(projections, int) or projections < 1:
        raise ValueError(f"check_gradients: projections is {projections!r}; expected an integer of at least 1")
    x, gradient, largest = x.detach(), gradient.detach().to(x.dtype), 0.0
    for _ in range(projections):
        v = torch.randn(x.shape, dtype=x.dtype, generator=generator, device=generator.device).to(x.device)
        v = v / v.norm().clamp(min=1e-300)
        found = (_number(f(x + h * v), "check_gradients") - _number(f(x - h * v), "check_gradients")) / (2 * h)
        claimed = (gradient * v).sum().item()
        error = abs(found - claimed) / max(gradient.norm().item(), abs(found), 1e-12)
        if not error <= tolerance:  # written so that a NaN fails as well
            raise AssertionError(
                f"check_gradients: along a random direction the slope is {found:.9g} by differences and {claimed:.9g} by the "
                f"gradient: a relative error of {error:.2g}; expected at most {tolerance:g}"
            )
        largest = max(largest, error)
    return largest


def _check(x: Tensor, h: float, caller: str) -> None:
    if x.dtype != torch.float64:
        raise ValueError(f"{caller}: x is {x.dtype}; expected torch.float64: differences of rounder numbers say little")
    if not 0 < h < float("inf"):
        raise ValueError(f"{caller}: h is {h}; expected a finite number greater than 0")


def _number(value, caller: str) -> float:
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError(f"{caller}: f returned shape {tuple(value.shape)}; expected one number")
        return value.item()
    return float(value)
