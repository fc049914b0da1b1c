"""One step of each optimizer as a pure function, in the notation of the formulas of chapter 06, "Optimization".

A function takes weights ``w`` and their gradient ``g``, of the same shape, and what it has to remember of earlier
steps, ``state``. It returns the new weights and the new state, and changes nothing that it was given. The first state
is ``{}``. ``t`` counts the steps from 1; the learning rate alpha is ``lr``. Arguments, defaults and the names in a
state are those of ``torch.optim``. A setting may be a tensor as well, with a number for each weight. ``nndl_lib.optim``
lifts the rules to parameters, as classes. In float16, running means of squares above 65504 are infinite, and the
weights that they divide stay where they are, as in ``torch.optim``.

All raise ValueError where w is no floating-point tensor, g no tensor of its shape and dtype, state neither ``{}`` nor
what the rule has returned for such a w, or a setting outside the range that it has in ``nndl_lib.optim``.
"""

import torch
from torch import Tensor

from nndl_lib.optim._checks import State, rule


@rule("momentum_buffer")
def sgd_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> tuple[Tensor, State]:
    """Gradient descent with momentum: ``v = momentum v + (1 - dampening) g``, ``w = w - lr v``.

    Nesterov's variant steps along ``g + momentum v``, with the v that already contains g: the gradient where the
    momentum will have carried the weights, as Sutskever et al. write it with the weights seen from there.

    Convention: v is a sum of gradients, not their average: with a constant gradient it grows to ``g / (1 - momentum)``.
    Texts that write ``v = momentum v + (1 - momentum) g`` have ``dampening = momentum``. The first v is g, undamped.
    Others put lr inside, ``v = momentum v - lr g``: the same steps as long as lr is constant.

    Source: Polyak (1964), https://doi.org/10.1016/0041-5553(64)90137-5; Nesterov (1983), Soviet Mathematics Doklady
    27, 372-376; Sutskever, Martens, Dahl & Hinton (2013), https://proceedings.mlr.press/v28/sutskever13.html.
    """
    g = _decayed(g, w, weight_decay)
    if _is_zero(momentum):
        return w - lr * g, state
    v = momentum * state["momentum_buffer"] + (1 - dampening) * g if state else g
    return w - lr * (g + momentum * v if nesterov else v), {"momentum_buffer": v}


@rule("square_avg", sometimes=("step", "grad_avg", "momentum_buffer"))
def rmsprop_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
) -> tuple[Tensor, State]:
    """Divide by a running root mean square: ``s = alpha s + (1 - alpha) g**2``, ``w = w - lr g / (sqrt(s) + eps)``.

    Where centered, the square of a running mean of g is taken off s, which leaves a variance (Graves).

    Convention: eps stands outside the root; Graves has it inside. s starts at 0 and is not corrected for that, so the
    first step is ``1 / sqrt(1 - alpha)`` times as long as Adam's. The momentum gathers the divided gradients, and lr
    comes after it. alpha is no learning rate here: texts call it rho, beta or the decay rate.

    Source: Tieleman & Hinton (2012), Neural Networks for Machine Learning, lecture 6.5; centered: Graves (2013),
    https://arxiv.org/abs/1308.0850, section 4.2.
    """
    g = _decayed(g, w, weight_decay)
    s = _mean_of_squares(state.get("square_avg"), g, alpha)
    after = {"square_avg": s}
    if centered:
        after["grad_avg"] = mean = alpha * state.get("grad_avg", 0) + (1 - alpha) * g
        s = (s - mean**2).clamp(min=0)  # rounding may take a variance of nearly 0 below it
    root = s.sqrt() + eps
    if _is_zero(momentum):
        return w - lr * g / root, after
    after["momentum_buffer"] = v = momentum * state.get("momentum_buffer", 0) + g / root
    return w - lr * v, after


@rule("step", "exp_avg", "exp_avg_sq")
def adam_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Tensor, State]:
    """Running means m of g and v of g**2, corrected for their start at 0: ``w = w - lr m_hat / (sqrt(v_hat) + eps)``.

    The correction divides by the sum of the weights that the mean has given out: at t = 1, ``m_hat = g``.

    Convention: eps stands outside the root of v_hat; in the paper's faster form, at the end of its section 2, it is
    another number. weight_decay adds to the gradient, so the root divides it too: where gradients are large, weights
    decay less.

    Source: Kingma & Ba (2015), https://arxiv.org/abs/1412.6980, algorithm 1.
    """
    (beta1, beta2), t = betas, state.get("step", 0) + 1
    g = _decayed(g, w, weight_decay)
    m = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = _mean_of_squares(state.get("exp_avg_sq"), g, beta2)
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m_hat / (v_hat.sqrt() + eps), {"step": t, "exp_avg": m, "exp_avg_sq": v}


@rule("step", "exp_avg", "exp_avg_sq")
def adamw_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
) -> tuple[Tensor, State]:
    """Adam with decoupled weight decay: ``w = (1 - lr weight_decay) w`` first, then Adam's step without any.

    Convention: the decay is multiplied by lr, as in PyTorch. In the paper it is not, but by the schedule's factor: its
    lambda is ``lr weight_decay`` here.

    Source: Loshchilov & Hutter (2019), https://arxiv.org/abs/1711.05101, algorithm 2.
    """
    return adam_update((1 - lr * weight_decay) * w, g, state, lr, betas, eps)


@rule("step", "mu_product", "exp_avg", "exp_avg_sq")
def nadam_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
) -> tuple[Tensor, State]:
    """Adam with Nesterov's look ahead: m_hat mixes g with the next step's share of m.

    Convention: beta1 is approached, ``mu_t = beta1 (1 - 0.96**(t momentum_decay) / 2)``, from half of it, so the
    correction of m is by a product of all mu so far, not by a power. m itself is a running mean with beta1. A text that
    writes ``beta1 m_hat + (1 - beta1) g / (1 - beta1**t)`` leaves that schedule out. The product is a tensor of torch's
    default dtype, as PyTorch's: where that is float32, steps in float64 are right to about ten digits.

    Source: Dozat (2016), https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.
    """
    (beta1, beta2), t = betas, state.get("step", 0) + 1
    mu, mu_next = (beta1 * (1 - 0.96 ** (k * momentum_decay) / 2) for k in (t, t + 1))
    g = _decayed(g, w, weight_decay)
    kept = mu * state.get("mu_product", torch.ones((), device="cpu"))
    product = kept if isinstance(beta1, Tensor) else float(kept)
    m = beta1 * state.get("exp_avg", 0) + (1 - beta1) * g
    v = _mean_of_squares(state.get("exp_avg_sq"), g, beta2)
    m_hat = mu_next / (1 - product * mu_next) * m + (1 - mu) / (1 - product) * g
    w = w - lr * m_hat / ((v / (1 - beta2**t)).sqrt() + eps)
    return w, {"step": t, "mu_product": kept, "exp_avg": m, "exp_avg_sq": v}


@rule("prev", "step_size", sometimes=("step",))
def rprop_update(
    w: Tensor,
    g: Tensor,
    state: State,
    lr: float = 1e-2,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50),
) -> tuple[Tensor, State]:
    """Steps by the sign of g alone, ``w = w - sign(g) d``: d grows while a weight's sign stays, shrinks when it turns.

    For full-batch gradients: in a minibatch's, signs turn from noise, and all d shrink.

    Convention: after a turn the weight rests for one step (iRprop-), where the first paper takes the last step back.
    lr is the first d and does nothing later. The signs of two gradients are compared: PyTorch multiplies the gradients,
    and where both are below 1e-23, in float32, their product is 0 and d no longer changes.

    Source: Riedmiller & Braun (1993), https://doi.org/10.1109/ICNN.1993.298623; iRprop-: Igel & Hüsken (2000).
    """
    if not state:
        start = torch.zeros_like(g)
        state = {"prev": start, "step_size": start + lr}
    d, (minus, plus) = state["step_size"], etas
    signs = state["prev"].sign() * g.sign()  # 1: the sign stayed; -1: it turned; 0: one of the two is 0
    d = torch.where(signs < 0, minus * d, torch.where(signs > 0, plus * d, d)).clamp(*step_sizes)
    g = g.masked_fill(signs < 0, 0)
    return w - g.sign() * d, {"prev": g, "step_size": d}


def _decayed(g: Tensor, w: Tensor, weight_decay: float | Tensor) -> Tensor:
    return g if _is_zero(weight_decay) else g + weight_decay * w


def _mean_of_squares(before: Tensor | None, g: Tensor, beta: float | Tensor) -> Tensor:
    # beta * before + (1 - beta) * g**2, rounded as torch does, and without g**2 itself, which float16 may not hold.
    before = torch.zeros_like(g) if before is None else before
    return torch.addcmul(beta * before, (1 - beta) * g, g)


def _is_zero(setting: float | Tensor) -> bool:
    return not isinstance(setting, Tensor) and setting == 0  # a tensor has one for each weight
