"""Checks of the exercises to chapter 00, "Prerequisites"."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES, each
from nndl_lib.checks._inputs import floats, generator, quarters

__all__ = ["covariance", "layer_jacobian", "majority", "quadratic_gradient", "three_parts", "to_normal"]


# --- 1: any normal distribution -------------------------------------------------------------------------------------


def _standard_samples():
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


def _more_samples():
    def arguments(n):
        return quarters(n, g=generator(520 + n)), 1.0, 4.0

    return [("samples", arguments(8), arguments(64), 56)]


@exercise(
    returns=("z",),
    cases=_standard_samples,
    loops=_more_samples,
    mistakes=[
        "The factor of x is the standard deviation, the root of the variance; yours is another function of it.",
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
        "You center the samples by their own mean, which makes that of z exactly mu; it must scatter: leave it out.",
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


# --- 2: the covariance of samples -----------------------------------------------------------------------------------


def _pairs():
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


def _more_pairs():
    def arguments(n):
        g = generator(550 + n)
        return quarters(n, g=g), quarters(n, g=g)

    return [("samples", arguments(8), arguments(64), 56)]


def _products(x, y):
    return (x - x.mean()) * (y - y.mean())


@exercise(
    returns=("c",),
    cases=_pairs,
    loops=_more_pairs,
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


# --- 3: the gradient of a quadratic form ----------------------------------------------------------------------------


def _forms():
    """Arguments B, x."""
    yield Case((floats([3.0]), floats(2.0)), "one entry")
    yield Case((floats([1.0, 2.0], [0.0, 1.0]), floats(1.0, 3.0)))
    yield Case((floats([1.0, 0.0], [0.0, 1.0]), floats(2.0, -1.0)), "the identity")
    yield Case((floats([2.0, 1.0], [1.0, 3.0]), floats(1.0, -2.0)), "a symmetric matrix")
    yield Case((floats([0.0, 1.0], [-1.0, 0.0]), floats(1.0, 2.0)), "a matrix with B' = -B")
    yield Case((floats([1.0, 2.0], [3.0, 4.0]), floats(0.0, 0.0)), "x = 0")
    for m in [2, 3, 4, 6]:
        g = generator(560 + m)
        yield Case((quarters(m, m, g=g), quarters(m, g=g)))
    g = generator(570)
    yield Case((quarters(3, 3, g=g).float(), quarters(3, g=g).float()), "float32")


def _larger_forms():
    def arguments(m):
        g = generator(580 + m)
        return quarters(m, m, g=g), quarters(m, g=g)

    return [("entries", arguments(8), arguments(64), 56)]


@exercise(
    returns=("gradient",),
    cases=_forms,
    loops=_larger_forms,
    mistakes=[
        "It is 2 B x, which is right for a symmetric B alone: the place on the right has the slope B' x.",
        lambda B, x: 2 * B @ x,
        "It is 2 B' x, which is right for a symmetric B alone: the place on the left has the slope B x.",
        lambda B, x: 2 * B.T @ x,
        "It is B x: x stands in the product twice, and the place on the right has a slope, too.",
        lambda B, x: B @ x,
        "It is B' x: x stands in the product twice, and the place on the left has a slope, too.",
        lambda B, x: B.T @ x,
        "It is half of what it should be: there is no factor 1/2 in x' B x.",
        lambda B, x: (B + B.T) @ x / 2,
        "You subtract the two slopes; add them.",
        lambda B, x: (B - B.T) @ x,
        lambda B, x: (B.T - B) @ x,
        "B comes in twice: B' B belongs to the length of B x; here B stands in the product once.",
        lambda B, x: 2 * B.T @ B @ x,
        lambda B, x: B.T @ B @ x,
        lambda B, x: B @ B.T @ x,
        lambda B, x: 2 * B @ B.T @ x,
        "You return one number, such as the value x' B x; the gradient has the shape of x.",
        lambda B, x: x @ B @ x,
        lambda B, x: 2 * x @ B @ x,
        "You return the gradient with respect to B, the table of products x_i x_j.",
        lambda B, x: torch.outer(x, x),
        "It is 2 x, the gradient of x' x: B is missing.",
        lambda B, x: 2 * x,
        "Only the diagonal of B takes part: (B + B') @ x needs every entry.",
        lambda B, x: 2 * B.diag() * x,
        lambda B, x: B.diag() * x,
        "Entries are multiplied with * where a product with a vector is meant: @ multiplies and adds up.",
        lambda B, x: (B + B.T) * x,
        lambda B, x: (B + B.T) * x[:, None],
        lambda B, x: ((B + B.T) * x[:, None]).sum(dim=1),
        lambda B, x: (B @ x) * x,
        lambda B, x: 2 * (B @ x) * x,
        "It lacks x: B + B' is the matrix of second derivatives. Multiply it by x.",
        lambda B, x: B + B.T,
        lambda B, x: (B + B.T).sum(dim=1),
        lambda B, x: (B + B.T) @ torch.ones_like(x),
    ],
)
def quadratic_gradient(B, x):
    """Exercise 3: the gradient of x' B x. The function returns a tensor (m,)."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(x @ B @ x, x)[0]


# --- 4: the Jacobian of a layer -------------------------------------------------------------------------------------


def _layers():
    """Arguments A, x."""
    yield Case((floats([0.5]), floats(1.0)), "one input, one output")
    yield Case((floats([0.5, -1.0]), floats(1.0, 0.25)), "one output")
    yield Case((floats([0.5], [1.0]), floats(0.5)), "one input")
    yield Case((floats([0.5, 1.0], [-0.25, 0.75]), floats(1.0, 0.5)), "a square matrix")
    yield Case((floats([0.5, 1.0], [-0.25, 0.75]), floats(0.0, 0.0)), "x = 0")
    for m, n in [(2, 3), (4, 2), (3, 3), (3, 5)]:
        g = generator(590 + 10 * m + n)
        yield Case((quarters(m, n, g=g) / 2, quarters(n, g=g) / 2))
    yield Case((floats([8.0, 0.0], [0.0, 0.5]), floats(1.0, 0.5)), "a unit that is saturated")
    g = generator(650)
    yield Case((quarters(2, 3, g=g).float() / 2, quarters(3, g=g).float() / 2), "float32")


def _larger_layers():
    def arguments(m, n):
        g = generator(660 + m + n)
        return quarters(m, n, g=g) / 4, quarters(n, g=g) / 4

    return [("outputs", arguments(8, 3), arguments(64, 3), 56), ("inputs", arguments(3, 8), arguments(3, 64), 56)]


def _scaled(A, slopes):
    """Each row of A times a number of its own."""
    return torch.einsum("i,ij->ij", slopes, A)


@exercise(
    returns=("J",),
    cases=_layers,
    loops=_larger_layers,
    without=DERIVATIVES,
    mistakes=[
        "The slope of tanh is missing: A is the Jacobian of A x alone.",
        lambda A, x: 1 * A,
        "You multiply the columns; each row of A gets the slope of its output. Make them a column, slopes[:, None].",
        lambda A, x: (1 - torch.tanh(A @ x) ** 2) * A,
        "The slope of tanh(z) is 1 - tanh(z)**2; the square is missing, or stands around the whole.",
        lambda A, x: _scaled(A, 1 - torch.tanh(A @ x)),
        lambda A, x: _scaled(A, (1 - torch.tanh(A @ x)) ** 2),
        "The factor of a row is the slope of tanh, 1 - tanh(z)**2; you take tanh(z), its square, or 1 plus that.",
        lambda A, x: _scaled(A, torch.tanh(A @ x)),
        lambda A, x: _scaled(A, torch.tanh(A @ x) ** 2),
        lambda A, x: _scaled(A, 1 + torch.tanh(A @ x) ** 2),
        "You take the slope of the slope: 1 - tanh(z)**2 is the derivative itself, and needs no further factor.",
        lambda A, x: _scaled(A, -2 * torch.tanh(A @ x) * (1 - torch.tanh(A @ x) ** 2)),
        lambda A, x: _scaled(A, (1 - torch.tanh(A @ x) ** 2) ** 2),
        lambda A, x: _scaled(A, -2 * torch.tanh(A @ x)),
        "The tanh inside the slope is missing: it is 1 - tanh(z)**2, not 1 - z**2.",
        lambda A, x: _scaled(A, 1 - (A @ x) ** 2),
        "You apply tanh twice: with h = tanh(z) the slope is 1 - h**2.",
        lambda A, x: _scaled(A, 1 - torch.tanh(torch.tanh(A @ x)) ** 2),
        "It is the slope of another function, of logistic units or ReLU; that of tanh is 1 - h**2.",
        lambda A, x: _scaled(A, torch.tanh(A @ x) * (1 - torch.tanh(A @ x))),
        lambda A, x: _scaled(A, torch.sigmoid(A @ x) * torch.sigmoid(-A @ x)),
        lambda A, x: _scaled(A, (A @ x > 0).to(A.dtype)),
        "The slope is taken at the wrong place: at z = A @ x, one number a row, neither at x nor at an entry of A.",
        lambda A, x: A * (1 - torch.tanh(x) ** 2),
        lambda A, x: 1 - torch.tanh(A) ** 2,
        lambda A, x: A * (1 - torch.tanh(A * x) ** 2),
        lambda A, x: A * (1 - torch.tanh(A) ** 2),
        "A is missing: the chain rule multiplies the slope of each output by its row of A, not by x.",
        lambda A, x: torch.outer(1 - torch.tanh(A @ x) ** 2, x),
        "You return the gradient of the sum of the outputs; the Jacobian has a row for each output.",
        lambda A, x: (1 - torch.tanh(A @ x) ** 2) @ A,
        "You return the slopes of tanh alone; multiply row i of A by slope i.",
        lambda A, x: 1 - torch.tanh(A @ x) ** 2,
        lambda A, x: (1 - torch.tanh(A @ x) ** 2).diag(),
        "You return the outputs tanh(A x); the Jacobian holds their slopes.",
        lambda A, x: torch.tanh(A @ x),
    ],
)
def layer_jacobian(A, x):
    """Exercise 4: the Jacobian of tanh(A x). The function returns a tensor (m, n)."""
    return torch.autograd.functional.jacobian(lambda v: torch.tanh(A @ v), x)


# --- 5: three parts -------------------------------------------------------------------------------------------------


def _tables():
    """Arguments X, order, n_train, n_val."""

    def case(X, order, n_train, n_val, note=""):
        return Case((X, torch.tensor(order), n_train, n_val), note)

    yield case(floats([1.0], [3.0], [8.0], [4.0]), [0, 1, 2, 3], 2, 1, "one column")
    yield case(floats([1.0], [3.0], [8.0], [4.0], [0.0]), [3, 0, 4, 2, 1], 2, 2, "one test row")
    yield case(floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [2, 3, 1, 0], 2, 1)
    yield case(floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [1, 0, 3, 2], 3, 0, "no validation rows")
    yield case(floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [1, 3, 0, 2], 2, 2, "no test rows")
    for N, D, n_train, n_val in [(6, 2, 3, 1), (8, 3, 4, 2), (10, 2, 5, 3), (12, 4, 6, 2)]:
        g = generator(670 + N)
        X = quarters(N, D, g=g) * torch.arange(1, D + 1) + 3
        yield case(X, torch.randperm(N, generator=g).tolist(), n_train, n_val)
    g = generator(690)
    yield case(quarters(6, 2, g=g).float() + 1, [4, 1, 0, 5, 3, 2], 3, 2, "float32")


def _larger_tables():
    def arguments(N, D):
        g = generator(700 + N + D)
        return quarters(N, D, g=g), torch.randperm(N, generator=g), N // 2, N // 4

    return [("rows", arguments(8, 2), arguments(64, 2), 40), ("columns", arguments(12, 2), arguments(12, 40), 38)]


def _cut(X, n_train, n_val):
    return X[:n_train], X[n_train : n_train + n_val], X[n_train + n_val :]


def _deal(
    X,
    order,
    n_train,
    n_val,
    by=lambda train, val, test: train,
    shift=True,
    scale=True,
    power=1,
    correction=0,
    tiny=0.0,
    mean_of=0,
    deviation_of=0,
):
    """The right answer, with its rules as options. ``by``: the rows that mean and deviation see."""
    X = X[order]
    parts = _cut(X, n_train, n_val)
    seen = by(*parts)
    mean = (X if mean_of is None else seen).mean(dim=0)
    deviation = (X if deviation_of is None else seen).std(dim=0, correction=correction) ** power + tiny
    return _cut((X - mean * shift) / (deviation if scale else 1), n_train, n_val)


def _by_itself(X, order, n_train, n_val, own):
    """Parts 1 or 2, or both, are scaled by their own rows."""
    parts = _cut(X[order], n_train, n_val)
    seen = [parts[k if k in own else 0] for k in range(3)]
    return tuple((part - rows.mean(dim=0)) / rows.std(dim=0, correction=0) for part, rows in zip(parts, seen))


def _one_scale(X, order, n_train, n_val):
    train = X[order][:n_train]
    return _cut((X[order] - train.mean()) / train.std(correction=0), n_train, n_val)


def _of_rows(X, order, n_train, n_val):
    Z = X[order]
    return _cut((Z - Z.mean(dim=1, keepdim=True)) / Z.std(dim=1, correction=0, keepdim=True), n_train, n_val)


def _divided_first(X, order, n_train, n_val):
    train = X[order][:n_train]
    return _cut(X[order] / train.std(dim=0, correction=0) - train.mean(dim=0), n_train, n_val)


def _between_0_and_1(X, order, n_train, n_val):
    least, most = X[order][:n_train].aminmax(dim=0)
    return _cut((X[order] - least) / (most - least), n_train, n_val)


@exercise(
    returns=("train", "val", "test"),
    cases=_tables,
    loops=_larger_tables,
    mistakes=[
        "Mean and deviation come from all rows, so the test rows have been seen: take them from the training rows.",
        partial(_deal, by=lambda *parts: torch.cat(parts)),
        partial(_deal, by=lambda *parts: torch.cat(parts), correction=1),
        "Mean and deviation see the validation rows as well: take them from the training rows alone.",
        partial(_deal, by=lambda train, val, test: torch.cat([train, val])),
        "One of mean and deviation comes from all rows: both belong to the training rows.",
        partial(_deal, mean_of=0, deviation_of=None),
        partial(_deal, mean_of=None, deviation_of=0),
        "A part is scaled by its own rows, or not at all: use mean and deviation of the training rows for all three.",
        *(lambda *a, own=own: _by_itself(*a, own) for own in ((1, 2), (1,), (2,))),
        lambda *a: (_deal(*a)[0], *_deal(*a, shift=False, scale=False)[1:]),
        lambda *a: (*_deal(*a)[:2], _deal(*a, shift=False, scale=False)[2]),
        "order has no effect: deal the rows out as it says, X[order].",
        lambda X, order, *a: _deal(X, torch.arange(len(X)), *a),
        "Mean and deviation come from the first rows of X as it was given: shuffle first, X[order].",
        lambda X, order, n_train, n_val: _cut(
            (X[order] - X[:n_train].mean(dim=0)) / X[:n_train].std(dim=0, correction=0), n_train, n_val
        ),
        "order is used the wrong way round: row order[0] comes first, X[order].",
        lambda X, order, *a: _deal(X, order.argsort(), *a),
        "The deviation divides by N - 1; divide by N, with correction=0.",
        partial(_deal, correction=1),
        "One of the two steps is missing: subtract the mean, and divide by the deviation.",
        partial(_deal, scale=False),
        partial(_deal, shift=False),
        partial(_deal, shift=False, scale=False),
        "You divide by the variance; divide by its root.",
        partial(_deal, power=2),
        "You divide first and subtract then: the mean has to come off before.",
        _divided_first,
        "A small number is added to the deviation; no column is constant, so leave it out.",
        *each(_deal, tiny=(1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)),
        "You scale by the smallest and the largest entry; subtract the mean, divide by the standard deviation.",
        _between_0_and_1,
        "Mean and deviation are not those of the columns; each column needs its own, dim=0.",
        _one_scale,
        _of_rows,
        "The parts are cut at wrong places: val ends at n_train + n_val, and test begins there.",
        *(
            lambda *a, cut=cut: cut(torch.cat(_deal(*a)), *a[2:])
            for cut in (
                lambda Z, n, m: (Z[:n], Z[n : n + m], Z[m:]),
                lambda Z, n, m: (Z[:n], Z[n:m], Z[n + m :]),
                lambda Z, n, m: (Z[:n], Z[n:m], Z[m:]),
                lambda Z, n, m: (Z[:n], Z[-m:], Z[n:-m]),
                lambda Z, n, m: (Z[:n], Z[n : n + m], Z[n:]),
                lambda Z, n, m: (Z[:n], Z[n : n + m], Z[-(len(Z) - n - m) :]),
                lambda Z, n, m: (Z[:n], Z[n + 1 : n + m + 1], Z[n + m + 1 :]),
            )
        ),
    ],
)
def three_parts(X, order, n_train, n_val):
    """Exercise 5: training, validation and test rows, standardized by the first. The function returns three tensors."""
    parts = np.split(X.numpy()[order.numpy()], [n_train, n_train + n_val])
    mean = np.average(parts[0], axis=0)
    scale = np.sqrt(np.average((parts[0] - mean) ** 2, axis=0))
    return tuple(torch.tensor((part - mean) / scale, dtype=X.dtype) for part in parts)


# --- 6: the vote of an ensemble -------------------------------------------------------------------------------------


def _ballots():
    """Arguments answers, K."""
    tie = "A tie goes wrong: of classes with equally many votes, take the smallest."
    yield Case((torch.tensor([[2, 0, 1]]), 3), "one member")
    yield Case((torch.tensor([[0], [2], [2]]), 3), "one example")
    yield Case((torch.tensor([[0, 1, 1], [1, 1, 0], [0, 1, 1]]), 2), "two classes")
    yield Case((torch.tensor([[0, 2, 2], [3, 2, 0], [3, 0, 2], [0, 2, 2], [3, 3, 0]]), 4), "a class without votes")
    yield Case((torch.tensor([[2, 1], [0, 3]]), 4), "a tie", tie)
    yield Case((torch.tensor([[3, 1], [1, 0], [1, 2], [3, 2], [0, 1]]), 4), "a tie", tie)
    for M, N, K in [(5, 3, 3), (7, 5, 4), (9, 4, 5), (15, 6, 3)]:
        g = generator(720 + M)
        answers = torch.randint(K, (M, N), generator=g)
        winners = torch.randint(K, (N,), generator=g)
        yield Case((torch.where(torch.rand(M, N, generator=g) < 0.6, winners, answers), K))  # without ties


def _more_ballots():
    def arguments(M, N):
        return torch.randint(2, (M, N), generator=generator(740 + M + N)), 2  # odd M: no ties

    return [("examples", arguments(5, 8), arguments(5, 64), 56), ("members", arguments(9, 5), arguments(65, 5), 56)]


def _counts(answers, K):
    """(N, K): the votes of each example for each class."""
    return (answers[..., None] == torch.arange(K)).sum(dim=0)


@exercise(
    returns=("classes",),
    cases=_ballots,
    loops=_more_ballots,
    mistakes=[
        "It takes the largest of the classes with equally many votes; take the smallest.",
        lambda answers, K: K - 1 - _counts(answers, K).flip(1).argmax(dim=1),
        "You compute with the class numbers, as in a mean; classes are names, so count the votes.",
        *(
            lambda answers, K, to=to: to(answers.double().mean(dim=0)).long()
            for to in (torch.round, torch.floor, torch.ceil)
        ),
        lambda answers, K: (answers.double().mean(dim=0) + 0.5).long(),
        lambda answers, K: answers.sum(dim=0) % K,
        lambda answers, K: answers.double().mean(dim=0),
        "You take the median of the answers; classes are names, so count the votes.",
        lambda answers, K: answers.median(dim=0).values,
        lambda answers, K: answers.double().quantile(0.5, dim=0).long(),
        lambda answers, K: answers.sort(dim=0).values[len(answers) // 2],
        "You count along the wrong axis: the members of an example stand below each other, dim=0.",
        lambda answers, K: _counts(answers.T, K).argmax(dim=1),
        "You return the counts; return the class that has the most, with argmax(dim=1).",
        _counts,
        lambda answers, K: _counts(answers, K).double() / len(answers),
        "You return how many votes the winner has; return which class it is: argmax, not max.",
        lambda answers, K: _counts(answers, K).amax(dim=1),
        "You choose the class with the fewest votes.",
        lambda answers, K: _counts(answers, K).argmin(dim=1),
        "It is the answer of one member alone; all of them vote.",
        lambda answers, K: answers[0].clone(),
        lambda answers, K: answers[-1].clone(),
        "You take the largest or the smallest answer; count the votes.",
        lambda answers, K: answers.amax(dim=0),
        lambda answers, K: answers.amin(dim=0),
        "You return which member answers with the largest class; count the votes of each class first.",
        lambda answers, K: answers.argmax(dim=0),
        "One class is left out of the count: there are K of them, from 0 to K - 1.",
        lambda answers, K: _counts(answers, K)[:, :-1].argmax(dim=1),
        lambda answers, K: _counts(answers, K)[:, 1:].argmax(dim=1) + 1,
        "More than half of the votes are not needed: the most frequent class wins, however few vote for it.",
        lambda answers, K: (2 * _counts(answers, K) > len(answers)).long().argmax(dim=1),
        "All examples vote together: count for each example apart, and let argmax run over its classes, dim=1.",
        lambda answers, K: _counts(answers, K).argmax(dim=0),
        lambda answers, K: _counts(answers, K).argmax(),
        lambda answers, K: _counts(answers, K).sum(dim=0).argmax().expand(answers.shape[1]),
    ],
)
def majority(answers, K):
    """Exercise 6: the class with the most votes, of equals the smallest. The function returns a tensor (N,)."""
    return torch.tensor([int(np.bincount(column, minlength=K).argmax()) for column in answers.numpy().T])
