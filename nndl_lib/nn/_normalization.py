"""Normalization as modules, with the state of torch's, and weight normalization. Derived in chapter 07."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from nndl_lib import functional
from nndl_lib._arguments import check_count, check_flag, check_model, check_number, check_share, check_tensors
from nndl_lib._declared import checked, count, number
from nndl_lib.nn._layer import Device, Layer, ones_and_zeros, wide


class _BatchNorm(Layer):
    """What the two have in common: all but the shapes that they take."""

    shown = "num_features eps= momentum= affine= bias= track_running_stats="
    dimensions: tuple[int, ...]
    shapes: str

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ):
        """Make parameters and statistics; ``bias=False`` leaves out that one.

        A momentum of None makes the statistics averages over all batches so far.

        Raises:
            ValueError: num_features is not an integer of at least 1, eps is negative, momentum outside 0 to 1, or a
                flag no bool.
        """
        super().__init__()
        name = type(self).__name__
        self.num_features = check_count(num_features, "num_features", name)
        self.eps = check_number(eps, "eps", name)
        self.momentum = check_share(momentum, "momentum", name, optional=True)
        self.affine = check_flag(affine, "affine", name)
        self.track_running_stats = tracked = check_flag(track_running_stats, "track_running_stats", name)
        bias = check_flag(bias, "bias", name)
        shape = (self.num_features,)
        self.weight, self.bias = ones_and_zeros(shape, self.affine, bias, device, dtype)
        self.register_buffer("running_mean", torch.zeros(shape, device=device, dtype=dtype) if tracked else None)
        self.register_buffer("running_var", torch.ones(shape, device=device, dtype=dtype) if tracked else None)
        batches = torch.zeros((), dtype=torch.int64, device=device)
        self.register_buffer("num_batches_tracked", batches if tracked else None)

    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, in its shape. In training the running statistics move.

        Raises:
            ValueError: input has another shape or dtype, or one value a channel where the batch's statistics are used.
        """
        # All that may have been changed since the layer was made, weights and settings, is read here, as in torch.
        mean, var, weight, bias = self.running_mean, self.running_var, self.weight, self.bias
        self._check(input, [mean, var, weight, bias])
        if self.training and not self.track_running_stats:
            mean = var = None
        of_batch = self.training or (mean is None and var is None)
        batches = self.num_batches_tracked if self.training and self.track_running_stats else None
        momentum = self.momentum
        if momentum is None:  # weights 1, 1/2, 1/3, ... make an average over all batches
            momentum = 0.0 if batches is None else 1 / (batches.item() + 1)
        y = functional.batch_norm(wide(input), mean, var, weight, bias, of_batch, momentum, self.eps)
        if batches is not None:  # not before: a batch that was refused does not count
            batches.add_(1)
        return y

    def _check(self, input: Tensor, parts: list[Tensor | None]) -> None:
        name = type(self).__name__
        check_tensors(name, input=input)
        C = next((len(part) for part in parts if part is not None), self.num_features)
        if input.ndim not in self.dimensions or input.shape[1] != C:
            raise ValueError(f"{name}: input has shape {tuple(input.shape)}; expected {self.shapes.format(C)}")


class BatchNorm1d(_BatchNorm):
    """Batch normalization of each of C hidden units: ``functional.batch_norm`` with its parameters and statistics.

    It takes x (N, C) or (N, C, L).

    Attributes:
        weight, bias: (C,), ones and zeros at first; None where not affine.
        running_mean, running_var: (C,), zeros and ones at first; what evaluation mode normalizes by. None where not
            tracked: every batch is then normalized by its own statistics, in evaluation too.
        num_batches_tracked: 0-d of int64.
    """

    dimensions = (2, 3)
    shapes = "(N, {0}) or (N, {0}, L)"


class BatchNorm2d(_BatchNorm):
    """The same for images (N, C, H, W): each of C channels, over all examples and pixels.

    The attributes are those of ``BatchNorm1d``.
    """

    dimensions = (4,)
    shapes = "(N, {0}, H, W)"


def _sizes(value: int | Sequence[int], name: str, caller: str) -> tuple[int, ...]:
    sizes: tuple = tuple(value) if isinstance(value, Sequence) else (value,)
    return tuple(check_count(size, name, caller) for size in sizes or (None,))


class LayerNorm(Layer):
    """Normalization of each example by itself: ``functional.layer_norm`` with its parameters.

    Attributes:
        weight, bias: of normalized_shape, ones and zeros at first; None without.
    """

    shown = "normalized_shape eps= elementwise_affine= bias="

    @checked(normalized_shape=_sizes, eps=number(), elementwise_affine=check_flag, bias=check_flag)
    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ):
        """Make the parameters. ``normalized_shape`` is that of an example, or D for rows (N, D).

        Raises:
            ValueError: an entry of normalized_shape is not an integer of at least 1, eps is negative, or a flag no
                bool.
        """
        super().__init__()
        assert isinstance(normalized_shape, tuple)  # as an integer is by now, too
        self.normalized_shape, self.eps, self.elementwise_affine = normalized_shape, eps, elementwise_affine
        self.weight, self.bias = ones_and_zeros(normalized_shape, elementwise_affine, bias, device, dtype)

    @checked(input="any ...")
    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, (..., *normalized_shape), in its shape. Raises ValueError for other shapes or dtypes."""
        return functional.layer_norm(wide(input), self.normalized_shape, self.weight, self.bias, self.eps)


class LocalResponseNorm(Layer):
    """``functional.local_response_norm`` as a module: no parameters."""

    shown = "size alpha= beta= k="

    @checked(size=count(), alpha=number(), beta=number(), k=number())
    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        """Take the window's size and the constants. Raises ValueError where one is outside its range."""
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        """Normalized input, (N, C) or (N, C, ...), in its shape. Raises ValueError as the function does."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


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


@checked(module=check_model)
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
    _check_weight(module, name, dim)
    # unsafe leaves out a test run of both functions on the weight; what it would find is checked here.
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


def _check_weight(module: torch.nn.Module, name: str, dim: int | None) -> None:
    parameters = dict(module.named_parameters(recurse=False))
    if name not in parameters:
        found = f"{type(module).__name__} has no parameter {name!r}"
        raise ValueError(f"weight_norm: {found}; expected one of {list(parameters)}")
    weight = parameters[name]
    if dim is not None and (isinstance(dim, bool) or dim not in range(weight.ndim)):
        raise ValueError(
            f"weight_norm: {name} has shape {tuple(weight.shape)} and dim is {dim}; "
            f"expected one of its dimensions, 0 to {weight.ndim - 1}, or None"
        )
