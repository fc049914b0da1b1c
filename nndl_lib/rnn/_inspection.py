"""Looking into recurrent networks: the gates at every step, gradients by time lag, and the forget gate's bias.

Used in chapter 10, "Recurrent networks".
"""

import math
from collections.abc import Callable
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.rnn._layers import GRU, LSTM, RNN, Recurrent
from nndl_lib.rnn._lengths import reverse as reversed_
from nndl_lib.rnn._lengths import until
from nndl_lib.rnn._steps import GRUGates, LSTMGates, RNNState


class LagGradients(NamedTuple):
    """How a loss depends on what was remembered at each step: norms of its gradients, (T, N), one for each sequence."""

    hidden: Tensor  # by the hidden state after step t; in an LSTM, through what it is read for, not through the cell
    cell: Tensor | None  # by the cell after step t, also through the hidden state read from it; None without cells


def gates(
    model: Recurrent, x: Tensor, hx=None, lengths=None, layer: int = 0, reverse: bool = False
) -> RNNState | LSTMGates | GRUGates:
    """Gates and states of one layer at every step: ``LSTMGates``, ``GRUGates`` or ``RNNState`` of (T, N, H) each.

    Computed anew in plain operations, so gradients of any order can be taken through them.

    Args:
        model: an RNN, LSTM or GRU. x, hx, lengths: as the model is called with.
        layer: counted from 0. reverse: the direction from the end; its entry t belongs to step t of x all the same.

    Returns: the named tuple; zeros after the end of a sequence.

    Raises:
        ValueError: as the model itself, or it has no such layer or direction.
    """
    record, lengths = _record(model, x, hx, lengths, layer, reverse, "gates")
    stacked = [until(torch.stack(column), lengths) for column in zip(*record)]
    return type(record[0])(*(reversed_(part, lengths) if reverse else part for part in stacked))


def lag_gradients(model: Recurrent, x: Tensor, loss: Callable[[Tensor], Tensor], hx=None, lengths=None) -> LagGradients:
    """Norms of the gradients of a loss by the states of the last layer after each step: do they vanish with the lag?

    The sequence is run once and unrolled. The model's parameters get no gradient.

    Args:
        model: an RNN, LSTM or GRU of one direction. x, hx, lengths: as it is called with.
        loss: maps the outputs, as the model gives them, to a 0-d tensor: with ``lambda h: loss_of(h[-1])``, entry t has
            the lag T - 1 - t.

    Returns: ``LagGradients`` of (T, N); entries after the end of a sequence are 0.

    Raises:
        ValueError: as the model itself, it has two directions, or the loss is not 0-d or does not depend on the states.
    """
    caller = "lag_gradients"
    _check_model(model, caller)
    arguments.check_function(loss, "loss", caller)
    if model.bidirectional:
        raise ValueError(f"{caller}: the model has two directions; expected one, as a lag is in one direction")
    with torch.enable_grad():
        arguments.check_tensors(caller, x=x)
        x = x.detach().requires_grad_()  # so that the states have gradients even where the parameters are frozen
        record, lengths = _record(model, x, hx, lengths, model.num_layers - 1, False, caller)
        output = until(torch.stack([step.hidden for step in record]), lengths)
        value = loss(output.transpose(0, 1) if model.batch_first else output)
    if value.ndim != 0:
        raise ValueError(f"{caller}: the loss has shape {tuple(value.shape)}; expected a 0-d tensor")
    if not value.requires_grad:
        raise ValueError(f"{caller}: the loss does not depend on the outputs; expected one that does")
    parts = [[step.hidden for step in record]]
    if isinstance(model, LSTM):
        parts.append([step.cell for step in record])
    found = torch.autograd.grad(value, [h for part in parts for h in part])
    norms = torch.stack([g.norm(dim=1) for g in found]).split(len(record))
    return LagGradients(norms[0], norms[1] if len(norms) > 1 else None)


@torch.no_grad()
def forget_bias_(model: torch.nn.Module, value: float) -> torch.nn.Module:
    """Set the bias of every forget gate of the LSTMs in a model, in place: ``b_ih`` to value, ``b_hh`` to 0.

    With 1, the gates start at 0.73 and not at 1/2, so that a memory is kept for longer. Source: Gers, Schmidhuber &
    Cummins (2000), https://doi.org/10.1162/089976600300015015. Returns the model.

    Raises:
        ValueError: value is not finite, or there is no LSTM with a bias in the model.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"forget_bias_: value is {value!r}; expected a finite number")
    arguments.check_model(model, "model", "forget_bias_")
    lstms = [module for module in model.modules() if isinstance(module, LSTM) and module.bias]
    if not lstms:
        raise ValueError(f"forget_bias_: {type(model).__name__} has no LSTM with a bias; expected at least one")
    for lstm in lstms:
        for k in range(lstm.num_layers * lstm.directions):
            w, forget = lstm.weights(k), slice(lstm.hidden_size, 2 * lstm.hidden_size)
            w.bias_ih[forget], w.bias_hh[forget] = value, 0
    return model


def _check_model(model, caller: str) -> None:
    if not isinstance(model, (RNN, LSTM, GRU)):
        raise ValueError(f"{caller}: model is a {type(model).__name__}; expected an RNN, LSTM or GRU")


def _record(model, x, hx, lengths, layer: int, reverse: bool, caller: str):
    # The steps of one layer in plain operations, and lengths as a tensor.
    _check_model(model, caller)
    layer = arguments.check_count(layer, "layer", caller, least=0, most=model.num_layers - 1)
    if arguments.check_flag(reverse, "reverse", caller) and not model.bidirectional:
        raise ValueError(f"{caller}: reverse is True; expected False, as the model has one direction")
    arguments.check_tensors(caller, x=x)
    x, states, lengths = model.prepare(x, hx, lengths)
    for below in range(layer):
        x, _ = model.layer(x, below, states, lengths)
    x = model.between(x, layer)  # what the layer reads
    k = layer * model.directions + reverse
    x = reversed_(x, lengths) if reverse else x
    return model.unroll(x, [state[k] for state in states], model.weights(k)), lengths
