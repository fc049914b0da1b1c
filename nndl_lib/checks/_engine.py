"""Runs a reader's function on many inputs, compares with the right answer, and says in a sentence what is wrong.

The right answer of an exercise is written as a function and decorated with ``exercise``; the result is a ``Check``.
How a verdict is found, first match first:

1. the function is not written yet, does not take these arguments, or does not come to an end;
2. its answers are those of a known mistake on *every* input, or are wrong only on inputs of one kind, or in one part
   from which the other parts follow, or are made of the right ones by a mistake that is possible in any exercise
   (``_mistakes``);
3. else: what is the matter on the smallest input that it gets wrong;
4. all answers are right, but an input was changed, a loop runs over what should be one matrix product, or something is
   used that the task asks to do without.

All of this happens in a process of its own (``_worker``), and the reader's function in yet another one: whatever it
does, to itself, to torch or to Python, reaches neither the notebook nor the right answers. Only plain data comes back
(``_values``).
"""

import contextlib
import functools
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib.checks import _worker as worker
from nndl_lib.checks._case import Case, Loop, Mistake, default_dtype, doubled
from nndl_lib.checks._known import agrees_with_itself, makes, may_stop
from nndl_lib.checks._mistakes import ANOTHER_WAY, made_of_the_right_answer
from nndl_lib.checks._trial import Outcome, attempt, lines_run, place, stopped, uncallable, unused, used
from nndl_lib.checks._values import Described, unpack
from nndl_lib.checks._words import LENGTH_1, code, fault, join, same, show, typed

# For ``without``, where a task asks for the formulas.
DERIVATIVES = (
    "autograd",
    "backward",
    "grad",
    "jacobian",
    "jacrev",
    "jacfwd",
    "vjp",
    "jvp",
    "requires_grad_",
    "requires_grad",
)
VARIES = (
    "It answers the same question differently when it is asked again: nothing here is random, "
    "nor kept from the last call."
)
JUDGING = 60.0  # seconds for all but the reader's function, which takes a fraction of one


class Verdict(NamedTuple):
    """What a check found. ``hint`` is the sentence alone; ``message`` is what is printed, with the counterexample."""

    passed: bool
    hint: str
    message: str


class Check:
    """The check of one exercise. Call it with your function: it prints what it finds, and returns nothing.

    Attributes:
        answer: the right answer, a function with the exercise's arguments; it is called with float64 tensors.
        arguments: their names.
        returns: the names of what the function returns.
        mistakes: known wrong answers.
        follows: sentences for answers of several parts, each with what the answer must be, given some of its own parts.
        rtol: how far an answer may be off, in proportion to its largest entry; float32 gets 1e-4 at least.
        strict: those of ``returns`` of which the task names the type, a Python float or int64. Elsewhere a tensor of
            shape () is a number, too, and whole numbers may have any integer dtype.
        without: names of what the task asks to do without, as they stand in code.
    """

    def __init__(
        self,
        answer: Callable,
        returns: tuple[str, ...],
        cases: Callable[[], Iterable[Case]],
        mistakes: tuple[Mistake, ...],
        follows: tuple[Mistake, ...],
        loops: Callable[[], Iterable[tuple]] | None,
        rtol: float,
        strict: tuple[str, ...],
        without: tuple[str, ...],
    ):
        functools.update_wrapper(self, answer)
        self.__name__: str = answer.__name__
        self.answer, self.returns, self.mistakes, self.follows = answer, returns, mistakes, follows
        self.rtol, self.strict, self.without = rtol, strict, without
        self._cases, self._loops = cases, loops
        self.arguments = tuple(inspect.signature(answer).parameters)

    def __call__(self, function: Callable) -> None:
        """Print the verdict on a reader's function."""
        print(self.verdict(function).message)

    def cases(self) -> list[Case]:
        """The inputs to try, the smallest first: the same whatever the default dtype of the page is."""
        with default_dtype(torch.float32):
            return list(self._cases())

    def loops(self) -> list[Loop]:
        """What it should not loop over."""
        with default_dtype(torch.float32):
            return [Loop(*those) for those in self._loops()] if self._loops else []

    def expected(self, case: Case) -> Any:
        """The right answer, computed in float64, in the dtype of the case's tensors."""
        floats = [value.dtype for value in case.inputs if isinstance(value, Tensor) and value.is_floating_point()]
        with default_dtype(torch.float32):
            answer = self.answer(*doubled(case))
        several = answer if isinstance(answer, tuple) else (answer,)
        several = tuple(
            value.detach().to(floats[0]) if isinstance(value, Tensor) and value.is_floating_point() else value
            for value in several
        )
        return several if isinstance(answer, tuple) else several[0]

    def verdict(self, function: Callable, seconds: float = 10.0) -> Verdict:
        """What ``__call__`` prints, as a value. A function that has not finished all inputs by then is stopped."""
        ended = worker.run(lambda send: send(tuple(self._judge(function, seconds))), seconds + JUDGING)
        if ended.error:  # one in the right answer or in an input: not the reader's
            raise RuntimeError(ended.error)
        if not ended.sent:  # it has found its way out of its own process
            return self._not_passed(f"It ended the process that checks it ({ended.how}): it should return its answer.")
        return Verdict(*ended.sent[0])

    def _judge(self, function, seconds: float) -> Verdict:
        loops = self.loops()
        cases = [*self.cases(), *(Case(inputs) for loop in loops for inputs in (loop.few, loop.many))]
        right = [self.expected(case) for case in cases]
        run = worker.run(lambda send: self._run(function, cases, loops, send), seconds)
        told = dict(sent for sent in run.sent if sent[0] != "outcome")
        outcomes = [Outcome(*sent[1])._replace(value=unpack(sent[1][0])) for sent in run.sent if sent[0] == "outcome"]

        if "uncallable" in told:
            return self._not_passed(told["uncallable"])
        if outcomes and outcomes[-1].unwritten:
            return Verdict(False, "not written yet", f"{self.__name__}: not written yet")
        if run.how:
            at, where = cases[min(len(outcomes), len(cases) - 1)], place(function, run.where)
            if run.how != "time":
                return self._not_passed(f"It ended Python itself ({run.how}){where}: it should return its answer.", at)
            return self._not_passed(
                f"It does not come to an end, or is very slow: after {seconds:g} s it was still at work{where}. "
                "If that is in a loop, does its condition ever become false?",
                at,
            )
        if run.error or "broken" in told:
            return self._not_passed(f"It could not be tried on all inputs. {told.get('broken', '')}".rstrip())
        faults = [self._fault(*three) for three in zip(outcomes, right, cases, strict=True)]
        wrong = [k for k, found in enumerate(faults) if found]
        if wrong and told["varies"]:
            return self._not_passed(VARIES, cases[wrong[0]], outcomes[wrong[0]], right[wrong[0]])
        if wrong:
            # Where all lengths are 1, their number is no hint.
            plain = next((k for k in wrong if LENGTH_1 not in faults[k]), wrong[0])
            first = plain if LENGTH_1 in faults[wrong[0]] else wrong[0]
            among, hint = self._known(cases, outcomes, right, wrong) or ([first], faults[first])
            unnamed = hint == faults[first] and not outcomes[first].stopped
            never = [name for name in told["unused"] if unnamed and self._counts(name, cases)]
            hint += f" It never uses {join(never)}." if never else ""
            k = next((k for k in among if all(map(code, cases[k].inputs))), among[0])  # rather one that can be typed
            return self._not_passed(hint, cases[k], outcomes[k], right[k], len(cases) - len(wrong), len(cases))
        for case, outcome in zip(cases, outcomes):
            if outcome.changed:
                return self._not_passed(f"Its answers are right, but {outcome.changed}", case)
        if told["used"]:
            return self._not_passed(
                f"Its answers are right, but it uses {join(told['used'])}: the task is to do without that."
            )
        for loop, (few, many) in zip(loops, told["lines"], strict=True):
            if many - few >= loop.more:
                return self._not_passed(f"Its answers are right, but {loop.hint.format(what=loop.what)}")
        notes = list(dict.fromkeys(case.note for case in cases if case.note))
        tried = f", among them: {', '.join(notes)}" if notes else ""
        message = f"{self.__name__}: passed. Right on {len(cases)} inputs{tried}."
        return Verdict(True, "", textwrap.fill(message, 88, subsequent_indent="  "))

    def _run(self, function, cases, loops, send) -> None:
        """What happens beside the reader's function. Only plain data is sent."""
        hint = uncallable(function, self.__name__, self.arguments)
        if hint:
            return send(("uncallable", hint))
        stops, first = False, []
        for case in cases:
            outcome = attempt(function, case.inputs, self.arguments)
            first.append(outcome.value)
            send(("outcome", tuple(outcome)))
            if outcome.unwritten:
                return None
            stops = stops or outcome.stopped != ""
        try:
            pairs = [] if stops else loops
            lines = [(lines_run(function, loop.few), lines_run(function, loop.many)) for loop in pairs]
        except BaseException as error:  # in a further call
            return send(("broken", stopped(error, function)))
        again = [] if stops else [unpack(attempt(function, case.inputs, self.arguments).value) for case in cases[:3]]
        send(("varies", any(_varies(now, unpack(before)) for now, before in zip(again, first))))
        send(("used", [name for name in used(function) if name in self.without]))
        send(("unused", unused(function, self.arguments)))
        return send(("lines", lines))

    def _fault(self, outcome: Outcome, right: Any, case: Case) -> str:
        tensors = [(value.dtype, name) for name, value in zip(self.arguments, case.inputs) if isinstance(value, Tensor)]
        like = dict(reversed(tensors))  # the first of each dtype
        return outcome.stopped or fault(outcome.value, right, self.returns, self.rtol, like, self.strict)

    def _known(self, cases, outcomes, right, wrong) -> tuple[list[int], str] | None:
        """Inputs and a sentence: of a known mistake that gives these answers everywhere, or fits all wrong inputs."""
        # Where only the dtype or the kind is wrong, no mistake and no kind of input explains that.
        differs = [k for k in wrong if outcomes[k].stopped or not same(outcomes[k].value, right[k], self.rtol)]
        answered = [k for k in differs if not outcomes[k].stopped]
        stops = [cases[k] for k in wrong if outcomes[k].stopped]
        for mistake in self.mistakes:
            if makes(mistake, cases, outcomes, answered) and may_stop(mistake, stops, len(answered)):
                return answered, mistake.hint
        hints = {cases[k].hint for k in differs}
        if len(hints) == 1 and "" not in hints and len(wrong) < len(cases):
            return differs, hints.pop()
        told = [k for k in range(len(cases)) if not outcomes[k].stopped]
        named = [dict(zip(self.arguments, cases[k].inputs)) for k in told]
        if not answered:
            return None
        found = made_of_the_right_answer(
            self.returns, [outcomes[k].value for k in told], [right[k] for k in told], named
        )
        if len(differs) >= 3 and (not found or ANOTHER_WAY in found):
            answers = [outcome.value for outcome in outcomes]
            for sentence, answer in self.follows:
                if all(map(functools.partial(agrees_with_itself, answer), cases, answers, right)):
                    return differs, sentence
        return (answered, found) if found else None

    def _counts(self, argument: str, cases: list[Case]) -> bool:
        """Whether the right answer to an input is another one with the argument of another input."""
        place = self.arguments.index(argument)
        for case, other in itertools.permutations(cases, 2):
            inputs = list(case.inputs)
            inputs[place] = other.inputs[place]
            if getattr(inputs[place], "shape", None) == getattr(case.inputs[place], "shape", None):
                with contextlib.suppress(Exception):  # the two do not go together
                    if not same(self.expected(Case(tuple(inputs))), self.expected(case)):
                        return True
        return False

    def _not_passed(self, hint, case=None, outcome=None, right=None, n_right=0, n_cases=0) -> Verdict:
        """The sentence, then the input as lines that can be copied into a cell; all else in them is a comment."""
        lines = textwrap.wrap(f"{self.__name__}: not passed. {hint}", 88, subsequent_indent="  ")
        comments = []
        if case is not None:
            lines.append(f"# An input that shows it{f' ({case.note})' if case.note else ''}:")
            for pair in zip(self.arguments, case.inputs):
                lines += typed(*pair)
        if outcome is not None and not outcome.stopped:
            comments.append(f"# got:      {show(outcome.value, self.returns)}")
        if right is not None:
            comments.append(f"# expected: {show(right, self.returns)}")
        if outcome is not None and outcome.printed.strip():
            comments += ["# printed:", *[f"#   {line}" for line in outcome.printed.strip().splitlines()[:10]]]
        if n_right:
            comments.append(f"# It is right on {n_right} of the {n_cases} inputs tried.")
        lines += [line if len(line) <= 400 else f"{line[:400]} ..." for line in comments]
        return Verdict(False, hint, "\n".join(lines))


def exercise(
    returns: tuple[str, ...],
    cases: Callable[[], Iterable[Case]],
    mistakes: Iterable[Any] = (),
    follows: Iterable[Any] = (),
    loops: Callable[[], Iterable[tuple]] | None = None,
    rtol: float = 1e-8,
    strict: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> Callable[[Callable], Check]:
    """Make a ``Check`` of the function below it, which is the exercise's right answer. The arguments are the Check's.

    ``mistakes`` and ``follows`` are lists of sentences, each followed by the functions of which it is true, one after
    the other or in tuples.
    """
    known, parts = tuple(_listed(mistakes)), tuple(_listed(follows))

    def wrap(answer: Callable) -> Check:
        return Check(answer, returns, cases, known, parts, loops, rtol, strict, without)

    return wrap


def each(function: Callable, **option: Iterable) -> list[Callable]:
    """The function with an option set to each of these values."""
    return [functools.partial(function, **{name: value}) for name, values in option.items() for value in values]


def _listed(those: Iterable[Any]) -> Iterator[Mistake]:
    """The functions, each with the last sentence before it."""
    sentence = ""
    for one in those:
        if isinstance(one, str):
            sentence = one
        elif isinstance(one, tuple):
            yield from _listed(one)
        else:
            yield Mistake(sentence, one)


def _varies(now: Any, before: Any) -> bool:
    try:
        return _is_plain(now) and not same(now, before, 0.1)
    except Exception:  # NumPy's arrays have no single truth value
        return False


def _is_plain(value: Any) -> bool:
    """Whether it can be compared at all: what is described equals nothing, itself included."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return type(value) is not Described and all(map(_is_plain, inside))
