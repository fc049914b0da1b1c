"""Wrong answers to the exercises of chapter 05."""

from collections import deque

import numpy as np
import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- residual_unit_backward -----------------------------------------------------------------------------------------


@wrong("residual_unit_backward", "direct arrow from z to y is missing")
def assigns_at_z(x, t, w, b, v, lam):
    z = w * x + b
    h = z.tanh()
    y_bar = z + v * h - t
    z_bar = y_bar
    z_bar = y_bar * v * (1 - h**2)
    return z_bar * x + lam * w, z_bar, y_bar * h


@wrong("residual_unit_backward", "message through h is missing")
def only_the_shortcut(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    return y_bar * x + lam * w, y_bar, y_bar * h


@wrong("residual_unit_backward", "penalty's message to w is missing")
def without_penalty(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    z_bar = y_bar * (1 + v * (1 - h**2))
    return z_bar * x, z_bar, y_bar * h


@wrong("residual_unit_backward", "overwritten by the penalty's")
def assigns_at_w(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    z_bar = y_bar + y_bar * v * (1 - h.square())
    bars = {"w": z_bar * x, "b": z_bar, "v": y_bar * h}
    bars["w"] = lam * w
    return bars["w"], bars["b"], bars["v"]


@wrong("residual_unit_backward", "sign of y_bar is wrong")
def target_minus_prediction(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    e = t - (z + v * h)
    z_bar = e + e * v * (1 - h**2)
    return z_bar * x + lam * w, z_bar, e * h


@wrong("residual_unit_backward", "of the logistic function")
def slope_of_the_logistic(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    z_bar = y_bar + y_bar * v * h * (1 - h)
    return z_bar * x + lam * w, z_bar, y_bar * h


@wrong("residual_unit_backward", "factor x is missing")
def forgets_x(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    z_bar = y_bar + y_bar * v * (1 - h**2)
    return z_bar + lam * w, z_bar, y_bar * h


@wrong("residual_unit_backward", "expected a tensor of shape")
def returns_floats(x, t, w, b, v, lam):
    z = float(w * x + b)
    h = float(np.tanh(z))
    y_bar = z + float(v) * h - float(t)
    z_bar = y_bar + y_bar * float(v) * (1 - h**2)
    return z_bar * float(x) + float(lam * w), z_bar, y_bar * h


@wrong("residual_unit_backward", "w_bar, b_bar, v_bar, in this order")
def forgets_v(x, t, w, b, v, lam):
    z = w * x + b
    h = torch.tanh(z)
    y_bar = z + v * h - t
    z_bar = y_bar + y_bar * v * (1 - h**2)
    return z_bar * x + lam * w, z_bar


# --- linear_backward ------------------------------------------------------------------------------------------------


@wrong("linear_backward", "W_bar is transposed")
def weights_by_columns(X, W, b, Y_bar):
    return Y_bar.mm(W), X.t().mm(Y_bar), Y_bar.sum(0)


@wrong("linear_backward", "takes the transpose of W")
def transposes_W(X, W, b, Y_bar):
    return Y_bar @ W.T, Y_bar.T @ X, Y_bar.sum(0)


@wrong("linear_backward", "b_bar is the mean")
def mean_for_the_bias(X, W, b, Y_bar):
    return Y_bar @ W, Y_bar.T @ X, Y_bar.mean(0)


@wrong("linear_backward", "not summed over the examples")
def bias_as_in_one_example(X, W, b, Y_bar):
    b_bar = Y_bar
    return Y_bar @ W, torch.einsum("nm,nd->md", Y_bar, X), b_bar


@wrong("linear_backward", "W_bar and b_bar are divided by N")
def averages_again(X, W, b, Y_bar):
    N = X.shape[0]
    return Y_bar @ W, (Y_bar.T @ X) / N, Y_bar.sum(dim=0) / N


@wrong("linear_backward", "summed over the outputs")
def wrong_axis(X, W, b, Y_bar):
    return Y_bar @ W, Y_bar.T @ X, torch.sum(Y_bar, 1)


@wrong("linear_backward", "X_bar, W_bar, b_bar")
def weights_first(X, W, b, Y_bar):
    return Y_bar.T @ X, Y_bar.sum(dim=0), Y_bar @ W


@wrong("linear_backward", "axis of length 1 too many")
def keeps_the_axis(X, W, b, Y_bar):
    ones = torch.ones(1, len(X), dtype=X.dtype)
    return Y_bar @ W, Y_bar.T @ X, ones @ Y_bar


@wrong("linear_backward", "Python loop runs over the examples")
def example_by_example(X, W, b, Y_bar):
    W_bar, b_bar, X_bar = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(X)
    for n in range(len(X)):
        W_bar = W_bar + torch.outer(Y_bar[n], X[n])
        b_bar = b_bar + Y_bar[n]
        X_bar[n] = W.T @ Y_bar[n]
    return X_bar, W_bar, b_bar


# --- cross_entropy_backward -----------------------------------------------------------------------------------------


def hot(Z, c):
    t = torch.zeros_like(Z)
    t[range(len(c)), c] = 1
    return t


def safe_softmax(Z, dim=1):
    e = torch.exp(Z - Z.amax(dim=dim, keepdim=True))
    return e / e.sum(dim=dim, keepdim=True)


@wrong("cross_entropy_backward", "N times too large")
def no_average(Z, c):
    return safe_softmax(Z) - hot(Z, c)


@wrong("cross_entropy_backward", "Its sign is wrong")
def target_first(Z, c):
    return (hot(Z, c) - safe_softmax(Z)) / len(c)


@wrong("cross_entropy_backward", "Large logits overflow")
def overflows(Z, c):
    e = torch.exp(Z)
    return (e / e.sum(dim=1, keepdim=True) - hot(Z, c)) / len(Z)


@wrong("cross_entropy_backward", "runs over the examples")
def down_the_columns(Z, c):
    return (safe_softmax(Z, dim=0) - hot(Z, c)) / len(Z)


@wrong("cross_entropy_backward", "number of classes")
def divides_by_classes(Z, c):
    N, K = Z.shape
    return (safe_softmax(Z) - hot(Z, c)) / K


@wrong("cross_entropy_backward", "whole column")
def marks_columns(Z, c):
    Y = safe_softmax(Z)
    Y[:, c] -= 1
    return Y / len(Z)


@wrong("cross_entropy_backward", "after the division")
def divides_first(Z, c):
    Y = safe_softmax(Z) / len(Z)
    Y[torch.arange(len(Z)), c] -= 1
    return Y


@wrong("cross_entropy_backward", "one factor too many")
def with_a_slope(Z, c):
    Y = safe_softmax(Z)
    return (Y - hot(Z, c)) * Y * (1 - Y) / len(Z)


@wrong("cross_entropy_backward", "error signal of the probabilities")
def stops_at_the_probabilities(Z, c):
    return -hot(Z, c) / safe_softmax(Z) / len(Z)


# --- topological_order ----------------------------------------------------------------------------------------------


@wrong("topological_order", "Keep a list of nodes instead")
def recursive(parents):
    level = {}

    def visit(node):
        if node not in level:
            level[node] = 1 + max([visit(p) for p in parents[node]], default=-1)
        return level[node]

    for node in parents:
        visit(node)
    return topological_by_line(parents)


def topological_by_line(parents, once=False, at_the_end=False):
    kids = {n: [] for n in parents}
    for n in parents:
        for p in set(parents[n]) if once else parents[n]:
            kids[p].append(n)
    left = {n: len(parents[n]) for n in parents}
    line, out = [n for n in parents if not left[n]], []
    while line:
        n = line.pop() if at_the_end else line.pop(0)
        out.append(n)
        for k in kids[n]:
            left[k] -= 1
            if left[k] == 0:
                line.append(k)
    return out


@wrong("topological_order", "parent that is used twice")
def counts_arrows_once(parents):
    return topological_by_line(parents, once=True)


@wrong("topological_order", "ready node that came last")
def a_stack(parents):
    return topological_by_line(parents, at_the_end=True)


@wrong("topological_order", "wrong way round")
def children_first(parents):
    out = topological_by_line(parents)
    out.reverse()
    return out


@wrong("topological_order", "walk into the depth")
def postorder(parents):
    out, done = [], set()
    for start in parents:
        todo = [start]
        while todo:
            n = todo[-1]
            missing = [p for p in parents[n] if p not in done]
            if missing:
                todo.append(missing[0])
            else:
                todo.pop()
                if n not in done:
                    done.add(n)
                    out.append(n)
    return out


@wrong("topological_order", "first parent is taken")
def breadth_first(parents):
    kids = {n: [] for n in parents}
    for n, ps in parents.items():
        for p in ps:
            kids[p].append(n)
    out = [n for n in parents if not parents[n]]
    seen = set(out)
    for n in out:
        for k in kids[n]:
            if k not in seen:
                seen.add(k)
                out.append(k)
    return out


@wrong("topological_order", "stand in the dictionary")
def as_given(parents):
    return list(parents.keys())


@wrong("topological_order", "does not come to an end")
def searches_everything(parents):
    out = []
    while len(out) < len(parents):
        for n in parents:
            if n not in out and all(p in out for p in parents[n]):
                out.append(n)
                break
    return out


@wrong("topological_order", "table of the children")
def searches_for_children(parents):
    waiting = {node: len(those) for node, those in parents.items()}
    order = [node for node in parents if not parents[node]]
    for node in order:
        for child in [other for other in parents if node in parents[other]]:
            waiting[child] -= parents[child].count(node)
            if waiting[child] == 0:
                order.append(child)
    return order


# --- numerical_gradient ---------------------------------------------------------------------------------------------


@wrong("numerical_gradient", "one-sided difference")
def forward_difference(f, w, h):
    out = torch.zeros_like(w)
    for i in np.ndindex(*w.shape):
        v = w.clone()
        v[i] += h
        out[i] = (f(v) - f(w)) / h
    return out


@wrong("numerical_gradient", "twice too large")
def divides_by_h(f, w, h):
    out = torch.zeros_like(w)
    for i in np.ndindex(*w.shape):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        out[i] = (f(up) - f(down)) / h
    return out


@wrong("numerical_gradient", "a / 2 * h is (a / 2) * h")
def precedence(f, w, h):
    out = torch.zeros_like(w)
    for i in np.ndindex(*w.shape):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        out[i] = (f(up) - f(down)) / 2 * h
    return out


@wrong("numerical_gradient", "stays at - h")
def never_put_back(f, w, h):
    v, out = w.clone(), torch.zeros_like(w)
    for i in np.ndindex(*w.shape):
        v[i] += h
        up = f(v)
        v[i] -= 2 * h
        out[i] = (up - f(v)) / (2 * h)
    return out


@wrong("numerical_gradient", "moves all entries at once")
def all_at_once(f, w, h):
    return (f(w + h) - f(w - h)) / (2 * h)


@wrong("numerical_gradient", "whole row of w at once")
def row_by_row(f, w, h):
    w = torch.atleast_1d(w)
    out = torch.zeros_like(w)
    for k in range(len(w)):
        e = torch.zeros_like(w)
        e[k] = h
        out[k] = (f(w + e) - f(w - e)) / (2 * h)
    return out


@wrong("numerical_gradient", "It is flat")
def flat(f, w, h):
    n = w.numel()
    moves = h * torch.eye(n, dtype=w.dtype).view(n, *w.shape)
    return torch.stack([(f(w + m) - f(w - m)) / (2 * h) for m in moves])


@wrong("numerical_gradient", "it changes w")
def works_in_place(f, w, h):
    flat, out = w.view(-1), torch.zeros_like(w).view(-1)
    for k in range(len(flat)):
        flat[k] += h
        up = f(w)
        flat[k] -= 2 * h
        out[k] = (up - f(w)) / (2 * h)
        flat[k] += h
    flat += 1e-3
    return out.view(w.shape)


@wrong("numerical_gradient", "it is the derivative itself")
def calls_autograd(f, w, h):
    w = w.clone().requires_grad_()
    f(w).backward()
    return w.grad


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("residual_unit_backward", "it uses autograd")
def gradients_by_torch(x, t, w, b, v, lam):
    w, b, v = (part.clone().requires_grad_() for part in (w, b, v))
    loss = (w * x + b + v * torch.tanh(w * x + b) - t) ** 2 / 2 + lam / 2 * w**2
    return torch.autograd.grad(loss, (w, b, v))


@wrong("residual_unit_backward", "lam / 2 w**2 cancels")
def half_the_penalty(x, t, w, b, v, lam):
    h = torch.tanh(w * x + b)
    y_bar = w * x + b + v * h - t
    z_bar = y_bar + y_bar * v * (1 - h**2)
    return z_bar * x + lam / 2 * w, z_bar, y_bar * h


@wrong("linear_backward", "X_bar takes the transpose of W")
def transposed_where_it_fits(X, W, b, Y_bar):
    return Y_bar @ (W.T if W.shape[0] == W.shape[1] else W), Y_bar.T @ X, Y_bar.sum(dim=0)


@wrong("cross_entropy_backward", "of a squared error")
def squared_error(Z, c):
    e = torch.exp(Z - Z.amax(dim=1, keepdim=True))
    return (e / e.sum(dim=1, keepdim=True) - torch.nn.functional.one_hot(c, Z.shape[1])) ** 2 / len(Z)


@wrong("topological_order", "as from a stack")
def joins_in_front(parents):
    children = {node: [] for node in parents}
    for node, those in parents.items():
        for parent in those:
            children[parent].append(node)
    waiting, order = {node: len(those) for node, those in parents.items()}, []
    line = deque(node for node in parents if not parents[node])
    while line:
        order.append(line.popleft())
        for child in children[order[-1]]:
            waiting[child] -= 1
            if waiting[child] == 0:
                line.appendleft(child)
    return order


@wrong("numerical_gradient", "h is ignored")
def step_of_its_own(f, w, h):
    h, slopes = 1e-6, torch.zeros_like(w).flatten()
    for k in range(w.numel()):
        e = torch.zeros_like(w).flatten()
        e[k] = h
        slopes[k] = (f(w + e.view(w.shape)) - f(w - e.view(w.shape))) / (2 * h)
    return slopes.view(w.shape)
