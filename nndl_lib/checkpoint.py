"""Files that hold the state of a training: written whole or not at all, and read without running what they hold.

A file is written beside its place, flushed to the disk and then renamed, which the operating system does in one step.
Whoever kills the process, or fills the disk, thus finds the last whole file where it was. Reading takes tensors,
numbers, strings, lists and dicts only (``weights_only=True``), since a pickle from elsewhere could run anything.
"""

import os
import random
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

__all__ = ["check_state", "load", "random_state", "save", "set_random_state"]


def save(state: dict, path: str | os.PathLike) -> None:
    """Write a state, of tensors, numbers, strings, lists, tuples and dicts, to a file; its folder is made if need be.

    Raises:
        OSError: the file cannot be written, for example as the disk is full. What was at path before is still there.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part")  # one name, so that a killed process leaves one file, written over next
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as either
        part.unlink(missing_ok=True)
        kept = f"the file of before is unchanged ({path.stat().st_size} bytes)" if path.is_file() else "nothing is there"
        cause = error if isinstance(error, OSError) else error.__context__ or error
        raise OSError(f"save: {path} could not be written: {cause}; {kept}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def load(path: str | os.PathLike, map_location: str | torch.device = "cpu") -> dict:
    """Read a state that ``save`` wrote, with its tensors on the device map_location.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, changed, or something else than a state.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"load: {path} is not there; expected a checkpoint")
    try:
        with zipfile.ZipFile(path) as file:  # torch writes a checksum of each part, and does not compare it
            changed = file.testzip()
        if changed is not None:
            raise zipfile.BadZipFile(f"its part {changed} has another checksum than when it was written")
        state = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # whatever a broken file makes of torch's reader
        size, reason = path.stat().st_size, str(error).partition("\n")[0]
        raise ValueError(
            f"load: {path} ({size} bytes) cannot be read: {reason}; expected a whole checkpoint, as save writes it"
        ) from error
    if not isinstance(state, dict):
        raise ValueError(f"load: {path} holds a {type(state).__name__}; expected a dict")
    return state


def check_state(found: dict[str, Tensor], expected: dict[str, Tensor], what: str, caller: str) -> None:
    """Compare two states of models by name, shape and dtype, in the order of the expected one.

    Raises:
        ValueError: they differ; it names the first entry that does.
    """
    for name in [*expected, *found]:
        here, there = (_kind(state.get(name)) for state in (found, expected))
        if here != there:
            raise ValueError(f"{caller}: {what} has {name} {here}; expected {there}: it is that of another model")


def random_state(device: str | torch.device = "cpu", generators: Iterable[torch.Generator] = ()) -> dict:
    """The states of all generators of random numbers: Python's, NumPy's, torch's, the device's, and those given."""
    device = torch.device(device)
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (str(name), torch.from_numpy(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "generators": [generator.get_state() for generator in generators],
    }


def set_random_state(
    state: dict, device: str | torch.device = "cpu", generators: Iterable[torch.Generator] = ()
) -> None:
    """Set all of them to what ``random_state`` returned.

    Raises:
        ValueError: the number of generators given is another one than that of the state.
    """
    generators, device = list(generators), torch.device(device)
    if len(generators) != len(state["generators"]):
        raise ValueError(
            f"set_random_state: the state has {len(state['generators'])} generators; expected {len(generators)}, as given"
        )
    name, keys, *rest = state["numpy"]
    random.setstate(state["python"])
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and state["device"] is not None:
        torch.cuda.set_rng_state(state["device"], device)
    for generator, own in zip(generators, state["generators"]):
        generator.set_state(own)


def _kind(entry: Tensor | None) -> str:
    return "of no shape, as it is missing" if entry is None else f"{tuple(entry.shape)} of {entry.dtype}"


def _flush_folder(folder: Path) -> None:
    # The rename itself reaches the disk with its folder. Windows has no such call and needs none.
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
