"""Functions and layers under ``torch.func`` and ``torch.compile``, and gradients of gradients, against torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import func

from nndl_lib import _arguments as arguments
from nndl_lib import functional, models, nn, rnn, text

F64 = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **F64)


def hinge(z, t):
    right = t.unsqueeze(1)  # torch's multi_margin_loss has no second derivatives
    return (1 + z - z.gather(1, right)).relu().scatter(1, right, 0).sum(1).mean()


X, IMAGES, STEPS = draw(6, 4), draw(2, 4, 6, 6), draw(5, 3, 4)
T, P, WEIGHT, BIAS = torch.tensor([0, 1, 2, 3, 0, 1]), draw(6, 4).softmax(1), draw(3, 2, 3, 3), draw(3)
FUNCTIONS = {
    **{name: (getattr(functional, name), getattr(torch, name), X) for name in ("relu", "sigmoid", "tanh")},
    **{name: (getattr(functional, name), getattr(F, name), X) for name in ("elu", "leaky_relu", "softplus")},
    **{name: (getattr(functional, name), getattr(F, name), X, 1) for name in ("softmax", "log_softmax")},
    **{
        name: (getattr(functional, name), getattr(F, name), X, P)
        for name in ("mse_loss", "binary_cross_entropy_with_logits")
    },
    "cross_entropy": (functional.cross_entropy, F.cross_entropy, X, T),
    "cross_entropy of probabilities": (functional.cross_entropy, F.cross_entropy, X, P),
    "multiclass_hinge_loss": (functional.multiclass_hinge_loss, hinge, X, T),
    "batch_norm": (functional.batch_norm, F.batch_norm, X, None, None, None, None, True),
    "layer_norm": (functional.layer_norm, F.layer_norm, STEPS, (4,)),
    "local_response_norm": (functional.local_response_norm, F.local_response_norm, IMAGES, 3),
    "max_pool2d": (functional.max_pool2d, F.max_pool2d, IMAGES, 3, 2, 1),
    "avg_pool2d": (functional.avg_pool2d, F.avg_pool2d, IMAGES, 3, 2, 1),
    "conv2d": (functional.conv2d, F.conv2d, IMAGES, WEIGHT[:2], BIAS[:2], 1, "same", 1, 2),
    "conv2d_loops": (functional.conv2d_loops, F.conv2d, IMAGES[:, :2, :4, :3], WEIGHT[:2], BIAS[:2]),
}
MAKERS = {
    "Linear": (lambda kinds: kinds.Linear(4, 3, **F64), X),
    "Conv2d": (lambda kinds: kinds.Conv2d(4, 3, 3, **F64), IMAGES),
    "BatchNorm1d": (lambda kinds: kinds.BatchNorm1d(4, track_running_stats=False, **F64), X),
    "BatchNorm2d": (lambda kinds: kinds.BatchNorm2d(4, **F64).eval(), IMAGES),
    "LayerNorm": (lambda kinds: kinds.LayerNorm(4, **F64), X),
    "MaxPool2d": (lambda kinds: kinds.MaxPool2d(2), IMAGES),
    "AvgPool2d": (lambda kinds: kinds.AvgPool2d(2), IMAGES),
    "Dropout": (lambda kinds: kinds.Dropout().eval(), X),
    **{name: (lambda kinds, name=name: getattr(kinds, name)(4, 3, 2, **F64), STEPS) for name in ("LSTM", "GRU", "RNN")},
    **{
        f"{name}Cell": (lambda kinds, name=name: getattr(kinds, f"{name}Cell")(4, 3, **F64), X)
        for name in ("LSTM", "GRU", "RNN")
    },
}


def first(found):
    return found if isinstance(found, torch.Tensor) else first(found[0])


def case(name):
    """Ours, torch's and the input, as functions of one tensor."""
    if name in FUNCTIONS:
        ours, theirs, x, *rest = FUNCTIONS[name]
        return lambda x: ours(x, *rest), lambda x: theirs(x, *rest), x
    make, x = MAKERS[name]
    ours, theirs = make(rnn if hasattr(rnn, name) else nn), make(torch.nn)
    theirs.load_state_dict(ours.state_dict())
    return lambda x: first(ours(x)), lambda x: first(theirs(x)), x


def cost(function):
    return lambda x: function(x).sin().sum()


def one_by_one(function, xs):
    return torch.stack([function(x) for x in xs])


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # by torch itself, under jvp
@pytest.mark.parametrize("name", [*FUNCTIONS, *MAKERS])
def test_under_torch_func(name):
    ours, theirs, x = case(name)
    close = {"rtol": 1e-9, "atol": 1e-12}
    both, v = torch.stack([x, -2 * x]), draw(*x.shape, seed=1)
    slope = func.grad(cost(theirs))
    torch.testing.assert_close(func.grad(cost(ours))(x), slope(x), **close)
    torch.testing.assert_close(func.vmap(ours)(both), one_by_one(theirs, both), **close)
    torch.testing.assert_close(func.vmap(func.grad(cost(ours)))(both), one_by_one(slope, both), **close)
    few = lambda function: lambda x: function(x).flatten()[:3]  # noqa: E731
    torch.testing.assert_close(func.jacrev(few(ours))(x), func.jacrev(few(theirs))(x), **close)
    torch.testing.assert_close(
        func.jvp(ours, (x,), (v,))[1], (func.jacrev(theirs)(x).flatten(-x.ndim) @ v.flatten()), **close
    )


@pytest.mark.parametrize("name", [*FUNCTIONS, *MAKERS])
def test_gradients_of_gradients(name):
    ours, theirs, x = case(name)

    def second(function):
        leaf = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(cost(function)(leaf), leaf, create_graph=True)
        return torch.autograd.grad(grad.sin().sum(), leaf)[0]

    if name == "LSTM":  # its backward pass is written by hand; torch.func sees the operations
        with pytest.raises(
            ValueError, match="^lstm_sequence: create_graph is True; expected False, or the states of rnn.gates"
        ):
            second(ours)
        found = func.grad(lambda x: func.grad(cost(ours))(x).sin().sum())(x)
    else:
        found = second(ours)
    torch.testing.assert_close(found, second(theirs), rtol=1e-8, atol=1e-11)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by torch's compiler itself
@pytest.mark.parametrize("name", [*FUNCTIONS, *MAKERS])
def test_compiled_as_one_graph(name):
    ours, _, x = case(name)
    torch.compiler.reset()
    slopes = []
    for function in (torch.compile(ours, backend="eager", fullgraph=True), ours):
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        slopes += [(y.detach(), torch.autograd.grad(cost(lambda y: y)(y), leaf)[0])]
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "make, x",
    [
        (lambda: nn.MLP([4, 5, 3], nn.Sigmoid, **F64), X),
        (lambda: nn.Highway(4, norm=nn.LayerNorm, **F64), X),
        (lambda: rnn.LSTM(4, 3, 2, bidirectional=True, **F64), STEPS),
        (lambda: models.BasicBlock(4, 4, **F64).eval(), IMAGES),
    ],
)
def test_functional_call(make, x):
    model, other = make(), make()
    found = func.functional_call(model, dict(other.named_parameters()) | dict(other.named_buffers()), (x,))
    torch.testing.assert_close(first(found), first(other(x)), rtol=0, atol=1e-12)


def test_dropout_under_vmap():
    layer = nn.Dropout(0.5)
    y = func.vmap(layer, randomness="different")(torch.ones(50, 100))
    assert set(y.unique().tolist()) == {0, 2} and len(y.unique(dim=0)) == 50
    y = func.vmap(layer, randomness="same")(torch.ones(50, 100))
    assert set(y.unique().tolist()) == {0, 2} and len(y.unique(dim=0)) == 1


def test_values_are_checked_where_there_are_values():
    z = X.clone()
    z[1, 2] = float("nan")
    for call in (
        lambda z: functional.softmax(z, 1),
        lambda z: functional.cross_entropy(z, T),
        lambda z: functional.mse_loss(z, P),
    ):
        with pytest.raises(ValueError, match=r"input\[1, 2\] is nan; expected finite numbers"):
            func.grad(lambda z: call(z).sin().sum())(z)
        assert func.vmap(call)(z.unsqueeze(0)).isnan().any()
        assert call(torch.empty(6, 4, device="meta") if call(X).ndim else X).shape == call(X).shape
    with pytest.raises(ValueError, match=r"target\[0\] is 7; expected classes 0 to 3"):
        func.grad(lambda z: functional.cross_entropy(z, T + 7))(X)


def test_known():
    assert arguments.known(X) and not arguments.known(X.to("meta"))
    seen = []
    func.grad(lambda x: (seen.append(arguments.known(x)), x.sum())[1])(X)
    func.vmap(lambda x: (seen.append(arguments.known(x)), x.sum())[1])(X)
    func.vmap(func.grad(lambda x: (seen.append(arguments.known(x)), x.sum())[1]))(X)
    func.grad(lambda x: func.vmap(lambda x: (seen.append(arguments.known(x)), x.sum())[1])(x).sum())(X)
    assert seen == [True, False, False, False]


def test_networks_on_the_device_meta():
    for layer, x in (
        (models.LeNet(device="meta"), torch.empty(2, 1, 28, 28, device="meta")),
        (nn.MLP([4, 3], device="meta"), torch.empty(2, 4, device="meta")),
    ):
        z = layer(x)
        cost = functional.cross_entropy(z, torch.empty(2, dtype=torch.int64, device="meta"))
        assert cost.is_meta and cost.shape == () and functional.softmax(z, 1).shape == z.shape
    for network in (rnn.LSTM, rnn.GRU, rnn.RNN):
        model = text.CharacterModel(4, network=network, device="meta")
        assert model(torch.empty(5, 2, dtype=torch.int64, device="meta"))[0].shape == (5, 2, 96)
