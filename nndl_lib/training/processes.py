"""Several processes that train one model, each on its share of the minibatch, as ``torchrun`` starts them::

    torchrun --nproc-per-node 2 train.py

In ``train.py``, all that a training by several processes adds is where it runs and which rows are whose::

    with processes.started() as here:
        loader = TensorLoader(X, t, batch_size=128, generator=generator(0),
                              device=here.device, rank=here.rank, world_size=here.world_size)
        Trainer(model, loss, optimizer, device=here.device).fit(loader, epochs=10)

Without ``torchrun`` the same file is one process, and nothing is started. Used in chapter 16.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from nndl_lib import runtime

__all__ = ["Place", "rank", "started", "world_size"]


class Place(NamedTuple):
    """Where a process is among those that train together."""

    rank: int  # from 0; the process of rank 0 writes files and shows progress
    world_size: int  # how many there are
    device: torch.device  # its own


@contextmanager
def started(device: str | torch.device | None = None) -> Iterator[Place]:
    """Join the processes that ``torchrun`` started, and leave them at the end; one alone where it did not.

    Each gets the GPU of its number on this machine where the device is a GPU, and talks to the others by NCCL; by
    Gloo on a CPU.

    Raises:
        ValueError, RuntimeError: as ``runtime.get_device``.
    """
    place = runtime.get_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield Place(rank(), world_size(), place)
        return
    if place.type == "cuda" and place.index is None:
        place = runtime.get_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    with torch.cuda.device(place) if place.type == "cuda" else nullcontext():
        dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
        try:
            yield Place(rank(), world_size(), place)
        finally:
            dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if _several() else 0


def world_size() -> int:
    """How many processes train together; 1 where none were started."""
    return dist.get_world_size() if _several() else 1


def _sum(x: Tensor) -> Tensor:
    """Replace x, in place, by its sum over all processes; return x. All have to call it, with one shape."""
    if _several():
        dist.all_reduce(x)
    return x


def _gathered(value: object) -> list:
    """The values of all processes, in the order of their ranks. All have to call it."""
    if not _several():
        return [value]
    values: list = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


@contextmanager
def _together() -> Iterator[None]:
    """An error that one process raises while this lasts is raised in all, so that none waits for one that is gone.

    All have to enter and leave it. Raises: the error, in the process that has it; RuntimeError, with its words, in the
    others.
    """
    failed = None
    try:
        yield
    except Exception as error:
        failed = error
    messages = _gathered(None if failed is None else f"{type(failed).__name__}: {failed}")
    if failed is not None:
        raise failed
    for number, message in enumerate(messages):
        if message is not None:
            raise RuntimeError(f"Trainer: process {number} of {len(messages)} failed: {message}")


def _several() -> bool:
    return dist.is_available() and dist.is_initialized()
