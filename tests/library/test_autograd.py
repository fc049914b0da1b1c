"""The NumPy engine against PyTorch, in float64: values, gradients, graphs, and errors."""

import copy
import gc
import itertools
import math
import operator
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import autograd
from nndl_lib.autograd import Tensor, no_grad

CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def array(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def compare(ours, theirs, *arrays):
    """Value, and the gradients of a weighted sum of the results, for a function written for both libraries."""
    a, b = [Tensor(x, requires_grad=True) for x in arrays], [torch.tensor(x, requires_grad=True) for x in arrays]
    y, z = ours(*a), theirs(*b)
    np.testing.assert_allclose(y.data, z.detach().numpy(), **CLOSE)
    assert y.shape == tuple(z.shape)
    signal = array(*y.shape, seed=99)
    y.backward(signal)
    z.backward(torch.tensor(signal))
    for x, t in zip(a, b):
        expected = np.zeros_like(x.data) if t.grad is None else t.grad.numpy()
        found = np.zeros_like(x.data) if x.grad is None else x.grad
        assert found.shape == x.shape and found.dtype == x.dtype
        np.testing.assert_allclose(found, expected, **CLOSE)


BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "shapes",
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 4)), ((), (2, 3)), ((4, 1, 3), (2, 1)), ((1,), ())],
)
def test_arithmetic_broadcasts(name, shapes):
    compare(BINARY[name], BINARY[name], array(*shapes[0], low=0.5), array(*shapes[1], seed=1, low=0.5))


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3,)),
    ],
)
def test_matmul(shapes):
    compare(lambda a, b: a @ b, lambda a, b: a @ b, array(*shapes[0]), array(*shapes[1], seed=1))


UNARY = {
    "neg": (lambda x: -x, lambda x: -x),
    "exp": (Tensor.exp, torch.exp),
    "tanh": (Tensor.tanh, torch.tanh),
    "sigmoid": (Tensor.sigmoid, torch.sigmoid),
    "relu": (Tensor.relu, torch.relu),
    "abs": (Tensor.abs, torch.abs),
    "softplus": (Tensor.softplus, lambda x: torch.log1p(torch.exp(x))),
    "T": (lambda x: x.T, lambda x: x.permute(*range(x.ndim - 1, -1, -1))),
    "power": (lambda x: x**3, lambda x: x**3),
    "reshape": (lambda x: x.reshape(-1), lambda x: x.reshape(-1)),
    "from numbers": (lambda x: 2 - x * 3 + 1, lambda x: 2 - x * 3 + 1),
    "log_softmax": (lambda x: autograd.log_softmax(x, -1), lambda x: torch.log_softmax(x, -1)),
    "log_softmax 0": (lambda x: autograd.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
    "twice": (lambda x: x[[0, 0, 1]], lambda x: x[[0, 0, 1]]),
    "slice": (lambda x: x[1:], lambda x: x[1:]),
    "mask": (lambda x: x[x > 0], lambda x: x[x > 0]),
    "max": (lambda x: x.max(), torch.amax),
    "split": (lambda x: autograd.concatenate([x * 2, x], axis=-1), lambda x: torch.cat([x * 2, x], dim=-1)),
    "stack": (lambda x: autograd.stack([x, x * x], axis=1), lambda x: torch.stack([x, x * x], dim=1)),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
def test_functions(name, shape):
    compare(*UNARY[name], array(*shape, seed=3))


def test_functions_of_positive_numbers():
    x = array(2, 3, low=0.5)
    compare(Tensor.log, torch.log, x)
    compare(Tensor.sqrt, torch.sqrt, x)
    compare(lambda x: 1 / x, lambda x: 1 / x, x)
    compare(lambda x: x**-1.5, lambda x: x**-1.5, x)


@pytest.mark.parametrize(
    "axis, keepdims", [(None, False), (None, True), (0, False), (1, True), (-1, False), ((0, 2), False), ((0, 2), True)]
)
def test_reductions(axis, keepdims):
    x = array(2, 3, 4)
    dims = tuple(range(3)) if axis is None else axis
    for name in ["sum", "mean", "max"]:
        theirs = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[name]
        compare(lambda x: getattr(x, name)(axis, keepdims), lambda x: theirs(x, dim=dims, keepdim=keepdims), x)


def test_ties_and_kinks():
    x = np.array([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0]])
    compare(lambda x: x.max(1), lambda x: torch.amax(x, 1), x)
    compare(autograd.maximum, torch.maximum, x, np.array([[1.0, 2.0, 4.0], [0.0, 1.0, -1.0]]))
    compare(lambda x: x.relu(), torch.relu, x)
    compare(lambda x: x.abs(), torch.abs, x)
    condition = np.array([[True, False, True], [False, True, True]])
    compare(
        lambda a, b: autograd.where(condition, a, b),
        lambda a, b: torch.where(torch.tensor(condition), a, b),
        x,
        array(3),
    )


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_cross_entropy(scale):
    z, t = scale * array(5, 4), np.array([0, 3, 1, 1, 2])
    compare(lambda z: autograd.cross_entropy(z, t), lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(t)), z)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "relu"])
def test_large_arguments(name):
    with np.errstate(all="raise", under="ignore"):
        x = Tensor(np.array([-1e4, 0.0, 1e4]), requires_grad=True)
        getattr(x, name)().sum().backward()
    assert np.isfinite(x.grad).all()


@settings(derandomize=True, deadline=None, max_examples=40, database=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_a_network(N, D, M, seed):
    def loss(functions):
        tanh, cross_entropy = functions
        return lambda X, W, b, V: cross_entropy(tanh(X @ W.T + b) @ V.T) + (W * W).sum() * 0.1

    t = np.random.default_rng(seed).integers(0, 3, N)
    compare(
        loss((Tensor.tanh, lambda z: autograd.cross_entropy(z, t))),
        loss((torch.tanh, lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(t)))),
        array(N, D, seed=seed),
        array(M, D, seed=seed + 1),
        array(M, seed=seed + 2),
        array(3, M, seed=seed + 3),
    )


# --- graphs ---------------------------------------------------------------------------------------------------------


def test_fan_out_adds():
    compare(lambda a: a * a * a + a * (a + a), lambda a: a * a * a + a * (a + a), array(3))


def test_backward_again_adds_once_more():
    x, t = Tensor(3.0, requires_grad=True), torch.tensor(3.0, requires_grad=True, dtype=torch.float64)
    y, u = x * x, t * t
    for _ in range(3):
        (y * y).backward()
        (u * u).backward(retain_graph=True)
    assert x.grad == t.grad.item() == 3 * 4 * 27
    y.backward(), u.backward()
    assert x.grad == t.grad.item()


def test_gradients_that_were_set_by_hand():
    for start in [0, 0.0, np.zeros(3), Tensor(np.zeros(3))]:
        x = Tensor(array(3), True)
        x.grad = start
        (2 * x).sum().backward()
        assert type(x.grad) is np.ndarray and x.grad.tolist() == [2, 2, 2]
    x.grad = np.zeros((3, 1))
    with pytest.raises(ValueError, match=r"with what grad was set to, its shape is \(3, 3\); expected \(3,\)"):
        x.sum().backward()


def test_only_leaves_keep_gradients_unless_asked():
    x = Tensor(2.0, requires_grad=True)
    y = x * 3
    z = (y * y).retain_grad()
    (z * 2).backward()
    assert y.grad is None and z.grad == 2 and x.grad == 2 * 2 * 6 * 3


def test_a_long_chain_is_walked_and_freed():
    # In a process of its own: what overflows here is the C stack, which ends the process.
    code = (
        "from nndl_lib.autograd import Tensor, topological_order\n"
        "a = Tensor(1.0, requires_grad=True)\nend = a\n"
        "for _ in range(100_000): end = end * 1.0 + a\n"
        "end.backward()\nprint(a.grad, len(topological_order(end)))\ndel end\nprint('freed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["100001.0", "200001", "freed"], done.stderr


def test_a_graph_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        x = Tensor(array(3), requires_grad=True)
        y = ((x * 2).tanh().T @ x[1:].reshape(2, 1)[:, 0][[0, 1, 1]]).exp()
        y += x.sum()
        y.backward()
        del y
        before = gc.collect()
    finally:
        gc.enable()
    assert before == 0


def test_the_order():
    x = Tensor(1.0, requires_grad=True)
    y = x * 2
    z = y + x
    end = z * y
    order = autograd.topological_order(end)
    assert [id(node) for node in order][-1] == id(end) and len(order) == 4
    assert all(
        order.index(parent) < order.index(node) for node in order for parent in node.parents if parent.requires_grad
    )


def test_no_grad():
    x = Tensor(array(3), requires_grad=True)
    with no_grad():
        y = x * 2
        assert not y.requires_grad and y.parents == ()
    assert (x * 2).requires_grad and not x.detach().requires_grad
    with pytest.raises(KeyError):
        with no_grad():
            raise KeyError
    assert (x * 2).requires_grad  # recording again, after an error too


def test_what_needs_no_gradient_gets_none():
    x, c = Tensor(array(3), requires_grad=True), Tensor(array(3))
    (x * c).sum().backward()
    assert c.grad is None
    x.grad = None
    (c @ x).backward()
    assert c.grad is None and np.array_equal(x.grad, c.data)


def test_dtypes():
    assert Tensor(2).dtype == np.float64 and Tensor([1, 2]).dtype == np.int64 and Tensor([1.0]).dtype == np.float64
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    y = ((2 * x + 1.5).sigmoid().softplus() / 3).mean()
    y.backward()
    assert y.dtype == x.grad.dtype == np.float32
    z = autograd.cross_entropy(Tensor(np.ones((2, 3), np.float32), requires_grad=True), [0, 1])
    assert z.dtype == np.float32


def test_numpy_on_the_left():
    compare(
        lambda x: array(2, 3) @ x * array(2) + 1,
        lambda x: torch.tensor(array(2, 3)) @ x * torch.tensor(array(2)) + 1,
        array(3),
    )


# --- changes in place, and errors -----------------------------------------------------------------------------------


def test_updates_under_no_grad():
    w = Tensor(array(3), requires_grad=True)
    (w * w).sum().backward()
    before = w.data.copy()
    with no_grad():
        w -= 0.1 * w.grad
        w += 1.0
        w *= 2.0
    np.testing.assert_allclose(w.data, 2 * (0.8 * before + 1))
    assert w.requires_grad and w.parents == ()


@pytest.mark.parametrize(
    "change",
    [lambda w: w.__setitem__(0, 5.0), lambda w: setattr(w, "data", np.ones(3)), lambda w: w.__isub__(1.0)],
    ids=["item", "data", "minus"],
)
@pytest.mark.parametrize(
    "use", [lambda w: w * w, lambda w: w.T @ w, lambda w: 1 / w, lambda w: w.reshape(3, 1) * w, lambda w: w[1:] ** 2]
)
def test_changed_values_that_backward_needs(change, use):
    w = Tensor(array(3, low=0.5), requires_grad=True)
    y = use(w).sum()
    with no_grad():
        change(w)
    with pytest.raises(ValueError, match="backward: .* needs a value of shape .* that was changed in place"):
        y.backward()


def test_changes_that_backward_does_not_need():
    w = Tensor(array(3), requires_grad=True)
    y = (w + 1).sum()
    with no_grad():
        w[0] = 7.0
    y.backward()
    assert np.array_equal(w.grad, np.ones(3))


# Each operation on (3, 3), for both libraries.
USES = {
    "add": (lambda a, b: a + b,) * 2,
    "sub": (lambda a, b: a - b,) * 2,
    "mul": (lambda a, b: a * b,) * 2,
    "div": (lambda a, b: a / b,) * 2,
    "matmul": (lambda a, b: a @ b,) * 2,
    "double": (lambda a, b: a * 2,) * 2,
    "cube": (lambda a, b: a**3,) * 2,
    "neg": (lambda a, b: -a,) * 2,
    "exp": (lambda a, b: a.exp(),) * 2,
    "log": (lambda a, b: a.log(),) * 2,
    "sqrt": (lambda a, b: a.sqrt(),) * 2,
    "abs": (lambda a, b: a.abs(),) * 2,
    "tanh": (lambda a, b: a.tanh(),) * 2,
    "sigmoid": (lambda a, b: a.sigmoid(),) * 2,
    "relu": (lambda a, b: a.relu(),) * 2,
    "softplus": (lambda a, b: a.softplus(), lambda a, b: torch.nn.functional.softplus(a)),
    "max": (lambda a, b: a.max(0), lambda a, b: a.amax(0)),
    "sum": (lambda a, b: a.sum(0),) * 2,
    "mean": (lambda a, b: a.mean(0),) * 2,
    "maximum": (autograd.maximum, torch.maximum),
    "where": (lambda a, b: autograd.where(np.eye(3) > 0, a, b), lambda a, b: torch.where(torch.eye(3) > 0, a, b)),
    "concatenate": (lambda a, b: autograd.concatenate([a, b]), lambda a, b: torch.cat([a, b])),
    "stack": (lambda a, b: autograd.stack([a, b]), lambda a, b: torch.stack([a, b])),
    "log_softmax": (lambda a, b: autograd.log_softmax(a), lambda a, b: torch.log_softmax(a, -1)),
    "cross_entropy": (
        lambda a, b: autograd.cross_entropy(a, [0, 1, 2]),
        lambda a, b: torch.nn.functional.cross_entropy(a, torch.arange(3)),
    ),
    "T": (lambda a, b: a.T,) * 2,
    "reshape": (lambda a, b: a.reshape(9),) * 2,
    "rows": (lambda a, b: a[1:],) * 2,
    "twice": (lambda a, b: a[[0, 0, 1]],) * 2,
    "exp of T": (lambda a, b: a.T.exp(),) * 2,
    "square of rows": (lambda a, b: a[1:] * a[1:],) * 2,
    "tanh of reshape": (lambda a, b: a.reshape(9).tanh().reshape(3, 3),) * 2,
}
PLACES = {
    "a": lambda a, b, y: a,
    "b": lambda a, b, y: b,
    "y": lambda a, b, y: y,
    "a.detach": lambda a, b, y: a.detach(),
    "y.detach": lambda a, b, y: y.detach(),
    "view of a": lambda a, b, y: a.reshape(9),
    "view of y": lambda a, b, y: y[0:1] if y.shape else y,
    "detached view of y": lambda a, b, y: y.reshape(-1).detach(),
}
# torch keeps these values, and computes from them in backward what the engine computes at once and keeps for itself.
KEPT_BY_TORCH_ALONE = (
    {(use, place) for use in ["abs", "max", "maximum"] for place in PLACES if "a" in place}
    | {("maximum", "b")}
    | {(use, place) for use in ["max", "relu"] for place in PLACES if "y" in place}
)


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("use", USES)
def test_a_change_in_place_raises_where_torch_raises_or_leaves_the_gradients(use, place, both):
    arrays = array(3, 3, low=0.5), array(3, 3, seed=1, low=0.5)

    def gradients(tensor, function, no_grad, change):
        a, b = tensor(arrays[0], True), tensor(arrays[1], both)
        y = function(a, b)
        with no_grad():
            change(PLACES[place](a, b, y))
        try:
            y.backward(np.ones(y.shape) if tensor is Tensor else torch.ones_like(y))
        except (RuntimeError, ValueError) as error:
            assert "changed in place" in str(error) or "inplace operation" in str(error)
            return None
        return [np.zeros((3, 3)) if x.grad is None else np.asarray(x.grad) for x in (a, b)]

    def nothing(x):
        pass

    def to_torch(x, requires_grad):
        return torch.tensor(x, requires_grad=requires_grad)

    right = gradients(to_torch, USES[use][1], torch.no_grad, nothing)
    for change in [lambda x: x.__setitem__(..., 100.0), lambda x: x.__iadd__(1.0), lambda x: x.__imul__(2.0)]:
        theirs, ours = (
            gradients(to_torch, USES[use][1], torch.no_grad, change),
            gradients(Tensor, USES[use][0], no_grad, change),
        )
        assert (ours is None) == (theirs is None and (use, place) not in KEPT_BY_TORCH_ALONE)
        if ours is not None:
            np.testing.assert_allclose(ours, right, **CLOSE)


@pytest.mark.parametrize(
    "use",
    [
        lambda w, c: w * c,
        lambda w, c: c @ w,
        lambda w, c: autograd.maximum(w, c),
        lambda w, c: autograd.where(c > 0, w, 0.0),
        lambda w, c: w[c.astype(int)],
        lambda w, c: w[(c.astype(int),)],
        lambda w, c: w / c,
    ],
)
def test_arrays_of_the_caller_are_copied(use):
    w, c = Tensor(array(2), True), np.ones(2)
    use(w, c).sum().backward()
    right, w.grad = w.grad, None
    y = use(w, c).sum()
    c[...] = 0
    y.backward()
    assert np.array_equal(w.grad, right)


def test_data_indices_and_targets_of_the_caller_are_copied():
    data, index, target = np.ones(2), [0, 1], np.array([0, 1])
    w = Tensor(data, True)
    y = (w * w).sum() + w[index].sum() + autograd.cross_entropy(autograd.stack([w, 2 * w]), target)
    data[:], index[:], target[:] = 7, [0, 0], 0
    y.backward()
    # 2 w from the square, 1 from the index, and of rows (w, w), (2 w, 2 w) with classes 0 and 1: -1/4 + 2/4, 1/4 - 2/4
    np.testing.assert_allclose(w.grad, [2 + 1 - 1 / 4 + 2 / 4, 2 + 1 + 1 / 4 - 2 / 4])
    assert np.array_equal(w.data, [1, 1])


IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.imatmul]


@pytest.mark.parametrize("change", IN_PLACE)
def test_operators_in_place_are_noted_down(change):
    def f(w, start):
        total = start * 1 if change is operator.imatmul else start
        for factor in [1.0, 2.0]:
            total = change(total, w * factor)
        return total

    w, t = array(3, 3, low=0.5), torch.tensor(array(3, 3, low=0.5), requires_grad=True)
    ours = Tensor(w, True)
    y, z = f(ours, Tensor(np.ones((3, 3)))), torch.ones(3, 3, dtype=torch.float64)
    for factor in [1.0, 2.0]:
        z = getattr(operator, change.__name__[1:])(z, t * factor)
    y.backward(array(3, 3, seed=5))
    z.backward(torch.tensor(array(3, 3, seed=5)))
    np.testing.assert_allclose(y.data, z.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(ours.grad, t.grad.numpy(), **CLOSE)


def test_a_loss_that_is_added_up():
    w = Tensor(array(3), True)
    loss = Tensor(0.0)
    for k in range(3):
        loss += (w * w).sum() * k
        loss **= 1
    loss.backward()
    np.testing.assert_allclose(w.grad, 3 * 2 * w.data)


def test_results_that_are_used_in_their_own_change():
    # The operations of micrograd's own test.
    def f(a, b, add):
        c, d = a + b, a * b + b**3
        c = add(c, c + 1)
        c = add(c, 1 + c + (-a))
        d = add(d, d * 2 + (b + a).relu())
        d = add(d, 3 * d + (b - a).relu())
        g = (c - d) ** 2 / 2.0
        return add(g, 10.0 / (c - d) ** 2)

    compare(lambda a, b: f(a, b, operator.iadd), lambda a, b: f(a, b, operator.add), np.array(-4.0), np.array(2.0))


def test_a_float32_tensor_stays_one_when_it_is_changed():
    w, total = Tensor(array(3), True), Tensor(np.zeros(3, np.float32))
    total += w
    total.sum().backward()
    assert total.dtype == np.float32 and np.array_equal(w.grad, np.ones(3))


def test_other_names_of_a_tensor_that_was_changed_raise():
    w, a = Tensor(array(3), True), Tensor(np.zeros(3))
    b = a
    before = a * w
    a += w
    for use in [
        lambda: b + 1,
        lambda: 1 - b,
        lambda: b.data,
        lambda: b.item(),
        lambda: b == 0,
        lambda: b.sum(),
        lambda: autograd.stack([w, b]),
        lambda: b.detach(),
        lambda: b.__setitem__(0, 1.0),
        lambda: b.backward(),
        lambda: Tensor(b),
        lambda: w @ b,
        lambda: b.numpy(),
        lambda: b[0],
    ]:
        with pytest.raises(ValueError, match="this is the old one under another name; expected a = a"):
            use()
    (before + a).sum().backward()
    assert np.array_equal(w.grad, np.ones(3))  # 0 from the product with what a was


def test_views_and_changes_that_are_noted_down():
    w, buffer = Tensor(array(3), True), Tensor(np.zeros((2, 3)))
    row = buffer[0]
    for changed, value in [(row, w), (buffer, w), (buffer.T, w.reshape(3, 1)), ((w * 1).detach(), w)]:
        with pytest.raises(ValueError, match="there is a view of this tensor, or it is one"):
            changed += value
    del row, changed
    buffer += w  # no view is left
    buffer.sum().backward()
    assert np.array_equal(w.grad, [2, 2, 2])


@pytest.mark.parametrize("change", [*IN_PLACE, operator.ipow])
def test_operators_in_place_under_no_grad_change_the_tensor_itself(change):
    value = 2 * np.eye(3) if change is operator.imatmul else 2
    w, before = Tensor(array(3, 3, low=0.5), True), array(3, 3, low=0.5)
    with no_grad():
        result = change(w, value)
    assert result is w and w.requires_grad and w.parents == ()
    np.testing.assert_allclose(w.data, getattr(operator, change.__name__[1:])(before, value))
    constant = Tensor(before)
    assert change(constant, value) is constant  # nothing to note down
    np.testing.assert_allclose(constant.data, w.data)


def test_the_data_may_be_changed_by_name():
    w = Tensor(array(3), True)
    new = np.zeros(3)
    w.data = new
    new[:] = 5
    assert np.array_equal(w.data, np.zeros(3))
    w.data -= 0.5
    assert np.array_equal(w.data, [-0.5] * 3) and w.requires_grad


# --- dtypes, comparison, conversion ---------------------------------------------------------------------------------

DTYPES = [np.bool_, np.uint8, np.int32, np.int64, np.float16, np.float32, np.float64]


@pytest.fixture
def in_double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # what the engine makes of integers
    yield
    torch.set_default_dtype(before)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some are divided by 0
@pytest.mark.parametrize("function", [operator.add, operator.mul, operator.truediv])
@pytest.mark.parametrize("first", DTYPES)
def test_dtypes_of_two_as_in_torch(function, first, in_double):
    for a in [np.array([1, 0, 1], first), np.array(1, first)]:
        for b in [2, 0.5, True, *(np.array(value, second) for second in DTYPES for value in ([1, 1, 1], 1))]:
            u, v = torch.tensor(a), torch.tensor(b) if isinstance(b, np.ndarray) else b
            pairs = [(function(Tensor(a), b), function(u, v)), (function(b, Tensor(a)), function(v, u))]
            if isinstance(b, np.ndarray):
                pairs.append((function(Tensor(a), Tensor(b)), function(u, v)))
            for ours, theirs in pairs:
                assert ours.dtype == theirs.numpy().dtype and np.array_equal(ours.data, theirs.numpy()), (a, b)


def test_dtypes_of_functions_of_several():
    single, integers = Tensor(np.ones(2, np.float32), True), [1, 2]
    for y in [
        autograd.maximum(single, integers),
        autograd.where([True, False], single, integers),
        autograd.concatenate([integers, single]),
        autograd.stack([single, integers]),
        single @ np.array([[1, 2], [3, 4]]),
        single + Tensor(2.0),
        single * np.float64(2),
    ]:
        assert y.dtype == np.float32
        single.grad = None
        y.sum().backward()
        assert single.grad.dtype == np.float32
    assert (Tensor([1, 2, 3]) * 0.5).data.tolist() == [0.5, 1, 1.5] and Tensor([1, 2]).mean().item() == 1.5
    assert (Tensor([1, 2]) @ [0.5, 0.5]).item() == 1.5 and autograd.maximum([1, 2], 1.5).data.tolist() == [1.5, 2]
    assert Tensor([1, 2]).sum().dtype == Tensor([True, True]).sum().dtype == (Tensor([1, 2]) * 2).dtype == np.int64


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "tanh", "sigmoid", "softplus", "mean", "log_softmax", "cross_entropy"]
)
@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int64])
def test_functions_of_integers_are_float64(name, dtype):
    x = np.array([[1, 1]], dtype)
    function = {"log_softmax": autograd.log_softmax, "cross_entropy": lambda z: autograd.cross_entropy(z, [0])}.get(
        name
    ) or getattr(Tensor, name)
    assert function(Tensor(x)).dtype == np.float64
    np.testing.assert_allclose(function(Tensor(x)).data, function(Tensor(x.astype(np.float64))).data)


@pytest.mark.parametrize(
    "use",
    [
        lambda w, c: w * c,
        lambda w, c: c - w,
        lambda w, c: w / c,
        lambda w, c: w @ c,
        lambda w, c: autograd.maximum(w, c),
        lambda w, c: autograd.where(c > 2, w, c),
        lambda w, c: autograd.stack([w, c]),
        lambda w, c: autograd.concatenate([c, w]),
    ],
)
def test_the_gradient_has_the_dtype_of_its_tensor(use):
    w, t = Tensor(np.ones(3, np.float32), True), Tensor(np.ones(3), True)
    (use(w, array(3, low=1.0)).sum() + w.sum()).backward()
    (use(t, array(3, low=1.0)).sum() + t.sum()).backward()
    assert w.grad.dtype == np.float32 and t.grad.dtype == np.float64
    np.testing.assert_allclose(w.grad, t.grad, rtol=1e-6)


def test_half_precision_is_added_up_in_single():
    x = Tensor(np.full((5000, 2), 10, np.float16), True)
    b = Tensor(np.zeros(2, np.float16), True)
    assert (x * 0.1).sum(0).data.tolist() == [5000, 5000] and x.mean().item() == 10 and x.mean().dtype == np.float16
    (x * 0 + b).backward(np.ones((5000, 2)))
    assert b.grad.tolist() == [5000, 5000] and b.grad.dtype == np.float16


def test_comparison_goes_by_entries():
    x = Tensor([0.0, 1.0, math.nan])
    for compare_two in [operator.eq, operator.ne, operator.lt, operator.gt, operator.le, operator.ge]:
        for other in [0, 1.0, [0.0, 2.0, 1.0], np.array([0.0, 0.0, 0.0]), Tensor([1.0]), Tensor(x)]:
            expected = compare_two(
                torch.tensor([0.0, 1.0, math.nan]), torch.tensor(other.data if isinstance(other, Tensor) else other)
            )
            found = compare_two(x, other)
            assert found.dtype == bool and found.tolist() == expected.tolist()
        assert compare_two(np.zeros(3), x).tolist() == compare_two(torch.zeros(3), torch.tensor(x.data)).tolist()
        assert compare_two(x, torch.zeros(3)).tolist() == compare_two(torch.zeros(3), x).tolist() == compare_two(
            x.data, 0
        ).tolist() or compare_two not in (operator.eq, operator.ne)
    assert autograd.where(x == 0, 5.0, x).data.tolist()[:2] == [5, 1]
    assert (x == None) is False and (x == "0") is False and (x != None) is True  # noqa: E711
    with pytest.raises(TypeError):
        x < None  # noqa: B015
    assert 1 in x and 2 not in x and "a" not in x


def test_tensors_are_keys_by_identity():
    x, y = Tensor(1.0), Tensor(1.0)
    assert len({x, y, x}) == 2 and {x: 1, y: 2}[y] == 2


def test_truth_numbers_and_rows():
    assert not Tensor([0.0]) and Tensor(3.0) and not Tensor([[0]])
    assert (
        float(Tensor([1.5], True)) == 1.5
        and int(Tensor(2.5)) == 2
        and "abc"[Tensor([1])[0]] == "b"
        and f"{Tensor(1.0) / 3:.3f}" == "0.333"
    )
    for wrong in [
        lambda: iter(Tensor(1.0)),
        lambda: len(Tensor(1.0)),
        lambda: "abc"[Tensor(1.0)],
        lambda: 2 ** Tensor(1.0),
        lambda: np.exp(Tensor(1.0)),
        lambda: f"{Tensor([1.0, 2.0]):.3f}",
    ]:
        with pytest.raises(TypeError):
            wrong()
    compare(
        lambda x: sum(row * k for k, row in enumerate(x)),
        lambda x: sum(row * k for k, row in enumerate(x)),
        array(3, 2),
    )
    compare(abs, abs, array(3, 2))


def test_arrays_of_constants():
    x = Tensor(array(3))
    assert (
        np.asarray(x) is x.data
        and np.array(x, dtype=np.float32).dtype == np.float32
        and not np.may_share_memory(np.array(x), x.data)
    )
    w = Tensor(array(3), True)
    with no_grad():
        assert np.array_equal(np.stack([w, w]), np.stack([w.data] * 2))


def test_copies():
    w = Tensor(array(3), True)
    w.sum().backward()
    for other in [copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))]:
        with no_grad():
            other += 1
        assert np.array_equal(other.data, w.data + 1) and np.array_equal(other.grad, [1, 1, 1]) and other.requires_grad
    assert Tensor(w).data is not w.data and not Tensor(w).requires_grad


def test_each_thread_notes_down_for_itself():
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((Tensor(1.0, True) * 2).requires_grad))
        thread.start()
        thread.join()
    assert found == [True]


# --- numbers at the edge --------------------------------------------------------------------------------------------

EDGES = [0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, -16.0, -80.0, 80.0, 1e-8, -20.0]
EDGE_FUNCTIONS = {
    **{
        name: (getattr(Tensor, name), getattr(torch, name))
        for name in ["exp", "log", "sqrt", "tanh", "sigmoid", "relu"]
    },
    "abs": (
        lambda x: x[[0, 1, 2, 3, 4, 6]].abs(),
        lambda x: x[[0, 1, 2, 3, 4, 6]].abs(),
    ),  # without NaN, where torch's slope is 0
    "softplus": (Tensor.softplus, lambda x: torch.nn.functional.softplus(x, threshold=1e9)),
    **{f"to the {n}": (lambda x, n=n: x**n, lambda x, n=n: x**n) for n in [0, 0.0, 1, 2, 3, -1, -2, 1.5]},
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EDGE_FUNCTIONS)
def test_edges_of_functions(name, dtype):
    x, t = Tensor(np.array(EDGES, dtype), True), torch.tensor(np.array(EDGES, dtype), requires_grad=True)
    y, z = EDGE_FUNCTIONS[name][0](x), EDGE_FUNCTIONS[name][1](t)
    y.sum().backward()
    z.sum().backward()
    tolerance = {"rtol": 1e-6 if dtype == np.float32 else 1e-14, "atol": 1e-16 if name == "tanh" else 0}
    np.testing.assert_allclose(y.data, z.detach().numpy(), **tolerance)
    np.testing.assert_allclose(x.grad, t.grad.numpy(), **tolerance)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "ours, theirs",
    [
        (lambda x: x.max(1), lambda x: x.amax(1)),
        (lambda x: autograd.maximum(x[0], x[1]), lambda x: torch.maximum(x[0], x[1])),
        (lambda x: autograd.log_softmax(x), lambda x: torch.log_softmax(x, -1)),
        (lambda x: x[0] / x[1], lambda x: x[0] / x[1]),
        (lambda x: x.mean(0), lambda x: x.mean(0)),
        (lambda x: autograd.where(x[0].data > 0, x[0].log(), x[1]), lambda x: torch.where(x[0] > 0, x[0].log(), x[1])),
        (
            lambda x: autograd.cross_entropy(x, [0, 1]),
            lambda x: torch.nn.functional.cross_entropy(x, torch.tensor([0, 1])),
        ),
    ],
    ids=["max", "maximum", "log_softmax", "div", "mean", "where", "cross_entropy"],
)
def test_edges_of_pairs(ours, theirs):
    for pair in itertools.product(EDGES[:7], repeat=2):
        x, t = (
            Tensor([pair, pair[::-1]], True),
            torch.tensor([pair, pair[::-1]], dtype=torch.float64, requires_grad=True),
        )
        y, z = ours(x), theirs(t)
        y.backward(np.ones(y.shape))
        z.backward(torch.ones_like(z))
        np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-14, err_msg=str(pair))
        np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=1e-14, atol=1e-16, err_msg=str(pair))


def test_an_infinite_signal_does_not_pass_what_is_closed():
    for closed in [lambda x: x.relu(), lambda x: autograd.maximum(x, 1.0), lambda x: autograd.where(x > 0, x, 1.0)]:
        x = Tensor([-1.0], True)
        closed(x).backward([math.inf])
        assert x.grad == 0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("axis", [None, 0])
def test_sums_and_means_of_nothing(shape, axis):
    for name in ["sum", "mean"]:
        compare(lambda x: getattr(x, name)(axis), lambda x: getattr(x, name)(axis), np.zeros(shape))


def test_large_and_small_quotients_and_integers():
    compare(lambda a, b: a / b, lambda a, b: a / b, np.array([1e200, 1e-200]), np.array([1e200, 1e-180]))
    x = Tensor(array(3))
    np.testing.assert_allclose((x * 10**30 / 10**30).data, x.data)
    with pytest.raises(OverflowError):
        Tensor(np.ones(2, np.int8)) * 300


# --- indices and axes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        [0, 0, 1],
        [-1],
        [],
        ...,
        None,
        (..., None),
        (slice(0, 2), None),
        [True, False, True],
        np.array([True, False, True]),
        np.array([2, 0, 2]),
        np.int64(1),
        np.array(1),
        True,
        (slice(None), [0, 0]),
        ([0, 0, 1], [1, 1, 0]),
        (0, 1),
        np.eye(3, 2) > 0,
    ],
    ids=str,
)
def test_indices(index):
    theirs = tuple(map(torch.tensor, index)) if isinstance(index, tuple) and isinstance(index[0], list) else index
    theirs = torch.tensor(index) if isinstance(index, np.ndarray) else theirs
    compare(lambda x: x[index], lambda x: x[theirs], array(3, 2))
    if isinstance(index, np.ndarray):
        compare(lambda x: x[Tensor(index)], lambda x: x[theirs], array(3, 2))


@pytest.mark.parametrize("axis", [0, -1, [0, 1], (0, 1), (-1, 0), (1,), np.int64(1), None])
@pytest.mark.parametrize("name", ["sum", "mean", "max"])
def test_kinds_of_axes(name, axis):
    theirs = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[name]
    dims = (0, 1) if axis is None else int(axis) if isinstance(axis, np.integer) else axis
    compare(lambda x: getattr(x, name)(axis), lambda x: theirs(x, dim=dims), array(2, 3))
    compare(lambda x: getattr(x, name)(0), lambda x: theirs(x, dim=0), array())


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: (Tensor(array(3), True) * 2).backward(),
            "backward: the tensor has shape (3,); expected one number, or pass its gradient",
        ),
        (lambda: Tensor(1.0).backward(), "backward: this tensor requires no gradient"),
        (
            lambda: (Tensor(array(3), True) * 2).backward(np.ones(2)),
            "gradient has shape (2,) of float64 and the tensor (3,)",
        ),
        (lambda: Tensor(array(3)) + Tensor(array(4)), "+: shapes (3,) and (4,) do not broadcast"),
        (lambda: array(2, 3) * Tensor(array(4)), "*: shapes (2, 3) and (4,) do not broadcast"),
        (lambda: autograd.maximum(Tensor(array(3)), array(4)), "maximum: shapes (3,) and (4,)"),
        (
            lambda: Tensor(array(2, 3)) @ Tensor(array(2, 3)),
            "@: the shapes are (2, 3) and (2, 3); expected (..., N, K) and (..., K, M)",
        ),
        (lambda: Tensor(array(2)) @ 3.0, "@: the shapes are (2,) and ()"),
        (
            lambda: Tensor([1, 2], requires_grad=True),
            "Tensor: the data are int64; a gradient needs a floating-point dtype",
        ),
        (lambda: Tensor(array(3)) ** Tensor(2.0), "**: the exponent is Tensor(2.); expected a Python number"),
        (
            lambda: Tensor(array(3), True).__setitem__(0, 1.0),
            "in-place change: this is a leaf that requires a gradient",
        ),
        (lambda: (Tensor(array(3), True) * 2).__setitem__(0, 1.0), "in-place change: this is the result of *"),
        (lambda: Tensor(array(3), True).__iadd__(1.0), "in-place change: this is a leaf that requires a gradient"),
        (
            lambda: Tensor(array(3)).__setitem__(0, Tensor(1.0, True)),
            "the new entries require a gradient, which they would lose here",
        ),
        (
            lambda: Tensor(array(3)).__setitem__(slice(None), [Tensor(1.0, True)] * 3),
            "requires a gradient, which an array would lose",
        ),
        (
            lambda: Tensor(array(3)).__iadd__(array(2, 3)),
            "in-place change: the result has shape (2, 3); expected that of the tensor, (3,)",
        ),
        (lambda: Tensor(array(3)).__iadd__(Tensor(array(2, 3), True)), "in-place change: the result has shape (2, 3)"),
        (lambda: Tensor([1, 2]).__setitem__(0, 0.5), "in-place change: new data of float64 for a tensor of int64"),
        (lambda: Tensor([1, 2]).__isub__(0.5), "in-place change: new data of float64 for a tensor of int64"),
        (lambda: Tensor([1, 2]).__itruediv__(2), "in-place change: new data of float64 for a tensor of int64"),
        (
            lambda: Tensor([1, 2]).__iadd__(Tensor([0.5, 0.5], True)),
            "in-place change: new data of float64 for a tensor of int64",
        ),
        (
            lambda: setattr(Tensor([1, 2]), "data", [0.5, 1.0]),
            "in-place change: new data of float64 for a tensor of int64",
        ),
        (
            lambda: setattr(Tensor([1, 2]), "requires_grad", True),
            "the data are int64; a gradient needs a floating-point dtype",
        ),
        (lambda: setattr(Tensor([1.0]), "requires_grad", "False"), "requires_grad is 'False'; expected True or False"),
        (
            lambda: setattr(Tensor([1.0], True) * 2, "requires_grad", False),
            "requires_grad: this is the result of *; expected a leaf",
        ),
        (lambda: Tensor([1.0], requires_grad=2), "requires_grad is 2; expected True or False"),
        (lambda: Tensor(array(3)).retain_grad(), "retain_grad: this tensor requires no gradient"),
        (lambda: Tensor("1.0"), "Tensor: the data are <U3; expected real numbers"),
        (lambda: Tensor(None), "Tensor: the data are object; expected real numbers"),
        (lambda: Tensor([1j]), "Tensor: the data are complex128; expected real numbers"),
        (lambda: Tensor([Tensor(1.0, True), Tensor(2.0)]), "requires a gradient, which an array would lose"),
        (lambda: np.asarray(Tensor(array(3), True)), "requires a gradient, which an array would lose"),
        (lambda: np.concatenate([Tensor(array(3), True)] * 2), "requires a gradient, which an array would lose"),
        (lambda: Tensor(array(3)) + "1", "Tensor: the data are <U1; expected real numbers"),
        (lambda: Tensor(array(3)) * None, "Tensor: the data are object; expected real numbers"),
        (lambda: Tensor(array(3)) ** "2", "**: the exponent is '2'; expected a Python number"),
        (lambda: Tensor(array(3)) == array(2), "==: shapes (3,) and (2,) do not broadcast"),
        (lambda: bool(Tensor(array(3))), "bool: the tensor has shape (3,); expected one entry"),
        (lambda: bool(Tensor([])), "bool: the tensor has shape (0,); expected one entry"),
        (lambda: float(Tensor(array(3))), "can only convert an array of size 1"),
        (
            lambda: autograd.where([1, 0, 1], Tensor(array(3)), 0.0),
            "where: condition is int64; expected bool, e.g. condition != 0",
        ),
        (lambda: autograd.where(array(3), Tensor(array(3)), 0.0), "where: condition is float64; expected bool"),
        (
            lambda: autograd.where([True, False], Tensor(array(3)), 0.0),
            "where: shapes (2,) and (3,) and () do not broadcast",
        ),
        (lambda: autograd.concatenate([]), "need at least one array"),
        (lambda: autograd.stack([]), "need at least one array"),
        (lambda: Tensor(array(2, 3)).sum(1.0), "axis is 1.0; expected an integer, a tuple of integers, or None"),
        (lambda: Tensor(array(2, 3)).mean((0, 0)), "repeated axis"),
        (lambda: Tensor(array(2, 3)).max(2), "axis 2 is out of bounds"),
        (lambda: Tensor(array(2, 3)).sum(0, "False"), "keepdims is 'False'; expected True or False"),
        (lambda: Tensor([]).max(), "zero-size array to reduction operation maximum"),
        (lambda: Tensor([1, 2]) ** -1, "Integers to negative integer powers are not allowed"),
        (
            lambda: pickle.dumps(Tensor(array(3), True) * 2),
            "copy: this is the result of *; expected a leaf, such as t.detach()",
        ),
        (
            lambda: copy.deepcopy(Tensor(array(3), True).exp()),
            "copy: this is the result of exp; expected a leaf, such as t.detach()",
        ),
        (lambda: (Tensor(array(3), True) * 2).backward(np.ones(3) * 1j), "gradient has shape (3,) of complex128"),
        (lambda: (Tensor(1.0, True) * 2).backward("1"), "gradient has shape () of <U1"),
        (lambda: setattr(Tensor(array(3)), "data", np.ones(4)), "the new data have shape (4,); expected (3,)"),
        (
            lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0, 3]),
            "targets are [0 3]; expected at least one, each from 0 to 2",
        ),
        (lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0.0, 1.0]), "expected (N, K) and integers (N,)"),
        (lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0]), "z has shape (2, 3) and target (1,)"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_shows_what_it_is():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "Tensor([1., 2.], requires_grad=True)" and repr(x * 2) == "Tensor([2., 4.], op=*)"
    assert len(x) == 2 and x.ndim == 1 and x.sum().item() == 3.0 and x.numpy() is x.data
    assert (x < 1.5).tolist() == [True, False] and (x >= x).all() and (x <= 1.0).tolist() == [True, False]
    assert math.isclose(Tensor(x).data.sum(), 3.0)


def test_the_engine_needs_numpy_alone():
    # The face of its room offers checks of gradients too, which are for torch: without the face, nothing asks for it.
    code = f"""if True:
        import sys, types
        package = types.ModuleType("nndl_lib.autograd")
        package.__path__ = {autograd.__path__!r}
        sys.modules.update({{"nndl_lib.autograd": package, "torch": None}})
        from nndl_lib.autograd._operations import cross_entropy
        from nndl_lib.autograd._tensor import Tensor
        z = Tensor([[0.0, 0.0]], requires_grad=True)
        cross_entropy(z, [1]).backward()
        print(z.grad.tolist())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[0.5, -0.5]]"
