"""Checks of the exercises to chapter 09, "Convolutional networks". Names are those of ``nndl_lib.functional``."""

from nndl_lib.checks.convolution._kernel_gradient import kernel_gradient
from nndl_lib.checks.convolution._max_pool import max_pool
from nndl_lib.checks.convolution._price import price
from nndl_lib.checks.convolution._receptive_field import receptive_field
from nndl_lib.checks.convolution._slide import slide
from nndl_lib.checks.convolution._suppress import suppress

__all__ = ["price", "slide", "max_pool", "kernel_gradient", "receptive_field", "suppress"]
