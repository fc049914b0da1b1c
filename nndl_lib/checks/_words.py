"""How checks compare two answers, and how they put values and differences into words."""

import ast
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks._values import Described

SHOWN = 24  # entries of a tensor that is shown in an answer
TYPED = 200  # entries of a tensor that is written out to be copied
LENGTH_1 = "an axis of length 1"
LONG = 2000  # characters of another value that is


def same(got: Any, want: Any, rtol: float = 1e-6) -> bool:
    """Whether two answers agree in structure, shape and values; a NaN equals a NaN. The dtype does not matter.

    A number is a number, of Python, NumPy or torch. Truth values are none, nor are strings, whatever they spell.
    """
    if want is None or isinstance(want, str):
        return type(got) is type(want) and got == want
    if isinstance(want, (tuple, list)):
        alike = isinstance(got, (tuple, list)) and len(got) == len(want)
        return alike and all(same(*pair, rtol) for pair in zip(got, want))
    if isinstance(want, dict):
        alike = isinstance(got, dict) and got.keys() == want.keys()
        return alike and all(same(got[key], want[key], rtol) for key in want)
    if isinstance(want, Tensor):
        return isinstance(got, Tensor) and got.shape == want.shape and _close(got, want, rtol)
    kinds = _kind(got), _kind(want)
    if kinds == ("whole", "whole"):
        return int(got) == int(want)
    if kinds[1]:
        alike = kinds[0] != "" and (kinds[0] == "truth") == (kinds[1] == "truth")
        return alike and _near(float(got), float(want), rtol)
    return got is want or type(got) is type(want) and bool(got == want)  # of our own: no reader's object comes so far


def _kind(value: Any) -> str:
    """What kind of a number this is: "truth", "whole", "real", or empty if it is none."""
    if isinstance(value, Tensor) and value.ndim == 0 and not value.is_complex():
        return "real" if value.is_floating_point() else "truth" if value.dtype == torch.bool else "whole"
    kinds = {"truth": (bool, np.bool_), "whole": (int, np.integer), "real": (float, np.floating)}
    return next((kind for kind, types in kinds.items() if isinstance(value, types)), "")


def _near(got: float, want: float, rtol: float) -> bool:
    return got == want or got != got and want != want or abs(got - want) <= rtol * max(abs(want), 1e-3) < float("inf")


def fault(
    got: Any,
    want: Any,
    names: tuple[str, ...],
    rtol: float,
    like: Mapping[torch.dtype, str] = {},
    strict: tuple[str, ...] = (),
) -> str:
    """What is wrong with an answer, as a sentence; empty if nothing is.

    ``like`` names an input of each dtype that there is; ``strict`` the answers of which the type is part of the task:
    Python's float, or the very integer dtype. Of all others it is not: a number may be a tensor of shape (), and all
    integer dtypes are whole numbers.
    """
    if got is None:
        return "It returns nothing: does it end with return?"
    if len(names) == 1:
        return _fault(got, want, names[0], rtol, like, names[0] in strict)
    if not isinstance(got, (tuple, list)) or len(got) != len(want):
        returned = f"{len(got)} values" if isinstance(got, (tuple, list)) else describe(got)
        return f"It returns {returned}; expected {len(names)} values, {', '.join(names)}, in this order."
    faults = [_fault(*three, rtol, like, three[2] in strict) for three in zip(got, want, names)]
    found = next(filter(None, faults), "")
    right = [name for name, wrong in zip(names, faults) if not wrong]
    return f"{found} ({join(right)} {'is' if len(right) == 1 else 'are'} right.)" if found and right else found


def _fault(got: Any, want: Any, name: str, rtol: float, like, strict: bool) -> str:
    if isinstance(want, Tensor):
        return _tensor_fault(got, want, name, rtol, like, strict)
    expected = {"truth": "True or False", "whole": "a whole number", "real": "a Python float" if strict else "a number"}
    wanted, kind = _kind(want), _kind(got)
    if wanted:
        if not (kind == wanted or wanted == "real" and kind == "whole") or strict and isinstance(got, Tensor):
            advice = " Take it out of the tensor with .item()." if kind == "real" and isinstance(got, Tensor) else ""
            return f"{name} is {describe(got)}; expected {expected[wanted]}.{advice}"
        got = got.item() if isinstance(got, (Tensor, np.generic)) else got
        return "" if same(got, want, rtol) else f"{name} is {_short(got)}; expected {_short(want)}."
    if isinstance(want, (list, tuple)) and not isinstance(got, (list, tuple)):
        return f"{name} is {describe(got)}; expected a {type(want).__name__}."
    if same(got, want, rtol):
        return ""
    if isinstance(want, (list, tuple)) and describe(got) == describe(want):  # both are too long for that
        k = next((k for k, pair in enumerate(zip(got, want)) if not same(*pair, rtol)), None)
        if k is None:
            return f"{name} has {len(got)} entries; expected {len(want)}."
        return f"{name} has {_short(got[k])} at place {k}; expected {_short(want[k])}."
    return f"{name} is {describe(got)}; expected {describe(want)}."


def _tensor_fault(got: Any, want: Tensor, name: str, rtol: float, like, strict: bool) -> str:
    if isinstance(got, (np.ndarray, np.generic)):
        return f"{name} is {describe(got)}; expected a torch tensor."
    if not isinstance(got, Tensor):
        advice = ""
        if isinstance(got, tuple) and len(got) == 1:
            advice = " Is there a comma at the end of the line?"
        elif isinstance(got, (bool, int, float)):
            advice = " Leave out .item() or float(): a tensor keeps its dtype and can be differentiated."
        elif isinstance(got, (list, tuple)):
            advice = " torch.stack makes one of a list of tensors."
        return f"{name} is {describe(got)}; expected a tensor of shape {tuple(want.shape)}.{advice}"
    if got.shape != want.shape:
        return f"{name} has shape {tuple(got.shape)}; expected {tuple(want.shape)}{_shape_hint(got, want)}."
    if got.dtype != want.dtype and (strict or not _whole(got) or not _whole(want)):
        return f"{name} is {got.dtype}; expected {want.dtype}{_dtype_hint(want.dtype, like)}"
    if not _close(got, want, rtol):
        broken = want.isfinite() & ~got.isfinite()
        if broken.any():
            return f"{name} holds {got[broken][0].item()}; expected finite numbers."
        return f"{name} is not what it should be."
    return ""


def _whole(value: Tensor) -> bool:
    return not value.is_floating_point() and not value.is_complex() and value.dtype != torch.bool


def _dtype_hint(dtype: torch.dtype, like: Mapping[torch.dtype, str]) -> str:
    if dtype == torch.bool:
        return ", True or False: a comparison gives it."
    if not dtype.is_floating_point:
        return ", whole numbers: .long() makes them."
    if dtype not in like:
        return "."
    name = like[dtype]
    return (
        f", as {name} is: make new tensors with {name}.new_zeros(3), "
        f"or with dtype={name}.dtype, as in torch.tensor(values, dtype={name}.dtype)."
    )


def _close(got: Tensor, want: Tensor, rtol: float) -> bool:
    if got.is_complex() != want.is_complex():
        return False
    if rtol and torch.float32 in (got.dtype, want.dtype):
        rtol = max(rtol, 1e-4)
    wide = torch.complex128 if got.is_complex() else torch.float64
    got, want = got.detach().to(wide), want.detach().to(wide)
    finite = want.isfinite()
    if not torch.equal(got.isfinite(), finite):
        return False
    if not torch.equal(got[~finite].nan_to_num(), want[~finite].nan_to_num()):
        return False
    got, want = got[finite], want[finite]
    scale = max(want.abs().max().item(), 1e-3) if want.numel() else 1.0  # about a zero, differences are rounding
    return bool((got - want).abs().le(rtol * scale).all())


def _shape_hint(got: Tensor, want: Tensor) -> str:
    if got.ndim >= 2 and got.shape == want.shape[::-1]:
        return ": it is transposed" if _close(got.mT, want, 1e-4) else ": rows and columns are exchanged"
    if got.squeeze().shape == want.squeeze().shape:
        return f": {LENGTH_1} too many" if got.ndim > want.ndim else f": {LENGTH_1} is missing"
    return ""


def describe(value: Any) -> str:
    """A value by its type, and by its shape or itself where that is short."""
    if isinstance(value, (Tensor, np.ndarray)):
        kind = "a tensor" if isinstance(value, Tensor) else "a NumPy array"
        return f"{kind} of shape {tuple(value.shape)}"
    if isinstance(value, np.generic):
        return f"a NumPy number, {value}"
    if isinstance(value, (bool, type(None), Described)):
        return repr(value)
    text = repr(value)
    return f"the {type(value).__name__} {text}" if len(text) <= 30 else f"a {type(value).__name__}"


def typed(name: str, value: Any) -> list[str]:
    """Lines that set a variable to a value, or one comment that describes it where it is too long to be typed."""
    text = code(value)
    if not text:
        size = f", {value.dtype}" if isinstance(value, Tensor) else ""
        size = f" of {len(value):,} entries" if isinstance(value, (list, dict)) else size
        return [f"# {name} is {describe(value)}{size}"]
    text = f"{name} = {text}"
    if not isinstance(value, Tensor):
        return [text]
    return textwrap.wrap(text, 88, subsequent_indent="    ", break_long_words=False)


def code(value: Any) -> str:
    """A value as it could be typed to get exactly this one again; empty if it is too long for that."""
    if isinstance(value, Tensor):
        usual = torch.int64 if value.numel() and not value.is_floating_point() else torch.get_default_dtype()
        plain = value.dtype == usual or value.dtype == torch.bool and value.numel()
        dtype = "" if plain else f", dtype={value.dtype}"
        if not value.numel():
            return f"torch.zeros({tuple(value.shape)}{dtype})"
        return f"torch.tensor({_numbers(value, exact=True)}{dtype})" if value.numel() <= TYPED else ""
    if isinstance(value, (list, tuple)):
        parts = [code(part) for part in value[: LONG + 1]]
        text = ", ".join(parts) + "," * (isinstance(value, tuple) and len(value) == 1)
        text = f"[{text}]" if isinstance(value, list) else f"({text})"
        return text if all(parts) and len(text) <= LONG else ""
    text = repr(value) if not isinstance(value, float) or np.isfinite(value) else f'float("{value}")'
    try:
        ast.parse(text if len(text) <= LONG else "", mode="eval")
    except SyntaxError:
        return ""
    return text


def show(value: Any, names: tuple[str, ...]) -> str:
    """An answer with the names of its parts."""
    if len(names) > 1 and isinstance(value, (tuple, list)) and len(value) == len(names):
        return ", ".join(f"{name} = {_short(part)}" for name, part in zip(names, value))
    return f"{names[0]} = {_short(value)}" if len(names) == 1 else _short(value)


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return _numbers(value) if value.numel() <= SHOWN else describe(value)
    if isinstance(value, (list, tuple)):
        text = ", ".join(map(_short, value[:SHOWN])) + ", ..." * (len(value) > SHOWN)
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    number = f"{value:.6g}" if isinstance(value, float) else repr(value)
    text = describe(value) if isinstance(value, np.ndarray) else number
    return " ".join(text[:200].split())


def _numbers(value: Tensor, exact: bool = False) -> str:
    """The entries in brackets; ``exact`` is as many digits as are needed to read them again."""
    if value.ndim:
        return f"[{', '.join(_numbers(part, exact) for part in value)}]"
    number = value.item()
    if not value.is_floating_point():
        return str(number)
    if exact and number - number != 0:
        return f"float('{number}')"
    text = f"{number:.10g}"
    if exact and float(text) != number:
        text = str(np.float32(number)) if value.dtype == torch.float32 else repr(number)
    return text + "." * text.lstrip("-").isdigit()  # a float, when typed again


def join(names: list[str]) -> str:
    """Names as in a sentence."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
