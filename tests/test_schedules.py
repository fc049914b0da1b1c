"""nndl_lib.schedules against torch.optim.lr_scheduler, and what is refused."""

import math
import re

import pytest
import torch
from torch.optim import lr_scheduler

from nndl_lib import schedules


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
        same(lambda t: schedules.linear_warmup(t, n, start_factor=start), lambda o: lr_scheduler.LinearLR(o, start, 1.0, n))


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


CALLS = {
    "constant": lambda step: schedules.constant(step),
    "step_decay": lambda step: schedules.step_decay(step, 2),
    "exponential": lambda step: schedules.exponential(step, 0.5),
    "cosine": lambda step: schedules.cosine(step, 2),
    "linear_warmup": lambda step: schedules.linear_warmup(step, 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_steps(name):
    for step in (-1, 1.0, True):
        with pytest.raises(ValueError, match=f"^{name}: step is {step!r}; expected an integer of at least 0"):
            CALLS[name](step)


@pytest.mark.parametrize(
    "message, call",
    [
        ("step_decay: step_size is 0; expected an integer of at least 1", lambda: schedules.step_decay(0, 0)),
        ("step_decay: gamma is -1; expected a finite number of at least 0", lambda: schedules.step_decay(0, 1, -1)),
        ("exponential: gamma is nan; expected a finite number of at least 0", lambda: schedules.exponential(0, math.nan)),
        ("cosine: T_max is 0; expected an integer of at least 1", lambda: schedules.cosine(0, 0)),
        ("cosine: final is -0.1; expected a finite number of at least 0", lambda: schedules.cosine(0, 1, -0.1)),
        ("linear_warmup: total_iters is -1; expected an integer of at least 0", lambda: schedules.linear_warmup(0, -1)),
        ("linear_warmup: start_factor is inf; expected", lambda: schedules.linear_warmup(0, 1, start_factor=math.inf)),
    ],
)
def test_bad_settings(message, call):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
