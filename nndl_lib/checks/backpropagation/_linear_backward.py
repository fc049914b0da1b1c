"""Exercise 2: a linear layer, examples in rows."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import generator, grown, quarters


def _cases():
    """Arguments X, W, b, Y_bar."""
    one = torch.ones(1, 1).double()
    yield Case((2 * one, 3 * one, one[0], 0.5 * one), "one example, one input, one output")
    for N, D, M, note in [
        (1, 2, 3, "one example"),
        (3, 1, 2, "one input"),
        (3, 2, 1, "one output"),
        (2, 2, 2, "all sizes equal"),
        (3, 3, 3, "all sizes equal"),
        (4, 4, 4, "all sizes equal"),
        (4, 3, 3, ""),
        (3, 3, 2, ""),
        (3, 4, 3, ""),
        (4, 3, 2, ""),
        (6, 2, 5, ""),
    ]:
        g = generator(100 * N + 10 * D + M)
        yield Case((quarters(N, D, g=g), quarters(M, D, g=g), quarters(M, g=g), quarters(N, M, g=g)), note)
    g = generator(7)
    yield Case(
        (
            quarters(3, 2, g=g).float(),
            quarters(4, 2, g=g).float(),
            quarters(4, g=g).float(),
            quarters(3, 4, g=g).float(),
        ),
        "float32",
    )


def _arguments(N, D, M):
    g = generator(N + D + M)
    return quarters(N, D, g=g), quarters(M, D, g=g), quarters(M, g=g), quarters(N, M, g=g)


def _linear(X, W, b, S):
    return S @ W, S.T @ X, S.sum(dim=0)


@exercise(
    returns=("X_bar", "W_bar", "b_bar"),
    without=DERIVATIVES,
    cases=_cases,
    loops=grown(
        _arguments,
        ("examples", (8, 3, 2), (64, 3, 2)),
        ("inputs", (3, 8, 2), (3, 64, 2)),
        ("outputs", (3, 2, 8), (3, 2, 64)),
    ),
    mistakes=[
        "W_bar is transposed: it must have the shape of W, outputs by inputs. Write Y_bar.T @ X.",
        lambda X, W, b, S: (S @ W, X.T @ S, S.sum(dim=0)),
        "X_bar takes the transpose of W; with W as outputs by inputs there is none going back: Y_bar @ W.",
        lambda X, W, b, S: (S @ W.T, S.T @ X, S.sum(dim=0)),
        lambda X, W, b, S: (S @ W.T if W.shape[0] == W.shape[1] else S @ W, S.T @ X, S.sum(dim=0)),
        "W_bar lacks a transpose: it sums over the examples, so Y_bar comes in transposed.",
        lambda X, W, b, S: (S @ W, S @ X, S.sum(dim=0)),
        "b_bar is the mean over the examples; a message comes from each of them, and they add up.",
        lambda X, W, b, S: (S @ W, S.T @ X, S.mean(dim=0)),
        "b_bar is not summed over the examples: the bias is used once in each row.",
        lambda X, W, b, S: (S @ W, S.T @ X, S),
        "b_bar is summed over the outputs; sum over the examples, the first axis.",
        lambda X, W, b, S: (S @ W, S.T @ X, S.sum(dim=1)),
        "b_bar is the sum of all entries; sum over the examples alone, each output has its own bias.",
        lambda X, W, b, S: (S @ W, S.T @ X, S.sum()),
        "W_bar and b_bar are divided by N: the 1/N of the average is in Y_bar already.",
        lambda X, W, b, S: (S @ W, S.T @ X / len(X), S.mean(dim=0)),
        "W_bar is divided by N: the 1/N of the average is in Y_bar already.",
        lambda X, W, b, S: (S @ W, S.T @ X / len(X), S.sum(dim=0)),
        "All three are divided by N: the 1/N of the average is in Y_bar already.",
        lambda X, W, b, S: (S @ W / len(X), S.T @ X / len(X), S.mean(dim=0)),
        "Y_bar is missing from X_bar: the rows of W are weighted with it.",
        lambda X, W, b, S: (torch.ones_like(S) @ W, S.T @ X, S.sum(dim=0)),
        "Y_bar is missing from b_bar: you count the examples.",
        lambda X, W, b, S: (S @ W, S.T @ X, torch.ones_like(S).sum(dim=0)),
        "Y_bar is missing from W_bar: each row of X is weighted with it.",
        lambda X, W, b, S: (S @ W, torch.ones_like(S).T @ X, S.sum(dim=0)),
        "W_bar multiplies Y_bar by X example by example, and adds up: not sums, and not one example alone.",
        lambda X, W, b, S: (S @ W, torch.outer(S.sum(dim=0), X.sum(dim=0)), S.sum(dim=0)),
        lambda X, W, b, S: (S @ W, torch.outer(S.mean(dim=0), X.mean(dim=0)), S.sum(dim=0)),
        lambda X, W, b, S: (S @ W, torch.outer(S[0], X[0]), S.sum(dim=0)),
        lambda X, W, b, S: (S @ W, torch.outer(S[-1], X[-1]), S.sum(dim=0)),
        "The output Y itself comes in; messages need Y_bar, X and W alone.",
        lambda X, W, b, S: (S @ W, S.T @ (X @ W.T + b), S.sum(dim=0)),
        lambda X, W, b, S: ((X @ W.T + b) @ W, S.T @ X, S.sum(dim=0)),
        lambda X, W, b, S: (S @ W, (X @ W.T + b).T @ X, S.sum(dim=0)),
        "b comes in; where an operation adds, its messages do not depend on what is added.",
        lambda X, W, b, S: (S @ W, S.T @ X, b * S.sum(dim=0)),
        lambda X, W, b, S: (S @ W + b.sum(), S.T @ X, S.sum(dim=0)),
        lambda X, W, b, S: (S @ W, S.T @ X, b),
        lambda X, W, b, S: ((S + b) @ W, S.T @ X, S.sum(dim=0)),
    ],
)
def linear_backward(X, W, b, Y_bar):
    """Exercise 2: backward through Y = X W^T + b. The function returns (X_bar, W_bar, b_bar)."""
    X, W, b = (value.detach().clone().requires_grad_() for value in (X, W, b))
    return torch.autograd.grad((torch.nn.functional.linear(X, W, b) * Y_bar).sum(), (X, W, b))
