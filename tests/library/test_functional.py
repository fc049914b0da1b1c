"""nndl_lib.functional against torch in float64: values, gradients, large logits, and what is refused."""

import math
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import functional

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=30, database=None)
seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(["mean", "sum", "none"])
F64 = {"dtype": torch.float64}


def close(found, expected, rtol=1e-12, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def normal(*shape, seed=0, scale=3.0):
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), **F64)


def with_gradients(function, *inputs):
    """What function gives, and the gradients of its weighted sum by each input that is floating-point."""
    inputs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    result = function(*inputs)
    weights = torch.arange(1, result.numel() + 1, dtype=result.dtype).reshape(result.shape) / result.numel()
    wanted = [x for x in inputs if x.requires_grad]
    return (result.detach(), *torch.autograd.grad((weights * result).sum(), wanted))


def same(one, other, *inputs, **tolerance):
    for found, expected in zip(with_gradients(one, *inputs), with_gradients(other, *inputs), strict=True):
        assert found.isfinite().all() and found.dtype == inputs[0].dtype
        close(found, expected, **tolerance)


# --- activations ---

ORACLES = {
    "identity": lambda z: z * 1,
    "step": lambda z: torch.heaviside(z.detach(), torch.ones((), dtype=z.dtype)) + 0 * z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softplus": lambda z: F.softplus(z, threshold=700 if z.dtype == torch.float64 else 80),
}
GRID = torch.cat([torch.linspace(-30, 30, 241, **F64), torch.tensor([0.0, -0.0, 1e-300, -1e-300, 1e-20], **F64)])


def test_the_activations_are_all_there():
    assert list(functional.activations()) == list(ORACLES)
    for name, activation in functional.activations().items():
        assert activation.function is getattr(functional, name)
    assert [name for name, a in functional.activations().items() if a.saturates] == ["step", "sigmoid", "tanh"]


@pytest.mark.parametrize("name", ORACLES)
def test_activation_equals_torchs(name):
    same(getattr(functional, name), ORACLES[name], GRID)
    same(getattr(functional, name), ORACLES[name], GRID[:240].reshape(2, 3, 40))
    same(getattr(functional, name), ORACLES[name], GRID[120])
    same(getattr(functional, name), ORACLES[name], GRID.float(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ORACLES)
def test_derivative_equals_autograds(name):
    activation = functional.activations()[name]
    for z in (GRID, GRID[:240].reshape(8, 30), GRID[120]):
        z = z.clone().requires_grad_()
        (expected,) = torch.autograd.grad(activation.function(z).sum(), z)
        found = activation.derivative(z.detach())
        assert found.shape == z.shape and found.dtype == z.dtype
        close(found, expected)
    assert activation.derivative(GRID.float()).dtype == torch.float32


@pytest.mark.parametrize("name", ORACLES)
def test_saturates_is_what_the_derivative_does(name):
    _, derivative, saturates = functional.activations()[name]
    far = derivative(torch.tensor([-1e3, 1e3], **F64))
    assert saturates == bool((far.abs() < 1e-9).all())


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_activation_of_large_pre_activations(name, dtype):
    z = torch.tensor([-1e4, -800.0, -100.0, 100.0, 800.0, 1e4], dtype=dtype)
    known = {
        "identity": z,
        "step": [0, 0, 0, 1, 1, 1],
        "sigmoid": [0, 0, math.exp(-100) if dtype == torch.float64 else 0, 1, 1, 1],
        "tanh": [-1, -1, -1, 1, 1, 1],
        "relu": [0, 0, 0, 100, 800, 1e4],
        "leaky_relu": [-100, -8, -1, 100, 800, 1e4],
        "elu": [-1, -1, -1, 100, 800, 1e4],
        "softplus": [0, 0, math.exp(-100) if dtype == torch.float64 else 0, 100, 800, 1e4],
    }
    found, gradient = with_gradients(getattr(functional, name), z)
    close(found, torch.as_tensor(known[name], dtype=dtype), rtol=1e-6 if dtype == torch.float32 else 1e-12, atol=1e-42)
    assert gradient.isfinite().all()
    close(
        gradient,
        functional.activations()[name].derivative(z) * torch.arange(1, 7, dtype=dtype) / 6,
        rtol=1e-6,
        atol=1e-7,
    )


@pytest.mark.parametrize("z", [-40.0, -100.0, -700.0])
def test_small_values_keep_their_digits(z):
    z = torch.tensor(z, **F64)
    close(functional.sigmoid(z), z.exp(), atol=0)
    close(functional.softplus(z), z.exp(), atol=0)
    close(functional.activations()["sigmoid"].derivative(-z), z.exp(), atol=0)


def test_parameters_of_leaky_relu_and_elu():
    same(lambda z: functional.leaky_relu(z, 0.3), lambda z: F.leaky_relu(z, 0.3), GRID)
    same(lambda z: functional.leaky_relu(z, negative_slope=0.0), lambda z: F.leaky_relu(z, 0.0), GRID)
    same(lambda z: functional.elu(z, 2.5), lambda z: F.elu(z, 2.5), GRID)
    same(lambda z: functional.elu(z, alpha=0.5), lambda z: F.elu(z, 0.5), GRID)


@pytest.mark.parametrize("name", ORACLES)
def test_activation_keeps_nan(name):
    assert getattr(functional, name)(torch.tensor([math.nan, 0.0])).isnan().tolist() == [True, False]


@pytest.mark.parametrize("name", ORACLES)
def test_activation_of_integers(name):
    with pytest.raises(ValueError, match=f"{name}: input is torch.int64; expected a floating-point dtype"):
        getattr(functional, name)(torch.arange(3))


# --- softmax ---


@checks
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=3), seed=seeds, data=st.data())
def test_softmax_equals_torchs(shape, seed, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    z = normal(*shape, seed=seed)
    same(lambda z: functional.softmax(z, dim), lambda z: F.softmax(z, dim), z)
    same(lambda z: functional.log_softmax(z, dim), lambda z: F.log_softmax(z, dim), z)
    close(functional.softmax(z, dim).sum(dim), torch.ones_like(z.sum(dim)))


LARGE = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [1e4, 9999.0, -3.0]], **F64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_large_logits(name, dtype):
    same(
        lambda z: getattr(functional, name)(z, 1),
        lambda z: getattr(F, name)(z, 1),
        LARGE.to(dtype),
        rtol=1e-6,
        atol=1e-7,
    )


def test_softmax_takes_minus_infinity():
    z = torch.tensor([[0.0, -math.inf, 0.0], [1.0, 2.0, -math.inf]], **F64)
    close(functional.softmax(z, 1), torch.softmax(z, 1))
    close(functional.log_softmax(z, 1), torch.log_softmax(z, 1))
    assert functional.softmax(z, 1)[0].tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_refuses(name):
    function = getattr(functional, name)
    z = torch.zeros(2, 3)
    for dim in (2, -3):
        with pytest.raises(
            ValueError, match=re.escape(f"{name}: input has shape (2, 3) and dim is {dim}; expected one of")
        ):
            function(z, dim)
    with pytest.raises(ValueError, match=re.escape(f"{name}: input has shape (2, 0); expected sizes of at least 1")):
        function(torch.zeros(2, 0), 1)
    with pytest.raises(ValueError, match=f"{name}: input is torch.int64; expected a floating-point dtype"):
        function(z.long(), 1)
    for value in (math.nan, math.inf):
        z[1, 2] = value
        message = f"{name}: input[1, 2] is {value}; expected finite numbers or -inf"
        with pytest.raises(ValueError, match=re.escape(message)):
            function(z, 1)
    z[1] = -math.inf
    with pytest.raises(ValueError, match=f"{name}: input is -inf all along dim 1; expected a finite number there"):
        function(z, 1)
    assert function(z, 0).isfinite().tolist() == [[True] * 3, [name == "softmax"] * 3]  # along dim 0 it is not alone


# --- losses ---


def classes(N, K, seed):
    return torch.randint(K, (N,), generator=torch.Generator().manual_seed(seed))


def probabilities(*shape, seed):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), **F64)


sizes = {"N": st.integers(1, 9), "K": st.integers(1, 6), "seed": seeds, "reduction": reductions}


@checks
@given(**sizes)
def test_cross_entropy_equals_torchs(N, K, seed, reduction):
    z, t = normal(N, K, seed=seed), classes(N, K, seed)
    same(
        lambda z: functional.cross_entropy(z, t, reduction=reduction),
        lambda z: F.cross_entropy(z, t, reduction=reduction),
        z,
    )


@checks
@given(**sizes)
def test_cross_entropy_is_log_softmax_and_its_gradient_softmax_minus_one_hot(N, K, seed, reduction):
    z, t = normal(N, K, seed=seed).requires_grad_(), classes(N, K, seed)
    losses = functional.cross_entropy(z, t, reduction="none")
    close(losses, -functional.log_softmax(z, 1)[range(N), t])
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    close(gradient, (functional.softmax(z, 1) - F.one_hot(t, K)).detach())


@checks
@given(**sizes)
def test_cross_entropy_of_probabilities_equals_torchs(N, K, seed, reduction):
    z, t = normal(N, K, seed=seed), probabilities(N, K, seed=seed) + 1e-3
    t = t / t.sum(dim=1, keepdim=True)
    same(
        lambda z, t: functional.cross_entropy(z, t, reduction=reduction),
        lambda z, t: F.cross_entropy(z, t, reduction=reduction),
        *(z, t),
    )
    one_hot = F.one_hot(classes(N, K, seed), K).double()
    close(functional.cross_entropy(z, one_hot), functional.cross_entropy(z, classes(N, K, seed)))


@checks
@given(**sizes)
def test_binary_cross_entropy_equals_torchs(N, K, seed, reduction):
    for shape in ((N,), (N, K), (N, 1, K)):
        same(
            lambda z, t: functional.binary_cross_entropy_with_logits(z, t, reduction=reduction),
            lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction=reduction),
            *(normal(*shape, seed=seed), probabilities(*shape, seed=seed)),
        )


@checks
@given(**sizes)
def test_binary_cross_entropy_is_softmax_of_two(N, K, seed, reduction):
    z, t = normal(N, seed=seed), classes(N, 2, seed)
    two = torch.stack([torch.zeros_like(z), z], dim=1)
    found = functional.binary_cross_entropy_with_logits(z, t.double(), reduction=reduction)
    close(found, functional.cross_entropy(two, t, reduction=reduction))


@checks
@given(**sizes, margin=st.floats(0, 5))
def test_hinge_loss_is_k_times_torchs(N, K, seed, reduction, margin):
    z, t = normal(N, K, seed=seed), classes(N, K, seed)
    same(
        lambda z: functional.multiclass_hinge_loss(z, t, margin=margin, reduction=reduction),
        lambda z: K * F.multi_margin_loss(z, t, margin=margin, reduction=reduction),
        z,
    )


def test_hinge_loss_by_hand():
    z = torch.tensor([[2.0, 1.5, -1.0], [0.0, 3.0, 0.0]], **F64, requires_grad=True)
    losses = functional.multiclass_hinge_loss(z, torch.tensor([0, 2]), reduction="none")
    assert losses.tolist() == [0.5, 1 + 4]
    (gradient,) = torch.autograd.grad(losses.sum(), z)
    assert gradient.tolist() == [[-1, 1, 0], [1, 1, -2]]
    # A margin that is just reached costs nothing, and pulls at nothing.
    z = torch.tensor([[1.0, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(functional.multiclass_hinge_loss(z, torch.tensor([0])), z)
    assert gradient.tolist() == [[0, 0]]


@checks
@given(**sizes)
def test_mse_equals_torchs(N, K, seed, reduction):
    for shape in ((N,), (N, K), (N, 1, K)):
        same(
            lambda y, t: functional.mse_loss(y, t, reduction=reduction),
            lambda y, t: F.mse_loss(y, t, reduction=reduction),
            *(normal(*shape, seed=seed), normal(*shape, seed=seed + 1)),
        )


@pytest.mark.parametrize("dtype, rtol", [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_large_logits(dtype, rtol, reduction):
    z, t = LARGE.to(dtype), torch.tensor([1, 0, 2, 1])
    pairs = [
        (
            lambda z: functional.cross_entropy(z, t, reduction=reduction),
            lambda z: F.cross_entropy(z, t, reduction=reduction),
        ),
        (
            lambda z: functional.cross_entropy(z, F.one_hot(t, 3).to(dtype), reduction=reduction),
            lambda z: F.cross_entropy(z, t, reduction=reduction),
        ),
        (
            lambda z: functional.multiclass_hinge_loss(z, t, 1.0, reduction),
            lambda z: 3 * F.multi_margin_loss(z, t, reduction=reduction),
        ),
        *(
            (
                lambda z, p=p: functional.binary_cross_entropy_with_logits(z, p, reduction=reduction),
                lambda z, p=p: F.binary_cross_entropy_with_logits(z, p, reduction=reduction),
            )
            for p in (torch.zeros_like(z), torch.ones_like(z), torch.full_like(z, 0.25))
        ),
    ]
    for one, other in pairs:
        same(one, other, z, rtol=rtol)


@pytest.mark.parametrize("z", [-60.0, -20.0, 20.0, 60.0, 41.0, 39.0])
def test_binary_cross_entropy_of_confident_answers_keeps_its_digits(z):
    # By hand: with the wrong target z is added; with the right one what is left is log(1 + exp(-|z|)).
    for dtype, rtol in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        left = math.log1p(math.exp(-abs(z)))
        logit, right = torch.tensor([z], dtype=dtype), torch.tensor([float(z > 0)], dtype=dtype)
        found = functional.binary_cross_entropy_with_logits(logit, 1 - right)
        close(found, torch.tensor(left + abs(z), dtype=dtype), rtol=rtol, atol=0)
        if z < 0:  # for z > 0, z is taken from z + left: the error is one of the last place of z
            close(functional.binary_cross_entropy_with_logits(logit, right), torch.tensor(left, dtype=dtype), rtol, 0)


def test_second_derivatives():
    z, t, p = normal(3, 4).requires_grad_(), torch.tensor([0, 3, 1]), probabilities(3, 4, seed=1).requires_grad_()
    for function, inputs in (
        (lambda z: functional.cross_entropy(z, t), (z,)),
        *((lambda z, r=r: functional.cross_entropy(z, t, reduction=r), (z,)) for r in ("sum", "none")),
        (functional.binary_cross_entropy_with_logits, (z, p)),
        (functional.mse_loss, (z, p)),
        (functional.sigmoid, (z,)),
        (functional.softplus, (z,)),
    ):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def test_backward_can_be_taken_twice():
    z, t = normal(3, 4).requires_grad_(), torch.tensor([0, 3, 1])
    for loss in (
        functional.cross_entropy(z, t),
        functional.binary_cross_entropy_with_logits(z, torch.ones(3, 4, **F64)),
    ):
        first, second = (torch.autograd.grad(loss, z, retain_graph=True)[0] for _ in range(2))
        assert torch.equal(first, second)


def test_inputs_are_not_changed():
    z, t, p = normal(4, 3), torch.tensor([0, 1, 2, 1]), probabilities(4, 3, seed=0)
    kept = [x.clone() for x in (z, t, p)]
    z.requires_grad_()
    total = functional.cross_entropy(z, t) + functional.multiclass_hinge_loss(z, t) + functional.mse_loss(z, p)
    total = total + functional.binary_cross_entropy_with_logits(z, p) + functional.softmax(z, 1).sum()
    for activation in functional.activations().values():
        total = total + activation.function(z).sum() + activation.derivative(z).sum()
    total.backward()
    functional.accuracy(z, t)
    for x, before in zip((z.detach(), t, p), kept):
        assert torch.equal(x, before)


def test_only_the_logits_get_gradients_where_targets_need_none():
    z = normal(4, 3).requires_grad_()
    functional.binary_cross_entropy_with_logits(z, torch.zeros(4, 3, **F64)).backward()
    assert z.grad is not None
    p = torch.full((4, 3), 1 / 3, **F64, requires_grad=True)
    functional.cross_entropy(z.detach(), p).backward()
    close(p.grad, -functional.log_softmax(z.detach(), 1) / 4)


# --- accuracy ---


def test_accuracy_of_classes():
    z = torch.tensor([[1.0, 2.0, 0.0], [3.0, 3.0, 1.0], [0.0, 0.0, 5.0], [1.0, 0.0, 0.0]])
    found = functional.accuracy(z, torch.tensor([1, 0, 2, 2]))
    assert found == 0.75 and type(found) is float
    assert functional.accuracy(z, torch.tensor([1, 1, 2, 0])) == 0.75  # of equal logits the first counts


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float32])
def test_accuracy_of_one_logit(dtype):
    z, t = torch.tensor([0.0, -1e-9, 3.0, -3.0, 1.0]), torch.tensor([1, 1, 1, 0, 0]).to(dtype)
    assert functional.accuracy(z, t) == 0.6
    assert functional.accuracy(z.unsqueeze(1), t.unsqueeze(1)) == 0.6


def test_accuracy_refuses():
    for value, t in (
        ("2", torch.tensor([0, 2])),
        ("0.5", torch.tensor([0.0, 0.5])),
        ("nan", torch.tensor([0.0, math.nan])),
    ):
        with pytest.raises(ValueError, match=re.escape(f"accuracy: target[1] is {value}; expected 0 or 1")):
            functional.accuracy(torch.zeros(2), t)
    with pytest.raises(
        ValueError, match=re.escape("accuracy: input has shape (0,) and target (0,); expected sizes of at least 1")
    ):
        functional.accuracy(torch.zeros(0), torch.zeros(0))
    with pytest.raises(ValueError, match=re.escape("accuracy: input[1] is nan; expected finite numbers")):
        functional.accuracy(torch.tensor([0.0, math.nan]), torch.zeros(2))
    with pytest.raises(
        ValueError, match=re.escape("accuracy: input has shape (2, 1) and target (3,) with dtype int64")
    ):
        functional.accuracy(torch.zeros(2, 1), torch.zeros(3, dtype=torch.int64))


# --- what is refused ---

OF_CLASSES = ["cross_entropy", "multiclass_hinge_loss", "accuracy"]
OF_SAME = ["mse_loss", "binary_cross_entropy_with_logits"]


def refused(name, message, input, target, **options):
    with pytest.raises(ValueError, match=re.escape(f"{name}: {message}")):
        getattr(functional, name)(input, target, **options)


@pytest.mark.parametrize("name", OF_CLASSES)
def test_classes_outside_the_range(name):
    for value in (3, -1, -100):
        refused(name, f"target[1] is {value}; expected classes 0 to 2", torch.zeros(2, 3), torch.tensor([0, value]))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_one_hot_integers(name):
    t = torch.tensor([[1, 0, 0], [0, 0, 1]])
    for dtype in ("int64", "int32", "bool"):
        message = f"target has shape (2, 3) and dtype {dtype}: it looks like one-hot; "
        message += "pass class numbers (2,), e.g. target.argmax(dim=1)"
        refused(name, message, torch.zeros(2, 3), t.to(getattr(torch, dtype)))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_targets_that_are_not_n_numbers(name):
    for shape in ((3,), (2, 1), (1, 2), ()):
        message = f"input has shape (2, 3) and target {shape} with dtype int64; expected class numbers (2,) of int64"
        refused(name, message, torch.zeros(2, 3), torch.zeros(shape, dtype=torch.int64))
    message = "input has shape (2, 3) and target (2,) with dtype int32; expected class numbers (2,) of int64"
    refused(name, message, torch.zeros(2, 3), torch.zeros(2, dtype=torch.int32))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_logits_of_another_rank_or_none(name):
    for shape in ((3,), (0, 3), (2, 0), (2, 3, 4), ()):
        message = f"input has shape {shape}; expected (N, K){', with sizes of at least 1' if 0 in shape else ''}"
        refused(name, message, torch.zeros(shape), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite(name, value):
    z = torch.zeros(3, 4)
    z[1, 2] = value
    refused(name, f"input[1, 2] is {value}; expected finite numbers", z, torch.tensor([0, 1, 3]))
    if name == "cross_entropy":
        refused(name, f"input[1, 2] is {value}; expected finite numbers", z, torch.full((3, 4), 0.25))


@pytest.mark.parametrize("name", [*OF_CLASSES, *OF_SAME])
def test_integer_logits(name):
    z = torch.zeros(2, 3, dtype=torch.int64)
    if name in OF_SAME:
        refused(name, "input is torch.int64 and target is torch.float32; expected one floating", z, torch.zeros(2, 3))
    else:
        refused(name, "input is torch.int64; expected a floating-point dtype", z, torch.zeros(2, dtype=torch.int64))


def test_finite_logits_whose_sum_is_not():
    z = torch.full((3, 4), 3e38)
    t = torch.tensor([0, 1, 3])
    close(functional.cross_entropy(z, t), torch.tensor(math.log(4)), rtol=1e-6)
    assert functional.multiclass_hinge_loss(z, t) >= 0 and functional.accuracy(z, t) == 1 / 3


@pytest.mark.parametrize("name", OF_SAME)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_entries_that_are_not_finite(name, reduction, value):
    for target in (0.0, 1.0, 0.5):
        z = torch.zeros(3, 2)
        z[2, 1] = value
        message = f"input[2, 1] is {value}; expected finite numbers"
        refused(name, message, z, torch.full((3, 2), target), reduction=reduction)
    expected = "finite numbers" if name == "mse_loss" else "probabilities from 0 to 1"
    refused(name, f"target[2, 1] is {value}; expected {expected}", torch.zeros(3, 2), z, reduction=reduction)


@pytest.mark.parametrize("name", OF_SAME)
def test_nothing_broadcasts(name):
    for shapes in (((4, 1), (4,)), ((4,), (4, 1)), ((4,), (1,)), ((2, 3), (3,)), ((2, 3), ())):
        message = f"input has shape {shapes[0]} and target {shapes[1]}; expected one shape for all"
        refused(name, message, torch.zeros(shapes[0]), torch.zeros(shapes[1]))
    refused(
        name,
        "input has shape (0, 3) and target (0, 3); expected sizes of at least 1",
        torch.zeros(0, 3),
        torch.zeros(0, 3),
    )


@pytest.mark.parametrize("name", [*OF_SAME, "cross_entropy"])
def test_dtypes_that_differ(name):
    message = "input is torch.float32 and target is torch.float64; expected one floating-point dtype for all"
    refused(name, message, torch.zeros(2, 3), torch.full((2, 3), 1 / 3, **F64))


def test_integer_targets_of_binary_cross_entropy():
    message = "input is torch.float32 and target is torch.int64; expected one floating-point dtype for all"
    refused("binary_cross_entropy_with_logits", message, torch.zeros(2), torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy_with_logits", "cross_entropy"])
def test_devices_that_differ(name):
    message = "input is on cpu and target is on meta; expected one device for all"
    refused(name, message, torch.zeros(2, 3), torch.zeros(2, 3, device="meta"))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_devices_of_classes_that_differ(name):
    message = "input is on cpu and target is on meta; expected one device for all"
    refused(name, message, torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64, device="meta"))


@pytest.mark.parametrize("value", [-1e-6, 1.001, 2.0])
def test_binary_targets_outside_0_to_1(value):
    t = torch.tensor([0.0, 1.0, value], **F64)
    message = f"target[2] is {value}; expected probabilities from 0 to 1"
    refused("binary_cross_entropy_with_logits", message, torch.zeros(3, **F64), t)


def test_rows_that_are_no_probabilities():
    z = torch.zeros(2, 2, **F64)
    message = "the sum of target[1] is 1.5; expected 1, as of probabilities"
    refused("cross_entropy", message, z, torch.tensor([[0.5, 0.5], [1.0, 0.5]], **F64))
    refused(
        "cross_entropy", "target[1, 1] is -0.5; expected probabilities", z, torch.tensor([[1, 0], [1.5, -0.5]], **F64)
    )
    refused(
        "cross_entropy", "target[0, 1] is nan; expected probabilities", z, torch.tensor([[0, math.nan], [1, 0]], **F64)
    )
    refused(
        "cross_entropy",
        "input has shape (2, 2) and target (2,) with dtype float64; expected class numbers (2,)",
        z,
        torch.ones(2, **F64),
    )
    # Rounding is no error, a millionth in float64 is.
    functional.cross_entropy(torch.zeros(1, 1000), torch.softmax(normal(1, 1000).float(), 1))
    with pytest.raises(ValueError, match="the sum of target"):
        functional.cross_entropy(z, torch.full((2, 2), 0.5 + 1e-6, **F64))


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_bad_margin(margin):
    message = f"margin is {margin}; expected a finite number of at least 0"
    refused("multiclass_hinge_loss", message, torch.zeros(2, 3), torch.tensor([0, 1]), margin=margin)


@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_hinge_loss", *OF_SAME])
def test_bad_reduction(name):
    z = torch.zeros(2, 3)
    target = z if name in OF_SAME else torch.tensor([0, 1])
    for reduction in ("average", None, True):
        message = f"reduction is {reduction!r}; expected 'mean', 'sum' or 'none'"
        refused(name, message, z, target, reduction=reduction)


def test_binary_cross_entropy_keeps_the_digits_of_a_tiny_loss():
    for z, t in ((40.0, 1.0), (-40.0, 0.0), (300.0, 1.0), (-300.0, 0.0)):
        loss = functional.binary_cross_entropy_with_logits(torch.tensor([z], **F64), torch.tensor([t], **F64))
        assert math.isclose(loss.item(), math.exp(-abs(z)), rel_tol=1e-12)


def test_sigmoid_works_under_vmap():
    z = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slope = torch.func.vmap(torch.func.grad(lambda row: functional.sigmoid(row).sum()))(z)
    torch.testing.assert_close(slope, torch.sigmoid(z) * (1 - torch.sigmoid(z)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "leaky_relu", "elu", "softplus"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_activations_at_the_edge(name, dtype):
    tiny, huge = torch.finfo(dtype).smallest_normal, torch.finfo(dtype).max
    values = [-math.inf, -huge, -1e4, -20.5, -tiny / 8, -0.0, 0.0, tiny / 8, 20.5, 1e4, huge, math.inf, math.nan]
    ours, theirs = (torch.tensor(values, dtype=dtype, requires_grad=True) for _ in range(2))
    y, expected = getattr(functional, name)(ours), getattr(torch, name, getattr(F, name, None))(theirs)
    y.sum().backward(), expected.sum().backward()
    tolerance = {"rtol": 1e-8 if name == "softplus" else 4 * torch.finfo(dtype).eps, "atol": tiny, "equal_nan": True}
    torch.testing.assert_close(y, expected, **tolerance)
    torch.testing.assert_close(ours.grad[:-1], theirs.grad[:-1], **tolerance)  # at a NaN torch has no one answer
