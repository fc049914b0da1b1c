"""Exercise 3: softmax and cross-entropy."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import DERIVATIVES
from nndl_lib.checks._inputs import floats, generator, quarters


def _cases():
    """Arguments Z, c."""
    yield Case((floats([0.0, 0.0]), torch.tensor([0])), "one example")
    yield Case((floats([1.0, -1.0, 0.5]), torch.tensor([2])), "one example")
    yield Case((floats([0.5], [2.0]), torch.tensor([0, 0])), "one class")
    for N, K, note in [(2, 3, ""), (3, 3, "as many examples as classes"), (4, 2, ""), (5, 4, ""), (3, 6, "")]:
        g = generator(10 * N + K)
        yield Case((quarters(N, K, g=g), torch.randint(K, (N,), generator=g)), note)
    large = (
        "Large logits overflow in exp: subtract the largest logit of each row first; the probabilities stay the same."
    )
    yield Case((floats([1e4, -1e4, 0.0], [-1e4, 0.5, 0.25]), torch.tensor([1, 2])), "logits of 10000", large)
    yield Case((floats([-1e4, -1e4 + 1], [2e4, 0.0]), torch.tensor([0, 0])), "logits of 10000", large)
    yield Case((quarters(3, 4, g=generator(9)).float(), torch.tensor([3, 0, 3])), "float32")


def _hot(Z, c):
    return torch.nn.functional.one_hot(c, Z.shape[1]).to(Z.dtype)


def _softmax(Z, dim=1):
    return torch.softmax(Z, dim=dim)


@exercise(
    returns=("Z_bar",),
    without=DERIVATIVES,
    cases=_cases,
    mistakes=[
        "It is N times too large: the cost is the average of the losses.",
        lambda Z, c: _softmax(Z) - _hot(Z, c),
        "Its sign is wrong: it is probability minus target, y - t.",
        lambda Z, c: (_hot(Z, c) - _softmax(Z)) / len(Z),
        lambda Z, c: _hot(Z, c) - _softmax(Z),
        "It is divided by the number of classes; divide by the number of examples.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) / Z.shape[1],
        "It is divided by N K, the number of logits; divide by the number of examples, N.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) / Z.numel(),
        "It is the slope of another cost, of a squared error or without the targets: the error signal is y - t itself.",
        *(
            lambda Z, c, of=of: of(_softmax(Z), _hot(Z, c)) / len(Z)
            for of in (
                lambda Y, T: (Y - T) ** 2,
                lambda Y, T: (Y - T).abs(),
                lambda Y, T: Y * T,
                lambda Y, T: Y * (1 - Y),
                lambda Y, T: Y - 1 / Y.shape[1],
                lambda Y, T: (Y - T) ** 2 / 2,
            )
        ),
        "Probabilities come in, the softmax of each row: no logarithms, decisions, or powers without their sum.",
        *(
            lambda Z, c, of=of: (of(Z) - _hot(Z, c)) / len(Z)
            for of in (
                lambda Z: Z.log_softmax(dim=1),
                lambda Z: _hot(Z, Z.argmax(dim=1)),
                lambda Z: (Z - Z.amax(dim=1, keepdim=True)).exp(),
                torch.exp,
            )
        ),
        "The 1 is subtracted at another place than the true class: Y[torch.arange(N), c], in every row.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c).roll(1, 1)) / len(Z),
        lambda Z, c: (_softmax(Z) - _hot(Z, c).roll(-1, 1)) / len(Z),
        lambda Z, c: (_softmax(Z) - _hot(Z, c) * (torch.arange(len(Z)) == 0)[:, None]) / len(Z),
        "The target is missing: subtract 1 at the true class of each row.",
        lambda Z, c: _softmax(Z) / len(Z),
        "The softmax runs over the examples; it belongs to each row, dim=1.",
        lambda Z, c: (_softmax(Z, 0) - _hot(Z, c)) / len(Z),
        "The softmax runs over the whole matrix; each row has its own sum.",
        lambda Z, c: (_softmax(Z.flatten(), 0).view_as(Z) - _hot(Z, c)) / len(Z),
        "Subtract 1 at the true class after the division by N, and it weighs N times too much: subtract first.",
        lambda Z, c: _softmax(Z) / len(Z) - _hot(Z, c),
        "You divide the targets by N, but not the probabilities.",
        lambda Z, c: _softmax(Z) - _hot(Z, c) / len(Z),
        "The softmax is missing: you subtract the targets from the logits.",
        lambda Z, c: (Z - _hot(Z, c)) / len(Z),
        "You use the logistic function of each logit; the softmax divides by the sum over the row.",
        lambda Z, c: (torch.sigmoid(Z) - _hot(Z, c)) / len(Z),
        "It is the error signal of the probabilities, not of the logits: the arrows through the softmax are missing.",
        lambda Z, c: -_hot(Z, c) / _softmax(Z) / len(Z),
        "The slope y (1 - y) is one factor too many: through the whole softmax, y - t is what remains.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)) * _softmax(Z) * (1 - _softmax(Z)) / len(Z),
        "You subtract 1 from the whole column of each class: pick one entry a row, Y[torch.arange(N), c].",
        lambda Z, c: (_softmax(Z) - _hot(Z, c).amax(dim=0)) / len(Z),
        "You subtract the number of the class; subtract 1 at its place.",
        lambda Z, c: (_softmax(Z) - c[:, None]) / len(Z),
        "Only the true class gets a signal; the other logits share in the sum of the softmax, and get one too.",
        lambda Z, c: (_softmax(Z) - 1) * _hot(Z, c) / len(Z),
        lambda Z, c: -_hot(Z, c) / len(Z),
        "You average over the examples; each logit has an error signal of its own.",
        lambda Z, c: (_softmax(Z) - _hot(Z, c)).mean(dim=0),
        "It returns the cost; its error signal has the shape of Z.",
        lambda Z, c: torch.nn.functional.cross_entropy(Z, c),
    ],
)
def cross_entropy_backward(Z, c):
    """Exercise 3: backward through cross-entropy of a softmax, averaged over the rows. The function returns Z_bar."""
    Z = Z.detach().clone().requires_grad_()
    return torch.autograd.grad(torch.nn.functional.cross_entropy(Z, c), Z)[0]
