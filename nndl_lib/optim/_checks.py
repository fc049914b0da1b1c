"""What rules and classes are given, stated once: states, and settings, which for a rule may differ between weights."""

import functools
import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from torch import Tensor

from nndl_lib._arguments import check_flag, check_number, known, raise_at
from nndl_lib._declared import Check, checked, count

State = dict[str, Any]
F = TypeVar("F", bound=Callable[..., tuple[Tensor, State]])

# What the state of a rule holds after the first step, by torch's names: always, and with some settings.
NAMES: dict[Callable, tuple[tuple[str, ...], tuple[str, ...]]] = {}


def rule(*always: str, sometimes: tuple[str, ...] = ()) -> Callable[[F], F]:
    """A decorator of a rule whose state has those names.

    Raises: ValueError where w and g differ in shape or dtype, or a state or setting would make the weights broadcast.
    """

    def decorate(function: F) -> F:
        caller, names = function.__name__, inspect.signature(function).parameters

        @checked(w="...", g="...", **{name: _FOR_EACH[name] for name in names if name in _FOR_EACH})
        @functools.wraps(function)
        def checking(w: Tensor, g: Tensor, state: State, *args, **settings) -> tuple[Tensor, State]:
            if w.shape != g.shape:
                found = f"w has shape {tuple(w.shape)} and g {tuple(g.shape)}"
                raise ValueError(f"{caller}: {found}; expected the same shape for both")
            if not isinstance(state, dict) or state and not set(always) <= state.keys() <= {*always, *sometimes}:
                raise ValueError(f"{caller}: state is {state!r}; expected a dict of {', '.join(always)}, at first {{}}")
            new_w, new_state = function(w, g, state, *args, **settings)
            for part in (new_w, *(part for part in state.values() if isinstance(part, Tensor) and part.ndim)):
                if part.shape != w.shape or part.dtype != w.dtype:
                    found = (
                        f"w is {w.dtype} {tuple(w.shape)}, and {part.dtype} {tuple(part.shape)} comes of or stands in"
                    )
                    raise ValueError(f"{caller}: {found} state or settings; expected what is made for this w")
            return new_w, new_state

        NAMES[checking] = always, sometimes
        return checking  # type: ignore[return-value] # of the same signature

    return decorate


def check_settings(settings: dict[str, Any], caller: str) -> dict[str, Any]:
    """Return known settings as numbers and flags of Python. Raises: ValueError where one is outside its range."""
    return {name: _FOR_ALL[name](value, name, caller) for name, value in settings.items() if name in _FOR_ALL}


def _number(value: float, name: str, caller: str, below: float = math.inf) -> float:
    return check_number(value, "the learning rate lr" if name == "lr" else name, caller, below=below)


def _numbers(value: float | Tensor, name: str, caller: str, below: float = math.inf) -> float | Tensor:
    if not (isinstance(value, Tensor) and value.is_floating_point()):
        return _number(value, name, caller, below)  # type: ignore[arg-type] # another tensor is refused there
    if known(value):
        raise_at(~((value >= 0) & (value < below)), value, name, caller, f"numbers from 0 to below {below}")
    return value


def _none(value: None, name: str, caller: str) -> None:
    if value is not None:
        raise ValueError(f"{caller}: {name} is {value!r}; expected None")


def _table(number: Callable) -> dict[str, Check]:
    # The checks of all settings, given that of numbers.
    def pair(below: float = math.inf, fits: Callable = lambda first, second: True, expected: str = "") -> Check:
        def check(value: tuple, name: str, caller: str) -> tuple:
            if not isinstance(value, (tuple, list)) or len(value) != 2:
                raise ValueError(f"{caller}: {name} is {value!r}; expected a tuple of two numbers")
            first, second = (number(part, f"{name}[{k}]", caller, below) for k, part in enumerate(value))
            if not isinstance(first, Tensor) and not isinstance(second, Tensor) and not fits(first, second):
                raise ValueError(f"{caller}: {name} are {value!r}; expected {expected}")
            return first, second

        return check

    below_1 = partial(number, below=1)
    return {
        **dict.fromkeys(("lr", "eps", "weight_decay", "momentum_decay", "tolerance_grad", "tolerance_change"), number),
        **dict.fromkeys(("momentum", "dampening", "alpha"), below_1),
        **dict.fromkeys(("nesterov", "centered"), check_flag),
        **dict.fromkeys(("max_iter", "max_eval", "history_size"), count()),
        "betas": pair(below=1),
        "etas": pair(fits=lambda minus, plus: 0 < minus < 1 < plus, expected="one between 0 and 1 and one above 1"),
        "step_sizes": pair(fits=lambda least, most: 0 < least <= most, expected="least and largest, above 0"),
        "line_search_fn": _none,
    }


_FOR_ALL, _FOR_EACH = _table(_number), _table(_numbers)
