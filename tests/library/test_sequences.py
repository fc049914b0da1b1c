"""nndl_lib.data._sequences: what the sequences are, that a seed makes them, and what is refused."""

import math
import re

import pytest
import torch

from nndl_lib import data

F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def refuses(message, function, *args, **kwargs):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        function(*args, **kwargs)


@pytest.mark.parametrize("T", [2, 3, 10, 11])
def test_adding_problem(T):
    inputs, targets = data.adding_problem(20000, T, rng(), **F64)
    assert inputs.shape == (20000, T, 2) and targets.shape == (20000,)
    assert inputs.dtype == targets.dtype == torch.float64
    values, marks = inputs.unbind(2)
    assert values.min() >= 0 and values.max() <= 1 and abs(values.mean() - 0.5) < 0.02
    assert ((marks == 0) | (marks == 1)).all()
    first, second = marks[:, : T // 2], marks[:, T // 2 :]
    assert (first.sum(dim=1) == 1).all() and (second.sum(dim=1) == 1).all()
    assert (first.sum(dim=0) > 0).all() and (second.sum(dim=0) > 0).all()  # every step can be marked
    torch.testing.assert_close(targets, values[marks == 1].reshape(20000, 2).sum(dim=1), rtol=1e-12, atol=1e-12)
    assert (targets - 1).square().mean().item() == pytest.approx(1 / 6, rel=0.03)


def test_delayed_copy():
    inputs, targets = data.delayed_copy(500, 9, 4, rng(), **F64)
    assert inputs.shape == (500, 9, 1) and targets.shape == (500, 9) and inputs.dtype == torch.float64
    assert (inputs.abs() == 1).all() and abs(inputs.mean()) < 0.05
    assert torch.equal(targets[:, 4:], inputs[:, :5, 0]) and (targets[:, :4] == 0).all()
    inputs, targets = data.delayed_copy(2, 3, 0, rng())
    assert torch.equal(inputs[..., 0], targets) and inputs.dtype == torch.float32


def test_noisy_oscillation():
    observed, clean = data.noisy_oscillation(20000, rng(), period=25, jitter=0.0, noise=0.3, **F64)
    assert observed.shape == clean.shape == (20000,) and observed.dtype == torch.float64
    torch.testing.assert_close(clean[25:], clean[:-25], rtol=0, atol=1e-9)
    assert not torch.allclose(clean[24:], clean[:-24], rtol=0, atol=0.1)
    assert clean.max().item() == pytest.approx(1, abs=0.01)
    assert (observed - clean).std().item() == pytest.approx(0.3, rel=0.03)
    # The phase's random steps: the angle between neighbors in time, where the sine gives it away, has their spread.
    _, clean = data.noisy_oscillation(20000, rng(), period=100, jitter=0.01, noise=0.0, **F64)
    steep = clean.abs()[:-1] < 0.5
    steps = clean.asin().diff().abs()[steep]
    assert steps.mean().item() == pytest.approx(2 * math.pi / 100, rel=0.02)
    assert steps.std().item() == pytest.approx(0.01, rel=0.05)
    # Start, steps of the phase, and noise are drawn in this order, each for itself.
    observed, clean = data.noisy_oscillation(50, rng(4), noise=0.5, **F64)
    draws = rng(4)
    torch.rand((), generator=draws, **F64), torch.randn(50, generator=draws, **F64)
    torch.testing.assert_close(observed - clean, 0.5 * torch.randn(50, generator=draws, **F64), rtol=0, atol=1e-12)
    one, other = (data.noisy_oscillation(5, rng(seed), jitter=0, noise=0)[0][0] for seed in (0, 1))
    assert one != other  # a random start


@pytest.mark.parametrize(
    "make",
    [
        lambda g: data.adding_problem(5, 6, g),
        lambda g: data.delayed_copy(5, 6, 2, g),
        lambda g: data.noisy_oscillation(30, g),
    ],
)
def test_seeds_make_sequences(make):
    before = torch.get_rng_state()
    one, other, later = make(rng(1)), make(rng(1)), make(rng(2))
    assert torch.equal(torch.get_rng_state(), before)
    for k in range(2):
        assert torch.equal(one[k], other[k]) and not torch.equal(one[k], later[k]) and one[k].dtype == torch.float32


@pytest.mark.parametrize("wrong", [0, -1, True, 2.0, "3"])
def test_bad_arguments(wrong):
    expected = f"is {wrong!r}; expected an integer of at least"
    refuses(f"adding_problem: N {expected} 1", data.adding_problem, wrong, 5, rng())
    refuses(f"adding_problem: T {expected} 2", data.adding_problem, 5, wrong, rng())
    refuses(f"delayed_copy: N {expected} 1", data.delayed_copy, wrong, 5, 1, rng())
    refuses(f"delayed_copy: T {expected} 1", data.delayed_copy, 5, wrong, 1, rng())
    refuses(f"noisy_oscillation: T {expected} 1", data.noisy_oscillation, wrong, rng())


def test_more_bad_arguments():
    refuses("adding_problem: T is 1; expected an integer of at least 2", data.adding_problem, 5, 1, rng())
    for lag in (-1, 5, 1.0, True):
        message = f"delayed_copy: lag is {lag!r}; expected an integer from 0 to 4"
        refuses(message, data.delayed_copy, 3, 5, lag, rng())
    for period in (0, -2.0, math.inf, math.nan, True):
        message = f"noisy_oscillation: period is {period!r}; expected a finite number greater than 0"
        refuses(message, data.noisy_oscillation, 5, rng(), period=period)
    for name in ("jitter", "noise"):
        message = f"noisy_oscillation: {name} is -0.1; expected a finite number of at least 0"
        refuses(message, data.noisy_oscillation, 5, rng(), **{name: -0.1})
