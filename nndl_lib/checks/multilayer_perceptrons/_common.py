"""What several exercises of the chapter share."""

import torch
from torch import Tensor

from nndl_lib.checks._inputs import signed_quarters


def _layers(sizes: list[int], g: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return [(signed_quarters(M, D, g=g), signed_quarters(M, g=g)) for D, M in zip(sizes, sizes[1:])]
