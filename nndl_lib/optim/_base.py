"""What optimizers share: groups of parameters, each with its settings, and a state for every parameter.

Written out rather than taken from torch, since this is what an optimizer is, in sixty lines to read. Names, arguments
and the layout of a saved state are those of ``torch.optim.Optimizer``: what torch saved goes on here, and the other way
round. What torch has beyond that (hooks, ``maximize``, ``amsgrad``, a tensor as lr) is left out and refused, and its
``lr_scheduler`` does not accept these classes: set ``param_groups[k]["lr"]``, for example by ``optim.schedules``.

Settings are checked when given and before every step. Gradients are not checked, as that would be a pass over all of
them and a wait for the device: a NaN in one reaches its weight (in Rprop, stops it). ``optim.clip_grad_norm_`` finds
it, if asked to.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_function
from nndl_lib.optim._checks import NAMES, State
from nndl_lib.optim._groups import check_group, check_groups, check_params, check_saved, check_state


class Optimizer:
    """What optimizers share: groups of parameters, each with its settings, and a state for every parameter."""

    # The rule, and where there is one its form for many parameters at once.
    _rule: Callable[..., tuple[Tensor, State]] | None = None
    _fused: Callable[..., None] | None = None
    # Settings of torch's class that are not here.
    _torchs: dict[str, bool | None] = {"maximize": False, "foreach": None, "differentiable": False}

    def __init__(self, params: Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict], defaults: dict):
        """Take parameters, or pairs of a name and one, or dicts with "params" and settings of their own.

        Raises:
            ValueError: there is no parameter, one is not a floating-point leaf or is there twice, or a setting is
                outside its range or unknown.
        """
        self.defaults = defaults
        self.state: dict[Tensor, State] = {}
        self.param_groups: list[dict[str, Any]] = []
        for group in check_groups(params, type(self).__name__):
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add a dict with "params" and settings of their own. Raises ValueError as the constructor does."""
        group = self.defaults | check_params(group, self.param_groups, type(self).__name__)
        self._check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set them to None, which costs nothing, or fill them with zeros."""
        set_to_none = check_flag(set_to_none, "set_to_none", type(self).__name__)
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
            check_function(closure, "closure", type(self).__name__)
        loss = torch.enable_grad()(closure)() if closure is not None else None
        self._check_all()  # before the weights are lost to what a schedule has made of lr
        for group in self.param_groups:
            w = [p for p in group["params"] if p.grad is not None]
            if w:
                settings = {name: group[name] for name in self.defaults}
                self._update(w, [p.grad for p in w], [self.state.setdefault(p, {}) for p in w], settings)
        return loss

    def _update(self, w: list[Tensor], g: list[Tensor], states: list[State], settings: dict[str, Any]) -> None:
        # The rule lifted to parameters, which change in place. None of the lists is empty.
        if self._fused is not None:
            self._fused(w, g, states, **settings)
            return
        if self._rule is None:
            raise NotImplementedError(f"{type(self).__name__} has no rule of its own")
        rule = inspect.unwrap(self._rule)  # without its checks
        for p, g_k, state in zip(w, g, states):
            self._check_shapes(state, p)
            new_p, new_state = rule(p, g_k, state, **settings)
            p.copy_(new_p)
            state.update({"step": state.get("step", 0) + 1} | new_state)  # torch counts in every state

    def state_dict(self) -> dict[str, Any]:
        """Copies of all states, by the number of the parameter, and of the settings, in the layout of torch's.

        Numbers in a state are Python's, where torch has tensors; it takes both.
        """
        numbers = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        groups = [{**self._torchs, **g, "params": [numbers[p] for p in g["params"]]} for g in self.param_groups]
        state = {numbers[p]: {name: self._saved(name, s[name]) for name in s} for p, s in self.state.items() if s}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on as the optimizer that made state_dict would: the same parameters then take the same steps, bit by bit.

        After an optimizer of torch, they are torch's up to rounding. What changes no step there (``foreach``, notes of
        schedulers) is passed over.

        Raises:
            ValueError: groups, numbers of parameters, shapes, or names in states or of settings differ, or a setting is
                out of range or asks for what is not here, as ``maximize=True``. Nothing has changed then.
        """
        caller = type(self).__name__
        groups, states = check_saved(state_dict, self.param_groups, self.defaults, caller)
        for group in groups:
            self._check(group)
        for k, (p, s) in states.items():
            check_state(s, self._names(), self._shapes(s, p), f"params[{k}]", caller)
        self.state = {p: {name: self._loaded(name, s[name], p) for name in s} for p, s in states.values()}
        for group, other in zip(self.param_groups, groups):
            group.update({name: other[name] for name in self.defaults})

    def _check_all(self) -> None:
        # Raises where a setting is out of range, or a gradient is none that a rule can work with.
        for group in self.param_groups:
            self._check(group)
            for p in (p for p in group["params"] if p.grad is not None and p.grad.layout is not torch.strided):
                raise ValueError(f"{type(self).__name__}: a gradient {tuple(p.shape)} is sparse; expected a dense one")

    def _check(self, group: dict[str, Any]) -> None:
        # Raises where a setting is unknown or out of range, and makes numbers Python's; a class adds what only it has.
        check_group(group, self.defaults, self._torchs, type(self).__name__)

    def _check_shapes(self, state: State, p: Tensor) -> None:
        # Raises where p has changed its shape since the last step: its state would broadcast.
        for name, part, shape in self._shapes(state, p):
            if isinstance(part, Tensor) and part.shape != shape:
                found = f"{name} has shape {tuple(part.shape)} and its parameter {shape}"
                raise RuntimeError(f"{type(self).__name__}: {found}; expected the same shape for both")

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        # What a state holds: always, and with some settings.
        return NAMES[self._rule] if self._rule is not None else ((), ())

    def _shapes(self, state: State, p: Tensor) -> list[tuple[str, Any, tuple[int, ...]]]:
        # The parts of a saved state, with the name and the shape of each.
        return [(name, part, () if name in ("step", "mu_product") else tuple(p.shape)) for name, part in state.items()]

    def _loaded(self, name: str, value: Any, p: Tensor) -> Any:
        # A copy of what a state holds, on the device of p.
        return int(value) if name == "step" else torch.as_tensor(value).detach().to(p, copy=True)

    def _saved(self, name: str, value: Any) -> Any:
        # A copy of what a state holds, for another optimizer.
        if isinstance(value, list):
            return [self._saved(name, entry) for entry in value]
        return value.detach().clone() if isinstance(value, Tensor) else value
