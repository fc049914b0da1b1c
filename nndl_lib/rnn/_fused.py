"""A layer in one call of PyTorch's compiled kernels, as ``RNN``, ``LSTM`` and ``GRU`` do it on a GPU.

There, starting the small operations of each step would take longer than doing them. The values are those of the steps,
as the tests assert; what a run computes inside, ``gates`` shows from the steps themselves.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from nndl_lib.functional._transforms import transformed

_KERNELS: dict[str, Callable[..., tuple[Tensor, ...]]]
_KERNELS = {"LSTM": torch.lstm, "GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}


def wants_fused(x: Tensor) -> bool:
    """Whether to use it: on a GPU, but not where ``torch.func`` is to see the operations, such as in an ensemble."""
    return x.is_cuda and not transformed()


def fused_layer(
    kind: str, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], lengths: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Outputs (T, N, H * directions) of one layer for x (T, N, D), and the parts of its state, each at its own end.

    Shapes are not checked here. It has no second derivatives on a GPU, and torch says so when they are asked for.

    Args:
        kind: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".
        states: (directions, N, H) each, what it starts with: h, and with an LSTM c.
        weights: weight_ih, weight_hh and, with bias, bias_ih, bias_hh of each direction after the other.
        lengths: (N,) of int64, or None: as for the networks.
    """
    directions, T = len(states[0]), len(x)
    # num_layers, dropout, training, bidirectional. "Training" says that a gradient may follow, also in evaluation.
    options = (len(weights) // directions == 4, 1, 0.0, torch.is_grad_enabled(), directions == 2)
    if lengths is None:
        start = tuple(states) if kind == "LSTM" else states[0]
        output, *ends = _KERNELS[kind](x, start, list(weights), *options, False)
        return output, ends
    order = lengths.argsort(descending=True)
    packed, back = pack_padded_sequence(x.index_select(1, order), lengths[order].cpu()), order.argsort()
    states = [state.index_select(1, order) for state in states]
    start = tuple(states) if kind == "LSTM" else states[0]
    data, *ends = _KERNELS[kind](packed.data, packed.batch_sizes, start, list(weights), *options)
    output, _ = pad_packed_sequence(PackedSequence(data, packed.batch_sizes), total_length=T)
    return output.index_select(1, back), [end.index_select(1, back) for end in ends]


@torch.no_grad()
def side_by_side_(kind: str, weights: Sequence[Tensor], directions: int) -> None:
    """Move the parameters of a layer into one block of memory, in place, where cuDNN would copy them in each call.

    Nothing is done where cuDNN does not compute the layer, or where two parameters are one. kind, weights: as for
    ``fused_layer``; directions: 1 or 2.
    """
    first, distinct = weights[0], len({w.data_ptr() for w in weights}) == len(weights)
    if not (distinct and all(w.is_cuda and w.dtype == first.dtype for w in weights)):
        return
    if not (torch.backends.cudnn.is_acceptable(first) and torch._use_cudnn_rnn_flatten_weight()):
        return
    mode = ["RNN_RELU", "RNN_TANH", "LSTM", "GRU"].index(kind)  # cuDNN's numbers
    (_, D), H = first.shape, weights[1].shape[1]
    with torch.cuda.device_of(first):
        torch._cudnn_rnn_flatten_weight(
            list(weights), len(weights) // directions, D, mode, H, 0, 1, False, directions == 2
        )
