"""Changes in place: new entries where nothing is noted down, and a new tensor in the old one's place where it is."""

from typing import Any, TypeVar

import numpy as np

from nndl_lib.autograd._arrays import frozen
from nndl_lib.autograd._graph import Node, is_grad_enabled
from nndl_lib.autograd._results import record

C = TypeVar("C", bound="Changeable")


class Changeable(Node):
    """A node whose entries may change, and that knows when they must not."""

    __slots__ = ()

    def __setitem__(self, index, value) -> None:
        value = value if isinstance(value, type(self)) else type(self)(np.asarray(value))
        if is_grad_enabled() and self.requires_grad:
            kind = "a leaf that requires a gradient" if not self.parents else f"the result of {self.op}"
            raise ValueError(f"in-place change: this is {kind}; expected it under no_grad, or a new tensor")
        if is_grad_enabled() and value.requires_grad:
            raise ValueError(
                "in-place change: the new entries require a gradient, which they would lose here; "
                "expected stack, concatenate or where, which make a new tensor"
            )
        self._write(frozen(index), value.data)

    def _become(self: C, value: C) -> C:
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
            value = record(value._data.astype(self.dtype), "astype", (value,), (lambda s: s,))
        self._replaced, self._keeps, value._keeps = True, False, self._keeps
        return value

    def _write(self, index: Any, value: np.ndarray) -> None:
        self._check_kind(value)
        self.data[index] = value
        self._memory.changes += 1
