"""Checks of the exercises to chapter 02, "Linear models". Shapes and the cost are those of ``nndl_lib.linear``."""

from nndl_lib.checks.linear_models._choose_degree import choose_degree
from nndl_lib.checks.linear_models._cost import cost, gradient
from nndl_lib.checks.linear_models._descend import descend
from nndl_lib.checks.linear_models._polynomial_features import polynomial_features
from nndl_lib.checks.linear_models._ridge import ridge

__all__ = ["cost", "gradient", "descend", "polynomial_features", "ridge", "choose_degree"]
