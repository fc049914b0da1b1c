"""nndl_lib.plotting._classes: what each function draws, read back from the artists."""

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

from nndl_lib.plotting import _classes as plotting_classes
from nndl_lib.plotting import _shared
from tests.library.test_plotting import VISION, ax, smallest_difference  # noqa: F401  (ax is a fixture)

X = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]])
T = torch.tensor([0, 1, 0, 1])


def luminance(color):
    encoded = np.array(to_rgb(color))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def right_half(points):
    return points[:, 0] - 1.2


def lines_of(ax):
    return [(line.get_marker(), line.get_color(), line.get_xydata().tolist()) for line in ax.lines]


# --- decision regions ---


@pytest.mark.parametrize("shape", ["(M,)", "(M, 1)", "(M, 2)"])
def test_regions_of_two_classes(ax, shape):
    def predict(points):
        assert points.dtype == X.dtype and not torch.is_grad_enabled()
        z = right_half(points)
        return {"(M,)": z, "(M, 1)": z[:, None], "(M, 2)": torch.stack([-z, z], dim=1)}[shape]

    assert plotting_classes.decision_regions(ax, predict, X, T, resolution=51) is None
    (picture,) = ax.images
    values = np.asarray(picture.get_array())
    assert values.shape == (51, 51) and picture.origin == "lower"
    assert picture.get_extent() == pytest.approx([-0.2, 2.2, -0.4, 4.4])
    assert ax.get_xlim() == pytest.approx((-0.2, 2.2)) and ax.get_ylim() == pytest.approx((-0.4, 4.4))
    assert (values == (np.linspace(-0.2, 2.2, 51) >= 1.2 - 1e-6)[None, :]).all()
    (boundary,) = ax.collections
    (path,) = boundary.get_paths()
    assert path.vertices[:, 0] == pytest.approx(1.2, abs=1e-5) and path.vertices[:, 1].max() == pytest.approx(4.4)
    assert [(marker, points) for marker, _, points in lines_of(ax)] == [
        ("o", X[T == 0].tolist()),
        ("^", X[T == 1].tolist()),
    ]
    assert ax.get_legend() is None and ax.get_xlabel() == "$x_1$" and ax.get_ylabel() == "$x_2$"


def test_axes_of_the_regions_are_not_swapped(ax):
    plotting_classes.decision_regions(ax, lambda points: points[:, 1] - 1, X, T, resolution=41, margin=0.0)
    values = np.asarray(ax.images[0].get_array())
    assert (values == (np.linspace(0, 4, 41) >= 1)[:, None]).all()
    assert ax.get_xlim() == (0, 2) and ax.get_ylim() == (0, 4)


def test_regions_of_three_classes_have_names_and_colors(ax):
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 4.0]])
    names = ["a", "b", "c"]
    plotting_classes.decision_regions(
        ax, lambda p: -torch.cdist(p, corners), corners, torch.arange(3), names, resolution=31
    )
    values = np.asarray(ax.images[0].get_array())
    points = np.stack(np.meshgrid(np.linspace(-0.2, 2.2, 31), np.linspace(-0.4, 4.4, 31)), axis=-1)
    distances = np.linalg.norm(points[:, :, None] - corners.numpy(), axis=-1)
    clear = np.sort(distances)[..., 1] - np.sort(distances)[..., 0] > 1e-4
    assert (values == distances.argmin(-1))[clear].all()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    regions = [ax.images[0].cmap(ax.images[0].norm(k))[:3] for k in range(3)]
    for region, line in zip(regions, ax.lines):
        mix = 0.75 + 0.25 * np.array(to_rgb(line.get_color()))
        assert np.allclose(region, mix) and contrast("black", region) > 10


def test_equal_scores_are_decided_as_accuracy_does(ax):
    plotting_classes.decision_regions(ax, lambda p: torch.zeros(len(p)), X, T, resolution=3)
    plotting_classes.decision_regions(ax, lambda p: torch.zeros(len(p), 2), X, T, resolution=3)
    number, scores = ax.images
    assert (np.asarray(number.get_array()) == 1).all() and (np.asarray(scores.get_array()) == 0).all()
    assert not ax.collections  # and there is no boundary to draw


def test_class_markers_and_regions_can_be_told_apart():
    assert len(set(_shared.MARKERS)) == len(_shared.CYCLE) == 7
    light = [0.75 + 0.25 * np.array(to_rgb(color)) for color in _shared.CYCLE[:3]]
    for vision in VISION:
        assert smallest_difference(light[:2], vision) > 10, vision
        assert smallest_difference(light, vision) > 2.3, vision


def test_points_of_one_place(ax):
    plotting_classes.decision_regions(ax, right_half, torch.ones(2, 2), T[:2], resolution=3)
    assert ax.get_xlim() == pytest.approx((0.9, 1.1))


@pytest.mark.parametrize("shape", ["(M - 1,)", "(M, 3, 2)", "(M, 8)", "()"])
def test_regions_bad_scores(ax, shape):
    shapes = {"(M - 1,)": (8,), "(M, 3, 2)": (9, 3, 2), "(M, 8)": (9, 8), "()": ()}
    message = f"decision_regions: predict returned {shapes[shape]} for points (9, 2); expected (9,), (9, 1) or (9, K)"
    with pytest.raises(ValueError, match=re.escape(message)):
        plotting_classes.decision_regions(ax, lambda p: torch.zeros(shapes[shape]), X, T, resolution=3)


def test_regions_nan(ax):
    with pytest.raises(ValueError, match="decision_regions: predict returned a NaN; expected numbers"):
        plotting_classes.decision_regions(ax, lambda p: torch.full((len(p),), math.nan), X, T)


CALLS = {
    "decision_regions": lambda ax, X, t, **o: plotting_classes.decision_regions(ax, right_half, X, t, **o),
    "layer_space": plotting_classes.layer_space,
}


@pytest.mark.parametrize("name, letter", [("decision_regions", "X"), ("layer_space", "H")])
def test_bad_points(ax, name, letter):
    for points, t in ((X[:, :1], T), (X, T[:3]), (X[0], T), (X[:0], T[:0])):
        shapes = f"{letter} has shape {tuple(points.shape)} and t {tuple(t.shape)}"
        message = f"{name}: {shapes}; expected {letter} (N, 2) and t (N,)"
        with pytest.raises(ValueError, match=re.escape(message)):
            CALLS[name](ax, points, t)
    with pytest.raises(ValueError, match=rf"{name}: {letter}\[0, 0\] is nan; expected finite numbers"):
        CALLS[name](ax, X / 0, T)
    for value in (-1, 7, 0.5):
        with pytest.raises(ValueError, match=re.escape(f"{name}: t holds {value}; expected class numbers 0 to 6")):
            CALLS[name](ax, X, torch.tensor([0, 1, 0, value]))
    with pytest.raises(ValueError, match="there are 1 names and a class 1; expected a name for each class"):
        CALLS[name](ax, X, T, names=["a"])


# --- confusion matrix ---


def test_confusion_matrix(ax):
    counts = torch.tensor([[50, 3, 0], [10, 12, 8], [0, 0, 0]])
    assert plotting_classes.confusion_matrix(ax, counts, list("abc")) is None
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells == {(j, i): str(counts[i, j].item()) for i, j in itertools.product(range(3), repeat=2)}
    shares = np.asarray(ax.images[0].get_array())
    assert np.allclose(shares, [[50 / 53, 3 / 53, 0], [10 / 30, 12 / 30, 8 / 30], [0, 0, 0]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_numbers_can_be_read_on_every_cell(ax):
    counts = torch.arange(101).reshape(-1, 1).repeat(1, 101)
    counts[:, 1] = 100 - counts[:, 0]
    counts[:, 2:] = 0
    plotting_classes.confusion_matrix(ax, counts, [""] * 101)
    for text in ax.texts:
        column, row = text.get_position()
        if column < 2:
            cell = ax.images[0].cmap(ax.images[0].norm(ax.images[0].get_array()[row, column]))
            assert contrast(text.get_color(), cell) > 4.5


def test_confusion_matrix_of_shares(ax):
    plotting_classes.confusion_matrix(ax, torch.tensor([[0.125, 0.875], [1.0, 0.0]]), ["no", "yes"])
    assert sorted(text.get_text() for text in ax.texts) == ["0", "0.12", "0.88", "1"]


def test_confusion_matrix_refuses(ax):
    for shape in ((2, 3), (2,), (3, 3), (0, 0)):
        message = f"confusion_matrix: counts has shape {shape} and there are 2 names; expected (K, K) and K"
        with pytest.raises(ValueError, match=re.escape(message)):
            plotting_classes.confusion_matrix(ax, torch.zeros(shape), ["a", "b"])
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="confusion_matrix: counts reach from .*; expected finite, at least 0"):
            plotting_classes.confusion_matrix(ax, torch.tensor([[1.0, value], [0.0, 0.0]]), ["a", "b"])


# --- images ---


@pytest.fixture
def figures():
    yield
    plt.close("all")


def test_image_grid(figures):
    images = torch.arange(7 * 6.0).reshape(7, 2, 3).requires_grad_()
    figure = plotting_classes.image_grid(images, titles=list("abcdefg"), columns=3)
    panels, bar = figure.axes[:-1], figure.axes[-1]
    assert len(panels) == 9 and bar.get_ylabel() == ""
    for k, panel in enumerate(panels[:7]):
        assert np.array_equal(panel.images[0].get_array(), images[k].detach().numpy())
        assert panel.images[0].get_clim() == (0, 41) and panel.images[0].get_cmap().name == "gray_r"
        assert panel.get_title() == "abcdefg"[k] and len(panel.get_xticks()) == 0
    assert [panel.axison for panel in panels] == [True] * 7 + [False] * 2
    assert bar.get_ylim() == (0, 41)


def test_many_columns_make_no_wider_grid(figures):
    few, many = (plotting_classes.image_grid(torch.zeros(8, 2, 2), list("abcdefgh"), columns=k) for k in (5, 8))
    assert few.get_figwidth() == many.get_figwidth() == pytest.approx(6.65)  # where ten points can be read on a phone


def test_symmetric_images_have_white_at_zero(figures):
    for images, limit in (
        (torch.tensor([[[-1.0, 3.0]]]), 3),
        (torch.tensor([[[-5.0, 3.0]]]), 5),
        (torch.zeros(1, 1, 1), 1),
    ):
        drawn = plotting_classes.image_grid(images, symmetric=True).axes[0].images[0]
        assert drawn.get_clim() == (-limit, limit)
        assert np.allclose(drawn.cmap(drawn.norm(0.0)), 1, atol=0.01)
        low, high = (drawn.cmap(drawn.norm(value)) for value in (-limit, limit))
        assert low[2] > low[0] and high[0] > high[2]  # blue below, red above


def test_image_grid_refuses():
    for shape in ((2, 2), (0, 2, 2), (2, 0, 2), (1, 2, 2, 3)):
        message = f"image_grid: images has shape {shape}; expected (M, H, W), each at least 1"
        with pytest.raises(ValueError, match=re.escape(message)):
            plotting_classes.image_grid(torch.zeros(shape))
    with pytest.raises(ValueError, match="image_grid: images hold a NaN or an infinity"):
        plotting_classes.image_grid(torch.full((1, 2, 2), math.nan))
    with pytest.raises(ValueError, match="image_grid: there are 1 titles and 2 images; expected one for each"):
        plotting_classes.image_grid(torch.zeros(2, 2, 2), titles=["a"])
    for columns in (0, 1.5, True):
        with pytest.raises(ValueError, match=f"image_grid: columns is {columns}; expected an integer of at least 1"):
            plotting_classes.image_grid(torch.zeros(2, 2, 2), columns=columns)
    assert not plt.get_fignums()


# --- the space of a layer ---


def test_layer_space(ax):
    grid = torch.stack(torch.meshgrid(torch.arange(3.0), torch.arange(3.0), indexing="ij"), dim=-1).requires_grad_()
    w, b = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([-3.0])
    H = X.clone().requires_grad_()
    assert plotting_classes.layer_space(ax, H, T, boundary=(w, b), grid=grid, names=["a", "b"]) is None
    thin = [points for marker, _, points in lines_of(ax) if marker == ""]
    assert sorted(thin[:6]) == sorted(
        [[[float(i), float(j)] for j in range(3)] for i in range(3)]
        + [[[float(i), float(j)] for i in range(3)] for j in range(3)]
    )
    assert [(marker, points) for marker, _, points in lines_of(ax) if marker in "o^" and marker] == [
        ("o", X[T == 0].tolist()),
        ("^", X[T == 1].tolist()),
    ]
    line = ax.lines[-1]
    for x, y in (line.get_xy1(), line.get_xy2()):
        assert x + 2 * y - 3 == pytest.approx(0)
    assert line.get_xy1() != line.get_xy2()
    assert ax.get_xlim()[0] < 0 and ax.get_xlim()[1] < 3 and ax.get_ylim()[1] < 5  # of the points, not of the line
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$h_1$", "$h_2$")


def test_layer_space_of_points_alone(ax):
    plotting_classes.layer_space(ax, X, T.double())
    assert len(ax.lines) == 2 and ax.get_legend() is None


def test_layer_space_refuses(ax):
    for shape in ((3, 3), (3, 2, 2), (3, 3, 3)):
        message = f"H has shape (4, 2), t (4,) and grid {shape}; expected H (N, 2), t (N,) and grid (G, G, 2)"
        with pytest.raises(ValueError, match=re.escape(f"layer_space: {message}")):
            plotting_classes.layer_space(ax, X, T, grid=torch.zeros(shape))
    for w, b in (
        ([0.0, 0.0], 1.0),
        ([1.0], 0.0),
        ([1.0, math.nan], 0.0),
        ([1.0, 0.0], math.inf),
        ([1.0, 1.0], [1.0, 2.0]),
    ):
        with pytest.raises(
            ValueError, match="layer_space: boundary has w .*; expected two finite weights, not both 0, and a"
        ):
            plotting_classes.layer_space(ax, X, T, boundary=(torch.tensor(w), torch.tensor(b)))


@pytest.mark.parametrize(
    "message, call",
    [
        (
            "decision_regions: t holds 2; expected classes 0 to 1, as predict gives",
            lambda ax: plotting_classes.decision_regions(ax, lambda p: p[:, 0], X3, torch.arange(3)),
        ),
        (
            "decision_regions: X is torch.int64; expected a floating-point dtype",
            lambda ax: plotting_classes.decision_regions(ax, lambda p: p[:, 0], X3.long(), torch.zeros(3)),
        ),
        (
            "decision_regions: resolution is 1; expected an integer of at least 2",
            lambda ax: plotting_classes.decision_regions(ax, lambda p: p[:, 0], X3, torch.zeros(3), resolution=1),
        ),
        (
            "decision_regions: margin is nan; expected a finite number of at least 0",
            lambda ax: plotting_classes.decision_regions(ax, lambda p: p[:, 0], X3, torch.zeros(3), margin=math.nan),
        ),
        (
            "decision_regions: predict is 1; expected a function",
            lambda ax: plotting_classes.decision_regions(ax, 1, X3, torch.zeros(3)),
        ),
        (
            "decision_regions: predict is a list; expected a tensor",
            lambda ax: plotting_classes.decision_regions(ax, lambda p: p[:, 0].tolist(), X3, torch.zeros(3)),
        ),
        (
            "layer_space: there are 8 names and a class 0; expected a name for each class, at most 7",
            lambda ax: plotting_classes.layer_space(ax, X3, torch.zeros(3), names="abcdefgh"),
        ),
        (
            "layer_space: grid[1, 0, 1] is nan; expected finite numbers",
            lambda ax: plotting_classes.layer_space(
                ax, X3, torch.zeros(3), grid=torch.tensor([[[0, 0], [0, 1]], [[1, math.nan], [1, 1]]])
            ),
        ),
        (
            "layer_space: H is a list; expected a tensor",
            lambda ax: plotting_classes.layer_space(ax, [[0, 1]], torch.zeros(1)),
        ),
        (
            "image_grid: columns is 2.0; expected an integer",
            lambda ax: plotting_classes.image_grid(torch.ones(2, 2, 2), columns=2.0),
        ),
        (
            "image_grid: symmetric is 1; expected True or False",
            lambda ax: plotting_classes.image_grid(torch.ones(2, 2, 2), symmetric=1),
        ),
    ],
)
def test_what_would_be_drawn_wrong_is_refused(ax, message, call):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(ax)


X3 = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
