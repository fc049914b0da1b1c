"""The book's figures: one matplotlib style and the plots that chapters share.

Functions draw on an ``Axes`` that they are given and return None, so that a cell that ends with one prints nothing.
Line colors are those of Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/, told apart
with any of the common color-vision deficiencies; lines differ by style or marker as well where the plot depends on it.
"""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from torch import Tensor

from nndl_lib import _arguments as arguments

BLACK, BLUE, VERMILION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
ORANGE, PINK, SKY = "#E69F00", "#CC79A7", "#56B4E9"
# Viridis without its yellow, which vanishes on white, and on black where the page turns figures dark.
COST_COLORS = ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.72, 256)), name="cost")


def use_style() -> None:
    """Set the book's matplotlib style, for the rest of the session.

    The background is white and opaque, so that a figure reads on a dark page too, in a notebook as on the site (the
    site's style sheet turns figures dark on dark pages).
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(
                color=[BLUE, VERMILION, GREEN, ORANGE, PINK, SKY, BLACK],
                linestyle=["-", "--", "-.", ":", "-", "--", "-."],
            ),
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "figure.facecolor": "white",
            "figure.figsize": (6.4, 3.6),
            "font.size": 11,
            "grid.alpha": 0.3,
            "image.cmap": "viridis",
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.facecolor": "white",
        }
    )


def cost_contours(
    ax: Axes,
    cost: Callable[[Tensor, Tensor], Tensor],
    horizontal: tuple[float, float],
    vertical: tuple[float, float],
    path: tuple[Tensor, Tensor] | None = None,
    levels: int = 14,
) -> None:
    """Contours of a cost of two parameters, with the path that an optimizer took.

    Args:
        cost: takes two grids of the same shape (horizontal and vertical parameter, of PyTorch's default dtype),
            returns the costs in that shape.
        horizontal: the range of the horizontal parameter; ``vertical`` likewise.
        path: (horizontal, vertical) coordinates of the steps, (steps + 1,) each. A path that leaves the ranges is cut
            at the edge of the plot.
        levels: how many contours; they are spaced evenly in the square root of the cost, so that a quadratic bowl
            gets evenly spaced rings.

    Raises:
        ValueError: a range is empty, levels is not an integer of at least 1, or the cost over the plot is constant,
            negative, not finite, or not in the shape of the grids.
    """
    levels = arguments.check_count(levels, "levels", "cost_contours")
    arguments.check_function(cost, "cost", "cost_contours")
    for name, pair in (("horizontal", horizontal), ("vertical", vertical)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not pair[0] < pair[1]:
            raise ValueError(f"cost_contours: the {name} range is {pair!r}; expected low < high, two numbers")
    across, up = torch.linspace(*horizontal, 121), torch.linspace(*vertical, 121)
    grid_up, grid_across = torch.meshgrid(up, across, indexing="ij")
    with torch.no_grad():
        values = cost(grid_across, grid_up)
    _check_shape(values, grid_up, "cost", "cost_contours")
    if not bool((torch.isfinite(values) & (values >= 0)).all()):
        raise ValueError(
            f"cost_contours: costs reach from {values.min()} to {values.max()}; expected finite, at least 0"
        )
    if values.min() == values.max():
        raise ValueError(f"cost_contours: the cost is {values.min()} all over the plot; expected one that varies")
    rings = torch.linspace(values.min() ** 0.5, values.max() ** 0.5, levels + 2)[1:] ** 2
    ax.contour(across, up, values, levels=rings.tolist(), cmap=COST_COLORS, linewidths=1)
    if path is not None:
        # White edges keep the marks of many small steps apart.
        edges = {"markeredgecolor": "white", "markeredgewidth": 0.5}
        ax.plot(*path, color=VERMILION, marker="o", markersize=5, linewidth=1.5, linestyle="-", **edges)
        ax.plot(path[0][:1], path[1][:1], color=BLACK, marker="s", markersize=7, linestyle="none")
    ax.set(xlim=horizontal, ylim=vertical)
    ax.grid(False)


def fit(
    ax: Axes, x: Tensor, t: Tensor, predict: Callable[[Tensor], Tensor], label: str = "prediction", margin: float = 0.0
) -> None:
    """Data (N,) as circles and a model's predictions as a line, over the range of x widened by ``margin`` of it.

    ``predict`` takes inputs (M,) and returns predictions (M,). The vertical range follows the data, not the model, so
    that a model that runs away does not hide them.

    Raises:
        ValueError: x or t is not (N,) with N of at least 1, floating-point and finite, margin is not a number of at least
            0, or predict returns another shape.
    """
    arguments.check_same(x, t, "fit")
    arguments.check_finite(x, "fit", input=x)
    arguments.check_finite(t, "fit", target=t)
    arguments.check_number(margin, "margin", "fit")
    arguments.check_function(predict, "predict", "fit")
    left, right, low, high = (float(v) for v in (x.min(), x.max(), t.min(), t.max()))
    width, height = right - left, high - low or 1.0
    line = torch.linspace(left - margin * width, right + margin * width, 400, dtype=x.dtype)
    with torch.no_grad():
        y = predict(line)
    _check_shape(y, line, "predict", "fit")
    ax.plot(line, y, color=VERMILION, linestyle="-", label=label)
    ax.plot(
        x.detach(), t.detach(), color=BLUE, marker="o", linestyle="none", fillstyle="none", markersize=6, label="data"
    )
    ax.set(xlabel="$x$", ylabel="$t$", ylim=(low - 0.25 * height, high + 0.25 * height))


def curves(
    ax: Axes, series: Mapping[str, Tensor], xlabel: str = "step", ylabel: str = "cost", log: bool = False
) -> None:
    """Learning curves: each series (steps,) against 0, 1, 2, ..., with a legend where there are several.

    A NaN is a gap, as in a history for an epoch in which something was not measured.

    Raises:
        ValueError: there is no series, one is empty, holds an infinity or nothing but NaN, or ``log`` is asked for where one
            holds a value of 0 or less.
    """
    if not isinstance(series, Mapping) or not series:
        raise ValueError(f"curves: series is {series!r}; expected at least one by name, such as {{'training': costs}}")
    arguments.check_flag(log, "log", "curves")
    for name, values in series.items():
        if values is None:
            raise ValueError(f"curves: {name!r} is None; expected (steps,) with at least one step")
        values = torch.as_tensor(values).detach().cpu()
        if values.ndim != 1 or len(values) == 0:
            raise ValueError(
                f"curves: {name!r} has shape {tuple(values.shape)}; expected (steps,) with at least one step"
            )
        if values.isinf().any() or values.isnan().all():
            raise ValueError(f"curves: {name!r} holds an infinity or nothing but NaN; expected numbers to draw")
        if log and bool((values <= 0).any()):
            least = values[values <= 0].min().item()
            raise ValueError(f"curves: {name!r} holds {least}; a log axis needs values greater than 0")
        ax.plot(range(len(values)), values, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if len(series) > 1:
        ax.legend()


def _check_shape(values: Tensor, expected: Tensor, name: str, caller: str) -> None:
    arguments.check_tensors(caller, **{name: values})
    if values.shape != expected.shape:
        raise ValueError(
            f"{caller}: {name} returned {tuple(values.shape)}; expected {tuple(expected.shape)}, as it was given"
        )
