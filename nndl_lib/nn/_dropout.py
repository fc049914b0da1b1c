"""Dropout as a module. Derived in chapter 08, "Regularization and generalization"."""

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional


class Dropout(torch.nn.Module):
    """In training, each entry is 0 with probability p, else divided by ``1 - p``; in evaluation the input itself.

    ``functional.dropout`` as a module, which draws from its own generator, where it has one.
    """

    def __init__(self, p: float = 0.5, *, generator: torch.Generator | None = None):
        """Take the probability. Raises ValueError where p is outside 0 to below 1, or generator is no generator."""
        super().__init__()
        arguments.check_generator(generator, "generator", "Dropout", optional=True)
        arguments.check_number(p, "p", "Dropout", below=1)
        self.p, self.generator = p, generator

    def forward(self, input: Tensor) -> Tensor:
        """The input, of any shape, with entries dropped."""
        return functional.dropout(input, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        """The probability, for ``print``."""
        return f"p={self.p}"
