"""DenseNet: every layer sees the maps of all before it. Derived in chapter 09, "Convolutional networks".

Parameters have the names that they have in torchvision's, so that its state dicts load.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.nn import AvgPool2d, BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, ReLU


class DenseLayer(torch.nn.Module):
    """The maps that it was given, and ``growth`` new ones after them.

    The new ones come from batch normalization, relu, a 1 x 1 convolution to ``bottleneck * growth`` channels, batch
    normalization, relu and a 3 x 3 convolution.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    def __init__(
        self,
        in_channels: int,
        growth: int,
        bottleneck: int = 4,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights. Raises ValueError where a number is not an integer of at least 1."""
        super().__init__()
        for name, value in (("growth", growth), ("bottleneck", bottleneck)):
            arguments.check_count(value, name, "DenseLayer")
        norm = {"dtype": dtype, "device": device}
        options, width = {"generator": generator, "bias": False, **norm}, bottleneck * growth
        self.norm1, self.relu1 = BatchNorm2d(in_channels, **norm), ReLU()
        self.conv1 = Conv2d(in_channels, width, 1, **options)
        self.norm2, self.relu2 = BatchNorm2d(width, **norm), ReLU()
        self.conv2 = Conv2d(width, growth, 3, padding=1, **options)

    def forward(self, input: Tensor) -> Tensor:
        """(N, in_channels + growth, H, W) of (N, in_channels, H, W). Raises ValueError for other channels."""
        h = self.conv1(self.relu1(self.norm1(input)))
        return torch.cat([input, self.conv2(self.relu2(self.norm2(h)))], dim=1)


class DenseBlock(torch.nn.Sequential):
    """``num_layers`` dense layers, "denselayer1", "denselayer2", ...: ``num_layers * growth`` channels more.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    def __init__(
        self,
        num_layers: int,
        in_channels: int,
        growth: int,
        bottleneck: int = 4,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights, layer after layer. Raises ValueError where a number is not an integer of at least 1."""
        for name, value in (("num_layers", num_layers), ("in_channels", in_channels), ("growth", growth)):
            arguments.check_count(value, name, "DenseBlock")
        options = {"generator": generator, "dtype": dtype, "device": device}
        super().__init__()
        for k in range(num_layers):
            layer = DenseLayer(in_channels + k * growth, growth, bottleneck, **options)
            self.add_module(f"denselayer{k + 1}", layer)


class Transition(torch.nn.Sequential):
    """What is between two dense blocks: batch normalization, relu, a 1 x 1 convolution, and 2 x 2 average pooling.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights; the paper has half as many channels out as in. Raises ValueError as ``Conv2d`` does."""
        super().__init__()
        where = {"dtype": dtype, "device": device}
        self.add_module("norm", BatchNorm2d(in_channels, **where))
        self.add_module("relu", ReLU())
        self.add_module("conv", Conv2d(in_channels, out_channels, 1, bias=False, generator=generator, **where))
        self.add_module("pool", AvgPool2d(2))


class DenseNet(torch.nn.Module):
    """A stem, dense blocks with transitions between them, the average of each map, and a linear layer.

    ``DenseNet(32, [6, 12, 24, 16], 64)`` is DenseNet-121 with 7,978,856 parameters.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.

    Attributes:
        features: a ``Sequential`` of stem, blocks and transitions. classifier: the linear layer.
    """

    def __init__(
        self,
        growth: int,
        layers: Sequence[int],
        channels: int,
        num_classes: int = 1000,
        in_channels: int = 3,
        small: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights, layer after layer.

        Args:
            growth: the maps that a layer adds. layers: how many layers each block has. channels: those of the stem.
            small: for small images, the stem is a 3 x 3 convolution, not one of 7 x 7 with stride 2 and a pooling.

        Raises:
            ValueError: there is no block, or a number is not an integer of at least 1.
        """
        super().__init__()
        layers = list(layers) if isinstance(layers, Iterable) else []
        if not layers:
            raise ValueError(f"DenseNet: layers is {layers}; expected the number of layers of each block")
        arguments.check_count(channels, "channels", "DenseNet")
        where = {"dtype": dtype, "device": device}
        options = {"generator": generator, **where}
        small = arguments.check_flag(small, "small", "DenseNet")
        kernel, stride = (3, 1) if small else (7, 2)
        stem = Conv2d(in_channels, channels, kernel, stride, padding=kernel // 2, bias=False, **options)
        parts = [("conv0", stem)]
        if not small:
            parts += [("norm0", BatchNorm2d(channels, **where)), ("relu0", ReLU()), ("pool0", MaxPool2d(3, 2, 1))]
        for k, count in enumerate(layers, start=1):
            parts.append((f"denseblock{k}", DenseBlock(count, channels, growth, **options)))
            channels += count * growth
            if k < len(layers):
                parts.append((f"transition{k}", Transition(channels, channels // 2, **options)))
                channels //= 2
        parts.append((f"norm{len(layers) + 1}", BatchNorm2d(channels, **where)))
        self.features = torch.nn.Sequential(OrderedDict(parts))
        self.relu, self.avgpool, self.classifier = ReLU(), GlobalAvgPool2d(), Linear(channels, num_classes, **options)

    def forward(self, input: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, in_channels, H, W). Raises ValueError for other channels."""
        return self.classifier(self.avgpool(self.relu(self.features(input))))
