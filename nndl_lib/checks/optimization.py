"""Checks of the exercises to chapter 06, "Optimization". Rules and conventions are those of ``nndl_lib.updates``."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from nndl_lib.checks.engine import Case, exercise
from nndl_lib.runtime import generator

__all__ = ["adam_step", "clip_by_norm", "learning_rate", "nesterov_step", "rmsprop_step"]


def _quarters(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/4 from -2 to 2, none of them zero: short to print, exact to compute with."""
    size = torch.randint(1, 9, shape, generator=g).double() / 4
    return size * (2.0 * torch.randint(0, 2, shape, generator=g).double() - 1)


def _weights(*shape: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, something remembered, and a gradient."""
    g = generator(seed)
    return _quarters(*shape, g=g), _quarters(*shape, g=g), _quarters(*shape, g=g)


def _numbers(*values: float) -> tuple[Tensor, ...]:
    """Tensors of one entry each."""
    return tuple(torch.tensor([value]).double() for value in values)


def _by_torch(step, w: Tensor, g: Tensor, *state: Tensor | None, **settings) -> tuple[Tensor, ...]:
    """One step by the function that an optimizer of torch calls: the class would import torch's compiler first."""
    w, *state = (value if value is None else value.clone() for value in (w, *state))
    step([w], [g], *([] if value is None else [value] for value in state), foreach=False, maximize=False, **settings)
    return w, *state


# --- 1: Nesterov ----------------------------------------------------------------------------------------------------


def _nesterov_inputs():
    """Arguments w, v, g, lr, beta."""
    w, v, g = _numbers(1, 0, 2)
    yield Case((w, v, g, 0.25, 0.5), "one weight, first step")
    w, v, g = _numbers(1, 3, -2)
    yield Case((w, v, g, 0.25, 0.5), "one weight")
    for seed, shape, lr, beta, note in [
        (1, (2,), 0.1, 0.9, ""), (2, (3,), 0.5, 0.75, ""), (3, (2, 3), 0.2, 0.9, "a matrix of weights"),
        (4, (3,), 0.5, 0.0, "beta = 0"), (5, (2, 2), 2.0, 0.5, "a large rate"), (6, (4,), 0.01, 0.99, ""),
    ]:
        yield Case((*_weights(*shape, seed=seed), lr, beta), note)
    w, v, _ = _weights(3, seed=7)
    yield Case((w, v, torch.zeros(3).double(), 0.5, 0.5), "a gradient of zero: it coasts")
    yield Case((*(value.float() for value in _weights(3, seed=8)), 0.25, 0.5), "float32")


def _more_weights(*rest, remembered=1):
    def arguments(n):
        w, m, g = _weights(n, seed=n)
        return (w, *[m.abs()] * remembered, g, *rest)

    return lambda: [("weights", arguments(8), arguments(64), 56)]


def _nesterov(w, v, g, lr, beta):
    v = beta * v + g
    return w - lr * (g + beta * v), v


def _renewed(w, v, g, lr, beta):
    return beta * v + g


@exercise(
    returns=("w", "v"),
    cases=_nesterov_inputs,
    loops=_more_weights(0.1, 0.9),
    mistakes=[
        ("It walks uphill: subtract lr times the step.",
         lambda w, v, g, lr, beta: (w + lr * (g + beta * _renewed(w, v, g, lr, beta)), _renewed(w, v, g, lr, beta))),
        ("This is plain momentum: Nesterov moves by g + beta v, with the new v, not by v alone.",
         lambda w, v, g, lr, beta: (w - lr * _renewed(w, v, g, lr, beta), _renewed(w, v, g, lr, beta))),
        ("w moves by g + beta times the old v; renew the velocity first. (As it is, this is plain momentum.)",
         lambda w, v, g, lr, beta: (w - lr * (g + beta * v), v)),
        ("w moves by the old velocity: renew v before you use it.",
         lambda w, v, g, lr, beta: (w - lr * v, _renewed(w, v, g, lr, beta))),
        ("w moves by g + v; the new v has a factor beta in the step.",
         lambda w, v, g, lr, beta: (w - lr * (g + _renewed(w, v, g, lr, beta)), _renewed(w, v, g, lr, beta))),
        ("w moves by beta times the new v alone; the newest gradient is added to that.",
         lambda w, v, g, lr, beta: (w - lr * beta * _renewed(w, v, g, lr, beta), _renewed(w, v, g, lr, beta))),
        ("w moves by the gradient alone; the velocity has no effect on it.",
         lambda w, v, g, lr, beta: (w - lr * g, _renewed(w, v, g, lr, beta))),
        ("g comes into v with a factor 1 - beta; here v is a sum of gradients, beta v + g.",
         lambda w, v, g, lr, beta: (w - lr * (g + beta * (beta * v + (1 - beta) * g)), beta * v + (1 - beta) * g)),
        ("The learning rate stands inside v; here it multiplies the step, and v holds gradients alone.",
         lambda w, v, g, lr, beta: (w - (lr * g + beta * (beta * v + lr * g)), beta * v + lr * g)),
        ("v has the sign of a step, beta v - lr g; here v is a sum of gradients, beta v + g.",
         lambda w, v, g, lr, beta: (w + beta * (beta * v - lr * g) - lr * g, beta * v - lr * g)),
        ("g is subtracted from the velocity: v is beta v + g.",
         lambda w, v, g, lr, beta: (w - lr * (g + beta * (beta * v - g)), beta * v - g)),
        ("The old velocity is not damped: v is beta v + g, not v + g.",
         lambda w, v, g, lr, beta: (w - lr * (g + beta * (v + g)), v + g)),
        ("beta multiplies the gradient too: v is beta v + g, not beta (v + g).",
         lambda w, v, g, lr, beta: (w - lr * (g + beta * beta * (v + g)), beta * (v + g))),
        ("v comes back as it was: return the new velocity. (w is right.)",
         lambda w, v, g, lr, beta: (_nesterov(w, v, g, lr, beta)[0], v)),
        ("v comes back as the whole step g + beta v; return the velocity beta v + g. (w is right.)",
         lambda w, v, g, lr, beta: (_nesterov(w, v, g, lr, beta)[0], g + beta * _renewed(w, v, g, lr, beta))),
        ("w is not changed: return the weights after the step.",
         lambda w, v, g, lr, beta: (w, _renewed(w, v, g, lr, beta))),
        ("You return the step instead of the weights after it: w minus the step.",
         lambda w, v, g, lr, beta: (lr * (g + beta * _renewed(w, v, g, lr, beta)), _renewed(w, v, g, lr, beta))),
        ("The two are exchanged: return w first, v second.", lambda *a: _nesterov(*a)[::-1]),
    ],
)
def nesterov_step(w, v, g, lr, beta):
    """Exercise 1: a step of Nesterov, in torch's convention. The function returns (w, v)."""
    if beta == 0:  # torch keeps no velocity then
        return w - lr * g, g.clone()
    return _by_torch(sgd, w, g, v, lr=lr, momentum=beta, nesterov=True, dampening=0.0, weight_decay=0.0)


# --- 2: RMSprop -----------------------------------------------------------------------------------------------------


def _rmsprop_inputs():
    """Arguments w, s, g, lr, rho, eps."""
    w, s, g = _numbers(1, 0, 2)
    yield Case((w, s, g, 0.25, 0.75, 1e-8), "one weight, first step")
    w, s, g = _numbers(1, 3, -2)
    yield Case((w, s, g, 0.25, 0.75, 0.5), "a large eps")
    zero = "Where g and s are zero it goes wrong: add eps to the root before you divide."
    w, s, g = _numbers(1, 0, 0)
    yield Case((w, s, g, 0.5, 0.5, 1e-8), "g and s of zero", zero)
    for seed, shape, lr, rho, eps, note in [
        (11, (2,), 0.1, 0.9, 1e-8, ""), (12, (3,), 0.5, 0.75, 0.25, "a large eps"), (13, (2, 3), 0.2, 0.99, 1e-8, "a matrix of weights"),
        (14, (3,), 0.5, 0.0, 1e-8, "rho = 0"), (15, (2, 2), 2.0, 0.6, 1e-3, ""),
    ]:
        w, s, g = _weights(*shape, seed=seed)
        yield Case((w, s.abs(), g, lr, rho, eps), note)
    w, s, g = _weights(3, seed=16)
    yield Case((w, s.abs() * 1e-8, g * 1e-4, 0.5, 0.75, 1e-8), "tiny gradients",
               "Tiny gradients go wrong: eps is added to the root, not to what is under it.")
    w, s, g = _weights(3, seed=17)
    yield Case((w.float(), s.abs().float(), g.float(), 0.25, 0.5, 1e-8), "float32")


def _rms(w, s, g, lr, rho, eps, mean=None, step=None):
    s = rho * s + (1 - rho) * g**2 if mean is None else mean
    return w - lr * (g / (s.sqrt() + eps) if step is None else step(s)), s


@exercise(
    returns=("w", "s"),
    cases=_rmsprop_inputs,
    loops=_more_weights(0.1, 0.9, 1e-8),
    mistakes=[
        ("It walks uphill: subtract the step.", lambda w, s, g, lr, rho, eps: _rms(w, s, g, -lr, rho, eps)),
        ("eps stands inside the root; add it after the root is taken.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / (s + eps).sqrt())),
        ("eps is missing: where g and s are zero, the step is 0 / 0.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / s.sqrt())),
        ("The root is missing: divide by the root of s, plus eps.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / (s + eps))),
        ("rho and 1 - rho are exchanged: rho multiplies the old mean.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=(1 - rho) * s + rho * g**2)),
        ("The factor 1 - rho is missing: s would be a sum of squares, not their mean.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=rho * s + g**2)),
        ("s takes in the gradient without a square; it is a mean of squares.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=rho * s + (1 - rho) * g)),
        ("s takes in the size of the gradient without a square; it is a mean of squares.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=rho * s + (1 - rho) * g.abs())),
        ("The old mean is not faded: it has a factor rho.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=s + (1 - rho) * g**2)),
        ("The factor 1 - rho is squared together with g: write (1 - rho) * g**2.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=rho * s + ((1 - rho) * g) ** 2)),
        ("The step divides by the root of the old s: renew s first.",
         lambda w, s, g, lr, rho, eps: (w - lr * g / (s.sqrt() + eps), rho * s + (1 - rho) * g**2)),
        ("s is one number for all weights; each weight has its own.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=(rho * s + (1 - rho) * (g**2).mean()))),
        ("s is corrected like Adam's, by 1 - rho; RMSprop has no correction.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / ((s / (1 - rho)).sqrt() + eps))),
        ("The gradient is missing from the step: it is g that is divided by the root.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: 1 / (s.sqrt() + eps))),
        ("Parentheses are missing: g / s.sqrt() + eps divides first and adds eps to the quotient.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / s.sqrt() + eps)),
        ("You multiply by the root; divide by it.",
         lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g * (s.sqrt() + eps))),
        ("s comes back as it was: return the new mean of squares. (w is right.)",
         lambda w, s, g, lr, rho, eps: (_rms(w, s, g, lr, rho, eps)[0], s)),
        ("s comes back as its root: return the mean of squares itself. (w is right.)",
         lambda w, s, g, lr, rho, eps: (_rms(w, s, g, lr, rho, eps)[0], _rms(w, s, g, lr, rho, eps)[1].sqrt())),
        ("The two are exchanged: return w first, s second.", lambda *a: _rms(*a)[::-1]),
    ],
)
def rmsprop_step(w, s, g, lr, rho, eps):
    """Exercise 2: a step of RMSprop. The function returns (w, s)."""
    settings = {"lr": lr, "alpha": rho, "eps": eps, "weight_decay": 0.0, "momentum": 0.0, "centered": False}
    return _by_torch(rmsprop, w, g, s, None, None, torch.tensor(3.0), **settings)[:2]


# --- 3: Adam --------------------------------------------------------------------------------------------------------


def _adam_inputs():
    """Arguments w, m, s, g, t, lr, beta1, beta2, eps."""
    w, m, s, g = _numbers(1, 0, 0, 2)
    yield Case((w, m, s, g, 1, 0.25, 0.5, 0.75, 1e-8), "first step")
    w, m, s, g = _numbers(1, 1, 3, -2)
    yield Case((w, m, s, g, 2, 0.25, 0.5, 0.75, 0.5), "a large eps")
    w, m, s, g = _numbers(1, 0, 0, 0)
    yield Case((w, m, s, g, 1, 0.5, 0.5, 0.5, 1e-8), "g, m and s of zero",
               "Where g, m and s are zero it goes wrong: add eps to the root before you divide.")
    for seed, shape, t, lr, beta1, beta2, eps, note in [
        (21, (2,), 1, 0.1, 0.9, 0.999, 1e-8, "first step"), (22, (3,), 3, 0.5, 0.75, 0.9, 0.25, "a large eps"),
        (23, (2, 3), 7, 0.2, 0.9, 0.999, 1e-8, "a matrix of weights"), (24, (3,), 5, 0.5, 0.0, 0.5, 1e-8, "beta1 = 0"),
        (25, (2, 2), 1000, 2.0, 0.9, 0.99, 1e-3, "a late step"), (26, (3,), 2, 0.5, 0.5, 0.0, 1e-8, "beta2 = 0"),
    ]:
        w, m, g = _weights(*shape, seed=seed)
        s = _quarters(*shape, g=generator(100 + seed)).abs()
        first = 0.0 if note == "first step" else 1.0
        yield Case((w, first * m, first * s, g, t, lr, beta1, beta2, eps), note)
    w, m, g = _weights(3, seed=27)
    yield Case((w, m * 1e-4, m.abs() * 1e-8, g * 1e-4, 4, 0.5, 0.75, 0.9, 1e-8), "tiny gradients",
               "Tiny gradients go wrong: eps is added to the root, not to what is under it.")
    w, m, g = _weights(3, seed=28)
    yield Case((w.float(), m.float(), m.abs().float(), g.float(), 2, 0.25, 0.5, 0.75, 1e-8), "float32")


def _adam(w, m, s, g, t, lr, beta1, beta2, eps, new_m=None, new_s=None, hats=None, step=None):
    m = beta1 * m + (1 - beta1) * g if new_m is None else new_m
    s = beta2 * s + (1 - beta2) * g**2 if new_s is None else new_s
    m_hat, s_hat = (m / (1 - beta1**t), s / (1 - beta2**t)) if hats is None else hats(m, s)
    return w - lr * (m_hat / (s_hat.sqrt() + eps) if step is None else step(m_hat, s_hat)), m, s


def _adam_corrected(w, m, s, g, t, lr, beta1, beta2, eps):
    w, m, s = _adam(w, m, s, g, t, lr, beta1, beta2, eps)
    return w, m / (1 - beta1**t), s / (1 - beta2**t)


def _with(**changes):
    """Adam with changes, each a function of the arguments by name."""
    names = ("w", "m", "s", "g", "t", "lr", "beta1", "beta2", "eps")

    def answer(w, m, s, g, t, lr, beta1, beta2, eps):
        values = dict(zip(names, (w, m, s, g, t, lr, beta1, beta2, eps)))
        made = {name: (lambda *a, change=change: change(values, *a)) if name in ("hats", "step") else change(values)
                for name, change in changes.items()}
        return _adam(w, m, s, g, t, lr, beta1, beta2, eps, **made)

    return answer


@exercise(
    returns=("w", "m", "s"),
    cases=_adam_inputs,
    loops=_more_weights(2, 0.1, 0.9, 0.999, 1e-8, remembered=2),
    mistakes=[
        ("It walks uphill: subtract the step.", lambda w, m, s, g, t, lr, *a: _adam(w, m, s, g, t, -lr, *a)),
        ("The bias correction is missing: divide m by 1 - beta1**t and s by 1 - beta2**t.",
         _with(hats=lambda a, m, s: (m, s))),
        ("s is not corrected: divide it by 1 - beta2**t, as m by 1 - beta1**t.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"] ** a["t"]), s))),
        ("m is not corrected: divide it by 1 - beta1**t, as s by 1 - beta2**t.",
         _with(hats=lambda a, m, s: (m, s / (1 - a["beta2"] ** a["t"])))),
        ("The correction forgets the power t: it divides by 1 - beta1**t, not by 1 - beta1.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"]), s / (1 - a["beta2"])))),
        ("The correction uses t + 1: t counts from 1 already.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"] ** (a["t"] + 1)), s / (1 - a["beta2"] ** (a["t"] + 1))))),
        ("The correction uses t - 1: t counts from 1, so at the first step the power is 1.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"] ** (a["t"] - 1)), s / (1 - a["beta2"] ** (a["t"] - 1))))),
        ("The correction multiplies beta by t; it takes the power beta**t.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"] * a["t"]), s / (1 - a["beta2"] * a["t"])))),
        ("You multiply by the corrections; divide by them.",
         _with(hats=lambda a, m, s: (m * (1 - a["beta1"] ** a["t"]), s * (1 - a["beta2"] ** a["t"])))),
        ("Both corrections use beta1; s has beta2.",
         _with(hats=lambda a, m, s: (m / (1 - a["beta1"] ** a["t"]), s / (1 - a["beta1"] ** a["t"])))),
        ("eps stands inside the root; add it after the root is taken.",
         _with(step=lambda a, m, s: m / (s + a["eps"]).sqrt())),
        ("eps is added before s is corrected: it is added to the root of the corrected s.",
         _with(step=lambda a, m, s: m / (s.sqrt() + a["eps"] / (1 - a["beta2"] ** a["t"]) ** 0.5))),
        ("eps is missing: where all is zero, the step is 0 / 0.", _with(step=lambda a, m, s: m / s.sqrt())),
        ("The root is missing: divide by the root of the corrected s, plus eps.",
         _with(step=lambda a, m, s: m / (s + a["eps"]))),
        ("The step uses g where the corrected m belongs.", _with(step=lambda a, m, s: a["g"] / (s.sqrt() + a["eps"]))),
        ("The step uses the old m and s: renew both first.",
         _with(hats=lambda a, m, s: (a["m"] / (1 - a["beta1"] ** a["t"]), a["s"] / (1 - a["beta2"] ** a["t"])))),
        ("beta1 and beta2 are exchanged: beta1 belongs to m, beta2 to s.",
         lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(w, m, s, g, t, lr, beta2, beta1, eps)),
        ("g comes into m without its factor 1 - beta1.", _with(new_m=lambda a: a["beta1"] * a["m"] + a["g"])),
        ("The square of g comes into s without its factor 1 - beta2.",
         _with(new_s=lambda a: a["beta2"] * a["s"] + a["g"] ** 2)),
        ("Neither g nor its square has its factor: 1 - beta1 in m, 1 - beta2 in s.",
         _with(new_m=lambda a: a["beta1"] * a["m"] + a["g"], new_s=lambda a: a["beta2"] * a["s"] + a["g"] ** 2)),
        ("s takes in g without a square; it is a mean of squares.",
         _with(new_s=lambda a: a["beta2"] * a["s"] + (1 - a["beta2"]) * a["g"])),
        ("s takes in the square of the mean m; it is the mean of the squares of g.",
         lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(
             w, m, s, g, t, lr, beta1, beta2, eps,
             new_s=beta2 * s + (1 - beta2) * (beta1 * m + (1 - beta1) * g) ** 2)),
        ("The weights of the means are exchanged: beta multiplies the old mean, 1 - beta what is new.",
         _with(new_m=lambda a: (1 - a["beta1"]) * a["m"] + a["beta1"] * a["g"],
               new_s=lambda a: (1 - a["beta2"]) * a["s"] + a["beta2"] * a["g"] ** 2)),
        ("m and s come back corrected; the next step would correct them again. (w is right.)", _adam_corrected),
        ("m and s come back as they were: return the new means. (w is right.)",
         lambda w, m, s, *a: (_adam(w, m, s, *a)[0], m, s)),
        ("They are in the wrong order: return w, m, s.", lambda *a: (*_adam(*a)[1:], _adam(*a)[0])),
    ],
)
def adam_step(w, m, s, g, t, lr, beta1, beta2, eps):
    """Exercise 3: a step of Adam. The function returns (w, m, s)."""
    settings = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": 0.0, "amsgrad": False}
    return _by_torch(adam, w, g, m, s, None, torch.tensor(float(t - 1)), **settings)[:3]


# --- 4: warm-up and cosine ------------------------------------------------------------------------------------------


def _steps():
    """Arguments step, lr, warm_up, total."""
    late = "After the step total it goes wrong: the rate stays 0, where a cosine would climb again."
    none = "Without a warm-up it goes wrong: with warm_up = 0 the cosine starts in step 0."
    yield Case((0, 1.0, 0, 4), "no warm-up", none)
    yield Case((1, 1.0, 0, 2), "no warm-up", none)
    yield Case((0, 1.0, 4, 12), "the first step")
    yield Case((1, 1.0, 4, 12), "in the warm-up")
    yield Case((3, 0.5, 4, 12), "the last step of the warm-up")
    yield Case((4, 0.5, 4, 12), "the first step of the cosine")
    yield Case((8, 0.5, 4, 12), "half of the wave")
    yield Case((6, 0.2, 4, 12))
    yield Case((11, 2.0, 4, 12))
    yield Case((12, 2.0, 4, 12), "the step total")
    yield Case((15, 2.0, 4, 12), "after the end", late)
    yield Case((20, 1.0, 4, 12), "after the end", late)
    yield Case((0, 0.3, 1, 9), "a warm-up of one step")
    yield Case((70, 0.1, 10, 200))
    yield Case((7, 0.1, 10, 200), "in the warm-up")


def _rate(step, lr, warm_up, total, climb=lambda k, n: (k + 1) / n, wave=None, last=True, half=lambda x: (1 + math.cos(math.pi * x)) / 2,
          border=0):
    if step < warm_up + border:
        return lr * climb(step, warm_up)
    share = (step - warm_up) / (total - warm_up) if wave is None else wave(step, warm_up, total)
    return lr * half(min(share, 1.0) if last else share)


@exercise(
    returns=("rate",),
    strict=("rate",),
    cases=_steps,
    mistakes=[
        ("The warm-up starts at 0: in step 0 the rate is lr / warm_up already.",
         lambda *a: _rate(*a, climb=lambda k, n: k / n)),
        ("The warm-up ends too high: it is lr in step warm_up - 1, not more.",
         lambda *a: _rate(*a, climb=lambda k, n: (k + 2) / n)),
        ("The warm-up is not a straight line up to lr: it is lr (step + 1) / warm_up.",
         lambda *a: _rate(*a, climb=lambda k, n: (k + 1) / (n + 1))),
        ("There is no warm-up: the rate is lr in these steps.", lambda *a: _rate(*a, climb=lambda k, n: 1.0)),
        ("The cosine counts from step 0; its wave starts in step warm_up and has total - warm_up steps.",
         lambda *a: _rate(*a, wave=lambda k, n, total: k / total)),
        ("The wave is too long: it has total - warm_up steps, not total.",
         lambda *a: _rate(*a, wave=lambda k, n, total: (k - n) / total)),
        ("The wave starts before the warm-up ends: subtract warm_up from the step.",
         lambda *a: _rate(*a, wave=lambda k, n, total: k / (total - n))),
        ("The cosine is one step early: in step warm_up the rate is lr.",
         lambda *a: _rate(*a, wave=lambda k, n, total: (k - n + 1) / (total - n))),
        ("The rate climbs again after the step total; from there on it is 0.", lambda *a: _rate(*a, last=False)),
        ("The cosine is not shifted: it runs from lr to -lr. Add 1 and halve.",
         lambda *a: _rate(*a, half=lambda x: math.cos(math.pi * x))),
        ("The cosine is not halved: it starts at 2 lr.", lambda *a: _rate(*a, half=lambda x: 1 + math.cos(math.pi * x))),
        ("This is a quarter of a wave; half a wave goes with the cosine of pi times the share.",
         lambda *a: _rate(*a, half=lambda x: math.cos(math.pi * x / 2))),
        ("The cosine has no pi in it: its argument runs from 0 to pi.",
         lambda *a: _rate(*a, half=lambda x: (1 + math.cos(x)) / 2)),
        ("The cosine goes through a whole wave, down and up again; its argument ends at pi.",
         lambda *a: _rate(*a, half=lambda x: (1 + math.cos(2 * math.pi * x)) / 2)),
        ("The rate falls along a straight line; it should follow a cosine.", lambda *a: _rate(*a, half=lambda x: 1 - x)),
        ("The wave goes up where it should go down: it is 1 plus the cosine.",
         lambda *a: _rate(*a, half=lambda x: (1 - math.cos(math.pi * x)) / 2)),
        ("You return the factor; multiply it by lr.", lambda step, lr, *a: _rate(step, 1.0, *a)),
    ],
)
def learning_rate(step, lr, warm_up, total):
    """Exercise 4: the learning rate in a step. The function returns a number."""
    # As a table of all rates: a stair, half a wave by the double angle, and zeros.
    wave = [math.cos(math.pi * k / (2 * (total - warm_up))) ** 2 for k in range(total - warm_up)]
    table = [k / warm_up for k in range(1, warm_up + 1)] + wave
    return lr * (table[step] if step < total else 0.0)


# --- 5: clipping by the norm ----------------------------------------------------------------------------------------


def _layers():
    """Arguments dW, db, max_norm."""
    def case(dW, db, max_norm, note="", hint=""):
        return Case((torch.tensor(dW, dtype=torch.float64), torch.tensor(db, dtype=torch.float64), max_norm), note, hint)

    short = "A gradient that is short enough must stay as it is."
    yield case([[3.0]], [4.0], 1.0, "one weight")
    yield case([[3.0]], [4.0], 10.0, "short enough", short)
    yield case([[3.0]], [4.0], 5.0, "exactly as long as allowed")
    yield case([[0.0, 0.0]], [0.0], 1.0, "all zero", "A gradient of zeros goes wrong: do not divide by its length, or look at the length first.")
    yield case([[1.0, 2.0]], [-2.0], 1.5)
    yield case([[0.25, -0.25]], [0.5], 1.0, "short enough", short)
    yield case([[2.0, -1.0], [0.5, 3.0]], [0.0, 0.0], 2.0, "a bias gradient of zero")
    yield case([[3.0, 0.0]], [0.5], 3.02, "longer only together", "A gradient goes wrong of which each part alone is short enough: measure both together.")
    for seed, out, n, max_norm in [(31, 2, 3, 1.0), (32, 3, 2, 0.5), (33, 4, 4, 2.5)]:
        g = generator(seed)
        yield Case((_quarters(out, n, g=g), _quarters(out, g=g), max_norm))
    g = generator(34)
    yield Case((1e6 * _quarters(2, 2, g=g), 1e6 * _quarters(2, g=g), 1.0), "huge gradients")
    g = generator(35)
    yield Case((_quarters(2, 2, g=g).float(), _quarters(2, g=g).float(), 1.0), "float32")


def _more_entries():
    def arguments(out, n):
        g = generator(out * n)
        return _quarters(out, n, g=g), _quarters(out, g=g), 1.0

    return [("rows", arguments(8, 3), arguments(64, 3), 56), ("columns", arguments(3, 8), arguments(3, 64), 56)]


def _length(dW, db):
    return (dW.square().sum() + db.square().sum()).sqrt()


def _clip(dW, db, max_norm, length=_length, factor=lambda norm, limit: limit / norm, apart=False, always=False):
    parts = []
    for part in (dW, db):
        norm = part.norm() if apart else length(dW, db)
        parts.append(part * factor(norm, max_norm) if always or norm > max_norm else part)
    return tuple(parts)


@exercise(
    returns=("dW", "db"),
    cases=_layers,
    loops=_more_entries,
    mistakes=[
        ("The two are clipped apart, which changes the direction: measure their length together.",
         lambda *a: _clip(*a, apart=True)),
        ("Short gradients are stretched to max_norm; they stay as they are.", lambda *a: _clip(*a, always=True)),
        ("Single entries are cut off, which changes the direction; multiply all by one factor.",
         lambda dW, db, limit: (dW.clamp(-limit, limit), db.clamp(-limit, limit))),
        ("The length is that of dW alone; db belongs to it.", lambda *a: _clip(*a, length=lambda dW, db: dW.norm())),
        ("The length is that of db alone; dW belongs to it.", lambda *a: _clip(*a, length=lambda dW, db: db.norm())),
        ("The two lengths are added; it is their squares that add up, under one root.",
         lambda *a: _clip(*a, length=lambda dW, db: dW.norm() + db.norm())),
        ("The root is missing from the length.", lambda *a: _clip(*a, length=lambda dW, db: _length(dW, db) ** 2)),
        ("The length is a sum of absolute values; it is the root of the sum of squares.",
         lambda *a: _clip(*a, length=lambda dW, db: dW.abs().sum() + db.abs().sum())),
        ("The length is the largest entry; it is the root of the sum of squares.",
         lambda *a: _clip(*a, length=lambda dW, db: torch.cat([dW.flatten(), db]).abs().max())),
        ("The length is a mean of squares under the root; take their sum.",
         lambda *a: _clip(*a, length=lambda dW, db: torch.cat([dW.flatten(), db]).square().mean().sqrt())),
        ("The length of dW is that of its largest stretch, a matrix norm; sum the squares of its entries.",
         lambda *a: _clip(*a, length=lambda dW, db: (torch.linalg.matrix_norm(dW, 2) ** 2 + db @ db).sqrt())),
        ("A long gradient gets the length 1; it should get max_norm.", lambda *a: _clip(*a, factor=lambda norm, limit: 1 / norm)),
        ("The factor is the wrong way round: multiply by max_norm / length.",
         lambda *a: _clip(*a, factor=lambda norm, limit: norm / limit)),
        ("The length is multiplied by max_norm: the factor is max_norm / length, not max_norm alone.",
         lambda *a: _clip(*a, factor=lambda norm, limit: limit)),
        ("Nothing is clipped: a gradient longer than max_norm is shortened to that.", lambda dW, db, limit: (dW, db)),
        ("Long gradients become zero; they keep their direction and get the length max_norm.",
         lambda *a: _clip(*a, factor=lambda norm, limit: 0.0)),
        ("db is not shortened; both get the same factor. (dW is right.)", lambda dW, db, limit: (_clip(dW, db, limit)[0], db)),
        ("dW is not shortened; both get the same factor. (db is right.)", lambda dW, db, limit: (dW, _clip(dW, db, limit)[1])),
        ("The two are exchanged: return dW first, db second.", lambda *a: _clip(*a)[::-1]),
    ],
)
def clip_by_norm(dW, db, max_norm):
    """Exercise 5: the gradients of a layer, shortened together. The function returns (dW, db)."""
    together = np.concatenate([dW.numpy().ravel(), db.numpy()])
    share = min(1.0, max_norm / max(float(np.linalg.norm(together)), 1e-300))
    together = torch.from_numpy(share * together)
    return together[: dW.numel()].reshape(dW.shape), together[dW.numel() :]
