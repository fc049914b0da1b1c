"""Losses on logits, the softmax that goes with them, and the accuracy.

Names, arguments, shapes and values are those of ``torch.nn.functional``, derived in chapter 03, "Classification". A
loss takes the scores as its model makes them, the logits, since only then can it be exact for large ones: logits of 1e4
give finite values and gradients. Shapes: ``input`` is (N, K), one row of K logits an example, or any shape where a
function works entry by entry. Other than in torch, nothing broadcasts, and what would give a NaN is an error. What torch
has between target and reduction (weights of classes and the like) is left out, so reduction is given by its name.
"""

import math

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.functional._pointwise import relu, sigmoid
from nndl_lib.functional._precision import wide
from nndl_lib.functional._transforms import transformed

# --- softmax ---


def softmax(input: Tensor, dim: int) -> Tensor:
    """Probabilities ``exp(z_k) / sum_j exp(z_j)`` along a dimension, in the shape of input.

    A logit of -inf gives probability 0, as long as not all along the dimension are.

    Raises:
        ValueError: input is not floating-point, has no such dimension or no entry along it, or holds a NaN or +inf.
    """
    e = _checked_less_the_largest(input, dim, "softmax").exp()
    return (e / e.sum(dim, keepdim=True)).to(input.dtype)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Logarithms of ``softmax``, exact where that is too small for a float: ``z_k - log(sum_j exp(z_j))``.

    Raises:
        ValueError: as ``softmax``.
    """
    shifted = _checked_less_the_largest(input, dim, "log_softmax")
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()).to(input.dtype)


# --- losses ---


def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error ``(y - t)**2``, averaged over all entries; input and target have the same shape.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, or one is NaN or infinite.
    """
    arguments.check_same(input, target, "mse_loss")
    cost = _reduce((wide(input) - wide(target)).square(), reduction, "mse_loss")
    return arguments.check_finite(cost, "mse_loss", input=input, target=target).to(input.dtype)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Cross-entropy ``-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z))`` of logits and probabilities of one shape.

    Computed as ``max(z, 0) - z t + log(1 + exp(-|z|))``. The gradient by z is ``sigmoid(z) - t``.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, a target is outside 0 to 1, or a logit is NaN
            or infinite.
    """
    caller = "binary_cross_entropy_with_logits"
    arguments.check_same(input, target, caller)
    if arguments.known(target):
        low, high = (bound.item() for bound in target.detach().aminmax())
        if not 0 <= low <= high <= 1:
            arguments.raise_at(~((target >= 0) & (target <= 1)), target, "target", caller, "probabilities from 0 to 1")
    cost = (_plain_binary if transformed() else _BinaryCrossEntropy.apply)(wide(input), wide(target), reduction)
    return arguments.check_finite(cost, caller, input=input).to(input.dtype)


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
    arguments.check_logits(input, "cross_entropy")
    arguments.check_finite(input, "cross_entropy", input=input)
    arguments.check_tensors("cross_entropy", target=target)
    if target.is_floating_point():
        arguments.check_same(input, target, "cross_entropy")
        arguments.check_probabilities(target, "cross_entropy")
        shifted = _less_the_largest(input, dim=1)
        losses = (wide(target) * (shifted.exp().sum(dim=1, keepdim=True).log() - shifted)).sum(dim=1)
        return _reduce(losses, reduction, "cross_entropy").to(input.dtype)
    arguments.check_classes(input, target, "cross_entropy")
    if input.is_cuda and reduction in ("mean", "sum", "none"):
        # On a GPU each operation has to be started, and torch needs few: a small network's step takes a quarter less time.
        return torch.nn.functional.cross_entropy(input, target, reduction=reduction)
    function = _plain_cross_entropy if transformed() else _CrossEntropy.apply
    return function(_less_the_largest(input, dim=1), target, reduction).to(input.dtype)


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
    caller = "multiclass_hinge_loss"
    arguments.check_logits(input, caller)
    arguments.check_classes(input, target, caller)
    arguments.check_number(margin, "margin", caller)
    arguments.check_finite(input, caller, input=input)
    z, right = wide(input), target.unsqueeze(1)
    violations = relu(margin + z - z.gather(1, right)).scatter(1, right, 0)
    return _reduce(violations.sum(dim=1), reduction, caller).to(input.dtype)


def accuracy(input: Tensor, target: Tensor) -> float:
    """The share of right answers, from 0 to 1: a Python float.

    With input (N, K) and target (N,) of int64, an answer is the class of the largest logit, the first of equal ones.
    With input and target both (N,) or both (N, 1), it is class 1 where the logit is at least 0, and targets are 0 or
    1 of any dtype.

    Raises:
        ValueError: the shapes do not fit together, N is 0, a target is no class, or a logit is NaN or infinite.
    """
    arguments.check_tensors("accuracy", input=input, target=target)
    if input.shape == target.shape and (input.ndim == 1 or input.shape[1:] == (1,)):
        arguments.check_size(input, "accuracy")
        wrong_targets = (target != 0) & (target != 1)
        if wrong_targets.any():
            arguments.raise_at(wrong_targets, target, "target", "accuracy", "0 or 1")
        answers = input >= 0
    else:
        arguments.check_logits(input, "accuracy")
        arguments.check_classes(input, target, "accuracy")
        answers = input.argmax(dim=1)
    arguments.check_finite(input, "accuracy", input=input)
    return (answers == target).sum().item() / len(target)


# --- gradients by hand: fewer passes over the numbers than autograd would make, and no overflow on the way ---


class _BinaryCrossEntropy(torch.autograd.Function):
    """``max(z, 0) - z t + log(1 + exp(-|z|))`` entry by entry; by z its gradient is ``y - t`` with ``y = sigmoid(z)``."""

    @staticmethod
    def forward(ctx, input: Tensor, target: Tensor, reduction: str) -> Tensor:
        ctx.save_for_backward(input, target)
        ctx.reduction = reduction
        # In this order: for a confident and right answer the first two cancel, and the last keeps all its digits.
        losses = input.clamp(min=0).addcmul_(input, target, value=-1).add_(input.abs().neg_().exp_().log1p_())
        return _reduce(losses, reduction, "binary_cross_entropy_with_logits")

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        input, target = ctx.saved_tensors
        grad = grad / input.numel() if ctx.reduction == "mean" else grad
        by_target = -grad * input if ctx.needs_input_grad[1] else None
        y = sigmoid(input)
        if torch.is_grad_enabled():  # a second derivative is asked for: nothing may be overwritten
            return (y - target) * grad, by_target, None
        return y.sub_(target).mul_(grad), by_target, None


class _CrossEntropy(torch.autograd.Function):
    """``log(sum_k exp(z_k)) - z_t`` for each row; by z its gradient is ``y - t`` with ``y = softmax(z)`` and t one-hot.

    What it is given and keeps, logits less the largest of a row, nobody else has, so that nobody can change it.
    """

    @staticmethod
    def forward(ctx, input: Tensor, target: Tensor, reduction: str) -> Tensor:  # (N, K) and (N,)
        e, target = input.exp(), target.unsqueeze(1)
        total = e.sum(dim=1, keepdim=True)
        ctx.save_for_backward(input, target, e, total)
        ctx.reduction = reduction
        losses = total.squeeze(1).log().sub_(input.gather(1, target).squeeze(1))
        return _reduce(losses, reduction, "cross_entropy")

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        input, target, e, total = ctx.saved_tensors
        grad = grad.unsqueeze(-1) if grad.ndim else grad  # (N, 1), or one number for all
        grad = grad / len(input) if ctx.reduction == "mean" else grad
        # Where a second derivative is asked for, y has to be made from input once more, in sight of autograd.
        scaled = grad * softmax(input, dim=1) if torch.is_grad_enabled() else e * (grad / total)
        return scaled.scatter_add_(1, target, (-grad).expand_as(target)), None, None


# --- the same with gradients by autograd, for torch.func ---


def _plain_binary(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    losses = input.clamp(min=0) - input * target + torch.where(input >= 0, -input, input).exp().log1p()
    return _reduce(losses, reduction, "binary_cross_entropy_with_logits")


def _plain_cross_entropy(input: Tensor, target: Tensor, reduction: str) -> Tensor:
    losses = input.exp().sum(dim=1).log() - input.gather(1, target.unsqueeze(1)).squeeze(1)
    return _reduce(losses, reduction, "cross_entropy")


# --- helpers ---


def _less_the_largest(input: Tensor, dim: int) -> Tensor:
    input = wide(input)
    return input - input.detach().amax(dim=dim, keepdim=True)  # what is subtracted from a row cancels


def _checked_less_the_largest(input: Tensor, dim: int, caller: str) -> Tensor:
    arguments.check_size(input, caller)
    shifted = _less_the_largest(input, arguments.check_dim(dim, input, caller))
    # A NaN or +inf, or a row of -inf alone, has made a NaN; -inf beside a number is still -inf.
    if arguments.known(shifted) and shifted.detach().amax().isnan().item():
        arguments.raise_at(input.isnan() | (input == math.inf), input, "input", caller, "finite numbers or -inf")
        raise ValueError(f"{caller}: input is -inf all along dim {dim}; expected a finite number there")
    return shifted


def _reduce(losses: Tensor, reduction: str, caller: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"{caller}: reduction is {reduction!r}; expected 'mean', 'sum' or 'none'")
