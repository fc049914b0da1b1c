"""Exercise 3: a step of a GRU."""

import itertools
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import grown, in_float32
from nndl_lib.checks.recurrent_networks._lstm_step import _cell_problem


def _cases():
    """Arguments x, h, W_x, W_h, b_x, b_h."""
    for N, D, H, note in [
        (1, 1, 1, "one sequence, one unit"),
        (2, 1, 1, "one unit"),
        (1, 2, 2, "one sequence"),
        (3, 2, 2, ""),
        (2, 3, 4, ""),
    ]:
        yield Case(_cell_problem(3, N, D, H, 60 + 3 * N + H, 1, 2), note)
    x, h, W_x, W_h, b_x, b_h = _cell_problem(3, 2, 2, 3, 80, 1, 2)
    yield Case((x, 0 * h, W_x, W_h, b_x, b_h), "a first step, from zeros")
    large = "With pre-activations of 1e4 it goes wrong: does an exponential overflow? torch.sigmoid and tanh are safe."
    yield Case((1e4 * x, h, W_x, W_h, b_x, b_h), "pre-activations of 1e4", large)
    yield Case(in_float32((x, h, W_x, W_h, b_x, b_h)), "float32")


def _arguments(N):
    return _cell_problem(3, N, 2, 2, 90, 1, 2)


def _gru(
    x,
    h,
    W_x,
    W_h,
    b_x,
    b_h,
    order=(0, 1, 2),
    new=lambda u, n, h: u * h + (1 - u) * n,
    candidate=lambda r, x_c, h_c: torch.tanh(x_c + r * h_c),
    gate=lambda from_x, from_h: (from_x + from_h).sigmoid(),
):
    from_x, from_h = (x @ W_x.T + b_x).chunk(3, dim=1), (h @ W_h.T + b_h).chunk(3, dim=1)
    x_r, x_u, x_c = (from_x[k] for k in order)
    h_r, h_u, h_c = (from_h[k] for k in order)
    r, u = gate(x_r, h_r), gate(x_u, h_u)
    return new(u, candidate(r, x_c, h_c), h)


_PARTS = ("reset", "update", "candidate")


def _reset_first(x, h, W_x, W_h, b_x, b_h, bias_inside=False):
    """The reset gate multiplies the state before its matrix, as in the paper."""
    W_c, b_c = W_h.chunk(3)[2], b_h.chunk(3)[2]
    return _gru(x, h, W_x, W_h, b_x, b_h, candidate=lambda r, x_c, h_c: torch.tanh(x_c + (r * h) @ W_c.T + b_c))


def _joined_biases(x, h, W_x, W_h, b_x, b_h):
    return _gru(x, h, W_x, W_h, b_x + b_h, 0 * b_h)


@exercise(
    returns=("h",),
    cases=_cases,
    loops=grown(_arguments, ("sequences", (8,), (64,))),
    mistakes=[
        *(
            (
                f"The order of parts is wrong: it is reset, update, candidate; you took {', '.join(names)}.",
                lambda *a, names=names: _gru(*a, order=[names.index(part) for part in _PARTS]),
            )
            for names in itertools.permutations(_PARTS)
            if names != _PARTS
        ),
        "The update gate is turned around: it multiplies the old state, and 1 minus it the candidate.",
        partial(_gru, new=lambda u, n, h: (1 - u) * h + u * n),
        "The reset gate multiplies h before the matrix, as in the paper; here h @ W.T + b, with the bias.",
        _reset_first,
        "The two biases are added for all parts; in the candidate, b_h is inside the product with the reset gate.",
        _joined_biases,
        "The reset gate plays no part: it multiplies what comes from the state in the candidate.",
        partial(_gru, candidate=lambda r, x_c, h_c: torch.tanh(x_c + h_c)),
        "The reset gate multiplies the input's part; it multiplies the part from the state.",
        partial(_gru, candidate=lambda r, x_c, h_c: torch.tanh(r * x_c + h_c)),
        "The reset gate is turned around: at 1 all that comes from the state is kept in the candidate.",
        partial(_gru, candidate=lambda r, x_c, h_c: torch.tanh(x_c + (1 - r) * h_c)),
        "The reset gate multiplies both parts; it multiplies only the one from the state.",
        partial(_gru, candidate=lambda r, x_c, h_c: torch.tanh(r * (x_c + h_c))),
        "The candidate goes through the logistic function; it goes through tanh.",
        partial(_gru, candidate=lambda r, x_c, h_c: torch.sigmoid(x_c + r * h_c)),
        "The candidate lacks its tanh.",
        partial(_gru, candidate=lambda r, x_c, h_c: x_c + r * h_c),
        "The gates go through tanh, and can be negative; they go through the logistic function.",
        partial(_gru, gate=lambda from_x, from_h: (from_x + from_h).tanh()),
        "The gates read the inputs alone; what comes from the state belongs in them, too.",
        partial(_gru, gate=lambda from_x, from_h: from_x.sigmoid()),
        "The candidate is added in full; multiply it by 1 minus the update gate.",
        partial(_gru, new=lambda u, n, h: u * h + n),
        "The old state is lost: the new one is update * h + (1 - update) * candidate.",
        partial(_gru, new=lambda u, n, h: (1 - u) * n),
        "You return the candidate; the new state mixes it with the old one.",
        partial(_gru, new=lambda u, n, h: n),
        "The update gate plays no part: the new state is update * h + (1 - update) * candidate.",
        partial(_gru, new=lambda u, n, h: h + n),
        "b_x and b_h are exchanged: b_x belongs to W_x, b_h to W_h.",
        lambda x, h, W_x, W_h, b_x, b_h: _gru(x, h, W_x, W_h, b_h, b_x),
        "The bias b_x beside W_x is missing.",
        lambda x, h, W_x, W_h, b_x, b_h: _gru(x, h, W_x, W_h, 0 * b_x, b_h),
        "The bias b_h beside W_h is missing.",
        lambda x, h, W_x, W_h, b_x, b_h: _gru(x, h, W_x, W_h, b_x, 0 * b_h),
    ],
    follows=[
        "With one unit it is right, with several it is not: look at the order of rows, and at transposes.",
        lambda got, x, h, *rest: got if h.shape[1] > 1 else _gru(x, h, *rest),
    ],
)
def gru_step(x, h, W_x, W_h, b_x, b_h):
    """Exercise 3: one step of a GRU. The function returns (N, H)."""
    cell = torch.nn.GRUCell(x.shape[1], h.shape[1], dtype=x.dtype)
    cell.load_state_dict({"weight_ih": W_x, "weight_hh": W_h, "bias_ih": b_x, "bias_hh": b_h})
    with torch.no_grad():
        return cell(x, h)
