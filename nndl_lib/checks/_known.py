"""Whether a reader's answers are those of a known mistake."""

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nndl_lib.checks._case import Case, Mistake, doubled, made
from nndl_lib.checks._words import same


def makes(mistake: Mistake, cases, outcomes, wrong: list[int]) -> bool:
    """Whether the mistake gives the reader's answers, on wrong inputs and on right ones.

    Inputs on which the function, or the mistake, stops with an error say nothing, nor does one on which the mistake's
    answer hangs on rounding (a singular matrix, a tie, float32); three wrong answers must agree, or all if there are
    fewer.
    """
    agreed = 0
    differs: list[tuple[Case, Any]] = []
    for k in [*wrong, *(k for k in range(len(cases)) if k not in wrong and not outcomes[k].stopped)]:
        try:
            value = made(mistake, doubled(cases[k]))
        except Exception:  # it cannot be made on this input
            continue
        if same(outcomes[k].value, value):
            agreed += k in wrong
        elif differs:  # one input may be excused
            return False
        else:
            differs.append((cases[k], value))
    for case, value in differs:
        in_float32 = any(isinstance(x, Tensor) and x.dtype == torch.float32 for x in case.inputs)
        if not (in_float32 or _hangs_on_rounding(mistake, case, value)):
            return False
    return agreed >= min(3, len(wrong)) > 0


def agrees_with_itself(answer: Callable, case: Case, got: Any, right: Any) -> bool:
    """Whether an answer is what the function makes of it and of the inputs: parts that follow from other parts.

    Where the function gives back the answer itself, anything may have been answered, or an error have come.
    """
    try:
        expected = answer(got, *doubled(case))
        return expected is got or _alike(got, right) and same(got, expected)
    except Exception:  # it cannot be made on this input
        return False


def _alike(got: Any, right: Any) -> bool:
    """Whether two answers have the same parts, and these the same shape and kind: only the numbers may differ."""
    if isinstance(right, (tuple, list)):
        return isinstance(got, (tuple, list)) and len(got) == len(right) and all(map(_alike, got, right))
    if isinstance(right, Tensor):
        if not isinstance(got, Tensor) or got.shape != right.shape:
            return False
        return (got.dtype == torch.bool) == (right.dtype == torch.bool)
    return isinstance(got, int if isinstance(right, int) else (int, float))


def may_stop(mistake: Mistake, stops: list[Case], answered: int) -> bool:
    """Whether it stops on no more inputs than it answers, but for those where the mistake stops, too."""
    for case in stops:
        with contextlib.suppress(Exception):
            made(mistake, doubled(case))
            answered -= 1
    return answered >= 0


def _hangs_on_rounding(mistake: Mistake, case: Case, value: Any) -> bool:
    """Whether the mistake's answer is another one when the numbers of the input change in their last digits."""
    for shift in (1e-14, -1e-14, 2e-14, -2e-14, 1e-13, -1e-13):
        try:
            if not same(made(mistake, [_shifted(x, shift) for x in doubled(case)]), value):
                return True
        except Exception:  # a matrix has become singular
            return True
    return False


def _shifted(x: Any, shift: float) -> Any:
    floating = isinstance(x, Tensor) and x.is_floating_point()
    return x * (1 + shift * torch.arange(x.numel(), dtype=x.dtype).cos().view_as(x)) if floating else x
