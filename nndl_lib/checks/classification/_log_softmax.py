"""Exercise 3: the logarithm of the softmax."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """The argument Z."""
    yield Case((floats([0.0, 1.0]),), "one example")
    yield Case((floats([3.0], [-1.0]),), "one class")
    yield Case((floats([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]),), "equal logits")
    for N, K in [(2, 2), (2, 3), (3, 2), (4, 3), (3, 5)]:
        yield Case((2 * quarters(N, K, g=generator(400 + 10 * N + K)),))
    yield Case((quarters(3, 4, g=generator(470)).float(),), "float32")
    yield Case((floats([0.0, 500.0], [800.0, 0.0]),), "logits of 1e3")
    yield Case((floats([1000.0, 1001.0], [-1000.0, -1001.0]),), "rows far apart")
    yield Case((floats([900.0, 901.0, 899.0], [2.0, 1.0, -3.0]),), "rows far apart")
    yield Case((floats([1e4, 0.0, -1e4], [-1e4, 0.0, 1.0]),), "logits of 1e4")


def _arguments(N, K):
    return (quarters(N, K, g=generator(480 + N + K)),)


def _total(Z):
    return torch.logsumexp(Z, dim=1, keepdim=True)


def _shifted(Z):
    return Z - Z.amax(dim=1, keepdim=True)


_TINY = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30, 1e-38, 1e-45, 1e-100, 1e-300)


@exercise(
    returns=("log_probabilities",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("classes", (3, 8), (3, 64))),
    without=("log_softmax", "LogSoftmax", "logsumexp"),
    mistakes=[
        "On large logits exp overflows: subtract the largest logit of each row first.",
        lambda Z: Z - Z.exp().sum(dim=1, keepdim=True).log(),
        "On large logits exp overflows, and small probabilities become 0: take the logarithm on paper first.",
        lambda Z: (Z.exp() / Z.exp().sum(dim=1, keepdim=True)).log(),
        "Small probabilities are rounded to 0, and their logarithm is -inf: take the logarithm on paper first.",
        lambda Z: torch.softmax(Z, dim=1).log(),
        "You subtract the largest logit of the whole table: each row needs its own, with dim=1.",
        lambda Z: (Z - Z.max()) - (Z - Z.max()).exp().sum(dim=1, keepdim=True).log(),
        "What is subtracted is not the row's largest logit, but its mean, its smallest or its largest absolute value.",
        *(
            lambda Z, of=of: (Z - of(Z)) - (Z - of(Z)).exp().sum(dim=1, keepdim=True).log()
            for of in (
                lambda Z: Z.mean(dim=1, keepdim=True),
                lambda Z: Z.amin(dim=1, keepdim=True),
                lambda Z: Z.abs().amax(dim=1, keepdim=True),
            )
        ),
        "Small probabilities are cut off, or a small number is added inside the logarithm: take it on paper first.",
        *(
            lambda Z, tiny=tiny, change=change: change(Z.softmax(dim=1), tiny).log()
            for change in (torch.add, lambda Y, tiny: Y.clamp(min=tiny), lambda Y, tiny: Y.clamp(tiny, 1 - tiny))
            for tiny in _TINY
        ),
        *(lambda Z, most=most: Z.clamp(-most, most).log_softmax(dim=1) for most in (20, 50, 80, 88, 100, 500, 700)),
        "You return the probabilities; their logarithms are asked for.",
        lambda Z: torch.softmax(Z, dim=1),
        "You take the logistic function of each logit; the softmax divides by a sum over the row.",
        torch.nn.functional.logsigmoid,
        "You divide logits by their sum or length; a softmax is made of exponentials.",
        lambda Z: (Z / Z.sum(dim=1, keepdim=True)).log(),
        lambda Z: (Z / Z.sum(dim=1, keepdim=True)).abs().log(),
        lambda Z: Z / Z.norm(dim=1, keepdim=True),
        lambda Z: Z - Z.sum(dim=1, keepdim=True).log(),
        lambda Z: Z - Z.sum(dim=1, keepdim=True).abs().log(),
        "You normalize over the examples; each row adds up to 1, so sum with dim=1.",
        lambda Z: torch.log_softmax(Z, dim=0),
        "You normalize over the whole table; each row adds up to 1, so sum with dim=1.",
        lambda Z: torch.log_softmax(Z.flatten(), dim=0).reshape(Z.shape),
        "You subtract the sum of the exponentials; subtract its logarithm.",
        lambda Z: _shifted(Z) - _shifted(Z).exp().sum(dim=1, keepdim=True),
        "You subtract the largest logit and nothing else: the logarithm of the sum is missing.",
        _shifted,
        "The largest logit is subtracted once too often: log sum exp(z - m) is the whole of what is subtracted then.",
        lambda Z: _shifted(Z) - _total(Z),
        lambda Z: torch.log_softmax(Z, dim=1) - Z.amax(dim=1, keepdim=True),
        "The sum of the exponentials is not what is taken the logarithm of: it is their mean, or 1 is added.",
        lambda Z: _shifted(Z) - _shifted(Z).exp().mean(dim=1, keepdim=True).log(),
        lambda Z: _shifted(Z) - torch.log1p(_shifted(Z).exp().sum(dim=1, keepdim=True)),
        "The largest logit was subtracted inside the sum only: subtract it from z as well.",
        lambda Z: Z - _shifted(Z).exp().sum(dim=1, keepdim=True).log(),
        "You return the logarithms of the sums alone; subtract them from the logits.",
        lambda Z: torch.logsumexp(Z, dim=1),
        "You use a logarithm to base 2; the natural one is asked for, torch.log.",
        lambda Z: torch.log_softmax(Z, dim=1) / np.log(2),
        "You subtract the average of each row: it is the logarithm of the sum of exponentials that is subtracted.",
        lambda Z: Z - Z.mean(dim=1, keepdim=True),
    ],
)
def log_softmax(Z):
    """Exercise 3: logarithms of the softmax of each row. The function returns (N, K)."""
    return torch.nn.functional.log_softmax(Z, dim=1)
