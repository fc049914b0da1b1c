"""Every number that a chapter's prose claims is tied to the run: change one, and a test fails. How, says tests/numbers.py."""

import random

import pytest

from tests.chapters import CHAPTERS
from tests.numbers import Number, Witness, planted, tied
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
    fail([f"{at(path, number.line)}: no cell or output of this section says {number.sentence.strip()!r}; let a cell assert it, with "
          "words of the sentence in a comment: assert wins == 9  # better on nine of the ten splits"
          for number, witnesses in tied(path) if not any(w.ties(number) for w in witnesses) and not reason(path, number)])


@chapter
def test_exceptions_are_needed(path):
    free = [number for number, witnesses in tied(path) if not any(w.ties(number) for w in witnesses)]
    said = [number.sentence.replace("«", "").replace("»", "") for number in free]
    fail([f"{path.name}: {phrase!r} is tied, or no longer there" for phrase in UNTIED.get(path.stem[:2], {})
          if not any(phrase in sentence for sentence in said)])


def test_wrong_numbers_are_caught():
    rng, missed, tried = random.Random(0), [], 0
    for path in CHAPTERS:
        for number, witnesses in tied(path):
            for wrong in filter(None, [planted(number, rng) for _ in range(2)]):
                tried += 1
                if any(w.ties(wrong) for w in witnesses):
                    missed.append(f"{at(path, wrong.line)}: {number.sentence.strip()!r} with {wrong.text}")
    assert tried > 1000 and len(missed) <= 0.06 * tried, f"{len(missed)} of {tried} wrong numbers pass:\n" + "\n".join(missed[:40])


@pytest.mark.parametrize("number, holds", [
    ({"value": 9}, True),
    ({"value": 8}, False),
    ({"value": 9, "near": frozenset({"epoch"})}, False),  # the same number, said of something else
    ({"value": 0.91, "digits": 2, "text": "0.91"}, True),  # 0.9137, rounded
    ({"value": 0.92, "digits": 2, "text": "0.92"}, False),
    ({"value": 91, "percent": True, "near": frozenset({"split"})}, True),
    ({"value": 7000, "text": "7000", "rough": True}, True),  # 7012
    ({"value": 7000, "text": "7000"}, False),
    ({"value": 1.36, "digits": 2, "text": "1.36"}, True),  # within the interval
    ({"value": 1.39, "digits": 2, "text": "1.39"}, False),
], ids=str)
def test_what_ties(number, holds):
    witness = Witness(1, frozenset({9.0, 0.9137, 7012.0}), frozenset({(1.35, 1.37)}), frozenset({"wins", "split"}))
    fields = {name: getattr(PLAIN, name) for name in PLAIN.__dataclass_fields__} | number
    assert witness.ties(Number(**fields)) == holds
