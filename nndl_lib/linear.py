"""Linear models: squared-error cost, its gradient, direct solutions, gradient descent, polynomial features.

Everything here is written out by hand first in chapter 02, "Linear models". Shapes: ``X`` is (N, D), one example a
row; ``t`` is (N,); ``w`` is (D,); ``b`` is a number. The cost is the average over the N examples of
``(y - t)**2 / 2``.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

__all__ = [
    "Descent",
    "critical_learning_rate",
    "gradient_descent",
    "lstsq",
    "polynomial_features",
    "predict",
    "ridge",
    "squared_error_cost",
    "squared_error_gradient",
]


class Descent(NamedTuple):
    """What ``gradient_descent`` did, step by step. Index 0 is the start, so there are ``steps + 1`` entries."""

    w: Tensor  # (steps + 1, D): the weights before the first step, after it, after the second, ...
    b: Tensor  # (steps + 1,)
    cost: Tensor  # (steps + 1,)


def predict(X: Tensor, w: Tensor, b: float | Tensor = 0.0) -> Tensor:
    """Predictions ``y = X w + b 1``, shape (N,), eq. 2.3. The bias b is a number or a 0-d tensor.

    Raises:
        ValueError: the shapes or the dtypes do not fit together.
    """
    arguments.check_tensors("predict", X=X, w=w)
    if X.ndim != 2 or w.shape != X.shape[1:]:
        raise ValueError(f"predict: X has shape {_shape(X)} and w {_shape(w)}; expected X (N, D) and w (D,)")
    if X.dtype != w.dtype:
        raise ValueError(f"predict: X is {X.dtype} and w is {w.dtype}; expected the same dtype for both")
    # A vector would be added without complaint, and with shape (N, 1) it would make a matrix of the predictions.
    if isinstance(b, Tensor) and b.ndim > 0:
        raise ValueError(f"predict: b has shape {_shape(b)}; expected a number or a 0-d tensor")
    if not isinstance(b, Tensor):
        arguments.check_number(b, "b", "predict", least=-math.inf)
    return X @ w + b


def squared_error_cost(X: Tensor, t: Tensor, w: Tensor, b: float | Tensor = 0.0) -> Tensor:
    """Cost ``J = ||X w + b 1 - t||**2 / (2 N)``, a 0-d tensor, eq. 2.4.

    Raises:
        ValueError: the shapes do not fit together, or X or t holds a NaN or an infinity.
    """
    _check_data(X, t, "squared_error_cost")
    residual = predict(X, w, b) - t
    return residual @ (residual / (2 * len(t)))  # in this order, a cost that float16 can hold is held


def squared_error_gradient(X: Tensor, t: Tensor, w: Tensor, b: float | Tensor = 0.0) -> tuple[Tensor, Tensor]:
    """Gradient of ``squared_error_cost``: ``(dJ/dw, dJ/db)`` of shapes (D,) and (), eq. 2.8.

    Raises:
        ValueError: as ``squared_error_cost``.
    """
    _check_data(X, t, "squared_error_gradient")
    residual = predict(X, w, b) - t
    return X.T @ residual / len(t), residual.mean()


def lstsq(X: Tensor, t: Tensor) -> Tensor:
    """Weights (D,) that minimize ``||X w - t||``; the shortest such w where there are several. No bias is added.

    On the CPU this is LAPACK's ``gelsd`` (by singular values), which copes with collinear columns. CUDA offers only
    ``gels``, which needs columns that are linearly independent.

    Raises:
        ValueError: the shapes do not fit together, or X or t holds a NaN or an infinity.
    """
    _check_data(X, t, "lstsq")
    driver = "gelsd" if X.device.type == "cpu" else "gels"
    return torch.linalg.lstsq(X, t.unsqueeze(1), driver=driver).solution.squeeze(1)


def ridge(X: Tensor, t: Tensor, lam: float, penalize: Tensor | None = None) -> Tensor:
    """Weights (D,) that minimize ``||X w - t||**2 / (2 N) + lam / 2 * ||w||**2``, eq. 2.18.

    Solved as the least-squares problem with ``sqrt(N lam)`` times the identity stacked under X: the same solution as
    the normal equations, without squaring the condition number. scikit-learn's ``Ridge(alpha)`` has ``alpha = N lam``.

    Args:
        X: (N, D).
        t: (N,).
        lam: the regularization strength, at least 0; 0 gives ``lstsq``.
        penalize: (D,) of bool: which weights are penalized. All of them where it is not given; a column of ones that
            stands for the bias should not be.

    Raises:
        ValueError: lam is negative or not finite, the shapes do not fit together, or X or t holds a NaN.
    """
    _check_data(X, t, "ridge")
    arguments.check_number(lam, "lam", "ridge")
    N, D = X.shape
    if penalize is None:
        penalize = torch.ones(D, dtype=torch.bool, device=X.device)
    arguments.check_tensors("ridge", penalize=penalize)
    if penalize.shape != (D,) or penalize.dtype != torch.bool:
        raise ValueError(
            f"ridge: penalize has shape {_shape(penalize)} and dtype {penalize.dtype}; expected ({D},) and torch.bool"
        )
    if lam == 0:
        return lstsq(X, t)
    rows = torch.diag((N * lam) ** 0.5 * penalize.to(X.dtype))
    return lstsq(torch.cat([X, rows]), torch.cat([t, t.new_zeros(D)]))


def critical_learning_rate(X: Tensor) -> float:
    """The learning rate above which gradient descent on ``squared_error_cost`` diverges: ``2 / lambda_max``, eq. 2.14.

    ``lambda_max`` is the largest eigenvalue of ``X' X / N``. A bias counts as a column of ones: append it to X first.

    Raises:
        ValueError: X is not (N, D), is empty or all zero, or holds a NaN or an infinity.
    """
    arguments.check_tensors("critical_learning_rate", X=X)
    if X.ndim != 2 or len(X) == 0:
        raise ValueError(f"critical_learning_rate: X has shape {_shape(X)}; expected (N, D) with N of at least 1")
    _check_data(X, X.new_zeros(len(X)), "critical_learning_rate")
    largest = torch.linalg.matrix_norm(X.double(), 2).item()  # the square of a float32 may be too small for one
    if largest == 0:
        raise ValueError(
            "critical_learning_rate: X is all zeros, so every learning rate converges; expected a non-zero X"
        )
    return 2 * len(X) / largest**2


def gradient_descent(
    X: Tensor, t: Tensor, lr: float, steps: int, w: Tensor | None = None, b: float | None = 0.0
) -> Descent:
    """Gradient descent on ``squared_error_cost`` with a constant learning rate, every step recorded, eq. 2.11.

    Too large a learning rate is not an error: the path that is returned then shows how the cost grows.

    Args:
        X: (N, D).
        t: (N,).
        lr: the learning rate alpha, greater than 0.
        steps: how many updates to make, at least 0.
        w: (D,), where to start; zeros where it is not given.
        b: a number, where the bias starts. ``None`` means that there is no bias: it stays 0.

    Raises:
        ValueError: lr is not positive and finite, steps is negative, shapes do not fit, or X or t holds a NaN.
    """
    _check_data(X, t, "gradient_descent")
    arguments.check_positive(lr, "the learning rate lr", "gradient_descent")
    steps = arguments.check_count(steps, "steps", "gradient_descent", least=0)
    N, D = X.shape
    w = X.new_zeros(D) if w is None else w
    arguments.check_tensors("gradient_descent", w=w)
    if w.shape != (D,):
        raise ValueError(f"gradient_descent: w has shape {_shape(w)} and X {_shape(X)}; expected w ({D},)")
    if w.dtype != X.dtype:
        raise ValueError(f"gradient_descent: X is {X.dtype} and w is {w.dtype}; expected the same dtype for both")
    has_bias = b is not None
    if isinstance(b, Tensor) and b.ndim > 0:
        raise ValueError(f"gradient_descent: b has shape {_shape(b)}; expected a number")
    if not isinstance(b, Tensor):
        b = X.new_tensor(arguments.check_number(b, "b", "gradient_descent", least=-math.inf) if has_bias else 0.0)
    b = b.to(X)

    ws, bs, costs = X.new_empty(steps + 1, D), X.new_empty(steps + 1), X.new_empty(steps + 1)
    for step in range(steps + 1):
        residual = X @ w + b - t  # (N,)
        ws[step], bs[step], costs[step] = w, b, residual @ (residual / (2 * N))
        w = w - lr * (X.T @ residual) / N
        if has_bias:
            b = b - lr * residual.mean()
    return Descent(ws, bs, costs)


def polynomial_features(x: Tensor, degree: int) -> Tensor:
    """The powers ``1, x, x**2, ..., x**degree`` of each entry of x (N,) as a design matrix (N, degree + 1), eq. 2.17.

    The first column is all ones, so the bias is the first weight.

    Raises:
        ValueError: degree is not an integer of at least 0, or x is not (N,).
    """
    degree = arguments.check_count(degree, "degree", "polynomial_features", least=0)
    arguments.check_tensors("polynomial_features", x=x)
    if x.ndim != 1:
        raise ValueError(f"polynomial_features: x has shape {_shape(x)}; expected (N,)")
    # A running product, not torch.pow: exact for small integers, and faster.
    columns = [torch.ones_like(x)]
    for _ in range(degree):
        columns.append(columns[-1] * x)
    return torch.stack(columns, dim=1)


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))


def _check_data(X: Tensor, t: Tensor, caller: str) -> None:
    arguments.check_tensors(caller, X=X, t=t)
    if X.ndim != 2 or t.shape != X.shape[:1] or len(t) == 0:
        raise ValueError(
            f"{caller}: X has shape {_shape(X)} and t {_shape(t)}; expected X (N, D) and t (N,) with the same N of at least 1"
        )
    if not X.is_floating_point() or X.dtype != t.dtype:
        raise ValueError(f"{caller}: X is {X.dtype} and t is {t.dtype}; expected one floating-point dtype for both")
    for name, values in (("X", X), ("t", t)):
        finite = torch.isfinite(values)
        if not finite.all():
            where = tuple((~finite).nonzero()[0].tolist())
            raise ValueError(
                f"{caller}: {name}[{', '.join(map(str, where))}] is {values[where].item()}; expected finite numbers"
            )
