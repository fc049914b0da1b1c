"""What is changed after it was made or used: tensors, attributes and weights of layers. torch is the oracle."""

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils import parametrizations, prune

from nndl_lib import functional, nn, rnn

F64 = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **F64)


X, IMAGES, STEPS = draw(6, 4), draw(2, 4, 8, 8), draw(5, 3, 4)
T, P, WEIGHT, BIAS = torch.tensor([0, 1, 2, 3, 0, 1]), draw(6, 4).softmax(1), draw(3, 4, 3, 3), draw(3)

# --- results and inputs that are changed in place ---

NONE = {"reduction": "none"}
FUNCTIONS = {
    **{name: (getattr(functional, name), getattr(torch, name), X) for name in ("relu", "sigmoid", "tanh")},
    **{name: (getattr(functional, name), getattr(F, name), X) for name in ("elu", "leaky_relu", "softplus")},
    **{name: (getattr(functional, name), getattr(F, name), X, 1) for name in ("softmax", "log_softmax")},
    "cross_entropy": (functional.cross_entropy, F.cross_entropy, X, T),
    "cross_entropy, each": (
        lambda z: functional.cross_entropy(z, T, **NONE),
        lambda z: F.cross_entropy(z, T, **NONE),
        X,
    ),
    "cross_entropy of probabilities": (functional.cross_entropy, F.cross_entropy, X, P),
    "mse_loss, each": (lambda z: functional.mse_loss(z, P, **NONE), lambda z: F.mse_loss(z, P, **NONE), X),
    "binary_cross_entropy_with_logits, each": (
        lambda z: functional.binary_cross_entropy_with_logits(z, P, **NONE),
        *(lambda z: F.binary_cross_entropy_with_logits(z, P, **NONE), X),
    ),
    "multiclass_hinge_loss, each": (
        lambda z: functional.multiclass_hinge_loss(z, T, **NONE),
        *(lambda z: 4 * F.multi_margin_loss(z, T, **NONE), X),
    ),
    "batch_norm": (functional.batch_norm, F.batch_norm, X, None, None, None, None, True),
    "layer_norm": (functional.layer_norm, F.layer_norm, X, (4,)),
    "layer_norm of two": (functional.layer_norm, F.layer_norm, STEPS, (3, 4)),
    "local_response_norm": (functional.local_response_norm, F.local_response_norm, IMAGES, 3),
    "dropout": (functional.dropout, F.dropout, X, 0.5),
    "max_pool2d": (functional.max_pool2d, F.max_pool2d, IMAGES, 3, 2, 1),
    "max_pool2d, not padded": (functional.max_pool2d, F.max_pool2d, IMAGES, 2),
    "avg_pool2d": (functional.avg_pool2d, F.avg_pool2d, IMAGES, 3, 2, 1),
    "conv2d": (functional.conv2d, F.conv2d, IMAGES, WEIGHT, BIAS),
    "conv2d_loops": (functional.conv2d_loops, F.conv2d, IMAGES[..., :4, :4], WEIGHT, BIAS),
}
LAYERS = {
    "Linear": (lambda kinds: kinds.Linear(4, 3, **F64), X),
    "Conv2d": (lambda kinds: kinds.Conv2d(4, 3, 3, **F64), IMAGES),
    "BatchNorm1d": (lambda kinds: kinds.BatchNorm1d(4, **F64), X),
    "BatchNorm2d": (lambda kinds: kinds.BatchNorm2d(4, **F64), IMAGES),
    "LayerNorm": (lambda kinds: kinds.LayerNorm(4, **F64), X),
    "MaxPool2d": (lambda kinds: kinds.MaxPool2d(2), IMAGES),
    **{name: (lambda kinds, name=name: getattr(kinds, name)(4, 3, 2, **F64), STEPS) for name in ("LSTM", "GRU", "RNN")},
    **{
        f"{name}Cell": (lambda kinds, name=name: getattr(kinds, f"{name}Cell")(4, 3, **F64), X)
        for name in ("LSTM", "GRU", "RNN")
    },
}
# A change in place, and the same into a new tensor.
CHANGES = {
    "mul_": (lambda y: y.mul_(2), lambda y: y * 2),
    "zero_": (lambda y: y.zero_(), lambda y: y * 0),
    "relu_": (lambda y: torch.relu_(y), lambda y: torch.relu(y)),
    "exp_": (lambda y: y.exp_(), lambda y: y.exp()),
}


def pair(make):
    """A layer of ours and torch's with the same parameters."""
    ours = make(rnn if hasattr(rnn, type(make(torch.nn)).__name__) else nn)
    theirs = make(torch.nn)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def after_a_change(function, x, change, of_input):
    """Outputs and the gradient by x, or None where autograd refuses it, as something that it needs was changed."""
    leaf = x.clone().requires_grad_()
    x = leaf * 1
    torch.manual_seed(0)
    parts = function(x)
    parts = (
        [parts]
        if isinstance(parts, torch.Tensor)
        else [parts[0], *(parts[1] if isinstance(parts[1], tuple) else parts[1:])]
    )
    new = change(x if of_input else parts[0])
    parts = [new, *(parts if of_input else parts[1:])]
    try:
        (grad,) = torch.autograd.grad(sum(part.sin().sum() for part in parts), leaf)
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
        return None
    return [*(part.detach() for part in parts), grad]


def compare_after_a_change(ours, theirs, x, change, of_input):
    in_place, anew = CHANGES[change]
    found, torchs = (after_a_change(function, x, in_place, of_input) for function in (ours, theirs))
    if torchs is not None:
        assert found is not None
    if found is not None:
        torch.testing.assert_close(found, after_a_change(theirs, x, anew, of_input), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("of_input", [False, True], ids=["result", "input"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_allow_the_changes_that_torchs_allow(name, change, of_input):
    ours, theirs, x, *rest = FUNCTIONS[name]
    compare_after_a_change(lambda x: ours(x, *rest), lambda x: theirs(x, *rest), x, change, of_input)


@pytest.mark.parametrize("of_input", [False, True], ids=["result", "input"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_allow_the_changes_that_torchs_allow(name, change, of_input):
    make, x = LAYERS[name]
    compare_after_a_change(*pair(make), x, change, of_input)


# --- attributes that are changed after the layer was made ---


def compare_after(change, make, x, calls=2):
    """Outputs of some calls, gradients and buffers of both, each after ``change(layer)``."""
    found = []
    for layer in pair(make):
        change(layer)
        torch.manual_seed(0)
        outputs = [layer(x) for _ in range(calls)]
        outputs = [y if isinstance(y, torch.Tensor) else y[0] for y in outputs]
        if outputs[-1].requires_grad:
            outputs[-1].square().sum().backward()
        grads = [p.grad for p in layer.parameters() if p.grad is not None]
        found.append([*(y.detach() for y in outputs), *grads, *(b for b in layer.buffers() if b is not None)])
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)


def setting(**values):
    def change(layer):
        for name, value in values.items():
            setattr(layer, name, value)

    return change


def replacing(**shapes):
    return setting(**{name: torch.nn.Parameter(draw(*shape)) for name, shape in shapes.items()})


STATISTICS = [
    *({"eps": 0.5}, {"momentum": 0.9}, {"momentum": None}, {"training": False}, {"track_running_stats": False}),
    *({"weight": None}, {"bias": None}, {"affine": False}, {"running_mean": None, "running_var": None}),
    *({"training": False, "track_running_stats": False}, {"num_batches_tracked": None}, {"num_features": 7}),
]
ATTRIBUTES = {
    "Conv2d": [
        *(
            {"stride": 2},
            {"stride": (2, 1)},
            {"padding": 2},
            {"padding": (1, 2)},
            {"padding": "same"},
            {"padding": "valid"},
        ),
        *({"dilation": 2}, {"dilation": (2, 1)}, {"bias": None}, {"kernel_size": (5, 5)}, {"in_channels": 9}),
    ],
    "BatchNorm1d": STATISTICS,
    "BatchNorm2d": STATISTICS,
    "LayerNorm": [{"eps": 0.5}, {"weight": None}, {"bias": None}, {"elementwise_affine": False}],
    "Linear": [{"bias": None}, {"in_features": 9}],
    "MaxPool2d": [{"kernel_size": 3}, {"stride": 1}, {"padding": 1}],
    **dict.fromkeys(["LSTM", "GRU", "RNN"], [{"training": False}, {"batch_first": True}]),
}
OTHERS = [
    *((lambda kinds: kinds.Dropout(0.5), X, {"p": 0.1}), (lambda kinds: kinds.Dropout(0.5), X, {"training": False})),
    *((lambda kinds: kinds.LeakyReLU(), X, {"negative_slope": 0.7}), (lambda kinds: kinds.ELU(), X, {"alpha": 0.3})),
    *(
        (lambda kinds: kinds.LocalResponseNorm(2), IMAGES, {name: value})
        for name, value in (("size", 3), ("alpha", 0.3), ("k", 3.0))
    ),
    *(
        (lambda kinds: kinds.AvgPool2d(2, padding=1), IMAGES, {name: value})
        for name, value in (*(("count_include_pad", False), ("stride", 1), ("kernel_size", 3), ("padding", 0)),)
    ),
    (lambda kinds: kinds.RNNCell(4, 3, **F64), X, {"nonlinearity": "relu"}),
    *(
        (lambda kinds, name=name: getattr(kinds, name)(4, 3, 2, **F64), STEPS, {"dropout": 0.5})
        for name in ("LSTM", "GRU", "RNN")
    ),
    (lambda kinds: kinds.LayerNorm(4, elementwise_affine=False), STEPS, {"normalized_shape": (3, 4)}),
]


@pytest.mark.parametrize(
    "name, values", [(name, values) for name, several in ATTRIBUTES.items() for values in several], ids=repr
)
def test_attributes_are_read_at_the_call(name, values):
    make, x = LAYERS[name]
    compare_after(setting(**values), make, x)


@pytest.mark.parametrize("make, x, values", OTHERS)
def test_more_attributes_are_read_at_the_call(make, x, values):
    compare_after(setting(**values), make, x)


@pytest.mark.parametrize(
    "name, shapes",
    [
        ("Conv2d", {"weight": (3, 4, 5, 2)}),
        ("Conv2d", {"weight": (2, 4, 3, 3), "bias": (2,)}),
        ("Linear", {"weight": (5, 4), "bias": (5,)}),
        ("BatchNorm1d", {"weight": (4,)}),
        ("LayerNorm", {"weight": (4,)}),
        *(
            (kind, {"weight_hh_l0": (gates * 3, 3), "bias_ih_l1": (gates * 3,)})
            for kind, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1))
        ),
    ],
)
def test_parameters_are_replaced_by_others(name, shapes):
    make, x = LAYERS[name]
    compare_after(replacing(**shapes), make, x)


def test_the_number_of_channels_is_that_of_the_weights():
    compare_after(
        replacing(weight=(4,), bias=(4,)), lambda kinds: kinds.BatchNorm1d(3, track_running_stats=False, **F64), X
    )
    compare_after(replacing(weight=(5, 4), bias=(5,)), lambda kinds: kinds.Linear(9, 3, **F64), X)


@pytest.mark.parametrize(
    "reparametrize",
    [
        *(parametrizations.weight_norm, parametrizations.spectral_norm, parametrizations.orthogonal),
        *(torch.nn.utils.weight_norm, torch.nn.utils.spectral_norm),
        *(lambda m: prune.l1_unstructured(m, "weight", 0.5), lambda m: prune.ln_structured(m, "weight", 0.5, 2, 0)),
    ],
    ids=["weight", "spectral", "orthogonal", "old weight", "old spectral", "prune", "prune rows"],
)
@pytest.mark.parametrize("name", ["Linear", "Conv2d"])
@pytest.mark.filterwarnings("ignore:.*deprecated:FutureWarning")
def test_reparametrized_weights(name, reparametrize):
    make, x = LAYERS[name]

    def change(layer):
        torch.manual_seed(0)
        reparametrize(layer)

    compare_after(change, make, x, calls=3)  # spectral norm takes a step at each reading of the weight


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_reparametrized_recurrent_weights(kind):
    model, plain = getattr(rnn, kind)(4, 3, **F64), getattr(torch.nn, kind)(4, 3, **F64)
    parametrizations.spectral_norm(model, "weight_hh_l0")
    parametrizations.weight_norm(model, "weight_ih_l0")
    prune.random_unstructured(model, "bias_ih_l0", 0.5)
    before = model.parametrizations.weight_hh_l0[0]._u.clone()
    model(STEPS)
    after, once = model.parametrizations.weight_hh_l0[0]._u.clone(), getattr(rnn, kind)(4, 3, **F64)
    assert not torch.equal(before, after)
    model.eval()
    with torch.no_grad():
        for name, _ in plain.named_parameters():
            getattr(plain, name).copy_(getattr(model, name))
    torch.testing.assert_close(model(STEPS), plain(STEPS), rtol=1e-9, atol=1e-12)
    # A call is one step of the power iteration, as with a cell, which reads its weight once.
    parametrizations.spectral_norm(once, "weight_hh_l0")
    same = torch.nn.Linear(3, len(once.weight_hh_l0), **F64)
    (
        once.eval(),
        same.load_state_dict(
            {"weight": once.parametrizations.weight_hh_l0.original, "bias": torch.zeros(len(once.weight_hh_l0))}
        ),
    )
    parametrizations.spectral_norm(same)
    same.parametrizations.weight.load_state_dict(once.parametrizations.weight_hh_l0.state_dict())
    once.train()(STEPS), same.train()(draw(2, 3))
    torch.testing.assert_close(once.parametrizations.weight_hh_l0[0]._u, same.parametrizations.weight[0]._u)


def test_shared_weights():
    def change(layer):
        layer.weight_hh_l1 = layer.weight_hh_l0

    for kind in ("LSTM", "GRU", "RNN"):
        compare_after(change, lambda kinds, kind=kind: getattr(kinds, kind)(4, 3, 2, **F64), STEPS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_converted(name, dtype):
    make, x = LAYERS[name]
    ours, theirs = (layer.to(dtype) for layer in pair(make))
    y, expected = ours(x.to(dtype)), theirs(x.to(dtype))
    y, expected = (z if isinstance(z, torch.Tensor) else z[0] for z in (y, expected))
    torch.testing.assert_close(y, expected, rtol=0, atol=8 * torch.finfo(dtype).eps * expected.abs().max().item())
    assert {key: value.dtype for key, value in ours.state_dict().items()} == {
        k: v.dtype for k, v in theirs.state_dict().items()
    }


def test_directions_and_kernel_follow_the_attributes():
    model = rnn.RNN(4, 3, bidirectional=True, **F64)
    forward = rnn.RNN(4, 3, nonlinearity="relu", **F64)
    forward.load_state_dict(model.state_dict(), strict=False)
    model.bidirectional, model.nonlinearity = False, "relu"
    assert model.directions == 1 and model.kernel == "RNN_RELU"
    assert torch.equal(model(STEPS)[0], forward(STEPS)[0])
