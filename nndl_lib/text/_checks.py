"""What functions of texts and language models are given, checked."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_tensors, known, raise_at
from nndl_lib._declared import Check


def check_ids(ids: Tensor, name: str, caller: str, axes: str = "M", K: int = 96) -> Tensor:
    """Return ids. Raises: ValueError where they are not int64 from 0 to K - 1, or not of these axes, such as "T N"."""
    check_tensors(caller, **{name: ids})
    sizes = axes.split()
    if ids.ndim != len(sizes) or ids.dtype != torch.int64 or ids.numel() == 0:
        found = f"{name} have shape {tuple(ids.shape)} and are {ids.dtype}"
        form = f"({', '.join(sizes)}{',' * (len(sizes) == 1)}) int64 with {' and '.join(sizes)} of at least 1"
        raise ValueError(f"{caller}: {found}; expected {form}")
    if known(ids):
        raise_at((ids < 0) | (ids >= K), ids, name, caller, f"characters 0 to {K - 1}")
    return ids


def kept(check: Callable[[Any, str, str], Any]) -> Check:
    """A check that returns the value as it is."""

    def keeping(value: Any, name: str, caller: str) -> Any:
        check(value, name, caller)
        return value

    return keeping
