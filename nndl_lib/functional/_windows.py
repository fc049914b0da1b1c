"""Windows that slide over images: what convolution and pooling share. Derived in chapter 09, "Convolutional networks".

An image is (C, H, W), a batch of them (N, C, H, W); row 0 is at the top. In a pair, the first is for the height.
"""

import torch
from torch import Tensor

from nndl_lib._arguments import check_count, check_pair
from nndl_lib._declared import check_shapes, checked, count

Pair = int | tuple[int, int]
Sides = tuple[int, int, int, int]  # pixels on the left, right, top and bottom: the order of torch.nn.functional.pad


@checked(size=count(), kernel=count(), stride=count(), padding=count(least=0), dilation=count())
def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many places a kernel has along ``size`` pixels, padded on both ends.

    That is ``(size + 2 p - d (k - 1) - 1) // s + 1``, with kernel k, stride s, padding p and dilation d.

    Raises:
        ValueError: an argument is too small or no integer, or the kernel does not fit.
    """
    span = dilation * (kernel - 1) + 1
    if span > size + 2 * padding:
        raise ValueError(
            f"output_size: the kernel spans {span} pixels and the padded input has {size + 2 * padding}; "
            "expected a kernel that fits"
        )
    return (size + 2 * padding - span) // stride + 1


def windows(
    input: Tensor, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Tensor:
    """Every window of images (N, C, H, W) under a sliding kernel: (N, C, kh, kw, H_out, W_out).

    ``[n, c, u, v, i, j]`` is pixel (i s + u d, j s + v d) of channel c of image n, for stride s and dilation d.
    """
    (kh, kw), (sh, sw), (dh, dw) = kernel, stride, dilation
    height, width = input.shape[2] - dh * (kh - 1), input.shape[3] - dw * (kw - 1)  # what one entry of the kernel sees
    rows = torch.stack([input[:, :, u * dh : u * dh + height : sh] for u in range(kh)], dim=2)
    return torch.stack([rows[..., v * dw : v * dw + width : sw] for v in range(kw)], dim=3)


# --- what may be given: also in the name of a layer ---


def padding_sizes(
    padding: Pair | str, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], caller: str
) -> Sides:
    """What a padding stands for: pixels on the left, right, top and bottom.

    "valid" is none; "same" as many as leave the size as it is, with the odd one at the right and the bottom, as torch
    has it; else an integer of at least 0 for all sides, or a pair for top and bottom, left and right.

    Raises:
        ValueError: in the name of ``caller``, for another padding, or "same" with a stride other than 1.
    """
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"{caller}: padding is 'same' and stride {stride}; expected stride 1")
        height, width = (d * (k - 1) for k, d in zip(kernel, dilation))
        return width // 2, width - width // 2, height // 2, height - height // 2
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"{caller}: padding is {padding!r}; expected 'same', 'valid', or integers")
    height, width = check_pair(0 if isinstance(padding, str) else padding, "padding", caller, least=0)
    return width, width, height, height


def check_window(size: tuple[int, int], kernel: tuple[int, int], dilation: tuple[int, int], caller: str) -> None:
    """Raises: ValueError where a kernel does not fit into an image of that size, padding included."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if spans[0] > size[0] or spans[1] > size[1]:
        what = f"the kernel is {kernel[0]} x {kernel[1]}"
        if dilation != (1, 1):
            what = f"the kernel, {kernel[0]} x {kernel[1]} with dilation {dilation}, spans {spans[0]} x {spans[1]}"
        raise ValueError(f"{caller}: {what} and the padded input {size[0]} x {size[1]}; expected a kernel that fits")


def check_convolution(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int, caller: str) -> None:
    """Raises: ValueError where shapes, dtypes, devices and groups do not make a convolution."""
    check_shapes(caller, input=("N C H W", input), weight=("O C/groups kh kw", weight), bias=("O", bias))
    check_count(groups, "groups", caller)
    C, O = input.shape[1], weight.shape[0]
    if C % groups or O % groups:
        found = f"groups is {groups}, and there are {C} channels in and {O} out"
        raise ValueError(f"{caller}: {found}; expected a number that divides both")
    if weight.shape[1] * groups != C:
        found = f"input has shape {tuple(input.shape)}, {C} channels, and weight {tuple(weight.shape)}"
        expected = f"{weight.shape[1] * groups} channels{f', {weight.shape[1]} in each group' if groups > 1 else ''}"
        raise ValueError(f"{caller}: {found}; expected {expected}")


def check_pooling(
    input: Tensor, kernel_size: Pair, stride: Pair | None, padding: Pair, caller: str
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Return kernel, stride and padding as pairs; the stride is the kernel where it is None.

    Raises: ValueError where input is not floating-point (N, C, H, W), a number is outside its range, or the kernel is
    larger than the padded image.
    """
    check_shapes(caller, input=("N C H W", input))
    kernel = check_pair(kernel_size, "kernel_size", caller)
    steps = kernel if stride is None else check_pair(stride, "stride", caller)
    pad = check_pair(padding, "padding", caller, least=0)
    if any(2 * p > k for p, k in zip(pad, kernel)):
        raise ValueError(f"{caller}: padding is {pad} and the kernel {kernel}; expected at most half the kernel")
    check_window((input.shape[2] + 2 * pad[0], input.shape[3] + 2 * pad[1]), kernel, (1, 1), caller)
    return kernel, steps, pad
