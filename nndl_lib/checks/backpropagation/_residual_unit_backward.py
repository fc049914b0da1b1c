"""Exercise 1: a small graph with fan-out."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES, each


def _cases():
    """Arguments x, t, w, b, v, lam."""
    for values, note in [
        ((1.0, 0.0, 1.0, 0.0, 1.0, 0.0), "no penalty"),
        ((2.0, 1.0, 0.5, -0.5, 0.0, 0.25), "v = 0"),
        ((0.0, 1.0, -0.75, 0.5, 1.5, 0.5), "x = 0"),
        ((-1.5, 0.25, 0.5, 0.25, -2.0, 0.5), ""),
        ((0.5, -1.0, 1.25, -1.5, 0.75, 0.125), ""),
        ((1.0, 2.0, -0.5, 0.25, 3.0, 1.0), ""),
        ((-2.0, -0.5, -1.0, 0.75, 0.5, 2.0), ""),
        ((3.0, 1.0, 10.0, 4.0, 2.0, 0.5), "a unit deep in saturation"),
    ]:
        yield Case(tuple(torch.tensor(value).double() for value in values), note)
    yield Case(tuple(torch.tensor(value) for value in (1.5, 0.5, 0.25, -0.5, 2.0, 0.25)), "float32")


def _unit(
    x,
    t,
    w,
    b,
    v,
    lam,
    *,
    direct=1.0,
    bent=1.0,
    penalty=1.0,
    sign=1.0,
    slope=lambda z, h: 1 - h * h,
    loss=1.0,
    by=None,
    forward=lambda z, h, v: z + v * h,
    error=lambda y, t: y - t,
):
    """The backward pass with its parts as options, to make mistakes with."""
    z = w * x + b
    h = torch.tanh(z)
    y_bar = sign * loss * error(forward(z, h, v), t)
    z_bar = y_bar * (direct + bent * v * slope(z, h))
    return z_bar * (x if by is None else by) + penalty * lam * w, z_bar, y_bar * h


def _with_z_bar(x, t, w, b, v, lam, z_bar):
    h = torch.tanh(w * x + b)
    y_bar = w * x + b + v * h - t
    return z_bar(y_bar, h) * x + lam * w, z_bar(y_bar, h), y_bar * h


def _unit_without_skip(x, t, w, b, v, lam):
    h = torch.tanh(w * x + b)
    z_bar = (v * h - t) * v * (1 - h * h)
    return z_bar * x + lam * w, z_bar, (v * h - t) * h


@exercise(
    returns=("w_bar", "b_bar", "v_bar"),
    without=DERIVATIVES,
    cases=_cases,
    mistakes=[
        "The direct arrow from z to y is missing: z has two children, and z_bar adds a message from each.",
        partial(_unit, direct=0.0),
        "The message through h is missing: z has two children, and z_bar adds a message from each.",
        partial(_unit, bent=0.0),
        "The penalty's message to w is missing: w has two children, z and the penalty.",
        partial(_unit, penalty=0.0),
        "The penalty's message to w is lam times w; yours is lam alone.",
        lambda x, t, w, b, v, lam: (_unit(x, t, w, b, v, 0 * lam)[0] + lam, *_unit(x, t, w, b, v, lam)[1:]),
        "The penalty's message is lam w: the factor 1/2 of lam / 2 w**2 cancels the 2 of its derivative.",
        partial(_unit, penalty=2.0),
        partial(_unit, penalty=0.5),
        *(
            lambda x, t, w, b, v, lam, of=of: (
                _unit(x, t, w, b, v, 0 * lam)[0] + lam * of(w),
                *_unit(x, t, w, b, v, lam)[1:],
            )
            for of in (lambda w: w**2, lambda w: w**2 / 2, lambda w: w.abs(), lambda w: w.sign())
        ),
        "The penalty's message has the wrong sign: it is added to the other one.",
        partial(_unit, penalty=-1.0),
        "The message from z to w is overwritten by the penalty's: add the two.",
        lambda x, t, w, b, v, lam: (lam * w, *_unit(x, t, w, b, v, lam)[1:]),
        "The sign of y_bar is wrong: it is y - t, prediction minus target.",
        partial(_unit, sign=-1.0),
        "The error signal y_bar is y - t: the slope of (y - t)**2 / 2, where the 1/2 cancels the 2.",
        partial(_unit, loss=2.0),
        partial(_unit, loss=0.5),
        *each(
            _unit,
            error=(
                lambda y, t: (y - t) ** 2 / 2,
                lambda y, t: y,
                lambda y, t: (y - t) ** 2,
                lambda y, t: torch.ones_like(y),
                lambda y, t: (y - t).sign(),
            ),
        ),
        "The slope of tanh is 1 - h**2; yours is not: is the square missing, or is it that of the logistic function?",
        *each(
            _unit,
            slope=(
                lambda z, h: h * (1 - h),
                lambda z, h: 1 - z * z,
                lambda z, h: 1 - h,
                lambda z, h: (1 - h) ** 2,
                lambda z, h: 1 + h * h,
                lambda z, h: 1 - torch.tanh(h) ** 2,
                lambda z, h: h,
                lambda z, h: h * h,
                lambda z, h: (1 - h * h) ** 2,
                lambda z, h: torch.sigmoid(z) * torch.sigmoid(-z),
                lambda z, h: -2 * h * (1 - h * h),
            ),
        ),
        "The slope of tanh is missing from the message through h.",
        partial(_unit, slope=lambda z, h: 1 + 0 * h),
        "The slope of tanh or the factor v is on both messages; it belongs to the one through h alone.",
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: (y_bar + y_bar * v) * (1 - h * h)),
        lambda x, t, w, b, v, lam: _with_z_bar(
            x, t, w, b, v, lam, lambda y_bar, h: y_bar * v + y_bar * v * (1 - h * h)
        ),
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: y_bar * (1 - h * h) + y_bar * v),
        "The two messages to z are added: they are neither subtracted nor multiplied.",
        partial(_unit, bent=-1.0),
        partial(_unit, direct=-1.0),
        lambda x, t, w, b, v, lam: _with_z_bar(x, t, w, b, v, lam, lambda y_bar, h: y_bar * y_bar * v * (1 - h * h)),
        "The factor v is missing from the message h_bar through h.",
        partial(_with_z_bar, z_bar=lambda y_bar, h: y_bar + y_bar * (1 - h * h)),
        "The message from z to w is z_bar times x; the factor x is missing, or another one stands there.",
        partial(_unit, by=1.0),
        lambda x, t, w, *a: _unit(x, t, w, *a, by=w),
        "In your forward pass y lacks the shortcut, the term z, or combines the two in another way: it is z + v * h.",
        _unit_without_skip,
        *each(
            _unit,
            forward=(
                lambda z, h, v: v * h,
                lambda z, h, v: h + v * z,
                lambda z, h, v: z + h,
                lambda z, h, v: v * (z + h),
                lambda z, h, v: z,
            ),
        ),
        "b_bar is z_bar: the slope of z by b is 1, and only w is penalized.",
        lambda x, t, w, b, v, lam: (
            _unit(x, t, w, b, v, lam)[0],
            _unit(x, t, w, b, v, lam)[1] + lam * b,
            _unit(x, t, w, b, v, lam)[2],
        ),
        lambda x, t, w, b, v, lam: (
            _unit(x, t, w, b, v, lam)[0],
            _unit(x, t, w, b, v, lam)[1] + lam * w,
            _unit(x, t, w, b, v, lam)[2],
        ),
        "v_bar is y_bar times h; yours has another factor.",
        *(
            lambda x, t, w, b, v, lam, of=of: (
                *_unit(x, t, w, b, v, lam)[:2],
                (w * x + b + v * torch.tanh(w * x + b) - t) * of(w * x + b, torch.tanh(w * x + b), v),
            )
            for of in (
                lambda z, h, v: z,
                lambda z, h, v: 1,
                lambda z, h, v: 1 - h * h,
                lambda z, h, v: h * v,
                lambda z, h, v: z + h,
                lambda z, h, v: v,
            )
        ),
    ],
)
def residual_unit_backward(x, t, w, b, v, lam):
    """Exercise 1: a unit with a direct arrow past its bend. The function returns (w_bar, b_bar, v_bar)."""
    w, b, v = (value.detach().clone().requires_grad_() for value in (w, b, v))
    z = w * x + b
    loss = (z + v * torch.tanh(z) - t) ** 2 / 2 + lam / 2 * w**2
    return torch.autograd.grad(loss, (w, b, v))
