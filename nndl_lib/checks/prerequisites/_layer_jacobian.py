"""Exercise 4: the Jacobian of a layer."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """Arguments A, x."""
    yield Case((floats([0.5]), floats(1.0)), "one input, one output")
    yield Case((floats([0.5, -1.0]), floats(1.0, 0.25)), "one output")
    yield Case((floats([0.5], [1.0]), floats(0.5)), "one input")
    yield Case((floats([0.5, 1.0], [-0.25, 0.75]), floats(1.0, 0.5)), "a square matrix")
    yield Case((floats([0.5, 1.0], [-0.25, 0.75]), floats(0.0, 0.0)), "x = 0")
    for m, n in [(2, 3), (4, 2), (3, 3), (3, 5)]:
        g = generator(590 + 10 * m + n)
        yield Case((quarters(m, n, g=g) / 2, quarters(n, g=g) / 2))
    yield Case((floats([8.0, 0.0], [0.0, 0.5]), floats(1.0, 0.5)), "a unit that is saturated")
    g = generator(650)
    yield Case((quarters(2, 3, g=g).float() / 2, quarters(3, g=g).float() / 2), "float32")


def _arguments(m, n):
    g = generator(660 + m + n)
    return quarters(m, n, g=g) / 4, quarters(n, g=g) / 4


def _scaled(A, slopes):
    """Each row of A times a number of its own."""
    return torch.einsum("i,ij->ij", slopes, A)


@exercise(
    returns=("J",),
    cases=_cases,
    loops=grown(_arguments, ("outputs", (8, 3), (64, 3)), ("inputs", (3, 8), (3, 64))),
    without=DERIVATIVES,
    mistakes=[
        "The slope of tanh is missing: A is the Jacobian of A x alone.",
        lambda A, x: 1 * A,
        "You multiply the columns; each row of A gets the slope of its output. Make them a column, slopes[:, None].",
        lambda A, x: (1 - torch.tanh(A @ x) ** 2) * A,
        "The slope of tanh(z) is 1 - tanh(z)**2; the square is missing, or stands around the whole.",
        lambda A, x: _scaled(A, 1 - torch.tanh(A @ x)),
        lambda A, x: _scaled(A, (1 - torch.tanh(A @ x)) ** 2),
        "The factor of a row is the slope of tanh, 1 - tanh(z)**2; you take tanh(z), its square, or 1 plus that.",
        lambda A, x: _scaled(A, torch.tanh(A @ x)),
        lambda A, x: _scaled(A, torch.tanh(A @ x) ** 2),
        lambda A, x: _scaled(A, 1 + torch.tanh(A @ x) ** 2),
        "You take the slope of the slope: 1 - tanh(z)**2 is the derivative itself, and needs no further factor.",
        lambda A, x: _scaled(A, -2 * torch.tanh(A @ x) * (1 - torch.tanh(A @ x) ** 2)),
        lambda A, x: _scaled(A, (1 - torch.tanh(A @ x) ** 2) ** 2),
        lambda A, x: _scaled(A, -2 * torch.tanh(A @ x)),
        "The tanh inside the slope is missing: it is 1 - tanh(z)**2, not 1 - z**2.",
        lambda A, x: _scaled(A, 1 - (A @ x) ** 2),
        "You apply tanh twice: with h = tanh(z) the slope is 1 - h**2.",
        lambda A, x: _scaled(A, 1 - torch.tanh(torch.tanh(A @ x)) ** 2),
        "It is the slope of another function, of logistic units or ReLU; that of tanh is 1 - h**2.",
        lambda A, x: _scaled(A, torch.tanh(A @ x) * (1 - torch.tanh(A @ x))),
        lambda A, x: _scaled(A, torch.sigmoid(A @ x) * torch.sigmoid(-A @ x)),
        lambda A, x: _scaled(A, (A @ x > 0).to(A.dtype)),
        "The slope is taken at the wrong place: at z = A @ x, one number a row, neither at x nor at an entry of A.",
        lambda A, x: A * (1 - torch.tanh(x) ** 2),
        lambda A, x: 1 - torch.tanh(A) ** 2,
        lambda A, x: A * (1 - torch.tanh(A * x) ** 2),
        lambda A, x: A * (1 - torch.tanh(A) ** 2),
        "A is missing: the chain rule multiplies the slope of each output by its row of A, not by x.",
        lambda A, x: torch.outer(1 - torch.tanh(A @ x) ** 2, x),
        "You return the gradient of the sum of the outputs; the Jacobian has a row for each output.",
        lambda A, x: (1 - torch.tanh(A @ x) ** 2) @ A,
        "You return the slopes of tanh alone; multiply row i of A by slope i.",
        lambda A, x: 1 - torch.tanh(A @ x) ** 2,
        lambda A, x: (1 - torch.tanh(A @ x) ** 2).diag(),
        "You return the outputs tanh(A x); the Jacobian holds their slopes.",
        lambda A, x: torch.tanh(A @ x),
    ],
)
def layer_jacobian(A, x):
    """Exercise 4: the Jacobian of tanh(A x). The function returns a tensor (m, n)."""
    return torch.autograd.functional.jacobian(lambda v: torch.tanh(A @ v), x)
