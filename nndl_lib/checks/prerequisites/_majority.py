"""Exercise 6: the vote of an ensemble."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown


def _cases():
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


def _arguments(M, N):
    return torch.randint(2, (M, N), generator=generator(740 + M + N)), 2  # odd M: no ties


def _counts(answers, K):
    """(N, K): the votes of each example for each class."""
    return (answers[..., None] == torch.arange(K)).sum(dim=0)


@exercise(
    returns=("classes",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (5, 8), (5, 64)), ("members", (9, 5), (65, 5))),
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
