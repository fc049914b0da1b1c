"""Optimizers: each rule as a pure function, and lifted to parameters as a class with the arguments of ``torch.optim``.

The functions have the formulas, conventions and sources. ``optim.schedules`` has factors for the learning rate::

    from nndl_lib import optim

    optimizer = optim.Adam(model.parameters(), lr=1e-3)
"""

from nndl_lib.optim import schedules
from nndl_lib.optim._base import Optimizer
from nndl_lib.optim._classes import SGD, Adam, AdamW, NAdam, RMSprop, Rprop
from nndl_lib.optim._clipping import clip_grad_norm_
from nndl_lib.optim._lbfgs import LBFGS, two_loop
from nndl_lib.optim._rules import adam_update, adamw_update, nadam_update, rmsprop_update, rprop_update, sgd_update

__all__ = ["sgd_update", "rprop_update", "rmsprop_update", "adam_update", "nadam_update", "adamw_update"]
__all__ += ["SGD", "Rprop", "RMSprop", "Adam", "NAdam", "AdamW", "Optimizer"]
__all__ += ["LBFGS", "two_loop", "clip_grad_norm_"]
__all__ += ["schedules"]
