"""Exercise 2: the covariance of samples."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """Arguments x, y."""
    yield Case((floats(2.0), floats(3.0)), "one pair")
    yield Case((floats(1.0, 3.0), floats(2.0, 8.0)), "two pairs")
    yield Case((floats(1.0, 2.0, 6.0), floats(5.0, 3.0, 1.0)), "a negative covariance")
    yield Case((floats(1.0, 2.0, 6.0), floats(1.0, 2.0, 6.0)), "x and y equal")
    yield Case((floats(-1.0, 0.0, 1.0), floats(1.0, 0.0, 1.0)), "covariance 0")
    yield Case((floats(1.0, 4.0, 2.0), floats(3.0, 3.0, 3.0)), "y constant")
    for n in [4, 6, 9]:
        g = generator(530 + n)
        x = quarters(n, g=g) + 1
        yield Case((x, x + 2 * quarters(n, g=g)))
    g = generator(540)
    x, y = quarters(5, g=g), quarters(5, g=g)
    yield Case((x.float(), y.float() + 1), "float32")
    digits = (
        "On samples far from zero it loses its digits: keep the dtype, and subtract both means before you multiply."
    )
    yield Case((x + 1e6 + 0.1, x + y + 1e6 + 0.3), "samples near a million", digits)
    x, y = quarters(7, g=g), quarters(7, g=g)
    yield Case((x + 1e6 + 0.1, x + y + 1e6 + 0.3), "samples near a million", digits)


def _arguments(n):
    g = generator(550 + n)
    return quarters(n, g=g), quarters(n, g=g)


def _products(x, y):
    return (x - x.mean()) * (y - y.mean())


@exercise(
    returns=("c",),
    cases=_cases,
    loops=grown(_arguments, ("samples", (8,), (64,))),
    mistakes=[
        "You divide by n - 1; here the mean goes over the n pairs.",
        lambda x, y: _products(x, y).sum() / (len(x) - 1),
        "You add up the products; take their mean.",
        lambda x, y: _products(x, y).sum(),
        "The means are not subtracted: it is the mean of x times y.",
        lambda x, y: (x * y).mean(),
        "You average first, or every x meets every y: subtract the means, multiply pair by pair, and average then.",
        lambda x, y: x.mean() * y.mean(),
        lambda x, y: 0 * (x - x.mean()).mean() * (y - y.mean()).mean(),
        lambda x, y: (x * y).mean() + x.mean() * y.mean(),
        lambda x, y: ((x - x.mean())[:, None] * (y - y.mean())).mean(),
        "The means have changed places: subtract from x the mean of x, from y that of y.",
        lambda x, y: ((x - y.mean()) * (y - x.mean())).mean(),
        "You subtract medians; subtract the means.",
        lambda x, y: ((x - x.median()) * (y - y.median())).mean(),
        "You divide by standard deviations or variances, as for a correlation or slope; the covariance is not divided.",
        *(
            lambda x, y, by=by: _products(x, y).mean() / by(x, y)
            for by in (
                lambda x, y: x.std(correction=0) * y.std(correction=0),
                lambda x, y: x.std() * y.std(),
                lambda x, y: x.var(correction=0),
                lambda x, y: y.var(correction=0),
            )
        ),
        lambda x, y: torch.corrcoef(torch.stack([x, y]))[0, 1],
        "You return the product of the standard deviations; multiply pair by pair, and average then.",
        lambda x, y: x.std(correction=0) * y.std(correction=0),
        lambda x, y: x.std() * y.std(),
        "You take absolute values; products of opposite signs must cancel.",
        lambda x, y: _products(x, y).abs().mean(),
        "It is the variance of one of the two; both must take part.",
        lambda x, y: _products(x, x).mean(),
        lambda x, y: _products(y, y).mean(),
        "It is a variance or a mean square of the sum or the difference; multiply x by y, each less its mean.",
        lambda x, y: (x - y).square().mean(),
        lambda x, y: (x + y).var(correction=0),
        lambda x, y: (x - y).var(correction=0),
        "You return one product for each pair; take their mean.",
        _products,
        "You return the 2 x 2 table of covariances; return the entry of x with y, divided by n.",
        lambda x, y: torch.cov(torch.stack([x, y])),
        lambda x, y: torch.cov(torch.stack([x, y]), correction=0),
        "Every x meets every y: an outer product has n x n terms. Multiply pair by pair.",
        lambda x, y: (x - x.mean())[:, None] * (y - y.mean()),
    ],
)
def covariance(x, y):
    """Exercise 2: the covariance of samples, divided by n. The function returns a tensor of shape ()."""
    return torch.tensor(np.cov(x.numpy(), y.numpy(), bias=True)[0, 1], dtype=x.dtype)
