"""Optimizers as classes, with the names, arguments, defaults and steps of ``torch.optim``, and gradient clipping.

Formulas, conventions and sources stand in ``nndl_lib.updates``, where each rule is a pure function. Here the same rules
work in place, with ``torch._foreach_*``: one call for all tensors of a list. ``w``, ``g`` and ``states`` hold one entry
for each parameter that has a gradient. L-BFGS is in ``nndl_lib.lbfgs``. ``amsgrad`` is left out.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from nndl_lib.optimizer import Optimizer

__all__ = ["Adam", "AdamW", "NAdam", "RMSprop", "Rprop", "SGD", "clip_grad_norm_"]


class SGD(Optimizer):
    """Gradient descent with momentum: ``updates.sgd_update``, which has formula, conventions and sources."""

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

    def _update(self, w, g, states, group):
        lr, momentum = group["lr"], group["momentum"]
        g = _plus_decay(g, w, group)
        if momentum == 0:
            torch._foreach_add_(w, g, alpha=-lr)
            return
        old = [(s["momentum_buffer"], g_k) for s, g_k in zip(states, g) if s]
        if old:
            v, g_old = map(list, zip(*old))
            torch._foreach_mul_(v, momentum)
            torch._foreach_add_(v, g_old, alpha=1 - group["dampening"])
        for s, g_k in zip(states, g):
            if not s:
                s["momentum_buffer"] = g_k.clone()
        v = _each(states, "momentum_buffer")
        if group["nesterov"]:
            torch._foreach_add_(w, g, alpha=-lr)
            torch._foreach_add_(w, v, alpha=-lr * momentum)
        else:
            torch._foreach_add_(w, v, alpha=-lr)


class RMSprop(Optimizer):
    """Divides by a running root mean square: ``updates.rmsprop_update``, which has formula, conventions and source."""

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum": momentum, "centered": centered})

    def _update(self, w, g, states, group):
        lr, alpha, momentum = group["lr"], group["alpha"], group["momentum"]
        g = _plus_decay(g, w, group)
        names = ["square_avg", *["grad_avg"] * group["centered"], *["momentum_buffer"] * (momentum > 0)]
        _start_at_zero(w, states, names)
        s = _each(states, "square_avg")
        _mean_of_squares(s, g, alpha)
        if group["centered"]:
            mean = _each(states, "grad_avg")
            torch._foreach_lerp_(mean, g, 1 - alpha)
            root = torch._foreach_addcmul(s, mean, mean, value=-1)
            torch._foreach_clamp_min_(root, 0)  # rounding may take a variance of nearly 0 below it
            torch._foreach_sqrt_(root)
        else:
            root = torch._foreach_sqrt(s)
        torch._foreach_add_(root, group["eps"])
        if momentum > 0:
            v = _each(states, "momentum_buffer")
            torch._foreach_mul_(v, momentum)
            torch._foreach_addcdiv_(v, g, root)
            torch._foreach_add_(w, v, alpha=-lr)
        else:
            torch._foreach_addcdiv_(w, g, root, value=-lr)


class Adam(Optimizer):
    """Running means of g and g**2, corrected: ``updates.adam_update``, which has formula, conventions and source."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def _update(self, w, g, states, group):
        self._adam(w, _plus_decay(g, w, group), states, group)

    def _adam(self, w, g, states, group):
        m, root, roots, t = _moments(w, g, states, group)
        # Both corrections in the numbers, none in a pass: sqrt(v_hat) + eps is root / roots with eps in root.
        rates = [-group["lr"] * c / (1 - group["betas"][0] ** k) for c, k in zip(roots, t)]
        torch._foreach_addcdiv_(w, m, root, rates)


class AdamW(Adam):
    """Adam with decoupled weight decay: ``updates.adamw_update``, which has formula, conventions and source."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)

    def _update(self, w, g, states, group):
        if group["weight_decay"] != 0:
            torch._foreach_mul_(w, 1 - group["lr"] * group["weight_decay"])
        self._adam(w, g, states, group)


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead: ``updates.nadam_update``, which has formula, conventions and source."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum_decay": momentum_decay})

    def _update(self, w, g, states, group):
        g = _plus_decay(g, w, group)
        m, root, roots, t = _moments(w, g, states, group)
        rates_g, rates_m = [], []
        for s, k, c in zip(states, t, roots):
            mu, mu_next = (group["betas"][0] * (1 - 0.96 ** (j * group["momentum_decay"]) / 2) for j in (k, k + 1))
            product = s["mu_product"] = mu * s.get("mu_product", 1.0)
            rates_g.append(-group["lr"] * c * (1 - mu) / (1 - product))
            rates_m.append(-group["lr"] * c * mu_next / (1 - product * mu_next))
        torch._foreach_addcdiv_(w, g, root, rates_g)
        torch._foreach_addcdiv_(w, m, root, rates_m)


class Rprop(Optimizer):
    """Steps by the signs of gradients: ``updates.rprop_update``, which has formula, conventions and source."""

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes})

    def _check(self, group):
        super()._check(group)
        (minus, plus), (least, most) = group["etas"], group["step_sizes"]
        if not 0 < minus < 1 < plus < math.inf:
            raise ValueError(f"Rprop: etas are {group['etas']}; expected one between 0 and 1 and one above 1")
        if not 0 < least <= most < math.inf:
            raise ValueError(f"Rprop: step_sizes are {group['step_sizes']}; expected least and largest, above 0")

    def _update(self, w, g, states, group):
        (minus, plus), (least, most) = group["etas"], group["step_sizes"]
        _start_at_zero(w, states, ["prev"])
        for s, p in zip(states, w):
            if "step_size" not in s:
                s["step_size"] = torch.full_like(p, group["lr"])
        before, d = _each(states, "prev"), _each(states, "step_size")
        signs = torch._foreach_sign(g)
        torch._foreach_mul_(before, signs)  # 1 where the sign stayed, -1 where it turned, 0 where one of the two is 0
        for d_k, kept, sign in zip(d, before, signs):
            turned = kept < 0
            d_k.mul_(torch.where(turned, minus, torch.where(kept > 0, plus, 1.0)))
            sign.masked_fill_(turned, 0)
        torch._foreach_clamp_min_(d, least)
        torch._foreach_clamp_max_(d, most)
        torch._foreach_addcmul_(w, signs, d, value=-1)
        torch._foreach_copy_(before, signs)


@torch.no_grad()
def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, by ``max_norm / (norm + 1e-6)`` where that is below 1; return the norm, 0-d.

    The norm is that of all gradients as one vector, before they are scaled. Where it is infinite or a NaN, so are the
    gradients afterwards, unless that is an error. With ``max_norm = inf``, the norm is measured and nothing scaled.
    As ``torch.nn.utils.clip_grad_norm_``. Source: Pascanu, Mikolov & Bengio (2013), https://arxiv.org/abs/1211.5063.

    Raises:
        ValueError: there is no parameter, max_norm is negative or a NaN, norm_type is not above 0, or the norm is not
            finite and ``error_if_nonfinite`` is set; the gradients are as they were then.
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters:
        raise ValueError("clip_grad_norm_: parameters is empty (an iterator is, once read); expected at least one")
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm_: max_norm is {max_norm!r}; expected a number of at least 0, or infinity")
    if not norm_type > 0:
        raise ValueError(f"clip_grad_norm_: norm_type is {norm_type!r}; expected a number above 0, or infinity")
    g = [p.grad for p in parameters if p.grad is not None]
    if not g:
        return torch.zeros((), device=parameters[0].device)
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(g, norm_type)), norm_type)
    if error_if_nonfinite and not norm.isfinite():
        raise ValueError(f"clip_grad_norm_: the norm of the gradients is {norm.item()}; expected finite gradients")
    torch._foreach_mul_(g, (max_norm / (norm + 1e-6)).clamp(max=1))
    return norm


def _plus_decay(g: list[Tensor], w: list[Tensor], group: dict) -> list[Tensor]:
    return torch._foreach_add(g, w, alpha=group["weight_decay"]) if group["weight_decay"] != 0 else g


def _moments(w, g, states, group) -> tuple[list[Tensor], list[Tensor], list[float], list[int]]:
    # m, sqrt(v) + eps roots, roots = sqrt(1 - beta2**t) and t of Adam and NAdam, after this step.
    _start_at_zero(w, states, ["exp_avg", "exp_avg_sq"])
    for s in states:
        s["step"] = s.get("step", 0) + 1
    m, v, t = (_each(states, name) for name in ("exp_avg", "exp_avg_sq", "step"))
    beta1, beta2 = group["betas"]
    torch._foreach_lerp_(m, g, 1 - beta1)
    _mean_of_squares(v, g, beta2)
    roots = [math.sqrt(1 - beta2**k) for k in t]
    root = torch._foreach_sqrt(v)
    torch._foreach_add_(root, [group["eps"] * c for c in roots])
    return m, root, roots, t


def _mean_of_squares(s: list[Tensor], g: list[Tensor], beta: float) -> None:
    torch._foreach_mul_(s, beta)
    torch._foreach_addcmul_(s, g, g, value=1 - beta)


def _start_at_zero(w: list[Tensor], states: list[dict], names: list[str]) -> None:
    for p, s in zip(w, states):
        for name in names:
            if name not in s:
                s[name] = torch.zeros_like(p)


def _each(states: list[dict], name: str) -> list:
    return [s[name] for s in states]
