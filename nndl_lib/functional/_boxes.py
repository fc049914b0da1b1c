"""Boxes and what lies in them: their overlap, the best of many, and a map sampled inside. Derived in chapter 09.

Names, arguments and values are those of ``torchvision.ops``. A box is (x1, y1, x2, y2), left, top, right and bottom, in
pixels of the image, with the origin at the upper left corner of pixel (0, 0).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nndl_lib._arguments import check_finite, check_flag, check_list, check_pair, check_positive, known
from nndl_lib._declared import check_shapes, checked, count, number
from nndl_lib.functional._precision import wide
from nndl_lib.functional._windows import Pair


@checked(boxes1="finite N? 4", boxes2="finite M? 4")
def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Intersection over union of each pair: boxes (N, 4) and (M, 4) give (N, M), from 0, apart, to 1, equal.

    Raises: ValueError: a box is not finite, or its right is not greater than its left, or its bottom than its top.
    """
    first, second = (wide(_ordered(boxes, "box_iou", 0)) for boxes in (boxes1, boxes2))
    corner = torch.maximum(first[:, None, :2], second[:, :2])  # of what they share: left and top
    opposite = torch.minimum(first[:, None, 2:], second[:, 2:])
    shared = (opposite - corner).clamp(min=0).prod(dim=2)
    area1, area2 = ((boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (first, second))
    return (shared / (area1[:, None] + area2 - shared)).to(boxes1.dtype)


@checked(boxes="finite N? 4", scores="finite N?", iou_threshold=number())
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: indices (K,) of the boxes that are kept, the best score first; of equals, the first.

    A box is dropped if it overlaps one that is kept with an intersection over union above the threshold.

    Raises: ValueError: as ``box_iou``, or the threshold is negative.
    """
    with torch.no_grad():
        overlap, kept = box_iou(boxes, boxes) > iou_threshold, []
        free = torch.ones_like(scores, dtype=torch.bool)
        for n in scores.argsort(descending=True, stable=True).tolist():
            if free[n]:
                kept.append(n)
                free &= ~overlap[n]
    return torch.tensor(kept, dtype=torch.int64, device=boxes.device)


@checked(input="N C H W", spatial_scale=check_positive, sampling_ratio=count(least=-1), aligned=check_flag)
def roi_align(
    input: Tensor,
    boxes: Tensor | Sequence[Tensor],
    output_size: Pair,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Sample maps inside boxes on a grid of fixed size: (K, C, height, width).

    A box is cut into height x width cells. Each is the mean of samples in it, interpolated between the four pixels
    around a sample. A sample more than a pixel outside of the map counts as 0.

    Args:
        input: (N, C, H, W). output_size: height and width of the grid, or one number for both.
        boxes: (K, 5), the number of its map before each box, or a sequence of N tensors (L, 4), one for each map.
        spatial_scale: how many pixels of the map there are in one of the boxes.
        sampling_ratio: samples a cell along each axis; below 1, as many as the cell has pixels, rounded up.
        aligned: pixel (0, 0) has its middle at (0.5, 0.5). Where False, at (0, 0), and a box has at least one pixel:
            torchvision's default, a half pixel off.

    Raises:
        ValueError: a box is not finite, has its right before its left or its bottom before its top, or the number of
            a map that is not there.

    Source: He, Gkioxari, Dollar & Girshick (2017), https://arxiv.org/abs/1703.06870, section 3.
    """
    height, width = check_pair(output_size, "output_size", "roi_align")
    which, box = _numbered(input, boxes)
    x1, y1, x2, y2 = (wide(box) * spatial_scale - (0.5 if aligned else 0)).T
    least = 0 if aligned else 1
    rows = _shares(y1, (y2 - y1).clamp(min=least), height, input.shape[2], sampling_ratio)
    columns = _shares(x1, (x2 - x1).clamp(min=least), width, input.shape[3], sampling_ratio)
    maps = wide(input)[which]  # (K, C, H, W)
    return (rows[:, None] @ maps @ columns[:, None].transpose(2, 3)).to(input.dtype)


def _shares(start: Tensor, length: Tensor, cells: int, size: int, ratio: int) -> Tensor:
    """How much of each of ``size`` pixels along one axis is in each cell of K boxes: (K, cells, size)."""
    samples = torch.full_like(length, ratio) if ratio > 0 else (length / cells).ceil()
    k = torch.arange(max(int(samples.max()) if len(samples) else 0, 1), device=start.device) + 0.5
    counted = k < samples[:, None]  # (K, samples)
    inside = torch.arange(cells, device=start.device)[:, None] + (k / samples.clamp(min=1)[:, None])[:, None]
    place = start[:, None, None] + inside * length[:, None, None] / cells  # (K, cells, samples)
    counted = counted[:, None] & (place >= -1) & (place <= size)
    pixels = torch.arange(size, device=start.device)
    near = (1 - (place.clamp(0, size - 1)[..., None] - pixels).abs()).clamp(min=0)
    return (near * (counted / samples.clamp(min=1)[:, None, None])[..., None]).sum(dim=2)


def _numbered(input: Tensor, boxes: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The number of the map of each box (K,), and the boxes (K, 4). Raises: ValueError as ``roi_align``."""
    if not isinstance(boxes, Tensor):
        several = check_list(boxes, "boxes", "roi_align", "a tensor (K, 5), or a sequence of tensors (L, 4)")
        if len(several) != len(input):
            raise ValueError(f"roi_align: boxes has {len(several)} parts; expected {len(input)}, one for each map")
        for n, part in enumerate(several):
            check_shapes("roi_align", input=("N C H W", input), **{f"boxes[{n}]": ("L? 4", part)})
        numbers = [part.new_full((len(part), 1), n) for n, part in enumerate(several)]
        boxes = torch.cat([torch.cat(pair, dim=1) for pair in zip(numbers, several)])
    check_shapes("roi_align", input=("N C H W", input), boxes=("K? 5", boxes))
    check_finite(boxes, "roi_align", boxes=boxes)
    which = boxes[:, 0].long()
    absent = (which != boxes[:, 0]) | (which < 0) | (which >= len(input))
    if known(absent) and absent.any():
        raise ValueError(
            f"roi_align: boxes[:, 0] is {boxes[:, 0].tolist()}; expected numbers of maps, from 0 to {len(input) - 1}"
        )
    return which, _ordered(boxes[:, 1:], "roi_align", None)


def _ordered(boxes: Tensor, caller: str, least: float | None) -> Tensor:
    """Boxes (N, 4) as they are. Raises: ValueError where sides are negative, or not greater than ``least``."""
    sides = boxes[:, 2:] - boxes[:, :2]
    wrong = (sides < 0 if least is None else sides <= least).any(dim=1)
    if known(wrong) and wrong.any():
        order = "x1 <= x2 and y1 <= y2" if least is None else "x1 < x2 and y1 < y2"
        raise ValueError(f"{caller}: a box is {boxes[wrong][0].tolist()}; expected (x1, y1, x2, y2) with {order}")
    return boxes
