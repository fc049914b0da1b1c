"""nndl_lib.plotting: what each function draws, read back from the artists, and that line colors can be told apart."""

import itertools
import math
import re

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from nndl_lib import plotting


@pytest.fixture
def ax():
    """Axes in matplotlib's own style, beside a second figure that is the current one: nothing may land there."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        _, given = plt.subplots()
        _, other = plt.subplots()
        yield given
        assert not other.has_data() and not other.get_xlabel()
        assert len(plt.get_fignums()) == 2
        plt.close("all")


def bowl(across, up):
    """A quadratic whose axes differ, so that a swap of them shows."""
    return 0.5 * (across - 1) ** 2 + 2 * (up + 0.5) ** 2 + 0.1


# --- style and colors ---


def test_style_sets_the_cycle():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        plotting.use_style()
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()
        _, ax = plt.subplots()
        lines = [ax.plot([0, 1])[0] for _ in range(8)]
        plt.close("all")
    seven = [getattr(plotting, name) for name in ("BLUE", "VERMILION", "GREEN", "ORANGE", "PINK", "SKY", "BLACK")]
    assert cycle["color"] == seven
    assert [line.get_color() for line in lines] == seven + seven[:1]
    # The first four differ without any color; all seven differ in the pair of color and line style.
    assert [line.get_linestyle() for line in lines[:4]] == ["-", "--", "-.", ":"]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines[:7]}) == 7
    assert lines[7].get_linestyle() == lines[0].get_linestyle()


def test_figures_are_opaque_and_white():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["figure.facecolor"] = matplotlib.rcParams["savefig.facecolor"] = "none"
        plotting.use_style()
        figure = plt.figure(figsize=(0.2, 0.2))
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        plt.close(figure)
        saved_on = matplotlib.rcParams["savefig.facecolor"]
    assert (pixels == 255).all()
    assert saved_on == "white"


# Severity 1.0 of Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color vision
# deficiency" (2009), https://doi.org/10.1109/TVCG.2009.113; they act on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# sRGB to XYZ, white D65.
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(color, vision="normal"):
    """CIE Lab of a color as it is seen with a kind of vision."""
    encoded = np.array(to_rgb(color))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
    ratio = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def smallest_difference(colors, vision):
    seen = [lab(color, vision) for color in colors]
    return min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2))


# A difference of 2.3 in Lab is just noticeable on large patches. Thin lines need a multiple: more than six times that
# is asked for. The smallest there is among the first four is 17.0, between blue and green with tritanopia.
CLEAR = 15.0


def test_lab_is_right_on_known_colors():
    # The values are those of http://www.brucelindbloom.com for sRGB.
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=1e-3)
    assert lab("#ff0000") == pytest.approx([53.2408, 80.0925, 67.2032], abs=1e-3)
    assert lab("#0000ff") == pytest.approx([32.2970, 79.1875, -107.8602], abs=1e-2)
    assert lab("#808080", "deuteranopia") == pytest.approx(lab("#808080"), abs=1e-2)  # gray is gray to everyone


@pytest.mark.parametrize("vision", VISION)
def test_line_colors_are_told_apart(vision):
    with matplotlib.rc_context():
        plotting.use_style()
        colors = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"][:4]
    assert smallest_difference(colors, vision) > CLEAR


def test_the_color_check_rejects_what_it_should():
    # matplotlib's own first four colors are clear to most readers, not to those with deuteranopia.
    tab10 = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728"]
    assert smallest_difference(tab10, "normal") > CLEAR
    assert smallest_difference(tab10, "deuteranopia") < CLEAR


@pytest.mark.parametrize("vision", VISION)
def test_line_and_data_of_fit_are_told_apart(vision):
    assert smallest_difference([plotting.VERMILION, plotting.BLUE], vision) > CLEAR
    assert smallest_difference([plotting.VERMILION, plotting.BLACK], vision) > CLEAR  # path and start, cost_contours


# --- cost_contours ---


def contour_set(ax):
    (contours,) = [artist for artist in ax.collections if hasattr(artist, "levels")]
    return contours


def test_contours_lie_where_the_cost_has_their_level(ax):
    plotting.cost_contours(ax, bowl, (-2.0, 3.0), (-2.0, 2.5))
    contours = contour_set(ax)
    corners = 0
    for level, path in zip(contours.levels, contours.get_paths()):
        for across, up in path.vertices:
            # Linear interpolation in a grid of 120 x 120 cells, of sides 5/120 and 4.5/120.
            assert bowl(across, up) == pytest.approx(level, abs=5e-3)
            corners += 1
    assert corners > 1000


def test_contours_are_evenly_spaced_in_the_root_of_the_cost(ax):
    plotting.cost_contours(ax, bowl, (-2.0, 3.0), (-2.0, 2.5), levels=9)
    roots = np.sqrt(contour_set(ax).levels)
    lowest, highest = math.sqrt(0.1), math.sqrt(bowl(-2.0, 2.5))  # the bottom is a grid point or close to one
    assert len(roots) == 10  # nine rings, and the highest value of all
    assert np.diff(roots) == pytest.approx((highest - lowest) / 10, rel=1e-2)
    assert roots[-1] == pytest.approx(highest, rel=1e-5)


def test_contours_set_the_limits(ax):
    far = torch.tensor([0.0, 50.0])
    plotting.cost_contours(ax, bowl, (-2.0, 3.0), (-1.0, 2.5), path=(far, far))
    assert ax.get_xlim() == (-2.0, 3.0)
    assert ax.get_ylim() == (-1.0, 2.5)


def test_contours_draw_the_path_and_its_start(ax):
    path = torch.tensor([0.0, 0.5, 0.9]), torch.tensor([2.0, 1.0, 0.4])
    plotting.cost_contours(ax, bowl, (-2.0, 3.0), (-2.0, 2.5), path=path)
    steps, first = ax.lines
    assert (steps.get_xdata().tolist(), steps.get_ydata().tolist()) == (path[0].tolist(), path[1].tolist())
    assert (steps.get_color(), steps.get_linestyle(), steps.get_marker()) == (plotting.VERMILION, "-", "o")
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([0.0], [2.0])
    assert first.get_marker() != steps.get_marker()  # told apart by shape, not by color alone


def test_contours_without_a_path_draw_no_line(ax):
    plotting.cost_contours(ax, bowl, (-2.0, 3.0), (-2.0, 2.5))
    assert len(ax.lines) == 0


@pytest.mark.parametrize("low, high", [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0)])
def test_contours_empty_range(ax, low, high):
    for name, ranges in (("horizontal", [(low, high), (0.0, 1.0)]), ("vertical", [(0.0, 1.0), (low, high)])):
        with pytest.raises(
            ValueError, match=re.escape(f"the {name} range is ({low}, {high}); expected low < high, two numbers")
        ):
            plotting.cost_contours(ax, bowl, *ranges)


@pytest.mark.parametrize(
    "cost, reach",
    [
        (lambda across, up: across + up, "from -2.0 to 2.0"),
        (lambda across, up: torch.sqrt(across), "from nan to nan"),
        (lambda across, up: 1 / (across == up), "from 1.0 to inf"),
    ],
)
def test_contours_of_a_cost_that_is_none(ax, cost, reach):
    with pytest.raises(ValueError, match=f"cost_contours: costs reach {reach}; expected finite, at least 0"):
        plotting.cost_contours(ax, cost, (-1.0, 1.0), (-1.0, 1.0))


# --- fit ---


@pytest.mark.parametrize("margin, expected", [(0.0, (-1.0, 3.0)), (0.25, (-2.0, 4.0))])
def test_fit_draws_line_and_data(ax, margin, expected):
    x, t = torch.tensor([3.0, -1.0, 0.5]), torch.tensor([1.0, 5.0, 2.0])
    plotting.fit(ax, x, t, lambda inputs: 2 * inputs**2 - 1, label="model", margin=margin)
    line, points = ax.lines
    across = line.get_xdata()
    assert (across[0], across[-1]) == expected
    assert np.allclose(np.diff(across), (expected[1] - expected[0]) / (len(across) - 1), atol=1e-5)
    assert len(across) >= 200  # smooth
    assert np.allclose(line.get_ydata(), 2 * np.asarray(across) ** 2 - 1, atol=1e-5)
    assert (points.get_xdata().tolist(), points.get_ydata().tolist()) == (x.tolist(), t.tolist())
    assert (points.get_linestyle(), points.get_marker()) == ("None", "o")
    assert (line.get_linestyle(), line.get_marker()) == ("-", "None")
    assert (line.get_label(), points.get_label()) == ("model", "data")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$", "$t$")


def test_fit_follows_the_data_not_the_model(ax):
    x, t = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 5.0])
    plotting.fit(ax, x, t, lambda inputs: 1e6 * inputs)
    assert tuple(map(float, ax.get_ylim())) == (0.0, 6.0)


# --- curves ---


def test_curves_draw_each_series_against_its_steps(ax):
    plotting.curves(ax, {"one": torch.tensor([3.0, 2.0, 1.5]), "two": [4.0, -1.0]}, xlabel="epoch", ylabel="loss")
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 1, 2], [0, 1]]
    assert [np.asarray(line.get_ydata()).tolist() for line in ax.lines] == [[3.0, 2.0, 1.5], [4.0, -1.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "linear")


def test_curves_on_a_log_axis(ax):
    plotting.curves(ax, {"one": torch.tensor([3.0, 0.1])}, log=True)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("step", "cost", "log")


@pytest.mark.parametrize("values", [torch.zeros(0), torch.zeros(2, 2), torch.tensor(1.0)])
def test_curves_bad_series(ax, values):
    message = re.escape(f"curves: 'one' has shape {tuple(values.shape)}; expected (steps,) with at least one step")
    with pytest.raises(ValueError, match=message):
        plotting.curves(ax, {"one": values})


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_curves_log_of_what_is_not_positive(ax, value):
    with pytest.raises(ValueError, match=f"curves: 'two' holds {value}; a log axis needs values greater than 0"):
        plotting.curves(ax, {"one": torch.ones(2), "two": torch.tensor([1.0, value])}, log=True)


# --- what all of them share ---


def test_functions_return_none_and_print_nothing(ax, capsys):
    x = torch.tensor([0.0, 1.0])
    assert plotting.cost_contours(ax, bowl, (-1.0, 1.0), (-1.0, 1.0), path=(x, x)) is None
    assert plotting.fit(ax, x, x, lambda inputs: inputs) is None
    assert plotting.curves(ax, {"one": x}) is None
    with matplotlib.rc_context():
        assert plotting.use_style() is None
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_inputs_are_not_changed(ax):
    x, t = torch.tensor([2.0, 0.0, 1.0]), torch.tensor([1.0, 5.0, 2.0])
    plotting.cost_contours(ax, bowl, (-1.0, 1.0), (-1.0, 1.0), path=(x, t))
    plotting.fit(ax, x, t, lambda inputs: inputs)
    plotting.curves(ax, {"one": t}, log=True)
    assert x.tolist() == [2.0, 0.0, 1.0] and t.tolist() == [1.0, 5.0, 2.0]


def test_fit_in_float64(ax):
    x = torch.linspace(0, 1, 5, dtype=torch.float64)
    w = torch.ones(3, dtype=torch.float64)
    plotting.fit(ax, x, x, lambda inputs: torch.stack([inputs**0, inputs, inputs**2], dim=1) @ w)
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(3)


def test_constant_cost(ax):
    with pytest.raises(ValueError, match="the cost is 1.0 all over the plot"):
        plotting.cost_contours(ax, lambda a, b: 0 * a + 1, (0, 1), (0, 1))


@pytest.mark.parametrize(
    "message, call",
    [
        ("curves: series is {}; expected at least one by name", lambda ax: plotting.curves(ax, {})),
        ("curves: series is [1.0]; expected at least one by name", lambda ax: plotting.curves(ax, [1.0])),
        ("curves: 'a' is None; expected (steps,)", lambda ax: plotting.curves(ax, {"a": None})),
        ("curves: 'a' holds an infinity or nothing but NaN", lambda ax: plotting.curves(ax, {"a": [1.0, math.inf]})),
        ("curves: 'a' holds an infinity or nothing but NaN", lambda ax: plotting.curves(ax, {"a": [math.nan] * 2})),
        ("curves: log is 'False'; expected True or False", lambda ax: plotting.curves(ax, {"a": [1.0]}, log="False")),
        (
            "fit: x has shape (3,) and t (4,); expected x (N,) and t (N,)",
            lambda ax: plotting.fit(ax, torch.ones(3), torch.ones(4), abs),
        ),
        (
            "fit: x is torch.int64 and t is torch.int64; expected one floating-point dtype",
            lambda ax: plotting.fit(ax, torch.arange(3), torch.arange(3), abs),
        ),
        (
            "fit: t[1] is nan; expected finite numbers",
            lambda ax: plotting.fit(ax, X, X + torch.tensor([0, math.nan, 0]), abs),
        ),
        ("fit: margin is -1; expected a finite number", lambda ax: plotting.fit(ax, X, X, abs, margin=-1)),
        ("fit: predict is 0.5; expected a function", lambda ax: plotting.fit(ax, X, X, 0.5)),
        (
            "fit: predict returned (400, 2); expected (400,), as it was given",
            lambda ax: plotting.fit(ax, X, X, lambda x: torch.stack([x, x], dim=1)),
        ),
        ("fit: predict is a float; expected a tensor", lambda ax: plotting.fit(ax, X, X, lambda x: 1.0)),
        (
            "cost_contours: cost returned (121,); expected (121, 121), as it was given",
            lambda ax: plotting.cost_contours(ax, lambda w, b: w[0] ** 2, (0, 1), (0, 1)),
        ),
        (
            "cost_contours: levels is 2.5; expected an integer of at least 1",
            lambda ax: plotting.cost_contours(ax, lambda w, b: w**2, (0, 1), (0, 1), levels=2.5),
        ),
    ],
)
def test_what_would_be_drawn_wrong_is_refused(ax, message, call):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(ax)


X = torch.tensor([0.0, 1.0, 2.0])


def test_a_gap_in_a_curve_and_curves_of_parameters(ax):
    plotting.curves(ax, {"a": [math.nan, 1.0, 2.0], "b": torch.ones(3, requires_grad=True)}, log=True)
    assert [line.get_ydata().tolist()[1:] for line in ax.lines] == [[1.0, 2.0], [1.0, 1.0]]
    assert math.isnan(ax.lines[0].get_ydata()[0])


def test_fit_of_a_model_with_gradients_and_of_constant_targets(ax):
    w = torch.tensor(2.0, requires_grad=True)
    plotting.fit(ax, X, torch.ones(3), lambda x: w * x)
    assert ax.lines[0].get_ydata()[-1] == 4.0 and ax.get_ylim() == (0.75, 1.25)
