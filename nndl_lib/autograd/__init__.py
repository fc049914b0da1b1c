"""Reverse-mode automatic differentiation of NumPy arrays: an engine to read, and fast enough to train with.

Chapter 05, "Backpropagation", builds a smaller one first. Names and conventions are PyTorch's: operations on a
``Tensor`` note down what they were computed from, ``backward()`` sends error signals from a number to all of it, and
leaves that require a gradient add what arrives to their ``grad``. The engine is written with NumPy alone; the checks of
gradients by central differences are for functions of PyTorch's tensors, and PyTorch is loaded when one of them is first
asked for::

    from nndl_lib.autograd import Tensor

    w = Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()  # w.grad is [2.0, 4.0]
"""

from typing import TYPE_CHECKING, Any

from nndl_lib.autograd._graph import Node, error_signals, is_grad_enabled, no_grad, topological_order
from nndl_lib.autograd._operations import concatenate, cross_entropy, log_softmax, maximum, stack, where
from nndl_lib.autograd._tensor import Tensor

if TYPE_CHECKING:
    from nndl_lib.autograd._gradcheck import check_gradients, numerical_gradient

__all__ = ["Tensor", "no_grad", "is_grad_enabled"]
__all__ += ["maximum", "where", "concatenate", "stack", "log_softmax", "cross_entropy"]
__all__ += ["Node", "topological_order", "error_signals"]
__all__ += ["numerical_gradient", "check_gradients"]


def __getattr__(name: str) -> Any:
    if name not in ("numerical_gradient", "check_gradients"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nndl_lib.autograd import _gradcheck

    return getattr(_gradcheck, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
