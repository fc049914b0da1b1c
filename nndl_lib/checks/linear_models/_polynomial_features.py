"""Exercise 4: polynomial features."""

import math

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, quarters


def _cases():
    """Arguments x, degree."""
    yield Case((floats(3.0), 0), "degree 0")
    yield Case((floats(3.0), 2), "one example")
    signs = "A negative x, or zero, goes wrong: multiply x by itself, or use **. Logarithms and abs lose the sign."
    yield Case((floats(2.0, 3.0), 1), "degree 1")
    yield Case((floats(2.0, 3.0), 3))
    yield Case((floats(0.1, 0.3, 0.7), 2))
    yield Case((floats(0.0, -2.0), 3), "zero and a negative number", signs)
    yield Case((quarters(5, g=generator(100)), 2), "zero and a negative number", signs)
    yield Case((floats(10.0, -0.5, 1.25), 9), "degree 9", signs)
    yield Case((torch.tensor([1.5, 2.0, 0.5]), 3), "float32")


def _more_inputs():
    few, many = (quarters(N, g=generator(N)).abs() + 1 for N in (8, 64))
    return [("examples", (few, 3), (many, 3), 56)]


def _powers(x, exponents):
    return torch.stack([x**k for k in exponents], dim=1) if len(exponents) else x.new_zeros(len(x), 0)


@exercise(
    returns=("features",),
    cases=_cases,
    loops=_more_inputs,
    mistakes=[
        "The column of ones is missing: the powers start at x to the 0.",
        lambda x, degree: _powers(x, range(1, degree + 1)),
        lambda x, degree: _powers(x, range(1, degree + 2)),
        "The last column is missing: degree M needs M + 1 columns, from 0 to M. range(M) stops at M - 1.",
        lambda x, degree: _powers(x, range(degree)),
        "There is a column too many: the last power is x to the degree.",
        lambda x, degree: _powers(x, range(degree + 2)),
        "The columns stand in another order: the ones come first, the highest power last.",
        lambda x, degree: _powers(x, range(degree, -1, -1)),
        lambda x, degree: _powers(x, [*range(1, degree + 1), 0]),
        "You multiply by the exponent: x ** 2 is x * x, not 2 * x.",
        lambda x, degree: torch.stack([x * k for k in range(degree + 1)], dim=1),
        lambda x, degree: torch.stack([torch.ones_like(x), *(x * k for k in range(1, degree + 1))], dim=1),
        lambda x, degree: torch.stack([x * k for k in range(1, degree + 2)], dim=1),
        "Base and exponent are exchanged: you compute 2 ** x where x ** 2 is asked for.",
        lambda x, degree: torch.stack([float(k) ** x for k in range(degree + 1)], dim=1),
        lambda x, degree: torch.stack([float(k) ** x for k in range(1, degree + 2)], dim=1),
        "The exponents are not 0, 1, 2, ... up to the degree.",
        *(
            lambda x, degree, power=power: _powers(x, [power(k) for k in range(degree + 1)])
            for power in (lambda k: 2**k, lambda k: max(k, 1), lambda k: 2 * k, lambda k: 0, lambda k: 1)
        ),
        lambda x, degree: _powers(x.abs(), [1 / (k + 1) for k in range(degree + 1)]),
        "The powers are added up or divided on the way; each column is x ** k alone.",
        lambda x, degree: _powers(x, range(degree + 1)).cumsum(dim=1),
        lambda x, degree: _powers(x, range(degree + 1)) / _powers(x, range(degree + 1)).norm(dim=0),
        lambda x, degree: torch.stack([x**k / math.factorial(k) for k in range(degree + 1)], dim=1),
        "It is transposed: one example a row, one power a column.",
        lambda x, degree: _powers(x, range(degree + 1)).T,
        "All powers stand in one long row; stack them as columns, with dim=1.",
        lambda x, degree: _powers(x, range(degree + 1)).T.flatten(),
        lambda x, degree: _powers(x, range(degree + 1)).flatten(),
        "The powers are scrambled: reshape does not turn rows into columns. Stack the powers with dim=1.",
        lambda x, degree: _powers(x, range(degree + 1)).T.reshape(len(x), -1),
        "The first column holds zeros; x to the 0 is 1.",
        lambda x, degree: torch.cat([torch.zeros_like(x)[:, None], _powers(x, range(1, degree + 1))], dim=1),
        "You return the last power alone; all of them are the features.",
        lambda x, degree: x**degree,
    ],
)
def polynomial_features(x, degree):
    """Exercise 4: the powers of x from 0 to the degree. The function returns (N, degree + 1)."""
    return torch.from_numpy(np.vander(x.numpy(), degree + 1, increasing=True))
