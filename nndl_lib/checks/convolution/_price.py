"""Exercise 1: the price of a layer."""

from functools import partial

from nndl_lib.checks import Case, exercise


def _cases():
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
    cases=_cases,
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
        "The map has a wrong size, and multiply_adds follows from it: (size + 2 p - d (k - 1) - 1) // stride + 1.",
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
