"""Exercise 2: three layers are one."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, in_float32
from nndl_lib.checks.multilayer_perceptrons._common import _layers


def _cases():
    """Arguments W1, b1, W2, b2, W3, b3."""

    def case(sizes, note=""):
        return Case(tuple(part for layer in _layers(sizes, generator(300 + sum(sizes))) for part in layer), note)

    yield case([1, 1, 1, 1], "all widths 1")
    yield case([2, 1, 1, 1], "one unit a layer")
    yield case([1, 2, 2, 1], "one input")
    for sizes in [[2, 2, 2, 2], [3, 3, 3, 3], [4, 4, 4, 4]]:
        yield case(sizes, "square matrices")
    for sizes in [[2, 3, 4, 2], [3, 2, 4, 5], [5, 4, 1, 3], [2, 6, 3, 4]]:
        yield case(sizes, "a narrow layer" if 1 in sizes else "")
    yield Case(in_float32(case([3, 4, 2, 2]).inputs), "float32")


def _b(first, second, third):
    """The right matrix, with a bias made of the parts named, each times its factor."""

    def answer(W1, b1, W2, b2, W3, b3):
        return W3 @ W2 @ W1, first * (W3 @ W2 @ b1) + second * (W3 @ b2) + third * b3

    return answer


def _biases(bias):
    """The right matrix, with another bias."""
    return lambda W1, b1, W2, b2, W3, b3: (W3 @ W2 @ W1, bias(b1, b2, b3, W1, W2, W3))


def _b2_through_both(W1, b1, W2, b2, W3, b3):
    """Where its length allows."""
    return W3 @ W2 @ W1, W3 @ W2 @ (b1 + b2) + b3 if len(b1) == len(b2) else W3 @ W2 @ b1 + b3


@exercise(
    returns=("W", "b"),
    cases=_cases,
    mistakes=[
        "b1 is missing from b: this first bias passes through the second and the third layer.",
        _b(0, 1, 1),
        "b2 is missing from b: this second bias passes through the third layer.",
        _b(1, 0, 1),
        "b3 is missing from b, or is not added at the end as it is.",
        _b(1, 1, 0),
        _b(1, 1, 2),
        _b(1, 1, -1),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ b1 + b2 + b3)),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ b1 + b2) + W3 @ b3),
        "b is b3 alone; the first two biases pass through the layers that follow them.",
        _b(0, 0, 1),
        "Only one bias is left in b: each of the three passes through the layers after it.",
        _b(1, 0, 0),
        _b(0, 1, 0),
        "b is zero: the biases do not vanish.",
        _b(0, 0, 0),
        "b1 passes through all layers after it: through W2 and then W3. You left one of them out.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W2 @ b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: b1 + W3 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W2 @ b1 + b2 + b3),
        "b2 passes through the third layer, and through no other: multiply it by W3 alone.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ b1 + b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ b1 + W2 @ b2 + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ (b1 + b2) + b3),
        _b2_through_both,
        "b is the sum of the biases; each of them passes through the layers after it.",
        _biases(lambda b1, b2, b3, W1, W2, W3: b1 + b2 + b3),
        "A bias does not pass through its own layer, which multiplies what comes in: W1 multiplies x alone.",
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ (W1 @ b1) + b2) + b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ W2 @ W1 @ b1 + W3 @ W2 @ b2 + W3 @ b3),
        _biases(lambda b1, b2, b3, W1, W2, W3: W3 @ (W2 @ (b1 + W1.sum(dim=1)) + b2) + b3),
        "A ReLU or tanh stands between the layers; they are linear here.",
        *(
            _biases(lambda b1, b2, b3, W1, W2, W3, bend=bend: W3 @ bend(W2 @ bend(b1) + b2) + b3)
            for bend in (torch.relu, torch.tanh)
        ),
        "Not all three matrices are in W: the product is W3 @ W2 @ W1.",
        *(
            lambda W1, b1, W2, b2, W3, b3, of=of: (of(W1, W2, W3), W3 @ (W2 @ b1 + b2) + b3)
            for of in (
                lambda W1, W2, W3: W3 @ W2,
                lambda W1, W2, W3: W2 @ W1,
                lambda W1, W2, W3: W1 + W2 + W3,
                lambda W1, W2, W3: W3 @ W1,
            )
        ),
        "The order is reversed: the layer that is applied first stands on the right, W3 @ W2 @ W1.",
        lambda W1, b1, W2, b2, W3, b3: (W1 @ W2 @ W3, W3 @ (W2 @ b1 + b2) + b3),
        "The order is reversed, in W and in b: the layer that is applied first stands on the right.",
        lambda W1, b1, W2, b2, W3, b3: (W1 @ W2 @ W3, W1 @ (W2 @ b3 + b2) + b1),
        "W is transposed: it is (outputs, inputs), like the three.",
        lambda W1, b1, W2, b2, W3, b3: ((W3 @ W2 @ W1).T, W3 @ (W2 @ b1 + b2) + b3),
        "You multiply entry by entry; the product of matrices is @.",
        lambda W1, b1, W2, b2, W3, b3: (W3 * W2 * W1, W3 @ (W2 @ b1 + b2) + b3),
    ],
)
def collapse(W1, b1, W2, b2, W3, b3):
    """Exercise 2: one linear layer for three. The function returns (W, b), of shapes (M3, D) and (M3,)."""

    # By asking the three layers: b is what they make of 0, and a column of W what they make of a unit vector, less b.
    def three(x):
        return torch.nn.functional.linear(
            torch.nn.functional.linear(torch.nn.functional.linear(x, W1, b1), W2, b2), W3, b3
        )

    b = three(torch.zeros(W1.shape[1], dtype=W1.dtype))
    return (three(torch.eye(W1.shape[1], dtype=W1.dtype)) - b).T, b
