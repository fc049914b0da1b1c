"""Canvases with several digits on hatched paper, and what is where on them. Used in chapter 09."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nndl_lib._arguments import check_generator, raise_at
from nndl_lib._declared import checked, count

SIDES = (11, 17)  # of a digit on a canvas: from 11 to 16 pixels
INK = 0.4  # a pixel is of a digit where its ink is above this
TRIES = 20  # to place the digits of a canvas


@torch.no_grad()
@checked(N=count(), X="finite n 1 H W", t="int64 n", generator=check_generator, most=count(), side=count(least=16))
def digit_canvases(
    N: int, X: Tensor, t: Tensor, generator: torch.Generator, most: int = 3, side: int = 32
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """N canvases of one to ``most`` digits each, enlarged and painted on stripes, which are almost as dark as ink.

    Digits do not cover each other's ink: where no place is found for one, there are fewer.

    Args:
        X: images to paint (n, 1, H, W), from 0, paper, to 1, ink. t: their classes (n,), at least 0.
        side: of the square canvases, in pixels.

    Returns: canvases (N, 1, side, side), and for each digit its box (N, most, 4), the least (x1, y1, x2, y2) around its
        ink, its class (N, most), or -1 where there is none, and its mask (N, most, side, side), 1 where the ink is
        above 0.4, else 0.

    Raises: ValueError: a number is too small or no integer, X and t do not fit together, or a class is negative.
    """
    raise_at(t < 0, t, "t", "digit_canvases", "classes of at least 0")
    dtype, X = X.dtype, X.to(torch.promote_types(X.dtype, torch.float32))
    canvas, boxes = _hatched(N, side, generator).to(X.dtype), X.new_zeros(N, most, 4)
    labels, masks = t.new_full((N, most), -1), X.new_zeros(N, most, side, side)
    numbers = _integer(1, most + 1, generator, N)
    for n in range(N):
        k = 0
        for _ in range(TRIES):
            (size,), (which,) = _integer(*SIDES, generator), _integer(0, len(X), generator)
            top, left = _integer(0, side - size + 1, generator, 2)
            ink = F.interpolate(X[which][None], size=size, mode="bilinear")[0, 0]
            here, own = (slice(top, top + size), slice(left, left + size)), ink > INK
            if k == numbers[n] or not own.any() or (masks[n, :, here[0], here[1]].amax(dim=0) * own).any():
                continue
            rows, columns = own.any(dim=1).nonzero()[:, 0].tolist(), own.any(dim=0).nonzero()[:, 0].tolist()
            box = [left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1]
            boxes[n, k], labels[n, k] = X.new_tensor(box), t[which]
            masks[n, k, here[0], here[1]] = own.to(X.dtype)
            canvas[n, here[0], here[1]] = canvas[n, here[0], here[1]] * (1 - ink) + ink
            k += 1
    return canvas[:, None].to(dtype), boxes.to(dtype), labels, masks.to(dtype)


def _hatched(N: int, side: int, generator: torch.Generator) -> Tensor:
    """Stripes of random direction, width and strength, from 0 to at most 0.8: (N, side, side)."""
    options: dict[str, Any] = {"generator": generator, "dtype": torch.float32, "device": generator.device}
    turn, phase, width, strength = torch.rand(4, N, 1, 1, **options)
    place, angle = torch.arange(side, device=generator.device), 2 * math.pi * turn
    along = angle.cos() * place + angle.sin() * place[:, None]
    wave = (2 * math.pi * (along / (3 + 4 * width) + phase)).sin()
    return 0.8 * (0.5 + 0.5 * strength) * (0.5 + 0.5 * wave)


def _integer(low: int, high: int, generator: torch.Generator, count: int = 1) -> list[int]:
    """Random integers, each from low to below high."""
    return torch.randint(low, high, (count,), generator=generator, device=generator.device).tolist()
