"""Exercise 5: clipping by the norm."""

from functools import partial

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, grown, signed_quarters


def _cases():
    """Arguments dW, db, max_norm."""

    def case(dW, db, max_norm, note="", hint=""):
        return Case(
            (torch.tensor(dW, dtype=torch.float64), torch.tensor(db, dtype=torch.float64), max_norm), note, hint
        )

    short = "A gradient that is short enough must stay as it is."
    yield case([[3.0]], [4.0], 1.0, "one weight")
    yield case([[3.0]], [4.0], 10.0, "short enough", short)
    yield case([[3.0]], [4.0], 5.0, "exactly as long as allowed")
    yield case(
        [[0.0, 0.0]],
        [0.0],
        1.0,
        "all zero",
        "A gradient of zeros goes wrong: it must stay zero, and its length is nothing to divide by.",
    )
    yield case([[1.0, 2.0]], [-2.0], 1.5)
    yield case([[0.25, -0.25]], [0.5], 1.0, "short enough", short)
    yield case([[2.0, -1.0], [0.5, 3.0]], [0.0, 0.0], 2.0, "a bias gradient of zero")
    yield case(
        [[3.0, 0.0]],
        [0.5],
        3.02,
        "longer only together",
        "A gradient goes wrong of which each part alone is short enough: measure both together.",
    )
    for seed, out, n, max_norm in [(31, 2, 3, 1.0), (32, 3, 2, 0.5), (33, 4, 4, 2.5)]:
        g = generator(seed)
        yield Case((signed_quarters(out, n, g=g), signed_quarters(out, g=g), max_norm))
    g = generator(34)
    yield Case((1e6 * signed_quarters(2, 2, g=g), 1e6 * signed_quarters(2, g=g), 1.0), "huge gradients")
    g = generator(35)
    yield Case((signed_quarters(2, 2, g=g).float(), signed_quarters(2, g=g).float(), 1.0), "float32")


def _arguments(out, n):
    g = generator(out * n)
    return signed_quarters(out, n, g=g), signed_quarters(out, g=g), 1.0


def _length(dW, db):
    return (dW.square().sum() + db.square().sum()).sqrt()


def _clip(dW, db, max_norm, length=_length, factor=lambda norm, limit: limit / norm, apart=False, always=False):
    parts = []
    for part in (dW, db):
        norm = part.norm() if apart else length(dW, db)
        parts.append(part * factor(norm, max_norm) if always or norm > max_norm else part)
    return tuple(parts)


def _as_long(got, *parts):
    """The parts, with one factor, together as long as those that the reader got."""
    long = [torch.cat([part.flatten() for part in some]).norm() for some in (got, parts)]
    return tuple(part * (long[0] / long[1].clamp(min=1e-300)) for part in parts)


@exercise(
    returns=("dW", "db"),
    cases=_cases,
    loops=grown(_arguments, ("rows", (8, 3), (64, 3)), ("columns", (3, 8), (3, 64))),
    mistakes=[
        "The two are clipped apart, which changes the direction: measure their length together.",
        partial(_clip, apart=True),
        "Short gradients are stretched to max_norm; they stay as they are.",
        partial(_clip, always=True),
        "Single entries are cut off, which changes the direction; multiply all by one factor.",
        lambda dW, db, limit: (dW.clamp(-limit, limit), db.clamp(-limit, limit)),
        "The length is that of dW alone; db belongs to it.",
        partial(_clip, length=lambda dW, db: dW.norm()),
        "The length is that of db alone; dW belongs to it.",
        partial(_clip, length=lambda dW, db: db.norm()),
        "The length is the larger of the two; it is that of both together, as if they were one long vector.",
        partial(_clip, length=lambda dW, db: torch.maximum(dW.norm(), db.norm())),
        "The two lengths are added; it is their squares that add up, under one root.",
        partial(_clip, length=lambda dW, db: dW.norm() + db.norm()),
        "The root is missing from the length.",
        partial(_clip, length=lambda dW, db: _length(dW, db) ** 2),
        "The length is a sum of absolute values; it is the root of the sum of squares.",
        partial(_clip, length=lambda dW, db: dW.abs().sum() + db.abs().sum()),
        "The length is the largest entry; it is the root of the sum of squares.",
        partial(_clip, length=lambda dW, db: torch.cat([dW.flatten(), db]).abs().max()),
        "A long gradient gets the length 1; it should get max_norm.",
        partial(_clip, factor=lambda norm, limit: 1 / norm),
        "The factor is the wrong way round: multiply by max_norm / length.",
        partial(_clip, factor=lambda norm, limit: norm / limit),
        "The length is multiplied by max_norm: the factor is max_norm / length, not max_norm alone.",
        partial(_clip, factor=lambda norm, limit: limit),
        "A small number is added to the length; it should become exactly max_norm. Look at zeros by themselves.",
        partial(_clip, factor=lambda norm, limit: limit / (norm + 1e-6)),
        "Nothing is clipped: a gradient longer than max_norm is shortened to that.",
        lambda dW, db, limit: (dW, db),
    ],
    follows=[
        "The direction is right, but not the length: what is longer than max_norm gets just that, the rest stays.",
        lambda got, *a: _as_long(got, *_clip(*a)),
        "dW and db get factors of their own, which changes the direction: both get the same, max_norm / length.",
        lambda got, dW, db, limit: (*_as_long(got[:1], dW), *_as_long(got[1:], db)),
    ],
)
def clip_by_norm(dW, db, max_norm):
    """Exercise 5: the gradients of a layer, shortened together. The function returns (dW, db)."""
    together = np.concatenate([dW.numpy().ravel(), db.numpy()])
    share = min(1.0, max_norm / max(float(np.linalg.norm(together)), 1e-300))
    together = torch.from_numpy(share * together)
    return together[: dW.numel()].reshape(dW.shape), together[dW.numel() :]
