"""Optimizers as classes, with the names, arguments, defaults and steps of ``torch.optim``: each lifts a rule.

A rule has formula, conventions and sources; how it is lifted to parameters stands in ``Optimizer``. ``amsgrad`` is left
out.
"""

from typing import Any

import torch
from torch import Tensor

from nndl_lib.optim import _fused as fused
from nndl_lib.optim import _rules as rules
from nndl_lib.optim._base import Optimizer


class SGD(Optimizer):
    """Gradient descent with momentum: ``optim.sgd_update``, which has formula, conventions and sources."""

    _rule, _fused = staticmethod(rules.sgd_update), staticmethod(fused.sgd)
    _torchs = Optimizer._torchs | {"fused": None}

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "nesterov": nesterov})

    def _check(self, group):
        super()._check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: momentum is {group['momentum']} and dampening {group['dampening']} with nesterov; "
                "expected a momentum above 0 and no dampening"
            )


class RMSprop(Optimizer):
    """Divides by a running root mean square: ``optim.rmsprop_update``, which has formula, conventions and source."""

    _rule = staticmethod(rules.rmsprop_update)
    _torchs = Optimizer._torchs | {"capturable": False}

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum": momentum, "centered": centered})


class Adam(Optimizer):
    """Running means of g and g**2, corrected: ``optim.adam_update``, which has formula, conventions and source."""

    _rule, _fused = staticmethod(rules.adam_update), staticmethod(fused.adam)
    _torchs = SGD._torchs | {"capturable": False, "amsgrad": False, "decoupled_weight_decay": False}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})


class AdamW(Adam):
    """Adam with decoupled weight decay: ``optim.adamw_update``, which has formula, conventions and source."""

    _rule, _fused = staticmethod(rules.adamw_update), staticmethod(fused.adamw)
    _torchs = Adam._torchs | {"decoupled_weight_decay": True}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead: ``optim.nadam_update``, which has formula, conventions and source."""

    _rule = staticmethod(rules.nadam_update)
    _torchs = Optimizer._torchs | {"capturable": False, "decoupled_weight_decay": False}

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum_decay": momentum_decay})

    def _loaded(self, name: str, value: Any, p: Tensor) -> Any:
        product = name == "mu_product"
        return torch.as_tensor(value).detach().cpu().clone() if product else super()._loaded(name, value, p)

    def _saved(self, name: str, value: Any) -> Any:
        # As a number, of which torch makes a tensor of its default dtype; one of float32 it would cast to that of p.
        number = name == "mu_product" and value.dtype == torch.get_default_dtype()
        return value.item() if number else super()._saved(name, value)


class Rprop(Optimizer):
    """Steps by the signs of gradients: ``optim.rprop_update``, which has formula, conventions and source."""

    _rule = staticmethod(rules.rprop_update)
    _torchs = Optimizer._torchs | {"capturable": False}

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes})
