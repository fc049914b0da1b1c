"""Exercise 3: the gradient of a quadratic form."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, quarters


def _cases():
    """Arguments B, x."""
    yield Case((floats([3.0]), floats(2.0)), "one entry")
    yield Case((floats([1.0, 2.0], [0.0, 1.0]), floats(1.0, 3.0)))
    yield Case((floats([1.0, 0.0], [0.0, 1.0]), floats(2.0, -1.0)), "the identity")
    yield Case((floats([2.0, 1.0], [1.0, 3.0]), floats(1.0, -2.0)), "a symmetric matrix")
    yield Case((floats([0.0, 1.0], [-1.0, 0.0]), floats(1.0, 2.0)), "a matrix with B' = -B")
    yield Case((floats([1.0, 2.0], [3.0, 4.0]), floats(0.0, 0.0)), "x = 0")
    for m in [2, 3, 4, 6]:
        g = generator(560 + m)
        yield Case((quarters(m, m, g=g), quarters(m, g=g)))
    g = generator(570)
    yield Case((quarters(3, 3, g=g).float(), quarters(3, g=g).float()), "float32")


def _arguments(m):
    g = generator(580 + m)
    return quarters(m, m, g=g), quarters(m, g=g)


@exercise(
    returns=("gradient",),
    cases=_cases,
    loops=grown(_arguments, ("entries", (8,), (64,))),
    mistakes=[
        "It is 2 B x, which is right for a symmetric B alone: the place on the right has the slope B' x.",
        lambda B, x: 2 * B @ x,
        "It is 2 B' x, which is right for a symmetric B alone: the place on the left has the slope B x.",
        lambda B, x: 2 * B.T @ x,
        "It is B x: x stands in the product twice, and the place on the right has a slope, too.",
        lambda B, x: B @ x,
        "It is B' x: x stands in the product twice, and the place on the left has a slope, too.",
        lambda B, x: B.T @ x,
        "It is half of what it should be: there is no factor 1/2 in x' B x.",
        lambda B, x: (B + B.T) @ x / 2,
        "You subtract the two slopes; add them.",
        lambda B, x: (B - B.T) @ x,
        lambda B, x: (B.T - B) @ x,
        "B comes in twice: B' B belongs to the length of B x; here B stands in the product once.",
        lambda B, x: 2 * B.T @ B @ x,
        lambda B, x: B.T @ B @ x,
        lambda B, x: B @ B.T @ x,
        lambda B, x: 2 * B @ B.T @ x,
        "You return one number, such as the value x' B x; the gradient has the shape of x.",
        lambda B, x: x @ B @ x,
        lambda B, x: 2 * x @ B @ x,
        "You return the gradient with respect to B, the table of products x_i x_j.",
        lambda B, x: torch.outer(x, x),
        "It is 2 x, the gradient of x' x: B is missing.",
        lambda B, x: 2 * x,
        "Only the diagonal of B takes part: (B + B') @ x needs every entry.",
        lambda B, x: 2 * B.diag() * x,
        lambda B, x: B.diag() * x,
        "Entries are multiplied with * where a product with a vector is meant: @ multiplies and adds up.",
        lambda B, x: (B + B.T) * x,
        lambda B, x: (B + B.T) * x[:, None],
        lambda B, x: ((B + B.T) * x[:, None]).sum(dim=1),
        lambda B, x: (B @ x) * x,
        lambda B, x: 2 * (B @ x) * x,
        "It lacks x: B + B' is the matrix of second derivatives. Multiply it by x.",
        lambda B, x: B + B.T,
        lambda B, x: (B + B.T).sum(dim=1),
        lambda B, x: (B + B.T) @ torch.ones_like(x),
    ],
)
def quadratic_gradient(B, x):
    """Exercise 3: the gradient of x' B x. The function returns a tensor (m,)."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(x @ B @ x, x)[0]
