"""Figures of classifiers: decision regions, confusion matrices, weights as images, points in a hidden layer's space.

As in ``plotting``, whose colors and style these share, functions draw on an ``Axes`` and return None; ``image_grid``,
which needs many axes, makes its own figure. Classes differ by marker as well as by color.
"""

import math
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from nndl_lib._arguments import check_flag, check_function
from nndl_lib._declared import checked, count, number
from nndl_lib.plotting._shared import (
    BLACK,
    CYCLE,
    DIVERGING_COLORS,
    LIGHT_GRAY,
    MARKERS,
    SHARE_COLORS,
    asked,
    check_classes,
    marks,
    plane,
)


@checked(X="finite N 2", t="any N", predict=check_function, margin=number(), resolution=count(least=2))
def decision_regions(
    ax: Axes,
    predict: Callable[[Tensor], Tensor],
    X: Tensor,
    t: Tensor,
    names: Sequence[str] | None = None,
    margin: float = 0.1,
    resolution: int = 201,
) -> None:
    """The class that a model gives to each point of the plane, the boundaries as black lines, and the data.

    Args:
        predict: takes points (M, 2) of X's dtype, returns class scores (M, K), the largest of which decides, or one
            number each, (M,) or (M, 1), whose sign does: class 1 where it is at least 0.
        X: (N, 2). t: (N,), the class of each point, 0 to K - 1; at most seven classes.
        names: one for each class, for a legend; there is none without them.
        margin: how far the plot goes beyond the data, as a share of their range.
        resolution: how many points the plane is asked at along each axis.

    Raises:
        ValueError: X or t has another shape, a class is not in 0 to 6 or not among those that predict can give, X is
            not finite floating-point, predict returns another shape or a NaN, or a number is outside its range.
    """
    check_classes(t, "decision_regions")
    X, t = X.detach().cpu(), t.cpu()
    low, high = X.amin(dim=0), X.amax(dim=0)
    pad = margin * torch.where(high > low, high - low, 1)
    across, up = (torch.linspace(a, b, resolution, dtype=X.dtype) for a, b in zip(low - pad, high + pad))
    points = torch.stack([grid.flatten() for grid in plane(across, up)], dim=1)
    scores, classes = _scores(asked(predict, "predict", "decision_regions", points), points, t)
    K = scores.shape[1]
    edges = (float(across[0]), float(across[-1]), float(up[0]), float(up[-1]))
    light = ListedColormap([0.75 + 0.25 * np.array(to_rgb(color)) for color in CYCLE[:K]])
    regions = classes.reshape(resolution, resolution).numpy()
    ax.imshow(regions, cmap=light, vmin=-0.5, vmax=K - 0.5, extent=edges, origin="lower", aspect="auto", zorder=0)
    for k in range(1 if K == 2 else 0, K):
        others = torch.cat([scores[:, :k], scores[:, k + 1 :]], dim=1).amax(dim=1)
        lead = (scores[:, k] - others).reshape(resolution, resolution)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0], colors=BLACK, linewidths=1.5, linestyles="solid")
    _scatter(ax, X, t, names, "decision_regions")
    ax.set(xlim=edges[:2], ylim=edges[2:], xlabel="$x_1$", ylabel="$x_2$")
    ax.grid(False)


def confusion_matrix(ax: Axes, counts: Tensor, names: Sequence[str]) -> None:
    """How often examples of each class, a row, are taken for each class, a column, with the numbers in the cells.

    A cell is colored by its share of its row. Numbers are written as integers where they are, else with two digits.

    Args:
        counts: (K, K), at least 0; ``counts[i, j]`` examples of class i are taken for class j.
        names: one for each class.

    Raises: ValueError: counts is not (K, K), holds a negative number or a NaN, or there are not K names.
    """
    counts, K = torch.as_tensor(counts).detach().cpu(), len(names)
    _check_counts(counts, K)
    shares = counts.double() / counts.double().sum(dim=1, keepdim=True).clamp(min=1e-300)
    ax.imshow(shares.numpy(), cmap=SHARE_COLORS, vmin=0, vmax=1)
    for row in range(K):
        for column in range(K):
            value, share = counts[row, column].item(), shares[row, column].item()
            text = str(int(value)) if value == int(value) else f"{value:.2f}"
            color = "white" if _luminance(SHARE_COLORS(share)) < 0.18 else BLACK
            ax.text(column, row, text, ha="center", va="center", color=color, fontsize=9)
    ax.set_xticks(range(K), names)
    ax.set_yticks(range(K), names)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.grid(False)


def _images(value: Tensor, name: str, caller: str) -> Tensor:
    images = torch.as_tensor(value).detach().cpu()
    if images.ndim != 3 or images.numel() == 0:
        raise ValueError(f"{caller}: {name} has shape {tuple(images.shape)}; expected (M, H, W), each at least 1")
    if not images.isfinite().all():
        raise ValueError(f"{caller}: {name} hold a NaN or an infinity; expected finite numbers")
    return images


@checked(images=_images, columns=count(), symmetric=check_flag)
def image_grid(
    images: Tensor, titles: Sequence[str] | None = None, columns: int = 5, symmetric: bool = False
) -> Figure:
    """Small images (M, H, W), such as digits or the weights of units, on one scale of color with a bar beside them.

    Args:
        images: (M, H, W), finite.
        titles: one for each image.
        columns: images in a row, at most.
        symmetric: False for gray from the smallest value, white, to the largest, black; True for blue for negative,
            white for 0 and red for positive.

    Raises: ValueError: images is not (M, H, W) or not finite, there are not M titles, or columns is less than 1.
    """
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"image_grid: there are {len(titles)} titles and {len(images)} images; expected one for each")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    low, high = images.min().item(), images.max().item()
    if symmetric:
        high = max(-low, high) or 1.0
        low = -high
    side = min(1.15, 5.75 / columns)  # in wider figures a phone would make the titles too small
    height = side * images.shape[1] / images.shape[2] + (0.25 if titles is not None else 0)
    size = (side * columns + 0.9, max(rows * height, 1.0))
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=size, layout="constrained")
    colors = DIVERGING_COLORS if symmetric else "gray_r"
    for k, ax in enumerate(axes.flat):
        if k >= len(images):
            ax.axis("off")
            continue
        drawn = ax.imshow(images[k].numpy(), cmap=colors, vmin=low, vmax=high)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set(visible=True, color=LIGHT_GRAY, linewidth=0.6)  # where the paper is white, this is the edge
        if titles is not None:
            ax.set_title(titles[k], fontsize=10)
    figure.colorbar(drawn, ax=axes)
    return figure


@checked(H="finite N 2", t="any N", grid="finite G G 2")
def layer_space(
    ax: Axes,
    H: Tensor,
    t: Tensor,
    boundary: tuple[Tensor, float | Tensor] | None = None,
    grid: Tensor | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Points in the space of two hidden units, with the line at which the next unit decides.

    Args:
        H: (N, 2), the activations of the units. t: (N,), the class of each point, 0 to 6.
        boundary: (w, b), weights (2,) and bias of the next unit: the line ``w h + b = 0`` is drawn in black.
        grid: (G, G, 2), what the layers make of a square grid of the input plane: its lines are drawn thin and gray.
        names: one for each class, for a legend.

    Raises: ValueError: a shape is another one, a number is not finite, or w is all zeros.
    """
    check_classes(t, "layer_space")
    if grid is not None:
        grid = grid.detach().cpu()
        for lines in (grid, grid.transpose(0, 1)):
            ax.plot(lines[..., 0], lines[..., 1], color=LIGHT_GRAY, linewidth=0.6, linestyle="-", marker="", zorder=1)
    _scatter(ax, H, t, names, "layer_space")
    if boundary is not None:
        w, b = _line(*boundary)
        ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # those of the points and the grid, however far the line runs
        foot, along = -b * w / (w @ w), torch.stack([-w[1], w[0]])
        (x1, y1), (x2, y2) = foot.tolist(), (foot + along).tolist()
        ax.axline((x1, y1), (x2, y2), color=BLACK, linewidth=1.5, linestyle="-")
    ax.set(xlabel="$h_1$", ylabel="$h_2$")


def _scatter(ax: Axes, X: Tensor, t: Tensor, names: Sequence[str] | None, caller: str) -> None:
    X, t, highest = X.detach().cpu(), t.cpu(), int(t.max())
    if names is not None and not highest < len(names) <= len(CYCLE):
        what = f"there are {len(names)} names and a class {highest}"
        raise ValueError(f"{caller}: {what}; expected a name for each class, at most {len(CYCLE)}")
    for k in range(len(names) if names is not None else highest + 1):
        style = marks(CYCLE[k], MARKERS[k], 6, edge=0.6, zorder=3, **({} if names is None else {"label": names[k]}))
        ax.plot(*X[t == k].T, **style)
    if names is not None:
        ax.legend(frameon=True, facecolor="white", framealpha=0.9, edgecolor="none")


def _luminance(color: tuple[float, ...]) -> float:
    # Relative luminance of WCAG 2.1; below 0.18, white on it has the higher contrast.
    encoded = np.array(color[:3])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _scores(given: Tensor, points: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    # The scores (M, K) that predict gave, and the classes that they decide, (M,). A single number is the score of class
    # 1, and its negative that of class 0.
    M, shape = len(points), tuple(given.shape)
    number = shape in ((M,), (M, 1))
    if not number and (len(shape) != 2 or shape[0] != M or not 2 <= shape[1] <= len(CYCLE)):
        raise ValueError(
            f"decision_regions: predict returned {shape} for points ({M}, 2); "
            f"expected ({M},), ({M}, 1) or ({M}, K) with K from 2 to {len(CYCLE)}"
        )
    if given.isnan().any():
        raise ValueError("decision_regions: predict returned a NaN; expected numbers")
    K = 2 if number else shape[1]
    if t.max() >= K:
        raise ValueError(f"decision_regions: t holds {t.max()}; expected classes 0 to {K - 1}, as predict gives")
    if not number:
        return given, given.argmax(dim=1)
    s = given.reshape(M)
    return torch.stack([-s, s], dim=1), (s >= 0).long()


def _check_counts(counts: Tensor, K: int) -> None:
    if counts.shape != (K, K) or K == 0:
        raise ValueError(
            f"confusion_matrix: counts has shape {tuple(counts.shape)} and there are {K} names; expected (K, K) and K"
        )
    if not (counts >= 0).all() or not counts.isfinite().all():
        raise ValueError(
            f"confusion_matrix: counts reach from {counts.min()} to {counts.max()}; expected finite, at least 0"
        )


def _line(w: Tensor, b: float | Tensor) -> tuple[Tensor, Tensor]:
    # Weights (2,) and a number, in float64.
    w, b = (torch.as_tensor(part).detach().cpu().double() for part in (w, b))
    if w.shape != (2,) or b.numel() != 1 or not w.isfinite().all() or not b.isfinite().all() or not w.any():
        raise ValueError(
            f"layer_space: boundary has w {w.tolist()} and b {b.tolist()}; "
            "expected two finite weights, not both 0, and a number"
        )
    return w, b.reshape(())
