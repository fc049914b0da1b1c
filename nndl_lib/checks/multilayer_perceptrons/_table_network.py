"""Exercise 4: a table as a network."""

from functools import partial

import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator


def _signs(D: int) -> Tensor:
    return 2.0 * ((torch.arange(2**D)[:, None] >> torch.arange(D - 1, -1, -1)) & 1).double() - 1


def _cases():
    """Arguments rows, answers."""
    yield Case((_signs(1), floats(-1.0, 1.0)), "one bit")
    yield Case((_signs(1), floats(1.0, -1.0)), "NOT")
    yield Case((_signs(2), floats(-1.0, 1.0, 1.0, -1.0)), "XOR")
    yield Case((_signs(2), floats(-1.0, -1.0, -1.0, 1.0)), "AND")
    empty = "It goes wrong where no answer is 1: the network then has no hidden unit, and W has shape (0, D)."
    yield Case((_signs(2), -torch.ones(4).double()), "no answer is 1", empty)
    yield Case((_signs(2), torch.ones(4).double()), "all answers are 1")
    for D in [3, 4]:
        g = generator(500 + D)
        yield Case((_signs(D), 2.0 * torch.randint(0, 2, (2**D,), generator=g).double() - 1), f"{D} bits")
    order = torch.randperm(8, generator=generator(510))
    answers = 2.0 * torch.randint(0, 2, (8,), generator=generator(511)).double() - 1
    yield Case((_signs(3)[order], answers), "rows in another order")
    yield Case((_signs(2).float(), torch.tensor([1.0, 1.0, -1.0, 1.0])), "float32")


def _table(rows, answers, keep=1.0, weights=lambda a: a, bias=lambda a: 1.0 - a.shape[1], v=2.0, c=-1.0):
    W = rows if keep is None else rows[answers == keep]
    b = torch.ones(len(W), dtype=rows.dtype) * bias(W)
    return weights(W), b, torch.ones_like(b) * v, c


def _bits_0_and_1(rows, answers, extra):
    W = (rows[answers == 1] + 1) / 2
    b = extra - W.sum(dim=1)
    return W, b, torch.full_like(b, 2.0), -1.0


def _table_with(**options):
    return lambda rows, answers: _table(rows, answers, **options)


@exercise(
    returns=("W", "b", "v", "c"),
    cases=_cases,
    mistakes=[
        "The hidden units belong to the rows with answer -1; take those with answer 1.",
        _table_with(keep=-1.0),
        "There is a unit for every row; take the rows with answer 1 alone.",
        _table_with(keep=None),
        "There is a unit for every row, with the answers as output weights; take the rows with answer 1 alone.",
        lambda rows, answers: (*_table(rows, answers, keep=None)[:2], answers, 0.0),
        "b is not halfway: with -D the unit is at z = 0 on its own row. The next largest sum is D - 2.",
        _table_with(bias=lambda a: -a.shape[1]),
        "b is not halfway: 1/2 - D is right for bits 0 and 1. With -1 and 1, one wrong bit costs 2.",
        _table_with(bias=lambda a: 0.5 - a.shape[1]),
        "b counts the ones of a row, or adds up its bits; with weights of -1 and 1 the sum is D on a row's own unit.",
        *(
            _table_with(bias=lambda a, of=of: of(a))
            for of in (
                lambda a: -a.sum(dim=1),
                lambda a: 1 - a.sum(dim=1),
                lambda a: 0.5 - a.sum(dim=1),
                lambda a: 2 - a.sum(dim=1),
                lambda a: -(a > 0).sum(dim=1),
                lambda a: 1 - (a > 0).sum(dim=1),
            )
        ),
        "b is made of another number than D, the number of bits: halfway between D and D - 2 lies D - 1.",
        *(
            lambda rows, answers, of=of: _table(rows, answers, bias=lambda a: of(len(rows), a.shape[1], len(a)))
            for of in (
                lambda n, D, H: 1 - n,
                lambda n, D, H: 1 - H,
                lambda n, D, H: -D / 2,
                lambda n, D, H: -n,
                lambda n, D, H: (1 - D) / 2,
                lambda n, D, H: -(D - 1) / D,
            )
        ),
        "b is not halfway: it has the sum of a row with one wrong bit, D - 2, at z = 0.",
        _table_with(bias=lambda a: 2.0 - a.shape[1]),
        "b has the wrong sign: on its own row the sum is D, and z must be just above 0.",
        _table_with(bias=lambda a: a.shape[1] - 1.0),
        "b is that of chapter 4, where bits are 0 and 1: here the sum on its own row is D, not the number of ones.",
        _table_with(bias=lambda a: 0.5 - (a > 0).sum(dim=1)),
        "There is no bias: a sum over several bits can be positive on other rows too.",
        _table_with(bias=lambda a: 0.0),
        "The weights are -1 or 1, the bits of the own row; yours are 0 and 1, with a bias to match, as in chapter 4.",
        partial(_bits_0_and_1, extra=0.5),
        partial(_bits_0_and_1, extra=1.0),
        partial(_bits_0_and_1, extra=0.0),
        "W has the weights of bits 0 and 1, 2 a - 1; the rows have -1 and 1 already.",
        _table_with(weights=lambda a: 2 * a - 1),
        "W has zeros for the bits that are -1; such a unit does not see them.",
        _table_with(weights=lambda a: (a + 1) / 2),
        "W has the wrong sign: a unit should have its largest sum on its own row.",
        _table_with(weights=lambda a: -a),
        "The output is 0 or 1; it should be -1 or 1. Choose v and c so.",
        _table_with(v=1.0, c=0.0),
        _table_with(v=1.0, c=-0.5),
        "v is too small: from -1 to 1 the output has to rise by 2.",
        _table_with(v=1.0),
        "c is wrong: where no unit fires the output is c alone, and should be -1.",
        _table_with(c=0.0),
        _table_with(c=1.0),
        lambda rows, answers: (*_table(rows, answers)[:3], 1.0 - float((answers > 0).sum())),
        _table_with(c=-2.0),
        "The output has the wrong sign: where no unit fires it should be -1.",
        _table_with(v=-2.0, c=1.0),
    ],
)
def table_network(rows, answers):
    """Exercise 4: a threshold network for a table with bits -1 and 1. The function returns (W, b, v, c)."""
    sums = rows @ rows.T  # what the unit of each row makes of each row
    largest = sums.sort(dim=1, descending=True).values
    halfway = (largest[:, 0] + largest[:, 1]) / 2
    own = [n for n in range(len(rows)) if answers[n] > 0]
    return rows[own], -halfway[own], torch.full((len(own),), 2.0, dtype=rows.dtype), -1.0
