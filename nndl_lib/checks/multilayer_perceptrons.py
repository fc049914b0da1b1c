"""Checks of the exercises to chapter 04, "Multilayer perceptrons". A layer's W is (outputs, inputs)."""

from fractions import Fraction
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import floats, generator, signed_quarters

__all__ = ["collapse", "count_pieces", "forward", "softplus", "table_network"]


def _layers(sizes: list[int], g: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return [(signed_quarters(M, D, g=g), signed_quarters(M, g=g)) for D, M in zip(sizes, sizes[1:])]


# --- 1: forward propagation -----------------------------------------------------------------------------------------


def _networks():
    """Arguments X, layers, slope."""

    def case(N, sizes, slope, note="", hint=""):
        g = generator(1000 * N + sum(sizes) + len(sizes))
        return Case((signed_quarters(N, sizes[0], g=g), _layers(sizes, g), slope), note, hint)

    none = "It goes wrong without a hidden layer: hidden is then (N, 0), for example X.new_zeros(len(X), 0)."
    yield case(1, [1, 1, 1], 0.5, "one example")
    yield case(2, [2, 1], 0.5, "no hidden layer", none)
    yield case(2, [2, 2, 1], 0.25)
    yield case(3, [2, 3, 2], 0.0, "slope 0")
    yield case(3, [2, 2, 2, 2], 0.5, "two hidden layers")
    yield case(1, [3, 2, 4, 3], 0.25, "one example")
    yield case(4, [3, 4, 2, 3, 2], 0.5, "three hidden layers")
    yield case(5, [3, 3, 3, 3], 0.125, "square matrices")
    yield case(4, [2, 2, 2], 0.25, "square matrices")
    steep = "A slope above 1 goes wrong: max(z, slope * z) picks the other branch there. Ask for the sign of z."
    yield case(3, [2, 3, 2], 1.5, "a slope above 1", steep)
    yield case(2, [3, 2, 2], 2.0, "a slope above 1", steep)
    X, layers, slope = case(4, [3, 2, 2], 0.25).inputs
    yield Case((X.float(), [(W.float(), b.float()) for W, b in layers], slope), "float32")


def _pass(
    X,
    layers,
    slope,
    bias=1.0,
    transpose=True,
    last=False,
    below=None,
    above=1.0,
    bend=None,
    out=lambda z: z,
    late=False,
    past=False,
    last_bias=None,
):
    """All (z, h) of a forward pass, with its rules as options, to make mistakes with."""
    h, pairs, below = X.double(), [], slope if below is None else below
    for k, (W, b) in enumerate(layers):
        W, b = W.double(), b.double()
        at_end = k == len(layers) - 1
        source = pairs[-1][0] if past and pairs else h
        z = source @ (W.T if transpose else W) + (bias if last_bias is None or not at_end else last_bias) * b * (
            at_end or not late
        )
        h = torch.where(z > 0, above * z, below * z) if bend is None else bend(z, slope)
        h = out(z) if at_end and not last else h + b * late
        pairs.append((z, h))
    return pairs


def _parts(pairs, X, which=1):
    return torch.cat([X.new_zeros(len(X), 0), *(pair[which] for pair in pairs[:-1])], dim=1), pairs[-1][1]


def _with(**options):
    return lambda X, layers, slope: _parts(_pass(X, layers, slope, **options), X)


def _hidden_as(choose):
    """Right logits, and hidden made of what ``choose`` picks from the list of (z, h)."""

    def answer(X, layers, slope):
        pairs = _pass(X, layers, slope)
        return torch.cat([X.new_zeros(len(X), 0), *choose(X, pairs)], dim=1), pairs[-1][1]

    return answer


@exercise(
    returns=("hidden", "logits"),
    cases=_networks,
    mistakes=[
        "The last layer has no activation function: its pre-activations are the logits.",
        _with(last=True),
        *(
            _with(out=out)
            for out in (
                torch.relu,
                torch.sigmoid,
                torch.tanh,
                lambda z: z.softmax(dim=1),
                lambda z: z.log_softmax(dim=1),
            )
        ),
        "The activation function is another one: leaky ReLU is z where z > 0, and slope times z elsewhere.",
        *(
            _with(bend=bend)
            for bend in (
                lambda z, slope: z.tanh(),
                lambda z, slope: z.sigmoid(),
                lambda z, slope: z.abs(),
                lambda z, slope: z.clamp(min=slope),
                lambda z, slope: torch.nn.functional.elu(z, slope),
                lambda z, slope: torch.nn.functional.leaky_relu(z),
                lambda z, slope: torch.where(z > 0, z, z + slope),
                lambda z, slope: torch.where(z > 0, z, z - slope),
                lambda z, slope: torch.where(z > 0, z, slope),
                lambda z, slope: torch.where(z > 0, z, -slope),
                lambda z, slope: torch.where(z > 0, z, z / slope if slope else 0 * z),
                lambda z, slope: z.relu() + slope * z,
                lambda z, slope: torch.minimum(z, slope * z),
            )
        ),
        "There is no activation function between the layers.",
        _with(below=1.0),
        "slope has no effect: negative pre-activations are multiplied by it, not set to zero.",
        _with(below=0.0),
        "slope belongs to the negative pre-activations; you multiply the positive ones by it.",
        lambda X, layers, slope: _parts(_pass(X, layers, slope, below=1.0, above=slope), X),
        "slope multiplies all pre-activations; the positive ones stay as they are.",
        lambda X, layers, slope: _parts(_pass(X, layers, slope, above=slope), X),
        "The sign is lost: a negative z becomes slope times z, which is negative.",
        lambda X, layers, slope: _parts(_pass(X, layers, slope, below=-slope), X),
        "The bias b is missing, in all layers, in the hidden ones or in the last.",
        _with(bias=0.0),
        _with(bias=0.0, last_bias=1.0),
        _with(last_bias=0.0),
        "You subtract the bias b instead of adding it.",
        _with(bias=-1.0),
        "The bias is added after the activation function; it belongs to the pre-activation z.",
        _with(late=True),
        "A layer is given the pre-activations of the one before; give it the activations.",
        _with(past=True),
        "The matrices are (outputs, inputs): multiply by W.T, also where W is square.",
        _with(transpose=False),
        "hidden holds the pre-activations; the activations are asked for.",
        _hidden_as(lambda X, pairs: [z for z, _ in pairs[:-1]]),
        "hidden holds slopes or marks of who is active; the activations are asked for.",
        _hidden_as(lambda X, pairs: [(h > 0).double() for _, h in pairs[:-1]]),
        "hidden begins with the input; it holds the hidden layers alone.",
        _hidden_as(lambda X, pairs: [X, *(h for _, h in pairs[:-1])]),
        "hidden ends with the logits; the last layer is not hidden.",
        _hidden_as(lambda X, pairs: [h for _, h in pairs]),
        "hidden holds the last hidden layer alone; put all of them side by side.",
        _hidden_as(lambda X, pairs: [pairs[-2][1]] if len(pairs) > 1 else []),
        "hidden holds the first hidden layer alone; put all of them side by side.",
        _hidden_as(lambda X, pairs: [pairs[0][1]] if len(pairs) > 1 else []),
        "hidden has the layers in reverse order; the first layer comes first.",
        _hidden_as(lambda X, pairs: [h for _, h in pairs[:-1]][::-1]),
    ],
)
def forward(X, layers, slope):
    """Exercise 1: forward propagation with leaky ReLU. The function returns (hidden, logits)."""
    modules = []
    for W, b in layers:
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        linear.load_state_dict({"weight": W.double(), "bias": b.double()})
        modules.append(linear)
    h, hidden = X, [X.new_zeros(len(X), 0)]
    with torch.no_grad():
        for module in modules[:-1]:
            hidden.append(h := torch.nn.functional.leaky_relu(module(h), slope))
        return torch.cat(hidden, dim=1), modules[-1](h)


# --- 2: three layers are one ----------------------------------------------------------------------------------------


def _stacks():
    """Arguments W1, b1, W2, b2, W3, b3."""

    def case(sizes, note=""):
        return Case(tuple(part for layer in _layers(sizes, generator(300 + sum(sizes))) for part in layer), note)

    yield case([1, 1, 1, 1], "all widths 1")
    yield case([2, 1, 1, 1], "one unit a layer")
    yield case([1, 2, 2, 1], "one input")
    for sizes in [[2, 2, 2, 2], [3, 3, 3, 3], [4, 4, 4, 4]]:
        yield case(sizes, "square matrices")
    for sizes in [[2, 3, 4, 2], [3, 2, 4, 5], [5, 4, 1, 3], [2, 6, 3, 4]]:
        yield case(sizes, "a narrow layer" if 1 in sizes else "")
    yield Case(tuple(part.float() for part in case([3, 4, 2, 2]).inputs), "float32")


def _b(first, second, third):
    """The right matrix, with a bias made of the parts named, each times its factor."""

    def answer(W1, b1, W2, b2, W3, b3):
        return W3 @ W2 @ W1, first * (W3 @ W2 @ b1) + second * (W3 @ b2) + third * b3

    return answer


def _biases(bias):
    """The right matrix, with another bias."""
    return lambda W1, b1, W2, b2, W3, b3: (W3 @ W2 @ W1, bias(b1, b2, b3, W1, W2, W3))


def _b2_through_both(W1, b1, W2, b2, W3, b3):
    """Where its length allows."""
    return W3 @ W2 @ W1, W3 @ W2 @ (b1 + b2) + b3 if len(b1) == len(b2) else W3 @ W2 @ b1 + b3


@exercise(
    returns=("W", "b"),
    cases=_stacks,
    mistakes=[
        "b1 is missing from b: this first bias passes through the second and the third layer.",
        _b(0, 1, 1),
        "b2 is missing from b: this second bias passes through the third layer.",
        _b(1, 0, 1),
        "b3 is missing from b, or is not added at the end as it is.",
        _b(1, 1, 0),
        _b(1, 1, 2),
        _b(1, 1, -1),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ b1 + b2 + b3)),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ b1 + b2) + W3 @ b3),
        "b is b3 alone; the first two biases pass through the layers that follow them.",
        _b(0, 0, 1),
        "Only one bias is left in b: each of the three passes through the layers after it.",
        _b(1, 0, 0),
        _b(0, 1, 0),
        "b is zero: the biases do not vanish.",
        _b(0, 0, 0),
        "b1 passes through all layers after it: through W2 and then W3. You left one of them out.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W2 @ b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W2 @ b1 + b2 + b3),
        "b2 passes through the third layer, and through no other: multiply it by W3 alone.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ b1 + b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ b1 + W2 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ (b1 + b2) + b3),
        _b2_through_both,
        "b is the sum of the biases; each of them passes through the layers after it.",
        _biases(lambda b1, b2, b3, W1, W2, W3: b1 + b2 + b3),
        "A bias does not pass through its own layer, which multiplies what comes in: W1 multiplies x alone.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ (W1 @ b1) + b2) + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ W1 @ b1 + W3 @ W2 @ b2 + W3 @ b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ (b1 + W1.sum(dim=1)) + b2) + b3),
        "A ReLU or tanh stands between the layers; they are linear here.",
        *(
            _biases(lambda b1, b2, b3, W1, W2, W3, bend=bend: W3 @ bend(W2 @ bend(b1) + b2) + b3)
            for bend in (torch.relu, torch.tanh)
        ),
        "Not all three matrices are in W: the product is W3 @ W2 @ W1.",
        *(
            lambda W1, b1, W2, b2, W3, b3, of=of: (of(W1, W2, W3), W3 @ (W2 @ b1 + b2) + b3)
            for of in (
                lambda W1, W2, W3: W3 @ W2,
                lambda W1, W2, W3: W2 @ W1,
                lambda W1, W2, W3: W1 + W2 + W3,
                lambda W1, W2, W3: W3 @ W1,
            )
        ),
        "The order is reversed: the layer that is applied first stands on the right, W3 @ W2 @ W1.",
        lambda W1, b1, W2, b2, W3, b3: (W1 @ W2 @ W3, W3 @ (W2 @ b1 + b2) + b3),
        "The order is reversed, in W and in b: the layer that is applied first stands on the right.",
        lambda W1, b1, W2, b2, W3, b3: (W1 @ W2 @ W3, W1 @ (W2 @ b3 + b2) + b1),
        "W is transposed: it is (outputs, inputs), like the three.",
        lambda W1, b1, W2, b2, W3, b3: ((W3 @ W2 @ W1).T, W3 @ (W2 @ b1 + b2) + b3),
        "You multiply entry by entry; the product of matrices is @.",
        lambda W1, b1, W2, b2, W3, b3: (W3 * W2 * W1, W3 @ (W2 @ b1 + b2) + b3),
    ],
)
def collapse(W1, b1, W2, b2, W3, b3):
    """Exercise 2: one linear layer for three. The function returns (W, b), of shapes (M3, D) and (M3,)."""

    # By asking the three layers: b is what they make of 0, and a column of W what they make of a unit vector, less b.
    def three(x):
        return torch.nn.functional.linear(
            torch.nn.functional.linear(torch.nn.functional.linear(x, W1, b1), W2, b2), W3, b3
        )

    b = three(torch.zeros(W1.shape[1], dtype=W1.dtype))
    return (three(torch.eye(W1.shape[1], dtype=W1.dtype)) - b).T, b


# --- 3: softplus ----------------------------------------------------------------------------------------------------


def _pre_activations():
    """Arguments z, beta."""
    both = "For large z, of either sign, it overflows: keep exponents at or below 0, as in exp(-abs(u))."
    yield Case((floats(0.0), 1.0), "zero")
    yield Case((floats(1.5), 1.0))
    yield Case((floats(-1.0, 2.0), 2.0), "sharpness 2")
    yield Case((floats(0.5, -0.75, 3.0), 0.5), "sharpness 0.5")
    yield Case((floats([1.0, -2.0], [0.25, -0.25]), 4.0), "a matrix")
    yield Case((signed_quarters(6, g=generator(400)), 3.0))
    yield Case((floats(-6.0, -12.0, -18.0, -22.0, -35.0), 1.0), "h is small, and not 0")
    yield Case((floats(5.5, 7.5), 2.0))
    yield Case((floats(30.0, -30.0), 1.0), "z = 30 and -30", both)
    yield Case((floats(1e4), 1.0), "z = 10 000", both)
    yield Case((floats(-1e4), 1.0), "z = -10 000", both)
    yield Case((floats(1e4, -1e4, 1.0), 10.0), "z = 10 000 and -10 000", both)
    yield Case((torch.tensor([0.5, -1.25, 1e4]), 2.0), "float32", both)


def _log1pexp(u):
    return torch.logaddexp(u, torch.zeros_like(u))


@exercise(
    returns=("h", "slope"),
    cases=_pre_activations,
    without=DERIVATIVES,
    mistakes=[
        "h is not divided by beta.",
        lambda z, beta: (_log1pexp(beta * z), torch.sigmoid(beta * z)),
        lambda z, beta: (beta * _log1pexp(beta * z), torch.sigmoid(beta * z)),
        lambda z, beta: ((beta * z).clamp(min=0) + _log1pexp(-(beta * z).abs()) / beta, torch.sigmoid(beta * z)),
        "h is not divided by beta, and slope has a beta too many: the two go together.",
        lambda z, beta: (_log1pexp(beta * z), beta * torch.sigmoid(beta * z)),
        "slope has a beta too many: the inner derivative cancels the 1 / beta.",
        lambda z, beta: (_log1pexp(beta * z) / beta, beta * torch.sigmoid(beta * z)),
        "slope is beta times too small: the inner derivative, beta, cancels the 1 / beta.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(beta * z) / beta),
        "beta has no effect: multiply z by it first, and divide h by it.",
        lambda z, beta: (_log1pexp(z), torch.sigmoid(z)),
        "beta is missing in the exponent: z is multiplied by it first, in h and in slope.",
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(z) / beta),
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(z)),
        "You divide z by beta; multiply by it: a large beta makes the bend sharp.",
        *(
            lambda z, beta, power=power, more=more: (
                _log1pexp(z / beta) * beta**power,
                torch.sigmoid(z / beta) * beta**more,
            )
            for power in (-1, 0, 1)
            for more in (-1, 0, 1)
        ),
        "beta is missing from slope: it is the logistic function of beta z.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(z)),
        "beta is missing inside the exponential of h.",
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(beta * z)),
        lambda z, beta: (z.clamp(min=0) + _log1pexp(-z.abs()) / beta, torch.sigmoid(beta * z)),
        "h is log(1 + exp(u)) / beta, or (max(u, 0) + log(1 + exp(-|u|))) / beta: one of the parts is wrong.",
        *(
            lambda z, beta, of=of: (of(beta * z) / beta, torch.sigmoid(beta * z))
            for of in (
                lambda u: _log1pexp(-u.abs()),
                lambda u: u.abs() + _log1pexp(-u.abs()),
                lambda u: u + _log1pexp(-u.abs()),
                lambda u: u.clamp(max=0) + _log1pexp(-u.abs()),
                lambda u: u,
                lambda u: u.clamp(-50, 50),
                lambda u: _log1pexp(u) - np.log(2),
            )
        ),
        lambda z, beta: (_log1pexp(beta * z) / beta - np.log(2), torch.sigmoid(beta * z)),
        "The exponent in h has the wrong sign: exp(-|u|) is never above 1, exp(|u|) is infinite for large u.",
        lambda z, beta: (
            ((beta * z).clamp(min=0) + torch.log1p((beta * z).abs().exp())) / beta,
            torch.sigmoid(beta * z),
        ),
        lambda z, beta: (((beta * z).clamp(min=0) + _log1pexp((beta * z).abs())) / beta, torch.sigmoid(beta * z)),
        "h is cut off: to 0 for negative z, or to z for positive ones, where softplus is still another number.",
        *(
            lambda z, beta, low=low, high=high: (
                torch.where(beta * z > high, z, torch.where(beta * z < low, 0 * z, _log1pexp(beta * z) / beta)),
                torch.sigmoid(beta * z),
            )
            for low, high in (
                (-5, 10),
                (-10, 10),
                (-5, 5),
                (-20, 10),
                (-20, 20),
                (-10, 20),
                (-50, 10),
                (-1e9, 5),
                (-1e9, 10),
                (-5, 1e9),
                (-10, 1e9),
                (-20, 1e9),
                (-20, 30),
            )
        ),
        "h is the ReLU; softplus is smooth, and log(2) / beta at 0.",
        lambda z, beta: (z.clamp(min=0), torch.sigmoid(beta * z)),
        "You compute the ReLU and its slope; softplus is smooth.",
        lambda z, beta: (z.clamp(min=0), (z > 0).to(z.dtype)),
        "slope is that of the ReLU, 0 or 1; softplus has a smooth one.",
        lambda z, beta: (_log1pexp(beta * z) / beta, (z > 0).to(z.dtype)),
        "slope is the derivative of the logistic function; the derivative of softplus is the logistic function itself.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(beta * z) * torch.sigmoid(-beta * z)),
        lambda z, beta: (_log1pexp(beta * z) / beta, beta * torch.sigmoid(beta * z) * torch.sigmoid(-beta * z)),
        "slope has the wrong side: it goes to 1 for large z and to 0 for very negative z.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(-beta * z)),
        "slope is the same for z and -z, or a tanh; it goes from 0 to 1: 1 / (1 + exp(-u)), or exp(u) / (1 + exp(u)).",
        *(
            lambda z, beta, of=of: (_log1pexp(beta * z) / beta, of(beta * z))
            for of in (
                torch.tanh,
                lambda u: (-u.abs()).sigmoid(),
                lambda u: u.abs().sigmoid(),
                lambda u: 1 / (1 + u.abs().exp()),
            )
        ),
        "The sign of z is wrong: h grows with z.",
        lambda z, beta: (_log1pexp(-beta * z) / beta, torch.sigmoid(-beta * z)),
        "h has a logarithm to base 2 or 10; the natural one is meant, torch.log or torch.log1p.",
        lambda z, beta: (_log1pexp(beta * z) / beta / np.log(2), torch.sigmoid(beta * z)),
        lambda z, beta: (_log1pexp(beta * z) / beta / np.log(10), torch.sigmoid(beta * z)),
    ],
)
def softplus(z, beta):
    """Exercise 3: softplus with a sharpness, and its slope. The function returns (h, slope), both in the shape of z."""
    u = beta * z.numpy()
    return torch.from_numpy(np.logaddexp(u, 0.0) / beta), torch.from_numpy(0.5 * (1 + np.tanh(u / 2)))


# --- 4: a table as a network ----------------------------------------------------------------------------------------


def _signs(D: int) -> Tensor:
    return 2.0 * ((torch.arange(2**D)[:, None] >> torch.arange(D - 1, -1, -1)) & 1).double() - 1


def _tables():
    """Arguments rows, answers."""
    yield Case((_signs(1), floats(-1.0, 1.0)), "one bit")
    yield Case((_signs(1), floats(1.0, -1.0)), "NOT")
    yield Case((_signs(2), floats(-1.0, 1.0, 1.0, -1.0)), "XOR")
    yield Case((_signs(2), floats(-1.0, -1.0, -1.0, 1.0)), "AND")
    empty = "It goes wrong where no answer is 1: the network then has no hidden unit, and W has shape (0, D)."
    yield Case((_signs(2), -torch.ones(4).double()), "no answer is 1", empty)
    yield Case((_signs(2), torch.ones(4).double()), "all answers are 1")
    for D in [3, 4]:
        g = generator(500 + D)
        yield Case((_signs(D), 2.0 * torch.randint(0, 2, (2**D,), generator=g).double() - 1), f"{D} bits")
    order = torch.randperm(8, generator=generator(510))
    answers = 2.0 * torch.randint(0, 2, (8,), generator=generator(511)).double() - 1
    yield Case((_signs(3)[order], answers), "rows in another order")
    yield Case((_signs(2).float(), torch.tensor([1.0, 1.0, -1.0, 1.0])), "float32")


def _table(rows, answers, keep=1.0, weights=lambda a: a, bias=lambda a: 1.0 - a.shape[1], v=2.0, c=-1.0):
    W = rows if keep is None else rows[answers == keep]
    b = torch.ones(len(W), dtype=rows.dtype) * bias(W)
    return weights(W), b, torch.ones_like(b) * v, c


def _bits_0_and_1(rows, answers, extra):
    W = (rows[answers == 1] + 1) / 2
    b = extra - W.sum(dim=1)
    return W, b, torch.full_like(b, 2.0), -1.0


def _table_with(**options):
    return lambda rows, answers: _table(rows, answers, **options)


@exercise(
    returns=("W", "b", "v", "c"),
    cases=_tables,
    mistakes=[
        "The hidden units belong to the rows with answer -1; take those with answer 1.",
        _table_with(keep=-1.0),
        "There is a unit for every row; take the rows with answer 1 alone.",
        _table_with(keep=None),
        "There is a unit for every row, with the answers as output weights; take the rows with answer 1 alone.",
        lambda rows, answers: (*_table(rows, answers, keep=None)[:2], answers, 0.0),
        "b is not halfway: with -D the unit is at z = 0 on its own row. The next largest sum is D - 2.",
        _table_with(bias=lambda a: -a.shape[1]),
        "b is not halfway: 1/2 - D is right for bits 0 and 1. With -1 and 1, one wrong bit costs 2.",
        _table_with(bias=lambda a: 0.5 - a.shape[1]),
        "b counts the ones of a row, or adds up its bits; with weights of -1 and 1 the sum is D on a row's own unit.",
        *(
            _table_with(bias=lambda a, of=of: of(a))
            for of in (
                lambda a: -a.sum(dim=1),
                lambda a: 1 - a.sum(dim=1),
                lambda a: 0.5 - a.sum(dim=1),
                lambda a: 2 - a.sum(dim=1),
                lambda a: -(a > 0).sum(dim=1),
                lambda a: 1 - (a > 0).sum(dim=1),
            )
        ),
        "b is made of another number than D, the number of bits: halfway between D and D - 2 lies D - 1.",
        *(
            lambda rows, answers, of=of: _table(rows, answers, bias=lambda a: of(len(rows), a.shape[1], len(a)))
            for of in (
                lambda n, D, H: 1 - n,
                lambda n, D, H: 1 - H,
                lambda n, D, H: -D / 2,
                lambda n, D, H: -n,
                lambda n, D, H: (1 - D) / 2,
                lambda n, D, H: -(D - 1) / D,
            )
        ),
        "b is not halfway: it has the sum of a row with one wrong bit, D - 2, at z = 0.",
        _table_with(bias=lambda a: 2.0 - a.shape[1]),
        "b has the wrong sign: on its own row the sum is D, and z must be just above 0.",
        _table_with(bias=lambda a: a.shape[1] - 1.0),
        "b is that of chapter 4, where bits are 0 and 1: here the sum on its own row is D, not the number of ones.",
        _table_with(bias=lambda a: 0.5 - (a > 0).sum(dim=1)),
        "There is no bias: a sum over several bits can be positive on other rows too.",
        _table_with(bias=lambda a: 0.0),
        "The weights are -1 or 1, the bits of the own row; yours are 0 and 1, with a bias to match, as in chapter 4.",
        partial(_bits_0_and_1, extra=0.5),
        partial(_bits_0_and_1, extra=1.0),
        partial(_bits_0_and_1, extra=0.0),
        "W has the weights of bits 0 and 1, 2 a - 1; the rows have -1 and 1 already.",
        _table_with(weights=lambda a: 2 * a - 1),
        "W has zeros for the bits that are -1; such a unit does not see them.",
        _table_with(weights=lambda a: (a + 1) / 2),
        "W has the wrong sign: a unit should have its largest sum on its own row.",
        _table_with(weights=lambda a: -a),
        "The output is 0 or 1; it should be -1 or 1. Choose v and c so.",
        _table_with(v=1.0, c=0.0),
        _table_with(v=1.0, c=-0.5),
        "v is too small: from -1 to 1 the output has to rise by 2.",
        _table_with(v=1.0),
        "c is wrong: where no unit fires the output is c alone, and should be -1.",
        _table_with(c=0.0),
        _table_with(c=1.0),
        lambda rows, answers: (*_table(rows, answers)[:3], 1.0 - float((answers > 0).sum())),
        _table_with(c=-2.0),
        "The output has the wrong sign: where no unit fires it should be -1.",
        _table_with(v=-2.0, c=1.0),
    ],
)
def table_network(rows, answers):
    """Exercise 4: a threshold network for a table with bits -1 and 1. The function returns (W, b, v, c)."""
    sums = rows @ rows.T  # what the unit of each row makes of each row
    largest = sums.sort(dim=1, descending=True).values
    halfway = (largest[:, 0] + largest[:, 1]) / 2
    own = [n for n in range(len(rows)) if answers[n] > 0]
    return rows[own], -halfway[own], torch.full((len(own),), 2.0, dtype=rows.dtype), -1.0


# --- 5: straight pieces ---------------------------------------------------------------------------------------------


def _broken_lines():
    """Arguments w, b, v, low, high."""

    def case(w, b, v, low, high, note="", hint=""):
        return Case((*(torch.tensor(part, dtype=torch.float64) for part in (w, b, v)), low, high), note, hint)

    zero = "A unit with w = 0 goes wrong: it is constant and has no kink, so leave it out before you divide."
    yield case([1], [-1], [1], 0.0, 2.0, "one unit")
    yield case([-2], [1], [3], 0.0, 2.0, "a negative weight")
    yield case([1], [-3], [1], 0.0, 2.0, "a kink outside")
    yield case([1], [-2], [1], 0.0, 2.0, "a kink on the border")
    yield case([2], [1], [3], -0.5, 2.0, "a kink on the border")
    yield case([2, 1], [-2, -1], [1, -1], 0.0, 2.0, "two kinks at one place")
    yield case([4, -1, 1], [-4, 0.5, -1], [2, 1, -2], 0.0, 2.0, "two kinks at one place")
    near = "Kinks that lie close together are taken for one: compare them exactly, as they are."
    yield case([1, 2], [-0.5, -1.0625], [1, 1], 0.0, 2.0, "two kinks close together", near)
    yield case([1, 1, 2], [-0.5, -0.515625, -3], [1, 2, 1], 0.0, 2.0, "two kinks close together", near)
    yield case([1, 1], [-0.5, -1], [1, -1], 0.0, 2.0)
    yield case([1, 2], [-1, -2], [1, 1], 0.0, 2.0, "two kinks at one place")
    yield case([1, -1], [-1, 1], [1, -1], 0.0, 2.0, "kinks that cancel")
    yield case([2, 1, 1], [-2, -1, -1.5], [1, -2, 1], 0.0, 2.0, "kinks that cancel")
    yield case([1, 1], [-1, -1.5], [0, 1], 0.0, 2.0, "v = 0")
    yield case([0, 1], [1, -1], [5, 1], 0.0, 2.0, "w = 0", zero)
    yield case([0, 1, 0], [0, -1, -1], [1, 1, 2], -1.0, 2.0, "w = 0", zero)
    yield case([1, -1, 1, 1, 2], [0, 1, -0.25, -3, -1], [1, 2, -1, 1, 1], -1.0, 1.5)
    for seed in range(4):
        g = generator(600 + seed)
        w = 2.0 ** torch.randint(-1, 2, (6,), generator=g).double() * (2 * torch.randint(0, 2, (6,), generator=g) - 1)
        yield Case((w, signed_quarters(6, g=g), signed_quarters(6, g=g), -1.0, 1.0))
    w, b, v = (torch.tensor(part) for part in ([1.0, 2.0], [-0.5, -3.0], [1.0, 1.0]))
    yield Case((w, b, v, 0.0, 2.0), "float32")


def _pieces(
    w,
    b,
    v,
    low,
    high,
    rise=lambda w, v: v * abs(w),
    kink=lambda w, b: -b / w,
    inside=None,
    merge=True,
    cancel=True,
    plus=1,
):
    """The count, with its rules as options, to make mistakes with."""
    inside = inside or (lambda x: low < x < high)
    bends = {}
    for number, (w_k, b_k, v_k) in enumerate(zip(w.tolist(), b.tolist(), v.tolist())):
        if w_k != 0 and inside(kink(w_k, b_k)):
            place = kink(w_k, b_k) if merge else number
            bends[place] = bends.get(place, 0.0) + rise(w_k, v_k)
    return plus + sum(1 for change in bends.values() if change != 0 or not cancel)


def _slopes_at_kinks(w, b, v, low, high):
    """Counts the kinks of a sum in which each unit is taken with v alone."""
    return _pieces(w, b, v, low, high, rise=lambda w, v: v)


@exercise(
    returns=("pieces",),
    cases=_broken_lines,
    mistakes=[
        "You count the kinks; there is one piece more than kinks.",
        partial(_pieces, plus=0),
        "There is a piece too many.",
        partial(_pieces, plus=2),
        "You return n + 1, the largest number there can be; look at where the kinks are.",
        lambda w, *a: len(w) + 1,
        "Kinks outside of the interval count too; leave them out.",
        partial(_pieces, inside=lambda x: True),
        "A kink on the border, low or high, counts; it should not.",
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low <= x <= high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low <= x < high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: low < x <= high),
        "Only one end of the interval is looked at, or another one: a kink lies between low and high.",
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: x < high),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: x > low),
        lambda w, b, v, low, high: _pieces(w, b, v, low, high, inside=lambda x: 0 < x < high),
        "Units with their kink at the same place count more than once; add up what they do to the slope there.",
        partial(_pieces, merge=False),
        "Kinks that cancel each other, or have v = 0, count; a place without a change of slope is no kink.",
        partial(_pieces, cancel=False),
        "Every unit counts for itself, also with v = 0 or at a place that it shares with another.",
        partial(_pieces, merge=False, cancel=False),
        "The change of slope is v times the absolute value of w; you take v w with the sign of w.",
        partial(_pieces, rise=lambda w, v: v * w),
        "The change of slope is v times the absolute value of w; you take v, w or a sign alone.",
        _slopes_at_kinks,
        partial(_pieces, rise=lambda w, v: v * (w > 0) - v * (w < 0)),
        partial(_pieces, rise=lambda w, v: w),
        "You take the absolute value of v, so that no two kinks can cancel; the bend is v times |w|.",
        partial(_pieces, rise=lambda w, v: abs(v * w)),
        "You count units: those that are active at an end, or have v != 0; count the places where the slope changes.",
        lambda w, b, v, low, high: 1 + int((w * high + b > 0).sum()),
        lambda w, b, v, low, high: 1 + int((w * low + b > 0).sum()),
        lambda w, b, v, low, high: 1 + int((v != 0).sum()),
        lambda w, b, v, low, high: 1 + int(((v != 0) & (w != 0)).sum()),
        "The kink is at -b / w; you have the other sign.",
        partial(_pieces, kink=lambda w, b: b / w),
        "The kink is at -b / w, where w x + b is 0; yours is at another place.",
        partial(_pieces, kink=lambda w, b: -b),
        partial(_pieces, kink=lambda w, b: -b / abs(w)),
        partial(_pieces, kink=lambda w, b: -w / b if b else float("inf")),
        partial(_pieces, kink=lambda w, b: b),
        partial(_pieces, kink=lambda w, b: -b // w),
        partial(_pieces, kink=lambda w, b: -b * w),
        "Units with a negative w have a kink as well.",
        lambda w, b, v, low, high: _pieces(w.clamp(min=0), b, v, low, high),
    ],
)
def count_pieces(w, b, v, low, high):
    """Exercise 5: the straight pieces of a ReLU network with one hidden layer. The function returns a whole number."""
    # In fractions: the slope in the middle of each interval between neighboring kinks; how often does it change?
    units = [tuple(Fraction(value) for value in unit) for unit in zip(w.tolist(), b.tolist(), v.tolist())]
    kinks = {-b / w for w, b, _ in units if w} | {Fraction(low), Fraction(high)}
    ends = sorted(x for x in kinks if low <= x <= high)
    middles = [(p + q) / 2 for p, q in zip(ends, ends[1:])]
    slopes = [sum(w * v for w, b, v in units if w * x + b > 0) for x in middles]
    return 1 + sum(p != q for p, q in zip(slopes, slopes[1:]))
