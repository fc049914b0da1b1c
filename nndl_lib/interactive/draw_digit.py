"""Draw a digit: a network that reads what the reader draws, in the page, without a kernel.

``draw_digit(network, X, t)`` shows a surface to draw on. ``strokes_to_levels`` is how a drawing becomes 8 x 8 pixels
like those of ``data.digits()``; the same computation runs in the page, in draw_digit.js. First used on the page "Draw a
digit".
"""

import base64
import math
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from nndl_lib import nn, plotting, runtime
from nndl_lib._arguments import check_count
from nndl_lib._declared import checked, number
from nndl_lib.interactive import _pieces as pieces

__all__ = ["draw_digit", "strokes_to_levels"]

MAX_BYTES = 60_000  # of weights, in base64
MAX_EXAMPLES = 100
# As in draw_digit.js, which says what they mean.
SIDE, FINE, PEN, WIDEST, STEEPEST, LEAST = 8, 32, 5.2, 24.0, 0.5, 0.12
_ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid", "Softplus", "LeakyReLU", "ELU")
_LEFT_OUT = (torch.nn.Identity, nn.Identity, torch.nn.Flatten, torch.nn.Dropout, nn.Dropout)  # none of them in use


def strokes_to_levels(strokes: list[list[tuple[float, float]]]) -> Tensor:
    """The 64 levels, 0 (paper) to 16 (ink), that the network sees of a drawing: (64,), row by row.

    A drawing is sheared until ink and height are uncorrelated, so that slanted writing stands upright; enlarged to the
    full height of 32 dots, and squeezed where it would be wider than 24; drawn with a pen 5.2 dots wide. A level
    counts the dots of ink in a block of 4 x 4, as in the data.

    Args:
        strokes: lists of points (x, y) on a surface of side 1, y growing downwards.

    Raises: ValueError: the strokes hold no point, or one that is not two finite numbers.
    """
    points = [torch.as_tensor(stroke, dtype=torch.float64) for stroke in strokes if len(stroke)]
    for stroke in points:
        if stroke.ndim != 2 or stroke.shape[1] != 2 or not stroke.isfinite().all():
            raise ValueError(f"strokes_to_levels: a stroke is {stroke.tolist()}; expected points of two finite numbers")
    if not points:
        raise ValueError("strokes_to_levels: there is no point; expected at least one")
    points = _upright(points)
    every = torch.cat(points)
    low, high = every.amin(0), every.amax(0)
    width, height = (high - low).tolist()
    down = (FINE - PEN) / max(height, width / 2.5, LEAST)
    right = min(down, (WIDEST - PEN) / max(width, 1e-12))
    middle = (low + high) / 2
    points = [(stroke - middle) * torch.tensor([right, down], dtype=torch.float64) + FINE / 2 for stroke in points]
    a = torch.cat([torch.cat([stroke[:1], stroke[:-1]]) for stroke in points])[:, None, None]  # (S, 1, 1, 2): lines
    d = torch.cat(points)[:, None, None] - a  # from a; the first of each stroke goes nowhere
    centers = torch.arange(FINE, dtype=torch.float64) + 0.5
    v = torch.stack(torch.meshgrid(centers, centers, indexing="xy"), dim=-1) - a  # (S, 32, 32, 2)
    along = ((v * d).sum(-1) / (d * d).sum(-1).clamp(min=1e-300)).clamp(0, 1)[..., None]
    bitmap = (((v - along * d) ** 2).sum(-1) <= (PEN / 2) ** 2).any(0)
    block = FINE // SIDE
    return bitmap.view(SIDE, block, SIDE, block).sum(dim=(1, 3)).flatten().to(torch.get_default_dtype())


def _upright(points: list[Tensor]) -> list[Tensor]:
    # Moments of the ink, even along each line: those of its middle, and a twelfth of its extent about that.
    steps = torch.cat([stroke[1:] - stroke[:-1] for stroke in points])
    middles = torch.cat([(stroke[1:] + stroke[:-1]) / 2 for stroke in points])
    lengths = steps.norm(dim=1)
    if lengths.sum() == 0:
        return points
    mean = (lengths @ middles) / lengths.sum()
    x, y = (middles - mean).T
    dx, dy = steps.T
    both, down = (lengths @ (x * y + dx * dy / 12)).item(), (lengths @ (y**2 + dy**2 / 12)).item()
    slant = max(-STEEPEST, min(STEEPEST, both / down)) if down > 1e-12 else 0.0
    return [torch.stack([stroke[:, 0] - slant * (stroke[:, 1] - mean[1]), stroke[:, 1]], dim=1) for stroke in points]


@checked(scale=number(-math.inf), shift=number(-math.inf))
def draw_digit(
    network: torch.nn.Module,
    X: Tensor,
    t: Tensor,
    *,
    scale: float = 1 / 16,
    shift: float = 0.0,
    start: int = 0,
    goal: str = "Draw a digit. Then find a drawing that the network reads wrong, with more than 90%.",
) -> None:
    """Show a surface to draw on, and what the network makes of the drawing while it grows.

    Args:
        network: a ``Sequential`` (an ``MLP`` is one) of ``Linear`` layers and activations, 64 inputs and 10 logits.
        X: (N, 64), real digits that the reader can look at, levels from 0 to 16; t: (N,), which digits they are.
        scale, shift: the network's inputs are ``scale * levels + shift``.
        start: which of the real digits is shown at first.
        goal: what the reader should try, shown above.

    Raises:
        ValueError: the network has a layer that the page cannot compute, other sizes, a weight that is not finite, or
            more weights than 60,000 bytes hold; the digits are not such levels; or start is not one of their rows.
    """
    levels, labels = _check_digits(X, t, start)
    data = {
        "network": {"scale": scale, "shift": shift, "layers": _layers(network)},
        "examples": {"images": _base64(levels.numpy().tobytes()), "labels": labels, "start": start},
        "goal": goal,
    }
    pieces.show("draw_digit", data, lambda: _still(network, X[start], labels[start], scale, shift, goal))


def _layers(network: torch.nn.Module) -> list[dict[str, Any]]:
    if not isinstance(network, torch.nn.Sequential):
        raise ValueError(f"draw_digit: network is a {type(network).__name__}; expected a Sequential, such as an MLP")
    layers: list[dict[str, Any]] = []
    width, total = SIDE * SIDE, 0
    for name, layer in _flat(network):
        kind = type(layer).__name__
        if isinstance(layer, (torch.nn.Linear, nn.Linear)):
            if layer.in_features != width:
                raise ValueError(f"draw_digit: layer {name} takes {layer.in_features} inputs; expected {width}")
            weight = layer.weight.detach()
            bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
            if not (weight.isfinite().all() and bias.isfinite().all()):
                raise ValueError(
                    f"draw_digit: layer {name} has a weight that is not finite; expected a trained network"
                )
            width = layer.out_features
            layers.append({"kind": "Linear", "outputs": width, "weight": _floats(weight), "bias": _floats(bias)})
            total += len(layers[-1]["weight"]) + len(layers[-1]["bias"])
        elif kind in _ACTIVATIONS and getattr(layer, "beta", 1) == 1:
            if not layers:
                raise ValueError(f"draw_digit: the network begins with {kind}; expected a Linear layer first")
            layers.append({"kind": kind, "parameter": getattr(layer, "negative_slope", getattr(layer, "alpha", 0))})
        elif not isinstance(layer, _LEFT_OUT):
            raise ValueError(
                f"draw_digit: layer {name} is {layer}; expected Linear, {', '.join(_ACTIVATIONS)}, or a layer without "
                "effect such as Dropout"
            )
    if width != 10 or not layers:
        raise ValueError(f"draw_digit: the network has {width} outputs; expected 10, the logits of the digits")
    if layers[-1]["kind"] != "Linear":
        raise ValueError(f"draw_digit: the network ends with {layers[-1]['kind']}; expected a Linear layer: logits")
    if total > MAX_BYTES:
        raise ValueError(f"draw_digit: the weights take {total} bytes; expected at most {MAX_BYTES}: use fewer units")
    return layers


def _flat(network: torch.nn.Sequential, before: str = "") -> list[tuple[str, torch.nn.Module]]:
    found = []
    for name, layer in network.named_children():
        if isinstance(layer, torch.nn.Sequential):
            found += _flat(layer, f"{before}{name}.")
        else:
            found.append((before + name, layer))
    return found


def _floats(values: Tensor) -> str:
    return _base64(values.to("cpu", torch.float32).contiguous().numpy().astype("<f4").tobytes())


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _check_digits(X: Tensor, t: Tensor, start: int) -> tuple[Tensor, list[int]]:
    if X.ndim != 2 or X.shape[1] != SIDE * SIDE or not 1 <= len(X) <= MAX_EXAMPLES or t.shape != (len(X),):
        raise ValueError(
            f"draw_digit: X has shape {tuple(X.shape)} and t {tuple(t.shape)}; expected (N, 64) and (N,), "
            f"with N from 1 to {MAX_EXAMPLES}"
        )
    levels = X.detach().to("cpu", torch.float64)
    if not torch.equal(levels, levels.round().clamp(0, 16)):
        wrong = levels[levels != levels.round().clamp(0, 16)][0]
        raise ValueError(
            f"draw_digit: X holds {wrong:g}; expected whole levels from 0 to 16, as data.digits() has them"
        )
    if t.is_floating_point() or not ((t >= 0) & (t <= 9)).all():
        raise ValueError(
            f"draw_digit: t holds {t[~((t >= 0) & (t <= 9))].tolist() or t.dtype}; expected classes 0 to 9"
        )
    check_count(start, "start", "draw_digit", least=0, most=len(X) - 1)
    return levels.to(torch.uint8), t.tolist()


@torch.no_grad()
def _still(network: torch.nn.Module, x: Tensor, label: int, scale: float, shift: float, goal: str) -> str:
    """What shows where no script runs: the first digit, and the network's ten probabilities for it."""
    parameter = next(network.parameters())
    with runtime.evaluation(network):
        probabilities = network((x.to(parameter) * scale + shift)[None])[0].softmax(-1).tolist()
    answer = max(range(10), key=lambda k: probabilities[k])
    alt = (
        f"A real {label} from the test set as 8 by 8 gray pixels, and the network's probabilities as bars: "
        f"it answers {answer}, with {probabilities[answer]:.1%}."
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.4, 2.6), layout="constrained")
    left.imshow(x.cpu().view(SIDE, SIDE).numpy(), cmap="gray_r", vmin=0, vmax=16)
    left.set(xticks=[], yticks=[], title="what the network sees")
    left.spines[:].set_visible(True)  # paper has an edge
    bars = right.barh(range(10), probabilities, color=[plotting.BLUE if k == answer else "0.5" for k in range(10)])
    right.bar_label(bars, [f"{p:.1%}" for p in probabilities], padding=3)
    right.set(xlim=(0, 1.3), xticks=[], yticks=range(10), ylim=(9.6, -0.6), title="what it answers")
    right.grid(False)
    note = "This is a picture of one drawing. Where scripts may run, you can draw here; in a notebook, run this cell."
    return pieces.still_html(figure, alt, "Try it.", goal, note)
