"""nndl_lib.data._points: the sets against their formulas."""

import itertools
import math
import re

import numpy as np
import pytest
import sklearn.datasets
import torch

from nndl_lib import data

F64 = {"dtype": torch.float64}
# Each set of two classes, called with N, noise and generator.
SETS = {
    "make_blobs": lambda N, noise, g, **o: data.make_blobs(N, [[0.0, 0.0], [3.0, 1.0]], noise, g, **o),
    "make_moons": data.make_moons,
    "make_circles": data.make_circles,
    "make_spirals": data.make_spirals,
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("D", [1, 2, 3, 5])
def test_boolean_inputs_count_up(D):
    found = data.boolean_inputs(D)
    assert found.dtype == torch.float32 and data.boolean_inputs(D, torch.float64).dtype == torch.float64
    assert found.tolist() == [list(map(float, row)) for row in itertools.product((0, 1), repeat=D)]


@pytest.mark.parametrize("D", [0, -1, 21, 2.0, True])
def test_boolean_inputs_bad_number(D):
    with pytest.raises(ValueError, match=re.escape(f"boolean_inputs: D is {D!r}; expected an integer from 1 to 20")):
        data.boolean_inputs(D)


@pytest.mark.parametrize("name", SETS)
def test_sets_are_balanced_and_come_from_the_generator(name):
    before = torch.get_rng_state()
    X, t = SETS[name](101, 0.1, rng(1))
    assert X.shape == (101, 2) and X.dtype == torch.float32 and t.shape == (101,) and t.dtype == torch.int64
    assert t.bincount().tolist() == [51, 50] and t[:4].tolist() == [0, 1, 0, 1]
    assert torch.equal(torch.get_rng_state(), before)
    again, other = SETS[name](101, 0.1, rng(1)), SETS[name](101, 0.1, rng(2))
    assert torch.equal(X, again[0]) and not torch.equal(X, other[0])
    assert SETS[name](5, 0.1, rng(), dtype=torch.float64)[0].dtype == torch.float64


@pytest.mark.parametrize("name", SETS)
def test_noise_is_gaussian_and_is_added(name):
    clean, noisy = SETS[name](40000, 0.0, rng(), **F64)[0], SETS[name](40000, 0.3, rng(), **F64)[0]
    epsilon = (noisy - clean) / 0.3
    assert epsilon.mean(0).abs().max() < 0.02 and (epsilon.std(0) - 1).abs().max() < 0.02
    assert np.corrcoef(epsilon.T.numpy())[0, 1] == pytest.approx(0, abs=0.02)
    assert (epsilon.abs() < 1).double().mean().item() == pytest.approx(0.6827, abs=0.01)


def test_moons_lie_on_scikit_learns():
    X, t = data.make_moons(400, 0.0, rng(), **F64)
    upper, lower = X[t == 0], X[t == 1]
    close(upper.norm(dim=1), torch.ones(200, **F64))
    close((lower - torch.tensor([1.0, 0.5], **F64)).norm(dim=1), torch.ones(200, **F64))
    assert (upper[:, 1] >= 0).all() and (lower[:, 1] <= 0.5).all()
    expected, classes = sklearn.datasets.make_moons(400)
    for k in (0, 1):
        ours, theirs = X[t == k].numpy(), expected[classes == k]
        assert np.allclose(ours.min(0), theirs.min(0), atol=0.03) and np.allclose(ours.max(0), theirs.max(0), atol=0.03)


def test_circles():
    X, t = data.make_circles(400, 0.0, rng(), **F64)
    close(X.norm(dim=1), torch.where(t == 0, 1.0, 0.5).double())
    for k in (0, 1):  # all the way round
        angle = torch.atan2(X[t == k, 1], X[t == k, 0])
        assert angle.min() < -3 and angle.max() > 3 and angle.mean().abs() < 0.4


@pytest.mark.parametrize("turns", [0.5, 1.0, 2.25])
def test_spirals(turns):
    X, t = data.make_spirals(2000, 0.0, rng(), turns=turns, **F64)
    X = torch.where(t.unsqueeze(1) == 0, X, -X)  # class 1 turned by half a turn
    radius = X.norm(dim=1)
    assert 0.1 <= radius.min() < 0.15 and 0.99 < radius.max() <= 1
    angle = 2 * math.pi * turns * (radius - 0.1) / 0.9
    close(X, torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1))
    # Half of the points are beyond the middle of what u.sqrt() of a uniform u gives.
    assert ((radius - 0.1) / 0.9 < math.sqrt(0.5)).double().mean().item() == pytest.approx(0.5, abs=0.05)


def test_spirals_make_one_turn_by_default():
    one, default = data.make_spirals(9, 0.1, rng(), turns=1.0), data.make_spirals(9, 0.1, rng())
    assert torch.equal(one[0], default[0])


@pytest.mark.parametrize("as_tensor", [True, False])
def test_blobs_are_around_their_centers(as_tensor):
    centers = [[0.0, 1.0, 2.0], [5.0, 5.0, 5.0], [-1.0, 0.0, 1.0], [9.0, 0.0, 0.0]]
    X, t = data.make_blobs(10, torch.tensor(centers) if as_tensor else centers, 0.0, rng(), **F64)
    assert t.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    close(X, torch.tensor(centers, **F64)[t])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("N", [1, 0, -2, 4.0, True])
def test_bad_number_of_points(name, N):
    message = f"{name}: N is {N!r}; expected an integer of at least 2"
    with pytest.raises(ValueError, match=re.escape(message)):
        SETS[name](N, 0.1, rng())


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_bad_noise(name, noise):
    message = f"{name}: noise is {noise}; expected a finite number of at least 0"
    with pytest.raises(ValueError, match=re.escape(message)):
        SETS[name](10, noise, rng())


@pytest.mark.parametrize("turns", [0, -1.0, math.nan, math.inf])
def test_bad_turns(turns):
    message = f"make_spirals: turns is {turns}; expected a finite number greater than 0"
    with pytest.raises(ValueError, match=re.escape(message)):
        data.make_spirals(10, 0.1, rng(), turns=turns)


@pytest.mark.parametrize("centers", [[1.0, 2.0], torch.zeros(0, 2), [[0.0, math.nan]], torch.zeros(2, 0)])
def test_bad_centers(centers):
    expected = re.escape("expected finite numbers (K, D) with K and D of at least 1")
    with pytest.raises(ValueError, match=f"make_blobs: centers have shape .*{expected}"):
        data.make_blobs(10, centers, 0.1, rng())
