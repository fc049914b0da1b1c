"""Lists and arrays of NumPy where a tensor is expected: each function and layer of the base says so."""

import inspect
import re

import pytest
import torch
from torch import Tensor

import nndl_lib.data
import nndl_lib.data.augmentation
import nndl_lib.functional
import nndl_lib.linear
from nndl_lib import nn, rnn, training
from nndl_lib.training import train_ensemble

G = torch.Generator().manual_seed(0)
X, IMAGES, T = torch.rand(4, 3, generator=G), torch.rand(2, 3, 8, 8, generator=G), torch.rand(4, generator=G)
LABELS = torch.tensor([0, 2, 1, 1])
WEIGHT, C3 = torch.rand(6, 3, 3, 3, generator=G), torch.rand(3, generator=G)
BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 4.0]])
NORM = {"running_mean": C3, "running_var": C3, "weight": C3, "bias": C3}
IMAGE = {name: {"images": IMAGES} for name in nndl_lib.data.augmentation.__all__}
IMAGE["random_crop"] |= {"size": 6, "generator": G}
IMAGE["ten_crop"] |= {"size": 6}
IMAGE["rotate"] |= {"degrees": 10.0}
IMAGE["shift"] |= {"down": 1.0}
IMAGE["scale"] |= {"factor": 1.5}
CALLS = {
    nndl_lib.functional: {
        "box_iou": {"boxes1": BOXES, "boxes2": BOXES},
        "nms": {"boxes": BOXES, "scores": C3[:2], "iou_threshold": 0.5},
        "roi_align": {"input": IMAGES, "boxes": [BOXES, BOXES], "output_size": 2},  # boxes may be a list, of tensors
        **{
            name: {"input": X}
            for name in (
                "dropout",
                "elu",
                "identity",
                "leaky_relu",
                "relu",
                "sigmoid",
                "softplus",
                "step",
                "tanh",
            )
        },
        **{name: {"input": X, "dim": 1} for name in ("softmax", "log_softmax")},
        **{name: {"input": X, "target": X.softmax(1)} for name in ("mse_loss", "binary_cross_entropy_with_logits")},
        **{name: {"input": X, "target": LABELS} for name in ("accuracy", "cross_entropy", "multiclass_hinge_loss")},
        **{
            name: {"input": IMAGES, "weight": WEIGHT, "bias": torch.rand(6, generator=G)}
            for name in ("conv2d", "conv2d_loops")
        },
        **{name: {"input": IMAGES, "kernel_size": 2} for name in ("max_pool2d", "avg_pool2d")},
        "batch_norm": {"input": X, **NORM},
        "layer_norm": {"input": X, "normalized_shape": (3,), "weight": C3, "bias": C3},
        "local_response_norm": {"input": X, "size": 3},
    },
    nndl_lib.linear: {
        "critical_learning_rate": {"X": X},
        "gradient_descent": {"X": X, "t": T, "lr": 0.1, "steps": 1, "w": C3},
        "lstsq": {"X": X, "t": T},
        "polynomial_features": {"x": T, "degree": 2},
        "predict": {"X": X, "w": C3},
        "ridge": {"X": X, "t": T, "lam": 0.1},
        "squared_error_cost": {"X": X, "t": T, "w": C3},
        "squared_error_gradient": {"X": X, "t": T, "w": C3},
    },
    nndl_lib.data.augmentation: IMAGE,
}
WRONG = {"list": lambda tensor: tensor.tolist(), "ndarray": lambda tensor: tensor.numpy()}


def functions(module):
    """The public functions of a module that take a tensor, by name."""
    found = {name: getattr(module, name) for name in module.__all__ if inspect.isfunction(getattr(module, name))}
    return {
        name: f
        for name, f in found.items()
        if any(p.annotation in (Tensor, "Tensor") for p in inspect.signature(f).parameters.values())
    }


def refused(words):
    return pytest.raises(ValueError, match=re.escape(words))


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "module, name",
    [(module, name) for module in CALLS for name in functions(module)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_functions_expect_tensors(module, name, kind):
    f, given = getattr(module, name), CALLS[module][name]
    needed = {p.name for p in inspect.signature(f).parameters.values() if p.default is p.empty}
    if "generator" in needed:
        given = given | {"generator": G}
    f(**given)  # right as it stands
    tensors = [key for key, value in given.items() if isinstance(value, Tensor)]
    assert tensors
    for key in tensors:
        with refused(f"{name}: {key} is a {kind}; expected a tensor, e.g. torch.tensor({key})"):
            f(**given | {key: WRONG[kind](given[key])})


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "layer, x",
    [
        (nn.Linear(3, 2), X),
        (nn.BatchNorm1d(3), X),
        (nn.LayerNorm(3), X),
        (nn.Conv2d(3, 6, 3), IMAGES),
        (nn.BatchNorm2d(3), IMAGES),
        (rnn.RNN(3, 2), X.reshape(4, 1, 3)),
        (rnn.LSTM(3, 2), X.reshape(4, 1, 3)),
        (rnn.GRU(3, 2), X.reshape(4, 1, 3)),
        (rnn.RNNCell(3, 2), X),
        (rnn.LSTMCell(3, 2), X),
        (rnn.GRUCell(3, 2), X),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_expect_tensors(layer, x, kind):
    layer(x)
    with refused(f"{type(layer).__name__}: input is a {kind}; expected a tensor, e.g. torch.tensor(input)"):
        layer(WRONG[kind](x))


@pytest.mark.parametrize("kind", WRONG)
def test_a_state_is_a_tensor(kind):
    h = torch.zeros(4, 2)
    with refused(f"GRUCell: hx is a {kind}; expected a tensor"):
        rnn.GRUCell(3, 2)(X, WRONG[kind](h))
    with refused(f"LSTMCell: c is a {kind}; expected a tensor"):
        rnn.LSTMCell(3, 2)(X, (h, WRONG[kind](h)))


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_fitted_and_split_is_a_tensor(kind):
    wrong = WRONG[kind](X)
    for tool in (nndl_lib.data.Standardizer, nndl_lib.data.Whitening):
        with refused(f"{tool.__name__}: X is a {kind}; expected a tensor"):
            tool(wrong)
        with refused(f"{tool.__name__}: X is a {kind}; expected a tensor"):
            tool(X).transform(wrong)
    with refused(f"split: tensors[1] is a {kind}; expected a tensor"):
        nndl_lib.data.split(X, wrong, fractions=(0.5, 0.5), generator=G)
    for penalty in (training.l1_penalty, training.l2_penalty):
        with refused(f"{penalty.__name__}: parameters[1] is a {kind}; expected a tensor"):
            penalty([X, wrong])
    with refused(f"max_norm_: weight is a {kind}; expected a tensor"):
        training.max_norm_(wrong, 1.0)
    members = training.Ensemble([nn.Linear(3, 3), nn.Linear(3, 3)])
    for given, what in [({"X": wrong, "t": LABELS}, "X"), ({"X": X, "t": WRONG[kind](LABELS)}, "t")]:
        with refused(f"train_ensemble: {what} is a {kind}; expected a tensor"):
            train_ensemble(
                members, **given, loss=nndl_lib.functional.cross_entropy, lr=0.1, epochs=1, batch_size=2, generator=G
            )
