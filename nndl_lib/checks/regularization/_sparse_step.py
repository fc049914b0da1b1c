"""Exercise 1: a step with L1 and weight decay."""

from torch.optim.sgd import sgd

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, signed_quarters


def _cases():
    """Arguments w, g, lr, l1, decay."""
    small = "A weight that comes within lr * l1 of zero goes wrong: it becomes exactly zero."
    yield Case((floats(2), floats(1), 0.5, 0.5, 0.5), "one weight")
    yield Case((floats(2), floats(1), 0.5, 0.0, 0.5), "l1 = 0")
    yield Case((floats(2), floats(1), 0.5, 0.5, 0.0), "no decay")
    yield Case((floats(0.25), floats(0.25), 0.5, 0.5, 0.0), "a small weight", small)
    yield Case((floats(-0.25, 0.25), floats(0, 0), 0.5, 0.5, 0.0), "exactly at the threshold")
    yield Case((floats(0.5), floats(4), 0.5, 0.5, 0.0), "a step across zero")
    yield Case((floats(0, 0), floats(0.25, -2), 0.5, 0.5, 0.5), "weights of zero")
    for seed, shape, lr, l1, decay, note in [
        (1, (3,), 0.1, 0.5, 0.2, ""),
        (2, (4,), 0.5, 1.5, 0.25, "a strong penalty"),
        (3, (2, 3), 0.2, 0.5, 0.5, "a matrix of weights"),
        (4, (5,), 2.0, 0.25, 0.125, "a large rate"),
        (7, (3,), 0.25, 0.0, 0.5, "l1 = 0"),
        (8, (4,), 0.25, 0.5, 0.0, "no decay"),
        (5, (2, 2), 0.25, 0.25, 2.0, "a strong decay"),
    ]:
        g = generator(seed)
        yield Case((signed_quarters(*shape, g=g), signed_quarters(*shape, g=g), lr, l1, decay), note)
    g = generator(6)
    yield Case((signed_quarters(4, g=g).float(), signed_quarters(4, g=g).float(), 0.25, 0.5, 0.25), "float32")


def _arguments(n):
    g = generator(n)
    return signed_quarters(n, g=g), signed_quarters(n, g=g), 0.1, 0.5, 0.2


def _moved(w, g, lr, decay):
    return w - lr * (g + decay * w)


def _soft(u, b):
    return u.sign() * (u.abs() - b).clamp(min=0)


@exercise(
    returns=("w",),
    cases=_cases,
    loops=grown(_arguments, ("weights", (8,), (64,))),
    mistakes=[
        "It walks uphill: subtract lr times the gradient.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * w + lr * g, lr * l1),
        "The soft threshold is missing: after the step, bring each weight lr * l1 closer to zero.",
        lambda w, g, lr, l1, decay: _moved(w, g, lr, decay),
        "The decay is missing: w shrinks by the factor 1 - lr * decay.",
        lambda w, g, lr, l1, decay: _soft(w - lr * g, lr * l1),
        "l1 and decay are exchanged: decay shrinks the old weights, l1 is the threshold.",
        lambda w, g, lr, l1, decay: _soft(_moved(w, g, lr, l1), lr * decay),
        "The threshold is lr * l1; you use l1 alone.",
        lambda w, g, lr, l1, decay: _soft(_moved(w, g, lr, decay), l1),
        "The decay forgets the learning rate: the factor is 1 - lr * decay.",
        lambda w, g, lr, l1, decay: _soft((1 - decay) * w - lr * g, lr * l1),
        "The decay also shrinks the gradient step: only the old w gets the factor.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * (w - lr * g), lr * l1),
        "The weights grow: the factor is 1 minus lr * decay.",
        lambda w, g, lr, l1, decay: _soft((1 + lr * decay) * w - lr * g, lr * l1),
        "This is a step along the sign of w, which jumps over zero; step on the rest first, then take the threshold.",
        lambda w, g, lr, l1, decay: _moved(w, g, lr, decay) - lr * l1 * w.sign(),
        "Weights within lr * l1 of zero jump to the other side: they become zero.",
        lambda w, g, lr, l1, decay: (lambda u: u - lr * l1 * u.sign())(_moved(w, g, lr, decay)),
        "The sign is lost: the threshold works on the absolute value, and the sign comes back after it.",
        lambda w, g, lr, l1, decay: (_moved(w, g, lr, decay).abs() - lr * l1).clamp(min=0),
        "Small weights become zero, but the others are not shrunk: this is a hard threshold; L1 needs the soft one.",
        lambda w, g, lr, l1, decay: (lambda u: u * (u.abs() > lr * l1))(_moved(w, g, lr, decay)),
        "The threshold comes too early: first the decay and the gradient step, then the threshold.",
        lambda w, g, lr, l1, decay: (1 - lr * decay) * _soft(w, lr * l1) - lr * g,
        "The sign is that of the old w; it has to be that of the weight after the step.",
        lambda w, g, lr, l1, decay: w.sign() * (_moved(w, g, lr, decay).abs() - lr * l1).clamp(min=0),
        "Negative weights become zero: the threshold works on the absolute value.",
        lambda w, g, lr, l1, decay: (_moved(w, g, lr, decay) - lr * l1).clamp(min=0),
        "The gradient is not multiplied by lr.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * w - g, lr * l1),
    ],
    follows=[
        "Without decay it is right, so gradient and threshold are; decay is not: it multiplies w by 1 - lr * decay.",
        lambda got, w, g, lr, l1, decay: got if decay else _soft(w - lr * g, lr * l1),
        "With l1 = 0 it is right, so the step is; the threshold is not, which brings u closer to zero by lr * l1.",
        lambda got, w, g, lr, l1, decay: got if l1 else _moved(w, g, lr, decay),
    ],
)
def sparse_step(w, g, lr, l1, decay):
    """Exercise 1: a proximal step for L1 after a step with weight decay. The function returns w."""
    u = w.clone()
    plain = {"momentum": 0.0, "dampening": 0.0, "nesterov": False, "maximize": False, "foreach": False}
    sgd([u], [g], [None], weight_decay=decay, lr=lr, **plain)
    return u - u.clamp(-lr * l1, lr * l1)  # soft thresholding, by what it takes away
