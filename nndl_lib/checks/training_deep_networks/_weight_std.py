"""Exercise 1: the size of weights."""

import math

import numpy as np

from nndl_lib.checks import Case, exercise


def _cases():
    """Arguments shape, gain, mode."""
    yield Case(((1, 1), 1.0, "in"), "one weight")
    for shape, gain, mode in [
        ((1, 4), 1.0, "in"),
        ((9, 4), 1.5, "in"),
        ((9, 4), 1.5, "out"),
        ((9, 4), 1.5, "mean"),
        ((100, 400), math.sqrt(2), "in"),
        ((100, 400), math.sqrt(2), "out"),
        ((100, 400), 5 / 3, "mean"),
    ]:
        yield Case((shape, gain, mode))
    hint = "Convolutions go wrong: both fans have the number of entries of the kernel, height times width, as a factor."
    for shape, mode in [((8, 3, 5, 5), "in"), ((8, 3, 5, 5), "out"), ((8, 3, 5, 3), "mean"), ((16, 16, 3, 3), "in")]:
        yield Case((shape, 2.0, mode), "convolutions", hint)
    yield Case(((5, 2, 1, 1), 1.0, "mean"), "a kernel of 1 by 1", hint)


def _fan(shape, mode):
    k = math.prod(shape[2:])
    return {"in": shape[1] * k, "out": shape[0] * k, "mean": (shape[0] + shape[1]) * k / 2}[mode]


_SWAPPED = {"in": "out", "out": "in", "mean": "mean"}


@exercise(
    returns=("std",),
    strict=("std",),
    cases=_cases,
    mistakes=[
        "You return the variance; its root is the standard deviation.",
        lambda shape, gain, mode: gain**2 / _fan(shape, mode),
        "The root is missing: divide the gain by the root of the fan.",
        lambda shape, gain, mode: gain / _fan(shape, mode),
        "Fan-in and fan-out are exchanged: a weight has the shape (out, in, ...).",
        lambda shape, gain, mode: gain / math.sqrt(_fan(shape, _SWAPPED[mode])),
        "The gain stands under the root; it multiplies the standard deviation.",
        lambda shape, gain, mode: math.sqrt(gain / _fan(shape, mode)),
        "You multiply by the root of the fan; divide by it.",
        lambda shape, gain, mode: gain * math.sqrt(_fan(shape, mode)),
        'mode has no effect: "in" takes the fan-in, "out" the fan-out, and "mean" their mean.',
        *(
            lambda shape, gain, mode, always=always: gain / math.sqrt(_fan(shape, always))
            for always in ("in", "out", "mean")
        ),
        'For mode "mean" you use the sum of the two fans; halve it.',
        lambda shape, gain, mode: gain / math.sqrt(_fan(shape, mode) * (2 if mode == "mean" else 1)),
        'For mode "mean" you take the mean of two standard deviations; take the mean of the fans, then the root.',
        lambda shape, gain, mode: (
            gain / math.sqrt(_fan(shape, mode))
            if mode != "mean"
            else gain * (_fan(shape, "in") ** -0.5 + _fan(shape, "out") ** -0.5) / 2
        ),
        "Only the fan-in counts the kernel; each input also goes into out * height * width outputs.",
        lambda shape, gain, mode: (
            gain
            / math.sqrt({"in": _fan(shape, "in"), "out": shape[0], "mean": (_fan(shape, "in") + shape[0]) / 2}[mode])
        ),
        "The factor 2 of He is there already: it is the square of the gain.",
        lambda shape, gain, mode: gain * math.sqrt(2 / _fan(shape, mode)),
        "This is the bound of a uniform distribution; its standard deviation is the root of 3 smaller.",
        lambda shape, gain, mode: gain * math.sqrt(3 / _fan(shape, mode)),
    ],
    follows=[
        'Only mode "mean" is wrong: the gain is divided by the root of the mean of the two fans, half of their sum.',
        lambda got, shape, gain, mode: got if mode == "mean" else gain / math.sqrt(_fan(shape, mode)),
    ],
)
def weight_std(shape, gain, mode):
    """Exercise 1: the standard deviation of initial weights. The function returns a float."""
    weight = np.empty(shape)  # one output's weights; one input's weights
    fans = {"in": weight[0].size, "out": weight[:, 0].size, "mean": (weight[0].size + weight[:, 0].size) / 2}
    return float(gain * np.power(float(fans[mode]), -0.5))
