"""nndl_lib.optim: rules and classes against each other and torch.optim in float64; saved states; what is refused."""

import copy
import itertools
import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import data, functional, nn, optim
from nndl_lib.optim import Optimizer

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=20, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}
SHAPES = [(3, 4), (5,), (), (2, 3, 2), (1, 7)]


def grid(**options):
    return [dict(zip(options, values)) for values in itertools.product(*options.values())]


GRID = {
    "SGD": [
        *({}, {"lr": 0.0, "momentum": 0.5}),
        *grid(lr=[0.05], momentum=[0.0, 0.9], dampening=[0.0, 0.3], weight_decay=[0.0, 0.1]),
        *grid(lr=[0.02], momentum=[0.5, 0.9], weight_decay=[0.0, 0.1], nesterov=[True]),
    ],
    "RMSprop": [
        *({}, {"lr": 0.0}),
        *grid(alpha=[0.5, 0.9], eps=[1e-8, 1e-2], weight_decay=[0.0, 0.1], momentum=[0.0, 0.9], centered=[False, True]),
    ],
    "Adam": [
        {},
        *grid(lr=[0.03], betas=[(0.0, 0.9), (0.5, 0.99), (0.9, 0.3)], eps=[1e-8, 1e-2], weight_decay=[0.0, 0.1]),
    ],
    "AdamW": [{}, *grid(lr=[0.03], betas=[(0.8, 0.9), (0.5, 0.99)], eps=[1e-8, 1e-2], weight_decay=[0.0, 0.1])],
    "NAdam": [
        {},
        *grid(lr=[0.03], betas=[(0.8, 0.9), (0.5, 0.99)], eps=[1e-8, 1e-2], momentum_decay=[0.0, 0.1]),
        *grid(lr=[0.03], betas=[(0.8, 0.9)], weight_decay=[0.1], momentum_decay=[0.0, 0.1]),
    ],
    "Rprop": [{}, *grid(lr=[1e-3, 0.1], etas=[(0.5, 1.2), (0.3, 1.7)], step_sizes=[(1e-6, 50), (1e-2, 0.05)])],
}
CASES = [(name, options) for name, every in GRID.items() for options in every]
RULES = {name: getattr(optim, f"{name.lower()}_update") for name in GRID}
LAST = [(name, every[-1]) for name, every in GRID.items()]


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def parameters(seed=0, shapes=SHAPES, dtype=torch.float64):
    generator = rng(seed)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def flat(params):
    return torch.cat([p.detach().reshape(-1) for p in params])


def copies(params):
    return [p.detach().clone().requires_grad_() for p in params]


def set_gradients(step, generator, *lists):
    """The same random gradients for each list of parameters; in each step some parameters have none, in one, all."""
    for k, group in enumerate(zip(*lists, strict=True)):
        g = torch.randn(group[0].shape, generator=generator, dtype=group[0].dtype)
        for p in group:
            p.grad = None if (step + k) % 4 == 0 or step == 7 else g.clone()


def close(found, expected, rtol=1e-12, atol=1e-14):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


# --- values ---


@pytest.mark.parametrize("name, options", CASES)
def test_steps_equal_torchs(name, options):
    ours, theirs = parameters(), parameters()
    one, other = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    generator = rng(1)
    for step in range(120):
        set_gradients(step, generator, ours, theirs)
        kept = [None if p.grad is None else p.grad.clone() for p in ours]
        assert one.step() is None
        other.step()
        close(flat(ours), flat(theirs))
        for p, g in zip(ours, kept):
            assert (p.grad is None and g is None) or torch.equal(p.grad, g)
    for p, q in zip(ours, theirs):
        assert one.state[p].keys() == other.state[q].keys()
        for key, value in one.state[p].items():
            close(torch.as_tensor(value, **F64), torch.as_tensor(other.state[q][key], **F64))


@pytest.mark.parametrize("name, options", CASES)
def test_rule_equals_its_class(name, options):
    # Each step from the same weights and states; 1e-15 of the weights before, after, and of the step.
    ours = parameters()
    optimizer, generator = getattr(optim, name)(ours, **options), rng(2)
    for step in range(100):
        set_gradients(step, generator, ours)
        before = [(p.detach().clone(), copy.deepcopy(optimizer.state.get(p, {}))) for p in ours]
        optimizer.step()
        for p, (w, state) in zip(ours, before):
            if p.grad is None:
                assert torch.equal(p, w)
                continue
            kept = w.clone(), p.grad.clone(), copy.deepcopy(state)
            found, after = RULES[name](w, p.grad, state, **options)
            assert optimizer._fused is not None or torch.equal(found, p)  # lifted, it is the same form
            assert torch.equal(w, kept[0]) and torch.equal(p.grad, kept[1])
            assert all(
                torch.equal(torch.as_tensor(state[key]), torch.as_tensor(value)) for key, value in kept[2].items()
            )
            # A centered variance is a difference of nearly equal numbers: the step can lose digits there.
            step_size = (1e5 if options.get("centered") else 1) * (found - w).abs()
            assert ((found - p.detach()).abs() <= 1e-15 * (w.abs() + found.abs() + step_size)).all()
            names = optimizer.state[p].keys() - (
                {"step"} if name in ("RMSprop", "Rprop") else set()
            )  # it only counts there
            assert names <= after.keys()
            for key in names:
                value = optimizer.state[p][key]
                close(torch.as_tensor(after[key]), torch.as_tensor(value), rtol=2e-15, atol=2e-15)


@pytest.mark.parametrize("name, options", CASES)
def test_simple_form_equals_torchs_by_itself(name, options):
    weights, (p,) = parameters(3, [(4, 3)])[0].detach(), parameters(3, [(4, 3)])
    optimizer, generator, state = getattr(torch.optim, name)([p], **options), rng(4), {}
    for _ in range(100):
        p.grad = torch.randn(p.shape, generator=generator, **F64)
        weights, state = RULES[name](weights, p.grad, state, **options)
        optimizer.step()
        close(weights, p.detach(), rtol=1e-11 if options.get("centered") else 1e-12, atol=1e-13)


def train(optimizer, model, steps=100):
    X, t = data.make_moons(40, 0.1, rng(), **F64)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(X), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def model_of(dtype=torch.float64):
    return nn.MLP((2, 5, 2), nn.Tanh, generator=rng(), dtype=dtype)


@pytest.mark.parametrize("name, options", [*((name, {}) for name in GRID), *LAST])
def test_training_equals_torchs(name, options):
    ours, theirs = model_of(), model_of()
    one = train(getattr(optim, name)(ours.parameters(), **options), ours)
    other = train(getattr(torch.optim, name)(theirs.parameters(), **options), theirs)
    assert one == pytest.approx(other, rel=1e-12)
    assert one[-1] < one[0]
    for p, q in zip(ours.parameters(), theirs.parameters()):
        close(p.detach(), q.detach(), atol=1e-12)


@checks
@given(shapes=st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=4), seed=seeds, data=st.data())
def test_any_shapes(shapes, seed, data):
    name, options = data.draw(st.sampled_from(CASES))
    ours, theirs = parameters(seed, shapes), parameters(seed, shapes)
    one, other = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    generator = rng(seed + 1)
    for step in range(10):
        set_gradients(step, generator, ours, theirs)
        one.step(), other.step()
        close(flat(ours), flat(theirs))


@pytest.mark.parametrize("name", GRID)
def test_groups_have_settings_of_their_own(name):
    ours, theirs = parameters(), parameters()
    groups = [
        [{"params": ps[:2]}, {"params": iter(ps[2:4]), "lr": 0.1}, {"params": ps[4], "lr": 0.3}]
        for ps in (ours, theirs)
    ]
    one, other = getattr(optim, name)(groups[0], lr=0.01), getattr(torch.optim, name)(groups[1], lr=0.01)
    assert [group["lr"] for group in one.param_groups] == [0.01, 0.1, 0.3]
    assert [len(group["params"]) for group in one.param_groups] == [2, 2, 1]
    generator = rng()
    for step in range(30):
        for optimizer in (one, other):
            optimizer.param_groups[0]["lr"] = 0.01 / (1 + step)
        set_gradients(step, generator, ours, theirs)
        one.step(), other.step()
        close(flat(ours), flat(theirs))


@pytest.mark.parametrize("name", GRID)
def test_defaults_are_torchs(name):
    for p in parameters(0, [(2,)]):
        found, expected = getattr(optim, name)([p]).param_groups[0], getattr(torch.optim, name)([p]).param_groups[0]
        assert {key: expected[key] for key in found if key != "params"} == {
            k: v for k, v in found.items() if k != "params"
        }


def test_float32_and_adams_first_step():
    for name in GRID:
        ours, theirs = parameters(dtype=torch.float32), parameters(dtype=torch.float32)
        one, other = getattr(optim, name)(ours), getattr(torch.optim, name)(theirs)
        for step in range(20):
            set_gradients(step, rng(step), ours, theirs)
            one.step(), other.step()
        for p, q in zip(ours, theirs):
            assert p.dtype == torch.float32
            close(p.detach(), q.detach(), rtol=1e-5, atol=1e-6)
    w, state = optim.adam_update(torch.zeros(3, **F64), g := torch.tensor([1e-3, -2.0, 1e4], **F64), {}, lr=0.1, eps=0)
    close(w, -0.1 * g.sign())  # m_hat = g and v_hat = g**2 at t = 1
    assert state["step"] == 1


def test_rprop_where_a_product_of_gradients_underflows():
    (p,) = parameters(0, [(2,)], torch.float32)
    optimizer = optim.Rprop([p], lr=1.0)
    for sign in (1, 1, 1, -1):
        p.grad = torch.tensor([1e-30, -1e-30]) * sign
        optimizer.step()
    close(optimizer.state[p]["step_size"], torch.tensor([0.72, 0.72]), rtol=1e-6)


def test_centered_rmsprop_of_a_constant_gradient_stays_finite():
    # The mean of squares less the square of the mean is 0 in the end, or by rounding a little less.
    (p,) = parameters(0, [(200,)])
    p.grad = torch.randn(200, generator=rng(), **F64)
    optimizer, w, state = optim.RMSprop([p], alpha=0.5, centered=True, eps=1e-3), p.detach().clone(), {}
    for _ in range(100):
        optimizer.step()
        w, state = optim.rmsprop_update(w, p.grad, state, alpha=0.5, centered=True, eps=1e-3)
    assert p.isfinite().all() and w.isfinite().all()
    assert (state["square_avg"] - state["grad_avg"] ** 2 < 0).any()


def test_a_gradient_of_nan_reaches_the_weights():
    for name in GRID:
        (p,) = parameters(0, [(2,)])
        p.grad = torch.tensor([math.nan, 1.0], **F64)
        getattr(optim, name)([p]).step()
        assert p.isnan().tolist() == [name != "Rprop", False]  # the sign of a NaN is 0


# --- the base: closures, gradients, saved states ---


def test_closure_is_called_with_gradients_and_its_loss_returned():
    (p,) = parameters(0, [(3,)])
    optimizer, calls = optim.SGD([p], lr=0.5), []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    before = p.detach().clone()
    with torch.no_grad():
        loss = optimizer.step(closure)
    assert calls == [True] and loss.item() == (before**2).sum().item()
    close(p.detach(), torch.zeros(3, **F64))
    assert p.requires_grad and p.is_leaf


def test_zero_grad():
    ours = parameters()
    set_gradients(1, rng(), ours)
    kept = [p.grad for p in ours]
    optimizer = optim.SGD([{"params": ours[:1]}, {"params": ours[1:]}])
    optimizer.zero_grad(set_to_none=False)
    for p, g in zip(ours, kept):
        assert p.grad is g and (g is None or (g == 0).all())
    optimizer.zero_grad()
    assert all(p.grad is None for p in ours)


def test_the_momentum_is_no_view_of_the_gradient():
    (p,) = parameters(0, [(3,)])
    optimizer = optim.SGD([p], momentum=0.9)
    p.grad = torch.ones(3, **F64)
    optimizer.step()
    p.grad.zero_()
    assert (optimizer.state[p]["momentum_buffer"] == 1).all()


@pytest.mark.parametrize("name, options", LAST)
def test_a_saved_state_goes_on_to_the_same_bits(name, options, tmp_path):
    ours = parameters()
    one = getattr(optim, name)([{"params": ours[:2], "lr": 0.07}, {"params": ours[2:]}], **options)
    for step in range(10):
        set_gradients(step, rng(step), ours)
        one.step()
    one.param_groups[1]["lr"] = 0.04
    saved, theirs = one.state_dict(), copies(ours)
    torch.save(saved, tmp_path / "state.pt")
    other = getattr(optim, name)([{"params": theirs[:2]}, {"params": theirs[2:]}])
    thirds = copies(ours)
    third = getattr(optim, name)([{"params": thirds[:2]}, {"params": thirds[2:]}])
    assert list(saved["param_groups"][1]["params"]) == [2, 3, 4]
    for step in range(10, 20):  # what was saved is a copy: it stays as it was
        set_gradients(step, rng(step), ours)
        one.step()
    other.load_state_dict(saved)
    third.load_state_dict(torch.load(tmp_path / "state.pt"))
    assert [group["lr"] for group in other.param_groups] == [0.07, 0.04]
    for step in range(10, 20):
        set_gradients(step, rng(step), theirs, thirds)
        other.step(), third.step()
    for p, q, r in zip(ours, theirs, thirds):
        assert torch.equal(p, q) and torch.equal(p, r)
    again = copies(ours)
    fourth = getattr(optim, name)([{"params": again[:2]}, {"params": again[2:]}])
    fourth.load_state_dict(saved)  # loading copied too
    for k, s in saved["state"].items():
        for key, value in s.items():
            assert torch.equal(torch.as_tensor(fourth.state[again[k]][key]), torch.as_tensor(value))


def test_loading_casts_to_the_parameters():
    ours, theirs = parameters(), parameters(dtype=torch.float32)
    set_gradients(1, rng(), ours)
    one, other = optim.Adam(ours), optim.Adam(theirs)
    one.step()
    other.load_state_dict(one.state_dict())
    assert {v.dtype for s in other.state.values() for v in s.values() if isinstance(v, torch.Tensor)} == {torch.float32}


def refused(message, make, *args, **options):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(*args, **options)


def test_states_that_do_not_fit():
    ours = parameters()
    set_gradients(1, rng(), ours)
    adam = optim.Adam(ours)
    adam.step()
    saved, kept = adam.state_dict(), copy.deepcopy(adam.state_dict())
    two = optim.Adam(parameters()[:2])
    refused("Adam: state_dict has groups of [5] parameters; expected [2]", two.load_state_dict, saved)
    message = "NAdam: state_dict has no setting 'momentum_decay'; expected one that NAdam has made"
    refused(message, optim.NAdam(ours).load_state_dict, saved)
    other = optim.Adam(parameters(0, SHAPES[::-1]))
    refused("Adam: exp_avg of params[0] has shape (3, 4); expected (1, 7)", other.load_state_dict, saved)
    assert other.state == {}
    kept["state"][9] = kept["state"].pop(0)
    refused(
        "Adam: state_dict has a state 9; expected parameters [0, 1, 2, 3, 4]", optim.Adam(ours).load_state_dict, kept
    )
    saved["param_groups"][0]["lr"] = -1.0
    refused("Adam: the learning rate lr is -1.0; expected a finite number of at least 0", adam.load_state_dict, saved)
    assert adam.param_groups[0]["lr"] == 1e-3


# --- what is refused ---


@pytest.mark.parametrize("name", GRID)
def test_bad_learning_rate(name):
    make = getattr(optim, name)
    for lr in (-0.1, math.nan, math.inf, "1", True, torch.tensor(0.1)):
        message = f"{name}: the learning rate lr is {lr!r}; expected a finite number of at least 0"
        refused(message, make, parameters(), lr=lr)
    refused(f"{name}: the learning rate lr is -1; expected", make, [{"params": parameters(), "lr": -1}])
    ours = parameters()
    set_gradients(1, rng(), ours)
    optimizer, kept = make(ours), copies(ours)
    optimizer.param_groups[0]["lr"] = math.nan
    refused(f"{name}: the learning rate lr is nan; expected", optimizer.step)
    assert all(torch.equal(p, q) for p, q in zip(ours, kept))


@pytest.mark.parametrize(
    "name, option, below",
    [
        *(("SGD", "momentum", 1), ("SGD", "dampening", 1), ("RMSprop", "momentum", 1), ("RMSprop", "alpha", 1)),
        *(("RMSprop", "eps", math.inf), ("Adam", "eps", math.inf), ("NAdam", "momentum_decay", math.inf)),
        *((name, "weight_decay", math.inf) for name in GRID if name != "Rprop"),
    ],
)
def test_bad_settings(name, option, below):
    words = "a finite number of at least 0" if below == math.inf else "a number from 0 to below 1"
    for value in (-0.1, math.nan, math.inf, *([] if below == math.inf else [1.0])):
        refused(f"{name}: {option} is {value}; expected {words}", getattr(optim, name), parameters(), **{option: value})
    getattr(optim, name)(parameters(), **{option: 0.0})


@pytest.mark.parametrize("name", ["Adam", "AdamW", "NAdam"])
def test_bad_betas(name):
    for value in (-0.1, 1.0, math.nan):
        for k in (0, 1):
            betas = [0.5, 0.5]
            betas[k] = value
            message = f"{name}: betas[{k}] is {value}; expected a number from 0 to below 1"
            refused(message, getattr(optim, name), parameters(), betas=tuple(betas))


def test_bad_nesterov_and_rprop():
    message = "SGD: momentum is {} and dampening {} with nesterov; expected a momentum above 0 and no dampening"
    refused(message.format(0.0, 0.0), optim.SGD, parameters(), nesterov=True)
    refused(message.format(0.9, 0.1), optim.SGD, parameters(), nesterov=True, momentum=0.9, dampening=0.1)
    for etas in ((0.0, 1.2), (1.0, 1.2), (0.5, 1.0), (1.2, 0.5), (0.5, 0.7)):
        message = f"Rprop: etas are {etas}; expected one between 0 and 1 and one above 1"
        refused(message, optim.Rprop, parameters(), etas=etas)
    for sizes in ((0.0, 1.0), (2.0, 1.0), (50.0, 1e-6)):
        message = f"Rprop: step_sizes are {sizes}; expected least and largest, above 0"
        refused(message, optim.Rprop, parameters(), step_sizes=sizes)
    for value in (math.nan, math.inf, "1", True):
        for k, name in itertools.product((0, 1), ("etas", "step_sizes")):
            pair = [0.5, 1.5]
            pair[k] = value
            message = f"Rprop: {name}[{k}] is {value!r}; expected a finite number of at least 0"
            refused(message, optim.Rprop, parameters(), **{name: pair})
    optim.Rprop(parameters(), step_sizes=(1.0, 1.0))


@pytest.mark.parametrize("name", GRID)
def test_bad_parameters(name):
    make, (p,) = getattr(optim, name), parameters(0, [(2,)])
    expected = "expected a list of parameters or of groups"
    refused(f"{name}: params is empty (an iterator is, once read); {expected}", make, iter([]))
    refused(f"{name}: params is a tensor; {expected}", make, p)
    refused(f"{name}: a group has no params; expected at least one parameter", make, [{"params": []}])
    refused(f"{name}: a group has no params; expected at least one parameter", make, [{"lr": 0.1}])
    refused(f"{name}: params[1] is a float; expected a tensor", make, [p, 1.0])
    refused(f"{name}: params[0] is torch.int64; expected a floating-point dtype", make, [torch.arange(3)])
    refused(f"{name}: params[0] is torch.complex64; expected a floating-point", make, [torch.zeros(2) * 1j])
    refused(f"{name}: params[1] (2,) was computed from others; expected a leaf", make, [p, p * 2])
    refused(f"{name}: params[1] (2,) is there twice; expected it once", make, [p, p])
    refused(f"{name}: params[0] (2,) is there twice; expected it once", make, [{"params": p}, {"params": [p]}])
    refused(f"{name}: the group has 'rate'; expected params, lr", make, [{"params": p, "rate": 0.1}])
    make([p, torch.zeros(2)])  # one that needs no gradient is a leaf too


def test_sparse_gradients_are_refused_and_the_base_has_no_rule():
    (p,) = parameters(0, [(4, 2)])
    p.grad = torch.zeros(4, 2, **F64).to_sparse()
    refused("SGD: a gradient (4, 2) is sparse; expected a dense one", optim.SGD([p]).step)
    p.grad = torch.zeros(4, 2, **F64)
    with pytest.raises(NotImplementedError, match="Optimizer has no rule of its own"):
        Optimizer([p], {"lr": 0.1}).step()


# --- clip_grad_norm_ ---


@checks
@given(
    max_norm=st.sampled_from([0.0, 0.5, 3.0, 100.0, math.inf]),
    norm_type=st.sampled_from([0.5, 1, 2.0, 3, math.inf]),
    seed=seeds,
)
def test_clipping_equals_torchs(max_norm, norm_type, seed):
    ours, theirs = parameters(), parameters()
    set_gradients(seed % 7, rng(seed), ours, theirs)
    found = optim.clip_grad_norm_(iter(ours), max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    close(found, expected)
    assert found.shape == () and not found.requires_grad
    for p, q in zip(ours, theirs):
        if q.grad is None:
            assert p.grad is None
        else:
            close(p.grad, q.grad)


def test_clipping_of_one_tensor_of_none_and_by_default():
    (p,) = parameters(0, [(3,)])
    assert optim.clip_grad_norm_(p, 1.0).item() == 0 and p.grad is None
    p.grad = torch.tensor([3.0, 0.0, 4.0], **F64)
    assert optim.clip_grad_norm_(p, 1.0).item() == 5
    close(p.grad, torch.tensor([0.6, 0.0, 0.8], **F64) * 5 / 5.000001)


def test_clipping_of_what_is_not_finite():
    for value in (math.nan, math.inf):
        (p,) = parameters(0, [(2,)])
        p.grad = torch.tensor([value, 1.0], **F64)
        kept = p.grad.clone()
        message = f"clip_grad_norm_: the norm of the gradients is {value}; expected finite gradients"
        refused(message, optim.clip_grad_norm_, p, 1.0, error_if_nonfinite=True)
        assert torch.equal(p.grad.nan_to_num(7), kept.nan_to_num(7))
        assert not optim.clip_grad_norm_(p, 1.0).isfinite()
        assert p.grad.isnan().any()


def test_bad_clipping():
    empty = "clip_grad_norm_: parameters is empty (an iterator is, once read); expected at least one"
    refused(empty, optim.clip_grad_norm_, iter([]), 1.0)
    for value in (-1.0, math.nan):
        message = f"clip_grad_norm_: max_norm is {value}; expected a number of at least 0, or infinity"
        refused(message, optim.clip_grad_norm_, parameters(), value)
    for value in (0.0, -1.0, math.nan):
        message = f"clip_grad_norm_: norm_type is {value}; expected a number above 0, or infinity"
        refused(message, optim.clip_grad_norm_, parameters(), 1.0, value)


@pytest.mark.parametrize("name, options", LAST)
def test_simple_form_with_a_setting_for_each_weight(name, options):
    rule, generator = RULES[name], rng(1)
    numbers = [
        {
            key: value
            if isinstance(value, bool)
            else tuple(v * scale for v in value)
            if isinstance(value, tuple)
            else value * scale
            for key, value in options.items()
        }
        for scale in (0.9, 0.95, 1.0)
    ]
    together = {
        key: value
        if isinstance(value, bool)
        else tuple(torch.tensor(v, **F64) for v in zip(*(n[key] for n in numbers)))
        if isinstance(value, tuple)
        else torch.tensor([n[key] for n in numbers], **F64)
        for key, value in options.items()
    }
    w, state, alone = torch.ones(3, **F64), {}, [(torch.ones(1, **F64), {})] * 3
    for _ in range(4):
        g = torch.randn(3, generator=generator, **F64)
        w, state = rule(w, g, state, **together)
        alone = [rule(w_k, g[k : k + 1], s, **numbers[k]) for k, (w_k, s) in enumerate(alone)]
        torch.testing.assert_close(
            w, torch.cat([w_k for w_k, _ in alone]), rtol=1e-6 if name == "NAdam" else 1e-12, atol=0
        )


@pytest.mark.parametrize(
    "name, wrong, expected",
    [
        ("SGD", {"lr": -0.1}, "learning rate lr is -0.1"),
        ("SGD", {"momentum": math.nan}, "momentum is nan"),
        ("SGD", {"nesterov": "False", "momentum": 0.9}, "nesterov is 'False'"),
        ("Adam", {"betas": (0.9,)}, r"betas is \(0.9,\)"),
        ("Adam", {"betas": (0.9, 1.0)}, r"betas\[1\] is 1.0"),
        ("NAdam", {"lr": torch.tensor([0.1, -0.1, 0.1])}, r"lr\[1\] is -0.1"),
        ("Rprop", {"etas": (1.2, 0.5)}, r"etas are \(1.2, 0.5\)"),
        ("Rprop", {"step_sizes": (50, 1e-6)}, r"step_sizes are \(50, 1e-06\)"),
        ("Adam", {"lr": torch.full((2, 3), 0.1)}, r"\(2, 3\) comes of"),
        ("RMSprop", {"state": {"exp_avg": torch.zeros(3)}}, "expected a dict of square_avg"),
        ("RMSprop", {"state": {"square_avg": torch.zeros(1)}}, r"\(1,\) comes of"),
    ],
)
def test_simple_form_refuses(name, wrong, expected):
    with pytest.raises(ValueError, match=f"{name.lower()}_update: .*{expected}"):
        RULES[name](torch.ones(3), torch.ones(3), **{"state": {}} | wrong)
