"""Checks of the exercises to chapter 08, "Regularization and generalization"."""

from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.optim.sgd import sgd

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import generator, signed_quarters

__all__ = ["dropout", "early_stop", "out_of_bag_error", "shift", "sparse_step"]


def _numbers(*values: float) -> Tensor:
    return torch.tensor(values).double()


# --- 1: a step with L1 and weight decay -----------------------------------------------------------------------------


def _sparse_inputs():
    """Arguments w, g, lr, l1, decay."""
    small = "A weight that comes within lr * l1 of zero goes wrong: it becomes exactly zero."
    yield Case((_numbers(2), _numbers(1), 0.5, 0.5, 0.5), "one weight")
    yield Case((_numbers(2), _numbers(1), 0.5, 0.0, 0.5), "l1 = 0")
    yield Case((_numbers(2), _numbers(1), 0.5, 0.5, 0.0), "no decay")
    yield Case((_numbers(0.25), _numbers(0.25), 0.5, 0.5, 0.0), "a small weight", small)
    yield Case((_numbers(-0.25, 0.25), _numbers(0, 0), 0.5, 0.5, 0.0), "exactly at the threshold")
    yield Case((_numbers(0.5), _numbers(4), 0.5, 0.5, 0.0), "a step across zero")
    yield Case((_numbers(0, 0), _numbers(0.25, -2), 0.5, 0.5, 0.5), "weights of zero")
    for seed, shape, lr, l1, decay, note in [
        (1, (3,), 0.1, 0.5, 0.2, ""),
        (2, (4,), 0.5, 1.5, 0.25, "a strong penalty"),
        (3, (2, 3), 0.2, 0.5, 0.5, "a matrix of weights"),
        (4, (5,), 2.0, 0.25, 0.125, "a large rate"),
        (7, (3,), 0.25, 0.0, 0.5, "l1 = 0"),
        (8, (4,), 0.25, 0.5, 0.0, "no decay"),
        (5, (2, 2), 0.25, 0.25, 2.0, "a strong decay"),
    ]:
        g = generator(seed)
        yield Case((signed_quarters(*shape, g=g), signed_quarters(*shape, g=g), lr, l1, decay), note)
    g = generator(6)
    yield Case((signed_quarters(4, g=g).float(), signed_quarters(4, g=g).float(), 0.25, 0.5, 0.25), "float32")


def _more_weights():
    def arguments(n):
        g = generator(n)
        return signed_quarters(n, g=g), signed_quarters(n, g=g), 0.1, 0.5, 0.2

    return [("weights", arguments(8), arguments(64), 56)]


def _moved(w, g, lr, decay):
    return w - lr * (g + decay * w)


def _soft(u, b):
    return u.sign() * (u.abs() - b).clamp(min=0)


@exercise(
    returns=("w",),
    cases=_sparse_inputs,
    loops=_more_weights,
    mistakes=[
        "It walks uphill: subtract lr times the gradient.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * w + lr * g, lr * l1),
        "The soft threshold is missing: after the step, bring each weight lr * l1 closer to zero.",
        lambda w, g, lr, l1, decay: _moved(w, g, lr, decay),
        "The decay is missing: w shrinks by the factor 1 - lr * decay.",
        lambda w, g, lr, l1, decay: _soft(w - lr * g, lr * l1),
        "l1 and decay are exchanged: decay shrinks the old weights, l1 is the threshold.",
        lambda w, g, lr, l1, decay: _soft(_moved(w, g, lr, l1), lr * decay),
        "The threshold is lr * l1; you use l1 alone.",
        lambda w, g, lr, l1, decay: _soft(_moved(w, g, lr, decay), l1),
        "The decay forgets the learning rate: the factor is 1 - lr * decay.",
        lambda w, g, lr, l1, decay: _soft((1 - decay) * w - lr * g, lr * l1),
        "The decay also shrinks the gradient step: only the old w gets the factor.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * (w - lr * g), lr * l1),
        "The weights grow: the factor is 1 minus lr * decay.",
        lambda w, g, lr, l1, decay: _soft((1 + lr * decay) * w - lr * g, lr * l1),
        "This is a step along the sign of w, which jumps over zero; step on the rest first, then take the threshold.",
        lambda w, g, lr, l1, decay: _moved(w, g, lr, decay) - lr * l1 * w.sign(),
        "Weights within lr * l1 of zero jump to the other side: they become zero.",
        lambda w, g, lr, l1, decay: (lambda u: u - lr * l1 * u.sign())(_moved(w, g, lr, decay)),
        "The sign is lost: the threshold works on the absolute value, and the sign comes back after it.",
        lambda w, g, lr, l1, decay: (_moved(w, g, lr, decay).abs() - lr * l1).clamp(min=0),
        "Small weights become zero, but the others are not shrunk: this is a hard threshold; L1 needs the soft one.",
        lambda w, g, lr, l1, decay: (lambda u: u * (u.abs() > lr * l1))(_moved(w, g, lr, decay)),
        "The threshold comes too early: first the decay and the gradient step, then the threshold.",
        lambda w, g, lr, l1, decay: (1 - lr * decay) * _soft(w, lr * l1) - lr * g,
        "The sign is that of the old w; it has to be that of the weight after the step.",
        lambda w, g, lr, l1, decay: w.sign() * (_moved(w, g, lr, decay).abs() - lr * l1).clamp(min=0),
        "Negative weights become zero: the threshold works on the absolute value.",
        lambda w, g, lr, l1, decay: (_moved(w, g, lr, decay) - lr * l1).clamp(min=0),
        "The gradient is not multiplied by lr.",
        lambda w, g, lr, l1, decay: _soft((1 - lr * decay) * w - g, lr * l1),
    ],
    follows=[
        "Without decay it is right, so gradient and threshold are; decay is not: it multiplies w by 1 - lr * decay.",
        lambda got, w, g, lr, l1, decay: got if decay else _soft(w - lr * g, lr * l1),
        "With l1 = 0 it is right, so the step is; the threshold is not, which brings u closer to zero by lr * l1.",
        lambda got, w, g, lr, l1, decay: got if l1 else _moved(w, g, lr, decay),
    ],
)
def sparse_step(w, g, lr, l1, decay):
    """Exercise 1: a proximal step for L1 after a step with weight decay. The function returns w."""
    u = w.clone()
    sgd(
        [u],
        [g],
        [None],
        foreach=False,
        weight_decay=decay,
        momentum=0.0,
        lr=lr,
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )
    return u - u.clamp(-lr * l1, lr * l1)  # soft thresholding, by what it takes away


# --- 2: dropout, forward and backward -------------------------------------------------------------------------------


def _dropout_inputs():
    """Arguments h, u, p, grad."""
    border = "Where u equals p it goes wrong: such a unit is kept."
    yield Case((_numbers(2), _numbers(0.75), 0.5, _numbers(1)), "one unit, kept")
    yield Case((_numbers(2), _numbers(0.25), 0.5, _numbers(1)), "one unit, dropped")
    yield Case((_numbers(2, 4), _numbers(0.5, 0.25), 0.5, _numbers(1, -1)), "u equal to p", border)
    yield Case((_numbers(2, -4), _numbers(0.0, 0.75), 0.0, _numbers(1, -1)), "p = 0")
    zero = "A unit that is zero by itself and kept goes wrong: its gradient goes through all the same."
    yield Case((_numbers(0, 3), _numbers(0.9, 0.8), 0.25, _numbers(2, 2)), "a unit of zero", zero)
    for seed, shape, p, note in [
        (11, (4,), 0.25, ""),
        (12, (2, 3), 0.5, "a matrix"),
        (13, (3, 4), 0.75, "a matrix"),
        (14, (8,), 0.9, "p near 1"),
        (15, (2, 2, 3), 0.2, "three axes"),
    ]:
        g = generator(seed)
        yield Case(
            (signed_quarters(*shape, g=g), torch.rand(shape, generator=g).double(), p, signed_quarters(*shape, g=g)),
            note,
        )
    g = generator(16)
    h, u, grad = signed_quarters(2, 3, g=g), torch.rand((2, 3), generator=g), signed_quarters(2, 3, g=g)
    yield Case((h.float(), u.float(), 0.25, grad.float()), "float32")


def _more_units():
    def arguments(n, d):
        g = generator(n + d)
        return signed_quarters(n, d, g=g), torch.rand((n, d), generator=g).double(), 0.3, signed_quarters(n, d, g=g)

    return [("examples", arguments(8, 3), arguments(64, 3), 56), ("units", arguments(3, 8), arguments(3, 64), 56)]


def _dropped(h, u, p, grad, keep=None, scale=None, back=None, back_scale=None):
    keep = (u >= p).to(h) if keep is None else keep.to(h)
    scale = 1 / (1 - p) if scale is None else scale
    back, back_scale = keep if back is None else back.to(h), scale if back_scale is None else back_scale
    return h * keep * scale, grad * back * back_scale


@exercise(
    returns=("out", "dh"),
    cases=_dropout_inputs,
    loops=_more_units,
    mistakes=[
        "The scale is missing in both: what is kept is divided by 1 - p.",
        partial(_dropped, scale=1.0),
        "You multiply by 1 - p; divide by it.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 - p),
        "You divide by p; the share that is kept is 1 - p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 / p),
        "The mask is the wrong way round: a unit is dropped where u < p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u < p),
        "The mask is the wrong way round: a unit is dropped where u < p, so with u equal to p it is kept.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u <= p),
        "A unit is kept with probability p instead of 1 - p: compare u with p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u >= 1 - p),
        "Where u equals p the unit is dropped; it is kept.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=u > p),
        "dh goes through dropped units too: multiply the gradient by the mask. (out is right.)",
        lambda h, u, p, grad: _dropped(h, u, p, grad, back=torch.ones_like(h)),
        "dh lacks the scale: the slope of out is mask / (1 - p). (out is right.)",
        partial(_dropped, back_scale=1.0),
        "dh does not use grad: multiply it by what comes from above. (out is right.)",
        lambda h, u, p, grad: _dropped(h, u, p, torch.ones_like(h)),
        "dh has a factor h; the slope of out with respect to h is mask / (1 - p). (out is right.)",
        lambda h, u, p, grad: (_dropped(h, u, p, grad)[0], _dropped(h, u, p, grad)[1] * h),
        "You divide by the share that happened to be kept; divide by 1 - p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, scale=1 / (u >= p).double().mean()),
        "Nothing is dropped: a unit becomes zero where u < p.",
        lambda h, u, p, grad: _dropped(h, u, p, grad, keep=torch.ones_like(h)),
    ],
    follows=[
        "dh fits out, but the factor is wrong in both: it is 0 where u < p, and 1 / (1 - p) elsewhere.",
        lambda got, h, u, p, grad: (got[0], grad * torch.where(h == 0, got[1] / grad, got[0] / h)),
        "Only dh is wrong: it is grad times the factor by which h was multiplied, 0 or 1 / (1 - p).",
        lambda got, *a: (_dropped(*a)[0], got[1]),
        "Only out is wrong: it is 0 where u < p, and h / (1 - p) elsewhere.",
        lambda got, *a: (got[0], _dropped(*a)[1]),
    ],
)
def dropout(h, u, p, grad):
    """Exercise 2: inverted dropout, by torch's automatic gradient. The function returns (out, dh)."""
    leaf = h.clone().requires_grad_()
    out = torch.where(u < p, torch.zeros_like(leaf), leaf / (1 - p))
    (dh,) = torch.autograd.grad((out * grad).sum(), leaf)
    return out.detach(), dh


# --- 3: when to stop ------------------------------------------------------------------------------------------------


def _cost_lists():
    """Arguments costs, patience."""
    tie = "A cost that only equals the best one goes wrong: that is no improvement."
    yield Case(([1.0], 1), "one epoch")
    yield Case(([2.0, 1.0], 1), "it never stops")
    yield Case(([1.0, 2.0, 0.5], 1), "patience 1")
    yield Case(([3.0, 2.0, 2.5, 1.0, 1.5, 1.25, 0.5], 2), "a better epoch after the stop")
    yield Case(([1.0, 2.0, 3.0, 4.0], 2), "the first is the best")
    yield Case(([2.0, 1.0, 1.0, 1.0, 1.0, 0.5], 3), "equal costs", tie)
    yield Case(([1.0, 1.0, 1.0], 2), "equal costs", tie)
    yield Case(([4.0, 3.0, 3.0, 3.5, 2.0], 2), "equal costs", tie)
    yield Case(([5.0, 4.0, 3.0, 2.0, 1.0], 2), "it never stops")
    yield Case(([3.0, 2.0, 4.0, 3.5, 1.0, 2.0, 1.5, 1.25, 0.0], 3), "falling, but not below the best")
    yield Case(([4.0, 5.0, 3.0, 6.0, 2.0, 7.0, 1.0], 2), "one bad epoch at a time")
    yield Case(([2.0, 1.0, 3.0, 4.0], 2), "the stop is in the last epoch")
    yield Case(([2.0, 1.0, 3.0], 5), "the list ends first")
    yield Case(([-1.0, -2.0, -1.5, -3.0], 2), "negative values")
    yield Case(([1e6, 2e6, 5e5, 6e5, 7e5, 8e5], 3), "large costs")
    little = "A small improvement goes wrong: every cost below the best one is one, however little."
    yield Case(([1.0, 0.999, 0.998, 0.997, 0.9969], 2), "small improvements", little)
    yield Case(([3e-6, 2e-6, 1e-6, 9e-7], 1), "small improvements", little)
    values = torch.randint(1, 40, (30,), generator=generator(21)).double() / 4
    yield Case((values.tolist(), 5))
    yield Case((values.flip(0).tolist(), 4))


def _stop(
    costs,
    patience,
    better=lambda value, best: value < best,
    full=lambda waited, patience: waited == patience,
    in_a_row=True,
    against_previous=False,
):
    best, waited = 0, 0
    for epoch, value in enumerate(costs):
        reference = costs[epoch - 1] if against_previous else costs[best]
        if epoch == 0 or better(value, reference):
            best, waited = epoch, 0 if in_a_row else waited
        else:
            waited += 1
        if full(waited, patience):
            break
    return best, epoch


def _previous(costs, patience):
    """Counts rises from one epoch to the next, and keeps the best of all seen."""
    rises = 0
    for epoch in range(len(costs)):
        rises = rises + 1 if epoch and costs[epoch] >= costs[epoch - 1] else 0
        if rises == patience:
            break
    return min(range(epoch + 1), key=lambda k: costs[k]), epoch


@exercise(
    returns=("best", "last"),
    cases=_cost_lists,
    mistakes=[
        "best looks at epochs after the stop, which never run.",
        lambda costs, p: (costs.index(min(costs)), _stop(costs, p)[1]),
        "It never stops: all epochs run.",
        lambda costs, p: (costs.index(min(costs)), len(costs) - 1),
        "It stops one epoch too late: after patience epochs in a row without improvement, not patience + 1.",
        partial(_stop, full=lambda waited, p: waited > p),
        "It stops one epoch too early: patience epochs in a row without improvement have to run.",
        partial(_stop, full=lambda waited, p: waited == p - 1),
        "Epochs without improvement are counted in all; an improvement sets the count back to zero.",
        partial(_stop, in_a_row=False),
        "It compares with the epoch before; compare with the best so far.",
        partial(_stop, against_previous=True),
        "It compares with the epoch before; compare with the best so far.",
        _previous,
        "A cost equal to the best counts as an improvement; only a lower one does.",
        partial(_stop, better=lambda value, best: value <= best),
        "It looks for the highest cost; the lowest is the best.",
        partial(_stop, better=lambda value, best: value > best),
        "best is a cost; return the number of the epoch.",
        lambda costs, p: (costs[_stop(costs, p)[0]], _stop(costs, p)[1]),
        "Both count from 1; epochs count from 0.",
        lambda costs, p: tuple(k + 1 for k in _stop(costs, p)),
        "last is the number of epochs that ran; return the number of the last one, counted from 0. (best is right.)",
        lambda costs, p: (_stop(costs, p)[0], _stop(costs, p)[1] + 1),
        "best is the last epoch; the weights that are kept are those of the lowest cost. (last is right.)",
        lambda costs, p: (_stop(costs, p)[1], _stop(costs, p)[1]),
        "last can lie after the end of the list: fewer than patience epochs may follow the best one. (best is right.)",
        lambda costs, p: (_stop(costs, p)[0], _stop(costs, p)[0] + p),
        "best is the lowest cost of all, also after the stop, where none runs; look for the stop on the way.",
        lambda costs, p: (costs.index(min(costs)), min(costs.index(min(costs)) + p, len(costs) - 1)),
        "It stops at the first epoch that is not better, whatever the patience is.",
        lambda costs, p: _stop(costs, 1),
        "The best cost so far starts at 0; start from the first cost, or from infinity.",
        lambda costs, p: (lambda found: (max(found[0] - 1, 0), max(found[1] - 1, 0)))(_stop([0.0, *costs], p)),
    ],
    follows=[
        "Only last is wrong: it is where patience epochs in a row have brought no improvement, or the list ends.",
        lambda got, *a: (_stop(*a)[0], got[1]),
        "Only best is wrong: it is the epoch with the lowest cost of those that ran, the first if several are equal.",
        lambda got, *a: (got[0], _stop(*a)[1]),
    ],
)
def early_stop(costs, patience):
    """Exercise 3: early stopping with patience. The function returns (best, last)."""
    # best_so_far[k]: where the lowest of the first k + 1 costs stands (the first of equal ones).
    best_so_far = [int(np.argmin(costs[: k + 1])) for k in range(len(costs))]
    ends = [k for k, best in enumerate(best_so_far) if k - best >= patience]
    last = ends[0] if ends else len(costs) - 1
    return best_so_far[last], last


# --- 4: shifted images ----------------------------------------------------------------------------------------------


def _image_inputs():
    """Arguments images, down, right."""
    out = "Shifts as large as the image go wrong: nothing of it is left, all is zero."
    negative = "Negative shifts go wrong: they move up and left."
    one = _numbers(1, 2, 3, 4).reshape(1, 2, 2)
    wide = _numbers(*range(1, 7)).reshape(1, 2, 3)
    yield Case((one, 0, 0), "no shift")
    yield Case((one, 1, 0), "down")
    yield Case((one, 0, 1), "right")
    yield Case((wide, 1, 2), "not square")
    yield Case((wide, 1, 1), "not square")
    yield Case((one, -1, 0), "up", negative)
    yield Case((wide, 0, -2), "left", negative)
    yield Case((wide, -1, -1), "up and left", negative)
    yield Case((one, 2, 0), "out of the picture", out)
    yield Case((wide, 1, -4), "out of the picture", out)
    for seed, shape, down, right, note in [
        (31, (3, 4, 5), 2, 1, "several images"),
        (32, (2, 5, 4), -2, 1, "up and right"),
        (33, (2, 4, 4), 1, -3, "down and left"),
        (34, (2, 3, 3), 1, 1, "several images"),
        (36, (3, 3, 2), 1, 0, "several images"),
        (37, (2, 2, 3), 0, 1, "several images"),
    ]:
        yield Case(
            (signed_quarters(*shape, g=generator(seed)), down, right), note, negative if min(down, right) < 0 else ""
        )
    yield Case((signed_quarters(2, 3, 3, g=generator(35)).float(), 1, -1), "float32", negative)


def _more_images():
    def arguments(n, h):
        return signed_quarters(n, h, h, g=generator(n + h)), 1, 2

    return [("images", arguments(8, 4), arguments(64, 4), 56), ("rows", arguments(2, 8), arguments(2, 64), 56)]


def _shifted(images, down, right):
    H, W = images.shape[1:]
    canvas = torch.nn.functional.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    return canvas[:, max(-down, 0) : max(-down, 0) + H, max(-right, 0) : max(-right, 0) + W]


def _rolled_and_erased(images, down, right):
    """Rolls, and erases the first rows and columns whatever the direction."""
    images = torch.roll(images, (down, right), (1, 2))
    images[:, : abs(down)] = 0
    images[:, :, : abs(right)] = 0
    return images


@exercise(
    returns=("moved",),
    cases=_image_inputs,
    loops=_more_images,
    mistakes=[
        "What leaves on one side comes in on the other; zeros come in.",
        lambda images, down, right: torch.roll(images, (down, right), (1, 2)),
        "The axis of the images is moved: rows are axis 1 and columns axis 2.",
        lambda images, down, right: torch.roll(images, (down, right), (0, 1)),
        "It moves the other way: down and right are positive.",
        lambda images, down, right: _shifted(images, -down, -right),
        "down and right are exchanged: down moves along axis 1, right along axis 2.",
        lambda images, down, right: _shifted(images, right, down),
        "down and right are exchanged, and it moves the other way: down is axis 1, and positive.",
        lambda images, down, right: _shifted(images, -right, -down),
        "Negative shifts do nothing: they move up and left.",
        lambda images, down, right: _shifted(images, max(down, 0), max(right, 0)),
        "Negative shifts move as positive ones do: they go up and left.",
        lambda images, down, right: _shifted(images, abs(down), abs(right)),
        "The wrong rows or columns are set to zero for negative shifts: there zeros come in from below and the right.",
        _rolled_and_erased,
    ],
    follows=[
        "Only negative shifts are wrong: they move up and left, and zeros come in from below and from the right.",
        lambda got, images, down, right: got if min(down, right) < 0 else _shifted(images, down, right),
        "The first image is right, but not the others: all move alike.",
        lambda got, images, down, right: torch.cat([_shifted(images[:1], down, right), got[1:]]),
        "Pixels land where they should, but other places are not zero: nothing comes in there.",
        lambda got, images, down, right: got.where(
            _shifted(torch.ones_like(images), down, right) == 0, _shifted(images, down, right)
        ),
        "Moved down or up alone, images are right; moved to the right or left they are not.",
        lambda got, images, down, right: got if right else _shifted(images, down, right),
        "Moved to the right or left alone, images are right; moved down or up they are not.",
        lambda got, images, down, right: got if down else _shifted(images, down, right),
    ],
)
def shift(images, down, right):
    """Exercise 4: images moved by whole pixels. The function returns images of the same shape."""
    N, H, W = images.shape
    rows, columns = np.arange(H) - down, np.arange(W) - right  # where each pixel comes from
    inside = ((rows >= 0) & (rows < H))[:, None] & ((columns >= 0) & (columns < W))
    picked = images.numpy()[:, rows.clip(0, H - 1)][:, :, columns.clip(0, W - 1)]
    return torch.from_numpy(np.where(inside, picked, 0.0))


# --- 5: the out-of-bag error ----------------------------------------------------------------------------------------


def _bag_inputs():
    """Arguments y, out_of_bag, t."""
    seen = "An example that every member has seen goes wrong: its row is zero, and it does not count."

    def case(M, N, K, seed, note="", hint="", covered=None, dtype=torch.float64):
        g = generator(seed)
        y = torch.randint(1, 9, (M, N, K), generator=g).double()
        y = y / y.sum(dim=-1, keepdim=True)
        mask = torch.rand((M, N), generator=g) < 0.4
        mask[0] |= ~mask.any(dim=0)
        if covered is not None:
            mask[:, covered:] = False
        return Case((y.to(dtype), mask, torch.randint(K, (N,), generator=g)), note, hint)

    first = torch.tensor([[[0.75, 0.25]], [[0.125, 0.875]]]).double()
    yield Case((first, torch.tensor([[True], [False]]), torch.tensor([1])), "one example, two members")
    yield Case((first, torch.tensor([[True], [True]]), torch.tensor([0])), "no member has seen it")
    yield case(1, 3, 2, 41, "one member", covered=None)
    yield case(3, 4, 2, 42)
    yield case(4, 5, 3, 43, "three classes")
    yield case(3, 4, 2, 44, "seen by all", seen, covered=3)
    yield case(4, 6, 3, 45, "seen by all", seen, covered=2)
    yield case(10, 12, 4, 46)
    yield case(5, 40, 3, 47, "forty examples")
    yield case(8, 30, 5, 48, "thirty examples")
    yield case(4, 5, 3, 49, "float32", dtype=torch.float32)


def _more_examples():
    def arguments(N):
        g = generator(N)
        y = torch.rand((4, N, 3), generator=g).double()
        return y, torch.rand((4, N), generator=g) < 0.7, torch.randint(3, (N,), generator=g)

    return [("examples", arguments(8), arguments(64), 56)]


def _bagged(y, out_of_bag, t, chosen=None, count=None, among=None, wrong=lambda a, b: a != b):
    chosen = out_of_bag if chosen is None else chosen
    total = (y * chosen[..., None]).sum(dim=0)
    count = chosen.sum(dim=0).clamp(min=1)[:, None] if count is None else count
    average = total / count
    covered = chosen.any(dim=0) if among is None else among
    return average, wrong(average.argmax(dim=-1), t)[covered].double().mean()


def _votes(y, out_of_bag, t):
    votes = torch.nn.functional.one_hot(y.argmax(dim=-1), y.shape[-1]).double()
    return _bagged(votes, out_of_bag, t)


@exercise(
    returns=("average", "error"),
    cases=_bag_inputs,
    loops=_more_examples,
    mistakes=[
        "All members are averaged; only those that have not seen the example may vote on it.",
        lambda y, out, t: _bagged(y, out, t, chosen=torch.ones_like(out)),
        "The mask is the wrong way round: True marks a member that has not seen the example.",
        lambda y, out, t: _bagged(y, out, t, chosen=~out),
        "You divide by the number M of members; divide by how many have not seen the example.",
        lambda y, out, t: _bagged(y, out, t, count=len(y)),
        "average is a sum: divide it by how many members have not seen the example.",
        partial(_bagged, count=1),
        "These are votes for one class each; average the probabilities.",
        _votes,
        "error counts all examples; those that every member has seen do not count. (average is right.)",
        lambda y, out, t: _bagged(y, out, t, among=torch.ones_like(t, dtype=torch.bool)),
        "error divides by all N examples; divide by those that some member has not seen. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], _bagged(y, out, t)[1] * out.any(dim=0).double().mean()),
        "error is the share of right answers; return that of wrong ones. (average is right.)",
        partial(_bagged, wrong=lambda a, b: a == b),
        "error is a number of examples; divide it by how many count. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], _bagged(y, out, t)[1] * out.any(dim=0).sum()),
        "error is 1 minus the probability of the class t; count how often another class is the most probable.",
        lambda y, out, t: (
            _bagged(y, out, t)[0],
            (1 - _bagged(y, out, t)[0].gather(1, t[:, None])[out.any(dim=0)]).mean(),
        ),
        "The row of an example that every member has seen is 0 / 0; it should be zero. (error is right.)",
        lambda y, out, t: (_bagged(y, out, t, count=out.sum(dim=0)[:, None])[0], _bagged(y, out, t)[1]),
        "The row of an example that every member has seen is 0 / 0, which is a class too when argmax is taken.",
        lambda y, out, t: (lambda average: (average, (average.argmax(dim=-1) != t).double().mean()))(
            _bagged(y, out, t, count=out.sum(dim=0)[:, None])[0]
        ),
        "error averages the errors of single members; take the class of the average first. (average is right.)",
        lambda y, out, t: (_bagged(y, out, t)[0], (y.argmax(dim=-1) != t)[out].double().mean()),
        "average is a geometric mean; average the probabilities themselves.",
        lambda y, out, t: (lambda found: (found[0].exp() * out.any(dim=0)[:, None], found[1]))(
            _bagged(y.log(), out, t)
        ),
        "You divide by all entries of the mask that are True; count them for each example, along the members.",
        lambda y, out, t: _bagged(y, out, t, count=out.sum()),
    ],
    follows=[
        "average is wrong, and error follows from it: for each example, average the members that have not seen it.",
        lambda got, y, out, t: (got[0], (got[0].argmax(dim=1) != t)[out.any(dim=0)].double().mean()),
        "Only error is wrong: of the examples some member has not seen, it is the share whose top class is not t.",
        lambda got, *a: (_bagged(*a)[0], got[1]),
        "Only average is wrong: it is the mean over the members that have not seen the example, and zeros if all have.",
        lambda got, *a: (got[0], _bagged(*a)[1]),
    ],
)
def out_of_bag_error(y, out_of_bag, t):
    """Exercise 5: averages over the members that have not seen an example. The function returns (average, error)."""
    members, N, K = y.shape
    average, wrong = np.zeros((N, K)), []
    for n in range(N):
        votes = [y[m, n].numpy() for m in range(members) if out_of_bag[m, n]]
        if votes:
            average[n] = np.mean(votes, axis=0)
            wrong.append(float(np.argmax(average[n]) != int(t[n])))
    return torch.from_numpy(average), torch.tensor(np.mean(wrong)).double()
