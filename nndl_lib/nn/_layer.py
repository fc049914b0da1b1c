"""What layers share: how parameters begin, what ``print`` shows of a layer, and the dtype and device of its input."""

import math
from functools import partial

import torch
from torch import Tensor
from torch.nn import Parameter

from nndl_lib._arguments import check_generator

Device = str | torch.device | None
check_rng = partial(check_generator, optional=True)


class Layer(torch.nn.Module):
    """A module whose settings are shown by ``print``: each of ``shown`` as its value, or as ``name=value``."""

    shown = ""  # such as "size alpha= beta="

    def extra_repr(self) -> str:
        """The settings, for ``print``."""
        settings = {name: getattr(self, name.rstrip("=")) for name in self.shown.split()}
        if "bias=" in settings:
            settings["bias="] = self.bias is not None
        return ", ".join(f"{name}{value}" if "=" in name else str(value) for name, value in settings.items())


def drawn(
    shape: tuple[int, ...],
    bias: bool,
    generator: torch.Generator | None = None,
    device: Device = None,
    dtype: torch.dtype | None = None,
) -> tuple[Parameter, Parameter | None]:
    """A weight (out, in, ...) and a bias (out,), or None without: uniform from -1/sqrt(n) to 1/sqrt(n), as torch's.

    A unit sums over n inputs, in times the rest of the shape. The numbers are drawn on the generator's device.
    """
    bound = 1 / math.sqrt(math.prod(shape[1:]))

    def draw(*shape: int) -> Parameter:
        values = torch.empty(shape, dtype=dtype, device=device if generator is None else generator.device)
        return Parameter(values.uniform_(-bound, bound, generator=generator).to(device=device))

    return draw(*shape), draw(shape[0]) if bias else None


def ones_and_zeros(
    shape: tuple[int, ...], weight: bool, bias: bool, device: Device, dtype: torch.dtype | None
) -> tuple[Parameter | None, Parameter | None]:
    """A weight of ones and a bias of zeros, each None where there is none: so a normalization begins."""
    ones = Parameter(torch.ones(shape, device=device, dtype=dtype)) if weight else None
    return ones, Parameter(torch.zeros(shape, device=device, dtype=dtype)) if weight and bias else None


def autocasts(input: Tensor) -> bool:
    """Whether ``torch.autocast`` is on for the device of input. For "meta" torch knows none."""
    return not input.is_meta and torch.is_autocast_enabled(input.device.type)


def wide(input: Tensor) -> Tensor:
    """Input as a normalization wants it: in mixed precision, a layer before may have made it of 16 bits.

    Those are too few for sums of squares, and the weights have 32.
    """
    return input.float() if input.dtype in (torch.float16, torch.bfloat16) and autocasts(input) else input


def check_like(input: Tensor, weight: Tensor, caller: str) -> None:
    """Raises: ValueError where input has another dtype or device than the weight.

    In mixed precision, torch itself brings them to one dtype. Elsewhere a weight on "meta" would silently count as 0.
    """
    if input.dtype != weight.dtype and not autocasts(input):
        found = f"input is {input.dtype} and weight is {weight.dtype}"
        raise ValueError(f"{caller}: {found}; expected one floating-point dtype for all")
    if input.device != weight.device:
        found = f"input is on {input.device} and weight is on {weight.device}"
        raise ValueError(f"{caller}: {found}; expected one device for all")
