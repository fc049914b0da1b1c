"""Exercise 5: the out-of-bag error."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown


def _cases():
    """Arguments y, out_of_bag, t."""
    seen = "An example that every member has seen goes wrong: its row is zero, and it does not count."

    def case(M, N, K, seed, note="", hint="", covered=None, dtype=torch.float64):
        g = generator(seed)
        y = torch.randint(1, 9, (M, N, K), generator=g).double()
        y = y / y.sum(dim=-1, keepdim=True)
        mask = torch.rand((M, N), generator=g) < 0.4
        mask[0] |= ~mask.any(dim=0)
        if covered is not None:
            mask[:, covered:] = False
        return Case((y.to(dtype), mask, torch.randint(K, (N,), generator=g)), note, hint)

    first = torch.tensor([[[0.75, 0.25]], [[0.125, 0.875]]]).double()
    yield Case((first, torch.tensor([[True], [False]]), torch.tensor([1])), "one example, two members")
    yield Case((first, torch.tensor([[True], [True]]), torch.tensor([0])), "no member has seen it")
    yield case(1, 3, 2, 41, "one member", covered=None)
    yield case(3, 4, 2, 42)
    yield case(4, 5, 3, 43, "three classes")
    yield case(3, 4, 2, 44, "seen by all", seen, covered=3)
    yield case(4, 6, 3, 45, "seen by all", seen, covered=2)
    yield case(10, 12, 4, 46)
    yield case(5, 40, 3, 47, "forty examples")
    yield case(8, 30, 5, 48, "thirty examples")
    yield case(4, 5, 3, 49, "float32", dtype=torch.float32)


def _arguments(N):
    g = generator(N)
    y = torch.rand((4, N, 3), generator=g).double()
    return y, torch.rand((4, N), generator=g) < 0.7, torch.randint(3, (N,), generator=g)


def _bagged(y, out_of_bag, t, chosen=None, count=None, among=None, wrong=lambda a, b: a != b):
    chosen = out_of_bag if chosen is None else chosen
    total = (y * chosen[..., None]).sum(dim=0)
    count = chosen.sum(dim=0).clamp(min=1)[:, None] if count is None else count
    average = total / count
    covered = chosen.any(dim=0) if among is None else among
    return average, wrong(average.argmax(dim=-1), t)[covered].double().mean()


def _votes(y, out_of_bag, t):
    votes = torch.nn.functional.one_hot(y.argmax(dim=-1), y.shape[-1]).double()
    return _bagged(votes, out_of_bag, t)


@exercise(
    returns=("average", "error"),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8,), (64,))),
    mistakes=[
        "All members are averaged; only those that have not seen the example may vote on it.",
        lambda y, out, t: _bagged(y, out, t, chosen=torch.ones_like(out)),
        "The mask is the wrong way round: True marks a member that has not seen the example.",
        lambda y, out, t: _bagged(y, out, t, chosen=~out),
        "You divide by the number M of members; divide by how many have not seen the example.",
        lambda y, out, t: _bagged(y, out, t, count=len(y)),
        "average is a sum: divide it by how many members have not seen the example.",
        partial(_bagged, count=1),
        "These are votes for one class each; average the probabilities.",
        _votes,
        "error counts all examples; those that every member has seen do not count. (average is right.)",
        lambda y, out, t: _bagged(y, out, t, among=torch.ones_like(t, dtype=torch.bool)),
        "error divides by all N examples; divide by those that some member has not seen. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], _bagged(y, out, t)[1] * out.any(dim=0).double().mean()),
        "error is the share of right answers; return that of wrong ones. (average is right.)",
        partial(_bagged, wrong=lambda a, b: a == b),
        "error is a number of examples; divide it by how many count. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], _bagged(y, out, t)[1] * out.any(dim=0).sum()),
        "error is 1 minus the probability of the class t; count how often another class is the most probable.",
        lambda y, out, t: (
            _bagged(y, out, t)[0],
            (1 - _bagged(y, out, t)[0].gather(1, t[:, None])[out.any(dim=0)]).mean(),
        ),
        "The row of an example that every member has seen is 0 / 0; it should be zero. (error is right.)",
        lambda y, out, t: (_bagged(y, out, t, count=out.sum(dim=0)[:, None])[0], _bagged(y, out, t)[1]),
        "The row of an example that every member has seen is 0 / 0, which is a class too when argmax is taken.",
        lambda y, out, t: (lambda average: (average, (average.argmax(dim=-1) != t).double().mean()))(
            _bagged(y, out, t, count=out.sum(dim=0)[:, None])[0]
        ),
        "error averages the errors of single members; take the class of the average first. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], (y.argmax(dim=-1) != t)[out].double().mean()),
        "average is a geometric mean; average the probabilities themselves.",
        lambda y, out, t: (lambda found: (found[0].exp() * out.any(dim=0)[:, None], found[1]))(
            _bagged(y.log(), out, t)
        ),
        "You divide by all entries of the mask that are True; count them for each example, along the members.",
        lambda y, out, t: _bagged(y, out, t, count=out.sum()),
    ],
    follows=[
        "average is wrong, and error follows from it: for each example, average the members that have not seen it.",
        lambda got, y, out, t: (got[0], (got[0].argmax(dim=1) != t)[out.any(dim=0)].double().mean()),
        "Only error is wrong: of the examples some member has not seen, it is the share whose top class is not t.",
        lambda got, *a: (_bagged(*a)[0], got[1]),
        "Only average is wrong: it is the mean over the members that have not seen the example, and zeros if all have.",
        lambda got, *a: (got[0], _bagged(*a)[1]),
    ],
)
def out_of_bag_error(y, out_of_bag, t):
    """Exercise 5: averages over the members that have not seen an example. The function returns (average, error)."""
    members, N, K = y.shape
    average, wrong = np.zeros((N, K)), []
    for n in range(N):
        votes = [y[m, n].numpy() for m in range(members) if out_of_bag[m, n]]
        if votes:
            average[n] = np.mean(votes, axis=0)
            wrong.append(float(np.argmax(average[n]) != int(t[n])))
    return torch.from_numpy(average), torch.tensor(np.mean(wrong)).double()
