"""What regularizes in nndl_lib.training, against torch: penalties by autograd and weight_decay, max_norm_ by renorm.

And early stopping, against the values that it was given.
"""

import copy
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import data, functional, nn, training

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=20, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}
shapes = st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=4)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


# --- penalties ---


@checks
@given(shapes=shapes, seed=seeds)
def test_penalties_and_their_gradients(shapes, seed):
    parameters = [torch.randn(shape, generator=rng(seed + k), **F64).requires_grad_() for k, shape in enumerate(shapes)]
    flat = torch.cat([p.detach().flatten() for p in parameters])
    l2, l1 = training.l2_penalty(iter(parameters)), training.l1_penalty(parameters)
    assert l2.shape == l1.shape == ()
    close(l2.detach(), flat @ flat / 2)
    close(l1.detach(), torch.linalg.vector_norm(flat, 1))
    for p, g in zip(parameters, torch.autograd.grad(l2, parameters)):
        close(g, p.detach())
    for p, g in zip(parameters, torch.autograd.grad(l1, parameters)):
        assert torch.equal(g, p.detach().sign())


def test_penalties_at_zero_and_of_one_tensor():
    w = torch.tensor([0.0, -2.0, 3.0], requires_grad=True)
    assert training.l2_penalty(w).item() == 6.5 and training.l1_penalty(w).item() == 5
    assert torch.autograd.grad(training.l1_penalty([w]), w)[0].tolist() == [0, -1, 1]
    assert training.l2_penalty(w[2]).item() == 4.5


def test_l2_penalty_is_sgds_weight_decay():
    X, t = data.make_moons(40, 0.1, rng(), **F64)
    model, oracle = (nn.MLP([2, 5, 2], nn.Tanh, generator=rng(1), **F64) for _ in range(2))
    training.train(
        model,
        lambda z, t: functional.cross_entropy(z, t) + 0.3 * training.l2_penalty(training.weights_of(model)),
        *(X, t),
        lr=0.1,
        epochs=3,
        batch_size=8,
        generator=rng(2),
    )
    groups = [
        {"params": training.weights_of(oracle), "weight_decay": 0.3},
        {"params": [oracle[0].bias, oracle[2].bias]},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    training.train(
        oracle, functional.cross_entropy, X, t, epochs=3, batch_size=8, generator=rng(2), optimizer=optimizer
    )
    for one, other in zip(model.parameters(), oracle.parameters(), strict=True):
        close(one, other)


def test_weights_are_what_has_two_axes_or_more():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), nn.Linear(8, 3), torch.nn.LayerNorm(3)
    )
    assert [id(w) for w in training.weights_of(model)] == [id(model[0].weight), id(model[3].weight)]


def test_weights_that_have_no_shape_yet():
    model = torch.nn.Sequential(nn.Linear(2, 4), torch.nn.LazyLinear(3))
    with refused("weights_of: 1.weight has no shape yet; expected a model that has seen an input"):
        training.weights_of(model)
    model(torch.zeros(1, 2))
    assert [w.shape for w in training.weights_of(model)] == [(4, 2), (3, 4)]


@pytest.mark.parametrize("penalty", [training.l2_penalty, training.l1_penalty])
def test_penalties_refuse(penalty):
    name = penalty.__name__
    with refused(f"{name}: parameters is empty (an iterator is, once read); expected at least one tensor"):
        penalty([])
    with refused(f"{name}: parameters[1] is torch.int64; expected a floating-point dtype"):
        penalty([torch.ones(2), torch.ones(2, dtype=torch.int64)])


# --- the bound on norms ---


@checks
@given(shape=st.lists(st.integers(1, 5), min_size=2, max_size=4), c=st.floats(0.1, 4), seed=seeds)
def test_max_norm_equals_renorm(shape, c, seed):
    weight = torch.randn(shape, generator=rng(seed), **F64)
    weight[0] = 0
    before = weight.clone()
    assert training.max_norm_(weight, c) is weight
    torch.testing.assert_close(weight, torch.renorm(before, 2, 0, c), rtol=2e-6, atol=0)  # renorm adds 1e-7 to the norm
    norms, old = weight.flatten(1).norm(dim=1), before.flatten(1).norm(dim=1)
    close(norms, old.clamp(max=c))
    assert torch.equal(weight[old <= c], before[old <= c])


def test_max_norm_of_a_parameter():
    layer = nn.Linear(4, 3, generator=rng())
    training.max_norm_(layer.weight, 1e-3)
    assert layer.weight.requires_grad and layer.weight.is_leaf
    torch.testing.assert_close(layer.weight.norm(dim=1), torch.full((3,), 1e-3))


def test_max_norm_refuses():
    with refused("max_norm_: weight has shape (3,); expected (out, in, ...)"):
        training.max_norm_(torch.ones(3), 1.0)
    with refused("max_norm_: weight is torch.int64; expected a floating-point dtype"):
        training.max_norm_(torch.ones(2, 2, dtype=torch.int64), 1.0)
    for c in (-1.0, math.nan, math.inf, True):
        with refused(f"max_norm_: c is {c!r}; expected a finite number"):
            training.max_norm_(torch.ones(2, 2), c)
    with refused("max_norm_: c is 0; expected a finite number greater than 0"):
        training.max_norm_(torch.ones(2, 2), 0)


# --- early stopping ---


class Counter(torch.nn.Module):
    """A model whose parameter and buffer say how often it was stepped."""

    def __init__(self):
        super().__init__()
        self.w, self.b = torch.nn.Parameter(torch.zeros(2)), None
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def advance(self):
        with torch.no_grad():
            self.w += 1
        self.seen += 1


def run(values, **options):
    """Step through values until told to stop. Returns the stopper, the model and how many were taken."""
    stopping, model, taken = training.EarlyStopping(**options), Counter(), 0
    for value in values:
        model.advance()
        taken += 1
        if stopping.step(value, model):
            break
    return stopping, model, taken


@checks
@given(
    values=st.lists(st.integers(-5, 5), min_size=1, max_size=30),
    patience=st.integers(1, 6),
    min_delta=st.sampled_from([0, 1, 2.0]),
    mode=st.sampled_from(["min", "max"]),
)
def test_stops_as_defined(values, patience, min_delta, mode):
    stopping, model, taken = run(values, patience=patience, min_delta=min_delta, mode=mode)
    sign, best, waited, at = (1 if mode == "min" else -1), math.inf, 0, None
    for k, value in enumerate(values):
        if sign * value < best - min_delta:
            best, waited, at = sign * value, 0, k
        else:
            waited += 1
        if waited == patience:
            break
    assert (stopping.best, stopping.best_epoch, stopping.epoch, taken) == (sign * best, at, k + 1, k + 1)
    stopping.restore(model)
    assert model.w.tolist() == [at + 1.0] * 2 and model.seen.item() == at + 1


def test_equal_values_are_no_improvement():
    assert run([1.0] * 9, patience=3)[2] == 4
    assert run([1.0, 1.5, 2.0, 2.0], patience=1, min_delta=0.5, mode="max")[2] == 2


def test_takes_tensors():
    stopping = training.EarlyStopping(2)
    assert not stopping.step(torch.tensor(0.5, **F64, requires_grad=True), Counter())
    assert stopping.best == 0.5 and type(stopping.best) is float
    assert not stopping.step(torch.tensor([0.25]), Counter()) and stopping.best == 0.25


def test_infinities_can_be_compared():
    stopping, _, taken = run([math.inf, 3.0, -math.inf, 1.0], patience=3)
    assert (stopping.best, stopping.best_epoch, taken) == (-math.inf, 2, 4)
    assert run([math.inf, math.inf, math.inf], patience=2)[2] == 3


def test_the_kept_state_is_a_copy_both_ways():
    stopping, model, _ = run([1.0], patience=2)
    model.advance()
    stopping.restore(model)
    assert model.w.tolist() == [1, 1] and model.w.requires_grad
    model.advance()
    stopping.restore(model)
    assert model.w.tolist() == [1, 1]


def test_goes_on_from_a_saved_state():
    values = [5, 3, 4, 4, 2, 6, 6, 6, 1]
    whole, _, taken = run(values, patience=3)
    first, model, _ = run(values[:3], patience=3)
    saved = first.state_dict()
    untouched = copy.deepcopy(saved)
    second = training.EarlyStopping(patience=3)
    second.load_state_dict(saved)
    for value in values[3:]:
        model.advance()
        if second.step(value, model):
            break
    assert (
        (second.epoch, second.best, second.best_epoch) == (whole.epoch, whole.best, whole.best_epoch) == (taken, 2, 4)
    )
    second.restore(model)
    assert model.w.tolist() == [5, 5]
    assert (saved["epoch"], saved["best"], saved["best_epoch"]) == (3, 3, 1)
    for name in untouched["model"]:
        assert torch.equal(saved["model"][name], untouched["model"][name])
    saved["model"]["w"].fill_(99)  # neither the giver's nor the taker's
    loaded = training.EarlyStopping(3)
    loaded.load_state_dict(untouched)
    untouched["model"]["w"].fill_(99)
    for stopping in (first, loaded):
        stopping.restore(model)
        assert model.w.tolist() == [2, 2]


def test_state_before_the_first_value():
    stopping = training.EarlyStopping(3)
    saved = stopping.state_dict()
    assert saved == {"epoch": 0, "best": None, "best_epoch": None, "model": None}
    run([1.0], patience=1)[0].load_state_dict(saved)
    stopping.load_state_dict(run([1.0], patience=1)[0].state_dict())
    stopping.load_state_dict(saved)
    with refused("EarlyStopping: restore before the first step; expected a state to restore"):
        stopping.restore(Counter())


class Counting(torch.nn.Module):
    """Keeps in its extra state whatever it is given, in place."""

    def __init__(self, extra):
        super().__init__()
        self.w, self.extra = torch.nn.Parameter(torch.zeros(2)), extra

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, state):
        self.extra = state


@pytest.mark.parametrize("extra", [{"seen": [1]}, torch.ones(2), None, [torch.ones(2), "a"], 3])
def test_extra_states_are_kept_and_restored(extra, tmp_path):
    model = torch.nn.Sequential(nn.Linear(2, 2), Counting(copy.deepcopy(extra)))
    stopping = training.EarlyStopping(3)
    stopping.step(1.0, model)
    kept = copy.deepcopy(stopping.state_dict())
    torch.save(kept, tmp_path / "state.pt")

    def change():
        if isinstance(model[1].extra, dict):
            model[1].extra["seen"].append(2)
        elif isinstance(model[1].extra, list):
            model[1].extra[0].zero_()
        elif isinstance(model[1].extra, torch.Tensor):
            model[1].extra = torch.zeros(5)  # of another shape
        else:
            model[1].extra = "other"
        with torch.no_grad():
            model[1].w += 1

    def check():
        assert repr(model[1].extra) == repr(extra) and (model[1].w == 0).all()

    for _ in range(2):  # what was restored and then changed does not change what is kept
        change()
        stopping.step(2.0, model)
        stopping.restore(model)
        check()
    other = training.EarlyStopping(3)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    change()
    other.restore(model)
    check()


def test_what_a_state_dict_has_is_kept():
    shared = nn.Linear(2, 2)
    model = torch.nn.Sequential(shared, torch.nn.BatchNorm1d(2), shared)
    model.register_buffer("mask", torch.zeros(2), persistent=False)
    model.register_buffer("none", None)
    stopping, before = training.EarlyStopping(3), shared.weight.detach().clone()
    stopping.step(1.0, model)
    with torch.no_grad():
        model(torch.randn(5, 2, generator=rng()))
        shared.weight.add_(1)
        model.mask.add_(1)
    shared.weight.requires_grad_(False)
    model.eval()
    stopping.restore(model)
    assert torch.equal(shared.weight, before) and model[0] is model[2] and model[1].num_batches_tracked == 0
    assert not model.training and not shared.weight.requires_grad and shared.bias.requires_grad
    assert (model.mask == 1).all() and model.none is None  # the mask is no part of the state
    model.none = torch.zeros(1)
    with refused("EarlyStopping: none of the model has shape (1,); expected None, as kept"):
        stopping.restore(model)


def test_values_that_are_no_numbers():
    stopping = training.EarlyStopping(3)
    for value in ("0.5", None, True, [1.0], 1j):
        with refused(f"EarlyStopping: value is {value!r}; expected a number or a 0-d tensor"):
            stopping.step(value, Counter())
    assert stopping.epoch == 0 and stopping.best is None
    for value in (np.float32(-2.5), np.int64(-3), -4, Fraction(-9, 2)):
        stopping.step(value, Counter())
        assert stopping.best == float(value) and type(stopping.best) is float
    found = training.EarlyStopping(np.int64(2), np.float32(0.5))
    assert (
        (found.patience, found.min_delta) == (2, 0.5) and type(found.patience) is int and type(found.min_delta) is float
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    small, large = torch.full((10000,), 2.0**-13, dtype=dtype), torch.full((100, 4), 2.0**12, dtype=dtype)
    assert (
        training.l2_penalty(small).item() == 10000 * 2.0**-27 and training.l2_penalty([large]).item() == 400 * 2.0**23
    )
    assert training.l1_penalty([large, small]).item() == pytest.approx(400 * 2.0**12 + 10000 * 2.0**-13)
    w = torch.full((3,), 300.0, dtype=dtype, requires_grad=True)
    (g,) = torch.autograd.grad(training.l2_penalty(w), w)
    assert g.dtype == dtype and (g == 300).all()
    wide = torch.full((2, 400), 2.0**12, dtype=dtype)  # a norm of 81920
    assert (training.max_norm_(wide, 20.0) == 1).all() and wide.dtype == dtype


def test_parameters_that_are_no_list():
    model = nn.Linear(2, 2)
    for penalty in (training.l2_penalty, training.l1_penalty):
        for bad in (model, model.parameters, None, dict(model.named_parameters()), 3.0, set(model.parameters())):
            with refused(
                f"{penalty.__name__}: parameters is of type {type(bad).__name__}; expected a tensor or a list"
            ):
                penalty(bad)
        with refused(f"{penalty.__name__}: parameters[0] is a Linear; expected a tensor"):
            penalty([model])
        with refused(f"{penalty.__name__}: parameters[0] is torch.complex64; expected a floating-point dtype"):
            penalty(torch.zeros(2) * 1j)
        assert penalty([torch.zeros(0), torch.zeros(0, 3)]).item() == 0


def test_early_stopping_refuses():
    for patience in (0, -1, 2.0, True):
        with refused(f"EarlyStopping: patience is {patience!r}; expected an integer of at least 1"):
            training.EarlyStopping(patience)
    for min_delta in (-0.1, math.nan, math.inf):
        with refused(f"EarlyStopping: min_delta is {min_delta}; expected a finite number of at least 0"):
            training.EarlyStopping(1, min_delta)
    with refused("EarlyStopping: mode is 'least'; expected 'min' or 'max'"):
        training.EarlyStopping(1, mode="least")
    stopping, model, _ = run([1.0, 2.0], patience=5)
    for value in (math.nan, torch.tensor(math.nan)):
        with refused("EarlyStopping: value is nan in epoch 2; expected a number to compare"):
            stopping.step(value, model)
    with refused("EarlyStopping: value has shape (3,); expected a number or a 0-d tensor"):
        stopping.step(torch.zeros(3), model)
    assert (stopping.epoch, stopping.best) == (2, 1.0)
    with refused("EarlyStopping: state_dict has epoch, best; expected epoch, best, best_epoch, model"):
        stopping.load_state_dict({"epoch": 1, "best": 2})


def test_restore_refuses_another_model():
    stopping, _, _ = run([1.0], patience=1)
    other = Counter()
    other.w = torch.nn.Parameter(torch.zeros(3))
    with refused("EarlyStopping: w of the model has shape (3,); expected (2,), as kept"):
        stopping.restore(other)
    with refused("EarlyStopping: w of the model has shape None; expected (2,), as kept"):
        stopping.restore(nn.Linear(2, 2))
    other = Counter()
    other.extra = torch.nn.Parameter(torch.zeros(3))
    with refused("EarlyStopping: extra of the model has shape (3,); expected None, as kept"):
        stopping.restore(other)
