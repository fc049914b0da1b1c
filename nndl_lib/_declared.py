"""What a function takes, declared in one line above it, so that the mathematics is the first thing one sees in it::

    @checked(X="N D", t="N", lam=number(least=0), penalize="bool D")
    def ridge(X, t, lam, penalize=None): ...

A string is the shape of a tensor. A name in it is a size of at least 1, the same in all arguments; a digit is itself;
``...`` is any number of axes, and ``*S`` is as well, but with sizes of at least 1, and the same in all arguments; the
empty string is a tensor without axes. Words before the shape say what the entries are: ``int64``, ``bool``, ``any`` for
any dtype, else floating-point; ``finite``, that none is a NaN or infinite. All floating-point tensors have one dtype, and
all tensors lie on one device.

Anything else is a check, as those of ``_arguments``: of a value, its name and its function, it returns the value as the
function wants it, or raises ValueError. An argument may be None where that is its default.

Errors show what all tensors have and what was expected of all, in the words of the declaration: a student sees which of
two is wrong, where a checker of types would name the first that does not fit.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

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
        axes = tuple("..." if axis.startswith("*") else axis for axis in self.axes)
        return f"({', '.join(axes)}{',' if len(axes) == 1 and axes != ('...',) else ''})"

    def fits(self, shape: tuple[int, ...], sizes: dict[str, Any]) -> bool:
        """Whether a shape is this one, with the sizes that names have so far, to which it adds its own."""
        several = next((axis for axis in self.axes if axis == "..." or axis.startswith("*")), None)
        axes = self.axes
        if several is not None:
            start, free = axes.index(several), len(shape) - (len(axes) - 1)
            if free < 0:
                return False
            middle, shape = shape[start : start + free], shape[:start] + shape[start + free :]
            axes = axes[:start] + axes[start + 1 :]
            if several != "..." and (0 in middle or sizes.setdefault(several, middle) != middle):
                return False
        if len(shape) != len(axes) or 0 in shape:
            return False
        return all(
            size == (int(axis) if axis.isdigit() else sizes.setdefault(axis, size)) for axis, size in zip(axes, shape)
        )


def checked(**declared: str | Check) -> Callable[[F], F]:
    """A decorator that checks arguments as they are declared before the function is called."""

    def decorate(function: F) -> F:
        parameters = inspect.signature(function).parameters
        if unknown := declared.keys() - parameters.keys():
            raise TypeError(f"checked: {function.__qualname__} has no {', '.join(unknown)}; expected its own arguments")
        names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        plan = [
            (name, names.index(name) if name in names else len(parameters), what, parameters[name].default is None)
            for name, what in declared.items()
        ]
        shapes = {name: _parsed(what) for name, what in declared.items() if isinstance(what, str)}
        owner, _, method = function.__qualname__.rpartition(".")
        owner = owner.rpartition(".")[2]
        layer = method in ("__init__", "forward")  # it speaks in its own name, or in that of what is built on it

        @functools.wraps(function)
        def checking(*args, **kwargs):
            if len(args) > len(names) or kwargs and not kwargs.keys().isdisjoint(names[: len(args)]):
                return function(*args, **kwargs)  # Python says what is wrong with the call
            caller = method if not layer else type(args[0]).__name__ if owner.startswith("_") else owner
            tensors, positional = {}, list(args)
            for name, place, what, optional in plan:
                if place < len(args):
                    value = args[place]
                elif name in kwargs:
                    value = kwargs[name]
                else:
                    continue
                if value is None and optional:
                    continue
                if isinstance(what, str):
                    tensors[name] = value
                elif place < len(args):
                    positional[place] = what(value, name, caller)
                else:
                    kwargs[name] = what(value, name, caller)
            if tensors:
                _check_tensors(tensors, shapes, caller)
            return function(*positional, **kwargs)

        return cast(F, checking)

    return decorate


def check_shapes(caller: str, **declared: tuple[str, Tensor | None]) -> None:
    """Check tensors as ``checked`` does, in the name of another function: ``check_shapes("Conv2d", input=("N C", x))``.

    Raises: ValueError where one does not fit its declaration, or all do not fit together. None fits.
    """
    tensors = {name: tensor for name, (_, tensor) in declared.items() if tensor is not None}
    _check_tensors(tensors, {name: _parsed(text) for name, (text, _) in declared.items()}, caller)


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


@functools.cache
def _parsed(text: str) -> Shape:
    words = text.split()
    finite = words[:1] == ["finite"]
    words = words[finite:]
    kind = words.pop(0) if words and words[0] in _KINDS else "float"
    return Shape(tuple(words), kind, finite)


def _check_tensors(tensors: dict[str, Tensor], shapes: dict[str, Shape], caller: str) -> None:
    arguments.check_tensors(caller, **tensors)
    sizes: dict[str, Any] = {}
    if not all(shapes[name].fits(tuple(x.shape), sizes) for name, x in tensors.items()):
        raise ValueError(f"{caller}: {_shapes_found(tensors)}; expected {_shapes_expected(tensors, shapes)}")
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


def _shapes_found(tensors: dict[str, Tensor]) -> str:
    found = [f"{name} {tuple(x.shape)}" for name, x in tensors.items()]
    return _joined([found[0].replace(" ", " has shape ", 1), *found[1:]])


def _shapes_expected(tensors: dict[str, Tensor], shapes: dict[str, Shape]) -> str:
    axes = {shapes[name].axes for name in tensors}
    least = "sizes of at least 1" if any(0 in x.shape for x in tensors.values()) else ""
    if len(axes) == 1 and next(iter(axes))[0:1] == ("*S",):
        return least or "one shape for all"
    expected = [f"{name} {shapes[name]}" for name in tensors] if len(tensors) > 1 else [str(shapes[n]) for n in tensors]
    return _joined(expected) + (f", with {least}" if least else "")


def _joined(parts: list[str], word: str = "and") -> str:
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else parts[0]
