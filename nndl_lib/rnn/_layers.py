"""Recurrent networks over sequences: state, arguments and values of ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

Derived in chapter 10, "Recurrent networks". Sequences of different lengths come padded, with ``lengths``, and give what
torch gives for a packed sequence. What torch has beyond that (packed sequences, a single sequence without N,
``proj_size``) is left out.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from nndl_lib import functional
from nndl_lib._arguments import check_flag, check_tensors
from nndl_lib._declared import count, number, one_of
from nndl_lib.functional._precision import autocasts
from nndl_lib.functional._transforms import transformed
from nndl_lib.rnn._checks import check_input, check_lengths, check_states, checked_as_class, generator_or_none, warn
from nndl_lib.rnn._fused import fused_layer, side_by_side_, wants_fused
from nndl_lib.rnn._lengths import at_end, reverse, until
from nndl_lib.rnn._steps import GRUGates, LSTMGates, RNNState, Step, gru_equations, lstm_equations, rnn_equation
from nndl_lib.rnn._through_time import lstm_sequence
from nndl_lib.rnn._weights import Weights, draw_weights, weights_of


class Recurrent(torch.nn.Module):
    """What the three networks share: parameters, layers, directions, lengths. Made as ``RNN``, ``LSTM`` or ``GRU``.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: (K H, D or H), (K H, H) and (K H,), the K gates below each
            other; the number is the layer's, and the parameters of the backward direction end in ``_reverse``.
    """

    gates: int  # how many blocks of H rows a weight has
    states: tuple[str, ...] = ("hx",)  # the names of the parts of the state

    @checked_as_class(
        input_size=count(),
        hidden_size=count(),
        num_layers=count(),
        bias=check_flag,
        batch_first=check_flag,
        dropout=number(below=1),
        bidirectional=check_flag,
        generator=generator_or_none,
    )
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw the parameters uniformly from -1/sqrt(hidden_size) to 1/sqrt(hidden_size), in torch's order.

        Args:
            input_size: D. hidden_size: H. num_layers: each layer after the first reads the outputs of the one before.
            batch_first: inputs and outputs are (N, T, ...) instead of (T, N, ...); states stay as they are.
            dropout: in training, the probability of each input of the layers after the first to be dropped.
            bidirectional: each layer also reads the sequence from its end, with parameters of its own.
            generator: what parameters are drawn from, and later what dropout draws from; PyTorch's without one.

        Raises: ValueError: a size is not an integer of at least 1, dropout is not from 0 to below 1, or a flag no bool.

        Warns: UserWarning: there is dropout, but one layer, so that nothing is dropped.
        """
        super().__init__()
        if dropout > 0 and num_layers == 1:
            says = f"dropout is {dropout} and num_layers 1, so nothing is dropped: it is between layers"
            warn(f"{type(self).__name__}: {says}")
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.generator = generator
        for k in range(num_layers * self.directions):
            shape = self.gates, input_size if k < self.directions else hidden_size * self.directions, hidden_size
            draw_weights(self, self._suffix(k), shape, generator, device=device, dtype=dtype)
        self.flatten_parameters()

    @property
    def directions(self) -> int:
        """In how many directions the sequence is read: 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def kernel(self) -> str | None:
        """The name of torch's kernel that computes a layer on a GPU; None where there is none."""
        return None

    def forward(self, input: Tensor, hx=None, lengths: Tensor | Sequence[int] | None = None):
        """Outputs of the last layer after every step, (T, N, H * directions), and the state after the last step.

        Args:
            input: (T, N, D), T steps of N sequences; (N, T, D) with batch_first.
            hx: the state before the first step, (num_layers * directions, N, H); for an LSTM a pair (h, c) of those;
                zeros where it is not given. The state that is returned has the same form.
            lengths: (N,) integers from 1 to T: sequence n ends after ``lengths[n]`` steps. What stands in the input
                after that does not matter; the outputs there are zeros, and the state that is returned is that at its
                own end.

        Raises: ValueError: a shape, a dtype or a device does not fit, T or N is 0, or a length is outside 1 to T.
        """
        check_tensors(type(self).__name__, input=input)
        x, ends = input, []
        # In mixed precision too, all steps are computed in the dtype of the weights: errors would add up over time.
        mixed = autocasts(x)
        if mixed and x.is_floating_point():
            x = x.to(next(self.parameters()).dtype)
        with torch.autocast(x.device.type, enabled=False) if mixed else nullcontext():
            x, states, lengths = self._prepare(x, hx, lengths)
            for layer in range(self.num_layers):
                x, end = self._layer(x, layer, states, lengths)
                ends += end
        hx = tuple(torch.stack(parts) for parts in zip(*ends))
        return x.transpose(0, 1) if self.batch_first else x, hx if len(hx) > 1 else hx[0]

    def weights(self, k: int) -> Weights:
        """The parameters of direction ``k % directions`` of layer ``k // directions``."""
        return weights_of(self, self._suffix(k))

    def flatten_parameters(self) -> None:
        """On a GPU, move the parameters of each layer into one block of memory, as cuDNN wants them; else do nothing.

        Done wherever the module is made or moved. To be called again where parameters were replaced by others.
        """
        if self.kernel is not None:
            for layer in range(self.num_layers):
                side_by_side_(self.kernel, self._layer_weights(layer), self.directions)

    def sequence(self, x: Tensor, state: list[Tensor], w: Weights) -> tuple[Tensor, ...]:
        """The parts of the state after each step, (T, N, H) each, the hidden state first; of x (T, N, ...)."""
        return tuple(torch.stack(parts) for parts in zip(*(state for _, state in self._unroll(x, state, w))))

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[Step, list[Tensor]]:
        """What one step computes, such as ``lstm_step``, and the parts of the state after it."""
        raise NotImplementedError(f"{type(self).__name__} has no step of its own")

    def extra_repr(self) -> str:
        """The sizes and what is not as by default, for ``print``."""
        values = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        own = vars(self)
        parts = [f"{name}={own[name]}" for name, default in values.items() if own[name] != default]
        return ", ".join([str(self.input_size), str(self.hidden_size), *parts])

    def _apply(self, *arguments, **options):
        # What moves a module: to(), cuda(), double(), ...
        super()._apply(*arguments, **options)
        self.flatten_parameters()
        return self

    def _prepare(self, x: Tensor, hx, lengths) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """Checked: x (T, N, D) with zeros after the ends, the parts of the state, lengths (N,) on the device of x."""
        check_input(self, x, "N, T" if self.batch_first else "T, N")
        x = x.transpose(0, 1) if self.batch_first else x
        states = check_states(self, hx, x, (self.num_layers * self.directions, x.shape[1], self.hidden_size))
        lengths = None if lengths is None else check_lengths(lengths, x, type(self).__name__)
        return until(x, lengths), states, lengths

    def _layer(
        self, x: Tensor, layer: int, states: list[Tensor], lengths: Tensor | None
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Outputs (T, N, H * directions) of one layer for x (T, N, ...), and its states at the end, by direction."""
        x, first, outputs, ends = self._between(x, layer), layer * self.directions, [], []
        here = range(first, first + self.directions)
        # A class derived from one of the three may have steps of its own.
        if self.kernel is not None and type(self) in (RNN, LSTM, GRU) and wants_fused(x):
            starts = [state[here.start : here.stop] for state in states]
            output, finals = fused_layer(self.kernel, x, starts, self._layer_weights(layer), lengths)
            return output, [list(of_one) for of_one in zip(*finals)]
        for k in here:
            parts = self.sequence(self._turned(x, k, lengths), [state[k] for state in states], self.weights(k))
            ends.append([at_end(part, lengths) for part in parts])
            outputs.append(self._turned(until(parts[0], lengths), k, lengths))
        return outputs[0] if self.directions == 1 else torch.cat(outputs, dim=2), ends

    def _between(self, x: Tensor, layer: int) -> Tensor:
        """What a layer reads: x itself in the first; in the others x, the outputs of the one before, after dropout."""
        return functional.dropout(x, self.dropout, self.training and layer > 0, generator=self.generator)

    def _turned(self, x: Tensor, k: int, lengths: Tensor | None) -> Tensor:
        """x (T, N, ...) in the order in which direction k reads it, and again in its own when turned twice."""
        return reverse(x, lengths) if k % self.directions else x

    def _unroll(self, x: Tensor, state: list[Tensor], w: Weights) -> list[tuple[Step, list[Tensor]]]:
        """What each of the T steps computes, tensors (N, H), and the state after it, in plain operations."""
        record = []
        for from_input in w.from_input(x).unbind():  # all steps at once
            step, state = self.step(from_input, w.from_hidden(state[0]), state)
            record.append((step, state))
        return record

    def _layer_weights(self, layer: int) -> list[Tensor]:
        ks = range(layer * self.directions, (layer + 1) * self.directions)
        return [w for k in ks for w in self.weights(k) if w is not None]

    def _suffix(self, k: int) -> str:
        return f"_l{k // self.directions}" + ("_reverse" if k % self.directions else "")


class RNN(Recurrent):
    """The plain recurrent network: ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` in each step, or ``relu``.

    Everything else stands at ``Recurrent``.
    """

    gates = 1

    @checked_as_class(nonlinearity=one_of("tanh", "relu"))
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **options,
    ):
        """As ``Recurrent``, options being ``device``, ``dtype`` and ``generator``; nonlinearity is "tanh" or "relu".

        Raises: ValueError: as ``Recurrent``, or nonlinearity is another.
        """
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, **options)

    @property
    def kernel(self) -> str:
        """The name of torch's kernel, which depends on the nonlinearity."""
        return f"RNN_{self.nonlinearity.upper()}"

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[RNNState, list[Tensor]]:
        """``rnn_step``, and its part of the state."""
        step = rnn_equation(from_input, from_hidden, self.nonlinearity)
        return step, [step.hidden]


class LSTM(Recurrent):
    """The long short-term memory, ``lstm_step`` over a sequence; hx and the state at the end are pairs (h, c).

    In weights and biases, the gates lie in the order input, forget, candidate, output. Everything else stands at
    ``Recurrent``. The gates of a run: ``gates``, which has second derivatives too; ``forward`` has none.
    """

    gates, states, kernel = 4, ("h", "c"), "LSTM"

    def sequence(self, x: Tensor, state: list[Tensor], w: Weights) -> tuple[Tensor, ...]:
        """Hidden states and cells after each step, (T, N, H) each, of x (T, N, ...)."""
        if transformed() or torch.compiler.is_compiling():
            return super().sequence(x, state, w)
        (h, c), bias = state, None if w.bias_ih is None or w.bias_hh is None else w.bias_ih + w.bias_hh
        return lstm_sequence(x, h, c, w.weight_ih, w.weight_hh, bias)

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[LSTMGates, list[Tensor]]:
        """``lstm_step``, and its parts of the state."""
        step = lstm_equations(from_input, from_hidden, state[1])
        return step, [step.hidden, step.cell]


class GRU(Recurrent):
    """The gated recurrent unit, ``gru_step`` over a sequence.

    In weights and biases, the gates lie in the order reset, update, candidate. Everything else stands at ``Recurrent``.
    The gates of a run: ``gates``.
    """

    gates, kernel = 3, "GRU"

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[GRUGates, list[Tensor]]:
        """``gru_step``, and its part of the state."""
        step = gru_equations(from_input, from_hidden, state[0])
        return step, [step.hidden]
