"""Half precision: values and gradients are those of float64, rounded, at scales where squares and sums overflow."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from nndl_lib import functional, nn

HALF = [torch.float16, torch.bfloat16]
SCALES = [1e-3, 1.0, 20.0, 100.0, 1000.0]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), dtype=torch.float64)


def classes(N, K):
    return torch.randint(K, (N,), generator=rng(9))


def of_batch(function):
    return lambda x, weight, bias: function(x, None, None, weight, bias, True)


def hinge_of_torch(x, t, reduction):
    return x.shape[1] * F.multi_margin_loss(x, t, reduction=reduction)


def softplus(z):
    return torch.logaddexp(z, torch.zeros_like(z))


# Name: ours, torch's, what x is multiplied by the scale, and what stays as it is.
CASES = {
    "layer_norm": (functional.layer_norm, F.layer_norm, draw(64, 512), (512,), draw(512, seed=1), draw(512, seed=2)),
    "batch_norm": (
        of_batch(functional.batch_norm),
        of_batch(F.batch_norm),
        draw(500, 8),
        draw(8, seed=1),
        draw(8, seed=2),
    ),
    "local_response_norm": (functional.local_response_norm, F.local_response_norm, draw(4, 16, 3, 3), 5),
    "softmax": (functional.softmax, F.softmax, draw(300, 100), 1),
    "softmax along columns": (functional.softmax, F.softmax, draw(3000, 10), 0),
    "log_softmax": (functional.log_softmax, F.log_softmax, draw(300, 100), 1),
    "sigmoid": (functional.sigmoid, torch.sigmoid, draw(100).clamp(max=0)),  # above, 1 - y is lost, as in torch
    "elu": (functional.elu, F.elu, draw(100)),
    "leaky_relu": (functional.leaky_relu, F.leaky_relu, draw(100)),
    "softplus": (functional.softplus, softplus, draw(100)),
    "max_pool2d": (functional.max_pool2d, F.max_pool2d, draw(2, 3, 16, 16), 5, 1),
    "avg_pool2d": (functional.avg_pool2d, F.avg_pool2d, draw(2, 3, 64, 64) + 3, 32),
    "conv2d": (functional.conv2d, F.conv2d, draw(20, 8, 9, 9), draw(6, 8, 3, 3, seed=1) / 100, draw(6, seed=2)),
    "conv2d_loops": (
        functional.conv2d_loops,
        F.conv2d,
        draw(3, 4, 5, 5),
        draw(6, 4, 3, 3, seed=1) / 100,
        draw(6, seed=2),
    ),
}
LOSSES = {
    "cross_entropy": (functional.cross_entropy, F.cross_entropy, draw(300, 100), classes(300, 100)),
    "cross_entropy of probabilities": (
        functional.cross_entropy,
        F.cross_entropy,
        draw(30, 8),
        torch.full((30, 8), 1 / 8.0),
    ),
    "mse_loss": (functional.mse_loss, F.mse_loss, draw(300, 10), draw(300, 10, seed=1)),
    "binary_cross_entropy_with_logits": (
        *(functional.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits),
        *(draw(300, 10), torch.rand(300, 10, generator=rng(1))),
    ),
    "multiclass_hinge_loss": (
        *(lambda x, t, reduction: functional.multiclass_hinge_loss(x, t, reduction=reduction), hinge_of_torch),
        *(draw(300, 10), classes(300, 10)),
    ),
}


def close(actual, expected, dtype):
    """Equal up to one unit in the last place, and to what float32 loses where numbers cancel."""
    assert actual.dtype == dtype
    expected = expected.to(dtype).double()
    largest = expected[expected.isfinite()].abs().max().item() if expected.isfinite().any() else 0
    info = torch.finfo(dtype)
    assert_close(actual.double(), expected, rtol=1.01 * info.eps, atol=max(1e-5 * largest, info.eps * info.tiny))


def is_float(value):
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def compare(ours, theirs, inputs, dtype, **options):
    rounded = [value.to(dtype) if is_float(value) else value for value in inputs]
    mine = [value.clone().requires_grad_() if is_float(value) else value for value in rounded]
    exact = [value.double().requires_grad_() if is_float(value) else value for value in rounded]
    y, expected = ours(*mine, **options), theirs(*exact, **options)
    close(y, expected, dtype)
    grad = draw(*expected.shape, seed=5).to(dtype)
    y.backward(grad)
    expected.backward(grad.double())
    for a, b in zip(mine, exact):
        if is_float(a):
            close(a.grad, b.grad, dtype)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", CASES)
def test_functions_compute_in_float32_and_round_once(name, dtype, scale):
    ours, theirs, x, *rest = CASES[name]
    compare(ours, theirs, [x * scale, *rest], dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_compute_in_float32_and_round_once(name, dtype, scale, reduction):
    ours, theirs, x, *rest = LOSSES[name]
    compare(ours, theirs, [x * scale, *rest], dtype, reduction=reduction)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("scale", SCALES)
def test_statistics_of_batches_run_in_half_precision(dtype, scale):
    ours, theirs = nn.BatchNorm1d(16, eps=1e-7, dtype=dtype), torch.nn.BatchNorm1d(16, eps=1e-7, dtype=torch.float64)
    for seed in range(4):
        x = (scale * draw(100, 16, seed=seed)).to(dtype)
        theirs.running_mean.copy_(ours.running_mean), theirs.running_var.copy_(ours.running_var)
        close(ours(x), theirs(x.double()), dtype)
        close(ours.running_mean, theirs.running_mean, dtype)
        close(ours.running_var, theirs.running_var, dtype)
    theirs.running_mean.copy_(ours.running_mean), theirs.running_var.copy_(ours.running_var)
    if ours.running_var.isfinite().all():  # at 1000 a float16 cannot hold the variance
        close(ours.eval()(x), theirs.eval()(x.double()), dtype)


@pytest.mark.parametrize("dtype", [torch.float32, *HALF])
def test_tails_keep_their_relative_accuracy(dtype):
    # The gradient of elu by its value, y + 1, would be 6 % off at -16 and 0 at -17 in float32.
    tolerance = {"rtol": 4 * torch.finfo(dtype).eps, "atol": torch.finfo(dtype).tiny * torch.finfo(dtype).eps}
    z = torch.tensor([-1e4, -17.0, -16.0, -9.0, -1e-3, 0.0, 1e-3, 9.0, 1e4], dtype=dtype, requires_grad=True)
    for function, slope in ((functional.elu, lambda z: z.clamp(max=0).exp()), (functional.softplus, torch.sigmoid)):
        (grad,) = torch.autograd.grad(function(z).sum(), z)
        expected = slope(z.detach().double()).to(dtype)
        assert_close(grad, expected, **tolerance)
    low = z.detach()[:5]
    assert_close(functional.sigmoid(low), torch.sigmoid(low.double()).to(dtype), **tolerance)
    assert functional.relu(torch.tensor([-math.inf, math.inf], dtype=dtype)).tolist() == [0, math.inf]
