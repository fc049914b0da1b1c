"""Exercise 1: any normal distribution."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """Arguments x, mu, variance."""
    yield Case((floats(1.0), 2.0, 9.0), "one sample")
    yield Case((floats(1.0, -0.5), 3.0, 4.0))
    yield Case((floats(0.5, -1.0, 2.0), 0.0, 16.0), "mean 0")
    yield Case((floats(0.5, -1.5, 0.25), -2.0, 1.0), "variance 1")
    yield Case((floats(1.5, 0.0, -1.0), 1.0, 0.25), "a small variance")
    yield Case((floats(1.0, -2.0), 5.0, 0.0), "variance 0")
    for n, mu, variance in [(4, -1.5, 6.25), (7, 10.0, 2.0), (12, 0.5, 100.0)]:
        yield Case((quarters(n, g=generator(500 + n)), mu, variance))
    yield Case((floats(1.0, -0.5, 0.75).float(), 2.0, 4.0), "float32")


def _arguments(n):
    return quarters(n, g=generator(520 + n)), 1.0, 4.0


@exercise(
    returns=("z",),
    cases=_cases,
    loops=grown(_arguments, ("samples", (8,), (64,))),
    mistakes=[
        "The factor of x is the standard deviation, the variance's root; yours is another function of the variance.",
        *(
            lambda x, mu, variance, factor=factor: mu + factor(variance) * x
            for factor in (
                lambda v: v,
                lambda v: v**2,
                lambda v: v / 2,
                lambda v: v**0.25,
                lambda v: 1 / v,
                lambda v: (2 * v) ** 0.5,
            )
        ),
        "You divide by the standard deviation; multiply by it.",
        lambda x, mu, variance: mu + x / variance**0.5,
        "You shift first and stretch then, so the mean is stretched as well: add mu at the end.",
        lambda x, mu, variance: variance**0.5 * (x + mu),
        "You standardize, (x - mu) / sigma: that is the way back, from z to x.",
        lambda x, mu, variance: (x - mu) / variance**0.5,
        lambda x, mu, variance: (x - mu) / variance,
        "The mean of the samples x is 0 already: do not subtract mu from them.",
        lambda x, mu, variance: mu + variance**0.5 * (x - mu),
        lambda x, mu, variance: variance**0.5 * (x - mu),
        "The spread is still that of x: multiply by the standard deviation.",
        lambda x, mu, variance: mu + x,
        lambda x, mu, variance: mu + x + variance**0.5,
        lambda x, mu, variance: mu + x + variance,
        "The standard deviation multiplies x, and mu is added to that; yours combines the two in another way.",
        lambda x, mu, variance: variance**0.5 + mu * x,
        lambda x, mu, variance: mu * variance**0.5 * x,
        lambda x, mu, variance: variance + mu * x,
        lambda x, mu, variance: variance**0.5 * x - mu,
        "You center the samples by their own mean, so that z has exactly mu; it must scatter: leave x.mean() out.",
        lambda x, mu, variance: mu + variance**0.5 * (x - x.mean()),
        lambda x, mu, variance: mu + variance**0.5 * (x - x.mean()) / x.std(),
        lambda x, mu, variance: mu + variance**0.5 * (x - x.mean()) / x.std(correction=0),
        "The sign of x is turned or lost. The distribution may be the same, but here z must grow with x.",
        lambda x, mu, variance: mu - variance**0.5 * x,
        lambda x, mu, variance: mu + variance**0.5 * x.abs(),
        "You return the density of the distribution at x; samples are asked for.",
        lambda x, mu, variance: torch.exp(-((x - mu) ** 2) / (2 * variance)) / (2 * np.pi * variance) ** 0.5,
        "It returns mu for every sample.",
        lambda x, mu, variance: torch.full_like(x, mu),
    ],
)
def to_normal(x, mu, variance):
    """Exercise 1: samples of N(mu, variance) from those of N(0, 1). The function returns a tensor (n,)."""
    return torch.distributions.AffineTransform(mu, float(np.sqrt(variance)))(x)
