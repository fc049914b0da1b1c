"""Exercise 2: one kernel over one image."""

import torch
import torch.nn.functional as F

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, quarters


def _cases():
    """Arguments x, w, stride."""
    yield Case((floats([3.0]), floats([2.0]), 1), "one pixel, one weight")
    yield Case((floats([1.0, 2.0, 4.0]), floats([1.0, -1.0]), 1), "one row")
    yield Case((floats([1.0, 2.0], [3.0, 5.0]), floats([1.0, 2.0], [0.5, -1.0]), 1), "kernel as large as the image")
    for seed, (shape, kernel, stride, note) in enumerate(
        [
            ((3, 3), (2, 2), 1, ""),
            ((4, 5), (2, 2), 1, ""),
            ((4, 4), (1, 2), 1, "kernel with one row"),
            ((5, 4), (3, 2), 1, "kernel 3 x 2"),
            ((5, 5), (3, 3), 2, "stride 2"),
            ((6, 7), (2, 3), 2, "pixels left over"),
            ((8, 9), (3, 3), 3, "stride 3"),
            ((7, 7), (2, 2), 4, "stride above the kernel"),
        ]
    ):
        yield Case(
            (quarters(*shape, g=generator(10 + seed)), quarters(*kernel, g=generator(30 + seed)) + 0.125, stride), note
        )
    yield Case((quarters(5, 5, g=generator(40)).float(), quarters(3, 3, g=generator(41)).float(), 1), "float32")
    yield Case((quarters(4, 4, g=generator(42)) * 1e4, quarters(2, 2, g=generator(43)) + 0.125, 1), "large pixels")


def _larger_images():
    w = quarters(2, 2, g=generator(44))
    small = quarters(8, 8, g=generator(45))
    return [
        ("rows", (small, w, 1), (quarters(64, 8, g=generator(46)), w, 1), 50),
        ("columns", (small, w, 1), (quarters(8, 64, g=generator(47)), w, 1), 50),
    ]


def _conv(x, w, **how):
    return F.conv2d(x[None, None], w[None, None], **how)[0, 0]


def _shape_of(x, w, stride):
    return tuple((n - k) // stride + 1 for n, k in zip(x.shape, w.shape))


@exercise(
    returns=("y",),
    cases=_cases,
    loops=_larger_images,
    mistakes=[
        "The kernel is turned by half: w[u, v] belongs to pixel (i + u, j + v). Do not flip it.",
        lambda x, w, stride: _conv(x, w.flip(0, 1), stride=stride),
        "The kernel is mirrored: w[u, v] belongs to pixel (i + u, j + v).",
        *(lambda x, w, stride, axis=axis: _conv(x, w.flip(axis), stride=stride) for axis in (0, 1)),
        "The kernel is transposed: u counts rows and v counts columns, in the kernel and in the image.",
        lambda x, w, stride: _conv(x, w.T, stride=stride),
        "The stride has no effect.",
        lambda x, w, stride: _conv(x, w),
        "The stride acts along the rows alone; the columns need it too.",
        lambda x, w, stride: _conv(x, w, stride=(stride, 1)),
        "The stride acts along the columns alone; the rows need it too.",
        lambda x, w, stride: _conv(x, w, stride=(1, stride)),
        "The stride spreads the weights of the kernel apart, which is dilation; it moves the whole kernel.",
        lambda x, w, stride: _conv(x, w, dilation=stride),
        "The last row and the last column of the map are missing: the kernel has (H - h) // stride + 1 places.",
        lambda x, w, stride: _conv(x, w, stride=stride)[:-1, :-1],
        "The last row and the last column of places are missing: there are H - h + 1 for stride 1, from 0 to H - h.",
        lambda x, w, stride: (
            _conv(x[:-1, :-1], w, stride=stride)
            if min(x.shape) > 1 and x.shape[0] > w.shape[0] and x.shape[1] > w.shape[1]
            else x.new_zeros([-(-(n - k) // stride) for n, k in zip(x.shape, w.shape)])
        ),
        "You divide by the number of weights; the products are summed, not averaged.",
        lambda x, w, stride: _conv(x, w, stride=stride) / w.numel(),
        "The pixels are summed without the weights.",
        lambda x, w, stride: _conv(x, torch.ones_like(w), stride=stride),
        "Every place gets the sum of all weights times one pixel: take another pixel for each weight, (i + u, j + v).",
        lambda x, w, stride: (
            w.sum()
            * _conv(x, F.pad(torch.ones(1, 1, dtype=x.dtype), (0, w.shape[1] - 1, 0, w.shape[0] - 1)), stride=stride)
        ),
        "The image is padded with zeros here; let the kernel stay inside the image.",
        *(
            lambda x, w, stride, by=by: _conv(x, w, stride=stride, padding=[by(n) for n in w.shape])
            for by in (lambda n: 1, lambda n: n // 2, lambda n: n - 1)
        ),
        "Only the last weight counts: add the products up, with += or sum.",
        lambda x, w, stride: w[-1, -1] * x[w.shape[0] - 1 :: stride, w.shape[1] - 1 :: stride],
        "You take the largest product of each window; add the products up.",
        lambda x, w, stride: (x.unfold(0, w.shape[0], stride).unfold(1, w.shape[1], stride) * w).amax((2, 3)),
        "The map still has its axes for images and channels; return (H', W').",
        lambda x, w, stride: F.conv2d(x[None, None], w[None, None], stride=stride),
    ],
    follows=[
        "It is wrong with a stride above 1 alone: unit (i, j) begins at pixel (i s, j s), if the kernel fits there.",
        lambda got, x, w, stride: got if stride > 1 else _conv(x, w),
        "It is wrong where the kernel is not square: it has h rows and m columns, which need not be equal.",
        lambda got, x, w, stride: got if len(set(w.shape)) > 1 else _conv(x, w, stride=stride),
    ],
)
def slide(x, w, stride):
    """Exercise 2: one kernel over one image. The function returns (H', W')."""
    return _conv(x, w, stride=stride)
