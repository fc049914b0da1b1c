"""Checks of the exercises to chapter 03, "Classification". Shapes are those of ``nndl_lib.functional``."""

from nndl_lib.checks.classification._confusion_matrix import confusion_matrix
from nndl_lib.checks.classification._log_softmax import log_softmax
from nndl_lib.checks.classification._perceptron_round import perceptron_round
from nndl_lib.checks.classification._smoothed_gradient import smoothed_gradient
from nndl_lib.checks.classification._weighted_cross_entropy import weighted_cross_entropy

__all__ = ["perceptron_round", "weighted_cross_entropy", "log_softmax", "smoothed_gradient", "confusion_matrix"]
