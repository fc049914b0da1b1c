"""What the chapters' inputs are made of: numbers that are short to print and exact to compute with."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nndl_lib.runtime import generator

__all__ = [
    "classes",
    "floats",
    "generator",
    "grown",
    "hundredths",
    "in_float32",
    "quarters",
    "signed_quarters",
    "whole",
]


def floats(*values: Any) -> Tensor:
    """A vector of these numbers, or a matrix of these rows, in float64."""
    return torch.tensor(values, dtype=torch.float64)


def whole(*values: Any) -> Tensor:
    """The same in int64."""
    return torch.tensor(values, dtype=torch.int64)


def quarters(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/4 from -2 to 2."""
    return torch.randint(-8, 9, shape, generator=g).double() / 4


def signed_quarters(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/4 from -2 to 2, none of them zero."""
    size = torch.randint(1, 9, shape, generator=g).double() / 4
    return size * (2 * torch.randint(0, 2, shape, generator=g) - 1)


def hundredths(*shape: int, g: torch.Generator) -> Tensor:
    """Random multiples of 1/100 from -2 to 2."""
    return torch.randint(-200, 201, shape, generator=g).double() / 100


def classes(*shape: int, K: int, g: torch.Generator) -> Tensor:
    """Random classes from 0 to K - 1."""
    return torch.randint(K, shape, generator=g)


def in_float32(values: Any) -> Any:
    """The same arguments, with all tensors of floats in float32."""
    if isinstance(values, Tensor):
        return values.float() if values.is_floating_point() else values
    return type(values)(map(in_float32, values)) if isinstance(values, (tuple, list)) else values


def grown(
    arguments: Callable[..., tuple], *axes: tuple[str, tuple[int, ...], tuple[int, ...]]
) -> Callable[[], list[tuple[str, tuple, tuple, int]]]:
    """The ``loops`` of an exercise: ``arguments`` of few and of many of something, with what that is first."""
    return lambda: [(what, arguments(*few), arguments(*many), sum(many) - sum(few)) for what, few, many in axes]
