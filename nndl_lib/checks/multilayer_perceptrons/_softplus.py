"""Exercise 3: softplus."""

import itertools

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import floats, generator, signed_quarters


def _cases():
    """Arguments z, beta."""
    both = "For large z, of either sign, it overflows: keep exponents at or below 0, as in exp(-abs(u))."
    yield Case((floats(0.0), 1.0), "zero")
    yield Case((floats(1.5), 1.0))
    yield Case((floats(-1.0, 2.0), 2.0), "sharpness 2")
    yield Case((floats(0.5, -0.75, 3.0), 0.5), "sharpness 0.5")
    yield Case((floats([1.0, -2.0], [0.25, -0.25]), 4.0), "a matrix")
    yield Case((signed_quarters(6, g=generator(400)), 3.0))
    yield Case((floats(-6.0, -12.0, -18.0, -22.0, -35.0), 1.0), "h is small, and not 0")
    yield Case((floats(5.5, 7.5), 2.0))
    yield Case((floats(30.0, -30.0), 1.0), "z = 30 and -30", both)
    yield Case((floats(1e4), 1.0), "z = 10 000", both)
    yield Case((floats(-1e4), 1.0), "z = -10 000", both)
    yield Case((floats(1e4, -1e4, 1.0), 10.0), "z = 10 000 and -10 000", both)
    yield Case((torch.tensor([0.5, -1.25, 1e4]), 2.0), "float32", both)


def _log1pexp(u):
    return torch.logaddexp(u, torch.zeros_like(u))


_CUTS = [*itertools.product((-5, -10, -20), (5, 10, 20, 30, 1e9)), (-50, 10), (-1e9, 5), (-1e9, 10)]


@exercise(
    returns=("h", "slope"),
    cases=_cases,
    without=DERIVATIVES,
    mistakes=[
        "h is not divided by beta.",
        lambda z, beta: (_log1pexp(beta * z), torch.sigmoid(beta * z)),
        lambda z, beta: (beta * _log1pexp(beta * z), torch.sigmoid(beta * z)),
        lambda z, beta: ((beta * z).clamp(min=0) + _log1pexp(-(beta * z).abs()) / beta, torch.sigmoid(beta * z)),
        "h is not divided by beta, and slope has a beta too many: the two go together.",
        lambda z, beta: (_log1pexp(beta * z), beta * torch.sigmoid(beta * z)),
        "slope has a beta too many: the inner derivative cancels the 1 / beta.",
        lambda z, beta: (_log1pexp(beta * z) / beta, beta * torch.sigmoid(beta * z)),
        "slope is beta times too small: the inner derivative, beta, cancels the 1 / beta.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(beta * z) / beta),
        "beta has no effect: multiply z by it first, and divide h by it.",
        lambda z, beta: (_log1pexp(z), torch.sigmoid(z)),
        "beta is missing in the exponent: z is multiplied by it first, in h and in slope.",
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(z) / beta),
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(z)),
        "You divide z by beta; multiply by it: a large beta makes the bend sharp.",
        *(
            lambda z, beta, power=power, more=more: (
                _log1pexp(z / beta) * beta**power,
                torch.sigmoid(z / beta) * beta**more,
            )
            for power in (-1, 0, 1)
            for more in (-1, 0, 1)
        ),
        "beta is missing from slope: it is the logistic function of beta z.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(z)),
        "beta is missing inside the exponential of h.",
        lambda z, beta: (_log1pexp(z) / beta, torch.sigmoid(beta * z)),
        lambda z, beta: (z.clamp(min=0) + _log1pexp(-z.abs()) / beta, torch.sigmoid(beta * z)),
        "h is log(1 + exp(u)) / beta, or (max(u, 0) + log(1 + exp(-|u|))) / beta: one of the parts is wrong.",
        *(
            lambda z, beta, of=of: (of(beta * z) / beta, torch.sigmoid(beta * z))
            for of in (
                lambda u: _log1pexp(-u.abs()),
                lambda u: u.abs() + _log1pexp(-u.abs()),
                lambda u: u + _log1pexp(-u.abs()),
                lambda u: u.clamp(max=0) + _log1pexp(-u.abs()),
                lambda u: u,
                lambda u: u.clamp(-50, 50),
                lambda u: _log1pexp(u) - np.log(2),
            )
        ),
        lambda z, beta: (_log1pexp(beta * z) / beta - np.log(2), torch.sigmoid(beta * z)),
        "The exponent in h has the wrong sign: exp(-|u|) is never above 1, exp(|u|) is infinite for large u.",
        lambda z, beta: (
            ((beta * z).clamp(min=0) + torch.log1p((beta * z).abs().exp())) / beta,
            torch.sigmoid(beta * z),
        ),
        lambda z, beta: (((beta * z).clamp(min=0) + _log1pexp((beta * z).abs())) / beta, torch.sigmoid(beta * z)),
        "h is cut off: to 0 for negative z, or to z for positive ones, where softplus is still another number.",
        *(
            lambda z, beta, low=low, high=high: (
                torch.where(beta * z > high, z, torch.where(beta * z < low, 0 * z, _log1pexp(beta * z) / beta)),
                torch.sigmoid(beta * z),
            )
            for low, high in _CUTS
        ),
        "h is the ReLU; softplus is smooth, and log(2) / beta at 0.",
        lambda z, beta: (z.clamp(min=0), torch.sigmoid(beta * z)),
        "You compute the ReLU and its slope; softplus is smooth.",
        lambda z, beta: (z.clamp(min=0), (z > 0).to(z.dtype)),
        "slope is that of the ReLU, 0 or 1; softplus has a smooth one.",
        lambda z, beta: (_log1pexp(beta * z) / beta, (z > 0).to(z.dtype)),
        "slope is the derivative of the logistic function; the derivative of softplus is the logistic function itself.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(beta * z) * torch.sigmoid(-beta * z)),
        lambda z, beta: (_log1pexp(beta * z) / beta, beta * torch.sigmoid(beta * z) * torch.sigmoid(-beta * z)),
        "slope has the wrong side: it goes to 1 for large z and to 0 for very negative z.",
        lambda z, beta: (_log1pexp(beta * z) / beta, torch.sigmoid(-beta * z)),
        "slope is the same for z and -z, or a tanh; it goes from 0 to 1: 1 / (1 + exp(-u)), or exp(u) / (1 + exp(u)).",
        *(
            lambda z, beta, of=of: (_log1pexp(beta * z) / beta, of(beta * z))
            for of in (
                torch.tanh,
                lambda u: (-u.abs()).sigmoid(),
                lambda u: u.abs().sigmoid(),
                lambda u: 1 / (1 + u.abs().exp()),
            )
        ),
        "The sign of z is wrong: h grows with z.",
        lambda z, beta: (_log1pexp(-beta * z) / beta, torch.sigmoid(-beta * z)),
        "h has a logarithm to base 2 or 10; the natural one is meant, torch.log or torch.log1p.",
        lambda z, beta: (_log1pexp(beta * z) / beta / np.log(2), torch.sigmoid(beta * z)),
        lambda z, beta: (_log1pexp(beta * z) / beta / np.log(10), torch.sigmoid(beta * z)),
    ],
)
def softplus(z, beta):
    """Exercise 3: softplus with a sharpness, and its slope. The function returns (h, slope), both in the shape of z."""
    u = beta * z.numpy()
    return torch.from_numpy(np.logaddexp(u, 0.0) / beta), torch.from_numpy(0.5 * (1 + np.tanh(u / 2)))
