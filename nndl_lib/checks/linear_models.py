"""Checks of the exercises to chapter 02, "Linear models". Shapes and the cost are those of ``nndl_lib.linear``."""

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator, quarters

__all__ = ["choose_degree", "cost", "descend", "gradient", "polynomial_features", "ridge"]


def _problem(N: int, D: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    g = generator(seed)
    return quarters(N, D, g=g), quarters(N, g=g), quarters(D, g=g)


# --- 1 and 2: the cost and its gradient -----------------------------------------------------------------------------


def _models():
    """Arguments X, t, w, b."""
    yield Case((floats([2.0]), floats(1.0), floats(1.5), 0.5), "one example")
    yield Case((floats([1.0], [2.0]), floats(1.0, 0.0), floats(0.5), 0.25), "one feature")
    for N, D, note in [
        (1, 2, "one example"),
        (2, 2, ""),
        (3, 1, "one feature"),
        (3, 2, ""),
        (2, 3, ""),
        (4, 4, ""),
        (7, 3, ""),
    ]:
        X, t, w = _problem(N, D, seed=10 * N + D)
        yield Case((X, t, w, 0.75), note)
    X, t, w = _problem(3, 2, seed=50)
    yield Case((X, t, w, torch.tensor(-1.5).double()), "b as a tensor")
    yield Case((X.float(), t.float(), w.float(), 0.5), "float32")
    digits = "On large targets it loses its digits: keep the dtype of the inputs, and subtract before you square."
    yield Case((X, t + 1e6 + 0.1, w, 1e6 + 0.3), "large targets", digits)


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
        "It is N times too large: the cost is the average over the N examples, not their sum.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2,
        "It is twice too large: the loss of one example has a factor 1/2.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean(),
        "You return the sum of the squares; divide by 2 N.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum(),
        "You divide by the number of features D, or of entries of X, instead of the number of examples N.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 / len(w),
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / len(w),
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 / X.numel(),
        "You return a square root or a length; the cost is a square, ||r||**2 / (2 N): square the norm first.",
        *(
            lambda X, t, w, b, by=by: _residual(X, t, w, b).norm() / by(len(t))
            for by in (
                lambda N: 1,
                lambda N: 2,
                lambda N: N,
                lambda N: 2 * N,
                lambda N: N**0.5,
                lambda N: (2 * N) ** 0.5,
                lambda N: 2 * N**0.5,
            )
        ),
        "You multiply by N: a / 2 * N is (a / 2) * N. Write a / (2 * N).",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 * len(t),
        "It is always zero: 1 // 2 is 0 in Python. Write 0.5 or 1 / 2.",
        lambda X, t, w, b: 0 * _residual(X, t, w, b).sum(),
        "The bias is added to the prediction, X @ w + b; yours comes in at another place.",
        lambda X, t, w, b: (_residual(X, t, w + b, 0) ** 2).mean() / 2,
        lambda X, t, w, b: (_residual(X, t, w * b, 0) ** 2).mean() / 2,
        lambda X, t, w, b: (_residual(X, t, w, 0) ** 2).mean() / 2 + b,
        lambda X, t, w, b: (_residual(X + b, t, w, 0) ** 2).mean() / 2,
        "You average the absolute residuals; the cost averages half their squares.",
        lambda X, t, w, b: _residual(X, t, w, b).abs().mean(),
        lambda X, t, w, b: _residual(X, t, w, b).abs().mean() / 2,
        lambda X, t, w, b: _residual(X, t, w, b).abs().sum(),
        lambda X, t, w, b: _residual(X, t, w, b).abs().sum() / 2 / len(t) ** 2,
        lambda X, t, w, b: torch.nn.functional.smooth_l1_loss(X @ w + b, t),
        "The residuals are averaged as they are, so that those of opposite signs cancel: square each of them first.",
        lambda X, t, w, b: _residual(X, t, w, b).mean() ** 2 / 2,
        lambda X, t, w, b: _residual(X, t, w, b).mean() / 2,
        lambda X, t, w, b: _residual(X, t, w, b).sum() ** 2 / 2 / len(t),
        lambda X, t, w, b: (_residual(X, t, w, b) ** 3).mean() / 2,
        lambda X, t, w, b: _residual(X, t, w, b).sum() ** 2 / 2,
        lambda X, t, w, b: _residual(X, t, w, b).mean(),
        "The mean of the residuals is taken off, as in a variance; the cost keeps it.",
        lambda X, t, w, b: _residual(X, t, w, b).var(correction=0) / 2,
        lambda X, t, w, b: _residual(X, t, w, b).var(correction=0),
        "You subtract squares; square the difference y - t.",
        lambda X, t, w, b: ((X @ w + b) ** 2 - t**2).mean() / 2,
        lambda X, t, w, b: ((X @ w + b) ** 2 - t**2).sum() / 2 / len(t),
        "The residual is y - t; you add the target instead of subtracting it.",
        lambda X, t, w, b: (_residual(X, -t, w, b) ** 2).mean() / 2,
        "The bias b is missing from the prediction.",
        lambda X, t, w, b: (_residual(X, t, w, 0) ** 2).mean() / 2,
        lambda X, t, w, b: (_residual(X, t, w, 0) ** 2).mean(),
        "You subtract the bias b instead of adding it. Are parentheses missing, as in t - (X @ w + b)?",
        lambda X, t, w, b: (_residual(X, t, w, -b) ** 2).mean() / 2,
        "A penalty on the weights is in it; this cost has none.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean() / 2 + w @ w / 2,
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).mean() / 2 + w @ w,
        "You return one loss for each example; the cost is their average, a single number.",
        lambda X, t, w, b: _residual(X, t, w, b) ** 2 / 2,
        lambda X, t, w, b: _residual(X, t, w, b) ** 2,
        "Each prediction meets every target: y is a column of shape (N, 1) and t has (N,), so y - t is an N x N table.",
        *(
            lambda X, t, w, b, by=by: ((X @ w[:, None] + b - t) ** 2).sum() / by(len(t))
            for by in (lambda N: 2 * N**2, lambda N: N**2, lambda N: 2 * N, lambda N: 2)
        ),
    ],
)
def cost(X, t, w, b):
    """Exercise 1: the squared-error cost, in vectorized form. The function returns a tensor of shape ()."""
    return torch.nn.functional.mse_loss(X @ w + b, t) / 2


def _of_length_1(X, t, w, b):
    dw, db = X.T @ _residual(X, t, w, b) / len(t), _residual(X, t, w, b).mean()
    return dw / dw.norm(), db / db.abs()


@exercise(
    returns=("dw", "db"),
    cases=_models,
    loops=_larger_models,
    mistakes=[
        "It is N times too large: the cost is the average over the N examples.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b), _residual(X, t, w, b).sum()),
        "It is twice too large: the 1/2 of the cost cancels the 2 of the derivative.",
        lambda X, t, w, b: (2 * X.T @ _residual(X, t, w, b) / len(t), 2 * _residual(X, t, w, b).mean()),
        "It is half of what it should be: the derivative of the square brings a 2, which cancels the 1/2 of the cost.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(t) / 2, _residual(X, t, w, b).mean() / 2),
        "Its sign is wrong: the residual is y - t, prediction minus target.",
        lambda X, t, w, b: (-X.T @ _residual(X, t, w, b) / len(t), -_residual(X, t, w, b).mean()),
        lambda X, t, w, b: (-X.T @ _residual(X, t, w, b), -_residual(X, t, w, b).sum()),
        "You subtract the bias b instead of adding it. Are parentheses missing, as in t - (X @ w + b)?",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, -b) / len(t), _residual(X, t, w, -b).mean()),
        lambda X, t, w, b: (-X.T @ _residual(X, t, w, -b) / len(t), -_residual(X, t, w, -b).mean()),
        "db is N times too large: take the mean of the residuals, not their sum. dw is right.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(t), _residual(X, t, w, b).sum()),
        "dw is N times too large: divide by the number of examples. db is right.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b), _residual(X, t, w, b).mean()),
        "You divide by the number of features D instead of the number of examples N.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(w), _residual(X, t, w, b).sum() / len(w)),
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(w), _residual(X, t, w, b).mean()),
        "dw is the product of two means: multiply residual and input of each example first, average then.",
        lambda X, t, w, b: (X.mean(dim=0) * _residual(X, t, w, b).mean(), _residual(X, t, w, b).mean()),
        lambda X, t, w, b: (X.sum(dim=0) * _residual(X, t, w, b).mean(), _residual(X, t, w, b).mean()),
        "The input is missing from dw: each example's residual is multiplied by its input.",
        *(
            lambda X, t, w, b, by=by: (_residual(X, t, w, b).mean() * by(w), _residual(X, t, w, b).mean())
            for by in (torch.ones_like, lambda w: w)
        ),
        "The bias b is missing from the prediction, in both or in one of the slopes.",
        *(
            lambda X, t, w, b, in_w=in_w, in_b=in_b: (
                X.T @ _residual(X, t, w, in_w * b) / len(t),
                _residual(X, t, w, in_b * b).mean(),
            )
            for in_w, in_b in ((0, 0), (0, 1), (1, 0))
        ),
        lambda X, t, w, b: (X.T @ _residual(X, t, w, 0), _residual(X, t, w, 0).sum()),
        "The targets are missing: the residual y - t comes in, not the prediction alone.",
        lambda X, t, w, b: (X.T @ (X @ w + b) / len(t), (X @ w + b).mean()),
        "The residual comes in as it is, neither its square nor its sign: the derivative of r**2 / 2 is r.",
        *(
            lambda X, t, w, b, to=to: (X.T @ to(_residual(X, t, w, b)) / len(t), to(_residual(X, t, w, b)).mean())
            for to in (torch.sign, torch.square, torch.abs, lambda r: r**2 / 2)
        ),
        lambda X, t, w, b: ((X.T @ _residual(X, t, w, b)) ** 2 / len(t), _residual(X, t, w, b).square().mean()),
        "db is made of the slopes of the weights; it is the mean of the residuals.",
        *(
            lambda X, t, w, b, to=to: (X.T @ _residual(X, t, w, b) / len(t), to(X.T @ _residual(X, t, w, b) / len(t)))
            for to in (torch.sum, torch.mean)
        ),
        "You divide by the length of the gradient; return the slopes as they are.",
        _of_length_1,
        "Each prediction meets every target: y has shape (N, 1) and t (N,), so y - t is an N x N table.",
        lambda X, t, w, b: (X.T @ (X @ w[:, None] + b - t) / len(t), (X @ w[:, None] + b - t).mean()),
        lambda X, t, w, b: ((X.T @ (X @ w[:, None] + b - t) / len(t)).mean(dim=1), (X @ w[:, None] + b - t).mean()),
        "You return the slopes of each example; average them over the examples, the first axis.",
        lambda X, t, w, b: (X * _residual(X, t, w, b)[:, None], _residual(X, t, w, b)),
        "You average over the features; the average goes over the examples, the first axis.",
        lambda X, t, w, b: ((X * _residual(X, t, w, b)[:, None]).mean(dim=1), _residual(X, t, w, b).mean()),
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
    t = floats(1.0, 3.0)
    start = torch.zeros(1).double()
    yield Case((one, t, start, 0.5, 1e-3, 0), "no step allowed")
    yield Case((one, t, start + 2, 0.5, 1e-3, 10), "start at the minimum")
    yield Case((one, t, start, 0.5, 0.3, 20), "one feature")  # gradients -2, -1, -0.5, -0.25
    yield Case(
        (one, t, start, 0.5, 0.3, 3),
        "tolerance met with the last step allowed",
        "When the last step allowed meets the tolerance, that is success: look at the gradient before the count.",
    )
    yield Case((one, t, start, 0.5, 0.3, 2), "too few steps allowed")
    yield Case(
        (one, t, start, 0.5, 0.5, 20),
        "a gradient exactly as long as the tolerance",
        "A gradient that is exactly as long as the tolerance is short enough: compare with <=.",
    )
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

    return [
        ("examples", arguments(8, 3), arguments(64, 3), 5 * 56),
        ("features", arguments(6, 3), arguments(6, 60), 5 * 57),
    ]


def _walk(
    X,
    t,
    w,
    lr,
    tolerance,
    max_steps,
    sign=1,
    scale=1.0,
    length=Tensor.norm,
    off=0,
    late=False,
    first="length",
    more=0,
    step=lambda slope, lr, k: lr * slope,
):
    """Gradient descent with its rules as options, to make mistakes with."""
    steps = 0
    while True:
        slope = sign * scale * X.T @ (X @ w - t) / len(t)
        small = bool(length(slope) <= tolerance) and not (late and steps == 0)
        if small and not (first == "count" and steps == max_steps):
            return w, steps + off, True
        if steps == max_steps + more:
            return w, steps + off, False
        w, steps = w - step(slope, lr, steps), steps + 1


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


def _one_less(X, t, w, lr, tolerance, max_steps):
    _, steps, converged = _walk(X, t, w, lr, tolerance, max_steps)
    return _walk(X, t, w, lr, -1.0, max(steps - 1, 0))[0], steps, converged


def _stale(X, t, w, lr, tolerance, max_steps, renewed=True, at_least=0, by=1.0):
    """Looks at the gradient of the point before; with renewed=False, at that of the start for ever."""
    slope, steps = X.T @ (X @ w - t) / len(t), 0
    while steps < at_least or by * slope.norm() > tolerance and steps < max_steps:
        slope = X.T @ (X @ w - t) / len(t) if renewed else slope
        w, steps = w - lr * slope, steps + 1
    return w, steps, bool(by * slope.norm() <= tolerance)


def _with_momentum(X, t, w, lr, tolerance, max_steps):
    velocity, steps = torch.zeros_like(w), 0
    while True:
        slope = X.T @ (X @ w - t) / len(t)
        if slope.norm() <= tolerance or steps == max_steps:
            return w, steps, bool(slope.norm() <= tolerance)
        velocity = 0.9 * velocity + slope
        w, steps = w - lr * velocity, steps + 1


def _stops_on_cost(X, t, w, lr, tolerance, max_steps, change=True):
    def J(w):
        return (X @ w - t).square().mean() / 2

    for steps in range(max_steps + 1):
        after = w - lr * X.T @ (X @ w - t) / len(t)
        if (J(w) - J(after) if change else J(w)).abs() <= tolerance:
            return w, steps, True
        if steps < max_steps:
            w = after
    return w, max_steps, False


@exercise(
    returns=("w", "steps", "converged"),
    cases=_walks,
    loops=_larger_walks,
    mistakes=[
        "It walks uphill: subtract lr times the gradient.",
        partial(_walk, sign=-1),
        "Its gradient is N times too large: the cost is an average. Divide by the number of examples.",
        lambda X, *a: _walk(X, *a, scale=len(X)),
        lambda X, *a: _walk(X, *a, scale=2 * len(X)),
        "Its gradient is twice too large, or half: the 1/2 of the cost cancels the 2 of the derivative.",
        partial(_walk, scale=2.0),
        partial(_walk, scale=0.5),
        "Its gradient divides by another number than that of the examples, N.",
        lambda X, *a: _walk(X, *a, scale=len(X) / X.shape[1]),
        lambda X, *a: _walk(X, *a, scale=len(X) / (len(X) - 1)),
        "It starts from zero; start from the w that it is given.",
        lambda X, t, w, *a: _walk(X, t, torch.zeros_like(w), *a),
        "It pays no heed to the tolerance: it always takes max_steps steps.",
        _never_stops,
        lambda X, t, w, lr, tolerance, max_steps: (
            *_walk(X, t, w, lr, -1.0, max_steps)[:2],
            _walk(X, t, w, lr, tolerance, max_steps)[2],
        ),
        "It always says that it converged, even when it ran out of steps.",
        _says_yes,
        "converged is the wrong way round: True means that the tolerance was met.",
        _says_the_contrary,
        "steps is one too many: count the updates of w.",
        partial(_walk, off=1),
        "steps is one too few: count the updates of w.",
        partial(_walk, off=-1),
        "w is not that of the gradient it was judged by: when the gradient is short enough, return w as it is there.",
        _one_more,
        _one_less,
        "It takes a step before it looks at the gradient: look first, the start may be good enough.",
        partial(_walk, late=True),
        partial(_stale, at_least=1),
        partial(_walk, late=True, more=1),
        "It does not compare the length of the gradient: that is the root of the sum of the squared slopes, .norm().",
        *each(
            _walk,
            length=(
                lambda g: g @ g,
                lambda g: g.abs().max(),
                lambda g: g.abs().sum(),
                lambda g: g.max(),
                lambda g: g.square().mean().sqrt(),
                lambda g: g.abs().mean(),
                lambda g: g.mean().abs(),
                lambda g: g.abs().min(),
                lambda g: g.sum(),
                lambda g: g.sum().abs(),
                lambda g: g.square().mean(),
            ),
        ),
        "It compares the length of the step, lr times the gradient, with the tolerance; compare the gradient's.",
        lambda X, t, w, lr, *a: _walk(X, t, w, lr, *a, length=lambda slope: lr * slope.norm()),
        lambda X, t, w, lr, *a: _stale(X, t, w, lr, *a, at_least=1, by=lr),
        "It compares N times the gradient with the tolerance; the gradient is an average.",
        lambda X, *a: _walk(X, *a, length=lambda slope: len(X) * slope.norm()),
        "It makes one update more than max_steps, or one less.",
        partial(_walk, more=1),
        lambda X, t, w, lr, tolerance, most: _walk(X, t, w, lr, tolerance, max(most - 1, 0)),
        "It looks at the gradient of the point before the update: compute it again at the new w, then compare.",
        _stale,
        "It takes every step with the gradient of the start: compute it anew in each round.",
        partial(_stale, renewed=False),
        "It stops by the cost, or by how little it changes; the rule is about the length of the gradient.",
        _stops_on_cost,
        partial(_stops_on_cost, change=False),
        "Its steps are not lr times the gradient: all have another length, or a momentum.",
        *each(
            _walk,
            step=(
                lambda g, lr, k: lr * g / g.norm(),
                lambda g, lr, k: lr * g / (k + 1),
                lambda g, lr, k: g,
                lambda g, lr, k: lr * g.sign(),
            ),
        ),
        _with_momentum,
        "It looks at one example alone; the gradient is an average over all of them.",
        lambda X, t, *a: _walk(X[:1], t[:1], *a),
        lambda X, t, *a: _walk(X[-1:], t[-1:], *a),
        "It solves for the minimum at once; walk there, and count the steps.",
        lambda X, t, w, *a: (torch.linalg.lstsq(X, t[:, None], driver="gelsd").solution[:, 0], 0, True),
        "When the last step allowed meets the tolerance, that is success: look at the gradient before the count.",
        partial(_walk, first="count"),
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
    yield Case((floats(3.0), 0), "degree 0")
    yield Case((floats(3.0), 2), "one example")
    signs = "A negative x, or zero, goes wrong: multiply x by itself, or use **. Logarithms and abs lose the sign."
    yield Case((floats(2.0, 3.0), 1), "degree 1")
    yield Case((floats(2.0, 3.0), 3))
    yield Case((floats(0.1, 0.3, 0.7), 2))
    yield Case((floats(0.0, -2.0), 3), "zero and a negative number", signs)
    yield Case((quarters(5, g=generator(100)), 2), "zero and a negative number", signs)
    yield Case((floats(10.0, -0.5, 1.25), 9), "degree 9", signs)
    yield Case((torch.tensor([1.5, 2.0, 0.5]), 3), "float32")


def _more_inputs():
    few, many = (quarters(N, g=generator(N)).abs() + 1 for N in (8, 64))
    return [("examples", (few, 3), (many, 3), 56)]


def _powers(x, exponents):
    return torch.stack([x**k for k in exponents], dim=1) if len(exponents) else x.new_zeros(len(x), 0)


@exercise(
    returns=("features",),
    cases=_inputs,
    loops=_more_inputs,
    mistakes=[
        "The column of ones is missing: the powers start at x to the 0.",
        lambda x, degree: _powers(x, range(1, degree + 1)),
        lambda x, degree: _powers(x, range(1, degree + 2)),
        "The last column is missing: degree M needs M + 1 columns, from 0 to M. range(M) stops at M - 1.",
        lambda x, degree: _powers(x, range(degree)),
        "There is a column too many: the last power is x to the degree.",
        lambda x, degree: _powers(x, range(degree + 2)),
        "The columns stand in another order: the ones come first, the highest power last.",
        lambda x, degree: _powers(x, range(degree, -1, -1)),
        lambda x, degree: _powers(x, [*range(1, degree + 1), 0]),
        "You multiply by the exponent: x ** 2 is x * x, not 2 * x.",
        lambda x, degree: torch.stack([x * k for k in range(degree + 1)], dim=1),
        lambda x, degree: torch.stack([torch.ones_like(x), *(x * k for k in range(1, degree + 1))], dim=1),
        lambda x, degree: torch.stack([x * k for k in range(1, degree + 2)], dim=1),
        "Base and exponent are exchanged: you compute 2 ** x where x ** 2 is asked for.",
        lambda x, degree: torch.stack([float(k) ** x for k in range(degree + 1)], dim=1),
        lambda x, degree: torch.stack([float(k) ** x for k in range(1, degree + 2)], dim=1),
        "The exponents are not 0, 1, 2, ... up to the degree.",
        *(
            lambda x, degree, power=power: _powers(x, [power(k) for k in range(degree + 1)])
            for power in (lambda k: 2**k, lambda k: max(k, 1), lambda k: 2 * k, lambda k: 0, lambda k: 1)
        ),
        lambda x, degree: _powers(x.abs(), [1 / (k + 1) for k in range(degree + 1)]),
        "The powers are added up or divided on the way; each column is x ** k alone.",
        lambda x, degree: _powers(x, range(degree + 1)).cumsum(dim=1),
        lambda x, degree: _powers(x, range(degree + 1)) / _powers(x, range(degree + 1)).norm(dim=0),
        lambda x, degree: torch.stack([x**k / math.factorial(k) for k in range(degree + 1)], dim=1),
        "It is transposed: one example a row, one power a column.",
        lambda x, degree: _powers(x, range(degree + 1)).T,
        "All powers stand in one long row; stack them as columns, with dim=1.",
        lambda x, degree: _powers(x, range(degree + 1)).T.flatten(),
        lambda x, degree: _powers(x, range(degree + 1)).flatten(),
        "The powers are scrambled: reshape does not turn rows into columns. Stack the powers with dim=1.",
        lambda x, degree: _powers(x, range(degree + 1)).T.reshape(len(x), -1),
        "The first column holds zeros; x to the 0 is 1.",
        lambda x, degree: torch.cat([torch.zeros_like(x)[:, None], _powers(x, range(1, degree + 1))], dim=1),
        "You return the last power alone; all of them are the features.",
        lambda x, degree: x**degree,
    ],
)
def polynomial_features(x, degree):
    """Exercise 4: the powers of x from 0 to the degree. The function returns (N, degree + 1)."""
    return torch.from_numpy(np.vander(x.numpy(), degree + 1, increasing=True))


# --- 5: ridge regression --------------------------------------------------------------------------------------------


def _ridge_problems():
    """Arguments X, t, lam."""
    yield Case((floats([1.0], [3.0]), floats(2.0, 6.0), 1.0), "one feature")
    yield Case((floats([1.0], [2.0], [6.0]), floats(1.0, 0.0, 5.0), 0.5), "one feature")
    for N, D, lam, note in [
        (3, 2, 0.25, ""),
        (4, 2, 0.5, ""),
        (6, 3, 0.1, ""),
        (5, 3, 100.0, "a large lam"),
        (8, 2, 0.0, "lam = 0"),
    ]:
        X, t, _ = _problem(N, D, seed=110 + N)
        yield Case((X + 1, t + 2, lam), note)
    X, t, _ = _problem(2, 4, seed=120)
    yield Case((X + 1, t + 1, 0.5), "more features than examples")
    yield Case((floats([2.0, 1.0]), floats(3.0), 0.5), "one example")
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


def _solve(X, t, matrix, right):
    """Normal equations with a matrix and a right side made of A = [X, 1]."""
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1)
    v = torch.linalg.solve(matrix(A), right(A))
    return v[:-1], v[-1]


def _free(A, place):
    """The diagonal of the penalty, with its zero at this place."""
    diagonal = torch.ones(A.shape[1], dtype=A.dtype)
    diagonal[place] = 0
    return diagonal.diag()


def _ones_first(X, t, lam, free=0, bias=-1):
    A = torch.cat([torch.ones(len(X), 1, dtype=X.dtype), X], dim=1)
    v = torch.linalg.solve(A.T @ A + len(X) * lam * _free(A, free), A.T @ t)
    return (v[1:] if bias == 0 else v[:-1]), v[bias]


def _centered_targets(X, t, lam):
    w = _through_zero(X, t - t.mean(), lam)[0]
    return w, t.mean() - X.mean(dim=0) @ w


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
        "The bias is penalized as well: it must stay free. Put a 0 for it on the diagonal of the penalty.",
        partial(_normal_equations, penalize_bias=True),
        "The penalty is N times too small: the cost averages over the N examples, so X'X has N lam beside it.",
        partial(_normal_equations, factor=lambda N: 1),
        "The penalty is N times too small, and the bias is penalized as well: N lam on the diagonal, 0 for the bias.",
        partial(_normal_equations, factor=lambda N: 1, penalize_bias=True),
        "The penalty has a factor 2 or 1/2 too many: both terms of the cost have a factor 1/2, so they cancel.",
        *each(_normal_equations, factor=(lambda N: 2 * N, lambda N: N / 2, lambda N: 2, lambda N: 1 / 2)),
        "The penalty has the wrong sign: N lam is added to the diagonal.",
        partial(_normal_equations, factor=lambda N: -N),
        partial(_normal_equations, factor=lambda N: -1),
        "What stands beside X'X is N lam: yours is a power of it, or divides by N.",
        lambda X, t, lam: _normal_equations(X, t, lam**2),
        lambda X, t, lam: _normal_equations(X, t, lam**0.5),
        lambda X, t, lam: _normal_equations(X, t, (len(t) * lam) ** 0.5, factor=lambda N: 1),
        partial(_normal_equations, factor=lambda N: 1 / N),
        partial(_normal_equations, factor=lambda N: N**2),
        "You add N lam to every entry of the matrix; it belongs on the diagonal alone: N lam times torch.eye.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A + len(t) * lam, lambda A: A.T @ t),
        "The free place on the diagonal is that of a weight: it must stand where the column of ones does.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A + len(t) * lam * _free(A, 0), lambda A: A.T @ t),
        partial(_ones_first, free=-1, bias=0),
        "The penalty is on the bias alone, and the weights are free: the other way round.",
        lambda X, t, lam: _solve(
            X,
            t,
            lambda A: A.T @ A + len(t) * lam * (torch.eye(len(A.T), dtype=A.dtype) - _free(A, -1)),
            lambda A: A.T @ t,
        ),
        "The column of ones stands first, but the solution is taken apart as if it stood last.",
        _ones_first,
        "The penalty is D lam; it must be N lam: N examples, D features.",
        lambda X, t, lam: _normal_equations(X, t, lam, factor=lambda N: X.shape[1]),
        "One side of the equations is divided by N and the other is not.",
        lambda X, t, lam: _solve(X, t, lambda A: A.T @ A / len(t) + lam * _free(A, -1), lambda A: A.T @ t),
        "w is fitted without a bias or to centered targets alone: find both together, or center X and t first.",
        lambda X, t, lam: (_through_zero(X, t, lam)[0], (t - X @ _through_zero(X, t, lam)[0]).mean()),
        _centered_targets,
        lambda X, t, lam: (_through_zero(X, t, lam)[0], t.mean()),
        "There is no penalty: lam has no effect.",
        _without_penalty,
        "There is no bias: append a column of ones, or subtract the means of X and t first.",
        _through_zero,
        "b is the mean of t minus the mean of X times w: X and t were centered, and b is moved back by both means.",
        *(
            lambda X, t, lam, b=b: (_normal_equations(X, t, lam)[0], b(X, t, _normal_equations(X, t, lam)[0]))
            for b in (
                lambda X, t, w: t.new_zeros(()),
                lambda X, t, w: t.mean(),
                lambda X, t, w: t.mean() + X.mean(dim=0) @ w,
                lambda X, t, w: (t - X @ w)[0],
                lambda X, t, w: (t - X @ w).sum(),
                lambda X, t, w: X.mean(dim=0) @ w,
            )
        ),
        "Weights and bias come in one vector; return the pair (w, b).",
        partial(_joined, bias_first=False),
        partial(_joined, bias_first=True),
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
    yield case([0, 1, 2], [0, 900, 300], [0.5, 1.5], [-400, 800], [0, 1, 2], "large errors")
    for seed, degrees in [(1, [0, 1, 2, 3]), (2, [4, 2, 1, 0]), (3, [1, 3, 5]), (4, [5, 4, 3, 2, 1, 0])]:
        g = generator(140 + seed)
        x = torch.linspace(-1, 1, 8).double()[torch.randperm(8, generator=g)].mul(100).round() / 100
        x_val = (torch.rand(5, generator=g).double() * 2 - 1).mul(100).round() / 100
        t, t_val = (torch.sin(3 * v) + quarters(len(v), g=g) / 4 for v in (x, x_val))
        yield Case(
            (x, t.mul(100).round() / 100, x_val, t_val.mul(100).round() / 100, degrees),
            "degrees in any order" if seed == 2 else "",
        )
    g = generator(150)
    x, x_val = torch.linspace(-1, 1, 6), torch.tensor([0.5, -0.25, 0.75])
    yield Case((x, quarters(6, g=g).float(), x_val, quarters(3, g=g).float(), [2, 0, 1]), "float32")


def _errors(x, t, x_new, t_new, degrees, measure=lambda residual: residual.square().mean(), first=0):
    fits = [
        torch.linalg.lstsq(_powers(x, range(first, M + 1)), t[:, None], driver="gelsd").solution[:, 0] for M in degrees
    ]
    return torch.stack([measure(_powers(x_new, range(first, M + 1)) @ w - t_new) for M, w in zip(degrees, fits)])


def _tables(x, t, x_new, t_new, degrees):
    fits = [torch.linalg.lstsq(_powers(x, range(M + 1)), t[:, None], driver="gelsd").solution for M in degrees]
    return torch.stack([(_powers(x_new, range(M + 1)) @ w - t_new).square().mean() for M, w in zip(degrees, fits)])


def _best(errors, degrees):
    return degrees[int(errors.argmin())], errors


@exercise(
    returns=("degree", "errors"),
    cases=_choices,
    rtol=1e-6,
    mistakes=[
        "You compare training errors; a larger model always wins there. Measure each fit on the validation data.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x, t, x, t, degrees), degrees),
        "You fit on the validation data as well; it must take no part in the fit.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x_val, t_val, degrees), degrees),
        "You fit on the validation data and measure on the training data: the other way round.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x, t, degrees), degrees),
        "You fit on training and validation data together; fit on the training data alone.",
        lambda x, t, x_val, t_val, degrees: _best(
            _errors(torch.cat([x, x_val]), torch.cat([t, t_val]), x_val, t_val, degrees), degrees
        ),
        "Training errors are mixed in; errors are those on the validation data alone.",
        *(
            lambda x, t, x_val, t_val, degrees, mix=mix: _best(
                mix(_errors(x, t, x, t, degrees), _errors(x, t, x_val, t_val, degrees)), degrees
            )
            for mix in (
                lambda one, other: one + other,
                lambda one, other: (one + other) / 2,
                lambda one, other: other - one,
            )
        ),
        "You return the position of the best degree in the list; return the degree that stands there.",
        lambda *a: (int(_errors(*a).argmin()), _errors(*a)),
        "degree is not that of the least validation error, but the largest error's, or at a fixed place in the list.",
        *(
            lambda *a, pick=pick: (pick(_errors(*a), a[-1]), _errors(*a))
            for pick in (
                lambda errors, degrees: degrees[int(errors.argmax())],
                lambda errors, degrees: degrees[0],
                lambda errors, degrees: degrees[-1],
                lambda errors, degrees: min(degrees),
            )
        ),
        "You choose by the training error, where the largest degree wins; errors is right, choose by it.",
        lambda x, t, x_val, t_val, degrees: (
            degrees[int(_errors(x, t, x, t, degrees).argmin())],
            _errors(x, t, x_val, t_val, degrees),
        ),
        lambda *a: (max(a[-1]), _errors(*a)),
        "errors are not mean squared errors: square each residual, and take the mean of the squares, nothing else.",
        *(
            lambda *a, measure=measure: _best(_errors(*a, measure), a[-1])
            for measure in (
                lambda r: r.square().mean().sqrt(),
                lambda r: r.square().sum(),
                lambda r: r.abs().mean(),
                lambda r: r.square().max(),
                lambda r: r.mean(),
                lambda r: r.mean().square(),
                lambda r: r.var(correction=0),
                lambda r: r.norm(),
                lambda r: r.mean().abs(),
            )
        ),
        lambda *a: _best(_errors(*a) / a[3].square().mean(), a[-1]),
        lambda *a: _best(_errors(*a) / a[3].var(correction=0), a[-1]),
        "errors holds half the mean squared error; here the factor 1/2 is left out.",
        lambda *a: _best(_errors(*a, lambda residual: residual.square().mean() / 2), a[-1]),
        "errors holds the best error alone; return one for each degree.",
        lambda *a: (_best(_errors(*a), a[-1])[0], _errors(*a).min()),
        "Each prediction meets every target: y has shape (M, 1) and t_val (M,), so y - t_val is an M x M table.",
        lambda x, t, x_val, t_val, degrees: _best(_tables(x, t, x_val, t_val, degrees), degrees),
        "errors must stand in the order of degrees; you sorted them.",
        lambda *a: _best(_errors(*a[:-1], sorted(a[-1])), sorted(a[-1])),
        lambda *a: (_best(_errors(*a), a[-1])[0], _errors(*a).sort().values),
        "You try 0, 1, 2, ... instead of the degrees in the list.",
        lambda *a: _best(_errors(*a[:-1], list(range(len(a[-1])))), list(range(len(a[-1])))),
        lambda *a: _best(_errors(*a[:-1], list(range(len(a[-1])))), a[-1]),
        "You divide by the number of training examples; the mean goes over the validation examples.",
        lambda *a: _best(_errors(*a, lambda residual: residual.square().sum() / len(a[0])), a[-1]),
        "The fits have a column too few or too many: degree M needs the powers 0 to M.",
        *(lambda *a, more=more: _best(_errors(*a[:-1], [M + more for M in a[-1]]), a[-1]) for more in (-1, 1)),
        lambda x, t, x_val, t_val, degrees: _best(_errors(x, t, x_val, t_val, degrees, first=1), degrees),
    ],
)
def choose_degree(x_train, t_train, x_val, t_val, degrees):
    """Exercise 6: the degree of least validation error. It returns (degree, errors), errors (len(degrees),)."""
    fits = [np.polynomial.Polynomial.fit(x_train.numpy(), t_train.numpy(), M) for M in degrees]
    errors = torch.tensor([np.mean((p(x_val.numpy()) - t_val.numpy()) ** 2) for p in fits], dtype=torch.float64)
    return degrees[int(errors.argmin())], errors
