"""Checks of the exercises to chapter 09, "Convolutional networks". Names are those of ``nndl_lib.functional``."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, quarters

__all__ = ["kernel_gradient", "max_pool", "price", "receptive_field", "slide"]


def _quarters(*shape: int, seed: int) -> Tensor:
    """Random multiples of 1/4 from -2 to 2: short to print, exact to compute with."""
    return quarters(*shape, g=generator(seed))


# --- 1: the price of a layer ----------------------------------------------------------------------------------------


def _layers():
    """Arguments C, H, W, O, k, stride, padding, dilation."""
    yield Case((1, 1, 1, 1, 1, 1, 0, 1), "one pixel, one weight")
    yield Case((1, 4, 4, 1, 2, 1, 0, 1), "one channel")
    yield Case((1, 5, 3, 2, 2, 1, 0, 1), "height and width differ")
    yield Case((3, 6, 6, 2, 3, 1, 0, 1))
    yield Case((2, 7, 9, 5, 3, 2, 0, 1), "a stride")
    yield Case((3, 8, 11, 4, 3, 3, 1, 1), "pixels left over")
    yield Case((3, 32, 32, 10, 5, 2, 2, 1))
    spread = "With a dilation it goes wrong: there are as many weights as without, and they span d (k - 1) + 1 pixels."
    yield Case((2, 9, 12, 3, 3, 1, 2, 2), "dilation", spread)
    yield Case((4, 20, 17, 6, 4, 3, 2, 3), "dilation and stride", spread)
    yield Case((3, 224, 224, 96, 11, 4, 2, 1), "the first layer of AlexNet")


def _span(k, dilation):
    return dilation * (k - 1) + 1


def _priced(C, H, W, O, k, stride, padding, dilation, *, size=None, parameters=None, work=None):
    """The answer, with one of its parts replaced."""
    size = size or (lambda n: (n + 2 * padding - _span(k, dilation)) // stride + 1)
    height, width = size(H), size(W)
    return (
        height,
        width,
        parameters(C, O, k) if parameters else O * (C * k * k + 1),
        work(C, O, k, height, width) if work else O * C * k * k * height * width,
    )


def _sized(rule):
    """A mistake in the size of the maps, which goes on into the multiply-adds."""
    return lambda C, H, W, O, k, stride, padding, dilation: _priced(
        C, H, W, O, k, stride, padding, dilation, size=lambda n: rule(n, k, stride, padding, dilation)
    )


@exercise(
    returns=("height", "width", "parameters", "multiply_adds"),
    cases=_layers,
    mistakes=[
        "The sizes have no + 1 at the end: the places are counted from 0 on.",
        _sized(lambda n, k, s, p, d: (n + 2 * p - _span(k, d)) // s),
        "The padding is counted once; it is added on both sides, so 2 p.",
        _sized(lambda n, k, s, p, d: (n + p - _span(k, d)) // s + 1),
        "The sizes take no heed of the padding.",
        _sized(lambda n, k, s, p, d: (n - _span(k, d)) // s + 1),
        "The sizes take no heed of the stride.",
        _sized(lambda n, k, s, p, d: n + 2 * p - _span(k, d) + 1),
        "The sizes take no heed of the dilation: the kernel spans d (k - 1) + 1 pixels.",
        _sized(lambda n, k, s, p, d: (n + 2 * p - k) // s + 1),
        "The dilated kernel spans d (k - 1) + 1 pixels, not d k.",
        _sized(lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1),
        "The sizes are rounded up; a window that does not fit whole is left out, so round down.",
        _sized(lambda n, k, s, p, d: -(-(n + 2 * p - _span(k, d)) // s) + 1),
        "The 1 stands inside the division: divide by the stride first, then add 1.",
        _sized(lambda n, k, s, p, d: (n + 2 * p - _span(k, d) + 1) // s),
        "The biases are missing: there is one for each map out.",
        partial(_priced, parameters=lambda C, O, k: O * C * k * k),
        "There is one bias for each map out, not a single one in all.",
        partial(_priced, parameters=lambda C, O, k: O * C * k * k + 1),
        "A bias is counted for each slice of a kernel; there is one for each map out.",
        partial(_priced, parameters=lambda C, O, k: O * C * (k * k + 1)),
        "Both counts leave out the channels that come in: each kernel has a slice for every one of them.",
        partial(_priced, parameters=lambda C, O, k: O * (k * k + 1), work=lambda C, O, k, h, w: O * k * k * h * w),
        "The parameters leave out the channels that come in: each kernel has a slice for every one of them.",
        partial(_priced, parameters=lambda C, O, k: O * (k * k + 1)),
        "A kernel has k times k weights in each channel; both counts have k once.",
        partial(_priced, parameters=lambda C, O, k: O * (C * k + 1), work=lambda C, O, k, h, w: O * C * k * h * w),
        "The multiply-adds are those of one unit of each map; there are height times width units.",
        partial(_priced, work=lambda C, O, k, h, w: O * C * k * k),
        "The multiply-adds count the biases; here the weights alone count.",
        partial(_priced, work=lambda C, O, k, h, w: O * (C * k * k + 1) * h * w),
        "The multiply-adds are counted over the pixels that come in; count the units that go out.",
        lambda C, H, W, O, k, *a: _priced(C, H, W, O, k, *a, work=lambda C, O, k, h, w: O * C * k * k * H * W),
    ],
    follows=[
        "The map has a wrong size, and multiply_adds with it: (size + 2 padding - d (k - 1) - 1) // stride + 1.",
        lambda got, C, H, W, O, k, *a: (*got[:2], O * (C * k * k + 1), O * C * k * k * got[0] * got[1]),
        "Only parameters is wrong: each of the O maps has C k k weights and one bias.",
        lambda got, *a: (*_priced(*a)[:2], got[2], _priced(*a)[3]),
        "Only multiply_adds is wrong: each of the O C k k weights is used once for every unit of a map.",
        lambda got, *a: (*_priced(*a)[:3], got[3]),
        "height and width are right, but not the two counts: both start from the number of weights, O C k k.",
        lambda got, *a: (*_priced(*a)[:2], *got[2:]),
    ],
)
def price(C, H, W, O, k, stride, padding, dilation):
    """Exercise 1: what a convolutional layer costs. The function returns (height, width, parameters, multiply_adds)."""
    places = [
        range(-padding, size + padding - dilation * (k - 1), stride) for size in (H, W)
    ]  # of the kernel's first entry
    height, width = map(len, places)
    weights = O * C * k * k
    return height, width, weights + O, weights * height * width


# --- 2: one kernel over one image -----------------------------------------------------------------------------------


def _images_and_kernels():
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
        yield Case((_quarters(*shape, seed=10 + seed), _quarters(*kernel, seed=30 + seed) + 0.125, stride), note)
    yield Case((_quarters(5, 5, seed=40).float(), _quarters(3, 3, seed=41).float(), 1), "float32")
    yield Case((_quarters(4, 4, seed=42) * 1e4, _quarters(2, 2, seed=43) + 0.125, 1), "large pixels")


def _larger_images():
    w = _quarters(2, 2, seed=44)
    small = _quarters(8, 8, seed=45)
    return [
        ("rows", (small, w, 1), (_quarters(64, 8, seed=46), w, 1), 50),
        ("columns", (small, w, 1), (_quarters(8, 64, seed=47), w, 1), 50),
    ]


def _conv(x, w, **how):
    return F.conv2d(x[None, None], w[None, None], **how)[0, 0]


def _shape_of(x, w, stride):
    return tuple((n - k) // stride + 1 for n, k in zip(x.shape, w.shape))


@exercise(
    returns=("y",),
    cases=_images_and_kernels,
    loops=_larger_images,
    mistakes=[
        "The kernel is turned by half: w[u, v] belongs to pixel (i + u, j + v). Do not flip it.",
        lambda x, w, stride: _conv(x, w.flip(0, 1), stride=stride),
        *(
            (
                "The kernel is mirrored: w[u, v] belongs to pixel (i + u, j + v).",
                lambda x, w, stride, axis=axis: _conv(x, w.flip(axis), stride=stride),
            )
            for axis in (0, 1)
        ),
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
        *(
            (
                "The image is padded with zeros here; let the kernel stay inside the image.",
                lambda x, w, stride, by=by: _conv(x, w, stride=stride, padding=[by(n) for n in w.shape]),
            )
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


# --- 3: max pooling -------------------------------------------------------------------------------------------------


def _pooled_images():
    """Arguments x, k, stride."""
    below = (
        "Where all pixels are negative it goes wrong: the largest is below 0, so start from -inf or the first pixel."
    )
    yield Case((floats([3.0]), 1, 1), "one pixel")
    yield Case((floats([1.0, 2.0], [4.0, 3.0]), 2, 2), "one window")
    yield Case((_quarters(4, 4, seed=50) + 3, 2, 2))
    yield Case((_quarters(4, 6, seed=51), 2, 2), "height and width differ")
    yield Case((_quarters(5, 7, seed=52) + 3, 2, 2), "pixels left over")
    yield Case((_quarters(5, 5, seed=53) + 3, 3, 2), "windows that overlap")
    yield Case((_quarters(6, 5, seed=54), 3, 1), "stride 1")
    yield Case((_quarters(7, 8, seed=55) + 3, 2, 3), "stride above the window")
    yield Case((-_quarters(4, 4, seed=56).abs() - 1, 2, 2), "negative pixels", below)
    yield Case((-_quarters(5, 6, seed=57).abs() - 1, 3, 2), "negative pixels", below)
    yield Case((_quarters(4, 4, seed=58).float() + 3, 2, 2), "float32")
    yield Case((floats([-1e4, -2e4], [-3e4, -1.5e4]), 2, 2), "large negative pixels", below)


def _larger_pooled():
    small = _quarters(8, 8, seed=60)
    return [
        ("rows", (small, 2, 1), (_quarters(64, 8, seed=61), 2, 1), 50),
        ("columns", (small, 2, 1), (_quarters(8, 64, seed=62), 2, 1), 50),
    ]


def _pool(x, k, stride, **how):
    return F.max_pool2d(x[None, None], k, stride, **how)[0, 0]


@exercise(
    returns=("y",),
    cases=_pooled_images,
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
        *(
            ("Absolute values are compared; a large negative pixel is small.", how)
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


# --- 4: the gradient by the kernel ----------------------------------------------------------------------------------


def _errors():
    """Arguments x, y_bar, k, stride."""
    yield Case((torch.tensor([[[3.0]]]).double(), torch.tensor([[[2.0]]]).double(), 1, 1), "one pixel")
    yield Case(
        (torch.tensor([[[1.0, 2.0], [3.0, 5.0]]]).double(), torch.tensor([[[2.0]]]).double(), 2, 1), "one window"
    )
    for seed, (C, H, W, O, k, stride, note) in enumerate(
        [
            (1, 3, 3, 1, 2, 1, "one channel"),
            (1, 4, 3, 2, 2, 1, "two maps"),
            (2, 3, 4, 1, 2, 1, "two channels"),
            (2, 4, 5, 3, 2, 1, ""),
            (3, 5, 5, 2, 3, 1, ""),
            (2, 5, 7, 3, 3, 2, "stride 2"),
            (1, 6, 7, 2, 2, 3, "stride 3"),
            (2, 6, 6, 2, 3, 2, "pixels left over"),
        ]
    ):
        shape = (O, (H - k) // stride + 1, (W - k) // stride + 1)
        yield Case((_quarters(C, H, W, seed=70 + seed), _quarters(*shape, seed=90 + seed) + 0.125, k, stride), note)
    yield Case((_quarters(2, 4, 4, seed=100).float(), _quarters(3, 3, 3, seed=101).float() + 0.125, 2, 1), "float32")
    yield Case((_quarters(2, 4, 4, seed=102) * 1e4, _quarters(3, 3, 3, seed=103) + 0.125, 2, 1), "large pixels")


def _larger_errors():
    def arguments(H, W):
        return _quarters(2, H, W, seed=H), _quarters(2, H - 1, W - 1, seed=W), 2, 1

    return [("rows", arguments(8, 8), arguments(64, 8), 50), ("columns", arguments(8, 8), arguments(8, 64), 50)]


def _by_windows(x, y_bar, k, stride, step=None):
    """(O, C, k, k): windows of x times error signals; ``step`` is the dilation of the signals, by right the stride."""
    step = stride if step is None else step
    places = [torch.arange(n) * step for n in y_bar.shape[1:]]
    out = x.new_zeros(len(y_bar), len(x), k, k)
    for u in range(k):
        for v in range(k):
            part = x[:, places[0] + u][:, :, places[1] + v]  # (C, H', W')
            out[:, :, u, v] = torch.einsum("oij,cij->oc", y_bar, part)
    return out


@exercise(
    returns=("w_bar",),
    cases=_errors,
    loops=_larger_errors,
    mistakes=[
        "The gradient is turned by half: weight (u, v) met pixel (i s + u, j s + v).",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar, k, stride).flip(2, 3),
        "The error signal is turned by half; by the kernel it is a plain correlation.",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar.flip(1, 2), k, stride),
        "The stride has no effect: unit (i, j) looked at pixels from (i s, j s) on.",
        partial(_by_windows, step=1),
        "The channels are exchanged: maps out come first, channels in second.",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar, k, stride).transpose(0, 1),
        "The kernel's rows and columns are exchanged.",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar, k, stride).transpose(2, 3),
        "You average over the units; a shared weight gets the sum of what they ask for.",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar, k, stride) / y_bar[0].numel(),
        "You sum over the channels that come in; each has its own weights.",
        lambda x, y_bar, k, stride: _by_windows(x, y_bar, k, stride).sum(dim=1),
        "You sum over the channels that come in, and give the sum to all of them.",
        lambda x, y_bar, k, stride: (
            _by_windows(x, y_bar, k, stride).sum(dim=1, keepdim=True).expand(-1, len(x), -1, -1)
        ),
        "All maps get the sum over the maps: each map has its own error signal.",
        lambda x, y_bar, k, stride: (
            _by_windows(x, y_bar, k, stride).sum(dim=0, keepdim=True).expand(len(y_bar), -1, -1, -1)
        ),
        "The pixels are left out: it is the error signal's sum, which is the gradient by the bias.",
        lambda x, y_bar, k, stride: _by_windows(torch.ones_like(x), y_bar, k, stride),
        "The error signal is left out.",
        lambda x, y_bar, k, stride: _by_windows(x, torch.ones_like(y_bar), k, stride),
        "Pixels and error signals are added up apart, and the sums multiplied; multiply first, unit by unit, then add.",
        lambda x, y_bar, k, stride: (
            _by_windows(x, torch.ones_like(y_bar), k, stride) * y_bar.sum((1, 2))[:, None, None, None]
        ),
        *(
            (
                "Only one unit counts: add up what all units ask for.",
                lambda x, y_bar, k, stride, at=at: _by_windows(
                    x,
                    torch.zeros_like(y_bar).index_put(
                        (torch.arange(len(y_bar)), torch.tensor(at), torch.tensor(at)), y_bar[:, at, at]
                    ),
                    k,
                    stride,
                ),
            )
            for at in (0, -1)
        ),
    ],
    follows=[
        "It is wrong with a stride above 1 alone: weight (u, v) met pixel (i s + u, j s + v) in unit (i, j).",
        lambda got, x, y_bar, k, stride: got if stride > 1 else _by_windows(x, y_bar, k, 1),
        "With one channel and one map it is right, with more it is not: w_bar[o, c] comes from map o and channel c.",
        lambda got, x, y_bar, k, stride: got if len(x) * len(y_bar) > 1 else _by_windows(x, y_bar, k, stride),
    ],
)
def kernel_gradient(x, y_bar, k, stride):
    """Exercise 4: the gradient of the loss by the kernels. The function returns (O, C, k, k)."""
    with torch.enable_grad():
        w = torch.zeros(len(y_bar), len(x), k, k, dtype=x.dtype, requires_grad=True)
        return torch.autograd.grad((F.conv2d(x[None], w, stride=stride)[0] * y_bar).sum(), w)[0]


# --- 5: the receptive field -----------------------------------------------------------------------------------------


def _stacks():
    """Argument layers: (kernel, stride, padding, dilation) of each."""
    yield Case(([],), "no layer")
    yield Case(([(3, 1, 0, 1)],), "one layer")
    yield Case(([(3, 1, 1, 1)],), "padding")
    yield Case(([(2, 2, 0, 1)],), "a pooling layer")
    yield Case(([(3, 1, 1, 1), (3, 1, 1, 1)],))
    yield Case(([(3, 1, 0, 1), (2, 2, 0, 1), (3, 1, 0, 1)],), "a stride in the middle")
    yield Case(([(3, 2, 1, 1), (3, 2, 1, 1), (3, 2, 1, 1)],), "three strides")
    yield Case(([(3, 1, 1, 1), (3, 1, 2, 2), (3, 1, 4, 4)],), "dilation")
    yield Case(([(5, 1, 2, 1), (2, 2, 0, 1), (3, 1, 3, 3), (3, 3, 0, 2)],), "dilation and stride")
    yield Case(
        (
            [
                (11, 4, 2, 1),
                (3, 2, 0, 1),
                (5, 1, 2, 1),
                (3, 2, 0, 1),
                (3, 1, 1, 1),
                (3, 1, 1, 1),
                (3, 1, 1, 1),
                (3, 2, 0, 1),
            ],
        ),
        "AlexNet",
    )
    yield Case(([(1, 1, 0, 1), (1, 2, 0, 1), (4, 3, 1, 2)],), "kernels of one weight")


def _recursion(grow, move=lambda j, s: j * s, begin=lambda a, p, j, s: a - p * j, first=1):
    """A mistake: the recursion with another rule for the size, the stride or the start."""

    def answer(layers):
        r, j, a = first, 1, 0
        for k, s, p, d in layers:
            r, a, j = grow(r, j, k, s, d), begin(a, p, j, s), move(j, s)
        return r, j, a

    return answer


def _right(r, j, k, s, d):
    return r + d * (k - 1) * j


@exercise(
    returns=("size", "stride", "start"),
    cases=_stacks,
    mistakes=[
        "A layer adds d (k - 1) distances to the field, not d k.",
        _recursion(lambda r, j, k, s, d: r + d * k * j),
        "A layer grows the field by d (k - 1) times the distance of the units below; the strides below are left out.",
        _recursion(lambda r, j, k, s, d: r + d * (k - 1)),
        "The size is grown by the stride of this layer too; that counts for the layers above it only.",
        _recursion(lambda r, j, k, s, d: r + d * (k - 1) * j * s),
        "The size is grown by this layer's stride alone; take the product of all strides below it.",
        _recursion(lambda r, j, k, s, d: r + d * (k - 1) * s),
        "The size takes no heed of the dilation.",
        _recursion(lambda r, j, k, s, d: r + (k - 1) * j),
        "The dilated kernel spans d (k - 1) + 1 pixels; you took d k.",
        _recursion(lambda r, j, k, s, d: r + (d * k - 1) * j),
        "The size starts from 0; one pixel sees itself, so start from 1.",
        _recursion(_right, first=0),
        "The size is multiplied from layer to layer; fields grow by addition.",
        _recursion(lambda r, j, k, s, d: r * k),
        *(
            (
                "The distances are wrong, and what is counted in them: each is the product of all strides so far.",
                _recursion(_right, move=move),
            )
            for move in (lambda j, s: j + s, lambda j, s: s, max, lambda j, s: 1)
        ),
        "The distance is multiplied by this layer's stride too early: size and start use it before.",
        _recursion(lambda r, j, k, s, d: r + d * (k - 1) * j * s, begin=lambda a, p, j, s: a - p * j * s),
        "Size and start are counted in places of the layer below; above a stride, such a place is that many pixels.",
        _recursion(lambda r, j, k, s, d: r + d * (k - 1), begin=lambda a, p, j, s: a - p),
        "The start has the wrong sign: padding moves the field to the left, below 0.",
        _recursion(_right, begin=lambda a, p, j, s: a + p * j),
        "The start counts a padding as pixels of the image; above a stride, a place is that many pixels.",
        _recursion(_right, begin=lambda a, p, j, s: a - p),
        "The start is moved by p times the stride after the layer; take the distance before it.",
        _recursion(_right, begin=lambda a, p, j, s: a - p * j * s),
        "The start takes no heed of the padding.",
        _recursion(_right, begin=lambda a, p, j, s: 0),
        "The layers are taken from the last to the first; begin at the image.",
        lambda layers: _recursion(_right)(layers[::-1]),
        "Only the last layer counts; begin at the image, and go through all layers.",
        lambda layers: _recursion(_right)(layers[-1:]),
    ],
    follows=[
        "Only size is wrong: a layer adds d (k - 1) times the distance of the units below it.",
        lambda got, layers: (got[0], *_recursion(_right)(layers)[1:]),
        "Only start is wrong: a layer moves it by -p times the distance of the units below it.",
        lambda got, layers: (*_recursion(_right)(layers)[:2], got[2]),
        "Only stride is wrong: it is the product of all strides.",
        lambda got, layers: (lambda r, j, a: (r, got[1], a))(*_recursion(_right)(layers)),
    ],
)
def receptive_field(layers):
    """Exercise 5: what one unit sees. The function returns (size, stride, start), three whole numbers."""

    def seen(unit: int) -> tuple[int, int]:
        # From the end back to the pixels: the first and the last place that count, layer by layer.
        first = last = unit
        for k, s, p, d in reversed(layers):
            first, last = first * s - p, last * s - p + d * (k - 1)
        return first, last

    first, last = seen(0)
    return last - first + 1, seen(1)[0] - first, first
