"""Exercise 4: the gradient by the kernel."""

from functools import partial

import torch
import torch.nn.functional as F

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import generator, quarters


def _cases():
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
        yield Case(
            (quarters(C, H, W, g=generator(70 + seed)), quarters(*shape, g=generator(90 + seed)) + 0.125, k, stride),
            note,
        )
    yield Case(
        (quarters(2, 4, 4, g=generator(100)).float(), quarters(3, 3, 3, g=generator(101)).float() + 0.125, 2, 1),
        "float32",
    )
    yield Case(
        (quarters(2, 4, 4, g=generator(102)) * 1e4, quarters(3, 3, 3, g=generator(103)) + 0.125, 2, 1), "large pixels"
    )


def _larger_errors():
    def arguments(H, W):
        return quarters(2, H, W, g=generator(H)), quarters(2, H - 1, W - 1, g=generator(W)), 2, 1

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


def _of_one_unit(x, y_bar, k, stride, at):
    alone = torch.zeros_like(y_bar)
    alone[:, at, at] = y_bar[:, at, at]
    return _by_windows(x, alone, k, stride)


@exercise(
    returns=("w_bar",),
    cases=_cases,
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
        "Only one unit counts: add up what all units ask for.",
        *each(_of_one_unit, at=(0, -1)),
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
