"""What several exercises of the chapter share."""

from torch import Tensor

from nndl_lib.checks._inputs import generator, quarters


def problem(N: int, D: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features X (N, D), targets t (N,) and weights w (D,), in quarters, so that sums of them are exact."""
    g = generator(seed)
    return quarters(N, D, g=g), quarters(N, g=g), quarters(D, g=g)
