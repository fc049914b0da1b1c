"""Reverse-mode automatic differentiation of NumPy arrays: an engine to read, and fast enough to train with.

Chapter 05, "Backpropagation", builds a smaller one first. Names and conventions are PyTorch's: operations on a ``Tensor``
note down what they were computed from, ``backward()`` sends error signals from a number to all of it, and leaves that
require a gradient add what arrives to their ``grad``. This module needs NumPy alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = [
    "Tensor",
    "concatenate",
    "cross_entropy",
    "error_signals",
    "log_softmax",
    "maximum",
    "no_grad",
    "stack",
    "topological_order",
    "where",
]

_recording = [True]  # the last entry says whether operations are noted down


@contextmanager
def no_grad():
    """Within ``with no_grad():`` nothing is noted down: results do not require a gradient, and leaves may be changed."""
    _recording.append(False)
    try:
        yield
    finally:
        _recording.pop()


class Tensor:
    """An array that remembers what it was computed from.

    Attributes:
        data: the NumPy array. Write into it by ``t[...] = value`` or ``t -= step`` under ``no_grad``: such changes are
            noticed where backward still needs the old values. Those made through ``t.data[...]`` are not.
        grad: the gradient, an array of the same shape and dtype, or None; kept by leaves, and after ``retain_grad()``.
        requires_grad: whether gradients are wanted, for this tensor or for one that it was computed from.
    """

    __slots__ = ("_data", "_keeps", "_messages", "_needed", "_version", "grad", "op", "parents", "requires_grad", "__weakref__")
    __array_ufunc__ = None  # NumPy's arrays leave mixed operations to us

    def __init__(self, data: Any, requires_grad: bool = False):
        """Make a leaf of an array or of nested lists. Python numbers become float64; arrays keep their dtype.

        Raises:
            ValueError: a gradient is wanted of something that is not floating-point.
        """
        data = data.data if isinstance(data, Tensor) else data
        self._data = np.asarray(float(data) if isinstance(data, int) else data)
        if requires_grad and not np.issubdtype(self._data.dtype, np.floating):
            raise ValueError(f"Tensor: the data are {self._data.dtype}; a gradient needs a floating-point dtype")
        self.requires_grad, self.grad, self.op, self.parents = requires_grad, None, "leaf", ()
        self._messages, self._needed, self._keeps = None, (), False
        self._version = [0]  # counts the changes in place; in a list, so that views of the same memory share it

    # --- what it is ---

    @property
    def data(self) -> np.ndarray:
        """The array. Assigning another one counts as a change in place."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        value = np.asarray(value, dtype=self.dtype)
        if value.shape != self.shape:
            raise ValueError(f"Tensor.data: the new data have shape {value.shape}; expected {self.shape}")
        self._data = value
        self._version[0] += 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the data, which is that of the gradient."""
        return self._data.dtype

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", prefix="Tensor(")
        return f"Tensor({text}{f', op={self.op}' if self.parents else ', requires_grad=True' if self.requires_grad else ''})"

    def item(self) -> float:
        """The one entry, as a Python number."""
        return self._data.item()

    def numpy(self) -> np.ndarray:
        """The array itself, not a copy."""
        return self._data

    def detach(self) -> "Tensor":
        """The same data, cut off from what they were computed from."""
        return Tensor(self._data)

    def retain_grad(self) -> "Tensor":
        """Keep the gradient of a tensor that is not a leaf, too. Returns the tensor."""
        self._keeps = True
        return self

    # --- backward ---

    def backward(self, gradient: Any = None) -> None:
        """Add the gradient of this number to the ``grad`` of every leaf that it was computed from.

        The graph stays, so that a second call adds the same once more, as PyTorch's does with ``retain_graph=True``.

        Args:
            gradient: the error signal of this tensor, in its shape; 1 for a single number where it is not given.

        Raises:
            ValueError: this tensor requires no gradient, is not a single number and no gradient is given, the gradient
                has another shape, or a value that is needed was changed in place.
        """
        for node, signal in error_signals(self, gradient):
            if not node.parents or node._keeps:
                node.grad = signal.copy() if node.grad is None else node.grad + signal

    # --- arithmetic: entry by entry, with NumPy's broadcasting ---

    def __add__(self, other):
        a, b = _pair(self, other, "+")
        return _make(a._data + b._data, "+", (a, b), lambda s: (_fit(s, a.shape), _fit(s, b.shape)))

    def __sub__(self, other):
        a, b = _pair(self, other, "-")
        return _make(a._data - b._data, "-", (a, b), lambda s: (_fit(s, a.shape), _fit(-s, b.shape)))

    def __mul__(self, other):
        a, b = _pair(self, other, "*")
        x, y = a._data, b._data
        return _make(x * y, "*", (a, b), lambda s: (_fit(s * y, x.shape), _fit(s * x, y.shape)), needed=(a, b))

    def __truediv__(self, other):
        a, b = _pair(self, other, "/")
        x, y = a._data, b._data
        return _make(x / y, "/", (a, b), lambda s: (_fit(s / y, x.shape), _fit(-s * x / y**2, y.shape)), needed=(a, b))

    def __pow__(self, exponent: float):
        if isinstance(exponent, (Tensor, np.ndarray)):
            raise ValueError(f"**: the exponent has shape {exponent.shape}; expected a Python number")
        x = self._data
        return _make(x**exponent, f"**{exponent:g}", (self,), lambda s: (s * exponent * x ** (exponent - 1),), needed=(self,))

    def __neg__(self):
        return _make(-self._data, "neg", (self,), lambda s: (-s,))

    def __radd__(self, other):
        return _wrap(other, self) + self

    def __rsub__(self, other):
        return _wrap(other, self) - self

    def __rmul__(self, other):
        return _wrap(other, self) * self

    def __rtruediv__(self, other):
        return _wrap(other, self) / self

    def __rmatmul__(self, other):
        return _wrap(other, self) @ self

    def __matmul__(self, other):
        a, b = self, _wrap(other, self)
        # A vector on the left is a row, one on the right a column, for as long as the product takes.
        x = a._data[None, :] if a.ndim == 1 else a._data
        y = b._data[:, None] if b.ndim == 1 else b._data
        if a.ndim == 0 or b.ndim == 0 or x.shape[-1] != y.shape[-2]:
            raise ValueError(f"@: the shapes are {a.shape} and {b.shape}; expected (..., N, K) and (..., K, M)")
        value = x @ y
        full = value.shape
        shape = full if a.ndim > 1 and b.ndim > 1 else (a._data @ b._data).shape

        def messages(s):
            s = s.reshape(full)
            by_a = _fit(s @ y.swapaxes(-1, -2), x.shape) if a.requires_grad else None
            by_b = _fit(x.swapaxes(-1, -2) @ s, y.shape) if b.requires_grad else None
            return by_a if by_a is None else by_a.reshape(a_shape), by_b if by_b is None else by_b.reshape(b_shape)

        a_shape, b_shape = a.shape, b.shape
        return _make(value.reshape(shape), "@", (a, b), messages, needed=(a, b))

    def __lt__(self, other):
        return self._data < _array(other)

    def __gt__(self, other):
        return self._data > _array(other)

    def __le__(self, other):
        return self._data <= _array(other)

    def __ge__(self, other):
        return self._data >= _array(other)

    # --- changes in place ---

    def __setitem__(self, index, value) -> None:
        if _recording[-1] and self.requires_grad:
            kind = "a leaf that requires a gradient" if not self.parents else f"the result of {self.op}"
            raise ValueError(f"in-place change: this is {kind}; expected it under no_grad, or a new tensor")
        self._data[index] = _array(value)
        self._version[0] += 1

    def __isub__(self, other):
        self[...] = self._data - _array(other)
        return self

    def __iadd__(self, other):
        self[...] = self._data + _array(other)
        return self

    def __imul__(self, other):
        self[...] = self._data * _array(other)
        return self

    # --- shapes ---

    @property
    def T(self) -> "Tensor":
        """The transpose: axes in reverse order."""
        return _make(self._data.T, "T", (self,), lambda s: (s.T,))

    def reshape(self, *shape: int) -> "Tensor":
        """The entries in another shape."""
        before = self.shape
        return _make(self._data.reshape(*shape), "reshape", (self,), lambda s: (s.reshape(before),))

    def __getitem__(self, index) -> "Tensor":
        index = tuple(map(_array, index)) if isinstance(index, tuple) else _array(index)
        shape, dtype = self.shape, self.dtype

        def messages(s):
            whole = np.zeros(shape, dtype)
            np.add.at(whole, index, s)  # an entry that is taken twice gets two messages
            return (whole,)

        return _make(self._data[index], "[]", (self,), messages)

    # --- reductions: over one axis, a tuple of axes, or all ---

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The sum. Each entry gets the error signal of the sum that it is in."""
        shape = self.shape
        value = self._data.sum(axis=axis, keepdims=keepdims)
        return _make(value, "sum", (self,), lambda s: (np.broadcast_to(_unreduced(s, shape, axis, keepdims), shape),))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The average."""
        total = self.sum(axis, keepdims)
        return total * (total._data.size / self._data.size)

    def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The largest entry. Equal ones share its error signal evenly, as with ``torch.amax``."""
        shape, value = self.shape, self._data.max(axis=axis, keepdims=keepdims)
        largest = self._data == _unreduced(value, shape, axis, keepdims)
        share = largest / largest.sum(axis=axis, keepdims=True)
        return _make(value, "max", (self,), lambda s: ((share * _unreduced(s, shape, axis, keepdims)).astype(s.dtype),))

    # --- functions, entry by entry ---

    def exp(self) -> "Tensor":
        """e to the power of each entry."""
        y = np.exp(self._data)
        return _make(y, "exp", (self,), lambda s: (s * y,))

    def log(self) -> "Tensor":
        """The natural logarithm."""
        x = self._data
        return _make(np.log(x), "log", (self,), lambda s: (s / x,), needed=(self,))

    def sqrt(self) -> "Tensor":
        """The square root."""
        y = np.sqrt(self._data)
        return _make(y, "sqrt", (self,), lambda s: (s / (2 * y),))

    def abs(self) -> "Tensor":
        """The absolute value; its slope at 0 is taken for 0."""
        sign = np.sign(self._data)
        return _make(np.abs(self._data), "abs", (self,), lambda s: (s * sign,))

    def tanh(self) -> "Tensor":
        """The hyperbolic tangent."""
        y = np.tanh(self._data)
        return _make(y, "tanh", (self,), lambda s: (s * (1 - y * y),))

    def sigmoid(self) -> "Tensor":
        """The logistic function, ``1 / (1 + exp(-z))``, computed so that nothing overflows."""
        y = (0.5 * (1 + np.tanh(0.5 * self._data))).astype(self.dtype, copy=False)
        return _make(y, "sigmoid", (self,), lambda s: (s * y * (1 - y),))

    def relu(self) -> "Tensor":
        """``max(0, z)``; its slope at 0 is taken for 0."""
        on = self._data > 0
        return _make(self._data * on, "relu", (self,), lambda s: (s * on,))

    def softplus(self) -> "Tensor":
        """``log(1 + exp(z))``, computed so that nothing overflows."""
        x = self._data
        value = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        return _make(value, "softplus", (self,), lambda s: (s * (0.5 * (1 + np.tanh(0.5 * x))).astype(x.dtype, copy=False),), needed=(self,))


# --- functions of several tensors ---


def maximum(a: Tensor, b: Any) -> Tensor:
    """The larger of two, entry by entry. Where they are equal, each gets half of the error signal, as in PyTorch."""
    a, b = _pair(_wrap(a, b), b, "maximum")
    x, y = a._data, b._data
    share = ((x > y) + 0.5 * (x == y)).astype(x.dtype)
    return _make(np.maximum(x, y), "maximum", (a, b), lambda s: (_fit(s * share, x.shape), _fit(s * (1 - share), y.shape)))


def where(condition: np.ndarray, a: Any, b: Any) -> Tensor:
    """Entries of a where the condition holds, else of b."""
    a, b = _pair(_wrap(a, b), b, "where")
    on = _array(condition)
    return _make(np.where(on, a._data, b._data), "where", (a, b), lambda s: (_fit(s * on, a.shape), _fit(s * ~on, b.shape)))


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis that they have."""
    tensors = tuple(tensors)
    cuts = np.cumsum([tensor.shape[axis] for tensor in tensors])[:-1]
    value = np.concatenate([tensor._data for tensor in tensors], axis=axis)
    return _make(value, "concatenate", tensors, lambda s: tuple(np.split(s, cuts, axis=axis)))


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis."""
    tensors = tuple(tensors)
    value = np.stack([tensor._data for tensor in tensors], axis=axis)
    return _make(value, "stack", tensors, lambda s: tuple(np.moveaxis(s, axis, 0)))


def log_softmax(z: Tensor, axis: int = -1) -> Tensor:
    """Logarithms of the softmax along an axis, exact for logits of any size."""
    shifted = z._data - z._data.max(axis=axis, keepdims=True)
    value = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return _make(value, "log_softmax", (z,), lambda s: (s - np.exp(value) * s.sum(axis=axis, keepdims=True),))


def cross_entropy(z: Tensor, target: Any) -> Tensor:
    """Average softmax cross-entropy of logits (N, K) and class numbers (N,); its message is ``(y - t) / N``.

    Raises:
        ValueError: the shapes do not fit together, or a class is outside 0 to K - 1.
    """
    target = np.asarray(target)
    if z.ndim != 2 or target.shape != z.shape[:1] or not np.issubdtype(target.dtype, np.integer):
        raise ValueError(
            f"cross_entropy: z has shape {z.shape} and target {target.shape} of {target.dtype}; expected (N, K) and integers (N,)"
        )
    N, K = z.shape
    if N == 0 or target.min() < 0 or target.max() >= K:
        raise ValueError(f"cross_entropy: targets are {target}; expected at least one, each from 0 to {K - 1}")
    shifted = z._data - z._data.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total, rows = e.sum(axis=1, keepdims=True), np.arange(N)
    value = (np.log(total[:, 0]) - shifted[rows, target]).mean(dtype=z.dtype)

    def messages(s):
        by_z = e / total
        by_z[rows, target] -= 1
        return (by_z * (s / N),)

    return _make(np.asarray(value, dtype=z.dtype), "cross_entropy", (z,), messages)


def error_signals(end: Tensor, gradient: Any = None) -> Iterator[tuple[Tensor, np.ndarray]]:
    """The pairs of a tensor and its error signal, from ``end`` back: a signal is complete when its pair comes.

    ``backward`` is a loop over them that adds those of the leaves to their ``grad``.

    Raises: ValueError as ``backward`` does.
    """
    if not end.requires_grad:
        raise ValueError("backward: this tensor requires no gradient, and nothing that it was computed from does")
    if gradient is None:
        if end._data.size != 1:
            raise ValueError(f"backward: the tensor has shape {end.shape}; expected one number, or pass its gradient")
        gradient = np.ones_like(end._data)
    gradient = np.asarray(gradient.data if isinstance(gradient, Tensor) else gradient, dtype=end.dtype)
    if gradient.shape != end.shape:
        raise ValueError(f"backward: gradient has shape {gradient.shape} and the tensor {end.shape}; expected the same")
    signals = {id(end): gradient}
    for node in reversed(topological_order(end)):
        signal = signals.pop(id(node))
        yield node, signal
        if not node.parents:
            continue
        for parent, version in node._needed:
            if parent._version[0] != version:
                raise ValueError(f"backward: {node.op} needs a value of shape {parent.shape} that was changed in place")
        for parent, message in zip(node.parents, node._messages(signal)):
            if parent.requires_grad:
                known = signals.get(id(parent))
                signals[id(parent)] = message if known is None else known + message


def topological_order(end: Tensor) -> list[Tensor]:
    """All that a tensor was computed from and that requires a gradient, each after its parents; the tensor is the last.

    Found without recursion: a chain of any length will do.
    """
    waiting, to_visit = {id(end): 0}, [end]  # how many children have not been placed yet
    while to_visit:
        for parent in to_visit.pop().parents:
            if parent.requires_grad:
                if id(parent) not in waiting:
                    waiting[id(parent)] = 0
                    to_visit.append(parent)
                waiting[id(parent)] += 1
    order, ready = [], [end]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            if parent.requires_grad:
                waiting[id(parent)] -= 1
                if waiting[id(parent)] == 0:
                    ready.append(parent)
    return order[::-1]


# --- helpers ---


def _make(value: np.ndarray, op: str, parents: tuple[Tensor, ...], messages: Callable, needed: tuple[Tensor, ...] = ()) -> Tensor:
    """The result of an operation: with what it takes to go back, if that is wanted."""
    result = Tensor(np.asarray(value))
    if np.may_share_memory(result._data, parents[0]._data):
        result._version = parents[0]._version
    if _recording[-1] and any(parent.requires_grad for parent in parents):
        result.requires_grad, result.op, result.parents, result._messages = True, op, parents, messages
        result._needed = tuple((tensor, tensor._version[0]) for tensor in needed)
    return result


def _wrap(value: Any, like: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    # A bare number takes on the dtype of its partner: 2 * x is float32 if x is.
    bare = isinstance(value, (int, float)) and isinstance(like, Tensor)
    return Tensor(np.asarray(value, dtype=like.dtype) if bare else value)


def _pair(a: Tensor, b: Any, op: str) -> tuple[Tensor, Tensor]:
    b = _wrap(b, a)
    if a.shape != b.shape:
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise ValueError(f"{op}: shapes {a.shape} and {b.shape} do not broadcast against each other") from None
    return a, b


def _array(value: Any) -> Any:
    return value._data if isinstance(value, Tensor) else value


def _fit(message: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a message over the axes along which a tensor of this shape was stretched."""
    if message.shape == shape:
        return message
    message = message.sum(axis=tuple(range(message.ndim - len(shape))))
    stretched = tuple(k for k, size in enumerate(shape) if size == 1 and message.shape[k] != 1)
    return message.sum(axis=stretched, keepdims=True) if stretched else message


def _unreduced(s: np.ndarray, shape: tuple[int, ...], axis, keepdims: bool) -> np.ndarray:
    """Put the axes of length 1 back that a reduction has removed."""
    if keepdims:
        return s
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {k % len(shape) for k in axes} if shape else set()
    return s.reshape([1 if k in axes else size for k, size in enumerate(shape)])
