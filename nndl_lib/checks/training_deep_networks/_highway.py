"""Exercise 5: highway."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown, in_float32, signed_quarters


def _cases():
    """Arguments x, W, b, W_gate, b_gate."""

    def one(value):
        return torch.full((1, 1), value).double()

    yield Case((one(1.0), one(2.0), one(0.5)[0], one(1.0), one(-1.0)[0]), "one example")
    yield Case((one(-1.0), one(2.0), one(0.5)[0], one(1.0), one(-2.0)[0]), "one example")
    for seed, N, D, note in [
        (61, 1, 2, "one example"),
        (62, 2, 2, ""),
        (63, 3, 2, ""),
        (64, 2, 3, ""),
        (65, 3, 3, ""),
        (66, 5, 4, ""),
    ]:
        yield Case(_roads(N, D, seed), note)
    x, W, b, W_gate, b_gate = _roads(3, 2, 67)
    yield Case((x, W, b, W_gate, torch.full_like(b_gate, -1e4)), "closed gates")
    yield Case(
        (x, W, b, W_gate, torch.full_like(b_gate, 1e4)),
        "open gates",
        "With open gates it goes wrong: does the exponential overflow? torch.sigmoid is safe.",
    )
    yield Case(in_float32(_roads(3, 3, 68)), "float32")


def _roads(N, D, seed):
    g = generator(seed)
    return (
        signed_quarters(N, D, g=g),
        signed_quarters(D, D, g=g),
        signed_quarters(D, g=g),
        signed_quarters(D, D, g=g),
        signed_quarters(D, g=g),
    )


def _high(
    x, W, b, W_gate, b_gate, phi=torch.relu, squash=torch.sigmoid, mix=None, transposed=(False, False), gate_in=None
):
    h = phi(x @ (W if transposed[0] else W.T) + b)
    gate = squash((x if gate_in is None else gate_in(h)) @ (W_gate if transposed[1] else W_gate.T) + b_gate)
    return gate * h + (1 - gate) * x if mix is None else mix(gate, h, x)


@exercise(
    returns=("y",),
    cases=_cases,
    loops=grown(_roads, ("examples", (8, 3, 71), (64, 3, 71)), ("units", (3, 8, 72), (3, 64, 72))),
    mistakes=[
        "The gate is the wrong way round: T multiplies the transformed signal, 1 - T the input.",
        partial(_high, mix=lambda T, h, x: T * x + (1 - T) * h),
        "The carried part is missing: add (1 - T) * x.",
        partial(_high, mix=lambda T, h, x: T * h),
        "This is a gated residual: the input has the factor 1 - T.",
        partial(_high, mix=lambda T, h, x: T * h + x),
        "The gate has no effect: you return h + x, a residual connection.",
        partial(_high, mix=lambda T, h, x: h + x),
        "The gate has no effect: you return the plain ReLU layer.",
        partial(_high, mix=lambda T, h, x: h),
        "The transformed signal has no gate: it is T * h.",
        partial(_high, mix=lambda T, h, x: h + (1 - T) * x),
        "The ReLU is missing from the transformed signal.",
        partial(_high, phi=lambda z: z),
        *(
            (
                f"The transformed signal goes through {name}; this layer has a ReLU.",
                lambda *a, phi=phi: _high(*a, phi=phi),
            )
            for name, phi in [("tanh", torch.tanh), ("the logistic function", torch.sigmoid)]
        ),
        "The logistic function is missing from the gate: T lies between 0 and 1.",
        partial(_high, squash=lambda z: z),
        *(
            (
                f"The gate goes through {name}; it is the logistic function of x W_gate^T + b_gate.",
                lambda *a, squash=squash: _high(*a, squash=squash),
            )
            for name, squash in [
                ("tanh", torch.tanh),
                ("a ReLU", torch.relu),
                ("a softmax", lambda z: z.softmax(dim=1)),
                ("a step from 0 to 1", lambda z: (z > 0).to(z)),
            ]
        ),
        "The gate sees the transformed signal; it sees the input x.",
        partial(_high, gate_in=lambda h: h),
        "Both weight matrices are transposed the wrong way: W is (out, in), so write x @ W.T.",
        partial(_high, transposed=(True, True)),
        "W is transposed the wrong way: it is (out, in), so write x @ W.T.",
        partial(_high, transposed=(True, False)),
        "W_gate is transposed the wrong way: it is (out, in), so write x @ W_gate.T.",
        partial(_high, transposed=(False, True)),
        "The weights are exchanged: W and b make the transformed signal, W_gate and b_gate the gate.",
        lambda x, W, b, Wg, bg: _high(x, Wg, bg, W, b),
        "The gate shares a part of the transformed signal; it has weights and a bias of its own.",
        *(
            lambda x, W, b, Wg, bg, shared=shared: _high(
                x, W, b, W if "W" in shared else Wg, b if "b" in shared else bg
            )
            for shared in ("W", "b", "Wb")
        ),
        "The bias of the gate is missing.",
        lambda x, W, b, Wg, bg: _high(x, W, b, Wg, 0),
        "The bias b of the transformed signal is missing.",
        lambda x, W, b, Wg, bg: _high(x, W, 0, Wg, bg),
        "Both biases are missing.",
        lambda x, W, b, Wg, bg: _high(x, W, 0, Wg, 0),
        "The gate is one number for each example; each unit has its own.",
        partial(_high, mix=lambda T, h, x: T.mean(dim=1, keepdim=True) * h + (1 - T.mean(dim=1, keepdim=True)) * x),
        "The ReLU is applied to the whole mixture; only the transformed signal goes through it.",
        partial(_high, phi=lambda z: z, mix=lambda T, h, x: torch.relu(T * h + (1 - T) * x)),
    ],
    follows=[
        "With open and closed gates it is right; but the gate in between is not sigmoid(x W_gate^T + b_gate).",
        lambda got, *a: _high(*a) if abs(a[4][0]) > 100 else got,
        "With closed gates it is right; with open ones the transformed signal, relu(x W^T + b), should come out.",
        lambda got, *a: _high(*a) if a[4][0] < -100 else got,
        "With open gates it is right, so the transformed signal is; with closed ones x itself should come out.",
        lambda got, *a: _high(*a) if a[4][0] > 100 else got,
    ],
)
def highway(x, W, b, W_gate, b_gate):
    """Exercise 5: a highway layer. The function returns a tensor (N, D)."""

    def layer(weight, bias):
        return np.einsum("nd,md->nm", x.numpy(), weight.numpy()) + bias.numpy()

    z = layer(W_gate, b_gate)
    gate = np.exp(-np.logaddexp(0, -z))
    return torch.from_numpy(x.numpy() + gate * (np.maximum(layer(W, b), 0) - x.numpy()))
