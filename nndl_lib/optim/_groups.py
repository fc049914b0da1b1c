"""Checks of what an optimizer is made of and loads: parameters in groups, and the state that another one has saved."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from nndl_lib._arguments import check_list
from nndl_lib.optim._checks import State, check_settings

Group = dict[str, Any]

# Settings of torch's: those with one value here; those, and notes of its schedulers, that change no step.
_FIXED = {"amsgrad": False, "decoupled_weight_decay": False, "differentiable": False, "maximize": False}
_IDLE = {"capturable", "foreach", "fused", "param_names"}
_IDLE |= {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}


def check_groups(params: Iterable, caller: str) -> list[Group]:
    """Return what an optimizer was given as a list of groups. Raises: ValueError where that is neither, or empty."""
    expected = "a list of parameters or of groups"
    groups = [] if isinstance(params, Tensor) else check_list(params, "params", caller, expected)
    if not groups:
        what = "a tensor" if isinstance(params, Tensor) else "empty (an iterator is, once read)"
        raise ValueError(f"{caller}: params is {what}; expected {expected}")
    return groups if isinstance(groups[0], dict) else [{"params": groups}]


def check_params(group: Group, others: list[Group], caller: str) -> Group:
    """Return a copy of group with its parameters as a list, and their names, if any, in ``param_names``.

    Raises: ValueError where there is no parameter, one is not a floating-point leaf, or is there or in another group
    already, or groups have names of parameters and have none.
    """
    if not isinstance(group, dict):
        raise ValueError(f"{caller}: a group is a {type(group).__name__}; expected a dict with params and settings")
    params = group.get("params", [])
    params = [params] if isinstance(params, Tensor) else check_list(params, "params", caller, "a list of tensors")
    group = group | {"params": params}
    if params and all(isinstance(p, tuple) and len(p) == 2 for p in params):
        group["param_names"], group["params"] = map(list, zip(*params))
    if not params:
        raise ValueError(f"{caller}: a group has no params; expected at least one parameter")
    seen = {id(p) for other in others for p in other["params"]}
    for k, p in enumerate(group["params"]):
        if not isinstance(p, Tensor):
            raise ValueError(f"{caller}: params[{k}] is a {type(p).__name__}; expected a tensor")
        if not p.is_floating_point():
            raise ValueError(f"{caller}: params[{k}] is {p.dtype}; expected a floating-point dtype")
        if not p.is_leaf:
            raise ValueError(f"{caller}: params[{k}] {tuple(p.shape)} was computed from others; expected a leaf")
        if id(p) in seen:
            raise ValueError(f"{caller}: params[{k}] {tuple(p.shape)} is there twice; expected it once")
        seen.add(id(p))
    if any(("param_names" in other) != ("param_names" in group) for other in others):
        found = "one group has names of parameters and another has none"
        raise ValueError(f"{caller}: {found}; expected them in all or none")
    return group


def check_group(group: Group, defaults: Group, torchs: Group, caller: str) -> None:
    """Make the numbers of a group Python's. Raises: ValueError where a setting is unknown or out of range."""
    fixed = _FIXED | torchs
    for name in (name for name in group if name not in {*defaults, *_IDLE, "params"}):
        if name not in fixed:
            raise ValueError(f"{caller}: the group has {name!r}; expected params, {', '.join(defaults)}")
        if group[name] is not fixed[name]:
            raise ValueError(f"{caller}: {name} is {group[name]!r}; expected {fixed[name]}, as only that is done here")
    group.update(check_settings(group, caller))


def check_saved(
    state_dict: dict[str, Any], groups: list[Group], defaults: Group, caller: str
) -> tuple[list[Group], dict[int, tuple[Tensor, State]]]:
    """Return copies of the saved groups, and by number the parameters of groups that have a saved state, with it.

    Raises: ValueError where these are none of an optimizer with such groups and defaults.
    """
    if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
        found = f"has {list(state_dict)}" if isinstance(state_dict, dict) else f"is a {type(state_dict).__name__}"
        raise ValueError(f"{caller}: state_dict {found}; expected a dict with 'state' and 'param_groups'")
    if not all(isinstance(part, dict) for part in (*state_dict["param_groups"], *state_dict["state"].values())):
        found = "state_dict has groups or states that are no dicts"
        raise ValueError(f"{caller}: {found}; expected what state_dict() returns")
    saved = [{"params": [], **group} for group in state_dict["param_groups"]]
    expected, sizes = ([len(group["params"]) for group in every] for every in (groups, saved))
    if sizes != expected:
        raise ValueError(f"{caller}: state_dict has groups of {sizes} parameters; expected {expected}")
    for name in (name for group in saved for name in defaults if name not in group):
        raise ValueError(f"{caller}: state_dict has no setting {name!r}; expected one that {caller} has made")
    numbers = (k for group in saved for k in group["params"])
    params = dict(zip(numbers, (p for group in groups for p in group["params"])))
    for k in (k for k in state_dict["state"] if k not in params):
        raise ValueError(f"{caller}: state_dict has a state {k}; expected parameters {list(params)}")
    states = {
        k: (params[k], {name: value for name, value in s.items() if value is not None})
        for k, s in state_dict["state"].items()
    }
    return saved, states


def check_state(
    state: State, names: tuple[tuple[str, ...], tuple[str, ...]], shapes: Iterable[tuple], param: str, caller: str
) -> None:
    """Raises: ValueError where a saved state has other names, or a part of it another shape. An empty state has none.

    ``names`` are those that are there always, and those that may be; ``shapes`` has the name, value and shape of parts.
    """
    always, sometimes = names
    if state and not set(always) <= state.keys() <= {*always, *sometimes}:
        expected = ", ".join((*always, *sometimes))
        raise ValueError(f"{caller}: {param} has {', '.join(state)} in its state; expected {expected}")
    for name, value, shape in shapes:
        found = tuple(value.shape) if isinstance(value, Tensor) else () if isinstance(value, (int, float)) else value
        if found != shape:
            raise ValueError(f"{caller}: {name} of {param} has shape {found}; expected {shape}")
