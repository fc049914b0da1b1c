"""The tensor: operations of one and two arrays, each with its value and the messages that it sends to its parents."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nndl_lib.autograd._arrays import (
    check_axes,
    frozen,
    in_floating_point,
    logistic,
    masked,
    total,
    unbroadcast,
    unreduced,
)
from nndl_lib.autograd._graph import no_grad
from nndl_lib.autograd._in_place import Changeable
from nndl_lib.autograd._results import KINDS, as_tensors, broadcast, each_for_the_other, record


class Tensor(Changeable):
    """An array that remembers what it was computed from.

    Operations with numbers and arrays give the dtype that PyTorch gives: a float32 tensor stays float32 beside a Python
    number, a 0-d array or integers, and becomes float64 beside an array of float64. Integers become float64 where they
    have to.

    Where it is noted down, ``a += b`` gives the name ``a`` to a new tensor, ``a + b``, so that no gradient is lost.
    What was computed from the old one stays right; other names of the old one, which PyTorch would change too, raise an
    error when they are used. Where nothing is noted down, the entries change in place.

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
        if array.dtype.kind not in KINDS:
            raise ValueError(f"Tensor: the data are {array.dtype}; expected real numbers")
        super().__init__(array)
        self.requires_grad = requires_grad

    # --- what it is ---

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[k] for k in range(len(self)))  # len refuses what has no axis

    def detach(self) -> "Tensor":
        """The same data, cut off from what they were computed from. The memory is shared; changes in place are seen."""
        with no_grad():
            return record(self._data, "detach", (self,), ())

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
        return compare(*broadcast(Tensor, sign, self, other)[1])

    # --- arithmetic: entry by entry, with NumPy's broadcasting ---

    def __add__(self, other):
        (a, b), (x, y) = broadcast(Tensor, "+", self, other)
        return record(x + y, "+", (a, b), (lambda s: unbroadcast(s, x.shape), lambda s: unbroadcast(s, y.shape)))

    def __sub__(self, other):
        (a, b), (x, y) = broadcast(Tensor, "-", self, other)
        return record(x - y, "-", (a, b), (lambda s: unbroadcast(s, x.shape), lambda s: unbroadcast(-s, y.shape)))

    def __mul__(self, other):
        (a, b), (x, y) = broadcast(Tensor, "*", self, other)
        messages = (lambda s: unbroadcast(s * y, x.shape), lambda s: unbroadcast(s * x, y.shape))
        return record(x * y, "*", (a, b), messages, needed=each_for_the_other(a, b))

    def __truediv__(self, other):
        (a, b), (x, y) = broadcast(Tensor, "/", self, other)
        messages = (lambda s: unbroadcast(s / y, x.shape), lambda s: unbroadcast(-s * (x / y / y), y.shape))
        return record(x / y, "/", (a, b), messages, needed=(b, *each_for_the_other(a, b)))

    def __pow__(self, exponent: float):
        if not isinstance(exponent, (int, float, np.integer, np.floating)):
            found = f"has shape {tuple(exponent.shape)}" if getattr(exponent, "shape", ()) else f"is {exponent!r}"
            raise ValueError(f"**: the exponent {found}; expected a Python number")
        n, x = exponent if isinstance(exponent, (int, float)) else exponent.item(), self._data
        # x**0 is 1 everywhere, and its slope 0, also where x is 0.
        return record(x**n, f"**{n:g}", (self,), (lambda s: s * (n * x ** (n - 1) if n else 0),), needed=(self,))

    def __neg__(self):
        return record(-self._data, "neg", (self,), (lambda s: -s,))

    def __matmul__(self, other):
        (a, b), (x, y) = as_tensors(Tensor, self, other)
        # A vector on the left is a row, one on the right a column, for as long as the product takes.
        x = x[None, :] if a.ndim == 1 else x
        y = y[:, None] if b.ndim == 1 else y
        if a.ndim == 0 or b.ndim == 0 or x.shape[-1] != y.shape[-2]:
            raise ValueError(f"@: the shapes are {a.shape} and {b.shape}; expected (..., N, K) and (..., K, M)")
        value = x @ y
        rows, columns = value.shape[-2:-1] if a.ndim > 1 else (), value.shape[-1:] if b.ndim > 1 else ()
        full, a_shape, b_shape = value.shape, a.shape, b.shape
        messages = (
            lambda s: unbroadcast(s.reshape(full) @ y.swapaxes(-1, -2), x.shape).reshape(a_shape),
            lambda s: unbroadcast(x.swapaxes(-1, -2) @ s.reshape(full), y.shape).reshape(b_shape),
        )
        return record(value.reshape(full[:-2] + rows + columns), "@", (a, b), messages, needed=each_for_the_other(a, b))

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

    # --- changes in place, as _in_place has them ---

    def __iadd__(self, other):
        return self._become(self + other)

    def __isub__(self, other):
        return self._become(self - other)

    def __imul__(self, other):
        return self._become(self * other)

    def __itruediv__(self, other):
        return self._become(self / other)

    def __ipow__(self, exponent: float):
        return self._become(self**exponent)

    def __imatmul__(self, other):
        return self._become(self @ other)

    # --- shapes ---

    @property
    def T(self) -> "Tensor":
        """The transpose: axes in reverse order."""
        return record(self._data.T, "T", (self,), (lambda s: s.T,))

    def reshape(self, *shape: int) -> "Tensor":
        """The entries in another shape."""
        before = self.shape
        return record(self._data.reshape(*shape), "reshape", (self,), (lambda s: s.reshape(before),))

    def __getitem__(self, index) -> "Tensor":
        """The entries at an index, by NumPy's rules."""
        index, shape = frozen(index), self.shape

        def message(s):
            whole = np.zeros(shape, s.dtype)
            np.add.at(whole, index, s)  # an entry that is taken twice gets two messages
            return whole

        return record(self._data[index], "[]", (self,), (message,))

    # --- reductions: over one axis, several, or all; axis is NumPy's ---

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The sum. Each entry gets the error signal of the sum that it is in."""
        (axes, keepdims), shape = check_axes(axis, keepdims, self.ndim), self.shape
        value = total(self._data, axes, keepdims)
        return record(value, "sum", (self,), (lambda s: np.broadcast_to(unreduced(s, axes, keepdims), shape),))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The average; that of nothing is NaN, as in PyTorch."""
        (axes, keepdims), shape = check_axes(axis, keepdims, self.ndim), self.shape
        N = math.prod(shape[k] for k in axes) or math.nan
        value = in_floating_point(lambda x: x.sum(axes, keepdims=keepdims) / N, self._data)
        return record(value, "mean", (self,), (lambda s: np.broadcast_to(unreduced(s / N, axes, keepdims), shape),))

    def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """The largest entry. Equal ones share its error signal evenly, as with ``torch.amax``."""
        axes, keepdims = check_axes(axis, keepdims, self.ndim)
        value = self._data.max(axes, keepdims=keepdims)
        largest = self._data == unreduced(value, axes, keepdims)
        count = largest.sum(axes, keepdims=True)
        share = largest / np.where(count, count, np.nan)  # a NaN is the largest, and equals nothing
        return record(value, "max", (self,), (lambda s: share * unreduced(s, axes, keepdims),))

    # --- functions, entry by entry ---

    def exp(self) -> "Tensor":
        """e to the power of each entry."""
        y = in_floating_point(np.exp, self._data)
        return record(y, "exp", (self,), (lambda s: s * y,), keeps_result=True)

    def log(self) -> "Tensor":
        """The natural logarithm."""
        x = self._data
        return record(in_floating_point(np.log, x), "log", (self,), (lambda s: s / x,), needed=(self,))

    def sqrt(self) -> "Tensor":
        """The square root."""
        y = in_floating_point(np.sqrt, self._data)
        return record(y, "sqrt", (self,), (lambda s: s / (2 * y),), keeps_result=True)

    def abs(self) -> "Tensor":
        """The absolute value; its slope at 0 is taken for 0, and that at NaN, like PyTorch's."""
        sign = np.nan_to_num(np.sign(self._data))
        return record(np.abs(self._data), "abs", (self,), (lambda s: s * sign,))

    __abs__ = abs

    def tanh(self) -> "Tensor":
        """The hyperbolic tangent."""
        y = in_floating_point(np.tanh, self._data)
        return record(y, "tanh", (self,), (lambda s: s * (1 - y * y),), keeps_result=True)

    def sigmoid(self) -> "Tensor":
        """The logistic function, ``1 / (1 + exp(-z))``; nothing overflows, and small values are exact."""
        y = in_floating_point(logistic, self._data)
        return record(y, "sigmoid", (self,), (lambda s: s * y * (1 - y),), keeps_result=True)

    def relu(self) -> "Tensor":
        """``max(0, z)``; its slope at 0 is taken for 0."""
        on = ~(self._data <= 0)  # where the entry is NaN as well, like PyTorch
        return record(np.maximum(self._data, 0), "relu", (self,), (lambda s: masked(s, on),))

    def softplus(self) -> "Tensor":
        """``log(1 + exp(z))``, computed so that nothing overflows."""
        x = self._data
        value = in_floating_point(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), x)
        return record(value, "softplus", (self,), (lambda s: s * in_floating_point(logistic, x),), needed=(self,))


def _restore(data: np.ndarray, requires_grad: bool, grad: np.ndarray | None) -> Tensor:
    # A tensor from a pickle, or a copy.
    tensor = Tensor(data, requires_grad)
    tensor.grad = grad
    return tensor
