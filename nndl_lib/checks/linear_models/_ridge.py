"""Exercise 5: ridge regression."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, grown
from nndl_lib.checks.linear_models._common import problem


def _cases():
    """Arguments X, t, lam."""
    yield Case((floats([1.0], [3.0]), floats(2.0, 6.0), 1.0), "one feature")
    yield Case((floats([1.0], [2.0], [6.0]), floats(1.0, 0.0, 5.0), 0.5), "one feature")
    for N, D, lam, note in [
        (3, 2, 0.25, ""),
        (4, 2, 0.5, ""),
        (6, 3, 0.1, ""),
        (5, 3, 100.0, "a large lam"),
        (8, 2, 0.0, "lam = 0"),
    ]:
        X, t, _ = problem(N, D, seed=110 + N)
        yield Case((X + 1, t + 2, lam), note)
    X, t, _ = problem(2, 4, seed=120)
    yield Case((X + 1, t + 1, 0.5), "more features than examples")
    yield Case((floats([2.0, 1.0]), floats(3.0), 0.5), "one example")
    X, t, _ = problem(6, 2, seed=121)
    yield Case((X.float() + 1, t.float(), 0.5), "float32")


def _arguments(N):
    """The arguments with N examples, by which a loop over examples shows."""
    return *problem(N, 3, seed=130 + N)[:2], 0.5


def _normal_equations(X, t, lam, factor=lambda N: N, penalize_bias=False):
    """The right answer by ``(A'A + factor(N) lam I) v = A't`` with A = [X, 1]: w and b are the parts of v."""
    ones = torch.ones(len(X), 1, dtype=X.dtype)
    A = torch.cat([X, ones], dim=1)
    penalty = torch.ones(A.shape[1], dtype=X.dtype)
    penalty[-1] = float(penalize_bias)
    solution = torch.linalg.solve(A.T @ A + factor(len(X)) * lam * penalty.diag(), A.T @ t)
    return solution[:-1], solution[-1]


def _through_zero(X, t, lam):
    w = torch.linalg.solve(X.T @ X + len(X) * lam * torch.eye(X.shape[1], dtype=X.dtype), X.T @ t)
    return w, torch.zeros((), dtype=X.dtype)


def _solve(X, t, matrix, right):
    """Normal equations with a matrix and a right side made of A = [X, 1]."""
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)
    v = torch.linalg.solve(matrix(A), right(A))
    return v[:-1], v[-1]


def _free(A, place):
    """The diagonal of the penalty, with its zero at this place."""
    diagonal = torch.ones(A.shape[1], dtype=A.dtype)
    diagonal[place] = 0
    return diagonal.diag()


def _ones_first(X, t, lam, free=0, bias=-1):
    A = torch.cat([torch.ones(len(X), 1, dtype=X.dtype), X], dim=1)
    v = torch.linalg.solve(A.T @ A + len(X) * lam * _free(A, free), A.T @ t)
    return (v[1:] if bias == 0 else v[:-1]), v[bias]


def _centered_targets(X, t, lam):
    w = _through_zero(X, t - t.mean(), lam)[0]
    return w, t.mean() - X.mean(dim=0) @ w


def _without_penalty(X, t, lam):
    if len(X) <= X.shape[1]:
        raise ValueError("singular")
    return _normal_equations(X, t, 0.0)


def _joined(X, t, lam, bias_first):
    w, b = _normal_equations(X, t, lam)
    return torch.cat([b[None], w] if bias_first else [w, b[None]])


@exercise(
    returns=("w", "b"),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8,), (64,))),
    mistakes=[
        "The bias is penalized as well: it must stay free. Put a 0 for it on the diagonal of the penalty.",
        partial(_normal_equations, penalize_bias=True),
        "The penalty is N times too small: the cost averages over the N examples, so X'X has N lam beside it.",
        partial(_normal_equations, factor=lambda N: 1),
        "The penalty is N times too small, and the bias is penalized as well: N lam on the diagonal, 0 for the bias.",
        partial(_normal_equations, factor=lambda N: 1, penalize_bias=True),
        "The penalty has a factor 2 or 1/2 too many: both terms of the cost have a factor 1/2, so they cancel.",
        *each(_normal_equations, factor=(lambda N: 2 * N, lambda N: N / 2, lambda N: 2, lambda N: 1 / 2)),
        "The penalty has the wrong sign: N lam is added to the diagonal.",
        partial(_normal_equations, factor=lambda N: -N),
        partial(_normal_equations, factor=lambda N: -1),
        "What stands beside X'X is N lam: yours is a power of it, or divides by N.",
        lambda X, t, lam: _normal_equations(X, t, lam**2),
        lambda X, t, lam: _normal_equations(X, t, lam**0.5),
        lambda X, t, lam: _normal_equations(X, t, (len(t) * lam) ** 0.5, factor=lambda N: 1),
        partial(_normal_equations, factor=lambda N: 1 / N),
        partial(_normal_equations, factor=lambda N: N**2),
        "You add N lam to every entry of the matrix; it belongs on the diagonal alone: N lam times torch.eye.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A + len(t) * lam, lambda A: A.T @ t),
        "The free place on the diagonal is that of a weight: it must stand where the column of ones does.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A + len(t) * lam * _free(A, 0), lambda A: A.T @ t),
        partial(_ones_first, free=-1, bias=0),
        "The penalty is on the bias alone, and the weights are free: the other way round.",
        lambda X, t, lam: _solve(
            X,
            t,
            lambda A: A.T @ A + len(t) * lam * (torch.eye(len(A.T), dtype=A.dtype) - _free(A, -1)),
            lambda A: A.T @ t,
        ),
        "The column of ones stands first, but the solution is taken apart as if it stood last.",
        _ones_first,
        "The penalty is D lam; it must be N lam: N examples, D features.",
        lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: X.shape[1]),
        "One side of the equations is divided by N and the other is not.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A / len(t) + lam * _free(A, -1), lambda A: A.T @ t),
        "w is fitted without a bias or to centered targets alone: find both together, or center X and t first.",
        lambda X, t, lam: (_through_zero(X, t, lam)[0], (t - X @ _through_zero(X, t, lam)[0]).mean()),
        _centered_targets,
        lambda X, t, lam: (_through_zero(X, t, lam)[0], t.mean()),
        "There is no penalty: lam has no effect.",
        _without_penalty,
        "There is no bias: append a column of ones, or subtract the means of X and t first.",
        _through_zero,
        "b is the mean of t minus the mean of X times w: X and t were centered, and b is moved back by both means.",
        *(
            lambda X, t, lam, b=b: (_normal_equations(X, t, lam)[0], b(X, t, _normal_equations(X, t, lam)[0]))
            for b in (
                lambda X, t, w: t.new_zeros(()),
                lambda X, t, w: t.mean(),
                lambda X, t, w: t.mean() + X.mean(dim=0) @ w,
                lambda X, t, w: (t - X @ w)[0],
                lambda X, t, w: (t - X @ w).sum(),
                lambda X, t, w: X.mean(dim=0) @ w,
            )
        ),
        "Weights and bias come in one vector; return the pair (w, b).",
        partial(_joined, bias_first=False),
        partial(_joined, bias_first=True),
    ],
)
def ridge(X, t, lam):
    """Exercise 5: ridge regression with a free bias. The function returns (w, b), of shapes (D,) and ()."""
    # Not by the normal equations: as a least-squares problem of centered data with the penalty as further rows.
    N, D = X.shape
    rows = (N * lam) ** 0.5 * torch.eye(D, dtype=X.dtype)
    A, target = torch.cat([X - X.mean(dim=0), rows]), torch.cat([t - t.mean(), t.new_zeros(D)])
    w = torch.linalg.lstsq(A, target[:, None], driver="gelsd").solution[:, 0]
    return w, t.mean() - X.mean(dim=0) @ w
