"""What a check is made of: inputs, what it should not loop over, and known mistakes."""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib.checks._trial import copied


class Case(NamedTuple):
    """One input to try: the arguments in order; what is special about it; what to say if only such cases go wrong."""

    inputs: tuple
    note: str = ""
    hint: str = ""


class Loop(NamedTuple):
    """Few and many of something: a function that runs ``more`` lines of Python more on the many has a loop over it."""

    what: str
    few: tuple
    many: tuple
    more: int
    hint: str = "a Python loop runs over the {what}: let one operation on whole tensors do that."


class Mistake(NamedTuple):
    """A known wrong answer: the sentence that names it, and a function that makes it, with the exercise's arguments."""

    hint: str
    answer: Callable


def doubled(case: Case) -> list:
    """The case's arguments, to change as one likes, in float64."""
    return [
        value.double() if isinstance(value, Tensor) and value.dtype == torch.float32 else value
        for value in copied(case.inputs)
    ]


def made(mistake: Mistake, inputs: list) -> Any:
    with default_dtype(torch.float32):
        return mistake.answer(*inputs)


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
