"""What the plots share: colors, markers, the grid at which a function of the plane is asked, and what is given to draw.

Line colors are those of Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/, told apart
with any of the common color-vision deficiencies; lines differ by style or marker as well where the plot depends on it.
"""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from torch import Tensor

from nndl_lib._arguments import check_tensors

BLACK, BLUE, VERMILION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
ORANGE, PINK, SKY = "#E69F00", "#CC79A7", "#56B4E9"
GRAY, LIGHT_GRAY = "#666666", "#999999"  # what is beside the matter
CYCLE = [BLUE, VERMILION, GREEN, ORANGE, PINK, SKY, BLACK]  # of lines, and of classes
MARKERS = ["o", "^", "s", "D", "v", "P", "X"]  # of classes
# Viridis without its yellow, which vanishes on white, and on black where the page turns figures dark.
COST_COLORS = ListedColormap(plt.get_cmap("viridis")(np.linspace(0, 0.72, 256)), name="cost")
DIVERGING_COLORS = LinearSegmentedColormap.from_list("diverging", [BLUE, "#FFFFFF", VERMILION])
SHARE_COLORS = LinearSegmentedColormap.from_list("share", ["#FFFFFF", BLUE])


def marks(color: str, marker: str, size: float, edge: float | None = None, **style: Any) -> dict[str, Any]:
    """How marks without a line are drawn; white edges keep them apart from each other and from what lies below."""
    edges = {} if edge is None else {"markeredgecolor": "white", "markeredgewidth": edge}
    return {"color": color, "marker": marker, "markersize": size, "linestyle": "none", **edges, **style}


def plane(across: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinates of all points with one number across and one up: two grids, a row for each number up."""
    grid_up, grid_across = torch.meshgrid(up, across, indexing="ij")
    return grid_across, grid_up


@torch.no_grad()
def asked(function: Callable[..., Tensor], name: str, caller: str, *points: Tensor) -> Tensor:
    """What a function of that name gives for points, on the CPU. Raises: ValueError where that is no tensor."""
    values = function(*points)
    check_tensors(caller, **{name: values})
    return values.detach().cpu()


def check_shape(values: Tensor, points: Tensor, name: str, caller: str) -> None:
    """Raises: ValueError where a function of that name gave values of another shape than the points."""
    if values.shape != points.shape:
        raise ValueError(
            f"{caller}: {name} returned {tuple(values.shape)}; expected {tuple(points.shape)}, as it was given"
        )


def check_classes(t: Tensor, caller: str) -> None:
    """Raises: ValueError where t holds what is no class, or one for which there is no color."""
    wrong = ~((t >= 0) & (t < len(CYCLE)) & (t == t.long()))
    if wrong.any():
        raise ValueError(f"{caller}: t holds {t[wrong][0].item()}; expected class numbers 0 to {len(CYCLE) - 1}")
