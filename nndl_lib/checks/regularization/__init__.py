"""Checks of the exercises to chapter 08, "Regularization and generalization"."""

from nndl_lib.checks.regularization._dropout import dropout
from nndl_lib.checks.regularization._early_stop import early_stop
from nndl_lib.checks.regularization._out_of_bag_error import out_of_bag_error
from nndl_lib.checks.regularization._shift import shift
from nndl_lib.checks.regularization._sparse_step import sparse_step

__all__ = ["sparse_step", "dropout", "early_stop", "shift", "out_of_bag_error"]
