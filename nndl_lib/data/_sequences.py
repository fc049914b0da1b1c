"""Toy sequences: tasks whose answer lies a known number of steps back, and a noisy oscillation to forecast.

N sequences of T steps, (N, T, ...), drawn from an explicit generator on its device. Used in chapter 10, "Recurrent
networks".
"""

import math
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_count, check_generator, check_positive
from nndl_lib._declared import checked, count, number
from nndl_lib.data._checks import DRAWN, floating, real


@checked(N=count(), T=count(least=2), generator=check_generator, dtype=floating)
def adding_problem(
    N: int, T: int, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """Remember two numbers and add them: inputs (N, T, 2), targets (N,).

    In each step come a number, uniform on 0 to 1, and a mark: 1 in two of the steps, one in the first half and one in
    the second, else 0. The target is the sum of the two marked numbers. To answer 1, its mean, costs a mean squared
    error of 1/6.

    Source: Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735, in the form of Le, Jaitly &
    Hinton (2015), https://arxiv.org/abs/1504.00941: the original has numbers from -1 to 1, the first mark among the
    first ten steps, and the target 1/2 + sum / 4.

    Raises: ValueError: N is not an integer of at least 1, or T of at least 2.
    """
    options: dict[str, Any] = {"generator": generator, "device": generator.device}
    values = torch.rand(N, T, **options, dtype=dtype)
    first, second = torch.randint(T // 2, (N, 1), **options), torch.randint(T // 2, T, (N, 1), **options)
    marks = torch.zeros_like(values).scatter_(1, torch.cat([first, second], dim=1), 1)
    return torch.stack([values, marks], dim=2), (values * marks).sum(dim=1)


@checked(N=count(), T=count(), generator=check_generator, dtype=real)
def delayed_copy(
    N: int, T: int, lag: int, generator: torch.Generator, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """Say what was heard ``lag`` steps ago: inputs (N, T, 1), -1 or 1 with equal probability, and targets (N, T).

    The target at step t is the input at step t - lag, and 0 before there is one. To answer 0 costs 1 in each later one.

    Raises: ValueError: N or T is not an integer of at least 1, or lag is not from 0 to T - 1.
    """
    lag = check_count(lag, "lag", "delayed_copy", least=0, most=T - 1)
    signs = torch.randint(2, (N, T), generator=generator, device=generator.device)
    inputs = (2 * signs - 1).to(dtype or torch.get_default_dtype())
    targets = torch.cat([inputs.new_zeros(N, lag), inputs[:, : T - lag]], dim=1)
    return inputs.unsqueeze(2), targets


@checked(T=count(), period=check_positive, jitter=number(), **DRAWN)
def noisy_oscillation(
    T: int,
    generator: torch.Generator,
    period: float = 25.0,
    jitter: float = 0.1,
    noise: float = 0.1,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor]:
    """A time series to forecast: what is observed (T,), and the oscillation without the noise of observing it (T,).

    A sine of amplitude 1 whose phase, from a random start, moves on by ``2 pi / period`` a step and by Gaussian steps
    beside it, so that it cannot be forecast far ahead; plus Gaussian noise, which cannot be forecast at all: even one
    who knows all but the future cannot get below a mean squared error of ``noise**2``.

    Args:
        T: the number of steps. period: in steps, greater than 0.
        jitter: the standard deviation of the phase's random steps, in radians, at least 0.
        noise: the standard deviation of what is added to each observation, at least 0.

    Raises: ValueError: T is not an integer of at least 1, or another number is outside its range.
    """
    options: dict[str, Any] = {"generator": generator, "device": generator.device, "dtype": dtype}
    start, steps, epsilon = torch.rand((), **options), torch.randn(T, **options), torch.randn(T, **options)
    phase = 2 * math.pi * start + (2 * math.pi / period + jitter * steps).cumsum(dim=0)
    clean = phase.sin()
    return clean + noise * epsilon, clean
