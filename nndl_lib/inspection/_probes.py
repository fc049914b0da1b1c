"""Probes: what goes through a network, layer by layer: the activations, and the gradients of a loss by them.

Used in chapter 07, "Training deep networks", to see signals vanish or explode with depth.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_function, check_model
from nndl_lib._declared import checked


class Probe(NamedTuple):
    """What ``record`` saw at the output of one layer."""

    activation_std: float  # the standard deviation over all entries of the output, examples and units together
    gradient_std: float | None  # likewise of the gradient of the loss by that output; None where there is none
    activation: Tensor | None  # the output itself, in its shape, where the tensors are kept
    gradient: Tensor | None  # the gradient, in the same shape


def _input(value: Any, name: str, caller: str) -> Any:
    if isinstance(value, Tensor) and value.numel() == 0:
        what = f"{name} has shape {tuple(value.shape)}"
        raise ValueError(f"{caller}: {what}; expected at least one entry, as nothing has no deviation")
    return value


def _classes(value: type | tuple[type, ...], name: str, caller: str) -> type | tuple[type, ...]:
    if not all(isinstance(kind, type) for kind in (value if isinstance(value, tuple) else (value,))):
        raise ValueError(f"{caller}: {name} is {value!r}; expected a class, such as nn.ReLU, or a tuple of classes")
    return value


@checked(model=check_model, X=_input, loss=check_function, types=_classes, tensors=check_flag)
def record(
    model: torch.nn.Module,
    X: Tensor,
    loss: Callable[[Tensor], Tensor] | None = None,
    types: type | tuple[type, ...] | None = None,
    tensors: bool = False,
) -> dict[str, Probe]:
    """One pass of X through the model, and one back where there is a loss: a ``Probe`` for each layer, by its name.

    The model is left as it was: no parameter gets a gradient, buffers such as running statistics are put back, and the
    hooks are removed, also after an error. It runs in the mode that it is in. What a layer draws, such as a dropout
    mask, comes from its generator as ever.

    Args:
        model: what is called with X.
        loss: maps the model's output to a 0-d tensor, such as ``lambda z: cross_entropy(z, t)``. Without one there is
            no backward pass.
        types: the layers are the modules of these types, wherever they are, such as ``nn.ReLU``; without it, the
            model's direct children, such as the entries of a ``Sequential``.
        tensors: keep activations and gradients too, detached.

    Returns: the probes in the order in which the layers were called. A layer that is called again counts once more,
        under its name with "#2" after it, and so on.

    Raises: ValueError: there is no such layer, one of them was not called or gives no tensor, or the loss is not 0-d.
    """
    modules = _layers(model, types)
    outputs: dict[str, Tensor] = {}
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    handles = [module.register_forward_hook(_keep(outputs, name)) for name, module in modules.items()]
    try:
        with torch.set_grad_enabled(loss is not None):
            output = model(X)
            gradients = _gradients(None if loss is None else loss(output), outputs)
    finally:
        for handle in handles:
            handle.remove()
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
    for name in modules:
        if name not in outputs:
            raise ValueError(f"record: layer {name!r} was not called; expected the model to call it")
    activations = [y.detach() for y in outputs.values()]
    stds = iter(_stds([*activations, *(g for g in gradients if g is not None)]))
    spreads = [next(stds) for _ in activations]
    backward = [None if g is None else next(stds) for g in gradients]
    kept = zip(activations, gradients) if tensors else [(None, None)] * len(outputs)
    return {name: Probe(*both, *pair) for name, both, pair in zip(outputs, zip(spreads, backward), kept)}


def _layers(model: torch.nn.Module, types: type | tuple[type, ...] | None) -> dict[str, torch.nn.Module]:
    if types is None:
        what, layers = "children", dict(model.named_children())
    else:
        what, layers = f"modules of {types}", dict(model.named_modules())
        layers = {name: module for name, module in layers.items() if isinstance(module, types)}
    if not layers:
        raise ValueError(f"record: {type(model).__name__} has no {what}; expected at least one layer")
    return layers


def _keep(outputs: dict[str, Tensor], name: str) -> Callable:
    def hook(module: torch.nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        if not isinstance(output, Tensor):
            raise ValueError(f"record: layer {name!r} gives {type(output).__name__}; expected a tensor")
        count = 1 + sum(key.partition("#")[0] == name for key in outputs)
        outputs[name if count == 1 else f"{name}#{count}"] = output
        return output.clone()  # for the model: what comes next, such as an activation in place, may change it

    return hook


def _gradients(value: Tensor | None, outputs: dict[str, Tensor]) -> list[Tensor | None]:
    if value is None:
        return [None] * len(outputs)
    if value.ndim != 0:
        raise ValueError(f"record: the loss has shape {tuple(value.shape)}; expected a 0-d tensor")
    wanted = {name: y for name, y in outputs.items() if y.requires_grad}
    if not wanted or not value.requires_grad:
        return [None] * len(outputs)
    found = dict(zip(wanted, torch.autograd.grad(value, list(wanted.values()), allow_unused=True)))
    return [found.get(name) for name in outputs]


def _stds(tensors: list[Tensor]) -> list[float]:
    return torch.stack([tensor.std(correction=0) for tensor in tensors]).tolist()  # one wait for the device
