"""The multilayer perceptron, as a ``Sequential`` of linear layers and activations. Derived in chapter 04."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nndl_lib._arguments import check_count, check_function
from nndl_lib._declared import checked
from nndl_lib.nn._activations import ReLU
from nndl_lib.nn._layer import Device
from nndl_lib.nn._linear import Linear


def _sizes(value: Sequence[int], name: str, caller: str) -> list[int]:
    sizes = list(value) if isinstance(value, Iterable) else [value]
    if len(sizes) < 2:
        raise ValueError(f"{caller}: {name} are {sizes}; expected at least two: the input's width and the output's")
    return [check_count(size, f"{name}[{k}]", caller) for k, size in enumerate(sizes)]


class MLP(torch.nn.Sequential):
    """A multilayer perceptron: linear layers, an activation after each but the last, whose outputs are the logits.

    ``MLP([64, 100, 10])`` has the layers of ``Sequential(Linear(64, 100), ReLU(), Linear(100, 10))``, and the keys of
    its state: "0.weight", "0.bias", "2.weight", "2.bias". Its ``forward`` is that of ``Sequential``: one after another.
    """

    @checked(sizes=_sizes, activation=check_function)
    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[], torch.nn.Module] = ReLU,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Make the layers in order.

        Args:
            sizes: the width of the input, of each hidden layer and of the output: L + 1 numbers for L layers.
            activation: makes the module that goes after a hidden layer: a class such as ``Tanh``, or a function such
                as ``lambda: LeakyReLU(0.2)``.
            generator: what the weights are drawn from, as in ``Linear``.

        Raises:
            ValueError: there are fewer than two sizes, or one is not an integer of at least 1.
        """
        layers: list[torch.nn.Module] = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [Linear(inputs, outputs, device=device, dtype=dtype, generator=generator), activation()]
        super().__init__(*layers[:-1])

    def __getitem__(self, index: int | slice) -> torch.nn.Module:
        # A part of an MLP is a Sequential, which Sequential itself would try to make as an MLP.
        return torch.nn.Sequential(OrderedDict(self._modules))[index]

    def hidden(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Follow x (..., sizes[0]) through the L layers: the pair (pre-activation, activation) of each.

        Both of layer ``l`` have shape (..., sizes[l]), with l from 1 to L. The last layer has no activation: its pair
        is twice the logits, equal to ``self(x)``.
        """
        pairs = []
        for k in range(0, len(self), 2):
            z = self[k](x)
            x = self[k + 1](z) if k + 1 < len(self) else z
            pairs.append((z, x))
        return pairs
