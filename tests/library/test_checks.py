"""The engine of the checks: what it does with functions that are wrong in form, and how it puts things into words."""

import _thread
import faulthandler
import functools
import logging
import os
import re
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nndl_lib.checks import Case, exercise
from nndl_lib.checks import _mistakes as mistakes
from nndl_lib.checks import _values as values
from nndl_lib.checks import _words as words
from nndl_lib.checks import _worker as worker
from nndl_lib.checks._engine import Check
from nndl_lib.checks._words import code, describe, fault, same, show, typed


def vector(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


def inputs():
    yield Case((vector(2.0), 3.0), "one entry")
    yield Case((vector(1.0, -2.0), 2.0))
    yield Case((vector(1.0, 0.5, 4.0), 0.5), "three entries")
    yield Case((vector(1.0, 3.0, dtype=torch.float32), 2.0), "float32")
    yield Case((vector(-1.0, -3.0, -2.0), 2.0), "all negative", "Negative numbers go wrong.")


def larger():
    return [("entries", (torch.ones(8).double(), 2.0), (torch.ones(64).double(), 2.0), 56)]


@exercise(
    returns=("y",), cases=inputs, loops=larger, mistakes=[("You divide instead of multiplying.", lambda x, c: x / c)]
)
def scaled(x, c):
    """The right answer."""
    return x * c


@exercise(returns=("low", "high", "n", "any"), cases=lambda: (Case((case.inputs[0],)) for case in inputs()))
def several(x):
    return x.min(), x.max(), len(x), bool((x > 2).any())


def right(x):
    return x.min(), x.max(), len(x), bool((x > 2).any())


def hint(check, function, **options):
    verdict = check.verdict(function, **options)
    assert not verdict.passed
    assert re.sub(r"\s+", " ", verdict.message).startswith(f"{check.__name__}: not ")
    return verdict.hint


def test_a_check_is_documented_and_named_as_its_exercise():
    assert isinstance(scaled, Check) and scaled.__doc__ == "The right answer." and scaled.__name__ == "scaled"
    assert scaled.arguments == ("x", "c")


def test_passed_says_what_was_tried(capsys):
    assert scaled(lambda x, c: x * c) is None
    printed = capsys.readouterr().out
    assert printed == (
        "scaled: passed. Right on 7 inputs, among them: one entry, three entries, float32, all\n  negative.\n"
    )


def test_the_counterexample_is_the_smallest_and_can_be_typed():
    verdict = scaled.verdict(lambda x, c: x * c if len(x) < 3 else x + c)
    lines = verdict.message.splitlines()
    assert lines == [
        "scaled: not passed. y is not what it should be.",
        "# An input that shows it (three entries):",
        "x = torch.tensor([1., 0.5, 4.], dtype=torch.float64)",
        "c = 0.5",
        "# got:      y = [1.5, 1., 4.5]",
        "# expected: y = [0.5, 0.25, 2.]",
        "# It is right on 3 of the 7 inputs tried.",
    ]
    typed = {"torch": torch}
    exec("\n".join(lines[1:]), typed)
    assert typed["x"].equal(list(inputs())[2].inputs[0]) and typed["c"] == 0.5


def test_known_mistakes_and_kinds_of_input_and_factors():
    assert hint(scaled, lambda x, c: x / c) == "You divide instead of multiplying."
    assert hint(scaled, lambda x, c: x / c if len(x) != 3 else x * c) != "You divide instead of multiplying."
    assert hint(scaled, lambda x, c: x.abs() * c if (x < 0).all() else x * c) == "Negative numbers go wrong."
    assert hint(scaled, lambda x, c: -3 * x * c) == "y is -3 times what should be there, on every input."


def test_mistakes_stand_in_a_row_or_in_tuples():
    def answer(x, c):
        return x * c

    ways = [torch.div, torch.add, torch.sub]
    in_a_row = exercise(("y",), inputs, mistakes=["You divide.", ways[0], "You add or subtract.", *ways[1:]])(answer)
    in_tuples = exercise(("y",), inputs, mistakes=[("You divide.", ways[0]), ("You add or subtract.", *ways[1:])])(
        answer
    )
    assert in_a_row.mistakes == in_tuples.mistakes
    assert [mistake.hint for mistake in in_a_row.mistakes] == ["You divide.", *["You add or subtract."] * 2]
    assert hint(in_a_row, torch.sub) == "You add or subtract."


class Broken:
    def __repr__(self):
        raise ValueError("half written")


@pytest.mark.parametrize(
    "function, words",
    [
        (3.5, "It was given the float 3.5; expected your function: write check.scaled(your_function)"),
        (torch.zeros(2), "It was given a tensor of shape (2,)"),
        (None, "It was given None"),
        (lambda x: x, "It takes (x); expected (x, c)."),
        (lambda: 0, "It takes (); expected (x, c)."),
        (lambda x, c, d: x, "It takes (x, c, d); expected (x, c)."),
        (lambda x, c: None, "It returns nothing"),
        (lambda x, c: (x * c).tolist(), "y is the list [6.0]; expected a tensor of shape (1,). torch.stack makes one"),
        (lambda x, c: (x * c,), "Is there a comma at the end of the line?"),
        (lambda x, c: (x * c).to_sparse(), "y is a sparse tensor of shape (1,); expected a tensor of shape (1,)."),
        (lambda x, c: (x * c).to("meta"), "y is a tensor of shape (1,) on the device meta; expected a tensor"),
        (lambda x, c: Broken(), "y is a Broken; expected a tensor"),
        (lambda x, c: ["x" * 10**6], "y is a list; expected a tensor"),
        (lambda x, c: {}[Broken()], "It stopped with KeyError, in the line"),
        (lambda x, c: x ^ c, "The power is written **; ^ is something else."),
        (lambda x, c: (x * c).numpy(), "y is a NumPy array of shape (1,); expected a torch tensor."),
        (lambda x, c: (x * c)[None], "y has shape (1, 1); expected (1,): an axis of length 1 too many."),
        (lambda x, c: (x * c).sum(), "y is added up to one number."),
        (lambda x, c: (x * c)[0], "y is only the first row of what should be there."),
        (
            lambda x, c: (x * c)[0] + 1,
            "y has shape (); expected (2,).",
        ),  # not of the first input, where an axis of length 1 is missing
        (lambda x, c: (x * c).double(), "y is torch.float64; expected torch.float32, as x is:"),
        (lambda x, c: (x * c).float(), "y is torch.float32; expected torch.float64, as x is:"),
        (lambda x, c: x * c / 0, "y holds inf; expected finite numbers."),
        (lambda x, c: x * c * float("nan"), "y holds nan; expected finite numbers."),
        (lambda x, c: x @ torch.ones(3), "It stopped with RuntimeError"),
        (lambda x, c: x * torch.ones(len(x) + 1, dtype=torch.complex64), "y "),
        (lambda x, c: "x * c", "y is the str 'x * c'; expected a tensor"),
    ],
)
def test_wrong_in_form(function, words):
    assert words in hint(scaled, function)
    assert len(scaled.verdict(function).message) < 2000


def test_defaults_and_stars_are_welcome():
    assert scaled.verdict(lambda x, c, extra=1: x * c).passed
    assert scaled.verdict(lambda *arguments: arguments[0] * arguments[1]).passed
    assert scaled.verdict(torch.mul).passed
    assert scaled.verdict(functools.partial(lambda k, x, c: x * c, 1)).passed


def test_several_answers():
    assert several.verdict(right).passed
    assert several.verdict(lambda x: list(right(x))).passed
    kinds = several.verdict(lambda x: (x.min(), x.max(), torch.tensor(len(x)), (x > 2).any()))
    assert kinds.passed, kinds.message  # zero-dimensional tensors count as numbers and truth values
    assert "It returns 3 values; expected 4 values, low, high, n, any, in this order." == hint(
        several, lambda x: right(x)[:3]
    )
    assert "It returns a tensor of shape (1,); expected 4 values" in hint(several, lambda x: x)
    assert "n is 2; expected 1. (low, high and any are right.)" == hint(
        several, lambda x: (x.min(), x.max(), len(x) ** 2 + 1, bool((x > 2).any()))
    )
    assert "n is the float 1.0; expected a whole number." in hint(
        several, lambda x: (*right(x)[:2], float(len(x)), right(x)[3])
    )
    assert "any is the int 0; expected True or False." in hint(several, lambda x: (*right(x)[:3], int((x > 2).any())))
    assert "any is True; expected False." in hint(several, lambda x: (*right(x)[:3], True))


def test_not_written_yet_comes_first():
    def stub(x, c):
        raise NotImplementedError("not written yet")

    assert scaled.verdict(stub) == (False, "not written yet", "scaled: not written yet")

    def half(x, c):
        if len(x) > 1:
            raise NotImplementedError
        return x * c

    assert scaled.verdict(half).hint == "not written yet"

    def cannot(x, c):  # PyTorch raises the same error for what it cannot do
        return x.to("meta").item() * c

    def says_more(x, c):
        raise NotImplementedError("float32 is not supported")

    assert "It stopped with" in hint(scaled, cannot) and "float32 is not supported" in hint(scaled, says_more)


def changes_x(x, c):
    x *= c
    return x


def test_inputs_belong_to_the_caller():
    assert "it changes x, which belongs to the caller" in hint(scaled, changes_x)
    assert "it switches gradients on in x" in hint(scaled, lambda x, c: x.requires_grad_().detach() * c)
    given = list(inputs())[1].inputs[0]
    scaled.verdict(changes_x)
    assert list(inputs())[1].inputs[0].equal(given)


def test_answers_are_taken_when_they_are_given():
    kept = []

    def gives_the_same_tensor(x, c):
        kept.append(x)
        kept[0] = kept[0].new_zeros(0) if len(kept[0]) != len(x) else kept[0]
        return x * c

    assert scaled.verdict(gives_the_same_tensor).passed
    assert scaled.verdict(lambda x, c: x.clone().requires_grad_() * c).passed  # with gradients attached


def test_loops():
    def by_entries(x, c):
        y = torch.empty_like(x)
        for k in range(len(x)):
            y[k] = x[k] * c
        return y

    def by_map(x, c):
        def times(value):
            return value * c

        return torch.tensor(list(map(times, x.tolist())), dtype=x.dtype)

    words = "a Python loop runs over the entries"
    assert words in hint(scaled, by_entries)
    assert words in hint(scaled, lambda x, c: torch.stack([value * c for value in x]))
    assert words in hint(scaled, by_map)
    assert sys.gettrace() is None


def test_what_it_prints_is_shown_for_the_counterexample_alone(capsys):
    def prints(x, c):
        print("shape", tuple(x.shape))
        return x * c if len(x) < 3 else x

    message = scaled.verdict(prints).message
    assert message.endswith("# printed:\n#   shape (3,)\n# It is right on 3 of the 7 inputs tried.")
    assert capsys.readouterr().out == ""
    assert scaled.verdict(lambda x, c: print("x") or x * c).passed


# --- functions that do not come back --------------------------------------------------------------------------------


def forever(x, c):
    while True:
        pass


def stubborn(x, c):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def swallows(x, c):
    while True:
        try:
            x = x * c
            x = x.undefined
        except BaseException:
            pass


def asleep(x, c):
    time.sleep(3600)


def counts_for_ever(x, c):
    return sum(range(10**12))  # one call of compiled code, which lets no other thread of Python run


class Sleeps:
    def __repr__(self):
        time.sleep(3600)


class Agrees:
    def __eq__(self, other):
        return True

    __float__ = __len__ = __bool__ = __hash__ = lambda self: 1


class Lies:
    """Raises whatever it is asked, even for its class."""

    def __getattribute__(self, name):
        raise RuntimeError("no")

    __repr__ = __eq__ = __float__ = __len__ = __iter__ = __bool__ = __hash__ = lambda self, *_: 1 / 0


@pytest.mark.parametrize(
    "function, line",
    [
        (forever, ("pass", "while True:")),
        (stubborn, ("time.sleep(0.01)", "try:", "while True:")),
        (
            swallows,
            ("x = x * c", "x = x.undefined", "try:", "while True:", "pass", "except BaseException:"),
        ),
        (asleep, ("time.sleep(3600)",)),
        (
            counts_for_ever,
            ("return sum(range(10**12))  # one call of compiled code, which lets no other thread of Python run",),
        ),
    ],
)
def test_a_function_that_hangs_is_stopped_and_its_line_named(function, line):
    found = hint(scaled, function, seconds=0.3)
    words = "It does not come to an end, or is very slow: after 0.3 s it was still at work, in the line: "
    assert found.startswith(words) and found.removeprefix(words).split(". If that")[0] in line


@pytest.mark.skipif(sys.platform != "linux", reason="no system else says how long a process had no core")
def test_time_in_which_others_have_the_cores_does_not_count(monkeypatch):
    begun, before = (time.perf_counter(), time.thread_time()), worker._queued(os.getpid())
    while time.thread_time() < begun[1] + 0.2:
        pass
    waited = worker._queued(os.getpid()) - before
    assert 0 <= waited <= time.perf_counter() - begun[0] - 0.2 + 0.02  # time on a core is none of it
    assert worker._queued(-1) == 0
    # As on a busy machine: five inputs and more at 0.1 s each, where 0.3 s are allowed.
    monkeypatch.setattr(worker, "_queued", lambda child: 20.0)
    assert scaled.verdict(lambda x, c: (time.sleep(0.1), x * c)[1], seconds=0.3).passed
    # But it ends before the child ends itself, without a word of where it was.
    monkeypatch.setattr(worker, "_queued", lambda child: 1e9)
    monkeypatch.setattr(worker, "QUEUE", 0.1)
    assert "after 0.2 s it was still at work" in hint(scaled, asleep, seconds=0.2)


def test_what_is_returned_or_given_may_hang_too():
    assert "It does not come to an end" in hint(scaled, lambda x, c: Sleeps(), seconds=0.3)
    assert "It does not come to an end" in hint(scaled, Sleeps(), seconds=0.3)


def test_objects_that_agree_or_raise_do_not_pass():
    for thing in (Agrees(), Lies(), [Agrees()], (Lies(),), {"y": Lies()}):
        assert "y is " in hint(scaled, lambda x, c: thing)
        assert "low is " in hint(several, lambda x: (thing,) * 4)
    assert "It was given " in hint(scaled, Agrees()) and "It was given " in hint(scaled, Lies())
    loop = []
    loop.append(loop)
    assert "y is a list; expected a tensor" in hint(scaled, lambda x, c: loop)


@pytest.mark.parametrize("interrupt", [lambda: os.kill(os.getpid(), signal.SIGINT), _thread.interrupt_main])
def test_an_interrupt_stops_the_function_and_the_check(interrupt):
    timer = threading.Timer(0.5, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            scaled.verdict(forever, seconds=60)
    finally:
        timer.join()
    assert children() == []
    assert scaled.verdict(lambda x, c: x * c).passed


def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return file.read().split()


@pytest.mark.parametrize(
    "leave, words",
    [
        (lambda: os._exit(3), "It ended Python itself (exit status 3)"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "It ended Python itself (signal 9, Killed)"),
        (lambda: os.kill(os.getppid(), signal.SIGKILL), "It ended the process that checks it (signal 9, Killed)"),
        (lambda: os.kill(0, signal.SIGKILL), "It ended the process that checks it (signal 9, Killed)"),
        (faulthandler._sigsegv, "It ended Python itself (signal 11, Segmentation fault), in the line: leave()"),
        (faulthandler._fatal_error_c_thread, "It ended Python itself (signal 6, Aborted)"),
        (lambda: os.closerange(3, 1000), "It ended Python itself (exit status 1)"),
        (lambda: torch.zeros(10**14), "It stopped with RuntimeError"),
        (lambda: bytearray(10**14), "It stopped with MemoryError"),
        (lambda: input("How many?"), "It stopped with EOFError: input() has nobody to ask"),
        (lambda: os.kill(os.getpid(), signal.SIGINT), "It stopped with KeyboardInterrupt"),
    ],
)
def test_nothing_that_a_function_does_ends_the_kernel(leave, words):
    def leaves(x, c):
        leave()
        return x * c

    assert words in hint(scaled, leaves)
    assert children() == []


def test_checks_run_in_any_thread():
    verdicts = []
    threads = [
        threading.Thread(target=lambda: verdicts.append(scaled.verdict(lambda x, c: x / c).hint)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == ["You divide instead of multiplying."] * 3 and children() == []


def test_a_function_that_becomes_two_is_judged_once():
    def becomes_two(x, c):
        os.fork()
        return x * c

    assert scaled.verdict(becomes_two).passed


def test_what_a_function_does_to_torch_reaches_neither_the_check_nor_the_kernel():
    def poisons(x, c):
        torch.equal = torch.Tensor.equal = torch.allclose = lambda *_: True
        torch.Tensor.le = torch.Tensor.abs = lambda self, *_: torch.ones(())
        words.same = values.pack = lambda *_: True
        return x + c

    before = torch.equal
    assert "y is not what it should be." in hint(scaled, poisons)
    assert torch.equal is before and words.same is same


def test_what_is_not_tried_has_not_passed():
    # An error in a further call must not leave a short list that looks like success.
    calls = []

    def tires(x, c):
        calls.append(1)
        if len(calls) > 7:
            raise IndexError("too many calls")
        return torch.stack([value * c for value in x])

    assert "It could not be tried on all inputs. It stopped with IndexError: too many calls" in hint(scaled, tires)


def test_the_output_may_be_closed_or_flooded(capfd):
    def shuts(x, c):
        sys.stdout.close()
        return x * c

    def floods(x, c):
        for _ in range(100):
            print("x" * 10**5)
        print("to the error stream", file=sys.stderr)
        os.write(1, b"past Python")
        os.system("echo from another program")
        warnings.warn("a warning", stacklevel=2)
        logging.getLogger().error("a record")
        return x

    assert scaled.verdict(shuts).passed
    assert len(scaled.verdict(floods).message) < 2000
    print("the output is where it was")
    assert capfd.readouterr() == ("the output is where it was\n", "")


def test_the_default_dtype_is_put_back():
    def sets(x, c):
        torch.set_default_dtype(torch.float16)
        return x * c

    assert scaled.verdict(sets).passed
    assert torch.get_default_dtype() == torch.float32


def test_an_error_does_not_hide_behind_a_known_mistake():
    # The input shown is one that was answered, so that it fits the sentence.
    def divides(x, c):
        assert len(x) > 1
        return x / c

    message = scaled.verdict(divides).message
    assert (
        "You divide" in message and "x = torch.tensor([1., -2.]" in message and "# got:      y = [0.5, -1.]" in message
    )


def test_errors_of_every_kind_get_a_sentence():
    def deep(x, c):
        return deep(x, c)

    def leaves(x, c):
        raise SystemExit(2)

    def key(x, c):
        settings = {}
        return x * settings["rate"]

    def interrupted(x, c):
        raise KeyboardInterrupt

    assert "RecursionError" in hint(scaled, deep)
    assert "SystemExit: 2" in hint(scaled, leaves)
    assert hint(scaled, key) == "It stopped with KeyError: 'rate', in the line: return x * settings[\"rate\"]."
    assert "KeyboardInterrupt" in hint(scaled, interrupted)
    assert "new tensors with the dtype of the inputs" in hint(
        scaled, lambda x, c: x @ torch.eye(len(x), dtype=torch.float32) * c
    )


# --- words ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), st.floats(1e-5, 1e3))
def test_same_is_about_the_largest_entry(values, off):
    want = vector(*values)
    assert same(want.clone(), want)
    scale = max(want.abs().max().item(), 1e-3)
    got = want.clone()
    got[0] += scale * off
    assert not same(got, want)


def test_same():
    assert same((vector(1.0), 2), [vector(1.0), 2]) and not same((vector(1.0),), (vector(1.0), 2))
    assert same(vector(float("nan"), float("inf")), vector(float("nan"), float("inf")))
    assert not same(vector(float("inf")), vector(-float("inf"))) and not same(
        vector(float("nan")), vector(float("inf"))
    )
    assert not same(vector(1.0), vector(1.0, 1.0)) and not same(None, vector(1.0)) and not same(1.0, vector(1.0))
    assert same(vector(1.0, dtype=torch.float32) / 3, vector(1.0) / 3) and not same(vector(1.0) + 1e-5, vector(1.0))
    assert not same(vector(1.0) + 1e-12, vector(1.0), rtol=0)
    assert same("a", "a") and not same("a", "b") and same(True, np.bool_(True)) and not same(vector(1.0), 1.0)


def test_transposed():
    want = torch.arange(6.0).reshape(2, 3)
    assert fault(want.T, want, ("A",), 1e-8) == "A has shape (3, 2); expected (2, 3): it is transposed."
    assert "rows and columns are exchanged" in fault(want.T + 1, want, ("A",), 1e-8)
    assert fault(want, want, ("A",), 1e-8) == ""


def test_code_and_show():
    assert code(vector(1.0, 0.25)) == "torch.tensor([1., 0.25], dtype=torch.float64)"
    assert code(torch.tensor([[1, 2]])) == "torch.tensor([[1, 2]])"
    assert code(vector(1.0, dtype=torch.float32)) == "torch.tensor([1.])"
    assert (
        code(torch.zeros(0, 2)) == "torch.zeros((0, 2))"
        and code(torch.zeros(0, dtype=torch.int64)) == "torch.zeros((0,), dtype=torch.int64)"
    )
    assert (
        code(torch.zeros(15, 15)) == "" and code(object()) == "" and code([0] * 10**5) == "" and code([object()]) == ""
    )
    assert typed("X", torch.zeros(15, 15)) == ["# X is a tensor of shape (15, 15), torch.float32"]
    assert typed("x", [0] * 10**5) == ["# x is a list of 100,000 entries"]
    assert code([1, 2.5]) == "[1, 2.5]" and code((1, "a")) == "(1, 'a')" and code(True) == "True"
    assert show((vector(1.0), 2, True), ("w", "n", "ok")) == "w = [1.], n = 2, ok = True"
    assert (
        show(torch.tensor(0.5), ("J",)) == "J = 0.5"
        and show(torch.zeros(9, 9), ("A",)) == "A = a tensor of shape (9, 9)"
    )
    assert describe(np.float64(2.0)) == "a NumPy number, 2.0" and describe("x" * 99) == "a str"


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=6),
    st.sampled_from(
        [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool]
    ),
    st.booleans(),
)
def test_what_is_typed_is_the_same_again(numbers, dtype, double):
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if double else torch.float32)
    try:
        exact = torch.tensor(numbers, dtype=torch.float64)
        value = (exact if dtype.is_floating_point else exact.nan_to_num().clamp(0, 100)).to(dtype)
        for want in (value, value.reshape(1, -1), value[:1].squeeze()):
            got = {"torch": torch}
            exec("\n".join(typed("got", want)), got)
            assert got["got"].dtype == want.dtype and got["got"].shape == want.shape
            assert torch.equal(got["got"].nan_to_num(7), want.nan_to_num(7))
        assert same(eval(code(numbers)), numbers, rtol=0)
    finally:
        torch.set_default_dtype(default)


def test_numbers_are_numbers_and_nothing_else_is():
    for one in (1, 1.0, np.float32(1), np.int8(1), torch.tensor(1), torch.tensor(1.0)):
        assert same(one, 1) and same(one, 1.0)
    for other in (
        True,
        "1",
        "1.0",
        np.bool_(True),
        torch.tensor(True),
        vector(1.0),
        [1],
        None,
        1j,
        torch.tensor(1j),
        np.ones(1),
    ):
        assert not same(other, 1) and not same(other, 1.0)
    assert same(7e-33, 0.0) and not same(1e-6, 0.0) and same(float("nan"), float("nan")) and not same(1.0, float("nan"))
    assert same(float("inf"), float("inf")) and not same(float("-inf"), float("inf")) and not same(1.0, float("inf"))
    assert (
        same({"a": [1]}, {"a": [1]})
        and not same({"a": [1]}, {"a": [2]})
        and not same({}, {"a": 1})
        and not same([], {})
    )


def test_the_type_counts_where_the_task_names_it():
    number, whole = ("rate",), ("n",)
    for value in (0.5, np.float64(0.5)):
        assert fault(value, 0.5, number, 1e-8, strict=number) == ""
    assert fault(torch.tensor(0.5), 0.5, number, 1e-8) == ""
    assert fault(torch.tensor(0.5), 0.5, number, 1e-8, strict=number) == (
        "rate is a tensor of shape (); expected a Python float. Take it out of the tensor with .item()."
    )
    for value in ("0.5", [0.5], True, np.ones(1), torch.tensor([0.5]), 1j):
        assert "expected a number" in fault(value, 0.5, number, 1e-8)
    want = torch.tensor([1, 2])
    assert fault(want.int(), want, whole, 1e-8) == "" and fault(want.to(torch.uint8), want, whole, 1e-8) == ""
    assert (
        fault(want.int(), want, whole, 1e-8, strict=whole)
        == "n is torch.int32; expected torch.int64, whole numbers: .long() makes them."
    )
    assert "expected torch.int64" in fault(want.double(), want, whole, 1e-8)
    assert "expected torch.int64" in fault(want == 1, want, whole, 1e-8)


def test_a_dtype_is_that_of_an_input_only_where_one_has_it():
    want = vector(1.0) > 0
    assert fault(want.double(), want, ("dead",), 1e-8, {torch.float64: "x"}) == (
        "dead is torch.float64; expected torch.bool, True or False: a comparison gives it."
    )
    assert (
        fault(vector(1.0), vector(1.0).float(), ("y",), 1e-8, {torch.float64: "x"})
        == "y is torch.float64; expected torch.float32."
    )


# --- mistakes that the engine sees by itself --------------------------------------------------------------------------


def matrices(dtype=torch.float64):
    for rows, columns in [(1, 1), (2, 2), (3, 2), (2, 4), (5, 3)]:
        g = torch.Generator().manual_seed(rows + 10 * columns)
        yield Case(
            (
                torch.randn(rows, columns, generator=g, dtype=dtype),
                torch.randn(columns, generator=g, dtype=dtype),
                rows / 8,
            )
        )
    yield Case((torch.full((2, 3), 0.5), torch.tensor([1.0, -2.0, 0.25]), 0.75), "float32")


@exercise(returns=("y",), cases=matrices)
def product(X, w, lr):
    return X @ w


@exercise(returns=("A",), cases=matrices)
def table(X, w, lr):
    return X * w


@exercise(returns=("b", "c", "n"), cases=matrices)
def three(X, w, lr):
    return X.sum(dim=0) + 1, X.sum(dim=0) - w, len(X)


@exercise(returns=("w",), cases=matrices)
def step(X, w, lr):
    return w - lr * X.sum(dim=0)


@exercise(
    returns=("low", "width"),
    cases=matrices,
    follows=[
        ("low is wrong, and width follows from it.", lambda got, X, w, lr: (got[0], X.max() - got[0])),
        (
            "width is wrong where X has less than three columns.",
            lambda got, X, w, lr: (X.min(), got[1] if len(w) < 3 else X.max() - X.min()),
        ),
    ],
)
def spread(X, w, lr):
    return X.min(), X.max() - X.min()


@pytest.mark.parametrize(
    "check, function, words",
    [
        (product, lambda X, w, lr: -X @ w, "y has the wrong sign."),
        (product, lambda X, w, lr: 2 * X @ w, "y is twice what should be there."),
        (product, lambda X, w, lr: X @ w / 2, "y is half of what should be there."),
        (product, lambda X, w, lr: 5 * X @ w, "y is 5 times what should be there, on every input."),
        (
            product,
            lambda X, w, lr: X @ w * len(X),
            "y is n times what should be there, where n is the number of rows of X.",
        ),
        (
            product,
            lambda X, w, lr: X @ w / len(X),
            "y is 1 / n times what should be there, where n is the number of rows of X.",
        ),
        (
            product,
            lambda X, w, lr: X @ w / 2 / len(w),
            "y is 1 / (2 n) times what should be there, where n is the number of columns of X.",
        ),
        (
            product,
            lambda X, w, lr: -X @ w * X.numel(),
            "y is -n times what should be there, where n is the number of entries of X.",
        ),
        (
            product,
            lambda X, w, lr: X @ w * len(w) / len(X),
            (
                "y is n / m times what should be there, "
                "where n is the number of columns of X, and m the number of rows of X."
            ),
        ),
        (product, lambda X, w, lr: lr * X @ w, "y is lr times what should be there."),
        (product, lambda X, w, lr: X @ w / (1 - lr), "y is 1 / (1 - lr) times what should be there."),
        (product, lambda X, w, lr: X @ w + lr, "y is too large by lr: subtract it."),
        (product, lambda X, w, lr: X @ w + 0.125, "y is 0.125 too large, on every input."),
        (product, lambda X, w, lr: (X @ w).tanh(), "y is the tanh of what should be there."),
        (product, lambda X, w, lr: (X @ w) ** 2, "y is the square of what should be there."),
        (product, lambda X, w, lr: (X @ w).relu(), "y has no negative entries: they have become 0."),
        (product, lambda X, w, lr: 0 * X @ w, "y is zero on every input."),
        (product, lambda X, w, lr: (X @ w).flip(0), "y is in reversed order."),
        (product, lambda X, w, lr: (X @ w).sum(), "y is added up to one number."),
        (table, lambda X, w, lr: (X * w).T, "A is transposed."),
        (table, lambda X, w, lr: X, "A is the argument X, unchanged."),
        (table, lambda X, w, lr: X * w - X, "A is too small by X: add it."),
        (table, lambda X, w, lr: X * w * X, "A is X times what should be there, entry by entry."),
        (table, lambda X, w, lr: (X * w).mean(dim=0), "A is averaged over the first axis."),
        (table, lambda X, w, lr: (X * w).roll(1, 1), "A is moved by one place to the right."),
        (step, lambda X, w, lr: w + lr * X.sum(dim=0), "The change of w has the wrong sign."),
        (step, lambda X, w, lr: w - X.sum(dim=0), "The change of w is 1 / lr times what should be there."),
        (
            step,
            lambda X, w, lr: w - 2 * lr * X.mean(dim=0),
            "The change of w is 2 / n times what should be there, where n is the number of rows of X.",
        ),
        (step, lambda X, w, lr: -lr * X.sum(dim=0), "w is the change alone: add it to what was given."),
        (step, lambda X, w, lr: lr * X.sum(dim=0), "w is the change alone, with the wrong sign."),
        (step, lambda X, w, lr: w, "w is the argument w, unchanged."),
        (spread, lambda X, w, lr: (X.min() ** 3, X.max() - X.min() ** 3), "low is wrong, and width follows from it."),
        (
            spread,
            lambda X, w, lr: (X.min(), X.max() - X.min() + (0 if len(w) > 2 else w.exp().sum())),
            "width is wrong where X has less than three columns.",
        ),
        (
            spread,
            lambda X, w, lr: X.min(),
            "It returns a tensor of shape (); expected 2 values, low, width, in this order.",
        ),
        (
            three,
            lambda *a: three.answer(*a)[::-1],
            "All is right, but in the wrong order: it returns n, c, b; expected b, c, n.",
        ),
        (three, lambda *a: (three.answer(*a)[0],) * 2 + (len(a[0]),), "c is what b should be. (b and n are right.)"),
        (
            three,
            lambda *a: (*three.answer(*a)[:2], len(a[0]) + 1),
            "n is 1 too large, on every input. (b and c are right.)",
        ),
        (
            three,
            lambda *a: (*(-part for part in three.answer(*a)[:2]), len(a[0])),
            "b and c have the wrong sign. (n is right.)",
        ),
        (
            three,
            lambda *a: (-three.answer(*a)[0], three.answer(*a)[1] ** 3 + 1, len(a[0])),
            "b has the wrong sign. (n is right.) (c is wrong in another way.)",
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_mistakes_that_any_exercise_may_meet(check, function, words, dtype, monkeypatch):
    monkeypatch.setattr(check, "_cases", lambda: matrices(dtype))
    assert hint(check, function) == words


@pytest.mark.parametrize(
    "check, function",
    [
        (product, lambda X, w, lr: X @ w * (2 if len(X) == 3 else 1)),  # only one input shows it
        (product, lambda X, w, lr: X @ w * (2 if len(X) < 3 else 3)),
        (product, lambda X, w, lr: X @ w * len(X) * (3 if len(w) == 4 else 1)),
        (product, lambda X, w, lr: X.abs() @ w),
        (step, lambda X, w, lr: w - lr * X.sum(dim=0) * (2 if len(X) < 3 else 3)),
        (spread, lambda X, w, lr: (X.min() ** 3, X.max() - X.min())),  # the second does not follow from the first
        (spread, lambda X, w, lr: (X.min(), X.max() - X.min() + w.exp().sum())),
        (table, lambda X, w, lr: (X * w).T if X.shape[0] != X.shape[1] else X + w),
    ],
)
def test_a_mistake_is_named_only_if_it_explains_all_answers(check, function):
    assert "not what it should be" in hint(check, function) or "has shape" in hint(check, function)


@pytest.mark.parametrize(
    "function, never",
    [
        (lambda X, w, lr: X.sum(dim=1) + 1, " It never uses w."),  # nor lr, on which nothing depends
        (lambda X, w, lr: X.sum(dim=1) * w.mean().exp(), ""),
        (lambda A, v, rate: (lambda: A.sum(dim=1).exp())(), " It never uses w."),
        (lambda A, v, rate: [A.sum(dim=1) * k for k in v.exp()][0], ""),
        (lambda X, w, lr: eval("X.sum(dim=1) * w.mean().exp()"), ""),
        (lambda *arguments: arguments[0].sum(dim=1).exp(), ""),
    ],
)
def test_an_argument_that_is_never_used_is_named(function, never):
    assert hint(product, function) == f"y is not what it should be.{never}"


def test_every_sentence_of_a_mistake_is_one():
    for said, *_ in [*mistakes.FUNCTIONS, *mistakes.SHAPES, *mistakes.LISTS]:
        assert re.fullmatch(r"\{names\} \{(is|has|lacks)\} .*\.", said)


# --- where there is no fork -------------------------------------------------------------------------------------------


@pytest.fixture(params=["another system", "a GPU in use", "threads of autograd", "no process left"])
def no_fork(request, monkeypatch):
    def raises(*_):
        raise {"threads of autograd": worker._CannotFork, "no process left": OSError}[request.param]

    if request.param == "another system":
        monkeypatch.setattr(sys, "platform", "darwin")
    elif request.param == "a GPU in use":
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    else:
        monkeypatch.setattr(worker, "_hold_still" if request.param == "threads of autograd" else "_fork", raises)


def test_checks_work_without_a_fork(no_fork, capfd):
    def traces(x, c):
        torch.manual_seed(0), torch.set_default_dtype(torch.float16), np.random.seed(0), torch.set_grad_enabled(False)
        os.environ["CHECKED"] = "1"
        print("traces")
        return x

    states = torch.get_rng_state(), str(np.random.get_state()), dict(os.environ), torch.get_default_dtype()
    assert scaled.verdict(lambda x, c: x * c).passed
    assert "You divide" in hint(scaled, lambda x, c: x / c)
    assert "SystemExit" in hint(scaled, lambda x, c: sys.exit(1))
    assert "# printed:\n#   traces" in scaled.verdict(traces).message
    assert torch.equal(states[0], torch.get_rng_state()) and torch.is_grad_enabled()
    assert states[1:] == (str(np.random.get_state()), dict(os.environ), torch.get_default_dtype())
    assert "after 0.2 s it was still at work, in the line: " in hint(scaled, forever, seconds=0.2)
    assert capfd.readouterr() == ("", "")


def test_a_check_without_a_fork_ends_in_the_background(no_fork):
    # A shell lets what it starts in the background ignore interrupts, by which a check stops a function.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert "it was still at work" in hint(scaled, forever, seconds=0.2)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_the_readers_without_a_fork(no_fork):
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        scaled.verdict(forever, seconds=60)
    timer.join()
