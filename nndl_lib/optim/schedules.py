"""Learning rate schedules: pure functions of the step that give a factor for the learning rate, a float.

Steps count from 0, the first update, and are whatever the caller counts, updates or epochs. To use one::

    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * schedules.cosine(step, steps)

The names of the arguments are those of ``torch.optim.lr_scheduler``.
"""

import math
from collections.abc import Callable

from nndl_lib._arguments import check_function, check_number
from nndl_lib._declared import checked, count, number

__all__ = ["constant", "cosine", "exponential", "linear_warmup", "step_decay"]


def _function(value: Callable, name: str, caller: str) -> Callable:
    check_function(value, name, caller)
    return value


@checked(step=count(least=0))
def constant(step: int) -> float:
    """1 at every step. Raises: ValueError where step is not an integer of at least 0."""
    return 1.0


@checked(step=count(least=0), step_size=count(), gamma=number())
def step_decay(step: int, step_size: int, gamma: float = 0.1) -> float:
    """``gamma ** (step // step_size)``: multiplied by gamma every step_size steps, as ``StepLR``.

    Raises: ValueError where step or step_size is not an integer of at least 0 or 1, gamma is negative, or the factor is
    too large for a float.
    """
    return _power(gamma, step // step_size, "step_decay")


@checked(step=count(least=0), gamma=number())
def exponential(step: int, gamma: float) -> float:
    """``gamma ** step``, exponential cooling, as ``ExponentialLR``: halved every ``log(1/2) / log(gamma)`` steps.

    Raises: ValueError where step is not an integer of at least 0, gamma is negative, or the factor is too large for a
    float.
    """
    return _power(gamma, step, "exponential")


@checked(step=count(least=0), T_max=count(), final=number())
def cosine(step: int, T_max: int, final: float = 0.0) -> float:
    """Half a wave from 1 at step 0 down to final at step T_max, then final.

    Convention: final is a factor; ``CosineAnnealingLR`` has ``eta_min = final * lr``. From step T_max on, torch's
    climbs back. Source: Loshchilov & Hutter (2017), https://arxiv.org/abs/1608.03983, eq. 5, one run without restarts.

    Raises: ValueError where step or T_max is not an integer of at least 0 or 1, or final is negative.
    """
    return final + (1 - final) * (1 + math.cos(math.pi * min(step, T_max) / T_max)) / 2


@checked(step=count(least=0), total_iters=count(least=0), then=_function, start_factor=number())
def linear_warmup(
    step: int, total_iters: int, then: Callable[[int], float] = constant, start_factor: float = 1 / 3
) -> float:
    """A line from start_factor at step 0 to 1 at step total_iters, and from there on another schedule.

    ``linear_warmup(step, 10, lambda step: cosine(step, 90))`` takes 100 steps: the other one counts its own from 0.
    As ``LinearLR``, and before another as ``SequentialLR``. With total_iters = 0 there is no warm-up.

    Raises: ValueError where step or total_iters is not an integer of at least 0, start_factor or a factor of the other
    schedule is negative or not finite, or the other schedule is not a function.
    """
    if step >= total_iters:
        return check_number(then(step - total_iters), f"then({step - total_iters})", "linear_warmup")
    return start_factor + (1 - start_factor) * (step / total_iters)


def _power(gamma: float, exponent: int, caller: str) -> float:
    try:
        return gamma ** min(exponent, 2**1000)  # beyond 2**1024 an integer is no float, however small the power
    except OverflowError:
        raise ValueError(
            f"{caller}: the factor is {gamma} ** {exponent}; expected one that is a finite float"
        ) from None
