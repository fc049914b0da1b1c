"""nndl_lib.data._canvases: what is on a canvas is where boxes and masks say it is, and a seed makes it."""

import re

import pytest
import torch

from nndl_lib import data

F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def squares(n=4):
    """Images of a full square of ink, 4 x 4 in 8 x 8, and their classes."""
    X = torch.zeros(n, 1, 8, 8, **F64)
    X[:, :, 2:6, 2:6] = 1
    return X, torch.arange(n)


def test_boxes_and_masks_are_where_the_ink_is():
    raw = data.digits()
    X, t = (raw.X / 16).reshape(-1, 1, 8, 8), raw.t
    canvases, boxes, labels, masks = data.digit_canvases(60, X, t, rng(), most=3, side=32)
    assert (
        canvases.shape == (60, 1, 32, 32) and canvases.dtype == X.dtype and 0 <= canvases.min() <= canvases.max() <= 1
    )
    assert boxes.shape == (60, 3, 4) and labels.shape == (60, 3) and masks.shape == (60, 3, 32, 32)
    there = labels >= 0
    assert there[:, 0].all() and not there[:, 2].all() and there[:, 2].any()
    assert set(labels[there].tolist()) == set(range(10))
    assert not masks[~there].any() and not boxes[~there].any()
    assert (masks.sum(dim=1) <= 1).all()  # no digit covers another
    for box, mask in zip(boxes[there], masks[there]):
        rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert 3 <= (box[2:] - box[:2]).min() and (box[2:] - box[:2]).max() <= 16
    ink = masks.sum(dim=1) > 0
    assert canvases[:, 0][ink].mean() > 0.7 > 0.5 > canvases[:, 0][~ink].mean()
    assert (canvases[:, 0][~ink] > 0.6).any()  # dark need not mean ink


def test_a_seed_makes_them():
    first, second = (data.digit_canvases(3, *squares(), rng(5)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))
    assert not torch.equal(first[0], data.digit_canvases(3, *squares(), rng(6))[0])


def test_what_is_painted():
    canvases, boxes, _, masks = data.digit_canvases(20, *squares(), rng(1), most=1)
    missing = (boxes[..., 2:] - boxes[..., :2]).prod(dim=2) - masks.sum(dim=(2, 3))
    assert ((missing == 0) | (missing == 4)).all()  # a square fills its box, but perhaps for the corners
    assert (canvases[:, 0][masks[:, 0] > 0] >= 0.4).all()
    for shade, there in [(0.0, False), (0.39, False), (0.41, True)]:  # ink is what is darker than 0.4
        masks = data.digit_canvases(2, torch.full((1, 1, 8, 8), shade), torch.tensor([3]), rng())[3]
        assert masks.any().item() == there, shade


def test_what_is_refused():
    X, t = squares()
    for message, args in [
        ("digit_canvases: N is 0", (0, X, t, rng())),
        ("digit_canvases: X has shape (4, 8, 8) and t (4,)", (2, X[:, 0], t, rng())),
        ("digit_canvases: X has shape (4, 1, 8, 8) and t (3,)", (2, X, t[:3], rng())),
        ("digit_canvases: t[1] is -1", (2, X, torch.tensor([0, -1, 0, 0]), rng())),
        ("digit_canvases: generator is 0", (2, X, t, 0)),
        ("digit_canvases: most is 0", (2, X, t, rng(), 0)),
        ("digit_canvases: side is 15", (2, X, t, rng(), 1, 15)),
    ]:
        with pytest.raises(ValueError, match="^" + re.escape(message)):
            data.digit_canvases(*args)
