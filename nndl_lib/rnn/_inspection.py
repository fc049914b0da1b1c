"""Looking into recurrent networks: the gates at every step, gradients by time lag, and the forget gate's bias.

Used in chapter 10, "Recurrent networks".
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib._arguments import check_count, check_flag, check_function, check_model
from nndl_lib._declared import checked
from nndl_lib.rnn._checks import check_finite_number, kept
from nndl_lib.rnn._layers import GRU, LSTM, RNN, Recurrent
from nndl_lib.rnn._lengths import until
from nndl_lib.rnn._steps import Step


class LagGradients(NamedTuple):
    """How a loss depends on what was remembered at each step: norms of its gradients, (T, N), one for each sequence."""

    hidden: Tensor  # by the hidden state after step t; in an LSTM, through what it is read for, not through the cell
    cell: Tensor | None = None  # by the cell after step t, also through the hidden state read from it; None without


def _network(value: Any, name: str, caller: str) -> Recurrent:
    if not isinstance(value, (RNN, LSTM, GRU)):
        raise ValueError(f"{caller}: {name} is a {type(value).__name__}; expected an RNN, LSTM or GRU")
    return value


@checked(model=_network, x="any ...", reverse=check_flag)
def gates(model: Recurrent, x: Tensor, hx=None, lengths=None, layer: int = 0, reverse: bool = False) -> Step:
    """Gates and states of one layer at every step: ``LSTMGates``, ``GRUGates`` or ``RNNState`` of (T, N, H) each.

    Computed anew in plain operations, so gradients of any order can be taken through them.

    Args:
        model: an RNN, LSTM or GRU. x, hx, lengths: as the model is called with.
        layer: counted from 0. reverse: the direction from the end; its entry t belongs to step t of x all the same.

    Returns: the named tuple; zeros after the end of a sequence.

    Raises: ValueError: as the model itself, or it has no such layer or direction.
    """
    layer = check_count(layer, "layer", "gates", least=0, most=model.num_layers - 1)
    if reverse and not model.bidirectional:
        raise ValueError("gates: reverse is True; expected False, as the model has one direction")
    k = layer * model.directions + reverse
    record, lengths = _record(model, x, hx, lengths, k)
    steps = [step for step, _ in record]
    parts = [until(torch.stack(part), lengths) for part in zip(*steps)]
    return type(steps[0])(*(model._turned(part, k, lengths) for part in parts))


@checked(model=_network, x="any ...", loss=kept(check_function))
def lag_gradients(model: Recurrent, x: Tensor, loss: Callable[[Tensor], Tensor], hx=None, lengths=None) -> LagGradients:
    """Norms of the gradients of a loss by the states of the last layer after each step: do they vanish with the lag?

    The sequence is run once and unrolled. The model's parameters get no gradient.

    Args:
        model: an RNN, LSTM or GRU of one direction. x, hx, lengths: as it is called with.
        loss: maps the outputs, as the model gives them, to a 0-d tensor: with ``lambda h: loss_of(h[-1])``, entry t has
            the lag T - 1 - t.

    Returns: ``LagGradients`` of (T, N); entries after the end of a sequence are 0.

    Raises: ValueError: as the model itself, it has two directions, or the loss is not 0-d or not one of the states.
    """
    if model.bidirectional:
        raise ValueError("lag_gradients: the model has two directions; expected one, as a lag is in one direction")
    with torch.enable_grad():
        x = x.detach().requires_grad_()  # so that the states have gradients even where the parameters are frozen
        record, lengths = _record(model, x, hx, lengths, model.num_layers - 1)
        parts = list(zip(*(state for _, state in record)))  # T hidden states (N, H), and with an LSTM T cells
        output = until(torch.stack(parts[0]), lengths)
        value = loss(output.transpose(0, 1) if model.batch_first else output)
    _check_value(value)
    found = torch.autograd.grad(value, [state for part in parts for state in part])
    return LagGradients(*torch.stack([g.norm(dim=1) for g in found]).split(len(record)))


@checked(model=kept(check_model), value=check_finite_number)
@torch.no_grad()
def forget_bias_(model: torch.nn.Module, value: float) -> torch.nn.Module:
    """Set the bias of every forget gate of the LSTMs in a model, in place: ``b_ih`` to value, ``b_hh`` to 0.

    With 1, the gates start at 0.73 and not at 1/2, so that a memory is kept for longer. Source: Gers, Schmidhuber &
    Cummins (2000), https://doi.org/10.1162/089976600300015015. Returns the model.

    Raises: ValueError: value is not finite, or there is no LSTM with a bias in the model.
    """
    lstms = [module for module in model.modules() if isinstance(module, LSTM) and module.bias]
    if not lstms:
        raise ValueError(f"forget_bias_: {type(model).__name__} has no LSTM with a bias; expected at least one")
    for lstm in lstms:
        for k in range(lstm.num_layers * lstm.directions):
            w, forget = lstm.weights(k), slice(lstm.hidden_size, 2 * lstm.hidden_size)
            for bias, start in ((w.bias_ih, value), (w.bias_hh, 0.0)):
                if bias is not None:
                    bias[forget] = start
    return model


def _record(model: Recurrent, x: Tensor, hx, lengths, k: int):
    """The steps of one layer in direction k, in plain operations and in the order of that, and lengths as a tensor."""
    x, states, lengths = model._prepare(x, hx, lengths)
    layer = k // model.directions
    for below in range(layer):
        x, _ = model._layer(x, below, states, lengths)
    x = model._turned(model._between(x, layer), k, lengths)
    return model._unroll(x, [state[k] for state in states], model.weights(k)), lengths


def _check_value(value: Tensor) -> None:
    if value.ndim != 0:
        raise ValueError(f"lag_gradients: the loss has shape {tuple(value.shape)}; expected a 0-d tensor")
    if not value.requires_grad:
        raise ValueError("lag_gradients: the loss does not depend on the outputs; expected one that does")
