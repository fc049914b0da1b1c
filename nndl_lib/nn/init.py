"""Initialization of weights, in place: the schemes of ``torch.nn.init`` under its names, and three of the book's own.

Compared in chapter 07, "Training deep networks". From one generator, the draws are torch's, bit by bit. A weight is
(out, in), or (out, in, *kernel) for a convolution: then fan-in, the number of inputs a unit sums over, is in times the
entries of the kernel, and fan-out likewise. A generator may be on another device than the weight.
"""

import math
from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from nndl_lib import _arguments as arguments
from nndl_lib.nn._blocks import Highway

__all__ = [
    "calculate_gain",
    "constant_",
    "initialize",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "orthogonal_",
    "spread_hinges_",
    "uniform_",
    "unit_directions_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

_GAINS = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
_GAINS |= dict.fromkeys(["linear", "identity", "sigmoid", "conv1d", "conv2d", "conv3d"], 1.0)


@torch.no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0, and return the tensor."""
    arguments.check_tensors("zeros_", tensor=tensor)
    return tensor.zero_()


@torch.no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value, and return the tensor."""
    arguments.check_tensors("constant_", tensor=tensor)
    arguments.check_number(val, "val", "constant_", least=-math.inf)
    return tensor.fill_(val)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Draw from the uniform distribution on a to b, and return the tensor.

    Raises:
        ValueError: a or b is not finite, or a is above b.
    """
    numbers = isinstance(a, Real) and isinstance(b, Real) and not isinstance(a, bool) and not isinstance(b, bool)
    if not (numbers and -math.inf < a <= b < math.inf):
        raise ValueError(f"uniform_: a is {a} and b is {b}; expected finite numbers with a <= b")
    return _draw(tensor, lambda values: values.uniform_(a, b, generator=generator), generator, "uniform_")


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Draw from the normal distribution of this mean and standard deviation, and return the tensor.

    Raises:
        ValueError: mean is not finite, or std negative or not finite.
    """
    arguments.check_number(mean, "mean", "normal_", least=-math.inf)
    arguments.check_number(std, "std", "normal_")
    return _draw(tensor, lambda values: values.normal_(mean, std, generator=generator), generator, "normal_")


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Uniform with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``. Source: as ``xavier_normal_``.

    Raises ValueError where the tensor is no weight.
    """
    arguments.check_number(gain, "gain", "xavier_uniform_")
    bound = math.sqrt(3) * (gain * math.sqrt(2 / sum(_fans(tensor, "xavier_uniform_"))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Normal with standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``, a middle way for signals and gradients.

    Source: Glorot & Bengio (2010), https://proceedings.mlr.press/v9/glorot10a.html. Raises ValueError where the tensor
    is no weight.
    """
    arguments.check_number(gain, "gain", "xavier_normal_")
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor, "xavier_normal_"))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Uniform with the standard deviation of ``kaiming_normal_``. Errors as for that."""
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_uniform_")
    return uniform_(tensor, -bound, bound, generator)


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
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_normal_"), generator)


@torch.no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """``gain`` times a matrix whose rows are orthonormal, or its columns where these are fewer, uniform among them all.

    A convolution's weight counts as (out, in times kernel). Source: Saxe, McClelland & Ganguli (2014),
    https://arxiv.org/abs/1312.6120. Raises ValueError where the tensor is no weight.
    """
    _fans(tensor, "orthogonal_")
    arguments.check_number(gain, "gain", "orthogonal_", least=-math.inf)
    rows, columns = len(tensor), tensor[0].numel()
    values = normal_(tensor.new_empty(rows, columns), generator=generator)
    Q, R = torch.linalg.qr(values.T if rows < columns else values)
    Q = Q * R.diagonal().sign()  # else Q would not be uniform: QR alone prefers some signs
    return tensor.copy_((Q.T if rows < columns else Q).reshape(tensor.shape)).mul_(gain)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights should be larger than for linear units, torch's: sqrt(2) for relu, 5/3 for tanh.

    Args:
        nonlinearity: linear, identity, sigmoid, tanh, relu, leaky_relu or selu, or conv1d to conv3d.
        param: the negative slope, for leaky_relu; 0.01 where it is None.

    Raises:
        ValueError: the nonlinearity is unknown, or param is not a number.
    """
    slope = arguments.check_number(0.01 if param is None else param, "param", "calculate_gain", least=-math.inf)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + slope**2))
    if not isinstance(nonlinearity, str) or nonlinearity not in _GAINS:
        known = ", ".join(_GAINS)
        raise ValueError(f"calculate_gain: nonlinearity is {nonlinearity!r}; expected {known} or leaky_relu")
    return _GAINS[nonlinearity]


@torch.no_grad()
def unit_directions_(tensor: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Rows of norm 1, in directions that are uniform on the sphere: normal draws, each divided by its norm.

    So every unit measures along its own direction, in the unit of its inputs, whatever their number. Raises ValueError
    where the tensor is no weight.
    """
    _fans(tensor, "unit_directions_")
    rows = normal_(tensor, generator=generator).reshape(len(tensor), -1)
    return tensor.div_(torch.linalg.vector_norm(rows, dim=1).reshape(-1, *[1] * (tensor.ndim - 1)))


@torch.no_grad()
def spread_hinges_(weight: Tensor, bias: Tensor, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Set each bias so that its unit's hinge passes through an example: ``b_j = -w_j . x`` for an x drawn from X.

    The hinge of a ReLU is where its pre-activation is 0. With biases of 0, all hinges pass through the origin, wherever
    the data lie; so they are spread over the data. Examples are drawn with replacement.

    Args:
        weight: (M, D), as it is. bias: (M,), changed in place and returned. X: (N, D), what the layer takes in.

    Raises:
        ValueError: the shapes or dtypes do not fit together, or X has no row.
    """
    arguments.check_tensors("spread_hinges_", weight=weight, bias=bias, X=X)
    arguments.check_generator(generator, "generator", "spread_hinges_", optional=True)
    fits = weight.ndim == X.ndim == 2 and bias.shape == weight.shape[:1] and X.shape[1:] == weight.shape[1:]
    if not fits or len(X) == 0:
        raise ValueError(
            f"spread_hinges_: weight has shape {tuple(weight.shape)}, bias {tuple(bias.shape)} and X {tuple(X.shape)}; "
            "expected (M, D), (M,) and (N, D) with N of at least 1"
        )
    if not weight.dtype == bias.dtype == X.dtype:
        raise ValueError(
            f"spread_hinges_: weight is {weight.dtype}, bias {bias.dtype} and X {X.dtype}; expected one dtype for all"
        )
    device = X.device if generator is None else generator.device
    rows = torch.randint(len(X), (len(weight),), generator=generator, device=device).to(X.device)
    return bias.copy_(-(weight * X[rows]).sum(dim=1))


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
    arguments.check_model(model, "model", "initialize")
    arguments.check_function(scheme, "scheme", "initialize")
    arguments.check_number(0 if bias is None else bias, "bias", "initialize", least=-math.inf)
    layers = [m for m in model.modules() if isinstance(getattr(m, "weight", None), Tensor) and m.weight.ndim >= 2]
    if not layers:
        raise ValueError(f"initialize: {type(model).__name__} has no weight (out, in); expected at least one")
    gates = [module.gate for module in model.modules() if isinstance(module, Highway)]
    for layer in layers:
        if parametrize.is_parametrized(layer, "weight"):
            layer.weight = scheme(layer.weight.clone(), **options)
        else:
            scheme(layer.weight, **options)
        if bias is not None and getattr(layer, "bias", None) is not None and layer not in gates:
            layer.bias.fill_(bias)
    return model


@torch.no_grad()
def _draw(tensor: Tensor, draw: Callable[[Tensor], Tensor], generator: torch.Generator | None, caller: str) -> Tensor:
    arguments.check_floating(tensor, caller)
    arguments.check_generator(generator, "generator", caller, optional=True)
    if generator is None or generator.device == tensor.device:
        return draw(tensor)
    return tensor.copy_(draw(torch.empty_like(tensor, device=generator.device)))


def _fans(tensor: Tensor, caller: str) -> tuple[int, int]:
    arguments.check_tensors(caller, tensor=tensor)
    if tensor.ndim < 2 or tensor.numel() == 0:
        raise ValueError(
            f"{caller}: tensor has shape {tuple(tensor.shape)}; expected a weight (out, in) or (out, in, *kernel)"
        )
    kernel = tensor[0, 0].numel()
    return tensor.shape[1] * kernel, tensor.shape[0] * kernel


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str, caller: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor, caller)))
    if mode not in fans:
        raise ValueError(f"{caller}: mode is {mode!r}; expected 'fan_in' or 'fan_out'")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])
