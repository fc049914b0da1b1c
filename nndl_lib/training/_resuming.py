"""How a ``Trainer`` goes on where it, or another one, was: what it keeps of itself, and its place in the loader."""

from collections.abc import Iterable, Sized
from typing import Any

import torch

from nndl_lib.data import TensorLoader
from nndl_lib.training import checkpoint, processes
from nndl_lib.training._callbacks import ProgressBar

_COUNTS = ("epoch", "step", "batch", "measuring", "stop")
# What a state holds, and of what type where that is always the same. Of averages and random states, one a process.
_KINDS: dict[str, type | None] = {
    "settings": dict,
    "model": dict,
    "optimizer": dict,
    "rates": list,
    "scaler": dict,
    "counts": dict,
}
_KINDS |= {"history": dict, "averages": list, "early_stopping": None, "callbacks": list, "loader": None, "random": list}


def state_of(trainer) -> dict[str, Any]:
    """All that is needed to go on: tensors, numbers, strings, lists and dicts. All processes have to call it.

    Raises:
        ValueError: the loader is elsewhere than the trainer.
    """
    stopping = trainer.early_stopping
    return {
        "settings": _settings(trainer),
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "rates": list(trainer._rates),
        "scaler": trainer._scaler.state_dict(),
        "counts": {name: getattr(trainer, name) for name in _COUNTS},
        "history": {name: list(values) for name, values in trainer.history.items()},
        "averages": processes._gathered(trainer._averages.state_dict()),
        "early_stopping": None if stopping is None else stopping.state_dict(),
        "callbacks": [callback.state_dict() for callback in _saved_callbacks(trainer)],
        "loader": trainer._loader_state or _place(trainer),
        "random": processes._gathered(checkpoint.random_state(trainer.device, trainer.generators)),
    }


def restore(trainer, state: dict[str, Any]) -> None:
    """Make a trainer go on from what ``state_of`` gave.

    Raises:
        ValueError: it is that of another model, optimizer or setting; nothing has changed then.
    """
    _check(trainer, state)
    trainer.optimizer.load_state_dict(state["optimizer"])  # before the model, as it may refuse
    trainer.model.load_state_dict(state["model"])
    trainer._rates = list(state["rates"])
    trainer._scaler.load_state_dict(state["scaler"])
    if trainer.early_stopping is not None:
        trainer.early_stopping.load_state_dict(state["early_stopping"])
    for callback, own in zip(_saved_callbacks(trainer), state["callbacks"]):
        callback.load_state_dict(own)
    for name in _COUNTS:
        setattr(trainer, name, state["counts"][name])
    trainer.history = {name: list(values) for name, values in state["history"].items()}
    rank = processes.rank()
    trainer._averages.load_state_dict(state["averages"][rank], trainer.device)
    trainer._loader_state, trainer._broken_off = state["loader"], False
    checkpoint.set_random_state(state["random"][rank], trainer.device, trainer.generators)


def checked_state_of(trainer) -> dict[str, Any]:
    """The trainer's ``state_dict``. Raises: ValueError, in every process, where that of one cannot be saved."""
    state = trainer.state_dict()
    with processes._together():
        checkpoint._check_plain(state)
    return state


def check_loader(trainer, loader: Iterable, validation: Iterable | None) -> None:
    """Raises: ValueError where a loader's order could not be made again, or is that of other processes."""
    if isinstance(loader, TensorLoader) and loader.world_size != processes.world_size():
        expected = f"expected {processes.world_size()}, the number of processes"
        raise ValueError(f"Trainer: the loader has world_size {loader.world_size}; {expected}")
    others = [torch.default_generator, *trainer.generators]
    others += generators(validation) if validation is not loader else []
    if any(one is other for one in generators(loader) for other in others):
        raise ValueError(
            "Trainer: the loader's generator is also torch's own, or that of the model, of the validation or among "
            "generators; expected one from which nothing else draws, so that the order can be made again"
        )


def go_on(trainer, loader: Iterable) -> None:
    """Set the loader to where the checkpoint was written, or where an error broke off the epoch.

    Raises:
        ValueError: it cannot go on in the middle of an epoch.
    """
    state, trainer._loader_state = trainer._loader_state, None
    if state is None and trainer._broken_off and loader is trainer._loader:
        state = _place(trainer)
    if state is not None and hasattr(loader, "load_state_dict"):
        loader.load_state_dict(state)
    elif trainer.batch > 0 and not trainer.measuring:
        expected = "the loader of before" if hasattr(loader, "load_state_dict") else "a TensorLoader"
        raise ValueError(
            f"Trainer: the training goes on after {trainer.batch} steps of epoch {trainer.epoch}, and the loader, a "
            f"{type(loader).__name__}, has no place to go on from; expected {expected}, or a checkpoint "
            "written after an epoch"
        )
    trainer._loader = loader


def generators(owner: torch.nn.Module | Iterable | None) -> list[torch.Generator]:
    """Those that are attributes of a loader, or of a model's modules."""
    parts = owner.modules() if isinstance(owner, torch.nn.Module) else [owner]
    values = (value for part in parts for value in getattr(part, "__dict__", {}).values())
    return [value for value in values if isinstance(value, torch.Generator)]


def length(loader: Iterable) -> int | None:
    """How many minibatches an epoch of a loader has; None where it has no length, or does not know it."""
    try:
        return len(loader) if isinstance(loader, Sized) else None
    except TypeError:  # one of torch's over a stream
        return None


def _place(trainer) -> dict[str, Any] | None:
    # Where the loader is: after the last minibatch of which the step was taken.
    loader = trainer._loader
    state = loader.state_dict() if hasattr(loader, "state_dict") else None
    if isinstance(loader, TensorLoader) and state is not None and not trainer.measuring:
        if state["batch"] not in (trainer.batch, trainer.batch + 1):
            raise ValueError(
                f"Trainer: the loader is after minibatch {state['batch']} of an epoch, and {trainer.batch} steps are "
                "done; expected a loader that nothing else loops over"
            )
        state["batch"] = trainer.batch
    return state


def _saved_callbacks(trainer) -> list:
    return [callback for callback in trainer.callbacks if not isinstance(callback, ProgressBar)]


def _settings(trainer) -> dict[str, Any]:
    # What has to be the same in the training that goes on.
    return {
        "world_size": processes.world_size(),
        "optimizer": type(trainer.optimizer).__name__,
        "precision": trainer._precision,
        "callbacks": len(_saved_callbacks(trainer)),
        "early_stopping": trainer.early_stopping is not None,
        "generators": len(trainer.generators),
    }


def _check(trainer, state: dict[str, Any]) -> None:
    def same(what: str, found, expected) -> None:
        if found != expected:
            raise ValueError(f"Trainer: the checkpoint has {what}{found}; expected {expected}")

    same("", ", ".join(sorted(map(str, state))), ", ".join(sorted(_KINDS)))
    for name, kind in _KINDS.items():
        if kind is not None and not isinstance(state[name], kind):
            same(f"{name} of type ", type(state[name]).__name__, kind.__name__)
    checkpoint._check_state(state["model"], trainer.model.state_dict(), "the checkpoint", "Trainer")
    for name, own in _settings(trainer).items():
        same(f"{name} ", repr(state["settings"].get(name)), repr(own))
    same("counts ", sorted(state["counts"]), sorted(_COUNTS))
    for name, what in (("averages", "averages"), ("random", "random states")):
        same(f"{what} of as many processes ", len(state[name]), processes.world_size())
    measured = sorted(state["averages"][0]["sums"])  # in the middle of an epoch, a new quantity has no average
    same("measured ", measured, sorted(["cost", *trainer.metrics]) if measured else [])
