"""Windows that slide over images: what convolution and pooling share. Derived in chapter 09, "Convolutional networks".

An image is (C, H, W), a batch of them (N, C, H, W); row 0 is at the top. In a pair, the first is for the height.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments

Pair = int | tuple[int, int]


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many places a kernel has along ``size`` pixels, padded on both ends.

    That is ``(size + 2 p - d (k - 1) - 1) // s + 1``, with kernel k, stride s, padding p and dilation d.

    Raises:
        ValueError: an argument is too small or no integer, or the kernel does not fit.
    """
    size, kernel, stride, dilation = (
        arguments.check_count(value, name, "output_size")
        for name, value in (("size", size), ("kernel", kernel), ("stride", stride), ("dilation", dilation))
    )
    padding = arguments.check_count(padding, "padding", "output_size", least=0)
    span = dilation * (kernel - 1) + 1
    if span > size + 2 * padding:
        raise ValueError(
            f"output_size: the kernel spans {span} pixels and the padded input has {size + 2 * padding}; "
            "expected a kernel that fits"
        )
    return (size + 2 * padding - span) // stride + 1


def padding_sizes(
    padding: Pair | str, kernel_size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], caller: str
) -> tuple[int, int, int, int]:
    """What a padding stands for: pixels on the left, right, top and bottom, the order of ``torch.nn.functional.pad``.

    "valid" is none; "same" as many as leave the size as it is, with the odd one at the right and the bottom, as torch
    has it; else an integer of at least 0 for all sides, or a pair for top and bottom, left and right.

    Raises:
        ValueError: in the name of ``caller``, for another padding, or "same" with a stride other than 1.
    """
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"{caller}: padding is 'same' and stride {stride}; expected stride 1")
        height, width = (d * (k - 1) for k, d in zip(kernel_size, dilation))
        return width // 2, width - width // 2, height // 2, height - height // 2
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"{caller}: padding is {padding!r}; expected 'same', 'valid', or integers")
    height, width = arguments.check_pair(0 if padding == "valid" else padding, "padding", caller, least=0)
    return width, width, height, height


def windows(input: Tensor, kernel_size: Pair, stride: Pair = 1, dilation: Pair = 1, caller: str = "windows") -> Tensor:
    """Every window of images (N, C, H, W) under a sliding kernel, as a view: (N, C, kh, kw, H_out, W_out).

    ``[n, c, u, v, i, j]`` is pixel (i s + u d, j s + v d) of channel c of image n, for stride s and dilation d. Nothing
    is copied: the entries of the input appear again and again, so write into none of them.

    Raises:
        ValueError: an argument is too small or no integer, input is not (N, C, H, W), or the kernel is larger than it.
    """
    kernel, stride, dilation = (
        arguments.check_pair(value, name, caller)
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
    )
    arguments.check_tensors(caller, input=input)
    if input.ndim != 4:
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)}; expected (N, C, H, W)")
    arguments.check_window(tuple(input.shape[2:]), kernel, dilation, caller)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    view = input.unfold(2, spans[0], stride[0]).unfold(3, spans[1], stride[1])  # (N, C, H_out, W_out, span, span)
    return view[..., :: dilation[0], :: dilation[1]].permute(0, 1, 4, 5, 2, 3)


def add_windows(
    values: Tensor, size: tuple[int, int], stride: Pair = 1, dilation: Pair = 1, out: Tensor | None = None
) -> Tensor:
    """Images (N, C, *size) in which each window's values are added where ``windows`` took that window from.

    Args:
        values: (N, C, kh, kw, H_out, W_out).
        size: H and W, at least what the windows span.
        out: images (N, C, *size) to add to, in any layout; without it, new ones of zeros.

    This is the transpose of the linear map ``windows``, so it is how gradients by windows become those by the images.

    Raises:
        ValueError: values do not have six dimensions, or their windows do not fit into ``size``.
    """
    stride = arguments.check_pair(stride, "stride", "add_windows")
    dilation = arguments.check_pair(dilation, "dilation", "add_windows")
    arguments.check_tensors("add_windows", values=values)
    if values.dtype == torch.bool:
        raise ValueError(
            "add_windows: values are torch.bool, whose sums are no sums; expected numbers, e.g. values.float()"
        )
    if values.ndim != 6:
        raise ValueError(f"add_windows: values has shape {tuple(values.shape)}; expected (N, C, kh, kw, H_out, W_out)")
    size = arguments.check_pair(size, "size", "add_windows")
    N, C, *kernel, _, _ = values.shape
    places = tuple(values.shape[4:])
    ends = [s * (n - 1) + d * (k - 1) + 1 for s, n, d, k in zip(stride, places, dilation, kernel)]
    if ends[0] > size[0] or ends[1] > size[1]:
        raise ValueError(
            f"add_windows: the windows span {ends[0]} x {ends[1]} and size is {tuple(size)}; expected that they fit"
        )
    images = values.new_zeros(N, C, *size) if out is None else out
    arguments.check_tensors("add_windows", out=images)
    if images.shape != (N, C, *size):
        raise ValueError(f"add_windows: out has shape {tuple(images.shape)}; expected {(N, C, *size)}")
    for u, v, where in window_offsets(tuple(kernel), places, stride, dilation):
        images[where].add_(values[:, :, u, v])  # `+=` would also copy the sum onto itself
    return images


def window_offsets(kernel, places, stride, dilation) -> Iterator[tuple[int, int, tuple]]:
    """For each entry (u, v) of the kernel, the index of the pixels (..., H_out, W_out) that it meets, row by row."""
    for u in range(kernel[0]):
        for v in range(kernel[1]):
            top, left = u * dilation[0], v * dilation[1]
            rows = slice(top, top + stride[0] * (places[0] - 1) + 1, stride[0])
            yield u, v, (..., rows, slice(left, left + stride[1] * (places[1] - 1) + 1, stride[1]))
