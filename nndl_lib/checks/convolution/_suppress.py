"""Exercise 6: non-maximum suppression."""

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator


def _boxes(n, g):
    """n boxes on a canvas of 8 pixels, in whole pixels, many of which overlap."""
    corner = torch.randint(0, 5, (n, 2), generator=g)
    return torch.cat([corner, corner + torch.randint(2, 5, (n, 2), generator=g)], dim=1).double()


def _scores(n, g):
    """n scores, no two of them equal."""
    return (torch.randperm(n, generator=g) + 1) / (n + 1.0)


def _cases():
    """Arguments boxes, scores, threshold."""
    chain = torch.tensor([[0.0, 0, 4, 2], [2, 0, 6, 2], [4, 0, 8, 2]], dtype=torch.float64)
    edge = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2]], dtype=torch.float64)
    yield Case((chain[:1], torch.tensor([0.5], dtype=torch.float64), 0.5), "one box")
    yield Case((chain[::2], torch.tensor([0.25, 0.5], dtype=torch.float64), 0.5), "boxes apart")
    yield Case((edge, torch.tensor([0.25, 0.75], dtype=torch.float64), 0.4), "one inside the other")
    yield Case((edge, torch.tensor([0.75, 0.25], dtype=torch.float64), 0.5), "an overlap of the threshold")
    yield Case((chain, torch.tensor([0.75, 0.5, 0.25], dtype=torch.float64), 0.2), "a chain")
    for seed, n, threshold in [(1, 4, 0.31), (2, 6, 0.52), (3, 8, 0.11), (4, 9, 0.27), (5, 12, 0.41), (6, 12, 0.71)]:
        g = generator(70 + seed)
        yield Case((_boxes(n, g), _scores(n, g).double(), threshold))
    g = generator(80)
    yield Case((_boxes(7, g).float(), _scores(7, g).float(), 0.31), "float32")


def _overlap(a, b, over=lambda shared, A, B: shared / (A + B - shared)):
    shared = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).prod()
    return over(shared, (a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod())


def _kept(boxes, scores, threshold, order=None, drops=lambda overlap, t: overlap > t, overlap=_overlap, chain=False):
    """Indices that stay. With chain, a box that was dropped drops others as well."""
    order = scores.argsort(descending=True).tolist() if order is None else order
    kept = []
    for place, n in enumerate(order):
        rivals = order[:place] if chain else kept
        if not any(drops(overlap(boxes[n], boxes[m]), threshold) for m in rivals):
            kept.append(n)
    return torch.tensor(kept)


@exercise(
    returns=("kept",),
    strict=("kept",),
    cases=_cases,
    mistakes=[
        "The worst box comes first; begin with the highest score.",
        lambda boxes, scores, t: _kept(boxes, scores, t, order=scores.argsort().tolist()),
        "The boxes are taken in the order in which they come; begin with the highest score.",
        lambda boxes, scores, t: _kept(boxes, scores, t, order=list(range(len(boxes)))),
        "A box that was dropped drops others, too; compare with the boxes that are kept alone.",
        lambda boxes, scores, t: _kept(boxes, scores, t, chain=True),
        "A box whose overlap equals the threshold is dropped; only more than the threshold drops it.",
        lambda boxes, scores, t: _kept(boxes, scores, t, drops=lambda overlap, t: overlap >= t),
        "Every box that touches one that is kept is dropped, whatever the threshold.",
        lambda boxes, scores, t: _kept(boxes, scores, 0.0),
        "Nothing is dropped: all boxes are returned, best score first.",
        lambda boxes, scores, t: scores.argsort(descending=True),
        "Only the box of the best score is returned; go on with those that it does not overlap.",
        lambda boxes, scores, t: scores.argmax().reshape(1),
        "You return the boxes that are dropped; return those that are kept.",
        lambda boxes, scores, t: torch.tensor(
            [n for n in scores.argsort(descending=True).tolist() if n not in _kept(boxes, scores, t).tolist()],
            dtype=torch.int64,
        ),
        "The indices are sorted by their number; return them with the best score first.",
        lambda boxes, scores, t: _kept(boxes, scores, t).sort().values,
        "You divide by the sum of the two areas; what they share counts once in the union.",
        lambda boxes, scores, t: _kept(
            boxes, scores, t, overlap=lambda a, b: _overlap(a, b, lambda shared, A, B: shared / (A + B))
        ),
        "You divide by the smaller area; divide by the union.",
        lambda boxes, scores, t: _kept(
            boxes, scores, t, overlap=lambda a, b: _overlap(a, b, lambda shared, A, B: shared / torch.minimum(A, B))
        ),
        "You divide by the area of one box; divide by the union.",
        lambda boxes, scores, t: _kept(
            boxes, scores, t, overlap=lambda a, b: _overlap(a, b, lambda shared, A, B: shared / A)
        ),
        lambda boxes, scores, t: _kept(
            boxes, scores, t, overlap=lambda a, b: _overlap(a, b, lambda shared, A, B: shared / B)
        ),
    ],
)
def suppress(boxes, scores, threshold):
    """Exercise 6: non-maximum suppression. The function returns the indices that are kept, (K,), int64."""
    # By sets of pixels, which the corners of the inputs allow: another way than by corners.
    cells = [
        {(x, y) for x in range(int(x1), int(x2)) for y in range(int(y1), int(y2))} for x1, y1, x2, y2 in boxes.tolist()
    ]
    kept: list[int] = []
    for _, n in sorted(zip((-scores).tolist(), range(len(scores)))):
        if all(len(cells[n] & cells[m]) <= threshold * len(cells[n] | cells[m]) for m in kept):
            kept.append(n)
    return torch.tensor(kept)
