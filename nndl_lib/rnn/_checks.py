"""What recurrent networks and cells are given, checked in the name of the class: settings, inputs, states, lengths."""

import functools
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, TypeVar

import torch
from torch import Tensor

from nndl_lib._arguments import check_generator
from nndl_lib._declared import Check, checked

F = TypeVar("F", bound=Callable)


def checked_as_class(**declared: str | Check) -> Callable[[F], F]:
    """``checked``, for an ``__init__`` that classes inherit: errors are in the name of the class that is made."""

    def decorate(init: F) -> F:
        @functools.wraps(init)
        def checking(self, *args, **kwargs):
            own = functools.wraps(init)(lambda *args, **kwargs: init(*args, **kwargs))
            own.__qualname__ = f"{type(self).__name__}.__init__"
            return checked(**declared)(own)(self, *args, **kwargs)

        return checking  # type: ignore[return-value] # it takes the same arguments

    return decorate


def kept(check: Callable[[Any, str, str], Any]) -> Check:
    """A check that returns the value as it is."""

    def keeping(value: Any, name: str, caller: str) -> Any:
        check(value, name, caller)
        return value

    return keeping


generator_or_none = kept(functools.partial(check_generator, optional=True))


def check_finite_number(value: float, name: str, caller: str) -> float:
    """Return value. Raises: ValueError where it is not a finite number. A bool or a tensor is none."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{caller}: {name} is {value!r}; expected a finite number")
    return value


def check_input(module: Any, input: Tensor, axes: str) -> None:
    """Raises: ValueError where input is not (axes, D) for a module of input size D, or not as its weights.

    axes: "N", or "T, N" or "N, T", of at least 1 each.
    """
    caller, D = type(module).__name__, module.input_size
    steps = "T" in axes
    if input.ndim != 2 + steps or input.shape[-1] != D or steps and input.numel() == 0:
        expected = f"({axes}, {D})" + " with T and N of at least 1" * steps
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected {expected}")
    # The first parameter, not a weight: a reparametrization, as of spectral norm, may count its readings.
    _check_like(caller, "input", input, "the weights are", next(module.parameters()))


def check_states(module: Any, hx: Any, input: Tensor, expected: tuple[int, ...]) -> list[Tensor]:
    """The parts of a state, a tensor or as many as the module's ``states``, zeros where hx is None.

    Raises: ValueError where hx is not of that form, or a part differs from the expected shape, or from the dtype or
    device of input.
    """
    caller, names = type(module).__name__, module.states
    if hx is None:
        return [input.new_zeros(expected) for _ in names]
    if len(names) > 1 and not (isinstance(hx, (tuple, list)) and len(hx) == len(names)):
        what = f"{len(hx)} part{'s' * (len(hx) != 1)}" if isinstance(hx, (tuple, list)) else f"a {type(hx).__name__}"
        what = f"a tensor {tuple(hx.shape)}" if isinstance(hx, Tensor) else what
        raise ValueError(f"{caller}: hx is {what}; expected a pair ({', '.join(names)}), {expected} each")
    parts = list(hx) if len(names) > 1 else [hx]
    for name, part in zip(names, parts):
        if not isinstance(part, Tensor):
            raise ValueError(f"{caller}: {name} is a {type(part).__name__}; expected a tensor {expected}")
        if part.shape != expected:
            whose, what = ("the steps of ", "layers times directions, ") if len(expected) == 3 else ("", "")
            found = f"{name} has shape {tuple(part.shape)} and {whose}input {tuple(input.shape[-2:])}"
            raise ValueError(f"{caller}: {found}; expected {name} {expected}: {what}N, hidden size")
        _check_like(caller, name, part, "input is", input)
    return parts


def check_lengths(lengths: Tensor | Sequence[int], x: Tensor, caller: str) -> Tensor:
    """Lengths (N,) of the sequences x (T, N, ...), as int64 on the device of x.

    Raises: ValueError where they are not (N,) integers from 1 to T.
    """
    T, N = x.shape[:2]
    try:
        lengths = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{caller}: lengths are {lengths!r}; expected ({N},) integers") from error
    if lengths.shape != (N,) or lengths.is_floating_point() or lengths.dtype == torch.bool:
        found = f"lengths have shape {tuple(lengths.shape)} and dtype {lengths.dtype}"
        raise ValueError(f"{caller}: {found}; expected ({N},) integers")
    for n in ((lengths < 1) | (lengths > T)).nonzero()[:1, 0].tolist():
        raise ValueError(f"{caller}: lengths[{n}] is {lengths[n].item()}; expected an integer from 1 to T = {T}")
    return lengths.to(x.device, torch.int64)


def warn(says: str) -> None:
    """A UserWarning that points at the first line outside of the library."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("nndl_lib."):
        level, frame = level + 1, frame.f_back
    warnings.warn(says, stacklevel=level)


def _check_like(caller: str, name: str, x: Tensor, other: str, like: Tensor) -> None:
    if x.dtype != like.dtype:
        raise ValueError(f"{caller}: {name} is {x.dtype} and {other} {like.dtype}; expected the same dtype for both")
    if x.device != like.device:
        where = f"{name} is on {x.device} and {other.rpartition(' ')[0]} on {like.device}"
        raise ValueError(f"{caller}: {where}; expected one device for both")
