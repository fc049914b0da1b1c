"""Activation functions with their derivatives: entry by entry, of any shape and any floating-point dtype.

Names, arguments and values are those of ``torch.nn.functional``, derived in chapter 04, "Multilayer perceptrons". A NaN
stays a NaN. All raise ValueError where input is not floating-point.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib._declared import checked, number
from nndl_lib.functional._precision import wide


class Activation(NamedTuple):
    """An activation function, its derivative as a function of the pre-activation, and whether it saturates."""

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
    saturates: bool  # the derivative goes to 0 on both sides, as the pre-activation goes to -inf and to +inf


@checked(input="...")
def identity(input: Tensor) -> Tensor:
    """``z`` itself, the activation of a linear unit."""
    return input


@checked(input="...")
def step(input: Tensor) -> Tensor:
    """The hard threshold: 1 where ``z >= 0``, else 0. Its gradient is 0 everywhere, also at the jump."""
    # sign has a gradient, which is 0; a comparison has none.
    return torch.where(input.isnan(), input, (input.sign() + 1).clamp(max=1))


@checked(input="...")
def sigmoid(input: Tensor) -> Tensor:
    """The logistic function ``1 / (1 + exp(-z))``."""
    return torch.sigmoid(wide(input)).to(input.dtype)  # by the formula, exp would overflow, and the gradient be NaN


@checked(input="...")
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, ``2 sigmoid(2 z) - 1``."""
    return torch.tanh(input)


@checked(input="...")
def relu(input: Tensor) -> Tensor:
    """``max(0, z)``, the rectified linear unit; the gradient at 0 is 0."""
    # Not clamp(min=0): the same values, but the gradient 1 at 0; nor a product with z > 0: 0 * inf is no number.
    return torch.relu(input)


@checked(input="...", negative_slope=number(-math.inf))
def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``z`` where ``z > 0``, else ``negative_slope * z``."""
    return torch.where(input > 0, input, negative_slope * input)


@checked(input="...", alpha=number(-math.inf))
def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``z`` where ``z > 0``, else ``alpha * (exp(z) - 1)``.

    Source: Clevert, Unterthiner & Hochreiter (2016), https://arxiv.org/abs/1511.07289.
    """
    z = wide(input)
    # exp of a large z would overflow to inf, and the gradient of the part not taken to 0 * inf: hence the 0 there. The
    # value is that of expm1, the gradient that of exp: expm1's own is its value plus 1, which in float32 is 0 at -17.
    below = torch.where(z <= 0, z, 0.0)
    e = below.exp()
    return torch.where(z <= 0, alpha * (below.detach().expm1() + (e - e.detach())), z).to(input.dtype)


@checked(input="...")
def softplus(input: Tensor) -> Tensor:
    """``log(1 + exp(z))``, a smooth ``max(0, z)``, which is ``-log(sigmoid(-z))``.

    Exact for every z, where torch's gives z itself above its threshold of 20, 2e-9 too little there.
    """
    return -torch.nn.functional.logsigmoid(-wide(input)).to(input.dtype)


def activations() -> dict[str, Activation]:
    """Every activation by its name, with its derivative, for leaky_relu and elu with their default parameters.

    A derivative takes pre-activations of any shape and returns slopes of that shape. At a kink, ``z = 0``, it is what
    PyTorch's autograd gives: 0 for step and relu, ``negative_slope`` for leaky_relu, 1 for elu.
    """
    return {
        "identity": Activation(identity, torch.ones_like, False),
        "step": Activation(step, torch.zeros_like, True),
        "sigmoid": Activation(sigmoid, lambda z: sigmoid(z) * sigmoid(-z), True),
        "tanh": Activation(tanh, lambda z: 1 - tanh(z) ** 2, True),
        "relu": Activation(relu, lambda z: (z > 0).to(z.dtype), False),
        "leaky_relu": Activation(leaky_relu, lambda z: torch.where(z > 0, torch.ones_like(z), 0.01), False),
        "elu": Activation(elu, lambda z: z.clamp(max=0).exp(), False),
        "softplus": Activation(softplus, sigmoid, False),
    }
