"""Exercise 1: one round of the perceptron."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import classes, floats, generator, quarters


def _cases():
    """Arguments X, t, w, b."""
    tie = "A score of exactly 0 goes wrong: it means class 1, as in z >= 0."
    yield Case((floats([2.0]), floats(1.0), floats(-1.0), 0.5), "one example")
    yield Case((floats([2.0]), floats(0.0), floats(1.0), 0.5), "one example")
    yield Case((floats([1.0], [2.0]), floats(1.0, 1.0), floats(0.0), 0.0), "a score of 0", tie)
    yield Case((floats([1.0, 2.0]), floats(0.0), floats(-1.0, -1.0), 1.0), "no mistake")
    yield Case(
        (floats([1.0, 0.5], [2.0, 1.0]), floats(1.0, 1.0), floats(-1.0, 0.25), 0.25),
        "the first update mends the second example",
    )
    for N, D in [(2, 2), (3, 1), (3, 2), (5, 3), (8, 2), (9, 4)]:
        g = generator(200 + 10 * N + D)
        # Odd multiples of 1/8 in the bias: no score is 0.
        yield Case((quarters(N, D, g=g), classes(N, K=2, g=g).double(), quarters(D, g=g) * 0.5, -0.3125))
    pairs = floats([0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0])
    yield Case((pairs, floats(0.0, 1.0, 1.0, 0.0), floats(0.25, -0.25), 0.125), "XOR")
    g = generator(290)
    yield Case(
        (quarters(6, 2, g=g).float(), classes(6, K=2, g=g).float(), quarters(2, g=g).float(), -0.3125), "float32"
    )


def _perceptron(
    X, t, w, b, move=lambda t, y: t - y, score=lambda x, w, b: x @ w + b, decide=lambda z: float(z >= 0), bias=1.0
):
    """The rule with its parts as options, to make mistakes with."""
    mistakes = 0
    for x, target in zip(X, t):
        y = decide(score(x, w, b))
        mistakes += int(y != target)
        step = move(float(target), y)
        w, b = w + step * x, b + bias * step
    return w, b, mistakes


def _all_at_once(X, t, w, b):
    error = t - (X @ w + b >= 0).to(X.dtype)
    return w + X.T @ error, b + float(error.sum()), int((error != 0).sum())


def _misses_alone(X, t, w, b):
    w_new, b_new, _ = _perceptron(X, t, w, b, move=lambda t, y: max(t - y, 0.0))
    misses = 0
    for x, target in zip(X, t):
        if target == 1 and x @ w + b < 0:
            w, b, misses = w + x, b + 1.0, misses + 1
    return w_new, b_new, misses


def _by_the_score(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        z = x @ w + b
        if float(z >= 0) != target:
            w, b, mistakes = w + (target - z) * x, b + target - z, mistakes + 1
    return w, float(b), mistakes


def _bias_always_up(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        error = float(target) - float(x @ w + b >= 0)
        w, b, mistakes = w + error * x, b + abs(error), mistakes + int(error != 0)
    return w, b, mistakes


def _signed_count(X, t, w, b):
    w_new, b_new, _ = _perceptron(X, t, w, b)
    return w_new, b_new, int(b_new - b)


def _one_mistake_only(X, t, w, b):
    for x, target in zip(X, t):
        y = float(x @ w + b >= 0)
        if y != target:
            return w + (target - y) * x, b + float(target - y), 1
    return w, b, 0


def _many_rounds(X, t, w, b):
    total = 0
    for _ in range(100):
        w, b, mistakes = _perceptron(X, t, w, b)
        total += mistakes
        if mistakes == 0:
            break
    return w, b, total


def _recount(X, t, w, b):
    w, b, _ = _perceptron(X, t, w, b)
    return w, b, int(((X @ w + b >= 0).double() != t).sum())


def _swapped_count(X, t, w, b, count):
    w_new, b_new, mistakes = _perceptron(X, t, w, b)
    return w_new, b_new, count(len(t), mistakes)


@exercise(
    returns=("w", "b", "mistakes"),
    cases=_cases,
    mistakes=[
        "Its moves have the wrong sign: add (t - y) x, target minus decision.",
        partial(_perceptron, move=lambda t, y: y - t),
        "It moves on every example, or after right decisions: a right decision changes nothing.",
        partial(_perceptron, move=lambda t, y: 2 * t - 1),
        partial(_perceptron, move=lambda t, y: (2 * t - 1) * (t == y)),
        "It moves only on misses: a false alarm moves w and b too, the other way.",
        partial(_perceptron, move=lambda t, y: max(t - y, 0.0)),
        _misses_alone,
        "It moves only on false alarms: a missed positive moves w and b too, the other way.",
        partial(_perceptron, move=lambda t, y: min(t - y, 0.0)),
        "It adds x after every mistake; after a false alarm x has to be subtracted.",
        partial(_perceptron, move=lambda t, y: abs(t - y)),
        "Its steps are not of length 1: decisions are 0 and 1, so t - y is 1 or -1, and there is no learning rate.",
        *(lambda *a, lr=lr: _perceptron(*a, move=lambda t, y: lr * (t - y)) for lr in (2, 0.5, 0.1, 0.01)),
        "Decisions are -1 and 1 in yours; here they are 0 and 1.",
        partial(_perceptron, decide=lambda z: 1.0 if z >= 0 else -1.0),
        "The score itself, or a probability, comes in where the decision 0 or 1 belongs.",
        partial(_perceptron, decide=torch.sigmoid),
        _by_the_score,
        partial(_perceptron, decide=lambda z: z),
        "The border is a score of 0; yours is another one, as for probabilities.",
        *(lambda *a, at=at: _perceptron(*a, decide=lambda z: float(z >= at)) for at in (0.5, 1.0)),
        "It goes through the examples in another order, or not through all: first to last, once.",
        lambda X, t, w, b: _perceptron(X.flip(0), t.flip(0), w, b),
        lambda X, t, w, b: _perceptron(X[-1:], t[-1:], w, b),
        lambda X, t, w, b: _perceptron(X[1:], t[1:], w, b),
        lambda X, t, w, b: _perceptron(X[:-1], t[:-1], w, b),
        _one_mistake_only,
        "The bias is never changed: each mistake adds t - y to b.",
        partial(_perceptron, bias=0.0),
        "The bias moves the wrong way: add t - y to it, as for the weights.",
        partial(_perceptron, bias=-1.0),
        _bias_always_up,
        "The bias b is missing from the score.",
        partial(_perceptron, score=lambda x, w, b: x @ w),
        "A score of exactly 0 means class 1: decide by z >= 0, not by z > 0.",
        partial(_perceptron, decide=lambda z: float(z > 0)),
        "All decisions are made with the first weights: the next example has to see what the last one changed.",
        _all_at_once,
        "It starts from zero; start from the w and b that it is given.",
        lambda X, t, w, b: _perceptron(X, t, torch.zeros_like(w), 0.0),
        "It goes on for several rounds: go through the examples once.",
        _many_rounds,
        "mistakes counts what is wrong at the end; count the decisions that were wrong on the way.",
        _recount,
        "mistakes counts the right decisions; count the wrong ones.",
        lambda *a: _swapped_count(*a, lambda N, mistakes: N - mistakes),
        "mistakes counts all examples; count the wrong decisions only.",
        lambda *a: _swapped_count(*a, lambda N, mistakes: N),
        "mistakes adds up t - y, so that misses and false alarms cancel; count both.",
        _signed_count,
        "mistakes is a share; return the number of wrong decisions.",
        lambda *a: _swapped_count(*a, lambda N, mistakes: mistakes / N),
    ],
)
def perceptron_round(X, t, w, b):
    """Exercise 1: one pass of the perceptron over the examples. The function returns (w, b, mistakes)."""
    # With the bias absorbed, in NumPy.
    A = np.concatenate([X.numpy(), np.ones((len(X), 1))], axis=1)
    v, mistakes = np.append(w.numpy(), float(b)), 0
    for row, target in zip(A, t.numpy()):
        error = target - np.heaviside(np.dot(v, row), 1.0)
        v, mistakes = v + error * row, mistakes + int(abs(error))
    return torch.from_numpy(v[:-1].copy()), float(v[-1]), mistakes
