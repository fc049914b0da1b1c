"""What several exercises of the chapter share."""

from torch import Tensor

from nndl_lib.checks._inputs import generator, quarters


def _problem(N: int, D: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    g = generator(seed)
    return quarters(N, D, g=g), quarters(N, g=g), quarters(D, g=g)
