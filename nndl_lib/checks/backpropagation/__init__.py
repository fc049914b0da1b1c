"""Checks of the exercises to chapter 05, "Backpropagation". Layers and rows are those of ``nndl_lib.nn``."""

from nndl_lib.checks.backpropagation._cross_entropy_backward import cross_entropy_backward
from nndl_lib.checks.backpropagation._linear_backward import linear_backward
from nndl_lib.checks.backpropagation._numerical_gradient import numerical_gradient
from nndl_lib.checks.backpropagation._residual_unit_backward import residual_unit_backward
from nndl_lib.checks.backpropagation._topological_order import topological_order

__all__ = [
    "residual_unit_backward",
    "linear_backward",
    "cross_entropy_backward",
    "topological_order",
    "numerical_gradient",
]
