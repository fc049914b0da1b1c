"""The engine of the checks: what it does with functions that are wrong in form, and how it puts things into words."""

import functools
import re
import sys
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nndl_lib.checks import engine
from nndl_lib.checks.engine import Case, Check, exercise
from nndl_lib.checks.words import code, describe, fault, same, show


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
    returns=("y",), cases=inputs, loops=larger, mistakes=[("You divide instead of multiplying.", lambda x, c: x / c)])
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
    assert printed == ("scaled: passed. Right on 7 inputs, among them: one entry, three entries, float32, all\n  negative.\n")


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
    assert hint(scaled, lambda x, c: -3 * x * c) == "y is -3 times what it should be, on every input."


class Broken:
    def __repr__(self):
        raise ValueError("half written")


@pytest.mark.parametrize("function, words", [
    (3.5, "It was given the float 3.5; expected your function: write check.scaled(your_function)"),
    (torch.zeros(2), "It was given a tensor of shape (2,)"),
    (None, "It was given None"),
    (lambda x: x, "It takes (x); expected (x, c)."),
    (lambda: 0, "It takes (); expected (x, c)."),
    (lambda x, c, d: x, "It takes (x, c, d); expected (x, c)."),
    (lambda x, c: None, "It returns nothing"),
    (lambda x, c: (x * c).tolist(), "y is the list [6.0]; expected a tensor of shape (1,). torch.stack makes one"),
    (lambda x, c: (x * c,), "Is there a comma at the end of the line?"),
    (lambda x, c: (x * c).to_sparse(), "It returns something that cannot be compared"),
    (lambda x, c: (x * c).to("meta"), "It returns something that cannot be compared"),
    (lambda x, c: Broken(), "y is a Broken; expected a tensor"),
    (lambda x, c: ["x" * 10**6], "y is a list; expected a tensor"),
    (lambda x, c: {}[Broken()], "It stopped with KeyError, in the line"),
    (lambda x, c: x ^ c, "The power is written **; ^ is something else."),
    (lambda x, c: (x * c).numpy(), "y is a NumPy array of shape (1,); expected a torch tensor."),
    (lambda x, c: (x * c)[None], "y has shape (1, 1); expected (1,): an axis of length 1 too many."),
    (lambda x, c: (x * c).sum(), "y has shape (); expected (1,): an axis of length 1 is missing."),
    (lambda x, c: (x * c).double(), "y is torch.float64; expected torch.float32, as the inputs"),
    (lambda x, c: (x * c).float(), "y is torch.float32; expected torch.float64, as the inputs"),
    (lambda x, c: x * c / 0, "y holds inf; expected finite numbers."),
    (lambda x, c: x * c * float("nan"), "y holds nan; expected finite numbers."),
    (lambda x, c: x @ torch.ones(3), "It stopped with RuntimeError"),
    (lambda x, c: x * torch.ones(len(x) + 1, dtype=torch.complex64), "y "),
    (lambda x, c: "x * c", "y is the str 'x * c'; expected a tensor"),
])
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
    assert "It returns 3 values; expected 4 values, low, high, n, any, in this order." == hint(several, lambda x: right(x)[:3])
    assert "It returns a tensor of shape (1,); expected 4 values" in hint(several, lambda x: x)
    assert "n is 2; expected 1. (low, high and any are right.)" == hint(several, lambda x: (x.min(), x.max(), len(x) + 1, bool((x > 2).any())))
    assert "n is the float 1.0; expected a whole number." in hint(several, lambda x: (*right(x)[:2], float(len(x)), right(x)[3]))
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
    assert scaled.verdict(lambda x, c: (x.clone().requires_grad_() * c)).passed  # with gradients attached


def test_loops():
    def by_entries(x, c):
        y = torch.empty_like(x)
        for k in range(len(x)):
            y[k] = x[k] * c
        return y

    words = "a Python loop runs over the entries"
    assert words in hint(scaled, by_entries)
    assert words in hint(scaled, lambda x, c: torch.stack([value * c for value in x]))
    assert words in hint(scaled, lambda x, c: torch.tensor(list(map(lambda value: value * c, x.tolist())), dtype=x.dtype))
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
            x = undefined  # noqa: F821
        except:  # noqa: E722
            pass


def asleep(x, c):
    time.sleep(3.9)
    return x * c


def test_a_function_that_hangs_is_stopped_and_its_line_named():
    before = threading.active_count()
    for function in [forever, stubborn, swallows]:
        found = hint(scaled, function, seconds=0.3)
        assert "It does not come to an end, or is very slow: after 0.3 s it was still at work, in the line: " in found
        assert "could not be stopped" not in found
    assert "in the line: pass" in hint(scaled, forever, seconds=0.3) or "in the line: while True:" in hint(scaled, forever, seconds=0.3)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before  # no thread goes on at work


def test_what_is_stopped_leaves_python_as_it_was():
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    try:
        assert "in the line" in hint(scaled, forever, seconds=0.1)
        assert abs(sys.getswitchinterval() - 0.004) < 1e-6  # Python keeps it in whole microseconds
    finally:
        sys.setswitchinterval(before)


def test_a_function_that_was_given_up_is_not_called_again(monkeypatch):
    calls, done = [], threading.Event()

    def slow(x, c):
        calls.append(0)
        done.wait(5)
        return x * c

    monkeypatch.setattr(engine, "_stop", lambda thread, run: None)  # as if nothing could stop it
    assert "restart the kernel" in hint(scaled, slow, seconds=0.1)
    threads = [thread for thread in threading.enumerate() if thread.daemon and thread.name.endswith("(work)")]
    done.set()
    for thread in threads:
        thread.join(5)
    assert len(threads) == 1 and calls == [0]


def test_a_function_that_sleeps_in_compiled_code_is_given_up(capsys):
    start = time.monotonic()
    found = hint(scaled, asleep, seconds=0.1)
    assert "in the line: time.sleep(3.9)" in found and "restart the kernel" in found
    assert time.monotonic() - start < 3.8
    print("the output is where it was")
    assert capsys.readouterr().out == "the output is where it was\n"


def test_what_is_not_tried_has_not_passed():
    # An error outside the answers, or in a further call, must not leave a short list that looks like success.
    def shuts_the_output(x, c):
        sys.stdout.close()
        return torch.tensor(42.0)

    def tires(x, c, calls=[]):
        calls.append(1)
        if len(calls) > 7:
            raise IndexError("too many calls")
        return torch.stack([value * c for value in x])

    assert "It could not be tried on all inputs." in hint(scaled, shuts_the_output)
    assert "It could not be tried on all inputs. It stopped with IndexError: too many calls" in hint(scaled, tires)
    print("the output works")


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
    assert "You divide" in message and "x = torch.tensor([1., -2.]" in message and "# got:      y = [0.5, -1.]" in message


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
    assert "new tensors with the dtype of the inputs" in hint(scaled, lambda x, c: x @ torch.eye(len(x), dtype=torch.float32) * c)


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
    assert not same(vector(float("inf")), vector(-float("inf"))) and not same(vector(float("nan")), vector(float("inf")))
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
    assert code(torch.zeros(5, 5)) == "...  # a tensor of shape (5, 5), torch.float32"
    assert code([1, 2.5]) == "[1, 2.5]" and code((1, "a")) == "(1, 'a')" and code(True) == "True"
    assert show((vector(1.0), 2, True), ("w", "n", "ok")) == "w = [1.], n = 2, ok = True"
    assert show(torch.tensor(0.5), ("J",)) == "J = 0.5" and show(torch.zeros(9, 9), ("A",)) == "A = a tensor of shape (9, 9)"
    assert describe(np.float64(2.0)) == "a NumPy number, 2.0" and describe("x" * 99) == "a str"
