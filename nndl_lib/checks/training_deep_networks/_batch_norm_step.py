"""Exercise 2: batch norm."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, in_float32, signed_quarters


def _cases():
    """Arguments z, gamma, beta, running_mean, running_var, momentum, eps."""

    yield Case((floats([1.0], [3.0]), floats(1.0), floats(0.0), floats(0.0), floats(1.0), 0.5, 3.0), "one unit")
    yield Case((floats([1.0], [3.0]), floats(2.0), floats(0.5), floats(1.0), floats(2.0), 0.25, 0.5), "one unit")
    for seed, (B, C), momentum, eps, note in [
        (1, (3, 2), 0.25, 0.25, ""),
        (2, (2, 3), 0.1, 1e-5, "two examples"),
        (3, (4, 4), 0.1, 1e-5, ""),
        (4, (5, 2), 1.0, 1e-5, "a momentum of 1"),
        (5, (5, 2), 0.0, 1e-5, "a momentum of 0"),
        (6, (8, 3), 0.5, 1.0, "a large eps"),
    ]:
        yield Case(_batch(B, C, seed, momentum, eps), note)
    constant = (
        "A unit that is constant over the batch goes wrong: its variance is 0, and eps alone stands under the root."
    )
    z, *rest = _batch(4, 2, 7, 0.1, 1e-5)
    z[:, 0] = 1.5
    yield Case((z, *rest), "a unit that is constant over the batch", constant)
    digits = "On inputs far from zero it goes wrong: digits are lost unless the mean is subtracted before the square."
    z, *rest = _batch(4, 2, 8, 0.1, 1e-5)
    yield Case((z / 3 + 1e6, *rest), "inputs far from zero", digits)  # by 3, so that their squares have no end
    yield Case(in_float32(_batch(4, 3, 9, 0.25, 1e-3)), "float32")


def _batch(B, C, seed, momentum, eps):
    g = generator(seed)
    z, gamma, beta, mean, var = signed_quarters(B, C, g=g), *(signed_quarters(C, g=g) for _ in range(4))
    return z, gamma, beta, mean, var.abs(), momentum, eps


def _bn(
    z,
    gamma,
    beta,
    mean,
    var,
    m,
    eps,
    correction=0,
    running=1,
    dim=0,
    keep=None,
    root=lambda v, eps: (v + eps).sqrt(),
    y=lambda z_hat, gamma, beta: gamma * z_hat + beta,
):
    """Batch norm with its rules as options, to make mistakes with."""
    z_hat = (z - z.mean(dim=dim, keepdim=True)) / root(z.var(dim=dim, correction=correction, keepdim=True), eps)
    old, new = (1 - m, m) if keep is None else keep(m)
    return y(z_hat, gamma, beta), old * mean + new * z.mean(dim=0), old * var + new * z.var(dim=0, correction=running)


def _with_the_running(z, gamma, beta, mean, var, m, eps, first=False):
    """y by the running statistics, the old ones or the new ones."""
    _, *new = _bn(z, gamma, beta, mean, var, m, eps)
    mu, v = new if first else (mean, var)
    return gamma * (z - mu) / (v + eps).sqrt() + beta, *new


@exercise(
    returns=("y", "running_mean", "running_var"),
    cases=_cases,
    loops=grown(
        _batch,
        ("examples", (8, 3, 11, 0.1, 1e-5), (64, 3, 11, 0.1, 1e-5)),
        ("units", (4, 8, 12, 0.1, 1e-5), (4, 64, 12, 0.1, 1e-5)),
    ),
    mistakes=[
        "running_var takes in the variance divided by B; there it is divided by B - 1.",
        partial(_bn, running=0),
        "y is normalized by the variance divided by B - 1; for y divide by B.",
        partial(_bn, correction=1),
        "The two variances are exchanged: y uses the one divided by B, running_var the one divided by B - 1.",
        partial(_bn, correction=1, running=0),
        "momentum is the wrong way round: it is the share of the batch, 1 - momentum that of the old value.",
        partial(_bn, keep=lambda m: (m, 1 - m)),
        "momentum is the wrong way round, and running_var takes in the variance divided by B: divide by B - 1 there.",
        partial(_bn, keep=lambda m: (m, 1 - m), running=0),
        "The old running statistics are not faded: they have a factor 1 - momentum. (y is right.)",
        partial(_bn, keep=lambda m: (1, m)),
        "The running statistics are those of the batch alone; keep 1 - momentum of the old ones. (y is right.)",
        partial(_bn, keep=lambda m: (0, 1)),
        "y is normalized by the running statistics, as in evaluation mode; in training mode use those of the batch.",
        _with_the_running,
        "The running statistics are moved first, and y is normalized by them; in training mode use those of the batch.",
        partial(_with_the_running, first=True),
        "You normalize each row; batch norm has one mean and variance for each unit, over the examples, dim=0.",
        partial(_bn, dim=1),
        "All units get the same mean and variance; each has its own, over the examples, dim=0.",
        partial(_bn, dim=(0, 1)),
        "eps stands outside the root; add it to the variance under the root.",
        partial(_bn, root=lambda v, eps: v.sqrt() + eps),
        "eps is missing: a unit that is constant over the batch would be divided by zero.",
        partial(_bn, root=lambda v, eps: v.sqrt()),
        "The root is missing: divide by the root of the variance plus eps.",
        partial(_bn, root=lambda v, eps: v + eps),
        "The scale gamma is missing from y.",
        partial(_bn, y=lambda z_hat, gamma, beta: z_hat + beta),
        "gamma and beta are missing: y is gamma times the normalized value, plus beta.",
        partial(_bn, y=lambda z_hat, gamma, beta: z_hat),
        "The shift is multiplied by gamma too: y is gamma * z_hat + beta.",
        partial(_bn, y=lambda z_hat, gamma, beta: gamma * (z_hat + beta)),
        "gamma and beta are exchanged: gamma is the scale, beta the shift.",
        partial(_bn, y=lambda z_hat, gamma, beta: beta * z_hat + gamma),
    ],
    follows=[
        "Only running_var is wrong: it is 1 - momentum times the old one, plus momentum times the variance by B - 1.",
        lambda got, *a: (*_bn(*a)[:2], got[2]),
        "Only the running statistics are wrong: 1 - momentum times the old ones, plus momentum times the batch's.",
        lambda got, *a: (_bn(*a)[0], *got[1:]),
        "Only y is wrong: it is gamma (z - mean) / sqrt(variance + eps) + beta, by each unit's mean and variance.",
        lambda got, *a: (got[0], *_bn(*a)[1:]),
    ],
    rtol=1e-7,
)
def batch_norm_step(z, gamma, beta, running_mean, running_var, momentum, eps):
    """Exercise 2: batch norm in training mode. The function returns (y, running_mean, running_var)."""
    mean, var = running_mean.clone(), running_var.clone()
    y = torch.nn.functional.batch_norm(z, mean, var, gamma, beta, training=True, momentum=momentum, eps=eps)
    return y, mean, var
