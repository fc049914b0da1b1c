"""Penalties on the weights, and a bound on their norm.

Derived in chapter 08, "Regularization and generalization". Weights are what multiplies inputs: ``weights_of`` leaves
out biases and what normalization layers learn, since a small bias does not make a function smoother.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments


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


def l2_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """Half the sum of squares, ``sum(w**2) / 2`` over all entries of all parameters: a 0-d tensor, not of half precision.

    The half makes the gradient w itself, so that lambda times this is what torch's ``weight_decay=lambda`` does in SGD.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return sum(_wide(p).square().sum() for p in _listed(parameters, "l2_penalty")) / 2


def l1_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """The sum of absolute values over all entries of all parameters: 0-d, not of half precision. Its gradient at 0 is 0.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return sum(_wide(p).abs().sum() for p in _listed(parameters, "l1_penalty"))


@torch.no_grad()
def max_norm_(weight: Tensor, c: float) -> Tensor:
    """Scale the rows of weight (out, ...) whose Euclidean norm exceeds c to norm c, in place; return weight.

    A row is what comes into one unit: all axes but the first. Call it after each step of an optimizer.
    Source: Srebro & Shraibman (2005), https://doi.org/10.1007/11503415_37; for dropout, Srivastava et al. (2014).

    Raises:
        ValueError: weight is not floating-point or has fewer than two axes, or c is not a finite number above 0.
    """
    c = arguments.check_number(c, "c", "max_norm_")
    if c == 0:
        raise ValueError("max_norm_: c is 0; expected a finite number greater than 0")
    arguments.check_tensors("max_norm_", weight=weight)
    if weight.ndim < 2 or not weight.is_floating_point():
        raise ValueError(
            f"max_norm_: weight has shape {tuple(weight.shape)} and dtype {weight.dtype}; "
            "expected floating-point (out, in), with a row for each unit"
        )
    norms = torch.linalg.vector_norm(_wide(weight), dim=tuple(range(1, weight.ndim)), keepdim=True)
    return weight.mul_(torch.where(norms > c, c / norms, 1))


def _listed(parameters: Iterable[Tensor], caller: str) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = arguments.check_list(parameters, "parameters", caller, "a tensor or a list of tensors")
    if not parameters:
        raise ValueError(f"{caller}: parameters is empty (an iterator is, once read); expected at least one tensor")
    for k, p in enumerate(parameters):
        arguments.check_tensors(caller, **{f"parameters[{k}]": p})
        if not p.is_floating_point():
            raise ValueError(f"{caller}: parameters[{k}] is {p.dtype}; expected a floating-point dtype")
    return parameters


def _wide(p: Tensor) -> Tensor:
    # In half precision squares of 256 are infinite, and those of 1e-4 are 0.
    return p.to(torch.promote_types(p.dtype, torch.float32))
