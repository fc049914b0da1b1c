"""Sequences of different lengths, padded to one length T.

Sequences are (T, N, ...) here, lengths (N,) of int64 on the same device, or None where all last to the end.
"""

import torch
from torch import Tensor


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
