"""Losses on logits, and activation functions with their derivatives.

Names, arguments, shapes and values are those of ``torch.nn.functional``, written from basic tensor operations. The
losses are derived in chapter 03, "Classification", the activations in chapter 04. A loss takes the scores as its
model makes them, the logits, since only then can it be exact for large ones: logits of 1e4 give finite values and
gradients. Shapes: ``input`` is (N, K), one row of K logits an example, or any shape where a function works entry by
entry. Other than in torch, nothing broadcasts, and what would give a NaN is an error.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import arguments

__all__ = [
    "Activation",
    "accuracy",
    "activations",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "elu",
    "identity",
    "leaky_relu",
    "log_softmax",
    "mse_loss",
    "multiclass_hinge_loss",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "step",
    "tanh",
]


class Activation(NamedTuple):
    """An activation function, its derivative as a function of the pre-activation, and whether it saturates."""

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor]
    saturates: bool  # the derivative goes to 0 on both sides, as the pre-activation goes to -inf and to +inf


# --- activations: entry by entry, of any shape and any floating-point dtype; a NaN stays a NaN ---


def identity(input: Tensor) -> Tensor:
    """``z`` itself, the activation of a linear unit. Raises ValueError where input is not floating-point."""
    return arguments.check_floating(input, "identity")


def step(input: Tensor) -> Tensor:
    """The hard threshold: 1 where ``z >= 0``, else 0. Its gradient is 0 everywhere, also at the jump.

    Raises ValueError where input is not floating-point.
    """
    sign = arguments.check_floating(input, "step").sign()  # has a gradient, which is 0; a comparison has none
    return torch.where(input.isnan(), input, (sign + 1).clamp(max=1))


def sigmoid(input: Tensor) -> Tensor:
    """The logistic function ``1 / (1 + exp(-z))``. Raises ValueError where input is not floating-point."""
    return _Sigmoid.apply(arguments.check_floating(input, "sigmoid"))


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, ``2 sigmoid(2 z) - 1``. Raises ValueError where input is not floating-point."""
    return torch.tanh(arguments.check_floating(input, "tanh"))


def relu(input: Tensor) -> Tensor:
    """``max(0, z)``, the rectified linear unit; the gradient at 0 is 0. Raises ValueError for other than floats."""
    # threshold keeps z where z > 0. clamp(min=0) has the same values, but its gradient at 0 is 1.
    return torch.threshold(arguments.check_floating(input, "relu"), 0, 0)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``z`` where ``z > 0``, else ``negative_slope * z``. Raises ValueError where input is not floating-point."""
    return torch.where(arguments.check_floating(input, "leaky_relu") > 0, input, negative_slope * input)


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``z`` where ``z > 0``, else ``alpha * (exp(z) - 1)``. Raises ValueError where input is not floating-point.

    Source: Clevert, Unterthiner & Hochreiter (2016), https://arxiv.org/abs/1511.07289.
    """
    # exp of a large z would overflow to inf, and the gradient of the part not taken to 0 * inf: hence the clamp.
    return torch.where(arguments.check_floating(input, "elu") > 0, input, alpha * input.clamp(max=0).expm1())


def softplus(input: Tensor) -> Tensor:
    """``log(1 + exp(z))``, a smooth ``max(0, z)``. Raises ValueError where input is not floating-point.

    Exact for every z, where torch's gives z itself above its threshold of 20, 2e-9 too little there.
    """
    positive = arguments.check_floating(input, "softplus") >= 0
    # max(z, 0) + log(1 + exp(-|z|)), but not with z.abs(): the gradient of that at 0 is 0, that of softplus is 1/2.
    return input.clamp(min=0) + torch.where(positive, -input, input).exp().log1p()


def activations() -> dict[str, Activation]:
    """Every activation by its name, with its derivative, for leaky_relu and elu with their default parameters.

    A derivative takes pre-activations of any shape and returns slopes of that shape. At a kink, ``z = 0``, it is what
    PyTorch's autograd gives: 0 for step and relu, ``negative_slope`` for leaky_relu, 1 for elu.
    """
    return {
        "identity": Activation(identity, torch.ones_like, False),
        "step": Activation(step, torch.zeros_like, True),
        "sigmoid": Activation(sigmoid, lambda z: sigmoid(z) * sigmoid(-z), True),
        "tanh": Activation(tanh, lambda z: 1 - tanh(z) ** 2, True),
        "relu": Activation(relu, lambda z: (z > 0).to(z.dtype), False),
        "leaky_relu": Activation(leaky_relu, lambda z: torch.where(z > 0, torch.ones_like(z), 0.01), False),
        "elu": Activation(elu, lambda z: z.clamp(max=0).exp(), False),
        "softplus": Activation(softplus, sigmoid, False),
    }


# --- softmax ---


def softmax(input: Tensor, dim: int) -> Tensor:
    """Probabilities ``exp(z_k) / sum_j exp(z_j)`` along a dimension, in the shape of input.

    A logit of -inf gives probability 0, as long as not all along the dimension are.

    Raises:
        ValueError: input is not floating-point, has no such dimension or no entry along it, or holds a NaN or +inf.
    """
    e = _checked_less_the_largest(input, dim, "softmax").exp()
    return e / e.sum(dim, keepdim=True)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Logarithms of ``softmax``, exact where that is too small for a float: ``z_k - log(sum_j exp(z_j))``.

    Raises:
        ValueError: as ``softmax``.
    """
    shifted = _checked_less_the_largest(input, dim, "log_softmax")
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


# --- losses ---


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Squared error ``(y - t)**2``, averaged over all entries; input and target have the same shape.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, or one is NaN or infinite.
    """
    arguments.check_same(input, target, "mse_loss")
    cost = _reduce((input - target).square(), reduction, "mse_loss")
    return arguments.check_finite(cost, "mse_loss", input=input, target=target)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy ``-t log(sigmoid(z)) - (1 - t) log(1 - sigmoid(z))`` of logits and probabilities of one shape.

    Computed as ``max(z, 0) - z t + log(1 + exp(-|z|))``. The gradient by z is ``sigmoid(z) - t``.

    Raises:
        ValueError: shapes, dtypes or devices differ, there is no entry, a target is outside 0 to 1, or a logit is NaN
            or infinite.
    """
    caller = "binary_cross_entropy_with_logits"
    arguments.check_same(input, target, caller)
    low, high = (bound.item() for bound in target.detach().aminmax())
    if not 0 <= low <= high <= 1:
        arguments.raise_at(~((target >= 0) & (target <= 1)), target, "target", caller, "probabilities from 0 to 1")
    return arguments.check_finite(_BinaryCrossEntropy.apply(input, target, reduction), caller, input=input)


def cross_entropy(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
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
    if target.is_floating_point():
        arguments.check_same(input, target, "cross_entropy")
        arguments.check_probabilities(target, "cross_entropy")
        shifted = _less_the_largest(input, dim=1)
        losses = (target * (shifted.exp().sum(dim=1, keepdim=True).log() - shifted)).sum(dim=1)
        return _reduce(losses, reduction, "cross_entropy")
    arguments.check_classes(input, target, "cross_entropy")
    return _CrossEntropy.apply(input, target, reduction)


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
    if not 0 <= margin < math.inf:
        raise ValueError(f"{caller}: margin is {margin}; expected a finite number of at least 0")
    arguments.check_finite(input, caller, input=input)
    right = target.unsqueeze(1)
    violations = relu(margin + input - input.gather(1, right)).scatter(1, right, 0)
    return _reduce(violations.sum(dim=1), reduction, caller)


def accuracy(input: Tensor, target: Tensor) -> float:
    """The share of right answers, from 0 to 1: a Python float.

    With input (N, K) and target (N,) of int64, an answer is the class of the largest logit, the first of equal ones.
    With input and target both (N,) or both (N, 1), it is class 1 where the logit is at least 0, and targets are 0 or
    1 of any dtype.

    Raises:
        ValueError: the shapes do not fit together, N is 0, a target is no class, or a logit is NaN or infinite.
    """
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


class _Sigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input: Tensor) -> Tensor:
        y = input.neg().exp_().add_(1).reciprocal_()  # exp may be inf, and then y is 0, as it should
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return grad * y * (1 - y)


class _BinaryCrossEntropy(torch.autograd.Function):
    """``log(1 + exp(z)) - z t`` entry by entry; by z its gradient is ``y - t`` with ``y = sigmoid(z)``."""

    @staticmethod
    def forward(ctx, input: Tensor, target: Tensor, reduction: str) -> Tensor:
        ctx.save_for_backward(input, target)
        ctx.reduction = reduction
        # log(1 + exp(z)) is greater than z, and above 40 equal to it to the last digit.
        losses = torch.maximum(input, input.clamp(max=40).exp_().log1p_()).addcmul_(input, target, value=-1)
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
    """``log(sum_k exp(z_k)) - z_t`` for each row; its gradient is ``y - t`` with ``y = softmax(z)`` and t one-hot."""

    @staticmethod
    def forward(ctx, input: Tensor, target: Tensor, reduction: str) -> Tensor:
        e = _less_the_largest(input, dim=1)
        right = e.gather(1, target.unsqueeze(1))
        total = e.exp_().sum(dim=1, keepdim=True)
        ctx.save_for_backward(input, target, e, total)
        ctx.reduction = reduction
        return _reduce((total.log() - right).squeeze(1), reduction, "cross_entropy")

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        input, target, e, total = ctx.saved_tensors
        grad = grad / len(target) if ctx.reduction == "mean" else grad
        grad = grad.reshape(-1, 1).expand(total.shape)
        # Where a second derivative is asked for, y has to be made from input once more, in sight of autograd.
        scaled = grad * softmax(input, dim=1) if torch.is_grad_enabled() else e * (grad / total)
        return scaled.scatter_add_(1, target.unsqueeze(1), -grad), None, None


# --- helpers ---


def _less_the_largest(input: Tensor, dim: int) -> Tensor:
    return input - input.detach().amax(dim=dim, keepdim=True)  # what is subtracted from a row cancels


def _checked_less_the_largest(input: Tensor, dim: int, caller: str) -> Tensor:
    arguments.check_size(input, caller)
    if not -input.ndim <= dim < input.ndim:
        raise ValueError(f"{caller}: input has shape {tuple(input.shape)} and dim is {dim}; expected one of its dimensions")
    shifted = _less_the_largest(input, dim)
    # A NaN or +inf, or a row of -inf alone, has made a NaN; -inf beside a number is still -inf.
    if shifted.detach().amax().isnan().item():
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
