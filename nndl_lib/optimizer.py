"""What optimizers share: groups of parameters, each with its settings, and a state for every parameter.

Written out rather than taken from torch, since this is what an optimizer is, in sixty lines to read. Names, arguments
and the layout of a saved state are those of ``torch.optim.Optimizer``. What torch has beyond that (hooks, ``maximize``,
a tensor as lr) is left out, and its ``lr_scheduler`` does not accept these classes: set ``param_groups[k]["lr"]``, for
example by ``nndl_lib.schedules``.

Settings are checked when given and before every step. Gradients are not checked, as that would be a pass over all of
them and a wait for the device: a NaN in one reaches its weight (in Rprop, stops it). ``optim.clip_grad_norm_`` finds
it, if asked to.
"""

import inspect
import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from nndl_lib import arguments

__all__ = ["Optimizer", "check_optimizer"]

# Settings that are numbers, from 0 to below these.
_BELOW = {"momentum": 1, "dampening": 1, "alpha": 1}
_BELOW |= {"weight_decay": math.inf, "eps": math.inf, "momentum_decay": math.inf}


class Optimizer:
    """What optimizers share: groups of parameters, each with its settings, and a state for every parameter."""

    def __init__(self, params: Iterable[Tensor] | Iterable[dict], defaults: dict):
        """Take parameters, or dicts with "params" and settings of their own; the others are the defaults.

        Raises:
            ValueError: there is no parameter, one is not a floating-point leaf or is there twice, or a setting is
                outside its range or unknown.
        """
        groups = [] if isinstance(params, Tensor) else list(params)
        if not groups:
            what = "a tensor" if isinstance(params, Tensor) else "empty (an iterator is, once read)"
            raise ValueError(f"{type(self).__name__}: params is {what}; expected a list of parameters or of groups")
        self.defaults, self.state, self.param_groups = defaults, {}, []
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict) -> None:
        """Add a dict with "params" and settings of their own. Raises ValueError as the constructor does."""
        params, caller = group.get("params", []), type(self).__name__
        group = {**self.defaults, **group, "params": [params] if isinstance(params, Tensor) else list(params)}
        _check_params(group["params"], [p for other in self.param_groups for p in other["params"]], caller)
        for name in group.keys() - {"params", *self.defaults}:
            raise ValueError(f"{caller}: the group has {name!r}; expected params, {', '.join(self.defaults)}")
        self._check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set them to None, which costs nothing, or fill them with zeros."""
        for p in (p for group in self.param_groups for p in group["params"] if p.grad is not None):
            p.grad = None if set_to_none else p.grad.detach_().zero_()

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Change the parameters that have a gradient. A closure is called first, to make it; its loss is returned.

        Raises:
            ValueError: a setting of a group is outside its range, or a gradient is sparse.
        """
        loss = torch.enable_grad()(closure)() if closure is not None else None
        for group in self.param_groups:
            self._check(group)  # before the weights are lost to what a schedule has made of lr
            w = [p for p in group["params"] if p.grad is not None]
            for p in (p for p in w if p.grad.is_sparse):
                raise ValueError(f"{type(self).__name__}: a gradient {tuple(p.shape)} is sparse; expected a dense one")
            if w:
                self._update(w, [p.grad for p in w], [self.state.setdefault(p, {}) for p in w], group)
        return loss

    def state_dict(self) -> dict:
        """Copies of all states, by the number of the parameter, and of the settings, in the layout of torch's."""
        numbers = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        state = {numbers[p]: {name: _copy(value, p) for name, value in s.items()} for p, s in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on as the optimizer that made state_dict would: the same parameters then take the same steps, bit by bit.

        Raises:
            ValueError: groups, numbers of parameters, shapes or names of settings differ, or a setting is out of range.
        """
        caller, groups = type(self).__name__, self.param_groups
        saved, state = state_dict["param_groups"], state_dict["state"]
        _check_saved(groups, saved, self.defaults, caller)
        for group in saved:
            self._check(group)
        numbers = (k for group in saved for k in group["params"])
        params = dict(zip(numbers, (p for group in groups for p in group["params"])))
        for k, s in state.items():
            if k not in params:
                raise ValueError(f"{caller}: state_dict has a state {k}; expected parameters {list(params)}")
            _check_state(s, k, self._state_shape(params[k]), caller)
        self.state = {params[k]: {name: _copy(value, params[k]) for name, value in s.items()} for k, s in state.items()}
        for group, other in zip(groups, saved):
            group.update({**other, "params": group["params"]})

    def _check(self, group: dict) -> None:
        # Raises where a setting is out of range; a class adds what only it has.
        caller = type(self).__name__
        arguments.check_number(group["lr"], "the learning rate lr", caller)
        for name in _BELOW.keys() & group.keys():
            arguments.check_number(group[name], name, caller, below=_BELOW[name])
        for k, beta in enumerate(group.get("betas", ())):
            arguments.check_number(beta, f"betas[{k}]", caller, below=1)

    def _state_shape(self, p: Tensor) -> torch.Size:
        return p.shape

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


def _copy(value, like: Tensor):
    if isinstance(value, list):
        return [_copy(entry, like) for entry in value]
    return value.detach().to(like, copy=True) if isinstance(value, Tensor) else value


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


def _check_saved(groups: list[dict], saved: list[dict], defaults: dict, caller: str) -> None:
    expected, found = ([len(group["params"]) for group in gs] for gs in (groups, saved))
    if expected != found:
        raise ValueError(f"{caller}: state_dict has groups of {found} parameters; expected {expected}")
    for name in (name for group in saved for name in defaults if name not in group):
        raise ValueError(f"{caller}: state_dict has no setting {name!r}; expected one that {caller} has made")


def _check_state(state: dict, number: int, expected: torch.Size, caller: str) -> None:
    for name, value in state.items():
        for shape in (tuple(v.shape) for v in (value if isinstance(value, list) else [value]) if isinstance(v, Tensor)):
            if shape != expected:
                raise ValueError(f"{caller}: {name} of params[{number}] has shape {shape}; expected {tuple(expected)}")
