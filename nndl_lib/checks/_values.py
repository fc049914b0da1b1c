"""Answers as plain data, which go from one process to another, and are compared without running a line of the reader's.

Plain are None, truth values, numbers, strings, lists, tuples, dictionaries, NumPy's numbers and arrays, and tensors,
each of exactly that type. Whatever else a function may return becomes a ``Described``: words that equal nothing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

MOST = 10**6  # entries of a tensor, items of a list
# Asked of these classes, not of the value: a class of the reader's may answer anything.
CONVERTED: tuple[tuple[type, Callable], ...] = (int, int.__int__), (float, float.__float__), (str, str.__str__)
HOLDERS: tuple[tuple[Any, Callable], ...] = (tuple, tuple.__iter__), (list, list.__iter__), (dict, dict.items)


class Described:
    """What no right answer is, in words."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


class _Bytes(NamedTuple):
    """A tensor. As torch would send it, it would lie in memory that is shared with a process which is then killed."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    data: bytes


def pack(value: Any, depth: int = 0) -> Any:
    """A value as plain data. An object may lie about its class, so that only ``type`` is asked."""
    kind = type(value)
    if kind in (bool, int, float, str) or value is None:
        return value
    try:
        if issubclass(kind, Tensor):
            return _tensor(value)
        if issubclass(kind, np.ndarray) and value.dtype.kind in "biufc" and value.size <= MOST:
            return np.array(value)
        if issubclass(kind, np.generic):
            return value if kind.__module__ == "numpy" else Described(f"a {kind.__name__}")
        for base, convert in CONVERTED:
            if issubclass(kind, base):
                return convert(value)
        for base, items in HOLDERS:
            if issubclass(kind, base) and depth < 20 and base.__len__(value) <= MOST:
                return base([pack(item, depth + 1) for item in items(value)])
    except Exception:
        pass
    return Described(_words(value))


def unpack(value: Any) -> Any:
    """What was packed, with its tensors."""
    kind = type(value)
    if kind is _Bytes:
        if not value.data:  # frombuffer takes no empty one
            return torch.empty(value.shape, dtype=value.dtype)
        return torch.frombuffer(bytearray(value.data), dtype=value.dtype).reshape(value.shape)
    if kind in (tuple, list):
        return kind(map(unpack, value))
    return dict(map(unpack, value.items())) if kind is dict else value


def _tensor(value: Tensor) -> _Bytes | Described:
    shape = tuple(Tensor.size(value))
    if value.layout != torch.strided:
        return Described(f"a sparse tensor of shape {shape}")
    if value.device.type != "cpu":
        return Described(f"a tensor of shape {shape} on the device {value.device}")
    if value.numel() > MOST:
        return Described(f"a tensor of shape {shape}")
    with torch._C.DisableTorchFunctionSubclass():
        flat = torch.empty(shape, dtype=value.dtype).copy_(value.detach()).flatten()
        return _Bytes(flat.dtype, shape, flat.view(torch.uint8).numpy().tobytes() if len(flat) else b"")


def _words(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # a reader's class may be half written
        text = " " * 99
    kind = type(value).__name__
    return f"the {kind} {text}" if len(text) <= 30 else f"a {kind}"
