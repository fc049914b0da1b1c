"""Residual, highway and dense blocks, deep networks of them, and probes that look into them."""

import copy
import re

import pytest
import torch
from torch.nn import functional as F

from nndl_lib import functional, inspection, nn

F64 = {"dtype": torch.float64}
KINDS = ["plain", "residual", "highway", "dense"]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), **F64)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message, function, *arguments, **options):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        function(*arguments, **options)


# --- blocks ---


def test_residual():
    x, block = normal(5, 3), nn.MLP([3, 7, 3], generator=rng(1), **F64)
    close(nn.Residual(block)(x), x + block(x))
    shortcut, wide = nn.Linear(3, 4, generator=rng(2), **F64), nn.Linear(3, 4, generator=rng(3), **F64)
    close(nn.Residual(wide, shortcut)(x), shortcut(x) + wide(x))
    assert list(nn.Residual(wide, shortcut).state_dict()) == [
        *("block.weight", "block.bias", "shortcut.weight", "shortcut.bias")
    ]
    # With a block of 0 it is the identity, and so is its gradient.
    with torch.no_grad():
        block[2].weight.zero_(), block[2].bias.zero_()
    x.requires_grad_()
    y = nn.Residual(block)(x)
    assert torch.equal(y, x) and torch.equal(torch.autograd.grad(y.sum(), x)[0], torch.ones_like(x))


def test_residual_refuses():
    x = torch.zeros(4, 3)
    message = "Residual: input has shape (4, 3) and block(input) (4, 5); expected the same shape for both"
    refused(message, nn.Residual(nn.Linear(3, 5)), x)
    refused(message.replace("5", "1"), nn.Residual(nn.Linear(3, 1)), x)  # would broadcast
    message = "Residual: shortcut(input) has shape (4, 2) and block(input) (4, 5); expected the same shape for both"
    refused(message, nn.Residual(nn.Linear(3, 5), nn.Linear(3, 2)), x)


def test_highway():
    x, layer = normal(5, 3), nn.Highway(3, nn.Tanh, generator=rng(1), **F64)
    h = torch.tanh(F.linear(x, layer.transform[0].weight, layer.transform[0].bias))
    T = torch.sigmoid(F.linear(x, layer.gate.weight, layer.gate.bias))
    close(layer(x), T * h + (1 - T) * x)
    assert layer.gate.bias.tolist() == [-2] * 3 and layer.gate.bias.requires_grad
    generator = rng(1)
    drawn = [nn.Linear(3, 3, generator=generator, **F64) for _ in range(2)]
    assert torch.equal(layer.transform[0].weight, drawn[0].weight) and torch.equal(layer.gate.weight, drawn[1].weight)
    for bias, expected in ((-50.0, x), (50.0, h)):
        with torch.no_grad():
            layer.gate.bias.fill_(bias)
        close(layer(x), expected)
    assert nn.Highway(3, gate_bias=-1.0).gate.bias.tolist() == [-1] * 3
    with_norm = nn.Highway(3, norm=nn.LayerNorm, **F64)
    assert [type(part) for part in with_norm.transform] == [nn.Linear, nn.LayerNorm, nn.ReLU]
    assert with_norm(x).shape == x.shape
    assert all(p.device.type == "meta" for p in nn.Highway(3, norm=nn.BatchNorm1d, device="meta").parameters())
    for size in (0, 1.5):
        refused(f"Highway: features is {size}; expected an integer of at least 1", nn.Highway, size)


def test_dense():
    x, block = normal(5, 3), nn.Linear(3, 2, generator=rng(1), **F64)
    y = nn.Dense(block)(x)
    assert torch.equal(y, torch.cat([x, block(x)], dim=1))
    images = normal(2, 3, 4, 5)
    block = torch.nn.Conv2d(3, 6, 3, padding=1, **F64)
    assert torch.equal(nn.Dense(block, dim=1)(images), torch.cat([images, block(images)], dim=1))


def test_dense_refuses():
    # What does not fit side by side is told by torch.
    for dense, shape, words in (
        (nn.Dense(torch.nn.Conv2d(3, 6, 3), dim=1), (2, 3, 4, 5), "must match except in dimension 1. Expected size 4"),
        (nn.Dense(torch.nn.Flatten(0)), (4, 3), "must have same number of dimensions: got 2 and 1"),
        (nn.Dense(torch.nn.Flatten(0), dim=1), (4, 3), "must have same number of dimensions: got 2 and 1"),
        (nn.Dense(nn.Linear(3, 2), dim=2), (4, 3), "Dimension out of range (expected to be in range of [-2, 1], but"),
    ):
        with pytest.raises((RuntimeError, IndexError), match=re.escape(words)):
            dense(torch.zeros(shape))


# --- deep networks ---


def by_hand(model, kind, x):
    """What the network gives, from its linear layers alone."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if kind == "plain":
        for layer in layers[:-1]:
            x = torch.relu(layer(x))
        return layers[-1](x)
    if kind == "highway":
        x = torch.relu(layers[0](x))
        for transform, gate in zip(layers[1:-1:2], layers[2:-1:2], strict=True):
            T = torch.sigmoid(gate(x))
            x = T * torch.relu(transform(x)) + (1 - T) * x
        return layers[-1](x)
    x = layers[0](x)
    for layer in layers[1:-1]:
        y = layer(torch.relu(x))
        x = x + y if kind == "residual" else torch.cat([x, y], dim=1)
    return layers[-1](torch.relu(x))


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_deep_mlp(kind, depth):
    model = nn.deep_mlp(4, 5, 3, depth, kind, growth=2, generator=rng(1), **F64)
    assert type(model) is torch.nn.Sequential and len(model) == depth
    x = normal(7, 4)
    close(model(x), by_hand(model, kind, x))
    again = nn.deep_mlp(4, 5, 3, depth, kind, growth=2, generator=rng(1), **F64)
    assert torch.equal(model(x), again(x))
    widths = [model[: k + 1](x).shape[1] for k in range(depth)]
    assert widths == [5 + 2 * k if kind == "dense" else 5 for k in range(depth - 1)] + [3]
    meta = nn.deep_mlp(4, 5, 3, depth, kind, norm=nn.BatchNorm1d, device="meta", **F64)
    assert all(p.device.type == "meta" and p.dtype == torch.float64 for p in meta.parameters())


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
@pytest.mark.parametrize("kind", KINDS)
def test_deep_mlp_with_norm(kind, norm):
    depth = 5
    model = nn.deep_mlp(4, 6, 3, depth, kind, nn.Tanh, norm, growth=2, generator=rng(1), **F64)
    assert model(normal(7, 4)).shape == (7, 3)
    # One norm goes before each activation, and the output has neither.
    order = [type(m) for m in model.modules() if isinstance(m, (nn.Linear, nn.Tanh, norm))]
    if kind == "plain":
        expected = [nn.Linear, norm, nn.Tanh] * 4 + [nn.Linear]
    elif kind == "highway":
        expected = [nn.Linear, norm, nn.Tanh] + [nn.Linear, norm, nn.Tanh, nn.Linear] * 3 + [nn.Linear]
    else:
        expected = [nn.Linear] + [norm, nn.Tanh, nn.Linear] * 4
    assert order == expected
    blocks = {"plain": torch.nn.Sequential, "residual": nn.Residual, "highway": nn.Highway, "dense": nn.Dense}
    assert [type(layer) for layer in model[1:-1]] == [blocks[kind]] * 3


def test_deep_mlp_refuses():
    good = {"inputs": 2, "width": 3, "outputs": 2, "depth": 4}
    for name in (*good, "growth"):
        least = 2 if name == "depth" else 1
        for value in (least - 1, 1.5, True):
            message = f"deep_mlp: {name} is {value}; expected an integer of at least {least}"
            refused(message, nn.deep_mlp, **{**good, name: value})
    message = "deep_mlp: kind is 'dens'; expected 'plain', 'residual', 'highway' or 'dense'"
    refused(message, nn.deep_mlp, **good, kind="dens")


def test_depth_50_with_and_without_shortcuts():
    # In a plain network of 50 layers the gradient does not reach the first one; past shortcuts it does.
    X, t = normal(64, 10), torch.arange(64) % 3
    first = {}
    for kind in KINDS:
        model = nn.deep_mlp(10, 20, 3, 50, kind, generator=rng(1), **F64)
        first[kind] = inspection.record(model, X, lambda z: functional.cross_entropy(z, t))["0"].gradient_std
    assert first["plain"] < 1e-15 and all(first[kind] > 1e-7 for kind in KINDS[1:])


# --- probes ---


def network(seed=1):
    return nn.MLP([4, 6, 6, 3], nn.Tanh, generator=rng(seed), **F64)


def loss(z):
    return functional.cross_entropy(z, torch.arange(len(z)) % 3)


def test_record_by_hand():
    model, X = network(), normal(9, 4)
    found = inspection.record(model, X, loss, tensors=True)
    assert list(found) == ["0", "1", "2", "3", "4"]
    values = [X.requires_grad_()]
    for layer in model:
        values.append(layer(values[-1]))
        values[-1].retain_grad()
    loss(values[-1]).backward()
    for probe, y in zip(found.values(), values[1:]):
        close(probe.activation, y.detach())
        close(probe.gradient, y.grad)
        assert probe.activation_std == pytest.approx(y.std(correction=0).item(), rel=1e-12)
        assert probe.gradient_std == pytest.approx(y.grad.std(correction=0).item(), rel=1e-12)
        assert not probe.activation.requires_grad and type(probe.activation_std) is float
    light = inspection.record(model, X.detach(), loss)
    assert [p[:2] for p in light.values()] == [p[:2] for p in found.values()]
    assert all(p.activation is None and p.gradient is None for p in light.values())
    forward = inspection.record(model, X.detach())
    assert [p.activation_std for p in forward.values()] == [p.activation_std for p in found.values()]
    assert all(p.gradient_std is None for p in forward.values())


@pytest.mark.parametrize(
    "activation", [torch.nn.ReLU(inplace=True), torch.nn.ELU(inplace=True), torch.nn.Dropout(0.5, inplace=True)]
)
def test_record_before_a_change_in_place(activation):
    linear, X = network()[0], normal(9, 4)
    model = torch.nn.Sequential(linear, activation, nn.Identity())
    apart = torch.nn.Sequential(linear, copy.deepcopy(activation), nn.Identity())
    apart[1].inplace = False
    torch.manual_seed(0)
    found = inspection.record(model, X, lambda z: z.sin().sum(), tensors=True)
    torch.manual_seed(0)
    expected = inspection.record(apart, X, lambda z: z.sin().sum(), tensors=True)
    close(expected["0"].activation, linear(X).detach())
    assert not torch.equal(expected["0"].gradient, expected["1"].gradient)
    for name, probe in expected.items():
        close(found[name].activation, probe.activation)
        close(found[name].gradient, probe.gradient)
        assert found[name][:2] == pytest.approx(probe[:2], rel=1e-12)


def test_record_of_types():
    model = nn.deep_mlp(4, 5, 3, 4, "residual", nn.Tanh, nn.BatchNorm1d, generator=rng(1), **F64)
    X = normal(9, 4)
    assert list(inspection.record(model, X, types=nn.Tanh)) == ["1.block.1", "2.block.1", "3.1"]
    assert list(inspection.record(model, X, types=(nn.Residual, nn.Linear))) == [
        "0",
        "1.block.2",
        "1",
        "2.block.2",
        "2",
        "3.2",
    ]


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, torch.nn.BatchNorm1d])
def test_record_leaves_the_model_as_it_was(norm):
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), norm(5), nn.ReLU(), nn.Linear(5, 3)).double()
    X = normal(9, 4)
    for mode in (True, False):
        model.train(mode)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        inspection.record(model, X, loss)
        assert model.training == mode
        for name, value in model.state_dict().items():
            assert torch.equal(value, before[name]), name
        assert all(p.grad is None for p in model.parameters())
        assert not any(module._forward_hooks for module in model.modules())
    model.train()

    def fails(z):
        raise RuntimeError("no loss today")

    with pytest.raises(RuntimeError, match="no loss today"):
        inspection.record(model, X, fails)
    assert not any(module._forward_hooks for module in model.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_record_of_a_layer_called_again():
    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4, generator=rng(), **F64)

        def forward(self, x):
            return self.layer(self.layer(self.layer(x)))

    model, X = Twice(), normal(5, 4)
    found = inspection.record(model, X, lambda z: z.square().sum(), tensors=True)
    assert list(found) == ["layer", "layer#2", "layer#3"]
    close(found["layer#2"].activation, model.layer(model.layer(X)).detach())
    close(found["layer#3"].gradient, 2 * found["layer#3"].activation)


def test_record_where_there_is_no_gradient():
    model, X = network(), normal(9, 4)
    for p in model[0].parameters():
        p.requires_grad_(False)
    found = inspection.record(model, X, loss)
    assert [p.gradient_std is None for p in found.values()] == [True, True, False, False, False]
    found = inspection.record(model, X, lambda z: torch.tensor(1.0))
    assert all(p.gradient_std is None for p in found.values())
    found = inspection.record(model, X, lambda z: sum(p.sum() for p in model.parameters()), tensors=True)
    assert all(p.gradient_std is None and p.gradient is None for p in found.values())
    for p in model.parameters():
        p.requires_grad_(False)
    assert all(p.gradient_std is None for p in inspection.record(model, X, loss).values())


def test_record_refuses():
    model, X = network(), normal(9, 4)
    refused("record: Linear has no children; expected at least one layer", inspection.record, model[0], X)
    message = f"record: MLP has no modules of {nn.ReLU}; expected at least one layer"
    refused(message, inspection.record, model, X, types=nn.ReLU)
    message = "record: the loss has shape (9,); expected a 0-d tensor"
    refused(
        message,
        inspection.record,
        model,
        X,
        lambda z: functional.cross_entropy(z, torch.arange(9) % 3, reduction="none"),
    )
    rnn = torch.nn.Sequential(torch.nn.RNN(4, 3)).double()
    refused("record: layer '0' gives tuple; expected a tensor", inspection.record, rnn, X)
    assert not rnn[0]._forward_hooks

    class Idle(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(4, 3, **F64), nn.Linear(4, 3)

        def forward(self, x):
            return self.used(x)

    refused("record: layer 'unused' was not called; expected the model to call it", inspection.record, Idle(), X)
