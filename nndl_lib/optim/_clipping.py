"""Gradient clipping by the norm of all gradients together."""

import functools
import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_list, check_tensors
from nndl_lib._declared import Check, checked


def _parameters(value: Iterable[Tensor] | Tensor, name: str, caller: str) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parameters = check_list(value, name, caller, "a tensor or a list of tensors")
    if not parameters:
        raise ValueError(f"{caller}: {name} is empty (an iterator is, once read); expected at least one")
    check_tensors(caller, **{f"{name}[{k}]": p for k, p in enumerate(parameters)})
    return parameters


def _or_infinity(expected: str, least: float) -> Check:
    def check(value: Any, name: str, caller: str) -> float:
        value = math.inf if isinstance(value, str) and value == "inf" else value
        if isinstance(value, bool) or not isinstance(value, Real) or not float(value) >= least:
            raise ValueError(f"{caller}: {name} is {value!r}; expected a number {expected}, or infinity")
        return float(value)

    return check


@torch.no_grad()
@checked(
    parameters=_parameters,
    max_norm=_or_infinity("of at least 0", 0),
    norm_type=_or_infinity("above 0", math.ulp(0)),
    error_if_nonfinite=check_flag,
)
def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients, in place, by ``max_norm / (norm + 1e-6)`` where that is below 1; return the norm, 0-d.

    The norm is that of all gradients as one vector, before they are scaled. Where it is a NaN, so are the gradients
    afterwards; where it is infinite, finite entries become 0 and others a NaN; unless that is an error. With
    ``max_norm = inf``, the norm is measured and nothing scaled. Both numbers may be "inf".

    As ``torch.nn.utils.clip_grad_norm_``, but that a norm above 65504 of float16 gradients scales them, where torch
    sets them to 0; it is then returned as infinite. Source: Pascanu, Mikolov & Bengio (2013),
    https://arxiv.org/abs/1211.5063.

    Raises:
        ValueError: there is no parameter, max_norm is negative or a NaN, norm_type is not above 0, or the norm is not
            finite and ``error_if_nonfinite`` is set; the gradients are as they were then.
    """
    g = [p.grad for p in parameters if p.grad is not None]
    if not g:
        return torch.zeros((), device=next(iter(parameters)).device)
    dtype = functools.reduce(torch.promote_types, (g_k.dtype for g_k in g))
    wide = None if dtype.is_complex else torch.promote_types(dtype, torch.float32)
    norms = [norm.to(g[0].device) for norm in torch._foreach_norm(g, norm_type, dtype=wide)]
    norm = torch.linalg.vector_norm(torch.stack(norms), norm_type)
    if error_if_nonfinite and not norm.isfinite():
        raise ValueError(f"clip_grad_norm_: the norm of the gradients is {norm.item()}; expected finite gradients")
    factor = (max_norm / (norm + 1e-6)).clamp(max=1)
    for device in {g_k.device for g_k in g}:
        torch._foreach_mul_([g_k for g_k in g if g_k.device == device], factor.to(device))
    return norm if dtype.is_complex else norm.to(dtype)
