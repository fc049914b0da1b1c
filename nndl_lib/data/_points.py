"""Toy sets for classification: truth tables, and points of the plane in classes that no line, or one line, separates.

Points come from an explicit generator; classes are balanced and take turns: example n is of class ``n % K``. First
used in chapter 03, "Classification".
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_count, check_positive
from nndl_lib._declared import checked, count
from nndl_lib.data._checks import DRAWN, real


@checked(D=count(most=20), dtype=real)
def boolean_inputs(D: int, dtype: torch.dtype | None = None) -> Tensor:
    """All rows of D zeros and ones, (2**D, D) float, counting up: row n is n in binary, the highest digit first.

    Raises: ValueError: D is not an integer from 1 to 20.
    """
    digits = torch.arange(2**D).unsqueeze(1) >> torch.arange(D - 1, -1, -1)
    return (digits & 1).to(dtype or torch.get_default_dtype())


@checked(**DRAWN)
def make_blobs(
    N: int,
    centers: Tensor | Sequence[Sequence[float]],
    noise: float,
    generator: torch.Generator,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """N points around K centers (K, D) with Gaussian noise: X (N, D), t (N,) int64, the number of the center.

    Raises: ValueError: N < K, noise is negative, or centers are not a table (K, D) of finite numbers.
    """
    device = generator.device
    centers = torch.as_tensor(centers, dtype=dtype or torch.get_default_dtype(), device=device)
    _check_centers(centers, N)
    t = torch.arange(N, device=device) % len(centers)
    return centers[t] + noise * torch.randn(N, centers.shape[1], generator=generator, device=device, dtype=dtype), t


@checked(N=count(least=2), **DRAWN)
def make_moons(
    N: int, noise: float, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """N points on two interleaved half circles plus Gaussian noise: X (N, 2), t (N,) int64, 0 above and 1 below.

    The half circles are those of scikit-learn's ``make_moons``: radius 1, around (0, 0) and around (1, 0.5).

    Raises: ValueError: N < 2, or noise is negative.
    """
    t, u, epsilon = _draw(N, generator, dtype)
    below = t.to(u.dtype)
    sign, angle = 1 - 2 * below, math.pi * u
    return torch.stack([sign * angle.cos() + below, sign * angle.sin() + below / 2], dim=1) + noise * epsilon, t


@checked(N=count(least=2), **DRAWN)
def make_circles(
    N: int, noise: float, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """N points on two circles around (0, 0) plus Gaussian noise: X (N, 2), t (N,) int64: 0 radius 1, 1 radius 1/2.

    Raises: ValueError: N < 2, or noise is negative.
    """
    t, u, epsilon = _draw(N, generator, dtype)
    return _polar(1 - t / 2, 2 * math.pi * u) + noise * epsilon, t


@checked(N=count(least=2), turns=check_positive, **DRAWN)
def make_spirals(
    N: int, noise: float, generator: torch.Generator, turns: float = 1.0, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """N points on two spirals plus Gaussian noise: X (N, 2), t (N,) int64; class 1 is class 0 turned by half a turn.

    From radius 0.1 to 1 the angle grows in proportion from 0 to ``2 pi turns``.

    Raises: ValueError: N < 2, noise is negative, or turns is not greater than 0.
    """
    t, u, epsilon = _draw(N, generator, dtype)
    u = u.sqrt()  # about as many points to each length of the arm
    return _polar(0.1 + 0.9 * u, math.pi * (2 * turns * u + t)) + noise * epsilon, t


def _polar(radius: Tensor, angle: Tensor) -> Tensor:
    radius = radius.to(angle.dtype)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def _draw(N: int, generator: torch.Generator, dtype: torch.dtype | None) -> tuple[Tensor, Tensor, Tensor]:
    # Classes 0 and 1 in turns, where each point lies on its curve, from 0 to 1, and its noise.
    options: dict[str, Any] = {"generator": generator, "device": generator.device, "dtype": dtype}
    return torch.arange(N, device=generator.device) % 2, torch.rand(N, **options), torch.randn(N, 2, **options)


def _check_centers(centers: Tensor, N: int) -> None:
    if centers.ndim != 2 or centers.numel() == 0 or not centers.isfinite().all():
        raise ValueError(
            f"make_blobs: centers have shape {tuple(centers.shape)} and are {centers.tolist()}; "
            "expected finite numbers (K, D) with K and D of at least 1"
        )
    check_count(N, "N", "make_blobs", least=len(centers))  # an example of each class
