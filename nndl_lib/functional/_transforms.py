"""Whether ``torch.func`` is transforming a function: it cannot look into gradients that are written by hand."""

import torch


def transformed() -> bool:
    """Whether this is inside of ``torch.func.grad``, ``vmap``, ``jacrev``, ``jvp`` or the like, such as in an ensemble.

    There, functions with a gradient by hand compute the same from operations that autograd knows. Written in the form
    that ``torch.func`` asks for, with a ``setup_context``, the others would take a third longer for small layers.
    """
    return torch._C._are_functorch_transforms_active()
