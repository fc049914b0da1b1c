"""Checks of the exercises to chapter 04, "Multilayer perceptrons". A layer's W is (outputs, inputs)."""

from nndl_lib.checks.multilayer_perceptrons._collapse import collapse
from nndl_lib.checks.multilayer_perceptrons._count_pieces import count_pieces
from nndl_lib.checks.multilayer_perceptrons._forward import forward
from nndl_lib.checks.multilayer_perceptrons._softplus import softplus
from nndl_lib.checks.multilayer_perceptrons._table_network import table_network

__all__ = ["forward", "collapse", "softplus", "table_network", "count_pieces"]
