"""Initialization of weights, in place: the schemes of ``torch.nn.init`` under its names, and three of the book's own.

Compared in chapter 07, "Training deep networks". From one generator, the draws are torch's, bit by bit. A weight is
(out, in), or (out, in, *kernel) for a convolution: then fan-in, the number of inputs a unit sums over, is in times the
entries of the kernel, and fan-out likewise. A generator may be on another device than the weight.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from nndl_lib._arguments import check_function, check_model
from nndl_lib._declared import checked, number, one_of
from nndl_lib.nn._blocks import Highway
from nndl_lib.nn._layer import check_rng

__all__ = ["zeros_", "constant_", "uniform_", "normal_", "calculate_gain", "xavier_uniform_", "xavier_normal_"]
__all__ += ["kaiming_uniform_", "kaiming_normal_", "orthogonal_", "unit_directions_", "spread_hinges_", "initialize"]

_GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
_GAINS |= dict.fromkeys(["linear", "identity", "sigmoid", "conv1d", "conv2d", "conv3d"], 1.0)

_finite, _mode = number(least=-math.inf), one_of("fan_in", "fan_out")


def _finite_or_none(value: float | None, name: str, caller: str) -> float | None:
    return None if value is None else _finite(value, name, caller)


@checked(tensor="any ...")
@torch.no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0, and return the tensor."""
    return tensor.zero_()


@checked(tensor="any ...", val=_finite)
@torch.no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value, and return the tensor."""
    return tensor.fill_(val)


@checked(tensor="...", a=_finite, b=_finite, generator=check_rng)
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Draw from the uniform distribution on a to b, and return the tensor.

    Raises:
        ValueError: a or b is not finite.
        RuntimeError: a is above b.
    """
    return _draw(tensor, lambda values: values.uniform_(a, b, generator=generator), generator)


@checked(tensor="...", mean=_finite, std=number(), generator=check_rng)
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Draw from the normal distribution of this mean and standard deviation, and return the tensor.

    Raises:
        ValueError: mean is not finite, or std negative or not finite.
    """
    return _draw(tensor, lambda values: values.normal_(mean, std, generator=generator), generator)


@checked(tensor="out in ...", gain=number(), generator=check_rng)
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Uniform with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``. Source: as ``xavier_normal_``.

    Raises ValueError where the tensor is no weight.
    """
    bound = math.sqrt(3) * (gain * math.sqrt(2 / sum(_fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


@checked(tensor="out in ...", gain=number(), generator=check_rng)
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Normal with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``, a middle way for signals and gradients.

    Source: Glorot & Bengio (2010), https://proceedings.mlr.press/v9/glorot10a.html. Raises ValueError where the tensor
    is no weight.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), generator)


@checked(tensor="out in ...", mode=_mode, generator=check_rng)
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Uniform with the standard deviation of ``kaiming_normal_``. Errors as for that."""
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@checked(tensor="out in ...", mode=_mode, generator=check_rng)
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Normal with standard deviation ``gain / sqrt(fan)``: with ``"relu"`` or the defaults, ``sqrt(2 / fan_in)``.

    Args:
        a: the negative slope, for leaky_relu.
        mode: "fan_in" keeps the size of the signals, "fan_out" that of the gradients.
        nonlinearity: as in ``calculate_gain``.

    Source: He et al. (2015), https://arxiv.org/abs/1502.01852.

    Raises:
        ValueError: the tensor is no weight, or mode or nonlinearity is unknown.
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


@checked(tensor="out in ...", gain=_finite, generator=check_rng)
@torch.no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """``gain`` times a matrix whose rows are orthonormal, or its columns where these are fewer, uniform among them all.

    A convolution's weight counts as (out, in times kernel). Source: Saxe, McClelland & Ganguli (2014),
    https://arxiv.org/abs/1312.6120. Raises ValueError where the tensor is no weight.
    """
    rows, columns = len(tensor), tensor[0].numel()
    values = normal_(tensor.new_empty(rows, columns), generator=generator)
    Q, R = torch.linalg.qr(values.T if rows < columns else values)
    Q = Q * R.diagonal().sign()  # else Q would not be uniform: QR alone prefers some signs
    return tensor.copy_((Q.T if rows < columns else Q).reshape(tensor.shape)).mul_(gain)


@checked(nonlinearity=one_of(*_GAINS, "leaky_relu"), param=_finite)
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights should be larger than for linear units, torch's: sqrt(2) for relu, 5/3 for tanh.

    Args:
        nonlinearity: linear, identity, sigmoid, tanh, relu, leaky_relu or selu, or conv1d to conv3d.
        param: the negative slope, for leaky_relu; 0.01 where it is None.

    Raises:
        ValueError: the nonlinearity is unknown, or param is not a number.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    return _GAINS[nonlinearity]


@checked(tensor="out in ...", generator=check_rng)
@torch.no_grad()
def unit_directions_(tensor: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Rows of norm 1, in directions that are uniform on the sphere: normal draws, each divided by its norm.

    So every unit measures along its own direction, in the unit of its inputs, whatever their number. Raises ValueError
    where the tensor is no weight.
    """
    rows = normal_(tensor, generator=generator).reshape(len(tensor), -1)
    return tensor.div_(torch.linalg.vector_norm(rows, dim=1).reshape(-1, *[1] * (tensor.ndim - 1)))


@checked(weight="M D", bias="M", X="N D", generator=check_rng)
@torch.no_grad()
def spread_hinges_(weight: Tensor, bias: Tensor, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Set each bias so that its unit's hinge passes through an example: ``b_j = -w_j . x`` for an x drawn from X.

    The hinge of a ReLU is where its pre-activation is 0. With biases of 0, all hinges pass through the origin, wherever
    the data lie; so they are spread over the data. Examples are drawn with replacement.

    Args:
        weight: (M, D), as it is. bias: (M,), changed in place and returned. X: (N, D), what the layer takes in.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together, or X has no row.
    """
    device = X.device if generator is None else generator.device
    rows = torch.randint(len(X), (len(weight),), generator=generator, device=device).to(X.device)
    return bias.copy_(-(weight * X[rows]).sum(dim=1))


@checked(model=check_model, scheme=check_function, bias=_finite_or_none)
@torch.no_grad()
def initialize(
    model: torch.nn.Module, scheme: Callable[..., Tensor], bias: float | None = 0.0, **options
) -> torch.nn.Module:
    """Apply a scheme to the weight of every layer, in order, ``scheme(weight, **options)``, and return the model.

    A layer is a module whose ``weight`` has at least two dimensions, so that batch and layer normalization stay as they
    are. Where the weight is reparametrized by ``nn.weight_norm``, lengths and directions are set from what is drawn.

    Args:
        scheme: such as ``kaiming_normal_``. options: what it takes beside the weight, such as the generator.
        bias: what the layers' biases are set to; None leaves them. Those of a ``Highway``'s gate stay in any case.

    Raises:
        ValueError: the model has no layer.
    """
    of_layers = ((module, getattr(module, "weight", None)) for module in model.modules())
    layers = {layer: weight for layer, weight in of_layers if isinstance(weight, Tensor) and weight.ndim >= 2}
    if not layers:
        raise ValueError(f"initialize: {type(model).__name__} has no weight (out, in); expected at least one")
    gates = [module.gate for module in model.modules() if isinstance(module, Highway)]
    for layer, weight in layers.items():
        if parametrize.is_parametrized(layer, "weight"):
            layer.weight = scheme(weight.clone(), **options)
        else:
            scheme(weight, **options)
        shift = getattr(layer, "bias", None)
        if bias is not None and layer not in gates and isinstance(shift, Tensor):
            shift.fill_(bias)
    return model


@torch.no_grad()
def _draw(tensor: Tensor, draw: Callable[[Tensor], Tensor], generator: torch.Generator | None) -> Tensor:
    if generator is None or generator.device == tensor.device:
        return draw(tensor)
    return tensor.copy_(draw(torch.empty_like(tensor, device=generator.device)))


def _fans(weight: Tensor) -> tuple[int, int]:
    kernel = math.prod(weight.shape[2:])
    return weight.shape[1] * kernel, weight.shape[0] * kernel


def _kaiming_std(weight: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan_in, fan_out = _fans(weight)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode == "fan_in" else fan_out)
