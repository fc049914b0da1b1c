"""Exercise 1: Nesterov."""

import torch
from torch.optim.sgd import sgd

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats
from nndl_lib.checks.optimization._common import _by_torch, _more_weights, _weights


def _cases():
    """Arguments w, v, g, lr, beta."""
    w, v, g = map(floats, (1, 0, 2))
    yield Case((w, v, g, 0.25, 0.5), "one weight, first step")
    w, v, g = map(floats, (1, 3, -2))
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


def _nesterov(renew=lambda v, g, lr, beta: beta * v + g, by=lambda v, g, lr, beta: lr * (g + beta * v)):
    """A step with another rule for the velocity, or for what w moves by, which reads the new one."""

    def answer(w, v, g, lr, beta):
        v = renew(v, g, lr, beta)
        return w - by(v, g, lr, beta), v

    return answer


@exercise(
    returns=("w", "v"),
    cases=_cases,
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
        "The learning rate stands inside v; here it multiplies the step, and v is a sum of gradients, beta v + g.",
        _nesterov(lambda v, g, lr, beta: beta * v + lr * g, lambda v, g, lr, beta: lr * g + beta * v),
        _nesterov(lambda v, g, lr, beta: beta * v + lr * g),
        "v is a step, beta v - lr g, with rate and sign inside; here v is a sum of gradients, beta v + g.",
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
