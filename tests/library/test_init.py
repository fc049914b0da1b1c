"""nndl_lib.nn.init against torch.nn.init, bit by bit from one seed; and the schemes that are the book's own."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import nn
from nndl_lib.nn import init

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=25, database=None)
seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from([(1, 1), (3, 5), (5, 3), (4, 4), (2, 3, 3), (3, 2, 3, 2)])
F64 = {"dtype": torch.float64}
DRAWS = {
    "uniform_": [{}, {"a": -2.0, "b": 0.5}, {"a": 1.0, "b": 1.0}],
    "normal_": [{}, {"mean": 3.0, "std": 0.5}, {"std": 0.0}],
    "xavier_uniform_": [{}, {"gain": 5 / 3}],
    "xavier_normal_": [{}, {"gain": 5 / 3}],
    "orthogonal_": [{}, {"gain": 2.0}],
}
for _name in ("kaiming_uniform_", "kaiming_normal_"):
    DRAWS[_name] = [
        *({}, {"a": 0.3}, {"mode": "fan_out"}, {"nonlinearity": "relu"}),
        *({"nonlinearity": "tanh", "mode": "fan_out"}, {"a": 0.2, "nonlinearity": "leaky_relu"}),
    ]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message, function, *arguments, **options):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        function(*arguments, **options)


@pytest.mark.parametrize("name", DRAWS)
@checks
@given(shape=shapes, seed=seeds, double=st.booleans(), data=st.data())
def test_draws_are_torchs_bit_by_bit(name, shape, seed, double, data):
    options = data.draw(st.sampled_from(DRAWS[name]))
    dtype = torch.float64 if double else torch.float32
    found, expected = torch.nn.Parameter(torch.zeros(shape, dtype=dtype)), torch.zeros(shape, dtype=dtype)
    assert getattr(init, name)(found, **options, generator=rng(seed)) is found
    getattr(torch.nn.init, name)(expected, **options, generator=rng(seed))
    assert torch.equal(found.detach(), expected) and found.is_leaf and found.requires_grad
    # Without a generator from the global one.
    torch.manual_seed(seed)
    getattr(init, name)(found, **options)
    assert torch.equal(found.detach(), expected)


def test_constants():
    p = torch.nn.Parameter(torch.ones(2, 3))
    assert init.zeros_(p) is p and p.eq(0).all()
    assert init.constant_(p, 0.5) is p and p.eq(0.5).all() and p.is_leaf
    assert init.zeros_(torch.ones(3)).eq(0).all()


@pytest.mark.parametrize(
    "name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "conv1d", "conv2d", "conv3d"]
)
def test_gains_are_torchs(name):
    assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    if name == "leaky_relu":
        for slope in (0.0, 0.3, 1, -0.5):
            assert init.calculate_gain(name, slope) == torch.nn.init.calculate_gain(name, slope)
    assert init.calculate_gain("identity") == 1


def test_gains_refuse():
    known = "'tanh', 'relu', 'selu', 'linear', 'identity', 'sigmoid', 'conv1d', 'conv2d', 'conv3d' or 'leaky_relu'"
    refused(f"calculate_gain: nonlinearity is 'rely'; expected {known}", init.calculate_gain, "rely")
    for param in (True, math.nan, "0.1"):
        with pytest.raises(ValueError, match=f"calculate_gain: param is {param!r}; expected"):
            init.calculate_gain("leaky_relu", param)


def test_signals_keep_their_size():
    # He's scheme for ReLU, Xavier's for linear units: mean squares over 30 layers stay within a factor of 3.
    X = torch.randn(200, 300, generator=rng(1), **F64)
    for scheme, activation in ((init.kaiming_normal_, torch.relu), (init.xavier_normal_, lambda z: z)):
        h = X
        for k in range(30):
            h = activation(h @ scheme(torch.empty(300, 300, **F64), generator=rng(k)).T)
        factor = 2 if activation is torch.relu else 1
        assert 1 / 3 < factor * h.square().mean().item() < 3


WEIGHTS = [
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "unit_directions_",
]


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_is_no_weight(name):
    for shape in ((), (3,), (0, 3), (3, 0)):
        least = ", with sizes of at least 1" if 0 in shape else ""
        message = f"{name}: tensor has shape {shape}; expected (out, in, ...){least}"
        refused(message, getattr(init, name), torch.zeros(shape))
    message = f"{name}: tensor is torch.int64; expected a floating-point dtype"
    refused(message, getattr(init, name), torch.ones(2, 3).long())


def test_draws_refuse():
    w = torch.zeros(2, 3)
    refused("uniform_: a is nan; expected a finite number", init.uniform_, w, math.nan, 1.0)
    refused("uniform_: b is inf; expected a finite number", init.uniform_, w, 0.0, math.inf)
    for a, words in ((1.0, "but found from=1 > to=0"), (-math.inf, "from is out of bounds")):  # by torch
        with pytest.raises(RuntimeError, match=words):
            init.uniform_(w, a, 0.0)
    for std in (-1, math.nan, math.inf):
        refused(f"normal_: std is {std}; expected a finite number of at least 0", init.normal_, w, std=std)
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        refused(f"{name}: mode is 'fan'; expected 'fan_in' or 'fan_out'", getattr(init, name), w, mode="fan")
        with pytest.raises(ValueError, match="calculate_gain: nonlinearity is 'elu'"):
            getattr(init, name)(w, nonlinearity="elu")
    assert w.eq(0).all()


def test_a_generator_of_another_device():
    # On a machine without an accelerator the device of no values stands for it.
    for name in ("normal_", "uniform_", "kaiming_normal_", "unit_directions_", "orthogonal_"):
        w = torch.empty(3, 4, device="meta")
        assert getattr(init, name)(w, generator=rng()) is w


# --- the book's own ---


@checks
@given(shape=shapes, seed=seeds)
def test_unit_directions(shape, seed):
    w = init.unit_directions_(torch.nn.Parameter(torch.zeros(shape, **F64)), generator=rng(seed)).detach()
    close(torch.linalg.vector_norm(w.flatten(1), dim=1), torch.ones(shape[0], **F64))
    drawn = torch.randn(shape, generator=rng(seed), **F64) if w.numel() < 16 else None
    if drawn is not None:
        close(w, torch.nn.functional.normalize(drawn.flatten(1), dim=1).reshape(shape))


def test_unit_directions_are_uniform():
    w = init.unit_directions_(torch.empty(20000, 2, **F64), generator=rng())
    angles = torch.atan2(w[:, 1], w[:, 0])
    counts = torch.histc(angles, bins=8, min=-math.pi, max=math.pi)
    assert counts.min() > 2300 and counts.max() < 2700  # 2500 each; four standard deviations are 190


@checks
@given(M=st.integers(1, 6), D=st.integers(1, 4), N=st.integers(1, 9), seed=seeds)
def test_spread_hinges(M, D, N, seed):
    w, X = torch.randn(M, D, generator=rng(seed), **F64), torch.randn(N, D, generator=rng(seed + 1), **F64)
    layer = nn.Linear(D, M, **F64)
    with torch.no_grad():
        layer.weight.copy_(w)
    assert init.spread_hinges_(layer.weight, layer.bias, X, rng(seed)) is layer.bias
    assert torch.equal(layer.weight, w) and layer.bias.requires_grad
    # Each unit is 0 at one of the examples at least.
    assert (layer(X).abs().amin(dim=0) < 1e-12).all()
    rows = torch.randint(N, (M,), generator=rng(seed))
    close(layer.bias.detach(), -(w * X[rows]).sum(dim=1))
    again = init.spread_hinges_(layer.weight, torch.zeros(M, **F64), X, rng(seed))
    assert torch.equal(again, layer.bias)


def test_hinges_lie_where_the_data_are():
    # Inputs from 5 to 6: with biases of 0 no ReLU bends there, and half of them never work.
    X = 5 + torch.rand(500, 1, generator=rng(), **F64)
    w = init.unit_directions_(torch.empty(400, 1, **F64), generator=rng(1))
    b = init.spread_hinges_(w, torch.zeros(400, **F64), X, rng(2))
    hinges = -b / w[:, 0]
    counts = torch.histc(hinges, bins=4, min=5, max=6)
    assert counts.sum() == 400 and counts.min() > 60


def test_spread_hinges_refuses():
    w, b, X = torch.zeros(4, 3), torch.zeros(4), torch.zeros(5, 3)
    for bad in (
        (w, torch.zeros(3), X),
        (w, b, X[:, :2]),
        (w, b, X[:0]),
        (w[0], b, X),
        (w, b, X[0]),
        (w, b[:, None], X),
    ):
        shapes = [tuple(part.shape) for part in bad]
        least = ", with sizes of at least 1" if len(bad[2]) == 0 else ""
        message = (
            f"spread_hinges_: weight has shape {shapes[0]}, bias {shapes[1]} and X {shapes[2]}; "
            f"expected weight (M, D), bias (M,) and X (N, D){least}"
        )
        refused(message, init.spread_hinges_, *bad)
    found = "weight is torch.float32, bias is torch.float32 and X is torch.float64"
    message = f"spread_hinges_: {found}; expected one floating-point dtype for all"
    refused(message, init.spread_hinges_, w, b, X.double())


# --- initialize ---


def test_initialize():
    model = nn.MLP([4, 5, 3], generator=rng(5), **F64)
    assert init.initialize(model, init.kaiming_normal_, nonlinearity="tanh", generator=rng(1)) is model
    generator = rng(1)
    for layer in (model[0], model[2]):
        expected = init.kaiming_normal_(torch.empty_like(layer.weight), nonlinearity="tanh", generator=generator)
        assert torch.equal(layer.weight, expected) and layer.bias.eq(0).all() and layer.weight.is_leaf
    init.initialize(model, init.zeros_, bias=0.25)
    assert model[0].weight.eq(0).all() and model[2].bias.eq(0.25).all()
    init.initialize(model, init.orthogonal_, bias=None)
    assert model[2].bias.eq(0.25).all()
    for layer in (nn.Linear(3, 2, bias=False), torch.nn.Embedding(3, 2)):  # the one has no bias, the other knows none
        assert init.initialize(layer, init.zeros_).weight.eq(0).all()


def test_initialize_leaves_norms_and_gates():
    model = torch.nn.Sequential(nn.Highway(4, norm=nn.LayerNorm), nn.BatchNorm1d(4), torch.nn.Conv1d(4, 2, 3))
    init.initialize(model, init.constant_, val=0.5, bias=7.0)
    assert model[0].transform[0].weight.eq(0.5).all() and model[0].gate.weight.eq(0.5).all()
    assert model[0].gate.bias.eq(-2).all() and model[0].transform[0].bias.eq(7).all()
    for norm in (model[0].transform[1], model[1]):
        assert norm.weight.eq(1).all() and norm.bias.eq(0).all()
    assert model[2].weight.eq(0.5).all() and model[2].bias.eq(7).all()


def test_initialize_sets_lengths_and_directions():
    layer = nn.weight_norm(nn.Linear(4, 3, **F64))
    init.initialize(torch.nn.Sequential(layer), init.xavier_normal_, generator=rng(1))
    expected = init.xavier_normal_(torch.empty(3, 4, **F64), generator=rng(1))
    close(layer.weight.detach(), expected)
    close(layer.parametrizations.weight.original0.detach(), torch.linalg.vector_norm(expected, dim=1, keepdim=True))


def test_initialize_refuses():
    message = "initialize: Sequential has no weight (out, in); expected at least one"
    refused(message, init.initialize, torch.nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3)), init.zeros_)
