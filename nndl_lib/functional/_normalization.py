"""Normalization of hidden units: batch, layer and local response normalization.

Names, arguments, shapes and values are those of ``torch.nn.functional``; derived in chapter 07, "Training deep
networks". ``C`` is the number of channels: of hidden units, for rows (N, C).
"""

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_share
from nndl_lib._declared import check_shapes, checked, count, number
from nndl_lib.functional._precision import wide
from nndl_lib.functional._transforms import transformed


@checked(
    input="N C *S",
    running_mean="C",
    running_var="C",
    weight="C",
    bias="C",
    training=check_flag,
    momentum=check_share,
    eps=number(),
)
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel of (N, C) or (N, C, ...), in the same shape.

    In training, mean and variance are those of the batch, over all but the channels, and the variance is divided by the
    number of values n. The running statistics, where given, move in place: ``(1 - momentum) running + momentum batch``,
    with a batch variance divided by n - 1, as torch has it. Otherwise the running statistics take the batch's place.

    Args:
        running_mean, running_var: (C,) each, or None for both, which training allows.
        weight, bias: (C,) each; ones and zeros where they are None.
        momentum: from 0 to 1. eps: at least 0, in the unit of the variance.

    Source: Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167.

    Raises:
        ValueError: input has no channels or, in training, one value a channel; a tensor is not (C,) or of another
            dtype; running statistics are missing; or momentum or eps is outside its range.
    """
    _check_statistics(input, running_mean, running_var, training)
    x, n = wide(input), input.numel() // input.shape[1]
    channels = (1, -1, *(1,) * (input.ndim - 2))  # the shape in which (C,) goes with input
    if training:
        y, mean, variance = _standardized(x, (0, *range(2, x.ndim)), eps)
        _move(running_mean, mean, momentum)
        _move(running_var, variance * (n / (n - 1)), momentum)
    else:
        assert running_mean is not None and running_var is not None  # as was checked
        mean, variance = wide(running_mean), wide(running_var)
        y = (x - mean.view(channels)) * (variance + eps).rsqrt().view(channels)
    return _scaled(y, weight, bias, channels).to(input.dtype)


@checked(input="*S", eps=number())
def layer_norm(
    input: Tensor,
    normalized_shape: tuple[int, ...] | list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` for each example by itself, in the shape of input.

    Mean and variance (divided by the number of values) are over the last dimensions, those of ``normalized_shape``: for
    rows (N, D) that is (D,), and every row has its own. Training and evaluation do not differ.

    Args:
        input: (..., *normalized_shape). weight, bias: of normalized_shape; ones and zeros where they are None.
        eps: at least 0, in the unit of the variance.

    Source: Ba, Kiros & Hinton (2016), https://arxiv.org/abs/1607.06450.

    Raises:
        ValueError: input does not end in normalized_shape, a tensor is of another shape or dtype, or eps is negative.
    """
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else ()
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(
            f"layer_norm: input has shape {tuple(input.shape)} and normalized_shape is {normalized_shape!r}; "
            f"expected input (..., {', '.join(map(str, shape)) or 'D'})"
        )
    sizes = " ".join(map(str, shape))
    check_shapes("layer_norm", input=("... " + sizes, input), weight=(sizes, weight), bias=(sizes, bias))
    y, _, _ = _standardized(wide(input), tuple(range(-len(shape), 0)), eps)
    return _scaled(y, weight, bias, shape).to(input.dtype)


@checked(input="N C *S", size=count(), alpha=number(), beta=number(), k=number())
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * s)**beta``, s the mean of the squares of ``size`` neighboring channels, 0 beyond the ends.

    Args:
        input: (N, C) or (N, C, ...). The window of channel c is c - size // 2 to c + (size - 1) // 2.
        size: the number of channels in a window, at least 1. alpha, beta, k: at least 0.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386, where alpha is not divided by size.

    Raises:
        ValueError: input has no channels, or size, alpha, beta or k is outside its range.
    """
    C, x = input.shape[1], wide(input)
    squares = x.square()
    before, after = (squares.new_zeros(len(input), pad, *input.shape[2:]) for pad in (size // 2, (size - 1) // 2))
    padded = torch.cat([before, squares, after], dim=1)
    total = sum(padded.narrow(1, start, C) for start in range(size))
    return (x / (k + alpha / size * total) ** beta).to(input.dtype)


def _standardized(x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """``(x - mean) / sqrt(var + eps)`` over dims; and mean and variance, flat, which have no gradients of their own."""
    return (_by_autograd if transformed() else _Standardized.apply)(x, dims, eps)


def _scaled(y: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    y = y * (1.0 if weight is None else wide(weight).view(shape))  # in any case a new tensor, that may be changed
    return y if bias is None else y + wide(bias).view(shape)


def _move(running: Tensor | None, value: Tensor, momentum: float) -> None:
    if running is not None:
        with torch.no_grad():
            running.copy_((wide(running) * (1 - momentum)).add_(value, alpha=momentum))


# --- the gradient as derived in the chapter: in half the time that autograd takes for large layers ---


class _Standardized(torch.autograd.Function):
    """By x, where g is the gradient by y: ``(g - mean of g - y * mean of (g y)) / sqrt(var + eps)``."""

    @staticmethod
    def forward(ctx, x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
        centered, mean, variance = _moments(x, dims)
        inverse = (variance + eps).rsqrt()
        y = centered.mul_(inverse)
        ctx.save_for_backward(x, y, inverse)
        ctx.dims, ctx.eps = dims, eps
        mean, variance = mean.flatten(), variance.flatten()
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(ctx, grad: Tensor, *_) -> tuple[Tensor, None, None]:
        x, y, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is asked for: y once more, in sight of autograd
            centered, _mean, variance = _moments(x, ctx.dims)
            inverse = (variance + ctx.eps).rsqrt()
            y = centered * inverse
        along = (grad * y).mean(ctx.dims, keepdim=True)
        return (grad - grad.mean(ctx.dims, keepdim=True)).addcmul_(y, along, value=-1).mul_(inverse), None, None


def _by_autograd(x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    # Of operations that torch.func knows how to transform.
    centered, mean, variance = _moments(x, dims)
    return centered * (variance + eps).rsqrt(), mean.detach().flatten(), variance.detach().flatten()


def _moments(x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    # x - mean, mean and variance. By hand: torch.var_mean takes 40 times as long as a mean.
    mean = x.mean(dims, keepdim=True)
    centered = x - mean
    return centered, mean, centered.square().mean(dims, keepdim=True)


def _check_statistics(input: Tensor, mean: Tensor | None, var: Tensor | None, training: bool) -> None:
    missing = [name for name, value in (("running_mean", mean), ("running_var", var)) if value is None]
    if len(missing) == 1 or missing and not training:
        need = "both or neither" if training else "tensors, as training is False"
        verb = "is" if len(missing) == 1 else "are"
        raise ValueError(f"batch_norm: {' and '.join(missing)} {verb} None; expected {need}")
    if training and input.numel() == input.shape[1]:
        raise ValueError(
            f"batch_norm: input has shape {tuple(input.shape)}, one value a channel, whose variance is 0; "
            "expected at least two in training: more examples, or evaluation mode"
        )
