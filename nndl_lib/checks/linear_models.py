"""Checks of the exercises to chapter 02, "Linear models". Shapes and the cost are those of ``nndl_lib.linear``."""

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks.engine import Case, exercise
from nndl_lib.runtime import generator

__all__ = ["choose_degree", "cost", "descend", "gradient", "polynomial_features", "ridge"]


def _quarters(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/4 from -2 to 2: short to print, exact to compute with."""
    return torch.randint(-8, 9, shape, generator=g).double() / 4


def _problem(N: int, D: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    g = generator(seed)
    return _quarters(N, D, g=g), _quarters(N, g=g), _quarters(D, g=g)


# --- 1 and 2: the cost and its gradient -----------------------------------------------------------------------------


def _models():
    """Arguments X, t, w, b."""
    yield Case((torch.tensor([[2.0]]).double(), torch.tensor([1.0]).double(), torch.tensor([1.5]).double(), 0.5), "one example")
    yield Case((torch.tensor([[1.0], [2.0]]).double(), torch.tensor([1.0, 0.0]).double(), torch.tensor([0.5]).double(), 0.25), "one feature")
    for N, D, note in [(1, 2, "one example"), (2, 2, ""), (3, 1, "one feature"), (3, 2, ""), (2, 3, ""), (4, 4, ""), (7, 3, "")]:
        X, t, w = _problem(N, D, seed=10 * N + D)
        yield Case((X, t, w, 0.75), note)
    X, t, w = _problem(3, 2, seed=50)
    yield Case((X, t, w, torch.tensor(-1.5).double()), "b as a tensor")
    yield Case((X.float(), t.float(), w.float(), 0.5), "float32")
    yield Case((X, t + 1e6 + 0.1, w, 1e6), "large targets", "On large targets it loses its digits: subtract first, square then.")


def _larger_models():
    def arguments(N, D):
        return *_problem(N, D, seed=60 + N + D), 0.5

    return [("examples", arguments(8, 3), arguments(64, 3), 56), ("features", arguments(3, 8), arguments(3, 64), 56)]


def _residual(X, t, w, b):
    return X @ w + b - t


@exercise(
    returns=("J",),
    cases=_models,
    loops=_larger_models,
    mistakes=[
        ("It is N times too large: the cost is the average over the N examples, not their sum.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2),
        ("It is twice too large: the loss of one example has a factor 1/2.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean()),
        ("It is 2 N times too large: you return the sum of the squares; divide by 2 N.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum()),
        ("You divide by N twice.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean() / 2 / len(t)),
        ("You divide by the number of features D instead of the number of examples N.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 / len(w)),
        ("You return a square root of the average; the cost has none.",
         lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean().sqrt()),
        ("You return the length of the residual; the cost is its square, over 2 N.",
         lambda X, t, w, b: _residual(X, t, w, b).norm()),
        ("You average the absolute residuals; the cost averages their squares.",
         lambda X, t, w, b: _residual(X, t, w, b).abs().mean() / 2),
        ("You average the absolute residuals; the cost averages half their squares.",
         lambda X, t, w, b: _residual(X, t, w, b).abs().mean()),
        ("You square the average residual: square each residual first, average then.",
         lambda X, t, w, b: _residual(X, t, w, b).mean() ** 2 / 2),
        ("The residual is y - t; you add the target instead of subtracting it.",
         lambda X, t, w, b: (_residual(X, -t, w, b) ** 2).mean() / 2),
        ("The bias b is missing from the prediction.",
         lambda X, t, w, b: (_residual(X, t, w, 0) ** 2).mean() / 2),
        ("You subtract the bias b instead of adding it.",
         lambda X, t, w, b: (_residual(X, t, w, -b) ** 2).mean() / 2),
        ("You return one loss for each example; the cost is their average, a single number.",
         lambda X, t, w, b: _residual(X, t, w, b) ** 2 / 2),
        ("Each prediction meets every target: y has shape (N, 1) and t (N,), so y - t is an N x N table.",
         lambda X, t, w, b: ((X @ w[:, None] + b - t) ** 2).mean() / 2),
    ],
)
def cost(X, t, w, b):
    """Exercise 1: the squared-error cost, in vectorized form. The function returns a tensor of shape ()."""
    return torch.nn.functional.mse_loss(X @ w + b, t) / 2


@exercise(
    returns=("dw", "db"),
    cases=_models,
    loops=_larger_models,
    mistakes=[
        ("It is N times too large: the cost is the average over the N examples.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, b), _residual(X, t, w, b).sum())),
        ("It is twice too large: the 1/2 of the cost cancels the 2 of the derivative.",
         lambda X, t, w, b: (2 * X.T @ _residual(X, t, w, b) / len(t), 2 * _residual(X, t, w, b).mean())),
        ("It is half of what it should be: the derivative of the square brings a 2, which cancels the 1/2 of the cost.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(t) / 2, _residual(X, t, w, b).mean() / 2)),
        ("Its sign is wrong: the residual is y - t, prediction minus target.",
         lambda X, t, w, b: (-X.T @ _residual(X, t, w, b) / len(t), -_residual(X, t, w, b).mean())),
        ("db is N times too large: take the mean of the residuals, not their sum. dw is right.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(t), _residual(X, t, w, b).sum())),
        ("dw is N times too large: divide by the number of examples. db is right.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, b), _residual(X, t, w, b).mean())),
        ("You divide by the number of features D instead of the number of examples N.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(w), _residual(X, t, w, b).sum() / len(w))),
        ("dw multiplies two averages: multiply residual and input of each example first, average then.",
         lambda X, t, w, b: (X.mean(dim=0) * _residual(X, t, w, b).mean(), _residual(X, t, w, b).mean())),
        ("The input is missing from dw: each example's residual is multiplied by its input.",
         lambda X, t, w, b: (_residual(X, t, w, b).mean() * torch.ones_like(w), _residual(X, t, w, b).mean())),
        ("The bias b is missing from the prediction.",
         lambda X, t, w, b: (X.T @ _residual(X, t, w, 0) / len(t), _residual(X, t, w, 0).mean())),
        ("Each prediction meets every target: y has shape (N, 1) and t (N,), so y - t is an N x N table.",
         lambda X, t, w, b: (X.T @ (X @ w[:, None] + b - t) / len(t), (X @ w[:, None] + b - t).mean())),
        ("The two are exchanged: return dw first, db second.",
         lambda X, t, w, b: (_residual(X, t, w, b).mean(), X.T @ _residual(X, t, w, b) / len(t))),
        ("You return the slopes of each example; average them over the examples, the first axis.",
         lambda X, t, w, b: (X * _residual(X, t, w, b)[:, None], _residual(X, t, w, b))),
        ("You average over the features; the average goes over the examples, the first axis.",
         lambda X, t, w, b: ((X * _residual(X, t, w, b)[:, None]).mean(dim=1), _residual(X, t, w, b).mean())),
    ],
)
def gradient(X, t, w, b):
    """Exercise 2: the gradient of the cost. The function returns (dw, db), of shapes (D,) and ()."""
    w, b = w.clone().requires_grad_(), torch.as_tensor(b, dtype=X.dtype).clone().requires_grad_()
    J = torch.nn.functional.mse_loss(X @ w + b, t) / 2
    return torch.autograd.grad(J, (w, b))


# --- 3: gradient descent with a stopping rule -----------------------------------------------------------------------


def _walks():
    """Arguments X, t, w, lr, tolerance, max_steps."""
    one = torch.ones(2, 1).double()
    t = torch.tensor([1.0, 3.0]).double()
    start = torch.zeros(1).double()
    yield Case((one, t, start, 0.5, 1e-3, 0), "no step allowed")
    yield Case((one, t, start + 2, 0.5, 1e-3, 10), "start at the minimum")
    yield Case((one, t, start, 0.5, 0.3, 20), "one feature")  # gradients -2, -1, -0.5, -0.25
    yield Case((one, t, start, 0.5, 0.3, 3), "tolerance met with the last step allowed",
               "When the last step allowed meets the tolerance, that is success: look at the gradient first, at the count then.")
    yield Case((one, t, start, 0.5, 0.3, 2), "too few steps allowed")
    for N, D, tolerance, max_steps in [(3, 2, 0.1, 100), (6, 2, 0.05, 200), (4, 3, 0.2, 7), (9, 4, 0.05, 300)]:
        X, t, w = _problem(N, D, seed=70 + N)
        lr = round(len(X) / torch.linalg.matrix_norm(X, 2).item() ** 2, 2)
        yield Case((X, t, w, lr, tolerance, max_steps), "too few steps allowed" if max_steps == 7 else "")
    X, t, w = _problem(4, 2, seed=80)
    yield Case((X, t, w, 8.0, 1e-3, 15), "a learning rate that diverges")
    yield Case((X.float(), t.float(), w.float(), 0.25, 0.05, 40), "float32")


def _larger_walks():
    def arguments(N, D):
        X, t, w = _problem(N, D, seed=90 + N)
        return X, t, w, 0.01, 0.0, 5

    return [("examples", arguments(8, 3), arguments(64, 3), 5 * 56), ("features", arguments(6, 3), arguments(6, 60), 5 * 57)]


def _walk(X, t, w, lr, tolerance, max_steps, sign=1, scale=1.0, length=Tensor.norm, off=0, late=False, first="length"):
    """Gradient descent with its rules as options, to make mistakes with."""
    steps = 0
    while True:
        slope = sign * scale * X.T @ (X @ w - t) / len(t)
        small = bool(length(slope) <= tolerance) and not (late and steps == 0)
        if small and not (first == "count" and steps == max_steps):
            return w, steps + off, True
        if steps == max_steps:
            return w, steps + off, False
        w, steps = w - lr * slope, steps + 1


def _never_stops(X, t, w, lr, tolerance, max_steps):
    return *_walk(X, t, w, lr, -1.0, max_steps)[:2], False


def _says_yes(*arguments):
    return *_walk(*arguments)[:2], True


def _says_the_contrary(*arguments):
    w, steps, converged = _walk(*arguments)
    return w, steps, not converged


def _one_more(X, t, w, lr, tolerance, max_steps):
    w, steps, converged = _walk(X, t, w, lr, tolerance, max_steps)
    return w - lr * X.T @ (X @ w - t) / len(t), steps, converged


def _stops_on_cost(X, t, w, lr, tolerance, max_steps):
    def J(w):
        return (X @ w - t).square().mean() / 2

    for steps in range(max_steps + 1):
        after = w - lr * X.T @ (X @ w - t) / len(t)
        if (J(w) - J(after)).abs() <= tolerance:
            return w, steps, True
        if steps < max_steps:
            w = after
    return w, max_steps, False


@exercise(
    returns=("w", "steps", "converged"),
    cases=_walks,
    loops=_larger_walks,
    mistakes=[
        ("It walks uphill: subtract lr times the gradient.", lambda *a: _walk(*a, sign=-1)),
        ("Its gradient is N times too large: the cost is an average. Divide by the number of examples.",
         lambda X, *a: _walk(X, *a, scale=len(X))),
        ("Its gradient is twice too large: the 1/2 of the cost cancels the 2 of the derivative.",
         lambda *a: _walk(*a, scale=2.0)),
        ("It starts from zero; start from the w that it is given.",
         lambda X, t, w, *a: _walk(X, t, torch.zeros_like(w), *a)),
        ("It pays no heed to the tolerance: it always takes max_steps steps.", _never_stops),
        ("It always says that it converged, even when it ran out of steps.", _says_yes),
        ("converged is the wrong way round: True means that the tolerance was met.", _says_the_contrary),
        ("steps is one too many: count the updates of w.", lambda *a: _walk(*a, off=1)),
        ("steps is one too few: count the updates of w.", lambda *a: _walk(*a, off=-1)),
        ("w takes one step more than it should: when the gradient is short enough, return w as it is.", _one_more),
        ("It takes a step before it looks at the gradient: look first, the start may be good enough.",
         lambda *a: _walk(*a, late=True)),
        ("It compares the square of the gradient's length with the tolerance; compare the length, the square's root.",
         lambda *a: _walk(*a, length=lambda slope: slope @ slope)),
        ("It compares the largest slope with the tolerance; the gradient's length is the root of the sum of squares.",
         lambda *a: _walk(*a, length=lambda slope: slope.abs().max())),
        ("It compares the sum of the absolute slopes with the tolerance; the gradient's length is the root of the sum "
         "of squares.",
         lambda *a: _walk(*a, length=lambda slope: slope.abs().sum())),
        ("It compares the slopes with the tolerance without their sign: a large negative slope is not small.",
         lambda *a: _walk(*a, length=lambda slope: slope.max())),
        ("It stops when the cost changes little; the rule is about the length of the gradient.", _stops_on_cost),
        ("When the last step allowed meets the tolerance, that is success: look at the gradient first, at the count then.",
         lambda *a: _walk(*a, first="count")),
    ],
)
def descend(X, t, w, lr, tolerance, max_steps):
    """Exercise 3: gradient descent without a bias. The function returns (w, steps, converged)."""
    X, t, w = X.numpy(), t.numpy(), w.numpy()
    for steps in range(max_steps + 1):
        slope = np.mean((X @ w - t)[:, None] * X, axis=0)
        converged = bool(np.sqrt(np.sum(slope**2)) <= tolerance)
        if converged or steps == max_steps:
            return torch.from_numpy(w), steps, converged
        w = w - lr * slope


# --- 4: polynomial features -----------------------------------------------------------------------------------------


def _inputs():
    """Arguments x, degree."""
    yield Case((torch.tensor([3.0]).double(), 0), "degree 0")
    yield Case((torch.tensor([3.0]).double(), 2), "one example")
    signs = "A negative x, or zero, goes wrong: take powers by multiplication or **, not by logarithms."
    yield Case((torch.tensor([2.0, 3.0]).double(), 1), "degree 1")
    yield Case((torch.tensor([2.0, 3.0]).double(), 3))
    yield Case((torch.tensor([2.0, 3.0, 5.0]).double(), 2))
    yield Case((torch.tensor([0.0, -2.0]).double(), 3), "zero and a negative number", signs)
    yield Case((_quarters(5, g=generator(100)), 2), "zero and a negative number", signs)
    yield Case((torch.tensor([10.0, -0.5, 1.25]).double(), 9), "degree 9", signs)
    yield Case((torch.tensor([1.5, 2.0, 0.5]), 3), "float32")


def _more_inputs():
    few, many = (_quarters(N, g=generator(N)).abs() + 1 for N in (8, 64))
    return [("examples", (few, 3), (many, 3), 56)]


def _powers(x, exponents):
    return torch.stack([x**k for k in exponents], dim=1) if len(exponents) else x.new_zeros(len(x), 0)


@exercise(
    returns=("features",),
    cases=_inputs,
    loops=_more_inputs,
    mistakes=[
        ("The column of ones is missing: the powers start at x to the 0.", lambda x, degree: _powers(x, range(1, degree + 1))),
        ("The last column is missing: degree M needs M + 1 columns, from 0 to M. range(M) stops at M - 1.",
         lambda x, degree: _powers(x, range(degree))),
        ("There is a column too many: the last power is x to the degree.", lambda x, degree: _powers(x, range(degree + 2))),
        ("The columns stand in reverse order: the ones come first.", lambda x, degree: _powers(x, range(degree, -1, -1))),
        ("The ones belong in the first column, before x.", lambda x, degree: _powers(x, [*range(1, degree + 1), 0])),
        ("You multiply by the exponent: x ** 2 is x * x, not 2 * x.",
         lambda x, degree: torch.stack([x * k for k in range(degree + 1)], dim=1)),
        ("You multiply by the exponent: x ** 2 is x * x, not 2 * x. (The column of ones is right.)",
         lambda x, degree: torch.stack([torch.ones_like(x), *(x * k for k in range(1, degree + 1))], dim=1)),
        ("Base and exponent are exchanged: you compute 2 ** x where x ** 2 is asked for.",
         lambda x, degree: torch.stack([float(k) ** x for k in range(degree + 1)], dim=1)),
        ("It is transposed: one example a row, one power a column.", lambda x, degree: _powers(x, range(degree + 1)).T),
        ("All powers stand in one long row; stack them as columns, with dim=1.",
         lambda x, degree: _powers(x, range(degree + 1)).T.flatten()),
        ("You return the last power alone; all of them are the features.", lambda x, degree: x**degree),
    ],
)
def polynomial_features(x, degree):
    """Exercise 4: the powers of x from 0 to the degree. The function returns (N, degree + 1)."""
    return torch.from_numpy(np.vander(x.numpy(), degree + 1, increasing=True))


# --- 5: ridge regression --------------------------------------------------------------------------------------------


def _ridge_problems():
    """Arguments X, t, lam."""
    yield Case((torch.tensor([[1.0], [3.0]]).double(), torch.tensor([2.0, 6.0]).double(), 1.0), "one feature")
    yield Case((torch.tensor([[1.0], [2.0], [6.0]]).double(), torch.tensor([1.0, 0.0, 5.0]).double(), 0.5), "one feature")
    for N, D, lam, note in [(3, 2, 0.25, ""), (4, 2, 0.5, ""), (6, 3, 0.1, ""), (5, 3, 100.0, "a large lam"), (8, 2, 0.0, "lam = 0")]:
        X, t, _ = _problem(N, D, seed=110 + N)
        yield Case((X + 1, t + 2, lam), note)
    X, t, _ = _problem(2, 4, seed=120)
    yield Case((X + 1, t + 1, 0.5), "more features than examples")
    yield Case((torch.tensor([[2.0, 1.0]]).double(), torch.tensor([3.0]).double(), 0.5), "one example")
    X, t, _ = _problem(6, 2, seed=121)
    yield Case((X.float() + 1, t.float(), 0.5), "float32")


def _more_ridge():
    def arguments(N):
        return *_problem(N, 3, seed=130 + N)[:2], 0.5

    return [("examples", arguments(8), arguments(64), 56)]


def _normal_equations(X, t, lam, factor=lambda N: N, penalize_bias=False):
    ones = torch.ones(len(X), 1, dtype=X.dtype)
    A = torch.cat([X, ones], dim=1)
    penalty = torch.ones(A.shape[1], dtype=X.dtype)
    penalty[-1] = float(penalize_bias)
    solution = torch.linalg.solve(A.T @ A + factor(len(X)) * lam * penalty.diag(), A.T @ t)
    return solution[:-1], solution[-1]


def _through_zero(X, t, lam):
    w = torch.linalg.solve(X.T @ X + len(X) * lam * torch.eye(X.shape[1], dtype=X.dtype), X.T @ t)
    return w, torch.zeros((), dtype=X.dtype)


def _without_penalty(X, t, lam):
    if len(X) <= X.shape[1]:
        raise ValueError("singular")
    return _normal_equations(X, t, 0.0)


def _joined(X, t, lam, bias_first):
    w, b = _normal_equations(X, t, lam)
    return torch.cat([b[None], w] if bias_first else [w, b[None]])


@exercise(
    returns=("w", "b"),
    cases=_ridge_problems,
    loops=_more_ridge,
    mistakes=[
        ("The bias is penalized as well: it must stay free. Put a 0 for it on the diagonal of the penalty.",
         lambda X, t, lam: _normal_equations(X, t, lam, penalize_bias=True)),
        ("The penalty is N times too small: the cost averages over the N examples, so X'X has N lam beside it.",
         lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: 1)),
        ("The penalty is N times too small, and the bias is penalized as well: N lam on the diagonal, and a 0 for the bias.",
         lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: 1, penalize_bias=True)),
        ("The penalty is twice too large: both terms of the cost have a factor 1/2, so they cancel.",
         lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: 2 * N)),
        ("The penalty is half of what it should be: both terms of the cost have a factor 1/2, so they cancel.",
         lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: N / 2)),
        ("The penalty has the wrong sign: N lam is added to the diagonal.",
         lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: -N)),
        ("There is no penalty: lam has no effect.", _without_penalty),
        ("There is no bias: append a column of ones, or subtract the means of X and t first.", _through_zero),
        ("X and t are centered, and b is not moved back: b is the mean of t minus the mean of X times w.",
         lambda X, t, lam: (_normal_equations(X, t, lam)[0], torch.zeros((), dtype=X.dtype))),
        ("b is the mean of t minus the mean of X times w; you left out the second part.",
         lambda X, t, lam: (_normal_equations(X, t, lam)[0], t.mean())),
        ("The two are exchanged: return w first, b second.", lambda X, t, lam: _normal_equations(X, t, lam)[::-1]),
        ("Weights and bias come in one vector; return the pair (w, b).", lambda X, t, lam: _joined(X, t, lam, False)),
        ("Bias and weights come in one vector; return the pair (w, b).", lambda X, t, lam: _joined(X, t, lam, True)),
    ],
)
def ridge(X, t, lam):
    """Exercise 5: ridge regression with a free bias. The function returns (w, b), of shapes (D,) and ()."""
    # Not by the normal equations: as a least-squares problem of centered data with the penalty as further rows.
    N, D = X.shape
    rows = (N * lam) ** 0.5 * torch.eye(D, dtype=X.dtype)
    A, target = torch.cat([X - X.mean(dim=0), rows]), torch.cat([t - t.mean(), t.new_zeros(D)])
    w = torch.linalg.lstsq(A, target[:, None], driver="gelsd").solution[:, 0]
    return w, t.mean() - X.mean(dim=0) @ w


# --- 6: choosing a degree -------------------------------------------------------------------------------------------


def _choices():
    """Arguments x_train, t_train, x_val, t_val, degrees."""
    def case(x_train, t_train, x_val, t_val, degrees, note=""):
        tensors = [torch.tensor(values, dtype=torch.float64) for values in (x_train, t_train, x_val, t_val)]
        return Case((*tensors, degrees), note)

    yield case([0, 1], [1, 2], [2], [3.5], [1, 0], "one example to validate")
    yield case([0, 1, 2], [0, 1, 1], [3, 4], [1, 2], [0, 1, 2])
    yield case([0, 1, 2, 3], [0, 1.5, 2, 3], [0.5, 2.5], [0.5, 2.75], [3, 1, 0])
    yield case([0, 1, 2], [2, 2, 3], [0.5, 1.5], [1, 3], [2], "one degree")
    for seed, degrees in [(1, [0, 1, 2, 3]), (2, [4, 2, 1, 0]), (3, [1, 3, 5]), (4, [5, 4, 3, 2, 1, 0])]:
        g = generator(140 + seed)
        x = torch.linspace(-1, 1, 8).double()[torch.randperm(8, generator=g)].mul(100).round() / 100
        x_val = (torch.rand(5, generator=g).double() * 2 - 1).mul(100).round() / 100
        t, t_val = (torch.sin(3 * v) + _quarters(len(v), g=g) / 4 for v in (x, x_val))
        yield Case((x, t.mul(100).round() / 100, x_val, t_val.mul(100).round() / 100, degrees), "degrees in any order" if seed == 2 else "")


def _errors(x, t, x_new, t_new, degrees, measure=lambda residual: residual.square().mean()):
    fits = [torch.linalg.lstsq(_powers(x, range(M + 1)), t[:, None], driver="gelsd").solution[:, 0] for M in degrees]
    return torch.stack([measure(_powers(x_new, range(M + 1)) @ w - t_new) for M, w in zip(degrees, fits)])


def _best(errors, degrees):
    return degrees[int(errors.argmin())], errors


@exercise(
    returns=("degree", "errors"),
    cases=_choices,
    rtol=1e-6,
    mistakes=[
        ("You compare training errors; a larger model always wins there. Measure each fit on the validation data.",
         lambda x, t, x_val, t_val, degrees: _best(_errors(x, t, x, t, degrees), degrees)),
        ("You fit on the validation data as well; it must take no part in the fit.",
         lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x_val, t_val, degrees), degrees)),
        ("You fit on the validation data and measure on the training data: the other way round.",
         lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x, t, degrees), degrees)),
        ("You fit on training and validation data together; fit on the training data alone.",
         lambda x, t, x_val, t_val, degrees: _best(
             _errors(torch.cat([x, x_val]), torch.cat([t, t_val]), x_val, t_val, degrees), degrees)),
        ("You return the position of the best degree in the list; return the degree that stands there.",
         lambda *a: (int(_errors(*a).argmin()), _errors(*a))),
        ("You choose the largest error; choose the smallest.", lambda *a: (a[-1][int(_errors(*a).argmax())], _errors(*a))),
        ("You choose by the training error; errors is right, choose by it.",
         lambda x, t, x_val, t_val, degrees: (
             degrees[int(_errors(x, t, x, t, degrees).argmin())], _errors(x, t, x_val, t_val, degrees))),
        ("errors holds the roots of the mean squared errors; leave out the root.",
         lambda *a: _best(_errors(*a, lambda residual: residual.square().mean().sqrt()), a[-1])),
        ("errors holds sums of squares; take their mean.",
         lambda *a: _best(_errors(*a, lambda residual: residual.square().sum()), a[-1])),
        ("errors holds half the mean squared error; here the factor 1/2 is left out.",
         lambda *a: _best(_errors(*a, lambda residual: residual.square().mean() / 2), a[-1])),
        ("errors holds mean absolute errors; take the mean of the squares.",
         lambda *a: _best(_errors(*a, lambda residual: residual.abs().mean()), a[-1])),
        ("The fits have one column too few: degree M needs the powers 0 to M.",
         lambda x, t, x_val, t_val, degrees: (
             _best(_errors(x, t, x_val, t_val, [M - 1 for M in degrees]), degrees))),
    ],
)
def choose_degree(x_train, t_train, x_val, t_val, degrees):
    """Exercise 6: the degree of least validation error. The function returns (degree, errors), errors (len(degrees),)."""
    fits = [np.polynomial.Polynomial.fit(x_train.numpy(), t_train.numpy(), M) for M in degrees]
    errors = torch.tensor([np.mean((p(x_val.numpy()) - t_val.numpy()) ** 2) for p in fits], dtype=torch.float64)
    return degrees[int(errors.argmin())], errors
