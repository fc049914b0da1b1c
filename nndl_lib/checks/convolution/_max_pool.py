"""Exercise 3: max pooling."""

from functools import partial

import torch
import torch.nn.functional as F

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, quarters


def _cases():
    """Arguments x, k, stride."""
    below = (
        "Where all pixels are negative it goes wrong: the largest is below 0, so start from -inf or the first pixel."
    )
    yield Case((floats([3.0]), 1, 1), "one pixel")
    yield Case((floats([1.0, 2.0], [4.0, 3.0]), 2, 2), "one window")
    yield Case((quarters(4, 4, g=generator(50)) + 3, 2, 2))
    yield Case((quarters(4, 6, g=generator(51)), 2, 2), "height and width differ")
    yield Case((quarters(5, 7, g=generator(52)) + 3, 2, 2), "pixels left over")
    yield Case((quarters(5, 5, g=generator(53)) + 3, 3, 2), "windows that overlap")
    yield Case((quarters(6, 5, g=generator(54)), 3, 1), "stride 1")
    yield Case((quarters(7, 8, g=generator(55)) + 3, 2, 3), "stride above the window")
    yield Case((-quarters(4, 4, g=generator(56)).abs() - 1, 2, 2), "negative pixels", below)
    yield Case((-quarters(5, 6, g=generator(57)).abs() - 1, 3, 2), "negative pixels", below)
    yield Case((quarters(4, 4, g=generator(58)).float() + 3, 2, 2), "float32")
    yield Case((floats([-1e4, -2e4], [-3e4, -1.5e4]), 2, 2), "large negative pixels", below)


def _larger_pooled():
    small = quarters(8, 8, g=generator(60))
    return [
        ("rows", (small, 2, 1), (quarters(64, 8, g=generator(61)), 2, 1), 50),
        ("columns", (small, 2, 1), (quarters(8, 64, g=generator(62)), 2, 1), 50),
    ]


def _pool(x, k, stride, **how):
    return F.max_pool2d(x[None, None], k, stride, **how)[0, 0]


@exercise(
    returns=("y",),
    cases=_cases,
    loops=_larger_pooled,
    mistakes=[
        "You average the windows; take the largest pixel of each.",
        lambda x, k, stride: F.avg_pool2d(x[None, None], k, stride)[0, 0],
        "You take the smallest pixel of each window; take the largest.",
        lambda x, k, stride: -_pool(-x, k, stride),
        "The stride has no effect: the windows begin at 0, stride, 2 stride, ...",
        lambda x, k, stride: _pool(x, k, 1),
        "The windows lie side by side; they begin stride pixels apart, which need not be k.",
        lambda x, k, stride: _pool(x, k, k),
        "The windows have stride pixels a side; they have k.",
        lambda x, k, stride: _pool(x, stride, stride),
        "k and stride are exchanged.",
        lambda x, k, stride: _pool(x, stride, k),
        "A window that does not fit whole is counted, too; leave it out.",
        partial(_pool, ceil_mode=True),
        "You keep one pixel of each window, the first, whatever its size.",
        lambda x, k, stride: x[: x.shape[0] - k + 1 : stride, : x.shape[1] - k + 1 : stride],
        "You look at the first row of each window alone.",
        lambda x, k, stride: _pool(x, (1, k), stride)[: (x.shape[0] - k) // stride + 1],
        "You look at the first column of each window alone.",
        lambda x, k, stride: _pool(x, (k, 1), stride)[:, : (x.shape[1] - k) // stride + 1],
        "You look at the diagonal of each window alone.",
        lambda x, k, stride: torch.stack(
            [x[u : x.shape[0] - k + 1 + u : stride, u : x.shape[1] - k + 1 + u : stride] for u in range(k)]
        ).amax(0),
        "You return the largest pixel of the whole image; each window has its own.",
        lambda x, k, stride: x.max(),
        "You keep the last pixel of each window, whatever its size.",
        lambda x, k, stride: x[k - 1 :: stride, k - 1 :: stride],
        "Absolute values are compared; a large negative pixel is small.",
        *(
            how
            for how in (
                lambda x, k, stride: _pool(x.abs(), k, stride),
                lambda x, k, stride: (lambda high, low: torch.where(high >= -low, high, low))(
                    _pool(x, k, stride), -_pool(-x, k, stride)
                ),
            )
        ),
        "The image is padded here; the windows stay inside of it.",
        lambda x, k, stride: _pool(x, k, stride, padding=k // 2),
        "The last row and the last column of the map are missing: there are (H - k) // stride + 1 windows.",
        lambda x, k, stride: _pool(x, k, stride)[:-1, :-1],
        "The windows lack their last row and column: they have k x k pixels.",
        lambda x, k, stride: (
            x.unfold(0, k, stride).unfold(1, k, stride)[:, :, : max(k - 1, 1), : max(k - 1, 1)].amax((2, 3))
        ),
        "Where all pixels are negative, it returns 0: start from -inf, or from the first pixel.",
        lambda x, k, stride: _pool(x, k, stride).clamp(min=0),
        "You return the place of the largest pixel; return its value.",
        lambda x, k, stride: F.max_pool2d(x[None, None], k, stride, return_indices=True)[1][0, 0],
    ],
    follows=[
        "It is right where the windows lie side by side, but not elsewhere: they begin stride apart.",
        lambda got, x, k, stride: got if stride != k else _pool(x, k, k),
    ],
)
def max_pool(x, k, stride):
    """Exercise 3: the largest pixel of each window. The function returns (H', W')."""
    return x.unfold(0, k, stride).unfold(1, k, stride).amax(dim=(2, 3))
