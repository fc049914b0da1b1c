"""Residual networks of convolutions: the blocks of ResNet and ResNeXt, and the networks that they make.

Their parameters have the names that they have in torchvision's, so that its state dicts load. Derived in chapter 09,
"Convolutional networks".
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Identity, Module, Sequential

from nndl_lib._arguments import check_flag, check_function
from nndl_lib._declared import checked, count
from nndl_lib.models._parts import Device, Parts, counts
from nndl_lib.nn import GlobalAvgPool2d, MaxPool2d, ReLU


class _Block(Module):
    """relu(shortcut(x) + f(x)); the shortcut is a 1 x 1 convolution only where size or channels change."""

    downsample: Sequential | None

    def _project(self, in_channels: int, out_channels: int, stride: int, make: Parts) -> None:
        self.relu, self.downsample = ReLU(), None
        if stride != 1 or in_channels != out_channels:
            self.downsample = Sequential(make.conv(in_channels, out_channels, 1, stride), make.norm(out_channels))

    def _shortcut(self, x: Tensor) -> Tensor:
        return x if self.downsample is None else self.downsample(x)


class BasicBlock(_Block):
    """Two 3 x 3 convolutions beside a shortcut: ``relu(shortcut(x) + f(x))``, the block of ResNet-18 and ResNet-34.

    ``f`` is convolution, batch normalization, relu, convolution, batch normalization. The shortcut is the identity,
    and where the number of channels or the size changes, a 1 x 1 convolution and batch normalization.

    Source: He, Zhang, Ren & Sun (2016), https://arxiv.org/abs/1512.03385.
    """

    expansion = 1  # the output has this times ``channels``

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights. The first convolution has the stride.

        Raises:
            ValueError: a number is not an integer of at least 1.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        self.conv1, self.bn1 = make.conv(in_channels, channels, 3, stride), make.norm(channels)
        self.conv2, self.bn2 = make.conv(channels, channels, 3), make.norm(channels)
        self._project(in_channels, channels, stride, make)

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (N, channels, H_out, W_out) of (N, in_channels, H, W). RuntimeError for other channels."""
        h = self.relu(self.bn1(self.conv1(input)))
        return self.relu(self._shortcut(input) + self.bn2(self.conv2(h)))


class Bottleneck(_Block):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut, the block of ResNet-50 and deeper.

    The first reduces the channels, the second works on few of them, the third makes four times ``channels``. Each is
    followed by batch normalization, the first two by relu. With more than one group it is the block of ResNeXt.

    Source: He, Zhang, Ren & Sun (2016), https://arxiv.org/abs/1512.03385; the stride is that of the 3 x 3 convolution,
    as it became usual, where the paper has it at the first.
    """

    expansion = 4

    @checked(channels=count())
    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        groups: int = 1,
        width: int | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights.

        Args:
            groups: of the 3 x 3 convolution. width: its channels, without it ``channels``; a multiple of groups.

        Raises:
            ValueError: a number is not an integer of at least 1, or groups does not divide the width.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        width, out_channels = channels if width is None else width, channels * self.expansion
        self.conv1, self.bn1 = make.conv(in_channels, width, 1), make.norm(width)
        self.conv2, self.bn2 = make.conv(width, width, 3, stride, groups=groups), make.norm(width)
        self.conv3, self.bn3 = make.conv(width, out_channels, 1), make.norm(out_channels)
        self._project(in_channels, out_channels, stride, make)

    def forward(self, input: Tensor) -> Tensor:
        """Outputs (N, 4 channels, H_out, W_out) of (N, in_channels, H, W). RuntimeError for other channels."""
        h = self.relu(self.bn1(self.conv1(input)))
        h = self.relu(self.bn2(self.conv2(h)))
        return self.relu(self._shortcut(input) + self.bn3(self.conv3(h)))


class ResNeXtBlock(Bottleneck):
    """A bottleneck whose 3 x 3 convolution has ``cardinality`` groups: the sum of that many narrow paths side by side.

    Source: Xie, Girshick, Dollar, Tu & He (2017), https://arxiv.org/abs/1611.05431.
    """

    @checked(channels=count(), cardinality=count(), base_width=count())
    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        cardinality: int = 32,
        base_width: int = 4,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights.

        Args:
            channels: as of a ``Bottleneck``: a quarter of the output's.
            cardinality: the number of paths. base_width: how many channels each has where ``channels`` is 64; in
                proportion elsewhere, so that "32x4d" is (32, 4).

        Raises:
            ValueError: a number is not an integer of at least 1, or too small for a path to have a channel.
        """
        width = channels * base_width // 64 * cardinality
        if width == 0:
            found = f"channels is {channels} and base_width {base_width}"
            raise ValueError(f"ResNeXtBlock: {found}; expected a product of at least 64, for one channel a path")
        super().__init__(in_channels, channels, stride, cardinality, width, generator, dtype, device)


class ResNet(Module):
    """A residual network for images: a stem, four stages of blocks, the average of each map, and a linear layer.

    Each stage but the first halves the size and doubles the channels. ``ResNet(BasicBlock, [2, 2, 2, 2])`` is
    ResNet-18 with 11,689,512 parameters, ``ResNet(Bottleneck, [3, 4, 6, 3])`` ResNet-50 with 25,557,032,
    ``ResNet(ResNeXtBlock, [3, 4, 6, 3])`` ResNeXt-50 (32x4d) with 25,028,904.

    Attributes:
        layer1, layer2, ...: the stages, each a ``Sequential`` of blocks. fc: the linear layer.
    """

    @checked(
        block=check_function, layers=counts("the number of blocks of each stage"), channels=count(), small=check_flag
    )
    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        in_channels: int = 3,
        channels: int = 64,
        small: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights, block after block.

        Args:
            block: one of the blocks of this module. layers: how many of them each stage has.
            channels: those of the stem and, times the block's expansion, of the first stage.
            small: for small images, the stem is a 3 x 3 convolution, not one of 7 x 7 with stride 2 and a pooling.

        Raises:
            ValueError: there is no stage, or a number is not an integer of at least 1.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        self.conv1, self.bn1, self.relu = make.stem(in_channels, channels, small), make.norm(channels), ReLU()
        self.maxpool = Identity() if small else MaxPool2d(3, stride=2, padding=1)
        inputs, self.stages = channels, len(layers)
        for k, number in enumerate(layers):
            blocks: list[Module] = []
            for n in range(number):
                stride = 2 if k > 0 and n == 0 else 1
                blocks.append(block(inputs, channels * 2**k, stride, **make._asdict()))
                inputs = channels * 2**k * block.expansion
            self.add_module(f"layer{k + 1}", Sequential(*blocks))
        self.avgpool, self.fc = GlobalAvgPool2d(), make.linear(inputs, num_classes)

    def forward(self, input: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, in_channels, H, W). RuntimeError for other channels."""
        h = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        for k in range(self.stages):
            h = self.get_submodule(f"layer{k + 1}")(h)
        return self.fc(self.avgpool(h))
