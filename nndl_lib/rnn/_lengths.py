"""What recurrent networks are given: checks of shapes, and sequences of different lengths, padded to one length T.

Sequences are (T, N, ...) here, lengths (N,) of int64 on the same device, or None where all last to the end.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def check_sequences(x: Tensor, D: int, dtype: torch.dtype, batch_first: bool, caller: str) -> Tensor:
    """Return x as (T, N, D). Raises: ValueError where it has another shape or dtype, or T or N is 0."""
    if x.ndim != 3 or x.shape[2] != D or x.numel() == 0:
        form = f"(N, T, {D})" if batch_first else f"(T, N, {D})"
        raise ValueError(f"{caller}: input has shape {tuple(x.shape)}; expected {form} with T and N of at least 1")
    if x.dtype != dtype:
        raise ValueError(f"{caller}: input is {x.dtype} and the weights are {dtype}; expected the same dtype for both")
    return x.transpose(0, 1) if batch_first else x


def check_states(x: Tensor, hx, names: tuple[str, ...], expected: tuple[int, ...], caller: str) -> list[Tensor]:
    """The parts of a state, a tensor or as many as there are names, zeros where hx is None.

    Raises: ValueError where hx is not of that form, or a part differs from the expected shape, or from the dtype or
    device of x.
    """
    if hx is None:
        return [x.new_zeros(expected) for _ in names]
    if len(names) > 1 and not (isinstance(hx, (tuple, list)) and len(hx) == len(names)):
        what = f"{len(hx)} parts" if isinstance(hx, (tuple, list)) else f"a {type(hx).__name__}"
        what = f"a tensor {tuple(hx.shape)}" if isinstance(hx, Tensor) else what
        raise ValueError(f"{caller}: hx is {what}; expected a pair ({', '.join(names)}), {expected} each")
    if len(names) == 1 and not isinstance(hx, Tensor):
        raise ValueError(f"{caller}: hx is a {type(hx).__name__}; expected a tensor {expected}")
    parts = [hx] if len(names) == 1 else list(hx)
    for name, part in zip(names, parts):
        if not isinstance(part, Tensor):
            raise ValueError(f"{caller}: {name} is a {type(part).__name__}; expected a tensor {expected}")
        if part.shape != expected:
            raise ValueError(
                f"{caller}: {name} has shape {tuple(part.shape)} and the steps of input {tuple(x.shape[1:])}; "
                f"expected {name} {expected}: layers times directions, N, hidden size"
            )
        if part.dtype != x.dtype:
            raise ValueError(
                f"{caller}: {name} is {part.dtype} and input is {x.dtype}; expected the same dtype for both"
            )
        if part.device != x.device:
            raise ValueError(
                f"{caller}: {name} is on {part.device} and input on {x.device}; expected one device for both"
            )
    return parts


def check_lengths(lengths: Tensor | Sequence[int], x: Tensor, caller: str) -> Tensor:
    """Lengths (N,) of the sequences x (T, N, ...), as int64 on the device of x.

    Raises: ValueError where they are not (N,) integers from 1 to T.
    """
    T, N = x.shape[:2]
    try:
        lengths = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{caller}: lengths are {lengths!r}; expected ({N},) integers") from error
    if lengths.shape != (N,) or lengths.is_floating_point() or lengths.dtype == torch.bool:
        raise ValueError(
            f"{caller}: lengths have shape {tuple(lengths.shape)} and dtype {lengths.dtype}; expected ({N},) integers"
        )
    for n in ((lengths < 1) | (lengths > T)).nonzero()[:1, 0].tolist():
        raise ValueError(f"{caller}: lengths[{n}] is {lengths[n].item()}; expected an integer from 1 to T = {T}")
    return lengths.to(x.device, torch.int64)


def until(x: Tensor, lengths: Tensor | None) -> Tensor:
    """x (T, N, ...) with zeros from each sequence's end on, whatever stands there, also a NaN."""
    if lengths is None:
        return x
    after = torch.arange(len(x), device=x.device).unsqueeze(1) >= lengths
    return x.masked_fill(after.reshape(*after.shape, *(1,) * (x.ndim - 2)), 0)


def reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each of the sequences x (T, N, ...) from its own end to its start. What follows an end stays where it is."""
    if lengths is None:
        return x.flip(0)
    t = torch.arange(len(x), device=x.device).unsqueeze(1)
    return x[torch.where(t < lengths, lengths - 1 - t, t), torch.arange(len(lengths), device=x.device)]


def at_end(x: Tensor, lengths: Tensor | None) -> Tensor:
    """The last entry of each of the sequences x (T, N, ...): (N, ...)."""
    return x[-1] if lengths is None else x[lengths - 1, torch.arange(len(lengths), device=x.device)]
