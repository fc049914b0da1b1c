"""The NumPy engine against PyTorch, in float64: values, gradients, graphs, and errors."""

import gc
import math
import subprocess
import sys

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
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 4)), ((), (2, 3)), ((4, 1, 3), (2, 1)), ((1,), ())])
def test_arithmetic_broadcasts(name, shapes):
    compare(BINARY[name], BINARY[name], array(*shapes[0], low=0.5), array(*shapes[1], seed=1, low=0.5))


@pytest.mark.parametrize("shapes", [((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)),
                                    ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,))])
def test_matmul(shapes):
    compare(lambda a, b: a @ b, lambda a, b: a @ b, array(*shapes[0]), array(*shapes[1], seed=1))


UNARY = {
    "neg": (lambda x: -x, lambda x: -x), "exp": (Tensor.exp, torch.exp), "tanh": (Tensor.tanh, torch.tanh),
    "sigmoid": (Tensor.sigmoid, torch.sigmoid), "relu": (Tensor.relu, torch.relu), "abs": (Tensor.abs, torch.abs),
    "softplus": (Tensor.softplus, lambda x: torch.log1p(torch.exp(x))), "T": (lambda x: x.T, lambda x: x.permute(*range(x.ndim - 1, -1, -1))),
    "power": (lambda x: x**3, lambda x: x**3), "reshape": (lambda x: x.reshape(-1), lambda x: x.reshape(-1)),
    "from numbers": (lambda x: 2 - x * 3 + 1, lambda x: 2 - x * 3 + 1),
    "log_softmax": (lambda x: autograd.log_softmax(x, -1), lambda x: torch.log_softmax(x, -1)),
    "log_softmax 0": (lambda x: autograd.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
    "twice": (lambda x: x[[0, 0, 1]], lambda x: x[[0, 0, 1]]), "slice": (lambda x: x[1:], lambda x: x[1:]),
    "mask": (lambda x: x[x > 0], lambda x: x[x > 0]), "max": (lambda x: x.max(), torch.amax),
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


@pytest.mark.parametrize("axis, keepdims", [(None, False), (None, True), (0, False), (1, True), (-1, False), ((0, 2), False), ((0, 2), True)])
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
    compare(lambda a, b: autograd.where(condition, a, b), lambda a, b: torch.where(torch.tensor(condition), a, b), x, array(3))


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
    compare(loss((Tensor.tanh, lambda z: autograd.cross_entropy(z, t))),
            loss((torch.tanh, lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(t)))),
            array(N, D, seed=seed), array(M, D, seed=seed + 1), array(M, seed=seed + 2), array(3, M, seed=seed + 3))


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
        y = ((x * 2).tanh() @ x).exp()
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
    assert all(order.index(parent) < order.index(node) for node in order for parent in node.parents if parent.requires_grad)


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
    compare(lambda x: array(2, 3) @ x * array(2) + 1, lambda x: torch.tensor(array(2, 3)) @ x * torch.tensor(array(2)) + 1, array(3))


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


@pytest.mark.parametrize("change", [
    lambda w: w.__setitem__(0, 5.0), lambda w: setattr(w, "data", np.ones(3)), lambda w: w.__isub__(1.0)], ids=["item", "data", "minus"])
@pytest.mark.parametrize("use", [lambda w: w * w, lambda w: w.T @ w, lambda w: 1 / w, lambda w: w.reshape(3, 1) * w, lambda w: w[1:] ** 2])
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


@pytest.mark.parametrize("call, message", [
    (lambda: (Tensor(array(3), True) * 2).backward(), "backward: the tensor has shape (3,); expected one number, or pass its gradient"),
    (lambda: Tensor(1.0).backward(), "backward: this tensor requires no gradient"),
    (lambda: (Tensor(array(3), True) * 2).backward(np.ones(2)), "gradient has shape (2,) and the tensor (3,)"),
    (lambda: Tensor(array(3)) + Tensor(array(4)), "+: shapes (3,) and (4,) do not broadcast"),
    (lambda: array(2, 3) * Tensor(array(4)), "*: shapes (2, 3) and (4,) do not broadcast"),
    (lambda: autograd.maximum(Tensor(array(3)), array(4)), "maximum: shapes (3,) and (4,)"),
    (lambda: Tensor(array(2, 3)) @ Tensor(array(2, 3)), "@: the shapes are (2, 3) and (2, 3); expected (..., N, K) and (..., K, M)"),
    (lambda: Tensor(array(2)) @ 3.0, "@: the shapes are (2,) and ()"),
    (lambda: Tensor([1, 2], requires_grad=True), "Tensor: the data are int64; a gradient needs a floating-point dtype"),
    (lambda: Tensor(array(3)) ** Tensor(2.0), "**: the exponent has shape (); expected a Python number"),
    (lambda: Tensor(array(3), True).__setitem__(0, 1.0), "in-place change: this is a leaf that requires a gradient"),
    (lambda: (Tensor(array(3), True) * 2).__isub__(1.0), "in-place change: this is the result of *"),
    (lambda: setattr(Tensor(array(3)), "data", np.ones(4)), "the new data have shape (4,); expected (3,)"),
    (lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0, 3]), "targets are [0 3]; expected at least one, each from 0 to 2"),
    (lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0.0, 1.0]), "expected (N, K) and integers (N,)"),
    (lambda: autograd.cross_entropy(Tensor(array(2, 3)), [0]), "z has shape (2, 3) and target (1,)"),
])
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


def test_it_needs_numpy_alone():
    code = "import sys, nndl_lib.autograd; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
