"""Checks of the exercises to chapter 05, "Backpropagation". Layers and rows are those of ``nndl_lib.nn``."""

import heapq
from collections import deque
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES, each
from nndl_lib.checks._inputs import floats, generator, quarters

__all__ = [
    "cross_entropy_backward",
    "linear_backward",
    "numerical_gradient",
    "residual_unit_backward",
    "topological_order",
]


# --- 1: a small graph with fan-out ----------------------------------------------------------------------------------


def _units():
    """Arguments x, t, w, b, v, lam."""
    for values, note in [
        ((1.0, 0.0, 1.0, 0.0, 1.0, 0.0), "no penalty"),
        ((2.0, 1.0, 0.5, -0.5, 0.0, 0.25), "v = 0"),
        ((0.0, 1.0, -0.75, 0.5, 1.5, 0.5), "x = 0"),
        ((-1.5, 0.25, 0.5, 0.25, -2.0, 0.5), ""),
        ((0.5, -1.0, 1.25, -1.5, 0.75, 0.125), ""),
        ((1.0, 2.0, -0.5, 0.25, 3.0, 1.0), ""),
        ((-2.0, -0.5, -1.0, 0.75, 0.5, 2.0), ""),
        ((3.0, 1.0, 10.0, 4.0, 2.0, 0.5), "a unit deep in saturation"),
    ]:
        yield Case(tuple(torch.tensor(value).double() for value in values), note)
    yield Case(tuple(torch.tensor(value) for value in (1.5, 0.5, 0.25, -0.5, 2.0, 0.25)), "float32")


def _unit(
    x,
    t,
    w,
    b,
    v,
    lam,
    *,
    direct=1.0,
    bent=1.0,
    penalty=1.0,
    sign=1.0,
    slope=lambda z, h: 1 - h * h,
    loss=1.0,
    by=None,
    forward=lambda z, h, v: z + v * h,
    error=lambda y, t: y - t,
):
    """The backward pass with its parts as options, to make mistakes with."""
    z = w * x + b
    h = torch.tanh(z)
    y_bar = sign * loss * error(forward(z, h, v), t)
    z_bar = y_bar * (direct + bent * v * slope(z, h))
    return z_bar * (x if by is None else by) + penalty * lam * w, z_bar, y_bar * h


def _with_z_bar(x, t, w, b, v, lam, z_bar):
    h = torch.tanh(w * x + b)
    y_bar = w * x + b + v * h - t
    return z_bar(y_bar, h) * x + lam * w, z_bar(y_bar, h), y_bar * h


def _unit_without_skip(x, t, w, b, v, lam):
    h = torch.tanh(w * x + b)
    z_bar = (v * h - t) * v * (1 - h * h)
    return z_bar * x + lam * w, z_bar, (v * h - t) * h


@exercise(
    returns=("w_bar", "b_bar", "v_bar"),
    without=DERIVATIVES,
    cases=_units,
    mistakes=[
        "The direct arrow from z to y is missing: z has two children, and z_bar adds a message from each.",
        partial(_unit, direct=0.0),
        "The message through h is missing: z has two children, and z_bar adds a message from each.",
        partial(_unit, bent=0.0),
        "The penalty's message to w is missing: w has two children, z and the penalty.",
        partial(_unit, penalty=0.0),
        "The penalty's message to w is lam times w; yours is lam alone.",
        lambda x, t, w, b, v, lam: (_unit(x, t, w, b, v, 0 * lam)[0] + lam, *_unit(x, t, w, b, v, lam)[1:]),
        "The penalty's message is lam w: the factor 1/2 of lam / 2 w**2 cancels the 2 of its derivative.",
        partial(_unit, penalty=2.0),
        partial(_unit, penalty=0.5),
        *(
            lambda x, t, w, b, v, lam, of=of: (
                _unit(x, t, w, b, v, 0 * lam)[0] + lam * of(w),
                *_unit(x, t, w, b, v, lam)[1:],
            )
            for of in (lambda w: w**2, lambda w: w**2 / 2, lambda w: w.abs(), lambda w: w.sign())
        ),
        "The penalty's message has the wrong sign: it is added to the other one.",
        partial(_unit, penalty=-1.0),
        "The message from z to w is overwritten by the penalty's: add the two.",
        lambda x, t, w, b, v, lam: (lam * w, *_unit(x, t, w, b, v, lam)[1:]),
        "The sign of y_bar is wrong: it is y - t, prediction minus target.",
        partial(_unit, sign=-1.0),
        "The error signal y_bar is y - t: the slope of (y - t)**2 / 2, where the 1/2 cancels the 2.",
        partial(_unit, loss=2.0),
        partial(_unit, loss=0.5),
        *each(
            _unit,
            error=(
                lambda y, t: (y - t) ** 2 / 2,
                lambda y, t: y,
                lambda y, t: (y - t) ** 2,
                lambda y, t: torch.ones_like(y),
                lambda y, t: (y - t).sign(),
            ),
        ),
        "The slope of tanh is 1 - h ** 2; yours is another one: is the square missing, or is it the logistic's?",
        *each(
            _unit,
            slope=(
                lambda z, h: h * (1 - h),
                lambda z, h: 1 - z * z,
                lambda z, h: 1 - h,
                lambda z, h: (1 - h) ** 2,
                lambda z, h: 1 + h * h,
                lambda z, h: 1 - torch.tanh(h) ** 2,
                lambda z, h: h,
                lambda z, h: h * h,
                lambda z, h: (1 - h * h) ** 2,
                lambda z, h: torch.sigmoid(z) * torch.sigmoid(-z),
                lambda z, h: -2 * h * (1 - h * h),
            ),
        ),
        "The slope of tanh is missing from the message through h.",
        partial(_unit, slope=lambda z, h: 1 + 0 * h),
        "The slope of tanh or the factor v is on both messages; it belongs to the one through h alone.",
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: (y_bar + y_bar * v) * (1 - h * h)),
        lambda x, t, w, b, v, lam: _with_z_bar(
            x, t, w, b, v, lam, lambda y_bar, h: y_bar * v + y_bar * v * (1 - h * h)
        ),
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: y_bar * (1 - h * h) + y_bar * v),
        "The two messages to z are added: they are neither subtracted nor multiplied.",
        partial(_unit, bent=-1.0),
        partial(_unit, direct=-1.0),
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: y_bar * y_bar * v * (1 - h * h)),
        "The factor v is missing from the message h_bar through h.",
        partial(_with_z_bar, z_bar=lambda y_bar, h: y_bar + y_bar * (1 - h * h)),
        "The message from z to w is z_bar times x; the factor x is missing, or another one stands there.",
        partial(_unit, by=1.0),
        lambda x, t, w, *a: _unit(x, t, w, *a, by=w),
        "In your forward pass y lacks the shortcut, the term z, or combines the two in another way: it is z + v * h.",
        _unit_without_skip,
        *each(
            _unit,
            forward=(
                lambda z, h, v: v * h,
                lambda z, h, v: h + v * z,
                lambda z, h, v: z + h,
                lambda z, h, v: v * (z + h),
                lambda z, h, v: z,
            ),
        ),
        "b_bar is z_bar: the slope of z by b is 1, and only w is penalized.",
        lambda x, t, w, b, v, lam: (
            _unit(x, t, w, b, v, lam)[0],
            _unit(x, t, w, b, v, lam)[1] + lam * b,
            _unit(x, t, w, b, v, lam)[2],
        ),
        lambda x, t, w, b, v, lam: (
            _unit(x, t, w, b, v, lam)[0],
            _unit(x, t, w, b, v, lam)[1] + lam * w,
            _unit(x, t, w, b, v, lam)[2],
        ),
        "v_bar is y_bar times h; yours has another factor.",
        *(
            lambda x, t, w, b, v, lam, of=of: (
                *_unit(x, t, w, b, v, lam)[:2],
                (w * x + b + v * torch.tanh(w * x + b) - t) * of(w * x + b, torch.tanh(w * x + b), v),
            )
            for of in (
                lambda z, h, v: z,
                lambda z, h, v: 1,
                lambda z, h, v: 1 - h * h,
                lambda z, h, v: h * v,
                lambda z, h, v: z + h,
                lambda z, h, v: v,
            )
        ),
    ],
)
def residual_unit_backward(x, t, w, b, v, lam):
    """Exercise 1: a unit with a direct arrow past its bend. The function returns (w_bar, b_bar, v_bar)."""
    w, b, v = (value.detach().clone().requires_grad_() for value in (w, b, v))
    z = w * x + b
    loss = (z + v * torch.tanh(z) - t) ** 2 / 2 + lam / 2 * w**2
    return torch.autograd.grad(loss, (w, b, v))


# --- 2: a linear layer, examples in rows ----------------------------------------------------------------------------


def _layers():
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


def _larger_layers():
    def arguments(N, D, M):
        g = generator(N + D + M)
        return quarters(N, D, g=g), quarters(M, D, g=g), quarters(M, g=g), quarters(N, M, g=g)

    return [
        ("examples", arguments(8, 3, 2), arguments(64, 3, 2), 56),
        ("inputs", arguments(3, 8, 2), arguments(3, 64, 2), 56),
        ("outputs", arguments(3, 2, 8), arguments(3, 2, 64), 56),
    ]


def _linear(X, W, b, S):
    return S @ W, S.T @ X, S.sum(dim=0)


@exercise(
    returns=("X_bar", "W_bar", "b_bar"),
    without=DERIVATIVES,
    cases=_layers,
    loops=_larger_layers,
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


# --- 3: softmax and cross-entropy -----------------------------------------------------------------------------------


def _batches():
    """Arguments Z, c."""
    yield Case((floats([0.0, 0.0]), torch.tensor([0])), "one example")
    yield Case((floats([1.0, -1.0, 0.5]), torch.tensor([2])), "one example")
    yield Case((floats([0.5], [2.0]), torch.tensor([0, 0])), "one class")
    for N, K, note in [(2, 3, ""), (3, 3, "as many examples as classes"), (4, 2, ""), (5, 4, ""), (3, 6, "")]:
        g = generator(10 * N + K)
        yield Case((quarters(N, K, g=g), torch.randint(K, (N,), generator=g)), note)
    large = (
        "Large logits overflow in exp: subtract the largest logit of each row first; the probabilities stay the same."
    )
    yield Case((floats([1e4, -1e4, 0.0], [-1e4, 0.5, 0.25]), torch.tensor([1, 2])), "logits of 10000", large)
    yield Case((floats([-1e4, -1e4 + 1], [2e4, 0.0]), torch.tensor([0, 0])), "logits of 10000", large)
    yield Case((quarters(3, 4, g=generator(9)).float(), torch.tensor([3, 0, 3])), "float32")


def _hot(Z, c):
    return torch.nn.functional.one_hot(c, Z.shape[1]).to(Z.dtype)


def _softmax(Z, dim=1):
    return torch.softmax(Z, dim=dim)


@exercise(
    returns=("Z_bar",),
    without=DERIVATIVES,
    cases=_batches,
    mistakes=[
        "It is N times too large: the cost is the average of the losses.",
        lambda Z, c: _softmax(Z) - _hot(Z, c),
        "Its sign is wrong: it is probability minus target, y - t.",
        lambda Z, c: (_hot(Z, c) - _softmax(Z)) / len(Z),
        lambda Z, c: _hot(Z, c) - _softmax(Z),
        "It is divided by the number of classes; divide by the number of examples.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) / Z.shape[1],
        "It is divided by N K, the number of logits; divide by the number of examples, N.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) / Z.numel(),
        "It is the slope of another cost, of a squared error or without the targets: the error signal is y - t itself.",
        *(
            lambda Z, c, of=of: of(_softmax(Z), _hot(Z, c)) / len(Z)
            for of in (
                lambda Y, T: (Y - T) ** 2,
                lambda Y, T: (Y - T).abs(),
                lambda Y, T: Y * T,
                lambda Y, T: Y * (1 - Y),
                lambda Y, T: Y - 1 / Y.shape[1],
                lambda Y, T: (Y - T) ** 2 / 2,
            )
        ),
        "Probabilities come in, the softmax of each row: no logarithms, decisions, or powers without their sum.",
        *(
            lambda Z, c, of=of: (of(Z) - _hot(Z, c)) / len(Z)
            for of in (
                lambda Z: Z.log_softmax(dim=1),
                lambda Z: _hot(Z, Z.argmax(dim=1)),
                lambda Z: (Z - Z.amax(dim=1, keepdim=True)).exp(),
                torch.exp,
            )
        ),
        "The 1 is subtracted at another place than the true class: Y[torch.arange(N), c], in every row.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c).roll(1, 1)) / len(Z),
        lambda Z, c: (_softmax(Z) - _hot(Z, c).roll(-1, 1)) / len(Z),
        lambda Z, c: (_softmax(Z) - _hot(Z, c) * (torch.arange(len(Z)) == 0)[:, None]) / len(Z),
        "The target is missing: subtract 1 at the true class of each row.",
        lambda Z, c: _softmax(Z) / len(Z),
        "The softmax runs over the examples; it belongs to each row, dim=1.",
        lambda Z, c: (_softmax(Z, 0) - _hot(Z, c)) / len(Z),
        "The softmax runs over the whole matrix; each row has its own sum.",
        lambda Z, c: (_softmax(Z.flatten(), 0).view_as(Z) - _hot(Z, c)) / len(Z),
        "Subtract 1 at the true class after the division by N, and it weighs N times too much: subtract first.",
        lambda Z, c: _softmax(Z) / len(Z) - _hot(Z, c),
        "You divide the targets by N, but not the probabilities.",
        lambda Z, c: _softmax(Z) - _hot(Z, c) / len(Z),
        "The softmax is missing: you subtract the targets from the logits.",
        lambda Z, c: (Z - _hot(Z, c)) / len(Z),
        "You use the logistic function of each logit; the softmax divides by the sum over the row.",
        lambda Z, c: (torch.sigmoid(Z) - _hot(Z, c)) / len(Z),
        "It is the error signal of the probabilities, not of the logits: the arrows through the softmax are missing.",
        lambda Z, c: -_hot(Z, c) / _softmax(Z) / len(Z),
        "The slope y (1 - y) is one factor too many: through the whole softmax, y - t is what remains.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) * _softmax(Z) * (1 - _softmax(Z)) / len(Z),
        "You subtract 1 from the whole column of each class: pick one entry a row, Y[torch.arange(N), c].",
        lambda Z, c: (_softmax(Z) - _hot(Z, c).amax(dim=0)) / len(Z),
        "You subtract the number of the class; subtract 1 at its place.",
        lambda Z, c: (_softmax(Z) - c[:, None]) / len(Z),
        "Only the true class gets a signal; the other logits share in the sum of the softmax, and get one too.",
        lambda Z, c: (_softmax(Z) - 1) * _hot(Z, c) / len(Z),
        lambda Z, c: -_hot(Z, c) / len(Z),
        "You average over the examples; each logit has an error signal of its own.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)).mean(dim=0),
        "It returns the cost; its error signal has the shape of Z.",
        lambda Z, c: torch.nn.functional.cross_entropy(Z, c),
    ],
)
def cross_entropy_backward(Z, c):
    """Exercise 3: backward through cross-entropy of a softmax, averaged over the rows. The function returns Z_bar."""
    Z = Z.detach().clone().requires_grad_()
    return torch.autograd.grad(torch.nn.functional.cross_entropy(Z, c), Z)[0]


# --- 4: a topological order -----------------------------------------------------------------------------------------

CHAIN = 4_000  # nodes: Python stops a function that calls itself after 1000 calls, some notebooks after 3000


def _chain(n):
    return ({f"v{k}": [f"v{k - 1}"] if k else [] for k in reversed(range(n))},)


def _longer_chains():
    """A table of children needs some ten lines a node."""
    search = "it searches the whole graph for every node: make a table of the children of each node first."
    return [("nodes", _chain(20), _chain(200), 40 * 180, search)]


def _graphs():
    """The argument parents."""
    yield Case(({"a": []},), "one node")
    yield Case(({"L": ["y"], "y": []},), "the child listed first")
    yield Case(({"y": ["w"], "w": [], "x": []},), "a node that nothing uses")
    yield Case(
        ({"s": ["a", "a"], "a": [], "L": ["s"]},),
        "a parent used twice",
        "A parent that is used twice, as in a * a, goes wrong: these are two arrows, to count and to take off.",
    )
    yield Case(({"L": ["y", "r"], "r": ["w"], "y": ["z"], "z": ["w", "x"], "x": [], "w": []},), "fan-out")
    yield Case(({"f": ["x", "g"], "g": ["x"], "x": []},), "a short and a long path")
    yield Case(({"e": ["d", "a"], "d": ["c"], "c": ["b"], "b": ["a"], "a": []},), "a short and a long path")
    yield Case(({"L": ["p", "q"], "q": ["h"], "p": ["k"], "k": ["b", "a"], "h": ["a"], "b": [], "a": []},))
    yield Case(
        ({"m": ["k", "j"], "n": ["i", "j"], "j": ["i"], "k": ["h"], "i": [], "h": [], "o": ["n", "m", "n"]},),
        "a parent used twice",
        "A parent that is used twice, as in a * a, goes wrong: these are two arrows, to count and to take off.",
    )
    yield Case(
        _chain(CHAIN),
        f"a chain of {CHAIN:,} nodes",
        "A long chain goes wrong: a function that calls itself for each parent is stopped "
        "by Python after a thousand calls. Keep a list of nodes instead.",
    )


def _arrows(parents):
    children = {node: [] for node in parents}
    for node, those in parents.items():
        for parent in those:
            children[parent].append(node)
    return children


def _kahn(parents, *, take="first", need="all", join="last", turn=lambda those: those, start=lambda those: those):
    """First come, first served, with its rules as options, to make mistakes with."""
    children, waiting = _arrows(parents), {node: len(those) for node, those in parents.items()}
    ready, order, seen = deque(start([node for node in parents if not parents[node]])), [], set()
    while ready:
        node = ready.popleft() if take == "first" else ready.pop()
        order.append(node)
        for child in turn(children[node]):
            waiting[child] -= 1
            if waiting[child] == 0 if need != "one" else child not in seen:
                (ready.append if join == "last" else ready.appendleft)(child)
                seen.add(child)
    return order


def _by_name(parents):
    children, waiting = _arrows(parents), {node: len(those) for node, those in parents.items()}
    ready, order = sorted(node for node in parents if not parents[node]), []
    while ready:
        order.append(heapq.heappop(ready))
        for child in children[order[-1]]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, child)
    return order


def _depth_first(parents, reverse=False):
    order, done = [], set()
    for start in parents:
        stack = [(start, False)]
        while stack:
            node, finished = stack.pop()
            if finished:
                order.append(node)
            elif node not in done:
                done.add(node)
                stack.append((node, True))
                stack.extend((parent, False) for parent in reversed(parents[node]))
    return order[::-1] if reverse else order


def _rounds(parents):
    """All ready nodes of a round together, in the order of the dictionary."""
    level = {}
    for node in _depth_first(parents):
        level[node] = 1 + max((level[parent] for parent in parents[node]), default=-1)
    place = {node: k for k, node in enumerate(parents)}
    return sorted(parents, key=lambda node: (level[node], place[node]))


@exercise(
    returns=("order",),
    cases=_graphs,
    loops=_longer_chains,
    mistakes=[
        "The order is the wrong way round, in reverse: parents come before their children.",
        lambda parents: _kahn(parents)[::-1],
        "Children join the line in another order: that of the dictionary, for each node that is taken.",
        partial(_kahn, turn=lambda those: those[::-1]),
        partial(_kahn, turn=sorted),
        "The line begins in another order: with the nodes without parents as they stand in the dictionary.",
        partial(_kahn, start=lambda those: those[::-1]),
        partial(_kahn, start=sorted),
        "Which node is taken hangs on its name; take the one at the front of the line, first come, first served.",
        _by_name,
        "It is a topological order, but that of a walk into the depth: take the ready nodes first come, first served.",
        _depth_first,
        "It is the order of a walk into the depth, the wrong way round: parents come first.",
        partial(_depth_first, reverse=True),
        "It takes the ready node that came last, as from a stack; take the one that came first.",
        partial(_kahn, take="last"),
        partial(_kahn, join="first"),
        "A child comes when its first parent is taken; it is ready only when all of them are.",
        partial(_kahn, need="one"),
        "You sort each round in the order of the dictionary; a node joins the line when its last parent is taken.",
        _rounds,
        "The nodes without parents are missing: inputs and parameters belong to the order, too.",
        lambda parents: [node for node in _kahn(parents) if parents[node]],
        "Only the nodes without parents are there: when one is taken, look which children become ready.",
        lambda parents: [node for node in parents if not parents[node]],
        "It is the order in which the nodes stand in the dictionary.",
        lambda parents: list(parents),
        "It is the dictionary's order the wrong way round; that is topological only by luck.",
        lambda parents: list(parents)[::-1],
        "It sorts the names; the arrows decide, not the alphabet.",
        lambda parents: sorted(parents),
        "It sorts by the number of parents; a node with one parent may come late.",
        lambda parents: sorted(parents, key=lambda node: len(parents[node])),
        "The last node is missing.",
        lambda parents: _kahn(parents)[:-1],
        "It returns pairs of node and parents; return the nodes alone.",
        lambda parents: [(node, parents[node]) for node in _kahn(parents)],
    ],
)
def topological_order(parents):
    """Exercise 4: parents before children, first come, first served. The function returns a list of the nodes."""
    children = _arrows(parents)
    missing = {node: len(those) for node, those in parents.items()}
    order = [node for node, count in missing.items() if count == 0]
    for node in order:  # it grows while we walk along it
        for child in children[node]:
            missing[child] -= 1
            if missing[child] == 0:
                order.append(child)
    return order


# --- 5: a numerical gradient ----------------------------------------------------------------------------------------


class _Function:
    """A function that prints as it could be typed, and is not copied."""

    def __init__(self, text: str):
        self.text, self.function = text, eval(text, {"torch": torch})

    def __call__(self, w):
        return self.function(w)

    def __repr__(self):
        return self.text

    def __deepcopy__(self, memo):
        return self


def _functions():
    """Arguments f, w, h."""
    square, cube = _Function("lambda w: (w ** 2).sum()"), _Function("lambda w: (w ** 3).sum()")
    mixed = _Function("lambda w: (w ** 3).sum() + w.sum() ** 2")
    wave = _Function("lambda w: torch.sin(w).sum() * w.flatten()[0]")
    g = generator(11)
    yield Case((square, floats(3.0), 0.5), "one weight")
    yield Case((cube, floats(1.0), 0.5), "one weight")
    yield Case((mixed, floats(1.0, -2.0), 0.25))
    yield Case((wave, floats(0.5, 1.0, -1.5), 0.1))
    matrix = "A matrix w goes wrong: move one entry at a time, and return the shape of w."
    yield Case((mixed, quarters(2, 3, g=g), 0.25), "a matrix", matrix)
    yield Case((wave, quarters(3, 2, g=g), 0.125), "a matrix", matrix)
    yield Case((wave, quarters(4, g=g), 1e-3), "a small h")
    yield Case(
        (cube, torch.tensor(1.5).double(), 0.5),
        "a single number",
        "A w of shape () goes wrong: flatten it first, for example.",
    )
    yield Case(
        (mixed, quarters(2, 2, 2, g=g), 0.5),
        "three axes",
        "A w with three axes goes wrong: flatten a copy of it first.",
    )
    yield Case((mixed, quarters(3, g=g).float(), 0.25), "float32")


def _points(w, h):
    """Copies of w (n, *shape), each with one entry moved by h."""
    return (w.flatten() + h * torch.eye(w.numel(), dtype=w.dtype)).view(-1, *w.shape)


def _values(f, points):
    return torch.stack([f(point) for point in points])


def _quotient(f, w, up, down, divide):
    return ((_values(f, _points(w, up)) - _values(f, _points(w, down))) / divide).view(w.shape)


def _alone(f, w, h, keep):
    """With zeros in all places but one."""
    ones = torch.eye(w.numel(), dtype=w.dtype).view(-1, *w.shape)
    up, down = (_values(f, ones * (keep * w + step)) for step in (h, -h))
    return ((up - down) / (2 * h)).view(w.shape)


def _left_moved(f, w, h, stay):
    """The entries that were treated stay where the last look left them."""
    shape, w, slopes = w.shape, w.clone().flatten(), []
    for k in range(len(w)):
        middle = w[k].clone()
        w[k] = middle + h
        up = f(w.view(shape))
        w[k] = middle - h
        slopes.append((up - f(w.view(shape))) / (2 * h))
        w[k] = middle + stay * h
    return torch.stack(slopes).view(shape)


def _rows(f, w, h):
    slopes = torch.zeros_like(w)
    for k in range(len(w)):
        step = torch.zeros_like(w)
        step[k] = h
        slopes[k] = (f(w + step) - f(w - step)) / (2 * h)
    return slopes


def _relative(f, w, h):
    """A step of h times the entry, and divided by it."""
    steps = (h * w.flatten() * torch.eye(w.numel(), dtype=w.dtype)).view(-1, *w.shape)
    return (_values(f, w + steps) - _values(f, w - steps)).view(w.shape) / (2 * h * w)


def _together(f, w, h):
    return (f(w + h) - f(w - h)) / (2 * h)


@exercise(
    returns=("slopes",),
    without=DERIVATIVES,
    cases=_functions,
    mistakes=[
        "It is a one-sided difference: look at w + h and at w - h, and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, h, 0, h),
        "It is a one-sided difference, downwards: look at w + h and at w - h, and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, 0, -h, h),
        "It is twice too large: from w - h to w + h the distance is 2 h.",
        lambda f, w, h: _quotient(f, w, h, -h, h),
        "The divisor is wrong: a / 2 * h is (a / 2) * h. Write a / (2 * h).",
        lambda f, w, h: _quotient(f, w, h, -h, 2 / h),
        "You do not divide by the distance 2 h: another power of h is left, or none.",
        lambda f, w, h: _quotient(f, w, h, -h, 1),
        lambda f, w, h: _quotient(f, w, h, -h, 2),
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h**2),
        lambda f, w, h: _quotient(f, w, h, -h, h**2),
        "The points are at h/2 on both sides; move by h and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, h / 2, -h / 2, h),
        "A one-sided difference is divided by 2 h: both points have to move.",
        lambda f, w, h: _quotient(f, w, h, 0, 2 * h),
        lambda f, w, h: _quotient(f, w, 0, -h, 2 * h),
        "It takes the step 2 h to both sides; move by h and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, 2 * h, -2 * h, 4 * h),
        "An entry that was moved stays at - h: put it back before you move the next one.",
        partial(_left_moved, stay=-1),
        "An entry that was moved stays at + h: put it back before you move the next one.",
        partial(_left_moved, stay=1),
        "It moves a whole row of w at once: one entry at a time. A flattened copy has one index.",
        _rows,
        "It moves all entries at once and returns one number: move one entry at a time.",
        _together,
        "It moves all entries at once: that is the slope along one direction; move one entry at a time.",
        lambda f, w, h: _together(f, w, h).expand(w.shape),
        "It is a second derivative; central differences divide f(w + h) - f(w - h) by 2 h.",
        lambda f, w, h: ((_values(f, _points(w, h)) - 2 * f(w) + _values(f, _points(w, -h))) / h**2).view(w.shape),
        "It looks at more than two points; here the plain difference of f(w + h) and f(w - h) is asked for.",
        lambda f, w, h: (4 * _quotient(f, w, h, -h, 2 * h) - _quotient(f, w, 2 * h, -2 * h, 4 * h)) / 3,
        "f is asked at other points: all entries stay where they are, but the one that is moved.",
        partial(_alone, keep=1),
        partial(_alone, keep=0),
        "The slopes are averaged over the entries; each is what it is.",
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h) / w.numel(),
        "It is flat: return the slopes in the shape of w, .view(w.shape) does it.",
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h).flatten(),
        "It moves w by a factor 1 + h; move it by h, whatever its size.",
        _relative,
        lambda f, w, h: torch.stack(
            [
                (f((w.flatten() * (1 + h * e)).view(w.shape)) - f((w.flatten() * (1 - h * e)).view(w.shape))) / (2 * h)
                for e in torch.eye(w.numel(), dtype=w.dtype)
            ]
        ).view(w.shape),
        "h is ignored: it is the derivative itself, or the quotient with a step of your own. Take the h that is given.",
        lambda f, w, h: torch.func.grad(f)(w),
        *(lambda f, w, h, own=own: _quotient(f, w, own, -own, 2 * own) for own in (1e-2, 1e-3)),
        *(lambda f, w, h, own=own: _quotient(f, w, own, 0, own) for own in (1e-2, 1e-3, 1e-4, 1e-5)),
    ],
)
def numerical_gradient(f, w, h):
    """Exercise 5: central differences for a w of any shape. The function returns slopes in the shape of w."""
    points = torch.cat([_points(w, h), _points(w, -h)])
    up, down = torch.vmap(f)(points).chunk(2)
    return ((up - down) / (2 * h)).view(w.shape)
