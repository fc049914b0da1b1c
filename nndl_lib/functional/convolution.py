"""Convolution of images, by loops and by windows. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``: the kernel is not flipped, so that what is computed is
a cross-correlation. An image is (C, H, W), a batch (N, C, H, W).
"""

import torch
from torch import Tensor

from nndl_lib import arguments
from nndl_lib.functional.sliding import Pair, add_windows, padding_sizes, windows

__all__ = ["conv2d", "conv2d_loops"]


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution (N, O, H_out, W_out) of images (N, C, H, W) with O kernels: every window as a column, times the weights.

    ``y[n, o, i, j] = bias[o] + sum over c, u, v of weight[o, c, u, v] * x[n, c, i s + u d, j s + v d]``, for stride s
    and dilation d. The columns are kept for the backward pass: kh * kw times the memory of the input, for stride 1.

    Args:
        input: (N, C, H, W).
        weight: (O, C / groups, kh, kw). bias: (O,), or None for none.
        stride, dilation: integers of at least 1. padding: pixels of 0 around the image, at least 0. Each is one
            number, or a pair for height and width. The padding may also be "same", for an output of the input's size
            at stride 1, or "valid", for none.
        groups: the channels, in and out, are in that many parts, and each part of the output sees its part of the
            input alone.

    Raises:
        ValueError: shapes or dtypes do not fit together, groups does not divide the channels, the kernel is larger
            than the padded image, or stride, padding or dilation is outside its range.
    """
    padded, stride, dilation = _prepared("conv2d", input, weight, bias, stride, padding, dilation, groups)
    output = _Convolution.apply(padded, weight, stride, dilation, groups)
    return output if bias is None else output + bias.view(-1, 1, 1)


def conv2d_loops(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """The same as ``conv2d`` in six loops, one for each index but that of the example: to be read, not to be waited for.

    Raises:
        ValueError: as ``conv2d``.
    """
    padded, (sh, sw), (dh, dw) = _prepared("conv2d_loops", input, weight, bias, stride, padding, dilation, groups)
    O, channels, kh, kw = weight.shape
    H_out, W_out = windows(padded, (kh, kw), (sh, sw), (dh, dw)).shape[4:]
    output = input.new_zeros(len(input), O, H_out, W_out)
    for o in range(O):
        first = o // (O // groups) * channels  # the first channel of the group of o
        for i in range(H_out):
            for j in range(W_out):
                for c in range(channels):
                    for u in range(kh):
                        for v in range(kw):
                            pixel = padded[:, first + c, i * sh + u * dh, j * sw + v * dw]
                            output[:, o, i, j] += weight[o, c, u, v] * pixel
    return output if bias is None else output + bias.view(-1, 1, 1)


class _Convolution(torch.autograd.Function):
    """Of padded images, without a bias. By hand: autograd's backward of a view by windows is ten times slower."""

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, stride: tuple, dilation: tuple, groups: int) -> Tensor:
        columns, places = _columns(input, weight, stride, dilation, groups)
        ctx.save_for_backward(input, weight, columns)
        ctx.geometry = stride, dilation, groups
        output = _rows(weight, groups) @ columns  # one product for each example and group
        return output.reshape(len(input), len(weight), *places)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        (input, weight, columns), (stride, dilation, groups) = ctx.saved_tensors, ctx.geometry
        if torch.is_grad_enabled():  # a second derivative is asked for: the columns once more, in sight of autograd
            columns, _ = _columns(input, weight, stride, dilation, groups)
        rows, by_input, by_weight = _rows(weight, groups), None, None
        (N, C), places = input.shape[:2], grad.shape[2:]
        grad = grad.reshape(*columns.shape[:-2], rows.shape[-2], -1)
        if ctx.needs_input_grad[0]:
            by_columns = (rows.mT @ grad).reshape(N, C, *weight.shape[2:], *places)
            by_input = add_windows(by_columns, tuple(input.shape[2:]), stride, dilation)
        if ctx.needs_input_grad[1]:
            by_weight = (grad @ columns.mT).sum(dim=0).reshape(weight.shape)
        return by_input, by_weight, None, None, None


# --- helpers ---


def _columns(input: Tensor, weight: Tensor, stride, dilation, groups: int) -> tuple[Tensor, tuple[int, int]]:
    """(N, C kh kw, H_out W_out), each column a window, or (N, groups, C kh kw / groups, H_out W_out); and the size."""
    view = windows(input, tuple(weight.shape[2:]), stride, dilation, "conv2d")
    places = tuple(view.shape[4:])
    parts = () if groups == 1 else (groups,)
    return view.reshape(len(input), *parts, -1, places[0] * places[1]), places


def _rows(weight: Tensor, groups: int) -> Tensor:
    """(O, C kh kw), each row a kernel, or (groups, O / groups, C kh kw / groups)."""
    return weight.flatten(1) if groups == 1 else weight.reshape(groups, len(weight) // groups, -1)


def _prepared(caller: str, input: Tensor, weight: Tensor, bias, stride, padding, dilation, groups: int):
    """The arguments checked, the input padded, and stride and dilation as pairs."""
    arguments.check_convolution(input, weight, bias, groups, caller)
    stride, dilation = (arguments.check_pair(v, n, caller) for n, v in (("stride", stride), ("dilation", dilation)))
    kernel = tuple(weight.shape[2:])
    sides = padding_sizes(padding, kernel, stride, dilation, caller)
    padded = torch.nn.functional.pad(input, sides) if any(sides) else input
    windows(padded, kernel, stride, dilation, caller)  # refuses a kernel that is too large
    return padded, stride, dilation
