"""The linear layer, with the state of ``torch.nn.Linear``. Derived in chapter 04, "Multilayer perceptrons"."""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._precision import autocasts


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
            ValueError: a number of features is not an integer of at least 1, bias no bool, or generator no generator.
        """
        super().__init__()
        self.in_features = arguments.check_count(in_features, "in_features", "Linear")
        self.out_features = arguments.check_count(out_features, "out_features", "Linear")
        arguments.check_generator(generator, "generator", "Linear", optional=True)
        device = arguments.check_device(device, "Linear")
        bound = 1 / math.sqrt(in_features)

        def draw(*shape: int) -> torch.nn.Parameter:
            values = torch.empty(shape, dtype=dtype, device=device if generator is None else generator.device)
            return torch.nn.Parameter(values.uniform_(-bound, bound, generator=generator).to(device))

        self.weight = draw(out_features, in_features)
        self.bias = draw(out_features) if arguments.check_flag(bias, "bias", "Linear") else None

    def forward(self, input: Tensor) -> Tensor:
        """Pre-activations (..., out_features) of inputs (..., in_features).

        Raises:
            ValueError: input has another number of columns, or another dtype or device than the weights.
        """
        weight, bias = self.weight, self.bias
        arguments.check_tensors("Linear", input=input)
        if input.ndim == 0 or input.shape[-1] != weight.shape[1]:
            raise ValueError(
                f"Linear: input has shape {tuple(input.shape)} and weight {tuple(weight.shape)}; "
                f"expected input (..., {weight.shape[1]})"
            )
        # In mixed precision, torch itself brings both to one dtype.
        if input.dtype != weight.dtype and not autocasts(input):
            raise ValueError(
                f"Linear: input is {input.dtype} and weight is {weight.dtype}; expected the same dtype for both"
            )
        if input.device != weight.device:
            raise ValueError(
                f"Linear: input is on {input.device} and weight on {weight.device}; expected one device for both"
            )
        if bias is None:
            return input @ weight.T
        if input.ndim == 2:
            return torch.addmm(bias, input, weight.T)  # the line below in one pass
        return input @ weight.T + bias

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
