"""The book's figures: one matplotlib style, and the plots that chapters share::

    from nndl_lib import plotting

    plotting.use_style()
"""

from nndl_lib.plotting._classes import decision_regions, layer_space, confusion_matrix, image_grid, DIVERGING_COLORS, SHARE_COLORS
from nndl_lib.plotting._curves import use_style, fit, curves, cost_contours, BLACK, BLUE, GREEN, ORANGE, PINK, SKY, VERMILION, COST_COLORS
from nndl_lib.plotting._graphs import draw_graph, trace, lay_out, Graph

__all__ = ["use_style", "fit", "curves", "cost_contours"]
__all__ += ["decision_regions", "layer_space", "confusion_matrix", "image_grid"]
__all__ += ["draw_graph", "trace", "lay_out", "Graph"]
__all__ += ["BLACK", "BLUE", "GREEN", "ORANGE", "PINK", "SKY", "VERMILION", "COST_COLORS", "DIVERGING_COLORS", "SHARE_COLORS"]
