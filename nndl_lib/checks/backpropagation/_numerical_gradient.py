"""Exercise 5: a numerical gradient."""

from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import floats, generator, quarters


class _Function:
    """A function that prints as it could be typed, for the report of a failure, and is not copied."""

    def __init__(self, text: str):
        self.text, self.function = text, eval(text, {"torch": torch})

    def __call__(self, w):
        return self.function(w)

    def __repr__(self):
        return self.text

    def __deepcopy__(self, memo):
        return self


def _cases():
    """Arguments f, w, h."""
    square, cube = _Function("lambda w: (w ** 2).sum()"), _Function("lambda w: (w ** 3).sum()")
    mixed = _Function("lambda w: (w ** 3).sum() + w.sum() ** 2")
    wave = _Function("lambda w: torch.sin(w).sum() * w.flatten()[0]")
    g = generator(11)
    yield Case((square, floats(3.0), 0.5), "one weight")
    yield Case((cube, floats(1.0), 0.5), "one weight")
    yield Case((mixed, floats(1.0, -2.0), 0.25))
    yield Case((wave, floats(0.5, 1.0, -1.5), 0.1))
    matrix = "A matrix w goes wrong: move one entry at a time, and return the shape of w."
    yield Case((mixed, quarters(2, 3, g=g), 0.25), "a matrix", hint=matrix)
    yield Case((wave, quarters(3, 2, g=g), 0.125), "a matrix", hint=matrix)
    yield Case((wave, quarters(4, g=g), 1e-3), "a small h")
    yield Case(
        (cube, torch.tensor(1.5).double(), 0.5),
        "a single number",
        hint="A w of shape () goes wrong: flatten it first, for example.",
    )
    yield Case(
        (mixed, quarters(2, 2, 2, g=g), 0.5),
        "three axes",
        hint="A w with three axes goes wrong: flatten a copy of it first.",
    )
    yield Case((mixed, quarters(3, g=g).float(), 0.25), "float32")


def _points(w, h):
    """Copies of w (n, *shape), each with one entry moved by h."""
    return (w.flatten() + h * torch.eye(w.numel(), dtype=w.dtype)).view(-1, *w.shape)


def _values(f, points):
    return torch.stack([f(point) for point in points])


def _quotient(f, w, up, down, divide):
    """``(f(w + up e) - f(w + down e)) / divide`` for each entry; right are h, -h and 2 h."""
    return ((_values(f, _points(w, up)) - _values(f, _points(w, down))) / divide).view(w.shape)


def _alone(f, w, h, keep):
    """The right quotient where all places but the moved one are 0, and that one starts at keep times w."""
    ones = torch.eye(w.numel(), dtype=w.dtype).view(-1, *w.shape)
    up, down = (_values(f, ones * (keep * w + step)) for step in (h, -h))
    return ((up - down) / (2 * h)).view(w.shape)


def _left_moved(f, w, h, stay):
    """The entries that were treated stay where the last look left them."""
    shape, w, slopes = w.shape, w.clone().flatten(), []
    for k in range(len(w)):
        middle = w[k].clone()
        w[k] = middle + h
        up = f(w.view(shape))
        w[k] = middle - h
        slopes.append((up - f(w.view(shape))) / (2 * h))
        w[k] = middle + stay * h
    return torch.stack(slopes).view(shape)


def _rows(f, w, h):
    slopes = torch.zeros_like(w)
    for k in range(len(w)):
        step = torch.zeros_like(w)
        step[k] = h
        slopes[k] = (f(w + step) - f(w - step)) / (2 * h)
    return slopes


def _relative(f, w, h):
    """A step of h times the entry, and divided by it."""
    steps = (h * w.flatten() * torch.eye(w.numel(), dtype=w.dtype)).view(-1, *w.shape)
    return (_values(f, w + steps) - _values(f, w - steps)).view(w.shape) / (2 * h * w)


def _together(f, w, h):
    return (f(w + h) - f(w - h)) / (2 * h)


@exercise(
    returns=("slopes",),
    without=DERIVATIVES,
    cases=_cases,
    mistakes=[
        "It is a one-sided difference: look at w + h and at w - h, and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, h, 0, h),
        "It is a one-sided difference, downwards: look at w + h and at w - h, and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, 0, -h, h),
        "It is twice too large: from w - h to w + h the distance is 2 h.",
        lambda f, w, h: _quotient(f, w, h, -h, h),
        "The divisor is wrong: a / 2 * h is (a / 2) * h. Write a / (2 * h).",
        lambda f, w, h: _quotient(f, w, h, -h, 2 / h),
        "You do not divide by the distance 2 h: another power of h is left, or none.",
        lambda f, w, h: _quotient(f, w, h, -h, 1),
        lambda f, w, h: _quotient(f, w, h, -h, 2),
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h**2),
        lambda f, w, h: _quotient(f, w, h, -h, h**2),
        "The points are at h/2 on both sides; move by h and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, h / 2, -h / 2, h),
        "A one-sided difference is divided by 2 h: both points have to move.",
        lambda f, w, h: _quotient(f, w, h, 0, 2 * h),
        lambda f, w, h: _quotient(f, w, 0, -h, 2 * h),
        "It takes the step 2 h to both sides; move by h and divide by 2 h.",
        lambda f, w, h: _quotient(f, w, 2 * h, -2 * h, 4 * h),
        "An entry that was moved stays at - h: put it back before you move the next one.",
        partial(_left_moved, stay=-1),
        "An entry that was moved stays at + h: put it back before you move the next one.",
        partial(_left_moved, stay=1),
        "It moves a whole row of w at once: one entry at a time. A flattened copy has one index.",
        _rows,
        "It moves all entries at once and returns one number: move one entry at a time.",
        _together,
        "It moves all entries at once: that is the slope along one direction; move one entry at a time.",
        lambda f, w, h: _together(f, w, h).expand(w.shape),
        "It is a second derivative; central differences divide f(w + h) - f(w - h) by 2 h.",
        lambda f, w, h: ((_values(f, _points(w, h)) - 2 * f(w) + _values(f, _points(w, -h))) / h**2).view(w.shape),
        "It looks at more than two points; here the plain difference of f(w + h) and f(w - h) is asked for.",
        lambda f, w, h: (4 * _quotient(f, w, h, -h, 2 * h) - _quotient(f, w, 2 * h, -2 * h, 4 * h)) / 3,
        "f is asked at other points: all entries stay where they are, but the one that is moved.",
        partial(_alone, keep=1),
        partial(_alone, keep=0),
        "The slopes are averaged over the entries; each is what it is.",
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h) / w.numel(),
        "It is flat: return the slopes in the shape of w, .view(w.shape) does it.",
        lambda f, w, h: _quotient(f, w, h, -h, 2 * h).flatten(),
        "It moves w by a factor 1 + h; move it by h, whatever its size.",
        _relative,
        lambda f, w, h: torch.stack(
            [
                (f((w.flatten() * (1 + h * e)).view(w.shape)) - f((w.flatten() * (1 - h * e)).view(w.shape))) / (2 * h)
                for e in torch.eye(w.numel(), dtype=w.dtype)
            ]
        ).view(w.shape),
        "h is ignored: it is the derivative itself, or the quotient with a step of your own. Take the h that is given.",
        lambda f, w, h: torch.func.grad(f)(w),
        *(lambda f, w, h, own=own: _quotient(f, w, own, -own, 2 * own) for own in (1e-2, 1e-3)),
        *(lambda f, w, h, own=own: _quotient(f, w, own, 0, own) for own in (1e-2, 1e-3, 1e-4, 1e-5)),
    ],
)
def numerical_gradient(f, w, h):
    """Exercise 5: central differences for a w of any shape. The function returns slopes in the shape of w."""
    points = torch.cat([_points(w, h), _points(w, -h)])
    up, down = torch.vmap(f)(points).chunk(2)
    return ((up - down) / (2 * h)).view(w.shape)
