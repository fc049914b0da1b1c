"""Exercise 1: forward propagation."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, signed_quarters
from nndl_lib.checks.multilayer_perceptrons._common import _layers


def _cases():
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
    cases=_cases,
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
            h = torch.nn.functional.leaky_relu(module(h), slope)
            hidden.append(h)
        return torch.cat(hidden, dim=1), modules[-1](h)
