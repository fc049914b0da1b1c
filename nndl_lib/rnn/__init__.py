"""Recurrent networks: RNN, LSTM and GRU with their cells, weight for weight those of ``torch.nn``, gates to look at.

The equations are ``rnn_step``, ``lstm_step`` and ``gru_step``; cells and networks call them::

    from nndl_lib import rnn

    model = rnn.LSTM(2, 32)
    output, (h, c) = model(x)  # x (T, N, 2), output (T, N, 32)
    forget = rnn.gates(model, x).forget  # (T, N, 32)
"""

from nndl_lib.rnn._cells import GRUCell, LSTMCell, RNNCell
from nndl_lib.rnn._inspection import LagGradients, forget_bias_, gates, lag_gradients
from nndl_lib.rnn._layers import GRU, LSTM, RNN, Recurrent
from nndl_lib.rnn._steps import GRUGates, LSTMGates, RNNState, gru_step, lstm_step, rnn_step
from nndl_lib.rnn._through_time import lstm_sequence

__all__ = ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "Recurrent"]
__all__ += ["rnn_step", "lstm_step", "gru_step", "lstm_sequence", "RNNState", "LSTMGates", "GRUGates"]
__all__ += ["gates", "forget_bias_", "lag_gradients", "LagGradients"]
