"""Functions of tensors that are not methods: the choice between two, several in one, and the softmax with its loss."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nndl_lib.autograd._arrays import in_floating_point, is_integer, masked, unbroadcast
from nndl_lib.autograd._results import as_tensors, broadcast, record
from nndl_lib.autograd._tensor import Tensor


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of two, entry by entry. Where they are equal, each gets half of the error signal, as in PyTorch."""
    (a, b), (x, y) = broadcast(Tensor, "maximum", a, b)
    # A NaN is neither less nor greater: both get the signal.
    part, to_x, to_y = np.where(x == y, 0.5, 1), ~(x < y), ~(x > y)
    messages = (
        lambda s: unbroadcast(masked(s * part, to_x), x.shape),
        lambda s: unbroadcast(masked(s * part, to_y), y.shape),
    )
    return record(np.maximum(x, y), "maximum", (a, b), messages)


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """Entries of a where the condition holds, else of b.

    Raises: ValueError: the condition is not an array of bool, or the three shapes do not fit together.
    """
    on = np.array(condition.data if isinstance(condition, Tensor) else condition)
    if on.dtype != bool:
        raise ValueError(f"where: condition is {on.dtype}; expected bool, e.g. condition != 0")
    (_, a, b), (_, x, y) = broadcast(Tensor, "where", on, a, b)
    messages = (lambda s: unbroadcast(masked(s, on), x.shape), lambda s: unbroadcast(masked(s, ~on), y.shape))
    return record(np.where(on, x, y), "where", (a, b), messages)


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have."""
    tensors, arrays = as_tensors(Tensor, *tuple(tensors))
    value = np.concatenate(arrays, axis=axis)
    ends = np.cumsum([array.shape[axis] for array in arrays])
    messages = tuple(_taker(np.arange(end - array.shape[axis], end), axis) for array, end in zip(arrays, ends))
    return record(value, "concatenate", tuple(tensors), messages)


def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""
    tensors, arrays = as_tensors(Tensor, *tuple(tensors))
    messages = tuple(_taker(k, axis) for k in range(len(arrays)))
    return record(np.stack(arrays, axis=axis), "stack", tuple(tensors), messages)


def log_softmax(z: Any, axis: int = -1) -> Tensor:
    """Logarithms of the softmax along an axis, exact for logits of any size.

    Raises: ValueError where axis is no integer.
    """
    (z,), (x,) = as_tensors(Tensor, z)
    if not is_integer(axis):
        raise ValueError(f"log_softmax: axis is {axis!r}; expected an integer")

    def function(x):
        shifted = x - x.max(axis=axis, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))

    value = in_floating_point(function, x)
    messages = (lambda s: s - np.exp(value) * s.sum(axis=axis, keepdims=True),)
    return record(value, "log_softmax", (z,), messages, keeps_result=True)


def cross_entropy(z: Any, target: Any) -> Tensor:
    """Average softmax cross-entropy of logits (N, K) and class numbers (N,); its message is ``(y - t) / N``.

    Raises: ValueError: the shapes do not fit together, or a class is outside 0 to K - 1.
    """
    (z,), (x,) = as_tensors(Tensor, z)
    target = np.array(target)
    _check_classes(z, target)
    N = len(x)
    x = x.astype(np.float64 if x.dtype.kind != "f" else max(x.dtype, np.dtype(np.float32)), copy=False)
    shifted = x - x.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total, rows = e.sum(axis=1, keepdims=True), np.arange(N)
    value = (np.log(total[:, 0]) - shifted[rows, target]).mean()

    def message(s):
        by_z = e / total
        by_z[rows, target] -= 1
        return by_z * (s / N)

    return record(value.astype(z.dtype if z.dtype.kind == "f" else np.float64), "cross_entropy", (z,), (message,))


def _taker(index: int | np.ndarray, axis: int) -> Callable[[np.ndarray], np.ndarray]:
    """The message to one of several: the part of the signal that is at an index along an axis."""
    return lambda s: s.take(index, axis)


def _check_classes(z: Tensor, target: np.ndarray) -> None:
    if z.ndim != 2 or target.shape != z.shape[:1] or not np.issubdtype(target.dtype, np.integer):
        raise ValueError(
            f"cross_entropy: z has shape {z.shape} and target {target.shape} of {target.dtype}; "
            "expected (N, K) and integers (N,)"
        )
    N, K = z.shape
    if N == 0 or target.min() < 0 or target.max() >= K:
        raise ValueError(f"cross_entropy: targets are {target}; expected at least one, each from 0 to {K - 1}")
