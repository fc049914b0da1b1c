"""Graphs of computations: what is traced, where nodes stand, what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from nndl_lib import autograd
from nndl_lib.autograd import Tensor
from nndl_lib.plotting import BLUE, VERMILION, Graph, draw_graph, lay_out, trace
from nndl_lib.plotting._graphs import MOST_NODES


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def texts(ax, color=None):
    return [text.get_text() for text in ax.texts if text.get_text() and color in (None, text.get_color())]


def logistic_regression():
    w, b, x, t = Tensor(0.8, True), Tensor(-0.6, True), Tensor(2.0), Tensor(0.0)
    y = (w * x + b).sigmoid()
    L = 0.5 * (y - t) ** 2
    return L + 0.1 * (0.5 * w**2), {"w": w, "b": b, "x": x, "t": t, "y": y, "L": L}


# --- trace ---


def test_trace_has_values_and_signals_of_torch():
    end, names = logistic_regression()
    graph = trace(end, names)
    w, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.8, -0.6))
    y = torch.sigmoid(w * 2 + b)
    L = y**2 / 2
    (L + 0.05 * w**2).backward(inputs=[w, b, y.retain_grad() or y])
    for name, value in (("w", w.grad), ("b", b.grad), ("y", y.grad), ("L", 1.0)):
        assert np.isclose(graph.signals[name], float(value), rtol=1e-14), name
    assert np.isclose(graph.values["L"], L.item()) and graph.values["x"] == 2
    assert names["w"].grad is None  # tracing leaves no gradient behind


def test_trace_orders_values_forward_and_signals_backward():
    graph = trace(*logistic_regression())
    values, signals = list(graph.values), list(graph.signals)
    for parent, child in graph.arrows:
        assert values.index(parent) < values.index(child)
        if parent in signals:
            assert signals.index(child) < signals.index(parent)
    assert signals[0] == values[-1]
    assert set(values) - set(signals) == {"x", "t"}  # constants have no error signal
    assert set(graph.places) == set(values)


def test_trace_names_operations_and_writes_constants_to_them():
    a, b = Tensor(2.0, True), Tensor(3.0, True)
    nodes = {"p": a * b, "q": 1 - a, "r": a - 1, "s": a**3, "u": a / 4, "v": a.exp(), "m": -a}
    end = sum(nodes.values(), Tensor(0.0))
    operations = trace(end, nodes).operations
    expected = {"p": "×", "q": "1 −", "r": "− 1", "s": r"$(\cdot)^{3}$", "u": "÷ 4", "v": "exp", "m": "−"}
    assert {name: operations[name] for name in expected} == expected
    assert "a" not in operations


def test_trace_of_sums_that_were_added_up():
    w, loss = Tensor(2.0, True), Tensor(0.0)
    loss += w * w
    doubled = loss * 2
    loss += doubled
    graph = trace(loss, {"w": w, "L": loss, "d": doubled})
    assert sorted(graph.operations.values()) == sorted(["×", "0 +", "× 2", "+"])
    assert graph.values["L"] == 12 and graph.values["d"] == 8 and graph.signals["w"] == 12


def test_trace_shows_arrays_and_unnamed_constant_arrays():
    X, W = Tensor(np.ones((5, 3))), Tensor(np.ones((3, 2)), True)
    graph = trace(((X @ W).relu() * np.arange(2.0)).sum(), {"W": W})
    assert len(graph.values) == 7  # X, W, their product, its positive part, (0, 1), the product with it, the sum
    assert graph.signals["W"].shape == (3, 2) and "relu" in graph.operations.values()


def test_a_node_used_twice_gets_one_arrow_and_both_messages():
    a = Tensor(3.0, True)
    graph = trace(a * a, {"a": a})
    assert graph.arrows == [("a", "v_{1}")] and graph.signals["a"] == 6


def test_the_trace_of_a_leaf_is_one_node():
    graph = trace(Tensor(1.5, True))
    assert graph.arrows == [] and list(graph.values) == list(graph.places) == ["v_{1}"] and graph.signals["v_{1}"] == 1


def test_trace_refuses_what_it_cannot_show():
    a = Tensor(1.0, True)
    with pytest.raises(ValueError, match=r"backward: this tensor requires no gradient"):
        trace(Tensor(1.0))
    with pytest.raises(ValueError, match=r"backward: the tensor has shape \(2,\); expected one number"):
        trace(Tensor([1.0, 2.0], True))
    with pytest.raises(ValueError, match=r"trace: one tensor has the names 'a' and 'b'; expected one name each"):
        trace(a * 2, {"a": a, "b": a})
    with pytest.raises(ValueError, match=r"trace: names has 'c', which end was not computed from"):
        trace(a * 2, {"a": a, "c": Tensor(2.0)})


def test_trace_says_when_a_graph_is_too_large_to_read():
    end = Tensor(1.0, True)
    for _ in range(MOST_NODES - 1):
        end = end.exp() * 0
    with pytest.raises(ValueError, match=r"trace: the graph has more than 25 nodes"):
        trace(end)
    chain = Tensor(1.0, True)
    for _ in range(MOST_NODES - 1):
        chain = -chain
    assert len(trace(chain).values) == MOST_NODES
    with pytest.raises(ValueError, match="more than 25"):
        trace(-chain)


# --- lay_out ---


def crossings(places, arrows):
    def turn(a, b, c):
        return np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    count = 0
    for k, (a, b) in enumerate(arrows):
        for c, d in arrows[:k]:
            if len({a, b, c, d}) == 4:
                a_, b_, c_, d_ = (places[name] for name in (a, b, c, d))
                count += turn(a_, b_, c_) * turn(a_, b_, d_) < 0 and turn(c_, d_, a_) * turn(c_, d_, b_) < 0
    return count


def test_parents_stand_left_of_their_children_and_nodes_apart():
    g = np.random.default_rng(0)
    for size in range(2, 12):
        arrows = [(f"n{i}", f"n{j}") for j in range(1, size) for i in sorted({*g.integers(0, j, 2).tolist()})]
        places = lay_out(arrows)
        assert all(places[u][0] < places[v][0] for u, v in arrows)
        spots = np.array(list(places.values()))
        gaps = np.abs(spots[:, None] - spots).max(-1)[~np.eye(len(spots), dtype=bool)]
        assert gaps.min() >= 1.5 and len(places) == size


def test_given_nodes_stand_one_column_before_their_first_child():
    places = lay_out([("a", "b"), ("b", "c"), ("late", "c"), ("c", "d")])
    assert places["late"][0] == places["b"][0]


def test_arrows_that_need_not_cross_do_not():
    twisted = [("a1", "b1"), ("b1", "c1"), ("a2", "b2"), ("b2", "c2"), ("c2", "end"), ("c1", "end")]
    twisted = [("a1", "c1"), ("a2", "c2"), *twisted]
    assert crossings(lay_out(twisted), twisted) == 0
    graph = trace(*logistic_regression())
    assert crossings(graph.places, graph.arrows) == 0


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match=r"lay_out: the arrows .* go round in a circle"):
        lay_out([("a", "b"), ("b", "c"), ("c", "b")])


# --- draw_graph ---


def test_draw_graph_shows_values_signals_names_and_operations(ax):
    draw_graph(
        ax,
        {"a": (0, 0), "b": (2, 0)},
        [("a", "b")],
        {"a": -0.12345, "b": np.ones((2, 3))},
        {"a": 7},
        {"b": "exp"},
        labels={("a", "b"): "slope"},
        now=["b"],
    )
    assert texts(ax, BLUE) == ["−0.123", "2 × 3"]
    assert texts(ax, VERMILION) == [r"$\overline{a}=\,$7"]
    assert {"$a$", "$b$", "exp", "slope"} <= set(texts(ax))
    assert [circles.get_linewidth()[0] for circles in ax.collections] == [1, 3]
    ax.figure.canvas.draw()  # the mathematics is valid


def test_a_graph_down_the_page_has_everything_beside_its_nodes(ax):
    draw_graph(ax, {"a": (0, 0), "b": (2, 1)}, [("a", "b")], {"a": 1, "b": 2}, {"b": 3}, {"b": "exp"}, down=True)
    at = {text.get_text(): text for text in ax.texts}
    assert at["$a$"].xy == (0, 0) and at["$b$"].xy == (1, -2)
    sides = {name: np.sign(at[name].xyann[0]) for name in ("2", r"$\overline{b}=\,$3", "exp", "$b$")}
    assert list(sides.values()) == [1, 1, -1, 0]
    assert min(text.get_size() for text in ax.texts if text.get_text()) >= 11  # no small print in circles
    (arrow,) = [text for text in ax.texts if text.arrow_patch]
    assert tuple(arrow.xy) == (1, -2)


def test_weights_on_arrows_have_a_value_and_an_error_signal(ax):
    draw_graph(ax, {"a": (0, 0), "b": (2, 0)}, [("a", "b")], labels={("a", "b"): (0.5, -2.0, 0.25)})
    assert texts(ax, BLUE) == ["0.5"] and texts(ax, VERMILION) == [r"$\overline{w}=\,$−2"]
    assert [text.xy[0] for text in ax.texts if text.get_text() == "0.5"] == [0.5]


def test_arrows_point_from_parents_to_children(ax):
    draw_graph(ax, {"a": (0, 0), "b": (2, 1)}, [("a", "b")])
    (arrow,) = [text for text in ax.texts if text.arrow_patch]
    assert tuple(arrow.xy) == (2, 1) and arrow.xyann == (0, 0) and "->" in str(arrow.arrowprops)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("arrows", [("a", "z")]),
        ("values", {"z": 1}),
        ("signals", {"z": 1}),
        ("operations", {"z": "+"}),
        ("labels", {("a", "z"): "2"}),
        ("now", ["z"]),
    ],
)
def test_a_name_without_a_place_is_refused(ax, argument, value):
    arguments = {"arrows": [], argument: value}
    with pytest.raises(ValueError, match=rf"draw_graph: {argument} has the node 'z'; expected one of \['a'\]"):
        draw_graph(ax, {"a": (0, 0)}, **arguments)


def test_values_are_written_in_few_characters(ax):
    values = {"a": 123456.0, "b": np.array([1.0, -2.5]), "c": np.zeros(7), "d": "text"}
    draw_graph(ax, {name: (k, 0) for k, name in enumerate(values)}, [], values)
    assert texts(ax, BLUE) == ["1.23e+05", "(1, −2.5)", "7 numbers", "text"]


def test_a_trace_is_what_draw_graph_takes(ax):
    graph = trace(*logistic_regression())
    assert isinstance(graph, Graph)
    draw_graph(ax, *graph)
    ax.figure.canvas.draw()
    assert len(texts(ax, VERMILION)) == len(graph.signals)


def test_error_signals_come_when_they_are_complete():
    a = Tensor(2.0, True)
    b = a * a
    c = b + a
    pairs = list(autograd.error_signals(c))
    assert [id(node) for node, _ in pairs] == [id(c), id(b), id(a)]
    assert [float(signal) for _, signal in pairs] == [1, 1, 5]
    assert a.grad is None


def test_a_label_without_its_arrow_and_a_graph_without_a_node_are_refused(ax):
    places = {"a": (0, 0), "b": (1, 0)}
    with pytest.raises(
        ValueError, match=r"draw_graph: labels has the arrow \('b', 'a'\); expected one of \[\('a', 'b'\)\]"
    ):
        draw_graph(ax, places, [["a", "b"]], labels={("b", "a"): 2})
    with pytest.raises(ValueError, match="draw_graph: places is empty; expected at least one node"):
        draw_graph(ax, {}, [])
    assert not ax.texts
