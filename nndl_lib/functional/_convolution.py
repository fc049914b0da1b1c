"""Convolution of images, by windows and by loops. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``: the kernel is not flipped, so that what is computed is
a cross-correlation. An image is (C, H, W), a batch (N, C, H, W).
"""

import torch
from torch import Tensor

from nndl_lib._arguments import check_pair
from nndl_lib.functional._precision import wide, without_autocast
from nndl_lib.functional._windows import Pair, check_convolution, check_window, padding_sizes, windows


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution (N, O, H_out, W_out) of images (N, C, H, W) with O kernels: windows as columns, times the weights.

    ``y[n, o, i, j] = bias[o] + sum over c, u, v of weight[o, c, u, v] * x[n, c, i s + u d, j s + v d]``, for stride s
    and dilation d.

    Args:
        input: (N, C, H, W).
        weight: (O, C / groups, kh, kw). bias: (O,), or None for none.
        stride, dilation: integers of at least 1. padding: pixels of 0 around the image, at least 0. Each is one
            number, or a pair for height and width. The padding may also be "same", for an output of the input's size
            at stride 1, or "valid", for none.
        groups: the channels, in and out, are in that many parts, and each part of the output sees its part of the
            input alone.

    Its price is memory: the columns are kh * kw times the image, and are kept for the backward pass.

    Raises:
        ValueError: shapes, dtypes or devices do not fit together, groups does not divide the channels, the kernel is
            larger than the padded image, or stride, padding or dilation is outside its range.
    """
    x, w, s, d = _prepared("conv2d", input, weight, bias, stride, padding, dilation, groups)
    columns = windows(x, (w.shape[2], w.shape[3]), s, d)
    N, *_, H_out, W_out = columns.shape
    columns = columns.reshape(N, groups, -1, H_out * W_out)  # (N, groups, C kh kw / groups, H_out W_out)
    rows = w.reshape(groups, len(w) // groups, -1)  # (groups, O / groups, C kh kw / groups)
    with without_autocast(x):
        y = (rows @ columns).reshape(N, len(w), H_out, W_out)
    return (y if bias is None else y + bias.view(-1, 1, 1)).to(input.dtype)


def conv2d_loops(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """The same as ``conv2d`` in six loops, one for each index but that of the example: to be read, not waited for.

    Raises:
        ValueError: as ``conv2d``.
    """
    x, w, s, d = _prepared("conv2d_loops", input, weight, bias, stride, padding, dilation, groups)
    O, channels, kh, kw = w.shape
    H_out, W_out = windows(x, (kh, kw), s, d).shape[4:]
    y = x.new_zeros(len(x), O, H_out, W_out)
    for o in range(O):
        first = o // (O // groups) * channels  # the first channel of the group of o
        for i in range(H_out):
            for j in range(W_out):
                for c in range(channels):
                    for u in range(kh):
                        for v in range(kw):
                            pixel = x[:, first + c, i * s[0] + u * d[0], j * s[1] + v * d[1]]
                            y[:, o, i, j] += w[o, c, u, v] * pixel
    return (y if bias is None else y + bias.view(-1, 1, 1)).to(input.dtype)


def _prepared(
    caller: str, input: Tensor, weight: Tensor, bias: Tensor | None, stride, padding, dilation, groups: int
) -> tuple[Tensor, Tensor, tuple[int, int], tuple[int, int]]:
    """The padded input and the weight, stride and dilation as pairs, once all are seen to fit together."""
    check_convolution(input, weight, bias, groups, caller)
    s, d = check_pair(stride, "stride", caller), check_pair(dilation, "dilation", caller)
    kernel = (weight.shape[2], weight.shape[3])
    padded = torch.nn.functional.pad(wide(input), padding_sizes(padding, kernel, s, d, caller))
    check_window((padded.shape[2], padded.shape[3]), kernel, d, caller)
    return padded, wide(weight), s, d
