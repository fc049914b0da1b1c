"""Mistakes that can be seen in any exercise, so that none has to list them: answers that are made of the right answer.

Named are, for each part of an answer, with what it is compared to:

- numbers: the wrong sign; twice, half or another constant times what it should be; the size of an axis of an input, or
  an input that is a number, times it, with its square, root and inverse, 1 - it, and with the factors 2, 1/2 and -1; a
  constant too much; an input that is missing, or comes in once more, as a summand or a factor;
- changes: for a part with the name of an input, the same factors of what is added to that, or this alone;
- functions of it, entry by entry: square, root, absolute value, inverse, exp, log, 1 - it, tanh, logistic, ReLU,
  softmax;
- order and shape: transposed, reversed, moved by one place, sorted, added up or averaged over an axis or altogether,
  only the first or last row, True and False exchanged;
- mix-ups: an input, as it was given; another part of the answer; all parts in another order; nothing but zeros.

Each sentence is true on every input that was answered, and was told apart from the right answer on three at least. The
sentences, each with the mistake as a function, stand in ``_sentences``; what depends on the inputs is made here.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib.checks._sentences import FACTORS, FIRST, FUNCTIONS, INPUTS, LISTS, SHAPES
from nndl_lib.checks._words import join, same

ANOTHER_WAY = "wrong in another way"  # so ends what names the mistake of some parts alone
Change = Callable[[Any, dict[str, Any]], Any]  # an answer made of the right one and of the arguments


class _Part(NamedTuple):
    """One part of the answer to one input: what came, what is right, and the arguments."""

    got: Any
    want: Any
    given: dict[str, Any]


def made_of_the_right_answer(
    names: tuple[str, ...], answers: list[Any], right: list[Any], inputs: list[dict[str, Any]]
) -> str:
    """A sentence that is true of all answers; empty if there is none. ``names`` are those of the parts of an answer."""
    if len(names) == 1:
        answers, right = [(answer,) for answer in answers], [(answer,) for answer in right]
    if not all(isinstance(answer, (tuple, list)) and len(answer) == len(names) for answer in answers):
        return ""
    for order in itertools.permutations(range(len(names))):
        parts = list(map(_Part, answers, right, inputs))
        if _explains(parts, _of_the_answer(functools.partial(_in_order, order))):
            returned = ", ".join(names[k] for k in order)
            return f"All is right, but in the wrong order: it returns {returned}; expected {', '.join(names)}."
    found: dict[str, list[str]] = {}
    good = []
    for k, name in enumerate(names):
        parts = [_Part(answer[k], wanted[k], given) for answer, wanted, given in zip(answers, right, inputs)]
        if all(same(part.got, part.want) for part in parts):
            good.append(name)
            continue
        others = [(other, [wanted[j] for wanted in right]) for j, other in enumerate(names) if j != k]
        found.setdefault(_true_of_all(parts, others, name), []).append(name)
    strange = found.pop("", [])
    said = [_filled(sentence, these) for sentence, these in found.items()]
    if good and said:
        said.append(_filled("({names} {is} right.)", good))
    if strange and said:
        said.append(_filled(f"({{names}} {{is}} {ANOTHER_WAY}.)", strange))
    return " ".join(said)


def _filled(sentence: str, names: list[str]) -> str:
    one = len(names) == 1
    verbs = [("is", "are"), ("has", "have"), ("lacks", "lack")]
    return sentence.format(names=join(names), **{verb: verb if one else several for verb, several in verbs})


def _true_of_all(parts: list[_Part], others: list[tuple[str, list[Any]]], name: str) -> str:
    for other, values in others:
        pairs = [_Part(part.got, part.want, {other: value}) for part, value in zip(parts, values)]
        if _explains(pairs, functools.partial(_other_part, other)):
            return f"{{names}} {{is}} what {other} should be."
    wants = [part.want for part in parts]
    candidates: Iterable[tuple[str, Change]] = ()
    if all(isinstance(want, list) for want in wants):
        candidates = [(sentence, _of_the_answer(change)) for sentence, change in LISTS]
    elif all(_is_truth(want) for want in wants):
        candidates = [("{names} {has} True and False exchanged.", _of_the_answer(_exchanged))]
    elif all(_is_number(part.want) and _is_number(part.got) for part in parts):
        parts = [_Part(_number(part.got), _number(part.want).double(), part.given) for part in parts]
        candidates = _candidates(parts, name)
    return next((sentence for sentence, change in candidates if _explains(parts, change)), "")


def _explains(parts: list[_Part], change: Change) -> bool:
    """Whether what came is what the change makes everywhere, and differs from what is right on three inputs or more."""
    differs = 0
    for got, want, given in parts:
        try:
            made = change(want, given)
        except Exception:  # an axis that is not there, shapes that do not fit
            return False
        if not same(got, made):
            return False
        differs += not same(got, want) and _is_finite(made)
    return differs >= 3


def _of_the_answer(change: Callable[[Any], Any]) -> Change:
    return lambda want, _: change(want)


def _of_both(change: Callable[[Tensor, Tensor], Tensor], name: str) -> Change:
    """Made of the right answer and of an input."""
    return lambda want, given: change(want, _number(given[name]).double())


def _in_order(order: tuple[int, ...], want: Any) -> tuple:
    return tuple(want[k] for k in order)


def _other_part(other: str, _: Any, given: dict[str, Any]) -> Any:
    return given[other]


def _exchanged(truth: Any) -> Any:
    return ~truth if isinstance(truth, Tensor) else not truth


def _candidates(parts: list[_Part], part_name: str) -> Iterator[tuple[str, Change]]:
    ours = [name for name in parts[0].given if all(_is_number(part.given.get(name)) for part in parts)]
    inputs = [(sentence.format(x=name), _of_both(change, name)) for sentence, change in INPUTS for name in ours]
    known = [(sentence, _of_the_answer(change)) for sentence, change in [*FUNCTIONS, *SHAPES]]
    yield from known[:FIRST]
    yield from inputs[: len(ours)]  # an input, as it was given
    yield from known[FIRST:]
    wrong = _wrong(parts)
    if wrong:
        yield from _scaled(wrong[0])
        yield from _sizes(parts)
        if part_name in ours:
            yield from _changes(parts, part_name)
        yield from inputs[len(ours) :]
        got, want, _ = wrong[0]
        k = want.abs().argmax()
        shift = (got.flatten()[k] - want.flatten()[k]).item()
        yield (
            f"{{names}} {{is}} {abs(shift):.4g} too {'large' if shift > 0 else 'small'}, on every input.",
            lambda want, _: want + shift,
        )


def _wrong(parts: list[_Part]) -> list[_Part]:
    """Those that can be compared entry by entry and differ, the ones with more digits first."""
    wrong = [
        part
        for part in parts
        if part.got.shape == part.want.shape and part.want.numel() and not same(part.got, part.want)
    ]
    return sorted(wrong, key=lambda part: part.got.dtype == torch.float32)


def _scaled(part: _Part) -> Iterator[tuple[str, Change]]:
    k = part.want.abs().argmax()
    scale = (part.got.flatten()[k] / part.want.flatten()[k]).item()
    yield f"{{names}} {{is}} {scale:.4g} times what should be there, on every input.", lambda want, _: scale * want


def _changes(parts: list[_Part], name: str) -> Iterator[tuple[str, Change]]:
    """Mistakes in what is added to an argument that comes back changed, as in a step of an optimizer."""

    def before(given: dict[str, Any]) -> Tensor:
        return _number(given[name]).double()

    if all(before(part.given).shape == part.want.shape == part.got.shape for part in parts):
        yield "{names} {is} the change alone: add it to what was given.", lambda want, given: want - before(given)
        yield "{names} {is} the change alone, with the wrong sign.", lambda want, given: before(given) - want
        moved = [_Part(part.got - before(part.given), part.want - before(part.given), part.given) for part in parts]
        known = [(sentence, _of_the_answer(change)) for sentence, change in FUNCTIONS[:3]]
        for sentence, change in [*known, *(_scaled(_wrong(moved)[0]) if _wrong(moved) else []), *_sizes(moved)]:
            sentence = "The change of " + sentence.replace("{is}", "is").replace("{has}", "has")
            yield sentence, functools.partial(_moved, change, before)


def _moved(change: Change, before: Callable, want: Tensor, given: dict[str, Any]) -> Tensor:
    return before(given) + change(want - before(given), given)


def _size(name: str, size: Callable[[Any], float], given: dict[str, Any]) -> Tensor:
    return torch.tensor(float(size(given[name])), dtype=torch.float64)


def _times(factor: Callable[[Tensor], Tensor], size: Callable, want: Tensor, given: dict[str, Any]) -> Tensor:
    return want * factor(size(given))


def _share(size: Callable, divisor: Callable, want: Tensor, given: dict[str, Any]) -> Tensor:
    return want * size(given) / divisor(given)


def _sizes(parts: list[_Part]) -> Iterator[tuple[str, Change]]:
    """Factors that depend on the size of an input, or on an input that is a number, and are not the same everywhere."""
    n, m = [letter for letter in ("n", "m", "n1", "n2") if letter not in parts[0].given][:2]
    wrong = [part.given for part in parts if not same(part.got, part.want)]
    sizes: list[tuple[str, str, Callable]] = []  # as it is called in a formula, what that is, and how it is computed
    for name, value in parts[0].given.items():
        for what, size in _sizes_of(name, value):
            try:
                varies = len({float(size(given[name])) for given in wrong}) > 1
            except Exception:  # here it is a list, there a tensor
                continue
            if varies:
                sizes.append((n if what else name, what, functools.partial(_size, name, size)))
    for letter, what, size in sizes:
        for formula, factor in FACTORS:
            where = f", where {letter} is {what}" if what else ""
            sentence = f"{{names}} {{is}} {formula.format(s=letter)} what should be there{where}."
            yield sentence, functools.partial(_times, factor, size)
    for (letter, what, size), (_, other, divisor) in itertools.permutations([one for one in sizes if one[1]], 2):
        sentence = (
            f"{{names}} {{is}} {letter} / {m} times what should be there, where {letter} is {what}, and {m} {other}."
        )
        yield sentence, functools.partial(_share, size, divisor)


def _sizes_of(name: str, value: Any) -> list[tuple[str, Callable[[Any], float]]]:
    """Its sizes in words, which are empty for the value itself."""
    if isinstance(value, Tensor) and value.ndim == 1 or isinstance(value, (list, tuple)):
        return [(f"the number of entries of {name}", len)]
    if isinstance(value, Tensor) and value.ndim == 2:
        return [
            (f"the number of rows of {name}", len),
            (f"the number of columns of {name}", lambda x: x.shape[1]),
            (f"the number of entries of {name}", Tensor.numel),
        ]
    if isinstance(value, Tensor) and value.ndim:
        return [
            *((f"the length of axis {k} of {name}", lambda x, k=k: x.shape[k]) for k in range(value.ndim)),
            (f"the number of entries of {name}", Tensor.numel),
        ]
    return [("", float)] if _is_number(value) else []


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or isinstance(value, Tensor) and value.dtype == torch.bool


def _is_number(value: Any) -> bool:
    """Whether it is a number or a tensor of numbers. Truth values are none."""
    if isinstance(value, Tensor):
        return not (value.dtype == torch.bool or value.is_complex())
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, Tensor) or bool(value.isfinite().all())
