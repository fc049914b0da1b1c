"""Exercise 4: warm-up and cosine."""

import math
from functools import partial

from nndl_lib.checks import Case, exercise


def _cases():
    """Arguments step, lr, warm_up, total."""
    late = "After the step total it goes wrong: there the rate stays 0."
    none = "Without a warm-up it goes wrong: with warm_up = 0 the cosine starts in step 0."
    yield Case((0, 1.0, 0, 4), "no warm-up", none)
    yield Case((1, 1.0, 0, 2), "no warm-up", none)
    yield Case((0, 1.0, 4, 12), "the first step")
    yield Case((1, 1.0, 4, 12), "in the warm-up")
    yield Case((3, 0.5, 4, 12), "the last step of the warm-up")
    yield Case((4, 0.5, 4, 12), "the first step of the cosine")
    yield Case((8, 0.5, 4, 12), "half of the wave")
    yield Case((6, 0.2, 4, 12))
    yield Case((1, 0.2, 3, 8), "in the warm-up")
    yield Case((11, 2.0, 4, 12))
    yield Case((12, 2.0, 4, 12), "the step total")
    yield Case((15, 2.0, 4, 12), "after the end", late)
    yield Case((20, 1.0, 4, 12), "after the end", late)
    yield Case((0, 0.3, 1, 9), "a warm-up of one step")
    yield Case((70, 0.1, 10, 200))
    yield Case((7, 0.1, 10, 200), "in the warm-up")


def _rate(
    step,
    lr,
    warm_up,
    total,
    climb=lambda k, n: (k + 1) / n,
    wave=lambda k, n, total: (k - n) / (total - n),
    last=1.0,
    half=lambda x: (1 + math.cos(math.pi * x)) / 2,
    border=0,
):
    if step < warm_up + border:
        return lr * climb(step, warm_up)
    return lr * half(min(wave(step, warm_up, total), last))


@exercise(
    returns=("rate",),
    strict=("rate",),
    cases=_cases,
    mistakes=[
        "The warm-up starts at 0: in step 0 the rate is lr / warm_up already.",
        partial(_rate, climb=lambda k, n: k / n),
        "There is no warm-up: the rate is lr in these steps.",
        partial(_rate, climb=lambda k, n: 1.0),
        "The warm-up lasts one step too long: from step warm_up on it is the cosine, so step < warm_up.",
        lambda *a: _rate(*a, border=a[2] > 0),
        "The cosine counts from step 0; its wave starts in step warm_up and has total - warm_up steps.",
        partial(_rate, wave=lambda k, n, total: k / total),
        "The wave is too long: it has total - warm_up steps, not total.",
        partial(_rate, wave=lambda k, n, total: (k - n) / total),
        "The wave starts before the warm-up ends: subtract warm_up from the step.",
        partial(_rate, wave=lambda k, n, total: k / (total - n)),
        "The cosine is one step early: in step warm_up the rate is lr.",
        partial(_rate, wave=lambda k, n, total: (k - n + 1) / (total - n)),
        "The wave is one step too short: it falls to 0 in step total, not in the one before.",
        partial(_rate, wave=lambda k, n, total: (k - n) / (total - n - 1)),
        "The rate climbs again after the step total; from there on it is 0.",
        partial(_rate, last=math.inf),
        "The cosine is not shifted: it runs from lr to -lr. Add 1 and halve.",
        partial(_rate, half=lambda x: math.cos(math.pi * x)),
        "The cosine is not halved: it starts at 2 lr.",
        partial(_rate, half=lambda x: 1 + math.cos(math.pi * x)),
        "This is a quarter of a wave; half a wave goes with the cosine of pi times the share.",
        partial(_rate, half=lambda x: math.cos(math.pi * x / 2)),
        "The cosine has no pi in it: its argument runs from 0 to pi.",
        partial(_rate, half=lambda x: (1 + math.cos(x)) / 2),
        "The argument of the cosine is in degrees; it runs from 0 to pi.",
        partial(_rate, half=lambda x: (1 + math.cos(180 * x)) / 2),
        "The cosine goes through a whole wave, down and up again; its argument ends at pi.",
        partial(_rate, half=lambda x: (1 + math.cos(2 * math.pi * x)) / 2),
        "The rate falls along a straight line; it should follow a cosine.",
        partial(_rate, half=lambda x: 1 - x),
        "The wave goes up where it should go down: it is 1 plus the cosine.",
        partial(_rate, half=lambda x: (1 - math.cos(math.pi * x)) / 2),
        "You return the factor; multiply it by lr.",
        lambda step, lr, *a: _rate(step, 1.0, *a),
    ],
    follows=[
        "Only the warm-up is wrong: in these steps the rate is lr (step + 1) / warm_up.",
        lambda got, *a: got if a[0] < a[2] else _rate(*a),
        "The warm-up is right, but not the cosine after it: while the share of its wave grows to 1, it falls to 0.",
        lambda got, *a: got if a[0] >= a[2] else _rate(*a),
    ],
)
def learning_rate(step, lr, warm_up, total):
    """Exercise 4: the learning rate in a step. The function returns a number."""
    # As a table of all rates: a stair, half a wave by the double angle, and zeros.
    wave = [math.cos(math.pi * k / (2 * (total - warm_up))) ** 2 for k in range(total - warm_up)]
    table = [k / warm_up for k in range(1, warm_up + 1)] + wave
    return lr * (table[step] if step < total else 0.0)
