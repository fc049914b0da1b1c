"""The parameters of a cell, or of a layer in one direction: torch's names, order and draws, and what they multiply."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib.nn import init


class Weights(NamedTuple):
    """The parameters of one layer in one direction, K gates of H units below each other."""

    weight_ih: Tensor  # (K H, D): on the input, D the input size, or in later layers H times the directions
    weight_hh: Tensor  # (K H, H): on the state before
    bias_ih: Tensor | None  # (K H,); None without bias
    bias_hh: Tensor | None  # (K H,)

    def from_input(self, x: Tensor) -> Tensor:
        """``W_ih x + b_ih``, (..., K H), for x (..., D)."""
        return torch.nn.functional.linear(x, self.weight_ih, self.bias_ih)

    def from_hidden(self, h: Tensor) -> Tensor:
        """``W_hh h + b_hh``, (..., K H), for h (..., H)."""
        return torch.nn.functional.linear(h, self.weight_hh, self.bias_hh)


def draw_weights(
    module: torch.nn.Module, suffix: str, shape: tuple[int, int, int], generator: torch.Generator | None, **options: Any
) -> None:
    """Register parameters of that suffix, drawn uniformly from -1/sqrt(H) to 1/sqrt(H), in torch's order.

    shape: (K, D, H). options: device and dtype. Where the module has no bias, both biases are None.
    """
    K, D, H = shape
    for name, size in zip(Weights._fields, ((K * H, D), (K * H, H), (K * H,), (K * H,))):
        drawn = None
        if module.bias or name.startswith("weight"):
            values = init.uniform_(torch.empty(size, **options), -1 / math.sqrt(H), 1 / math.sqrt(H), generator)
            drawn = torch.nn.Parameter(values)
        module.register_parameter(name + suffix, drawn)


def weights_of(module: torch.nn.Module, suffix: str) -> Weights:
    """The parameters of that suffix."""
    return Weights(*(getattr(module, name + suffix) for name in Weights._fields))
