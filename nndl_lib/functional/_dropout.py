"""Functions that draw random numbers: dropout. Derived in chapter 08, "Regularization and generalization"."""

from functools import partial

import torch
from torch import Tensor

from nndl_lib._arguments import check_flag, check_generator
from nndl_lib._declared import checked, number

_generator = partial(check_generator, optional=True)


@checked(input="...", mask="bool ...", p=number(below=1), training=check_flag, generator=_generator)
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
        ValueError: an argument is not what is said here.
    """
    if mask is not None and mask.shape != input.shape:
        raise ValueError(
            f"dropout: input has shape {tuple(input.shape)} and mask {tuple(mask.shape)}; expected one shape for both"
        )
    if not training or (p == 0 and mask is None):
        return input
    if mask is None:
        device = input.device if generator is None else generator.device
        kept = torch.empty_like(input, device=device, requires_grad=False).bernoulli_(1 - p, generator=generator)
    else:
        kept = mask.to(input.dtype)
    return input * kept.to(input.device).div_(1 - p)  # the factors are all that the backward pass needs
