"""Pooling: the maximum or the average of each window of an image. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``, without ``dilation`` and ``ceil_mode``: a window that
would stick out at the right or the bottom is left out. What torch has after these is given by its name. An image is
(C, H, W), a batch (N, C, H, W); each channel is pooled by itself.
"""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._precision import wide
from nndl_lib.functional._transforms import transformed
from nndl_lib.functional._windows import Pair, window_offsets, windows


def max_pool2d(input: Tensor, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Tensor:
    """The largest entry of each window, (N, C, H_out, W_out). Its gradient goes to the first entry that is as large.

    Args:
        input: (N, C, H, W).
        kernel_size, stride: one number, or a pair for height and width; without a stride, windows lie side by side.
        padding: pixels of minus infinity around the image, at most half the kernel.

    Raises:
        ValueError: input is not (N, C, H, W) and floating-point, a number is outside its range, or the kernel is
            larger than the padded image.
    """
    padded, kernel, stride, places = _prepared("max_pool2d", input, kernel_size, stride, padding, -math.inf)
    if transformed():
        return _stacked(padded, kernel, stride, places).max(dim=0).values.to(input.dtype)
    return _MaxPool.apply(padded, kernel, stride, places).to(input.dtype)


def avg_pool2d(
    input: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    *,
    count_include_pad: bool = True,
) -> Tensor:
    """The average of each window, (N, C, H_out, W_out).

    Args:
        input: (N, C, H, W).
        kernel_size, stride: one number, or a pair for height and width; without a stride, windows lie side by side.
        padding: pixels of 0 around the image, at most half the kernel.
        count_include_pad: divide by the kernel's size; where False, by how many pixels of the image are in the window.

    Raises:
        ValueError: as ``max_pool2d``.
    """
    arguments.check_flag(count_include_pad, "count_include_pad", "avg_pool2d")
    padded, kernel, stride, places = _prepared("avg_pool2d", input, kernel_size, stride, padding, 0.0)
    if transformed():
        total = _stacked(padded, kernel, stride, places).sum(dim=0)
    else:
        total = _SumPool.apply(padded, kernel, stride, places)
    if count_include_pad or padded.shape == input.shape:
        return (total / (kernel[0] * kernel[1])).to(input.dtype)
    inside = _prepared("avg_pool2d", torch.ones_like(input[:1, :1]), kernel_size, stride, padding, 0.0)[0]
    return (total / _stacked(inside, kernel, stride, places).sum(dim=0)).to(input.dtype)


class _MaxPool(torch.autograd.Function):
    """A maximum over one image for each entry of the kernel: a few passes over all windows at once."""

    @staticmethod
    def forward(ctx, input: Tensor, kernel: tuple, stride: tuple, places: tuple) -> Tensor:
        ctx.save_for_backward(input)  # not the maxima: whoever called may change these in place, as those of torch
        ctx.geometry = kernel, places, stride, (1, 1)
        return _maxima(input, *ctx.geometry)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (input,) = ctx.saved_tensors
        with torch.no_grad():
            maxima = _maxima(input, *ctx.geometry)
        by_input, left = torch.zeros_like(input), torch.ones_like(maxima, dtype=torch.bool)
        for _, _, where in window_offsets(*ctx.geometry):
            # Of several maxima, the first gets all; a NaN, of which the maximum is one as well, equals nothing.
            first = left & ((input[where] == maxima) | input[where].isnan())
            by_input[where].add_(grad * first)
            left = left ^ first
        return by_input, None, None, None


class _SumPool(torch.autograd.Function):
    """The sum of each window. By hand: autograd would make a whole image for each entry of the kernel."""

    @staticmethod
    def forward(ctx, input: Tensor, kernel: tuple, stride: tuple, places: tuple) -> Tensor:
        output = input.new_zeros(*input.shape[:2], *places)
        for _, _, where in window_offsets(kernel, places, stride, (1, 1)):
            output += input[where]
        ctx.geometry, ctx.shape = (kernel, places, stride, (1, 1)), input.shape
        return output

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        by_input = grad.new_zeros(ctx.shape)
        for _, _, where in window_offsets(*ctx.geometry):
            by_input[where].add_(grad)
        return by_input, None, None, None


def _maxima(input: Tensor, kernel: tuple, places: tuple, stride: tuple, dilation: tuple) -> Tensor:
    output = input.new_full((*input.shape[:2], *places), -math.inf)
    for _, _, where in window_offsets(kernel, places, stride, dilation):
        torch.maximum(output, input[where], out=output)
    return output


def _stacked(input: Tensor, kernel: tuple, stride: tuple, places: tuple) -> Tensor:
    # (kh kw, N, C, H_out, W_out), for torch.func: for each entry of the kernel, the pixels that it meets.
    return torch.stack([input[where] for _, _, where in window_offsets(kernel, places, stride, (1, 1))])


def _prepared(caller: str, input: Tensor, kernel_size, stride, padding, value: float):
    kernel, stride, (height, width) = arguments.check_pooling(input, kernel_size, stride, padding, caller)
    padded = wide(input)
    if height or width:
        padded = torch.nn.functional.pad(padded, (width, width, height, height), value=value)
    return padded, kernel, stride, tuple(windows(padded, kernel, stride).shape[4:])
