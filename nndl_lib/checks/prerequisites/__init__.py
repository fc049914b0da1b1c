"""Checks of the exercises to chapter 00, "Prerequisites"."""

from nndl_lib.checks.prerequisites._covariance import covariance
from nndl_lib.checks.prerequisites._layer_jacobian import layer_jacobian
from nndl_lib.checks.prerequisites._majority import majority
from nndl_lib.checks.prerequisites._quadratic_gradient import quadratic_gradient
from nndl_lib.checks.prerequisites._three_parts import three_parts
from nndl_lib.checks.prerequisites._to_normal import to_normal

__all__ = ["to_normal", "covariance", "quadratic_gradient", "layer_jacobian", "three_parts", "majority"]
