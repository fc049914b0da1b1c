"""Dropout as a module. Derived in chapter 08, "Regularization and generalization"."""

import torch
from torch import Tensor

from nndl_lib import functional
from nndl_lib._declared import checked, number
from nndl_lib.nn._layer import Layer, check_rng


class Dropout(Layer):
    """In training, each entry is 0 with probability p, else divided by ``1 - p``; in evaluation the input itself.

    ``functional.dropout`` as a module, which draws from its own generator, where it has one.
    """

    shown = "p="

    @checked(p=number(below=1), generator=check_rng)
    def __init__(self, p: float = 0.5, *, generator: torch.Generator | None = None):
        """Take the probability. Raises ValueError where p is outside 0 to below 1, or generator is no generator."""
        super().__init__()
        self.p, self.generator = p, generator

    def forward(self, input: Tensor) -> Tensor:
        """The input, of any shape, with entries dropped."""
        return functional.dropout(input, self.p, self.training, generator=self.generator)
