"""The computation graph: its nodes, whether operations are noted down, and the way back from a number to all others."""

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import numpy as np

from nndl_lib.autograd._arrays import check_flag

_recording = ContextVar("recording", default=True)  # each thread has its own


@contextmanager
def no_grad():
    """Within ``with no_grad():`` nothing is noted down: results require no gradient, and leaves may be changed."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def is_grad_enabled() -> bool:
    """Whether operations are noted down: False within ``no_grad``."""
    return _recording.get()


class _Memory:
    """What tensors with the same memory share: how often it was changed in place, and which of them are views."""

    __slots__ = ("changes", "views")

    def __init__(self) -> None:
        self.changes = 0
        self.views: WeakSet[Node] | None = None

    def share_with(self, view: "Node") -> None:
        self.views = WeakSet() if self.views is None else self.views
        self.views.add(view)
        view._memory = self


class Node:
    """A node of the computation graph: an array, and how it was computed. What can be done with it is in ``Tensor``."""

    __slots__ = (
        *("_data", "_keeps", "_memory", "_messages", "_needed", "_replaced", "_requires_grad"),
        *("grad", "op", "parents", "__weakref__"),
    )

    def __init__(self, array: np.ndarray):
        self._data, self._memory = array, _Memory()
        self.op = "leaf"
        self.parents: tuple[Node, ...] = ()
        self._messages: tuple[Callable[[np.ndarray], np.ndarray], ...] = ()
        self._needed: tuple[tuple[_Memory, int, tuple[int, ...]], ...] = ()
        self.grad: np.ndarray | None = None
        self._requires_grad = self._keeps = self._replaced = False

    def _note(
        self, op: str, parents: tuple["Node", ...], messages: tuple[Callable, ...], needed: tuple["Node", ...]
    ) -> None:
        """Note down how this node was computed, and of which nodes backward will need the values as they are now."""
        self._requires_grad, self.op, self.parents, self._messages = True, op, parents, messages
        # Of those nodes only the memory is kept: one of them may be this node, and a circle would not be freed at once.
        self._needed = tuple((node._memory, node._memory.changes, node.shape) for node in needed)

    @property
    def data(self) -> np.ndarray:
        """The array. Assigning other values counts as a change in place; they are copied."""
        self._check_current()
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._check_current()
        new = np.asarray(value)
        if new.shape != self.shape:
            raise ValueError(f"Tensor.data: the new data have shape {new.shape}; expected {self.shape}")
        self._check_kind(new)
        self._memory.changes += 1
        if new is not self._data:  # else it is what `t.data -= step` has left: the same array
            self._data, self._memory = np.array(new, self.dtype), _Memory()

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are wanted, for this tensor or for one that it was computed from. Leaves may change it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        check_flag(value, "requires_grad")
        if value and self._data.dtype.kind != "f":
            raise ValueError(f"Tensor: the data are {self.dtype}; a gradient needs a floating-point dtype")
        if self.parents:
            raise ValueError(f"requires_grad: this is the result of {self.op}; expected a leaf, such as t.detach()")
        self._requires_grad = bool(value)

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
        origin = f", op={self.op}" if self.parents else ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({text}{origin})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else super().__format__(spec)

    def item(self) -> float:
        """The one entry, as a Python number."""
        return self.data.item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self.data.item())

    def __bool__(self) -> bool:
        if self._data.size != 1:
            raise ValueError(
                f"bool: the tensor has shape {self.shape}; expected one entry, or .data.any() or .data.all()"
            )
        return bool(self.item())

    def numpy(self) -> np.ndarray:
        """The array itself, not a copy."""
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        # NumPy's functions, and lists that are made arrays, would lose the gradient.
        if self.requires_grad and is_grad_enabled():
            raise ValueError(
                f"NumPy: this tensor of shape {self.shape} requires a gradient, which an array would lose; "
                "expected t.detach(), or stack for a list of tensors"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    def _check_current(self) -> None:
        """Raises: ValueError where an operator such as ``+=`` has put another tensor in the place of this one."""
        if self._replaced:
            raise ValueError(
                "in-place change: while operations are noted down, a += b makes a new tensor, and this is the old one "
                "under another name; expected a = a + b where the old one is still needed"
            )

    def _check_kind(self, new: np.ndarray) -> None:
        """Raises: ValueError where writing ``new`` into this tensor would cut off what is behind the point."""
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise ValueError(
                f"in-place change: new data of {new.dtype} for a tensor of {self.dtype}; expected data that fit"
            )

    def retain_grad(self) -> "Node":
        """Keep the gradient of a tensor that is not a leaf, too. Returns the tensor."""
        if not self._requires_grad:
            raise ValueError("retain_grad: this tensor requires no gradient; expected one that does")
        self._keeps = True
        return self

    def backward(self, gradient: Any = None) -> None:
        """Add the gradient of this number to the ``grad`` of every leaf that it was computed from.

        The graph stays, so that a second call adds the same once more, as PyTorch's does with ``retain_graph=True``.

        Args:
            gradient: the error signal of this tensor, in its shape; 1 for a single number where it is not given.

        Raises:
            ValueError: this tensor requires no gradient, is not a single number and no gradient is given, the gradient
                has another shape, a value that is needed was changed in place, or a ``grad`` was set to something of
                another shape.
        """
        self._check_current()
        for node, signal in error_signals(self, gradient):
            if not node.parents or node._keeps:
                total = np.array(signal if node.grad is None else node.grad + signal, dtype=node.dtype)
                if total.shape != node.shape:
                    raise ValueError(
                        f"backward: with what grad was set to, its shape is {total.shape}; expected {node.shape}"
                    )
                node.grad = total


def error_signals(end: Node, gradient: Any = None) -> Iterator[tuple[Node, np.ndarray]]:
    """The pairs of a tensor and its error signal, from ``end`` back: a signal is complete when its pair comes.

    ``backward`` is a loop over them that adds those of the leaves to their ``grad``. A signal has the shape and the
    dtype of its tensor.

    Raises: ValueError as ``backward`` does.
    """
    order = topological_order(end)
    signals = {id(end): _first_signal(end, gradient)}
    for node in reversed(order):
        signal = signals.pop(id(node))
        yield node, signal
        if not node.parents:
            continue
        for memory, changes, shape in node._needed:
            if memory.changes != changes:
                raise ValueError(f"backward: {node.op} needs a value of shape {shape} that was changed in place")
        for parent, message in zip(node.parents, node._messages):
            if parent._requires_grad:
                known, sent = signals.get(id(parent)), message(signal)
                signals[id(parent)] = np.asarray(sent if known is None else known + sent, dtype=parent._data.dtype)


def _first_signal(end: Node, gradient: Any) -> np.ndarray:
    if not end.requires_grad:
        raise ValueError("backward: this tensor requires no gradient, and nothing that it was computed from does")
    if gradient is None:
        if end._data.size != 1:
            raise ValueError(f"backward: the tensor has shape {end.shape}; expected one number, or pass its gradient")
        return np.ones_like(end._data)
    gradient = gradient._data if isinstance(gradient, Node) else np.asarray(gradient)
    if gradient.shape != end.shape or gradient.dtype.kind not in "biuf":
        raise ValueError(
            f"backward: gradient has shape {gradient.shape} of {gradient.dtype} and the tensor {end.shape}; "
            "expected the same shape, and real numbers"
        )
    return gradient.astype(end.dtype)


def topological_order(end: Node) -> list[Node]:
    """All that a tensor was computed from and that requires a gradient, each after its parents; the tensor is the last.

    Found without recursion: a chain of any length will do. Raises: ValueError where end is no tensor of this package.
    """
    if not isinstance(end, Node):
        raise ValueError(f"topological_order: end is of type {type(end)}; expected an autograd.Tensor")
    waiting, to_visit = {id(end): 0}, [end]  # how many children have not been placed yet
    while to_visit:
        for parent in to_visit.pop().parents:
            if parent._requires_grad:
                if id(parent) not in waiting:
                    waiting[id(parent)] = 0
                    to_visit.append(parent)
                waiting[id(parent)] += 1
    order, ready = [], [end]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            if parent._requires_grad:
                waiting[id(parent)] -= 1
                if waiting[id(parent)] == 0:
                    ready.append(parent)
    return order[::-1]
