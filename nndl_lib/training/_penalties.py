"""Penalties on the weights, and a bound on their norm.

Derived in chapter 08, "Regularization and generalization". Weights are what multiplies inputs: ``weights_of`` leaves
out biases and what normalization layers learn, since a small bias does not make a function smoother.
"""

from collections.abc import Iterable
from functools import reduce

import torch
from torch import Tensor

from nndl_lib._arguments import check_list, check_model, check_positive, check_tensors
from nndl_lib._declared import checked


def _check_tensors(value: Tensor | Iterable[Tensor], name: str, caller: str) -> list[Tensor]:
    value = [value] if isinstance(value, Tensor) else check_list(value, name, caller, "a tensor or a list of tensors")
    if not value:
        raise ValueError(f"{caller}: {name} is empty (an iterator is, once read); expected at least one tensor")
    for k, p in enumerate(value):
        check_tensors(caller, **{f"{name}[{k}]": p})
        if not p.is_floating_point():
            raise ValueError(f"{caller}: {name}[{k}] is {p.dtype}; expected a floating-point dtype")
    return value


@checked(model=check_model)
def weights_of(model: torch.nn.Module) -> list[Tensor]:
    """The parameters of a model with two axes or more, in its order: the weights of linear and convolutional layers.

    Those with one axis are left out: biases, and the scales and shifts of normalization layers. Not for an
    ``training.Ensemble``, whose parameters have one axis more.

    Raises:
        ValueError: a parameter has no shape yet, as those of ``torch.nn.LazyLinear`` before the first call.
    """
    for name in (name for name, p in model.named_parameters() if torch.nn.parameter.is_lazy(p)):
        raise ValueError(f"weights_of: {name} has no shape yet; expected a model that has seen an input")
    return [p for p in model.parameters() if p.ndim >= 2]


@checked(parameters=_check_tensors)
def l2_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """Half the sum of squares, ``sum(w**2) / 2`` over all entries of all parameters: 0-d, not of half precision.

    The half makes the gradient w itself, so that lambda times this is what torch's ``weight_decay=lambda`` does in SGD.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return reduce(torch.add, [_wide(p).square().sum() for p in parameters]) / 2


@checked(parameters=_check_tensors)
def l1_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """The sum of absolute values over all entries of all parameters: 0-d, not of half precision. Its slope at 0 is 0.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return reduce(torch.add, [_wide(p).abs().sum() for p in parameters])


@checked(weight="out in ...", c=check_positive)
@torch.no_grad()
def max_norm_(weight: Tensor, c: float) -> Tensor:
    """Scale the rows of weight (out, ...) whose Euclidean norm exceeds c to norm c, in place; return weight.

    A row is what comes into one unit: all axes but the first. Call it after each step of an optimizer.
    Source: Srebro & Shraibman (2005), https://doi.org/10.1007/11503415_37; for dropout, Srivastava et al. (2014).

    Raises:
        ValueError: weight is not floating-point or has fewer than two axes, or c is not a finite number above 0.
    """
    norms = torch.linalg.vector_norm(_wide(weight), dim=tuple(range(1, weight.ndim)), keepdim=True)
    return weight.mul_(torch.where(norms > c, c / norms, 1))


def _wide(p: Tensor) -> Tensor:
    # In half precision squares of 256 are infinite, and those of 1e-4 are 0.
    return p.to(torch.promote_types(p.dtype, torch.float32))
