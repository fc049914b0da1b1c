"""Exercise 5: what to sample from."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """Arguments logits, temperature."""
    overflow = (
        "On large logits it goes wrong: does exp overflow? Subtract each row's largest logit, or use torch.softmax."
    )
    tie = "At temperature 0 it goes wrong where several logits are the largest: the first of them gets all."
    yield Case((floats([0.0, 1.0]), 2.0), "one row")
    yield Case((floats([0.5, -1.0, 2.0], [0.0, 0.25, 1.0]), 0.5))
    yield Case((floats([1.0, 1.0], [0.0, 3.0]), 1.0), "temperature 1")
    yield Case((quarters(3, 4, g=generator(110)), 1.5))
    yield Case((quarters(2, 5, g=generator(111)), 4.0))
    yield Case((floats([3.0], [-1.0]), 0.7), "one character")
    yield Case((floats([1e4, 1e4 - 1, 0.0], [-1e4, -1e4, -1e4 + 2]), 0.5), "logits of 1e4", overflow)
    yield Case((floats([0.5, 2.0, -1.0], [3.0, 0.0, 1.0]), 0.0), "temperature 0")
    yield Case((floats([0.25, -1.0]), 0.0), "temperature 0")
    yield Case((floats([1.0, 2.0, 2.0], [-3.0, -3.0, -3.0]), 0.0), "equal logits at temperature 0", tie)
    yield Case((quarters(3, 4, g=generator(112)).float(), 0.75), "float32")


def _arguments(N):
    return quarters(N, 3, g=generator(113)), 0.5


def _p(logits, temperature, scaled=lambda z, tau: z / tau, dim=1):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype)
    return torch.softmax(scaled(logits, temperature), dim=dim)


def _at_another_temperature(got, z, tau):
    """The distributions at the temperature that the reader's seem to have."""
    if tau == 0 or z.abs().max() > 1e3:  # too far from others to tell
        return got
    if z.shape[1] == 1:
        return torch.ones_like(z)
    z, logs = z - z.mean(dim=1, keepdim=True), got.log() - got.log().mean(dim=1, keepdim=True)
    return torch.softmax(z * (z * logs).sum() / (z * z).sum(), dim=1)


@exercise(
    returns=("p",),
    cases=_cases,
    loops=grown(_arguments, ("rows", (8,), (64,))),
    mistakes=[
        "You multiply by the temperature; the logits are divided by it.",
        partial(_p, scaled=lambda z, tau: z * tau),
        "The temperature has no effect: divide the logits by it.",
        partial(_p, scaled=lambda z, tau: z),
        "You divide the probabilities by the temperature, and they no longer add up to 1: divide the logits.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax(z, dim=1) / tau,
        "You normalize over the rows; each row is a distribution of its own: dim=1.",
        partial(_p, dim=0),
        "You normalize over all entries together; each row is a distribution of its own: dim=1.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax((z / tau).flatten(), dim=0).reshape(z.shape),
        "You return the logits over the temperature; a softmax makes probabilities of them.",
        lambda z, tau: _p(z, tau) if tau == 0 else z / tau,
        "You return logarithms of the probabilities; take their exponential, or use softmax.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.log_softmax(z / tau, dim=1),
        "The softmax is applied twice: once, to the logits over the temperature.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax(torch.softmax(z, dim=1) / tau, dim=1),
        "You take the likeliest character at every temperature; only at 0 is that so.",
        lambda z, tau: _p(z, 0),
    ],
    follows=[
        "Only temperature 0 is wrong: there all probability goes to the largest logit, the first of equal ones.",
        lambda got, z, tau: _p(z, tau) if tau else got,
        "Each row is right but for a factor: divide it by its sum, so that it adds up to 1.",
        lambda got, z, tau: got if z.abs().max() > 1e3 else got.sum(dim=1, keepdim=True) * _p(z, tau),
        "These are the probabilities at another temperature: divide the logits by temperature itself.",
        _at_another_temperature,
    ],
)
def sampling_probabilities(logits, temperature):
    """Exercise 5: the distributions to draw from. The function returns (N, K)."""
    if temperature == 0:
        p = torch.zeros_like(logits)
        for row, values in enumerate(logits.tolist()):
            p[row, values.index(max(values))] = 1.0
        return p
    return (logits / temperature - (logits / temperature).logsumexp(dim=1, keepdim=True)).exp()
