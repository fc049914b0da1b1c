"""nndl_lib.functional._boxes against pixels counted one by one, and against loops over cells and samples.

The loops follow the kernels of torchvision.ops, which is not needed to run the book.
"""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import functional

F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def random_boxes(n, side, seed, least=0.1):
    g = rng(seed)
    corner = side * torch.rand(n, 2, generator=g, **F64)
    return torch.cat([corner, corner + least + side * torch.rand(n, 2, generator=g, **F64)], dim=1)


def refuses(message, function, *args, **kwargs):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        function(*args, **kwargs)


# --- intersection over union ---


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_box_iou_counts_pixels(seed):
    g = rng(seed)
    corner = torch.randint(0, 6, (5, 2), generator=g)
    boxes = torch.cat([corner, corner + torch.randint(1, 6, (5, 2), generator=g)], dim=1)
    pixels = [{(x, y) for x in range(x1, x2) for y in range(y1, y2)} for x1, y1, x2, y2 in boxes.tolist()]
    expected = [[len(a & b) / len(a | b) for b in pixels] for a in pixels[:3]]
    found = functional.box_iou(boxes[:3].double(), boxes.double())
    torch.testing.assert_close(found, torch.tensor(expected, **F64), rtol=1e-14, atol=0)


def test_box_iou_of_no_boxes_and_of_small_types():
    boxes = torch.tensor([[0.0, 0.0, 300.0, 300.0], [0.0, 0.0, 300.0, 150.0]])
    assert functional.box_iou(boxes[:0], boxes).shape == (0, 2)
    assert functional.box_iou(boxes.half(), boxes.half()).tolist() == [[1, 0.5], [0.5, 1]]  # areas above 65,504
    assert functional.box_iou(boxes.half(), boxes.half()).dtype == torch.float16


def test_box_iou_refuses():
    good = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    refuses("box_iou: a box is [0.0, 0.0, 0.0, 1.0]; expected", functional.box_iou, good, good * good.new([1, 1, 0, 1]))
    refuses("box_iou: a box is [1.0, 1.0, 0.0, 0.0]; expected", functional.box_iou, good.flip(1), good)
    refuses("box_iou: boxes1 has shape (1, 5) and boxes2 (1, 4)", functional.box_iou, torch.ones(1, 5), good)
    refuses("box_iou: boxes1", functional.box_iou, good * math.nan, good)


# --- non-maximum suppression ---


def nms_by_loops(boxes, scores, threshold):
    left = sorted(range(len(boxes)), key=lambda n: -scores[n])
    kept = []
    while left:
        kept.append(left.pop(0))
        x1, y1, x2, y2 = boxes[kept[-1]]

        def overlap(n):
            a1, b1, a2, b2 = boxes[n]
            shared = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
            return shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared)

        left = [n for n in left if overlap(n) <= threshold]
    return kept


@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]))
@settings(max_examples=60, deadline=None)
def test_nms(seed, n, threshold):
    boxes, scores = random_boxes(n, 4, seed), torch.rand(n, generator=rng(seed + 1), **F64)
    kept = functional.nms(boxes, scores, threshold)
    assert kept.dtype == torch.int64 and kept.tolist() == nms_by_loops(boxes.tolist(), scores.tolist(), threshold)


def test_nms_at_the_threshold_and_of_equal_scores():
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.0], [9.0, 9.0, 10.0, 10.0]])
    scores = torch.tensor([0.5, 0.5, 0.7])
    assert functional.nms(boxes, scores, 0.5).tolist() == [2, 0, 1]  # an overlap of 0.5 is not above it
    assert functional.nms(boxes, scores, 0.49).tolist() == [2, 0]
    # A box that was dropped drops none: the third overlaps the second alone.
    chain = torch.tensor([[0.0, 0.0, 3.0, 1.0], [1.0, 0.0, 4.0, 1.0], [2.0, 0.0, 5.0, 1.0]])
    assert functional.nms(chain, torch.tensor([3.0, 2.0, 1.0]), 0.4).tolist() == [0, 2]


def test_nms_refuses():
    boxes, scores = random_boxes(3, 4, 0), torch.rand(3, **F64)
    refuses("nms: iou_threshold is -0.5; expected", functional.nms, boxes, scores, -0.5)
    refuses("nms: boxes has shape (3, 4) and scores (2,)", functional.nms, boxes, scores[:2], 0.5)
    refuses("nms: scores", functional.nms, boxes, scores * math.nan, 0.5)


# --- RoI-align ---


def interpolated(one, y, x):
    """Channels at a point, as torchvision's kernel has it."""
    H, W = one.shape[1:]
    if y < -1 or y > H or x < -1 or x > W:
        return one.new_zeros(len(one))
    y, x = min(max(y, 0), H - 1), min(max(x, 0), W - 1)
    i, j = min(int(y), max(H - 2, 0)), min(int(x), max(W - 2, 0))
    below, right = min(i + 1, H - 1), min(j + 1, W - 1)
    top = one[:, i, j] * (1 - (x - j)) + one[:, i, right] * (x - j)
    return top * (1 - (y - i)) + (one[:, below, j] * (1 - (x - j)) + one[:, below, right] * (x - j)) * (y - i)


def roi_align_by_loops(input, boxes, height, width, scale, ratio, aligned):
    found = input.new_zeros(len(boxes), input.shape[1], height, width)
    for k, (n, *box) in enumerate(boxes.tolist()):
        x1, y1, x2, y2 = (value * scale - (0.5 if aligned else 0.0) for value in box)
        h, w = y2 - y1, x2 - x1
        if not aligned:
            h, w = max(h, 1.0), max(w, 1.0)
        down = ratio if ratio > 0 else math.ceil(h / height)
        across = ratio if ratio > 0 else math.ceil(w / width)
        for a in range(height):
            for c in range(width):
                for u in range(down):
                    for v in range(across):
                        y = y1 + (a + (u + 0.5) / down) * h / height
                        x = x1 + (c + (v + 0.5) / across) * w / width
                        found[k, :, a, c] += interpolated(input[int(n)], y, x) / (down * across)
    return found


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [-1, 0, 1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("H, W", [(7, 5), (1, 6), (4, 4)])
def test_roi_align(H, W, scale, ratio, aligned):
    input = torch.randn(2, 3, H, W, generator=rng(1), **F64)
    box = random_boxes(6, 9, 2) - 2  # some reach outside of the map
    boxes = torch.cat([torch.tensor([0, 1, 1, 0, 1, 0], **F64)[:, None], box], dim=1)
    found = functional.roi_align(input, boxes, (2, 3), scale, ratio, aligned)
    expected = roi_align_by_loops(input, boxes, 2, 3, scale, ratio, aligned)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_roi_align_by_hand():
    ramp = 10.0 * torch.arange(4, **F64)[:, None] + torch.arange(4)
    box = torch.tensor([[0.5, 1.0, 3.5, 3.0]], **F64)
    found = functional.roi_align(ramp[None, None], [box], 2, sampling_ratio=1, aligned=True)
    assert found.tolist() == [[[[10.75, 12.25], [20.75, 22.25]]]]
    # A sequence of boxes for each map is the tensor with the numbers of maps before the boxes.
    maps, parts = torch.randn(2, 1, 4, 4, generator=rng(), **F64), [random_boxes(2, 2, 3), random_boxes(1, 2, 4)]
    numbered = torch.cat([torch.tensor([[0.0], [0.0], [1.0]], **F64), torch.cat(parts)], dim=1)
    assert torch.equal(functional.roi_align(maps, parts, 3), functional.roi_align(maps, numbered, 3))
    assert functional.roi_align(maps, numbered[:0], (3, 2)).shape == (0, 1, 3, 2)


def test_roi_align_gradient():
    boxes = torch.cat([torch.zeros(2, 1, **F64), random_boxes(2, 3, 5)], dim=1)
    input = torch.randn(1, 2, 4, 5, generator=rng(6), **F64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: functional.roi_align(x, boxes, 2, aligned=True), input)


def test_roi_align_refuses():
    maps, box = torch.rand(2, 1, 4, 4, **F64), torch.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]], **F64)
    refuses("roi_align: boxes[:, 0] is [2.0]; expected", functional.roi_align, maps, box + box.new([2, 0, 0, 0, 0]), 2)
    refuses("roi_align: boxes[:, 0] is [0.5]", functional.roi_align, maps, box + box.new([0.5, 0, 0, 0, 0]), 2)
    refuses("roi_align: boxes has 1 parts; expected 2", functional.roi_align, maps, [box[:, 1:]], 2)
    refuses("roi_align: a box is [0.0, 0.0, -2.0, 2.0]", functional.roi_align, maps, box * box.new([0, 1, 1, -1, 1]), 2)
    refuses("roi_align: input has shape (2, 1, 4, 4) and boxes (1, 4)", functional.roi_align, maps, box[:, 1:], 2)
    refuses("roi_align: output_size is 0", functional.roi_align, maps, box, 0)
    refuses("roi_align: spatial_scale is 0", functional.roi_align, maps, box, 2, 0)
    refuses("roi_align: sampling_ratio is -2", functional.roi_align, maps, box, 2, 1.0, -2)
    refuses("roi_align: aligned is 'no'", functional.roi_align, maps, box, 2, 1.0, -1, "no")
    refuses("roi_align: boxes", functional.roi_align, maps, box * math.inf, 2)
