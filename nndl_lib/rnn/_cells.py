"""Cells: one step of a recurrent network as a module, with the state of torch's ``RNNCell``, ``LSTMCell``, ``GRUCell``.

Derived in chapter 10, "Recurrent networks".
"""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.nn import init
from nndl_lib.rnn._steps import GRUGates, LSTMGates, gru_step, lstm_step, rnn_step


class _Cell(torch.nn.Module):
    """What the cells share: parameters and checks. A cell says how many gates it has."""

    gates: int

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters from -1/sqrt(hidden_size) to 1/sqrt(hidden_size), in torch's order.

        Raises:
            ValueError: a size is not an integer of at least 1, bias no bool, or generator no generator.
        """
        super().__init__()
        caller = type(self).__name__
        input_size, hidden_size = (
            arguments.check_count(size, name, caller)
            for name, size in (("input_size", input_size), ("hidden_size", hidden_size))
        )
        arguments.check_generator(generator, "generator", caller, optional=True)
        self.input_size, self.hidden_size, self.bias = (
            input_size,
            hidden_size,
            arguments.check_flag(bias, "bias", caller),
        )
        bound, rows = 1 / math.sqrt(hidden_size), self.gates * hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for name, shape in shapes.items():
            values = torch.empty(shape, device=device, dtype=dtype)
            has = bias or len(shape) == 2
            drawn = torch.nn.Parameter(init.uniform_(values, -bound, bound, generator)) if has else None
            self.register_parameter(name, drawn)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")

    def _parts(self, input: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        # What comes from the input and what comes from the state, (N, K H) each.
        linear = torch.nn.functional.linear
        return linear(input, self.weight_ih, self.bias_ih), linear(h, self.weight_hh, self.bias_hh)

    def _check(self, input: Tensor, **states: Tensor | None) -> list[Tensor]:
        # Checks the input, and gives the states, zeros where there is none.
        caller, like = type(self).__name__, next(self.parameters())
        arguments.check_tensors(
            caller, input=input, **{name: state for name, state in states.items() if state is not None}
        )
        if input.ndim != 2 or input.shape[1] != self.input_size:
            raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected (N, {self.input_size})")
        expected, checked = (len(input), self.hidden_size), []
        for name, state in states.items():
            state = input.new_zeros(expected) if state is None else state
            if state.shape != expected:
                found = f"input has shape {tuple(input.shape)} and {name} {tuple(state.shape)}"
                raise ValueError(f"{caller}: {found}; expected {name} {expected}")
            checked.append(state)
        for name, value in (("input", input), *zip(states, checked)):
            if value.dtype != like.dtype:
                found = f"{name} is {value.dtype} and weight_ih is {like.dtype}"
                raise ValueError(f"{caller}: {found}; expected the same dtype for both")
            if value.device != like.device:
                found = f"{name} is on {value.device} and weight_ih on {like.device}"
                raise ValueError(f"{caller}: {found}; expected one device for both")
        return checked


class RNNCell(_Cell):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or ``relu``.

    Attributes:
        weight_ih: (H, D). weight_hh: (H, H). bias_ih, bias_hh: (H,), None without bias.
    """

    gates = 1

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", **options):
        """Take the sizes, "tanh" or "relu", and as options ``device``, ``dtype`` and ``generator``.

        Raises:
            ValueError: a size is not an integer of at least 1, or nonlinearity is another.
        """
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"{type(self).__name__}: nonlinearity is {nonlinearity!r}; expected 'tanh' or 'relu'")
        super().__init__(input_size, hidden_size, bias, **options)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The hidden state (N, H) after an input (N, D) at the state hx (N, H), zeros where it is not given.

        Raises:
            ValueError: a shape, a dtype or a device does not fit.
        """
        (h,) = self._check(input, hx=hx)
        return rnn_step(*self._parts(input, h), self.nonlinearity).hidden


class LSTMCell(_Cell):
    """A step of ``steps.lstm_step``; its gates lie in the order input, forget, candidate, output.

    Attributes:
        weight_ih: (4 H, D). weight_hh: (4 H, H). bias_ih, bias_hh: (4 H,), None without bias.
    """

    gates = 4

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Hidden state and cell (h, c), (N, H) each, after an input (N, D) at the state hx = (h, c), zeros without it.

        Raises:
            ValueError: a shape, a dtype or a device does not fit, or hx is not a pair.
        """
        g = self.step(input, hx)
        return g.hidden, g.cell

    def step(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> LSTMGates:
        """As ``forward``, but with the gates."""
        if hx is not None and not (isinstance(hx, (tuple, list)) and len(hx) == 2):
            raise ValueError(f"LSTMCell: hx is a {type(hx).__name__}; expected a pair (h, c)")
        h, c = self._check(input, h=None if hx is None else hx[0], c=None if hx is None else hx[1])
        return lstm_step(*self._parts(input, h), c)


class GRUCell(_Cell):
    """A step of ``steps.gru_step``; its gates lie in the order reset, update, candidate.

    Attributes:
        weight_ih: (3 H, D). weight_hh: (3 H, H). bias_ih, bias_hh: (3 H,), None without bias.
    """

    gates = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The hidden state (N, H) after an input (N, D) at the state hx (N, H), zeros where it is not given.

        Raises:
            ValueError: a shape, a dtype or a device does not fit.
        """
        return self.step(input, hx).hidden

    def step(self, input: Tensor, hx: Tensor | None = None) -> GRUGates:
        """As ``forward``, but with the gates."""
        (h,) = self._check(input, hx=hx)
        return gru_step(*self._parts(input, h), h)
