"""Exercise 4: the gradient with smoothed targets."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import classes, floats, generator, grown, quarters


def _cases():
    """Arguments X, t, W, b, epsilon."""

    def model(N, D, K, seed):
        g = generator(seed)
        return quarters(N, D, g=g), classes(N, K=K, g=g), quarters(K, D, g=g), quarters(K, g=g)

    yield Case((floats([2.0]), torch.tensor([0]), floats([0.5], [-0.5]), floats(0.0, 0.25), 0.0), "epsilon = 0")
    yield Case((floats([2.0]), torch.tensor([1]), floats([0.5], [-0.5]), floats(0.0, 0.25), 0.5), "one example")
    yield Case(
        (floats([1.0], [2.0]), torch.tensor([1, 2]), floats([0.5], [0.0], [-1.0]), floats(0.0, 0.5, 0.25), 0.25),
        "one feature",
    )
    for N, D, K, epsilon in [
        (1, 2, 3, 0.25),
        (2, 2, 2, 0.0),
        (3, 2, 3, 0.125),
        (2, 3, 4, 0.5),
        (5, 2, 3, 0.25),
        (4, 3, 3, 1.0),
    ]:
        note = {0.0: "epsilon = 0", 1.0: "epsilon = 1"}.get(epsilon, "one example" if N == 1 else "")
        yield Case((*model(N, D, K, 500 + 10 * N + K), epsilon), note)
    X, t, W, b = model(4, 2, 3, seed=570)
    yield Case((X.float(), t, W.float(), b.float(), 0.25), "float32")
    yield Case(
        (1e4 * X, t, W, b, 0.25),
        "logits of 1e4",
        "On large logits it goes wrong: use torch.softmax, or subtract the largest logit of each row.",
    )


def _arguments(N, K):
    g = generator(580 + N + K)
    return quarters(N, 3, g=g), classes(N, K=K, g=g), quarters(K, 3, g=g), quarters(K, g=g), 0.25


def _hot(t, b):
    return torch.eye(len(b), dtype=b.dtype)[t]


def _smooth(t, b, epsilon):
    return (1 - epsilon) * _hot(t, b) + epsilon / len(b)


def _slopes(X, t, W, b, epsilon, targets=_smooth, squash=lambda Z: torch.softmax(Z, dim=1)):
    error = squash(X @ W.T + b) - targets(t, b, epsilon)
    return error.T @ X / len(t), error.mean(dim=0)


def _scaled(factor_w, factor_b):
    def answer(X, t, W, b, epsilon):
        dW, db = _slopes(X, t, W, b, epsilon)
        return factor_w(len(t), len(b)) * dW, factor_b(len(t), len(b)) * db

    return answer


def _with_slope(X, t, W, b, epsilon):
    Y = torch.softmax(X @ W.T + b, dim=1)
    error = (Y - _smooth(t, b, epsilon)) * Y * (1 - Y)
    return error.T @ X / len(t), error.mean(dim=0)


def _others_only(t, b, epsilon):
    return (1 - epsilon) * _hot(t, b) + epsilon / (len(b) - 1) * (1 - _hot(t, b))


def _true_too_small(t, b, epsilon):
    return (1 - epsilon) * _hot(t, b) + epsilon / len(b) * (1 - _hot(t, b))


@exercise(
    returns=("dW", "db"),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("classes", (4, 8), (4, 64))),
    without=DERIVATIVES,
    mistakes=[
        "The targets are not smoothed: epsilon has no effect.",
        lambda X, t, W, b, epsilon: _slopes(X, t, W, b, 0.0),
        "epsilon is shared among the other K - 1 classes only; every class gets epsilon / K, the true one too.",
        partial(_slopes, targets=_others_only),
        "The targets are not those of the task: 1 - epsilon + epsilon / K for the true class, epsilon / K for others.",
        *(
            lambda *a, true=true, other=other: _slopes(
                *a,
                targets=lambda t, b, epsilon: (
                    other(epsilon, len(b)) + _hot(t, b) * (true(epsilon, len(b)) - other(epsilon, len(b)))
                ),
            )
            for true, other in (
                (lambda e, K: 1 - e + e / K, lambda e, K: e / (K - 1)),
                (lambda e, K: 1 - e, lambda e, K: e),
                (lambda e, K: 1 - e + e / K, lambda e, K: 0),
                (lambda e, K: 1 - e, lambda e, K: 0),
                (lambda e, K: 1 + e, lambda e, K: e),
                (lambda e, K: 1 / K, lambda e, K: 1 / K),
                (lambda e, K: 1 - e / 2 + e / 2 / K, lambda e, K: e / 2 / K),
                (lambda e, K: 1 - e / K, lambda e, K: e / K),
                (lambda e, K: 1 - e + e / (K - 1), lambda e, K: e / (K - 1)),
            )
        ),
        "epsilon changes the targets; it does not shrink the slopes, nor is it mixed into the predictions.",
        lambda X, t, W, b, epsilon: tuple((1 - epsilon) * part for part in _slopes(X, t, W, b, 0.0)),
        lambda X, t, W, b, epsilon: _slopes(
            X, t, W, b, 0.0, squash=lambda Z: (1 - epsilon) * Z.softmax(dim=1) + epsilon / len(b)
        ),
        lambda X, t, W, b, epsilon: tuple(part + epsilon for part in _slopes(X, t, W, b, 0.0)),
        "The true class has the target 1 - epsilon; it also gets its share epsilon / K.",
        partial(_slopes, targets=_true_too_small),
        "The targets add up to more than 1: multiply the one-hot part by 1 - epsilon.",
        partial(_slopes, targets=lambda t, b, epsilon: _hot(t, b) + epsilon / len(b)),
        "Each class gets epsilon; share it among the K classes.",
        partial(_slopes, targets=lambda t, b, epsilon: (1 - epsilon) * _hot(t, b) + epsilon),
        "epsilon and 1 - epsilon are exchanged: most of the target belongs to the true class.",
        lambda X, t, W, b, epsilon: _slopes(X, t, W, b, 1 - epsilon),
        "It is N times too large: the cost is the average over the N examples, not a sum.",
        _scaled(lambda N, K: N, lambda N, K: N),
        _scaled(lambda N, K: -N, lambda N, K: -N),
        "You divide by the number of classes K as well; divide by the number of examples N alone.",
        _scaled(lambda N, K: 1 / K, lambda N, K: 1 / K),
        "You divide by the number of classes K instead of the number of examples N.",
        _scaled(lambda N, K: N / K, lambda N, K: N / K),
        "db is N times too large: take the mean over the examples. dW is right.",
        _scaled(lambda N, K: 1, lambda N, K: N),
        "dW is N times too large: divide by the number of examples. db is right.",
        _scaled(lambda N, K: N, lambda N, K: 1),
        "The softmax is missing: the slope is y - t with the probabilities y, not with the logits.",
        partial(_slopes, squash=lambda Z: Z),
        "The logistic function of each logit is not the softmax: divide by the sum over the classes.",
        partial(_slopes, squash=torch.sigmoid),
        "The softmax runs over the examples; it runs over the classes, dim=1.",
        partial(_slopes, squash=lambda Z: torch.softmax(Z, dim=0)),
        "The biases are missing from the logits.",
        lambda X, t, W, b, epsilon: _slopes(X, t, W, torch.zeros_like(b), epsilon),
        "Predictions y are the probabilities of the classes, a softmax: not its logarithm, nor a decision of 0 and 1.",
        partial(_slopes, squash=lambda Z: torch.log_softmax(Z, dim=1)),
        partial(_slopes, squash=lambda Z: _hot(Z.argmax(dim=1), Z[0])),
        "A slope of the softmax is one factor too many: through softmax and logarithm, y - t is what remains.",
        _with_slope,
        "dW multiplies error and input of each example first, and averages then: no product of means, nor of W.",
        lambda X, t, W, b, epsilon: (
            torch.outer(_slopes(X, t, W, b, epsilon)[1], X.mean(dim=0)),
            _slopes(X, t, W, b, epsilon)[1],
        ),
        lambda X, t, W, b, epsilon: (_slopes(X, t, W, b, epsilon)[1][:, None] * W, _slopes(X, t, W, b, epsilon)[1]),
        "db is one number for all classes; each class has its own: average over the examples alone.",
        lambda *a: (_slopes(*a)[0], _slopes(*a)[1].sum()),
        lambda *a: (_slopes(*a)[0], _slopes(*a)[1].mean()),
        "db is averaged over the classes; average over the examples, the first axis.",
        lambda X, t, W, b, epsilon: (
            _slopes(X, t, W, b, epsilon)[0],
            (torch.softmax(X @ W.T + b, dim=1) - _smooth(t, b, epsilon)).mean(dim=1),
        ),
    ],
)
def smoothed_gradient(X, t, W, b, epsilon):
    """Exercise 4: the gradient with smoothed targets. The function returns (dW, db), of shapes (K, D) and (K,)."""
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    cost = torch.nn.functional.cross_entropy(X @ W.T + b, t, label_smoothing=epsilon)
    return torch.autograd.grad(cost, (W, b))
