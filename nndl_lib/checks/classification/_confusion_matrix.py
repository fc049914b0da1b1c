"""Exercise 5: the confusion matrix."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import classes, generator, grown, whole


def _cases():
    """Arguments t, y, K."""

    def case(t, y, K, note=""):
        absent = (
            "It goes wrong where the last class is absent or never right: K alone says the shape (minlength=K * K)."
        )
        return Case((t, y, K), note, "" if ((t == K - 1) & (y == K - 1)).any() else absent)

    yield case(whole(0, 1), whole(1, 1), 2, "two classes")
    yield case(whole(1), whole(0), 2, "one example")
    yield case(whole(0, 1, 2), whole(1, 2, 0), 3, "every answer wrong")
    yield case(whole(0, 0, 0, 1), whole(1, 1, 0, 1), 2, "the same mistake twice")
    yield case(whole(0, 1, 1, 0), whole(0, 1, 0, 1), 4, "classes that never occur")
    for N, K in [(6, 3), (12, 3), (20, 4), (40, 3)]:
        g = generator(600 + N)
        yield case(classes(N, K=K, g=g), classes(N, K=K, g=g), K)
    yield case(whole(0, 0), whole(0, 0), 1, "one class")
    yield case(whole(2, 2, 2), whole(2, 2, 2), 5, "classes that never occur")
    yield case(whole(), whole(), 3, "no example")


def _arguments(N):
    g = generator(650 + N)
    return classes(N, K=3, g=g), classes(N, K=3, g=g), 3


def _count(t, y, K):
    counts = np.zeros((K, K), dtype=np.int64)
    np.add.at(counts, (t.numpy(), y.numpy()), 1)
    return torch.from_numpy(counts)


def _marks(t, y, K):
    counts = torch.zeros(K, K, dtype=torch.int64)
    counts[t, y] += 1
    return counts


def _shares(t, y, K, dim):
    counts = _count(t, y, K).double()
    return counts / (counts.sum() if dim is None else counts.sum(dim=dim, keepdim=True))


@exercise(
    returns=("counts",),
    strict=("counts",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8,), (64,))),
    mistakes=[
        "Rows and columns are exchanged: a row is a true class, a column a predicted one.",
        lambda t, y, K: _count(y, t, K),
        "Equal pairs are counted once: counts[t, y] += 1 writes each entry a single time.",
        _marks,
        "You return shares of the rows; return the counts.",
        partial(_shares, dim=1),
        "You return shares of the columns; return the counts.",
        partial(_shares, dim=0),
        "You return shares of all examples; return the counts.",
        partial(_shares, dim=None),
        "Only the right answers are counted: the mistakes belong off the diagonal.",
        lambda t, y, K: torch.diag(_count(t, y, K).diag()),
        "Only the mistakes are counted: the right answers belong on the diagonal.",
        lambda t, y, K: _count(t, y, K) - torch.diag(_count(t, y, K).diag()),
        "You return one long row of K * K counts; give it the shape (K, K).",
        lambda t, y, K: _count(t, y, K).flatten(),
        "You return the number of right answers of each class; all K x K pairs are asked for.",
        lambda t, y, K: _count(t, y, K).diag(),
        "You count how often each class is true or predicted; count pairs of true and predicted class.",
        lambda t, y, K: torch.bincount(t, minlength=K),
        lambda t, y, K: torch.bincount(y, minlength=K),
        "The pair (t, y) has the number t * K + y: with yours, pairs share one number or stand at another place.",
        *(
            lambda t, y, K, of=of: torch.bincount(of(t, y, K), minlength=K * K)[: K * K].reshape(K, K)
            for of in (
                lambda t, y, K: t + y,
                lambda t, y, K: t * (K - 1) + y,
                lambda t, y, K: t * y,
                lambda t, y, K: t * (K + 1) + y,
            )
        ),
        "You multiply how often each class is true and predicted; count the pairs that occur together.",
        lambda t, y, K: torch.outer(torch.bincount(t, minlength=K), torch.bincount(y, minlength=K)),
        lambda t, y, K: torch.outer(torch.bincount(t, minlength=K), torch.bincount(y, minlength=K)) // max(len(t), 1),
        "Entries below or above the diagonal are left out: each pair of classes counts, (i, j) and (j, i) apart.",
        lambda t, y, K: _count(t, y, K).triu(),
        lambda t, y, K: _count(t, y, K).tril(),
        "The counts of (t, y) and (y, t) are added up: which class was true makes a difference.",
        lambda t, y, K: _count(t, y, K) + _count(y, t, K),
        lambda t, y, K: (_count(t, y, K) + _count(y, t, K)) // 2,
    ],
)
def confusion_matrix(t, y, K):
    """Exercise 5: how often each class is taken for each class. The function returns (K, K), of int64."""
    return _count(t, y, K)
