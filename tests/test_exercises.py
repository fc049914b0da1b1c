"""Every exercise: its source, what is derived from it, and its check against right and wrong answers.

What is tested is found by reading the sources, so that an exercise without wrong answers fails here.
"""

import ast
import functools
import importlib
import inspect
import itertools
import random
import re
import subprocess
import sys
import time

import nbformat
import pytest
import torch

from book import exercises
from book.files import NOTEBOOKS
from book.origin import origin
from nndl_lib.checks import _worker as worker
from nndl_lib.checks._engine import Check
from nndl_lib.checks._words import fault, same
from tests.chapters import CHAPTERS, EXERCISES, ROOT, SITE, text_of
from tests.test_chapters import fail

source = pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)


@functools.cache
def notebook(path):
    return exercises.read(text_of(path), path.name)


def cells_of(book, kind="code"):
    return [cell.source for cell in book.cells if cell.cell_type == kind]


def module_of(path):
    """The module of `nndl_lib.checks` that the page imports as `check`."""
    return re.search(
        r"^from nndl_lib\.checks import (\w+) as check$", "\n".join(cells_of(notebook(path))), re.MULTILINE
    )[1]


@functools.cache
def functions(path, derive):
    """The functions that the cells of a derived notebook define, without the calls of the checks."""
    namespace, dtype = {}, torch.get_default_dtype()
    for cell in cells_of(derive(notebook(path))):
        if not cell.startswith("check."):
            exec(compile(cell, str(path), "exec"), namespace)
    torch.set_default_dtype(dtype)  # a page may set another one
    return namespace


# Each exercise as (source, module, name of the function).
FOUND = [
    (path, module_of(path), name)
    for path in EXERCISES
    for name in re.findall(r"^check\.(\w+)\(\1\)$", "\n".join(cells_of(notebook(path))), re.MULTILINE)
]
exercise = pytest.mark.parametrize(
    "path, module, name", FOUND, ids=lambda value: value if isinstance(value, str) else ""
)


def check_of(module, name):
    return getattr(importlib.import_module(f"nndl_lib.checks.{module}"), name)


def wrong_answers(module):
    return importlib.import_module(f"tests.wrong_answers.{module}").ANSWERS


WRONG = [
    (module, wrong) for module in dict.fromkeys(module for _, module, _ in FOUND) for wrong in wrong_answers(module)
]
wrong_answer = pytest.mark.parametrize(
    "module, wrong", WRONG, ids=[f"{wrong.exercise}-{wrong.function.__name__}" for _, wrong in WRONG]
)


# --- the sources ----------------------------------------------------------------------------------------------------


def test_every_chapter_has_exercises():
    assert [path.stem for path in EXERCISES] == [path.stem for path in CHAPTERS]


@source
def test_each_exercise_has_all_its_parts(path):
    faults, text = [], text_of(path)
    for number, part in enumerate(re.split(r"^## ", text, flags=re.MULTILINE)[1:], start=1):
        title = part.splitlines()[0]
        if not title.startswith(f"{number}. "):
            faults.append(f"{path.name}: heading {title!r}; expected number {number}")
        if not re.search(r"^•{1,3} ", part, re.MULTILINE):
            faults.append(f"{path.name}: {title!r} has no dots that say how hard it is")
        expected = [
            "# BEGIN SOLUTION",
            "# END SOLUTION",
            "check.",
            "<summary>Hint</summary>",
            "<summary>Solution</summary>",
        ]
        places = [part.find(piece) for piece in expected]
        if -1 in places or places != sorted(places):
            faults.append(f"{path.name}: {title!r}: expected in this order: {expected}")
        lines = exercises.REGION.search(part)[2].splitlines()
        if len(lines) > 15:
            faults.append(f"{path.name}: the solution of {title!r} has {len(lines)} lines; expected at most 15")
    fail(faults)
    assert number >= 3


@source
def test_page_and_module_have_the_same_exercises(path):
    module = importlib.import_module(f"nndl_lib.checks.{module_of(path)}")
    assert sorted(name for where, _, name in FOUND if where == path) == sorted(module.__all__)
    assert all(isinstance(getattr(module, name), Check) for name in module.__all__)


# --- what is derived: parity ----------------------------------------------------------------------------------------


@exercise
def test_stub_and_solution_and_check_agree(path, module, name):
    stub, solution, check = (
        functions(path, exercises.student)[name],
        functions(path, exercises.solution)[name],
        check_of(module, name),
    )
    assert inspect.signature(stub) == inspect.signature(solution)
    assert tuple(inspect.signature(stub).parameters) == check.arguments
    assert stub.__doc__ == solution.__doc__ and len(stub.__doc__.strip().splitlines()) >= 3
    for argument in check.arguments:
        assert re.search(rf"\b{argument}\b", stub.__doc__), f"the docstring of {name} does not say what {argument} is"
    assert "Returns:" in stub.__doc__


@source
def test_students_get_no_solution(path):
    student = exercises.student(notebook(path))
    nbformat.validate(student)
    everything = "\n".join(cell.source for cell in student.cells)
    assert "SOLUTION" not in everything and "<summary>Solution" not in everything and "<summary>Hint" in everything
    regions = [region for cell in cells_of(notebook(path)) for _, region in exercises.REGION.findall(cell)]
    assert len(regions) == everything.count("not written yet")
    for region in regions:
        # Every statement of the solution but the shortest, which other code may hold too.
        lines = [line.strip() for line in region.splitlines() if len(line.strip()) > 15]
        assert lines and not [line for line in lines if line in everything]
    assert not any(cell.get("outputs") for cell in student.cells)
    assert not re.search(r"\]\((?!https?:)", everything), "a link that leads nowhere from a notebook"


@source
def test_teachers_get_everything_but_the_marks(path):
    text = "\n".join(cell.source for cell in exercises.solution(notebook(path)).cells)
    assert (
        "BEGIN SOLUTION" not in text
        and "not written yet" not in text
        and text.count("<summary>Solution</summary>") >= 3
    )


@source
def test_written_notebooks_are_derived_from_the_source(path):
    for folder in ["exercises", "solutions"]:
        expected = exercises.published(path, folder, origin())
        for file in [NOTEBOOKS, SITE / "notebooks"]:
            written = nbformat.read(file / folder / f"{path.stem}.ipynb", as_version=4)
            # Another commit since the build names another place to install the same from.
            expected.metadata["nndl"]["revision"] = written.metadata["nndl"]["revision"]
            expected.cells[1].source = written.cells[1].source
            assert written == expected, f"{file / folder}: not of today"


@source
def test_the_page_is_derived_from_the_source(path):
    executed = nbformat.read(ROOT / "_build" / "executed" / "exercises" / f"{path.stem}.ipynb", as_version=4)
    assert cells_of(executed) == cells_of(exercises.page(notebook(path)))
    outputs = [
        cell.outputs[0].text for cell in executed.cells if cell.cell_type == "code" and cell.source.startswith("check.")
    ]
    assert outputs == [f"{name}: not written yet\n" for where, _, name in FOUND if where == path]
    for _, solved in exercises.REGION.findall(text_of(path)):
        assert solved.rstrip("\n") in "\n".join(cells_of(executed, "markdown"))


def test_sources_that_do_not_fit_together_are_refused():
    head = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n"
    head += "kernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n# T\n\n"
    code = "```{code-cell} ipython3\ndef f():\n    # BEGIN SOLUTION\n    return 1\n    # END SOLUTION\n```\n\n"
    fold = "<details>\n<summary>Solution</summary>\n\nBecause.\n\n</details>\n"
    assert exercises.read(head + code + fold, "good.md")
    for text, reason in [
        (head + code.replace("    # END SOLUTION\n", "") + fold, "do not come in pairs"),
        (head + code.replace("# BEGIN", "#BEGIN") + fold, "do not come in pairs"),
        (head + code, "has no folded"),
        (head + code + code + fold, "has no folded"),
        (head + fold, "does not follow"),
        (head + code + fold + "\n" + fold, "does not follow"),
        (head + code + fold.replace("\n\nBecause", "\nBecause"), "does not follow"),
    ]:
        with pytest.raises(ValueError, match=reason) as error:
            exercises.read(text, "bad.md")
        assert "bad.md" in str(error.value)


def test_my_exercises_are_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(exercises, "ROOT", tmp_path)
    exercises.write_mine()
    file = tmp_path / "my_exercises" / f"{EXERCISES[0].stem}.ipynb"
    assert nbformat.read(file, as_version=4) == exercises.student(notebook(EXERCISES[0]))
    file.write_text("my work", encoding="utf-8")
    exercises.write_mine()
    assert file.read_text(encoding="utf-8") == "my work"
    assert not list(tmp_path.rglob("*.part"))


@source
def test_otters_source(path):
    # otter-grader itself is opt-in: here is tested what it needs, `make otter` was run by hand.
    raw = [cell.source for cell in exercises.otter(notebook(path), path.stem).cells if cell.cell_type == "raw"]
    names = [name for where, _, name in FOUND if where == path]
    assert raw[0].startswith("# ASSIGNMENT CONFIG") and "nndl_lib/checks/_engine.py" in raw[0]
    marks = ["SOLUTION", "TESTS"]
    assert [line for cell in raw[1:] for line in cell.splitlines() if line.startswith("#")] == [
        line
        for _ in names
        for line in [
            "# BEGIN QUESTION",
            *(f"# {at} {mark}" for mark in marks for at in ("BEGIN", "END")),
            "# END QUESTION",
        ]
    ]
    assert re.findall(r"^name: (\w+)$", "\n".join(raw[1:]), re.MULTILINE) == names
    code = "\n".join(cells_of(exercises.otter(notebook(path), path.stem)))
    for name in names:
        assert f"def test_{name}(check, {name}):" in code
    ast.parse(code)


# --- the checks: right answers --------------------------------------------------------------------------------------


@exercise
def test_the_stub_is_not_written_yet(path, module, name):
    verdict = check_of(module, name).verdict(functions(path, exercises.student)[name])
    assert verdict == (False, "not written yet", f"{name}: not written yet")


@exercise
def test_the_solution_passes(path, module, name):
    start = time.process_time()
    verdict = check_of(module, name).verdict(functions(path, exercises.solution)[name])
    assert verdict.passed, verdict.message
    assert verdict.message.startswith(f"{name}: passed.")
    assert time.process_time() - start < 5  # readers are told within a second; a wide margin for a busy machine


@exercise
def test_the_right_answer_passes_its_own_check(path, module, name):
    check = check_of(module, name)
    verdict = check.verdict(check.answer)
    # It may loop, or return what is not float32: all else must be right.
    assert (
        verdict.passed
        or "Its answers are right" in verdict.hint
        or "expected torch.float32" in verdict.hint
        or ("Double" in verdict.hint)
    ), verdict.message


@exercise
def test_inputs_begin_small_and_reach_the_edges(path, module, name):
    cases = list(check_of(module, name).cases())
    assert len(cases) >= 7
    assert len({case.note for case in cases if case.note}) >= 3


# --- the checks: wrong answers --------------------------------------------------------------------------------------


@exercise
def test_there_are_wrong_answers(path, module, name):
    mine = [wrong for wrong in wrong_answers(module) if wrong.exercise == name]
    assert len(mine) >= 5, f"{name}: {len(mine)} wrong answers in tests/wrong_answers/{module}.py; expected at least 5"
    assert len({wrong.hint for wrong in mine}) >= 4


@wrong_answer
def test_wrong_answers_get_the_right_hint(module, wrong, monkeypatch):
    # In a process of its own, as for readers, are the first of an exercise and what ends or hangs a process; the others
    # here, which takes half the time.
    first = next(other for other in wrong_answers(module) if other.exercise == wrong.exercise)
    if wrong is not first and not re.search("does not come|It stopped with|It ended", wrong.hint):
        monkeypatch.setattr(worker, "run", worker.run_here)
    verdict = check_of(module, wrong.exercise).verdict(
        wrong.function, seconds=2.0 if "does not come" in wrong.hint else 10.0
    )
    assert not verdict.passed, f"{wrong.exercise}: {wrong.function.__name__} passed"
    assert wrong.hint in verdict.hint, verdict.message
    shows_an_input(check_of(module, wrong.exercise), verdict.message)


def shows_an_input(check, message):
    """The lines below the sentence are code, and make one of the inputs, but for those that a comment describes."""
    _, shown, lines = message.partition("# An input that shows it")
    made = {"torch": torch}
    exec(shown + lines, made)
    inputs = [*(case.inputs for case in check.cases()), *(inputs for loop in check.loops() for inputs in loop[1:3])]
    assert not shown or any(
        all(f"\n# {name} is " in lines or is_input(made[name], value) for name, value in zip(check.arguments, given))
        for given in inputs
    ), message


def is_input(got, want):
    if isinstance(want, torch.Tensor) and got.dtype != want.dtype:
        return False
    return same(got, want, rtol=0) or repr(want) != object.__repr__(want) and callable(want) and callable(got)


@exercise
def test_every_known_mistake_gets_its_own_hint(path, module, name, monkeypatch):
    # Two mistakes with the same answers, or one that comes too late in the list, would hide a sentence.
    check = check_of(module, name)
    monkeypatch.setattr(worker, "run", worker.run_here)  # they are our own functions, and a thousand
    assert len(check.mistakes) >= 5
    fail(
        [
            f"{name}: {mistake.hint!r} got {verdict.hint!r}"
            for mistake in check.mistakes
            if (verdict := check.verdict(mistake.answer)).hint != mistake.hint
        ]
    )


@exercise
def test_hints_are_plain_sentences(path, module, name):
    check = check_of(module, name)
    for hint in [*(mistake.hint for mistake in check.mistakes), *(case.hint for case in check.cases() if case.hint)]:
        names = "|".join([*check.arguments, *check.returns])
        assert re.fullmatch(rf"([A-Z]|({names})\b).{{20,170}}[.?)]", hint), hint


@exercise
def test_constants_do_not_pass(path, module, name):
    # For each input, a function that returns its right answer whatever it is given; and one that answers at random.
    check = check_of(module, name)
    answers = [check.expected(case) for case in check.cases()]
    for answer in answers:
        assert any(fault(answer, right, check.returns, check.rtol) for right in answers)
    turns = iter(random.Random(0).sample(answers, len(answers)) * 4)
    assert not check.verdict(lambda *_: next(turns)).passed


@exercise
def test_a_function_that_raises_at_once_or_late_gets_a_message(path, module, name):
    check, solution = check_of(module, name), functions(path, exercises.solution)[name]

    def raises(*arguments):
        return {}["weights"]

    calls = itertools.count(1)

    def late(*arguments):  # right at first, then lost
        if next(calls) > 3:
            raise IndexError("too many calls")
        return solution(*arguments)

    for function, words in [(raises, "KeyError: 'weights'"), (late, "IndexError: too many calls")]:
        verdict = check.verdict(function)
        assert not verdict.passed and words in verdict.hint, verdict.message


TRACES = """
import importlib, os, random, signal, sys, threading, warnings
import numpy as np
import torch

def state():
    generators = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()
    torchs = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads(), torch.set_num_threads,
              torch.are_deterministic_algorithms_enabled(), torch.is_inference_mode_enabled())
    pythons = (dict(os.environ), list(warnings.filters), sorted(sys.modules), list(sys.path), os.getcwd(),
               sys.gettrace(), sys.stdin, sys.stdout, sys.stderr, sys.getrecursionlimit(), np.geterr(),
               np.get_printoptions(), __builtins__.input)
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        children = file.read()
    signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM)]
    signals += [signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(signal.ITIMER_REAL)]
    return [generators, torchs, pythons, children, signals, threading.enumerate(), sorted(os.listdir("/proc/self/fd"))]

def hostile(*arguments):
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    torch.set_default_dtype(torch.float16), torch.set_grad_enabled(False), torch.set_num_threads(3)
    torch._C._set_deterministic_algorithms(True)
    os.environ["CHECKED"] = "1"
    warnings.simplefilter("error")
    sys.path.append("."), os.chdir("/"), sys.setrecursionlimit(5000)
    np.seterr(all="raise"), np.set_printoptions(precision=1)
    import this
    sys.stdout.close()
    sys.stdout = None
    signal.signal(signal.SIGINT, signal.SIG_IGN), signal.alarm(100)
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    os.open("/dev/null", os.O_RDONLY)
    os.popen("sleep 100")
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            argument.zero_()

names = sys.argv[1:]
modules = [importlib.import_module("nndl_lib.checks." + name.split(".")[0]) for name in names]
checks = [getattr(module, name.split(".")[1]) for module, name in zip(modules, names)]
checks[0].verdict(hostile)  # what the first of all imports stays
before = state()
for check in checks:
    for function in (check.answer, hostile, lambda *_: 0):
        check.verdict(function)
        after = state()
        assert after == before, (check.__name__, [pair for pair in zip(before, after) if pair[0] != pair[1]])
assert not {"sklearn", "sympy", "torch._dynamo", "scipy"} & set(sys.modules)
"""


def test_checks_leave_no_trace():
    # In a process that has imported nothing else, where a module that is imported on the way would be seen.
    names = [f"{module}.{name}" for _, module, name in FOUND]
    done = subprocess.run([sys.executable, "-c", TRACES, *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@source
def test_inputs_do_not_depend_on_the_default_dtype(path):
    for _, module, name in (found for found in FOUND if found[0] == path):
        check, solution = check_of(module, name), functions(path, exercises.solution)[name]
        floats = [dtypes(check.cases()) for _ in default_dtypes()]
        assert floats[0] == floats[1], name
        for _ in default_dtypes():
            assert check.verdict(solution).passed, name


def default_dtypes():
    before = torch.get_default_dtype()
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            yield dtype
    finally:
        torch.set_default_dtype(before)


def dtypes(value):
    if isinstance(value, (tuple, list)):
        return [dtypes(part) for part in value]
    return value.dtype if isinstance(value, torch.Tensor) else type(value)
