"""Files that hold the state of a training: written whole or not at all, and read without running what they hold.

A file is written beside its place, flushed to the disk and then renamed, which the operating system does in one step.
Whoever kills the process, or fills the disk, thus finds the last whole file where it was. Reading takes tensors,
numbers, strings, lists and dicts only (``weights_only=True``), since a pickle from elsewhere could run anything.
"""

import contextlib
import copy
import os
import random
import zipfile
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

__all__ = ["load", "random_state", "save", "set_random_state"]

# Beside tensors, lists, tuples and dicts, what the reader takes.
_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device)


def save(state: dict, path: str | os.PathLike) -> None:
    """Write a state, of tensors, numbers, strings, lists, tuples and dicts, to a file; its folder is made if need be.

    Numbers of NumPy, which ``load`` would refuse, are written as Python's.

    Raises:
        ValueError: the state holds something else, or is no dict.
        OSError: the file cannot be written, for example as the disk is full. What was at path before is still there.
    """
    if not isinstance(state, dict):
        raise ValueError(f"save: state is {state!r}; expected a dict")
    path, state = Path(path), _plain(state, "state")
    part = path.with_name(f".{path.name}.part")  # one name, so that a killed process leaves one file, written over next
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as either
        _remove(part)
        kept = "the file that was there is unchanged" if path.is_file() else "there is no file"
        cause = error if isinstance(error, OSError) else error.__context__ or error
        raise OSError(f"save: {path} could not be written: {cause}; {kept}") from error
    except BaseException:
        _remove(part)
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
        raise FileNotFoundError(
            f"load: {path} is {'a folder' if path.is_dir() else 'not there'}; expected a checkpoint"
        )
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


def random_state(device: str | torch.device = "cpu", generators: Iterable[torch.Generator] = ()) -> dict:
    """The states of all generators of random numbers: Python's, NumPy's, torch's, the device's, and those given."""
    device = torch.device(device)
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
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
            f"set_random_state: the state has {len(state['generators'])} generators; expected {len(generators)}"
        )
    name, keys, *rest = state["numpy"]
    random.setstate(state["python"])
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and state["device"] is not None:
        torch.cuda.set_rng_state(state["device"], device)
    for generator, own in zip(generators, state["generators"]):
        generator.set_state(own)


def _check_plain(state: dict) -> None:
    """Raises: ValueError where ``save`` would refuse a state, with the same words."""
    _plain(state, "state")


def _check_state(found: dict, expected: dict, what: str, caller: str) -> None:
    """Compare two states of models by name, shape and dtype, in the order of the expected one.

    An extra state, what a module's ``get_extra_state`` gives, is the module's to judge: only that it is there counts.

    Raises:
        ValueError: they differ; it names the first entry that does.
    """
    for name in [*expected, *found]:
        here, there = (_kind(name, state) for state in (found, expected))
        if here != there:
            raise ValueError(f"{caller}: {what} has {name} {here}; expected {there}: it is that of another model")


def _plain(value, where: str):
    # value itself, since a model's state has more on it than its entries; where it holds numbers of NumPy, a copy with
    # Python's. Types are compared, not asked for by isinstance: what is derived from a dict is a class of its own to
    # the reader.
    if isinstance(value, np.generic):
        return _plain(value.item(), where)
    if type(value) in (dict, OrderedDict):
        entries = {_plain(key, f"a key of {where}"): _plain(entry, f"{where}[{key!r}]") for key, entry in value.items()}
        if all(a is b for a, b in zip((*entries, *entries.values()), (*value, *value.values()))):
            return value
        changed = copy.copy(value)  # with what a model's state has on it
        changed.clear()
        changed.update(entries)
        return changed
    if type(value) in (list, tuple):
        found = [_plain(entry, f"{where}[{k}]") for k, entry in enumerate(value)]
        return value if all(a is b for a, b in zip(found, value)) else type(value)(found)
    if type(value) not in (Tensor, torch.nn.Parameter, *_PLAIN):
        raise ValueError(
            f"save: {where} is a {type(value).__name__}; expected tensors, numbers, strings, lists, tuples and dicts"
        )
    return value


def _kind(name: str, state: dict) -> str:
    if name not in state:
        return "of no shape, as it is missing"
    if name.rpartition(".")[2] == "_extra_state":
        return "as an extra state"
    entry = state[name]
    return f"{tuple(entry.shape)} of {entry.dtype}" if isinstance(entry, Tensor) else f"as a {type(entry).__name__}"


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):  # its own error would hide the one that led here
        part.unlink()


def _flush_folder(folder: Path) -> None:
    # The rename itself reaches the disk with its folder. Windows has no such call and needs none.
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
