"""Cells: one step of a recurrent network as a module, with the state of torch's ``RNNCell``, ``LSTMCell``, ``GRUCell``.

Derived in chapter 10, "Recurrent networks".
"""

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_tensors
from nndl_lib._declared import count, one_of
from nndl_lib.rnn._checks import check_input, check_states, checked_as_class, generator_or_none
from nndl_lib.rnn._steps import gru_equations, lstm_equations, rnn_equation
from nndl_lib.rnn._weights import draw_weights, weights_of


class _Cell(torch.nn.Module):
    """What the cells share. A cell says how many gates it has, and of which parts its state is."""

    gates: int
    states: tuple[str, ...] = ("hx",)

    @checked_as_class(input_size=count(), hidden_size=count(), bias=check_flag, generator=generator_or_none)
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

        Raises: ValueError: a size is not an integer of at least 1, bias no bool, or generator no generator.
        """
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        draw_weights(self, "", (self.gates, input_size, hidden_size), generator, device=device, dtype=dtype)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")

    def _parts(self, input: Tensor, hx) -> tuple[Tensor, Tensor, Tensor]:
        """What comes from the input and from the hidden state, (N, K H) each, and what a step keeps: h or the cell."""
        check_tensors(type(self).__name__, input=input)
        check_input(self, input, "N")
        state, w = check_states(self, hx, input, (len(input), self.hidden_size)), weights_of(self, "")
        return w.from_input(input), w.from_hidden(state[0]), state[-1]


class RNNCell(_Cell):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or ``relu``.

    Attributes:
        weight_ih: (H, D). weight_hh: (H, H). bias_ih, bias_hh: (H,), None without bias.
    """

    gates = 1

    @checked_as_class(nonlinearity=one_of("tanh", "relu"))
    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", **options):
        """Take the sizes, "tanh" or "relu", and as options ``device``, ``dtype`` and ``generator``.

        Raises: ValueError: a size is not an integer of at least 1, or nonlinearity is another.
        """
        super().__init__(input_size, hidden_size, bias, **options)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The hidden state (N, H) after an input (N, D) at the state hx (N, H), zeros where it is not given.

        Raises: ValueError: a shape, a dtype or a device does not fit.
        """
        from_input, from_hidden, _ = self._parts(input, hx)
        return rnn_equation(from_input, from_hidden, self.nonlinearity).hidden


class LSTMCell(_Cell):
    """A step of ``lstm_step``; its gates lie in the order input, forget, candidate, output.

    Attributes:
        weight_ih: (4 H, D). weight_hh: (4 H, H). bias_ih, bias_hh: (4 H,), None without bias.
    """

    gates, states = 4, ("h", "c")

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Hidden state and cell (h, c), (N, H) each, after an input (N, D) at the state hx = (h, c), zeros without it.

        Raises: ValueError: a shape, a dtype or a device does not fit, or hx is not a pair.
        """
        step = lstm_equations(*self._parts(input, hx))
        return step.hidden, step.cell


class GRUCell(_Cell):
    """A step of ``gru_step``; its gates lie in the order reset, update, candidate.

    Attributes:
        weight_ih: (3 H, D). weight_hh: (3 H, H). bias_ih, bias_hh: (3 H,), None without bias.
    """

    gates = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The hidden state (N, H) after an input (N, D) at the state hx (N, H), zeros where it is not given.

        Raises: ValueError: a shape, a dtype or a device does not fit.
        """
        return gru_equations(*self._parts(input, hx)).hidden
