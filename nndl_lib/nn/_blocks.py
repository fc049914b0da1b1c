"""Blocks with a shortcut from input to output, and deep networks made of them. Derived in chapter 07."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional
from nndl_lib.nn._activations import ReLU
from nndl_lib.nn._linear import Linear


class Residual(torch.nn.Module):
    """``x + block(x)``: the block learns the change. Source: He et al. (2016), https://arxiv.org/abs/1512.03385."""

    def __init__(self, block: torch.nn.Module, shortcut: torch.nn.Module | None = None):
        """Take the block, and a module in place of the identity, such as a projection to another width."""
        super().__init__()
        for name, module in (("block", block), ("shortcut", block if shortcut is None else shortcut)):
            arguments.check_function(module, name, "Residual", classes=False)
        self.block, self.shortcut = block, shortcut

    def forward(self, input: Tensor) -> Tensor:
        """The sum, in the shape of both. Raises ValueError where those shapes differ; nothing broadcasts."""
        y = self.block(input)
        through, name = (input, "input") if self.shortcut is None else (self.shortcut(input), "shortcut(input)")
        if y.shape != through.shape:
            raise ValueError(
                f"Residual: {name} has shape {tuple(through.shape)} and block(input) {tuple(y.shape)}; "
                "expected the same shape for both"
            )
        return through + y


class Highway(torch.nn.Module):
    """``T h + (1 - T) x``: a layer h of x, and a gate ``T = sigmoid(W x + b)`` that says, unit by unit, how much of it.

    Source: Srivastava, Greff & Schmidhuber (2015), https://arxiv.org/abs/1505.00387.

    Attributes:
        transform: the layer, ``activation(norm(linear(x)))``. gate: the ``Linear`` whose sigmoid is T.
    """

    def __init__(
        self,
        features: int,
        activation: Callable[[], torch.nn.Module] = ReLU,
        gate_bias: float = -2.0,
        norm: Callable[[int], torch.nn.Module] | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
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
        arguments.check_number(gate_bias, "gate_bias", "Highway", least=-math.inf)
        options = {"generator": generator, "dtype": dtype, "device": device}
        self.transform = _layer(features, features, activation, norm, options)
        self.gate = Linear(features, features, **options)
        with torch.no_grad():
            self.gate.bias.fill_(gate_bias)

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (..., features) of inputs (..., features)."""
        h = self.transform(input)
        return input + functional.sigmoid(self.gate(input)) * (h - input)


class Dense(torch.nn.Module):
    """Input and output side by side, ``[x, block(x)]``.

    Source: Huang et al. (2017), https://arxiv.org/abs/1608.06993.
    """

    def __init__(self, block: torch.nn.Module, dim: int = -1):
        """Take the block, and the dimension of the features: -1 for rows (N, D), 1 for images (N, C, H, W)."""
        super().__init__()
        arguments.check_function(block, "block", "Dense", classes=False)
        self.block, self.dim = block, arguments.check_integer(dim, "dim", "Dense")

    def forward(self, input: Tensor) -> Tensor:
        """The input with the block's features after its own. Raises ValueError where shapes differ in another dimension."""
        y = self.block(input)
        if input.ndim == y.ndim and -input.ndim <= self.dim < input.ndim:
            if input.narrow(self.dim, 0, 0).shape == y.narrow(self.dim, 0, 0).shape:
                return torch.cat([input, y], dim=self.dim)
        raise ValueError(
            f"Dense: input has shape {tuple(input.shape)} and block(input) {tuple(y.shape)}; "
            f"expected shapes that differ in dimension {self.dim} alone"
        )


def deep_mlp(
    inputs: int,
    width: int,
    outputs: int,
    depth: int,
    kind: str = "plain",
    activation: Callable[[], torch.nn.Module] = ReLU,
    norm: Callable[[int], torch.nn.Module] | None = None,
    growth: int = 8,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> torch.nn.Sequential:
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
    caller = "deep_mlp"
    for name, size, least in (
        *(("inputs", inputs, 1), ("width", width, 1), ("outputs", outputs, 1)),
        *(("depth", depth, 2), ("growth", growth, 1)),
    ):
        arguments.check_count(size, name, caller, least)
    options = {"generator": generator, "dtype": dtype, "device": device}
    if kind == "plain":
        layers = [_layer(inputs if k == 0 else width, width, activation, norm, options) for k in range(depth - 1)]
        return torch.nn.Sequential(*layers, Linear(width, outputs, **options))
    if kind == "highway":
        layers = [_layer(inputs, width, activation, norm, options)]
        layers += [Highway(width, activation, norm=norm, **options) for _ in range(depth - 2)]
        return torch.nn.Sequential(*layers, Linear(width, outputs, **options))
    if kind not in ("residual", "dense"):
        raise ValueError(f"{caller}: kind is {kind!r}; expected 'plain', 'residual', 'highway' or 'dense'")
    layers = [Linear(inputs, width, **options)]
    for _ in range(depth - 2):
        if kind == "residual":
            layers.append(Residual(_layer(width, width, activation, norm, options, last=True)))
        else:
            layers.append(Dense(_layer(width, growth, activation, norm, options, last=True)))
            width += growth
    return torch.nn.Sequential(*layers, _layer(width, outputs, activation, norm, options, last=True))


def _layer(inputs: int, outputs: int, activation, norm, options: dict, last: bool = False) -> torch.nn.Sequential:
    """Linear, norm, activation; or norm, activation, linear, where the linear layer is last."""
    for name, make in (("activation", activation), ("norm", activation if norm is None else norm)):
        arguments.check_function(make, name, "deep_mlp, Highway")
    linear = Linear(inputs, outputs, **options)
    where = {name: options[name] for name in ("dtype", "device") if options[name] is not None}
    normalize = [norm(inputs if last else outputs).to(**where)] if norm is not None else []
    return torch.nn.Sequential(*([*normalize, activation(), linear] if last else [linear, *normalize, activation()]))
