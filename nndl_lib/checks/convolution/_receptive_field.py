"""Exercise 5: the receptive field."""

from nndl_lib.checks import Case, exercise


def _cases():
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
    cases=_cases,
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
        "The distances are wrong, and what is counted in them: each is the product of all strides so far.",
        *(_recursion(_right, move=move) for move in (lambda j, s: j + s, lambda j, s: s, max, lambda j, s: 1)),
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
