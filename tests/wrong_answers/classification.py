"""Wrong answers to the exercises of chapter 03."""

import numpy as np
import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- perceptron_round -----------------------------------------------------------------------------------------------


@wrong("perceptron_round", "wrong sign")
def moves_away(X, t, w, b):
    mistakes = 0
    for i in range(len(t)):
        y = 1.0 if w @ X[i] + b >= 0 else 0.0
        if y != t[i]:
            w = w + (y - t[i]) * X[i]
            b = b + (y - t[i])
            mistakes += 1
    return w, b, mistakes


@wrong("perceptron_round", "decide by z >= 0")
def zero_is_negative(X, t, w, b):
    n = 0
    for x, target in zip(X, t):
        y = int(w @ x + b > 0)
        if y != target:
            w, b, n = w + (target - y) * x, b + (target - y), n + 1
    return w, b, n


@wrong("perceptron_round", "bias is never changed")
def forgets_the_bias(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        y = (w @ x + b >= 0).to(X.dtype)
        if y != target:
            w = w + (target - y) * x
            mistakes += 1
    return w, b, mistakes


@wrong("perceptron_round", "with the first weights")
def all_examples_at_once(X, t, w, b):
    y = (X @ w + b >= 0).to(X.dtype)
    return w + X.T @ (t - y), b + (t - y).sum(), int((t != y).sum())


@wrong("perceptron_round", "after a false alarm x has to be subtracted")
def always_adds(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        if (w @ x + b >= 0) != (target == 1):
            w, b, mistakes = w + x, b + 1, mistakes + 1
    return w, b, mistakes


@wrong("perceptron_round", "moves on every example")
def moves_always(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        sign = 2 * target - 1
        mistakes += int((w @ x + b >= 0) != (target == 1))
        w, b = w + sign * x, b + sign
    return w, b, mistakes


@wrong("perceptron_round", "starts from zero")
def from_zero(X, t, w, b):
    w, b, mistakes = torch.zeros(X.shape[1], dtype=X.dtype), 0.0, 0
    for x, target in zip(X, t):
        y = (w @ x + b >= 0).to(X.dtype)
        if y != target:
            w, b, mistakes = w + (target - y) * x, b + (target - y), mistakes + 1
    return w, b, mistakes


@wrong("perceptron_round", "belongs to the caller")
def writes_into_w(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        y = (w @ x + b >= 0).to(X.dtype)
        if y != target:
            w += (target - y) * x
            b = b + (target - y)
            mistakes += 1
    return w, b, mistakes


@wrong("perceptron_round", "several rounds")
def until_it_works(X, t, w, b):
    total, mistakes, rounds = 0, 1, 0
    while mistakes and rounds < 100:
        mistakes = 0
        for x, target in zip(X, t):
            y = (w @ x + b >= 0).to(X.dtype)
            if y != target:
                w, b, mistakes = w + (target - y) * x, b + (target - y), mistakes + 1
        total, rounds = total + mistakes, rounds + 1
    return w, b, total


@wrong("perceptron_round", "expected 3 values")
def without_the_count(X, t, w, b):
    for x, target in zip(X, t):
        y = (w @ x + b >= 0).to(X.dtype)
        w, b = w + (target - y) * x, b + (target - y)
    return w, b


# --- weighted_cross_entropy -----------------------------------------------------------------------------------------


@wrong("weighted_cross_entropy", "On large logits")
def by_the_formula(z, t, weight):
    y = torch.sigmoid(z)
    return (-weight * t * torch.log(y) - (1 - t) * torch.log(1 - y)).mean()


@wrong("weighted_cross_entropy", "clamped, or a small number is added")
def clamps_the_probability(z, t, weight):
    y = torch.sigmoid(z).clamp(1e-12, 1 - 1e-12)
    return (-weight * t * y.log() - (1 - t) * (1 - y).log()).mean()


@wrong("weighted_cross_entropy", "weight is missing")
def without_weight(z, t, weight):
    return (z.clamp(min=0) - t * z + torch.log1p(torch.exp(-z.abs()))).mean()


@wrong("weighted_cross_entropy", "on both, positive and negative examples")
def weighs_everything(z, t, weight):
    return weight * torch.nn.functional.binary_cross_entropy_with_logits(z, t)


@wrong("weighted_cross_entropy", "sum of the weights")
def weighted_average(z, t, weight):
    weights = torch.where(t == 1, weight, 1.0) if ((t == 0) | (t == 1)).all() else 1 + (weight - 1) * t
    losses = weight * t * torch.logaddexp(-z, 0 * z) + (1 - t) * torch.logaddexp(z, 0 * z)
    return losses.sum() / weights.sum().to(z.dtype)


@wrong("weighted_cross_entropy", "on the negative examples")
def wrong_side(z, t, weight):
    return (t * torch.logaddexp(-z, 0 * z) + weight * (1 - t) * torch.logaddexp(z, 0 * z)).mean()


@wrong("weighted_cross_entropy", "N times too large")
def adds_up(z, t, weight):
    return (weight * t * torch.logaddexp(-z, 0 * z) + (1 - t) * torch.logaddexp(z, 0 * z)).sum()


@wrong("weighted_cross_entropy", "expected a tensor of shape ()")
def returns_a_float(z, t, weight):
    return (weight * t * torch.logaddexp(-z, 0 * z) + (1 - t) * torch.logaddexp(z, 0 * z)).mean().item()


@wrong("weighted_cross_entropy", "loop runs over the examples")
def one_by_one(z, t, weight):
    total = z.new_zeros(())
    for a, target in zip(z, t):
        total = total + weight * target * torch.logaddexp(-a, 0 * a) + (1 - target) * torch.logaddexp(a, 0 * a)
    return total / len(z)


# --- log_softmax ----------------------------------------------------------------------------------------------------


@wrong("log_softmax", "exp overflows: subtract")
def without_shift(Z):
    return Z - torch.log(torch.sum(torch.exp(Z), dim=1, keepdim=True))


@wrong("log_softmax", "exp overflows, and small")
def of_the_formula(Z):
    E = torch.exp(Z)
    return torch.log(E / E.sum(dim=1, keepdim=True))


@wrong("log_softmax", "rounded to 0")
def of_the_stable_softmax(Z):
    E = torch.exp(Z - Z.max(dim=1, keepdim=True).values)
    return torch.log(E / E.sum(dim=1, keepdim=True))


@wrong("log_softmax", "whole table: each row needs its own")
def one_shift_for_all(Z):
    Z = Z - Z.max()
    return Z - Z.exp().sum(1, keepdim=True).log()


@wrong("log_softmax", "over the examples")
def along_the_columns(Z):
    Z = Z - Z.amax(dim=0)
    return Z - Z.exp().sum(dim=0).log()


@wrong("log_softmax", "logarithms are asked for")
def only_softmax(Z):
    return torch.softmax(Z, 1)


@wrong("log_softmax", "inside the sum only")
def shifts_half(Z):
    m = Z.amax(dim=1, keepdim=True)
    return Z - (Z - m).exp().sum(dim=1, keepdim=True).log()


@wrong("log_softmax", "loop runs over the examples")
def row_by_row(Z):
    rows = []
    for z in Z:
        z = z - z.max()
        rows.append(z - z.exp().sum().log())
    return torch.stack(rows)


# --- smoothed_gradient ----------------------------------------------------------------------------------------------


def one_hot(t, K, like):
    return torch.nn.functional.one_hot(t, K).to(like.dtype)


@wrong("smoothed_gradient", "epsilon has no effect")
def sharp_targets(X, t, W, b, epsilon):
    E = torch.softmax(X @ W.T + b, dim=1) - one_hot(t, len(b), X)
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "also gets its share")
def fills_the_true_class(X, t, W, b, epsilon):
    T = torch.full((len(t), len(b)), epsilon / len(b), dtype=X.dtype)
    T[range(len(t)), t] = 1 - epsilon
    E = torch.softmax(X @ W.T + b, dim=1) - T
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "among the other K - 1 classes only")
def shares_among_the_others(X, t, W, b, epsilon):
    K = len(b)
    hot = one_hot(t, K, X)
    E = torch.softmax(X @ W.T + b, dim=1) - (hot * (1 - epsilon) + (1 - hot) * epsilon / (K - 1))
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "add up to more than 1")
def adds_the_share(X, t, W, b, epsilon):
    E = torch.softmax(X @ W.T + b, dim=1) - (one_hot(t, len(b), X) + epsilon / len(b))
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "N times too large: the cost is the average")
def not_averaged(X, t, W, b, epsilon):
    E = torch.softmax(X @ W.T + b, dim=1) - (one_hot(t, len(b), X) * (1 - epsilon) + epsilon / len(b))
    return E.T @ X, E.sum(dim=0)


@wrong("smoothed_gradient", "dW is transposed")
def inputs_first(X, t, W, b, epsilon):
    E = torch.softmax(X @ W.T + b, dim=1) - (one_hot(t, len(b), X) * (1 - epsilon) + epsilon / len(b))
    return X.T @ E / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "over the classes, dim=1")
def softmax_of_columns(X, t, W, b, epsilon):
    E = torch.softmax(X @ W.T + b, dim=0) - (one_hot(t, len(b), X) * (1 - epsilon) + epsilon / len(b))
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "On large logits")
def softmax_by_the_formula(X, t, W, b, epsilon):
    Y = torch.exp(X @ W.T + b)
    Y = Y / Y.sum(dim=1, keepdim=True)
    E = Y - (one_hot(t, len(b), X) * (1 - epsilon) + epsilon / len(b))
    return E.T @ X / len(t), E.mean(dim=0)


@wrong("smoothed_gradient", "loop runs over the examples")
def example_by_example(X, t, W, b, epsilon):
    dW, db = torch.zeros_like(W), torch.zeros_like(b)
    for x, c in zip(X, t):
        e = torch.softmax(W @ x + b, dim=0) - epsilon / len(b)
        e[c] -= 1 - epsilon
        dW += torch.outer(e, x) / len(t)
        db += e / len(t)
    return dW, db


# --- confusion_matrix -----------------------------------------------------------------------------------------------


@wrong("confusion_matrix", "Rows and columns are exchanged")
def predicted_in_rows(t, y, K):
    return torch.bincount(y * K + t, minlength=K * K).reshape(K, K)


@wrong("confusion_matrix", "counted once")
def indexed_assignment(t, y, K):
    counts = torch.zeros(K, K, dtype=torch.long)
    counts[t, y] += 1
    return counts


@wrong("confusion_matrix", "K alone says the shape")
def without_minlength(t, y, K):
    return torch.bincount(t * K + y).reshape(K, K)


@wrong("confusion_matrix", "loop runs over the examples")
def counts_one_by_one(t, y, K):
    counts = torch.zeros(K, K, dtype=torch.int64)
    for truth, guess in zip(t.tolist(), y.tolist()):
        counts[truth, guess] += 1
    return counts


@wrong("confusion_matrix", "NumPy array")
def in_numpy(t, y, K):
    counts = np.zeros((K, K), dtype=int)
    np.add.at(counts, (t.numpy(), y.numpy()), 1)
    return counts


@wrong("confusion_matrix", "shares of the rows")
def divides_by_the_row(t, y, K):
    counts = torch.bincount(t * K + y, minlength=K * K).reshape(K, K)
    return counts / counts.sum(dim=1, keepdim=True)


@wrong("confusion_matrix", "pairs share one number")
def sums_of_classes(t, y, K):
    return torch.bincount(t + y, minlength=K * K).reshape(K, K)


@wrong("confusion_matrix", "one long row of K * K")
def without_reshape(t, y, K):
    return torch.bincount(t * K + y, minlength=K * K)


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("perceptron_round", "moves only on misses")
def looks_for_misses(X, t, w, b):
    mistakes = 0
    for x, target in zip(X, t):
        if w @ x + b < 0 and target == 1.0:
            w, b, mistakes = w + x, b + 1.0, mistakes + 1
    return w, b, mistakes


@wrong("perceptron_round", "misses and false alarms cancel")
def adds_up_errors(X, t, w, b):
    total = 0
    for x, target in zip(X, t):
        error = int(target.item()) - int(w @ x + b >= 0)
        w, b, total = w + error * x, b + error, total + error
    return w, b, total


@wrong("weighted_cross_entropy", "it uses binary_cross_entropy_with_logits")
def ready_loss(z, t, weight):
    return torch.nn.functional.binary_cross_entropy_with_logits(z, t, pos_weight=z.new_tensor(weight))


@wrong("log_softmax", "a small number is added")
def small_number(Z):
    return torch.log(torch.softmax(Z, dim=1) + 1e-12)


@wrong("log_softmax", "its largest absolute value")
def largest_absolute_value(Z):
    Z = Z - Z.abs().amax(dim=1, keepdim=True)
    return Z - torch.exp(Z).sum(dim=1, keepdim=True).log()


def total(Z):
    return torch.logsumexp(Z, dim=1, keepdim=True)


@wrong("log_softmax", "it uses logsumexp")
def ready_sum_in_a_helper(Z):
    return Z - total(Z)


@wrong("log_softmax", "It ended Python itself")
def leaves(Z):
    import os

    os._exit(0)


@wrong("smoothed_gradient", "through softmax and logarithm")
def slope_of_softmax(X, t, W, b, epsilon):
    K = len(b)
    Y = torch.softmax(X @ W.T + b, dim=1)
    E = (Y - (1 - epsilon) * torch.eye(K, dtype=X.dtype)[t] - epsilon / K) * Y * (1 - Y)
    return E.T @ X / len(X), E.mean(dim=0)


@wrong("smoothed_gradient", "it uses grad")
def by_torch(X, t, W, b, epsilon):
    from torch.func import grad

    return grad(lambda p: torch.nn.functional.cross_entropy(X @ p[0].T + p[1], t, label_smoothing=epsilon))((W, b))
