"""Exercise 3: Adam."""

import torch
from torch.optim.adam import adam

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, signed_quarters
from nndl_lib.checks.optimization._common import _by_torch, _more_weights, _weights


def _cases():
    """Arguments w, m, s, g, t, lr, beta1, beta2, eps."""
    w, m, s, g = map(floats, (1, 0, 0, 2))
    yield Case((w, m, s, g, 1, 0.25, 0.5, 0.75, 1e-8), "first step")
    w, m, s, g = map(floats, (1, 1, 3, -2))
    yield Case((w, m, s, g, 2, 0.25, 0.5, 0.75, 0.5), "a large eps")
    w, m, s, g = map(floats, (1, 0, 0, 0))
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
    cases=_cases,
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
