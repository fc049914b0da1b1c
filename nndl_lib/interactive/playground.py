"""The playground: a multilayer perceptron on points in the plane, trained in the reader's browser, and its twin here.

``playground(hidden=[2])`` shows it. ``reference(1000, hidden=[2])`` trains the same network from the same weights on
the same data with this library, so that what a page says about some settings can be checked. ``playground.js`` has what
is seen, ``playground_network.js`` the same numbers in JavaScript; tests hold the two together. Random numbers come from
a generator that is short enough to be written in both languages. Used on the page "Playground".
"""

import html
import math
from collections.abc import Iterator
from typing import NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from nndl_lib import functional, nn, optim, plotting, training
from nndl_lib.interactive import _pieces as pieces

__all__ = [
    "Mulberry32",
    "Run",
    "check_settings",
    "link",
    "make_data",
    "make_network",
    "playground",
    "reference",
    "static_html",
]

# The default and all choices, as in playground_network.js; "seed" and "hidden" have ranges instead.
_CHOICES = {
    "data": ("ring", ["ring", "xor", "gaussians", "spiral", "moons"]),
    "noise": (0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    "points": (200, [20, 50, 100, 200]),
    "seed": (1, None),
    "inputs": ("linear", ["linear", "quadratic"]),
    "hidden": ([4], None),
    "activation": ("tanh", ["tanh", "relu", "logistic", "linear"]),
    "init": (1, [0, 0.1, 1, 5]),
    "optimizer": ("sgd", ["sgd", "momentum", "adam"]),
    "lr": (0.1, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]),
    "batch": (10, [1, 2, 5, 10, 20, 50, 200]),
    "penalty": ("none", ["none", "l2", "l1"]),
    "lambda": (0.001, [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]),
}
_STREAMS = {"train": 0, "test": 1, "weights": 2, "batches": 3}
_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "logistic": nn.Sigmoid, "linear": nn.Identity}
_GOAL = "Choose data and a network, press Run, and watch each unit learn."


# --- settings ---


def check_settings(**given: object) -> dict:
    """All settings of the playground by name: those given, the defaults for the others. ``lam`` is the strength lambda.

    ``data``: ring, xor, gaussians, spiral, moons; ``noise``: 0 to 0.6 in tenths; ``points`` to train on: 20, 50, 100,
    200; ``seed``: 0 to 999; ``inputs``: linear or quadratic; ``hidden``: up to four widths of 1 to 8; ``activation``:
    tanh, relu, logistic, linear; ``init``, a factor for the first weights: 0, 0.1, 1, 5; ``optimizer``: sgd, momentum,
    adam; ``lr``: 0.001, 0.003, 0.01 up to 30; ``batch``: 1, 2, 5, 10, 20, 50, 200; ``penalty``: none, l2, l1; ``lam``:
    0.0001, 0.0003 up to 1.

    Raises:
        ValueError: there is no such setting, or its value is none of these.
    """
    given = {"lambda" if name == "lam" else name: value for name, value in given.items()}
    for name, value in given.items():
        if name not in _CHOICES:
            raise ValueError(f"playground: {name!r} is no setting; expected one of {', '.join(_CHOICES)}")
        if name == "hidden":
            fits = isinstance(value, (list, tuple)) and len(value) <= 4 and all(_is_whole(n, 1, 8) for n in value)
            expected = "a list of up to four integers from 1 to 8"
        elif name == "seed":
            fits, expected = _is_whole(value, 0, 999), "an integer from 0 to 999"
        else:
            fits = not isinstance(value, bool) and value in _CHOICES[name][1]
            expected = "one of " + ", ".join(map(str, _CHOICES[name][1]))
        if not fits:
            raise ValueError(f"playground: {name} is {value!r}; expected {expected}")
    found = {name: given.get(name, usual) for name, (usual, _) in _CHOICES.items()}
    return {**found, "hidden": list(found["hidden"])}


def link(**settings: object) -> str:
    """The end of an address that opens the playground with these settings: ``"#playground=data:xor,hidden:2"``.

    Errors as for ``check_settings``.
    """
    settings = check_settings(**settings)
    parts = [f"{name}:{_word(value)}" for name, value in settings.items() if value != _CHOICES[name][0]]
    return "#playground=" + ",".join(parts)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _word(value: object) -> str:
    # As JavaScript writes numbers: 1 where Python has 1.0; none of the settings needs an exponent.
    if isinstance(value, list):
        return "-".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- the same numbers as in the browser ---


class Mulberry32:
    """Random numbers that are the same in Python and JavaScript: Tommy Ettinger's mulberry32, 32 bits of state."""

    def __init__(self, seed: int):
        """Start at a seed, of which the last 32 bits count."""
        self.state = seed & 0xFFFFFFFF

    def bits(self) -> int:
        """A whole number from 0 to 2**32 - 1."""
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        z = (self.state ^ self.state >> 15) * (self.state | 1) & 0xFFFFFFFF
        z ^= z + (z ^ z >> 7) * (z | 61) & 0xFFFFFFFF
        return z ^ z >> 14

    def uniform(self) -> float:
        """A number from 0 to below 1."""
        return self.bits() / 2**32

    def normal(self) -> float:
        """A draw from the standard normal distribution, by the method of Box and Muller, from two uniform numbers."""
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def shuffle(self, order: list) -> None:
        """Put a list in random order, in place (Fisher and Yates)."""
        for i in range(len(order) - 1, 0, -1):
            j = math.floor(self.uniform() * (i + 1))
            order[i], order[j] = order[j], order[i]


def _stream(settings: dict, use: str) -> Mulberry32:
    return Mulberry32(8 * settings["seed"] + _STREAMS[use])


def make_data(part: str, **settings: object) -> tuple[Tensor, Tensor]:
    """The points X (N, 2) and classes t (N,), both float64, of ``part`` "train" or "test". Errors as ``check_settings``."""
    settings = check_settings(**settings)
    draw, kind = _stream(settings, part), settings["data"]
    points = []
    for i in range(settings["points"] if part == "train" else 200):
        k = i % 2
        u, v, e1, e2 = draw.uniform(), draw.uniform(), draw.normal(), draw.normal()
        side = 2 * k - 1
        radius, angle, center = 0.0, 2 * math.pi * v, (0.0, 0.0)
        if kind == "ring":
            radius = 1.5 + 0.8 * u if k == 0 else 0.9 * math.sqrt(u)
        elif kind == "spiral":
            radius, angle = 0.3 + 2.1 * math.sqrt(u), math.pi * (2 * math.sqrt(u) + k)
        elif kind == "gaussians":
            radius, center = 0.6 * math.sqrt(-2 * math.log(1 - u)), (1.1 * side, 1.1 * side)
        elif kind == "moons":
            radius, angle, center = 1.5, math.pi * (v + k), (0.75 * side, 0.375 * side)
        if kind == "xor":
            sign = 1 if i % 4 < 2 else -1
            x1, x2 = sign * (0.2 + 2 * u), -side * sign * (0.2 + 2 * v)
        else:
            x1, x2 = radius * math.cos(angle) + center[0], radius * math.sin(angle) + center[1]
        points.append([x1 + settings["noise"] * e1, x2 + settings["noise"] * e2, k])
    table = torch.tensor(points, dtype=torch.float64)
    return table[:, :2], table[:, 2]


class _Quadratic(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x[..., :1], x[..., 1:]
        return torch.cat([x1, x2, x1 * x1, x2 * x2, x1 * x2], dim=-1)


def make_network(**settings: object) -> torch.nn.Sequential:
    """The network with its first weights, float64: takes points (..., 2), returns logits (..., 1) of class 1.

    Weights have standard deviation 1 / sqrt(fan-in), before a ReLU sqrt(2 / fan-in), times ``init``; biases are 0.
    Errors as for ``check_settings``.
    """
    settings = check_settings(**settings)
    draw = _stream(settings, "weights")
    inputs = [_Quadratic(), 5] if settings["inputs"] == "quadratic" else [torch.nn.Identity(), 2]
    mlp = nn.MLP([inputs[1], *settings["hidden"], 1], _ACTIVATIONS[settings["activation"]], dtype=torch.float64)
    linear = [layer for layer in mlp if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer in linear:
            gain = 2 if settings["activation"] == "relu" and layer is not linear[-1] else 1
            std = settings["init"] * math.sqrt(gain / layer.in_features)
            values = [std * draw.normal() for _ in range(layer.weight.numel())]
            layer.weight.copy_(torch.tensor(values, dtype=torch.float64).reshape(layer.weight.shape))
            layer.bias.zero_()
    return torch.nn.Sequential(inputs[0], mlp)


class Run(NamedTuple):
    """What ``reference`` returns. Losses are mean cross-entropies without the penalty; tensors are float64."""

    network: torch.nn.Module  # after the steps
    costs: Tensor  # (steps,): of each step's minibatch, with the penalty, before the step; NaN where weights overflowed
    train_loss: float
    test_loss: float
    train_accuracy: float  # from 0 to 1
    test_accuracy: float


def reference(steps: int, **settings: object) -> Run:
    """Train for so many steps with this library, as the browser does, and measure. Errors as for ``check_settings``."""
    settings = check_settings(**settings)
    X, t = make_data("train", **_again(settings))
    network = make_network(**_again(settings))
    optimizer = _optimizer(network, settings)
    batches = _batches(len(X), settings)
    costs = torch.full((steps,), math.nan, dtype=torch.float64)
    for k in range(steps):
        rows = next(batches)
        optimizer.zero_grad()
        z = network(X[rows])[:, 0]
        if not z.isfinite().all():  # the weights have grown beyond all numbers, and no step brings them back
            break
        cost = _cost(network, z, t[rows], settings)
        cost.backward()
        optimizer.step()
        costs[k] = cost.detach()
    measured = []
    with torch.no_grad():
        for points, classes in [(X, t), make_data("test", **_again(settings))]:
            z = network(points)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(z, classes) if z.isfinite().all() else math.nan
            measured.append((float(loss), float(((z >= 0) == (classes == 1)).double().mean())))
    (train_loss, train_accuracy), (test_loss, test_accuracy) = measured
    return Run(network, costs, train_loss, test_loss, train_accuracy, test_accuracy)


def _again(settings: dict) -> dict:
    return {"lam" if name == "lambda" else name: value for name, value in settings.items()}


def _optimizer(network: torch.nn.Module, settings: dict) -> optim.SGD | optim.Adam:
    if settings["optimizer"] == "adam":
        return optim.Adam(network.parameters(), lr=settings["lr"])
    return optim.SGD(
        network.parameters(), lr=settings["lr"], momentum=0.9 if settings["optimizer"] == "momentum" else 0
    )


def _batches(N: int, settings: dict) -> Iterator[list[int]]:
    draw, order = _stream(settings, "batches"), list(range(N))
    while True:
        draw.shuffle(order)
        for start in range(0, N, settings["batch"]):
            yield order[start : start + settings["batch"]]


def _cost(network: torch.nn.Module, z: Tensor, t: Tensor, settings: dict) -> Tensor:
    cost = functional.binary_cross_entropy_with_logits(z, t)
    if settings["penalty"] == "none":
        return cost
    penalty = training.l2_penalty if settings["penalty"] == "l2" else training.l1_penalty
    return cost + settings["lambda"] * penalty(training.weights_of(network))


# --- on the page ---


def playground(goal: str = _GOAL, steps: int = 1000, **settings: object) -> None:
    """Show the playground: in a live kernel, in a notebook that is read, or on a page, always run by the browser.

    Args:
        goal: what the reader should try to find, shown above it.
        steps: after so many steps the picture is taken that stands where no script runs.
        settings: as ``check_settings`` has them.

    Raises ValueError as ``check_settings`` does.
    """
    data = {"settings": check_settings(**settings), "goal": goal}
    pieces.show("playground", data, lambda: _still(goal, steps, settings))


def static_html(goal: str = _GOAL, steps: int = 1000, **settings: object) -> str:
    """The playground as HTML that stands alone. Arguments and errors as for ``playground``."""
    data = {"settings": check_settings(**settings), "goal": goal, "live": False}
    return pieces.piece_html("playground", data, _still(goal, steps, settings))


def _still(goal: str, steps: int, settings: dict) -> str:
    # The picture and the sentences for a page without scripts: the state after some steps.
    run = reference(steps, **settings)
    X, t = make_data("train", **settings)
    given = check_settings(**settings)
    alt = (
        f"Decision regions of a network with hidden layers {given['hidden']} after {steps} steps on the data set "
        f"{given['data']}: training loss {run.train_loss:.2f}, test loss {run.test_loss:.2f}, "
        f"{run.train_accuracy:.0%} of the training points on the right side."
    )
    figure, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
    if math.isfinite(run.train_loss):
        plotting.decision_regions(ax, run.network, X, t, names=["class 0", "class 1"])
    else:
        ax.text(0.5, 0.5, "The weights have grown beyond all numbers.", ha="center")
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=f"After {steps} steps")
    picture = pieces.image_html(figure, alt)
    plt.close(figure)
    return (
        f"<p><strong>Playground.</strong> {html.escape(goal)}</p>\n"
        f"{picture}\n"
        "<p><em>This is a picture of one state. Where scripts may run, a network stands here that trains in your browser, "
        "with its controls; in a notebook, run this cell.</em></p>"
    )
