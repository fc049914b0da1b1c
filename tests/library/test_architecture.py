"""The table of a network's layers against counts by hand, and receptive fields against what gradients show."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import models, nn, rnn
from nndl_lib.inspection import Row, architecture_table, receptive_field

checks = settings(derandomize=True, deadline=None, max_examples=40, database=None)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


def test_the_table_of_lenet():
    table = architecture_table(models.LeNet(), (1, 28, 28))
    assert table.input_shape == (1, 28, 28)
    assert table.rows[:3] == [
        Row("features.0", "Conv2d", (6, 28, 28), 156, 25 * 6 * 28 * 28),
        Row("features.1", "ReLU", (6, 28, 28), 0, 0),
        Row("features.2", "MaxPool2d", (6, 14, 14), 0, 0),
    ]
    assert table.rows[3] == Row("features.3", "Conv2d", (16, 10, 10), 2416, 6 * 25 * 16 * 100)
    assert table.rows[-1] == Row("classifier.5", "Linear", (10,), 850, 840)
    assert table.parameters == 61_706
    assert table.multiply_adds == 117_600 + 240_000 + 48_000 + 10_080 + 840


def test_the_table_as_text():
    model = torch.nn.Sequential(torch.nn.Linear(1000, 2), torch.nn.ReLU(), torch.nn.Bilinear(1, 1, 1))

    class Odd(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.spare = model[:2], torch.nn.Linear(3, 1)
            self.odd = torch.nn.PReLU()

        def forward(self, x):
            return self.odd(self.body(x))

    assert str(architecture_table(Odd(), (1000,))).splitlines() == [
        "layer   kind        output  parameters  multiply-adds",
        "-----------------------------------------------------",
        "input                 1000",
        "body.0  Linear           2       2,002          2,000",
        "body.1  ReLU             2           0              0",
        "odd     PReLU            2           1              ?",
        "spare   Linear  not called           4              0",
        "-----------------------------------------------------",
        "total                            2,007          2,000",
    ]
    assert "28 x 28" in str(architecture_table(models.LeNet(), (1, 28, 28)))


def test_alexnets_published_sizes():
    table = architecture_table(models.AlexNet(device="meta"), (3, 224, 224))
    units = [math.prod(row.output_shape) for row in table.rows if row.kind in ("Conv2d", "Linear")]
    assert math.prod(table.input_shape) == 150_528
    # The paper's numbers but the first, of which it says 253,440 = 96 * 55 * 48.
    assert units == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert table.parameters == 60_965_224
    assert table.multiply_adds == 724_406_816
    assert 253_440 == 96 * 55 * 48 and not (253_440 / 96) ** 0.5 == int((253_440 / 96) ** 0.5)
    without = architecture_table(models.AlexNet(padding=0, device="meta"), (3, 227, 227))
    assert [row.output_shape for row in without.rows] == [row.output_shape for row in table.rows]


def test_multiply_adds_of_every_kind():
    cases = [
        (nn.Linear(5, 3), (5,), 15),
        (torch.nn.Linear(5, 3, bias=False), (4, 5), 60),
        (nn.Conv2d(4, 6, 3, stride=2, groups=2), (4, 7, 9), 6 * 3 * 4 * 2 * 9),
        (torch.nn.Conv2d(4, 6, (1, 3), padding="same"), (4, 7, 9), 6 * 63 * 4 * 3),
        (torch.nn.Conv1d(2, 3, 4), (2, 7), 3 * 4 * 2 * 4),
        (torch.nn.ConvTranspose2d(2, 3, 4, stride=2), (2, 5, 5), 2 * 25 * 3 * 16),
        *((nn.BatchNorm2d(3), (3, 4, 5), 60), (torch.nn.BatchNorm2d(3), (3, 4, 5), 60), (nn.BatchNorm1d(3), (3,), 3)),
        *(
            (nn.BatchNorm2d(3, affine=False), (3, 4, 5), 0),
            (nn.LayerNorm(6), (6,), 6),
            (torch.nn.GroupNorm(1, 2), (2, 3), 6),
        ),
        *((nn.MaxPool2d(2), (3, 4, 4), 0), (nn.AvgPool2d(2), (3, 4, 4), 0), (nn.Tanh(), (3,), 0)),
        (torch.nn.LSTM(4, 6, batch_first=True), (7, 4), 7 * 4 * 6 * (4 + 6)),
        (torch.nn.GRU(4, 6, 2, batch_first=True), (7, 4), 7 * 3 * (6 * (4 + 6) + 6 * (6 + 6))),
        (rnn.LSTM(4, 6, batch_first=True), (7, 4), 7 * 4 * 6 * (4 + 6)),
        (rnn.GRU(4, 6, 2, batch_first=True), (7, 4), 7 * 3 * (6 * (4 + 6) + 6 * (6 + 6))),
        (rnn.RNN(4, 6, batch_first=True, bidirectional=True), (7, 4), 7 * 2 * 6 * (4 + 6)),
        *(
            (kind(4, 6), (4,), gates * 6 * (4 + 6))
            for kind, gates in (
                *((rnn.LSTMCell, 4), (rnn.GRUCell, 3), (rnn.RNNCell, 1), (torch.nn.LSTMCell, 4), (torch.nn.GRUCell, 3)),
            )
        ),
        (torch.nn.PReLU(), (3,), None),
    ]
    for layer, shape, expected in cases:
        (row,) = architecture_table(layer, shape).rows
        assert row.multiply_adds == expected, layer
        assert row.parameters == sum(p.numel() for p in layer.parameters()) and row.kind == type(layer).__name__
    assert architecture_table(torch.nn.LSTM(4, 6, batch_first=True), (7, 4)).rows[0].output_shape == (7, 6)


def test_any_model_of_the_book():
    class Reader(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent, self.dropout = rnn.LSTM(4, 6, 2, batch_first=True, dropout=0.5), nn.Dropout(0.5)
            self.readout = nn.Linear(6, 3)

        def forward(self, x):
            h, _ = self.recurrent(input=x)  # layers may be called with names
            return self.readout(input=self.dropout(input=h[:, -1]))

    model = Reader()
    table = architecture_table(model, (5, 4))
    assert [(row.name, row.output_shape) for row in table.rows] == [
        ("recurrent", (5, 6)),
        ("dropout", (6,)),
        ("readout", (3,)),
    ]
    products = 5 * 4 * 6 * (4 + 6 + 6 + 6)
    assert [row.multiply_adds for row in table.rows] == [products, 0, 18] and table.multiply_adds == products + 18
    assert table.parameters == sum(p.numel() for p in model.parameters())
    assert model.training and model.recurrent.training


def test_it_is_the_same_for_torchs_modules():
    ours = architecture_table(models.LeNet(small=True), (1, 8, 8))
    model = torch.nn.Sequential(
        *(torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
        *(torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
        *(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)),
    )
    theirs = architecture_table(model, (1, 8, 8))
    assert [row[1:] for row in theirs.rows] == [row[1:] for row in ours.rows]


def test_shared_parameters_count_once():
    layer, other = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
    other.weight = layer.weight
    table = architecture_table(torch.nn.Sequential(layer, nn.ReLU(), layer, other), (4,))
    assert [(row.name, row.parameters, row.multiply_adds) for row in table.rows] == [
        *(("0", 20, 16), ("1", 0, 0), ("0", 0, 16), ("3", 0, 16))
    ]
    assert table.parameters == 20 and table.multiply_adds == 48


def test_parameters_beside_children_and_under_weight_norm():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.inner = torch.nn.Parameter(torch.ones(3)), nn.Linear(3, 3)

        def forward(self, x):
            return self.scale * self.inner(x)

    table = architecture_table(Scaled(), (3,))
    assert [(row.name, row.kind, row.parameters, row.multiply_adds) for row in table.rows] == [
        *(("inner", "Linear", 12, 9), ("", "Scaled", 3, None))
    ]
    assert table.parameters == 15 and table.multiply_adds == 9
    table = architecture_table(torch.nn.Sequential(nn.weight_norm(nn.Linear(3, 2))), (3,))
    assert [(row.name, row.parameters, row.multiply_adds) for row in table.rows] == [("0", 6 + 2 + 2, 6)]


def test_residual_and_dense_networks_add_up():
    for model in (models.ResNet(models.Bottleneck, [1, 1], channels=8), models.DenseNet(4, [2, 2], 8, small=True)):
        table = architecture_table(model, (3, 16, 16))
        assert table.parameters == sum(p.numel() for p in model.parameters())
        assert all(row.output_shape is not None and row.multiply_adds is not None for row in table.rows)
    table = architecture_table(models.ResNet(models.Bottleneck, [3, 4, 6, 3], device="meta"), (3, 224, 224))
    # 4.09e9 of convolutions and the linear layer, as torchvision's documentation has it; the rest is normalization.
    assert sum(row.multiply_adds for row in table.rows if row.kind != "BatchNorm2d") == 4_089_184_256


def test_the_network_is_left_as_it_was():
    model = torch.nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), torch.nn.Dropout(), nn.Flatten(), nn.Linear(8, 2)
    )
    model[1].eval()
    model.register_forward_hook(hook := lambda *_: None)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [part.training for part in model.modules()]
    state = torch.get_rng_state()
    for shape, bad in (((1, 4, 4), None), ((1, 9, 9), ValueError), ((2, 4, 4), RuntimeError)):
        if bad:
            with pytest.raises(bad):
                architecture_table(model, shape)
        else:
            architecture_table(model, shape)
        assert [part.training for part in model.modules()] == modes
        assert [list(part._forward_hooks.values()) for part in model.modules()] == [[hook], *[[]] * 5]
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_table_in_float64_and_bad_shapes():
    assert architecture_table(models.LeNet(dtype=torch.float64), [1, 28, 28]).parameters == 61_706
    assert architecture_table(nn.ReLU(), (3,)).rows == [Row("", "ReLU", (3,), 0, 0)]
    for shape, k in (((0, 28, 28), 0), ((1, 28, -1), 2), ((1, 28.0, 28), 1)):
        with refused(f"architecture_table: input_shape[{k}] is {shape[k]!r}; expected an integer of at least 1"):
            architecture_table(models.LeNet(), shape)


# --- receptive fields ---


@st.composite
def stacks(draw):
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
        layers.append((kernel, stride, draw(st.integers(0, kernel // 2)), dilation))
    return layers


def seen(layers, unit, size):
    """The pixels along one side that have a gradient, with kernels of ones, and where the sum of them is it."""
    x = torch.zeros(1, 1, size, 1, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride, padding, dilation in layers:
        weight = torch.ones(1, 1, kernel, 1, dtype=torch.float64)
        y = torch.nn.functional.conv2d(y, weight, None, (stride, 1), (padding, 0), (dilation, 1))
    y[0, 0, unit, 0].backward()
    return x.grad[0, 0, :, 0].nonzero()[:, 0]


@checks
@given(layers=stacks())
def test_receptive_field_equals_what_gradients_show(layers):
    size, stride, start = receptive_field(layers)
    unit = -(-max(0, -start) // stride) + 8  # past the padding, from which no gradient comes
    pixels = seen(layers, unit, start + unit * stride + 3 * size + 200)
    first, last = start + unit * stride, start + unit * stride + size - 1
    assert (pixels[0].item(), pixels[-1].item()) == (first, last)
    ones = (layer if layer[2:] != (0, 1) else layer[:2] for layer in layers)
    assert receptive_field(ones) == (size, stride, start)


def test_receptive_field_of_modules():
    assert receptive_field([]) == (1, 1, 0)
    assert receptive_field(models.LeNet().features[:1]) == (5, 1, -2)
    assert receptive_field(models.LeNet().features) == (16, 4, -2)
    assert receptive_field([models.LeNet().features[:3], torch.nn.Sequential(nn.Conv2d(6, 1, 5))]) == (14, 2, -2)
    assert receptive_field(models.AlexNet(device="meta").features) == (195, 32, -66)
    assert receptive_field([nn.Conv2d(1, 1, 3, padding="same", dilation=2)] * 2) == (9, 1, -4)
    assert receptive_field([nn.Conv2d(1, 1, 4, padding="same"), nn.Conv2d(1, 1, 3, padding="valid")]) == (6, 1, -1)
    layers = [
        torch.nn.Conv2d(1, 1, 3, 2, 1, 2),
        torch.nn.BatchNorm2d(1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(3, 2, 1, 1),
    ]
    assert receptive_field(layers) == (1 + 4 + 2 * 2, 4, -1 - 2)
    assert receptive_field([torch.nn.MaxPool2d(2, dilation=3), torch.nn.AvgPool2d(2, 1)]) == (4 + 2, 2, 0)
    assert receptive_field([nn.AvgPool2d((2, 2)), nn.MaxPool2d(3, 1, 1)]) == (2 + 4, 2, -2)


def test_receptive_field_bad_layers():
    with refused("receptive_field: layers[1] is Linear; expected convolutions, poolings"):
        receptive_field([nn.ReLU(), nn.Linear(3, 3)])
    for layer in (nn.Conv2d(1, 1, (3, 5)), nn.Conv2d(1, 1, 3, stride=(1, 2)), nn.MaxPool2d(4, padding=(0, 1))):
        with refused(f"receptive_field: layers[0] is {layer}, which differs in height and width; expected (kernel"):
            receptive_field([layer])
    for layer in ((3,), (3, 1, 0, 1, 1)):
        with refused(f"receptive_field: layers[0] is {layer}; expected (kernel, stride, padding, dilation)"):
            receptive_field([layer])
    bad = (
        ((0, 1), "kernel", 0, 1),
        ((1, 0), "stride", 0, 1),
        ((1, 1, -1), "padding", -1, 0),
        ((1, 1, 0, 0), "dilation", 0, 1),
    )
    for layer, name, value, least in bad:
        with refused(f"receptive_field: the {name} of layers[0] is {value}; expected an integer of at least {least}"):
            receptive_field([layer])
