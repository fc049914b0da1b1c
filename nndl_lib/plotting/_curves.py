"""The book's matplotlib style, and curves: a fit beside its data, a cost with a path over it, learning curves.

Functions draw on an ``Axes`` that they are given and return None, so that a cell that ends with one prints nothing.
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from nndl_lib._arguments import check_flag, check_function
from nndl_lib._declared import checked, count, number
from nndl_lib.plotting._shared import (
    BLACK,
    BLUE,
    COST_COLORS,
    CYCLE,
    VERMILION,
    asked,
    check_shape,
    marks,
    plane,
)


def use_style() -> None:
    """Set the book's matplotlib style, for the rest of the session.

    The background is white and opaque, so that a figure reads on a dark page too, in a notebook as on the site (the
    site's style sheet turns figures dark on dark pages). Text of 12 points in a figure 7.4 inches wide can be read on a
    phone.
    """
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=CYCLE, linestyle=["-", "--", "-.", ":", "-", "--", "-."]),
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "figure.facecolor": "white",
            "figure.figsize": (6.4, 3.6),
            "font.size": 12,
            "grid.alpha": 0.3,
            "image.cmap": "viridis",
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.facecolor": "white",
        }
    )


def _range(value: tuple[float, float], name: str, caller: str) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not value[0] < value[1]:
        raise ValueError(f"{caller}: the {name} range is {value!r}; expected low < high, two numbers")
    return value[0], value[1]


@checked(cost=check_function, horizontal=_range, vertical=_range, levels=count())
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
    across, up = torch.linspace(*horizontal, 121), torch.linspace(*vertical, 121)
    grids = plane(across, up)
    values = asked(cost, "cost", "cost_contours", *grids)
    check_shape(values, grids[0], "cost", "cost_contours")
    _check_costs(values)
    rings = torch.linspace(values.min() ** 0.5, values.max() ** 0.5, levels + 2)[1:] ** 2
    ax.contour(across, up, values, levels=rings.tolist(), cmap=COST_COLORS, linewidths=1)
    if path is not None:
        ax.plot(*path, **marks(VERMILION, "o", 5, edge=0.5) | {"linewidth": 1.5, "linestyle": "-"})
        ax.plot(path[0][:1], path[1][:1], **marks(BLACK, "s", 7))
    ax.set(xlim=horizontal, ylim=vertical)
    ax.grid(False)


@checked(x="finite N", t="finite N", predict=check_function, margin=number())
def fit(
    ax: Axes, x: Tensor, t: Tensor, predict: Callable[[Tensor], Tensor], label: str = "prediction", margin: float = 0.0
) -> None:
    """Data (N,) as circles and a model's predictions as a line, over the range of x widened by ``margin`` of it.

    ``predict`` takes inputs (M,) and returns predictions (M,). The vertical range follows the data, not the model, so
    that a model that runs away does not hide them.

    Raises:
        ValueError: x or t is not (N,), floating-point and finite, margin is not a number of at least 0, or predict
            returns another shape.
    """
    left, right, low, high = (float(v) for v in (x.min(), x.max(), t.min(), t.max()))
    width, height = right - left, high - low or 1.0
    line = torch.linspace(left - margin * width, right + margin * width, 400, dtype=x.dtype)
    y = asked(predict, "predict", "fit", line)
    check_shape(y, line, "predict", "fit")
    ax.plot(line, y, color=VERMILION, linestyle="-", label=label)
    ax.plot(x.detach().cpu(), t.detach().cpu(), **marks(BLUE, "o", 6, fillstyle="none", label="data"))
    ax.set(xlabel="$x$", ylabel="$t$", ylim=(low - 0.25 * height, high + 0.25 * height))


def _named(value: Mapping, name: str, caller: str) -> Mapping:
    if not isinstance(value, Mapping) or not value:
        expected = "expected at least one by name, such as {'training': costs}"
        raise ValueError(f"{caller}: {name} is {value!r}; {expected}")
    return value


@checked(series=_named, log=check_flag)
def curves(
    ax: Axes,
    series: Mapping[str, Tensor | Sequence[float]],
    xlabel: str = "step",
    ylabel: str = "cost",
    log: bool = False,
) -> None:
    """Learning curves: each series (steps,) against 0, 1, 2, ..., with a legend where there are several.

    A NaN is a gap, as in a history for an epoch in which something was not measured.

    Raises:
        ValueError: there is no series, one is empty, holds an infinity or nothing but NaN, or ``log`` is asked for
            where one holds a value of 0 or less.
    """
    for name, values in series.items():
        heights = _heights(name, values, log)
        ax.plot(range(len(heights)), heights, label=name)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    if len(series) > 1:
        ax.legend()


def _check_costs(values: Tensor) -> None:
    low, high = values.min(), values.max()
    if not (values.isfinite() & (values >= 0)).all():
        raise ValueError(f"cost_contours: costs reach from {low} to {high}; expected finite, at least 0")
    if low == high:
        raise ValueError(f"cost_contours: the cost is {low} all over the plot; expected one that varies")


def _heights(name: str, values: Tensor | Sequence[float] | None, log: bool) -> Tensor:
    # A series as a tensor that can be drawn.
    if values is None:
        raise ValueError(f"curves: {name!r} is None; expected (steps,) with at least one step")
    heights = torch.as_tensor(values).detach().cpu()
    if heights.ndim != 1 or len(heights) == 0:
        raise ValueError(f"curves: {name!r} has shape {tuple(heights.shape)}; expected (steps,) with at least one step")
    if heights.isinf().any() or heights.isnan().all():
        raise ValueError(f"curves: {name!r} holds an infinity or nothing but NaN; expected numbers to draw")
    if log and (heights <= 0).any():
        least = heights[heights <= 0].min().item()
        raise ValueError(f"curves: {name!r} holds {least}; a log axis needs values greater than 0")
    return heights
