"""Runs a reader's function on many inputs, compares with the right answer, and says in a sentence what is wrong.

A chapter's module writes the right answer of each exercise as a function and decorates it with ``exercise``; the result
is a ``Check``. How a verdict is found, first match first:

1. the function is not written yet, does not take these arguments, or does not come to an end;
2. its answers are those of a known mistake on *every* input, or are wrong only on inputs of one kind;
3. else: what is the matter on the smallest input that it gets wrong;
4. all answers are right, but an input was changed, or a loop runs over what should be one matrix product.
"""

import copy
import ctypes
import functools
import inspect
import io
import linecache
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib.checks.words import code, describe, factor, fault, same, show

__all__ = ["Case", "Check", "Mistake", "Verdict", "exercise"]


class Case(NamedTuple):
    """One input to try: the arguments in order; what is special about it; what to say if only such cases go wrong."""

    inputs: tuple
    note: str = ""
    hint: str = ""


class Mistake(NamedTuple):
    """A known wrong answer: the sentence that names it, and a function that makes it, with the exercise's arguments."""

    hint: str
    answer: Callable


class Verdict(NamedTuple):
    """What a check found. ``hint`` is the sentence alone; ``message`` is what is printed, with the counterexample."""

    passed: bool
    hint: str
    message: str


class _Outcome(NamedTuple):
    """What the reader's function did with one case."""

    value: Any = None
    error: BaseException | None = None
    changed: str = ""  # what it did to an argument, in words
    printed: str = ""


class _Stopped(BaseException):
    """Raised inside a reader's function that runs too long. Not an Exception, so that ``except Exception`` lets it by."""


class Check:
    """The check of one exercise. Call it with your function: it prints what it finds, and returns nothing.

    Attributes:
        answer: the right answer, a function with the exercise's arguments; it is called with float64 tensors.
        arguments: their names.
        returns: the names of what the function returns.
        cases: a function that makes the inputs to try, the smallest first.
        mistakes: known wrong answers.
        loops: a function that makes pairs of inputs, as (what, small arguments, large arguments, how many more): a
            function that runs so many more lines of Python on the large ones has a loop over them.
        rtol: how far an answer may be off, in proportion to its largest entry; float32 gets 1e-4 at least.
    """

    def __init__(self, answer, returns, cases, mistakes, loops, rtol):
        functools.update_wrapper(self, answer)
        self.answer, self.returns, self.cases, self.mistakes = answer, returns, cases, mistakes
        self.loops, self.rtol = loops, rtol
        self.arguments = tuple(inspect.signature(answer).parameters)

    def __call__(self, function: Callable) -> None:
        """Print the verdict on a reader's function."""
        print(self.verdict(function).message)

    def verdict(self, function: Callable, seconds: float = 10.0) -> Verdict:
        """What ``__call__`` prints, as a value. A function that has not finished all inputs by then is stopped."""
        hint = self._uncallable(function)
        if hint:
            return self._not_passed(hint)
        loops = self.loops() if self.loops else []
        cases = [*self.cases(), *(Case(inputs) for loop in loops for inputs in loop[1:3])]
        right = [self.expected(case) for case in cases]
        run = _run(function, cases, self.arguments, loops, seconds)
        outcomes = run.outcomes

        if outcomes and _unwritten(outcomes[-1].error, function):
            return Verdict(False, "not written yet", f"{self.__name__}: not written yet")
        if run.hang is not None:
            return self._not_passed(
                f"It does not come to an end, or is very slow: after {seconds:g} s it was still at work{run.hang}. If that is "
                f"in a loop, does its condition ever become false?{run.alive}",
                case=cases[min(len(outcomes), len(cases) - 1)],
            )
        if run.broken is not None:
            return self._not_passed(f"It could not be tried on all inputs. {_stopped_with(run.broken, function)}")
        faults = [self._fault(outcome, right[k], cases[k], function) for k, outcome in enumerate(outcomes)]
        wrong = [k for k, found in enumerate(faults) if found]
        if wrong:
            k, hint = self._known(cases, outcomes, right, wrong) or (wrong[0], faults[wrong[0]])
            return self._not_passed(hint, cases[k], outcomes[k], right[k], len(cases) - len(wrong), len(cases))
        for case, outcome in zip(cases, outcomes):
            if outcome.changed:
                return self._not_passed(f"Its answers are right, but {outcome.changed}", case)
        for (what, _, _, more), (few, many) in zip(loops, run.lines, strict=True):
            if many - few >= more:
                return self._not_passed(
                    f"Its answers are right, but a Python loop runs over the {what}: let one operation on whole tensors do that."
                )
        notes = list(dict.fromkeys(case.note for case in cases if case.note))
        tried = f", among them: {', '.join(notes)}" if notes else ""
        message = f"{self.__name__}: passed. Right on {len(cases)} inputs{tried}."
        return Verdict(True, "", textwrap.fill(message, 88, subsequent_indent="  "))

    def expected(self, case: Case) -> Any:
        """The right answer, computed in float64, in the dtype of the case's tensors."""
        floats = [value.dtype for value in case.inputs if isinstance(value, Tensor) and value.is_floating_point()]
        answer = self.answer(*[_double(value) for value in _copy(case.inputs)])
        several = answer if isinstance(answer, tuple) else (answer,)
        several = tuple(
            value.to(floats[0]) if isinstance(value, Tensor) and value.is_floating_point() else value for value in several
        )
        return several if isinstance(answer, tuple) else several[0]

    def _uncallable(self, function) -> str:
        if not callable(function):
            return (
                f"It was given {describe(function)}; expected your function: write check.{self.__name__}"
                "(your_function), without parentheses after the function's name."
            )
        try:
            parameters = inspect.signature(function)
        except (TypeError, ValueError):  # some built-in functions have no signature: let the call show
            return ""
        try:
            parameters.bind(*self.arguments)
        except TypeError:
            return f"It takes {parameters}; expected ({', '.join(self.arguments)})."
        return ""

    def _fault(self, outcome: _Outcome, right: Any, case: Case, function: Callable) -> str:
        if outcome.error is not None:
            return _stopped_with(outcome.error, function)
        try:
            return fault(outcome.value, right, self.returns, self.rtol, self._like(case))
        except Exception as error:  # a sparse tensor, an object that cannot be printed: whatever a function may return
            return f"It returns something that cannot be compared ({type(error).__name__})."

    def _like(self, case: Case) -> str:
        """The name of the first tensor that goes in: new ones should have its dtype."""
        return next((name for name, value in zip(self.arguments, case.inputs) if isinstance(value, Tensor)), "")

    def _known(self, cases, outcomes, right, wrong) -> tuple[int, str] | None:
        """An input and a sentence: of a known mistake that gives these answers everywhere, or that fits all wrong inputs."""
        answered = [k for k in wrong if outcomes[k].error is None]
        for mistake in self.mistakes:
            if _makes(mistake, cases, outcomes, wrong, answered):
                return answered[0], mistake.hint
        hints = {cases[k].hint for k in wrong}
        if len(hints) == 1 and "" not in hints and len(wrong) < len(cases):
            return wrong[0], hints.pop()
        if len(answered) == len(wrong) and all(_parts(outcome.value) == len(self.returns) for outcome in outcomes):
            found = _safely(factor, [outcome.value for outcome in outcomes], right, self.returns)
            return (wrong[0], found) if found else None
        return None

    def _not_passed(self, hint, case=None, outcome=None, right=None, n_right=0, n_cases=0) -> Verdict:
        """The sentence, then the input as lines that can be copied into a cell; all else in them is a comment."""
        lines = textwrap.wrap(f"{self.__name__}: not passed. {hint}", 88, subsequent_indent="  ")
        if case is not None:
            lines.append(f"# An input that shows it{f' ({case.note})' if case.note else ''}:")
            lines += [f"{name} = {code(value)}" for name, value in zip(self.arguments, case.inputs)]
        if outcome is not None and outcome.error is None:
            lines.append(f"# got:      {_safely(show, outcome.value, self.returns, failed='what cannot be shown')}")
        if right is not None:
            lines.append(f"# expected: {show(right, self.returns)}")
        if outcome is not None and outcome.printed.strip():
            lines += ["# printed:", *[f"#   {line}" for line in outcome.printed.strip().splitlines()[:10]]]
        if n_right:
            lines.append(f"# It is right on {n_right} of the {n_cases} inputs tried.")
        return Verdict(False, hint, "\n".join(line if len(line) <= 400 else f"{line[:400]} ..." for line in lines))


def exercise(
    returns: tuple[str, ...],
    cases: Callable[[], Iterable[Case]],
    mistakes: Iterable[tuple[str, Callable]] = (),
    loops: Callable[[], list[tuple[str, tuple, tuple, int]]] | None = None,
    rtol: float = 1e-8,
) -> Callable[[Callable], Check]:
    """Make a ``Check`` of the function below it, which is the exercise's right answer. The arguments are the Check's."""

    def wrap(answer: Callable) -> Check:
        return Check(answer, returns, cases, tuple(Mistake(*mistake) for mistake in mistakes), loops, rtol)

    return wrap


def _makes(mistake: Mistake, cases, outcomes, wrong: list[int], answered: list[int]) -> bool:
    """Whether the mistake gives the reader's answers, on wrong inputs and on right ones.

    Inputs on which the function, or the mistake, stops with an error say nothing; three wrong answers must agree, or
    all if there are fewer.
    """
    agreed = 0
    for k in [*answered, *(k for k in range(len(cases)) if k not in wrong)]:
        try:
            value = mistake.answer(*[_double(value) for value in _copy(cases[k].inputs)])
        except Exception:  # it cannot be made on this input
            continue
        if not _safely(same, outcomes[k].value, value):
            return False
        agreed += k in wrong
    return agreed >= min(3, len(answered)) > 0


class _Run:
    """What came of running a function on all inputs."""

    def __init__(self):
        self.outcomes: list[_Outcome] = []
        self.lines: list[tuple[int, int]] = []  # lines of Python that ran on each pair of the check's loops
        self.broken: BaseException | None = None  # an error outside the answers, for example in a further call
        self.hang: str | None = None  # where it was given up, as words; None where it was not
        self.alive = ""
        self.given_up = False
        self.ended = False  # the thread has nothing left to do


def _run(function, cases, names, loops, seconds) -> _Run:
    """Run the function on all inputs in a thread of its own, so that it can be given up."""
    run, printed, dtype = _Run(), io.StringIO(), torch.get_default_dtype()

    def work():
        try:
            for case in cases:
                outcome = _try(function, case, names, printed)
                if run.given_up:
                    return
                run.outcomes.append(outcome)
                if _unwritten(outcome.error, function):
                    return
            if all(outcome.error is None for outcome in run.outcomes):
                run.lines = [(_lines(function, small), _lines(function, large)) for _, small, large, _ in loops]
        except BaseException as error:
            run.broken = error
        finally:
            run.ended = True

    thread = threading.Thread(target=work, daemon=True)
    with redirect_stdout(printed):
        thread.start()
        try:
            thread.join(seconds)
            if thread.is_alive():
                run.hang = _place(function, sys._current_frames().get(thread.ident))
        finally:  # an interrupt by the reader, too, must not leave the thread at work
            run.given_up = thread.is_alive()
            _stop(thread, run)
            torch.set_default_dtype(dtype)
    if thread.is_alive():
        run.alive = " It could not be stopped: restart the kernel when you have mended it."
    return run


def _stop(thread: threading.Thread, run: _Run, seconds: float = 3.0) -> None:
    # The exception comes up at the next jump of Python. A bare ``except:`` may catch it, and Python 3.12 raises it there
    # as if the jump were done already, so inside of a loop's ``try``, but for one time in a thousand: hence many times.
    interval, deadline = sys.getswitchinterval(), time.monotonic() + seconds
    sys.setswitchinterval(1e-5)
    try:
        while thread.is_alive() and not run.ended and time.monotonic() < deadline:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stopped))
            thread.join(1e-4)
    finally:
        sys.setswitchinterval(interval)
    thread.join(0.1 if run.ended else 0)


def _try(function, case: Case, names, printed: io.StringIO) -> _Outcome:
    inputs, start = _copy(case.inputs), len(printed.getvalue())
    try:
        value = _freeze(function(*inputs))
    except _Stopped:
        raise
    except BaseException as error:  # SystemExit too: nothing that the function does may end the notebook
        return _Outcome(error=error, printed=printed.getvalue()[start:])
    changes = [_change(name, before, after) for name, before, after in zip(names, case.inputs, inputs)]
    return _Outcome(value, changed=next(filter(None, changes), ""), printed=printed.getvalue()[start:])


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
    return f"it changes {name}, which belongs to the caller: work on a copy, list({name})."


def _unwritten(error: BaseException | None, function) -> bool:
    """Whether this is the stub's own error. PyTorch, too, raises NotImplementedError, for what it cannot do."""
    if not isinstance(error, NotImplementedError):
        return False
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    own = getattr(function, "__code__", None)
    return str(error) == "not written yet" or own is not None and trace.tb_frame.f_code is own and not str(error)


def _lines(function, inputs) -> int:
    """How many lines of Python the function runs."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace

    inputs = _copy(inputs)
    sys.settrace(trace)
    try:
        function(*inputs)
    finally:
        sys.settrace(before)
    return count


def _place(function, frame) -> str:
    """The reader's own line that a frame, or what it was called by, is at."""
    place = ""
    while frame is not None and not place:
        place, frame = _line(function, frame.f_code, frame.f_lineno), frame.f_back
    return place


def _stopped_with(error: BaseException, function) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:  # the innermost line of the reader's own
        place = _line(function, trace.tb_frame.f_code, trace.tb_lineno) or place
        trace = trace.tb_next
    message = " ".join(_safely(str, error, failed="").split())
    message = f": {message[:200].rstrip('.')}" if message else ""
    advice = ""
    if "bitwise_xor" in message or "for ^" in message:
        advice = " The power is written **; ^ is something else."
    elif "same dtype" in message or "dtype" in message and "Double" in message:
        advice = " Make new tensors with the dtype of the inputs: X.new_zeros(3), torch.ones_like(x), or dtype=X.dtype."
    return f"It stopped with {type(error).__name__}{message}{place}.{advice}"


def _safely(function: Callable, *arguments: Any, failed: Any = False) -> Any:
    """A reader's objects may raise even when they are printed or compared."""
    try:
        return function(*arguments)
    except Exception:
        return failed


def _line(function, code, number: int) -> str:
    """The text of a line, where it is the reader's own."""
    if code.co_filename != getattr(getattr(function, "__code__", None), "co_filename", None):
        return ""
    line = linecache.getline(code.co_filename, number).strip()
    return f", in the line: {line}" if line else ""


def _parts(value: Any) -> int:
    return len(value) if isinstance(value, (tuple, list)) else 1


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    return tuple(map(_copy, value)) if isinstance(value, tuple) else copy.deepcopy(value)


def _freeze(value: Any) -> Any:
    """The answer as it is now: later changes by the function, and gradients, do not reach it."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (tuple, list)):
        return type(value)(map(_freeze, value)) if type(value) in (tuple, list) else tuple(map(_freeze, value))
    return value


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.dtype == torch.float32 else value
