"""LeNet, AlexNet, ResNet, ResNeXt, DenseNet against counts by hand, published ones, and the same made of torch.nn."""

import re

import pytest
import torch
import torch.nn.functional as F

from nndl_lib import models, nn

F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), **F64)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


def count(module):
    return sum(p.numel() for p in module.parameters())


def conv(inputs, outputs, kernel, groups=1, bias=False):
    """Parameters of a convolution, by hand."""
    return outputs * (inputs // groups) * kernel**2 + (outputs if bias else 0)


def follow(state, x, layers):
    """x through (kind, name, options): what the network computes, by torch's functions and the state alone."""
    for kind, name, options in layers:
        if kind == "conv":
            x = F.conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), **options)
        elif kind == "norm":
            x = F.batch_norm(x, None, None, state[f"{name}.weight"], state[f"{name}.bias"], training=True)
        elif kind == "linear":
            x = F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])
        else:
            x = getattr(F, kind)(x, **options)
    return x


# --- LeNet and AlexNet ---


def test_lenet_by_hand():
    model = models.LeNet(generator=rng(), **F64)
    assert [count(layer) for layer in model.modules() if not list(layer.children()) and count(layer)] == [
        *(6 * 25 + 6, 16 * 6 * 25 + 16, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10)
    ]
    assert count(model) == 61_706 and count(models.LeNet(small=True)) == 3_658
    x, state = normal(2, 1, 28, 28), model.state_dict()
    expected = follow(
        *(state, x),
        [
            *(("conv", "features.0", {"padding": 2}), ("relu", "", {}), ("max_pool2d", "", {"kernel_size": 2})),
            *(("conv", "features.3", {}), ("relu", "", {}), ("max_pool2d", "", {"kernel_size": 2})),
        ],
    ).flatten(1)
    expected = follow(
        *(state, expected),
        [
            ("linear", "classifier.1", {}),
            ("relu", "", {}),
            ("linear", "classifier.3", {}),
            ("relu", "", {}),
            ("linear", "classifier.5", {}),
        ],
    )
    close(model(x), expected)
    assert model.features(x).shape == (2, 16, 5, 5)


def test_small_lenet_and_its_options():
    model = models.LeNet(7, 3, small=True, activation=nn.Tanh, pool=nn.AvgPool2d, generator=rng(), **F64)
    kinds = [type(layer).__name__ for part in (model.features, model.classifier) for layer in part]
    assert kinds == ["Conv2d", "Tanh", "AvgPool2d"] * 2 + ["Flatten", "Linear", "Tanh", "Linear"]
    x, state = normal(2, 3, 8, 8), model.state_dict()
    half = ("avg_pool2d", "", {"kernel_size": 2})
    maps = follow(
        *(state, x),
        [
            ("conv", "features.0", {"padding": 1}),
            ("tanh", "", {}),
            half,
            ("conv", "features.3", {"padding": 1}),
            ("tanh", "", {}),
            half,
        ],
    )
    assert maps.shape == (2, 16, 2, 2)
    close(
        model(x),
        follow(
            state, maps.flatten(1), [("linear", "classifier.1", {}), ("tanh", "", {}), ("linear", "classifier.3", {})]
        ),
    )
    assert model(x).shape == (2, 7)
    with refused("expected input (..., 64)"):
        model(torch.zeros(1, 3, 12, 12, **F64))
    for name in ("num_classes", "in_channels"):
        with refused(f"LeNet: {name} is 0; expected an integer of at least 1"):
            models.LeNet(**{name: 0})


def test_models_draw_from_their_generator_alone():
    makers = [
        *(lambda g: models.LeNet(generator=g), lambda g: models.LeNet(small=True, generator=g)),
        *(
            lambda g: models.ResNet(models.BasicBlock, [1, 1], channels=4, generator=g),
            lambda g: models.Bottleneck(4, 2, 2, generator=g),
        ),
        *(lambda g: models.ResNeXtBlock(4, 16, generator=g), lambda g: models.DenseNet(2, [1, 1], 4, generator=g)),
    ]
    for make in makers:
        before = torch.get_rng_state()
        one, other, third = make(rng(1)), make(rng(1)), make(rng(2))
        assert torch.equal(torch.get_rng_state(), before)
        for (name, a), (_, b), (_, c) in zip(*(m.named_parameters() for m in (one, other, third))):
            assert torch.equal(a, b)
            assert a.ndim == 1 or not torch.equal(a, c), name


def test_alexnet_by_hand():
    model = models.AlexNet(device="meta")
    counts = [count(layer) for layer in model.modules() if not list(layer.children()) and count(layer)]
    assert counts == [
        *(conv(3, 96, 11, bias=True), conv(96, 256, 5, 2, bias=True), conv(256, 384, 3, bias=True)),
        *(conv(384, 384, 3, 2, bias=True), conv(384, 256, 3, 2, bias=True)),
        *(9216 * 4096 + 4096, 4096 * 4096 + 4096, 4096 * 1000 + 1000),
    ]
    assert count(model) == sum(counts) == 60_965_224
    # Through the convolutions of the paper's sizes; none of them without numbers.
    assert model.features(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 256, 6, 6)
    assert models.AlexNet(padding=0, device="meta")(torch.zeros(2, 3, 227, 227, device="meta")).shape == (2, 1000)
    assert models.AlexNet(5, device="meta")(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 5)
    with refused("AlexNet: num_classes is 0; expected an integer of at least 1"):
        models.AlexNet(0)
    with refused("AlexNet: padding is -1; expected an integer of at least 0"):
        models.AlexNet(padding=-1)


def test_alexnet_normalizes_as_the_paper_says():
    norms = [layer for layer in models.AlexNet(device="meta").features if isinstance(layer, nn.LocalResponseNorm)]
    assert len(norms) == 2
    x = normal(1, 7, 1, 1)
    # b_i = a_i / (k + alpha * the sum of the squares of 5 neighbors)**beta, k = 2, alpha = 1e-4, beta = 0.75
    sums = [(x[0, max(0, c - 2) : c + 3] ** 2).sum() for c in range(7)]
    for norm in norms:
        close(norm(x).flatten(), x.flatten() / (2 + 1e-4 * torch.stack(sums)) ** 0.75)
    kinds = [type(layer).__name__ for layer in models.AlexNet(device="meta").classifier]
    assert kinds == ["Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]


# --- residual networks ---


def block_by_torch(state, x, stride, groups=1, bottleneck=False):
    steps = [(1, 1, 0, 1), (2, stride, 1, groups), (3, 1, 0, 1)] if bottleneck else [(1, stride, 1, 1), (2, 1, 1, 1)]
    h = x
    for k, step, padding, g in steps:
        options = {"stride": step, "padding": padding, "groups": g}
        h = follow(state, h, [("conv", f"conv{k}", options), ("norm", f"bn{k}", {})])
        if k < len(steps):
            h = h.relu()
    if "downsample.0.weight" in state:
        x = follow(state, x, [("conv", "downsample.0", {"stride": stride}), ("norm", "downsample.1", {})])
    return (x + h).relu()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("inputs", [3, 8])
def test_blocks_equal_torchs(inputs, stride):
    x = normal(2, inputs, 5, 6)
    cases = [
        (models.BasicBlock(inputs, 8, stride, generator=rng(), **F64), 1, False),
        (models.Bottleneck(inputs, 2, stride, generator=rng(), **F64), 1, True),
        (models.Bottleneck(inputs, 2, stride, groups=3, width=6, generator=rng(), **F64), 3, True),
        (models.ResNeXtBlock(inputs, 2, stride, cardinality=2, base_width=64, generator=rng(), **F64), 2, True),
    ]
    for block, groups, bottleneck in cases:
        with torch.no_grad():
            for name, p in block.named_parameters():  # scales and shifts that are not one and zero
                p.copy_(normal(*p.shape, seed=len(name)))
        y = block(x)
        assert y.shape == (2, 8, -(-5 // stride), 6 // stride)
        assert (block.downsample is None) == (stride == 1 and inputs == 8)
        close(y, block_by_torch(block.state_dict(), x, stride, groups, bottleneck))


def weights(block):
    return sum(p.numel() for p in block.parameters() if p.ndim == 4)


def test_blocks_have_the_papers_numbers_of_weights():
    # He et al., figure 5: a bottleneck of 256 channels costs about what a block of 64 does.
    assert weights(models.BasicBlock(64, 64)) == 2 * conv(64, 64, 3) == 73_728
    assert weights(models.Bottleneck(256, 64)) == conv(256, 64, 1) + conv(64, 64, 3) + conv(64, 256, 1) == 69_632
    # Xie et al., equation 4: C (256 d + 3 * 3 d d + d 256) for C = 32 paths of width d = 4, about 70 thousand as well.
    assert weights(models.ResNeXtBlock(256, 64)) == 32 * (256 * 4 + 9 * 4 * 4 + 4 * 256) == 70_144
    assert models.ResNeXtBlock(256, 64).conv2.groups == 32
    # Table 2 there: the same block by cardinality and width, d from 64 for one path to 4 for 32.
    for cardinality, width in ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4)):
        block = models.ResNeXtBlock(256, 64, cardinality=cardinality, base_width=width)
        assert weights(block) == cardinality * (256 * width + 9 * width**2 + width * 256)
        assert 65_000 < weights(block) < 74_000
    assert (
        models.ResNeXtBlock(8, 128).conv1.out_channels == 256
        and models.ResNeXtBlock(8, 40, base_width=4).conv1.out_channels == 64
    )
    norms = 2 * (64 + 64 + 256)
    assert count(models.Bottleneck(256, 64)) == 69_632 + norms
    assert (
        count(models.Bottleneck(64, 64)) == weights(models.Bottleneck(256, 64)) - 192 * 64 + norms + 64 * 256 + 2 * 256
    )


@pytest.mark.parametrize(
    ("block", "layers", "parameters"),
    [
        *((models.BasicBlock, [2, 2, 2, 2], 11_689_512), (models.BasicBlock, [3, 4, 6, 3], 21_797_672)),
        *((models.Bottleneck, [3, 4, 6, 3], 25_557_032), (models.Bottleneck, [3, 4, 23, 3], 44_549_160)),
        (models.ResNeXtBlock, [3, 4, 6, 3], 25_028_904),
    ],
)
def test_residual_networks_have_the_published_numbers_of_parameters(block, layers, parameters):
    # Those of torchvision's resnet18, resnet34, resnet50, resnet101 and resnext50_32x4d.
    model = models.ResNet(block, layers, device="meta")
    assert count(model) == parameters
    assert model(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 1000)
    assert model.layer4[0].downsample is not None and model.layer4[1].downsample is None


def test_residual_network_by_torch():
    model = models.ResNet(models.BasicBlock, [1, 2], num_classes=5, in_channels=2, channels=4, generator=rng(), **F64)
    state, x = model.state_dict(), normal(2, 2, 17, 18)
    h = follow(state, x, [("conv", "conv1", {"stride": 2, "padding": 3}), ("norm", "bn1", {})]).relu()
    h = F.max_pool2d(h, 3, 2, 1)
    for name, stride in (("layer1.0.", 1), ("layer2.0.", 2), ("layer2.1.", 1)):
        h = block_by_torch({key.removeprefix(name): v for key, v in state.items() if key.startswith(name)}, h, stride)
    close(model(x), F.linear(h.mean(dim=(2, 3)), state["fc.weight"], state["fc.bias"]))
    # torchvision's names
    assert {
        "conv1.weight",
        "bn1.running_var",
        "layer2.0.downsample.1.weight",
        "layer2.1.conv2.weight",
        "fc.bias",
    } <= set(state)


def test_small_residual_network():
    model = models.ResNet(models.BasicBlock, [1, 1, 1], 10, in_channels=1, channels=8, small=True)
    assert model.conv1.weight.shape == (8, 1, 3, 3) and model.conv1.stride == (1, 1)
    maps = []
    for part in (model.conv1, model.layer1, model.layer2, model.layer3):
        part.register_forward_hook(lambda module, inputs, output: maps.append(tuple(output.shape[1:])))
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert maps == [(8, 8, 8), (8, 8, 8), (16, 4, 4), (32, 2, 2)]


def test_residual_networks_bad_arguments():
    with refused("ResNet: layers is []; expected the number of blocks of each stage"):
        models.ResNet(models.BasicBlock, [])
    with refused("ResNet: layers[1] is 0; expected an integer of at least 1"):
        models.ResNet(models.BasicBlock, [1, 0])
    with refused("ResNet: channels is 0; expected an integer of at least 1"):
        models.ResNet(models.BasicBlock, [1], channels=0)
    for block in (models.Bottleneck, models.ResNeXtBlock):
        with refused(f"{block.__name__}: channels is 1.5; expected an integer of at least 1"):
            block(4, 1.5)
    for name in ("cardinality", "base_width"):
        with refused(f"ResNeXtBlock: {name} is 0; expected an integer of at least 1"):
            models.ResNeXtBlock(4, 64, **{name: 0})
    with refused("ResNeXtBlock: channels is 15 and base_width 4; expected a product of at least 64"):
        models.ResNeXtBlock(4, 15)
    with pytest.raises(RuntimeError, match="to have 4 channels, but got 3 channels"):  # by torch
        models.BasicBlock(4, 4)(torch.zeros(1, 3, 4, 4))


# --- DenseNet ---


def dense_layer(state, x, name=""):
    h = follow(state, x, [("norm", f"{name}norm1", {}), ("relu", "", {}), ("conv", f"{name}conv1", {})])
    h = follow(state, h, [("norm", f"{name}norm2", {}), ("relu", "", {}), ("conv", f"{name}conv2", {"padding": 1})])
    return torch.cat([x, h], dim=1)


def test_dense_layers_equal_torchs():
    x = normal(2, 3, 4, 5)
    layer = models.DenseLayer(3, 2, bottleneck=3, generator=rng(), **F64)
    assert layer.conv1.weight.shape == (6, 3, 1, 1) and layer.conv2.weight.shape == (2, 6, 3, 3)
    close(layer(x), dense_layer(layer.state_dict(), x))
    block = models.DenseBlock(3, 3, 2, generator=rng(), **F64)
    expected = x
    for k in (1, 2, 3):
        expected = dense_layer(block.state_dict(), expected, f"denselayer{k}.")
    close(block(x), expected)
    assert block(x).shape == (2, 3 + 3 * 2, 4, 5) and torch.equal(block(x)[:, :3], x)
    transition = models.Transition(3, 4, generator=rng(), **F64)
    steps = [("norm", "norm", {}), ("relu", "", {}), ("conv", "conv", {}), ("avg_pool2d", "", {"kernel_size": 2})]
    close(transition(x), follow(transition.state_dict(), x, steps))


def test_dense_block_by_hand():
    # Layer l of a block sees k0 + k (l - 1) maps, and makes k of them through 4 k: Huang et al., section 3.
    k0, k = 64, 32
    layers = [(k0 + k * i) * 2 + conv(k0 + k * i, 4 * k, 1) + 2 * 4 * k + conv(4 * k, k, 3) for i in range(6)]
    block = models.DenseBlock(6, k0, k, device="meta")
    assert [count(layer) for layer in block] == layers and count(block) == sum(layers)


def test_dense_network():
    model = models.DenseNet(32, [6, 12, 24, 16], 64, device="meta")
    assert count(model) == 7_978_856  # torchvision's densenet121
    assert model(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 1000)
    assert model.classifier.in_features == 1024
    assert {"features.conv0.weight", "features.norm0.bias", "features.denseblock2.denselayer3.norm2.weight"} <= set(
        model.state_dict()
    )
    assert {"features.transition3.conv.weight", "features.norm5.running_mean", "classifier.bias"} <= set(
        model.state_dict()
    )
    small = models.DenseNet(4, [2, 2], 8, 10, in_channels=1, small=True, generator=rng(), **F64)
    state, x = small.state_dict(), normal(2, 1, 8, 8)
    h = follow(state, x, [("conv", "features.conv0", {"padding": 1})])
    for block in (1, 2):
        for layer in (1, 2):
            h = dense_layer(state, h, f"features.denseblock{block}.denselayer{layer}.")
        if block == 1:
            name = "features.transition1."
            h = follow(state, h, [("norm", f"{name}norm", {}), ("relu", "", {}), ("conv", f"{name}conv", {})])
            h = F.avg_pool2d(h, 2)
            assert h.shape == (2, 8, 4, 4)
    h = follow(state, h, [("norm", "features.norm3", {}), ("relu", "", {})]).mean(dim=(2, 3))
    close(small(x), F.linear(h, state["classifier.weight"], state["classifier.bias"]))


def test_dense_networks_bad_arguments():
    with refused("DenseNet: layers is []; expected the number of layers of each block"):
        models.DenseNet(4, [], 8)
    for layers in (3, [2, 0]):
        with refused(f"DenseNet: layers{'[1]' if layers != 3 else ''} is {3 if layers == 3 else 0}; expected"):
            models.DenseNet(4, layers, 8)
    with refused("DenseNet: channels is 0; expected an integer of at least 1"):
        models.DenseNet(4, [1], 0)
    with refused("DenseBlock: num_layers is 0; expected an integer of at least 1"):
        models.DenseBlock(0, 4, 4)
    with refused("DenseBlock: growth is 0; expected an integer of at least 1"):
        models.DenseBlock(1, 4, 0)
    for name in ("growth", "bottleneck"):
        with refused(f"DenseLayer: {name} is 0; expected an integer of at least 1"):
            models.DenseLayer(**{"in_channels": 4, "growth": 2, name: 0})
