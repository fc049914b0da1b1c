"""The axes of an explorer: the values that its reader chooses from, and how they are said."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from nndl_lib._arguments import check_function

Alt = str | Callable[..., str] | None


class Axis(NamedTuple):
    """What the reader chooses from along one axis."""

    name: str  # the keyword of draw
    label: str  # what the reader sees beside the control
    values: list  # what draw receives
    texts: list[str]  # the same, as the reader sees them
    numeric: bool  # a slider, else a list to choose from
    start: int  # index of the value to begin with


def alt_text(alt: Alt, table: list[Axis], chosen: dict) -> str:
    """The alt text of the frame for the chosen values. Raises: ValueError where the reader's function gives none."""
    if callable(alt):
        text = alt(**chosen)
        if not isinstance(text, str):
            raise ValueError(f"explore: alt gave {text!r} with {chosen}; expected a text")
        return text
    texts = {axis.name: axis.texts[axis.values.index(chosen[axis.name])] for axis in table}
    if alt is not None:
        return alt.format(**texts)
    return "Plot with " + ", ".join(f"{axis.label} = {texts[axis.name]}" for axis in table)


def thin_out(table: list[Axis]) -> str:
    """Advice for an explorer that is too large."""
    longest = max(table, key=lambda axis: len(axis.values))
    return f"thin out the axis {longest.name!r}, which has {len(longest.values)} values"


def axes_of(
    draw: Callable,
    goal: str,
    alt: Alt,
    labels: Mapping[str, str] | None,
    start: Mapping[str, object] | None,
    axes: Mapping[str, Iterable],
) -> list[Axis]:
    """The axes, after all that is given was looked at: before a control is shown, or a frame is drawn.

    Raises: ValueError as ``explore`` says.
    """
    check_function(draw, "draw", "explore", classes=False)
    labels, start = _by_axis("labels", labels, axes), _by_axis("start", start, axes)
    texts = {"goal": goal, **({} if alt is None or callable(alt) else {"alt": alt})}
    texts |= {f"labels[{name!r}]": label for name, label in labels.items()}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"explore: {name} is {text!r}; expected a text")
    if not axes:
        raise ValueError("explore: no axis was given; expected at least one, for example alpha=[0.1, 0.2]")
    table = [_axis(name, values, labels, start) for name, values in axes.items()]
    if isinstance(alt, str):
        try:
            alt_text(alt, table, {axis.name: axis.values[0] for axis in table})
        except (LookupError, ValueError) as error:
            known = ", ".join(f"{{{axis.name}}}" for axis in table)
            what = f"alt is {alt!r}, which lacks {error}"
            raise ValueError(f"explore: {what}; expected a text with no more than {known}") from error
    return table


def _by_axis(name: str, given: Any, axes: Mapping[str, Iterable]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping | None):
        raise ValueError(f"explore: {name} is {given!r}; expected a dict by the names of axes, or None")
    for axis in given or {}:
        if axis not in axes:
            raise ValueError(f"explore: {name} names {axis!r}, which is not an axis; the axes are {', '.join(axes)}")
    return given or {}


def _axis(name: str, given: Any, labels: Mapping[str, str], start: Mapping[str, object]) -> Axis:
    given = given.tolist() if hasattr(given, "tolist") else given
    # A set would come in another order on another run, and of a dict only the keys.
    if isinstance(given, (str, bytes, set, frozenset, dict)) or not isinstance(given, Iterable):
        raise ValueError(f"explore: axis {name!r} is {given!r}; expected a sequence of numbers or of strings")
    values = [value.item() if hasattr(value, "item") else value for value in given]
    if not values:
        raise ValueError(f"explore: axis {name!r} is empty; expected at least one value")
    words = all(isinstance(value, str) for value in values)
    numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if not (words or (numeric and all(map(math.isfinite, values)))):
        raise ValueError(f"explore: axis {name!r} holds {values}; expected finite numbers only, or strings only")
    texts = list(values) if words else [_text(value) for value in values]
    if len(set(texts)) != len(texts):
        raise ValueError(f"explore: axis {name!r} shows two values alike: {texts}; expected different values")
    first = start.get(name, values[0])
    if isinstance(first, bool) or first not in values:
        raise ValueError(f"explore: start has {name} = {first!r}; expected one of {values}")
    return Axis(name, labels.get(name, name), values, texts, numeric, values.index(first))


def _text(value: int | float) -> str:
    """A number as the reader sees it: whole if it is an int, else four digits, an exponent only if that is short."""
    short = f"{value:.4g}"
    return str(value) if isinstance(value, int) or "e+" in short and len(str(value)) < 9 else short
