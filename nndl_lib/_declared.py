"""What a function takes, declared in one line above it, so that the mathematics is the first thing one sees in it::

    @checked(X="N D", t="N", lam=number(least=0), penalize="bool D")
    def ridge(X, t, lam, penalize=None): ...

A string is the shape of a tensor. A name in it is a size of at least 1, the same in all arguments; a digit is itself; ``...``
is any number of axes; the empty string is a tensor without axes. Words before the shape say what the entries are: ``int64``,
``bool``, ``any`` for any dtype, else floating-point; ``finite``, that none is a NaN or infinite. All floating-point tensors
have one dtype, and all tensors lie on one device.

Anything else is a check, as those of ``_arguments``: of a value, its name and its function, it returns the value as the
function wants it, or raises ValueError. An argument may be None where that is its default.

Errors show what all tensors have and what was expected of all, in the words of the declaration: a student sees which of two
is wrong, where a checker of types would name the first that does not fit.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

Check = Callable[[Any, str, str], Any]
F = TypeVar("F", bound=Callable)

_KINDS = {"int64": torch.int64, "bool": torch.bool, "any": None, "float": None}


class Shape(NamedTuple):
    """A declared shape: its axes, the kind of its entries, and whether they are finite."""

    axes: tuple[str, ...]
    kind: str
    finite: bool

    def __str__(self) -> str:
        return f"({', '.join(self.axes)}{',' if len(self.axes) == 1 and self.axes != ('...',) else ''})"

    def fits(self, shape: tuple[int, ...], sizes: dict[str, int]) -> bool:
        """Whether a shape is this one, with the sizes that names have so far, to which it adds its own."""
        axes: Iterable[str] = self.axes
        if "..." in self.axes:
            start = self.axes.index("...")
            free = len(shape) - (len(self.axes) - 1)
            if free < 0:
                return False
            axes = self.axes[:start] + ("...",) * free + self.axes[start + 1 :]
        elif len(shape) != len(self.axes):
            return False
        for axis, size in zip(axes, shape):
            expected = int(axis) if axis.isdigit() else size if axis == "..." else sizes.setdefault(axis, size)
            if size != expected or size == 0 and axis != "...":
                return False
        return True


def checked(**declared: str | Check) -> Callable[[F], F]:
    """A decorator that checks arguments as they are declared before the function is called."""
    shapes = {name: _parsed(what) for name, what in declared.items() if isinstance(what, str)}
    checks = {name: what for name, what in declared.items() if not isinstance(what, str)}

    def decorate(function: F) -> F:
        parameters = inspect.signature(function).parameters
        if unknown := declared.keys() - parameters.keys():
            raise TypeError(f"checked: {function.__qualname__} has no {', '.join(unknown)}; expected its own arguments")
        names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        optional = {name for name, p in parameters.items() if p.default is None}
        owner, _, method = function.__qualname__.rpartition(".")
        caller = (
            owner.rpartition(".")[2] if method in ("__init__", "forward") else method
        )  # a layer speaks in its own name

        @functools.wraps(function)
        def checking(*args, **kwargs):
            given = dict(zip(names, args)) | kwargs
            if len(given) == len(args) + len(kwargs):  # else the call is wrong, and Python says why
                tensors = {}
                for name in given.keys() & declared.keys():
                    value = given[name]
                    if value is None and name in optional:
                        continue
                    if name in shapes:
                        tensors[name] = value
                    elif name in kwargs:
                        kwargs[name] = checks[name](value, name, caller)
                    else:
                        place = names.index(name)
                        args = (*args[:place], checks[name](value, name, caller), *args[place + 1 :])
                if tensors:
                    _check_tensors({name: tensors[name] for name in shapes if name in tensors}, shapes, caller)
            return function(*args, **kwargs)

        return checking  # type: ignore[return-value]

    return decorate


def count(least: int = 1, most: int | None = None) -> Check:
    """A check: an integer of at least ``least``, and at most ``most``."""
    return functools.partial(arguments.check_count, least=least, most=most)


def number(least: float = 0, below: float = float("inf")) -> Check:
    """A check: a number from ``least`` to below ``below``."""
    return functools.partial(arguments.check_number, least=least, below=below)


def one_of(*choices: str) -> Check:
    """A check: one of these words."""

    def check(value: str, name: str, caller: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{caller}: {name} is {value!r}; expected {_joined([repr(c) for c in choices], 'or')}")
        return value

    return check


def scalar(value: float | Tensor, name: str, caller: str) -> float | Tensor:
    """A check: any finite number, or a tensor without axes, of a value that is not looked at."""
    if isinstance(value, Tensor):
        if value.ndim > 0:
            raise ValueError(f"{caller}: {name} has shape {tuple(value.shape)}; expected a number or a 0-d tensor")
        return value
    return arguments.check_number(value, name, caller, least=-float("inf"))


def _parsed(text: str) -> Shape:
    words = text.split()
    finite = words[:1] == ["finite"]
    words = words[finite:]
    kind = words.pop(0) if words and words[0] in _KINDS else "float"
    return Shape(tuple(words), kind, finite)


def _check_tensors(tensors: dict[str, Tensor], shapes: dict[str, Shape], caller: str) -> None:
    arguments.check_tensors(caller, **tensors)
    sizes: dict[str, int] = {}
    if not all(shapes[name].fits(tuple(x.shape), sizes) for name, x in tensors.items()):
        found = [
            f"{name}{' has shape' if k == 0 else ''} {tuple(x.shape)}" for k, (name, x) in enumerate(tensors.items())
        ]
        expected = (
            [f"{name} {shapes[name]}" for name in tensors]
            if len(tensors) > 1
            else [str(shapes[name]) for name in tensors]
        )
        least = ", with sizes of at least 1" if any(0 in x.shape for x in tensors.values()) else ""
        raise ValueError(f"{caller}: {_joined(found)}; expected {_joined(expected)}{least}")
    floats = {name: x for name, x in tensors.items() if shapes[name].kind == "float"}
    if any(not x.is_floating_point() for x in floats.values()) or len({x.dtype for x in floats.values()}) > 1:
        found = [f"{name} is {x.dtype}" for name, x in floats.items()]
        expected = "one floating-point dtype for all" if len(found) > 1 else "a floating-point dtype"
        raise ValueError(f"{caller}: {_joined(found)}; expected {expected}")
    for name, x in tensors.items():
        if (dtype := _KINDS[shapes[name].kind]) not in (None, x.dtype):
            raise ValueError(f"{caller}: {name} is {x.dtype}; expected {dtype}")
    if len({x.device for x in tensors.values()}) > 1:
        found = [f"{name} is on {x.device}" for name, x in tensors.items()]
        raise ValueError(f"{caller}: {_joined(found)}; expected one device for all")
    for name, x in tensors.items():
        if shapes[name].finite:
            arguments.check_finite(x, caller, **{name: x})


def _joined(parts: list[str], word: str = "and") -> str:
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else parts[0]
