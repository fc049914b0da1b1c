"""Exercise 2: dropout, forward and backward."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, signed_quarters


def _cases():
    """Arguments h, u, p, grad."""
    border = "Where u equals p it goes wrong: such a unit is kept."
    yield Case((floats(2), floats(0.75), 0.5, floats(1)), "one unit, kept")
    yield Case((floats(2), floats(0.25), 0.5, floats(1)), "one unit, dropped")
    yield Case((floats(2, 4), floats(0.5, 0.25), 0.5, floats(1, -1)), "u equal to p", border)
    yield Case((floats(2, -4), floats(0.0, 0.75), 0.0, floats(1, -1)), "p = 0")
    zero = "A unit that is zero by itself and kept goes wrong: its gradient goes through all the same."
    yield Case((floats(0, 3), floats(0.9, 0.8), 0.25, floats(2, 2)), "a unit of zero", zero)
    for seed, shape, p, note in [
        (11, (4,), 0.25, ""),
        (12, (2, 3), 0.5, "a matrix"),
        (13, (3, 4), 0.75, "a matrix"),
        (14, (8,), 0.9, "p near 1"),
        (15, (2, 2, 3), 0.2, "three axes"),
    ]:
        g = generator(seed)
        yield Case(
            (signed_quarters(*shape, g=g), torch.rand(shape, generator=g).double(), p, signed_quarters(*shape, g=g)),
            note,
        )
    g = generator(16)
    h, u, grad = signed_quarters(2, 3, g=g), torch.rand((2, 3), generator=g), signed_quarters(2, 3, g=g)
    yield Case((h.float(), u.float(), 0.25, grad.float()), "float32")


def _arguments(n, d):
    g = generator(n + d)
    return signed_quarters(n, d, g=g), torch.rand((n, d), generator=g).double(), 0.3, signed_quarters(n, d, g=g)


def _dropped(h, u, p, grad, keep=None, scale=None, back=None, back_scale=None):
    keep = (u >= p).to(h) if keep is None else keep.to(h)
    scale = 1 / (1 - p) if scale is None else scale
    back, back_scale = keep if back is None else back.to(h), scale if back_scale is None else back_scale
    return h * keep * scale, grad * back * back_scale


@exercise(
    returns=("out", "dh"),
    cases=_cases,
    loops=grown(_arguments, ("examples", (8, 3), (64, 3)), ("units", (3, 8), (3, 64))),
    mistakes=[
        "The scale is missing in both: what is kept is divided by 1 - p.",
        partial(_dropped, scale=1.0),
        "You multiply by 1 - p; divide by it.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 - p),
        "You divide by p; the share that is kept is 1 - p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 / p),
        "The mask is the wrong way round: a unit is dropped where u < p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u < p),
        "The mask is the wrong way round: a unit is dropped where u < p, so with u equal to p it is kept.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u <= p),
        "A unit is kept with probability p instead of 1 - p: compare u with p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u >= 1 - p),
        "Where u equals p the unit is dropped; it is kept.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u > p),
        "dh goes through dropped units too: multiply the gradient by the mask. (out is right.)",
        lambda h, u, p, grad: _dropped(h, u, p, grad, back=torch.ones_like(h)),
        "dh lacks the scale: the slope of out is mask / (1 - p). (out is right.)",
        partial(_dropped, back_scale=1.0),
        "dh does not use grad: multiply it by what comes from above. (out is right.)",
        lambda h, u, p, grad: _dropped(h, u, p, torch.ones_like(h)),
        "dh has a factor h; the slope of out with respect to h is mask / (1 - p). (out is right.)",
        lambda h, u, p, grad: (_dropped(h, u, p, grad)[0], _dropped(h, u, p, grad)[1] * h),
        "You divide by the share that happened to be kept; divide by 1 - p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 / (u >= p).double().mean()),
        "Nothing is dropped: a unit becomes zero where u < p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=torch.ones_like(h)),
    ],
    follows=[
        "dh fits out, but the factor is wrong in both: it is 0 where u < p, and 1 / (1 - p) elsewhere.",
        lambda got, h, u, p, grad: (got[0], grad * torch.where(h == 0, got[1] / grad, got[0] / h)),
        "Only dh is wrong: it is grad times the factor by which h was multiplied, 0 or 1 / (1 - p).",
        lambda got, *a: (_dropped(*a)[0], got[1]),
        "Only out is wrong: it is 0 where u < p, and h / (1 - p) elsewhere.",
        lambda got, *a: (got[0], _dropped(*a)[1]),
    ],
)
def dropout(h, u, p, grad):
    """Exercise 2: inverted dropout, by torch's automatic gradient. The function returns (out, dh)."""
    leaf = h.clone().requires_grad_()
    out = torch.where(u < p, torch.zeros_like(leaf), leaf / (1 - p))
    (dh,) = torch.autograd.grad((out * grad).sum(), leaf)
    return out.detach(), dh
