"""Optimizers as classes, with the names, arguments, defaults and steps of ``torch.optim``, and gradient clipping.

Formulas, conventions and sources stand in ``nndl_lib.optim._rules``, where each rule is a pure function. Here the same rules
work in place, with ``torch._foreach_*``: one call for all tensors of a list. ``w``, ``g`` and ``states`` hold one entry
for each parameter that has a gradient. L-BFGS is in ``nndl_lib.optim._lbfgs``. ``amsgrad`` is left out.
"""

import functools
import math
from collections.abc import Iterable
from numbers import Real

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.optim._base import Optimizer


class SGD(Optimizer):
    """Gradient descent with momentum: ``optim.sgd_update``, which has formula, conventions and sources."""

    _torchs = Optimizer._torchs | {"fused": None}
    _sometimes = ("momentum_buffer",)

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
    """Divides by a running root mean square: ``optim.rmsprop_update``, which has formula, conventions and source."""

    _torchs = Optimizer._torchs | {"capturable": False}
    _always, _sometimes = ("square_avg",), ("step", "grad_avg", "momentum_buffer")  # step counts, and does nothing

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        defaults = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum": momentum, "centered": centered})

    def _update(self, w, g, states, group):
        lr, alpha, momentum = group["lr"], group["alpha"], group["momentum"]
        g = _plus_decay(g, w, group)
        names = ["square_avg", *["grad_avg"] * group["centered"], *["momentum_buffer"] * (momentum > 0)]
        _start_at_zero(w, states, names)
        _count(states)
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
    """Running means of g and g**2, corrected: ``optim.adam_update``, which has formula, conventions and source."""

    _torchs = Optimizer._torchs | {
        "capturable": False,
        "fused": None,
        "amsgrad": False,
        "decoupled_weight_decay": False,
    }
    _always = ("step", "exp_avg", "exp_avg_sq")

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
    """Adam with decoupled weight decay: ``optim.adamw_update``, which has formula, conventions and source."""

    _torchs = Adam._torchs | {"decoupled_weight_decay": True}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps, weight_decay)

    def _update(self, w, g, states, group):
        if group["weight_decay"] != 0:
            torch._foreach_mul_(w, 1 - group["lr"] * group["weight_decay"])
        self._adam(w, g, states, group)


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead: ``optim.nadam_update``, which has formula, conventions and source."""

    _torchs = Optimizer._torchs | {"capturable": False, "decoupled_weight_decay": False}
    _always = ("step", "mu_product", "exp_avg", "exp_avg_sq")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum_decay": momentum_decay})

    def _update(self, w, g, states, group):
        g = _plus_decay(g, w, group)
        m, root, roots, t = _moments(w, g, states, group)
        rates_g, rates_m = [], []
        for s, k, c in zip(states, t, roots):
            mu, mu_next = (group["betas"][0] * (1 - 0.96 ** (j * group["momentum_decay"]) / 2) for j in (k, k + 1))
            s["mu_product"] = s.get("mu_product", torch.ones((), device="cpu")) * mu  # in the default dtype, as torch's
            product = s["mu_product"].item()
            rates_g.append(-group["lr"] * c * (1 - mu) / (1 - product))
            rates_m.append(-group["lr"] * c * mu_next / (1 - product * mu_next))
        torch._foreach_addcdiv_(w, g, root, rates_g)
        torch._foreach_addcdiv_(w, m, root, rates_m)

    def _loaded(self, name, value, p):
        return (
            torch.as_tensor(value).detach().cpu().clone() if name == "mu_product" else super()._loaded(name, value, p)
        )

    def _saved(self, name, value):
        # As a number, of which torch makes a tensor of its default dtype again; one of float32 it would cast to that of p.
        number = name == "mu_product" and value.dtype == torch.get_default_dtype()
        return value.item() if number else super()._saved(name, value)


class Rprop(Optimizer):
    """Steps by the signs of gradients: ``optim.rprop_update``, which has formula, conventions and source."""

    _torchs = Optimizer._torchs | {"capturable": False}
    _always, _sometimes = ("prev", "step_size"), ("step",)  # step counts, and does nothing

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes})

    def _update(self, w, g, states, group):
        (minus, plus), (least, most) = group["etas"], group["step_sizes"]
        _start_at_zero(w, states, ["prev"])
        _count(states)
        for s, p in zip(states, w):
            if "step_size" not in s:
                s["step_size"] = torch.full_like(p, group["lr"])
        before, d = _each(states, "prev"), _each(states, "step_size")
        signs = torch._foreach_sign(g)
        same = torch._foreach_mul(torch._foreach_sign(before), signs)  # 1: the sign stayed; -1: it turned; 0: one is 0
        for d_k, kept, sign, g_k, last in zip(d, same, signs, g, before):
            turned = kept < 0
            # torch.where of two numbers would be of the default dtype, in which 1.2 may be another number.
            d_k.mul_(torch.ones_like(d_k).masked_fill_(turned, minus).masked_fill_(kept > 0, plus))
            sign.masked_fill_(turned, 0)
            last.copy_(g_k).masked_fill_(turned, 0)
        torch._foreach_clamp_min_(d, least)
        torch._foreach_clamp_max_(d, most)
        torch._foreach_addcmul_(w, signs, d, value=-1)


@torch.no_grad()
def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, by ``max_norm / (norm + 1e-6)`` where that is below 1; return the norm, 0-d.

    The norm is that of all gradients as one vector, before they are scaled. Where it is a NaN, so are the gradients
    afterwards; where it is infinite, finite entries become 0 and others a NaN; unless that is an error. With
    ``max_norm = inf``, the norm is measured and nothing scaled. ``norm_type`` may be "inf".

    As ``torch.nn.utils.clip_grad_norm_``, but that a norm above 65504 of float16 gradients scales them, where torch
    sets them to 0; it is then returned as infinite. Source: Pascanu, Mikolov & Bengio (2013),
    https://arxiv.org/abs/1211.5063.

    Raises:
        ValueError: there is no parameter, max_norm is negative or a NaN, norm_type is not above 0, or the norm is not
            finite and ``error_if_nonfinite`` is set; the gradients are as they were then.
    """
    caller = "clip_grad_norm_"
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = arguments.check_list(parameters, "parameters", caller, "a tensor or a list of tensors")
    if not parameters:
        raise ValueError(f"{caller}: parameters is empty (an iterator is, once read); expected at least one")
    arguments.check_tensors(caller, **{f"parameters[{k}]": p for k, p in enumerate(parameters)})
    max_norm = _or_infinity(max_norm, "max_norm", "of at least 0", 0)
    norm_type = _or_infinity(math.inf if norm_type == "inf" else norm_type, "norm_type", "above 0", math.ulp(0))
    arguments.check_flag(error_if_nonfinite, "error_if_nonfinite", caller)
    g = [p.grad for p in parameters if p.grad is not None]
    if not g:
        return torch.zeros((), device=parameters[0].device)
    dtype = functools.reduce(torch.promote_types, (g_k.dtype for g_k in g))
    wide = None if dtype.is_complex else torch.promote_types(dtype, torch.float32)
    norms = [norm.to(g[0].device) for norm in torch._foreach_norm(g, norm_type, dtype=wide)]
    norm = torch.linalg.vector_norm(torch.stack(norms), norm_type)
    if error_if_nonfinite and not norm.isfinite():
        raise ValueError(f"{caller}: the norm of the gradients is {norm.item()}; expected finite gradients")
    factor = (max_norm / (norm + 1e-6)).clamp(max=1)
    for device in {g_k.device for g_k in g}:
        torch._foreach_mul_([g_k for g_k in g if g_k.device == device], factor.to(device))
    return norm if dtype.is_complex else norm.to(dtype)


def _or_infinity(value: float, name: str, expected: str, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not value >= least:
        raise ValueError(f"clip_grad_norm_: {name} is {value!r}; expected a number {expected}, or infinity")
    return float(value)


def _plus_decay(g: list[Tensor], w: list[Tensor], group: dict) -> list[Tensor]:
    return torch._foreach_add(g, w, alpha=group["weight_decay"]) if group["weight_decay"] != 0 else g


def _moments(w, g, states, group) -> tuple[list[Tensor], list[Tensor], list[float], list[int]]:
    # m, sqrt(v) + eps roots, roots = sqrt(1 - beta2**t) and t of Adam and NAdam, after this step.
    _start_at_zero(w, states, ["exp_avg", "exp_avg_sq"])
    _count(states)
    m, v, t = (_each(states, name) for name in ("exp_avg", "exp_avg_sq", "step"))
    beta1, beta2 = group["betas"]
    torch._foreach_lerp_(m, g, 1 - beta1)
    _mean_of_squares(v, g, beta2)
    roots = [math.sqrt(1 - beta2**k) for k in t]
    root = torch._foreach_sqrt(v)
    torch._foreach_add_(root, [group["eps"] * c for c in roots])
    return m, root, roots, t


def _count(states: list[dict]) -> None:
    for s in states:
        s["step"] = s.get("step", 0) + 1


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
