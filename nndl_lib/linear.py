"""Linear models: squared-error cost, its gradient, direct solutions, gradient descent, polynomial features.

Everything here is written out by hand first in chapter 02, "Linear models". Shapes: ``X`` is (N, D), one example a
row; ``t`` is (N,); ``w`` is (D,); ``b`` is a number. The cost is the average over the N examples of
``(y - t)**2 / 2``.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib._arguments import check_positive
from nndl_lib._declared import checked, count, number, scalar

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


@checked(X="N? D", w="D", b=scalar)
def predict(X: Tensor, w: Tensor, b: float | Tensor = 0.0) -> Tensor:
    """Predictions ``y = X w + b 1``, shape (N,), eq. 2.3. The bias b is a number or a 0-d tensor.

    Raises:
        ValueError: the shapes or the dtypes do not fit together.
    """
    return X @ w + b


@checked(X="finite N D", t="finite N", w="D", b=scalar)
def squared_error_cost(X: Tensor, t: Tensor, w: Tensor, b: float | Tensor = 0.0) -> Tensor:
    """Cost ``J = ||X w + b 1 - t||**2 / (2 N)``, a 0-d tensor, eq. 2.4.

    Raises:
        ValueError: the shapes do not fit together, or X or t holds a NaN or an infinity.
    """
    residual = predict(X, w, b) - t
    return residual @ (residual / (2 * len(t)))  # in this order, a cost that float16 can hold is held


@checked(X="finite N D", t="finite N", w="D", b=scalar)
def squared_error_gradient(X: Tensor, t: Tensor, w: Tensor, b: float | Tensor = 0.0) -> tuple[Tensor, Tensor]:
    """Gradient of ``squared_error_cost``: ``(dJ/dw, dJ/db)`` of shapes (D,) and (), eq. 2.8.

    Raises:
        ValueError: as ``squared_error_cost``.
    """
    residual = predict(X, w, b) - t
    return X.T @ residual / len(t), residual.mean()


@checked(X="finite N D", t="finite N")
def lstsq(X: Tensor, t: Tensor) -> Tensor:
    """Weights (D,) that minimize ``||X w - t||``; the shortest such w where there are several. No bias is added.

    On the CPU this is LAPACK's ``gelsd`` (by singular values), which copes with collinear columns. CUDA offers only
    ``gels``, which needs columns that are linearly independent.

    Raises:
        ValueError: the shapes do not fit together, or X or t holds a NaN or an infinity.
    """
    driver = "gelsd" if X.device.type == "cpu" else "gels"
    return torch.linalg.lstsq(X, t.unsqueeze(1), driver=driver).solution.squeeze(1)


@checked(X="finite N D", t="finite N", lam=number(), penalize="bool D")
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
    if lam == 0:
        return lstsq(X, t)
    N, D = X.shape
    penalized = torch.ones(D, dtype=torch.bool, device=X.device) if penalize is None else penalize
    rows = torch.diag((N * lam) ** 0.5 * penalized.to(X.dtype))
    return lstsq(torch.cat([X, rows]), torch.cat([t, t.new_zeros(D)]))


@checked(X="finite N D")
def critical_learning_rate(X: Tensor) -> float:
    """The learning rate above which gradient descent on ``squared_error_cost`` diverges: ``2 / lambda_max``, eq. 2.14.

    ``lambda_max`` is the largest eigenvalue of ``X' X / N``. A bias counts as a column of ones: append it to X first.

    Raises:
        ValueError: X is not (N, D), is empty or all zero, or holds a NaN or an infinity.
    """
    largest = torch.linalg.matrix_norm(X.double(), 2).item()  # the square of a float32 may be too small for one
    if largest == 0:
        raise ValueError(
            "critical_learning_rate: X is all zeros, so every learning rate converges; expected a non-zero X"
        )
    return 2 * len(X) / largest**2


@checked(X="finite N D", t="finite N", lr=check_positive, steps=count(least=0), w="D", b=scalar)
def gradient_descent(
    X: Tensor, t: Tensor, lr: float, steps: int, w: Tensor | None = None, b: float | Tensor | None = 0.0
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
    N, D = X.shape
    w = X.new_zeros(D) if w is None else w
    bias = b.to(X) if isinstance(b, Tensor) else X.new_tensor(0.0 if b is None else b)
    ws, bs, costs = X.new_empty(steps + 1, D), X.new_empty(steps + 1), X.new_empty(steps + 1)
    for step in range(steps + 1):
        residual = X @ w + bias - t  # (N,)
        ws[step], bs[step], costs[step] = w, bias, residual @ (residual / (2 * N))
        w = w - lr * (X.T @ residual) / N
        if b is not None:
            bias = bias - lr * residual.mean()
    return Descent(ws, bs, costs)


@checked(x="any N?", degree=count(least=0))
def polynomial_features(x: Tensor, degree: int) -> Tensor:
    """The powers ``1, x, x**2, ..., x**degree`` of each entry of x (N,) as a design matrix (N, degree + 1), eq. 2.17.

    The first column is all ones, so the bias is the first weight.

    Raises:
        ValueError: degree is not an integer of at least 0, or x is not (N,).
    """
    # A running product, not torch.pow: exact for small integers, and faster.
    columns = [torch.ones_like(x)]
    for _ in range(degree):
        columns.append(columns[-1] * x)
    return torch.stack(columns, dim=1)
