"""Every number that a chapter's prose claims is tied to the run: change one, and a test fails (see numbers.py)."""

import ast
import random
from dataclasses import replace

import pytest

from tests.chapters import CHAPTERS
from tests.numbers import Number, Witness, _nearest, _of_code, planted, tied
from tests.numbers_untied import UNTIED
from tests.test_chapters import at, fail

chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
PLAIN = Number(value=9, digits=0, text="nine", line=1, percent=False, rough=False, near=frozenset({"wins", "split"}))


def reason(path, number):
    """Why a number needs no tie; empty where it does."""
    said = number.sentence.replace("«", "").replace("»", "")
    return next((why for phrase, why in UNTIED.get(path.stem[:2], {}).items() if phrase in said), "")


@chapter
def test_numbers_of_the_prose_are_tied_to_the_run(path):
    fail(
        [
            f"{at(path, number.line)}: no cell or output of this section says "
            f"{number.sentence.strip()!r}; let a cell assert it, with words of the sentence in a comment: "
            "assert wins == 9  # better on nine of the ten splits"
            for number, witnesses in tied(path)
            if not any(w.ties(number) for w in witnesses) and not reason(path, number)
        ]
    )


@chapter
def test_exceptions_are_needed(path):
    free = [number for number, witnesses in tied(path) if not any(w.ties(number) for w in witnesses)]
    said = [number.sentence.replace("«", "").replace("»", "") for number in free]
    fail(
        [
            f"{path.name}: {phrase!r} is tied, or no longer there"
            for phrase in UNTIED.get(path.stem[:2], {})
            if not any(phrase in sentence for sentence in said)
        ]
    )


def test_wrong_numbers_are_caught():
    rng, missed, tried = random.Random(0), [], 0
    for path in CHAPTERS:
        for number, witnesses in tied(path):
            if not any(w.ties(number) for w in witnesses):
                continue  # of numbers that no run ties, every change would pass for caught
            for wrong in filter(None, [planted(number, rng) for _ in range(8)]):
                tried += 1
                if any(w.ties(wrong) for w in witnesses):
                    missed.append(f"{at(path, wrong.line)}: {number.sentence.strip()!r} with {wrong.text}")
    # Those that pass are mostly another result of the same sentence, or one digit away and rounded as the prose allows.
    assert tried > 9000 and len(missed) <= 0.05 * tried, f"{len(missed)} of {tried} wrong numbers pass:\n" + "\n".join(
        missed[:40]
    )


@pytest.mark.parametrize(
    "number, holds",
    [
        ({"value": 9}, True),
        ({"value": 8}, False),
        ({"value": 9, "near": frozenset({"epoch"})}, False),  # the same number, said of something else
        ({"value": 0.91, "digits": 2, "text": "0.91"}, True),  # 0.9137 is printed
        ({"value": 0.92, "digits": 2, "text": "0.92"}, False),
        ({"value": 91, "percent": True, "near": frozenset({"split"})}, True),
        ({"value": 7000, "text": "7000", "rough": True}, True),  # 7012
        ({"value": 7000, "text": "7000"}, False),
        ({"value": 2}, False),  # a printed 1.6 is no 2
        ({"value": 1.36, "digits": 2, "text": "1.36"}, True),  # the middle of the interval
        ({"value": 1.35, "digits": 2, "text": "1.35"}, False),  # within it
        ({"value": 1.34, "digits": 2, "text": "1.34", "rough": True}, True),  # more than its lower end
        ({"value": 0.31, "digits": 2, "text": "0.31"}, False),  # the code has 0.3141
        ({"value": 0.3141, "digits": 4, "text": "0.3141"}, True),
    ],
    ids=str,
)
def test_what_ties(number, holds):
    words = frozenset({"wins", "split"})
    printed = Witness(1, frozenset({9.0, 0.9137, 7012.0, 1.6}), frozenset(), words, printed=True)
    asserted = Witness(1, frozenset({0.3141}), frozenset({(1.34, 1.38)}), words, frozenset({1.34, 1.38}))
    assert any(witness.ties(replace(PLAIN, **number)) for witness in (printed, asserted)) == holds


@pytest.mark.parametrize(
    "code, values, ends",
    [
        ("assert abs(x[3] - 0.3) < 0.02", {0.3}, {0.02}),  # a place and a width are no results
        ("assert 0.26 < errors[25] < 0.33", {25}, {0.26, 0.33}),  # a place so far is a count
        ("ax.plot(x, s=20)", set(), set()),
        ("explore(draw, rate=[0.1, 0.2])", set(), set()),
        ("x = rates[1] + 1", set(), set()),
        ("settings = dict(steps=400)", {400}, set()),
    ],
)
def test_numbers_of_code_that_may_be_results(code, values, ends):
    witness = _of_code(1, [code], ast.parse(code).body[0])
    assert (witness.values, witness.ends) == (values, ends)


def test_witness_with_far_fewer_words_does_not_tie():
    near = frozenset({"wins", "split", "vote", "better"})
    said, by_accident = (
        Witness(1, frozenset({value}), frozenset(), words) for value, words in ((9.0, near), (8.0, frozenset({"wins"})))
    )
    assert _nearest(replace(PLAIN, near=near), [said, by_accident]) == [said]
