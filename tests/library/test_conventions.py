"""Calls as torch's: no positional argument means something else, layers take ``input=``, other kinds are refused."""

import inspect
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nndl_lib import data, functional, inspection, linear, models, nn, rnn, text
from nndl_lib.data import augmentation
from nndl_lib.nn import init

G = torch.Generator().manual_seed(0)
X, IMAGES = torch.rand(4, 3, generator=G), torch.rand(2, 3, 8, 8, generator=G)

# Signatures that inspect cannot read: those of functions in C, and of recurrent networks, which take *args.
WRITTEN = {
    "avg_pool2d": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "conv2d": "input weight bias stride padding dilation groups",
    "max_pool2d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "softplus": "input beta threshold",
    "LSTM": "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size device dtype",
    "GRU": "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size device dtype",
    "RNN": "input_size hidden_size num_layers nonlinearity bias batch_first dropout bidirectional proj_size device "
    "dtype",
    "Identity": "",
    "Sigmoid": "",
    "Tanh": "",
}
OURS = {"generator"}  # what the library adds, always after what torch has
TORCHS = {functional: (F, torch), nn: (torch.nn,), rnn: (torch.nn,), init: (torch.nn.init,)}
PAIRS = [
    pytest.param(getattr(module, name), theirs, id=f"{module.__name__.removeprefix('nndl_lib.')}.{name}")
    for module, places in TORCHS.items()
    for name in module.__all__
    if callable(theirs := next((getattr(place, name) for place in places if hasattr(place, name)), None))
]


def positional(thing):
    """The names of what may be given by position, with the defaults."""
    if thing.__name__ in WRITTEN and thing.__module__.partition(".")[0] != "nndl_lib":
        return dict.fromkeys(WRITTEN[thing.__name__].split(), "?")
    if isinstance(thing, type) and thing.__init__ is torch.nn.Module.__init__:
        return {}  # nothing: Module refuses what it is given
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {p.name: p.default for p in inspect.signature(thing).parameters.values() if p.kind in kinds}


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_positional_arguments_are_torchs(ours, theirs):
    mine, found = positional(ours), positional(theirs)
    names = [name for name in mine if name in found or name not in OURS]
    assert names == list(found)[: len(names)]
    if len(mine) > len(names):  # ours come last, and not where torch has another
        assert names == list(found) == list(mine)[: len(names)]
    for name in names:
        if found[name] != "?" and mine[name] is not inspect.Parameter.empty:
            assert mine[name] == found[name], name


@pytest.mark.parametrize("ours, theirs", [pair for pair in PAIRS if isinstance(pair.values[0], type)])
def test_layers_are_called_as_torchs(ours, theirs):
    mine, found = list(inspect.signature(ours.forward).parameters), list(inspect.signature(theirs.forward).parameters)
    assert mine[: len(found)] == found


LAYERS = [
    *(
        (nn.Linear(3, 2), X),
        (nn.BatchNorm1d(3), X),
        (nn.LayerNorm(3), X),
        (nn.LocalResponseNorm(2), X),
        (nn.Dropout(), X),
    ),
    *((kind(), X) for kind in (nn.ELU, nn.Identity, nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.Softplus, nn.Step, nn.Tanh)),
    *((nn.Conv2d(3, 6, 3), IMAGES), (nn.BatchNorm2d(3), IMAGES), (nn.MaxPool2d(2), IMAGES), (nn.AvgPool2d(2), IMAGES)),
    *((nn.GlobalAvgPool2d(), IMAGES), (nn.Flatten(), IMAGES), (nn.Residual(nn.Tanh()), X), (nn.Dense(nn.Tanh()), X)),
    *((nn.Highway(3), X), (nn.MLP([3, 2]), X), (models.LeNet(in_channels=3, small=True), IMAGES)),
    *((kind(3, 2), X.reshape(4, 1, 3)) for kind in (rnn.RNN, rnn.LSTM, rnn.GRU)),
    *((kind(3, 2), X) for kind in (rnn.RNNCell, rnn.LSTMCell, rnn.GRUCell)),
    *((models.BasicBlock(3, 3), IMAGES), (models.DenseLayer(3, 2), IMAGES), (models.Bottleneck(3, 3), IMAGES)),
]


@pytest.mark.parametrize("layer, x", LAYERS, ids=lambda value: type(value).__name__)
def test_layers_take_input_by_its_name(layer, x):
    layer.eval()
    torch.testing.assert_close(layer(input=x), layer(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: functional.avg_pool2d(IMAGES, 3, 2, 1, False),
        lambda: functional.max_pool2d(IMAGES, 3, 2, 1, 1),
        lambda: functional.dropout(X, 0.5, True, True),
        lambda: functional.cross_entropy(X, torch.tensor([0, 1, 2, 0]), "sum"),
        lambda: functional.mse_loss(X, X, "sum"),
        lambda: functional.binary_cross_entropy_with_logits(X, X, "sum"),
        lambda: nn.Conv2d(3, 6, 3, 1, 0, 1, 1, True, "zeros"),
        lambda: nn.AvgPool2d(3, 2, 1, False),
        lambda: nn.MaxPool2d(3, 2, 1, 1),
        lambda: nn.Dropout(0.5, True),
        lambda: nn.ReLU(True),
        lambda: nn.LeakyReLU(0.1, True),
        lambda: rnn.LSTM(3, 2, 1, True, False, 0.0, False, 0),
    ],
)
def test_what_is_left_out_cannot_be_given_by_position(call):
    with pytest.raises(TypeError, match="positional argument"):
        call()


FLAGS = [
    *((nn.Linear, (3, 2), "bias"), (nn.Conv2d, (3, 6, 3), "bias"), (nn.AvgPool2d, (2,), "count_include_pad")),
    *((nn.BatchNorm1d, (3,), name) for name in ("affine", "track_running_stats", "bias")),
    *((nn.LayerNorm, (3,), name) for name in ("elementwise_affine", "bias")),
    *(
        (kind, (3, 2), name)
        for kind in (rnn.RNN, rnn.LSTM, rnn.GRU)
        for name in ("bias", "batch_first", "bidirectional")
    ),
    *((kind, (3, 2), "bias") for kind in (rnn.RNNCell, rnn.LSTMCell, rnn.GRUCell)),
    *((functional.dropout, (X,), "training"), (functional.avg_pool2d, (IMAGES, 2), "count_include_pad")),
    (functional.batch_norm, (X, None, None), "training"),
    *(
        (models.LeNet, (), "small"),
        (models.ResNet, (models.BasicBlock, [1]), "small"),
        (models.DenseNet, (2, [1], 4), "small"),
    ),
    (rnn.gates, (rnn.RNN(3, 2), X.reshape(4, 1, 3)), "reverse"),
]


@pytest.mark.parametrize("value", ["False", 2, 0, None, torch.tensor(True), np.array([True])], ids=repr)
@pytest.mark.parametrize("call, given, name", FLAGS, ids=lambda value: value if isinstance(value, str) else None)
def test_flags_are_true_or_false(call, given, name, value):
    with pytest.raises(ValueError, match=f"^{call.__name__}: {name} is .*; expected True or False$"):
        call(*given, **{name: value})
    if call is not functional.batch_norm:
        call(*given, **{name: np.bool_(call is functional.dropout)})


GENERATORS = [
    *((nn.Linear, (3, 2)), (nn.Conv2d, (3, 6, 3)), (nn.Dropout, ()), (functional.dropout, (X,))),
    *((kind, (3, 2)) for kind in (rnn.RNN, rnn.LSTM, rnn.GRU, rnn.RNNCell, rnn.LSTMCell, rnn.GRUCell)),
    *((init.uniform_, (X.clone(),)), (init.normal_, (X.clone(),)), (init.spread_hinges_, (X[:2].clone(), X[:2, 0], X))),
    *(
        (augmentation.random_affine, (IMAGES,)),
        (augmentation.random_crop, (IMAGES, 6)),
        (augmentation.pca_color, (IMAGES,)),
    ),
    (augmentation.horizontal_flip, (IMAGES,)),
]
NEEDED = [
    *(
        (data.make_moons, (4, 0.1)),
        (data.make_circles, (4, 0.1)),
        (data.make_spirals, (4, 0.1)),
        (data.make_blobs, (4, X, 0.1)),
    ),
    *((data.make_line, (4, 1.0, 1.0, 0.1)), (data.make_sine, (4, 0.1)), (data.adding_problem, (2, 4))),
    *((data.delayed_copy, (2, 4, 1)), (data.noisy_oscillation, (4,))),
]


@pytest.mark.parametrize("value", [0, "cpu", np.random.default_rng(0)], ids=["int", "str", "numpy"])
@pytest.mark.parametrize(
    "call, given, end",
    [
        *((call, given, ", or None") for call, given in GENERATORS),
        *((call, given, ", e.g. torch.Generator\\(\\).manual_seed\\(0\\)") for call, given in NEEDED),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_generators_are_generators(call, given, end, value):
    with pytest.raises(ValueError, match=f"^{call.__name__}: generator is .*; expected a torch.Generator{end}$"):
        call(*given, generator=value)


@pytest.mark.parametrize(
    "make, x",
    [
        (lambda n: nn.Linear(n(3), n(2)), X),
        (lambda n: nn.Conv2d(n(3), n(6), n(3), (n(1), n(2)), n(1), n(1), n(3)), IMAGES),
        (lambda n: nn.BatchNorm1d(n(3)), X),
        (lambda n: nn.LayerNorm((n(3),)), X),
        (lambda n: nn.LocalResponseNorm(n(2)), X),
        (lambda n: nn.MaxPool2d(n(3), n(2), n(1)), IMAGES),
        (lambda n: nn.MLP([n(3), n(4), n(2)]), X),
        (lambda n: rnn.LSTM(n(3), n(2), n(2)), X.reshape(4, 1, 3)),
        (lambda n: rnn.GRUCell(n(3), n(2)), X),
        (lambda n: models.LeNet(n(10), n(3), small=True), IMAGES),
    ],
)
@pytest.mark.parametrize("integer", [np.int64, np.uint8, np.int32])
def test_integers_of_numpy_are_integers(make, x, integer):
    layer, same = make(integer), make(int)
    assert repr(layer) == repr(same)
    same.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(x), same(x), rtol=0, atol=0)


@pytest.mark.parametrize("dim", [None, 1.0, True, "1", (0, 1), [1], 2, -3, torch.tensor(1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_dimension_is_one_integer(name, dim):
    with pytest.raises(
        ValueError, match=rf"^{name}: input has shape \(4, 3\) and dim is .*; expected one of its dimensions$"
    ):
        getattr(functional, name)(X, dim)
    assert torch.equal(functional.softmax(X, np.int64(1)), functional.softmax(X, 1))


@pytest.mark.parametrize(
    "call",
    [
        *(lambda v, kind=kind: getattr(functional, kind)(X, v) for kind in ("leaky_relu", "elu")),
        *(lambda v, kind=kind: getattr(nn, kind)(v) for kind in ("LeakyReLU", "ELU")),
        lambda v: functional.batch_norm(X, None, None, training=True, momentum=v),
        lambda v: functional.layer_norm(X, (3,), eps=v),
        lambda v: nn.BatchNorm1d(3, momentum=v if v is not None else "a"),
        lambda v: nn.Highway(3, gate_bias=v),
        lambda v: functional.multiclass_hinge_loss(X, torch.tensor([0, 1, 2, 0]), v),
        lambda v: init.calculate_gain("leaky_relu", v if v is not None else "a"),
        lambda v: init.normal_(X.clone(), v),
        lambda v: init.uniform_(X.clone(), v),
        lambda v: rnn.forget_bias_(rnn.LSTM(3, 2), v),
        lambda v: data.make_moons(4, v, G),
    ],
)
@pytest.mark.parametrize("value", ["0.1", None, True, math.nan, [0.1], torch.tensor([0.1])], ids=repr)
def test_numbers_are_numbers(call, value):
    with pytest.raises(ValueError, match=r": \w+ is .*; expected .*number"):
        call(value)


@pytest.mark.parametrize(
    "call",
    [
        *((lambda v: nn.MLP([3, 2, 1], v)), (lambda v: models.LeNet(activation=v)), (lambda v: models.LeNet(pool=v))),
        *(
            (lambda v: nn.deep_mlp(3, 4, 2, 3, activation=v)),
            (lambda v: nn.deep_mlp(3, 4, 2, 3, norm=v)),
            (lambda v: models.ResNet(v, [1])),
        ),
        *(
            (lambda v: rnn.lag_gradients(rnn.RNN(3, 2), X.reshape(4, 1, 3), v)),
            (lambda v: text.CharacterModel(4, network=v)),
        ),
        *((lambda v: init.initialize(nn.Linear(3, 2), v)), (lambda v: inspection.record(nn.MLP([3, 2, 1]), X, v))),
    ],
)
@pytest.mark.parametrize("value", [0.5, "Tanh", torch.zeros(())])
def test_functions_are_functions(call, value):
    with pytest.raises(ValueError, match=r": \w+ is .*; expected a function$"):
        call(value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: functional.layer_norm(X, (3,), x(3)),
        lambda x: functional.layer_norm(X, (3,), None, x(3)),
        lambda x: functional.batch_norm(X, x(3), torch.ones(3)),
        lambda x: functional.batch_norm(X, torch.zeros(3), torch.ones(3), x(3)),
        lambda x: functional.conv2d(IMAGES, x(2, 3, 1, 1)),
        lambda x: functional.conv2d(IMAGES, torch.zeros(2, 3, 1, 1), x(2)),
        lambda x: functional.mse_loss(X, x(4, 3)),
        lambda x: nn.Linear(3, 2)(x(4, 3)),
        lambda x: nn.Conv2d(3, 2, 3)(x(1, 3, 8, 8)),
        lambda x: rnn.LSTM(3, 2)(x(4, 1, 3)),
        lambda x: rnn.GRUCell(3, 2)(x(4, 3)),
        lambda x: nn.BatchNorm1d(3)(x(4, 3)),
        lambda x: nn.LayerNorm(3)(x(4, 3)),
    ],
)
def test_one_device_and_one_dtype(call):
    for options, expected in (
        ({"device": "meta"}, "one device for (both|all)"),
        ({"dtype": torch.float64}, "(the same dtype for both|one floating-point dtype for all)"),
    ):
        with pytest.raises(ValueError, match=f"; expected {expected}$"):
            call(lambda *shape, options=options: torch.zeros(shape, **options))
    with pytest.raises(ValueError, match="; expected "):  # both at once
        call(lambda *shape: torch.zeros(shape, device="meta", dtype=torch.float64))


REFUSED = [  # what is called, and words of the error that names the argument
    (lambda: functional.layer_norm(X, 3), "layer_norm: input has shape (4, 3) and normalized_shape is 3; expected"),
    (lambda: functional.dropout(X, mask=True), "dropout: mask is a bool; expected a tensor"),
    (lambda: nn.Dense(nn.Tanh(), (1,)), "Dense: dim is (1,); expected an integer"),
    (lambda: nn.Dense(nn.Tanh(), True), "Dense: dim is True; expected an integer"),
    (lambda: nn.Residual(3), "Residual: block is 3; expected a function"),
    (lambda: nn.MLP(3), "MLP: sizes are [3]; expected at least two"),
    (lambda: models.ResNet(models.BasicBlock, 2), "ResNet: layers is 2; expected"),
    (
        lambda: nn.weight_norm(nn.Linear(3, 2), dim=True),
        "weight_norm: weight has shape (2, 3) and dim is True; expected",
    ),
    (lambda: nn.weight_norm(3), "weight_norm: module is 3; expected a torch.nn.Module"),
    (lambda: rnn.rnn_step(X, X, "sigmoid"), "rnn_step: nonlinearity is 'sigmoid'; expected"),
    (lambda: rnn.gates(rnn.LSTM(3, 2), [1.0]), "gates: x is a list; expected a tensor"),
    (lambda: rnn.forget_bias_(3, 1.0), "forget_bias_: model is 3; expected a torch.nn.Module"),
    (lambda: init.calculate_gain(["relu"]), "calculate_gain: nonlinearity is ['relu']; expected"),
    (lambda: init.constant_(X.clone(), "1"), "constant_: val is '1'; expected a finite number"),
    (lambda: init.xavier_uniform_(X.clone(), "relu"), "xavier_uniform_: gain is 'relu'; expected a finite number"),
    (lambda: init.normal_(X.long()), "normal_: tensor is torch.int64; expected a floating-point dtype"),
    (
        lambda: init.initialize(nn.Linear(3, 2), init.zeros_, bias="0"),
        "initialize: bias is '0'; expected a finite number",
    ),
    (lambda: linear.predict(X, X[0], np.ones(4)), "predict: b is array([1., 1., 1., 1.]); expected a finite number"),
    (
        lambda: linear.gradient_descent(X, X[:, 0], "0.1", 3),
        "gradient_descent: lr is '0.1'; expected",
    ),
    (lambda: data.split(X, fractions=0.5, generator=G), "split: fractions are 0.5; expected positive numbers"),
    (lambda: data.make_line(4, "1", 1.0, 0.1, G), "make_line: w is '1'; expected a finite number"),
    (lambda: augmentation.rotate(IMAGES, "90"), "rotate: degrees is '90'; expected a finite number"),
    (lambda: augmentation.rotate(IMAGES, True), "rotate: degrees is True; expected a finite number"),
    (lambda: text.split(torch.arange(9), "0.5"), "split: share is '0.5' of 9 characters; expected a share"),
    (lambda: text.CharacterModel(4)([1]), "CharacterModel: ids is a list; expected a tensor"),
    (lambda: text.sample("x", torch.arange(4), 2, G), "sample: model is 'x'; expected a function"),
    (lambda: inspection.architecture_table(torch.tanh, (3,)), "architecture_table: module is <built-in"),
    (lambda: inspection.architecture_table(nn.Tanh(), 3), "architecture_table: input_shape is 3; expected"),
    (lambda: inspection.record(torch.tanh, X), "record: model is <built-in"),
    (lambda: inspection.record(nn.MLP([3, 2]), X, types="Linear"), "record: types is 'Linear'; expected a class"),
    (lambda: inspection.record(nn.MLP([3, 2]), X, tensors="no"), "record: tensors is 'no'; expected True or False"),
]


@pytest.mark.parametrize("call, words", REFUSED, ids=[words.partition(";")[0] for _, words in REFUSED])
def test_arguments_of_another_kind(call, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        call()
