"""Exercises 1 and 2: the cost and its gradient."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, grown
from nndl_lib.checks.linear_models._common import _problem


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
        X, t, w = _problem(N, D, seed=10 * N + D)
        yield Case((X, t, w, 0.75), note)
    X, t, w = _problem(3, 2, seed=50)
    yield Case((X, t, w, torch.tensor(-1.5).double()), "b as a tensor")
    yield Case((X.float(), t.float(), w.float(), 0.5), "float32")
    digits = "On large targets it loses its digits: keep the dtype of the inputs, and subtract before you square."
    yield Case((X, t + 1e6 + 0.1, w, 1e6 + 0.3), "large targets", digits)


def _arguments(N, D):
    return *_problem(N, D, seed=60 + N + D), 0.5


def _residual(X, t, w, b):
    return X @ w + b - t


@exercise(
    returns=("J",),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("features", (3, 8), (3, 64))),
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
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("features", (3, 8), (3, 64))),
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
