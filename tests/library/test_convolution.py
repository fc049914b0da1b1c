"""Windows, convolution and pooling, functions and modules, against torch in float64."""

import inspect
import math
import re
import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import _arguments as arguments
from nndl_lib import functional, nn
from nndl_lib.functional._windows import windows

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=40, database=None)
seeds = st.integers(0, 2**32 - 1)
# torch's own, of a kernel of even size with padding "same"; nn.Conv2d gives none.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), **F64)


def close(found, expected, rtol=1e-12, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


def same(one, other, *inputs, **tolerance):
    """Equal values, and equal gradients of a weighted sum by each input."""
    results = []
    for function in (one, other):
        leaves = [x.clone().requires_grad_() for x in inputs]
        y = function(*leaves)
        weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
        results.append([y.detach(), *torch.autograd.grad((weights * y).sum(), leaves)])
    for found, expected in zip(*results, strict=True):
        assert found.dtype == inputs[0].dtype
        close(found, expected, **tolerance)


@st.composite
def convolutions(draw, largest=7):
    """Shapes of input and weight, and options that fit them."""
    pair = lambda low, high: (draw(st.integers(low, high)), draw(st.integers(low, high)))  # noqa: E731
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    C, O = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel, dilation, stride, padding = pair(1, 3), pair(1, 2), pair(1, 3), pair(0, 2)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding)]
    H, W = (draw(st.integers(low, max(low, largest))) for low in least)
    kind = draw(st.sampled_from(["pair", "pair", "int", "same", "valid"]))
    if kind == "int":
        kernel, dilation, stride, padding = kernel[:1] * 2, dilation[0], stride[0], 2
        H, W = max(H, 3), max(W, 3)
    if kind == "same":
        stride, padding = 1, "same"
    if kind == "valid":
        padding = "valid"
        H, W = H + 4, W + 4
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (draw(st.integers(1, 3)), C, H, W), (O, C // groups, *kernel), options


# --- windows ---


@checks
@given(case=convolutions())
def test_windows_are_torchs_columns(case):
    (N, C, H, W), (_, _, kh, kw), options = case
    stride, dilation = options["stride"], options["dilation"]
    x = normal(N, C, H + 4, W + 4)
    sides = [arguments.check_pair(value, "", "") for value in (stride, dilation)]
    view = windows(x, (kh, kw), *sides)
    columns = F.unfold(x, (kh, kw), dilation=dilation, stride=stride)
    assert torch.equal(view.reshape(columns.shape), columns)
    places = tuple(functional.output_size(*four) for four in zip((H + 4, W + 4), (kh, kw), sides[0], (0, 0), sides[1]))
    assert view.shape == (N, C, kh, kw, *places)


def test_conv2d_keeps_its_precision_under_autocast():
    x, w = normal(2, 3, 6, 6).float(), normal(4, 3, 3, 3, seed=1).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = functional.conv2d(x, w)
    assert torch.equal(found, functional.conv2d(x, w))


def test_a_window_by_hand():
    x = torch.arange(12.0).reshape(1, 1, 3, 4)
    view = windows(x, (2, 2), (1, 1))
    assert view.shape == (1, 1, 2, 2, 2, 3)
    assert view[0, 0, :, :, 1, 2].tolist() == [[6, 7], [10, 11]]


def test_output_size():
    for size in range(1, 9):
        for kernel in range(1, 4):
            for stride, padding, dilation in ((1, 0, 1), (2, 0, 1), (3, 1, 1), (1, 2, 2), (2, 1, 2)):
                if dilation * (kernel - 1) + 1 <= size + 2 * padding:
                    expected = F.conv1d(
                        torch.zeros(1, 1, size), torch.zeros(1, 1, kernel), None, stride, padding, dilation
                    )
                    assert functional.output_size(size, kernel, stride, padding, dilation) == expected.shape[2]
    assert functional.output_size(227, 11, 4) == 55 and functional.output_size(224, 11, 4) == 54
    with refused("output_size: the kernel spans 5 pixels and the padded input has 4; expected a kernel that fits"):
        functional.output_size(2, 3, 1, 1, 2)
    for name in ("size", "kernel", "stride", "dilation"):
        with refused(f"output_size: {name} is 0; expected an integer of at least 1"):
            functional.output_size(**{"size": 5, "kernel": 3, name: 0})
    with refused("output_size: padding is -1; expected an integer of at least 0"):
        functional.output_size(5, 3, padding=-1)


# --- convolution ---


@checks
@given(case=convolutions(), bias=st.booleans(), seed=seeds)
def test_conv2d_equals_torchs(case, bias, seed):
    shape, weight, options = case
    parts = [
        normal(*shape, seed=seed),
        normal(*weight, seed=seed + 1),
        *([normal(weight[0], seed=seed + 2)] if bias else []),
    ]
    same(lambda *p: functional.conv2d(*p, **options), lambda *p: F.conv2d(*p, **options), *parts)


@settings(checks, max_examples=15)
@given(case=convolutions(largest=4), bias=st.booleans(), seed=seeds)
def test_conv2d_loops_equals_torchs(case, bias, seed):
    shape, weight, options = case
    parts = [
        normal(*shape, seed=seed),
        normal(*weight, seed=seed + 1),
        *([normal(weight[0], seed=seed + 2)] if bias else []),
    ]
    same(lambda *p: functional.conv2d_loops(*p, **options), lambda *p: F.conv2d(*p, **options), *parts)


def test_conv2d_in_float32_and_of_strided_inputs():
    x, w = normal(2, 3, 6, 5), normal(4, 3, 3, 3, seed=1)
    same(functional.conv2d, F.conv2d, x.float(), w.float(), rtol=1e-5, atol=1e-5)
    close(functional.conv2d(x.transpose(2, 3), w.transpose(2, 3)), F.conv2d(x.transpose(2, 3), w.transpose(2, 3)))
    close(functional.conv2d(x.to(memory_format=torch.channels_last), w), F.conv2d(x, w))
    # A gradient that comes in with its rows as columns.
    same(lambda x, w: functional.conv2d(x, w).transpose(1, 3), lambda x, w: F.conv2d(x, w).transpose(1, 3), x, w)


def test_conv2d_gradients_only_of_what_asks():
    x, w = normal(1, 2, 4, 4), normal(3, 2, 3, 3, seed=1)
    for one, other in ((x.clone().requires_grad_(), w), (x, w.clone().requires_grad_())):
        y = functional.conv2d(one, other)
        y.sum().backward()
        assert one.grad is None or other.grad is None
        assert (one.grad is None) != (other.grad is None)
    assert not functional.conv2d(x, w).requires_grad


@pytest.mark.parametrize("kernel", [(2, 3), (3, 2), (2, 2), (4, 1)])
def test_padding_same_of_even_kernels(kernel):
    x, w = normal(2, 1, 5, 6), normal(1, 1, *kernel, seed=1)
    layer = nn.Conv2d(1, 1, kernel, padding="same", bias=False, **F64)
    layer.load_state_dict({"weight": w})
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch's function warns
        found = [layer(x), functional.conv2d(x, w, padding="same"), functional.conv2d_loops(x, w, padding="same")]
    for y in found:
        assert y.shape == x.shape
        close(y, F.conv2d(x, w, padding="same"))
    same(lambda x, w: functional.conv2d(x, w, padding="same"), lambda x, w: F.conv2d(x, w, padding="same"), x, w)


@pytest.mark.parametrize("groups", [1, 2])
def test_conv2d_has_second_derivatives(groups):
    x, w = normal(2, 2, 3, 3).requires_grad_(), normal(2, 2 // groups, 2, 2, seed=1).requires_grad_()
    options = {"stride": (2, 1), "padding": 1, "dilation": (2, 1), "groups": groups}
    assert torch.autograd.gradcheck(lambda x, w: functional.conv2d(x, w, **options), (x, w))
    assert torch.autograd.gradgradcheck(lambda x, w: functional.conv2d(x, w, **options), (x, w))


def test_conv2d_does_not_flip_the_kernel():
    x = torch.zeros(1, 1, 3, 3)
    x[0, 0, 0, 0] = 1
    w = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    for function in (functional.conv2d, functional.conv2d_loops):
        assert function(x, w)[0, 0].tolist() == [[1, 0], [0, 0]]
        assert function(x, w, padding=1)[0, 0, :2, :2].tolist() == [[4, 3], [2, 1]]


@pytest.mark.parametrize("name", ["conv2d", "conv2d_loops"])
def test_conv2d_bad_input(name):
    function, x, w = getattr(functional, name), torch.zeros(2, 4, 4, 5), torch.zeros(6, 4, 3, 3)
    expected = "expected input (N, C, H, W) and weight (O, C/groups, kh, kw)"
    for bad, other in ((x[0, 0], w), (x[0], w), (x[:0], w), (x, w[0]), (x, w[:0])):
        with refused(f"{name}: input has shape {tuple(bad.shape)} and weight {tuple(other.shape)}; {expected}"):
            function(bad, other)
    with refused(f"{name}: input is torch.int64 and weight is torch.float32; expected one floating-point dtype"):
        function(x.long(), w)
    for groups in (3, 4, 5):
        with refused(
            f"{name}: groups is {groups}, and there are 4 channels in and 6 out; expected a number that divides both"
        ):
            function(x, w, groups=groups)
    for groups in (0, 1.0, True):
        with refused(f"{name}: groups is {groups!r}; expected an integer of at least 1"):
            function(x, w, groups=groups)
    with refused(
        f"{name}: input has shape (2, 4, 4, 5), 4 channels, and weight (6, 3, 3, 3); expected 3 channels"
    ) as error:
        function(x, w[:, :3])
    assert str(error.value).endswith("expected 3 channels")
    with refused("4 channels, and weight (6, 4, 3, 3); expected 8 channels, 4 in each group"):
        function(x, w, groups=2)
    with refused(
        "weight (6, 4, 3, 3) and bias (4,); expected input (N, C, H, W), weight (O, C/groups, kh, kw) and bias"
    ):
        function(x, w, torch.zeros(4))
    with refused(f"{name}: input is torch.float32 and weight is torch.float64; expected one floating-point dtype"):
        function(x, w.double())
    with refused("weight is torch.float32 and bias is torch.float64; expected one floating-point dtype for all"):
        function(x, w, torch.zeros(6, **F64))
    for part, call in (
        ("weight", lambda: function(x, w.to("meta"))),
        ("bias", lambda: function(x, w, w.new_zeros(6).to("meta"))),
    ):
        with refused(f"{part} is on meta; expected one device for all"):
            call()
    with refused(f"{name}: the kernel is 5 x 6 and the padded input 4 x 5; expected a kernel that fits"):
        function(x, torch.zeros(6, 4, 5, 6))
    with refused(f"{name}: the kernel, 3 x 3 with dilation (4, 1), spans 9 x 3 and the padded input 6 x 7; expected"):
        function(x, w, dilation=(4, 1), padding=1)
    with refused(f"{name}: padding is 'same' and stride (2, 1); expected stride 1"):
        function(x, w, stride=(2, 1), padding="same")
    with refused(f"{name}: padding is 'full'; expected 'same', 'valid', or integers"):
        function(x, w, padding="full")
    for option, least in (("stride", 1), ("dilation", 1), ("padding", 0)):
        for value in (least - 1, 1.5, (1, 1, 1), (1, True)):
            with refused(f"{name}: {option} is {value!r}; expected an integer of at least {least}, or two"):
                function(x, w, **{option: value})


# --- pooling ---


@st.composite
def poolings(draw):
    pair = lambda low, high: (draw(st.integers(low, high)), draw(st.integers(low, high)))  # noqa: E731
    kernel, stride = (
        pair(1, 3),
        draw(st.one_of(st.none(), st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))),
    )
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    H, W = (draw(st.integers(k, 8)) for k in kernel)
    if draw(st.booleans()):
        kernel, padding, H, W = kernel[0], padding[0], max(H, kernel[0]), max(W, kernel[0])
    return (draw(st.integers(1, 2)), draw(st.integers(1, 2)), H, W), (kernel, stride, padding)


@checks
@given(case=poolings(), seed=seeds, ties=st.booleans())
def test_pooling_equals_torchs(case, seed, ties):
    shape, sizes = case
    x = normal(*shape, seed=seed)
    x = x.clamp(min=0).round() if ties else x  # as after a relu: the gradient goes to the first of equal entries
    same(lambda x: functional.max_pool2d(x, *sizes), lambda x: F.max_pool2d(x, *sizes), x)
    same(lambda x: nn.MaxPool2d(*sizes)(x), lambda x: F.max_pool2d(x, *sizes), x)
    for count in (True, False):
        options = {"count_include_pad": count}
        same(lambda x: functional.avg_pool2d(x, *sizes, **options), lambda x: F.avg_pool2d(x, *sizes, **options), x)
        same(lambda x: nn.AvgPool2d(*sizes, **options)(x), lambda x: F.avg_pool2d(x, *sizes, **options), x)


def test_pooling_keeps_nan_and_infinity():
    x = torch.tensor([[1.0, 2.0, math.nan, 0.0], [-math.inf, 0.0, 5.0, math.inf]]).reshape(1, 1, 2, 4)
    assert functional.max_pool2d(x, 2)[0, 0, 0, 0] == 2 and functional.max_pool2d(x, 2)[0, 0, 0, 1].isnan()
    assert functional.max_pool2d(torch.full((1, 1, 2, 2), -math.inf), 2, padding=1).eq(-math.inf).all()


def test_pooling_has_second_derivatives():
    x = normal(1, 1, 4, 4).requires_grad_()
    for function in (functional.max_pool2d, functional.avg_pool2d):
        assert torch.autograd.gradcheck(lambda x: function(x, 3, 2, 1).square(), (x,))
        assert torch.autograd.gradgradcheck(lambda x: function(x, 3, 2, 1).square(), (x,))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_pooling_bad_input(name):
    def call(x, *sizes):
        return getattr(functional, name)(x, *sizes)

    x = torch.zeros(1, 1, 3, 4)
    for bad in (x[0], x[:0]):
        with refused(f"{name}: input has shape {tuple(bad.shape)}; expected (N, C, H, W)"):
            call(bad, 2)
    with refused(f"{name}: input is torch.int64; expected a floating-point dtype"):
        call(x.long(), 2)
    with refused(f"{name}: the kernel is 4 x 4 and the padded input 3 x 4; expected a kernel that fits"):
        call(x, 4)
    with refused(f"{name}: the kernel is 2 x 7 and the padded input 5 x 6; expected a kernel that fits"):
        call(x, (2, 7), 1, 1)
    for padding in (2, (0, 2), (2, 0)):
        pair = padding if isinstance(padding, tuple) else (2, 2)
        with refused(f"{name}: padding is {pair} and the kernel (3, 3); expected at most half the kernel"):
            call(x, 3, 1, padding)
    for sizes, which, least in (((0,), "kernel_size", 1), ((2, 0), "stride", 1), ((2, 1, -1), "padding", 0)):
        with refused(f"{name}: {which} is {sizes[-1]}; expected an integer of at least {least}, or two"):
            call(x, *sizes)


# --- modules ---


@checks
@given(case=convolutions(), bias=st.booleans(), seed=seeds)
def test_conv2d_module_equals_torchs(case, bias, seed):
    shape, (O, _, *kernel), options = case
    layer = nn.Conv2d(shape[1], O, tuple(kernel), bias=bias, generator=rng(seed), **options, **F64)
    oracle = torch.nn.Conv2d(shape[1], O, tuple(kernel), bias=bias, **options, **F64)
    oracle.load_state_dict(layer.state_dict())
    layer.load_state_dict(oracle.state_dict())
    assert layer.extra_repr() == oracle.extra_repr()
    x = normal(*shape, seed=seed)
    found, expected = layer(x), oracle(x)
    close(found, expected)
    close(found, functional.conv2d(x, layer.weight, layer.bias, **options))
    found.square().sum().backward()
    expected.square().sum().backward()
    for one, other in zip(layer.parameters(), oracle.parameters(), strict=True):
        close(one.grad, other.grad)


def test_conv2d_draws_from_torchs_distribution():
    torch.manual_seed(5)
    expected = torch.nn.Conv2d(4, 6, (3, 5), groups=2)
    torch.manual_seed(5)
    found = nn.Conv2d(4, 6, (3, 5), groups=2)
    torch.testing.assert_close(found.weight, expected.weight, rtol=1e-6, atol=0)
    torch.testing.assert_close(found.bias, expected.bias, rtol=1e-6, atol=0)
    torch.manual_seed(5)
    again = nn.Conv2d(4, 6, (3, 5), groups=2, generator=rng(5))
    assert torch.equal(again.weight, found.weight) and torch.equal(again.bias, found.bias)
    before = torch.get_rng_state()
    assert not torch.equal(nn.Conv2d(4, 6, (3, 5), groups=2, generator=rng(6)).weight, found.weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_conv2d_makes_parameters_of_dtype_and_device():
    layer = nn.Conv2d(2, 3, 1, device="meta", generator=rng(), **F64)
    assert all(p.dtype == torch.float64 and p.device.type == "meta" and p.requires_grad for p in layer.parameters())
    assert nn.Conv2d(2, 3, 1).weight.dtype == torch.float32 and nn.Conv2d(2, 3, 1, bias=False).bias is None
    assert nn.Conv2d(2, 3, 1, device="meta").weight.device.type == "meta"


def test_conv2d_module_bad_arguments():
    for name in ("in_channels", "out_channels", "groups"):
        for value in (0, 1.0, True):
            with refused(f"Conv2d: {name} is {value!r}; expected an integer of at least 1"):
                nn.Conv2d(**{"in_channels": 2, "out_channels": 2, "kernel_size": 1, name: value})
    for groups in (3, 4, 5):
        with refused(
            f"Conv2d: groups is {groups}, in_channels 4 and out_channels 6; expected a number that divides both"
        ):
            nn.Conv2d(4, 6, 1, groups=groups)
    for name, least in (("kernel_size", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
        with refused(f"Conv2d: {name} is {least - 1}; expected an integer of at least {least}, or two"):
            nn.Conv2d(**{"in_channels": 2, "out_channels": 2, "kernel_size": 1, name: least - 1})
    with refused("Conv2d: padding is 'same' and stride (2, 2); expected stride 1"):
        nn.Conv2d(1, 1, 3, 2, "same")


def test_conv2d_module_bad_input():
    layer = nn.Conv2d(2, 3, (3, 4), padding=(1, 0), dilation=(1, 2))
    with refused("Conv2d: input has shape (2, 8, 8); expected (N, C, H, W)"):
        layer(torch.zeros(2, 8, 8))
    with refused("Conv2d: input is on cpu and weight is on meta; expected one device for all"):
        nn.Conv2d(2, 3, 3, device="meta")(torch.zeros(1, 2, 8, 8))
    with refused("Conv2d: input is torch.float64 and weight is torch.float32; expected one floating-point dtype"):
        layer(torch.zeros(1, 2, 8, 8, **F64))
    assert layer(torch.zeros(1, 2, 1, 7)).shape == (1, 3, 1, 1)
    same = nn.Conv2d(2, 3, 2, padding="same")
    same.stride = 2
    with refused("Conv2d: padding is 'same' and stride 2; expected stride 1"):
        same(torch.zeros(1, 2, 4, 4))
    # What torch itself says in clear words.
    with pytest.raises(RuntimeError, match="to have 2 channels, but got 3 channels"):
        layer(torch.zeros(1, 3, 8, 8))
    with pytest.raises(RuntimeError, match=r"\(3 x 3\). Kernel size can't be greater than actual input size"):
        nn.Conv2d(1, 1, 3)(torch.zeros(1, 1, 2, 9))


@pytest.mark.parametrize("kind", [nn.MaxPool2d, nn.AvgPool2d])
def test_pooling_modules_bad_input(kind):
    name, x = kind.__name__, torch.zeros(1, 1, 3, 4)
    for bad in (x[0], x[:0]):
        with refused(f"{name}: input has shape {tuple(bad.shape)}; expected (N, C, H, W)"):
            kind(2)(bad)
    with refused(f"{name}: input is torch.int64; expected a floating-point dtype"):
        kind(2)(x.long())
    for sizes, which, least in (((0,), "kernel_size", 1), ((2, 0), "stride", 1), ((2, 1, -1), "padding", 0)):
        with refused(f"{name}: {which} is {sizes[-1]}; expected an integer of at least {least}, or two"):
            kind(*sizes)
    # What torch itself says in clear words.
    for sizes in ((4,), ((2, 7), 1, 1)):
        with pytest.raises(RuntimeError, match="Output size is too small"):
            kind(*sizes)(x)
    for padding in (2, (0, 2), (2, 0)):
        with pytest.raises(RuntimeError, match="pad should be at most half of"):
            kind(3, 1, padding)(x)


def test_global_average_and_flatten():
    x = normal(2, 3, 4, 5)
    close(nn.GlobalAvgPool2d()(x), F.adaptive_avg_pool2d(x, 1).flatten(1))
    assert torch.equal(nn.Flatten()(x), torch.nn.Flatten()(x))
    with refused("GlobalAvgPool2d: input has shape (3, 4, 5); expected (N, C, H, W)"):
        nn.GlobalAvgPool2d()(x[0])
    for module in (nn.MaxPool2d(3, 2, 1), nn.AvgPool2d((2, 3), None, 0), nn.GlobalAvgPool2d(), nn.Flatten()):
        assert module.state_dict() == {}
    assert repr(nn.MaxPool2d(3, 2, 1)) == "MaxPool2d(kernel_size=3, stride=2, padding=1)"
    assert repr(nn.AvgPool2d(3)) == repr(torch.nn.AvgPool2d(3))


# Older releases of PyTorch have no bias to leave out of batch normalization, and name none in a layer's repr.
bias_in_torch = pytest.mark.skipif(
    "bias" not in inspect.signature(torch.nn.BatchNorm1d).parameters,
    reason=f"PyTorch {torch.__version__} has no BatchNorm1d(bias=...)",
)


@bias_in_torch
@settings(checks, max_examples=10)
@given(N=st.integers(2, 3), C=st.integers(1, 3), H=st.integers(1, 3), W=st.integers(1, 3), seed=seeds)
def test_batch_norm_of_images_equals_torchs(N, C, H, W, seed):
    layer, oracle = nn.BatchNorm2d(C, **F64), torch.nn.BatchNorm2d(C, **F64)
    oracle.load_state_dict(layer.state_dict())
    for step in range(2):
        x = normal(N, C, H, W, seed=seed + step)
        same(
            layer, oracle, x, atol=1e-9, rtol=1e-9
        )  # with two values a channel, gradients are 1 / sqrt(eps) of rounding
    for name, value in oracle.state_dict().items():
        close(layer.state_dict()[name], value)
    assert layer.num_batches_tracked == 2 and repr(layer) == repr(oracle)
    same(layer.eval(), oracle.eval(), normal(N, C, H, W, seed=seed))


def test_batch_norm_of_images_bad_input():
    for shape in ((2, 3), (2, 3, 4), (2, 4, 3, 3), (2, 3, 1, 1, 1)):
        with refused(f"BatchNorm2d: input has shape {shape}; expected (N, 3, H, W)"):
            nn.BatchNorm2d(3)(torch.zeros(shape))
    with refused("BatchNorm2d: num_features is 0; expected an integer of at least 1"):
        nn.BatchNorm2d(0)
    with refused("BatchNorm2d: momentum is 2; expected a number from 0 to 1, or None"):
        nn.BatchNorm2d(3, momentum=2)
    with refused("BatchNorm2d: eps is -1"):
        nn.BatchNorm2d(3, eps=-1)
