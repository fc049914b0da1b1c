"""Exercise 5: three parts."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator, quarters


def _cases():
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
    cases=_cases,
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
