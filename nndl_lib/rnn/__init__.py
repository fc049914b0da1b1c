"""Recurrent networks: RNN, LSTM and GRU with their cells, weight for weight those of ``torch.nn``, gates to look at.

``steps`` defines one step of each, ``cells`` and ``layers`` are the modules, ``through_time`` has the backpropagation
through time of the LSTM, ``fused`` has a layer in one call for GPUs, ``padding`` copes with sequences of different
lengths, and ``inspection`` looks into a run.
Take them from here::

    from nndl_lib import rnn

    model = rnn.LSTM(2, 32)
    output, (h, c) = model(x)  # x (T, N, 2), output (T, N, 32)
    forget = rnn.gates(model, x).forget  # (T, N, 32)
"""

from nndl_lib.rnn.cells import GRUCell, LSTMCell, RNNCell
from nndl_lib.rnn.fused import fused_layer, side_by_side_, wants_fused
from nndl_lib.rnn.inspection import LagGradients, forget_bias_, gates, lag_gradients
from nndl_lib.rnn.layers import GRU, LSTM, RNN, Recurrent, Weights
from nndl_lib.rnn.padding import at_end, check_lengths, check_sequences, check_states, reverse, until
from nndl_lib.rnn.steps import GRUGates, LSTMGates, RNNState, gru_step, lstm_step, rnn_step
from nndl_lib.rnn.through_time import lstm_sequence

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "GRUGates",
    "LSTMCell",
    "LSTMGates",
    "LagGradients",
    "RNNCell",
    "RNNState",
    "Recurrent",
    "Weights",
    "at_end",
    "check_lengths",
    "check_sequences",
    "check_states",
    "forget_bias_",
    "fused_layer",
    "gates",
    "gru_step",
    "lag_gradients",
    "lstm_sequence",
    "lstm_step",
    "reverse",
    "rnn_step",
    "side_by_side_",
    "until",
    "wants_fused",
]
