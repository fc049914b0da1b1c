"""Losses on logits, the softmax that goes with them, and the accuracy.

Names, arguments, shapes and values are those of ``torch.nn.functional``, derived in chapter 03, "Classification". A
loss takes the scores as its model makes them, the logits, since only then can it be exact for large ones: logits of 1e4
give finite values and gradients. Shapes: ``input`` is (N, K), one row of K logits an example, or any shape where a
function works entry by entry. Other than in torch, nothing broadcasts, and what would give a NaN is an error. What
torch has between target and reduction (weights of classes and the like) is left out, so reduction is given by its name.
"""

import math

import torch
from torch import Tensor

from nndl_lib._arguments import check_dim, check_finite, check_tensors, known, raise_at
from nndl_lib._declared import check_shapes, checked, number, one_of
from nndl_lib.functional._pointwise import relu
from nndl_lib.functional._precision import wide

_REDUCTION = one_of("mean", "sum", "none")

# --- softmax ---


@checked(input="*S")
def softmax(input: Tensor, dim: int) -> Tensor:
    """Probabilities ``exp(z_k) / sum_j exp(z_j)`` along a dimension, in the shape of input.

    A logit of -inf gives probability 0, as long as not all along the dimension are.

    Raises:
        ValueError: input is not floating-point, has no such dimension or no entry along it, or holds a NaN or +inf.
    """
    e = _checked_less_the_largest(input, dim, "softmax").exp()
    return (e / e.sum(dim, keepdim=True)).to(input.dtype)


@checked(input="*S")
def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Logarithms of ``softmax``, exact where that is too small for a float: ``z_k - log(sum_j exp(z_j))``.

    Raises:
        ValueError: as ``softmax``.
    """
    shifted = _checked_less_the_largest(input, dim, "log_softmax")
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()).to(input.dtype)


# --- losses ---


@checked(input="*S", target="*S", reduction=_REDUCTION)
def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error ``(y - t)**2``, averaged over all entries; input and target have the same shape.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, or one is NaN or infinite.
    """
    cost = _reduce((wide(input) - wide(target)).square(), reduction)
    return check_finite(cost, "mse_loss", input=input, target=target).to(input.dtype)


@checked(input="*S", target="*S", reduction=_REDUCTION)
def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Cross-entropy ``-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z))`` of logits and probabilities of one shape.

    Computed as ``z (a - t) - log(sigmoid(|z|))``, where a is 1 for z > 0, else 0: for a right and confident answer the
    first is exactly 0, and the last keeps all its digits. The gradient by z is ``sigmoid(z) - t``.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, a target is outside 0 to 1, or a logit is NaN
            or infinite.
    """
    caller = "binary_cross_entropy_with_logits"
    if known(target):
        low, high = (bound.item() for bound in target.detach().aminmax())
        if not 0 <= low <= high <= 1:
            raise_at(~((target >= 0) & (target <= 1)), target, "target", caller, "probabilities from 0 to 1")
    z, t = wide(input), wide(target)
    answer = (z > 0).to(z.dtype)
    magnitude = z * (2 * answer - 1)  # not z.abs(), whose gradient at 0 is 0
    cost = _reduce(z * (answer - t) - torch.nn.functional.logsigmoid(magnitude), reduction)
    return check_finite(cost, caller, input=input).to(input.dtype)


@checked(input="finite N K", reduction=_REDUCTION)
def cross_entropy(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Softmax cross-entropy: ``-log(softmax(z)_t)`` for class numbers, ``-sum_k t_k log(softmax(z)_k)`` else.

    Args:
        input: (N, K) logits.
        target: (N,) of int64, the class 0 to K - 1 of each example; or (N, K), probabilities that sum to 1 along
            each row, of input's dtype.
        reduction: "mean" or "sum" over the N examples, a 0-d tensor; or "none", (N,).

    Raises:
        ValueError: shapes, dtypes or devices do not fit together, N or K is 0, a class is outside 0 to K - 1, a row of
            probabilities does not sum to 1, or a logit is NaN or infinite.
    """
    of_classes = _check_target(input, target, "cross_entropy")
    if (
        of_classes and input.is_cuda
    ):  # where each operation has to be started: a small network's step takes 3/4 the time
        return torch.nn.functional.cross_entropy(input, target, reduction=reduction)
    z = _less_the_largest(input, dim=1)
    total = z.exp().sum(dim=1, keepdim=True).log()
    losses = (total - z.gather(1, target.unsqueeze(1))) if of_classes else wide(target) * (total - z)
    return _reduce(losses.sum(dim=1), reduction).to(input.dtype)


@checked(input="finite N K", margin=number(), reduction=_REDUCTION)
def multiclass_hinge_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """One-against-all hinge loss: the sum over the wrong classes k of ``max(0, margin - (z_t - z_k))``.

    K times torch's ``multi_margin_loss``, which divides by the number of classes.

    Args:
        input: (N, K) scores.
        target: (N,) of int64, the class 0 to K - 1 of each example.
        margin: by how much the right score should exceed every other, at least 0.
        reduction: "mean" or "sum" over the N examples, a 0-d tensor; or "none", (N,).

    Raises:
        ValueError: as ``cross_entropy`` with class numbers, or margin is negative or not finite.
    """
    _check_classes(input, target, "multiclass_hinge_loss")
    z, right = wide(input), target.unsqueeze(1)
    violations = relu(margin + z - z.gather(1, right)).scatter(1, right, 0)
    return _reduce(violations.sum(dim=1), reduction).to(input.dtype)


def accuracy(input: Tensor, target: Tensor) -> float:
    """The share of right answers, from 0 to 1: a Python float.

    With input (N, K) and target (N,) of int64, an answer is the class of the largest logit, the first of equal ones.
    With input and target both (N,) or both (N, 1), it is class 1 where the logit is at least 0, and targets are 0 or
    1 of any dtype.

    Raises:
        ValueError: the shapes do not fit together, N is 0, a target is no class, or a logit is NaN or infinite.
    """
    check_tensors("accuracy", input=input, target=target)
    if input.shape == target.shape and (input.ndim == 1 or input.shape[1:] == (1,)):
        check_shapes("accuracy", input=("finite *S", input), target=("any *S", target))
        raise_at((target != 0) & (target != 1), target, "target", "accuracy", "0 or 1")
        answers = input >= 0
    else:
        check_shapes("accuracy", input=("finite N K", input))
        _check_classes(input, target, "accuracy")
        answers = input.argmax(dim=1)
    return (answers == target).sum().item() / len(target)


# --- helpers ---


def _less_the_largest(input: Tensor, dim: int) -> Tensor:
    input = wide(input)
    return input - input.detach().amax(dim=dim, keepdim=True)  # what is subtracted from a row cancels


def _checked_less_the_largest(input: Tensor, dim: int, caller: str) -> Tensor:
    shifted = _less_the_largest(input, check_dim(dim, input, caller))
    # A NaN or +inf, or a row of -inf alone, has made a NaN; -inf beside a number is still -inf.
    if known(shifted) and shifted.detach().amax().isnan().item():
        raise_at(input.isnan() | (input == math.inf), input, "input", caller, "finite numbers or -inf")
        raise ValueError(f"{caller}: input is -inf all along dim {dim}; expected a finite number there")
    return shifted


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


def _check_target(input: Tensor, target: Tensor, caller: str) -> bool:
    """Whether target holds class numbers. Raises: ValueError where it holds neither these nor probabilities."""
    check_tensors(caller, target=target)
    if not target.is_floating_point() or target.ndim != 2:
        _check_classes(input, target, caller)
        return True
    check_shapes(caller, input=("N K", input), target=("N K", target))
    if not known(target):
        return False
    # A sum may be off by 100 units in the last place, times the square root of K.
    target = target.detach()
    sums = target.sum(dim=1)
    tolerance = 100 * torch.finfo(target.dtype).eps * target.shape[1] ** 0.5
    negative, off = ~(target >= 0), ~((sums - 1).abs() <= tolerance)
    if (negative.any() | off.any()).item():
        raise_at(negative, target, "target", caller, "probabilities")
        raise_at(off, sums, "the sum of target", caller, "1, as of probabilities")
    return False


def _check_classes(input: Tensor, target: Tensor, caller: str) -> None:
    """Raises: ValueError where target is not (N,) of int64 from 0 to K - 1, for input (N, K)."""
    check_tensors(caller, target=target)
    (N, K), dtype = input.shape, str(target.dtype).removeprefix("torch.")
    if target.shape == input.shape and not target.is_floating_point():
        raise ValueError(
            f"{caller}: target has shape ({N}, {K}) and dtype {dtype}: it looks like one-hot; "
            f"pass class numbers ({N},), e.g. target.argmax(dim=1)"
        )
    if target.shape != (N,) or target.dtype != torch.int64:
        raise ValueError(
            f"{caller}: input has shape ({N}, {K}) and target {tuple(target.shape)} with dtype {dtype}; "
            f"expected class numbers ({N},) of int64"
        )
    check_shapes(caller, input=("N K", input), target=("int64 N", target))  # and their devices
    if known(target):
        low, high = (bound.item() for bound in target.aminmax())
        if low < 0 or high >= K:
            raise_at((target < 0) | (target >= K), target, "target", caller, f"classes 0 to {K - 1}")
