"""Functions that draw random numbers: dropout. Derived in chapter 08, "Regularization and generalization"."""

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments


def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    *,
    mask: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Inverted dropout: in training, each entry is 0 with probability p, else divided by ``1 - p``; else input itself.

    So the expected value of an entry is the entry, and evaluation needs no factor. From the same seed, the entries that
    are dropped are those that torch's drops.

    Args:
        input: of any shape.
        p: from 0 to below 1.
        mask: bool in the shape of input, True where an entry is kept, instead of a draw. Its survivors are divided by
            ``1 - p`` all the same.
        generator: what the mask is drawn from, on its device; PyTorch's global generator without one.

    Source: Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html.

    Raises:
        ValueError: input is not floating-point, p is outside 0 to below 1, training is no bool, mask is not bool in the
            shape of input, or generator is no generator.
    """
    arguments.check_floating(input, "dropout")
    arguments.check_number(p, "p", "dropout", below=1)
    arguments.check_flag(training, "training", "dropout")
    arguments.check_generator(generator, "generator", "dropout", optional=True)
    arguments.check_tensors("dropout", **({} if mask is None else {"mask": mask}))
    if mask is not None and (mask.shape != input.shape or mask.dtype != torch.bool):
        raise ValueError(
            f"dropout: input has shape {tuple(input.shape)} and mask {tuple(mask.shape)} with dtype {mask.dtype}; "
            f"expected mask {tuple(input.shape)} of torch.bool"
        )
    if not training or (p == 0 and mask is None):
        return input
    if mask is None:
        device = input.device if generator is None else generator.device
        kept = torch.empty_like(input, device=device, requires_grad=False).bernoulli_(1 - p, generator=generator)
    else:
        kept = mask.to(input.dtype)
    return input * kept.to(input.device).div_(1 - p)  # the factors are all that the backward pass needs
