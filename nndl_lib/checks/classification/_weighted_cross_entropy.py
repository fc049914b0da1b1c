"""Exercise 2: a cross-entropy in which misses cost more."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import classes, floats, generator, grown, quarters


def _cases():
    """Arguments z, t, weight."""
    large = "On large logits it goes wrong: compute the loss from the logit, without the probability on the way."
    yield Case((floats(0.0), floats(1.0), 2.0), "one example")
    yield Case((floats(1.5), floats(0.0), 3.0), "one example")
    yield Case((floats(1.0, -2.0), floats(1.0, 1.0), 2.0), "only positives")
    yield Case((floats(0.5, -1.0, 2.0), floats(0.0, 0.0, 0.0), 4.0), "only negatives")
    for N, weight in [(3, 2.0), (4, 0.5), (5, 1.0), (8, 10.0)]:
        g = generator(300 + N)
        yield Case((quarters(N, g=g), classes(N, K=2, g=g).double(), weight), "weight 1" if weight == 1 else "")
    yield Case((floats(1.0, -0.5, 2.0), floats(0.25, 0.5, 1.0), 3.0), "targets between 0 and 1")
    yield Case((torch.tensor([1.5, -2.0, 0.25]), torch.tensor([0.0, 1.0, 1.0]), 2.0), "float32")
    yield Case((floats(1e3, -1e3), floats(0.0, 1.0), 2.0), "logits of 1e3", large)
    yield Case((floats(1e3, -1e3), floats(1.0, 0.0), 2.0), "logits of 1e3", large)
    yield Case((floats(1e4, -1e4, 1e4, -1e4), floats(1.0, 0.0, 0.0, 1.0), 5.0), "logits of 1e4", large)


def _arguments(N):
    g = generator(320 + N)
    return quarters(N, g=g), classes(N, K=2, g=g).double(), 2.0


def _softplus(v):
    return torch.logaddexp(v, torch.zeros_like(v))


def _losses(z, t, on_positive=1.0, on_negative=1.0):
    return on_positive * t * _softplus(-z) + on_negative * (1 - t) * _softplus(z)


def _from_probabilities(y, t, weight):
    return (-weight * t * y.log() - (1 - t) * (1 - y).log()).mean()


def _one_clamp(z, t, weight, sign):
    loss = (sign * z).clamp(min=0) + _softplus(-z.abs())
    return (weight * t * loss + (1 - t) * loss).mean()


def _without_exponent_trick(z, t, weight):
    return (weight * t * torch.log1p(torch.exp(-z.abs())) + (1 - t) * torch.log1p(torch.exp(-z.abs()))).mean()


@exercise(
    returns=("cost",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8,), (64,))),
    without=("binary_cross_entropy_with_logits", "binary_cross_entropy", "BCEWithLogitsLoss", "BCELoss"),
    mistakes=[
        "The weight is missing: the loss of a positive example is multiplied by it.",
        lambda z, t, weight: _losses(z, t).mean(),
        "The weight is on the negative examples; it belongs to the positive ones.",
        lambda z, t, weight: _losses(z, t, 1.0, weight).mean(),
        "The weight multiplies the loss of a positive example, not the logit, nor something inside a logarithm.",
        lambda z, t, weight: (t * _softplus(-weight * z) + (1 - t) * _softplus(z)).mean(),
        lambda z, t, weight: (_losses(z, t) - t * np.log(weight)).mean(),
        lambda z, t, weight: (z.clamp(min=0) - weight * t * z + _softplus(-z.abs())).mean(),
        lambda z, t, weight: _losses(weight * z, t).mean(),
        "The weight of a positive example is rho itself, and that of a negative one 1.",
        lambda z, t, weight: _losses(z, t, 1 + weight).mean(),
        lambda z, t, weight: _losses(z, t, 1 / weight).mean(),
        lambda z, t, weight: _losses(z, t, weight, 1 - weight).mean(),
        lambda z, t, weight: _losses(z, t, weight**2).mean(),
        "The weight is on both, positive and negative examples; it belongs to the positive ones alone.",
        lambda z, t, weight: _losses(z, t, weight, weight).mean(),
        "You divide by the sum of the weights; divide by the number of examples N.",
        lambda z, t, weight: _losses(z, t, weight).sum() / (weight * t + 1 - t).sum(),
        "It is N times too large: the cost is the average over the examples, not their sum.",
        lambda z, t, weight: _losses(z, t, weight).sum(),
        "You return one loss for each example; the cost is their average, a single number.",
        _losses,
        "Its sign is wrong: a loss is the negative logarithm of a probability.",
        lambda z, t, weight: -_losses(z, t, weight).mean(),
        "The sign of the logit is wrong: a positive example is cheap where z is large.",
        lambda z, t, weight: _losses(-z, t, weight).mean(),
        "The negative examples are missing: they cost log(1 + exp(z)).",
        lambda z, t, weight: (weight * t * _softplus(-z)).mean(),
        "The positive examples are missing: they cost weight times log(1 + exp(-z)).",
        lambda z, t, weight: ((1 - t) * _softplus(z)).mean(),
        "The term max(z, 0) - t z is missing: log(1 + exp(-|z|)) alone is the loss of a right decision.",
        _without_exponent_trick,
        "Beside log(1 + exp(-|z|)) a positive example has max(-z, 0), a negative one max(z, 0); yours is one for both.",
        partial(_one_clamp, sign=1),
        partial(_one_clamp, sign=-1),
        "The exponent has the wrong sign: in log(1 + exp(-|z|)) it is never positive.",
        lambda z, t, weight: (
            weight * t * ((-z).clamp(min=0) + _softplus(z.abs())) + (1 - t) * (z.clamp(min=0) + _softplus(z.abs()))
        ).mean(),
        lambda z, t, weight: (
            weight * t * ((-z).clamp(min=0) + torch.log1p(z.abs().exp()))
            + (1 - t) * (z.clamp(min=0) + torch.log1p(z.abs().exp()))
        ).mean(),
        "It is another loss, hinge or squared; a positive example costs -log sigmoid(z).",
        lambda z, t, weight: (weight * t * (1 - z).clamp(min=0) + (1 - t) * (1 + z).clamp(min=0)).mean(),
        lambda z, t, weight: (weight * t * (1 - z.sigmoid()) ** 2 + (1 - t) * z.sigmoid() ** 2).mean(),
        "Probabilities or logits are clamped, or a small number is added: a wrong decision at z = 10000 costs 10000.",
        *(
            lambda z, t, weight, tiny=tiny: _from_probabilities(z.sigmoid().clamp(tiny, 1 - tiny), t, weight)
            for tiny in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
        ),
        *(
            lambda z, t, weight, tiny=tiny: (
                -weight * t * (z.sigmoid() + tiny).log() - (1 - t) * (1 - z.sigmoid() + tiny).log()
            ).mean()
            for tiny in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
        ),
        *(
            lambda z, t, weight, most=most: _losses(z.clamp(-most, most), t, weight).mean()
            for most in (20, 30, 50, 80, 88, 100, 500, 700)
        ),
        "Targets between 0 and 1 are rounded: such an example counts in part as positive, in part as negative.",
        lambda z, t, weight: _losses(z, (t >= 0.5).to(t.dtype), weight).mean(),
        lambda z, t, weight: _losses(z, (t > 0.5).to(t.dtype), weight).mean(),
        "You take z for a probability: it is the logit, and the probability is sigmoid(z).",
        lambda z, t, weight: (-weight * t * torch.log(z) - (1 - t) * torch.log(1 - z)).mean(),
        "You use a logarithm to base 2; cross-entropy has the natural one, torch.log.",
        lambda z, t, weight: _losses(z, t, weight).mean() / np.log(2),
        lambda z, t, weight: _losses(z, t, weight).mean() / np.log(10),
        "The positive and the negative examples are averaged apart; average over all N examples.",
        lambda z, t, weight: (
            weight * (t * _softplus(-z)).sum() / t.sum() + ((1 - t) * _softplus(z)).sum() / (1 - t).sum()
        ),
        lambda z, t, weight: (
            weight * (t * _softplus(-z)).sum() / t.sum().clamp(min=1)
            + ((1 - t) * _softplus(z)).sum() / (1 - t).sum().clamp(min=1)
        ),
    ],
)
def weighted_cross_entropy(z, t, weight):
    """Exercise 2: binary cross-entropy of logits, positives weighted. The function returns a tensor of shape ()."""
    pos_weight = torch.tensor(weight, dtype=z.dtype)
    return torch.nn.functional.binary_cross_entropy_with_logits(z, t, pos_weight=pos_weight)
