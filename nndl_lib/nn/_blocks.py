"""Blocks with a shortcut from input to output, and deep networks made of them. Derived in chapter 07."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from nndl_lib import functional
from nndl_lib._arguments import check_function, check_integer
from nndl_lib._declared import checked, count, number, one_of
from nndl_lib.nn._activations import ReLU
from nndl_lib.nn._layer import Device
from nndl_lib.nn._linear import Linear

_module = partial(check_function, classes=False)


class Residual(Module):
    """``x + block(x)``: the block learns the change. Source: He et al. (2016), https://arxiv.org/abs/1512.03385."""

    @checked(block=_module, shortcut=_module)
    def __init__(self, block: Module, shortcut: Module | None = None):
        """Take the block, and a module in place of the identity, such as a projection to another width."""
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, input: Tensor) -> Tensor:
        """The sum, in the shape of both. Raises ValueError where those shapes differ; nothing broadcasts."""
        y = self.block(input)
        through, name = (input, "input") if self.shortcut is None else (self.shortcut(input), "shortcut(input)")
        if y.shape != through.shape:
            found = f"{name} has shape {tuple(through.shape)} and block(input) {tuple(y.shape)}"
            raise ValueError(f"Residual: {found}; expected the same shape for both")
        return through + y


class Highway(Module):
    """``T h + (1 - T) x``: a layer h of x, and a gate ``T = sigmoid(W x + b)`` that says, unit by unit, how much of it.

    Source: Srivastava, Greff & Schmidhuber (2015), https://arxiv.org/abs/1505.00387.

    Attributes:
        transform: the layer, ``activation(norm(linear(x)))``. gate: the ``Linear`` whose sigmoid is T.
    """

    @checked(features=count(), activation=check_function, gate_bias=number(least=-math.inf), norm=check_function)
    def __init__(
        self,
        features: int,
        activation: Callable[[], Module] = ReLU,
        gate_bias: float = -2.0,
        norm: Callable[[int], Module] | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights of both layers.

        Args:
            features: the width of input and output.
            gate_bias: where the gate's biases start: below 0 a unit first carries its input on, at -2 to 88 %.
            norm: makes, from the width, the module between the linear layer and the activation.

        Raises:
            ValueError: features is not an integer of at least 1.
        """
        super().__init__()
        self.transform = _layer(features, features, activation, norm, generator, dtype, device)
        self.gate = Linear(features, features, generator=generator, dtype=dtype, device=device)
        with torch.no_grad():
            self.gate.get_parameter("bias").fill_(gate_bias)

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (..., features) of inputs (..., features)."""
        h = self.transform(input)
        return input + functional.sigmoid(self.gate(input)) * (h - input)


class Dense(Module):
    """Input and output side by side, ``[x, block(x)]``.

    Source: Huang et al. (2017), https://arxiv.org/abs/1608.06993.
    """

    @checked(block=_module, dim=check_integer)
    def __init__(self, block: Module, dim: int = -1):
        """Take the block, and the dimension of the features: -1 for rows (N, D), 1 for images (N, C, H, W)."""
        super().__init__()
        self.block, self.dim = block, dim

    def forward(self, input: Tensor) -> Tensor:
        """The input with the block's features after its own. PyTorch says where shapes differ in another dimension."""
        return torch.cat([input, self.block(input)], dim=self.dim)


@checked(
    inputs=count(),
    width=count(),
    outputs=count(),
    depth=count(least=2),
    kind=one_of("plain", "residual", "highway", "dense"),
    activation=check_function,
    norm=check_function,
    growth=count(),
)
def deep_mlp(
    inputs: int,
    width: int,
    outputs: int,
    depth: int,
    kind: str = "plain",
    activation: Callable[[], Module] = ReLU,
    norm: Callable[[int], Module] | None = None,
    growth: int = 8,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: Device = None,
) -> Sequential:
    """An MLP of ``depth`` layers as a ``Sequential`` with one entry a layer, so that ``model[k]`` is layer k + 1.

    - "plain": each hidden layer is linear, norm, activation.
    - "highway": the same, with layers 2 to depth - 1 as ``Highway``.
    - "residual": the first layer is linear; layers 2 to depth - 1 are ``Residual`` of norm, activation, linear; the
      last is norm, activation, linear. In this order the sum passes through no activation (He et al. 2016,
      https://arxiv.org/abs/1603.05027).
    - "dense": the same with ``Dense``, each of whose blocks adds ``growth`` features.

    Args:
        inputs, width, outputs: the widths of the input, the hidden layers and the output.
        depth: the number of layers with weights, hidden ones and the output, at least 2.
        activation: makes a module, such as the class ``Tanh``. norm: makes one from a width, such as ``BatchNorm1d``.
        generator: what the weights are drawn from, layer after layer, as in ``Linear``.

    Raises:
        ValueError: a width, growth or depth is too small or no integer, or kind is none of the four.
    """
    linear = partial(Linear, generator=generator, dtype=dtype, device=device)
    layer = partial(_layer, activation=activation, norm=norm, generator=generator, dtype=dtype, device=device)
    highway = partial(Highway, activation=activation, norm=norm, generator=generator, dtype=dtype, device=device)
    plain = kind in ("plain", "highway")
    layers: list[Module] = [layer(inputs, width) if plain else linear(inputs, width)]
    for _ in range(depth - 2):
        if kind == "plain":
            layers.append(layer(width, width))
        elif kind == "highway":
            layers.append(highway(width))
        elif kind == "residual":
            layers.append(Residual(layer(width, width, last=True)))
        else:
            layers.append(Dense(layer(width, growth, last=True)))
            width += growth
    return Sequential(*layers, linear(width, outputs) if plain else layer(width, outputs, last=True))


def _layer(
    inputs: int,
    outputs: int,
    activation: Callable[[], Module],
    norm: Callable[[int], Module] | None,
    generator: torch.Generator | None,
    dtype: torch.dtype | None,
    device: Device,
    last: bool = False,
) -> Sequential:
    """Linear, norm, activation; or norm, activation, linear, where the linear layer is last."""
    linear = Linear(inputs, outputs, generator=generator, dtype=dtype, device=device)
    norms = [norm(inputs if last else outputs).to(device, dtype)] if norm else []
    return Sequential(*norms, activation(), linear) if last else Sequential(linear, *norms, activation())
