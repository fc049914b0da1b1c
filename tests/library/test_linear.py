"""nndl_lib.linear: cost, gradient, direct solutions and gradient descent against oracles, in float64."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from nndl_lib import linear

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=30, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}


def close(found, expected, rtol=1e-10, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def problem(N, D, seed):
    """Random X (N, D), t (N,), w (D,) and a bias as a number."""
    generator = torch.Generator().manual_seed(seed)
    X, t, w, b = (torch.randn(shape, generator=generator, **F64) for shape in ((N, D), (N,), (D,), ()))
    return X, t, w, b.item()


def plain_cost(X, t, w, b):
    """The definition, in plain Python."""
    total = 0.0
    for row, target in zip(X.tolist(), t.tolist()):
        y = b + sum(x * weight for x, weight in zip(row, w.tolist()))
        total += (y - target) ** 2
    return total / (2 * len(t))


def autograd_gradient(X, t, w, b):
    w, b = w.clone().requires_grad_(), torch.tensor(b, **F64).requires_grad_()
    (torch.nn.functional.mse_loss(X @ w + b, t) / 2).backward()
    return w.grad, b.grad


problems = st.builds(problem, N=st.integers(1, 12), D=st.integers(1, 6), seed=seeds)


# --- predictions, cost, gradient ---


@checks
@given(problems)
def test_predict_is_the_sum_of_products(p):
    X, _, w, b = p
    expected = [b + sum(x * weight for x, weight in zip(row, w.tolist())) for row in X.tolist()]
    close(linear.predict(X, w, b), torch.tensor(expected, **F64))
    close(linear.predict(X, w, torch.tensor(b, **F64)), torch.tensor(expected, **F64))
    close(linear.predict(X, w), torch.tensor(expected, **F64) - b)


@checks
@given(problems)
def test_cost_is_the_definition(p):
    X, t, w, b = p
    cost = linear.squared_error_cost(X, t, w, b)
    assert cost.shape == ()
    close(cost, torch.tensor(plain_cost(X, t, w, b), **F64))
    close(cost, torch.nn.functional.mse_loss(X @ w + b, t) / 2)
    close(linear.squared_error_cost(X, t, w), torch.tensor(plain_cost(X, t, w, 0.0), **F64))


@checks
@given(problems)
def test_gradient_equals_autograd(p):
    X, t, w, b = p
    found = linear.squared_error_gradient(X, t, w, b)
    assert found[0].shape == w.shape and found[1].shape == ()
    for one, other in zip(found, autograd_gradient(X, t, w, b)):
        close(one, other)
    for one, other in zip(linear.squared_error_gradient(X, t, w), autograd_gradient(X, t, w, 0.0)):
        close(one, other)


@checks
@given(problems)
def test_gradient_equals_plain_loops(p):
    X, t, w, b = p
    N, D = X.shape
    y = [b + sum(X[n, d].item() * w[d].item() for d in range(D)) for n in range(N)]
    by_w = [sum((y[n] - t[n].item()) * X[n, d].item() for n in range(N)) / N for d in range(D)]
    by_b = sum(y[n] - t[n].item() for n in range(N)) / N
    found = linear.squared_error_gradient(X, t, w, b)
    close(found[0], torch.tensor(by_w, **F64))
    close(found[1], torch.tensor(by_b, **F64))


LOOSER = {"rtol": 1e-8, "atol": 1e-10}  # for central differences, which lose digits to cancellation


def central_differences(X, t, w, b, h=1e-2):
    # The cost is quadratic, so that central differences have no truncation error and h may be large.
    by_w = torch.empty_like(w)
    for d in range(len(w)):
        step = torch.zeros_like(w)
        step[d] = h
        by_w[d] = (plain_cost(X, t, w + step, b) - plain_cost(X, t, w - step, b)) / (2 * h)
    by_b = (plain_cost(X, t, w, b + h) - plain_cost(X, t, w, b - h)) / (2 * h)
    return by_w, torch.tensor(by_b, **F64)


@checks
@given(problems)
def test_gradient_equals_central_differences(p):
    for one, other in zip(linear.squared_error_gradient(*p), central_differences(*p)):
        close(one, other, **LOOSER)


@pytest.mark.parametrize("oracle, tolerance", [(autograd_gradient, {}), (central_differences, LOOSER)])
@checks
@given(p=problems, part=st.sampled_from([0, 1]))
def test_the_comparisons_reject_a_gradient_that_is_0_1_percent_off(oracle, tolerance, p, part):
    found, expected = linear.squared_error_gradient(*p)[part], oracle(*p)[part]
    close(found, expected, **tolerance)
    if expected.abs().max() > 1e-6:
        with pytest.raises(AssertionError):
            close(1.001 * found, expected, **tolerance)


def test_gradient_is_zero_at_the_least_squares_solution():
    X, t, _, _ = problem(20, 3, 0)
    by_w, _ = linear.squared_error_gradient(X, t, linear.lstsq(X, t))
    close(by_w, torch.zeros(3, **F64))


# --- direct solutions ---


@checks
@given(N=st.integers(1, 12), D=st.integers(1, 6), seed=seeds)
def test_lstsq_equals_numpy(N, D, seed):
    X, t, _, _ = problem(N, D, seed)
    w = linear.lstsq(X, t)
    assert w.shape == (D,)
    expected, *_ = np.linalg.lstsq(X.numpy(), t.numpy(), rcond=None)
    close(w, torch.from_numpy(expected), rtol=1e-8, atol=1e-10)
    # Its residual is at right angles to every column.
    close(X.T @ (X @ w - t), torch.zeros(D, **F64), atol=1e-10)


@checks
@given(N=st.integers(2, 12), D=st.integers(2, 6), rank=st.integers(1, 5), seed=seeds)
def test_lstsq_gives_the_shortest_solution(N, D, rank, seed):
    rank = min(rank, N - 1, D - 1)
    A, t, _, _ = problem(N, rank, seed)
    B = problem(rank, D, seed + 1)[0]
    X = A @ B
    shortest = torch.from_numpy(np.linalg.pinv(X.numpy(), rcond=1e-12)) @ t
    close(linear.lstsq(X, t), shortest, rtol=1e-7, atol=1e-9)


def test_lstsq_shares_between_equal_columns():
    x, t = torch.tensor([1.0, 2.0, 3.0], **F64), torch.tensor([2.0, 4.0, 6.0], **F64)
    close(linear.lstsq(torch.stack([x, x], dim=1), t), torch.tensor([1.0, 1.0], **F64))


ridges = {"N": st.integers(1, 12), "D": st.integers(1, 6), "seed": seeds, "lam": st.floats(1e-3, 10)}


@checks
@given(**ridges)
def test_ridge_equals_scikit_learn(N, D, seed, lam):
    X, t, _, _ = problem(N, D, seed)
    oracle = Ridge(alpha=N * lam, fit_intercept=False, solver="svd").fit(X.numpy(), t.numpy())
    close(linear.ridge(X, t, lam), torch.from_numpy(oracle.coef_), rtol=1e-9)


@checks
@given(**ridges)
def test_ridge_solves_the_normal_equations(N, D, seed, lam):
    X, t, _, _ = problem(N, D, seed)
    expected = torch.linalg.solve(X.T @ X / N + lam * torch.eye(D, **F64), X.T @ t / N)
    close(linear.ridge(X, t, lam), expected, rtol=1e-9)


@checks
@given(**ridges)
def test_ridge_minimizes_its_cost(N, D, seed, lam):
    X, t, _, _ = problem(N, D, seed)
    w = linear.ridge(X, t, lam).requires_grad_()
    ((X @ w - t).square().sum() / (2 * N) + lam / 2 * w.square().sum()).backward()
    close(w.grad, torch.zeros(D, **F64), atol=1e-10)


@checks
@given(N=st.integers(2, 12), D=st.integers(1, 5), seed=seeds, lam=st.floats(1e-3, 10))
def test_ridge_with_a_free_bias_equals_scikit_learns_intercept(N, D, seed, lam):
    X, t, _, _ = problem(N, D, seed)
    t = t + 5  # a bias that a penalty would pull down visibly
    oracle = Ridge(alpha=N * lam, fit_intercept=True, solver="svd").fit(X.numpy(), t.numpy())
    penalize = torch.tensor([False] + [True] * D)
    w = linear.ridge(torch.cat([torch.ones(N, 1, **F64), X], dim=1), t, lam, penalize)
    close(w, torch.tensor([oracle.intercept_, *oracle.coef_], **F64), rtol=1e-9, atol=1e-11)


@checks
@given(N=st.integers(1, 12), D=st.integers(1, 6), seed=seeds)
def test_ridge_without_penalty_is_least_squares(N, D, seed):
    X, t, _, _ = problem(N, D, seed)
    assert torch.equal(linear.ridge(X, t, 0), linear.lstsq(X, t))
    nothing = torch.zeros(D, dtype=torch.bool)
    close(linear.ridge(X, t, 1.0, nothing), linear.lstsq(X, t), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("lam", [-1e-9, -1.0, math.nan, math.inf])
def test_ridge_bad_lam(lam):
    X, t, _, _ = problem(4, 2, 0)
    with pytest.raises(ValueError, match=f"ridge: lam is {lam}; expected a finite number of at least 0"):
        linear.ridge(X, t, lam)


@pytest.mark.parametrize("shape, dtype", [((3,), torch.bool), ((2,), torch.float32), ((2, 1), torch.bool)])
@pytest.mark.parametrize("lam", [0.0, 1.0])
def test_ridge_bad_penalize(shape, dtype, lam):
    X, t, _, _ = problem(4, 2, 0)
    penalize = torch.ones(shape, dtype=dtype)
    given_as = f"penalize {shape}; expected X (N, D), t (N,) and penalize (D,)"
    given_as = given_as if shape != (2,) else "penalize is torch.float32; expected torch.bool"
    with pytest.raises(ValueError, match=re.escape(given_as)):
        linear.ridge(X, t, lam, penalize)


# --- gradient descent ---


@checks
@given(p=problems, lr=st.floats(0.01, 0.5), steps=st.integers(0, 8), bias=st.booleans())
def test_descent_equals_torch_sgd_step_by_step(p, lr, steps, bias):
    X, t, w, b = p
    D = len(w)
    path = linear.gradient_descent(X, t, lr, steps, w, b if bias else None)
    assert (path.w.shape, path.b.shape, path.cost.shape) == ((steps + 1, D), (steps + 1,), (steps + 1,))

    model = torch.nn.Linear(D, 1, bias=bias).double()
    with torch.no_grad():
        model.weight.copy_(w)
        if bias:
            model.bias.fill_(b)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for step in range(steps + 1):
        optimizer.zero_grad()
        cost = (model(X).squeeze(1) - t).square().mean() / 2
        close(path.w[step], model.weight.detach()[0])
        close(path.b[step], model.bias.detach()[0] if bias else torch.zeros((), **F64))
        close(path.cost[step], cost.detach())
        cost.backward()
        optimizer.step()


def test_descent_starts_at_zero_by_default():
    X, t, _, _ = problem(5, 3, 0)
    path = linear.gradient_descent(X, t, 0.1, 4)
    started = linear.gradient_descent(X, t, 0.1, 4, torch.zeros(3, **F64), 0.0)
    for one, other in zip(path, started):
        assert torch.equal(one, other)
    assert path.b[1] != 0  # there is a bias unless it is None


def test_descent_entries_do_not_share_memory():
    X, t, w, b = problem(5, 3, 1)
    path = linear.gradient_descent(X, t, 0.1, 3, w, b)
    assert torch.equal(path.w[0], w) and not torch.equal(path.w[1], path.w[3])
    path.w.zero_()
    assert not torch.equal(w, torch.zeros(3, **F64))


@pytest.mark.parametrize("seed, shape", [(0, (20, 3)), (1, (5, 1)), (2, (30, 2)), (3, (40, 4)), (4, (3, 5))])
def test_critical_learning_rate_divides_convergence_from_divergence(seed, shape):
    X, t, _, _ = problem(*shape, seed)
    X = X * (1 + seed)
    critical = linear.critical_learning_rate(X)
    assert isinstance(critical, float)
    w_best = linear.lstsq(X, t)
    best = linear.squared_error_cost(X, t, w_best)
    below = linear.gradient_descent(X, t, 0.99 * critical, 1500, b=None)
    assert below.cost[-1] - best < 1e-8
    above = linear.gradient_descent(X, t, 1.01 * critical, 1500, b=None)
    assert above.cost[-1] > 1e6 * above.cost[0]
    # Along the steepest direction the error is multiplied by 1 - 2 * 1.01 at each step, so the excess by its square.
    growth = (above.cost[-1] - best) / (above.cost[-2] - best)
    close(growth, torch.tensor(1.02**2, **F64), rtol=1e-9)


@checks
@given(N=st.integers(1, 12), D=st.integers(1, 6), seed=seeds)
def test_critical_learning_rate_equals_the_eigenvalue(N, D, seed):
    X = problem(N, D, seed)[0]
    largest = np.linalg.eigvalsh(X.numpy().T @ X.numpy() / N)[-1]
    assert linear.critical_learning_rate(X) == pytest.approx(2 / largest, rel=1e-10)


def test_critical_learning_rate_closed_form():
    assert linear.critical_learning_rate(torch.tensor([[3.0], [4.0]], **F64)) == pytest.approx(2 / 12.5, rel=1e-14)


def test_critical_learning_rate_of_zeros():
    with pytest.raises(ValueError, match="X is all zeros, .*; expected a non-zero X"):
        linear.critical_learning_rate(torch.zeros(3, 2))


@pytest.mark.parametrize("lr", [0, 0.0, -0.1, math.nan, math.inf])
def test_descent_bad_learning_rate(lr):
    X, t, _, _ = problem(4, 2, 0)
    with pytest.raises(ValueError, match=f"lr is {lr}; expected a finite number greater than 0"):
        linear.gradient_descent(X, t, lr, 3)


@pytest.mark.parametrize("steps", [-1, 1.5, 2.0, True, "3"])
def test_descent_bad_steps(steps):
    X, t, _, _ = problem(4, 2, 0)
    with pytest.raises(ValueError, match=re.escape(f"steps is {steps!r}; expected an integer of at least 0")):
        linear.gradient_descent(X, t, 0.1, steps)


@pytest.mark.parametrize("shape", [(3,), (1, 2), ()])
def test_descent_bad_start(shape):
    X, t, _, _ = problem(4, 2, 0)
    with pytest.raises(ValueError, match=re.escape(f"and w {shape}; expected X (N, D), t (N,) and w (D,)")):
        linear.gradient_descent(X, t, 0.1, 3, torch.zeros(shape, **F64))


# --- polynomial features ---


@checks
@given(N=st.integers(0, 10), degree=st.integers(0, 9), seed=seeds)
def test_polynomial_features_equal_numpys_vander(N, degree, seed):
    x = problem(N, 1, seed)[1]
    found = linear.polynomial_features(x, degree)
    assert found.shape == (N, degree + 1)
    close(found, torch.from_numpy(np.vander(x.numpy(), degree + 1, increasing=True)))


def test_polynomial_features_of_small_integers_are_exact():
    found = linear.polynomial_features(torch.tensor([0.0, 1.0, -2.0, 3.0]), 5)
    expected = [[1, 0, 0, 0, 0, 0], [1] * 6, [1, -2, 4, -8, 16, -32], [1, 3, 9, 27, 81, 243]]
    assert found.dtype == torch.float32 and found.tolist() == expected


@pytest.mark.parametrize("degree", [-1, 1.5, 2.0, True, "2"])
def test_polynomial_features_bad_degree(degree):
    with pytest.raises(ValueError, match=re.escape(f"degree is {degree!r}; expected an integer of at least 0")):
        linear.polynomial_features(torch.zeros(3), degree)


@pytest.mark.parametrize("shape", [(3, 1), ()])
def test_polynomial_features_bad_shape(shape):
    with pytest.raises(ValueError, match=re.escape(f"x has shape {shape}; expected (N,)")):
        linear.polynomial_features(torch.zeros(shape), 2)


# --- what all of them share ---

# Each function that takes data, called with data of two columns.
TAKE_DATA = {
    "squared_error_cost": lambda X, t: linear.squared_error_cost(X, t, torch.zeros(2, dtype=X.dtype)),
    "squared_error_gradient": lambda X, t: linear.squared_error_gradient(X, t, torch.zeros(2, dtype=X.dtype)),
    "lstsq": linear.lstsq,
    "ridge": lambda X, t: linear.ridge(X, t, 0.1),
    "gradient_descent": lambda X, t: linear.gradient_descent(X, t, 0.1, 2),
}


@pytest.mark.parametrize("name", TAKE_DATA)
@pytest.mark.parametrize(
    "X_shape, t_shape", [((3, 2), (4,)), ((3, 2), (3, 1)), ((3,), (3,)), ((0, 2), (0,)), ((3, 2), ())]
)
def test_shapes_that_do_not_fit(name, X_shape, t_shape):
    # A t of shape (N, 1) is the classic slip: it would broadcast against (N,) to (N, N).
    message = re.escape(f"{name}: X has shape {X_shape}") + ".*" + re.escape(f"t {t_shape}") + ".*; expected "
    with pytest.raises(ValueError, match=message + re.escape("X (N, D)") + ".*" + re.escape("t (N,)")):
        TAKE_DATA[name](torch.ones(X_shape, **F64), torch.ones(t_shape, **F64))


@pytest.mark.parametrize("w_shape", [(3,), (2, 1), (4,), ()])
def test_weights_that_do_not_fit(w_shape):
    X, t, w = torch.ones(4, 2, **F64), torch.ones(4, **F64), torch.ones(w_shape, **F64)
    message = re.escape(f"predict: X has shape (4, 2) and w {w_shape}; expected X (N, D) and w (D,)")
    with pytest.raises(ValueError, match=message):
        linear.predict(X, w)
    for function in (linear.squared_error_cost, linear.squared_error_gradient):
        message = (
            f"{function.__name__}: X has shape (4, 2), t (4,) and w {w_shape}; expected X (N, D), t (N,) and w (D,)"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            function(X, t, w)


def test_predict_wants_rows_of_examples():
    with pytest.raises(ValueError, match=re.escape("X has shape (2,) and w (2,); expected X (N, D) and w (D,)")):
        linear.predict(torch.ones(2), torch.ones(2))


@pytest.mark.parametrize("name", TAKE_DATA)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite_are_named(name, value):
    X, t, _, _ = problem(4, 2, 0)
    X[1, 0], t[2] = value, value
    with pytest.raises(ValueError, match=re.escape(f"{name}: X[1, 0] is {value}; expected finite numbers")):
        TAKE_DATA[name](X, torch.ones(4, **F64))
    with pytest.raises(ValueError, match=re.escape(f"{name}: t[2] is {value}; expected finite numbers")):
        TAKE_DATA[name](torch.ones(4, 2, **F64), t)


@pytest.mark.parametrize("name", TAKE_DATA)
@pytest.mark.parametrize(
    "X_dtype, t_dtype", [(torch.float32, torch.float64), (torch.int64, torch.int64), (torch.float32, torch.int64)]
)
def test_dtypes_that_do_not_fit(name, X_dtype, t_dtype):
    message = re.escape(f"{name}: X is {X_dtype}") + ".*" + re.escape(f"t is {t_dtype}")
    with pytest.raises(ValueError, match=message + ".*; expected one floating-point dtype for all"):
        TAKE_DATA[name](torch.ones(3, 2, dtype=X_dtype), torch.ones(3, dtype=t_dtype))


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 3, 4)])
def test_critical_learning_rate_bad_shape(shape):
    message = re.escape(f"critical_learning_rate: X has shape {shape}") + r".*; expected .*\(N, D\)"
    with pytest.raises(ValueError, match=message):
        linear.critical_learning_rate(torch.ones(shape))


def test_critical_learning_rate_bad_entry():
    X = torch.ones(3, 2)
    X[2, 1] = math.nan
    with pytest.raises(ValueError, match=re.escape("critical_learning_rate: X[2, 1] is nan; expected finite numbers")):
        linear.critical_learning_rate(X)


def everything(X, t, w, b):
    """What every function gives for these inputs."""
    return [
        linear.predict(X, w, b),
        linear.squared_error_cost(X, t, w, b),
        *linear.squared_error_gradient(X, t, w, b),
        linear.lstsq(X, t),
        linear.ridge(X, t, 0.5),
        linear.ridge(X, t, 0.5, torch.tensor([False, True, True])),
        *linear.gradient_descent(X, t, 0.1, 5, w, b),
        linear.polynomial_features(t, 4),
    ]


def test_float32_and_float64_are_kept():
    X, t, w, b = problem(8, 3, 5)
    single, double = everything(X.float(), t.float(), w.float(), b), everything(X, t, w, b)
    for one, other in zip(single, double):
        assert (one.dtype, other.dtype) == (torch.float32, torch.float64)
        close(one.double(), other, rtol=1e-4, atol=1e-5)
    assert linear.critical_learning_rate(X.float()) == pytest.approx(linear.critical_learning_rate(X), rel=1e-5)


def test_inputs_are_not_changed():
    X, t, w, _ = problem(8, 3, 6)
    inputs = (X, t, w, torch.tensor(0.3, **F64), torch.tensor([False, True, True]))
    kept = [tensor.clone() for tensor in inputs]
    everything(X, t, w, inputs[3].item())
    linear.predict(X, w, inputs[3])
    linear.squared_error_gradient(X, t, w, inputs[3])
    linear.ridge(X, t, 0.5, inputs[4])
    linear.critical_learning_rate(X)
    for tensor, before in zip(inputs, kept):
        assert torch.equal(tensor, before)


@pytest.mark.parametrize("shape", [(4, 1), (4,), (1,)])
def test_bias_that_is_no_number(shape):
    X, w, b = torch.ones(4, 2, **F64), torch.ones(2, **F64), torch.ones(shape, **F64)
    with pytest.raises(ValueError, match="b has shape"):
        linear.predict(X, w, b)


def test_weights_of_another_dtype():
    with pytest.raises(ValueError, match="float32"):
        linear.squared_error_cost(torch.ones(4, 2, **F64), torch.ones(4, **F64), torch.ones(2))


def test_critical_learning_rate_of_small_entries():
    assert linear.critical_learning_rate(torch.tensor([[1e-25]])) == pytest.approx(2e50, rel=1e-5)
