"""Modules: a linear layer, the activations, and the multilayer perceptron, with the state of PyTorch's own.

Derived in chapter 04, "Multilayer perceptrons". Parameters have the names, shapes and default distribution that they
have in ``torch.nn``, so that a state dict goes both ways. A row of X is an example.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nndl_lib import arguments, functional

__all__ = ["ELU", "MLP", "Identity", "LeakyReLU", "Linear", "ReLU", "Sigmoid", "Softplus", "Step", "Tanh"]


class Linear(torch.nn.Module):
    """A layer of linear units: ``z = W x + b`` for each row x of the input, that is ``X W' + b``.

    Attributes:
        weight: (out_features, in_features), drawn uniformly from -1/sqrt(in_features) to 1/sqrt(in_features).
        bias: (out_features,), drawn likewise; None without bias.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        Raises:
            ValueError: a number of features is not an integer of at least 1.
        """
        super().__init__()
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            arguments.check_count(size, name, "Linear")
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(in_features)

        def draw(*shape: int) -> torch.nn.Parameter:
            values = torch.empty(shape, dtype=dtype, device=device if generator is None else generator.device)
            return torch.nn.Parameter(values.uniform_(-bound, bound, generator=generator).to(device))

        self.weight = draw(out_features, in_features)
        self.bias = draw(out_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Pre-activations (..., out_features) of inputs (..., in_features).

        Raises:
            ValueError: x has another number of columns, or another dtype than the weights.
        """
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"Linear: x has shape {tuple(x.shape)} and weight {tuple(self.weight.shape)}; "
                f"expected x (..., {self.in_features})"
            )
        if x.dtype != self.weight.dtype:
            raise ValueError(f"Linear: x is {x.dtype} and weight is {self.weight.dtype}; expected the same dtype for both")
        if self.bias is None:
            return x @ self.weight.T
        if x.ndim == 2:
            return torch.addmm(self.bias, x, self.weight.T)  # the line below in one pass
        return x @ self.weight.T + self.bias

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class _Activation(torch.nn.Module):
    function = staticmethod(functional.identity)

    def forward(self, z: Tensor) -> Tensor:
        """Activations of pre-activations z, in the same shape."""
        return self.function(z)


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
        self.negative_slope = negative_slope

    def forward(self, z: Tensor) -> Tensor:
        """Activations of pre-activations z, in the same shape."""
        return functional.leaky_relu(z, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope, for ``print``."""
        return f"negative_slope={self.negative_slope}"


class ELU(_Activation):
    """``z`` where positive, else ``alpha * (exp(z) - 1)``: ``functional.elu`` as a module."""

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, z: Tensor) -> Tensor:
        """Activations of pre-activations z, in the same shape."""
        return functional.elu(z, self.alpha)

    def extra_repr(self) -> str:
        """The parameter, for ``print``."""
        return f"alpha={self.alpha}"


class MLP(torch.nn.Sequential):
    """A multilayer perceptron: linear layers, an activation after each but the last, whose outputs are the logits.

    ``MLP([64, 100, 10])`` has the layers of ``Sequential(Linear(64, 100), ReLU(), Linear(100, 10))``, and the keys of
    its state: "0.weight", "0.bias", "2.weight", "2.bias".
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[], torch.nn.Module] = ReLU,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Make the layers in order.

        Args:
            sizes: the width of the input, of each hidden layer and of the output: L + 1 numbers for L layers.
            activation: makes the module that goes after a hidden layer: a class such as ``Tanh``, or a function such
                as ``lambda: LeakyReLU(0.2)``.
            generator: what the weights are drawn from, as in ``Linear``.

        Raises:
            ValueError: there are fewer than two sizes, or one is not an integer of at least 1.
        """
        sizes = list(sizes)
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes are {sizes}; expected at least two: the input's width and the output's")
        for k, size in enumerate(sizes):
            arguments.check_count(size, f"sizes[{k}]", "MLP")
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [Linear(inputs, outputs, device=device, dtype=dtype, generator=generator), activation()]
        super().__init__(*layers[:-1])

    def __getitem__(self, index: int | slice) -> torch.nn.Module:
        # A part of an MLP is a Sequential, which Sequential itself would try to make as an MLP.
        return torch.nn.Sequential(OrderedDict(self._modules))[index]

    def hidden(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Follow x (..., sizes[0]) through the L layers: the pair (pre-activation, activation) of each.

        Both of layer ``l`` have shape (..., sizes[l]), with l from 1 to L. The last layer has no activation: its pair
        is twice the logits, equal to ``self(x)``.
        """
        pairs = []
        for k in range(0, len(self), 2):
            z = self[k](x)
            x = self[k + 1](z) if k + 1 < len(self) else z
            pairs.append((z, x))
        return pairs
