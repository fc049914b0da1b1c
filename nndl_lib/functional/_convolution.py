"""Convolution of images, by loops and by windows. Derived in chapter 09, "Convolutional networks".

Names, arguments and values are those of ``torch.nn.functional``: the kernel is not flipped, so that what is computed is
a cross-correlation. An image is (C, H, W), a batch (N, C, H, W).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._precision import wide
from nndl_lib.functional._transforms import transformed
from nndl_lib.functional._windows import Pair, add_windows, padding_sizes, window_offsets, windows

# Entries of the columns that are made at once: 2 MB of float32, for a processor's cache; more where there is none to fit.
_AT_ONCE, _AT_ONCE_ON_GPU = 2**19, 2**26


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
        ValueError: shapes, dtypes or devices do not fit together, groups does not divide the channels, the kernel is larger
            than the padded image, or stride, padding or dilation is outside its range.
    """
    geometry = _geometry("conv2d", input, weight, bias, stride, padding, dilation, groups)
    if transformed():
        output = _plain(wide(input), wide(weight), geometry)
    elif input.is_cuda:  # whose products of half precision add up in float32 by themselves
        output = _ByExample.apply(input, weight, geometry)
    else:
        output = _Convolution.apply(wide(input), wide(weight), geometry)
    if bias is not None:
        output = output + bias.view(-1, 1, 1) if transformed() else output.add_(bias.view(-1, 1, 1))
    return output.to(input.dtype)


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
    geometry = _geometry("conv2d_loops", input, weight, bias, stride, padding, dilation, groups)
    padded, weight = torch.nn.functional.pad(wide(input), geometry.sides), wide(weight)
    (sh, sw), (dh, dw) = geometry.stride, geometry.dilation
    O, channels, kh, kw = weight.shape
    H_out, W_out = geometry.places
    output = padded.new_zeros(len(input), O, H_out, W_out)
    for o in range(O):
        first = o // (O // groups) * channels  # the first channel of the group of o
        for i in range(H_out):
            for j in range(W_out):
                for c in range(channels):
                    for u in range(kh):
                        for v in range(kw):
                            pixel = padded[:, first + c, i * sh + u * dh, j * sw + v * dw]
                            output[:, o, i, j] += weight[o, c, u, v] * pixel
    return (output if bias is None else output + bias.view(-1, 1, 1)).to(input.dtype)


class _Geometry(NamedTuple):
    """Where the windows lie, and how the channels are divided."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    sides: tuple[int, int, int, int]  # the padding: left, right, top, bottom
    places: tuple[int, int]  # H_out and W_out
    groups: int


class _Convolution(torch.autograd.Function):
    """Without a bias. By hand: autograd would keep all columns, and take them apart again slowly.

    The columns are kh * kw times the image. So they are made for some examples at a time, few enough for the cache of a
    processor, and once more in the backward pass. Inside, the example is the last axis: then the pixels that a row of
    the columns is copied from lie side by side, however small the image, and one product does for all examples.
    """

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.geometry = geometry
        rows, output = _rows(weight, geometry.groups), input.new_empty(len(input), len(weight), *geometry.places)
        count = _examples_at_once(input, geometry, _AT_ONCE)
        for part, result in zip(input.split(count), output.split(count)):
            # Into a tensor that is given, so that autocast leaves the precision as it is.
            product = rows.new_empty(*rows.shape[:2], len(part) * math.prod(geometry.places))
            torch.bmm(rows, _columns(part, geometry), out=product)
            result.copy_(product.view(*result.shape[1:], len(part)).movedim(-1, 0))
        return output

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (input, weight), geometry = ctx.saved_tensors, ctx.geometry
        rows, count = _rows(weight, geometry.groups), _examples_at_once(input, geometry, _AT_ONCE)
        by_input = torch.empty_like(input, memory_format=torch.contiguous_format) if ctx.needs_input_grad[0] else None
        by_rows = torch.zeros_like(rows) if ctx.needs_input_grad[1] else None
        for k, (part, error) in enumerate(zip(input.split(count), grad.split(count))):
            error = _examples_last(error).view(*rows.shape[:2], -1)
            if by_input is not None:
                by_input[k * count : (k + 1) * count] = _images(rows.mT @ error, part.shape, geometry)
            if by_rows is not None:
                by_rows += error @ _columns(part, geometry).mT
        return by_input, None if by_rows is None else by_rows.view(weight.shape), None


class _ByExample(torch.autograd.Function):
    """The same for a GPU, which has the memory, and waits rather for each operation to be started: so they are few.

    Nothing is transposed. Each example has its own product, and all are computed at once.
    """

    @staticmethod
    def forward(ctx, input: Tensor, weight: Tensor, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.geometry = geometry
        rows, output = _rows(weight, geometry.groups), input.new_empty(len(input), len(weight), *geometry.places)
        count = _examples_at_once(input, geometry, _AT_ONCE_ON_GPU)
        for part, result in zip(input.split(count), output.split(count)):
            columns = _columns_by_example(part, geometry)
            torch.bmm(_repeated(rows, len(part)), columns, out=result.view(len(columns), rows.shape[1], -1))
        return output

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (input, weight), geometry, by_input, by_rows = ctx.saved_tensors, ctx.geometry, [], 0
        rows, count = _rows(weight, geometry.groups), _examples_at_once(input, geometry, _AT_ONCE_ON_GPU)
        (left, right, top, bottom), (_, C, H, W) = geometry.sides, input.shape
        for part, error in zip(input.split(count), grad.split(count)):
            error = error.reshape(len(part) * geometry.groups, rows.shape[1], -1)
            if ctx.needs_input_grad[0]:
                values = (_repeated(rows, len(part)).mT @ error).view(len(part), C * math.prod(geometry.kernel), -1)
                padded = torch.nn.functional.fold(
                    values, (top + H + bottom, left + W + right), geometry.kernel, geometry.dilation, 0, geometry.stride
                )  # the transpose of taking windows, in one operation
                by_input.append(padded[:, :, top : top + H, left : left + W])
            if ctx.needs_input_grad[1]:
                products = error @ _columns_by_example(part, geometry).mT
                by_rows = by_rows + products.view(len(part), *rows.shape).sum(dim=0)
        by_weight = by_rows.view(weight.shape) if ctx.needs_input_grad[1] else None
        return torch.cat(by_input) if by_input else None, by_weight, None


# --- helpers ---


def _plain(input: Tensor, weight: Tensor, geometry: _Geometry) -> Tensor:
    # For torch.func: the product of _ByExample, but of columns that are made by slices, whose gradients it knows.
    padded = torch.nn.functional.pad(input, geometry.sides)
    offsets = window_offsets(geometry.kernel, geometry.places, geometry.stride, geometry.dilation)
    slices = [padded[where] for _, _, where in offsets]
    columns = torch.stack(slices, dim=2).reshape(len(input) * geometry.groups, -1, math.prod(geometry.places))
    product = _repeated(_rows(weight, geometry.groups), len(input)) @ columns
    return product.reshape(len(input), len(weight), *geometry.places)


def _columns_by_example(input: Tensor, geometry: _Geometry) -> Tensor:
    """(N groups, C kh kw / groups, H_out W_out): each column is a window."""
    padded = torch.nn.functional.pad(input, geometry.sides) if any(geometry.sides) else input
    view = windows(padded, geometry.kernel, geometry.stride, geometry.dilation)
    return view.reshape(len(input) * geometry.groups, -1, math.prod(geometry.places))


def _repeated(rows: Tensor, n: int) -> Tensor:
    """(groups, O / groups, C kh kw / groups) n times; for one group without a copy."""
    return rows.expand(n, -1, -1, -1).reshape(-1, *rows.shape[1:]) if len(rows) > 1 else rows.expand(n, -1, -1)


def _examples_last(images: Tensor) -> Tensor:
    """(N, ...) as (..., N), in that order in memory."""
    if len(images) < 16:
        return images.movedim(0, -1).contiguous()
    # As a table, which PyTorch copies in blocks: else, a power of 2 apart, the examples share a few places of the cache.
    return images.reshape(len(images), -1).T.contiguous().view(*images.shape[1:], len(images))


def _columns(input: Tensor, geometry: _Geometry) -> Tensor:
    """(groups, C kh kw / groups, H_out W_out N): each column is a window."""
    images = _examples_last(input)
    if any(geometry.sides):
        images = torch.nn.functional.pad(images, (0, 0, *geometry.sides))
    view = windows(images.movedim(-1, 0), geometry.kernel, geometry.stride, geometry.dilation)
    rows = input.shape[1] * math.prod(geometry.kernel) // geometry.groups
    return view.movedim(0, -1).reshape(geometry.groups, rows, -1)


def _images(columns: Tensor, shape, geometry: _Geometry) -> Tensor:
    """The transpose of ``_columns``: images (N, C, H, W) in which each entry is added where it was taken from."""
    (N, C, H, W), (left, right, top, bottom) = shape, geometry.sides
    values = columns.view(C, *geometry.kernel, *geometry.places, N).movedim(-1, 0)
    padded = columns.new_zeros(C, top + H + bottom, left + W + right, N).movedim(-1, 0)
    add_windows(values, tuple(padded.shape[2:]), geometry.stride, geometry.dilation, padded)
    return padded[:, :, top : top + H, left : left + W]


def _rows(weight: Tensor, groups: int) -> Tensor:
    """(groups, O / groups, C kh kw / groups): each row is a kernel."""
    return weight.reshape(groups, len(weight) // groups, -1)


def _examples_at_once(input: Tensor, geometry: _Geometry, entries: int) -> int:
    # How many examples have that many entries in their columns; at least one.
    return max(1, entries // (input.shape[1] * math.prod(geometry.kernel + geometry.places)))


def _geometry(caller: str, input: Tensor, weight: Tensor, bias, stride, padding, dilation, groups: int) -> _Geometry:
    """The arguments, once they are checked."""
    arguments.check_convolution(input, weight, bias, groups, caller)
    stride, dilation = (arguments.check_pair(v, n, caller) for n, v in (("stride", stride), ("dilation", dilation)))
    kernel = tuple(weight.shape[2:])
    left, right, top, bottom = sides = padding_sizes(padding, kernel, stride, dilation, caller)
    size = input.shape[2] + top + bottom, input.shape[3] + left + right
    arguments.check_window(size, kernel, dilation, caller)
    places = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation))
    return _Geometry(kernel, stride, dilation, sides, places, groups)
