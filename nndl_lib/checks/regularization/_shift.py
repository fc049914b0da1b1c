"""Exercise 4: shifted images."""

import numpy as np
import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, grown, signed_quarters


def _cases():
    """Arguments images, down, right."""
    out = "Shifts as large as the image go wrong: nothing of it is left, all is zero."
    negative = "Negative shifts go wrong: they move up and left."
    one = floats(1, 2, 3, 4).reshape(1, 2, 2)
    wide = floats(*range(1, 7)).reshape(1, 2, 3)
    yield Case((one, 0, 0), "no shift")
    yield Case((one, 1, 0), "down")
    yield Case((one, 0, 1), "right")
    yield Case((wide, 1, 2), "not square")
    yield Case((wide, 1, 1), "not square")
    yield Case((one, -1, 0), "up", negative)
    yield Case((wide, 0, -2), "left", negative)
    yield Case((wide, -1, -1), "up and left", negative)
    yield Case((one, 2, 0), "out of the picture", out)
    yield Case((wide, 1, -4), "out of the picture", out)
    for seed, shape, down, right, note in [
        (31, (3, 4, 5), 2, 1, "several images"),
        (32, (2, 5, 4), -2, 1, "up and right"),
        (33, (2, 4, 4), 1, -3, "down and left"),
        (34, (2, 3, 3), 1, 1, "several images"),
        (36, (3, 3, 2), 1, 0, "several images"),
        (37, (2, 2, 3), 0, 1, "several images"),
    ]:
        yield Case(
            (signed_quarters(*shape, g=generator(seed)), down, right), note, negative if min(down, right) < 0 else ""
        )
    yield Case((signed_quarters(2, 3, 3, g=generator(35)).float(), 1, -1), "float32", negative)


def _arguments(n, h):
    return signed_quarters(n, h, h, g=generator(n + h)), 1, 2


def _shifted(images, down, right):
    H, W = images.shape[1:]
    canvas = torch.nn.functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    return canvas[:, max(-down, 0) : max(-down, 0) + H, max(-right, 0) : max(-right, 0) + W]


def _rolled_and_erased(images, down, right):
    """Rolls, and erases the first rows and columns whatever the direction."""
    images = torch.roll(images, (down, right), (1, 2))
    images[:, : abs(down)] = 0
    images[:, :, : abs(right)] = 0
    return images


@exercise(
    returns=("moved",),
    cases=_cases,
    loops=grown(_arguments, ("images", (8, 4), (64, 4)), ("rows", (2, 8), (2, 64))),
    mistakes=[
        "What leaves on one side comes in on the other; zeros come in.",
        lambda images, down, right: torch.roll(images, (down, right), (1, 2)),
        "The axis of the images is moved: rows are axis 1 and columns axis 2.",
        lambda images, down, right: torch.roll(images, (down, right), (0, 1)),
        "It moves the other way: down and right are positive.",
        lambda images, down, right: _shifted(images, -down, -right),
        "down and right are exchanged: down moves along axis 1, right along axis 2.",
        lambda images, down, right: _shifted(images, right, down),
        "down and right are exchanged, and it moves the other way: down is axis 1, and positive.",
        lambda images, down, right: _shifted(images, -right, -down),
        "Negative shifts do nothing: they move up and left.",
        lambda images, down, right: _shifted(images, max(down, 0), max(right, 0)),
        "Negative shifts move as positive ones do: they go up and left.",
        lambda images, down, right: _shifted(images, abs(down), abs(right)),
        "The wrong rows or columns are set to zero for negative shifts: there zeros come in from below and the right.",
        _rolled_and_erased,
    ],
    follows=[
        "Only negative shifts are wrong: they move up and left, and zeros come in from below and from the right.",
        lambda got, images, down, right: got if min(down, right) < 0 else _shifted(images, down, right),
        "The first image is right, but not the others: all move alike.",
        lambda got, images, down, right: torch.cat([_shifted(images[:1], down, right), got[1:]]),
        "Pixels land where they should, but other places are not zero: nothing comes in there.",
        lambda got, images, down, right: got.where(
            _shifted(torch.ones_like(images), down, right) == 0, _shifted(images, down, right)
        ),
        "Moved down or up alone, images are right; moved to the right or left they are not.",
        lambda got, images, down, right: got if right else _shifted(images, down, right),
        "Moved to the right or left alone, images are right; moved down or up they are not.",
        lambda got, images, down, right: got if down else _shifted(images, down, right),
    ],
)
def shift(images, down, right):
    """Exercise 4: images moved by whole pixels. The function returns images of the same shape."""
    N, H, W = images.shape
    rows, columns = np.arange(H) - down, np.arange(W) - right  # where each pixel comes from
    inside = ((rows >= 0) & (rows < H))[:, None] & ((columns >= 0) & (columns < W))
    picked = images.numpy()[:, rows.clip(0, H - 1)][:, :, columns.clip(0, W - 1)]
    return torch.from_numpy(np.where(inside, picked, 0.0))
