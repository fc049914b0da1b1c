"""Checks of the exercises to chapter 07, "Training deep networks". Conventions are those of ``nndl_lib.functional``."""

from nndl_lib.checks.training_deep_networks._batch_norm_step import batch_norm_step
from nndl_lib.checks.training_deep_networks._highway import highway
from nndl_lib.checks.training_deep_networks._layer_norm_backward import layer_norm_backward
from nndl_lib.checks.training_deep_networks._revive import revive
from nndl_lib.checks.training_deep_networks._weight_std import weight_std

__all__ = ["weight_std", "batch_norm_step", "layer_norm_backward", "revive", "highway"]
