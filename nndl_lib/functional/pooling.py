"""Pooling: the maximum or the average of each window of an image. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``, without ``ceil_mode``: a window that would stick out
at the right or the bottom is left out. An image is (C, H, W), a batch (N, C, H, W); each channel is pooled by itself.
"""

import math

import torch
from torch import Tensor

from nndl_lib import arguments
from nndl_lib.functional.sliding import Pair, window_offsets, windows

__all__ = ["avg_pool2d", "max_pool2d"]


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
    return _MaxPool.apply(padded, kernel, stride, places)


def avg_pool2d(
    input: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
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
    padded, kernel, stride, places = _prepared("avg_pool2d", input, kernel_size, stride, padding, 0.0)
    total = _SumPool.apply(padded, kernel, stride, places)
    if count_include_pad or padded is input:
        return total / (kernel[0] * kernel[1])
    inside = _prepared("avg_pool2d", torch.ones_like(input[:1, :1]), kernel_size, stride, padding, 0.0)[0]
    return total / _SumPool.apply(inside, kernel, stride, places)


class _MaxPool(torch.autograd.Function):
    """A maximum over one image for each entry of the kernel: a few passes over all windows at once."""

    @staticmethod
    def forward(ctx, input: Tensor, kernel: tuple, stride: tuple, places: tuple) -> Tensor:
        output = input.new_full((*input.shape[:2], *places), -math.inf)
        for _, _, where in window_offsets(kernel, places, stride, (1, 1)):
            torch.maximum(output, input[where], out=output)
        ctx.save_for_backward(input, output)
        ctx.geometry = kernel, places, stride, (1, 1)
        return output

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        input, output = ctx.saved_tensors
        by_input = torch.zeros_like(input)
        for _, _, where in window_offsets(*ctx.geometry):
            hit = input[where] == output
            by_input[where] += torch.where(hit, grad, 0)
            grad = grad.masked_fill(hit, 0)  # what the first of several maxima got, no other gets
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
            by_input[where] += grad
        return by_input, None, None, None


def _prepared(caller: str, input: Tensor, kernel_size, stride, padding, value: float):
    arguments.check_floating(input, caller)
    if input.ndim != 4 or input.numel() == 0:
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected (N, C, H, W), none of them 0")
    kernel = arguments.check_pair(kernel_size, "kernel_size", caller)
    stride = kernel if stride is None else arguments.check_pair(stride, "stride", caller)
    height, width = arguments.check_pair(padding, "padding", caller, least=0)
    if 2 * height > kernel[0] or 2 * width > kernel[1]:
        raise ValueError(f"{caller}: padding is {padding} and kernel_size {kernel_size}; expected at most half the kernel")
    padded = input
    if height or width:
        padded = torch.nn.functional.pad(input, (width, width, height, height), value=value)
    return padded, kernel, stride, tuple(windows(padded, kernel, stride, 1, caller).shape[4:])
