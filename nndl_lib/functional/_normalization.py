"""Normalization of hidden units: batch, layer and local response normalization.

Names, arguments, shapes and values are those of ``torch.nn.functional``; derived in chapter 07, "Training deep
networks". ``C`` is the number of channels: of hidden units, for rows (N, C).
"""

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._precision import wide
from nndl_lib.functional._transforms import transformed


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
    caller = "batch_norm"
    arguments.check_size(input, caller)
    if input.ndim < 2:
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected (N, C) or (N, C, ...)")
    arguments.check_flag(training, "training", caller)
    arguments.check_number(eps, "eps", caller)
    arguments.check_share(momentum, "momentum", caller)
    C = input.shape[1]
    running = {"running_mean": running_mean, "running_var": running_var}
    _check_parts(input, (C,), caller, weight=weight, bias=bias, **running)
    if (running_mean is None) != (running_var is None) or (running_mean is None and not training):
        missing = [name for name, value in running.items() if value is None]
        need = "both or neither" if training else "tensors, as training is False"
        verb = "is" if len(missing) == 1 else "are"
        raise ValueError(f"{caller}: {' and '.join(missing)} {verb} None; expected {need}")
    x, dtype = wide(input), input.dtype
    weight = x.new_ones(C) if weight is None else wide(weight)
    bias = x.new_zeros(C) if bias is None else wide(bias)
    if not training:
        shape = _of_channels(input)
        mean, scale = wide(running_mean), weight * (wide(running_var) + eps).rsqrt()
        return torch.addcmul(bias.reshape(shape), x - mean.reshape(shape), scale.reshape(shape)).to(dtype)
    n = input.numel() // C
    if n < 2:
        raise ValueError(
            f"{caller}: input has shape {tuple(input.shape)}, one value a channel, whose variance is 0; "
            "expected at least two in training: more examples, or evaluation mode"
        )
    output, mean, variance = (_plain_batch_norm if transformed() else _BatchNorm.apply)(x, weight, bias, eps)
    if running_mean is not None:
        with torch.no_grad():
            running_mean.copy_((wide(running_mean) * (1 - momentum)).add_(mean, alpha=momentum))
            running_var.copy_((wide(running_var) * (1 - momentum)).add_(variance, alpha=momentum * n / (n - 1)))
    return output.to(dtype)


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
    caller = "layer_norm"
    arguments.check_size(input, caller)
    arguments.check_number(eps, "eps", caller)
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else ()
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"{caller}: input has shape {tuple(input.shape)} and normalized_shape is {normalized_shape!r}; "
            f"expected input (..., {', '.join(map(str, shape)) or 'D'})"
        )
    _check_parts(input, shape, caller, weight=weight, bias=bias)
    x = wide(input)
    weight = x.new_ones(shape) if weight is None else wide(weight)
    bias = x.new_zeros(shape) if bias is None else wide(bias)
    normalize = _plain_layer_norm if transformed() else _LayerNorm.apply
    if len(shape) == 1 and input.ndim == 2:
        return normalize(x, weight, bias, eps).to(input.dtype)
    rows, weight, bias = x.reshape(-1, weight.numel()), weight.reshape(-1), bias.reshape(-1)
    return normalize(rows, weight, bias, eps).reshape(input.shape).to(input.dtype)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * s)**beta``, s the mean of the squares of ``size`` neighboring channels, 0 beyond the ends.

    Args:
        input: (N, C) or (N, C, ...). The window of channel c is c - size // 2 to c + (size - 1) // 2.
        size: the number of channels in a window, at least 1. alpha, beta, k: at least 0.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386, where alpha is not divided by size.

    Raises:
        ValueError: input has no channels, or size, alpha, beta or k is outside its range.
    """
    caller = "local_response_norm"
    arguments.check_size(input, caller)
    if input.ndim < 2:
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected (N, C) or (N, C, ...)")
    arguments.check_count(size, "size", caller)
    for name, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        arguments.check_number(value, name, caller)
    C, x = input.shape[1], wide(input)
    squares = x.square()
    before, after = (squares.new_zeros(len(input), pad, *input.shape[2:]) for pad in (size // 2, (size - 1) // 2))
    padded = torch.cat([before, squares, after], dim=1)
    total = sum(padded.narrow(1, start, C) for start in range(size))
    return (x / (k + alpha / size * total) ** beta).to(input.dtype)


# --- gradients by hand: both as derived in the chapter, in few passes over the numbers ---


class _BatchNorm(torch.autograd.Function):
    """Returns the output, and mean and variance (C,), which have no gradients of their own."""

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        mean, centered, variance, inverse = _batch_statistics(input, eps)
        ctx.save_for_backward(input, weight, centered, inverse)
        ctx.eps, ctx.shape = eps, _of_channels(input)
        mean, variance = mean.flatten(), variance.flatten()
        ctx.mark_non_differentiable(mean, variance)
        scale = weight.reshape(ctx.shape) * inverse
        return torch.addcmul(bias.reshape(ctx.shape), centered, scale), mean, variance

    @staticmethod
    def backward(ctx, grad: Tensor, *_) -> tuple[Tensor, Tensor, Tensor, None]:
        input, weight, centered, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative is asked for: the statistics once more, in sight of autograd
            _, centered, _, inverse = _batch_statistics(input, ctx.eps)
        dims, n = _all_but_channels(input), input.numel() // weight.numel()
        by_bias = grad.sum(dims, keepdim=True)
        by_weight = (grad * centered).sum(dims, keepdim=True) * inverse
        scale = weight.reshape(ctx.shape) * inverse
        # scale * (grad - its mean - its mean along x^ * x^), where x^ = centered * inverse
        by_input = torch.addcmul(by_bias * scale / -n, centered, by_weight * inverse * scale / -n)
        return by_input.addcmul_(grad, scale), by_weight.flatten(), by_bias.flatten(), None


class _LayerNorm(torch.autograd.Function):
    """The same for rows (N, D), each with a mean and a variance of its own; weight and bias are (D,)."""

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        centered, inverse = _row_statistics(input, eps)
        normalized = centered.mul_(inverse)
        ctx.save_for_backward(input, weight, normalized, inverse)
        ctx.eps = eps
        return torch.addcmul(bias, normalized, weight)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        input, weight, normalized, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():
            centered, inverse = _row_statistics(input, ctx.eps)
            normalized = centered * inverse
        product, D = grad * normalized, len(weight)
        mean, along = (grad @ weight / D).unsqueeze(1), (product @ weight / D).unsqueeze(1)
        by_weight = product.sum(dim=0)
        # From here on product is but memory; to take as much anew would cost more than all the arithmetic.
        back = normalized * along if torch.is_grad_enabled() else torch.mul(normalized, along, out=product)
        return (grad * weight).sub_(mean).sub_(back).mul_(inverse), by_weight, grad.sum(dim=0), None


# --- the same with gradients by autograd: slower, and of operations that torch.func knows how to transform ---


def _plain_batch_norm(input: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    mean, centered, variance, inverse = _batch_statistics(input, eps)
    shape = _of_channels(input)
    output = torch.addcmul(bias.reshape(shape), centered, weight.reshape(shape) * inverse)
    return output, mean.flatten(), variance.flatten()


def _plain_layer_norm(input: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    centered = input - input.mean(dim=1, keepdim=True)  # no norm as in _row_statistics: at 0 it has no slope
    inverse = (centered.square().mean(dim=1, keepdim=True) + eps).rsqrt()
    return torch.addcmul(bias, centered * inverse, weight)


# --- helpers ---


def _batch_statistics(input: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # Mean, x - mean, variance and 1 / sqrt(variance + eps). By hand: torch.var_mean takes 40 times as long as a mean.
    dims = _all_but_channels(input)
    mean = input.mean(dims, keepdim=True)
    centered = input - mean
    variance = centered.square().mean(dims, keepdim=True)
    return mean, centered, variance, (variance + eps).rsqrt()


def _row_statistics(input: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    # x - mean, and 1 / sqrt(variance + eps). Along rows a norm is one fast pass, which it is not along columns.
    centered = input - input.mean(dim=1, keepdim=True)
    variance = torch.linalg.vector_norm(centered, dim=1, keepdim=True).square() / input.shape[1]
    return centered, (variance + eps).rsqrt()


def _all_but_channels(input: Tensor) -> tuple[int, ...]:
    return (0, *range(2, input.ndim))


def _of_channels(input: Tensor) -> tuple[int, ...]:
    return (1, input.shape[1], *(1,) * (input.ndim - 2))


def _check_parts(input: Tensor, shape: tuple[int, ...], caller: str, **parts: Tensor | None) -> None:
    arguments.check_tensors(caller, **{name: part for name, part in parts.items() if part is not None})
    for name, part in parts.items():
        if part is not None and part.shape != shape:
            found = f"input has shape {tuple(input.shape)} and {name} {tuple(part.shape)}"
            raise ValueError(f"{caller}: {found}; expected {name} {shape}")
        if part is not None and part.dtype != input.dtype:
            found = f"input is {input.dtype} and {name} is {part.dtype}"
            raise ValueError(f"{caller}: {found}; expected the same dtype for both")
        if part is not None and part.device != input.device:
            found = f"input is on {input.device} and {name} on {part.device}"
            raise ValueError(f"{caller}: {found}; expected one device for both")
