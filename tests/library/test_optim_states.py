"""nndl_lib.optim beside torch.optim: states that go from one to the other, call conventions, unusual parameters."""

import copy
import inspect
import itertools
import math
import pickle
import re

import numpy as np
import pytest
import torch

from nndl_lib import functional, nn, optim
from nndl_lib.optim import Optimizer

F64 = {"dtype": torch.float64}
SETTINGS = {
    "SGD": [
        {},
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1},
        {"momentum": 0.5, "nesterov": True},
    ],
    "RMSprop": [{}, {"alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.1}],
    "Adam": [{}, {"lr": 0.03, "betas": (0.5, 0.99), "eps": 1e-2, "weight_decay": 0.1}],
    "AdamW": [{}, {"lr": 0.03, "betas": (0.5, 0.99), "weight_decay": 0.1}],
    "NAdam": [{}, {"lr": 0.03, "betas": (0.5, 0.99), "weight_decay": 0.1, "momentum_decay": 0.1}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.3, 1.7), "step_sizes": (1e-3, 0.5)}],
}
CASES = [(name, options) for name, every in SETTINGS.items() for options in every]
RULES = {name: getattr(optim, f"{name.lower()}_update") for name in SETTINGS}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def parameters(dtype=torch.float64, shapes=((3, 4), (5,), (), (2, 3), (0, 2))):
    return [torch.randn(shape, generator=rng(len(shape)), dtype=dtype).requires_grad_() for shape in shapes]


def copies(params):
    return [p.detach().clone().requires_grad_() for p in params]


def groups(params):
    return [{"params": params[:2], "lr": 0.07}, {"params": params[2:]}]


def steps(optimizer, params, numbers):
    """Steps with the gradients of those numbers; the parameter 3 never has one."""
    for k in numbers:
        generator = rng(1000 + k)
        for j, p in enumerate(params):
            g = torch.randn(p.shape, generator=generator, dtype=p.dtype)
            p.grad = None if j == 3 else g
        optimizer.step()


def close(found, expected):
    for p, q in zip(found, expected, strict=True):
        wide = p.dtype == torch.float64
        torch.testing.assert_close(p, q, rtol=1e-12 if wide else 1e-6, atol=1e-13 if wide else 1e-6)


def refused(message, make, *args, **options):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(*args, **options)


# --- states exchanged with torch ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("before", [0, 1, 7])
@pytest.mark.parametrize("name, options", CASES)
def test_a_state_goes_on_in_the_other_library(name, options, before, dtype, tmp_path):
    for giver, taker in ((optim, torch.optim), (torch.optim, optim)):
        params = parameters(dtype)
        one = getattr(giver, name)(groups(params), **options)
        steps(one, params, range(before))
        one.param_groups[1]["lr"] = 0.02
        torch.save(one.state_dict(), tmp_path / "state.pt")
        others = copies(params)
        other = getattr(taker, name)(groups(others))
        other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        assert [group["lr"] for group in other.param_groups] == [0.07, 0.02]
        steps(one, params, range(before, before + 15))
        steps(other, others, range(before, before + 15))
        close(others, params)
        # And back, to where it came from.
        thirds = copies(others)
        third = getattr(giver, name)(groups(thirds))
        third.load_state_dict(other.state_dict())
        steps(third, thirds, range(50, 60)), steps(one, params, range(50, 60))
        close(thirds, params)


@pytest.mark.parametrize("name, options", CASES)
def test_a_saved_state_has_torchs_names(name, options):
    saved = []
    for library in (optim, torch.optim):
        params = parameters()
        optimizer = getattr(library, name)(groups(params), **options)
        steps(optimizer, params, range(3))
        saved.append(optimizer.state_dict())
    ours, theirs = saved
    assert ours["param_groups"] == theirs["param_groups"]
    assert ours["state"].keys() == theirs["state"].keys()
    for k, s in theirs["state"].items():
        assert ours["state"][k].keys() == s.keys()
        for key, value in s.items():
            torch.testing.assert_close(
                torch.as_tensor(ours["state"][k][key], **F64), value.double(), rtol=1e-12, atol=1e-13
            )


def saved_by_torch(name, **options):
    params = parameters()
    optimizer = getattr(torch.optim, name)(params, **options)
    steps(optimizer, params, range(3))
    return optimizer.state_dict()


def unchanged(optimizer, call):
    """What call refuses has changed nothing."""
    before = repr((optimizer.state_dict(), optimizer.param_groups))
    with pytest.raises(ValueError) as error:
        call()
    assert repr((optimizer.state_dict(), optimizer.param_groups)) == before
    return str(error.value)


@pytest.mark.parametrize(
    "name, options, value",
    [
        *((name, {"maximize": True}, "maximize is True") for name in SETTINGS),
        *((name, {"differentiable": True}, "differentiable is True") for name in SETTINGS),
        *((name, {"amsgrad": True}, "amsgrad is True") for name in ("Adam", "AdamW")),
        *((name, {"decoupled_weight_decay": True}, "decoupled_weight_decay is True") for name in ("Adam", "NAdam")),
        ("SGD", {"momentum": 1.5}, "momentum is 1.5"),
    ],
)
def test_settings_of_torch_that_are_not_here(name, options, value):
    own = parameters()
    optimizer = getattr(optim, name)(own)
    steps(optimizer, own, range(2))
    differentiable = "differentiable" in options  # torch then takes no step outside of a graph
    saved = saved_by_torch(name, **({} if differentiable else options))
    saved["param_groups"][0] |= options
    assert f"{name}: {value}; expected" in unchanged(optimizer, lambda: optimizer.load_state_dict(saved))
    if "momentum" not in options:
        refused(f"{name}: {value}; expected", optimizer.add_param_group, {"params": torch.zeros(2), **options})
        optimizer.param_groups[0] |= options
        refused(f"{name}: {value}; expected", optimizer.step)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_torch_that_change_no_step(name):
    own = parameters()
    optimizer = getattr(optim, name)(own)
    saved = saved_by_torch(name)
    idle = {"foreach": True, "fused": True, "capturable": True, "initial_lr": 0.5, "param_names": list("abcde")}
    saved["param_groups"][0] |= {"amsgrad": False, "maximize": False, "differentiable": False, **idle}
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0].keys() == {"params", *optimizer.defaults}
    optimizer.add_param_group({"params": torch.zeros(2), "foreach": None, "maximize": False})
    optimizer.step()


def test_adamws_state_is_not_adams():
    params = parameters()
    adamw = optim.AdamW(params)
    steps(adamw, params, range(2))
    message = "Adam: decoupled_weight_decay is True; expected False"
    refused(message, optim.Adam(parameters()).load_state_dict, adamw.state_dict())
    other = optim.AdamW(parameters())
    saved = optim.Adam(params).state_dict()
    assert "AdamW: decoupled_weight_decay is False; expected True" in unchanged(
        other, lambda: other.load_state_dict(saved)
    )
    for group in saved["param_groups"]:
        del group["decoupled_weight_decay"]  # as it was saved before
    other.load_state_dict(saved)


@pytest.mark.parametrize("name", SETTINGS)
def test_states_that_are_none(name):
    own = parameters()
    optimizer = getattr(optim, name)(own, **({"momentum": 0.9} if name == "SGD" else {}))
    steps(optimizer, own, range(2))

    def loading(change):
        saved = copy.deepcopy(optimizer.state_dict())
        change(saved)
        return unchanged(optimizer, lambda: optimizer.load_state_dict(saved))

    def rename(saved):
        saved["state"][0]["velocity"] = saved["state"][0].popitem()[1]

    def shrink(saved):
        key = [key for key, value in saved["state"][4].items() if isinstance(value, torch.Tensor) and value.ndim][-1]
        saved["state"][4][key] = torch.zeros(2, **F64)

    assert f"{name}: params[0] has" in (message := loading(rename)) and "velocity" in message
    assert "of params[4] has shape (2,); expected (0, 2)" in loading(shrink)
    assert f"{name}: the group has 'rate'; expected params, lr" in loading(
        lambda s: s["param_groups"][0].update(rate=1)
    )
    assert "the learning rate lr is '0.1'" in loading(lambda s: s["param_groups"][0].update(lr="0.1"))
    assert f"{name}: state_dict has a state 77" in loading(lambda s: s["state"].update({77: {}}))
    assert "expected a dict with 'state' and 'param_groups'" in loading(lambda s: s.pop("state"))
    assert f"{name}: state_dict has groups or states that are no dicts" in loading(
        lambda s: s["state"].update({0: None})
    )
    assert f"{name}: state_dict has groups of [0] parameters" in loading(lambda s: s["param_groups"][0].pop("params"))
    for bad in (None, [], optimizer):
        message = f"{name}: state_dict is a {type(bad).__name__}; expected a dict with 'state' and 'param_groups'"
        refused(message, optimizer.load_state_dict, bad)


def test_another_optimizers_state_under_the_right_settings():
    params = parameters()
    adam, sgd = optim.Adam(params), optim.SGD(copies(params), momentum=0.9)
    steps(adam, params, range(2))
    saved = sgd.state_dict() | {"state": adam.state_dict()["state"]}
    assert "SGD: params[0] has step, exp_avg, exp_avg_sq in its state; expected momentum_buffer" in unchanged(
        sgd, lambda: sgd.load_state_dict(saved)
    )
    saved = adam.state_dict()
    del saved["state"][1]["exp_avg_sq"]
    message = unchanged(adam, lambda: adam.load_state_dict(saved))
    assert "Adam: params[1] has step, exp_avg in its state; expected step, exp_avg, exp_avg_sq" in message
    saved["state"][1] = {}  # as that of a parameter that was never stepped
    adam.load_state_dict(saved)


@pytest.mark.parametrize("name, options", CASES)
def test_pickled_and_copied(name, options):
    params = parameters()
    one = getattr(optim, name)(groups(params), **options)
    steps(one, params, range(4))
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        others = [p for group in other.param_groups for p in group["params"]]
        assert all(p is not q for p, q in zip(params, others)) and {id(p) for p in other.state} <= {
            id(p) for p in others
        }
        mine = copies(params)
        third = getattr(optim, name)(groups(mine))
        third.load_state_dict(one.state_dict())
        steps(other, others, range(4, 9)), steps(third, mine, range(4, 9))
        assert all(map(torch.equal, others, mine))


def test_a_saved_state_shares_nothing():
    params = parameters()
    optimizer = optim.Adam(params)
    steps(optimizer, params, range(2))
    saved = optimizer.state_dict()
    others, kept = copies(params), repr(saved)
    other = optim.Adam(others)
    other.load_state_dict(saved)
    steps(other, others, range(2, 4))  # what was loaded is a copy
    assert repr(saved) == kept
    saved["state"][0]["exp_avg"].fill_(7)
    saved["param_groups"][0]["lr"] = 9.0
    saved["param_groups"][0]["params"].clear()
    assert optimizer.param_groups[0]["lr"] == 1e-3 and len(optimizer.param_groups[0]["params"]) == 5
    assert not (optimizer.state[params[0]]["exp_avg"] == 7).any()


# --- call conventions ---


@pytest.mark.parametrize("name", [*SETTINGS, "LBFGS", "clip_grad_norm_"])
def test_arguments_stand_where_torch_has_them(name):
    theirs = torch.nn.utils if name == "clip_grad_norm_" else torch.optim
    ours, expected = (list(inspect.signature(getattr(m, name)).parameters.values()) for m in (optim, theirs))
    for found, want in zip(ours, expected):
        assert (found.name, found.kind, found.default) == (want.name, want.kind, want.default)
    assert len(ours) <= len(expected)
    for method in ("step", "zero_grad", "load_state_dict", "add_param_group") if name != "clip_grad_norm_" else ():
        found, want = (
            list(inspect.signature(getattr(getattr(m, name), method)).parameters.values()) for m in (optim, theirs)
        )
        assert [p.default for p in found] == [p.default for p in want]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_rule_has_its_classs_arguments(name):
    rule = list(inspect.signature(RULES[name]).parameters.values())
    of_class = list(inspect.signature(getattr(optim, name)).parameters.values())
    assert [p.name for p in rule[:3]] == ["w", "g", "state"]
    assert [(p.name, p.default) for p in rule[3:]] == [(p.name, p.default) for p in of_class[1:]]


@pytest.mark.parametrize("name, option", [("SGD", "nesterov"), ("RMSprop", "centered")])
def test_flags(name, option):
    make = getattr(optim, name)
    for value in ("False", 1, 0, None, torch.tensor(True)):
        refused(
            f"{name}: {option} is {value!r}; expected True or False",
            make,
            parameters(),
            momentum=0.5,
            **{option: value},
        )
    for value in (True, np.True_, False):
        assert make(parameters(), momentum=0.5, **{option: value}).param_groups[0][option] is bool(value)
    for value in ("False", 1, None):
        message = f"{name}: set_to_none is {value!r}; expected True or False"
        refused(message, make(parameters()).zero_grad, value)


@pytest.mark.parametrize("name, option", [*((name, "betas") for name in ("Adam", "AdamW", "NAdam")), ("Rprop", "etas")])
def test_pairs(name, option):
    make = getattr(optim, name)
    for value in ((0.9,), (0.5, 1.2, 1.5), 0.9, None, "ab", torch.tensor([0.5, 1.2]), {0.5: 1.2}):
        refused(
            f"{name}: {option} is {value!r}; expected a tuple of two numbers", make, parameters(), **{option: value}
        )
    for value in ("0.5", None, True, torch.tensor(0.5), -0.1, math.nan):
        refused(f"{name}: {option}[0] is {value!r}; expected", make, parameters(), **{option: (value, 0.9)})
    pair = [np.float32(0.5), 1.5 if option == "etas" else np.float64(0.75)]
    found = make(parameters(), **{option: pair}).param_groups[0][option]
    assert found == tuple(pair) and type(found) is tuple and {type(number) for number in found} == {float}


@pytest.mark.parametrize("name", SETTINGS)
def test_numbers_become_pythons(name):
    options = {key: np.float64(value) for key, value in SETTINGS[name][1].items() if type(value) is float}
    params, others = parameters(torch.float32), parameters(torch.float32)
    one, other = getattr(optim, name)(params, **options), getattr(optim, name)(others, **SETTINGS[name][1])
    for key, value in SETTINGS[name][1].items():
        one.param_groups[0][key] = value
    for lr in (np.float32(0.5), np.int64(2), 3, np.float64(0.25)):
        for optimizer in (one, other):
            optimizer.param_groups[0]["lr"] = lr if optimizer is one else float(lr)
        steps(one, params, range(2)), steps(other, others, range(2))
        assert type(one.param_groups[0]["lr"]) is float
    assert all(map(torch.equal, params, others))
    for lr in (10**400, 1j, None, "0.1", [0.1], np.array([0.1])):
        refused(
            f"{name}: the learning rate lr is {lr!r}; expected a finite number", getattr(optim, name), params, lr=lr
        )


@pytest.mark.parametrize("name", [*SETTINGS, "LBFGS"])
def test_what_parameters_may_be(name):
    make, model = getattr(optim, name, optim.LBFGS), torch.nn.Linear(2, 3)
    expected = "expected a list of parameters or of groups"
    for bad in (None, 3, model, model.parameters, dict(model.named_parameters()), set(model.parameters()), "ab"):
        refused(f"{name}: params is of type {type(bad).__name__}; {expected}", make, bad)
    refused(f"{name}: params[0] is a Linear; expected a tensor", make, torch.nn.Sequential(model))
    refused(f"{name}: params[0] is a list; expected a tensor", make, [list(model.parameters())])
    refused(f"{name}: params[0] is a ndarray; expected a tensor", make, [np.zeros(2)])
    refused(f"{name}: params[1] is a dict; expected a tensor", make, [model.weight, {"params": model.bias}])
    for bad in (None, {model.weight}, {"w": model.weight}, 3):
        refused(f"{name}: params is of type {type(bad).__name__}; expected a list of tensors", make, [{"params": bad}])
    used = model.parameters()
    make(used)
    refused(f"{name}: params is empty (an iterator is, once read); {expected}", make, used)
    if name != "LBFGS":
        refused(f"{name}: a group is a Parameter; expected a dict", make, [{"params": model.weight}, model.bias])
    for good in (iter(model.parameters()), tuple(model.parameters()), torch.nn.ParameterList(model.parameters())):
        assert [id(p) for p in make(good).param_groups[0]["params"]] == [id(model.weight), id(model.bias)]
    assert make([{"params": torch.zeros(())}]).param_groups[0]["params"][0].ndim == 0


def test_named_parameters():
    model = torch.nn.Linear(2, 3)
    ours, theirs = (library.Adam(model.named_parameters()) for library in (optim, torch.optim))
    assert [id(p) for p in ours.param_groups[0]["params"]] == [id(model.weight), id(model.bias)]
    assert ours.state_dict()["param_groups"] == theirs.state_dict()["param_groups"]
    plain = optim.Adam(model.parameters())
    plain.load_state_dict(theirs.state_dict())
    assert "param_names" not in plain.param_groups[0]
    ours.load_state_dict(plain.state_dict())
    assert ours.param_groups[0]["param_names"] == ["weight", "bias"]
    refused("Adam: params[0] is a tuple; expected a tensor", optim.Adam, [("weight", model.weight), model.bias])
    message = "Adam: one group has names of parameters and another has none; expected them in all or none"
    refused(message, ours.add_param_group, {"params": torch.zeros(1)})
    refused(message, plain.add_param_group, {"params": [("c", torch.zeros(1))]})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_closure_that_is_none(name):
    (p,) = parameters(shapes=[(2,)])
    p.grad = torch.ones(2, **F64)
    kept = p.detach().clone()
    for closure in (3, p, "loss"):
        refused(f"{name}: closure is {closure!r}; expected a function", getattr(optim, name)([p]).step, closure)
    assert torch.equal(p, kept)


def test_schedulers_of_torch_refuse():
    for make in (
        lambda o: torch.optim.lr_scheduler.StepLR(o, 1),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1.0),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, 10),
        torch.optim.lr_scheduler.ReduceLROnPlateau,
    ):
        with pytest.raises(TypeError, match="Adam is not an Optimizer"):
            make(optim.Adam(parameters()))


# --- groups and gradients in the middle of training ---


@pytest.mark.parametrize("name, options", CASES)
def test_groups_added_and_parameters_frozen(name, options):
    results = []
    for library in (optim, torch.optim):
        params = parameters()
        optimizer = getattr(library, name)(params[:2], **options)
        steps(optimizer, params[:2], range(3))
        optimizer.add_param_group({"params": params[2:], "lr": 0.05})
        steps(optimizer, params, range(3, 6))
        params[0].requires_grad_(False)  # the gradient is still there, and moves it
        for lr in (0.01, 0.02):
            optimizer.param_groups[1]["lr"] = lr
            optimizer.step()
        params[0].grad = None
        kept = params[0].clone()
        optimizer.step()
        assert torch.equal(params[0], kept)
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
        results.append(params)
    close(*results)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_group_that_is_wrong_stops_all(name):
    params = parameters()
    optimizer = getattr(optim, name)(groups(params))
    steps(optimizer, params, range(2))
    kept = [p.detach().clone() for p in params]
    optimizer.param_groups[1]["lr"] = math.nan
    assert "the learning rate lr is nan" in unchanged(optimizer, optimizer.step)
    assert all(map(torch.equal, params, kept))
    optimizer.param_groups[1]["lr"] = 0.1
    params[4].grad = torch.zeros(0, 2, **F64).to_sparse()
    assert "a gradient (0, 2) is sparse; expected a dense one" in unchanged(optimizer, optimizer.step)
    before = len(optimizer.param_groups)
    refused("is there twice; expected it once", optimizer.add_param_group, {"params": [torch.zeros(1), params[0]]})
    refused("the learning rate lr is -1", optimizer.add_param_group, {"params": torch.zeros(1), "lr": -1})
    assert len(optimizer.param_groups) == before


def test_zeros_in_gradients_that_have_a_graph_or_are_views():
    w = torch.ones(2, requires_grad=True)
    (w.grad,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
    optimizer = optim.SGD([w])
    optimizer.zero_grad(set_to_none=False)
    assert not w.grad.requires_grad and (w.grad == 0).all()
    whole = torch.ones(4)
    w.grad = whole[:2]
    optimizer.zero_grad(set_to_none=False)
    assert whole.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_parameter_that_changed_its_shape_is_an_error(name):
    for shape in ((1, 1), (2, 5)):
        p = torch.zeros(1, 5, requires_grad=True)
        optimizer = getattr(optim, name)([p], **({"momentum": 0.9} if name in ("SGD", "RMSprop") else {}))
        p.grad = torch.ones(1, 5)
        optimizer.step()
        p.data = torch.zeros(shape)
        p.grad = torch.ones(shape)
        with pytest.raises(RuntimeError, match="shape"):
            optimizer.step()
        assert (p == 0).all()


@pytest.mark.parametrize("name, options", CASES)
def test_half_precision_has_torchs_bits(name, options):
    # torch's in the form that works on lists, as it does by itself on a GPU: on a CPU alone it rounds otherwise.
    for dtype in (torch.float16, torch.bfloat16):
        options = options | ({} if name in ("SGD", "Rprop") else {"eps": 1e-3})  # 1e-8 is 0 in float16
        results = []
        for library, extra in ((optim, {}), (torch.optim, {"foreach": True})):
            params = parameters(dtype)
            steps(getattr(library, name)(params, **options, **extra), params, range(5))
            results.append(params)
        for p, q in zip(*results):
            assert p.dtype == dtype and p.isfinite().all()
            torch.testing.assert_close(p, q, rtol=2 * torch.finfo(dtype).eps, atol=2 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("name, options", CASES)
def test_mixed_dtypes_and_strides(name, options):
    results = []
    for library in (optim, torch.optim):
        params = parameters(torch.float32, [(3,), (2, 2)]) + parameters(torch.float64, [(4,)])
        params.append(torch.randn(6, 4, generator=rng(), **F64).t()[::2].detach().requires_grad_())
        assert not params[-1].is_contiguous()
        optimizer = getattr(library, name)(params, **options)
        for k in range(10):
            generator = rng(k)
            for p in params:
                row = torch.randn(p.shape[-1:], generator=generator, dtype=p.dtype)
                p.grad = row.expand(p.shape)  # one row in all
            optimizer.step()
        results.append(params)
    close(*results)


def test_scaled_gradients():
    results = []
    for library in (optim, torch.optim):
        model = nn.Linear(3, 2, generator=rng())
        optimizer, scaler = library.Adam(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=4.0)
        for k in range(5):
            optimizer.zero_grad()
            loss = functional.mse_loss(model(torch.ones(2, 3) * (k + 1)), torch.ones(2, 2))
            scaler.scale(loss * (math.inf if k == 2 else 1.0)).backward()
            kept = model.weight.detach().clone()
            scaler.step(optimizer)
            scaler.update()
            assert torch.equal(model.weight, kept) == (k == 2)  # skipped where a gradient is not finite
        assert scaler.get_scale() == 2.0
        results.append([p.detach() for p in model.parameters()])
    close(*results)


# --- the pure rules ---


@pytest.mark.parametrize("name", SETTINGS)
def test_rules_refuse_what_would_broadcast(name):
    rule, w = RULES[name], torch.zeros(3, **F64)
    for g in (torch.zeros(1, **F64), torch.zeros(3, 1, **F64), torch.zeros((), **F64)):
        message = f"{rule.__name__}: w has shape (3,) and g {tuple(g.shape)}; expected the same shape for both"
        refused(message, rule, w, g, {})
    message = f"{rule.__name__}: w is torch.{{}} and g is torch.{{}}; expected one floating-point dtype for all"
    refused(message.format("float64", "float32"), rule, w, torch.zeros(3), {})
    refused(message.format("int64", "int64"), rule, w.long(), w.long(), {})
    refused(f"{rule.__name__}: g is a list; expected a tensor", rule, w, [0.0, 0.0, 0.0], {})
    refused(f"{rule.__name__}: w is a ndarray; expected a tensor", rule, w.numpy(), w, {})
    for state in (None, [], 0):
        refused(f"{rule.__name__}: state is {state!r}; expected a dict", rule, w, w, state)


@pytest.mark.parametrize("name", SETTINGS)
def test_rules_take_any_shape_and_settings_for_each_weight(name):
    rates = torch.tensor([0.1, 0.2, 0.3], **F64)
    for shape in ((), (0,), (3,), (2, 3)):
        w, g = torch.randn(shape, generator=rng(1), **F64), torch.randn(shape, generator=rng(2), **F64)
        assert RULES[name](w, g, {})[0].shape == w.shape
    if name == "Rprop":
        return
    together = RULES[name](torch.ones(3, **F64), torch.ones(3, **F64), {}, lr=rates)[0]
    for k, rate in enumerate(rates.tolist()):
        alone = RULES[name](torch.ones(3, **F64), torch.ones(3, **F64), {}, lr=rate)[0]
        torch.testing.assert_close(together[k], alone[k], rtol=1e-15, atol=0)


# --- clip_grad_norm_ ---


DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtypes", list(itertools.product(DTYPES, DTYPES)))
def test_clipping_of_all_dtypes(dtypes):
    results = []
    for clip in (optim.clip_grad_norm_, torch.nn.utils.clip_grad_norm_):
        params = [torch.zeros(3, 2, dtype=dtypes[0]), torch.zeros(4, dtype=dtypes[1])]
        for k, p in enumerate(params):
            p.grad = torch.randn(p.shape, generator=rng(k)).to(p.dtype)
        results.append([clip(params, 0.5), *(p.grad for p in params)])
    for found, expected in zip(*results):
        eps = max(torch.finfo(dtype).eps for dtype in dtypes)
        assert found.dtype == expected.dtype
        torch.testing.assert_close(found, expected, rtol=4 * eps, atol=0)


def test_clipping_where_the_norm_is_larger_than_float16():
    p = torch.zeros(100, dtype=torch.float16)
    p.grad = torch.full((100,), 2e4, dtype=torch.float16)
    assert optim.clip_grad_norm_([p], 1.0).item() == math.inf  # 2e5, which float16 cannot hold
    torch.testing.assert_close(p.grad, torch.full((100,), 0.1, dtype=torch.float16))
    p.grad.fill_(2e4)
    optim.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert (p.grad > 0.09).all()


def test_clipping_takes_what_torchs_takes():
    for parameters_of in (lambda m: m.parameters(), lambda m: list(m.parameters()), lambda m: tuple(m.parameters())):
        norms = []
        for clip in (optim.clip_grad_norm_, torch.nn.utils.clip_grad_norm_):
            model = torch.nn.Linear(2, 2)
            for p in model.parameters():
                p.grad = torch.ones_like(p) * 3
            norms.append(clip(parameters_of(model), 1.0, "inf" if clip is optim.clip_grad_norm_ else math.inf))
            assert torch.equal(model.weight.grad, torch.full((2, 2), 3.0) * (1.0 / (torch.tensor(3.0) + 1e-6)))
        assert norms[0] == norms[1] == 3
    model = torch.nn.Linear(2, 2)
    expected = "expected a tensor or a list of tensors"
    for bad in (model, model.parameters, None, dict(model.named_parameters()), set(model.parameters())):
        refused(
            f"clip_grad_norm_: parameters is of type {type(bad).__name__}; {expected}", optim.clip_grad_norm_, bad, 1.0
        )
    model.weight.grad = torch.full((2, 2), 4.0)
    assert type(optim.clip_grad_norm_(model.weight, np.float32(1.0), np.int64(2))) is torch.Tensor
    torch.testing.assert_close(model.weight.grad, torch.full((2, 2), 0.5))
    refused("clip_grad_norm_: parameters[0] is a Linear; expected a tensor", optim.clip_grad_norm_, [model], 1.0)
    for value in (True, "1", None, 1j):
        message = f"clip_grad_norm_: max_norm is {value!r}; expected a number of at least 0, or infinity"
        refused(message, optim.clip_grad_norm_, model.weight, value)
        message = f"clip_grad_norm_: norm_type is {value!r}; expected a number above 0, or infinity"
        refused(message, optim.clip_grad_norm_, model.weight, 1.0, value)
    for value in ("False", 1, None):
        message = f"clip_grad_norm_: error_if_nonfinite is {value!r}; expected True or False"
        refused(message, optim.clip_grad_norm_, model.weight, 1.0, 2.0, value)


def test_the_base_is_not_torchs():
    assert not issubclass(Optimizer, torch.optim.Optimizer)
