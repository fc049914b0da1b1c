"""The book's figures: one matplotlib style, and the plots that chapters share.

Each draws into axes that it is given, or makes a figure and returns it::

    from nndl_lib import plotting

    plotting.use_style()
"""

from nndl_lib.plotting._classes import confusion_matrix, decision_regions, image_grid, layer_space
from nndl_lib.plotting._curves import cost_contours, curves, fit, use_style
from nndl_lib.plotting._graphs import Graph, draw_graph, lay_out, trace
from nndl_lib.plotting._shared import (
    BLACK,
    BLUE,
    COST_COLORS,
    DIVERGING_COLORS,
    GREEN,
    ORANGE,
    PINK,
    SHARE_COLORS,
    SKY,
    VERMILION,
)

__all__ = ["use_style", "fit", "curves", "cost_contours"]
__all__ += ["decision_regions", "layer_space", "confusion_matrix", "image_grid"]
__all__ += ["draw_graph", "trace", "lay_out", "Graph"]
__all__ += ["BLACK", "BLUE", "GREEN", "ORANGE", "PINK", "SKY", "VERMILION"]
__all__ += ["COST_COLORS", "DIVERGING_COLORS", "SHARE_COLORS"]
