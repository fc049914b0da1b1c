"""Checks of the exercises to chapter 06, "Optimization". Rules are those of ``nndl_lib.optim._rules``."""

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, signed_quarters

__all__ = ["adam_step", "clip_by_norm", "learning_rate", "nesterov_step", "rmsprop_step"]


def _weights(*shape: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, something remembered, and a gradient."""
    g = generator(seed)
    return signed_quarters(*shape, g=g), signed_quarters(*shape, g=g), signed_quarters(*shape, g=g)


def _numbers(*values: float) -> tuple[Tensor, ...]:
    """Tensors of one entry each."""
    return tuple(floats(value) for value in values)


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
        (1, (2,), 0.1, 0.9, ""),
        (2, (3,), 0.5, 0.75, ""),
        (3, (2, 3), 0.2, 0.9, "a matrix of weights"),
        (4, (3,), 0.5, 0.0, "beta = 0"),
        (5, (2, 2), 2.0, 0.5, "a large rate"),
        (6, (4,), 0.01, 0.99, ""),
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


def _nesterov(renew=lambda v, g, lr, beta: beta * v + g, by=lambda v, g, lr, beta: lr * (g + beta * v)):
    """A step with another rule for the velocity, or for what w moves by, which reads the new one."""

    def answer(w, v, g, lr, beta):
        v = renew(v, g, lr, beta)
        return w - by(v, g, lr, beta), v

    return answer


_RATE_INSIDE = (
    "The learning rate stands inside v; here it multiplies the step, and v is a sum of gradients, beta v + g."
)


@exercise(
    returns=("w", "v"),
    cases=_nesterov_inputs,
    loops=_more_weights(0.1, 0.9),
    mistakes=[
        "It walks uphill: subtract lr times the step.",
        _nesterov(by=lambda v, g, lr, beta: -lr * (g + beta * v)),
        "This is plain momentum: Nesterov moves by g + beta v, with the new v, not by v alone.",
        _nesterov(by=lambda v, g, lr, beta: lr * v),
        "w moves by g + beta times the old v, which is plain momentum; renew the velocity first, and return it.",
        lambda w, v, g, lr, beta: (w - lr * (g + beta * v), v),
        "w moves by the old velocity: renew v before you use it.",
        lambda w, v, g, lr, beta: (w - lr * v, beta * v + g),
        "w moves by g + v; the new v has a factor beta in the step.",
        _nesterov(by=lambda v, g, lr, beta: lr * (g + v)),
        "w moves by beta times the new v alone; the newest gradient is added to that.",
        _nesterov(by=lambda v, g, lr, beta: lr * beta * v),
        "w moves by the gradient alone; the velocity has no effect on it.",
        _nesterov(by=lambda v, g, lr, beta: lr * g),
        "beta is the factor of the new v in the step, not that of g.",
        _nesterov(by=lambda v, g, lr, beta: lr * (beta * g + v)),
        "beta v is subtracted from g in the step; add it.",
        _nesterov(by=lambda v, g, lr, beta: lr * (g - beta * v)),
        "In the step, g alone is multiplied by lr; beta v needs it too, since v is a sum of gradients.",
        _nesterov(by=lambda v, g, lr, beta: lr * g + beta * v),
        "g comes into v with a factor 1 - beta; here v is a sum of gradients, beta v + g.",
        _nesterov(renew=lambda v, g, lr, beta: beta * v + (1 - beta) * g),
        _RATE_INSIDE,
        _nesterov(lambda v, g, lr, beta: beta * v + lr * g, lambda v, g, lr, beta: lr * g + beta * v),
        _RATE_INSIDE,
        _nesterov(lambda v, g, lr, beta: beta * v + lr * g),
        "v is a step, beta v - lr g, rate and sign inside; here v is a sum of gradients, beta v + g.",
        _nesterov(lambda v, g, lr, beta: beta * v - lr * g, lambda v, g, lr, beta: lr * g - beta * v),
        "v is a step, beta v - lr g, and w moves by it, which is plain momentum; here v is a sum of gradients.",
        _nesterov(lambda v, g, lr, beta: beta * v - lr * g, lambda v, g, lr, beta: -v),
        "v comes back as the whole step g + beta v; return the velocity beta v + g. (w is right.)",
        lambda w, v, g, lr, beta: (_nesterov()(w, v, g, lr, beta)[0], g + beta * (beta * v + g)),
    ],
    follows=[
        "v is wrong, and w follows from it: the new v is beta v + g.",
        lambda got, w, v, g, lr, beta: (w - lr * (g + beta * got[1]), got[1]),
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
    zero = "Where g and s are zero it goes wrong: there the step is 0 / eps, and w stays."
    w, s, g = _numbers(1, 0, 0)
    yield Case((w, s, g, 0.5, 0.5, 1e-8), "g and s of zero", zero)
    for seed, shape, lr, rho, eps, note in [
        (11, (2,), 0.1, 0.9, 1e-8, ""),
        (12, (3,), 0.5, 0.75, 0.25, "a large eps"),
        (13, (2, 3), 0.2, 0.99, 1e-8, "a matrix of weights"),
        (14, (3,), 0.5, 0.0, 1e-8, "rho = 0"),
        (15, (2, 2), 2.0, 0.6, 1e-3, ""),
    ]:
        w, s, g = _weights(*shape, seed=seed)
        yield Case((w, s.abs(), g, lr, rho, eps), note)
    w, s, g = _weights(3, seed=16)
    yield Case(
        (w, s.abs() * 1e-8, g * 1e-4, 0.5, 0.75, 1e-8),
        "tiny gradients",
        "With tiny gradients it goes wrong: there eps counts, which is added to the root.",
    )
    w, s, g = _weights(3, seed=17)
    yield Case((w.float(), s.abs().float(), g.float(), 0.25, 0.5, 1e-8), "float32")


def _rms(w, s, g, lr, rho, eps, mean=None, step=None):
    s = rho * s + (1 - rho) * g**2 if mean is None else mean
    return w - lr * (g / (s.sqrt() + eps) if step is None else step(s)), s


def _rms_by(step):
    return lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: step(s, g, eps))


def _rms_with(mean, positive=lambda s: s):
    """Another mean of squares; where it can be negative, its root may be made possible."""
    return lambda w, s, g, lr, rho, eps: _rms(
        w, s, g, lr, rho, eps, mean(s, g, rho), lambda s: g / (positive(s).sqrt() + eps)
    )


_NO_SQUARE = "s takes in the gradient without a square; it is a mean of squares."


@exercise(
    returns=("w", "s"),
    cases=_rmsprop_inputs,
    loops=_more_weights(0.1, 0.9, 1e-8),
    mistakes=[
        "It walks uphill: subtract the step.",
        lambda w, s, g, lr, rho, eps: _rms(w, s, g, -lr, rho, eps),
        "eps stands inside the root; add it after the root is taken.",
        _rms_by(lambda s, g, eps: g / (s + eps).sqrt()),
        "eps stands inside the root, squared; add it after the root is taken.",
        _rms_by(lambda s, g, eps: g / (s + eps**2).sqrt()),
        "eps is missing: where g and s are zero, the step is 0 / 0.",
        _rms_by(lambda s, g, eps: g / s.sqrt()),
        "eps is the least that the root may be; add it.",
        _rms_by(lambda s, g, eps: g / s.sqrt().clamp(min=eps)),
        "The root is missing: divide by the root of s, plus eps.",
        _rms_by(lambda s, g, eps: g / (s + eps)),
        "Parentheses are missing: g / s.sqrt() + eps divides first and adds eps to the quotient.",
        _rms_by(lambda s, g, eps: g / s.sqrt() + eps),
        "The gradient is missing from the step: it is g that is divided by the root.",
        _rms_by(lambda s, g, eps: 1 / (s.sqrt() + eps)),
        "The gradient is squared in the step; only s holds squares.",
        _rms_by(lambda s, g, eps: g**2 / (s.sqrt() + eps)),
        "You multiply by the root; divide by it.",
        _rms_by(lambda s, g, eps: g * (s.sqrt() + eps)),
        "All weights are divided by one number; each weight has its own root.",
        _rms_by(lambda s, g, eps: g / (s.sum().sqrt() + eps)),
        "s is corrected like Adam's, by 1 - rho; RMSprop has no correction.",
        lambda w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, step=lambda s: g / ((s / (1 - rho)).sqrt() + eps)),
        "The step divides by the root of the old s: renew s first.",
        lambda w, s, g, lr, rho, eps: (w - lr * g / (s.sqrt() + eps), rho * s + (1 - rho) * g**2),
        "rho and 1 - rho are exchanged: rho multiplies the old mean.",
        _rms_with(lambda s, g, rho: (1 - rho) * s + rho * g**2),
        "The factor 1 - rho is missing: s would be a sum of squares, not their mean.",
        _rms_with(lambda s, g, rho: rho * s + g**2),
        "Nothing is forgotten: with the sum of all squares this is AdaGrad; rho and 1 - rho make a running mean of it.",
        _rms_with(lambda s, g, rho: s + g**2),
        _NO_SQUARE,
        _rms_with(lambda s, g, rho: rho * s + (1 - rho) * g),
        _NO_SQUARE,
        _rms_with(lambda s, g, rho: rho * s + (1 - rho) * g, torch.abs),
        _NO_SQUARE,
        _rms_with(lambda s, g, rho: rho * s + (1 - rho) * g.abs()),
        "The factor 1 - rho is squared together with g: write (1 - rho) * g**2.",
        _rms_with(lambda s, g, rho: rho * s + ((1 - rho) * g) ** 2),
        "s is one number for all weights; each weight has its own.",
        _rms_with(lambda s, g, rho: rho * s + (1 - rho) * (g**2).mean()),
    ],
    follows=[
        "s is wrong, and w follows from it: the new s is rho s + (1 - rho) g**2.",
        lambda got, w, s, g, lr, rho, eps: _rms(w, s, g, lr, rho, eps, mean=got[1]),
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
    yield Case(
        (w, m, s, g, 1, 0.5, 0.5, 0.5, 1e-8),
        "g, m and s of zero",
        "Where g, m and s are zero it goes wrong: there the step is 0 / eps, and w stays.",
    )
    for seed, shape, t, lr, beta1, beta2, eps, note in [
        (21, (2,), 1, 0.1, 0.9, 0.999, 1e-8, "first step"),
        (22, (3,), 3, 0.5, 0.75, 0.9, 0.25, "a large eps"),
        (23, (2, 3), 7, 0.2, 0.9, 0.999, 1e-8, "a matrix of weights"),
        (24, (3,), 5, 0.5, 0.0, 0.5, 1e-8, "beta1 = 0"),
        (25, (2, 2), 1000, 2.0, 0.9, 0.99, 1e-3, "a late step"),
        (26, (3,), 2, 0.5, 0.5, 0.0, 1e-8, "beta2 = 0"),
    ]:
        w, m, g = _weights(*shape, seed=seed)
        s = signed_quarters(*shape, g=generator(100 + seed)).abs()
        first = 0.0 if note == "first step" else 1.0
        yield Case((w, first * m, first * s, g, t, lr, beta1, beta2, eps), note)
    w, m, g = _weights(3, seed=27)
    yield Case(
        (w, m * 1e-4, m.abs() * 1e-8, g * 1e-4, 4, 0.5, 0.75, 0.9, 1e-8),
        "tiny gradients",
        "With tiny gradients it goes wrong: there eps counts, which is added to the root.",
    )
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


def _corrected(by):
    """Another correction: what m and s are divided by."""
    return lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(
        w, m, s, g, t, lr, beta1, beta2, eps, hats=lambda m, s: (m / by(beta1, t), s / by(beta2, t))
    )


def _adam_by(step):
    """Another step, of the corrected means, the gradient and eps."""
    return lambda w, m, s, g, *rest: _adam(w, m, s, g, *rest, step=lambda m_hat, s_hat: step(m_hat, s_hat, g, rest[-1]))


def _adam_with(
    new_m=lambda m, g, beta: beta * m + (1 - beta) * g, new_s=lambda s, g, beta: beta * s + (1 - beta) * g**2
):
    """Other rules for the means."""
    return lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(
        w, m, s, g, t, lr, beta1, beta2, eps, new_m=new_m(m, g, beta1), new_s=new_s(s, g, beta2)
    )


def _hats(hats):
    """Another correction, of the new means (m, s), the old ones, both betas and t."""
    return lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(
        w, m, s, g, t, lr, beta1, beta2, eps, hats=lambda new_m, new_s: hats(new_m, new_s, m, s, beta1, beta2, t)
    )


_OLD = "The step uses the old means, or one of them: renew both first."


@exercise(
    returns=("w", "m", "s"),
    cases=_adam_inputs,
    loops=_more_weights(2, 0.1, 0.9, 0.999, 1e-8, remembered=2),
    mistakes=[
        "It walks uphill: subtract the step.",
        lambda w, m, s, g, t, lr, *a: _adam(w, m, s, g, t, -lr, *a),
        "The bias correction is missing: divide m by 1 - beta1**t and s by 1 - beta2**t.",
        _corrected(lambda beta, t: 1),
        "s is not corrected: divide it by 1 - beta2**t, as m by 1 - beta1**t.",
        _hats(lambda m, s, m0, s0, beta1, beta2, t: (m / (1 - beta1**t), s)),
        "m is not corrected: divide it by 1 - beta1**t, as s by 1 - beta2**t.",
        _hats(lambda m, s, m0, s0, beta1, beta2, t: (m, s / (1 - beta2**t))),
        "The correction forgets the power t: it divides by 1 - beta1**t, not by 1 - beta1.",
        _corrected(lambda beta, t: 1 - beta),
        "The correction takes the power of 1 - beta; it is 1 minus the power, 1 - beta**t.",
        _corrected(lambda beta, t: (1 - beta) ** t),
        "The correction uses t + 1: t counts from 1 already.",
        _corrected(lambda beta, t: 1 - beta ** (t + 1)),
        "The correction uses t - 1: t counts from 1, so at the first step the power is 1.",
        _corrected(lambda beta, t: 1 - beta ** (t - 1)),
        "The correction multiplies beta by t; it takes the power beta**t.",
        _corrected(lambda beta, t: 1 - beta * t),
        "You divide by the powers of beta; divide by 1 minus them.",
        _corrected(lambda beta, t: beta**t),
        "You multiply by the corrections; divide by them.",
        _corrected(lambda beta, t: 1 / (1 - beta**t)),
        "Both corrections use beta1; s has beta2.",
        _hats(lambda m, s, m0, s0, beta1, beta2, t: (m / (1 - beta1**t), s / (1 - beta1**t))),
        "The two corrections are exchanged: m is divided by 1 - beta1**t, and s by 1 - beta2**t.",
        _hats(lambda m, s, m0, s0, beta1, beta2, t: (m / (1 - beta2**t), s / (1 - beta1**t))),
        "The root of s is divided by its correction; correct s first, and take the root of that.",
        _hats(lambda m, s, m0, s0, beta1, beta2, t: (m / (1 - beta1**t), s / (1 - beta2**t) ** 2)),
        *(
            (
                _OLD,
                _hats(
                    lambda m, s, m0, s0, beta1, beta2, t, which=which: (
                        (m0 if "m" in which else m) / (1 - beta1**t),
                        (s0 if "s" in which else s) / (1 - beta2**t),
                    )
                ),
            )
            for which in ("ms", "m", "s")
        ),
        "eps stands inside the root; add it after the root is taken.",
        _adam_by(lambda m, s, g, eps: m / (s + eps).sqrt()),
        "eps is added before s is corrected: it is added to the root of the corrected s.",
        lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(
            w, m, s, g, t, lr, beta1, beta2, eps, step=lambda m, s: m / (s.sqrt() + eps / (1 - beta2**t) ** 0.5)
        ),
        "eps is missing: where all is zero, the step is 0 / 0.",
        _adam_by(lambda m, s, g, eps: m / s.sqrt()),
        "The root is missing: divide by the root of the corrected s, plus eps.",
        _adam_by(lambda m, s, g, eps: m / (s + eps)),
        "The step uses g where the corrected m belongs, which is RMSprop with a correction.",
        _adam_by(lambda m, s, g, eps: g / (s.sqrt() + eps)),
        "s has no effect on w: divide the corrected m by the root of the corrected s, plus eps.",
        _adam_by(lambda m, s, g, eps: m),
        "beta1 and beta2 are exchanged: beta1 belongs to m, beta2 to s.",
        lambda w, m, s, g, t, lr, beta1, beta2, eps: _adam(w, m, s, g, t, lr, beta2, beta1, eps),
        "g comes into m without its factor 1 - beta1.",
        _adam_with(new_m=lambda m, g, beta: beta * m + g),
        "The square of g comes into s without its factor 1 - beta2.",
        _adam_with(new_s=lambda s, g, beta: beta * s + g**2),
        "s takes in g without a square; it is a mean of squares.",
        _adam_with(new_s=lambda s, g, beta: beta * s + (1 - beta) * g),
        "s takes in g without a square; it is a mean of squares.",
        _adam_with(new_s=lambda s, g, beta: beta * s + (1 - beta) * g.abs()),
        "The weights of the means are exchanged: beta multiplies the old mean, 1 - beta what is new.",
        _adam_with(lambda m, g, beta: (1 - beta) * m + beta * g, lambda s, g, beta: (1 - beta) * s + beta * g**2),
        "m and s come back corrected; the next step would correct them again. (w is right.)",
        _adam_corrected,
    ],
    follows=[
        "m is wrong, and w follows from it: the new m is beta1 m + (1 - beta1) g. (s is right.)",
        lambda got, *a: _adam(*a, new_m=got[1]),
        "s is wrong, and w follows from it: the new s is beta2 s + (1 - beta2) g**2. (m is right.)",
        lambda got, *a: _adam(*a, new_s=got[2]),
        "m and s are wrong, and w follows from them: the new m is beta1 m + (1 - beta1) g, and s has beta2 and g**2.",
        lambda got, *a: _adam(*a, new_m=got[1], new_s=got[2]),
    ],
)
def adam_step(w, m, s, g, t, lr, beta1, beta2, eps):
    """Exercise 3: a step of Adam. The function returns (w, m, s)."""
    settings = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": 0.0, "amsgrad": False}
    return _by_torch(adam, w, g, m, s, None, torch.tensor(float(t - 1)), **settings)[:3]


# --- 4: warm-up and cosine ------------------------------------------------------------------------------------------


def _steps():
    """Arguments step, lr, warm_up, total."""
    late = "After the step total it goes wrong: there the rate stays 0."
    none = "Without a warm-up it goes wrong: with warm_up = 0 the cosine starts in step 0."
    yield Case((0, 1.0, 0, 4), "no warm-up", none)
    yield Case((1, 1.0, 0, 2), "no warm-up", none)
    yield Case((0, 1.0, 4, 12), "the first step")
    yield Case((1, 1.0, 4, 12), "in the warm-up")
    yield Case((3, 0.5, 4, 12), "the last step of the warm-up")
    yield Case((4, 0.5, 4, 12), "the first step of the cosine")
    yield Case((8, 0.5, 4, 12), "half of the wave")
    yield Case((6, 0.2, 4, 12))
    yield Case((1, 0.2, 3, 8), "in the warm-up")
    yield Case((11, 2.0, 4, 12))
    yield Case((12, 2.0, 4, 12), "the step total")
    yield Case((15, 2.0, 4, 12), "after the end", late)
    yield Case((20, 1.0, 4, 12), "after the end", late)
    yield Case((0, 0.3, 1, 9), "a warm-up of one step")
    yield Case((70, 0.1, 10, 200))
    yield Case((7, 0.1, 10, 200), "in the warm-up")


def _rate(
    step,
    lr,
    warm_up,
    total,
    climb=lambda k, n: (k + 1) / n,
    wave=lambda k, n, total: (k - n) / (total - n),
    last=1.0,
    half=lambda x: (1 + math.cos(math.pi * x)) / 2,
    border=0,
):
    if step < warm_up + border:
        return lr * climb(step, warm_up)
    return lr * half(min(wave(step, warm_up, total), last))


@exercise(
    returns=("rate",),
    strict=("rate",),
    cases=_steps,
    mistakes=[
        "The warm-up starts at 0: in step 0 the rate is lr / warm_up already.",
        partial(_rate, climb=lambda k, n: k / n),
        "There is no warm-up: the rate is lr in these steps.",
        partial(_rate, climb=lambda k, n: 1.0),
        "The warm-up lasts one step too long: from step warm_up on it is the cosine, so step < warm_up.",
        lambda *a: _rate(*a, border=a[2] > 0),
        "The cosine counts from step 0; its wave starts in step warm_up and has total - warm_up steps.",
        partial(_rate, wave=lambda k, n, total: k / total),
        "The wave is too long: it has total - warm_up steps, not total.",
        partial(_rate, wave=lambda k, n, total: (k - n) / total),
        "The wave starts before the warm-up ends: subtract warm_up from the step.",
        partial(_rate, wave=lambda k, n, total: k / (total - n)),
        "The cosine is one step early: in step warm_up the rate is lr.",
        partial(_rate, wave=lambda k, n, total: (k - n + 1) / (total - n)),
        "The wave is one step too short: it falls to 0 in step total, not in the one before.",
        partial(_rate, wave=lambda k, n, total: (k - n) / (total - n - 1)),
        "The rate climbs again after the step total; from there on it is 0.",
        partial(_rate, last=math.inf),
        "The cosine is not shifted: it runs from lr to -lr. Add 1 and halve.",
        partial(_rate, half=lambda x: math.cos(math.pi * x)),
        "The cosine is not halved: it starts at 2 lr.",
        partial(_rate, half=lambda x: 1 + math.cos(math.pi * x)),
        "This is a quarter of a wave; half a wave goes with the cosine of pi times the share.",
        partial(_rate, half=lambda x: math.cos(math.pi * x / 2)),
        "The cosine has no pi in it: its argument runs from 0 to pi.",
        partial(_rate, half=lambda x: (1 + math.cos(x)) / 2),
        "The argument of the cosine is in degrees; it runs from 0 to pi.",
        partial(_rate, half=lambda x: (1 + math.cos(180 * x)) / 2),
        "The cosine goes through a whole wave, down and up again; its argument ends at pi.",
        partial(_rate, half=lambda x: (1 + math.cos(2 * math.pi * x)) / 2),
        "The rate falls along a straight line; it should follow a cosine.",
        partial(_rate, half=lambda x: 1 - x),
        "The wave goes up where it should go down: it is 1 plus the cosine.",
        partial(_rate, half=lambda x: (1 - math.cos(math.pi * x)) / 2),
        "You return the factor; multiply it by lr.",
        lambda step, lr, *a: _rate(step, 1.0, *a),
    ],
    follows=[
        "Only the warm-up is wrong: in these steps the rate is lr (step + 1) / warm_up.",
        lambda got, *a: got if a[0] < a[2] else _rate(*a),
        "The warm-up is right, but not the cosine after it: while the share of its wave grows to 1, it falls to 0.",
        lambda got, *a: got if a[0] >= a[2] else _rate(*a),
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
        return Case(
            (torch.tensor(dW, dtype=torch.float64), torch.tensor(db, dtype=torch.float64), max_norm), note, hint
        )

    short = "A gradient that is short enough must stay as it is."
    yield case([[3.0]], [4.0], 1.0, "one weight")
    yield case([[3.0]], [4.0], 10.0, "short enough", short)
    yield case([[3.0]], [4.0], 5.0, "exactly as long as allowed")
    yield case(
        [[0.0, 0.0]],
        [0.0],
        1.0,
        "all zero",
        "A gradient of zeros goes wrong: it must stay zero, and its length is nothing to divide by.",
    )
    yield case([[1.0, 2.0]], [-2.0], 1.5)
    yield case([[0.25, -0.25]], [0.5], 1.0, "short enough", short)
    yield case([[2.0, -1.0], [0.5, 3.0]], [0.0, 0.0], 2.0, "a bias gradient of zero")
    yield case(
        [[3.0, 0.0]],
        [0.5],
        3.02,
        "longer only together",
        "A gradient goes wrong of which each part alone is short enough: measure both together.",
    )
    for seed, out, n, max_norm in [(31, 2, 3, 1.0), (32, 3, 2, 0.5), (33, 4, 4, 2.5)]:
        g = generator(seed)
        yield Case((signed_quarters(out, n, g=g), signed_quarters(out, g=g), max_norm))
    g = generator(34)
    yield Case((1e6 * signed_quarters(2, 2, g=g), 1e6 * signed_quarters(2, g=g), 1.0), "huge gradients")
    g = generator(35)
    yield Case((signed_quarters(2, 2, g=g).float(), signed_quarters(2, g=g).float(), 1.0), "float32")


def _more_entries():
    def arguments(out, n):
        g = generator(out * n)
        return signed_quarters(out, n, g=g), signed_quarters(out, g=g), 1.0

    return [("rows", arguments(8, 3), arguments(64, 3), 56), ("columns", arguments(3, 8), arguments(3, 64), 56)]


def _length(dW, db):
    return (dW.square().sum() + db.square().sum()).sqrt()


def _clip(dW, db, max_norm, length=_length, factor=lambda norm, limit: limit / norm, apart=False, always=False):
    parts = []
    for part in (dW, db):
        norm = part.norm() if apart else length(dW, db)
        parts.append(part * factor(norm, max_norm) if always or norm > max_norm else part)
    return tuple(parts)


def _as_long(got, *parts):
    """The parts, with one factor, together as long as those that the reader got."""
    long = [torch.cat([part.flatten() for part in some]).norm() for some in (got, parts)]
    return tuple(part * (long[0] / long[1].clamp(min=1e-300)) for part in parts)


@exercise(
    returns=("dW", "db"),
    cases=_layers,
    loops=_more_entries,
    mistakes=[
        "The two are clipped apart, which changes the direction: measure their length together.",
        partial(_clip, apart=True),
        "Short gradients are stretched to max_norm; they stay as they are.",
        partial(_clip, always=True),
        "Single entries are cut off, which changes the direction; multiply all by one factor.",
        lambda dW, db, limit: (dW.clamp(-limit, limit), db.clamp(-limit, limit)),
        "The length is that of dW alone; db belongs to it.",
        partial(_clip, length=lambda dW, db: dW.norm()),
        "The length is that of db alone; dW belongs to it.",
        partial(_clip, length=lambda dW, db: db.norm()),
        "The length is the larger of the two; it is that of both together, as if they were one long vector.",
        partial(_clip, length=lambda dW, db: torch.maximum(dW.norm(), db.norm())),
        "The two lengths are added; it is their squares that add up, under one root.",
        partial(_clip, length=lambda dW, db: dW.norm() + db.norm()),
        "The root is missing from the length.",
        partial(_clip, length=lambda dW, db: _length(dW, db) ** 2),
        "The length is a sum of absolute values; it is the root of the sum of squares.",
        partial(_clip, length=lambda dW, db: dW.abs().sum() + db.abs().sum()),
        "The length is the largest entry; it is the root of the sum of squares.",
        partial(_clip, length=lambda dW, db: torch.cat([dW.flatten(), db]).abs().max()),
        "A long gradient gets the length 1; it should get max_norm.",
        partial(_clip, factor=lambda norm, limit: 1 / norm),
        "The factor is the wrong way round: multiply by max_norm / length.",
        partial(_clip, factor=lambda norm, limit: norm / limit),
        "The length is multiplied by max_norm: the factor is max_norm / length, not max_norm alone.",
        partial(_clip, factor=lambda norm, limit: limit),
        "A small number is added to the length; it should become exactly max_norm. Look at zeros by themselves.",
        partial(_clip, factor=lambda norm, limit: limit / (norm + 1e-6)),
        "Nothing is clipped: a gradient longer than max_norm is shortened to that.",
        lambda dW, db, limit: (dW, db),
    ],
    follows=[
        "The direction is right, but not the length: what is longer than max_norm gets just that, the rest stays.",
        lambda got, *a: _as_long(got, *_clip(*a)),
        "dW and db get factors of their own, which changes the direction: both get the same, max_norm / length.",
        lambda got, dW, db, limit: (*_as_long(got[:1], dW), *_as_long(got[1:], db)),
    ],
)
def clip_by_norm(dW, db, max_norm):
    """Exercise 5: the gradients of a layer, shortened together. The function returns (dW, db)."""
    together = np.concatenate([dW.numpy().ravel(), db.numpy()])
    share = min(1.0, max_norm / max(float(np.linalg.norm(together)), 1e-300))
    together = torch.from_numpy(share * together)
    return together[: dW.numel()].reshape(dW.shape), together[dW.numel() :]
