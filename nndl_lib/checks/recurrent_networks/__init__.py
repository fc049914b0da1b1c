"""Checks of the exercises to chapter 10, "Recurrent networks". Shapes and order of gates are those of ``torch.nn``."""

from nndl_lib.checks.recurrent_networks._bigram_bits import bigram_bits
from nndl_lib.checks.recurrent_networks._gru_step import gru_step
from nndl_lib.checks.recurrent_networks._last_states import last_states
from nndl_lib.checks.recurrent_networks._lstm_step import lstm_step
from nndl_lib.checks.recurrent_networks._sampling_probabilities import sampling_probabilities

__all__ = ["last_states", "lstm_step", "gru_step", "bigram_bits", "sampling_probabilities"]
