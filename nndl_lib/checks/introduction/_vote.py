"""Exercise 4: a vote of neighbors."""

from collections import Counter
from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator, grown, hundredths


def _cases():
    """Arguments X_known, t_known, X_new, k."""
    tie = "A tie goes wrong: of classes with equally many votes, the one with the nearest point wins."
    line = floats([0.0], [1.0], [2.5], [4.0])
    yield Case((floats([1.0]), torch.tensor([2]), floats([3.0]), 1), "one known point")
    yield Case((line, torch.tensor([0, 1, 1, 0]), floats([0.2]), 1), "k = 1")
    yield Case((line, torch.tensor([0, 1, 1, 0]), floats([0.2], [3.9]), 3))
    yield Case((line, torch.tensor([1, 0, 1, 0]), floats([0.9], [0.2], [2.0]), 2), "a tie", tie)
    yield Case((line, torch.tensor([2, 0, 2, 0]), floats([0.1], [3.6]), 4), "a tie", tie)
    yield Case((line, torch.tensor([3, 1, 0, 2]), floats([0.3], [2.2]), 3), "a tie", tie)
    yield Case((floats([0.0], [3.0], [0.5], [0.75]), torch.tensor([1, 1, 0, 0]), floats([0.125]), 4), "a tie", tie)
    for seed, N, M, D, K, k, note in [
        (1, 6, 3, 2, 2, 3, ""),
        (2, 9, 4, 2, 3, 5, ""),
        (3, 12, 5, 3, 2, 3, ""),
        (4, 9, 4, 2, 3, 1, "k = 1"),
        (5, 15, 6, 3, 3, 7, ""),
        (6, 7, 3, 2, 2, 7, "k = N"),
        (7, 20, 8, 2, 2, 5, ""),
        (8, 10, 4, 2, 4, 4, ""),
        (9, 14, 9, 3, 3, 3, ""),
    ]:
        g = generator(380 + seed)
        X, X_new = hundredths(N, D, g=g), hundredths(M, D, g=g) + 0.003
        yield Case((X, torch.randint(K, (N,), generator=g), X_new, k), note)
    g = generator(399)
    X, t, X_new = hundredths(8, 2, g=g), torch.randint(3, (8,), generator=g), hundredths(3, 2, g=g) + 0.003
    yield Case((X.float(), t, X_new.float(), 3), "float32")


def _arguments(N):
    g = generator(400 + N)
    return hundredths(N, 2, g=g), torch.randint(3, (N,), generator=g), hundredths(4, 2, g=g) + 0.003, 3


def _elect(X, t, new, k, decide, distance=None):
    distances = torch.cdist(new, X) if distance is None else distance(X, new)
    return torch.tensor([decide(t[row.argsort()[:k]].tolist()) for row in distances])


def _first_of_most(classes):
    votes = Counter(classes)
    return max(classes, key=lambda c: votes[c])  # the first of equal ones: the nearest


def _weighted(X, t, new, k, power):
    distances = torch.cdist(new, X)
    near = distances.argsort(dim=1)[:, :k]
    return (
        (torch.nn.functional.one_hot(t[near]) * distances.gather(1, near)[..., None] ** -power).sum(dim=1).argmax(dim=1)
    )


def _modes(classes):
    votes = Counter(classes)
    return [c for c in sorted(votes) if votes[c] == max(votes.values())]


@exercise(
    returns=("classes",),
    strict=("classes",),
    cases=_cases,
    loops=grown(_arguments, ("known points", (8,), (64,))),
    mistakes=[
        "You let the farthest points vote; sort by distance, the smallest first.",
        partial(_elect, decide=_first_of_most, distance=lambda X, n: -torch.cdist(n, X)),
        "You ask the nearest point alone; k of them vote.",
        lambda X, t, n, k: _elect(X, t, n, 1, _first_of_most),
        "You return the class of the k-th neighbor; let all k vote.",
        partial(_elect, decide=lambda c: c[-1]),
        "The number of points that vote is not k: one more or less, or all. A slice [:k] holds k of them.",
        lambda X, t, n, k: _elect(X, t, n, k + 1, _first_of_most),
        lambda X, t, n, k: _elect(X, t, n, max(k - 1, 1), _first_of_most),
        lambda X, t, n, k: _elect(X, t, n, len(t), _first_of_most),
        lambda X, t, n, k: t.mode().values.expand(len(n)).clone(),
        "You leave out the nearest point. That is right only where a point would meet itself; new points are new.",
        *(
            lambda X, t, n, k, end=end: torch.tensor(
                [
                    _first_of_most(t[row.argsort()[1 : k + end]].tolist() or [t[row.argmin()].item()])
                    for row in torch.cdist(n, X)
                ]
            )
            for end in (1, 0)
        ),
        "Ties go to the smallest class; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _modes(c)[0]),
        "Ties go to the largest class; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _modes(c)[-1]),
        "Ties go to the class whose last voter comes last; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _first_of_most(c[::-1])),
        "Near points have more weight in your vote; each of the k has one vote.",
        *each(_weighted, power=(1, 2)),
        "You compute with the class numbers, as in a mean; classes are names, count votes.",
        *(
            lambda X, t, n, k, to=to: _elect(X, t, n, k, lambda c: int(to(np.mean(c))))
            for to in (lambda m: np.floor(m + 0.5), np.round, np.floor, np.ceil)
        ),
        partial(_elect, decide=lambda c: float(np.mean(c))),
        "You take the median of the class numbers; classes are names, count votes.",
        partial(_elect, decide=lambda c: sorted(c)[(len(c) - 1) // 2]),
        partial(_elect, decide=lambda c: sorted(c)[len(c) // 2]),
        partial(_elect, decide=lambda c: int(np.median(c))),
        "You choose the class with the fewest votes; choose the most frequent one.",
        partial(_elect, decide=lambda c: min(c, key=lambda x: Counter(c)[x])),
        "You return places of points; return classes, t_known at those places.",
        lambda X, t, n, k: torch.cdist(n, X).argmin(dim=1),
        lambda X, t, n, k: torch.cdist(n, X).argsort(dim=1)[:, :k].mode(dim=1).values,
        "The distance is not the Euclidean one: square the differences of all features, and add them up.",
        *(
            partial(_elect, decide=_first_of_most, distance=far)
            for far in (
                lambda X, n: (n[:, None] - X).sum(dim=-1),
                lambda X, n: (n[:, None] - X).sum(dim=-1).abs(),
                lambda X, n: torch.cdist(n, X, p=1),
                lambda X, n: torch.cdist(n, X, p=float("inf")),
                lambda X, n: (n[:, None] - X)[..., 0].abs(),
                lambda X, n: -n @ X.T,
                lambda X, n: n @ X.T,
            )
        ),
        "You return how many votes the winner has; return its class.",
        partial(_elect, decide=lambda c: max(Counter(c).values())),
    ],
)
def vote(X_known, t_known, X_new, k):
    """Exercise 4: classes by a vote of the k nearest. The function returns (M,), int64."""
    squares = ((X_new.numpy()[:, None] - X_known.numpy()) ** 2).sum(axis=-1)
    return _elect(X_known, t_known, X_new, k, _first_of_most, lambda X, n: torch.from_numpy(squares))
