"""Layers for images, with the state of ``torch.nn``. Derived in chapter 09, "Convolutional networks".

An image is (C, H, W), a batch of them (N, C, H, W). Convolution and pooling give the numbers of ``functional.conv2d``
and its companions up to rounding, but by PyTorch's own kernels, which take less time.
"""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._precision import autocasts
from nndl_lib.functional._windows import check_convolution, check_pooling, check_window, padding_sizes

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
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        What follows ``padding_mode`` in torch, which is left out, is given by its name.

        Raises:
            ValueError: a number is too small or no integer, groups does not divide both numbers of channels, bias is no
                bool, or generator no generator.
        """
        super().__init__()
        in_channels, out_channels, groups = (
            arguments.check_count(value, name, "Conv2d")
            for name, value in (("in_channels", in_channels), ("out_channels", out_channels), ("groups", groups))
        )
        arguments.check_generator(generator, "generator", "Conv2d", optional=True)
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
        left, _, top, _ = padding_sizes(padding, self.kernel_size, self.stride, self.dilation, "Conv2d")
        self.padding = padding if isinstance(padding, str) else (top, left)
        bound = 1 / math.sqrt(in_channels // groups * self.kernel_size[0] * self.kernel_size[1])
        where = arguments.check_device(device, "Conv2d")

        def draw(*shape: int) -> torch.nn.Parameter:
            values = torch.empty(shape, dtype=dtype, device=where if generator is None else generator.device)
            return torch.nn.Parameter(values.uniform_(-bound, bound, generator=generator).to(where))

        self.weight = draw(out_channels, in_channels // groups, *self.kernel_size)
        self.bias = draw(out_channels) if arguments.check_flag(bias, "bias", "Conv2d") else None

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (N, out_channels, H_out, W_out) of images (N, in_channels, H, W).

        Raises:
            ValueError: input has another number of channels, dtype or device than the weights, or is smaller than the kernel,
                with its padding.
        """
        weight, bias = (
            self.weight,
            self.bias,
        )  # read once: a reparametrization, as of spectral norm, may count its readings
        arguments.check_tensors("Conv2d", input=input)
        if input.dtype != weight.dtype and autocasts(input):
            input = input.to(weight.dtype)  # torch brings both to one dtype of its choice, weights and all
        check_convolution(input, weight, bias, self.groups, "Conv2d")
        # From the attributes as they are now: as torch, which allows to change them.
        sizes = (tuple(weight.shape[2:]), self.stride, self.dilation)
        kernel, stride, dilation = (arguments.check_pair(pair, "a size", "Conv2d") for pair in sizes)
        left, right, top, bottom = padding_sizes(self.padding, kernel, stride, dilation, "Conv2d")
        check_window((input.shape[2] + top + bottom, input.shape[3] + left + right), kernel, dilation, "Conv2d")
        padding = top, left
        if left != right or top != bottom:  # of "same", where torch would warn that it makes this copy
            input, padding = torch.nn.functional.pad(input, (left, right, top, bottom)), (0, 0)
        return torch.nn.functional.conv2d(input, weight, bias, stride, padding, dilation, self.groups)

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
        """Take the sizes; without a stride, windows lie side by side. Raises ValueError where one is outside its range."""
        super().__init__()
        _check_sizes(kernel_size, stride, padding, "MaxPool2d")
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, input: Tensor) -> Tensor:
        """Maxima (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError as the function does."""
        sizes = check_pooling(input, self.kernel_size, self.stride, self.padding, "MaxPool2d")
        return torch.nn.functional.max_pool2d(input, *sizes)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(torch.nn.Module):
    """``functional.avg_pool2d`` as a module: the average of each window."""

    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, *, count_include_pad: bool = True
    ):
        """Take the sizes; without a stride, windows lie side by side. Raises ValueError where one is outside its range."""
        super().__init__()
        _check_sizes(kernel_size, stride, padding, "AvgPool2d")
        arguments.check_flag(count_include_pad, "count_include_pad", "AvgPool2d")
        self.kernel_size, self.padding, self.count_include_pad = kernel_size, padding, count_include_pad
        self.stride = kernel_size if stride is None else stride

    def forward(self, input: Tensor) -> Tensor:
        """Averages (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError as the function does."""
        sizes = check_pooling(input, self.kernel_size, self.stride, self.padding, "AvgPool2d")
        return torch.nn.functional.avg_pool2d(input, *sizes, count_include_pad=self.count_include_pad)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class GlobalAvgPool2d(torch.nn.Module):
    """The average of each channel over the whole image, as of ``Flatten(AdaptiveAvgPool2d(1))`` of ``torch.nn``."""

    def forward(self, input: Tensor) -> Tensor:
        """Averages (N, C) of images (N, C, H, W). Raises ValueError where input is not (N, C, H, W)."""
        arguments.check_tensors("GlobalAvgPool2d", input=input)
        if input.ndim != 4:
            raise ValueError(f"GlobalAvgPool2d: input has shape {tuple(input.shape)}; expected (N, C, H, W)")
        return input.mean(dim=(2, 3))


class Flatten(torch.nn.Module):
    """All features of an example in one row, channel by channel and row by row: (N, C, H, W) becomes (N, C H W)."""

    def forward(self, input: Tensor) -> Tensor:
        """Rows (N, D) of examples (N, ...)."""
        arguments.check_tensors("Flatten", input=input)
        return input.flatten(1)


def _check_sizes(kernel_size: Pair, stride: Pair | None, padding: Pair, caller: str) -> None:
    # What can be said before there is an image; the rest, each call checks.
    arguments.check_pair(kernel_size, "kernel_size", caller)
    arguments.check_pair(kernel_size if stride is None else stride, "stride", caller)
    arguments.check_pair(padding, "padding", caller, least=0)
