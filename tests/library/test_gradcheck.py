"""Gradient checks: right gradients pass, wrong ones do not, however small the fault."""

import math

import numpy as np
import pytest
import torch

from nndl_lib import autograd
from nndl_lib.autograd import check_gradients, numerical_gradient
from nndl_lib.runtime import generator

F64 = {"dtype": torch.float64}


def f(x):
    return (x.sin() * x**2).sum() + x.prod()


def at(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), **F64)


def right(x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


@pytest.mark.parametrize("shape", [(), (1,), (10,), (3, 4), (2, 3, 2)])
def test_right_gradients_pass(shape):
    x = at(*shape)
    before = x.clone()
    torch.testing.assert_close(numerical_gradient(f, x), right(x), rtol=1e-8, atol=1e-8)
    assert check_gradients(f, x, right(x), generator(1)) < 1e-8
    assert x.equal(before)


def test_the_function_may_return_a_float():
    x = at(4)
    torch.testing.assert_close(numerical_gradient(lambda x: f(x).item(), x), right(x), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("entry", range(10))
def test_one_entry_wrong_by_a_thousandth_is_caught(entry):
    x = at(10, seed=3).abs() + 0.5
    gradient = right(x)
    assert gradient[entry].abs() > 0.01 * gradient.norm()
    gradient[entry] *= 1.001
    with pytest.raises(AssertionError, match="along a random direction the slope is"):
        check_gradients(f, x, gradient, generator(1))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda g: -g,
        lambda g: 2 * g,
        lambda g: g + 1e-3,
        lambda g: g.flip(0),
        lambda g: 0 * g,
        lambda g: g.T.contiguous().T.flip(1),
    ],
    ids=["sign", "factor", "shifted", "reversed", "zero", "columns"],
)
def test_other_faults_are_caught(spoil):
    x = at(3, 3, seed=5)
    with pytest.raises(AssertionError):
        check_gradients(f, x, spoil(right(x)), generator(1))


def test_a_gradient_of_zero():
    x = at(3)
    assert check_gradients(lambda x: 0 * x.sum(), x, torch.zeros(3, **F64), generator(0)) == 0
    with pytest.raises(AssertionError):
        check_gradients(lambda x: x.sum(), x, torch.zeros(3, **F64), generator(0))


def test_a_kink_is_the_mean_of_both_sides():
    assert math.isclose(numerical_gradient(lambda x: x.clamp(min=0).sum(), torch.zeros(1, **F64)).item(), 0.5)


def test_a_function_that_is_not_a_number_fails():
    with pytest.raises(AssertionError, match="nan"):
        check_gradients(lambda x: x.sum() * math.nan, at(3), torch.ones(3, **F64), generator(0))


def by_torch(f, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


def normalized(x):
    return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "bias before batch norm",
        "sum of softmax",
        "sum of batch norm",
        "shift of log softmax",
        "constant",
        "saddle",
        "minimum",
        "centered",
    ],
)
def test_zeros_pass(name, exact, seed):
    X, weights = at(32, 8, seed=seed), at(32, 8, seed=seed + 10)
    f, x = {
        "bias before batch norm": (lambda b: (normalized(X + b) * weights).sum(), at(8, seed=seed + 20)),
        "sum of softmax": (lambda z: torch.softmax(z, 1).sum(), X),
        "sum of batch norm": (lambda z: normalized(z).sum(), X),
        "shift of log softmax": (lambda c: (torch.log_softmax(X + c, 1) * weights).sum(), at(32, 1, seed=seed)),
        "constant": (lambda x: 1e6 + 0 * x.sum(), at(8)),
        "saddle": (lambda x: (x**3).sum(), torch.zeros(8, **F64)),
        "minimum": (lambda x: ((x - 2) ** 2 + (x - 2) ** 3).sum(), torch.full((8,), 2.0, **F64)),
        "centered": (lambda x: (1e6 * (x - x.mean())).sum(), at(8, seed=seed)),
    }[name]
    gradient = torch.zeros_like(x) if exact else by_torch(f, x)
    assert gradient.norm() < 1e-8
    check_gradients(f, x, gradient, generator(seed))
    with pytest.raises(AssertionError):
        check_gradients(f, x, gradient + 1e-6, generator(seed))
    with pytest.raises(AssertionError):
        check_gradients(lambda x: f(x) + 1e-3 * x.sum(), x, gradient, generator(seed))


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e-12, 1e-6, 1.0, 1e12])
@pytest.mark.parametrize(
    "spoil", [lambda g: 0 * g, lambda g: 1.001 * g, lambda g: -g, lambda g: 2 * g, lambda g: 1e-10 * g]
)
def test_small_gradients_must_be_right_as_well(scale, spoil):
    def scaled(x):
        return scale * f(x)

    x = at(6, seed=2)
    assert check_gradients(scaled, x, scale * right(x), generator(0)) < 1e-8
    with pytest.raises(AssertionError):
        check_gradients(scaled, x, spoil(scale * right(x)), generator(0))


@pytest.mark.parametrize("scale", [1e-6, 1e-8, 1e-9])
def test_small_gradients_beside_a_large_constant(scale):
    x = at(6, seed=2)
    for spoil in [lambda g: 0 * g, lambda g: 1.5 * g, lambda g: -g]:
        with pytest.raises(AssertionError):
            check_gradients(lambda x: 1 + scale * f(x), x, spoil(scale * right(x)), generator(0))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (1e6 * x).sin().sum(),
        lambda x: torch.nn.functional.dropout(x).sum(),
        lambda x: x.sum() + torch.rand(()).item(),
        lambda x: x.abs().sqrt().sum(),
    ],
    ids=["oscillating", "dropout", "random", "steep"],
)
@pytest.mark.parametrize("length", [0.0, 1e-9, 1.0])
def test_functions_that_are_not_constant_do_not_pass_as_such(function, length):
    with pytest.raises(AssertionError):
        check_gradients(function, at(6, seed=2), torch.full((6,), length, **F64), generator(0))


def test_an_absolute_tolerance_of_ones_own():
    x = at(3)
    assert check_gradients(lambda x: x.sum(), x, torch.ones(3, **F64) + 1e-4, generator(0), atol=1e-3) == 0
    with pytest.raises(AssertionError):
        check_gradients(lambda x: x.sum(), x, torch.ones(3, **F64) + 1e-2, generator(0), atol=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: at(3, 4).T,
        lambda: at(1, 3).expand(4, 3),
        lambda: at(4, 6)[:, ::2],
        lambda: at().expand(3),
        lambda: at(2, 3).requires_grad_(),
        lambda: at(2, 2, 3, 3).to(memory_format=torch.channels_last),
        lambda: at(0, 3),
    ],
)
def test_any_layout(make):
    x = make()
    before = x.detach().clone()
    torch.testing.assert_close(numerical_gradient(f, x), right(x.detach()), rtol=1e-7, atol=1e-7)
    assert check_gradients(f, x, right(x.detach()), generator(0)) < 1e-8
    assert x.detach().equal(before)


def changes_by_method(x):
    return x.mul_(2).sum()


def changes_an_entry(x):
    y = x.sum()
    x[-1] = 0.0
    return y


def changes_through_numpy(x):
    x.numpy()[...] = 1.0
    return x.sum()


def writes_a_nan(x):
    x.fill_(math.nan)
    return x.sum()


@pytest.mark.parametrize(
    "function",
    [
        changes_by_method,
        changes_an_entry,
        changes_through_numpy,
        writes_a_nan,
        lambda x: x.unsqueeze_(0).sum(),
        lambda x: x.relu_().sum(),
    ],
)
def test_a_function_that_changes_its_argument_is_refused(function):
    x = at(3)
    before = x.clone()
    for check in [
        lambda: numerical_gradient(function, x),
        lambda: check_gradients(function, x, torch.ones(3, **F64), generator(0)),
    ]:
        with pytest.raises(ValueError, match="f changes its argument in place; expected one that leaves it as it is"):
            check()
        assert x.equal(before)


def test_what_the_function_may_return():
    expected = torch.ones(2, **F64)
    for function in [
        lambda x: x.sum(),
        lambda x: x.sum().reshape(1, 1),
        lambda x: x.sum().item(),
        lambda x: x.sum().numpy(),
        lambda x: np.float64(x.sum().item()),
        lambda x: autograd.Tensor(x.numpy()).sum(),
        lambda x: (x.clone().requires_grad_()).sum(),
    ]:
        torch.testing.assert_close(numerical_gradient(function, at(2)), expected, rtol=1e-8, atol=1e-8)
    assert numerical_gradient(lambda x: x.sum() * math.nan, at(2)).isnan().all()
    assert numerical_gradient(lambda x: 3, at(2)).equal(torch.zeros(2, **F64))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: numerical_gradient(f, at(3).float()),
            "numerical_gradient: x is torch.float32; expected torch.float64",
        ),
        (lambda: check_gradients(f, at(3).float(), at(3), generator(0)), "check_gradients: x is torch.float32"),
        (lambda: numerical_gradient(f, at(3), h=0.0), "h is 0.0; expected a finite number greater than 0"),
        (lambda: numerical_gradient(f, at(3), h=math.nan), "h is nan"),
        (lambda: numerical_gradient(lambda x: x, at(3)), "f returned shape (3,); expected one number"),
        (
            lambda: check_gradients(f, at(3), at(4), generator(0)),
            "gradient has shape (4,) and x (3,); expected the same shape",
        ),
        (lambda: check_gradients(f, at(3), at(3) / 0, generator(0)), "the gradient holds a NaN or an infinity"),
        (
            lambda: check_gradients(f, at(3), at(3), generator(0), projections=0),
            "projections is 0; expected an integer of at least 1",
        ),
        (
            lambda: check_gradients(f, at(3), at(3), generator(0), projections=2.0),
            "projections is 2.0; expected an integer of at least 1",
        ),
        (lambda: check_gradients(f, at(3), at(3), 0), "generator is 0; expected a torch.Generator"),
        (
            lambda: check_gradients(f, at(3), at(3), np.random.default_rng(0)),
            "check_gradients: generator is Generator(PCG64)",
        ),
        (
            lambda: check_gradients(f, at(3), at(3), generator(0), tolerance=-1.0),
            "tolerance is -1.0; expected a finite number of at least 0",
        ),
        (
            lambda: check_gradients(f, at(3), at(3), generator(0), atol="0"),
            "atol is '0'; expected a finite number of at least 0",
        ),
        (lambda: check_gradients(f, at(3), [1.0, 2.0, 3.0], generator(0)), "gradient is a list; expected a tensor"),
        (lambda: check_gradients(f, at(3), at(3) * 1j, generator(0)), "the gradient is complex"),
        (lambda: check_gradients(3.0, at(3), at(3), generator(0)), "check_gradients: f is 3.0; expected a function"),
        (lambda: numerical_gradient(at(3), at(3)), "numerical_gradient: f is tensor"),
        (lambda: numerical_gradient(f, [1.0, 2.0]), "numerical_gradient: x is a list; expected a tensor"),
        (lambda: numerical_gradient(f, at(3) / 0), "numerical_gradient: x[0] is"),
        (lambda: numerical_gradient(f, at(3), h="1"), "h is '1'; expected a finite number greater than 0"),
        (lambda: numerical_gradient(f, at(3), h=True), "h is True; expected a finite number greater than 0"),
        (
            lambda: numerical_gradient(f, 1e12 + at(3)),
            "h is 1e-05, which is lost beside an entry of x of size 1e+12; expected a larger h",
        ),
        (lambda: numerical_gradient(lambda x: x.sum().float(), at(3)), "f returned torch.float32; expected float64"),
        (lambda: numerical_gradient(lambda x: np.float32(1), at(3)), "f returned float32; expected float64"),
        (lambda: numerical_gradient(lambda x: x.sum() * 1j, at(3)), "f returned torch.complex128; expected float64"),
        (lambda: numerical_gradient(lambda x: None, at(3)), "f returned NoneType; expected one number"),
        (lambda: numerical_gradient(lambda x: [1.0], at(3)), "f returned list; expected one number"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
