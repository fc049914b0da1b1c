"""Where computations run, where their randomness comes from, and in which mode a model is.

Used in every chapter, first in chapter 02, "Linear models".
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch

from nndl_lib._arguments import check_function, check_model
from nndl_lib._declared import checked, count

__all__ = ["evaluation", "generator", "get_device", "is_static", "seed_everything", "training"]

_SEED = count(least=0, most=2**32 - 1)  # the bound that NumPy sets


def get_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device to compute on.

    The first of these that is given decides: the argument, the environment variable ``NNDL_DEVICE``, a CUDA GPU if
    PyTorch sees one, the CPU. Apple's ``mps`` is used only when asked for by name: it has no float64, which many
    checks in the book need.

    Args:
        device: for example ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.

    Raises:
        ValueError: the name is not a device name.
        RuntimeError: the device was asked for and this machine does not have it.
    """
    source = "environment variable NNDL_DEVICE" if device is None else "argument"
    device = os.environ.get("NNDL_DEVICE") or None if device is None else device
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = "expected 'cpu', 'cuda', 'cuda:<index>' or 'mps'"
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"get_device: {device!r} (from the {source}) is not a device; {known}") from error
    asked = f"get_device: {str(found)!r} (from the {source})"
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (found.index or 0) >= count:
            raise RuntimeError(
                f"{asked} was asked for, but PyTorch {torch.__version__} sees {count} CUDA GPUs here; "
                "expected 'cpu'" + (f" or 'cuda:0' to 'cuda:{count - 1}'" if count else "")
            )
    elif found.type == "mps":
        if not torch.backends.mps.is_available():
            raise RuntimeError(f"{asked} was asked for, but this machine has no Apple GPU")
    elif found.type != "cpu":
        raise ValueError(f"{asked} is not supported; {known}")
    return found


@checked(seed=_SEED)
def generator(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a new random generator, seeded. Give every consumer of random numbers one of its own.

    Args:
        seed: an integer from 0 to 2**32 - 1.
        device: where the random numbers are to be made.

    Raises: ValueError: the seed is not such an integer.
    """
    return torch.Generator(device=device).manual_seed(seed)


@checked(seed=_SEED)
def seed_everything(seed: int) -> torch.Generator:
    """Seed Python's, NumPy's and PyTorch's global generators, and return a PyTorch generator of the same seed.

    The book passes generators explicitly. This is for code that is not yours and draws from the global ones.

    Raises: ValueError: the seed is not an integer from 0 to 2**32 - 1.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return generator(seed)


@contextmanager
@checked(model=partial(check_function, classes=False))
def evaluation(model: Callable) -> Iterator[None]:
    """While it lasts, every module of a model is in evaluation mode; then each in its own again, also after an error.

    A model that is no module, such as a function, has no modes and is left alone.
    """
    parts = list(model.modules()) if isinstance(model, torch.nn.Module) else []
    modes = [part.training for part in parts]
    try:
        for part in parts[:1]:
            part.eval()
        yield
    finally:
        for part, mode in zip(parts, modes):
            part.training = mode


@contextmanager
@checked(model=check_model)
def training(model: torch.nn.Module) -> Iterator[None]:
    """While it lasts, a model that was in evaluation mode as a whole, each module of it, is in training mode.

    A model of which some module is in training mode stays as it is: where only a part is in evaluation mode, such as a
    frozen body, or a batch normalization that keeps its statistics, somebody meant it.
    """
    if any(part.training for part in model.modules()):
        yield
        return
    try:
        model.train()
        yield
    finally:
        model.eval()


def is_static() -> bool:
    """True while the book is being built, when the output must stand without a kernel (``NNDL_STATIC=1``)."""
    return os.environ.get("NNDL_STATIC", "") not in ("", "0")
