"""The activations of ``nndl_lib.functional`` as modules, entry by entry, of any shape."""

import math

from torch import Tensor

from nndl_lib import functional
from nndl_lib._declared import checked, number
from nndl_lib.nn._layer import Layer


class _Activation(Layer):
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


class LeakyReLU(Layer):
    """``z`` where positive, else ``negative_slope * z``: ``functional.leaky_relu`` as a module."""

    shown = "negative_slope="

    @checked(negative_slope=number(least=-math.inf))
    def __init__(self, negative_slope: float = 0.01):
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """Activations of the pre-activations, in the same shape."""
        return functional.leaky_relu(input, self.negative_slope)


class ELU(Layer):
    """``z`` where positive, else ``alpha * (exp(z) - 1)``: ``functional.elu`` as a module."""

    shown = "alpha="

    @checked(alpha=number(least=-math.inf))
    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Activations of the pre-activations, in the same shape."""
        return functional.elu(input, self.alpha)
