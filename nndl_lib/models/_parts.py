"""What the networks share: layers made with one generator, dtype and device, and the check of what a stage counts."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from nndl_lib._arguments import check_count
from nndl_lib._declared import Check
from nndl_lib.nn import BatchNorm2d, Conv2d, Linear

Device = str | torch.device | None


class Parts(NamedTuple):
    """Makes the layers of a network, one after another, with what was given to the network."""

    generator: torch.Generator | None
    dtype: torch.dtype | None
    device: Device

    def conv(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
    ) -> Conv2d:
        """A convolution; without a padding, half the kernel's, which leaves the size as it is where the stride is 1."""
        padding = kernel // 2 if padding is None else padding
        return Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias, **self._asdict())

    def stem(self, inputs: int, outputs: int, small: bool) -> Conv2d:
        """The first convolution: 7 x 7 with stride 2, and 3 x 3 for small images."""
        return self.conv(inputs, outputs, 3) if small else self.conv(inputs, outputs, 7, stride=2)

    def norm(self, channels: int) -> BatchNorm2d:
        """Batch normalization, which draws nothing."""
        return BatchNorm2d(channels, dtype=self.dtype, device=self.device)

    def linear(self, inputs: int, outputs: int) -> Linear:
        """A linear layer."""
        return Linear(inputs, outputs, **self._asdict())


def counts(expected: str) -> Check:
    """A check: one or more integers of at least 1. Raises: ValueError where a value is something else."""

    def check(value: Sequence[int], name: str, caller: str) -> list[int]:
        values = list(value) if isinstance(value, Iterable) else []
        if not values:
            raise ValueError(f"{caller}: {name} is {value!r}; expected {expected}")
        return [check_count(one, f"{name}[{k}]", caller) for k, one in enumerate(values)]

    return check
