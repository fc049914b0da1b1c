"""DenseNet: every layer sees the maps of all before it. Derived in chapter 09, "Convolutional networks".

Parameters have the names that they have in torchvision's, so that its state dicts load.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from nndl_lib._arguments import check_flag
from nndl_lib._declared import checked, count
from nndl_lib.models._parts import Device, Parts, counts
from nndl_lib.nn import AvgPool2d, GlobalAvgPool2d, MaxPool2d, ReLU


class DenseLayer(Module):
    """The maps that it was given, and ``growth`` new ones after them.

    The new ones come from batch normalization, relu, a 1 x 1 convolution to ``bottleneck * growth`` channels, batch
    normalization, relu and a 3 x 3 convolution.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    @checked(growth=count(), bottleneck=count())
    def __init__(
        self,
        in_channels: int,
        growth: int,
        bottleneck: int = 4,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights. Raises ValueError where a number is not an integer of at least 1."""
        super().__init__()
        make, width = Parts(generator, dtype, device), bottleneck * growth
        self.norm1, self.relu1, self.conv1 = make.norm(in_channels), ReLU(), make.conv(in_channels, width, 1)
        self.norm2, self.relu2, self.conv2 = make.norm(width), ReLU(), make.conv(width, growth, 3)

    def forward(self, input: Tensor) -> Tensor:
        """(N, in_channels + growth, H, W) of (N, in_channels, H, W). Raises ValueError for other channels."""
        h = self.conv1(self.relu1(self.norm1(input)))
        return torch.cat([input, self.conv2(self.relu2(self.norm2(h)))], dim=1)


class DenseBlock(Sequential):
    """``num_layers`` dense layers, "denselayer1", "denselayer2", ...: ``num_layers * growth`` channels more.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    @checked(num_layers=count(), in_channels=count(), growth=count())
    def __init__(
        self,
        num_layers: int,
        in_channels: int,
        growth: int,
        bottleneck: int = 4,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights, layer after layer. Raises ValueError where a number is not an integer of at least 1."""
        super().__init__()
        for k in range(num_layers):
            layer = DenseLayer(in_channels + k * growth, growth, bottleneck, generator, dtype, device)
            self.add_module(f"denselayer{k + 1}", layer)


class Transition(Sequential):
    """What is between two dense blocks: batch normalization, relu, a 1 x 1 convolution, and 2 x 2 average pooling.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights; the paper has half as many channels out as in. Raises ValueError as ``Conv2d`` does."""
        super().__init__()
        make = Parts(generator, dtype, device)
        self.norm, self.relu = make.norm(in_channels), ReLU()
        self.conv, self.pool = make.conv(in_channels, out_channels, 1), AvgPool2d(2)


class DenseNet(Module):
    """A stem, dense blocks with transitions between them, the average of each map, and a linear layer.

    ``DenseNet(32, [6, 12, 24, 16], 64)`` is DenseNet-121 with 7,978,856 parameters.

    Source: Huang, Liu, van der Maaten & Weinberger (2017), https://arxiv.org/abs/1608.06993.

    Attributes:
        features: a ``Sequential`` of stem, blocks and transitions. classifier: the linear layer.
    """

    @checked(growth=count(), layers=counts("the number of layers of each block"), channels=count(), small=check_flag)
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
        device: Device = None,
    ):
        """Draw the weights, layer after layer.

        Args:
            growth: the maps that a layer adds. layers: how many layers each block has. channels: those of the stem.
            small: for small images, the stem is a 3 x 3 convolution, not one of 7 x 7 with stride 2 and a pooling.

        Raises:
            ValueError: there is no block, or a number is not an integer of at least 1.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        parts: dict[str, Module] = {"conv0": make.stem(in_channels, channels, small)}
        if not small:
            parts |= {"norm0": make.norm(channels), "relu0": ReLU(), "pool0": MaxPool2d(3, stride=2, padding=1)}
        for k, number in enumerate(layers, start=1):
            parts[f"denseblock{k}"] = DenseBlock(number, channels, growth, **make._asdict())
            channels += number * growth
            if k < len(layers):
                parts[f"transition{k}"] = Transition(channels, channels // 2, *make)
                channels //= 2
        parts[f"norm{len(layers) + 1}"] = make.norm(channels)
        self.features = Sequential(OrderedDict(parts))
        self.relu, self.avgpool, self.classifier = ReLU(), GlobalAvgPool2d(), make.linear(channels, num_classes)

    def forward(self, input: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, in_channels, H, W). RuntimeError for other channels."""
        return self.classifier(self.avgpool(self.relu(self.features(input))))
