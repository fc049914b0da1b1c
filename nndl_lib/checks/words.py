"""How checks compare two answers, and how they put values and differences into words."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["code", "describe", "factor", "fault", "same", "show"]

SHOWN = 24  # tensors of more entries are told by their shape


def same(got: Any, want: Any, rtol: float = 1e-6) -> bool:
    """Whether two answers agree in structure, shape and values; a NaN equals a NaN. The dtype does not matter."""
    if isinstance(want, (tuple, list)):
        return isinstance(got, (tuple, list)) and len(got) == len(want) and all(same(*pair, rtol) for pair in zip(got, want))
    if isinstance(want, Tensor):
        return isinstance(got, Tensor) and got.shape == want.shape and _close(got, want, rtol)
    if got is None or want is None or isinstance(got, Tensor) and got.ndim > 0:
        return got is want
    try:
        return bool(abs(float(got) - float(want)) <= rtol * abs(float(want)))
    except (TypeError, ValueError):
        return got == want


def fault(got: Any, want: Any, names: tuple[str, ...], rtol: float) -> str:
    """What is wrong with an answer, as a sentence; empty if nothing is."""
    if got is None:
        return "It returns nothing: does it end with return?"
    if len(names) == 1:
        return _fault(got, want, names[0], rtol)
    if not isinstance(got, (tuple, list)) or len(got) != len(want):
        returned = f"{len(got)} values" if isinstance(got, (tuple, list)) else describe(got)
        return f"It returns {returned}; expected {len(names)} values, {', '.join(names)}, in this order."
    faults = [_fault(*three, rtol) for three in zip(got, want, names)]
    found = next(filter(None, faults), "")
    right = [name for name, wrong in zip(names, faults) if not wrong]
    return f"{found} ({_join(right)} {'is' if len(right) == 1 else 'are'} right.)" if found and right else found


def _fault(got: Any, want: Any, name: str, rtol: float) -> str:
    if isinstance(want, Tensor):
        if isinstance(got, (np.ndarray, np.generic)):
            return f"{name} is {describe(got)}; expected a torch tensor."
        if not isinstance(got, Tensor):
            leave = " Leave out .item() or float(): a tensor keeps its dtype and can be differentiated." if want.ndim == 0 else ""
            return f"{name} is {describe(got)}; expected a tensor of shape {tuple(want.shape)}.{leave}"
        if got.shape != want.shape:
            return f"{name} has shape {tuple(got.shape)}; expected {tuple(want.shape)}{_shape_hint(got, want)}."
        if got.dtype != want.dtype:
            return (
                f"{name} is {got.dtype}; expected {want.dtype}, as the inputs: make new tensors with X.new_zeros(3), "
                "torch.ones_like(x), or dtype=X.dtype."
            )
        if not _close(got, want, rtol):
            broken = want.isfinite() & ~got.isfinite()
            if broken.any():
                return f"{name} holds {got[broken][0].item()}; expected finite numbers."
            return f"{name} is not what it should be."
        return ""
    if isinstance(want, bool):
        good = isinstance(got, (bool, np.bool_)) or isinstance(got, Tensor) and got.ndim == 0 and got.dtype == torch.bool
        if not good:
            return f"{name} is {describe(got)}; expected True or False."
        return "" if bool(got) == want else f"{name} is {bool(got)}; expected {want}."
    if isinstance(want, int):
        whole = (isinstance(got, Tensor) and got.ndim == 0 and not got.is_floating_point() and got.dtype != torch.bool) or (
            isinstance(got, (int, np.integer)) and not isinstance(got, bool)
        )
        if not whole:
            return f"{name} is {describe(got)}; expected a whole number."
        return "" if int(got) == want else f"{name} is {int(got)}; expected {want}."
    return "" if same(got, want, rtol) else f"{name} is {describe(got)}; expected {describe(want)}."


def _close(got: Tensor, want: Tensor, rtol: float) -> bool:
    if rtol and torch.float32 in (got.dtype, want.dtype):
        rtol = max(rtol, 1e-4)
    got, want = got.detach().double(), want.detach().double()
    if not torch.equal(got.isfinite(), want.isfinite()):
        return False
    finite = want.isfinite()
    if not torch.equal(got[~finite].nan_to_num(), want[~finite].nan_to_num()):
        return False
    got, want = got[finite], want[finite]
    scale = max(want.abs().max().item(), 1e-3) if want.numel() else 1.0  # about a zero, differences are rounding
    return bool((got - want).abs().le(rtol * scale).all())


def _shape_hint(got: Tensor, want: Tensor) -> str:
    if got.ndim >= 2 and got.shape == want.shape[::-1]:
        return ": it is transposed" if _close(got.mT, want, 1e-4) else ": rows and columns are exchanged"
    if got.squeeze().shape == want.squeeze().shape:
        return ": an axis of length 1 too many" if got.ndim > want.ndim else ": an axis of length 1 is missing"
    return ""


def factor(got: list[Any], want: list[Any], names: tuple[str, ...]) -> str:
    """Over several answers: which part is off by one and the same factor everywhere, as a sentence; empty if none is."""
    for k, name in enumerate(names):
        pairs = [(g, w) if len(names) == 1 else (g[k], w[k]) for g, w in zip(got, want)]
        found = [_ratio(*pair) for pair in pairs if not same(*pair)]
        if len(found) >= 3 and found[0] is not None and all(same(ratio, found[0]) for ratio in found):
            return f"{name} is {found[0]:.4g} times what it should be, on every input."
    return ""


def _ratio(got: Any, want: Any) -> float | None:
    if not (isinstance(got, Tensor) and isinstance(want, Tensor) and got.shape == want.shape and want.numel() and want.any()):
        return None
    largest = want.abs().flatten().argmax()
    ratio = (got.flatten()[largest].double() / want.flatten()[largest].double()).item()
    return ratio if ratio and same(got, ratio * want) else None


def describe(value: Any) -> str:
    """A value by its type, and by its shape or itself where that is short."""
    if isinstance(value, (Tensor, np.ndarray)):
        kind = "a tensor" if isinstance(value, Tensor) else "a NumPy array"
        return f"{kind} of shape {tuple(value.shape)}"
    if isinstance(value, np.generic):
        return f"a NumPy number, {value}"
    if isinstance(value, (bool, type(None))):
        return repr(value)
    text = repr(value)
    return f"the {type(value).__name__} {text}" if len(text) <= 30 else f"a {type(value).__name__}"


def code(value: Any) -> str:
    """A value as it could be typed, or its shape where it is long."""
    if isinstance(value, Tensor):
        if value.numel() > SHOWN:
            return f"{describe(value)}, {value.dtype}"
        dtype = "" if value.dtype in (torch.float64, torch.int64) else f", dtype={value.dtype}"
        return f"torch.tensor({_numbers(value)}{dtype})"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(code, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    return repr(value)


def show(value: Any, names: tuple[str, ...]) -> str:
    """An answer with the names of its parts."""
    if len(names) > 1 and isinstance(value, (tuple, list)) and len(value) == len(names):
        return ", ".join(f"{name} = {_short(part)}" for name, part in zip(names, value))
    return f"{names[0]} = {_short(value)}" if len(names) == 1 else _short(value)


def _short(value: Any) -> str:
    if isinstance(value, Tensor):
        return _numbers(value) if value.numel() <= SHOWN else describe(value)
    return describe(value) if isinstance(value, np.ndarray) else f"{value:.6g}" if isinstance(value, float) else repr(value)


def _numbers(value: Tensor) -> str:
    if value.ndim == 0:
        text = f"{value.item():.10g}" if value.is_floating_point() else str(value.item())
        return text + "." * (value.is_floating_point() and text.lstrip("-").isdigit())  # a float, when typed again
    return f"[{', '.join(map(_numbers, value))}]"


def _join(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
