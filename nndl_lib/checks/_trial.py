"""Runs a reader's function on one input, and says what it did as plain data.

All of this happens beside the reader's code: ``repr``, ``str``, ``==`` and the like of a reader's objects may raise,
lie or sleep, and are asked here alone.
"""

import copy
import dis
import inspect
import io
import linecache
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from nndl_lib.checks import _worker as worker
from nndl_lib.checks._values import Described, pack, unpack
from nndl_lib.checks._words import describe, same

PRINTED = 10_000  # characters that are kept


class Outcome(NamedTuple):
    """What the reader's function did with one input."""

    value: Any = None
    stopped: str = ""  # by which error, as a sentence
    unwritten: bool = False  # whether that was the stub's own
    changed: str = ""  # what it did to an argument, in words
    printed: str = ""


class _Printed(io.StringIO):
    def write(self, text: str) -> int:
        return super().write(text[: max(PRINTED - self.tell(), 0)])


def uncallable(function: Any, name: str, arguments: tuple[str, ...]) -> str:
    """Why this is not a function with these arguments, as a sentence; empty if it is."""
    if not callable(function):
        return (
            f"It was given {describe(unpack(pack(function)))}; expected your function: write check.{name}"
            "(your_function), without parentheses after the function's name."
        )
    try:
        parameters = inspect.signature(function)
    except Exception:  # some built-in functions have no signature: let the call show
        return ""
    try:
        parameters.bind(*arguments)
    except TypeError:
        return f"It takes {parameters}; expected ({', '.join(arguments)})."
    return ""


def attempt(function: Callable, given: tuple, names: tuple[str, ...]) -> Outcome:
    """Call the function with a copy of what is given. Its value is packed: ``values.unpack`` it.

    Raises: KeyboardInterrupt, where the function shares its process with the reader. All else is in the outcome.
    """
    inputs, printed, out, err = copied(given), _Printed(), sys.stdout, sys.stderr
    sys.stdout = sys.stderr = printed
    try:
        value = function(*inputs)
        told = pack(value)
    except BaseException as error:  # SystemExit too: nothing that the function does may end the notebook
        if isinstance(error, KeyboardInterrupt) and not worker.is_child():
            raise
        return Outcome(stopped=stopped(error, function), unwritten=_unwritten(error, function), printed=_text(printed))
    finally:
        sys.stdout, sys.stderr = out, err
    if type(told) is Described:
        told = _lazy(value) or told
    changes = (_change(name, before, after) for name, before, after in zip(names, given, inputs))
    return Outcome(told, changed=next(filter(None, changes), ""), printed=_text(printed))


def _lazy(value: Any) -> Described | None:
    """What a function returns that has not done anything yet."""
    if type(value) is types.GeneratorType:
        return Described("a generator (the function yields; it should return)")
    if type(value) is types.CoroutineType:
        value.close()
        return Described("a coroutine (the function is declared with async def; leave out async)")
    return None


def _text(printed: io.StringIO) -> str:
    return "" if printed.closed else printed.getvalue()


def _change(name: str, before: Any, after: Any) -> str:
    """What a function did to an argument, in words; empty if nothing."""
    if isinstance(after, Tensor) and after.requires_grad:
        return f"it switches gradients on in {name}, which belongs to the caller: work on {name}.clone()."
    if same(after, before, rtol=0):
        return ""
    if isinstance(after, Tensor):
        return (
            f"it changes {name}, which belongs to the caller: write {name} = {name} - ... instead of {name} -= ..., "
            f"or work on {name}.clone()."
        )
    copying = f"list({name})" if isinstance(after, list) else f"copy.deepcopy({name})"
    return f"it changes {name}, which belongs to the caller: work on a copy, {copying}."


def _unwritten(error: BaseException, function) -> bool:
    """Whether this is the stub's own error. PyTorch, too, raises NotImplementedError, for what it cannot do."""
    if not isinstance(error, NotImplementedError):
        return False
    text = _text_of(error)
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return text == "not written yet" or not text and frame.f_code is _code(function)


def lines_run(function, given: tuple) -> int:
    """How many lines of Python the function runs."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace

    inputs = copied(given)
    sys.settrace(trace)
    try:
        function(*inputs)
    finally:
        sys.settrace(before)
    return count


def stopped(error: BaseException, function) -> str:
    """By which error a function was stopped, and in which of its lines, as a sentence."""
    steps = traceback.walk_tb(error.__traceback__)
    places = [(frame.f_code.co_filename, line) for frame, line in steps]  # a line number may be None
    message = " ".join(_text_of(error).split())
    message = f": {message[:200].rstrip('.')}" if message else ""
    advice = ""
    if "bitwise_xor" in message or "for ^" in message:
        advice = " The power is written **; ^ is something else."
    elif "same dtype" in message or "dtype" in message and "Double" in message:
        advice = " Make new tensors with the dtype of the inputs: X.new_zeros(3), torch.ones_like(x), or dtype=X.dtype."
    return f"It stopped with {type(error).__name__}{message}{place(function, reversed(places))}.{advice}"


def unused(function, arguments: tuple[str, ...]) -> list[str]:
    """Those of the arguments that a plain function never reads, by its code."""
    if type(function) is not types.FunctionType or function.__code__.co_argcount != len(arguments):
        return []
    read: set[str] = set()
    codes = [function.__code__]
    for code in codes:  # it grows: functions inside of the function are constants of its code
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
        for step in dis.get_instructions(code):
            if step.opname.startswith("LOAD"):
                read.update(step.argval if isinstance(step.argval, tuple) else [step.argval])
    if read & {"locals", "vars", "eval", "exec"}:
        return []
    return [name for name, own in zip(arguments, function.__code__.co_varnames) if own not in read]


def used(function) -> list[str]:
    """The names of globals and attributes in the code of a plain function, and of those beside it that it calls."""
    names, functions = {}, [function]
    for one in functions:  # it grows
        codes = [one.__code__] if type(one) is types.FunctionType else []
        for code in codes:
            codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
            names.update(dict.fromkeys(code.co_names))
            called = [one.__globals__.get(name) for name in code.co_names]
            functions += [
                other
                for other in called
                if type(other) is types.FunctionType and other not in functions and other.__module__ == one.__module__
            ]
    return list(names)


def place(function, places) -> str:
    """The innermost of these files and lines that is the reader's own, in words."""
    own = getattr(_code(function), "co_filename", "").encode("ascii", "backslashreplace")  # as faulthandler writes it
    for file, number in places:
        line = (
            linecache.getline(file, number).strip()
            if number and file.encode("ascii", "backslashreplace") == own
            else ""
        )
        if line:
            return f", in the line: {line}"
    return ""


def _code(function) -> Any:
    """The code of a function, of what is wrapped or bound in it, or of an object that is called like one."""
    try:
        function = inspect.unwrap(getattr(function, "func", function))
        return getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    except Exception:
        return None


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def copied(value: Any) -> Any:
    """A copy of what is given to a function, which may change it."""
    if isinstance(value, Tensor):
        return value.clone()
    return tuple(map(copied, value)) if isinstance(value, tuple) else copy.deepcopy(value)
