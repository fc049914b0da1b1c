"""Wrong answers to the exercises, as students write them, each with words that the check must say to it.

One module a chapter, named as its module in `nndl_lib.checks`. `tests/test_exercises.py` runs them all, and fails for
an exercise that has fewer than five.
"""

from collections.abc import Callable
from typing import NamedTuple


class Wrong(NamedTuple):
    exercise: str
    hint: str  # a part of the sentence that must come
    function: Callable


def collection() -> tuple[list[Wrong], Callable]:
    """A list, and the decorator ``wrong(exercise, hint)`` that puts the function below it on the list."""
    answers: list[Wrong] = []

    def wrong(exercise: str, hint: str) -> Callable:
        def add(function: Callable) -> Callable:
            answers.append(Wrong(exercise, hint, function))
            return function

        return add

    return answers, wrong
