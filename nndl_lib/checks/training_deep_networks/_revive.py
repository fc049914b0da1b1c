"""Exercise 4: dead units."""

import math

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, signed_quarters


def _cases():
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


def _z(X, W, b):
    return X @ W.T + b


def _revived(X, W, b, rows, dead=None, hinges=None):
    dead = (_z(X, W, b) <= 0).all(dim=0) if dead is None else dead
    return dead, torch.where(dead, -(W * X[rows]).sum(dim=1) if hinges is None else hinges, b)


@exercise(
    returns=("dead", "b"),
    cases=_cases,
    loops=grown(_layer, ("examples", (8, 3, 4, 51), (64, 3, 4, 51)), ("units", (4, 3, 8, 52), (4, 3, 64, 52))),
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
