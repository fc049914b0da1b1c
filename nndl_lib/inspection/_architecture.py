"""What a network is made of: a table of its layers, and the part of the image that a unit sees.

Used in chapter 09, "Convolutional networks", to read diagrams of architectures.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib import nn, rnn, runtime
from nndl_lib._arguments import check_count, check_model, check_pair
from nndl_lib._declared import checked


class Row(NamedTuple):
    """One call of one layer."""

    name: str  # as in ``named_modules``
    kind: str  # the name of its class
    output_shape: tuple[int, ...] | None  # for one example; None for parameters of which no layer was called
    parameters: int  # 0 where a row above has counted them: the layer, or a tensor, is shared
    multiply_adds: int | None  # products of a parameter and an input, for one example; None where the kind is unknown


class ArchitectureTable(NamedTuple):
    """The layers of a network in the order of their calls. ``print`` shows them aligned, with totals."""

    input_shape: tuple[int, ...]  # of one example
    rows: list[Row]

    @property
    def parameters(self) -> int:
        """All parameters of the network, shared ones counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Products of a parameter and an input for one example, over the layers whose kind is known."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    def __str__(self) -> str:
        """One line a row; names and kinds to the left, numbers to the right."""
        lines = [("layer", "kind", "output", "parameters", "multiply-adds")]
        lines.append(("input", "", _times(self.input_shape), "", ""))
        for row in self.rows:
            products = "?" if row.multiply_adds is None else f"{row.multiply_adds:,}"
            shape = "not called" if row.output_shape is None else _times(row.output_shape)
            lines.append((row.name, row.kind, shape, f"{row.parameters:,}", products))
        lines.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = []
        for line in lines:
            cells = [cell.ljust(w) if k < 2 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths))]
            text.append("  ".join(cells).rstrip())
        rule = "-" * len(text[0])
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def _sizes(value: Sequence[int], name: str, caller: str) -> tuple[int, ...]:
    if not isinstance(value, Iterable):
        raise ValueError(f"{caller}: {name} is {value!r}; expected the sizes of one example")
    return tuple(check_count(size, f"{name}[{k}]", caller) for k, size in enumerate(value))


@checked(module=check_model, input_shape=_sizes)
def architecture_table(module: torch.nn.Module, input_shape: Sequence[int]) -> ArchitectureTable:
    """The layers of a network, as one example of zeros goes through it in evaluation mode: a row for each call.

    A layer is a module without children, or one that has parameters of its own. It may be of ``nndl_lib.nn`` or of
    ``torch.nn``, recurrent ones included; of several outputs, the first is shown. The network takes one tensor of
    floating-point numbers; one that begins with an embedding refuses it. A network on the device "meta" is enough, and
    takes no memory. The network is left as it was: its mode, its buffers and its hooks, also after an error.

    Multiply-adds are counted where a parameter multiplies an input: in linear layers, convolutions and recurrent
    layers, one for each weight and place; in normalizations, one for each entry where they have a weight. Biases,
    activations and poolings count as none.

    Args:
        module: the network. input_shape: of one example, (C, H, W) for an image, (D,) for a row.

    Raises: ValueError: an entry of input_shape is not an integer of at least 1, or the network refuses such an input.
    """
    layers = {name: layer for name, layer in module.named_modules() if _is_layer(name, layer)}
    like = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    rows: list[Row] = []
    counted: set[Tensor] = set()

    def keep(name: str):
        def hook(layer: torch.nn.Module, inputs: tuple, named: dict, output) -> None:
            inputs = (*inputs, *named.values())
            first = output if isinstance(output, Tensor) else output[0]
            count = _count(layer.parameters() if _is_leaf(layer) else layer.parameters(recurse=False), counted)
            rows.append(Row(name, type(layer).__name__, tuple(first.shape[1:]), count, _products(layer, inputs, first)))

        return hook

    handles = [layer.register_forward_hook(keep(name), with_kwargs=True) for name, layer in layers.items()]
    try:
        with runtime.evaluation(module), torch.no_grad():
            module(torch.zeros(1, *input_shape, dtype=like.dtype, device=like.device))
    finally:
        for handle in handles:
            handle.remove()
    for name, layer in layers.items():
        if count := _count(layer.parameters(recurse=False), counted):
            rows.append(Row(name, type(layer).__name__, None, count, 0))
    return ArchitectureTable(tuple(input_shape), rows)


class ReceptiveField(NamedTuple):
    """The pixels that a unit of the last layer sees, along one side of the image."""

    size: int  # how many, from the first to the last
    stride: int  # how far the field of the next unit is from that of this one
    start: int  # the first pixel of unit 0, below 0 where that lies in the padding


def receptive_field(layers: Iterable[torch.nn.Module | tuple[int, ...]]) -> ReceptiveField:
    """The receptive field after layers one after another, by the recursion from the first to the last.

    A layer with kernel k, stride s, padding p and dilation d makes, of a field with size r, stride j and start a, one
    with size ``r + d (k - 1) j``, stride ``j s`` and start ``a - p j``. Unit i sees ``size`` pixels from
    ``start + i stride`` on.

    Args:
        layers: convolutions and poolings with square kernels, of ``nndl_lib.nn`` or ``torch.nn``; layers that work
            pixel by pixel, which change nothing; ``Sequential`` of such; or numbers (kernel, stride) with padding and
            dilation after them, where they are not 0 and 1.

    Source: Dumoulin & Visin (2016), https://arxiv.org/abs/1603.07285; Araujo, Norris & Sim (2019),
    https://doi.org/10.23915/distill.00021.

    Raises: ValueError: a layer is of another kind, or differs in height and width.
    """
    size, stride, start = 1, 1, 0
    for k, layer in enumerate(_flat(layers)):
        kernel, step, padding, dilation = _geometry(layer, k)
        size += dilation * (kernel - 1) * stride
        start -= padding * stride
        stride *= step
    return ReceptiveField(size, stride, start)


# --- helpers ---

_CONVOLUTIONS = (nn.Conv2d, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
_RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase, rnn.Recurrent, rnn.RNNCell, rnn.LSTMCell, rnn.GRUCell)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, torch.nn.LayerNorm, torch.nn.GroupNorm)
_TORCH_BATCH_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, torch.nn.MaxPool2d, torch.nn.AvgPool2d)
_PIXELWISE = (
    *(nn.Identity, nn.Step, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Softplus, nn.Dropout),
    *(nn.BatchNorm2d, nn.LocalResponseNorm, torch.nn.BatchNorm2d, torch.nn.LocalResponseNorm, torch.nn.Dropout),
    *(torch.nn.Identity, torch.nn.Sigmoid, torch.nn.Tanh, torch.nn.ReLU, torch.nn.LeakyReLU, torch.nn.ELU),
    *(torch.nn.Softplus, torch.nn.GELU, torch.nn.SiLU, torch.nn.Dropout2d),
)


def _is_leaf(layer: torch.nn.Module) -> bool:
    # A layer under weight normalization has a child that makes its weight of g and v: these are its own parameters.
    return all(name == "parametrizations" for name, _ in layer.named_children())


def _is_layer(name: str, layer: torch.nn.Module) -> bool:
    own = next(layer.parameters(recurse=False), None) is not None
    return "parametrizations" not in name.split(".") and (_is_leaf(layer) or own)


def _count(parameters: Iterable[Tensor], counted: set[Tensor]) -> int:
    new = [p for p in parameters if p not in counted]
    counted.update(new)
    return sum(p.numel() for p in new)


def _products(layer: torch.nn.Module, inputs: tuple, output: Tensor) -> int | None:
    if isinstance(layer, (nn.Linear, torch.nn.Linear)):
        return output.numel() * layer.in_features
    if isinstance(layer, _CONVOLUTIONS):  # a unit has as many inputs as one of its kernel's channels has entries
        return output.numel() * (layer.weight.numel() // len(layer.weight))
    if isinstance(layer, _TRANSPOSED):  # the other way around: every input goes to as many outputs
        return inputs[0].numel() * (layer.weight.numel() // len(layer.weight))
    if isinstance(layer, (*_NORMS, *_TORCH_BATCH_NORMS)):
        return output.numel() if layer.weight is not None else 0
    if isinstance(layer, _RECURRENT):
        steps = inputs[0].numel() // inputs[0].shape[-1]
        return steps * sum(p.numel() for name, p in layer.named_parameters() if "weight" in name)
    return 0 if next(layer.parameters(), None) is None else None


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _flat(layers: Iterable) -> list:
    flat = []
    for layer in layers:
        flat += _flat(layer) if isinstance(layer, torch.nn.Sequential) else [layer]
    return flat


def _geometry(layer: Any, k: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding and dilation along one side."""
    names, least = ("kernel", "stride", "padding", "dilation"), (1, 1, 0, 1)
    if isinstance(layer, _PIXELWISE):
        return least
    if isinstance(layer, (tuple, list)):
        if not 2 <= len(layer) <= 4:
            raise ValueError(f"receptive_field: layers[{k}] is {layer!r}; expected ({', '.join(names)})")
        numbers = (*layer, *least[len(layer) :])
    elif isinstance(layer, (nn.Conv2d, torch.nn.Conv2d, *_POOLS)):
        sizes: tuple[Any, ...] = layer.kernel_size, layer.stride, layer.padding, getattr(layer, "dilation", 1)
        if isinstance(layer.padding, str):  # "valid" or "same"
            pairs = [check_pair(size, "a size", "receptive_field") for size in (sizes[0], sizes[3])]
            around = [d * (n - 1) // 2 if layer.padding == "same" else 0 for n, d in zip(*pairs)]
            sizes = (*sizes[:2], tuple(around), sizes[3])
        found = [check_pair(size, name, "receptive_field", n) for size, name, n in zip(sizes, names, least)]
        if any(height != width for height, width in found):
            raise ValueError(
                f"receptive_field: layers[{k}] is {layer}, which differs in height and width; "
                f"expected ({', '.join(names)}) along one side"
            )
        numbers = tuple(height for height, _ in found)
    else:
        raise ValueError(
            f"receptive_field: layers[{k}] is {type(layer).__name__}; "
            f"expected convolutions, poolings, what works pixel by pixel, or ({', '.join(names)})"
        )
    kernel, stride, padding, dilation = (
        check_count(number, f"the {name} of layers[{k}]", "receptive_field", n)
        for name, number, n in zip(names, numbers, least)
    )
    return kernel, stride, padding, dilation
