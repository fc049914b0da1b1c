"""An LSTM over a whole sequence, with backpropagation through time by hand: as fast as torch's own, or nearly.

The values are those of ``lstm_step``, one step after another, and the gradients those of autograd through it, as
the tests assert. What makes it fast: everything that does not wait for the step before is done for all steps at once,
and the gates lie behind each other, (4, T, N, H), so that each is one block of memory.
"""

import torch
from torch import Tensor

from nndl_lib._declared import checked


@checked(x="T N D", h="N H", c="N H", weight_ih="K D", weight_hh="K H", bias="K")
def lstm_sequence(
    x: Tensor, h: Tensor, c: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Hidden states and cells after every step, (T, N, H) each, of inputs x (T, N, D) and a first state h, c (N, H).

    It has no second derivatives. ``gates`` has them, for the same values.

    Args:
        weight_ih: (4 H, D). weight_hh: (4 H, H). bias: (4 H,), both biases of torch's together.

    Raises: ValueError: shapes, dtypes or devices do not fit, or a gradient is asked for with ``create_graph=True``.
    """
    (T, N, D), H = x.shape, h.shape[1]
    rows, weights = x.reshape(T * N, D).expand(4, -1, -1), weight_ih.reshape(4, H, D).mT
    z = rows @ weights if bias is None else torch.baddbmm(bias.reshape(4, 1, H), rows, weights)
    return _LSTM.apply(z.reshape(4, T, N, H), weight_hh.reshape(4, H, H), h, c)


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx, from_inputs: Tensor, weight: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor]:
        gates = from_inputs  # (4, T, N, H), made for this alone: the gates take the place of the pre-activations
        _, T, N, H = gates.shape
        h, c = gates.new_empty(T + 1, N, H), gates.new_empty(T + 1, N, H)  # entry t is the state before step t
        tanh_c, h[0], c[0] = gates.new_empty(T, N, H), h0, c0
        views = zip(gates.unbind(1), gates[:2].unbind(1), *(gate.unbind() for gate in gates), tanh_c.unbind())
        # The four gates of a step read the same state before it: expand repeats that without a copy.
        states = zip(h.expand(4, -1, -1, -1).unbind(1), c.unbind(), h[1:].unbind(), c[1:].unbind())
        transposed = weight.mT
        # This is lstm_step in place. A loop over lstm_step takes 1.2 to 1.5 times as long, backward pass included.
        for (step, both, i, f, g, o, read), (before, cell_before, after, cell) in zip(views, states):
            step.baddbmm_(before, transposed)
            both.sigmoid_(), g.tanh_(), o.sigmoid_()
            torch.mul(f, cell_before, out=cell).addcmul_(i, g)
            torch.mul(o, torch.tanh(cell, out=read), out=after)
        ctx.save_for_backward(gates, weight, h, c, tanh_c)
        ctx.set_materialize_grads(False)
        return h[1:].clone(), c[1:].clone()  # copies: what is saved must not change when the caller changes these

    @staticmethod
    def backward(ctx, by_h: Tensor | None, by_c: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if torch.is_grad_enabled():  # what follows is out of autograd's sight, and would count as constant
            raise ValueError("lstm_sequence: create_graph is True; expected False, or the states of rnn.gates instead")
        gates, weight, h, c, tanh_c = ctx.saved_tensors
        (i, f, g, o), (T, N, H) = gates, tanh_c.shape
        by_h = torch.zeros_like(tanh_c) if by_h is None else by_h
        # How pre-activations act: those of i, f and g on the cell of their step, that of o on its hidden state.
        by_z = torch.addcmul(gates, gates, gates, value=-1)  # y (1 - y), the derivative of the logistic function
        by_z[0] *= g
        by_z[1] *= c[:-1]
        torch.mul(i, g, out=by_z[2])
        torch.addcmul(i, by_z[2], g, value=-1, out=by_z[2])  # i (1 - g**2)
        by_z[3] *= tanh_c
        reads = o * tanh_c
        torch.addcmul(o, reads, tanh_c, value=-1, out=reads)  # o (1 - tanh(c)**2): how the cell acts on the state
        # From the last step to the first, multiply these in place by the gradients of the loss.
        dh, dc = by_h[-1], torch.zeros_like(by_h[0])
        views = zip(by_z.unbind(1), by_z[:3].unbind(1), by_z[3].unbind(), reads.unbind(), f.unbind())
        for t, (step, by_cell, by_hidden, read, keep) in reversed(list(enumerate(views))):
            if by_c is not None:
                dc += by_c[t]
            dc.addcmul_(dh, read)
            by_cell *= dc
            by_hidden *= dh
            dc *= keep  # the cell before: its gradient is this one times the forget gate
            dh = torch.addbmm(by_h[t - 1] if t else torch.zeros_like(dh), step, weight)
        by_weight = by_z.reshape(4, T * N, H).mT @ h[:-1].reshape(T * N, H)
        return by_z, by_weight, dh, dc
