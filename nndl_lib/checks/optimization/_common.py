"""What several exercises of the chapter share."""

from torch import Tensor

from nndl_lib.checks._inputs import generator, grown, signed_quarters


def _weights(*shape: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, something remembered, and a gradient."""
    g = generator(seed)
    return signed_quarters(*shape, g=g), signed_quarters(*shape, g=g), signed_quarters(*shape, g=g)


def _more_weights(*rest, remembered=1):
    """The ``loops``: w, what is remembered of each weight, g, and the rest of the arguments."""

    def arguments(n):
        w, m, g = _weights(n, seed=n)
        return (w, *[m.abs()] * remembered, g, *rest)

    return grown(arguments, ("weights", (8,), (64,)))


def _by_torch(step, w: Tensor, g: Tensor, *state: Tensor | None, **settings) -> tuple[Tensor, ...]:
    """One step by the function that an optimizer of torch calls: the class would import torch's compiler first."""
    w, *state = (value if value is None else value.clone() for value in (w, *state))
    step([w], [g], *([] if value is None else [value] for value in state), foreach=False, maximize=False, **settings)
    return w, *state
