"""Reverse-mode automatic differentiation of NumPy arrays: an engine to read, and fast enough to train with.

Chapter 05, "Backpropagation", builds a smaller one first. Names and conventions are PyTorch's: operations on a ``Tensor``
note down what they were computed from, ``backward()`` sends error signals from a number to all of it, and leaves that
require a gradient add what arrives to their ``grad``. This package needs NumPy alone.

``arrays`` has what the operations need beyond NumPy, ``graph`` the nodes and the way back through them, ``tensor`` the
operations of one and two tensors as methods,
``operations`` the functions. Take them from here::

    from nndl_lib.autograd import Tensor

    w = Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()  # w.grad is [2.0, 4.0]
"""

from nndl_lib.autograd.graph import Node, error_signals, is_grad_enabled, no_grad, topological_order
from nndl_lib.autograd.operations import concatenate, cross_entropy, log_softmax, maximum, stack, where
from nndl_lib.autograd.tensor import Tensor

__all__ = [
    "Node",
    "Tensor",
    "concatenate",
    "cross_entropy",
    "error_signals",
    "is_grad_enabled",
    "log_softmax",
    "maximum",
    "no_grad",
    "stack",
    "topological_order",
    "where",
]
