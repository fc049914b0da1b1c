"""Exercise 2: RMSprop."""

import torch
from torch.optim.rmsprop import rmsprop

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats
from nndl_lib.checks.optimization._common import _by_torch, _more_weights, _weights


def _cases():
    """Arguments w, s, g, lr, rho, eps."""
    w, s, g = map(floats, (1, 0, 2))
    yield Case((w, s, g, 0.25, 0.75, 1e-8), "one weight, first step")
    w, s, g = map(floats, (1, 3, -2))
    yield Case((w, s, g, 0.25, 0.75, 0.5), "a large eps")
    zero = "Where g and s are zero it goes wrong: there the step is 0 / eps, and w stays."
    w, s, g = map(floats, (1, 0, 0))
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
    cases=_cases,
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
