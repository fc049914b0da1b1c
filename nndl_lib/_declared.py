"""What a function takes, declared in one line above it, so that the mathematics is the first thing one sees in it::

    @checked(X="N D", t="N", lam=number(least=0), penalize="bool D")
    def ridge(X, t, lam, penalize=None): ...

A string is the shape of a tensor. A name in it is a size of at least 1, the same in all arguments, and ``N?`` a size N
that may be 0; a digit is itself; ``...`` is any number of axes, and ``*S`` is as well, but with sizes of at least 1,
the same in all arguments; the empty string is a tensor without axes. Words before the shape say what the entries are:
``int64``, ``bool``, ``any`` for any dtype, else floating-point; ``finite``, that none is a NaN or infinite. All
floating-point tensors have one dtype, and all tensors lie on one device.

Anything else is a check, as those of ``_arguments``: of a value, its name and its function, it returns the value as
the function wants it, or raises ValueError; a default is made so as well. An argument may be None where that is its
default, or its annotation says so.

Errors show what all tensors have and what was expected of all, in the words of the declaration: a student sees which of
two is wrong, where a checker of types would name the first that does not fit.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

Check = Callable[[Any, str, str], Any]
F = TypeVar("F", bound=Callable)

_KINDS = {"int64": torch.int64, "bool": torch.bool, "any": None, "float": None}


class Shape:
    """A declared shape: its axes, those whose number is free, the kind of the entries, and whether they are finite."""

    def __init__(self, text: str):
        words = text.split()
        self.finite = words[:1] == ["finite"]
        words = words[self.finite :]
        self.kind = words[0] if words and words[0] in _KINDS else "float"
        words = words[words[:1] == [self.kind] :]
        self.dtype = _KINDS[self.kind]
        self.axes = tuple(word.removesuffix("?") for word in words)
        self.free = next((axis for axis in self.axes if axis == "..." or axis.startswith("*")), None)
        start = len(words) if self.free is None else self.axes.index(self.free)
        self.between = slice(start, start + 1 - len(words) or None)
        # For each other axis: where it is, counted from the end after a free one; its size or name; the least size.
        self.sizes = [
            (k if k < start else k - len(words), int(axis) if axis.isdigit() else axis, int(not words[k].endswith("?")))
            for k, axis in enumerate(self.axes)
            if axis != self.free
        ]

    def __str__(self) -> str:
        axes = ["..." if axis == self.free else axis for axis in self.axes]
        return f"({', '.join(axes)}{',' if len(axes) == 1 and not self.free else ''})"

    def fits(self, x: Tensor, named: dict[str, Any]) -> bool:
        """Whether x has this shape, with the sizes that names stand for so far, to which it adds its own."""
        shape = x.shape
        if len(shape) < len(self.sizes) or len(shape) > len(self.sizes) and self.free is None:
            return False
        for place, expected, least in self.sizes:
            size = shape[place]
            if size < least or size != (expected if isinstance(expected, int) else named.setdefault(expected, size)):
                return False
        if self.free is None or self.free == "...":
            return True
        several = tuple(shape[self.between])
        return 0 not in several and several == named.setdefault(self.free, several)


_PARSED: dict[str, Shape] = {}


def checked(**declared: str | Check) -> Callable[[F], F]:
    """A decorator that checks arguments as they are declared before the function is called.

    Raises: TypeError, when a function is decorated, where it has no argument of that name.
    """

    def decorate(function: F) -> F:
        parameters = inspect.signature(function).parameters
        if unknown := declared.keys() - parameters.keys():
            raise TypeError(f"checked: {function.__qualname__} has no {', '.join(unknown)}; expected its own arguments")
        names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        places = {name: place for place, name in enumerate(names)}
        shapes = {name: Shape(what) for name, what in declared.items() if isinstance(what, str)}
        plan = [
            (name, places.get(name, len(parameters)), what if callable(what) else None, _takes_none(parameters[name]))
            for name, what in declared.items()
        ]
        owner, _, method = function.__qualname__.rpartition(".")
        owner = owner.rpartition(".")[2]
        layer = method in ("__init__", "forward")  # it speaks in its own name, or in that of what is built on it
        defaults = {}  # those that the checks make into something else, such as 1 into (1, 1)
        for name, _, check, _ in plan:
            value = parameters[name].default
            if check is not None and value is not None and value is not inspect.Parameter.empty:
                if (made := check(value, name, method)) is not value:
                    defaults[name] = made

        @functools.wraps(function)
        def checking(*args, **kwargs):
            if len(args) > len(names) or kwargs and any(name in kwargs for name in names[: len(args)]):
                return function(*args, **kwargs)  # Python says what is wrong with the call
            caller = method if not layer else type(args[0]).__name__ if owner.startswith("_") else owner
            tensors, positional = {}, list(args)
            for name, place, check, optional in plan:
                if place < len(args):
                    value = args[place]
                elif name in kwargs:
                    value = kwargs[name]
                else:
                    continue
                if value is None and optional:
                    continue
                if check is None:
                    tensors[name] = value
                elif place < len(args):
                    positional[place] = check(value, name, caller)
                else:
                    kwargs[name] = check(value, name, caller)
            for name, value in defaults.items():
                if name not in kwargs and places.get(name, len(parameters)) >= len(args):
                    kwargs[name] = value
            if tensors:
                _check_tensors(tensors, shapes, caller)
            return function(*positional, **kwargs)

        return cast(F, checking)

    return decorate


def _takes_none(parameter: inspect.Parameter) -> bool:
    return parameter.default is None or "None" in str(parameter.annotation)


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
    """A check: one of these words. Raises: ValueError where it is another."""

    def check(value: str, name: str, caller: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{caller}: {name} is {value!r}; expected {_joined([repr(c) for c in choices], 'or')}")
        return value

    return check


def scalar(value: float | Tensor, name: str, caller: str) -> float | Tensor:
    """A check: any finite number, or a tensor without axes, of a value that is not looked at.

    Raises: ValueError where it is neither.
    """
    if isinstance(value, Tensor):
        if value.ndim > 0:
            raise ValueError(f"{caller}: {name} has shape {tuple(value.shape)}; expected a number or a 0-d tensor")
        return value
    return arguments.check_number(value, name, caller, least=-float("inf"))


def _parsed(text: str) -> Shape:
    if text not in _PARSED:  # no functools.cache, which torch.compile cannot look into
        _PARSED[text] = Shape(text)
    return _PARSED[text]


def _check_tensors(tensors: dict[str, Tensor], shapes: dict[str, Shape], caller: str) -> None:
    named: dict[str, Any] = {}
    dtype = device = None
    for name, x in tensors.items():
        shape = shapes[name]
        if not isinstance(x, Tensor) or not shape.fits(x, named):
            break
        expected = shape.dtype
        if shape.kind == "float":
            expected = dtype = dtype or x.dtype
            if not dtype.is_floating_point:
                break
        if expected is not None and x.dtype != expected:
            break
        if device is None:
            device = x.device
        elif x.device != device:
            break
    else:
        for name, x in tensors.items():
            if shapes[name].finite:
                arguments.check_finite(x, caller, **{name: x})
        return
    _refuse(tensors, shapes, caller)


def _refuse(tensors: dict[str, Tensor], shapes: dict[str, Shape], caller: str) -> None:
    """Raises: ValueError that says what the tensors, of which one does not fit, are and should be."""
    arguments.check_tensors(caller, **tensors)
    named: dict[str, Any] = {}
    if not all(shapes[name].fits(x, named) for name, x in tensors.items()):
        found = [f"{name} {tuple(x.shape)}" for name, x in tensors.items()]
        found[0] = found[0].replace(" ", " has shape ", 1)
        expected = [f"{name} {shapes[name]}" if len(found) > 1 else str(shapes[name]) for name in tensors]
        least = "sizes of at least 1" if any(0 in x.shape for x in tensors.values()) else ""
        if {shapes[name].axes for name in tensors} == {("*S",)}:
            raise ValueError(f"{caller}: {_joined(found)}; expected {least or 'one shape for all'}")
        raise ValueError(f"{caller}: {_joined(found)}; expected {_joined(expected)}{least and f', with {least}'}")
    for name, x in tensors.items():
        if shapes[name].dtype not in (None, x.dtype):
            raise ValueError(f"{caller}: {name} is {x.dtype}; expected {shapes[name].dtype}")
    floats = {name: x for name, x in tensors.items() if shapes[name].kind == "float"}
    if any(not x.is_floating_point() for x in floats.values()) or len({x.dtype for x in floats.values()}) > 1:
        one = "one floating-point dtype for all" if len(floats) > 1 else "a floating-point dtype"
        raise ValueError(f"{caller}: {_joined([f'{name} is {x.dtype}' for name, x in floats.items()])}; expected {one}")
    places = _joined([f"{name} is on {x.device}" for name, x in tensors.items()])
    raise ValueError(f"{caller}: {places}; expected one device for all")


def _joined(parts: list[str], word: str = "and") -> str:
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}" if len(parts) > 1 else parts[0]
