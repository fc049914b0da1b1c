"""Exercises 1 and 2: the cost and its gradient."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, grown
from nndl_lib.checks.linear_models._common import problem


def _cases():
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
        X, t, w = problem(N, D, seed=10 * N + D)
        yield Case((X, t, w, 0.75), note)
    X, t, w = problem(3, 2, seed=50)
    yield Case((X, t, w, torch.tensor(-1.5).double()), "b as a tensor")
    yield Case((X.float(), t.float(), w.float(), 0.5), "float32")
    digits = "On large targets it loses its digits: keep the dtype of the inputs, and subtract before you square."
    yield Case((X, t + 1e6 + 0.1, w, 1e6 + 0.3), "large targets", digits)


def _arguments(N, D):
    return *problem(N, D, seed=60 + N + D), 0.5


def _residual(X, t, w, b):
    return X @ w + b - t


def _of_residuals(make):
    """An answer made of the residuals and their number."""
    return lambda X, t, w, b: make(_residual(X, t, w, b), len(t))


def _of_both(make):
    """An answer made of the inputs, the residuals and their number."""
    return lambda X, t, w, b: make(X, _residual(X, t, w, b), len(t))


@exercise(
    returns=("J",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("features", (3, 8), (3, 64))),
    mistakes=[
        "It is N times too large: the cost is the average over the N examples, not their sum.",
        _of_residuals(lambda r, N: r.square().sum() / 2),
        "It is twice too large: the loss of one example has a factor 1/2.",
        _of_residuals(lambda r, N: r.square().mean()),
        "You return the sum of the squares; divide by 2 N.",
        _of_residuals(lambda r, N: r.square().sum()),
        "You divide by the number of features D, or of entries of X, instead of the number of examples N.",
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 / len(w),
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / len(w),
        lambda X, t, w, b: (_residual(X, t, w, b) ** 2).sum() / 2 / X.numel(),
        "You return a square root or a length; the cost is a square, ||r||**2 / (2 N): square the norm first.",
        *(_of_residuals(lambda r, N, k=k: r.norm() / k) for k in (1, 2)),
        *(_of_residuals(lambda r, N, k=k: r.norm() / N / k) for k in (1, 2)),
        *(_of_residuals(lambda r, N, k=k: r.norm() / N**0.5 / k) for k in (1, 2**0.5, 2)),
        "You multiply by N: a / 2 * N is (a / 2) * N. Write a / (2 * N).",
        _of_residuals(lambda r, N: r.square().sum() / 2 * N),
        "It is always zero: 1 // 2 is 0 in Python. Write 0.5 or 1 / 2.",
        _of_residuals(lambda r, N: 0 * r.sum()),
        "The bias is added to the prediction, X @ w + b; yours comes in at another place.",
        lambda X, t, w, b: (_residual(X, t, w + b, 0) ** 2).mean() / 2,
        lambda X, t, w, b: (_residual(X, t, w * b, 0) ** 2).mean() / 2,
        lambda X, t, w, b: (_residual(X, t, w, 0) ** 2).mean() / 2 + b,
        lambda X, t, w, b: (_residual(X + b, t, w, 0) ** 2).mean() / 2,
        "You average the absolute residuals; the cost averages half their squares.",
        _of_residuals(lambda r, N: r.abs().mean()),
        _of_residuals(lambda r, N: r.abs().mean() / 2),
        _of_residuals(lambda r, N: r.abs().sum()),
        _of_residuals(lambda r, N: r.abs().sum() / 2 / N**2),
        lambda X, t, w, b: torch.nn.functional.smooth_l1_loss(X @ w + b, t),
        "The residuals are averaged as they are, so that those of opposite signs cancel: square each of them first.",
        _of_residuals(lambda r, N: r.mean() ** 2 / 2),
        _of_residuals(lambda r, N: r.mean() / 2),
        _of_residuals(lambda r, N: r.sum() ** 2 / 2 / N),
        _of_residuals(lambda r, N: (r**3).mean() / 2),
        _of_residuals(lambda r, N: r.sum() ** 2 / 2),
        _of_residuals(lambda r, N: r.mean()),
        "The mean of the residuals is taken off, as in a variance; the cost keeps it.",
        _of_residuals(lambda r, N: r.var(correction=0) / 2),
        _of_residuals(lambda r, N: r.var(correction=0)),
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
        _of_residuals(lambda r, N: r**2 / 2),
        _of_residuals(lambda r, N: r**2),
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


@exercise(
    returns=("dw", "db"),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("features", (3, 8), (3, 64))),
    mistakes=[
        "It is N times too large: the cost is the average over the N examples.",
        _of_both(lambda X, r, N: (X.T @ r, r.sum())),
        "It is twice too large: the 1/2 of the cost cancels the 2 of the derivative.",
        _of_both(lambda X, r, N: (2 * X.T @ r / N, 2 * r.mean())),
        "It is half of what it should be: the derivative of the square brings a 2, which cancels the 1/2 of the cost.",
        _of_both(lambda X, r, N: (X.T @ r / N / 2, r.mean() / 2)),
        "Its sign is wrong: the residual is y - t, prediction minus target.",
        _of_both(lambda X, r, N: (-X.T @ r / N, -r.mean())),
        _of_both(lambda X, r, N: (-X.T @ r, -r.sum())),
        "You subtract the bias b instead of adding it. Are parentheses missing, as in t - (X @ w + b)?",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, -b) / len(t), _residual(X, t, w, -b).mean()),
        lambda X, t, w, b: (-X.T @ _residual(X, t, w, -b) / len(t), -_residual(X, t, w, -b).mean()),
        "db is N times too large: take the mean of the residuals, not their sum. dw is right.",
        _of_both(lambda X, r, N: (X.T @ r / N, r.sum())),
        "dw is N times too large: divide by the number of examples. db is right.",
        _of_both(lambda X, r, N: (X.T @ r, r.mean())),
        "You divide by the number of features D instead of the number of examples N.",
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(w), _residual(X, t, w, b).sum() / len(w)),
        lambda X, t, w, b: (X.T @ _residual(X, t, w, b) / len(w), _residual(X, t, w, b).mean()),
        "dw is the product of two means: multiply residual and input of each example first, average then.",
        _of_both(lambda X, r, N: (X.mean(dim=0) * r.mean(), r.mean())),
        _of_both(lambda X, r, N: (X.sum(dim=0) * r.mean(), r.mean())),
        "The input is missing from dw: each example's residual is multiplied by its input.",
        _of_both(lambda X, r, N: (r.mean() * torch.ones_like(X[0]), r.mean())),
        lambda X, t, w, b: (_residual(X, t, w, b).mean() * w, _residual(X, t, w, b).mean()),
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
            _of_both(lambda X, r, N, to=to: (X.T @ to(r) / N, to(r).mean()))
            for to in (torch.sign, torch.square, torch.abs, lambda r: r**2 / 2)
        ),
        _of_both(lambda X, r, N: ((X.T @ r) ** 2 / N, r.square().mean())),
        "db is made of the slopes of the weights; it is the mean of the residuals.",
        *(_of_both(lambda X, r, N, to=to: (X.T @ r / N, to(X.T @ r / N))) for to in (torch.sum, torch.mean)),
        "You divide by the length of the gradient; return the slopes as they are.",
        _of_both(lambda X, r, N: (X.T @ r / (X.T @ r).norm(), r.mean().sign())),
        "Each prediction meets every target: y has shape (N, 1) and t (N,), so y - t is an N x N table.",
        lambda X, t, w, b: (X.T @ (X @ w[:, None] + b - t) / len(t), (X @ w[:, None] + b - t).mean()),
        lambda X, t, w, b: ((X.T @ (X @ w[:, None] + b - t) / len(t)).mean(dim=1), (X @ w[:, None] + b - t).mean()),
        "You return the slopes of each example; average them over the examples, the first axis.",
        _of_both(lambda X, r, N: (X * r[:, None], r)),
        "You average over the features; the average goes over the examples, the first axis.",
        _of_both(lambda X, r, N: ((X * r[:, None]).mean(dim=1), r.mean())),
    ],
)
def gradient(X, t, w, b):
    """Exercise 2: the gradient of the cost. The function returns (dw, db), of shapes (D,) and ()."""
    w, b = w.clone().requires_grad_(), torch.as_tensor(b, dtype=X.dtype).clone().requires_grad_()
    J = torch.nn.functional.mse_loss(X @ w + b, t) / 2
    return torch.autograd.grad(J, (w, b))
