"""Computation graphs as pictures: values above the nodes, error signals below them.

Used in chapter 05, "Backpropagation", where values and error signals are computed by hand at first. ``trace`` gets both
from a computation on ``autograd.Tensor``. As in ``plotting``, functions draw on an ``Axes`` and return None.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from nndl_lib._arguments import check_flag
from nndl_lib._declared import checked
from nndl_lib.autograd import Node, Tensor, error_signals, topological_order
from nndl_lib.plotting._shared import BLACK, BLUE, GRAY, VERMILION

MOST_NODES = 25  # more than these nobody reads
_BOX: dict[str, Any] = {
    "facecolor": "white",
    "edgecolor": "none",
    "pad": 0.8,
}  # so that arrows do not strike texts through
_BESIDE: dict[str, Any] = {"fontsize": 12, "bbox": _BOX, "zorder": 2}
_SIGNS = {"*": "×", "/": "÷", "-": "−", "neg": "−", "[]": "entries"}


class Graph(NamedTuple):
    """A computation, in the order of ``draw_graph``'s arguments: ``draw_graph(ax, *graph)``."""

    places: dict[str, tuple[float, float]]  # of the nodes, by name
    arrows: list[tuple[str, str]]  # from parent to child
    values: dict[str, Any]  # parents before children: the order of the forward pass
    signals: dict[str, Any]  # children before parents: the order of the backward pass
    operations: dict[str, str]  # how a node was computed; nodes that were given have none


@checked(down=check_flag)
def draw_graph(
    ax: Axes,
    places: Mapping[str, tuple[float, float]],
    arrows: Collection[Sequence[str]],
    values: Mapping[str, Any] = {},
    signals: Mapping[str, Any] = {},
    operations: Mapping[str, str] = {},
    *,
    labels: Mapping[tuple[str, str], Any] = {},
    now: Collection[str] = (),
    down: bool = False,
) -> None:
    """Nodes as circles with their names, values above and error signals below, and arrows from parents to children.

    Args:
        places: name of a node -> (x, y). Names are set as mathematics: ``"z_1"``, ``r"\\mathcal{L}"``. Circles are some
            0.4 in wide: with names, values and signals, neighbors need an inch across and 0.9 in down.
        arrows: pairs (parent, child) of names.
        values: name -> value of the node, a number, an array or a text; arrays of more than three entries are shown
            by their shape. Nodes without one have none, which is how an explorer fills a graph step by step.
        signals: name -> error signal, in the same way.
        operations: name -> how the node was computed, in the circle under the name.
        labels: arrow -> text on its middle; or -> (value, error signal or None, share of the way from 0 to 1) for a
            weight that belongs to the arrow.
        now: the nodes that are drawn with a thick edge.
        down: True for a graph that goes down the page, as a narrow screen needs it: a place (x, y) is drawn at (y, -x),
            operations stand left of the circles, values and signals right of them. Rows need 0.7 in.

    Raises:
        ValueError: there is no place, one of the other arguments names a node that has none, or labels has an arrow
            that is not among the arrows.
    """
    named = {"values": values, "signals": signals, "operations": operations, "now": now}
    _check_names(places, {"arrows": arrows, "labels": labels}, named)
    if down:
        places = {name: (y, -x) for name, (x, y) in places.items()}
    for u, v in arrows:
        style = {"arrowstyle": "->", "color": GRAY, "shrinkA": 16, "shrinkB": 16}
        ax.annotate("", places[v], places[u], arrowprops=style, zorder=1)
    for (u, v), label in labels.items():
        _draw_label(ax, places[u], places[v], label)
    for name, (x, y) in places.items():
        edge, width = (BLACK, 3) if name in now else (GRAY, 1)
        ax.scatter([x], [y], s=700, color="white", edgecolor=edge, linewidth=width, zorder=2)
        operation = operations.get(name, "")
        inside = operation and not down
        size = 10 if len(name) > 20 else 12 if inside else 13  # a long name has commands, such as L with an index
        _draw_text(ax, (x, y), 4 if inside else 0, f"${name}$", "center", fontsize=size, zorder=3)
        if inside:
            box = _BOX | {"pad": 0.2}
            _draw_text(ax, (x, y), -7, operation, "center", color=GRAY, fontsize=7.5, bbox=box, zorder=3)
        elif operation:
            _draw_text(ax, (x, y), 0, operation, "center", -18, color=GRAY, fontsize=11, bbox=_BOX, zorder=2)
        away, beside = (1, 18) if down else (17, 0)
        if name in values:
            _draw_text(ax, (x, y), away, _short(values[name]), "bottom", beside, color=BLUE, **_BESIDE)
        if name in signals:
            text = rf"$\overline{{{name}}}=\,${_short(signals[name])}"
            _draw_text(ax, (x, y), -away, text, "top", beside, color=VERMILION, **_BESIDE)
    across, up = (list(numbers) for numbers in zip(*places.values()))
    left, right, above = (0.9, 1.4, 0.5) if down else (0.6, 0.6, 0.9)
    ax.set(xlim=(min(across) - left, max(across) + right), ylim=(min(up) - above, max(up) + above))
    ax.axis("off")


def lay_out(arrows: Collection[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Places for the nodes of a small graph: in columns, parents left of children, with few crossings of arrows.

    Nodes that were given stand one column before their first child. Within a column nodes are sorted by the average
    height of their neighbors, a few times to and fro. Source: Sugiyama, Tagawa & Toda, "Methods for Visual
    Understanding of Hierarchical System Structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981) 109,
    https://doi.org/10.1109/TSMC.1981.4308636.

    Raises: ValueError: the arrows go round in a circle.
    """
    children: dict[str, list[str]] = {}
    for u, v in arrows:
        children.setdefault(u, []).append(v)
        children.setdefault(v, [])
    parents = {v: [u for u in children if v in children[u]] for v in children}
    columns = dict.fromkeys(children, 0)
    for _ in children:  # the longest path from a start: after n rounds every column has settled
        for u, v in arrows:
            columns[v] = max(columns[v], columns[u] + 1)
    if any(column >= len(children) for column in columns.values()):
        raise ValueError(f"lay_out: the arrows {sorted(arrows)} go round in a circle; expected none that does")
    for name, its in children.items():
        if its and not parents[name]:
            columns[name] = min(columns[child] for child in its) - 1

    # An arrow past other columns holds a seat in each, a tuple, that keeps nodes out of its way.
    chains: list[list[Any]] = [[u, *((u, v, k) for k in range(columns[u] + 1, columns[v])), v] for u, v in arrows]
    members: list[list[Any]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name, k in columns.items():
        members[k].append(name)
    neighbors: dict[Any, list] = {name: [] for name in columns}
    for chain in chains:
        for seat in chain[1:-1]:
            members[seat[2]].append(seat)
        for a, b in zip(chain, chain[1:]):
            neighbors.setdefault(a, []).append(b)
            neighbors.setdefault(b, []).append(a)
    height = {name: k - (len(column) - 1) / 2 for column in members for k, name in enumerate(column)}
    for order in [members, members[::-1]] * 4:
        for column in order:
            column.sort(key=lambda name: sum(height[other] for other in neighbors[name]) / max(1, len(neighbors[name])))
            for k, name in enumerate(column):
                height[name] = k - (len(column) - 1) / 2
    return {name: (1.5 * columns[name], -1.6 * height[name]) for name in columns}


def trace(end: Tensor, names: Mapping[str, Tensor] = {}) -> Graph:
    """The graph of what a tensor was computed from, with values and error signals: ``draw_graph(ax, *trace(L))``.

    Tensors without a name are called ``v_1``, ``v_2``, ... in the order of the forward pass. Constant numbers without
    one are written to the operation that uses them. No ``grad`` is touched.

    Args:
        end: one number that requires a gradient.
        names: name -> tensor, for those that shall have one.

    Raises:
        ValueError: end requires no gradient or is not a single number, two names are given to one tensor, end was not
            computed from a tensor that has a name, or the graph has more than 25 nodes.
    """
    known: dict[int, str] = {}
    for name, tensor in names.items():
        if id(tensor) in known:
            both = f"{known[id(tensor)]!r} and {name!r}"
            raise ValueError(f"trace: one tensor has the names {both}; expected one name each")
        known[id(tensor)] = name
    signals = [(id(node), signal) for node, signal in error_signals(end)]
    values: dict[str, Any] = {}
    operations: dict[str, str] = {}
    arrows: dict[tuple[str, str], None] = {}
    for node in topological_order(end):
        shown = [parent for parent in node.parents if parent.requires_grad or parent.ndim or id(parent) in known]
        for each in (*shown, node):
            name = known.setdefault(id(each), f"v_{{{len(known) - len(names) + 1}}}")
            values[name] = each._data  # also of one that += has replaced, whose data nobody else may read
        if node.parents:
            operations[name] = _operation(node, shown)
        arrows |= {(known[id(parent)], name): None for parent in shown}
        if len(values) > MOST_NODES:
            raise ValueError(
                f"trace: the graph has more than {MOST_NODES} nodes, which nobody can read; expected fewer"
            )
    for name in names:
        if name not in values:
            raise ValueError(
                f"trace: names has {name!r}, which end was not computed from; expected tensors {sorted(values)}"
            )
    places = lay_out(arrows) if arrows else {name: (0.0, 0.0)}
    return Graph(places, list(arrows), values, {known[node]: signal for node, signal in signals}, operations)


def _operation(node: Node, shown: Sequence[Node]) -> str:
    """How a node was computed, numbers that have no circle of their own included: "+", "× 0.5", "1 −"."""
    if node.op.startswith("**"):
        return rf"$(\cdot)^{{{node.op[2:]}}}$"
    sign = _SIGNS.get(node.op, node.op.replace("_", " "))
    if len(node.parents) == 2 and len(shown) == 1:
        first, second = node.parents
        return f"{sign} {_short(second._data)}" if shown[0] is first else f"{_short(first._data)} {sign}"
    return sign


def _draw_text(
    ax: Axes, at: tuple[float, float], up: float, text: str, side: str, right: float = 0, **style: Any
) -> None:
    """Text beside a place, some points up and to the right of it; left of it, where it ends, `right` is negative."""
    ha = "left" if right > 0 else "right" if right < 0 else "center"
    ax.annotate(text, at, (right, up), textcoords="offset points", ha=ha, va=side, **style)


def _draw_label(ax: Axes, start: tuple[float, float], end: tuple[float, float], label: Any) -> None:
    value, signal, share = label if isinstance(label, tuple) else (label, None, 0.5)
    at = (1 - share) * start[0] + share * end[0], (1 - share) * start[1] + share * end[1]
    if not isinstance(label, tuple):
        _draw_text(ax, at, 0, _short(value), "center", fontsize=12, bbox=_BOX)
        return
    _draw_text(ax, at, 0.5, _short(value), "bottom", color=BLUE, **_BESIDE)
    if signal is not None:
        _draw_text(ax, at, -0.5, rf"$\overline{{w}}=\,${_short(signal)}", "top", color=VERMILION, **_BESIDE)


def _short(value: Any) -> str:
    """A value in few characters: three digits of numbers, up to three of them, else the shape."""
    if isinstance(value, str):
        return value
    value = np.asarray(value)
    if value.ndim == 0:
        return f"{value:.3g}".replace("-", "−")
    if value.ndim == 1 and value.size <= 3:
        return f"({', '.join(map(_short, value))})"
    return " × ".join(map(str, value.shape)) if value.ndim > 1 else f"{value.size} numbers"


def _check_names(places: Mapping, arrows: Mapping[str, Collection], named: Mapping[str, Collection[str]]) -> None:
    if not places:
        raise ValueError("draw_graph: places is empty; expected at least one node")
    mentioned = {argument: [name for arrow in each for name in arrow] for argument, each in arrows.items()}
    for argument, names in {**mentioned, **named}.items():
        for name in names:
            if name not in places:
                raise ValueError(f"draw_graph: {argument} has the node {name!r}; expected one of {sorted(places)}")
    known = sorted(map(tuple, arrows["arrows"]))
    for arrow in arrows["labels"]:
        if arrow not in known:
            raise ValueError(f"draw_graph: labels has the arrow {arrow!r}; expected one of {known}")
