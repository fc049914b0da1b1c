"""The rules of SGD, Adam and AdamW in place for a list of parameters: each ``torch._foreach_*`` is one call for all.

With many small parameters the calls are what takes time. ``w``, ``g`` and ``states`` have an entry for each parameter
that has a gradient. Formulas, conventions and sources stand in ``nndl_lib.optim._rules``; tests hold both forms equal.
"""

import math

import torch
from torch import Tensor

from nndl_lib.optim._checks import State

Tensors = list[Tensor]
States = list[State]


def sgd(
    w: Tensors,
    g: Tensors,
    states: States,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    g = _decayed(g, w, weight_decay)
    if momentum == 0:
        torch._foreach_add_(w, g, alpha=-lr)
        return
    old = [k for k, s in enumerate(states) if s]
    for s, g_k in zip(states, g):
        if not s:
            s["momentum_buffer"] = g_k.clone()
    v = [s["momentum_buffer"] for s in states]
    if old:
        torch._foreach_mul_([v[k] for k in old], momentum)
        torch._foreach_add_([v[k] for k in old], [g[k] for k in old], alpha=1 - dampening)
    if nesterov:
        torch._foreach_add_(w, g, alpha=-lr)
    torch._foreach_add_(w, v, alpha=-lr * momentum if nesterov else -lr)


def adam(
    w: Tensors, g: Tensors, states: States, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
) -> None:
    (beta1, beta2), g = betas, _decayed(g, w, weight_decay)
    for p, s in zip(w, states):
        if not s:
            s |= {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
        s["step"] += 1
    t, m, v = ([s[name] for s in states] for name in ("step", "exp_avg", "exp_avg_sq"))
    torch._foreach_lerp_(m, g, 1 - beta1)
    torch._foreach_mul_(v, beta2)
    torch._foreach_addcmul_(v, g, g, value=1 - beta2)
    # Both corrections in the numbers, none in a pass: sqrt(v_hat) + eps is root / roots with eps in root.
    roots = [math.sqrt(1 - beta2**k) for k in t]
    root = torch._foreach_sqrt(v)
    torch._foreach_add_(root, [eps * c for c in roots])
    torch._foreach_addcdiv_(w, m, root, [-lr * c / (1 - beta1**k) for c, k in zip(roots, t)])


def adamw(
    w: Tensors, g: Tensors, states: States, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
) -> None:
    if weight_decay != 0:
        torch._foreach_mul_(w, 1 - lr * weight_decay)
    adam(w, g, states, lr, betas, eps, 0)


def _decayed(g: Tensors, w: Tensors, weight_decay: float) -> Tensors:
    return list(torch._foreach_add(g, w, alpha=weight_decay)) if weight_decay != 0 else g
