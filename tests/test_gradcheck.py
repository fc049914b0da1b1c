"""Gradient checks: right gradients pass, wrong ones do not, however small the fault."""

import math

import pytest
import torch

from nndl_lib.gradcheck import check_gradients, numerical_gradient
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


@pytest.mark.parametrize("spoil", [
    lambda g: -g, lambda g: 2 * g, lambda g: g + 1e-3, lambda g: g.flip(0), lambda g: 0 * g, lambda g: g.T.contiguous().T.flip(1),
], ids=["sign", "factor", "shifted", "reversed", "zero", "columns"])
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


@pytest.mark.parametrize("call, message", [
    (lambda: numerical_gradient(f, at(3).float()), "numerical_gradient: x is torch.float32; expected torch.float64"),
    (lambda: check_gradients(f, at(3).float(), at(3), generator(0)), "check_gradients: x is torch.float32"),
    (lambda: numerical_gradient(f, at(3), h=0.0), "h is 0.0; expected a finite number greater than 0"),
    (lambda: numerical_gradient(f, at(3), h=math.nan), "h is nan"),
    (lambda: numerical_gradient(lambda x: x, at(3)), "f returned shape (3,); expected one number"),
    (lambda: check_gradients(f, at(3), at(4), generator(0)), "gradient has shape (4,) and x (3,); expected the same shape"),
    (lambda: check_gradients(f, at(3), at(3) / 0, generator(0)), "the gradient holds a NaN or an infinity"),
    (lambda: check_gradients(f, at(3), at(3), generator(0), projections=0), "projections is 0; expected an integer of at least 1"),
])
def test_wrong_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
