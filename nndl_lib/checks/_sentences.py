"""What is said of a mistake that any answer may have, and the mistake as a function: the tables of ``_mistakes``."""

from collections.abc import Callable

import torch
from torch import Tensor

# Each mistake is a function of the right answer, a tensor of float64; {names} are parts of the answer.
FUNCTIONS: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("{names} {has} the wrong sign.", torch.neg),
    ("{names} {is} twice what should be there.", lambda y: 2 * y),
    ("{names} {is} half of what should be there.", lambda y: y / 2),
    ("{names} {is} zero on every input.", torch.zeros_like),
    ("{names} {is} 1 on every input.", torch.ones_like),
    ("{names} {is} 1 too large, on every input.", lambda y: y + 1),
    ("{names} {is} 1 too small, on every input.", lambda y: y - 1),
    ("{names} {is} the square of what should be there.", torch.square),
    ("{names} {is} the square root of what should be there.", torch.sqrt),
    ("{names} {has} no negative entries: the absolute value is one too many.", torch.abs),
    ("{names} {has} no negative entries: they have become 0.", torch.relu),
    ("{names} {is} 1 / what should be there.", torch.reciprocal),
    ("{names} {is} 1 - what should be there.", lambda y: 1 - y),
    ("{names} {is} the exp of what should be there.", torch.exp),
    ("{names} {is} the log of what should be there.", torch.log),
    ("{names} {is} minus the log of what should be there.", lambda y: -y.log()),
    ("{names} {is} the tanh of what should be there.", torch.tanh),
    ("{names} {is} the logistic function of what should be there.", torch.sigmoid),
    ("{names} {is} the softmax of what should be there.", lambda y: y.softmax(dim=-1)),
    ("{names} {is} rounded to whole numbers.", torch.round),
]
FIRST = 5  # of these, before an input as it was given
LISTS: list[tuple[str, Callable[[list], list]]] = [
    ("{names} {is} in reversed order.", lambda y: y[::-1]),
    ("{names} {is} sorted; the entries should stay where they belong.", sorted),
    ("{names} {lacks} the last entry.", lambda y: y[:-1]),
    ("{names} {lacks} the first entry.", lambda y: y[1:]),
]
SHAPES: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("{names} {is} transposed.", lambda y: y.transpose(-1, -2)),
    ("{names} {is} in reversed order.", lambda y: y.flip(0)),
    ("{names} {is} in reversed order along the last axis.", lambda y: y.flip(-1)),
    ("{names} {is} moved by one place: each entry stands where the next one should be.", lambda y: y.roll(1, 0)),
    ("{names} {is} moved by one place: each entry stands where the one before should be.", lambda y: y.roll(-1, 0)),
    ("{names} {is} moved by one place to the right.", lambda y: y.roll(1, -1)),
    ("{names} {is} moved by one place to the left.", lambda y: y.roll(-1, -1)),
    ("{names} {is} sorted; the entries should stay where they belong.", lambda y: y.sort(dim=0).values),
    ("{names} {is} added up to one number.", torch.sum),
    ("{names} {is} averaged to one number.", torch.mean),
    *(
        (f"{{names}} {{is}} {word} over {axis}.", lambda y, take=take, dim=dim: take(y, dim=dim))
        for word, take in [("added up", torch.sum), ("averaged", torch.mean)]
        for axis, dim in [("the first axis", 0), ("the last axis", -1)]
    ),
    *(
        (f"{{names}} {{is}} only {which} of what should be there.", lambda y, rows=rows: y[rows])
        for which, rows in [
            ("the first row", 0),
            ("the last row", -1),
            ("the first", slice(1)),
            ("the last", slice(-1, None)),
        ]
    ),
    ("{names} {lacks} the last row.", lambda y: y[:-1]),
    ("{names} {lacks} the first row.", lambda y: y[1:]),
]
# What a factor may be, for the size of an axis or a number s.
FACTORS: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("{s} times", lambda s: s),
    ("1 / {s} times", lambda s: 1 / s),
    ("2 {s} times", lambda s: 2 * s),
    ("{s} / 2 times", lambda s: s / 2),
    ("2 / {s} times", lambda s: 2 / s),
    ("1 / (2 {s}) times", lambda s: 1 / (2 * s)),
    ("-{s} times", lambda s: -s),
    ("-1 / {s} times", lambda s: -1 / s),
    ("{s}**2 times", lambda s: s**2),
    ("1 / {s}**2 times", lambda s: s**-2),
    ("{s}**0.5 times", lambda s: s**0.5),
    ("1 / {s}**0.5 times", lambda s: s**-0.5),
    ("1 - {s} times", lambda s: 1 - s),
    ("1 / (1 - {s}) times", lambda s: 1 / (1 - s)),
    ("{s} / (1 - {s}) times", lambda s: s / (1 - s)),
    ("({s} - 1) / {s} times", lambda s: (s - 1) / s),
    ("{s} / ({s} - 1) times", lambda s: s / (s - 1)),
    ("{s} - 1 times", lambda s: s - 1),
    ("1 / ({s} - 1) times", lambda s: 1 / (s - 1)),
]
# What may be done with an input x of the same shape, or that is a number.
INPUTS: list[tuple[str, Callable[[Tensor, Tensor], Tensor]]] = [
    ("{{names}} {{is}} the argument {x}, unchanged.", lambda y, x: x),
    ("{{names}} {{is}} minus the argument {x}.", lambda y, x: -x),
    ("{{names}} {{is}} too small by {x}: add it.", lambda y, x: y - x),
    ("{{names}} {{is}} too large by {x}: subtract it.", lambda y, x: y + x),
    ("{{names}} {{is}} {x} times what should be there, entry by entry.", lambda y, x: y * x),
    ("{{names}} {{is}} what should be there divided by {x}, entry by entry.", lambda y, x: y / x),
]
