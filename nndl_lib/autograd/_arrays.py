"""What the operations need beyond NumPy: precision that is chosen, sums over stretched axes, masks, and checks."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple


def in_floating_point(function: Callable, x: np.ndarray) -> np.ndarray:
    """function(x): in float64 where x holds integers, and where it is float16 in float32, rounded once at the end."""
    if x.dtype == np.float16:
        return function(x.astype(np.float32)).astype(np.float16)
    return function(x if x.dtype.kind == "f" else x.astype(np.float64))


def unbroadcast(message: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a message over the axes along which a tensor of this shape was stretched."""
    if message.shape == shape:
        return message
    message = total(message, tuple(range(message.ndim - len(shape))), False)
    stretched = tuple(k for k, size in enumerate(shape) if size == 1 and message.shape[k] != 1)
    return total(message, stretched, True) if stretched else message


def total(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """The sum: of integers an integer, of float16 added up in float32."""
    if x.dtype == np.float16:
        return x.sum(axes, np.float32, keepdims=keepdims).astype(np.float16)
    return x.sum(axes, keepdims=keepdims)


def unreduced(s: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """Put the axes of length 1 back that a reduction has removed."""
    return s if keepdims else np.expand_dims(s, axes)


def logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow, and with all digits where it is small."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def masked(s: np.ndarray, on: np.ndarray) -> np.ndarray:
    """s where on, else 0."""
    # The product is far faster than np.where, but 0 times infinity is not 0.
    return s * on if np.isfinite(s).all() else np.where(on, s, 0)


def frozen(index: Any) -> Any:
    """A copy of what an index is made of, for the caller may change a list or an array before backward."""
    if isinstance(index, tuple):
        return tuple(map(frozen, index))
    if isinstance(index, list):
        return np.array(index, dtype=None if index else np.intp)
    return np.array(index) if hasattr(index, "__array__") else index


def check_axes(axis: Any, keepdims: bool, ndim: int) -> tuple[tuple[int, ...], bool]:
    """The axes that a reduction runs over, each from 0 to ndim - 1, and keepdims.

    Raises: ValueError where axis is no integer, tuple of integers or None, or out of bounds, or keepdims is no flag.
    """
    check_flag(keepdims, "keepdims")
    if axis is None:
        return tuple(range(ndim)), bool(keepdims)
    if not all(map(is_integer, axis if isinstance(axis, (tuple, list)) else (axis,))):
        raise ValueError(f"axis is {axis!r}; expected an integer, a tuple of integers, or None")
    # A single number has no axis; NumPy and PyTorch let 0 pass for one.
    return normalize_axis_tuple(axis, max(ndim, 1))[:ndim], bool(keepdims)


def is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_flag(value: bool, name: str) -> None:
    """Raises: ValueError where value is not True or False: "False" and 2 would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} is {value!r}; expected True or False")
