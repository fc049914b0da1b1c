"""Pooling: the maximum or the average of each window of an image. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``, without ``dilation`` and ``ceil_mode``: a window that
would stick out at the right or the bottom is left out. What torch has after these is given by its name. An image is
(C, H, W), a batch (N, C, H, W); each channel is pooled by itself.
"""

import math

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag
from nndl_lib._declared import checked
from nndl_lib.functional._precision import wide
from nndl_lib.functional._windows import Pair, check_pooling, windows


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
    views = _windows("max_pool2d", input, kernel_size, stride, padding, -math.inf)
    return views.flatten(2, 3).max(dim=2).values.to(input.dtype)  # not amax, which would divide the gradient


@checked(count_include_pad=check_flag)
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
    means = _windows("avg_pool2d", input, kernel_size, stride, padding, 0.0).mean(dim=(2, 3))
    if not count_include_pad:  # by the share of pixels that are of the image
        inside = torch.ones_like(input[:1, :1], dtype=means.dtype)
        means = means / _windows("avg_pool2d", inside, kernel_size, stride, padding, 0.0).mean(dim=(2, 3))
    return means.to(input.dtype)


def _windows(caller: str, input: Tensor, kernel_size, stride, padding, value: float) -> Tensor:
    """(N, C, kh, kw, H_out, W_out), with pixels of that value around the image, once the arguments are checked."""
    kernel, steps, (height, width) = check_pooling(input, kernel_size, stride, padding, caller)
    padded = torch.nn.functional.pad(wide(input), (width, width, height, height), value=value)
    return windows(padded, kernel, steps)
