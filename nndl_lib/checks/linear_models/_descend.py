"""Exercise 3: gradient descent with a stopping rule."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats
from nndl_lib.checks.linear_models._common import problem


def _cases():
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
        X, t, w = problem(N, D, seed=70 + N)
        lr = round(len(X) / torch.linalg.matrix_norm(X, 2).item() ** 2, 2)
        yield Case((X, t, w, lr, tolerance, max_steps), "too few steps allowed" if max_steps == 7 else "")
    X, t, w = problem(4, 2, seed=80)
    yield Case((X, t, w, 8.0, 1e-3, 15), "a learning rate that diverges")
    yield Case((X.float(), t.float(), w.float(), 0.25, 0.05, 40), "float32")


def _larger_walks():
    def arguments(N, D):
        X, t, w = problem(N, D, seed=90 + N)
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
    cases=_cases,
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
