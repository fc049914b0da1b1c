"""Exercise 3: layer norm, backward."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, in_float32, signed_quarters


def _cases():
    """Arguments y_bar, x, gamma, eps."""

    yield Case((floats([1.0, 0.0]), floats([1.0, -1.0]), floats(1.0, 1.0), 1.0), "one example")
    yield Case((floats([1.0, 2.0, 0.5]), floats([1.0, -1.0, 0.5]), floats(1.0, 2.0, -1.0), 0.25), "one example")
    for seed, N, D, eps, note in [
        (21, 2, 3, 0.25, ""),
        (22, 3, 2, 0.5, "two units"),
        (23, 3, 3, 1e-5, "as many examples as units"),
        (24, 4, 3, 1e-5, ""),
        (25, 2, 6, 1e-5, ""),
        (26, 5, 4, 1.0, "a large eps"),
    ]:
        yield Case(_row_batch(N, D, seed, eps), note)
    y_bar, x, gamma, eps = _row_batch(3, 4, 27, 1e-3)
    yield Case((y_bar, x, torch.ones_like(gamma), eps), "gamma = 1")
    yield Case((y_bar, 100 * x + 1e4, gamma, eps), "large inputs")
    yield Case(in_float32(_row_batch(3, 4, 28, 1e-2)), "float32")


def _row_batch(N, D, seed, eps):
    g = generator(seed)
    return signed_quarters(N, D, g=g), signed_quarters(N, D, g=g), signed_quarters(D, g=g), eps


def _ln(
    y_bar,
    x,
    gamma,
    eps,
    dim=1,
    correction=0,
    root=lambda v, eps: (v + eps).sqrt(),
    scale=lambda y_bar, gamma: gamma * y_bar,
    means=lambda bar, x_hat, mean: mean(bar) + x_hat * mean(x_hat * bar),
    over=None,
    last=lambda x_bar, s, gamma: x_bar / s,
    gamma_bar=lambda y_bar, x_hat, x, gamma: (y_bar * x_hat).sum(dim=0),
    beta_bar=lambda y_bar, gamma: y_bar.sum(dim=0),
):
    """The backward pass with its parts as options, to make mistakes with."""
    s = root(x.var(dim=dim, correction=correction, keepdim=True), eps)
    x_hat, bar = (x - x.mean(dim=dim, keepdim=True)) / s, scale(y_bar, gamma)
    x_bar = bar - means(bar, x_hat, over or (lambda values: values.mean(dim=dim, keepdim=True)))
    return last(x_bar, s, gamma), gamma_bar(y_bar, x_hat, x, gamma), beta_bar(y_bar, gamma)


@exercise(
    returns=("x_bar", "gamma_bar", "beta_bar"),
    cases=_cases,
    loops=grown(
        _row_batch, ("examples", (8, 3, 31, 1e-5), (64, 3, 31, 1e-5)), ("units", (3, 8, 32, 1e-5), (3, 64, 32, 1e-5))
    ),
    mistakes=[
        "Mean and variance are taken as constants: both depend on x, and two terms of x_bar come from them.",
        partial(_ln, means=lambda bar, x_hat, mean: 0),
        "The mean is taken as a constant: subtract the mean of the error signals of x_hat.",
        partial(_ln, means=lambda bar, x_hat, mean: x_hat * mean(x_hat * bar)),
        "The variance is taken as a constant: the term with x_hat times a mean is missing.",
        partial(_ln, means=lambda bar, x_hat, mean: mean(bar)),
        "The last term of x_bar has the wrong sign: subtract it.",
        partial(_ln, means=lambda bar, x_hat, mean: mean(bar) - x_hat * mean(x_hat * bar)),
        "The last term of x_bar lacks its factor x_hat, outside of the mean.",
        partial(_ln, means=lambda bar, x_hat, mean: mean(bar) + mean(x_hat * bar)),
        "x_bar has sums over the units where means should be.",
        partial(_ln, over=lambda values: values.sum(dim=1, keepdim=True)),
        "x_bar has means over all entries; each example has its own, over its units: dim=1.",
        partial(_ln, over=torch.mean),
        "You multiply by gamma at the end; gamma differs from unit to unit, so multiply before the means are taken.",
        partial(_ln, scale=lambda y_bar, gamma: y_bar, last=lambda x_bar, s, gamma: gamma * x_bar / s),
        "gamma is missing from x_bar: the error signals of x_hat are gamma * y_bar.",
        partial(_ln, scale=lambda y_bar, gamma: y_bar),
        "This is batch norm: the means in x_bar run over the units of one example, dim=1.",
        partial(_ln, dim=0),
        "The variance is divided by D - 1; layer norm divides by D: correction=0.",
        partial(_ln, correction=1),
        "x_bar is not divided by the standard deviation, the root of the variance plus eps.",
        partial(_ln, last=lambda x_bar, s, gamma: x_bar),
        "You multiply by the standard deviation; divide x_bar by it.",
        partial(_ln, last=lambda x_bar, s, gamma: x_bar * s),
        "x_bar is divided by the variance; divide it by the standard deviation.",
        partial(_ln, last=lambda x_bar, s, gamma: x_bar / s**2),
        "eps stands outside the root; add it to the variance under the root.",
        partial(_ln, root=lambda v, eps: v.sqrt() + eps),
        "eps is missing: add it to the variance under the root.",
        partial(_ln, root=lambda v, eps: v.sqrt()),
        "The root is missing: divide by the root of the variance plus eps.",
        partial(_ln, root=lambda v, eps: v + eps),
        "gamma_bar uses x itself; y_bar is multiplied by the normalized x_hat. (x_bar and beta_bar are right.)",
        partial(_ln, gamma_bar=lambda y_bar, x_hat, x, gamma: (y_bar * x).sum(dim=0)),
        "gamma_bar and beta_bar run over the units; all examples share them, so sum over dim=0.",
        partial(
            _ln,
            gamma_bar=lambda y_bar, x_hat, x, gamma: (y_bar * x_hat).sum(dim=1),
            beta_bar=lambda y_bar, gamma: y_bar.sum(dim=1),
        ),
        "gamma_bar and beta_bar are not summed: all examples share gamma and beta, so sum over dim=0.",
        partial(_ln, gamma_bar=lambda y_bar, x_hat, x, gamma: y_bar * x_hat, beta_bar=lambda y_bar, gamma: y_bar),
        "gamma_bar and beta_bar are means over the examples; take the sums.",
        partial(
            _ln,
            gamma_bar=lambda y_bar, x_hat, x, gamma: (y_bar * x_hat).mean(dim=0),
            beta_bar=lambda y_bar, gamma: y_bar.mean(dim=0),
        ),
    ],
    follows=[
        "Only gamma_bar is wrong: it is the sum over the examples of y_bar times x_hat.",
        lambda got, *a: (lambda x, g, b: (x, got[1], b))(*_ln(*a)),
        "Only beta_bar is wrong: it is the sum over the examples of y_bar.",
        lambda got, *a: (*_ln(*a)[:2], got[2]),
        "Only x_bar is wrong, and x_hat is right, as gamma_bar shows: see (7.18), gamma * y_bar, and means by rows.",
        lambda got, *a: (got[0], *_ln(*a)[1:]),
    ],
)
def layer_norm_backward(y_bar, x, gamma, eps):
    """Exercise 3: the backward pass of layer norm. The function returns (x_bar, gamma_bar, beta_bar)."""
    x, gamma = x.clone().requires_grad_(), gamma.clone().requires_grad_()
    beta = torch.zeros_like(gamma).requires_grad_()
    y = torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, eps)
    return torch.autograd.grad((y * y_bar).sum(), (x, gamma, beta))
