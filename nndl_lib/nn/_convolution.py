"""Layers for images, with the state of ``torch.nn``. Derived in chapter 09, "Convolutional networks".

An image is (C, H, W), a batch of them (N, C, H, W). Convolution and pooling give the numbers of ``functional.conv2d``
and its companions up to rounding, but by PyTorch's own kernels, which take less time. What these say clearly, such as
that a kernel is larger than the padded image, they say.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from nndl_lib._arguments import check_flag, check_pair
from nndl_lib._declared import checked, count
from nndl_lib.nn._layer import Device, Layer, check_like, check_rng, drawn

Pair = int | tuple[int, int]


def _padding(value: Pair | str, name: str, caller: str) -> tuple[int, int] | str:
    if isinstance(value, str) and value not in ("same", "valid"):
        raise ValueError(f"{caller}: {name} is {value!r}; expected 'same', 'valid', or integers")
    return value if isinstance(value, str) else check_pair(value, name, caller, least=0)


def _size(value: Pair, name: str, caller: str, least: int = 1) -> Pair:
    pair = check_pair(value, name, caller, least)
    return pair if isinstance(value, (tuple, list)) else pair[0]  # as it was given, which `print` shows


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


class Conv2d(Layer):
    """A layer of convolutions: ``functional.conv2d`` with its weights.

    Attributes:
        weight: (out_channels, in_channels / groups, kh, kw), drawn uniformly from -1/sqrt(n) to 1/sqrt(n), where
            ``n = in_channels / groups * kh * kw`` is the number of inputs of a unit.
        bias: (out_channels,), drawn likewise; None without bias.
    """

    @checked(
        in_channels=count(),
        out_channels=count(),
        kernel_size=check_pair,
        stride=check_pair,
        padding=_padding,
        dilation=check_pair,
        groups=count(),
        bias=check_flag,
        generator=check_rng,
    )
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
        device: Device = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        What follows ``padding_mode`` in torch, which is left out, is given by its name.

        Raises:
            ValueError: a number is too small or no integer, groups does not divide both numbers of channels, padding
                is "same" with a stride, bias is no bool, or generator no generator.
        """
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = map(_pair, (kernel_size, stride, dilation))
        self.padding = padding if isinstance(padding, str) else _pair(padding)
        self._check()
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight, self.bias = drawn(shape, bias, generator, device, dtype)

    @checked(input="N C H W")
    def forward(self, input: Tensor) -> Tensor:
        """Outputs (N, out_channels, H_out, W_out) of images (N, in_channels, H, W).

        Raises:
            ValueError: input is not (N, C, H, W), or has another dtype or device than the weights.
            RuntimeError: input has other channels, or is smaller than the kernel, with its padding.
        """
        weight, bias, padding = self.weight, self.bias, self.padding  # read once: a reparametrization may count that
        check_like(input, weight, "Conv2d")
        if padding == "same":
            input, padding = self._same(input, weight)
        return F.conv2d(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _same(self, input: Tensor, weight: Tensor) -> tuple[Tensor, tuple[int, int]]:
        # An odd pixel goes to the right and the bottom, as with torch's "same", which would warn that it makes a copy.
        self._check()
        height, width = (d * (k - 1) for d, k in zip(_pair(self.dilation), weight.shape[2:]))
        if height % 2 or width % 2:
            input = F.pad(input, (0, width % 2, 0, height % 2))
        return input, (height // 2, width // 2)

    def _check(self) -> None:
        if self.in_channels % self.groups or self.out_channels % self.groups:
            found = f"groups is {self.groups}, in_channels {self.in_channels} and out_channels {self.out_channels}"
            raise ValueError(f"Conv2d: {found}; expected a number that divides both")
        if self.padding == "same" and _pair(self.stride) != (1, 1):
            raise ValueError(f"Conv2d: padding is 'same' and stride {self.stride}; expected stride 1")

    def extra_repr(self) -> str:
        """The sizes, for ``print``: those that are not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding}" if self.padding != (0, 0) else ""
        text += f", dilation={self.dilation}" if self.dilation != (1, 1) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        return text + (", bias=False" if self.bias is None else "")


class MaxPool2d(Layer):
    """``functional.max_pool2d`` as a module: the largest entry of each window."""

    shown = "kernel_size= stride= padding="

    @checked(kernel_size=_size, stride=_size, padding=partial(_size, least=0))
    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0):
        """Take the sizes; without a stride, windows lie side by side.

        Raises:
            ValueError: a size is too small or no integer.
        """
        super().__init__()
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    @checked(input="N C H W")
    def forward(self, input: Tensor) -> Tensor:
        """Maxima (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError where input is not (N, C, H, W)."""
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding)


class AvgPool2d(Layer):
    """``functional.avg_pool2d`` as a module: the average of each window."""

    shown = "kernel_size= stride= padding="

    @checked(kernel_size=_size, stride=_size, padding=partial(_size, least=0), count_include_pad=check_flag)
    def __init__(
        self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0, *, count_include_pad: bool = True
    ):
        """Take the sizes; without a stride, windows lie side by side.

        Raises:
            ValueError: a size is too small or no integer, or count_include_pad no bool.
        """
        super().__init__()
        self.kernel_size, self.padding, self.count_include_pad = kernel_size, padding, count_include_pad
        self.stride = kernel_size if stride is None else stride

    @checked(input="N C H W")
    def forward(self, input: Tensor) -> Tensor:
        """Averages (N, C, H_out, W_out) of images (N, C, H, W). Raises ValueError where input is not (N, C, H, W)."""
        return F.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, count_include_pad=self.count_include_pad
        )


class GlobalAvgPool2d(torch.nn.Module):
    """The average of each channel over the whole image, as of ``Flatten(AdaptiveAvgPool2d(1))`` of ``torch.nn``."""

    @checked(input="N C H W")
    def forward(self, input: Tensor) -> Tensor:
        """Averages (N, C) of images (N, C, H, W). Raises ValueError where input is not (N, C, H, W)."""
        return input.mean(dim=(2, 3))


class Flatten(torch.nn.Module):
    """All features of an example in one row, channel by channel and row by row: (N, C, H, W) becomes (N, C H W)."""

    @checked(input="any ...")
    def forward(self, input: Tensor) -> Tensor:
        """Rows (N, D) of examples (N, ...)."""
        return input.flatten(1)
