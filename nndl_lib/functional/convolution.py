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
    """The same as ``conv2d`` in six loops, one for each index but that of the example: to be read, not waited for.

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
    """Of padded images, without a bias. By hand: autograd would keep all columns, and take them apart again slowly.

    The columns are kh * kw times the image. So they are made for some examples at a time, few enough for the cache of a
    processor, and once more in the backward pass. Inside, the example is the last axis: then the pixels that a row of
    the columns is copied from lie side by side, however small the image, and one product does for all examples.
    """

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, stride: tuple, dilation: tuple, groups: int) -> Tensor:
        places = tuple(windows(input, tuple(weight.shape[2:]), stride, dilation).shape[4:])
        # Entries of all columns at once: 2 MB of float32; a GPU would rather have few large products than a cache.
        limit = 2**19 if input.device.type == "cpu" else 2**26
        count = max(1, limit // (input.shape[1] * weight[0, 0].numel() * places[0] * places[1]))
        ctx.save_for_backward(input, weight)
        ctx.geometry = stride, dilation, groups, count
        rows, output = _rows(weight, groups), input.new_empty(len(input), len(weight) * places[0] * places[1])
        for part, result in zip(input.split(count), output.split(count)):
            columns = _columns(part, weight, stride, dilation, groups)
            # Into a tensor that is given, so that autocast leaves the precision as it is.
            product = torch.matmul(rows, columns, out=rows.new_empty(*rows.shape[:-1], columns.shape[-1]))
            result.copy_(product.view(-1, len(part)).T)
        return output.view(len(input), len(weight), *places)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        (input, weight), (stride, dilation, groups, count) = ctx.saved_tensors, ctx.geometry
        (N, C, *size), places, rows = input.shape, grad.shape[2:], _rows(weight, groups)
        by_input = torch.empty_like(input, memory_format=torch.contiguous_format) if ctx.needs_input_grad[0] else None
        by_rows = torch.zeros_like(rows) if ctx.needs_input_grad[1] else None
        for k, (part, error) in enumerate(zip(input.split(count), grad.split(count))):
            n, error = len(part), _examples_last(error).view(*rows.shape[:-1], -1)
            if by_input is not None:
                by_columns = (rows.mT @ error).view(C, *weight.shape[2:], *places, n)
                images = by_columns.new_zeros(C, *size, n)
                add_windows(by_columns.movedim(-1, 0), tuple(size), stride, dilation, images.movedim(-1, 0))
                by_input[k * count : k * count + n].view(n, -1).copy_(images.view(-1, n).T)
            if by_rows is not None:
                by_rows += error @ _columns(part, weight, stride, dilation, groups).mT
        return by_input, None if by_rows is None else by_rows.view(weight.shape), None, None, None


# --- helpers ---


def _examples_last(images: Tensor) -> Tensor:
    """(N, ...) as (..., N), copied as a table, which PyTorch does in blocks."""
    return images.reshape(len(images), -1).T.contiguous().view(*images.shape[1:], len(images))


def _columns(input: Tensor, weight: Tensor, stride, dilation, groups: int) -> Tensor:
    """(C kh kw, H_out W_out N), each column a window, or (groups, C kh kw / groups, H_out W_out N)."""
    view = windows(_examples_last(input).movedim(-1, 0), tuple(weight.shape[2:]), stride, dilation)
    return view.movedim(0, -1).reshape(*(() if groups == 1 else (groups,)), weight[0].numel(), -1)


def _rows(weight: Tensor, groups: int) -> Tensor:
    """(O, C kh kw), each row a kernel, or (groups, O / groups, C kh kw / groups)."""
    return weight.reshape(*(() if groups == 1 else (groups,)), len(weight) // groups, -1)


def _prepared(caller: str, input: Tensor, weight: Tensor, bias, stride, padding, dilation, groups: int):
    """The arguments checked, the input padded, and stride and dilation as pairs."""
    arguments.check_convolution(input, weight, bias, groups, caller)
    stride, dilation = (arguments.check_pair(v, n, caller) for n, v in (("stride", stride), ("dilation", dilation)))
    kernel = tuple(weight.shape[2:])
    sides = padding_sizes(padding, kernel, stride, dilation, caller)
    padded = torch.nn.functional.pad(input, sides) if any(sides) else input
    windows(padded, kernel, stride, dilation, caller)  # refuses a kernel that is too large
    return padded, stride, dilation
