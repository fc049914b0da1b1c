"""Normalization and dropout, functions and modules, against torch's in float64: both modes, and what is refused."""

import copy
import inspect
import math
import pickle
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import parametrizations, parametrize

from nndl_lib import functional, nn

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=25, database=None)
seeds = st.integers(0, 2**32 - 1)
tails = st.sampled_from([(), (1,), (4,), (2, 3)])
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected, tolerance=1e-12):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def normal(*shape, seed=0, scale=3.0, shift=1.0):
    return shift + scale * torch.randn(shape, generator=rng(seed), **F64)


def with_gradients(function, *inputs):
    """What function gives, and the gradients of its weighted sum by each input."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    y = function(*inputs)
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype).reshape(y.shape).sin()
    return y.detach(), *torch.autograd.grad((weights * y).sum(), inputs)


def same(one, other, *inputs, tolerance=1e-12):
    for found, expected in zip(with_gradients(one, *inputs), with_gradients(other, *inputs), strict=True):
        close(found, expected, tolerance)


def refused(message, function, *arguments, **options):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        function(*arguments, **options)


# --- batch_norm ---


@checks
@given(N=st.integers(2, 7), C=st.integers(1, 5), tail=tails, seed=seeds, momentum=st.sampled_from([0.0, 0.1, 0.7, 1.0]))
def test_batch_norm_in_training_equals_torchs(N, C, tail, seed, momentum):
    x, weight, bias = normal(N, C, *tail, seed=seed), normal(C, seed=seed + 1), normal(C, seed=seed + 2)
    ours = [normal(C, seed=seed + 3), normal(C, seed=seed + 4).square()]
    torchs = [value.clone() for value in ours]
    same(
        lambda x, w, b: functional.batch_norm(x, *ours, w, b, True, momentum, 1e-3),
        lambda x, w, b: F.batch_norm(x, *torchs, w, b, True, momentum, 1e-3),
        *(x, weight, bias),
        tolerance=1e-11,
    )
    for one, other in zip(ours, torchs):
        close(one, other)
    same(
        lambda x: functional.batch_norm(x, None, None, training=True),
        lambda x: F.batch_norm(x, None, None, training=True),
        x,
        tolerance=1e-9,  # two equal examples make eps large beside the variance
    )


@checks
@given(N=st.integers(1, 7), C=st.integers(1, 5), tail=tails, seed=seeds)
def test_batch_norm_in_evaluation_equals_torchs(N, C, tail, seed):
    x, weight, bias = normal(N, C, *tail, seed=seed), normal(C, seed=seed + 1), normal(C, seed=seed + 2)
    statistics = normal(C, seed=seed + 3), normal(C, seed=seed + 4).square()
    before = [value.clone() for value in statistics]
    same(
        lambda x, w, b: functional.batch_norm(x, *statistics, w, b, eps=1e-3),
        lambda x, w, b: F.batch_norm(x, *statistics, w, b, eps=1e-3),
        *(x, weight, bias),
    )
    same(lambda x: functional.batch_norm(x, *statistics), lambda x: F.batch_norm(x, *statistics), x)
    assert all(torch.equal(one, other) for one, other in zip(statistics, before))


def test_batch_norm_by_hand():
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0]], **F64)
    mean, variance = torch.zeros(2, **F64), torch.ones(2, **F64)
    y = functional.batch_norm(x, mean, variance, training=True, momentum=0.5, eps=0.25)
    close(y, torch.tensor([[-1 / math.sqrt(1.25), 0], [1 / math.sqrt(1.25), 0]], **F64))
    assert mean.tolist() == [1, 2.5] and variance.tolist() == [1.5, 0.5]  # the batch's is 2 / (2 - 1)


def test_batch_norm_far_from_zero_keeps_its_digits():
    x = normal(64, 3, scale=1.0, shift=1e4)
    y = functional.batch_norm(x.float(), None, None, training=True)
    expected = functional.batch_norm(x.float().double(), None, None, training=True)
    close(y.double(), expected, 5e-3)  # not by x * scale + (bias - mean * scale), whose parts are near 1e4
    assert functional.layer_norm(x.float(), (3,)).dtype == torch.float32


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1), (1, 3, 1, 1)])
def test_batch_norm_of_one_example(shape):
    x = torch.zeros(shape)
    mean, variance = torch.zeros(3), torch.ones(3)
    message = (
        f"batch_norm: input has shape {shape}, one value a channel, whose variance is 0; "
        "expected at least two in training: more examples, or evaluation mode"
    )
    refused(message, functional.batch_norm, x, mean, variance, training=True)
    assert variance.tolist() == [1, 1, 1]
    functional.batch_norm(x, mean, variance)
    functional.batch_norm(torch.zeros(1, 3, 2), mean, variance, training=True)
    if len(shape) < 4:
        layer = nn.BatchNorm1d(3)
        refused(message, layer, x)
        assert layer.num_batches_tracked == 0 and layer.running_var.tolist() == [1, 1, 1]
        layer.eval()(x)
        refused(message, nn.BatchNorm1d(3, track_running_stats=False).eval(), x)


def test_batch_norm_refuses():
    x, three, four = torch.zeros(2, 3), torch.ones(3), torch.ones(4)
    norm = functional.batch_norm
    refused("batch_norm: input is torch.int64; expected a floating-point dtype", norm, x.long(), None, None)
    refused(
        "batch_norm: input has shape (0, 3); expected (N, C, ...), with sizes of at least 1", norm, x[:0], None, None
    )
    refused("batch_norm: input has shape (3,); expected (N, C, ...)", norm, three, None, None)
    for name in ("running_mean", "running_var", "weight", "bias"):
        parts = {"running_mean": three, "running_var": three, "weight": three, "bias": three}
        found = ", ".join(f"{part} ({4 if part == name else 3},)" for part in parts).replace(", bias", " and bias")
        expected = "expected input (N, C, ...), running_mean (C,), running_var (C,), weight (C,) and bias (C,)"
        refused(f"batch_norm: input has shape (2, 3), {found}; {expected}", norm, x, **{**parts, name: four})
        one = {"running_mean": None, "running_var": None, "training": True} if name in ("weight", "bias") else parts
        with pytest.raises(ValueError, match=rf"{name} is torch.float64.*; expected one floating-point dtype for all"):
            norm(x, **{**one, name: three.double()})
    message = "batch_norm: running_mean and running_var are None; expected tensors, as training is False"
    refused(message, norm, x, None, None)
    refused("batch_norm: running_var is None; expected tensors, as training is False", norm, x, three, None)
    refused("batch_norm: running_mean is None; expected both or neither", norm, x, None, three, training=True)
    for momentum in (-0.1, 1.1, math.nan):
        message = f"batch_norm: momentum is {momentum}; expected a number from 0 to 1"
        refused(message, norm, x, three, three, training=True, momentum=momentum)
    refused("batch_norm: eps is -1; expected a finite number of at least 0", norm, x, three, three, eps=-1)


# --- layer_norm ---


@checks
@given(
    rows=st.sampled_from([(), (1,), (5,), (2, 3)]), shape=st.sampled_from([(2,), (5,), (3, 2), (2, 1, 4)]), seed=seeds
)
def test_layer_norm_equals_torchs(rows, shape, seed):
    x, weight, bias = normal(*rows, *shape, seed=seed), normal(*shape, seed=seed + 1), normal(*shape, seed=seed + 2)
    same(
        lambda x, w, b: functional.layer_norm(x, shape, w, b, 1e-3),
        lambda x, w, b: F.layer_norm(x, shape, w, b, 1e-3),
        *(x, weight, bias),
        tolerance=1e-11,
    )
    same(lambda x: functional.layer_norm(x, list(shape)), lambda x: F.layer_norm(x, shape), x, tolerance=1e-9)


def test_layer_norm_of_one_value_and_of_equal_ones():
    close(functional.layer_norm(torch.full((3, 1), 7.0, **F64), (1,)), torch.zeros(3, 1, **F64))
    y, gradient = with_gradients(lambda x: functional.layer_norm(x, (4,)), torch.full((2, 4), 7.0, **F64))
    assert y.eq(0).all() and gradient.isfinite().all()


def test_layer_norm_refuses():
    x, norm = torch.zeros(2, 3), functional.layer_norm
    for shape in ((2,), (3, 2), (4, 2, 3), ()):
        inside = ", ".join(map(str, shape)) or "D"
        message = f"layer_norm: input has shape (2, 3) and normalized_shape is {shape}; expected input (..., {inside})"
        refused(message, norm, x, shape)
    refused("layer_norm: input is torch.int64; expected a floating-point dtype", norm, x.long(), (3,))
    refused("layer_norm: input has shape (0, 3); expected sizes of at least 1", norm, x[:0], (3,))
    refused("layer_norm: eps is -1; expected a finite number of at least 0", norm, x, (3,), eps=-1)
    for name in ("weight", "bias"):
        message = f"layer_norm: input has shape (2, 3) and {name} (1, 3); expected input (..., 3) and {name} (3,)"
        refused(message, norm, x, (3,), **{name: torch.ones(1, 3)})
        message = f"layer_norm: input is torch.float32 and {name} is torch.float64; "
        message += "expected one floating-point dtype for all"
        refused(message, norm, x, (3,), **{name: torch.ones(3, **F64)})


def test_under_transforms():
    x, w, b = normal(4, 5, 3), normal(4, 3, seed=1), normal(4, 3, seed=2)
    wide = normal(4, 2, 3, 2, seed=3)
    for function, inputs in (
        (lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), (x, w, b)),
        (lambda x, w, b: functional.layer_norm(x, (3,), w, b), (x, w, b)),
        (lambda x: functional.batch_norm(x, None, None, training=True), (wide,)),
        (lambda x: functional.layer_norm(x, (3, 2)), (wide,)),
    ):

        def loop(*inputs, function=function):
            return torch.stack([function(*each) for each in zip(*inputs)])

        same(torch.func.vmap(function), loop, *inputs, tolerance=1e-11)
        first = [value[0] for value in inputs]
        slopes = torch.func.grad(lambda *inputs, f=function: f(*inputs).sin().sum(), tuple(range(len(first))))(*first)
        leaves = [value.clone().requires_grad_() for value in first]
        for slope, expected in zip(slopes, torch.autograd.grad(function(*leaves).sin().sum(), leaves), strict=True):
            close(slope, expected, 1e-11)


def test_gradients_and_second_derivatives():
    x, weight, bias = (
        normal(3, 2, 2).requires_grad_(),
        normal(2, seed=1).requires_grad_(),
        normal(2, seed=2).requires_grad_(),
    )
    statistics = normal(2, seed=3), normal(2, seed=4).square()
    for function, inputs in (
        (lambda x, w, b: functional.batch_norm(x, None, None, w, b, True, eps=0.1), (x, weight, bias)),
        (lambda x, w, b: functional.batch_norm(x, *statistics, w, b), (x, weight, bias)),
        (lambda x, w, b: functional.layer_norm(x, (2,), w, b, eps=0.1), (x, weight, bias)),
        (lambda x: functional.local_response_norm(x, 2, 0.5), (x,)),
    ):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def test_the_gradient_that_can_be_differentiated_is_the_same():
    # It is made from the input once more, so with the same eps.
    x, weight, bias = normal(4, 3).requires_grad_(), normal(3, seed=1), normal(3, seed=2)
    for function in (
        lambda: functional.batch_norm(x, None, None, weight, bias, True, eps=0.5),
        lambda: functional.layer_norm(x, (3,), weight, bias, eps=0.5),
    ):
        plain, again = (
            torch.autograd.grad(function().sin().sum(), x, create_graph=graph)[0] for graph in (False, True)
        )
        close(again.detach(), plain)
        assert again.requires_grad and not plain.requires_grad


def test_backward_can_be_taken_twice():
    x, weight = normal(4, 3).requires_grad_(), normal(3, seed=1)
    for y in (functional.batch_norm(x, None, None, weight, training=True), functional.layer_norm(x, (3,), weight)):
        first, second = (torch.autograd.grad(y.square().sum(), x, retain_graph=True)[0] for _ in range(2))
        assert torch.equal(first, second)


def test_inputs_are_not_changed():
    x, weight, bias = normal(4, 3), normal(3, seed=1), normal(3, seed=2)
    kept = [value.clone() for value in (x, weight, bias)]
    with_gradients(lambda x, w, b: functional.batch_norm(x, None, None, w, b, True), x, weight, bias)
    leaf = x.requires_grad_()
    y = functional.layer_norm(leaf, (3,), weight, bias) + functional.batch_norm(leaf, bias, weight.square())
    y = y + functional.local_response_norm(leaf, 2) + functional.dropout(leaf, mask=torch.ones(4, 3, dtype=torch.bool))
    grad = torch.ones(4, 3, **F64)
    y.backward(grad)
    for value, before in zip((x.detach(), weight, bias, grad), [*kept, torch.ones(4, 3, **F64)]):
        assert torch.equal(value, before)


# --- local_response_norm ---


@checks
@given(N=st.integers(1, 3), C=st.integers(1, 7), tail=tails, size=st.integers(1, 9), seed=seeds)
def test_local_response_norm_equals_torchs(N, C, tail, size, seed):
    x = normal(N, C, *tail, seed=seed)
    settings_ = {"alpha": 0.3, "beta": 0.6, "k": 2.0}

    def with_tail(x):
        return F.local_response_norm(x if tail else x.unsqueeze(2), size, **settings_).reshape(x.shape)

    same(lambda x: functional.local_response_norm(x, size, **settings_), with_tail, x)
    close(nn.LocalResponseNorm(size)(x), torch.nn.LocalResponseNorm(size)(x.reshape(N, C, -1)).reshape(x.shape))
    close(nn.LocalResponseNorm(size, **settings_)(x), functional.local_response_norm(x, size, **settings_))


def test_local_response_norm_refuses():
    x, norm = torch.zeros(2, 3), functional.local_response_norm
    refused("local_response_norm: input has shape (3,); expected (N, C, ...)", norm, x[0], 2)
    refused(
        "local_response_norm: input has shape (0, 3); expected (N, C, ...), with sizes of at least 1", norm, x[:0], 2
    )
    refused("local_response_norm: input is torch.int64; expected a floating-point dtype", norm, x.long(), 2)
    for size in (0, 1.5, True):
        refused(f"local_response_norm: size is {size}; expected an integer of at least 1", norm, x, size)
    for name in ("alpha", "beta", "k"):
        refused(f"local_response_norm: {name} is -1; expected a finite number of at least 0", norm, x, 2, **{name: -1})


# --- dropout ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_dropout_equals_torchs(p, dtype):
    x = normal(30, 40).to(dtype).requires_grad_()
    found = []
    for function in (F.dropout, functional.dropout, lambda x, p: nn.Dropout(p)(x), lambda x, p: torch.nn.Dropout(p)(x)):
        torch.manual_seed(3)
        y = function(x, p)
        found.append((y.detach(), torch.autograd.grad(y.sum(), x)[0]))
    y = functional.dropout(x, p, generator=rng(3))
    found.append((y.detach(), torch.autograd.grad(y.sum(), x)[0]))
    for y, gradient in found[1:]:
        assert torch.equal(y, found[0][0]) and torch.equal(gradient, found[0][1])


def test_dropout_in_evaluation_is_the_input():
    x = normal(3, 4)
    for y in (functional.dropout(x, 0.5, training=False), nn.Dropout(0.5).eval()(x), functional.dropout(x, 0.0)):
        assert y is x
    mask = torch.zeros(3, 4, dtype=torch.bool)
    assert functional.dropout(x, 0.5, False, mask=mask) is x


def test_dropout_with_a_mask():
    x = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    mask = torch.tensor([[True, False, True]])
    before = torch.get_rng_state()
    y = functional.dropout(x, 0.75, mask=mask)
    assert y.tolist() == [[4, 0, 12]] and torch.autograd.grad(y.sum(), x)[0].tolist() == [[4, 0, 4]]
    assert torch.equal(torch.get_rng_state(), before) and mask.tolist() == [[True, False, True]]
    assert functional.dropout(x, 0.0, mask=mask).tolist() == [[1, 0, 3]]


def test_dropout_keeps_the_expected_value_and_the_share():
    y = functional.dropout(torch.ones(1000, 100), 0.3, generator=rng(1))
    assert (y == 0).double().mean().item() == pytest.approx(0.3, abs=0.005)
    assert y.mean().item() == pytest.approx(1, abs=0.01)


def test_dropout_draws_from_its_generator_alone():
    before = torch.get_rng_state()
    x = torch.ones(20, 5)
    one, other = nn.Dropout(0.5, generator=rng(1)), nn.Dropout(0.5, generator=rng(1))
    first = one(x)
    assert torch.equal(first, other(x)) and not torch.equal(first, one(x))
    assert torch.equal(torch.get_rng_state(), before)
    twin = copy.deepcopy(one)
    assert torch.equal(twin(x), one(x))


def test_dropout_refuses():
    x = torch.zeros(2, 3)
    for p in (-0.1, 1, 1.0, 1.5, math.nan, True, None):
        refused(f"dropout: p is {p!r}; expected a number from 0 to below 1", functional.dropout, x, p)
        refused(f"Dropout: p is {p!r}; expected a number from 0 to below 1", nn.Dropout, p)
    refused("dropout: input is torch.int64; expected a floating-point dtype", functional.dropout, x.long())
    for shape in ((3,), (2, 1), (3, 2), (1, 2, 3)):
        message = f"dropout: input has shape (2, 3) and mask {shape}; expected one shape for both"
        for training in (True, False):
            refused(message, functional.dropout, x, 0.5, training, mask=torch.ones(shape, dtype=torch.bool))
    message = "dropout: mask is torch.float32; expected torch.bool"
    refused(message, functional.dropout, x, mask=torch.ones(2, 3))


# --- the modules ---


# Older releases of PyTorch have no bias to leave out of batch normalization, and name none in a layer's repr.
bias_in_torch = pytest.mark.skipif(
    "bias" not in inspect.signature(torch.nn.BatchNorm1d).parameters,
    reason=f"PyTorch {torch.__version__} has no BatchNorm1d(bias=...)",
)


@bias_in_torch
@checks
@given(
    C=st.integers(1, 4),
    tail=st.sampled_from([(), (3,)]),
    seed=seeds,
    momentum=st.sampled_from([0.1, 0.4, None]),
    affine=st.booleans(),
    track=st.booleans(),
    bias=st.booleans(),
)
def test_batch_norm_module_equals_torchs(C, tail, seed, momentum, affine, track, bias):
    arguments = {"eps": 1e-3, "momentum": momentum, "affine": affine, "track_running_stats": track, "bias": bias, **F64}
    layer, oracle = nn.BatchNorm1d(C, **arguments), torch.nn.BatchNorm1d(C, **arguments)
    assert repr(layer) == repr(oracle)
    same_state(layer, oracle)
    for k in range(4):
        x = normal(3, C, *tail, seed=seed + k)
        same(layer, oracle, x, tolerance=1e-11)
        layer.zero_grad()
        oracle.zero_grad()
        layer(x.requires_grad_()).square().sum().backward()
        oracle(x).square().sum().backward()
        for one, other in zip(layer.parameters(), oracle.parameters(), strict=True):
            close(one.grad, other.grad, 1e-10)
            with torch.no_grad():
                one.add_(0.1 * (k + 1))
                other.add_(0.1 * (k + 1))
        same_state(layer, oracle)
    layer.eval(), oracle.eval()
    same(layer, oracle, x, tolerance=1e-11)
    same_state(layer, oracle)
    twin = nn.BatchNorm1d(C, **arguments)
    twin.load_state_dict(oracle.state_dict())
    same(twin.eval(), oracle, x, tolerance=1e-11)
    pickle.loads(pickle.dumps(layer))


def same_state(layer, oracle):
    ours, torchs = layer.state_dict(), oracle.state_dict()
    assert list(ours) == list(torchs)
    for name in ours:
        assert ours[name].dtype == torchs[name].dtype
        close(ours[name], torchs[name])


def test_batch_norm_module_refuses():
    for size in (0, 2.0, True):
        refused(f"BatchNorm1d: num_features is {size}; expected an integer of at least 1", nn.BatchNorm1d, size)
    refused("BatchNorm1d: eps is -1; expected a finite number of at least 0", nn.BatchNorm1d, 3, eps=-1)
    for momentum in (-1, 1.5, math.nan):
        message = f"BatchNorm1d: momentum is {momentum}; expected a number from 0 to 1, or None"
        refused(message, nn.BatchNorm1d, 3, momentum=momentum)
    for shape in ((3,), (2, 4), (2, 2, 3), (2, 3, 4, 5)):
        message = f"BatchNorm1d: input has shape {shape}; expected (N, 3) or (N, 3, L)"
        refused(message, nn.BatchNorm1d(3), torch.zeros(shape))
    others = [f"{name} is torch.float32" for name in ("running_mean", "running_var", "weight", "bias")]
    others = f"{', '.join(others[:-1])} and {others[-1]}"
    message = f"batch_norm: input is torch.float64, {others}; expected one floating-point dtype for all"
    layer = nn.BatchNorm1d(3)
    refused(message, layer, torch.zeros(2, 3, **F64))
    assert layer.num_batches_tracked == 0


def test_norms_are_made_of_dtype_and_device():
    for layer in (nn.BatchNorm1d(3, device="meta", **F64), nn.LayerNorm(3, device="meta", **F64)):
        assert all(value.device.type == "meta" for value in layer.state_dict().values())
        assert all(p.dtype == torch.float64 and p.requires_grad for p in layer.parameters())
    assert nn.BatchNorm1d(3).running_mean.dtype == torch.float32


@bias_in_torch
@pytest.mark.parametrize("shape", [3, (3,), [2, 3], torch.Size([2, 3])])
@pytest.mark.parametrize("affine, bias", [(True, True), (True, False), (False, True)])
def test_layer_norm_module_equals_torchs(shape, affine, bias):
    layer, oracle = nn.LayerNorm(shape, 1e-3, affine, bias, **F64), torch.nn.LayerNorm(shape, 1e-3, affine, bias, **F64)
    assert repr(layer) == repr(oracle)
    same_state(layer, oracle)
    x = normal(4, 2, 3)
    for k in range(2):
        same(layer, oracle, x, tolerance=1e-11)
        with torch.no_grad():
            for p, q in zip(layer.parameters(), oracle.parameters(), strict=True):
                p.copy_(normal(*p.shape, seed=k))
                q.copy_(p)
    assert nn.LayerNorm(3).eps == torch.nn.LayerNorm(3).eps and nn.BatchNorm1d(3).eps == torch.nn.BatchNorm1d(3).eps


def test_layer_norm_module_refuses():
    for size in (0, 2.0, True):
        refused(f"LayerNorm: normalized_shape is {size}; expected an integer of at least 1", nn.LayerNorm, size)
        refused(f"LayerNorm: normalized_shape is {size}; expected an integer of at least 1", nn.LayerNorm, (2, size))
    refused("LayerNorm: normalized_shape is None; expected an integer of at least 1", nn.LayerNorm, ())
    refused("LayerNorm: eps is -1; expected a finite number of at least 0", nn.LayerNorm, 3, eps=-1)


def test_representations():
    assert repr(nn.Dropout(0.2)) == "Dropout(p=0.2)"
    assert repr(nn.LocalResponseNorm(2)) == repr(torch.nn.LocalResponseNorm(2))


# --- weight_norm ---


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_equals_torchs(dim):
    layer, oracle = nn.Linear(4, 3, generator=rng(), **F64), torch.nn.Linear(4, 3, **F64)
    oracle.load_state_dict(layer.state_dict())
    weight = layer.weight.detach().clone()
    assert nn.weight_norm(layer, dim=dim) is layer
    parametrizations.weight_norm(oracle, dim=dim)
    close(layer.weight, weight)
    same_state(layer, oracle)
    g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    with torch.no_grad():
        v.mul_(3)
        g.add_(1)
    oracle.load_state_dict(layer.state_dict())
    x = normal(5, 4)
    same(layer, oracle, x)
    for module in (layer, oracle):
        module.zero_grad()
        module(x).square().sum().backward()
    for one, other in zip(layer.parameters(), oracle.parameters(), strict=True):
        close(one.grad, other.grad, 1e-11)
    if dim == 0:
        close(torch.linalg.vector_norm(layer.weight, dim=1, keepdim=True), g)
        close((v * v.grad).sum(dim=1), torch.zeros(3, **F64))  # the length is g's: v is turned alone
    layer.weight = 2 * weight
    close(layer.weight, 2 * weight)
    parametrize.remove_parametrizations(layer, "weight")
    close(layer.weight, 2 * weight)
    assert list(dict(layer.named_parameters())) == ["bias", "weight"]


def test_weight_norm_of_a_convolution():
    layer, oracle = torch.nn.Conv2d(2, 3, 3, **F64), torch.nn.Conv2d(2, 3, 3, **F64)
    oracle.load_state_dict(layer.state_dict())
    nn.weight_norm(layer)
    torch.nn.utils.parametrizations.weight_norm(oracle)
    same_state(layer, oracle)
    close(layer.weight, oracle.weight)


def test_weight_norm_refuses():
    layer = nn.Linear(4, 3)
    message = "weight_norm: Linear has no parameter 'w'; expected one of ['weight', 'bias']"
    refused(message, nn.weight_norm, layer, "w")
    for dim in (-1, 2):
        message = (
            f"weight_norm: weight has shape (3, 4) and dim is {dim}; expected one of its dimensions, 0 to 1, or None"
        )
        refused(message, nn.weight_norm, layer, dim=dim)
    with torch.no_grad():
        layer.weight[1] = 0
    message = "weight_norm: the weight (3, 4) has a row of norm 0; expected rows that have a direction"
    refused(message, nn.weight_norm, layer)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    with torch.no_grad():
        layer.weight[1] = 1
    nn.weight_norm(layer)
    with pytest.raises(ValueError, match="has no parameter 'weight'"):
        nn.weight_norm(layer)
