"""The playground: a multilayer perceptron on points in the plane, trained in the reader's browser, and its twin here.

``playground(hidden=[2])`` shows it. ``reference(1000, hidden=[2])`` trains the same network from the same weights on
the same data with this library, so that what a page says about some settings can be checked. ``playground.js`` has what
is seen, ``playground_network.js`` the same numbers in JavaScript; tests hold the two together. Random numbers come from
a generator that is short enough to be written in both languages. Used on the page "Playground".
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from nndl_lib import functional, nn, optim, plotting, training
from nndl_lib.interactive import _pieces as pieces
from nndl_lib.interactive._settings import check_settings, stream

__all__ = ["make_data", "make_network", "playground", "reference"]

_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "logistic": nn.Sigmoid, "linear": nn.Identity}
_GOAL = "Choose data and a network, press Run, and watch each unit learn."


# --- the same numbers as in the browser ---


def make_data(part: str, **settings: Any) -> tuple[Tensor, Tensor]:
    """The points X (N, 2) and classes t (N,), both float64, of ``part`` "train" or "test". Errors as ``playground``."""
    settings = check_settings(**settings)
    draw, kind = stream(settings, part), settings["data"]
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


def make_network(**settings: Any) -> torch.nn.Sequential:
    """The network with its first weights, float64: takes points (..., 2), returns logits (..., 1) of class 1.

    Weights have standard deviation 1 / sqrt(fan-in), before a ReLU sqrt(2 / fan-in), times ``init``; biases are 0.
    Errors as for ``playground``.
    """
    settings = check_settings(**settings)
    draw = stream(settings, "weights")
    quadratic = settings["inputs"] == "quadratic"
    mlp = nn.MLP(
        [5 if quadratic else 2, *settings["hidden"], 1], _ACTIVATIONS[settings["activation"]], dtype=torch.float64
    )
    linear = [layer for layer in mlp if isinstance(layer, nn.Linear)]
    for layer in linear:
        gain = 2 if settings["activation"] == "relu" and layer is not linear[-1] else 1
        std = settings["init"] * math.sqrt(gain / layer.in_features)
        draws = torch.tensor([draw.normal() for _ in range(layer.weight.numel())], dtype=torch.float64)
        layer.load_state_dict({"weight": std * draws.view(layer.weight.shape), "bias": torch.zeros(layer.out_features)})
    return torch.nn.Sequential(_Quadratic() if quadratic else torch.nn.Identity(), mlp)


class _Run(NamedTuple):
    """What ``reference`` returns. Losses are mean cross-entropies without the penalty; tensors are float64."""

    network: torch.nn.Module  # after the steps
    costs: Tensor  # (steps,): of each step's minibatch, with the penalty, before the step; NaN where weights overflowed
    train_loss: float
    test_loss: float
    train_accuracy: float  # from 0 to 1
    test_accuracy: float


def reference(steps: int, **settings: Any) -> _Run:
    """Train for so many steps with this library, as the browser does, and measure: a named tuple.

    Its fields: ``network``, after the steps; ``costs`` (steps,), of each step's minibatch with the penalty; and
    ``train_loss``, ``test_loss``, ``train_accuracy``, ``test_accuracy``. Errors as for ``playground``.
    """
    settings = check_settings(**settings)
    X, t = make_data("train", **settings)
    network = make_network(**settings)
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
        for points, classes in [(X, t), make_data("test", **settings)]:
            z = network(points)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(z, classes) if z.isfinite().all() else math.nan
            measured.append((float(loss), float(((z >= 0) == (classes == 1)).double().mean())))
    (train_loss, train_accuracy), (test_loss, test_accuracy) = measured
    return _Run(network, costs, train_loss, test_loss, train_accuracy, test_accuracy)


def _optimizer(network: torch.nn.Module, settings: dict) -> optim.SGD | optim.Adam:
    if settings["optimizer"] == "adam":
        return optim.Adam(network.parameters(), lr=settings["lr"])
    return optim.SGD(
        network.parameters(), lr=settings["lr"], momentum=0.9 if settings["optimizer"] == "momentum" else 0
    )


def _batches(N: int, settings: dict) -> Iterator[list[int]]:
    draw, order = stream(settings, "batches"), list(range(N))
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


def playground(goal: str = _GOAL, steps: int = 1000, **settings: Any) -> None:
    """Show the playground: in a live kernel, in a notebook that is read, or on a page, always run by the browser.

    Args:
        goal: what the reader should try to find, shown above it.
        steps: after so many steps the picture is taken that stands where no script runs.
        settings: ``data``: ring, xor, gaussians, spiral, moons; ``noise``: 0 to 0.6 in tenths; ``points`` to train on:
            20, 50, 100, 200; ``seed``: 0 to 999; ``inputs``: linear or quadratic; ``hidden``: up to four widths of 1
            to 8; ``activation``: tanh, relu, logistic, linear; ``init``, a factor for the first weights: 0, 0.1, 1, 5;
            ``optimizer``: sgd, momentum, adam; ``lr``: 0.001, 0.003, 0.01 up to 30; ``batch``: 1, 2, 5, 10, 20, 50,
            200; ``penalty``: none, l2, l1; ``lam``: 0.0001, 0.0003 up to 1.

    Raises ValueError where there is no such setting, or its value is none of these.
    """
    data = {"settings": check_settings(**settings), "goal": goal}
    pieces.show("playground", data, lambda: _still(goal, steps, settings))


def _still(goal: str, steps: int, settings: dict[str, Any]) -> str:
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
    note = (
        "This is a picture of one state. Where scripts may run, a network stands here that trains in your browser, "
        "with its controls; in a notebook, run this cell."
    )
    return pieces.still_html(figure, alt, "Playground.", goal, note)
