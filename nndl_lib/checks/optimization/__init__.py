"""Checks of the exercises to chapter 06, "Optimization". Rules are those of ``nndl_lib.optim._rules``."""

from nndl_lib.checks.optimization._adam_step import adam_step
from nndl_lib.checks.optimization._clip_by_norm import clip_by_norm
from nndl_lib.checks.optimization._learning_rate import learning_rate
from nndl_lib.checks.optimization._nesterov_step import nesterov_step
from nndl_lib.checks.optimization._rmsprop_step import rmsprop_step

__all__ = ["nesterov_step", "rmsprop_step", "adam_step", "learning_rate", "clip_by_norm"]
