"""Minibatches of tensors that lie on the device already: no copy to the device, no worker processes.

For data that fits into memory, such as all sets of this book. ``torch.utils.data.DataLoader`` is for data that has to
be read while training; ``training.Trainer`` takes either.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from nndl_lib._arguments import (
    check_count,
    check_device,
    check_flag,
    check_function,
    check_generator,
    check_rows,
    check_tensors,
)

_SETTINGS = ("N", "batch_size", "drop_last", "even")  # what an epoch's minibatches follow from, beside its order


class TensorLoader:
    """Goes through the rows of tensors in minibatches; each ``for`` loop over it is one epoch.

    A minibatch is a tuple with a piece (n, ...) of each tensor. In order, it is a slice of the tensors themselves; in
    random order, a copy of their rows.

    With several processes, each makes a loader with the same tensors, batch_size and seed, and its own rank. The
    minibatches are then those of one process, and rank r takes their rows r, r + world_size, r + 2 world_size, ...

    Attributes:
        N: rows of the tensors.
        epoch: how many epochs are over, counted from 0.
    """

    def __init__(
        self,
        *tensors: Tensor,
        batch_size: int,
        generator: torch.Generator | None = None,
        drop_last: bool = False,
        transform: Callable[[Tensor], Tensor] | None = None,
        device: str | torch.device | None = None,
        rank: int = 0,
        world_size: int = 1,
        even: bool = True,
    ):
        """Take the tensors, and copy them to the device where they are elsewhere.

        Args:
            tensors: at least one, each (N, ...), one example a row; inputs first and targets last.
            batch_size: examples a step, those of all processes together. The last minibatch of an epoch has what is
                left.
            generator: what the order is drawn from, anew in each epoch; None for the order of the tensors.
            drop_last: leave out a last minibatch that is shorter.
            transform: maps the rows of the first tensor to what a minibatch has instead, row by row, for example an
                augmentation.
            device: where the tensors are to lie; None for where they are.
            rank: the number of this process. world_size: how many there are.
            even: give each process equally many rows in each step, as training needs, whose steps average over the
                processes. Up to world_size - 1 rows are then left out of the last minibatch. False, for evaluation,
                leaves out none; a process may then get fewer minibatches than another.

        Raises:
            ValueError: there is no tensor, they differ in their number of rows or have none, another argument is of
                another kind or outside its range, or batch_size is not a multiple of world_size while even.
        """
        caller = "TensorLoader"
        self.tensors = _rows(tensors, check_device(device, caller))
        self.batch_size = check_count(batch_size, "batch_size", caller)
        self.generator = check_generator(generator, "generator", caller, optional=True)
        self.drop_last = check_flag(drop_last, "drop_last", caller)
        self.transform = transform if transform is None else check_function(transform, "transform", caller, False)
        self.world_size = check_count(world_size, "world_size", caller)
        self.rank = check_count(rank, "rank", caller, least=0)
        self.even = check_flag(even, "even", caller)
        self.N, self.epoch = len(self.tensors[0]), 0
        # The generator before it drew the order of the epoch that goes on, None where none does; minibatches so far.
        self._start: Tensor | None = None
        self._batch, self._resumed, self._loop = 0, False, object()
        self._check()

    def __len__(self) -> int:
        """How many minibatches an epoch has, for this process."""
        rows = self._rows()
        full, rest = divmod(rows, self.batch_size)
        return full + (rest > self.rank)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """One epoch; after ``load_state_dict``, the rest of the one that was broken off.

        Raises:
            ValueError: with a generator, from which each loop draws its order: another loop began before this ended.
        """
        if not self._resumed:
            self._start, self._batch = self._generator_state(), 0
        self._resumed, loop = False, object()
        self._loop, rows = loop, self._order()
        for k in range(self._batch, len(self)):
            yield self._minibatch(k, rows[k])
            if self._loop is not loop and self.generator is not None:
                raise ValueError("TensorLoader: another loop over it began in this one; expected a loader for each")
        self.epoch += 1
        self._start, self._batch = None, 0

    def state_dict(self) -> dict:
        """What is needed to go on after the minibatch that was given last: "N", "batch_size", "drop_last", "even",
        "epoch", "batch" and "generator", the generator's state before it drew the order of this epoch, or None."""
        start = self._generator_state() if self._start is None else self._start.clone()
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return {**settings, "epoch": self.epoch, "batch": self._batch, "generator": start}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on where ``state_dict`` was made: the next loop gives the rest of that epoch, in the same order.

        Raises:
            ValueError: it is that of a loader with other rows, another batch_size, drop_last or even, more minibatches,
                or with or without a generator.
        """
        self._check_state(state_dict)
        if self.generator is not None:
            self.generator.set_state(state_dict["generator"])
        self.epoch, self._batch, self._resumed = state_dict["epoch"], state_dict["batch"], True
        self._start = self._generator_state()

    def _rows(self) -> int:
        # How many rows of the epoch's order are used.
        rest = self.N % self.batch_size
        left_out = rest if self.drop_last else rest % self.world_size if self.even else 0
        return self.N - left_out

    def _order(self) -> Sequence[slice | Tensor]:
        # For each minibatch of an epoch, the numbers of the rows that this process takes.
        stop = self._rows()
        if self.generator is None:
            starts, step = range(0, stop, self.batch_size), self.world_size
            return [slice(start + self.rank, min(start + self.batch_size, stop), step) for start in starts]
        order = torch.randperm(self.N, generator=self.generator, device=self.generator.device)
        pieces = order.to(self.tensors[0].device)[:stop].split(self.batch_size)
        return pieces if self.world_size == 1 else [piece[self.rank :: self.world_size] for piece in pieces]

    def _minibatch(self, k: int, rows: slice | Tensor) -> tuple[Tensor, ...]:
        if isinstance(rows, slice):
            batch = [tensor[rows] for tensor in self.tensors]
        else:
            batch = [tensor.index_select(0, rows) for tensor in self.tensors]
        if self.transform is not None:
            batch[0] = check_rows(self.transform(batch[0]), batch[0], "transform", "TensorLoader")
        self._batch = k + 1
        return tuple(batch)

    def _generator_state(self) -> Tensor | None:
        return None if self.generator is None else self.generator.get_state()

    def _check(self) -> None:
        # What the numbers have to do with each other.
        rank, world_size, batch_size = self.rank, self.world_size, self.batch_size
        if rank >= world_size:
            raise ValueError(f"TensorLoader: rank is {rank}; expected 0 to {world_size - 1}, of {world_size}")
        if self.even and batch_size % world_size:
            raise ValueError(
                f"TensorLoader: batch_size is {batch_size} and world_size {world_size}; expected a multiple of it, as "
                "batch_size counts the examples of all processes"
            )
        if len(self) == 0:
            raise ValueError(
                f"TensorLoader: {self.N} rows make no minibatch of {batch_size} with drop_last={self.drop_last}, "
                f"world_size={world_size} and even={self.even}; expected at least one"
            )

    def _check_state(self, state_dict: dict) -> None:
        for name in _SETTINGS:
            if state_dict[name] != (own := getattr(self, name)):
                raise ValueError(f"TensorLoader: state_dict has {name} {state_dict[name]}; expected {own}")
        if (state_dict["generator"] is None) != (self.generator is None):
            words = ["with a generator", "without a generator"]
            found, own = words[state_dict["generator"] is None], words[self.generator is None]
            raise ValueError(f"TensorLoader: state_dict is that of a loader {found}; expected one {own}")
        if not 0 <= state_dict["batch"] <= len(self):
            raise ValueError(f"TensorLoader: state_dict has batch {state_dict['batch']}; expected 0 to {len(self)}")


def _rows(tensors: tuple[Tensor, ...], device: torch.device | None) -> tuple[Tensor, ...]:
    # The tensors, with one row for each example in all of them, on the device.
    check_tensors("TensorLoader", **{f"tensors[{k}]": tensor for k, tensor in enumerate(tensors)})
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if not tensors or any(not shape or shape[0] != shapes[0][0] or shape[0] == 0 for shape in shapes):
        raise ValueError(
            f"TensorLoader: the tensors have shapes {shapes}; expected at least one, with the same number of rows, "
            "at least 1"
        )
    return tensors if device is None else tuple(tensor.to(device) for tensor in tensors)
