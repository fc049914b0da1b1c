"""What optimizers share: groups of parameters, each with its settings, and a state for every parameter.

Written out rather than taken from torch, since this is what an optimizer is, in sixty lines to read. Names, arguments
and the layout of a saved state are those of ``torch.optim.Optimizer``: what torch saved goes on here, and the other way
round. What torch has beyond that (hooks, ``maximize``, ``amsgrad``, a tensor as lr) is left out and refused, and its
``lr_scheduler`` does not accept these classes: set ``param_groups[k]["lr"]``, for example by ``nndl_lib.optim.schedules``.

Settings are checked when given and before every step. Gradients are not checked, as that would be a pass over all of
them and a wait for the device: a NaN in one reaches its weight (in Rprop, stops it). ``optim.clip_grad_norm_`` finds
it, if asked to.
"""

import inspect
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

# Settings of torch's: those with one value here; those, and notes of its schedulers, that change no step.
_FIXED = {"amsgrad": False, "decoupled_weight_decay": False, "differentiable": False, "maximize": False}
_IDLE = {"capturable", "foreach", "fused", "param_names"}
_IDLE |= {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}


class Optimizer:
    """What optimizers share: groups of parameters, each with its settings, and a state for every parameter."""

    # Of torch's class: the settings that are not here, and what a state holds, always and with some settings.
    _torchs = {"maximize": False, "foreach": None, "differentiable": False}
    _always, _sometimes = (), ()

    def __init__(self, params: Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict], defaults: dict):
        """Take parameters, or pairs of a name and one, or dicts with "params" and settings of their own.

        Raises:
            ValueError: there is no parameter, one is not a floating-point leaf or is there twice, or a setting is
                outside its range or unknown.
        """
        caller, expected = type(self).__name__, "a list of parameters or of groups"
        groups = [] if isinstance(params, Tensor) else arguments.check_list(params, "params", caller, expected)
        if not groups:
            what = "a tensor" if isinstance(params, Tensor) else "empty (an iterator is, once read)"
            raise ValueError(f"{caller}: params is {what}; expected {expected}")
        self.defaults, self.state, self.param_groups = defaults, {}, []
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict) -> None:
        """Add a dict with "params" and settings of their own. Raises ValueError as the constructor does."""
        caller = type(self).__name__
        if not isinstance(group, dict):
            raise ValueError(f"{caller}: a group is a {type(group).__name__}; expected a dict with params and settings")
        params = group.get("params", [])
        params = (
            [params]
            if isinstance(params, Tensor)
            else arguments.check_list(params, "params", caller, "a list of tensors")
        )
        group = {**self.defaults, **group, "params": params}
        if params and all(isinstance(p, tuple) and len(p) == 2 for p in params):
            group["param_names"], group["params"] = map(list, zip(*params))
        _check_params(group["params"], [p for other in self.param_groups for p in other["params"]], caller)
        if any(("param_names" in other) != ("param_names" in group) for other in self.param_groups):
            raise ValueError(
                f"{caller}: one group has names of parameters and another has none; expected them in all or none"
            )
        self._check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set them to None, which costs nothing, or fill them with zeros."""
        set_to_none = arguments.check_flag(set_to_none, "set_to_none", type(self).__name__)
        for p in (p for group in self.param_groups for p in group["params"] if p.grad is not None):
            p.grad = None if set_to_none else (p.grad.detach_() if p.grad.requires_grad else p.grad).zero_()

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Change the parameters that have a gradient. A closure is called first, to make it; its loss is returned.

        As torch's, it asks for a gradient only: one left from before ``requires_grad_(False)`` moves its parameter.

        Raises:
            ValueError: a setting of a group is outside its range, or a gradient is sparse; no parameter has changed.
        """
        if closure is not None:
            arguments.check_function(closure, "closure", type(self).__name__)
        loss = torch.enable_grad()(closure)() if closure is not None else None
        self._check_all()  # before the weights are lost to what a schedule has made of lr
        for group in self.param_groups:
            w = [p for p in group["params"] if p.grad is not None]
            if w:
                self._update(w, [p.grad for p in w], [self.state.setdefault(p, {}) for p in w], group)
        return loss

    def state_dict(self) -> dict:
        """Copies of all states, by the number of the parameter, and of the settings, in the layout of torch's.

        Numbers in a state are Python's, where torch has tensors; it takes both.
        """
        numbers = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{**self._torchs, **g, "params": [numbers[p] for p in g["params"]]} for g in self.param_groups]
        state = {numbers[p]: {name: self._saved(name, s[name]) for name in s} for p, s in self.state.items() if s}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on as the optimizer that made state_dict would: the same parameters then take the same steps, bit by bit.

        After an optimizer of torch, they are torch's up to rounding. What changes no step there (``foreach``, notes of
        schedulers) is passed over.

        Raises:
            ValueError: groups, numbers of parameters, shapes, or names in states or of settings differ, or a setting is
                out of range or asks for what is not here, as ``maximize=True``. Nothing has changed then.
        """
        caller, groups = type(self).__name__, self.param_groups
        saved = _check_saved(groups, state_dict, self.defaults, caller)
        for group in saved:
            self._check(group)
        numbers = (k for group in saved for k in group["params"])
        params = dict(zip(numbers, (p for group in groups for p in group["params"])))
        state = {}
        for k, s in state_dict["state"].items():
            if k not in params:
                raise ValueError(f"{caller}: state_dict has a state {k}; expected parameters {list(params)}")
            s = {name: value for name, value in s.items() if value is not None}
            self._check_state(s, k, params[k])
            state[params[k]] = {name: self._loaded(name, value, params[k]) for name, value in s.items()}
        self.state = state
        for group, other in zip(groups, saved):
            group.update({name: other[name] for name in self.defaults})

    def _check_all(self) -> None:
        # Raises where a setting is out of range, or a gradient is none that a rule can work with.
        for group in self.param_groups:
            self._check(group)
            for p in (p for p in group["params"] if p.grad is not None and p.grad.layout is not torch.strided):
                raise ValueError(f"{type(self).__name__}: a gradient {tuple(p.shape)} is sparse; expected a dense one")

    def _check(self, group: dict) -> None:
        # Raises where a setting is unknown or out of range, and makes numbers Python's; a class adds what only it has.
        caller = type(self).__name__
        for name in (name for name in group if name not in self.defaults and name not in _IDLE and name != "params"):
            fixed = {**_FIXED, **self._torchs}
            if name not in fixed:
                raise ValueError(f"{caller}: the group has {name!r}; expected params, {', '.join(self.defaults)}")
            if group[name] is not fixed[name]:
                raise ValueError(
                    f"{caller}: {name} is {group[name]!r}; expected {fixed[name]}, as only that is done here"
                )
        group.update(arguments.check_settings(group, caller))

    def _check_state(self, state: dict, number: int, p: Tensor) -> None:
        # Raises where a saved state is not one that this class makes for p. An empty one is.
        caller, known = type(self).__name__, (*self._always, *self._sometimes)
        if state and not set(self._always) <= state.keys() <= set(known):
            raise ValueError(
                f"{caller}: params[{number}] has {', '.join(state)} in its state; expected {', '.join(known)}"
            )
        for name, value, expected in self._shapes(state, p):
            found = (
                tuple(value.shape) if isinstance(value, Tensor) else () if isinstance(value, (int, float)) else value
            )
            if found != expected:
                raise ValueError(f"{caller}: {name} of params[{number}] has shape {found}; expected {expected}")

    def _shapes(self, state: dict, p: Tensor) -> list[tuple]:
        # The parts of a saved state, with the name and the shape of each.
        return [
            (name, value, () if name in ("step", "mu_product") else tuple(p.shape)) for name, value in state.items()
        ]

    def _loaded(self, name: str, value, p: Tensor):
        # A copy of what a state holds, on the device of p.
        return int(value) if name == "step" else torch.as_tensor(value).detach().to(p, copy=True)

    def _saved(self, name: str, value):
        # A copy of what a state holds, for another optimizer.
        if isinstance(value, list):
            return [self._saved(name, entry) for entry in value]
        return value.detach().clone() if isinstance(value, Tensor) else value

    def _update(self, w: list[Tensor], g: list[Tensor], states: list[dict], group: dict) -> None:
        # Change weights and states in place, given gradients; none of the lists is empty.
        raise NotImplementedError(f"{type(self).__name__} has no rule of its own")


def check_optimizer(optimizer: torch.optim.Optimizer | Optimizer, model: torch.nn.Module, caller: str) -> None:
    """Raises: ValueError where a loop that calls ``backward`` and ``step`` cannot train the model with it.

    It is none of torch's or ``nndl_lib``'s, it needs a closure, as L-BFGS does, a parameter is not the model's, or none
    requires a gradient.
    """
    if not isinstance(optimizer, (torch.optim.Optimizer, Optimizer)):
        raise ValueError(f"{caller}: optimizer is {optimizer!r}; expected one of torch.optim or nndl_lib.optim")
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        what = f"{type(optimizer).__name__}, whose step needs a closure"
        raise ValueError(f"{caller}: optimizer is {what}; expected one without; call its step in a loop of your own")
    own, params = set(model.parameters()), [p for group in optimizer.param_groups for p in group["params"]]
    for p in (p for p in params if p not in own):
        raise ValueError(f"{caller}: the optimizer has a parameter {tuple(p.shape)}; expected the model's")
    if not any(p.requires_grad for p in params):
        raise ValueError(f"{caller}: all parameters of the optimizer are frozen; expected one that requires a gradient")


def _check_params(params: list, others: list[Tensor], caller: str) -> None:
    if not params:
        raise ValueError(f"{caller}: a group has no params; expected at least one parameter")
    seen = {id(p) for p in others}
    for k, p in enumerate(params):
        if not isinstance(p, Tensor):
            raise ValueError(f"{caller}: params[{k}] is a {type(p).__name__}; expected a tensor")
        if not p.is_floating_point():
            raise ValueError(f"{caller}: params[{k}] is {p.dtype}; expected a floating-point dtype")
        if not p.is_leaf:
            raise ValueError(f"{caller}: params[{k}] {tuple(p.shape)} was computed from others; expected a leaf")
        if id(p) in seen:
            raise ValueError(f"{caller}: params[{k}] {tuple(p.shape)} is there twice; expected it once")
        seen.add(id(p))


def _check_saved(groups: list[dict], state_dict: dict, defaults: dict, caller: str) -> list[dict]:
    if not isinstance(state_dict, dict) or not {"state", "param_groups"} <= state_dict.keys():
        found = f"has {list(state_dict)}" if isinstance(state_dict, dict) else f"is a {type(state_dict).__name__}"
        raise ValueError(f"{caller}: state_dict {found}; expected a dict with 'state' and 'param_groups'")
    if not all(isinstance(part, dict) for part in (*state_dict["param_groups"], *state_dict["state"].values())):
        raise ValueError(
            f"{caller}: state_dict has groups or states that are no dicts; expected what state_dict() returns"
        )
    saved = [{"params": [], **group} for group in state_dict["param_groups"]]
    expected, found = ([len(group["params"]) for group in gs] for gs in (groups, saved))
    if expected != found:
        raise ValueError(f"{caller}: state_dict has groups of {found} parameters; expected {expected}")
    for name in (name for group in saved for name in defaults if name not in group):
        raise ValueError(f"{caller}: state_dict has no setting {name!r}; expected one that {caller} has made")
    return saved
