"""The precision in which a function computes: half precision is for numbers that lie in memory, not for sums of them."""

import torch
from torch import Tensor

__all__ = ["wide"]


def wide(x: Tensor) -> Tensor:
    """x of float16 or bfloat16 as float32, any other x itself; gradients come back in the dtype of x.

    A float16 ends at 65,504, which is the square of 256, and has 11 binary digits, bfloat16 has 8. So functions that add,
    multiply or exponentiate compute in float32 and round once, at the end, as torch's kernels do.
    """
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
