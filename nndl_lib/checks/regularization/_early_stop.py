"""Exercise 3: when to stop."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator


def _cases():
    """Arguments costs, patience."""
    tie = "A cost that only equals the best one goes wrong: that is no improvement."
    yield Case(([1.0], 1), "one epoch")
    yield Case(([2.0, 1.0], 1), "it never stops")
    yield Case(([1.0, 2.0, 0.5], 1), "patience 1")
    yield Case(([3.0, 2.0, 2.5, 1.0, 1.5, 1.25, 0.5], 2), "a better epoch after the stop")
    yield Case(([1.0, 2.0, 3.0, 4.0], 2), "the first is the best")
    yield Case(([2.0, 1.0, 1.0, 1.0, 1.0, 0.5], 3), "equal costs", tie)
    yield Case(([1.0, 1.0, 1.0], 2), "equal costs", tie)
    yield Case(([4.0, 3.0, 3.0, 3.5, 2.0], 2), "equal costs", tie)
    yield Case(([5.0, 4.0, 3.0, 2.0, 1.0], 2), "it never stops")
    yield Case(([3.0, 2.0, 4.0, 3.5, 1.0, 2.0, 1.5, 1.25, 0.0], 3), "falling, but not below the best")
    yield Case(([4.0, 5.0, 3.0, 6.0, 2.0, 7.0, 1.0], 2), "one bad epoch at a time")
    yield Case(([2.0, 1.0, 3.0, 4.0], 2), "the stop is in the last epoch")
    yield Case(([2.0, 1.0, 3.0], 5), "the list ends first")
    yield Case(([-1.0, -2.0, -1.5, -3.0], 2), "negative values")
    yield Case(([1e6, 2e6, 5e5, 6e5, 7e5, 8e5], 3), "large costs")
    little = "A small improvement goes wrong: every cost below the best one is one, however little."
    yield Case(([1.0, 0.999, 0.998, 0.997, 0.9969], 2), "small improvements", little)
    yield Case(([3e-6, 2e-6, 1e-6, 9e-7], 1), "small improvements", little)
    values = torch.randint(1, 40, (30,), generator=generator(21)).double() / 4
    yield Case((values.tolist(), 5))
    yield Case((values.flip(0).tolist(), 4))


def _stop(
    costs,
    patience,
    better=lambda value, best: value < best,
    full=lambda waited, patience: waited == patience,
    in_a_row=True,
    against_previous=False,
):
    best, waited = 0, 0
    for epoch, value in enumerate(costs):
        reference = costs[epoch - 1] if against_previous else costs[best]
        if epoch == 0 or better(value, reference):
            best, waited = epoch, 0 if in_a_row else waited
        else:
            waited += 1
        if full(waited, patience):
            break
    return best, epoch


def _previous(costs, patience):
    """Counts rises from one epoch to the next, and keeps the best of all seen."""
    rises = 0
    for epoch in range(len(costs)):
        rises = rises + 1 if epoch and costs[epoch] >= costs[epoch - 1] else 0
        if rises == patience:
            break
    return min(range(epoch + 1), key=lambda k: costs[k]), epoch


@exercise(
    returns=("best", "last"),
    cases=_cases,
    mistakes=[
        "best looks at epochs after the stop, which never run.",
        lambda costs, p: (costs.index(min(costs)), _stop(costs, p)[1]),
        "It never stops: all epochs run.",
        lambda costs, p: (costs.index(min(costs)), len(costs) - 1),
        "It stops one epoch too late: after patience epochs in a row without improvement, not patience + 1.",
        partial(_stop, full=lambda waited, p: waited > p),
        "It stops one epoch too early: patience epochs in a row without improvement have to run.",
        partial(_stop, full=lambda waited, p: waited == p - 1),
        "Epochs without improvement are counted in all; an improvement sets the count back to zero.",
        partial(_stop, in_a_row=False),
        "It compares with the epoch before; compare with the best so far.",
        partial(_stop, against_previous=True),
        "It compares with the epoch before; compare with the best so far.",
        _previous,
        "A cost equal to the best counts as an improvement; only a lower one does.",
        partial(_stop, better=lambda value, best: value <= best),
        "It looks for the highest cost; the lowest is the best.",
        partial(_stop, better=lambda value, best: value > best),
        "best is a cost; return the number of the epoch.",
        lambda costs, p: (costs[_stop(costs, p)[0]], _stop(costs, p)[1]),
        "Both count from 1; epochs count from 0.",
        lambda costs, p: tuple(k + 1 for k in _stop(costs, p)),
        "last is the number of epochs that ran; return the number of the last one, counted from 0. (best is right.)",
        lambda costs, p: (_stop(costs, p)[0], _stop(costs, p)[1] + 1),
        "best is the last epoch; the weights that are kept are those of the lowest cost. (last is right.)",
        lambda costs, p: (_stop(costs, p)[1], _stop(costs, p)[1]),
        "last can lie after the end of the list: fewer than patience epochs may follow the best one. (best is right.)",
        lambda costs, p: (_stop(costs, p)[0], _stop(costs, p)[0] + p),
        "best is the lowest cost of all, also of epochs after the stop; look for the stop as you go through the list.",
        lambda costs, p: (costs.index(min(costs)), min(costs.index(min(costs)) + p, len(costs) - 1)),
        "It stops at the first epoch that is not better, whatever the patience is.",
        lambda costs, p: _stop(costs, 1),
        "The best cost so far starts at 0; start from the first cost, or from infinity.",
        lambda costs, p: (lambda found: (max(found[0] - 1, 0), max(found[1] - 1, 0)))(_stop([0.0, *costs], p)),
    ],
    follows=[
        "Only last is wrong: it is where patience epochs in a row have brought no improvement, or the list ends.",
        lambda got, *a: (_stop(*a)[0], got[1]),
        "Only best is wrong: it is the epoch with the lowest cost of those that ran, the first if several are equal.",
        lambda got, *a: (got[0], _stop(*a)[1]),
    ],
)
def early_stop(costs, patience):
    """Exercise 3: early stopping with patience. The function returns (best, last)."""
    # best_so_far[k]: where the lowest of the first k + 1 costs stands (the first of equal ones).
    best_so_far = [int(np.argmin(costs[: k + 1])) for k in range(len(costs))]
    ends = [k for k, best in enumerate(best_so_far) if k - best >= patience]
    last = ends[0] if ends else len(costs) - 1
    return best_so_far[last], last
