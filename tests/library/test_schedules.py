"""nndl_lib.optim.schedules against torch.optim.lr_scheduler, and what is refused."""

import inspect
import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from nndl_lib.optim import schedules


def torchs(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def same(ours, make, steps=40):
    found = [ours(step) for step in range(steps)]
    assert all(type(rate) is float for rate in found)
    assert found == pytest.approx(torchs(make, steps), rel=1e-12, abs=1e-15)


def test_equal_torchs():
    same(schedules.constant, lambda o: lr_scheduler.ConstantLR(o, factor=1.0))
    for size, gamma in ((1, 0.5), (7, 0.3), (50, 0.1)):
        same(lambda t: schedules.step_decay(t, size, gamma), lambda o: lr_scheduler.StepLR(o, size, gamma))
    same(lambda t: schedules.step_decay(t, 5), lambda o: lr_scheduler.StepLR(o, 5))
    for gamma in (0.5, 0.99, 1, 0):
        same(lambda t: schedules.exponential(t, gamma), lambda o: lr_scheduler.ExponentialLR(o, gamma))
    for final in (0, 0.1):
        same(lambda t: schedules.cosine(t, 39, final), lambda o: lr_scheduler.CosineAnnealingLR(o, 39, eta_min=final))
    same(lambda t: schedules.linear_warmup(t, 5), lambda o: lr_scheduler.LinearLR(o))
    for n, start in ((1, 0.5), (30, 0.01)):
        same(
            lambda t: schedules.linear_warmup(t, n, start_factor=start),
            lambda o: lr_scheduler.LinearLR(o, start, 1.0, n),
        )


def test_warmup_then_another():
    def make(o):
        parts = [lr_scheduler.LinearLR(o, 0.1, 1.0, 10), lr_scheduler.ExponentialLR(o, 0.9)]
        return lr_scheduler.SequentialLR(o, parts, milestones=[10])

    same(lambda t: schedules.linear_warmup(t, 10, lambda s: schedules.exponential(s, 0.9), 0.1), make)
    assert schedules.linear_warmup(10, 10, lambda s: s) == 0.0
    assert schedules.linear_warmup(0, 0) == 1.0
    assert schedules.linear_warmup(0, 4, start_factor=0) == 0.0


def test_cosine_stays_at_its_end():
    assert [schedules.cosine(t, 4, 0.2) for t in (0, 2, 4, 5, 8)] == pytest.approx([1, 0.6, 0.2, 0.2, 0.2])
    assert schedules.cosine(1, 3) == pytest.approx(0.75)


HUGE = [10**4, 2**31, 2**63, 10**30, 10**400, np.int64(2**62), np.uint64(2**63)]


@pytest.mark.parametrize("step", HUGE)
def test_far_beyond_the_end(step):
    with np.errstate(all="raise"):
        found = [
            schedules.constant(step),
            schedules.exponential(step, 1),
            schedules.step_decay(step, 1, 1.0),
            schedules.exponential(step, 0.5),
            schedules.step_decay(step, 3),
            schedules.exponential(step, 0),
            schedules.cosine(step, 10, 0.25),
            schedules.cosine(step, 1),
            schedules.linear_warmup(step, 0),
            schedules.linear_warmup(step, step),
            schedules.linear_warmup(step, 2, lambda s: schedules.exponential(s, 0.5)),
        ]
    assert found == pytest.approx([1, 1, 1, 0, 0, 0, 0.25, 0, 1, 1, 0], abs=1e-300)
    assert all(type(factor) is float for factor in found)
    if step < 10**300:
        assert schedules.cosine(step, 2 * int(step)) == pytest.approx(0.5) and schedules.cosine(step, step) == 0
    assert schedules.linear_warmup(step, 4 * int(step), start_factor=0) == 0.25
    with pytest.raises(
        ValueError, match=r"exponential: the factor is 1.5 \*\* \d+; expected one that is a finite float"
    ):
        schedules.exponential(step, 1.5)


def test_a_factor_that_is_no_float():
    message = "exponential: the factor is 1.5 ** 10000; expected one that is a finite float"
    with pytest.raises(ValueError, match=re.escape(message)):
        schedules.exponential(10000, 1.5)
    with pytest.raises(
        ValueError, match=re.escape("step_decay: the factor is 2.0 ** 1024; expected one that is a finite")
    ):
        schedules.step_decay(4 * 1024 + 3, 4, 2)
    assert schedules.step_decay(4 * 1024 - 1, 4, 2) == 2.0**1023
    assert schedules.exponential(1000, 1.5) == 1.5**1000


def test_numbers_of_other_kinds():
    for kind in (np.int8, np.int64, np.uint8, int):
        found = [
            schedules.exponential(kind(3), np.float32(0.5)),
            schedules.step_decay(kind(7), kind(2), Fraction(1, 2)),
            schedules.cosine(kind(2), kind(4), np.float64(0.5)),
            schedules.linear_warmup(kind(1), kind(4), start_factor=0),
            schedules.linear_warmup(kind(5), kind(4), lambda s: np.float32(s)),
        ]
        assert found == [0.125, 0.125, 0.75, 0.25, 1.0] and all(type(factor) is float for factor in found)


def test_defaults_and_places_are_torchs():
    for name, scheduler in (
        ("step_decay", "StepLR"),
        ("exponential", "ExponentialLR"),
        ("cosine", "CosineAnnealingLR"),
    ):
        ours = list(inspect.signature(getattr(schedules, name)).parameters.values())[1:]
        theirs = list(inspect.signature(getattr(lr_scheduler, scheduler)).parameters.values())[1:-1]
        renamed = [(p.name.replace("final", "eta_min"), p.kind, p.default) for p in ours]
        assert renamed == [(p.name, p.kind, p.default) for p in theirs]


CALLS = {
    "constant": lambda step: schedules.constant(step),
    "step_decay": lambda step: schedules.step_decay(step, 2),
    "exponential": lambda step: schedules.exponential(step, 0.5),
    "cosine": lambda step: schedules.cosine(step, 2),
    "linear_warmup": lambda step: schedules.linear_warmup(step, 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_steps(name):
    for step in (-1, 1.0, True, None, "1", Fraction(2), math.nan, np.float64(1), np.bool_(True)):
        with pytest.raises(ValueError, match=re.escape(f"{name}: step is {step!r}; expected an integer")):
            CALLS[name](step)


@pytest.mark.parametrize(
    "message, call",
    [
        ("step_decay: step_size is 0; expected an integer of at least 1", lambda: schedules.step_decay(0, 0)),
        ("step_decay: gamma is -1; expected a finite number of at least 0", lambda: schedules.step_decay(0, 1, -1)),
        (
            "exponential: gamma is nan; expected a finite number of at least 0",
            lambda: schedules.exponential(0, math.nan),
        ),
        ("cosine: T_max is 0; expected an integer of at least 1", lambda: schedules.cosine(0, 0)),
        ("cosine: final is -0.1; expected a finite number of at least 0", lambda: schedules.cosine(0, 1, -0.1)),
        ("linear_warmup: total_iters is -1; expected an integer of at least 0", lambda: schedules.linear_warmup(0, -1)),
        ("exponential: gamma is '0.5'; expected a finite number", lambda: schedules.exponential(0, "0.5")),
        ("exponential: gamma is True; expected a finite number", lambda: schedules.exponential(0, True)),
        ("cosine: T_max is 2.5; expected an integer of at least 1", lambda: schedules.cosine(0, 2.5)),
        ("linear_warmup: then is 1.0; expected a function", lambda: schedules.linear_warmup(0, 1, 1.0)),
        (
            "linear_warmup: then(3) is None; expected a finite number",
            lambda: schedules.linear_warmup(4, 1, lambda s: None),
        ),
        ("linear_warmup: then(0) is nan; expected a finite", lambda: schedules.linear_warmup(1, 1, lambda s: math.nan)),
        ("linear_warmup: then(0) is -1; expected a finite number", lambda: schedules.linear_warmup(1, 1, lambda s: -1)),
        ("linear_warmup: start_factor is inf; expected", lambda: schedules.linear_warmup(0, 1, start_factor=math.inf)),
    ],
)
def test_bad_settings(message, call):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
