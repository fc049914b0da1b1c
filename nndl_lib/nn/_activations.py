"""The activations of ``nndl_lib.functional`` as modules, entry by entry, of any shape."""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional


class _Activation(torch.nn.Module):
    function = staticmethod(functional.identity)

    def forward(self, input: Tensor) -> Tensor:
        """Activations of the pre-activations, in the same shape."""
        return self.function(input)


class Identity(_Activation):
    """``z`` itself: ``functional.identity`` as a module."""


class Step(_Activation):
    """1 where ``z >= 0``, else 0: ``functional.step`` as a module. No gradient descent trains what is before it."""

    function = staticmethod(functional.step)


class Sigmoid(_Activation):
    """``1 / (1 + exp(-z))``: ``functional.sigmoid`` as a module."""

    function = staticmethod(functional.sigmoid)


class Tanh(_Activation):
    """``tanh(z)``: ``functional.tanh`` as a module."""

    function = staticmethod(functional.tanh)


class ReLU(_Activation):
    """``max(0, z)``: ``functional.relu`` as a module."""

    function = staticmethod(functional.relu)


class Softplus(_Activation):
    """``log(1 + exp(z))``: ``functional.softplus`` as a module."""

    function = staticmethod(functional.softplus)


class LeakyReLU(_Activation):
    """``z`` where positive, else ``negative_slope * z``: ``functional.leaky_relu`` as a module."""

    def __init__(self, negative_slope: float = 0.01):
        super().__init__()
        arguments.check_number(negative_slope, "negative_slope", "LeakyReLU", least=-math.inf)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """Activations of the pre-activations, in the same shape."""
        return functional.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope, for ``print``."""
        return f"negative_slope={self.negative_slope}"


class ELU(_Activation):
    """``z`` where positive, else ``alpha * (exp(z) - 1)``: ``functional.elu`` as a module."""

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        arguments.check_number(alpha, "alpha", "ELU", least=-math.inf)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Activations of the pre-activations, in the same shape."""
        return functional.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """The parameter, for ``print``."""
        return f"alpha={self.alpha}"
