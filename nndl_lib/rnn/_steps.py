"""One step of each recurrent network, in plain operations: what a gate is, is defined here.

Derived in chapter 10, "Recurrent networks". N sequences take a step together, H is the hidden size. A step gets what
comes from the input at that time, ``W_ih x + b_ih``, and what comes from the state before, ``W_hh h + b_hh``: rows
(N, K H), the K gates side by side in the order of ``torch.nn``.
"""

import inspect
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import functional
from nndl_lib._declared import checked, one_of


class RNNState(NamedTuple):
    """What a plain recurrent network computes, which has no gates: (N, H) after one step, (T, N, H) over a sequence."""

    hidden: Tensor


class LSTMGates(NamedTuple):
    """Gates and state of an LSTM: (N, H) after one step, (T, N, H) over a sequence. Gates are from 0 to 1."""

    input: Tensor  # how much of the candidate is written into the cell
    forget: Tensor  # how much of the cell is kept: 1 keeps all, and copies the cell's gradient backward
    candidate: Tensor  # what would be written, from -1 to 1; also called the cell gate g
    output: Tensor  # how much of tanh(cell) is read
    cell: Tensor  # forget * the cell before + input * candidate
    hidden: Tensor  # output * tanh(cell)


class GRUGates(NamedTuple):
    """Gates and state of a GRU: (N, H) after one step, (T, N, H) over a sequence. Gates are from 0 to 1."""

    reset: Tensor  # how much of what comes from the state before enters the candidate
    update: Tensor  # how much of the state before is kept; other texts have 1 - update in its place
    candidate: Tensor  # what the state is moved to, from -1 to 1
    hidden: Tensor  # (1 - update) * candidate + update * the state before


Step = RNNState | LSTMGates | GRUGates  # what one step computes


@checked(from_input="N H", from_hidden="N H", nonlinearity=one_of("tanh", "relu"))
def rnn_step(from_input: Tensor, from_hidden: Tensor, nonlinearity: str = "tanh") -> RNNState:
    """``h = tanh(from_input + from_hidden)``, or ``relu`` of it: (N, H) each.

    Source: Elman (1990), https://doi.org/10.1207/s15516709cog1402_1.

    Raises: ValueError: shapes or dtypes do not fit, or nonlinearity is another.
    """
    z = from_input + from_hidden
    return RNNState(functional.relu(z) if nonlinearity == "relu" else torch.tanh(z))


@checked(from_input="N K", from_hidden="N K", cell="N H")
def lstm_step(from_input: Tensor, from_hidden: Tensor, cell: Tensor) -> LSTMGates:
    """A step of the long short-term memory, from (N, 4 H), (N, 4 H) and the cell before (N, H).

    Source: Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735; the forget gate is from Gers,
    Schmidhuber & Cummins (2000), https://doi.org/10.1162/089976600300015015.

    Raises: ValueError: shapes or dtypes do not fit.
    """
    i, f, g, o = (from_input + from_hidden).chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    cell = f * cell + i * g
    return LSTMGates(i, f, g, o, cell, o * torch.tanh(cell))


@checked(from_input="N K", from_hidden="N K", hidden="N H")
def gru_step(from_input: Tensor, from_hidden: Tensor, hidden: Tensor) -> GRUGates:
    """A step of the gated recurrent unit, from (N, 3 H), (N, 3 H) and the state before (N, H).

    The reset gate multiplies what comes from the state, ``W_hn h + b_hn``, as in torch and cuDNN; in the paper it
    multiplies h itself. Source: Cho et al. (2014), https://arxiv.org/abs/1406.1078.

    Raises: ValueError: shapes or dtypes do not fit.
    """
    r, z, n = from_input.chunk(3, dim=1)
    hr, hz, hn = from_hidden.chunk(3, dim=1)
    r, z = torch.sigmoid(r + hr), torch.sigmoid(z + hz)
    n = torch.tanh(n + r * hn)
    return GRUGates(r, z, n, torch.lerp(n, hidden, z))


# The same without checks, for cells and layers, which check a whole sequence once.
rnn_equation: Callable[..., RNNState] = inspect.unwrap(rnn_step)
lstm_equations: Callable[..., LSTMGates] = inspect.unwrap(lstm_step)
gru_equations: Callable[..., GRUGates] = inspect.unwrap(gru_step)
