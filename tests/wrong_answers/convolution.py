"""Wrong answers to the exercises of chapter 09."""

import math

import torch
import torch.nn.functional as F

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- price ----------------------------------------------------------------------------------------------------------


@wrong("price", "no + 1 at the end")
def forgets_the_first_place(C, H, W, O, k, stride, padding, dilation):
    h = (H + 2 * padding - dilation * (k - 1) - 1) // stride
    w = (W + 2 * padding - dilation * (k - 1) - 1) // stride
    return h, w, O * (C * k**2 + 1), O * C * k**2 * h * w


@wrong("price", "padding is counted once")
def pads_one_side(C, H, W, O, k, stride, padding, dilation):
    span = 1 + dilation * (k - 1)
    h, w = 1 + (H + padding - span) // stride, 1 + (W + padding - span) // stride
    return h, w, O * C * k * k + O, h * w * O * C * k * k


@wrong("price", "no heed of the dilation")
def dense_kernel(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - k) // stride + 1 for n in (H, W)]
    return h, w, O * C * k * k + O, h * w * O * C * k * k


@wrong("price", "rounded up")
def rounds_up(C, H, W, O, k, stride, padding, dilation):
    def size(n):
        return math.ceil((n + 2 * padding - dilation * (k - 1) - 1) / stride) + 1

    return size(H), size(W), O * C * k * k + O, size(H) * size(W) * O * C * k * k


@wrong("price", "biases are missing")
def weights_only(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W)]
    weights = O * C * k * k
    return h, w, weights, weights * h * w


@wrong("price", "multiply-adds count the biases")
def parameters_times_units(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W)]
    parameters = O * (C * k * k + 1)
    return h, w, parameters, parameters * h * w


@wrong("price", "leave out the channels that come in: each kernel")
def one_slice(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W)]
    return h, w, O * (k * k + 1), O * C * k * k * h * w


@wrong("price", "pixels that come in; count the units")
def work_over_the_input(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W)]
    return h, w, O * (C * k * k + 1), O * C * k * k * H * W


@wrong("price", "whole number")
def true_division(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) / stride + 1 for n in (H, W)]
    return h, w, O * (C * k * k + 1), O * C * k * k * h * w


@wrong("price", "expected 4 values")
def three_numbers(C, H, W, O, k, stride, padding, dilation):
    h, w = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W)]
    return h, w, O * (C * k * k + 1)


@wrong("price", "Both counts leave out the channels")
def one_channel(C, H, W, O, k, stride, padding, dilation):
    height, width = ((n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n in (H, W))
    return height, width, O * (k * k + 1), O * k * k * height * width


@wrong("price", "The map has a wrong size, and multiply_adds follows from it")
def same_size(C, H, W, O, k, stride, padding, dilation):
    height, width = -(-H // stride), -(-W // stride)
    return height, width, O * C * k * k + O, O * C * k * k * height * width


@wrong("price", "With a dilation it goes wrong")
def one_gap(C, H, W, O, k, stride, padding, dilation):
    height, width = ((n + 2 * padding - k - (dilation - 1)) // stride + 1 for n in (H, W))
    return height, width, O * C * k * k + O, O * C * k * k * height * width


# --- slide ----------------------------------------------------------------------------------------------------------


@wrong("slide", "turned by half")
def true_convolution(x, w, stride):
    h, b = w.shape
    H, W = x.shape[0] - h + 1, x.shape[1] - b + 1
    return sum(w[h - 1 - u, b - 1 - v] * x[u : u + H : stride, v : v + W : stride] for u in range(h) for v in range(b))


@wrong("slide", "stride has no effect")
def ignores_the_stride(x, w, stride):
    h, b = w.shape
    H, W = x.shape[0] - h + 1, x.shape[1] - b + 1
    return sum(w[u, v] * x[u : u + H, v : v + W] for u in range(h) for v in range(b))


@wrong("slide", "along the rows alone")
def stride_on_one_axis(x, w, stride):
    h, b = w.shape
    H, W = x.shape[0] - h + 1, x.shape[1] - b + 1
    return sum(w[u, v] * x[u : u + H : stride, v : v + W] for u in range(h) for v in range(b))


@wrong("slide", "not averaged")
def mean_of_products(x, w, stride):
    windows = x.unfold(0, w.shape[0], stride).unfold(1, w.shape[1], stride)
    return (windows * w).mean(dim=(2, 3))


@wrong("slide", "axes for images and channels")
def leaves_the_axes(x, w, stride):
    return F.conv2d(x.unsqueeze(0).unsqueeze(0), w.unsqueeze(0).unsqueeze(0), stride=stride)


@wrong("slide", "loop runs over the rows")
def place_by_place(x, w, stride):
    h, b = w.shape
    rows = []
    for i in range(0, x.shape[0] - h + 1, stride):
        rows.append(torch.stack([(x[i : i + h, j : j + b] * w).sum() for j in range(0, x.shape[1] - b + 1, stride)]))
    return torch.stack(rows)


@wrong("slide", "Only the last weight counts")
def overwrites(x, w, stride):
    h, b = w.shape
    H, W = x.shape[0] - h + 1, x.shape[1] - b + 1
    for u in range(h):
        for v in range(b):
            y = w[u, v] * x[u : u + H : stride, v : v + W : stride]
    return y


@wrong("slide", "padded with zeros")
def pads(x, w, stride):
    padded = F.pad(x, (1, 1, 1, 1))
    return (padded.unfold(0, w.shape[0], stride).unfold(1, w.shape[1], stride) * w).sum(dim=(2, 3))


@wrong("slide", "where the kernel is not square")
def square(x, w, stride):
    k = min(w.shape)
    return (x.unfold(0, k, stride).unfold(1, k, stride) * w[:k, :k]).sum(dim=(2, 3))


@wrong("slide", "The image is padded with zeros here")
def keeps_the_size(x, w, stride):
    padding = (w.shape[0] // 2, w.shape[1] // 2)
    return torch.nn.functional.conv2d(x[None, None], w[None, None], stride=stride, padding=padding)[0, 0]


# --- max pooling ----------------------------------------------------------------------------------------------------


@wrong("max_pool", "all pixels are negative")
def starts_from_zero(x, k, stride):
    H, W = x.shape[0] - k + 1, x.shape[1] - k + 1
    y = torch.zeros_like(x[:H:stride, :W:stride])
    for u in range(k):
        for v in range(k):
            y = torch.maximum(y, x[u : u + H : stride, v : v + W : stride])
    return y


@wrong("max_pool", "You average")
def mean_pool(x, k, stride):
    return x.unfold(0, k, stride).unfold(1, k, stride).mean(dim=(-1, -2))


@wrong("max_pool", "windows lie side by side")
def blocks(x, k, stride):
    H, W = x.shape[0] // k, x.shape[1] // k
    return x[: H * k, : W * k].reshape(H, k, W, k).amax(dim=(1, 3))


@wrong("max_pool", "stride has no effect")
def all_windows(x, k, stride):
    return x.unfold(0, k, 1).unfold(1, k, 1).amax(dim=(2, 3))


@wrong("max_pool", "exchanged")
def exchanges_them(x, k, stride):
    return x.unfold(0, stride, k).unfold(1, stride, k).amax(dim=(2, 3))


@wrong("max_pool", "does not fit whole")
def rounds_windows_up(x, k, stride):
    return F.max_pool2d(x[None, None], k, stride, ceil_mode=True)[0, 0]


@wrong("max_pool", "place of the largest pixel")
def returns_places(x, k, stride):
    return F.max_pool2d(x[None, None], k, stride, return_indices=True)[1][0, 0]


@wrong("max_pool", "diagonal")
def walks_the_diagonal(x, k, stride):
    H, W = x.shape[0] - k + 1, x.shape[1] - k + 1
    y = x[:H:stride, :W:stride]
    for u in range(k):
        y = torch.maximum(y, x[u : u + H : stride, u : u + W : stride])
    return y


@wrong("max_pool", "loop runs over the rows")
def pools_by_loops(x, k, stride):
    return torch.stack(
        [
            torch.stack([x[i : i + k, j : j + k].max() for j in range(0, x.shape[1] - k + 1, stride)])
            for i in range(0, x.shape[0] - k + 1, stride)
        ]
    )


@wrong("max_pool", "Absolute values are compared")
def absolute(x, k, stride):
    return x.abs().unfold(0, k, stride).unfold(1, k, stride).amax(dim=(2, 3))


# --- the gradient by the kernel -------------------------------------------------------------------------------------


def places(x, y_bar, k, stride):
    """Pairs (u, v) and the pixels under that weight, (C, H', W')."""
    _, H, W = y_bar.shape
    for u in range(k):
        for v in range(k):
            yield u, v, x[:, u : u + H * stride : stride, v : v + W * stride : stride]


@wrong("kernel_gradient", "gradient is turned by half")
def turns_the_gradient(x, y_bar, k, stride):
    w_bar = torch.zeros(y_bar.shape[0], x.shape[0], k, k, dtype=x.dtype)
    for u, v, met in places(x, y_bar, k, stride):
        w_bar[:, :, k - 1 - u, k - 1 - v] = torch.einsum("ohw,chw->oc", y_bar, met)
    return w_bar


@wrong("kernel_gradient", "average over the units")
def averages(x, y_bar, k, stride):
    w_bar = torch.zeros(y_bar.shape[0], x.shape[0], k, k, dtype=x.dtype)
    for u, v, met in places(x, y_bar, k, stride):
        w_bar[:, :, u, v] = (y_bar[:, None] * met).mean(dim=(2, 3))
    return w_bar


@wrong("kernel_gradient", "stride has no effect")
def forgets_the_stride(x, y_bar, k, stride):
    w_bar = torch.zeros(y_bar.shape[0], x.shape[0], k, k, dtype=x.dtype)
    for u, v, met in places(x, y_bar, k, 1):
        w_bar[:, :, u, v] = (y_bar[:, None] * met).sum(dim=(2, 3))
    return w_bar


@wrong("kernel_gradient", "maps out come first")
def channels_first(x, y_bar, k, stride):
    w_bar = torch.zeros(x.shape[0], y_bar.shape[0], k, k, dtype=x.dtype)
    for u, v, met in places(x, y_bar, k, stride):
        w_bar[:, :, u, v] = (met[:, None] * y_bar).sum(dim=(2, 3))
    return w_bar


@wrong("kernel_gradient", "give the sum to all of them")
def sums_the_channels(x, y_bar, k, stride):
    w_bar = torch.zeros(y_bar.shape[0], x.shape[0], k, k, dtype=x.dtype)
    for u, v, met in places(x, y_bar, k, stride):
        w_bar[:, :, u, v] = (y_bar * met.sum(dim=0)).sum(dim=(1, 2))[:, None]
    return w_bar


@wrong("kernel_gradient", "loop runs over the rows")
def unit_by_unit(x, y_bar, k, stride):
    w_bar = torch.zeros(y_bar.shape[0], x.shape[0], k, k, dtype=x.dtype)
    for i in range(y_bar.shape[1]):
        for j in range(y_bar.shape[2]):
            window = x[:, i * stride : i * stride + k, j * stride : j * stride + k]
            w_bar += y_bar[:, i, j][:, None, None, None] * window
    return w_bar


@wrong("kernel_gradient", "added up apart")
def product_of_sums(x, y_bar, k, stride):
    O, rows, columns = y_bar.shape
    w_bar = x.new_zeros(O, len(x), k, k)
    for u in range(k):
        for v in range(k):
            met = x[:, u : u + rows * stride : stride, v : v + columns * stride : stride]
            w_bar[:, :, u, v] = y_bar.sum(dim=(1, 2))[:, None] * met.sum(dim=(1, 2))
    return w_bar


@wrong("kernel_gradient", "with more it is not")
def one_gray_image(x, y_bar, k, stride):
    O, rows, columns = y_bar.shape
    windows = x.mean(dim=0).unfold(0, k, stride).unfold(1, k, stride)[:rows, :columns]
    return torch.einsum("oij,ijuv->ouv", y_bar, windows)[:, None].expand(-1, len(x), -1, -1)


# --- the receptive field --------------------------------------------------------------------------------------------


@wrong("receptive_field", "strides below are left out")
def adds_kernels(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in layers:
        size = size + d * (k - 1)
        start = start - p * stride
        stride = stride * s
    return size, stride, start


@wrong("receptive_field", "stride of this layer too")
def multiplies_first(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in layers:
        start -= p * stride
        stride *= s
        size += d * (k - 1) * stride
    return size, stride, start


@wrong("receptive_field", "no heed of the dilation")
def leaves_out_dilation(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in layers:
        size, start, stride = size + (k - 1) * stride, start - p * stride, stride * s
    return size, stride, start


@wrong("receptive_field", "wrong sign")
def moves_right(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in layers:
        size, start, stride = size + d * (k - 1) * stride, start + p * stride, stride * s
    return size, stride, start


@wrong("receptive_field", "as pixels of the image")
def adds_the_paddings(layers):
    size, stride = 1, 1
    for k, s, p, d in layers:
        size, stride = size + d * (k - 1) * stride, stride * s
    return size, stride, -sum(p for _, _, p, _ in layers)


@wrong("receptive_field", "The distances are wrong")
def adds_the_strides(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in layers:
        size, start, stride = size + d * (k - 1) * stride, start - p * stride, stride + s
    return size, stride, start


@wrong("receptive_field", "from the last to the first")
def begins_at_the_end(layers):
    size, stride, start = 1, 1, 0
    for k, s, p, d in reversed(layers):
        size, start, stride = size + d * (k - 1) * stride, start - p * stride, stride * s
    return size, stride, start


@wrong("receptive_field", "starts from 0")
def sees_nothing(layers):
    size, stride, start = 0, 1, 0
    for k, s, p, d in layers:
        size, start, stride = size + d * (k - 1) * stride, start - p * stride, stride * s
    return size, stride, start


@wrong("receptive_field", "too early: size and start use it before")
def multiplies_at_once(layers):
    size, distance, start = 1, 1, 0
    for k, s, p, d in layers:
        distance *= s
        size += d * (k - 1) * distance
        start -= p * distance
    return size, distance, start


@wrong("receptive_field", "Only start is wrong")
def centers(layers):
    size, distance = 1, 1
    for k, s, p, d in layers:
        size += d * (k - 1) * distance
        distance *= s
    return size, distance, -(size // 2)


# --- non-maximum suppression ----------------------------------------------------------------------------------------


def overlaps(boxes):
    """Intersection over union of all pairs."""
    low, high = torch.maximum(boxes[:, None, :2], boxes[:, :2]), torch.minimum(boxes[:, None, 2:], boxes[:, 2:])
    shared, area = (high - low).clamp(min=0).prod(2), (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return shared / (area[:, None] + area - shared)


def greedy(order, drops):
    kept, left = [], list(order)
    while left:
        kept.append(left.pop(0))
        left = [n for n in left if not drops[kept[-1], n]]
    return torch.tensor(kept)


@wrong("suppress", "worst box comes first")
def ascending(boxes, scores, threshold):
    return greedy(scores.argsort().tolist(), overlaps(boxes) > threshold)


@wrong("suppress", "in the order in which they come")
def leaves_out_the_scores(boxes, scores, threshold):
    return greedy(range(len(boxes)), overlaps(boxes) > threshold)


@wrong("suppress", "dropped drops others")
def all_better_ones_drop(boxes, scores, threshold):
    order = scores.argsort(descending=True)
    above = torch.triu(overlaps(boxes[order]) > threshold, diagonal=1)
    return order[~above.any(dim=0)]


@wrong("suppress", "overlap equals the threshold")
def at_least(boxes, scores, threshold):
    return greedy(scores.argsort(descending=True).tolist(), overlaps(boxes) >= threshold)


@wrong("suppress", "sorted by their number")
def in_order(boxes, scores, threshold):
    return greedy(scores.argsort(descending=True).tolist(), overlaps(boxes) > threshold).sort().values


@wrong("suppress", "sum of the two areas")
def shares_of_the_sum(boxes, scores, threshold):
    iou = overlaps(boxes)
    return greedy(scores.argsort(descending=True).tolist(), iou / (1 + iou) > threshold)


@wrong("suppress", "Nothing is dropped")
def sorts_alone(boxes, scores, threshold):
    return torch.argsort(scores, descending=True)


@wrong("suppress", "Only the box of the best score")
def the_best(boxes, scores, threshold):
    return scores.topk(1).indices
