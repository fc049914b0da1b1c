"""The linear layer, with the state of ``torch.nn.Linear``. Derived in chapter 04, "Multilayer perceptrons"."""

import math

import torch
from torch import Tensor

from nndl_lib import arguments

__all__ = ["Linear"]


class Linear(torch.nn.Module):
    """A layer of linear units: ``z = W x + b`` for each row x of the input, that is ``X W' + b``.

    Attributes:
        weight: (out_features, in_features), drawn uniformly from -1/sqrt(in_features) to 1/sqrt(in_features).
        bias: (out_features,), drawn likewise; None without bias.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from ``generator``, on its device, or from PyTorch's global generator without one.

        Raises:
            ValueError: a number of features is not an integer of at least 1.
        """
        super().__init__()
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            arguments.check_count(size, name, "Linear")
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(in_features)

        def draw(*shape: int) -> torch.nn.Parameter:
            values = torch.empty(shape, dtype=dtype, device=device if generator is None else generator.device)
            return torch.nn.Parameter(values.uniform_(-bound, bound, generator=generator).to(device))

        self.weight = draw(out_features, in_features)
        self.bias = draw(out_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Pre-activations (..., out_features) of inputs (..., in_features).

        Raises:
            ValueError: x has another number of columns, or another dtype or device than the weights.
        """
        weight, bias = self.weight, self.bias
        arguments.check_tensors("Linear", x=x)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(
                f"Linear: x has shape {tuple(x.shape)} and weight {tuple(weight.shape)}; "
                f"expected x (..., {self.in_features})"
            )
        # In mixed precision, torch itself brings both to one dtype.
        if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(f"Linear: x is {x.dtype} and weight is {weight.dtype}; expected the same dtype for both")
        if x.device != weight.device:
            raise ValueError(f"Linear: x is on {x.device} and weight on {weight.device}; expected one device for both")
        if bias is None:
            return x @ weight.T
        if x.ndim == 2:
            return torch.addmm(bias, x, weight.T)  # the line below in one pass
        return x @ weight.T + bias

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
