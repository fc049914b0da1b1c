"""Exercise 1: a recurrent network over a padded batch."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown, in_float32, quarters


def _batch(T: int, N: int, D: int, H: int, seed: int, lengths: list[int]) -> tuple:
    g = generator(seed)
    return (
        quarters(T, N, D, g=g),
        torch.tensor(lengths),
        quarters(H, D, g=g) / 2,
        quarters(H, H, g=g) / 2,
        quarters(H, g=g),
    )


def _cases():
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
    yield Case(in_float32(_batch(4, 3, 2, 2, 8, [4, 2, 3])), "float32")


def _arguments(N):
    return _batch(3, N, 2, 2, 9, [1 + n % 3 for n in range(N)])


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
    cases=_cases,
    loops=grown(_arguments, ("sequences", (8,), (64,))),
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
