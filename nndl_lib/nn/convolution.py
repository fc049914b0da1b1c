"""Layers for images, with the state of ``torch.nn``. Derived in chapter 09, "Convolutional networks".

An image is (C, H, W), a batch of them (N, C, H, W). Convolution and pooling give the numbers of ``functional.conv2d``
and its companions up to rounding, but by PyTorch's own kernels, which take less time.
"""

import math

import torch
from torch import Tensor

from nndl_lib import arguments, functional

__all__ = ["AvgPool2d", "Conv2d", "Flatten", "GlobalAvgPool2d", "MaxPool2d"]

Pair = int | tuple[int, int]


class Conv2d(torch.nn.Module):
    """A layer of convolutions: ``functional.conv2d`` with its weights.

    Attributes:
        weight: (out_channels, in_channels / groups, kh, kw), drawn uniformly from -1/sqrt(n) to 1/sqrt(n), where
            ``n = in_channels / groups * kh * kw`` is the number of inputs of a unit.
        bias: (out_channels,), drawn likewise; None without bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        Raises:
            ValueError: a number is too small or no integer, or groups does not divide both numbers of channels.
        """
        super().__init__()
        for name, value in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups)):
            arguments.check_count(value, name, "Conv2d")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"Conv2d: groups is {groups}, in_channels {in_channels} and out_channels {out_channels}; "
                "expected a number that divides both"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = (
            arguments.check_pair(value, name, "Conv2d")
            for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
        )
        # left, right, top, bottom
        self.sides = functional.padding_sizes(padding, self.kernel_size, self.stride, self.dilation, "Conv2d")
        self.padding = padding if isinstance(padding, str) else (self.sides[2], self.sides[0])
        bound = 1 / math.sqrt(in_channels // groups * self.kernel_size[0] * self.kernel_size[1])

        def draw(*shape: int) -> torch.nn.Parameter:
            values = torch.empty(shape, dtype=dtype, device=device if generator is None else generator.device)
            return torch.nn.Parameter(values.uniform_(-bound, bound, generator=generator).to(device))

        self.weight = draw(out_channels, in_channels // groups, *self.kernel_size)
        self.bias = draw(out_channels) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (N, out_channels, H_out, W_out) of images (N, in_channels, H, W).

        Raises:
            ValueError: x has another number of channels, dtype or device than the weights, or is smaller than the kernel,
                with its padding.
        """
        arguments.check_tensors("Conv2d", x=x)
        if x.dtype != self.weight.dtype and torch.is_autocast_enabled(x.device.type):
            x = x.to(self.weight.dtype)  # torch brings both to one dtype of its choice, weights and all
        arguments.check_convolution(x, self.weight, self.bias, self.groups, "Conv2d")
        left, right, top, bottom = self.sides
        size = x.shape[2] + top + bottom, x.shape[3] + left + right
        arguments.check_window(size, self.kernel_size, self.dilation, "Conv2d")
        padding = top, left
        if left != right or top != bottom:  # of "same", where torch would warn that it makes this copy
            x, padding = torch.nn.functional.pad(x, self.sides), (0, 0)
        return torch.nn.functional.conv2d(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        """The sizes, for ``print``: those that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        text += f", dilation={self.dilation}" if self.dilation != (1, 1) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        return text + (", bias=False" if self.bias is None else "")


class MaxPool2d(torch.nn.Module):
    """``functional.max_pool2d`` as a module: the largest entry of each window."""

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0):
        """Take the sizes; without a stride, windows lie side by side. What is wrong with them, the first call says."""
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Tensor) -> Tensor:
        """Maxima (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError as the function does."""
        sizes = arguments.check_pooling(x, self.kernel_size, self.stride, self.padding, "MaxPool2d")
        return torch.nn.functional.max_pool2d(x, *sizes)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(torch.nn.Module):
    """``functional.avg_pool2d`` as a module: the average of each window."""

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, count_include_pad: bool = True
    ):
        """Take the sizes; without a stride, windows lie side by side. What is wrong with them, the first call says."""
        super().__init__()
        self.kernel_size, self.padding, self.count_include_pad = kernel_size, padding, count_include_pad
        self.stride = kernel_size if stride is None else stride

    def forward(self, x: Tensor) -> Tensor:
        """Averages (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError as the function does."""
        sizes = arguments.check_pooling(x, self.kernel_size, self.stride, self.padding, "AvgPool2d")
        return torch.nn.functional.avg_pool2d(x, *sizes, count_include_pad=self.count_include_pad)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class GlobalAvgPool2d(torch.nn.Module):
    """The average of each channel over the whole image, as of ``Flatten(AdaptiveAvgPool2d(1))`` of ``torch.nn``."""

    def forward(self, x: Tensor) -> Tensor:
        """Averages (N, C) of images (N, C, H, W). Raises ValueError where x is not (N, C, H, W)."""
        if x.ndim != 4:
            raise ValueError(f"GlobalAvgPool2d: x has shape {tuple(x.shape)}; expected (N, C, H, W)")
        return x.mean(dim=(2, 3))


class Flatten(torch.nn.Module):
    """All features of an example in one row, channel by channel and row by row: (N, C, H, W) becomes (N, C H W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Rows (N, D) of examples (N, ...)."""
        return x.flatten(1)
