"""Recurrent networks over sequences: state, arguments and values of ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

Derived in chapter 10, "Recurrent networks". Sequences of different lengths come padded, with ``lengths``, and give what
torch gives for a packed sequence. What torch has beyond that (packed sequences, a single sequence without N,
``proj_size``) is left out.
"""

import math
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional
from nndl_lib.functional._precision import autocasts
from nndl_lib.functional._transforms import transformed
from nndl_lib.nn import init
from nndl_lib.rnn._fused import fused_layer, side_by_side_, wants_fused
from nndl_lib.rnn._lengths import at_end, check_lengths, check_sequences, check_states, reverse, until
from nndl_lib.rnn._steps import GRUGates, LSTMGates, RNNState, gru_step, lstm_step, rnn_step
from nndl_lib.rnn._through_time import lstm_sequence


class Weights(NamedTuple):
    """The parameters of one layer in one direction, K gates of H units below each other."""

    weight_ih: Tensor  # (K H, D): on the input, D the input size, or in later layers H times the directions
    weight_hh: Tensor  # (K H, H): on the state before
    bias_ih: Tensor | None  # (K H,); None without bias
    bias_hh: Tensor | None  # (K H,)


class Recurrent(torch.nn.Module):
    """What the three networks share: parameters, layers, directions, lengths. Made as ``RNN``, ``LSTM`` or ``GRU``.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: see ``Weights``; the number is the layer's, and the
            parameters of the backward direction end in ``_reverse``.
    """

    gates: int  # how many blocks of H rows a weight has
    kernel: str | None = None  # the name of torch's kernel that computes it, see ``fused``
    states: tuple[str, ...] = ("hx",)  # the names of the parts of the state

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

        Raises:
            ValueError: a size is not an integer of at least 1, dropout is outside 0 to below 1, a flag is no bool, or
                generator no generator.

        Warns:
            UserWarning: there is dropout, but one layer, so that nothing is dropped.
        """
        super().__init__()
        caller = type(self).__name__
        input_size, hidden_size, num_layers = (
            arguments.check_count(size, name, caller)
            for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers))
        )
        flags = {"bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
        bias, batch_first, bidirectional = (arguments.check_flag(value, name, caller) for name, value in flags.items())
        arguments.check_number(dropout, "dropout", caller, below=1)
        arguments.check_generator(generator, "generator", caller, optional=True)
        if dropout > 0 and num_layers == 1:
            says = f"{caller}: dropout is {dropout} and num_layers 1, so nothing is dropped: it is between layers"
            warnings.warn(says, stacklevel=3 if type(self).__init__ is not Recurrent.__init__ else 2)
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.generator = generator
        bound, rows = 1 / math.sqrt(hidden_size), self.gates * hidden_size
        for k in range(num_layers * self.directions):
            D = input_size if k < self.directions else hidden_size * self.directions
            for name, shape in zip(self._names(k), ((rows, D), (rows, hidden_size), (rows,), (rows,))):
                values = torch.empty(shape, device=device, dtype=dtype) if bias or len(shape) == 2 else None
                drawn = values if values is None else init.uniform_(values, -bound, bound, generator)
                self.register_parameter(name, drawn if drawn is None else torch.nn.Parameter(drawn))
        self.flatten_parameters()

    @property
    def directions(self) -> int:
        """In how many directions the sequence is read: 1 or 2."""
        return 2 if self.bidirectional else 1

    def forward(self, input: Tensor, hx=None, lengths: Tensor | Sequence[int] | None = None):
        """Outputs of the last layer after every step, (T, N, H * directions), and the state after the last step.

        Args:
            input: (T, N, D), T steps of N sequences; (N, T, D) with batch_first.
            hx: the state before the first step, (num_layers * directions, N, H); for an LSTM a pair (h, c) of those;
                zeros where it is not given. The state that is returned has the same form.
            lengths: (N,) integers from 1 to T: sequence n ends after ``lengths[n]`` steps. What stands in the input after
                that does not matter; the outputs there are zeros, and the state that is returned is that at its own end.

        Raises:
            ValueError: a shape, a dtype or a device does not fit, T or N is 0, or a length is outside 1 to T.
        """
        x, ends = input, []
        arguments.check_tensors(type(self).__name__, input=x)
        # In mixed precision too, all steps are computed in the dtype of the weights: errors would add up over time.
        mixed = autocasts(x)
        if mixed and x.is_floating_point():
            x = x.to(next(self.parameters()).dtype)
        with torch.autocast(x.device.type, enabled=False) if mixed else nullcontext():
            x, states, lengths = self.prepare(x, hx, lengths)
            for layer in range(self.num_layers):
                x, end = self.layer(x, layer, states, lengths)
                ends += end
        hx = tuple(torch.stack(parts) for parts in zip(*ends))
        return x.transpose(0, 1) if self.batch_first else x, hx if len(hx) > 1 else hx[0]

    def prepare(self, x: Tensor, hx, lengths) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """Checked: x (T, N, D) with zeros after the ends, the parts of the state, lengths (N,) on the device of x."""
        caller, shape = type(self).__name__, (self.num_layers * self.directions, self.hidden_size)
        like = next(self.parameters())  # not a weight: a reparametrization, as of spectral norm, may count its readings
        x = check_sequences(x, self.input_size, like.dtype, self.batch_first, caller)
        if x.device != like.device:
            where = f"input is on {x.device} and the weights on {like.device}"
            raise ValueError(f"{caller}: {where}; expected one device for both")
        states = check_states(x, hx, self.states, (shape[0], x.shape[1], shape[1]), caller)
        lengths = None if lengths is None else check_lengths(lengths, x, caller)
        return until(x, lengths), states, lengths

    def layer(self, x: Tensor, layer: int, states: list[Tensor], lengths: Tensor | None) -> tuple[Tensor, list]:
        """Outputs (T, N, H * directions) of one layer for x (T, N, ...), and its states at the end, by direction."""
        x, outputs, ends = self.between(x, layer), [], []
        if type(self) in (RNN, LSTM, GRU) and wants_fused(x):  # a class derived from them may have steps of its own
            here = slice(layer * self.directions, (layer + 1) * self.directions)
            output, parts = fused_layer(
                self.kernel, x, [state[here] for state in states], self._layer_weights(layer), lengths
            )
            return output, [list(of_one) for of_one in zip(*parts)]
        for direction in range(self.directions):
            k = layer * self.directions + direction
            inputs = reverse(x, lengths) if direction else x
            parts = self.sequence(inputs, [state[k] for state in states], self.weights(k))
            ends.append([at_end(part, lengths) for part in parts])
            output = until(parts[0], lengths)
            outputs.append(reverse(output, lengths) if direction else output)
        return outputs[0] if self.directions == 1 else torch.cat(outputs, dim=2), ends

    def between(self, x: Tensor, layer: int) -> Tensor:
        """What a layer reads: x itself in the first; in the others x, the outputs of the one before, after dropout."""
        return functional.dropout(x, self.dropout, self.training and layer > 0, generator=self.generator)

    def weights(self, k: int) -> Weights:
        """The parameters of direction ``k % directions`` of layer ``k // directions``."""
        return Weights(*(getattr(self, name) for name in self._names(k)))

    def flatten_parameters(self) -> None:
        """On a GPU, move the parameters of each layer into one block of memory, as cuDNN wants them; else do nothing.

        Done wherever the module is made or moved. To be called again where parameters were replaced by others.
        """
        for layer in range(self.num_layers if self.kernel is not None else 0):
            side_by_side_(self.kernel, self._layer_weights(layer), self.directions)

    def sequence(self, x: Tensor, state: list[Tensor], w: Weights) -> tuple[Tensor, ...]:
        """The parts of the state after each step, (T, N, H) each, the hidden state first; of x (T, N, ...)."""
        return (torch.stack([step.hidden for step in self.unroll(x, state, w)]),)

    def unroll(self, x: Tensor, state: list[Tensor], w: Weights) -> list:
        """All that the T steps compute, a named tuple of tensors (N, H) for each, in plain operations."""
        record = []
        for from_input in torch.nn.functional.linear(x, w.weight_ih, w.bias_ih).unbind():  # all steps at once
            from_hidden = torch.nn.functional.linear(state[0], w.weight_hh, w.bias_hh)
            step, state = self.step(from_input, from_hidden, state)
            record.append(step)
        return record

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[NamedTuple, list[Tensor]]:
        """What one step computes, and the state after it; see ``steps``."""
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

    def _layer_weights(self, layer: int) -> list[Tensor]:
        ks = range(layer * self.directions, (layer + 1) * self.directions)
        return [w for k in ks for w in self.weights(k) if w is not None]

    def _names(self, k: int) -> list[str]:
        suffix = f"_l{k // self.directions}" + ("_reverse" if k % self.directions else "")
        return [name + suffix for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


class RNN(Recurrent):
    """The plain recurrent network: ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` in each step, or ``relu``.

    Everything else stands at ``Recurrent``.
    """

    gates = 1

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

        Raises:
            ValueError: as ``Recurrent``, or nonlinearity is another.
        """
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"{type(self).__name__}: nonlinearity is {nonlinearity!r}; expected 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, **options)

    @property
    def kernel(self) -> str:
        """The name of torch's kernel, which depends on the nonlinearity."""
        return f"RNN_{self.nonlinearity.upper()}"

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[RNNState, list[Tensor]]:
        """``steps.rnn_step``."""
        step = rnn_step(from_input, from_hidden, self.nonlinearity)
        return step, [step.hidden]


class LSTM(Recurrent):
    """The long short-term memory, ``steps.lstm_step`` over a sequence; hx and the state at the end are pairs (h, c).

    In weights and biases, the gates lie in the order input, forget, candidate, output. Everything else stands at
    ``Recurrent``. The gates of a run: ``gates``, which has second derivatives too; ``forward`` has none.
    """

    gates, kernel = 4, "LSTM"
    states = ("h", "c")

    def sequence(self, x: Tensor, state: list[Tensor], w: Weights) -> tuple[Tensor, ...]:
        """Hidden states and cells after each step, (T, N, H) each, of x (T, N, ...)."""
        if transformed() or torch.compiler.is_compiling():
            record = self.unroll(x, state, w)
            return torch.stack([step.hidden for step in record]), torch.stack([step.cell for step in record])
        bias = None if w.bias_ih is None else w.bias_ih + w.bias_hh
        return lstm_sequence(x, *state, w.weight_ih, w.weight_hh, bias)

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[LSTMGates, list[Tensor]]:
        """``steps.lstm_step``."""
        step = lstm_step(from_input, from_hidden, state[1])
        return step, [step.hidden, step.cell]


class GRU(Recurrent):
    """The gated recurrent unit, ``steps.gru_step`` over a sequence.

    In weights and biases, the gates lie in the order reset, update, candidate. Everything else stands at ``Recurrent``.
    The gates of a run: ``gates``.
    """

    gates, kernel = 3, "GRU"

    def step(self, from_input: Tensor, from_hidden: Tensor, state: list[Tensor]) -> tuple[GRUGates, list[Tensor]]:
        """``steps.gru_step``."""
        step = gru_step(from_input, from_hidden, state[0])
        return step, [step.hidden]
