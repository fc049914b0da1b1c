"""Exercise 2: a step of an LSTM."""

import itertools
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown, in_float32, quarters


def _cell_problem(gates: int, N: int, D: int, H: int, seed: int, states: int, biases: int) -> tuple:
    g = generator(seed)
    inputs = [quarters(N, D, g=g), *(quarters(N, H, g=g) for _ in range(states))]
    weights = [quarters(gates * H, D, g=g) / 2, quarters(gates * H, H, g=g) / 2]
    return *inputs, *weights, *(quarters(gates * H, g=g) for _ in range(biases))


def _cases():
    """Arguments x, h, c, W_x, W_h, b."""
    for N, D, H, note in [
        (1, 1, 1, "one sequence, one unit"),
        (2, 1, 1, "one unit"),
        (1, 2, 2, "one sequence"),
        (3, 2, 2, ""),
        (2, 3, 4, ""),
    ]:
        yield Case(_cell_problem(4, N, D, H, 20 + 3 * N + H, 2, 1), note)
    x, h, c, W_x, W_h, b = _cell_problem(4, 2, 2, 3, 40, 2, 1)
    yield Case((x, 0 * h, 0 * c, W_x, W_h, b), "a first step, from zeros")
    large = "With pre-activations of 1e4 it goes wrong: does an exponential overflow? torch.sigmoid and tanh are safe."
    yield Case((1e4 * x, h, c, W_x, W_h, b), "pre-activations of 1e4", large)
    yield Case((x, h, 5 * c, W_x, W_h, b), "a large cell")
    yield Case(in_float32((x, h, c, W_x, W_h, b)), "float32")


def _arguments(N):
    return _cell_problem(4, N, 2, 2, 50, 2, 1)


def _lstm(
    x,
    h,
    c,
    W_x,
    W_h,
    b,
    order=(0, 1, 2, 3),
    new=lambda i, f, g, o, c: f * c + i * g,
    read=lambda o, c: o * c.tanh(),
    squash=torch.tanh,
    gate=torch.sigmoid,
):
    parts = (x @ W_x.T + h @ W_h.T + b).chunk(4, dim=1)
    i, f, g, o = (parts[k] for k in order)
    i, f, g, o = gate(i), gate(f), squash(g), gate(o)
    c_new = new(i, f, g, o, c)
    return read(o, c_new), c_new


_GATES = ("input", "forget", "candidate", "output")


def _interleaved(x, h, c, W_x, W_h, b):
    if W_h.shape[1] == 1:
        raise ValueError("the same with one unit")
    rows = torch.arange(len(b)).reshape(-1, 4).T.flatten()
    return _lstm(x, h, c, W_x[rows], W_h[rows], b[rows])


@exercise(
    returns=("h", "c"),
    cases=_cases,
    loops=grown(_arguments, ("sequences", (8,), (64,))),
    mistakes=[
        *(
            (
                f"The order of gates is wrong: it is input, forget, candidate, output; you took {', '.join(names)}.",
                lambda *a, names=names: _lstm(*a, order=[names.index(gate) for gate in _GATES]),
            )
            for names in itertools.permutations(_GATES)
            if names != _GATES
        ),
        "You cut the rows in the wrong direction: the first H rows are the input gate, the next H the forget gate.",
        _interleaved,
        "h lacks the tanh: it is the output gate times tanh(c).",
        partial(_lstm, read=lambda o, c: o * c),
        "h is computed from the old cell; it reads the new one.",
        lambda x, h, c, *w: (_lstm(x, h, c, *w, read=lambda o, _: o * c.tanh())[0], _lstm(x, h, c, *w)[1]),
        "The output gate plays no part: multiply tanh(c) by it.",
        partial(_lstm, read=lambda o, c: c.tanh()),
        "The candidate goes through the logistic function; it goes through tanh.",
        partial(_lstm, squash=torch.sigmoid),
        "The candidate lacks its tanh.",
        partial(_lstm, squash=lambda z: z),
        "The gates go through tanh, and can be negative; they go through the logistic function.",
        partial(_lstm, gate=torch.tanh),
        "You keep 1 - input gate of the old cell, as a GRU does; an LSTM has a forget gate for that.",
        partial(_lstm, new=lambda i, f, g, o, c: (1 - i) * c + i * g),
        "The forget gate is turned around: at 1 it keeps the cell, so multiply by it and not by 1 minus it.",
        partial(_lstm, new=lambda i, f, g, o, c: (1 - f) * c + i * g),
        "The input gate plays no part: the candidate is multiplied by it.",
        partial(_lstm, new=lambda i, f, g, o, c: f * c + g),
        "The old cell is kept in full; multiply it by the forget gate.",
        partial(_lstm, new=lambda i, f, g, o, c: c + i * g),
        "The bias b is missing from the pre-activations.",
        lambda x, h, c, W_x, W_h, b: _lstm(x, h, c, W_x, W_h, 0 * b),
        "The old hidden state plays no part: add h @ W_h.T.",
        lambda x, h, c, W_x, W_h, b: _lstm(x, 0 * h, c, W_x, W_h, b),
    ],
    follows=[
        "c is wrong, and h follows from it: the new cell is forget gate * c + input gate * tanh(candidate).",
        lambda got, *a: (_lstm(*a, read=lambda o, _: o * got[1].tanh())[0], got[1]),
        "Only h is wrong: it is the output gate times tanh of the new cell.",
        lambda got, *a: (got[0], _lstm(*a)[1]),
        "Only c is wrong: it is forget gate * c + input gate * tanh(candidate), as h has it.",
        lambda got, *a: (_lstm(*a)[0], got[1]),
        "From h and c of zero it is right; what comes from them is wrong: h @ W_h.T in all four, c by the forget gate.",
        lambda got, x, h, c, *w: got if h.any() or c.any() else _lstm(x, h, c, *w),
        "With one unit it is right, with several it is not: look at the order of rows, and at transposes.",
        lambda got, x, h, *rest: got if h.shape[1] > 1 else _lstm(x, h, *rest),
    ],
)
def lstm_step(x, h, c, W_x, W_h, b):
    """Exercise 2: one step of an LSTM. The function returns (h, c), (N, H) each."""
    cell = torch.nn.LSTMCell(x.shape[1], h.shape[1], dtype=x.dtype)
    cell.load_state_dict({"weight_ih": W_x, "weight_hh": W_h, "bias_ih": b, "bias_hh": 0 * b})
    with torch.no_grad():
        return tuple(cell(x, (h, c)))
