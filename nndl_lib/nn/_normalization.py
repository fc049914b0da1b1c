"""Normalization as modules, with the state of torch's, and weight normalization. Derived in chapter 07."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from nndl_lib import _arguments as arguments
from nndl_lib import functional
from nndl_lib.functional._precision import autocasts, wide


class _BatchNorm(torch.nn.Module):
    """What the two have in common: all but the shapes that they take."""

    dimensions = (2, 3)
    shapes = "(N, {0}) or (N, {0}, L)"

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ):
        """Make parameters and statistics; ``bias=False`` leaves out that one.

        A momentum of None makes the statistics averages over all batches so far.

        Raises:
            ValueError: num_features is not an integer of at least 1, eps is negative, momentum outside 0 to 1, or a flag
                no bool.
        """
        super().__init__()
        name = type(self).__name__
        num_features = arguments.check_count(num_features, "num_features", name)
        arguments.check_number(eps, "eps", name)
        arguments.check_share(momentum, "momentum", name, optional=True)
        flags = {"affine": affine, "track_running_stats": track_running_stats, "bias": bias}
        affine, tracked, bias = (arguments.check_flag(value, flag, name) for flag, value in flags.items())
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, tracked
        options = {"device": device, "dtype": dtype}
        self.weight = torch.nn.Parameter(torch.ones(num_features, **options)) if affine else None
        self.bias = torch.nn.Parameter(torch.zeros(num_features, **options)) if affine and bias else None
        self.register_buffer("running_mean", torch.zeros(num_features, **options) if tracked else None)
        self.register_buffer("running_var", torch.ones(num_features, **options) if tracked else None)
        count = torch.zeros((), dtype=torch.int64, device=device)
        self.register_buffer("num_batches_tracked", count if tracked else None)

    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, in its shape. In training the running statistics move.

        Raises:
            ValueError: input has another shape or dtype, or one value a channel where the batch's statistics are used.
        """
        arguments.check_tensors(type(self).__name__, input=input)
        # All that may have been changed since the layer was made, weights and settings, is read here, as in torch.
        mean, var, weight, bias = self.running_mean, self.running_var, self.weight, self.bias
        C = next((len(part) for part in (mean, var, weight, bias) if part is not None), self.num_features)
        if input.ndim not in self.dimensions or input.shape[1] != C:
            expected = self.shapes.format(C)
            raise ValueError(f"{type(self).__name__}: input has shape {tuple(input.shape)}; expected {expected}")
        if self.training and not self.track_running_stats:
            mean = var = None
        counting = self.training and self.track_running_stats and self.num_batches_tracked is not None
        momentum = self.momentum
        if momentum is None:  # weights 1, 1/2, 1/3, ... make an average over all batches
            momentum = 1 / (self.num_batches_tracked.item() + 1) if counting else 0.0
        of_batch = self.training or (mean is None and var is None)
        y = functional.batch_norm(_wide(input), mean, var, weight, bias, of_batch, momentum, self.eps)
        if counting:  # not before: a batch that was refused does not count
            self.num_batches_tracked.add_(1)
        return y

    def extra_repr(self) -> str:
        """The settings, for ``print``."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalization of each of C hidden units: ``functional.batch_norm`` with its parameters and statistics.

    It takes x (N, C) or (N, C, L).

    Attributes:
        weight, bias: (C,), ones and zeros at first; None where not affine.
        running_mean, running_var: (C,), zeros and ones at first; what evaluation mode normalizes by. None where not
            tracked: every batch is then normalized by its own statistics, in evaluation too.
        num_batches_tracked: 0-d of int64.
    """


class BatchNorm2d(_BatchNorm):
    """The same for images (N, C, H, W): each of C channels, over all examples and pixels.

    The attributes are those of ``BatchNorm1d``.
    """

    dimensions = (4,)
    shapes = "(N, {0}, H, W)"


class LayerNorm(torch.nn.Module):
    """Normalization of each example by itself: ``functional.layer_norm`` with its parameters.

    Attributes:
        weight, bias: of normalized_shape, ones and zeros at first; None without.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
    ):
        """Make the parameters. ``normalized_shape`` is that of an example, or D for rows (N, D).

        Raises:
            ValueError: an entry of normalized_shape is not an integer of at least 1, eps is negative, or a flag no bool.
        """
        super().__init__()
        shape = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
        shape = tuple(arguments.check_count(size, "normalized_shape", "LayerNorm") for size in shape or (None,))
        arguments.check_number(eps, "eps", "LayerNorm")
        elementwise_affine = arguments.check_flag(elementwise_affine, "elementwise_affine", "LayerNorm")
        arguments.check_flag(bias, "bias", "LayerNorm")
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        options = {"device": device, "dtype": dtype}
        self.weight = torch.nn.Parameter(torch.ones(shape, **options)) if elementwise_affine else None
        self.bias = torch.nn.Parameter(torch.zeros(shape, **options)) if elementwise_affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, (..., *normalized_shape), in its shape. Raises ValueError for other shapes or dtypes."""
        arguments.check_tensors("LayerNorm", input=input)
        return functional.layer_norm(_wide(input), self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings, for ``print``."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


def _wide(x: Tensor) -> Tensor:
    # In mixed precision a layer before this may have made x of 16 bits, too few for sums of squares.
    return wide(x) if autocasts(x) else x


class LocalResponseNorm(torch.nn.Module):
    """``functional.local_response_norm`` as a module: no parameters."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        """Take the window's size and the constants. Raises ValueError where one is outside its range."""
        super().__init__()
        size = arguments.check_count(size, "size", "LocalResponseNorm")
        for name, value in (("alpha", alpha), ("beta", beta), ("k", k)):
            arguments.check_number(value, name, "LocalResponseNorm")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, (N, C) or (N, C, ...), in its shape. Raises ValueError as the function does."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings, for ``print``."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class _WeightNorm(torch.nn.Module):
    def __init__(self, dim: int | None):
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / self._norm(v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        norm = self._norm(weight)
        if not norm.detach().all():
            raise ValueError(
                f"weight_norm: the weight {tuple(weight.shape)} has a row of norm 0; "
                "expected rows that have a direction"
            )
        return norm, weight

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim is None:
            return torch.linalg.vector_norm(v)
        others = [dim for dim in range(v.ndim) if dim != self.dim]
        return torch.linalg.vector_norm(v, dim=others, keepdim=True)


def weight_norm(module: torch.nn.Module, name: str = "weight", dim: int | None = 0) -> torch.nn.Module:
    """Reparametrize a weight of a module as ``w = g v / ||v||``, row by row, and return the module, changed in place.

    What is trained then is ``module.parametrizations.weight.original0``, the lengths g (out, 1), and ``original1``, the
    directions v (out, in), as with ``torch.nn.utils.parametrizations.weight_norm`` and by its names in a state dict.
    ``module.weight`` is computed from them at each access; assigning to it sets both. Undo it by
    ``torch.nn.utils.parametrize.remove_parametrizations(module, name)``.

    Args:
        dim: the dimension that counts the norms, 0 for one a unit; None for one norm of the whole weight.

    Source: Salimans & Kingma (2016), https://arxiv.org/abs/1602.07868.

    Raises:
        ValueError: the module has no such parameter, dim is none of its dimensions, or a norm is 0.
    """
    arguments.check_model(module, "module", "weight_norm")
    weight = dict(module.named_parameters(recurse=False)).get(name)
    if weight is None:
        names = [key for key, _ in module.named_parameters(recurse=False)]
        raise ValueError(f"weight_norm: {type(module).__name__} has no parameter {name!r}; expected one of {names}")
    if dim is not None and (isinstance(dim, bool) or dim not in range(weight.ndim)):
        raise ValueError(
            f"weight_norm: {name} has shape {tuple(weight.shape)} and dim is {dim}; "
            f"expected one of its dimensions, 0 to {weight.ndim - 1}, or None"
        )
    # unsafe leaves out a test run of both functions on the weight; what it would find is checked here.
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module
