"""The precision in which a function computes: half precision is for numbers that lie in memory, not for their sums."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def autocasts(input: Tensor) -> bool:
    """Whether ``torch.autocast`` is on for the device of the input."""
    return input.device.type != "meta" and torch.is_autocast_enabled(input.device.type)  # torch knows none for "meta"


def without_autocast(input: Tensor) -> AbstractContextManager:
    """A context in which products have the precision of their factors, whatever ``torch.autocast`` makes of others."""
    return torch.autocast(input.device.type, enabled=False) if autocasts(input) else nullcontext()


def wide(input: Tensor) -> Tensor:
    """A tensor of float16 or bfloat16 as float32, any other itself; gradients come back in the dtype of the input.

    A float16 ends at 65,504, which is the square of 256, and has 11 binary digits, bfloat16 has 8. So functions that
    add, multiply or exponentiate compute in float32 and round once, at the end, as torch's kernels do.
    """
    return input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
