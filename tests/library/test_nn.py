"""nndl_lib.nn against torch.nn: parameters, state, outputs and gradients, weight for weight."""

import copy
import math
import pickle
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import functional, nn

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=20, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}
# Each module of the library and torch's.
PAIRS = {
    "Identity": (nn.Identity, torch.nn.Identity),
    "Sigmoid": (nn.Sigmoid, torch.nn.Sigmoid),
    "Tanh": (nn.Tanh, torch.nn.Tanh),
    "ReLU": (nn.ReLU, torch.nn.ReLU),
    "LeakyReLU": (nn.LeakyReLU, torch.nn.LeakyReLU),
    "ELU": (nn.ELU, torch.nn.ELU),
    "Softplus": (nn.Softplus, torch.nn.Softplus),
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def torchs(sizes, activation=torch.nn.ReLU):
    """The same network made of torch's modules."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs, **F64), activation()]
    return torch.nn.Sequential(*layers[:-1])


# --- the linear layer ---


@checks
@given(D=st.integers(1, 5), M=st.integers(1, 5), bias=st.booleans(), rows=st.sampled_from([(), (1,), (4,), (2, 3)]))
def test_linear_equals_torchs(D, M, bias, rows):
    layer, oracle = nn.Linear(D, M, bias=bias, **F64), torch.nn.Linear(D, M, bias=bias, **F64)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        name: p.shape for name, p in oracle.named_parameters()
    }
    oracle.load_state_dict(layer.state_dict())
    x = torch.randn(*rows, D, generator=rng(D), **F64)
    found, expected = layer(x), oracle(x)
    assert found.shape == (*rows, M)
    close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for one, other in zip(layer.parameters(), oracle.parameters(), strict=True):
        close(one.grad, other.grad)


def test_linear_draws_from_torchs_distribution():
    # The same numbers as torch's, drawn in the same order from the same seed.
    torch.manual_seed(5)
    expected = torch.nn.Linear(7, 3)
    torch.manual_seed(5)
    found = nn.Linear(7, 3)
    torch.testing.assert_close(found.weight, expected.weight, rtol=1e-6, atol=0)
    torch.testing.assert_close(found.bias, expected.bias, rtol=1e-6, atol=0)
    # And uniform on its range, whose ends are reached to a thousandth.
    layer = nn.Linear(25, 4000, generator=rng(), **F64)
    for values in (layer.weight, layer.bias):
        assert values.abs().max() <= 0.2
        assert values.min().item() == pytest.approx(-0.2, abs=1e-3) and values.max().item() == pytest.approx(
            0.2, abs=1e-3
        )
        assert values.std().item() == pytest.approx(0.2 / math.sqrt(3), rel=0.02)


def test_linear_draws_from_its_generator_alone():
    before = torch.get_rng_state()
    one, other, later = (
        nn.Linear(4, 3, generator=rng(1)),
        nn.Linear(4, 3, generator=rng(1)),
        nn.Linear(4, 3, generator=rng(2)),
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, other.weight) and torch.equal(one.bias, other.bias)
    assert not torch.equal(one.weight, later.weight)


def test_linear_makes_parameters_of_dtype_and_device():
    layer = nn.Linear(4, 3, device="meta", dtype=torch.float64, generator=rng())
    assert all(p.dtype == torch.float64 and p.device.type == "meta" and p.requires_grad for p in layer.parameters())
    assert all(isinstance(p, torch.nn.Parameter) and p.is_leaf for p in nn.Linear(4, 3).parameters())
    assert nn.Linear(4, 3, device="meta").weight.device.type == "meta"
    assert nn.Linear(4, 3).weight.dtype == torch.float32
    assert nn.Linear(4, 3, bias=False).bias is None
    assert repr(nn.Linear(4, 3, bias=False)) == repr(torch.nn.Linear(4, 3, bias=False))


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3", None])
def test_linear_bad_sizes(size):
    expected = re.escape(f"is {size!r}; expected an integer of at least 1")
    with pytest.raises(ValueError, match="Linear: in_features " + expected):
        nn.Linear(size, 3)
    with pytest.raises(ValueError, match="Linear: out_features " + expected):
        nn.Linear(3, size)


@pytest.mark.parametrize("shape", [(3, 4), (4,), (1,), (), (5, 3, 1)])
def test_linear_bad_inputs(shape):
    message = f"Linear: input has shape {shape} and weight (2, 3); expected input (..., 3)"
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.Linear(3, 2)(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_linear_inputs_of_another_dtype(dtype):
    message = f"Linear: input is {dtype} and weight is torch.float32; expected one floating-point dtype for all"
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.Linear(3, 2)(torch.zeros(2, 3, dtype=dtype))


def test_linear_inputs_on_another_device():
    with pytest.raises(ValueError, match="^Linear: input is on cpu and weight is on meta; expected one device for all"):
        nn.Linear(3, 2, device="meta")(torch.zeros(2, 3))


# --- activations ---


@pytest.mark.parametrize("name", PAIRS)
def test_activation_modules_equal_torchs(name):
    ours, theirs = PAIRS[name]
    z = torch.linspace(-9, 9, 37, **F64).reshape(1, 37)
    close(ours()(z), theirs()(z))
    assert ours().state_dict() == {}


def test_activation_modules_with_parameters():
    z = torch.linspace(-9, 9, 37, **F64)
    close(nn.LeakyReLU(0.3)(z), torch.nn.LeakyReLU(0.3)(z))
    close(nn.ELU(2.0)(z), torch.nn.ELU(2.0)(z))
    assert repr(nn.LeakyReLU(0.3)) == "LeakyReLU(negative_slope=0.3)" and repr(nn.ELU(2.0)) == "ELU(alpha=2.0)"


def test_every_activation_has_its_module():
    names = {"leaky_relu": "LeakyReLU", "relu": "ReLU", "elu": "ELU"}
    z = torch.linspace(-9, 9, 37, **F64)
    for name, activation in functional.activations().items():
        module = getattr(nn, names.get(name, name.capitalize()))()
        assert torch.equal(module(z), activation.function(z))


# --- the network ---

networks = {"sizes": st.lists(st.integers(1, 6), min_size=2, max_size=5), "seed": seeds}


@checks
@given(**networks, name=st.sampled_from(sorted(PAIRS)))
def test_mlp_equals_torchs_both_ways(sizes, seed, name):
    ours, theirs = PAIRS[name]
    model, oracle = nn.MLP(sizes, ours, generator=rng(seed), **F64), torchs(sizes, theirs)
    assert list(model.state_dict()) == list(oracle.state_dict())
    x = torch.randn(4, sizes[0], generator=rng(seed), **F64)
    oracle.load_state_dict(model.state_dict())
    close(model(x), oracle(x))
    fresh = torchs(sizes, theirs)
    model.load_state_dict(fresh.state_dict())
    close(model(x), fresh(x))
    for network in (model, fresh):
        network(x).square().sum().backward()
    for one, other in zip(model.parameters(), fresh.parameters(), strict=True):
        close(one.grad, other.grad)


@checks
@given(**networks)
def test_hidden_follows_the_layers(sizes, seed):
    model = nn.MLP(sizes, nn.Tanh, generator=rng(seed), **F64)
    x = torch.randn(4, sizes[0], generator=rng(seed), **F64)
    pairs = model.hidden(x)
    assert len(pairs) == len(sizes) - 1
    h = x
    for layer, (size, (z, activation)) in enumerate(zip(sizes[1:], pairs)):
        assert z.shape == activation.shape == (4, size)
        close(z, h @ model[2 * layer].weight.T + model[2 * layer].bias)
        close(activation, torch.tanh(z) if layer < len(pairs) - 1 else z)
        h = activation
    close(pairs[-1][1], model(x))


def test_mlp_layers():
    model = nn.MLP([64, 100, 10])
    assert [type(layer) for layer in model] == [nn.Linear, nn.ReLU, nn.Linear]
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [type(layer) for layer in nn.MLP((3, 2))] == [nn.Linear]
    slopes = [layer.negative_slope for layer in nn.MLP([2, 3, 3, 1], lambda: nn.LeakyReLU(0.2))[1::2]]
    assert slopes == [0.2, 0.2]
    other = nn.MLP([2, 3, 3, 1])
    assert other[1] is not other[3]


def test_mlp_draws_layer_after_layer():
    generator = rng(3)
    expected = [nn.Linear(4, 5, generator=generator, **F64), nn.Linear(5, 2, generator=generator, **F64)]
    model = nn.MLP([4, 5, 2], generator=rng(3), **F64)
    for found, layer in zip((model[0], model[2]), expected):
        assert torch.equal(found.weight, layer.weight) and torch.equal(found.bias, layer.bias)
    assert all(p.device.type == "meta" for p in nn.MLP([4, 5, 2], device="meta").parameters())


def test_parts_of_an_mlp_share_its_layers():
    model = nn.MLP([3, 4, 4, 2], nn.Tanh, generator=rng(), **F64)
    body, head = model[:-1], model[-1]
    assert type(body) is torch.nn.Sequential and len(body) == 4 and body[0] is model[0] and head is model[4]
    x = torch.randn(5, 3, generator=rng(1), **F64)
    close(head(body(x)), model(x))
    close(body(x), model.hidden(x)[1][1])
    assert list(model[2:].state_dict()) == list(torchs([3, 4, 4, 2])[2:].state_dict())


def test_mlp_can_be_copied_and_pickled():
    model = nn.MLP([3, 4, 2], generator=rng(), **F64)
    x = torch.randn(5, 3, generator=rng(1), **F64)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin(x), model(x)) and type(twin) is nn.MLP


@pytest.mark.parametrize("sizes", [[], [3]])
def test_mlp_of_too_few_sizes(sizes):
    message = f"MLP: sizes are {sizes}; expected at least two: the input's width and the output's"
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.MLP(sizes)


@pytest.mark.parametrize("size", [0, -3, 1.5, True, None])
def test_mlp_bad_sizes(size):
    with pytest.raises(ValueError, match=re.escape(f"MLP: sizes[1] is {size!r}; expected an integer of at least 1")):
        nn.MLP([3, size, 2])
