"""Checks of the exercises to chapter 00, "Prerequisites"."""

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks.engine import Case, exercise
from nndl_lib.runtime import generator

__all__ = ["covariance", "layer_jacobian", "majority", "quadratic_gradient", "three_parts", "to_normal"]


def _floats(*values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _quarters(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/4 from -2 to 2: short to print, exact to compute with."""
    return torch.randint(-8, 9, shape, generator=g).double() / 4


# --- 1: any normal distribution -------------------------------------------------------------------------------------


def _standard_samples():
    """Arguments x, mu, variance."""
    yield Case((_floats(1.0), 2.0, 9.0), "one sample")
    yield Case((_floats(1.0, -0.5), 3.0, 4.0))
    yield Case((_floats(0.5, -1.0, 2.0), 0.0, 16.0), "mean 0")
    yield Case((_floats(0.5, -1.5, 0.25), -2.0, 1.0), "variance 1")
    yield Case((_floats(1.5, 0.0, -1.0), 1.0, 0.25), "a small variance")
    yield Case((_floats(1.0, -2.0), 5.0, 0.0), "variance 0")
    for n, mu, variance in [(4, -1.5, 6.25), (7, 10.0, 2.0), (12, 0.5, 100.0)]:
        yield Case((_quarters(n, g=generator(500 + n)), mu, variance))
    yield Case((_floats(1.0, -0.5, 0.75).float(), 2.0, 4.0), "float32")


def _more_samples():
    def arguments(n):
        return _quarters(n, g=generator(520 + n)), 1.0, 4.0

    return [("samples", arguments(8), arguments(64), 56)]


@exercise(
    returns=("z",),
    cases=_standard_samples,
    loops=_more_samples,
    mistakes=[
        ("You multiply by the variance; the factor is the standard deviation, its root.",
         lambda x, mu, variance: mu + variance * x),
        ("You multiply by the square of the variance; the factor is its root.",
         lambda x, mu, variance: mu + variance**2 * x),
        ("You divide by the standard deviation; multiply by it.", lambda x, mu, variance: mu + x / variance**0.5),
        ("You shift first and stretch then, so the mean is stretched as well: add mu at the end.",
         lambda x, mu, variance: variance**0.5 * (x + mu)),
        ("You standardize, (x - mu) / sigma: that is the way back, from z to x.",
         lambda x, mu, variance: (x - mu) / variance**0.5),
        ("The mean mu is missing.", lambda x, mu, variance: variance**0.5 * x),
        ("The spread is still that of x: multiply by the standard deviation.", lambda x, mu, variance: mu + x),
        ("You subtract mu; add it.", lambda x, mu, variance: variance**0.5 * x - mu),
        ("The two numbers have changed places: the standard deviation multiplies x, and mu is added.",
         lambda x, mu, variance: variance**0.5 + mu * x),
        ("You force the mean of these samples to be mu exactly; their mean, too, must scatter: leave out x.mean().",
         lambda x, mu, variance: mu + variance**0.5 * (x - x.mean())),
        ("You turn the sign of x. The distribution is the same, but here z must grow with x.",
         lambda x, mu, variance: mu - variance**0.5 * x),
        ("It returns mu for every sample.", lambda x, mu, variance: torch.full_like(x, mu)),
    ],
)
def to_normal(x, mu, variance):
    """Exercise 1: samples of N(mu, variance) from those of N(0, 1). The function returns a tensor (n,)."""
    return torch.distributions.AffineTransform(mu, float(np.sqrt(variance)))(x)


# --- 2: the covariance of samples -----------------------------------------------------------------------------------


def _pairs():
    """Arguments x, y."""
    yield Case((_floats(2.0), _floats(3.0)), "one pair")
    yield Case((_floats(1.0, 3.0), _floats(2.0, 8.0)), "two pairs")
    yield Case((_floats(1.0, 2.0, 6.0), _floats(5.0, 3.0, 1.0)), "a negative covariance")
    yield Case((_floats(1.0, 2.0, 6.0), _floats(1.0, 2.0, 6.0)), "x and y equal")
    yield Case((_floats(-1.0, 0.0, 1.0), _floats(1.0, 0.0, 1.0)), "covariance 0")
    yield Case((_floats(1.0, 4.0, 2.0), _floats(3.0, 3.0, 3.0)), "y constant")
    for n in [4, 6, 9]:
        g = generator(530 + n)
        x = _quarters(n, g=g) + 1
        yield Case((x, x + 2 * _quarters(n, g=g)))
    g = generator(540)
    x, y = _quarters(5, g=g), _quarters(5, g=g)
    yield Case((x.float(), y.float() + 1), "float32")
    digits = "On samples far from zero it loses its digits: subtract the means before you multiply."
    yield Case((x + 1e6 + 0.1, x + y + 1e6 + 0.3), "samples near a million", digits)


def _more_pairs():
    def arguments(n):
        g = generator(550 + n)
        return _quarters(n, g=g), _quarters(n, g=g)

    return [("samples", arguments(8), arguments(64), 56)]


def _products(x, y):
    return (x - x.mean()) * (y - y.mean())


@exercise(
    returns=("c",),
    cases=_pairs,
    loops=_more_pairs,
    mistakes=[
        ("You divide by n - 1; here the mean goes over the n pairs.", lambda x, y: _products(x, y).sum() / (len(x) - 1)),
        ("You add up the products; take their mean.", lambda x, y: _products(x, y).sum()),
        ("The means are not subtracted: it is the mean of x times y.", lambda x, y: (x * y).mean()),
        ("It is the product of the two means.", lambda x, y: x.mean() * y.mean()),
        ("Its sign is wrong: the mean of the product comes first, the product of the means is subtracted.",
         lambda x, y: -_products(x, y).mean()),
        ("You return the correlation; do not divide by the standard deviations.",
         lambda x, y: _products(x, y).mean() / (x.std(correction=0) * y.std(correction=0))),
        ("You return the product of the standard deviations; multiply pair by pair, and average then.",
         lambda x, y: x.std(correction=0) * y.std(correction=0)),
        ("You take absolute values; products of opposite signs must cancel.", lambda x, y: _products(x, y).abs().mean()),
        ("You average the distances from the mean first, which gives 0: multiply pair by pair, and average then.",
         lambda x, y: 0 * (x - x.mean()).mean() * (y - y.mean()).mean()),
        ("It is the variance of x; y takes no part.", lambda x, y: _products(x, x).mean()),
        ("You return one product for each pair; take their mean.", _products),
        ("You return the 2 x 2 table of covariances, divided by n - 1; return the entry of x with y, divided by n.",
         lambda x, y: torch.cov(torch.stack([x, y]))),
        ("You return the 2 x 2 table of covariances; return the entry of x with y, one number.",
         lambda x, y: torch.cov(torch.stack([x, y]), correction=0)),
        ("Every x meets every y: an outer product has n x n terms. Multiply pair by pair.",
         lambda x, y: (x - x.mean())[:, None] * (y - y.mean())),
    ],
)
def covariance(x, y):
    """Exercise 2: the covariance of samples, divided by n. The function returns a tensor of shape ()."""
    return torch.tensor(np.cov(x.numpy(), y.numpy(), bias=True)[0, 1], dtype=x.dtype)


# --- 3: the gradient of a quadratic form ----------------------------------------------------------------------------


def _forms():
    """Arguments B, x."""
    yield Case((_floats([3.0]), _floats(2.0)), "one entry")
    yield Case((_floats([1.0, 2.0], [0.0, 1.0]), _floats(1.0, 3.0)))
    yield Case((_floats([1.0, 0.0], [0.0, 1.0]), _floats(2.0, -1.0)), "the identity")
    yield Case((_floats([2.0, 1.0], [1.0, 3.0]), _floats(1.0, -2.0)), "a symmetric matrix")
    yield Case((_floats([0.0, 1.0], [-1.0, 0.0]), _floats(1.0, 2.0)), "a matrix with B' = -B")
    yield Case((_floats([1.0, 2.0], [3.0, 4.0]), _floats(0.0, 0.0)), "x = 0")
    for m in [2, 3, 4, 6]:
        g = generator(560 + m)
        yield Case((_quarters(m, m, g=g), _quarters(m, g=g)))
    g = generator(570)
    yield Case((_quarters(3, 3, g=g).float(), _quarters(3, g=g).float()), "float32")


def _larger_forms():
    def arguments(m):
        g = generator(580 + m)
        return _quarters(m, m, g=g), _quarters(m, g=g)

    return [("entries", arguments(8), arguments(64), 56)]


@exercise(
    returns=("gradient",),
    cases=_forms,
    loops=_larger_forms,
    mistakes=[
        ("It is 2 B x, which is right for a symmetric B alone: the place on the right has the slope B' x.",
         lambda B, x: 2 * B @ x),
        ("It is 2 B' x, which is right for a symmetric B alone: the place on the left has the slope B x.",
         lambda B, x: 2 * B.T @ x),
        ("It is B x: x stands in the product twice, and the place on the right has a slope, too.", lambda B, x: B @ x),
        ("It is B' x: x stands in the product twice, and the place on the left has a slope, too.", lambda B, x: B.T @ x),
        ("It is half of what it should be: there is no factor 1/2 in x' B x.", lambda B, x: (B + B.T) @ x / 2),
        ("It is twice too large: the two places are B x and B' x, without a further 2.", lambda B, x: 2 * (B + B.T) @ x),
        ("You subtract the two slopes; add them.", lambda B, x: (B - B.T) @ x),
        ("You return the value x' B x, one number; the gradient has the shape of x.", lambda B, x: x @ B @ x),
        ("You return the gradient with respect to B, the table of products x_i x_j.", lambda B, x: torch.outer(x, x)),
        ("It is 2 x, the gradient of x' x: B is missing.", lambda B, x: 2 * x),
        ("You return a matrix: * multiplies entry by entry, @ is the product with a vector.", lambda B, x: (B + B.T) * x),
        ("You return the matrix of second derivatives, B + B'; multiply it by x.", lambda B, x: B + B.T),
    ],
)
def quadratic_gradient(B, x):
    """Exercise 3: the gradient of x' B x. The function returns a tensor (m,)."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(x @ B @ x, x)[0]


# --- 4: the Jacobian of a layer -------------------------------------------------------------------------------------


def _layers():
    """Arguments A, x."""
    yield Case((_floats([0.5]), _floats(1.0)), "one input, one output")
    yield Case((_floats([0.5, -1.0]), _floats(1.0, 0.25)), "one output")
    yield Case((_floats([0.5], [1.0]), _floats(0.5)), "one input")
    yield Case((_floats([0.5, 1.0], [-0.25, 0.75]), _floats(1.0, 0.5)), "a square matrix")
    yield Case((_floats([0.5, 1.0], [-0.25, 0.75]), _floats(0.0, 0.0)), "x = 0")
    for m, n in [(2, 3), (4, 2), (3, 3), (3, 5)]:
        g = generator(590 + 10 * m + n)
        yield Case((_quarters(m, n, g=g) / 2, _quarters(n, g=g) / 2))
    yield Case((_floats([8.0, 0.0], [0.0, 0.5]), _floats(1.0, 0.5)), "a unit that is saturated")
    g = generator(650)
    yield Case((_quarters(2, 3, g=g).float() / 2, _quarters(3, g=g).float() / 2), "float32")


def _larger_layers():
    def arguments(m, n):
        g = generator(660 + m + n)
        return _quarters(m, n, g=g) / 4, _quarters(n, g=g) / 4

    return [("outputs", arguments(8, 3), arguments(64, 3), 56), ("inputs", arguments(3, 8), arguments(3, 64), 56)]


def _scaled(A, slopes):
    """Each row of A times a number of its own."""
    return torch.einsum("i,ij->ij", slopes, A)


@exercise(
    returns=("J",),
    cases=_layers,
    loops=_larger_layers,
    mistakes=[
        ("The slope of tanh is missing: A is the Jacobian of A x alone.", lambda A, x: 1 * A),
        ("You multiply the columns; each row of A gets the slope of its output. Make the slopes a column, slopes[:, None].",
         lambda A, x: (1 - torch.tanh(A @ x) ** 2) * A),
        ("It is transposed: one row an output, one column an input.", lambda A, x: _scaled(A, 1 - torch.tanh(A @ x) ** 2).T),
        ("The square is missing: the slope of tanh(z) is 1 - tanh(z)**2.", lambda A, x: _scaled(A, 1 - torch.tanh(A @ x))),
        ("You multiply by tanh(z)**2; its slope is 1 minus that.", lambda A, x: _scaled(A, torch.tanh(A @ x) ** 2)),
        ("You multiply by tanh(z) itself; multiply by its slope, 1 - tanh(z)**2.",
         lambda A, x: _scaled(A, torch.tanh(A @ x))),
        ("The tanh inside the slope is missing: it is 1 - tanh(z)**2, not 1 - z**2.",
         lambda A, x: _scaled(A, 1 - (A @ x) ** 2)),
        ("You apply tanh twice: with h = tanh(z) the slope is 1 - h**2.",
         lambda A, x: _scaled(A, 1 - torch.tanh(torch.tanh(A @ x)) ** 2)),
        ("You take h (1 - h), the slope of the logistic function; that of tanh is 1 - h**2.",
         lambda A, x: _scaled(A, torch.tanh(A @ x) * (1 - torch.tanh(A @ x)))),
        ("Its sign is wrong: the slope of tanh(z) is 1 - tanh(z)**2.", lambda A, x: _scaled(A, torch.tanh(A @ x) ** 2 - 1)),
        ("You return the gradient of the sum of the outputs; the Jacobian has a row for each output.",
         lambda A, x: (1 - torch.tanh(A @ x) ** 2) @ A),
        ("You return the slopes of tanh alone; multiply row i of A by slope i.", lambda A, x: 1 - torch.tanh(A @ x) ** 2),
        ("You return the Jacobian of tanh alone, a diagonal matrix; multiply it by A.",
         lambda A, x: (1 - torch.tanh(A @ x) ** 2).diag()),
        ("You return the outputs tanh(A x); the Jacobian holds their slopes.", lambda A, x: torch.tanh(A @ x)),
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

    yield case(_floats([1.0], [3.0], [8.0], [4.0]), [0, 1, 2, 3], 2, 1, "one column")
    yield case(_floats([1.0], [3.0], [8.0], [4.0], [0.0]), [3, 0, 4, 2, 1], 2, 2, "one test row")
    yield case(_floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [2, 3, 1, 0], 2, 1)
    yield case(_floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [1, 0, 3, 2], 3, 0, "no validation rows")
    yield case(_floats([1.0, 10.0], [2.0, 50.0], [5.0, 30.0], [4.0, 20.0]), [1, 3, 0, 2], 2, 2, "no test rows")
    for N, D, n_train, n_val in [(6, 2, 3, 1), (8, 3, 4, 2), (10, 2, 5, 3), (12, 4, 6, 2)]:
        g = generator(670 + N)
        X = _quarters(N, D, g=g) * torch.arange(1, D + 1) + 3
        yield case(X, torch.randperm(N, generator=g).tolist(), n_train, n_val)
    g = generator(690)
    yield case(_quarters(6, 2, g=g).float() + 1, [4, 1, 0, 5, 3, 2], 3, 2, "float32")


def _larger_tables():
    def arguments(N, D):
        g = generator(700 + N + D)
        return _quarters(N, D, g=g), torch.randperm(N, generator=g), N // 2, N // 4

    return [("rows", arguments(8, 2), arguments(64, 2), 40), ("columns", arguments(12, 2), arguments(12, 40), 38)]


def _cut(X, n_train, n_val):
    return X[:n_train], X[n_train : n_train + n_val], X[n_train + n_val :]


def _deal(X, order, n_train, n_val, by=lambda train, val, test: train, shift=True, scale=True, power=1, correction=0):
    """The right answer, with its rules as options, to make mistakes with. ``by``: the rows that mean and deviation see."""
    X = X[order]
    seen = by(*_cut(X, n_train, n_val))
    mean, deviation = seen.mean(dim=0), seen.std(dim=0, correction=correction) ** power
    return _cut((X - mean * shift) / (deviation if scale else 1), n_train, n_val)


def _by_itself(X, order, n_train, n_val):
    return tuple((part - part.mean(dim=0)) / part.std(dim=0, correction=0) for part in _cut(X[order], n_train, n_val))


def _one_scale(X, order, n_train, n_val):
    train = X[order][:n_train]
    return _cut((X[order] - train.mean()) / train.std(correction=0), n_train, n_val)


@exercise(
    returns=("train", "val", "test"),
    cases=_tables,
    loops=_larger_tables,
    mistakes=[
        ("Mean and deviation come from all rows, so the test rows have been seen: take them from the training rows.",
         lambda *a: _deal(*a, by=lambda *parts: torch.cat(parts))),
        ("Mean and deviation see the validation rows as well: take them from the training rows alone.",
         lambda *a: _deal(*a, by=lambda train, val, test: torch.cat([train, val]))),
        ("Each part is scaled by its own mean and deviation; use those of the training rows for all three.", _by_itself),
        ("order has no effect: deal the rows out as it says, X[order].",
         lambda X, order, *a: _deal(X, torch.arange(len(X)), *a)),
        ("order is used the wrong way round: row order[0] comes first, X[order].",
         lambda X, order, *a: _deal(X, order.argsort(), *a)),
        ("The deviation divides by N - 1; divide by N, with correction=0.", lambda *a: _deal(*a, correction=1)),
        ("The columns are centered, and not divided by their deviation.", lambda *a: _deal(*a, scale=False)),
        ("The columns are divided by their deviation, and their mean is not subtracted.", lambda *a: _deal(*a, shift=False)),
        ("You divide by the variance; divide by its root.", lambda *a: _deal(*a, power=2)),
        ("The rows are not standardized: subtract the mean, divide by the deviation.",
         lambda *a: _deal(*a, shift=False, scale=False)),
        ("The training rows are standardized, the others are not: use the same two vectors for all three.",
         lambda *a: (_deal(*a)[0], *_deal(*a, shift=False, scale=False)[1:])),
        ("val and test have changed places: n_val rows follow the training rows, the rest is for the test.",
         lambda *a: tuple(_deal(*a)[k] for k in (0, 2, 1))),
        ("There is one mean and one deviation for the whole table; each column needs its own, dim=0.", _one_scale),
        ("The test rows begin at n_val: the validation rows end at n_train + n_val.",
         lambda X, order, n_train, n_val: (
             *_deal(X, order, n_train, n_val)[:2], torch.cat(_deal(X, order, n_train, n_val))[n_val:])),
        ("The validation rows end at n_val: they end at n_train + n_val.",
         lambda X, order, n_train, n_val: (
             _deal(X, order, n_train, n_val)[0], torch.cat(_deal(X, order, n_train, n_val))[n_train:n_val],
             _deal(X, order, n_train, n_val)[2])),
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
        ("It takes the largest of the classes with equally many votes; take the smallest.",
         lambda answers, K: K - 1 - _counts(answers, K).flip(1).argmax(dim=1)),
        ("You round the mean of the answers; classes are names, so count the votes.",
         lambda answers, K: answers.double().mean(dim=0).round().long()),
        ("You cut off the mean of the answers; classes are names, so count the votes.",
         lambda answers, K: answers.double().mean(dim=0).long()),
        ("You take the median of the answers; classes are names, so count the votes.",
         lambda answers, K: answers.median(dim=0).values),
        ("You count along the wrong axis: the members of an example stand below each other, dim=0.",
         lambda answers, K: _counts(answers.T, K).argmax(dim=1)),
        ("You return the counts; return the class that has the most, with argmax(dim=1).", _counts),
        ("You return how many votes the winner has; return which class it is: argmax, not max.",
         lambda answers, K: _counts(answers, K).amax(dim=1)),
        ("You choose the class with the fewest votes.", lambda answers, K: _counts(answers, K).argmin(dim=1)),
        ("It is the answer of the first member alone.", lambda answers, K: answers[0].clone()),
        ("You take the largest answer; count the votes.", lambda answers, K: answers.amax(dim=0)),
        ("You return which member answers with the largest class; count the votes of each class first.",
         lambda answers, K: answers.argmax(dim=0)),
        ("Your argmax runs over the examples; it must run over the classes, the axis of length K.",
         lambda answers, K: _counts(answers, K).argmax(dim=0)),
        ("Your argmax runs over the whole table; give it the axis of the classes.",
         lambda answers, K: _counts(answers, K).argmax()),
    ],
)
def majority(answers, K):
    """Exercise 6: the class with the most votes, of equals the smallest. The function returns a tensor (N,)."""
    return torch.tensor([int(np.bincount(column, minlength=K).argmax()) for column in answers.numpy().T])
