"""Exercise 6: choosing a degree."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, quarters
from nndl_lib.checks.linear_models._polynomial_features import _powers


def _cases():
    """Arguments x_train, t_train, x_val, t_val, degrees."""

    def case(x_train, t_train, x_val, t_val, degrees, note=""):
        tensors = [torch.tensor(values, dtype=torch.float64) for values in (x_train, t_train, x_val, t_val)]
        return Case((*tensors, degrees), note)

    yield case([0, 1], [1, 2], [2], [3.5], [1, 0], "one example to validate")
    yield case([0, 1, 2], [0, 1, 1], [3, 4], [1, 2], [0, 1, 2])
    yield case([0, 1, 2, 3], [0, 1.5, 2, 3], [0.5, 2.5], [0.5, 2.75], [3, 1, 0])
    yield case([0, 1, 2], [2, 2, 3], [0.5, 1.5], [1, 3], [2], "one degree")
    yield case([0, 1, 2], [0, 900, 300], [0.5, 1.5], [-400, 800], [0, 1, 2], "large errors")
    for seed, degrees in [(1, [0, 1, 2, 3]), (2, [4, 2, 1, 0]), (3, [1, 3, 5]), (4, [5, 4, 3, 2, 1, 0])]:
        g = generator(140 + seed)
        x = torch.linspace(-1, 1, 8).double()[torch.randperm(8, generator=g)].mul(100).round() / 100
        x_val = (torch.rand(5, generator=g).double() * 2 - 1).mul(100).round() / 100
        t, t_val = (torch.sin(3 * v) + quarters(len(v), g=g) / 4 for v in (x, x_val))
        yield Case(
            (x, t.mul(100).round() / 100, x_val, t_val.mul(100).round() / 100, degrees),
            "degrees in any order" if seed == 2 else "",
        )
    g = generator(150)
    x, x_val = torch.linspace(-1, 1, 6), torch.tensor([0.5, -0.25, 0.75])
    yield Case((x, quarters(6, g=g).float(), x_val, quarters(3, g=g).float(), [2, 0, 1]), "float32")


def _errors(x, t, x_new, t_new, degrees, measure=lambda residual: residual.square().mean(), first=0):
    fits = [
        torch.linalg.lstsq(_powers(x, range(first, M + 1)), t[:, None], driver="gelsd").solution[:, 0] for M in degrees
    ]
    return torch.stack([measure(_powers(x_new, range(first, M + 1)) @ w - t_new) for M, w in zip(degrees, fits)])


def _tables(x, t, x_new, t_new, degrees):
    fits = [torch.linalg.lstsq(_powers(x, range(M + 1)), t[:, None], driver="gelsd").solution for M in degrees]
    return torch.stack([(_powers(x_new, range(M + 1)) @ w - t_new).square().mean() for M, w in zip(degrees, fits)])


def _best(errors, degrees):
    return degrees[int(errors.argmin())], errors


@exercise(
    returns=("degree", "errors"),
    cases=_cases,
    rtol=1e-6,
    mistakes=[
        "You compare training errors; a larger model always wins there. Measure each fit on the validation data.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x, t, x, t, degrees), degrees),
        "You fit on the validation data as well; it must take no part in the fit.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x_val, t_val, degrees), degrees),
        "You fit on the validation data and measure on the training data: the other way round.",
        lambda x, t, x_val, t_val, degrees: _best(_errors(x_val, t_val, x, t, degrees), degrees),
        "You fit on training and validation data together; fit on the training data alone.",
        lambda x, t, x_val, t_val, degrees: _best(
            _errors(torch.cat([x, x_val]), torch.cat([t, t_val]), x_val, t_val, degrees), degrees
        ),
        "Training errors are mixed in; errors are those on the validation data alone.",
        *(
            lambda x, t, x_val, t_val, degrees, mix=mix: _best(
                mix(_errors(x, t, x, t, degrees), _errors(x, t, x_val, t_val, degrees)), degrees
            )
            for mix in (
                lambda one, other: one + other,
                lambda one, other: (one + other) / 2,
                lambda one, other: other - one,
            )
        ),
        "You return the position of the best degree in the list; return the degree that stands there.",
        lambda *a: (int(_errors(*a).argmin()), _errors(*a)),
        "degree is not that of the least validation error, but the largest error's, or at a fixed place in the list.",
        *(
            lambda *a, pick=pick: (pick(_errors(*a), a[-1]), _errors(*a))
            for pick in (
                lambda errors, degrees: degrees[int(errors.argmax())],
                lambda errors, degrees: degrees[0],
                lambda errors, degrees: degrees[-1],
                lambda errors, degrees: min(degrees),
            )
        ),
        "You choose by the training error, where the largest degree wins; errors is right, choose by it.",
        lambda x, t, x_val, t_val, degrees: (
            degrees[int(_errors(x, t, x, t, degrees).argmin())],
            _errors(x, t, x_val, t_val, degrees),
        ),
        lambda *a: (max(a[-1]), _errors(*a)),
        "errors are not mean squared errors: square each residual, and take the mean of the squares, nothing else.",
        *(
            lambda *a, measure=measure: _best(_errors(*a, measure), a[-1])
            for measure in (
                lambda r: r.square().mean().sqrt(),
                lambda r: r.square().sum(),
                lambda r: r.abs().mean(),
                lambda r: r.square().max(),
                lambda r: r.mean(),
                lambda r: r.mean().square(),
                lambda r: r.var(correction=0),
                lambda r: r.norm(),
                lambda r: r.mean().abs(),
            )
        ),
        lambda *a: _best(_errors(*a) / a[3].square().mean(), a[-1]),
        lambda *a: _best(_errors(*a) / a[3].var(correction=0), a[-1]),
        "errors holds half the mean squared error; here the factor 1/2 is left out.",
        lambda *a: _best(_errors(*a, lambda residual: residual.square().mean() / 2), a[-1]),
        "errors holds the best error alone; return one for each degree.",
        lambda *a: (_best(_errors(*a), a[-1])[0], _errors(*a).min()),
        "Each prediction meets every target: y has shape (M, 1) and t_val (M,), so y - t_val is an M x M table.",
        lambda x, t, x_val, t_val, degrees: _best(_tables(x, t, x_val, t_val, degrees), degrees),
        "errors must stand in the order of degrees; you sorted them.",
        lambda *a: _best(_errors(*a[:-1], sorted(a[-1])), sorted(a[-1])),
        lambda *a: (_best(_errors(*a), a[-1])[0], _errors(*a).sort().values),
        "You try 0, 1, 2, ... instead of the degrees in the list.",
        lambda *a: _best(_errors(*a[:-1], list(range(len(a[-1])))), list(range(len(a[-1])))),
        lambda *a: _best(_errors(*a[:-1], list(range(len(a[-1])))), a[-1]),
        "You divide by the number of training examples; the mean goes over the validation examples.",
        lambda *a: _best(_errors(*a, lambda residual: residual.square().sum() / len(a[0])), a[-1]),
        "The fits have a column too few or too many: degree M needs the powers 0 to M.",
        *(lambda *a, more=more: _best(_errors(*a[:-1], [M + more for M in a[-1]]), a[-1]) for more in (-1, 1)),
        lambda x, t, x_val, t_val, degrees: _best(_errors(x, t, x_val, t_val, degrees, first=1), degrees),
    ],
)
def choose_degree(x_train, t_train, x_val, t_val, degrees):
    """Exercise 6: the degree of least validation error. It returns (degree, errors), errors (len(degrees),)."""
    fits = [np.polynomial.Polynomial.fit(x_train.numpy(), t_train.numpy(), M) for M in degrees]
    errors = torch.tensor([np.mean((p(x_val.numpy()) - t_val.numpy()) ** 2) for p in fits], dtype=torch.float64)
    return degrees[int(errors.argmin())], errors
