"""Exercise 5: straight pieces."""

from fractions import Fraction
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, signed_quarters


def _cases():
    """Arguments w, b, v, low, high."""

    def case(w, b, v, low, high, note="", hint=""):
        return Case((*(torch.tensor(part, dtype=torch.float64) for part in (w, b, v)), low, high), note, hint)

    zero = "A unit with w = 0 goes wrong: it is constant and has no kink, so leave it out before you divide."
    yield case([1], [-1], [1], 0.0, 2.0, "one unit")
    yield case([-2], [1], [3], 0.0, 2.0, "a negative weight")
    yield case([1], [-3], [1], 0.0, 2.0, "a kink outside")
    yield case([1], [-2], [1], 0.0, 2.0, "a kink on the border")
    yield case([2], [1], [3], -0.5, 2.0, "a kink on the border")
    yield case([2, 1], [-2, -1], [1, -1], 0.0, 2.0, "two kinks at one place")
    yield case([4, -1, 1], [-4, 0.5, -1], [2, 1, -2], 0.0, 2.0, "two kinks at one place")
    near = "Kinks that lie close together are taken for one: compare them exactly, as they are."
    yield case([1, 2], [-0.5, -1.0625], [1, 1], 0.0, 2.0, "two kinks close together", near)
    yield case([1, 1, 2], [-0.5, -0.515625, -3], [1, 2, 1], 0.0, 2.0, "two kinks close together", near)
    yield case([1, 1], [-0.5, -1], [1, -1], 0.0, 2.0)
    yield case([1, 2], [-1, -2], [1, 1], 0.0, 2.0, "two kinks at one place")
    yield case([1, -1], [-1, 1], [1, -1], 0.0, 2.0, "kinks that cancel")
    yield case([2, 1, 1], [-2, -1, -1.5], [1, -2, 1], 0.0, 2.0, "kinks that cancel")
    yield case([1, 1], [-1, -1.5], [0, 1], 0.0, 2.0, "v = 0")
    yield case([0, 1], [1, -1], [5, 1], 0.0, 2.0, "w = 0", zero)
    yield case([0, 1, 0], [0, -1, -1], [1, 1, 2], -1.0, 2.0, "w = 0", zero)
    yield case([1, -1, 1, 1, 2], [0, 1, -0.25, -3, -1], [1, 2, -1, 1, 1], -1.0, 1.5)
    for seed in range(4):
        g = generator(600 + seed)
        w = 2.0 ** torch.randint(-1, 2, (6,), generator=g).double() * (2 * torch.randint(0, 2, (6,), generator=g) - 1)
        yield Case((w, signed_quarters(6, g=g), signed_quarters(6, g=g), -1.0, 1.0))
    w, b, v = (torch.tensor(part) for part in ([1.0, 2.0], [-0.5, -3.0], [1.0, 1.0]))
    yield Case((w, b, v, 0.0, 2.0), "float32")


def _pieces(
    w,
    b,
    v,
    low,
    high,
    rise=lambda w, v: v * abs(w),
    kink=lambda w, b: -b / w,
    inside=None,
    merge=True,
    cancel=True,
    plus=1,
):
    """The count, with its rules as options, to make mistakes with."""
    inside = inside or (lambda x: low < x < high)
    bends = {}
    for number, (w_k, b_k, v_k) in enumerate(zip(w.tolist(), b.tolist(), v.tolist())):
        if w_k != 0 and inside(kink(w_k, b_k)):
            place = kink(w_k, b_k) if merge else number
            bends[place] = bends.get(place, 0.0) + rise(w_k, v_k)
    return plus + sum(1 for change in bends.values() if change != 0 or not cancel)


def _slopes_at_kinks(w, b, v, low, high):
    """Counts the kinks of a sum in which each unit is taken with v alone."""
    return _pieces(w, b, v, low, high, rise=lambda w, v: v)


@exercise(
    returns=("pieces",),
    cases=_cases,
    mistakes=[
        "You count the kinks; there is one piece more than kinks.",
        partial(_pieces, plus=0),
        "There is a piece too many.",
        partial(_pieces, plus=2),
        "You return n + 1, the largest number there can be; look at where the kinks are.",
        lambda w, *a: len(w) + 1,
        "Kinks outside of the interval count too; leave them out.",
        partial(_pieces, inside=lambda x: True),
        "A kink on the border, low or high, counts; it should not.",
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low <= x <= high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low <= x < high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low < x <= high),
        "Only one end of the interval is looked at, or another one: a kink lies between low and high.",
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: x < high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: x > low),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: 0 < x < high),
        "Units with their kink at the same place count more than once; add up what they do to the slope there.",
        partial(_pieces, merge=False),
        "Kinks that cancel each other, or have v = 0, count; a place without a change of slope is no kink.",
        partial(_pieces, cancel=False),
        "Every unit counts for itself, also with v = 0 or at a place that it shares with another.",
        partial(_pieces, merge=False, cancel=False),
        "The change of slope is v times the absolute value of w; you take v w with the sign of w.",
        partial(_pieces, rise=lambda w, v: v * w),
        "The change of slope is v times the absolute value of w; you take v, w or a sign alone.",
        _slopes_at_kinks,
        partial(_pieces, rise=lambda w, v: v * (w > 0) - v * (w < 0)),
        partial(_pieces, rise=lambda w, v: w),
        "You take the absolute value of v, so that no two kinks can cancel; the bend is v times |w|.",
        partial(_pieces, rise=lambda w, v: abs(v * w)),
        "You count units: those that are active at an end, or have v != 0; count the places where the slope changes.",
        lambda w, b, v, low, high: 1 + int((w * high + b > 0).sum()),
        lambda w, b, v, low, high: 1 + int((w * low + b > 0).sum()),
        lambda w, b, v, low, high: 1 + int((v != 0).sum()),
        lambda w, b, v, low, high: 1 + int(((v != 0) & (w != 0)).sum()),
        "The kink is at -b / w; you have the other sign.",
        partial(_pieces, kink=lambda w, b: b / w),
        "The kink is at -b / w, where w x + b is 0; yours is at another place.",
        partial(_pieces, kink=lambda w, b: -b),
        partial(_pieces, kink=lambda w, b: -b / abs(w)),
        partial(_pieces, kink=lambda w, b: -w / b if b else float("inf")),
        partial(_pieces, kink=lambda w, b: b),
        partial(_pieces, kink=lambda w, b: -b // w),
        partial(_pieces, kink=lambda w, b: -b * w),
        "Units with a negative w have a kink as well.",
        lambda w, b, v, low, high: _pieces(w.clamp(min=0), b, v, low, high),
    ],
)
def count_pieces(w, b, v, low, high):
    """Exercise 5: the straight pieces of a ReLU network with one hidden layer. The function returns a whole number."""
    # In fractions: the slope in the middle of each interval between neighboring kinks; how often does it change?
    units = [tuple(Fraction(value) for value in unit) for unit in zip(w.tolist(), b.tolist(), v.tolist())]
    kinks = {-b / w for w, b, _ in units if w} | {Fraction(low), Fraction(high)}
    ends = sorted(x for x in kinks if low <= x <= high)
    middles = [(p + q) / 2 for p, q in zip(ends, ends[1:])]
    slopes = [sum(w * v for w, b, v in units if w * x + b > 0) for x in middles]
    return 1 + sum(p != q for p, q in zip(slopes, slopes[1:]))
