"""What operations are made of: their operands as arrays of one dtype, and their result, noted down."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from nndl_lib.autograd._graph import Node, is_grad_enabled

KINDS = {"b": 0, "i": 1, "u": 1, "f": 2}  # NumPy's letters for bool, integers with and without a sign, floating-point
N = TypeVar("N", bound=Node)


def record(
    value: np.ndarray,
    op: str,
    parents: tuple[N, ...],
    messages: tuple[Callable, ...],
    needed: tuple[N, ...] = (),
    keeps_result: bool = False,
) -> N:
    """The result of an operation: with what it takes to go back, if that is wanted.

    Args:
        value: the array of the result. op: the name of the operation.
        messages: one for each parent, a function of the error signal of the result. It gives an array of the parent's
            shape, and is called where the parent requires a gradient.
        needed: the tensors whose arrays the messages are computed from.
        keeps_result: whether the result is one of them.
    """
    result = object.__new__(type(parents[0]))
    Node.__init__(result, np.asarray(value))
    for parent in parents:
        parent._check_current()
    if np.may_share_memory(result._data, parents[0]._data):
        parents[0]._memory.share_with(result)
    if is_grad_enabled() and any(parent._requires_grad for parent in parents):
        result._note(op, parents, messages, (*needed, result) if keeps_result else needed)
    return result


def as_tensors(kind: type[N], *values: Any) -> tuple[list[N], list[np.ndarray]]:
    """Values as tensors of a class, and their arrays in the dtype that they have together, by PyTorch's rules.

    Floating-point dtypes outrank integers, and these bool. Among those of the highest kind, what has axes decides; if
    nothing has, 0-d tensors and arrays; if there is none either, the single numbers of Python and NumPy.
    """
    single = [isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)) for value in values]
    # As arrays, for an integer that is made a tensor alone becomes float64.
    as_is = [np.asarray(v) if one and abs(v) < 2**63 else v for v, one in zip(values, single)]
    tensors = [v if isinstance(v, kind) else kind(v) for v in as_is]
    for tensor in tensors:
        tensor._check_current()
    dtypes = [tensor.dtype for tensor in tensors]
    if len(set(dtypes)) <= 1:
        return tensors, [tensor._data for tensor in tensors]
    ranks = [(KINDS[tensor.dtype.kind], tensor.ndim > 0, not one) for tensor, one in zip(tensors, single)]
    dtype = np.result_type(*(dtype for dtype, rank in zip(dtypes, ranks) if rank == max(ranks)))
    tensors = [kind(np.asarray(v, dtype)) if one else tensor for v, one, tensor in zip(values, single, tensors)]
    return tensors, [tensor._data.astype(dtype, copy=False) for tensor in tensors]


def broadcast(kind: type[N], op: str, *values: Any) -> tuple[list[N], list[np.ndarray]]:
    """``as_tensors``, for operations entry by entry. Raises: ValueError where the shapes do not broadcast."""
    tensors, arrays = as_tensors(kind, *values)
    shapes = [array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"{op}: shapes {' and '.join(map(str, shapes))} do not broadcast against each other") from None
    return tensors, arrays


def each_for_the_other(a: N, b: N) -> tuple[N, ...]:
    # A factor is needed for the message to the other one, if that wants it.
    return tuple(factor for factor, other in ((a, b), (b, a)) if other.requires_grad)
