"""The tensor: operations of one and two arrays, each with its value and the messages that it sends to its parents."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nndl_lib.autograd._arrays import (
    _check_axes,
    _frozen,
    _in_floating_point,
    _logistic,
    _masked,
    _total,
    _unbroadcast,
    _unreduced,
)
from nndl_lib.autograd._graph import Node, is_grad_enabled, no_grad

_KINDS = {"b": 0, "i": 1, "u": 1, "f": 2}  # NumPy's letters for bool, integers with and without a sign, floating-point


class Tensor(Node):
    """An array that remembers what it was computed from.

    Operations with numbers and arrays give the dtype that PyTorch gives: a float32 tensor stays float32 beside a Python
    number, a 0-d array or integers, and becomes float64 beside an array of float64. Integers become float64 where they
    have to.

    Where it is noted down, ``a += b`` gives the name ``a`` to a new tensor, ``a + b``, so that no gradient is lost. What was
    computed from the old one stays right; other names of the old one, which PyTorch would change too, raise an error when
    they are used. Where nothing is noted down, the entries change in place.

    Attributes:
        data: the NumPy array. Write into it by ``t[...] = value`` or ``t -= step`` under ``no_grad``: such changes are
            noticed where backward still needs the old values. Those made through ``t.data[...]``, or through an array
            that NumPy made of it, are not.
        grad: the gradient, an array of the same shape and dtype, or None; kept by leaves, and after ``retain_grad()``.
        requires_grad: whether gradients are wanted, for this tensor or for one that it was computed from.
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy's arrays leave mixed operations to us
    __hash__ = object.__hash__  # of the tensor, not of its entries, although == compares those

    def __init__(self, data: Any, requires_grad: bool = False):
        """Make a leaf of a copy of an array or of nested lists. Python numbers become float64; arrays keep their dtype.

        Raises:
            ValueError: the data are not real numbers, or hold tensors that require a gradient, which a leaf would lose;
                a gradient is wanted of something that is not floating-point.
        """
        data = data.data if isinstance(data, Tensor) else data
        array = np.array(np.asarray(float(data) if type(data) is int else data))
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"Tensor: the data are {array.dtype}; expected real numbers")
        super().__init__(array)
        self.requires_grad = requires_grad

    # --- what it is ---

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[k] for k in range(len(self)))  # len refuses what has no axis

    def detach(self) -> "Tensor":
        """The same data, cut off from what they were computed from. The memory is shared: changes in place are noticed."""
        with no_grad():
            return _record(self._data, "detach", (self,), ())

    def __reduce__(self):
        if self.parents:
            raise ValueError(f"copy: this is the result of {self.op}; expected a leaf, such as t.detach()")
        return _restore, (self.data, self.requires_grad, self.grad)

    # --- comparison, entry by entry: arrays of bool ---

    def __eq__(self, other):
        return self._compare(other, "==", np.equal)

    def __ne__(self, other):
        return self._compare(other, "!=", np.not_equal)

    def __lt__(self, other):
        return self._compare(other, "<", np.less)

    def __gt__(self, other):
        return self._compare(other, ">", np.greater)

    def __le__(self, other):
        return self._compare(other, "<=", np.less_equal)

    def __ge__(self, other):
        return self._compare(other, ">=", np.greater_equal)

    def __contains__(self, value) -> bool:
        return bool(np.any(self == value))

    def _compare(self, other: Any, sign: str, compare: Callable) -> Any:
        if not isinstance(other, (bool, int, float, list, tuple)) and not hasattr(other, "__array__"):
            return NotImplemented
        return compare(*_broadcast(sign, self, other)[1])

    # --- arithmetic: entry by entry, with NumPy's broadcasting ---

    def __add__(self, other):
        (a, b), (x, y) = _broadcast("+", self, other)
        return _record(x + y, "+", (a, b), (lambda s: _unbroadcast(s, x.shape), lambda s: _unbroadcast(s, y.shape)))

    def __sub__(self, other):
        (a, b), (x, y) = _broadcast("-", self, other)
        return _record(x - y, "-", (a, b), (lambda s: _unbroadcast(s, x.shape), lambda s: _unbroadcast(-s, y.shape)))

    def __mul__(self, other):
        (a, b), (x, y) = _broadcast("*", self, other)
        messages = (lambda s: _unbroadcast(s * y, x.shape), lambda s: _unbroadcast(s * x, y.shape))
        return _record(x * y, "*", (a, b), messages, needed=_each_for_the_other(a, b))

    def __truediv__(self, other):
        (a, b), (x, y) = _broadcast("/", self, other)
        messages = (lambda s: _unbroadcast(s / y, x.shape), lambda s: _unbroadcast(-s * (x / y / y), y.shape))
        return _record(x / y, "/", (a, b), messages, needed=(b, *_each_for_the_other(a, b)))

    def __pow__(self, exponent: float):
        if not isinstance(exponent, (int, float, np.integer, np.floating)):
            found = f"has shape {tuple(exponent.shape)}" if getattr(exponent, "shape", ()) else f"is {exponent!r}"
            raise ValueError(f"**: the exponent {found}; expected a Python number")
        n, x = exponent if isinstance(exponent, (int, float)) else exponent.item(), self._data
        # x**0 is 1 everywhere, and its slope 0, also where x is 0.
        return _record(x**n, f"**{n:g}", (self,), (lambda s: s * (n * x ** (n - 1) if n else 0),), needed=(self,))

    def __neg__(self):
        return _record(-self._data, "neg", (self,), (lambda s: -s,))

    def __matmul__(self, other):
        (a, b), (x, y) = _as_tensors(self, other)
        # A vector on the left is a row, one on the right a column, for as long as the product takes.
        x = x[None, :] if a.ndim == 1 else x
        y = y[:, None] if b.ndim == 1 else y
        if a.ndim == 0 or b.ndim == 0 or x.shape[-1] != y.shape[-2]:
            raise ValueError(f"@: the shapes are {a.shape} and {b.shape}; expected (..., N, K) and (..., K, M)")
        value = x @ y
        rows, columns = value.shape[-2:-1] if a.ndim > 1 else (), value.shape[-1:] if b.ndim > 1 else ()
        full, a_shape, b_shape = value.shape, a.shape, b.shape
        messages = (
            lambda s: _unbroadcast(s.reshape(full) @ y.swapaxes(-1, -2), x.shape).reshape(a_shape),
            lambda s: _unbroadcast(x.swapaxes(-1, -2) @ s.reshape(full), y.shape).reshape(b_shape),
        )
        return _record(
            value.reshape(full[:-2] + rows + columns), "@", (a, b), messages, needed=_each_for_the_other(a, b)
        )

    # The number or array is on the left: the same rules, with the operands in that order.

    def __radd__(self, other):
        return Tensor.__add__(other, self)

    def __rsub__(self, other):
        return Tensor.__sub__(other, self)

    def __rmul__(self, other):
        return Tensor.__mul__(other, self)

    def __rtruediv__(self, other):
        return Tensor.__truediv__(other, self)

    def __rmatmul__(self, other):
        return Tensor.__matmul__(other, self)

    # --- changes in place ---

    def __setitem__(self, index, value) -> None:
        value = value if isinstance(value, Tensor) else Tensor(np.asarray(value))
        if is_grad_enabled() and self.requires_grad:
            kind = "a leaf that requires a gradient" if not self.parents else f"the result of {self.op}"
            raise ValueError(f"in-place change: this is {kind}; expected it under no_grad, or a new tensor")
        if is_grad_enabled() and value.requires_grad:
            raise ValueError(
                "in-place change: the new entries require a gradient, which they would lose here; "
                "expected stack, concatenate or where, which make a new tensor"
            )
        self._write(_frozen(index), value.data)

    def __iadd__(self, other):
        return self._become(self + other)

    def __isub__(self, other):
        return self._become(self - other)

    def __imul__(self, other):
        return self._become(self * other)

    def __itruediv__(self, other):
        return self._become(self / other)

    def __ipow__(self, other):
        return self._become(self**other)

    def __imatmul__(self, other):
        return self._become(self @ other)

    def _become(self, value: "Tensor") -> "Tensor":
        """What ``a`` is after ``a += b``: itself with other entries, or, where the sum was noted down, the sum.

        Then what was computed from the old tensor keeps its gradients, and other names of the old one raise an error
        where they are used, for they would not see the change.
        """
        if value.shape != self.shape:
            raise ValueError(
                f"in-place change: the result has shape {value.shape}; expected that of the tensor, {self.shape}"
            )
        if not value.requires_grad:
            self._write(..., value._data)
            return self
        if self.requires_grad and not self.parents:
            self[...] = value  # raises
        if self._memory.views:
            raise ValueError(
                "in-place change: there is a view of this tensor, or it is one; expected a = a + b, a new tensor"
            )
        if value.dtype != self.dtype:
            self._check_kind(value._data)
            value = _record(value._data.astype(self.dtype), "astype", (value,), (lambda s: s,))
        self._replaced, self._keeps, value._keeps = True, False, self._keeps
        return value

    def _write(self, index: Any, value: np.ndarray) -> None:
        self._check_kind(value)
        self.data[index] = value
        self._memory.changes += 1

    # --- shapes ---

    @property
    def T(self) -> "Tensor":
        """The transpose: axes in reverse order."""
        return _record(self._data.T, "T", (self,), (lambda s: s.T,))

    def reshape(self, *shape: int) -> "Tensor":
        """The entries in another shape."""
        before = self.shape
        return _record(self._data.reshape(*shape), "reshape", (self,), (lambda s: s.reshape(before),))

    def __getitem__(self, index) -> "Tensor":
        """The entries at an index, by NumPy's rules."""
        index, shape = _frozen(index), self.shape

        def message(s):
            whole = np.zeros(shape, s.dtype)
            np.add.at(whole, index, s)  # an entry that is taken twice gets two messages
            return whole

        return _record(self._data[index], "[]", (self,), (message,))

    # --- reductions: over one axis, several, or all; axis is NumPy's ---

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The sum. Each entry gets the error signal of the sum that it is in."""
        (axes, keepdims), shape = _check_axes(axis, keepdims, self.ndim), self.shape
        value = _total(self._data, axes, keepdims)
        return _record(value, "sum", (self,), (lambda s: np.broadcast_to(_unreduced(s, axes, keepdims), shape),))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The average; that of nothing is NaN, as in PyTorch."""
        (axes, keepdims), shape = _check_axes(axis, keepdims, self.ndim), self.shape
        N = math.prod(shape[k] for k in axes) or math.nan
        value = _in_floating_point(lambda x: x.sum(axes, keepdims=keepdims) / N, self._data)
        return _record(value, "mean", (self,), (lambda s: np.broadcast_to(_unreduced(s / N, axes, keepdims), shape),))

    def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The largest entry. Equal ones share its error signal evenly, as with ``torch.amax``."""
        axes, keepdims = _check_axes(axis, keepdims, self.ndim)
        value = self._data.max(axes, keepdims=keepdims)
        largest = self._data == _unreduced(value, axes, keepdims)
        count = largest.sum(axes, keepdims=True)
        share = largest / np.where(count, count, np.nan)  # a NaN is the largest, and equals nothing
        return _record(value, "max", (self,), (lambda s: share * _unreduced(s, axes, keepdims),))

    # --- functions, entry by entry ---

    def exp(self) -> "Tensor":
        """e to the power of each entry."""
        y = _in_floating_point(np.exp, self._data)
        return _record(y, "exp", (self,), (lambda s: s * y,), keeps_result=True)

    def log(self) -> "Tensor":
        """The natural logarithm."""
        x = self._data
        return _record(_in_floating_point(np.log, x), "log", (self,), (lambda s: s / x,), needed=(self,))

    def sqrt(self) -> "Tensor":
        """The square root."""
        y = _in_floating_point(np.sqrt, self._data)
        return _record(y, "sqrt", (self,), (lambda s: s / (2 * y),), keeps_result=True)

    def abs(self) -> "Tensor":
        """The absolute value; its slope at 0 is taken for 0, and that at NaN, like PyTorch's."""
        sign = np.nan_to_num(np.sign(self._data))
        return _record(np.abs(self._data), "abs", (self,), (lambda s: s * sign,))

    __abs__ = abs

    def tanh(self) -> "Tensor":
        """The hyperbolic tangent."""
        y = _in_floating_point(np.tanh, self._data)
        return _record(y, "tanh", (self,), (lambda s: s * (1 - y * y),), keeps_result=True)

    def sigmoid(self) -> "Tensor":
        """The logistic function, ``1 / (1 + exp(-z))``, computed so that nothing overflows and small values are exact."""
        y = _in_floating_point(_logistic, self._data)
        return _record(y, "sigmoid", (self,), (lambda s: s * y * (1 - y),), keeps_result=True)

    def relu(self) -> "Tensor":
        """``max(0, z)``; its slope at 0 is taken for 0."""
        on = ~(self._data <= 0)  # where the entry is NaN as well, like PyTorch
        return _record(np.maximum(self._data, 0), "relu", (self,), (lambda s: _masked(s, on),))

    def softplus(self) -> "Tensor":
        """``log(1 + exp(z))``, computed so that nothing overflows."""
        x = self._data
        value = _in_floating_point(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), x)
        return _record(value, "softplus", (self,), (lambda s: s * _in_floating_point(_logistic, x),), needed=(self,))


# --- what operations are made of ---


def _record(
    value: np.ndarray,
    op: str,
    parents: tuple[Tensor, ...],
    messages: tuple[Callable, ...],
    needed: tuple[Tensor, ...] = (),
    keeps_result: bool = False,
) -> Tensor:
    """The result of an operation: with what it takes to go back, if that is wanted.

    Args:
        value: the array of the result. op: the name of the operation.
        messages: one for each parent, a function of the error signal of the result. It gives an array of the parent's
            shape, and is called where the parent requires a gradient.
        needed: the tensors whose arrays the messages are computed from. keeps_result: whether the result is one of them.
    """
    result = Tensor.__new__(Tensor)
    Node.__init__(result, np.asarray(value))
    for parent in parents:
        parent._check_current()
    if np.may_share_memory(result._data, parents[0]._data):
        parents[0]._memory.share_with(result)
    if is_grad_enabled() and any(parent._requires_grad for parent in parents):
        result._note(op, parents, messages, (*needed, result) if keeps_result else needed)
    return result


def _as_tensors(*values: Any) -> tuple[list[Tensor], list[np.ndarray]]:
    """Values as tensors, and their arrays in the dtype that they have together, by PyTorch's rules.

    Floating-point dtypes outrank integers, and these bool. Among those of the highest kind, what has axes decides; if
    nothing has, 0-d tensors and arrays; if there is none either, the single numbers of Python and NumPy.
    """
    single = [isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)) for value in values]
    as_is = [
        np.asarray(v) if one and abs(v) < 2**63 else v for v, one in zip(values, single)
    ]  # else integers become float64
    tensors = [v if isinstance(v, Tensor) else Tensor(v) for v in as_is]
    for tensor in tensors:
        tensor._check_current()
    dtypes = [tensor.dtype for tensor in tensors]
    if len(set(dtypes)) <= 1:
        return tensors, [tensor._data for tensor in tensors]
    ranks = [(_KINDS[tensor.dtype.kind], tensor.ndim > 0, not one) for tensor, one in zip(tensors, single)]
    dtype = np.result_type(*(dtype for dtype, rank in zip(dtypes, ranks) if rank == max(ranks)))
    tensors = [Tensor(np.asarray(v, dtype)) if one else tensor for v, one, tensor in zip(values, single, tensors)]
    return tensors, [tensor._data.astype(dtype, copy=False) for tensor in tensors]


def _broadcast(op: str, *values: Any) -> tuple[list[Tensor], list[np.ndarray]]:
    """``_as_tensors``, for operations entry by entry. Raises: ValueError where the shapes do not broadcast."""
    tensors, arrays = _as_tensors(*values)
    shapes = [array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"{op}: shapes {' and '.join(map(str, shapes))} do not broadcast against each other") from None
    return tensors, arrays


def _each_for_the_other(a: Tensor, b: Tensor) -> tuple[Tensor, ...]:
    # A factor is needed for the message to the other one, if that wants it.
    return tuple(factor for factor, other in ((a, b), (b, a)) if other.requires_grad)


def _restore(data: np.ndarray, requires_grad: bool, grad: np.ndarray | None) -> Tensor:
    # A tensor from a pickle, or a copy.
    tensor = Tensor(data, requires_grad)
    tensor.grad = grad
    return tensor
