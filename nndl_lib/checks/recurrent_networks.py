"""Checks of the exercises to chapter 10, "Recurrent networks". Shapes and order of gates are those of ``torch.nn``."""

import itertools
import math
from collections import Counter
from functools import partial

import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, quarters

__all__ = ["bigram_bits", "gru_step", "last_states", "lstm_step", "sampling_probabilities"]


def _float(values: tuple) -> tuple:
    return tuple(v.float() if isinstance(v, Tensor) and v.is_floating_point() else v for v in values)


# --- 1: a recurrent network over a padded batch ---------------------------------------------------------------------


def _batch(T: int, N: int, D: int, H: int, seed: int, lengths: list[int]) -> tuple:
    g = generator(seed)
    return (
        quarters(T, N, D, g=g),
        torch.tensor(lengths),
        quarters(H, D, g=g) / 2,
        quarters(H, H, g=g) / 2,
        quarters(H, g=g),
    )


def _batches():
    """Arguments x, lengths, W_x, W_h, b."""
    padded = "With NaN or infinity in the padding it goes wrong: it must not come in, not even multiplied by 0."
    yield Case(
        (
            *(torch.tensor(v).double() for v in ([[[1.0]], [[0.5]]],)),
            torch.tensor([2]),
            *(torch.tensor(v).double() for v in ([[0.5]], [[1.0]], [0.25])),
        ),
        "one sequence",
    )
    yield Case(_batch(1, 2, 1, 1, 1, [1, 1]), "one step")
    yield Case(_batch(3, 2, 1, 2, 2, [3, 3]))
    yield Case(_batch(2, 1, 2, 3, 3, [2]), "one sequence")
    yield Case(_batch(3, 2, 2, 2, 4, [1, 3]), "different lengths")
    yield Case(_batch(4, 3, 2, 3, 5, [2, 4, 1]), "different lengths")
    yield Case(_batch(5, 4, 3, 2, 6, [3, 5, 2, 4]), "different lengths")
    x, lengths, *weights = _batch(4, 2, 1, 2, 7, [2, 3])
    yield Case((x, lengths, *weights), "no sequence fills the batch")
    for seed, filling in [(9, float("nan")), (10, float("inf"))]:
        x, lengths, *weights = _batch(4, 3, 2, 2, seed, [3, 4, 1])
        x = x.where((torch.arange(4)[:, None] < lengths)[..., None], torch.tensor(filling).double())
        yield Case((x, lengths, *weights), f"padding of {filling}", padded)
    yield Case(_float(_batch(4, 3, 2, 2, 8, [4, 2, 3])), "float32")


def _more_sequences():
    def arguments(N):
        return _batch(3, N, 2, 2, 9, [1 + n % 3 for n in range(N)])

    return [("sequences", arguments(8), arguments(64), 56)]


def _states(x, W_x, W_h, b, squash=torch.tanh, order=None):
    h, states = x.new_zeros(x.shape[1], len(W_h)), []
    for x_t in x if order is None else order(x):
        h = squash(x_t @ W_x.T + h @ W_h.T + b)
        states.append(h)
    return torch.stack(states)


def _ends(states, lengths):
    return states[lengths - 1, torch.arange(states.shape[1])]


def _fresh(x, lengths, W_x, W_h, b):
    return _ends(torch.tanh(x @ W_x.T + b), lengths)


@exercise(
    returns=("h",),
    cases=_batches,
    loops=_more_sequences,
    mistakes=[
        "You return the states after the last step of the batch; each sequence ends at its own length.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[-1],
        "You take the state after the first step for all sequences.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[0],
        "You take the state one step too early: after n steps it stands at index n - 1 of the list, not n - 2.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[(lengths - 2), torch.arange(x.shape[1])],
        "You take the state one step too late: after n steps it stands at index n - 1; step k counts while k < n.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, b), (lengths + 1).clamp(max=len(x))),
        "Sequences that are over get a state of zero; they keep the one that they have.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[-1].where(
            (lengths == len(x))[:, None], torch.tensor(0.0).to(x)
        ),
        "All sequences end with the shortest; each ends at its own length.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[lengths.min() - 1],
        "You return the states of all steps; only the one at the end of each sequence is asked for.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b),
        "You index with lengths alone, and get all sequences for each length; give the number of the sequence as well.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b)[lengths - 1],
        "W_h is transposed: rows are sequences, so the state enters as h @ W_h.T.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h.T, b), lengths),
        "The tanh around the sum of the two products is missing.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, b, lambda z: z), lengths),
        "You use the logistic function; the network of the chapter uses tanh.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, b, torch.sigmoid), lengths),
        "You use ReLU; the network of the chapter uses tanh.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, b, torch.relu), lengths),
        "The bias b is missing from the pre-activations.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, 0 * b), lengths),
        "The bias counts twice; here it is one vector for both products.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, 2 * b), lengths),
        "The old state plays no part: add h @ W_h.T, with the h of the step before.",
        _fresh,
        "You read the steps from the last to the first.",
        lambda x, lengths, W_x, W_h, b: _ends(_states(x, W_x, W_h, b, order=lambda x: x.flip(0)), lengths),
        "You average the states over the steps; the state at the end is asked for.",
        lambda x, lengths, W_x, W_h, b: _states(x, W_x, W_h, b).mean(dim=0),
        "You average the states over the steps; the state at the end is asked for.",
        lambda x, lengths, W_x, W_h, b: torch.stack(
            [_states(x[:n, k : k + 1], W_x, W_h, b).mean(dim=(0, 1)) for k, n in enumerate(lengths)]
        ),
    ],
    follows=[
        "Sequences as long as the batch get the right state, shorter ones do not: each has its own last step.",
        lambda got, x, lengths, W_x, W_h, b: got.where((lengths < len(x))[:, None], _states(x, W_x, W_h, b)[-1]),
    ],
)
def last_states(x, lengths, W_x, W_h, b):
    """Exercise 1: the state of each sequence at its own end. The function returns (N, H)."""
    model = torch.nn.RNN(W_x.shape[1], len(W_h), dtype=x.dtype)
    model.load_state_dict({"weight_ih_l0": W_x, "weight_hh_l0": W_h, "bias_ih_l0": b, "bias_hh_l0": 0 * b})
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    with torch.no_grad():
        return model(packed)[1][0]


# --- 2: a step of an LSTM -------------------------------------------------------------------------------------------


def _cell_problem(gates: int, N: int, D: int, H: int, seed: int, states: int, biases: int) -> tuple:
    g = generator(seed)
    inputs = [quarters(N, D, g=g), *(quarters(N, H, g=g) for _ in range(states))]
    weights = [quarters(gates * H, D, g=g) / 2, quarters(gates * H, H, g=g) / 2]
    return *inputs, *weights, *(quarters(gates * H, g=g) for _ in range(biases))


def _lstm_steps():
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
    yield Case(_float((x, h, c, W_x, W_h, b)), "float32")


def _more_lstm():
    def arguments(N):
        return _cell_problem(4, N, 2, 2, 50, 2, 1)

    return [("sequences", arguments(8), arguments(64), 56)]


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
    cases=_lstm_steps,
    loops=_more_lstm,
    mistakes=[
        *(
            (
                f"The order of gates is wrong: torch has input, forget, candidate, output; you took {', '.join(names)}.",
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
        "From h and c of zero it is right, but not what comes from them: h @ W_h.T in all four, c by the forget gate.",
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


# --- 3: a step of a GRU ---------------------------------------------------------------------------------------------


def _gru_steps():
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
    yield Case(_float((x, h, W_x, W_h, b_x, b_h)), "float32")


def _more_gru():
    def arguments(N):
        return _cell_problem(3, N, 2, 2, 90, 1, 2)

    return [("sequences", arguments(8), arguments(64), 56)]


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
    cases=_gru_steps,
    loops=_more_gru,
    mistakes=[
        *(
            (
                f"The order of parts is wrong: torch has reset, update, candidate; you took {', '.join(names)}.",
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


# --- 4: bits per character ------------------------------------------------------------------------------------------


def _texts():
    """Arguments train, ids, K, alpha."""
    unseen = (
        "Where a character of the new text never came in training it goes wrong: its counts are 0, and each p is 1 / K."
    )
    yield Case((torch.tensor([0, 1, 0]), torch.tensor([0, 1]), 2, 1.0), "one pair")
    yield Case((torch.tensor([0, 1, 0, 0, 1]), torch.tensor([0, 1, 1, 0]), 2, 0.5))
    yield Case((torch.tensor([0, 1, 2, 1, 0, 1]), torch.tensor([1, 0, 1, 2, 1]), 3, 0.25))
    yield Case((torch.tensor([0, 1, 1, 0]), torch.tensor([3, 2, 0, 1]), 5, 0.5), "characters never seen", unseen)
    yield Case((torch.tensor([2, 2, 2]), torch.tensor([2, 2, 2, 2]), 3, 0.1), "one character over and over")
    for N, M, K, alpha in [(40, 12, 4, 0.1), (100, 30, 6, 1.0), (30, 50, 3, 0.01)]:
        g = generator(100 + N)
        yield Case((torch.randint(K, (N,), generator=g), torch.randint(K, (M,), generator=g), K, alpha))


def _longer_texts():
    def arguments(N):
        g = generator(N)
        return torch.randint(4, (N,), generator=g), torch.randint(4, (N,), generator=g), 4, 0.5

    return [("characters", arguments(8), arguments(128), 100)]


def _counts(ids, K):
    counts = torch.zeros(K, K, dtype=torch.float64)
    return counts.index_put_((ids[:-1], ids[1:]), torch.ones(len(ids) - 1, dtype=torch.float64), accumulate=True)


def _bits(
    train,
    ids,
    K,
    alpha,
    table=lambda c, K, a: (c + a) / (c.sum(dim=1, keepdim=True) + a * K),
    log=torch.log2,
    over=None,
    reduce=lambda v: v.mean(),
):
    p = table(_counts(train, K), K, alpha)
    first, second = (ids[:-1], ids[1:]) if over is None else over(ids)
    value = reduce(-log(p[first, second])).item()
    if not math.isfinite(value):
        raise ValueError("infinite")
    return value


@exercise(
    returns=("bits",),
    strict=("bits",),
    cases=_texts,
    loops=_longer_texts,
    mistakes=[
        "It is in nats: take the logarithm to the base 2.",
        partial(_bits, log=torch.log),
        "It is in decimal digits: take the logarithm to the base 2.",
        partial(_bits, log=torch.log10),
        "You return the sum over the pairs; take their average.",
        partial(_bits, reduce=lambda v: v.sum()),
        "You divide by the number of characters; the first has no predecessor, so there is one pair less.",
        lambda train, ids, K, alpha: _bits(train, ids, K, alpha) * (len(ids) - 1) / len(ids),
        "You return the perplexity; leave the bits as they are.",
        partial(_bits, reduce=lambda v: 2 ** v.mean()),
        "You average the probabilities before the logarithm; average the logarithms.",
        partial(_bits, log=lambda p: p, reduce=lambda v: -(-v).mean().log2()),
        "You smooth the top and not the bottom: with alpha added to K counts, the total grows by alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / c.sum(dim=1, keepdim=True)),
        "You add alpha to the total; it was added to K counts, so the total grows by alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum(dim=1, keepdim=True) + alpha)),
        "You add 1 to every count; add alpha.",
        partial(_bits, table=lambda c, K, alpha: (c + 1) / (c.sum(dim=1, keepdim=True) + K)),
        "There is no smoothing: add alpha to every count.",
        partial(_bits, table=lambda c, K, alpha: c / c.sum(dim=1, keepdim=True)),
        "You normalize over all pairs; each row adds up to 1, as the character before is given.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum() + alpha * K * K)),
        "You normalize over the character before; given that, the ones that may follow add up to 1: sum over dim=1.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum(dim=0, keepdim=True) + alpha * K)),
        "The order of the pair is exchanged: the row is the character before, the column the one after.",
        partial(_bits, over=lambda ids: (ids[1:], ids[:-1])),
        "You count which character came before each, not after: the row is the first of a pair, the column the second.",
        partial(_bits, table=lambda c, K, alpha: (c.T + alpha) / (c.T.sum(dim=1, keepdim=True) + alpha * K)),
        "A pair that comes several times is counted once: += to an index adds only once for equal indices.",
        partial(_bits, table=lambda c, K, alpha: ((c > 0) + alpha) / ((c > 0).sum(dim=1, keepdim=True) + alpha * K)),
        "The character before has no effect: this is a model of single characters.",
        partial(_bits, table=lambda c, K, alpha: ((c.sum(dim=0) + alpha) / (c.sum() + alpha * K)).expand(K, K)),
        "The denominator counts the last character of train, too, which nothing follows: add up the row of counts.",
        lambda train, ids, K, alpha: _bits(
            train,
            ids,
            K,
            alpha,
            table=lambda c, K, alpha: (c + alpha) / (torch.bincount(train, minlength=K)[:, None] + alpha * K),
        ),
        "Pairs are counted in both directions: n(a, b) is how often b came right after a.",
        partial(_bits, table=lambda c, K, alpha: (c + c.T + alpha) / ((c + c.T).sum(dim=1, keepdim=True) + alpha * K)),
        "The last character of train is followed by the first one here; nothing follows it.",
        lambda train, *a: _bits(torch.cat([train, train[:1]]), *a),
        "The denominator has the counts of all pairs; given the character before, it is the row's sum plus alpha K.",
        partial(_bits, table=lambda c, K, alpha: (c + alpha) / (c.sum() + alpha * K)),
        "You measure on the training text; the bits of ids are asked for.",
        lambda train, ids, K, alpha: _bits(train, train, K, alpha),
        "You count in ids; the counts come from train, and ids is only measured.",
        lambda train, ids, K, alpha: _bits(ids, ids, K, alpha),
    ],
)
def bigram_bits(train, ids, K, alpha):
    """Exercise 4: bits per character of a bigram model with additive smoothing. The function returns a number."""
    train, ids = train.tolist(), ids.tolist()
    pairs, singles = Counter(zip(train, train[1:])), Counter(train[:-1])
    terms = [math.log2((pairs[a, b] + alpha) / (singles[a] + alpha * K)) for a, b in zip(ids, ids[1:])]
    return -math.fsum(terms) / len(terms)


# --- 5: what to sample from -----------------------------------------------------------------------------------------


def _logits():
    """Arguments logits, temperature."""
    overflow = (
        "On large logits it goes wrong: does exp overflow? Subtract each row's largest logit, or use torch.softmax."
    )
    tie = "At temperature 0 it goes wrong where several logits are the largest: the first of them gets all."
    yield Case((floats([0.0, 1.0]), 2.0), "one row")
    yield Case((floats([0.5, -1.0, 2.0], [0.0, 0.25, 1.0]), 0.5))
    yield Case((floats([1.0, 1.0], [0.0, 3.0]), 1.0), "temperature 1")
    yield Case((quarters(3, 4, g=generator(110)), 1.5))
    yield Case((quarters(2, 5, g=generator(111)), 4.0))
    yield Case((floats([3.0], [-1.0]), 0.7), "one character")
    yield Case((floats([1e4, 1e4 - 1, 0.0], [-1e4, -1e4, -1e4 + 2]), 0.5), "logits of 1e4", overflow)
    yield Case((floats([0.5, 2.0, -1.0], [3.0, 0.0, 1.0]), 0.0), "temperature 0")
    yield Case((floats([0.25, -1.0]), 0.0), "temperature 0")
    yield Case((floats([1.0, 2.0, 2.0], [-3.0, -3.0, -3.0]), 0.0), "equal logits at temperature 0", tie)
    yield Case((quarters(3, 4, g=generator(112)).float(), 0.75), "float32")


def _more_rows():
    def arguments(N):
        return quarters(N, 3, g=generator(113)), 0.5

    return [("rows", arguments(8), arguments(64), 56)]


def _p(logits, temperature, scaled=lambda z, tau: z / tau, dim=1):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype)
    return torch.softmax(scaled(logits, temperature), dim=dim)


def _at_another_temperature(got, z, tau):
    """The distributions at the temperature that the reader's seem to have."""
    if tau == 0 or z.abs().max() > 1e3:  # too far from others to tell
        return got
    if z.shape[1] == 1:
        return torch.ones_like(z)
    z, logs = z - z.mean(dim=1, keepdim=True), got.log() - got.log().mean(dim=1, keepdim=True)
    return torch.softmax(z * (z * logs).sum() / (z * z).sum(), dim=1)


@exercise(
    returns=("p",),
    cases=_logits,
    loops=_more_rows,
    mistakes=[
        "You multiply by the temperature; the logits are divided by it.",
        partial(_p, scaled=lambda z, tau: z * tau),
        "The temperature has no effect: divide the logits by it.",
        partial(_p, scaled=lambda z, tau: z),
        "You divide the probabilities by the temperature, and they no longer add up to 1: divide the logits.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax(z, dim=1) / tau,
        "You normalize over the rows; each row is a distribution of its own: dim=1.",
        partial(_p, dim=0),
        "You normalize over all entries together; each row is a distribution of its own: dim=1.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax((z / tau).flatten(), dim=0).reshape(z.shape),
        "You return the logits over the temperature; a softmax makes probabilities of them.",
        lambda z, tau: _p(z, tau) if tau == 0 else z / tau,
        "You return logarithms of the probabilities; take their exponential, or use softmax.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.log_softmax(z / tau, dim=1),
        "The softmax is applied twice: once, to the logits over the temperature.",
        lambda z, tau: _p(z, tau) if tau == 0 else torch.softmax(torch.softmax(z, dim=1) / tau, dim=1),
        "You take the likeliest character at every temperature; only at 0 is that so.",
        lambda z, tau: _p(z, 0),
    ],
    follows=[
        "Only temperature 0 is wrong: there all probability goes to the largest logit, the first of equal ones.",
        lambda got, z, tau: _p(z, tau) if tau else got,
        "Each row is right but for a factor: divide it by its sum, so that it adds up to 1.",
        lambda got, z, tau: got if z.abs().max() > 1e3 else got.sum(dim=1, keepdim=True) * _p(z, tau),
        "These are the probabilities at another temperature: divide the logits by temperature itself.",
        _at_another_temperature,
    ],
)
def sampling_probabilities(logits, temperature):
    """Exercise 5: the distributions to draw from. The function returns (N, K)."""
    if temperature == 0:
        p = torch.zeros_like(logits)
        for row, values in enumerate(logits.tolist()):
            p[row, values.index(max(values))] = 1.0
        return p
    return (logits / temperature - (logits / temperature).logsumexp(dim=1, keepdim=True)).exp()
