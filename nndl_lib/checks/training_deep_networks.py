"""Checks of the exercises to chapter 07, "Training deep networks". Conventions are those of ``nndl_lib.functional``."""

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, signed_quarters

__all__ = ["batch_norm_step", "highway", "layer_norm_backward", "revive", "weight_std"]


# --- 1: the size of weights -----------------------------------------------------------------------------------------


def _shapes():
    """Arguments shape, gain, mode."""
    yield Case(((1, 1), 1.0, "in"), "one weight")
    for shape, gain, mode in [
        ((1, 4), 1.0, "in"),
        ((9, 4), 1.5, "in"),
        ((9, 4), 1.5, "out"),
        ((9, 4), 1.5, "mean"),
        ((100, 400), math.sqrt(2), "in"),
        ((100, 400), math.sqrt(2), "out"),
        ((100, 400), 5 / 3, "mean"),
    ]:
        yield Case((shape, gain, mode))
    hint = "Convolutions go wrong: both fans have the number of entries of the kernel, height times width, as a factor."
    for shape, mode in [((8, 3, 5, 5), "in"), ((8, 3, 5, 5), "out"), ((8, 3, 5, 3), "mean"), ((16, 16, 3, 3), "in")]:
        yield Case((shape, 2.0, mode), "convolutions", hint)
    yield Case(((5, 2, 1, 1), 1.0, "mean"), "a kernel of 1 by 1", hint)


def _fan(shape, mode):
    k = math.prod(shape[2:])
    return {"in": shape[1] * k, "out": shape[0] * k, "mean": (shape[0] + shape[1]) * k / 2}[mode]


_SWAPPED = {"in": "out", "out": "in", "mean": "mean"}


@exercise(
    returns=("std",),
    strict=("std",),
    cases=_shapes,
    mistakes=[
        "You return the variance; its root is the standard deviation.",
        lambda shape, gain, mode: gain**2 / _fan(shape, mode),
        "The root is missing: divide the gain by the root of the fan.",
        lambda shape, gain, mode: gain / _fan(shape, mode),
        "Fan-in and fan-out are exchanged: a weight has the shape (out, in, ...).",
        lambda shape, gain, mode: gain / math.sqrt(_fan(shape, _SWAPPED[mode])),
        "The gain stands under the root; it multiplies the standard deviation.",
        lambda shape, gain, mode: math.sqrt(gain / _fan(shape, mode)),
        "You multiply by the root of the fan; divide by it.",
        lambda shape, gain, mode: gain * math.sqrt(_fan(shape, mode)),
        *(
            (
                'mode has no effect: "in" takes the fan-in, "out" the fan-out, and "mean" their mean.',
                lambda shape, gain, mode, always=always: gain / math.sqrt(_fan(shape, always)),
            )
            for always in ("in", "out", "mean")
        ),
        'For mode "mean" you use the sum of the two fans; halve it.',
        lambda shape, gain, mode: gain / math.sqrt(_fan(shape, mode) * (2 if mode == "mean" else 1)),
        'For mode "mean" you take the mean of two standard deviations; take the mean of the fans, then the root.',
        lambda shape, gain, mode: (
            gain / math.sqrt(_fan(shape, mode))
            if mode != "mean"
            else gain * (_fan(shape, "in") ** -0.5 + _fan(shape, "out") ** -0.5) / 2
        ),
        "Only the fan-in counts the kernel; each input also goes into out * height * width outputs.",
        lambda shape, gain, mode: (
            gain
            / math.sqrt({"in": _fan(shape, "in"), "out": shape[0], "mean": (_fan(shape, "in") + shape[0]) / 2}[mode])
        ),
        "The factor 2 of He is there already: it is the square of the gain.",
        lambda shape, gain, mode: gain * math.sqrt(2 / _fan(shape, mode)),
        "This is the bound of a uniform distribution; its standard deviation is the root of 3 smaller.",
        lambda shape, gain, mode: gain * math.sqrt(3 / _fan(shape, mode)),
    ],
    follows=[
        'Only mode "mean" is wrong: the gain is divided by the root of the mean of the two fans, half of their sum.',
        lambda got, shape, gain, mode: got if mode == "mean" else gain / math.sqrt(_fan(shape, mode)),
    ],
)
def weight_std(shape, gain, mode):
    """Exercise 1: the standard deviation of initial weights. The function returns a float."""
    weight = np.empty(shape)  # one output's weights; one input's weights
    fans = {"in": weight[0].size, "out": weight[:, 0].size, "mean": (weight[0].size + weight[:, 0].size) / 2}
    return float(gain * np.power(float(fans[mode]), -0.5))


# --- 2: batch norm --------------------------------------------------------------------------------------------------


def _batches():
    """Arguments z, gamma, beta, running_mean, running_var, momentum, eps."""

    def one(*values):
        return torch.tensor(values).double()

    yield Case((floats([1.0], [3.0]), one(1.0), one(0.0), one(0.0), one(1.0), 0.5, 3.0), "one unit")
    yield Case((floats([1.0], [3.0]), one(2.0), one(0.5), one(1.0), one(2.0), 0.25, 0.5), "one unit")
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
    yield Case(tuple(v.float() if isinstance(v, Tensor) else v for v in _batch(4, 3, 9, 0.25, 1e-3)), "float32")


def _batch(B, C, seed, momentum, eps):
    g = generator(seed)
    z, gamma, beta, mean, var = signed_quarters(B, C, g=g), *(signed_quarters(C, g=g) for _ in range(4))
    return z, gamma, beta, mean, var.abs(), momentum, eps


def _larger_batches():
    return [
        ("examples", _batch(8, 3, 11, 0.1, 1e-5), _batch(64, 3, 11, 0.1, 1e-5), 56),
        ("units", _batch(4, 8, 12, 0.1, 1e-5), _batch(4, 64, 12, 0.1, 1e-5), 56),
    ]


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
    cases=_batches,
    loops=_larger_batches,
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


# --- 3: layer norm, backward ----------------------------------------------------------------------------------------


def _rows():
    """Arguments y_bar, x, gamma, eps."""

    def tensor(*rows):
        return torch.tensor(rows).double()

    yield Case((tensor([1.0, 0.0]), tensor([1.0, -1.0]), floats(1.0, 1.0), 1.0), "one example")
    yield Case((tensor([1.0, 2.0, 0.5]), tensor([1.0, -1.0, 0.5]), floats(1.0, 2.0, -1.0), 0.25), "one example")
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
    yield Case(tuple(v.float() if isinstance(v, Tensor) else v for v in _row_batch(3, 4, 28, 1e-2)), "float32")


def _row_batch(N, D, seed, eps):
    g = generator(seed)
    return signed_quarters(N, D, g=g), signed_quarters(N, D, g=g), signed_quarters(D, g=g), eps


def _more_rows():
    return [
        ("examples", _row_batch(8, 3, 31, 1e-5), _row_batch(64, 3, 31, 1e-5), 56),
        ("units", _row_batch(3, 8, 32, 1e-5), _row_batch(3, 64, 32, 1e-5), 56),
    ]


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
    cases=_rows,
    loops=_more_rows,
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
        "Only x_bar is wrong; x_hat is right, as gamma_bar shows: x_bar is (7.18), with gamma * y_bar, by rows.",
        lambda got, *a: (got[0], *_ln(*a)[1:]),
    ],
)
def layer_norm_backward(y_bar, x, gamma, eps):
    """Exercise 3: the backward pass of layer norm. The function returns (x_bar, gamma_bar, beta_bar)."""
    x, gamma = x.clone().requires_grad_(), gamma.clone().requires_grad_()
    beta = torch.zeros_like(gamma).requires_grad_()
    y = torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, eps)
    return torch.autograd.grad((y * y_bar).sum(), (x, gamma, beta))


# --- 4: dead units --------------------------------------------------------------------------------------------------


def _layers():
    """Arguments X, W, b, rows."""
    X, W = floats([1.0], [2.0]), floats([1.0])
    yield Case((X, W, floats(-3.0), torch.tensor([0])), "one unit, dead")
    yield Case((X, W, floats(-1.5), torch.tensor([0])), "one unit, alive")
    zero = "A unit whose pre-activation is never above zero is dead, also where it is exactly zero: compare with <= 0."
    yield Case((X, W, floats(-2.0), torch.tensor([0])), "a pre-activation of exactly zero", zero)
    yield Case(
        (floats([1.0, -1.0]), floats([1.0, 0.5], [2.0, 1.0]), floats(-2.0, 0.25), torch.tensor([0, 0])), "one example"
    )
    for seed, N, D, M in [(41, 3, 2, 3), (42, 4, 3, 4), (43, 2, 2, 6), (44, 3, 3, 3), (45, 6, 2, 5)]:
        yield Case(_layer(N, D, M, seed))
    X, W, b, rows = _layer(4, 2, 3, 46)
    yield Case((X, W, b.abs() + 20, rows), "no dead unit")
    yield Case((X, W, -b.abs() - 20, rows), "all units dead")
    X, W, b, rows = _layer(4, 2, 4, 47)
    yield Case((X.float(), W.float(), b.float(), rows), "float32")


def _layer(N, D, M, seed):
    """About every second unit is dead."""
    g = generator(seed)
    X, W, b = signed_quarters(N, D, g=g), signed_quarters(M, D, g=g), signed_quarters(M, g=g)
    highest = (X @ W.T).max(dim=0).values
    b = torch.where(torch.arange(M) % 2 == seed % 2, -highest - b.abs(), b)
    return X, W, b, torch.randint(N, (M,), generator=g)


def _larger_layers():
    return [
        ("examples", _layer(8, 3, 4, 51), _layer(64, 3, 4, 51), 56),
        ("units", _layer(4, 3, 8, 52), _layer(4, 3, 64, 52), 56),
    ]


def _z(X, W, b):
    return X @ W.T + b


def _revived(X, W, b, rows, dead=None, hinges=None):
    dead = (_z(X, W, b) <= 0).all(dim=0) if dead is None else dead
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1) if hinges is None else hinges, b)


@exercise(
    returns=("dead", "b"),
    cases=_layers,
    loops=_larger_layers,
    mistakes=[
        "You revive the living units and leave the dead ones.",
        lambda X, W, b, rows: _revived(X, W, b, rows, dead=~_revived(X, W, b, rows)[0]),
        "You call a unit dead if it is zero on any example; it must be zero on every one: all(dim=0).",
        lambda X, W, b, rows: _revived(X, W, b, rows, dead=(_z(X, W, b) <= 0).any(dim=0)),
        "A pre-activation of exactly zero gives no output either: compare with <= 0.",
        lambda X, W, b, rows: _revived(X, W, b, rows, dead=(_z(X, W, b) < 0).all(dim=0)),
        "The bias is missing from the pre-activation.",
        lambda X, W, b, rows: _revived(X, W, b, rows, dead=(_z(X, W, 0) <= 0).all(dim=0)),
        "You look at the mean pre-activation; a unit is alive if a single example is above zero.",
        lambda X, W, b, rows: _revived(X, W, b, rows, dead=_z(X, W, b).mean(dim=0) <= 0),
        "The new bias has the wrong sign: at the example, w x + b is zero, so b = -w x.",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=(W * X[rows]).sum(dim=1)),
        "You change all biases; those of living units stay.",
        lambda X, W, b, rows: (_revived(X, W, b, rows)[0], -(W * X[rows]).sum(dim=1)),
        "You take example j for unit j; take the example rows[j].",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=-(W * X[: len(W)]).sum(dim=1)),
        "Every unit gets the first example; unit j has its own, X[rows[j]].",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=-(W @ X[0])),
        "Every unit gets the mean of the examples; unit j has its own, X[rows[j]].",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=-(W @ X.mean(dim=0))),
        "Every unit gets the first of the chosen examples; unit j has its own, X[rows[j]].",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=-(W @ X[rows[0]])),
        "The old bias is subtracted as well: the new bias is -w x, whatever the old one was.",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=-(W * X[rows]).sum(dim=1) - b),
        "The new bias is added to the old one; it takes its place.",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=b - (W * X[rows]).sum(dim=1)),
        "Dead units get a bias of 0; put their hinges on the examples of rows.",
        lambda X, W, b, rows: _revived(X, W, b, rows, hinges=torch.zeros_like(b)),
        "Living units lose their biases; they stay as they are.",
        lambda X, W, b, rows: (
            _revived(X, W, b, rows)[0],
            _revived(X, W, 0 * b, rows, dead=_revived(X, W, b, rows)[0])[1],
        ),
    ],
    follows=[
        "dead is wrong, and b follows from it: a unit is dead if its output max(0, w x + b) is zero on every example.",
        lambda got, *a: _revived(*a, dead=got[0]),
        "Only the new biases are wrong: a dead unit j gets -w_j x, with x the example rows[j]; others keep theirs.",
        lambda got, *a: (_revived(*a)[0], got[1]),
        "Only dead is wrong: it is True for a unit whose output max(0, w x + b) is zero on every example.",
        lambda got, *a: (got[0], _revived(*a)[1]),
    ],
)
def revive(X, W, b, rows):
    """Exercise 4: dead units and their new biases. The function returns (dead, b)."""
    dead, biases = [], []
    for w, bias, row in zip(W.tolist(), b.tolist(), rows.tolist()):
        outputs = [max(0.0, math.fsum(wi * xi for wi, xi in zip(w, x)) + bias) for x in X.tolist()]
        dead.append(max(outputs) == 0)
        biases.append(-math.fsum(wi * xi for wi, xi in zip(w, X[row].tolist())) if dead[-1] else bias)
    return torch.tensor(dead), torch.tensor(biases, dtype=X.dtype)


# --- 5: highway -----------------------------------------------------------------------------------------------------


def _highways():
    """Arguments x, W, b, W_gate, b_gate."""

    def one(value):
        return torch.full((1, 1), value).double()

    yield Case((one(1.0), one(2.0), one(0.5)[0], one(1.0), one(-1.0)[0]), "one example")
    yield Case((one(-1.0), one(2.0), one(0.5)[0], one(1.0), one(-2.0)[0]), "one example")
    for seed, N, D, note in [
        (61, 1, 2, "one example"),
        (62, 2, 2, ""),
        (63, 3, 2, ""),
        (64, 2, 3, ""),
        (65, 3, 3, ""),
        (66, 5, 4, ""),
    ]:
        yield Case(_roads(N, D, seed), note)
    x, W, b, W_gate, b_gate = _roads(3, 2, 67)
    yield Case((x, W, b, W_gate, torch.full_like(b_gate, -1e4)), "closed gates")
    yield Case(
        (x, W, b, W_gate, torch.full_like(b_gate, 1e4)),
        "open gates",
        "With open gates it goes wrong: does the exponential overflow? torch.sigmoid is safe.",
    )
    yield Case(tuple(v.float() for v in _roads(3, 3, 68)), "float32")


def _roads(N, D, seed):
    g = generator(seed)
    return (
        signed_quarters(N, D, g=g),
        signed_quarters(D, D, g=g),
        signed_quarters(D, g=g),
        signed_quarters(D, D, g=g),
        signed_quarters(D, g=g),
    )


def _more_roads():
    return [("examples", _roads(8, 3, 71), _roads(64, 3, 71), 56), ("units", _roads(3, 8, 72), _roads(3, 64, 72), 56)]


def _high(
    x, W, b, W_gate, b_gate, phi=torch.relu, squash=torch.sigmoid, mix=None, transposed=(False, False), gate_in=None
):
    h = phi(x @ (W if transposed[0] else W.T) + b)
    gate = squash((x if gate_in is None else gate_in(h)) @ (W_gate if transposed[1] else W_gate.T) + b_gate)
    return gate * h + (1 - gate) * x if mix is None else mix(gate, h, x)


@exercise(
    returns=("y",),
    cases=_highways,
    loops=_more_roads,
    mistakes=[
        "The gate is the wrong way round: T multiplies the transformed signal, 1 - T the input.",
        partial(_high, mix=lambda T, h, x: T * x + (1 - T) * h),
        "The carried part is missing: add (1 - T) * x.",
        partial(_high, mix=lambda T, h, x: T * h),
        "This is a gated residual: the input has the factor 1 - T.",
        partial(_high, mix=lambda T, h, x: T * h + x),
        "The gate has no effect: you return h + x, a residual connection.",
        partial(_high, mix=lambda T, h, x: h + x),
        "The gate has no effect: you return the plain ReLU layer.",
        partial(_high, mix=lambda T, h, x: h),
        "The transformed signal has no gate: it is T * h.",
        partial(_high, mix=lambda T, h, x: h + (1 - T) * x),
        "The ReLU is missing from the transformed signal.",
        partial(_high, phi=lambda z: z),
        *(
            (
                f"The transformed signal goes through {name}; this layer has a ReLU.",
                lambda *a, phi=phi: _high(*a, phi=phi),
            )
            for name, phi in [("tanh", torch.tanh), ("the logistic function", torch.sigmoid)]
        ),
        "The logistic function is missing from the gate: T lies between 0 and 1.",
        partial(_high, squash=lambda z: z),
        *(
            (
                f"The gate goes through {name}; it is the logistic function of x W_gate^T + b_gate.",
                lambda *a, squash=squash: _high(*a, squash=squash),
            )
            for name, squash in [
                ("tanh", torch.tanh),
                ("a ReLU", torch.relu),
                ("a softmax", lambda z: z.softmax(dim=1)),
                ("a step from 0 to 1", lambda z: (z > 0).to(z)),
            ]
        ),
        "The gate sees the transformed signal; it sees the input x.",
        partial(_high, gate_in=lambda h: h),
        "Both weight matrices are transposed the wrong way: W is (out, in), so write x @ W.T.",
        partial(_high, transposed=(True, True)),
        "W is transposed the wrong way: it is (out, in), so write x @ W.T.",
        partial(_high, transposed=(True, False)),
        "W_gate is transposed the wrong way: it is (out, in), so write x @ W_gate.T.",
        partial(_high, transposed=(False, True)),
        "The weights are exchanged: W and b make the transformed signal, W_gate and b_gate the gate.",
        lambda x, W, b, Wg, bg: _high(x, Wg, bg, W, b),
        *(
            (
                "The gate shares a part of the transformed signal; it has weights and a bias of its own.",
                lambda x, W, b, Wg, bg, shared=shared: _high(
                    x, W, b, W if "W" in shared else Wg, b if "b" in shared else bg
                ),
            )
            for shared in ("W", "b", "Wb")
        ),
        "The bias of the gate is missing.",
        lambda x, W, b, Wg, bg: _high(x, W, b, Wg, 0),
        "The bias b of the transformed signal is missing.",
        lambda x, W, b, Wg, bg: _high(x, W, 0, Wg, bg),
        "Both biases are missing.",
        lambda x, W, b, Wg, bg: _high(x, W, 0, Wg, 0),
        "The gate is one number for each example; each unit has its own.",
        partial(_high, mix=lambda T, h, x: T.mean(dim=1, keepdim=True) * h + (1 - T.mean(dim=1, keepdim=True)) * x),
        "The ReLU is applied to the whole mixture; only the transformed signal goes through it.",
        partial(_high, phi=lambda z: z, mix=lambda T, h, x: torch.relu(T * h + (1 - T) * x)),
    ],
    follows=[
        "With gates wide open, and with closed ones, it is right; but between it is not sigmoid(x W_gate^T + b_gate).",
        lambda got, *a: _high(*a) if abs(a[4][0]) > 100 else got,
        "With closed gates it is right; with open ones the transformed signal, relu(x W^T + b), should come out.",
        lambda got, *a: _high(*a) if a[4][0] < -100 else got,
        "With open gates it is right, so the transformed signal is; with closed ones x itself should come out.",
        lambda got, *a: _high(*a) if a[4][0] > 100 else got,
    ],
)
def highway(x, W, b, W_gate, b_gate):
    """Exercise 5: a highway layer. The function returns a tensor (N, D)."""

    def layer(weight, bias):
        return np.einsum("nd,md->nm", x.numpy(), weight.numpy()) + bias.numpy()

    z = layer(W_gate, b_gate)
    gate = np.exp(-np.logaddexp(0, -z))
    return torch.from_numpy(x.numpy() + gate * (np.maximum(layer(W, b), 0) - x.numpy()))
