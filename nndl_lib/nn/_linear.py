"""The linear layer, with the state of ``torch.nn.Linear``. Derived in chapter 04, "Multilayer perceptrons"."""

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_tensors
from nndl_lib._declared import checked, count
from nndl_lib.nn._layer import Device, Layer, check_like, check_rng, drawn


class Linear(Layer):
    """A layer of linear units: ``z = W x + b`` for each row x of the input, that is ``X W' + b``.

    Attributes:
        weight: (out_features, in_features), drawn uniformly from -1/sqrt(in_features) to 1/sqrt(in_features).
        bias: (out_features,), drawn likewise; None without bias.
    """

    shown = "in_features= out_features= bias="

    @checked(in_features=count(), out_features=count(), bias=check_flag, generator=check_rng)
    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        Raises:
            ValueError: a number of features is not an integer of at least 1, bias no bool, or generator no generator.
        """
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight, self.bias = drawn((out_features, in_features), bias, generator, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Pre-activations (..., out_features) of inputs (..., in_features).

        Raises:
            ValueError: input has another number of columns, or another dtype or device than the weights.
        """
        weight, bias = self.weight, self.bias  # read once: a reparametrization may count its readings
        _check(input, weight)
        if bias is None:
            return input @ weight.T
        if input.ndim == 2:
            return torch.addmm(bias, input, weight.T)  # the line below in one pass
        return input @ weight.T + bias


def _check(input: Tensor, weight: Tensor) -> None:
    check_tensors("Linear", input=input)
    if input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        found = f"input has shape {tuple(input.shape)} and weight {tuple(weight.shape)}"
        raise ValueError(f"Linear: {found}; expected input (..., {weight.shape[1]})")
    check_like(input, weight, "Linear")
