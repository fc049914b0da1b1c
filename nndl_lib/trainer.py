"""A trainer for any model: the loop of ``training.train`` with what long trainings need around it.

Devices, mixed precision, several processes, validation, schedules, and checkpoints from which a training that was
killed goes on to the same numbers. ``training.train`` is the loop alone, to read. Used from chapter 09 on.
"""

import math
import os
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nndl_lib import arguments, processes, runtime
from nndl_lib import checkpoint as checkpoints
from nndl_lib.averages import Averages
from nndl_lib.callbacks import Callback, ProgressBar
from nndl_lib.loader import TensorLoader
from nndl_lib.optimizer import Optimizer
from nndl_lib.regularization import EarlyStopping
from nndl_lib.stepper import Stepper

__all__ = ["Trainer"]

# What a checkpoint holds, and of what type where that is always the same.
_KEYS = {
    "world_size": int, "stepper": dict, "counts": dict, "history": dict, "averages": list, "early_stopping": None,
    "callbacks": list, "loader": None, "random": list,
}  # fmt: skip
_COUNTS = ("epoch", "step", "batch", "stop")


class Trainer:
    """Trains a model on a loader's minibatches, and keeps all that is needed to go on later.

    Attributes:
        model, optimizer: those given, the model on ``device``.
        epoch, step, batch: epochs and steps that are done, and steps of the epoch that goes on.
        history: a list of floats, one an epoch, for each of "cost", the metrics, and with validation
            "validation_cost" and "validation_<metric>". The cost is the average of the losses over the epoch's
            examples, each taken before the update that its minibatch made; likewise the metrics.
        stop: set to True, in a callback, to end the training after the epoch.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: torch.optim.Optimizer | Optimizer,
        *,
        device: str | torch.device | None = None,
        metrics: dict[str, Callable[[Tensor, Tensor], Tensor]] | None = None,
        schedule: Callable[[int], float] | None = None,
        clip_norm: float | None = None,
        precision: str | None = None,
        compile: bool | str = False,
        early_stopping: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_steps: int | None = None,
        generators: Sequence[torch.Generator] = (),
    ):
        """Move the model to the device. Inside ``processes.started``, make it one of the several that train together.

        Args:
            model: maps the inputs of a minibatch, all of its tensors but the last, to outputs.
            loss: maps outputs and targets to the average loss of the minibatch, a 0-d tensor.
            optimizer: of torch or ``nndl_lib``, over parameters of the model.
            device: as for ``runtime.get_device``.
            metrics: by name, functions of outputs and targets: to the average over the minibatch, a 0-d tensor or a
                number, or to a value for each example (n,), as ``lambda z, t: z.argmax(dim=1) == t`` for the accuracy.
            schedule: maps the number of the step, from 0, to a factor for the optimizer's learning rates.
            clip_norm: scale the gradients to this norm where theirs is larger.
            precision: "bfloat16" or "float16", for the model to compute in that where it is safe (``torch.autocast``).
                Loss and metrics get float32. With float16 the loss is scaled.
            compile: run the model through ``torch.compile``; a name for that of its backend.
            early_stopping: gets the validation cost after each epoch. At the end the model has the state that was best.
            callbacks: called in this order. progress: whether to show a bar; None as ``callbacks.ProgressBar``.
            checkpoint: a file to write after each epoch, and after every ``checkpoint_steps`` steps if that is given.
            generators: those that the model or the data draw from, beside the loader's own, to be saved as well.

        Raises:
            ValueError: an argument is of another kind or outside its range, a metric has the name of another entry of the
                history, or the optimizer has a parameter that is not the model's.
            RuntimeError: as ``runtime.get_device``.
        """
        if checkpoint is not None and (not os.fspath(checkpoint) or os.path.isdir(checkpoint)):
            raise ValueError(f"Trainer: checkpoint is {str(checkpoint)!r}; expected a file, not a folder")
        if checkpoint_steps is not None:
            arguments.check_count(checkpoint_steps, "checkpoint_steps", "Trainer")
            if checkpoint is None:
                raise ValueError(f"Trainer: checkpoint_steps is {checkpoint_steps} without checkpoint; expected a file")
        self.device, self.metrics = runtime.get_device(device), _checked_metrics(metrics)
        if not isinstance(callbacks, (list, tuple)) or not all(isinstance(callback, Callback) for callback in callbacks):
            raise ValueError(f"Trainer: callbacks is {callbacks!r}; expected a list of callbacks.Callback")
        self._stepper = Stepper(
            model, loss, optimizer, self.device,
            schedule=schedule, clip_norm=clip_norm, precision=precision, compile=compile,
        )  # fmt: skip
        self.model, self.optimizer, self.early_stopping = self._stepper.model, optimizer, early_stopping
        self.callbacks = list(callbacks)
        if progress is not False and processes.rank() == 0:
            self.callbacks.append(ProgressBar(progress))
        self.checkpoint, self.checkpoint_steps, self.generators = checkpoint, checkpoint_steps, list(generators)
        self.epoch, self.step, self.batch, self.stop, self.history = 0, 0, 0, False, {}
        self._averages, self._loader, self._loader_state, self._measuring = Averages(), None, None, False

    def fit(self, loader: Iterable, epochs: int, validation: Iterable | None = None, resume: bool = False) -> dict:
        """Train until ``epochs`` epochs are done, those before this call counted; return ``history``.

        Args:
            loader: each loop over it gives the minibatches of an epoch, tuples of tensors, the targets last.
            validation: another, to measure cost and metrics on after each epoch, in evaluation mode.
            resume: go on from the checkpoint, if its file is there; start from the beginning if not.

        Raises:
            ValueError: an argument is outside its range or contradicts another, the loss is not a 0-d tensor, or it
                became NaN or infinite, which says that the learning rate is too large; then nothing is saved.
            OSError: a checkpoint cannot be written. The one of before is still there.
        """
        self._check_fit(loader, epochs, validation, resume)
        if resume and os.path.isfile(self.checkpoint):
            self.load(self.checkpoint)
        self._continue(loader)
        try:
            for callback in self.callbacks:
                callback.on_fit_start(self, len(loader) if hasattr(loader, "__len__") else None)
            while self.epoch < epochs and not self.stop:
                if not self._measuring:  # an interrupt in the validation does not train the epoch again
                    self._train_epoch(loader)
                self._end_epoch(validation)
        finally:
            for callback in self.callbacks:
                callback.on_fit_end(self)
        if self.early_stopping is not None:
            self.early_stopping.restore(self.model)
        return self.history

    @torch.no_grad()
    def evaluate(self, loader: Iterable) -> dict[str, float]:
        """The averages of loss and metrics over a loader's examples, "cost" first, in evaluation mode.

        With several processes, over what all of them have; make the loader with ``even=False`` to leave nothing out.

        Raises:
            ValueError: the loader has no minibatch, the loss is not a 0-d tensor, or the model's output not finite.
        """
        averages, training = Averages(), self.model.training
        self.model.eval()
        try:
            for batch in loader:
                self._measure(averages, *self._stepper.outputs(batch, training=False))
        except FloatingPointError as error:
            raise self._diverged(f"in evaluation, {error}") from error
        finally:
            self.model.train(training)
        return averages.read(["cost", *self.metrics], self.device)

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint: what ``state_dict`` returns, from the process of rank 0. All processes have to call it.

        Raises:
            ValueError: the loss has become NaN or infinite, or a callback's state is not of the kind that can be saved.
            OSError: it cannot be written. What was at path before is still there.
        """
        total, error = self._averages.total("cost"), None
        if total is not None and not total.isfinite():
            error = self._diverged(f"the sum of the losses is {total.item()}")
        processes.raise_together(error)
        state = self.state_dict()
        if processes.rank() == 0:
            try:
                checkpoints.save(state, path)
            except (OSError, ValueError) as failed:
                error = failed
        processes.raise_together(error)

    def load(self, path: str | os.PathLike) -> None:
        """Read a checkpoint and go on from it: ``fit`` takes the steps that the training that wrote it would have.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is broken, or is that of another model, optimizer, precision or number of processes;
                model and optimizer are then as they were.
        """
        self.load_state_dict(checkpoints.load(path))

    def state_dict(self) -> dict:
        """Model, optimizer, counts, history, the loader's place, and the states of all random numbers, those of each
        process. All processes have to call it."""
        return {
            "world_size": processes.world_size(),
            "stepper": self._stepper.state_dict(),
            "counts": {name: getattr(self, name) for name in _COUNTS},
            "history": {name: list(values) for name, values in self.history.items()},
            "averages": processes.gathered(self._averages.state_dict()),
            "early_stopping": None if self.early_stopping is None else self.early_stopping.state_dict(),
            "callbacks": [callback.state_dict() for callback in self._saved_callbacks()],
            "loader": self._loader.state_dict() if hasattr(self._loader, "state_dict") else None,
            "random": processes.gathered(checkpoints.random_state(self.device, self.generators)),
        }

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned. Raises ValueError as ``load`` does, before anything is changed."""
        self._check_state(state_dict)
        self._stepper.load_state_dict(state_dict["stepper"])  # refuses another's before it changes anything
        if self.early_stopping is not None:
            self.early_stopping.load_state_dict(state_dict["early_stopping"])
        for callback, own in zip(self._saved_callbacks(), state_dict["callbacks"]):
            callback.load_state_dict(own)
        counts, rank = state_dict["counts"], processes.rank()
        self.epoch, self.step, self.batch, self.stop = (counts[name] for name in _COUNTS)
        self.history = {name: list(values) for name, values in state_dict["history"].items()}
        self._averages.load_state_dict(state_dict["averages"][rank], self.device)
        self._loader_state, self._measuring = state_dict["loader"], False
        checkpoints.set_random_state(state_dict["random"][rank], self.device, self.generators)

    # --- one epoch ---

    def _train_epoch(self, loader: Iterable) -> None:
        self.model.train()
        for batch in loader:
            try:
                outputs = self._stepper.step(batch, self.step)
            except FloatingPointError as error:
                raise self._diverged(str(error)) from error
            self._measure(self._averages, *outputs)
            self.step += 1
            self.batch += 1
            for callback in self.callbacks:
                callback.on_step(self)
            if self.checkpoint_steps is not None and self.step % self.checkpoint_steps == 0:
                self.save(self.checkpoint)
        self._measuring = True

    def _measure(self, averages: Averages, output: Tensor, target: Tensor, value: Tensor) -> None:
        n = len(target)
        averages.count(n)
        averages.add("cost", value, n)
        if self.metrics:
            with torch.no_grad():
                for name, metric in self.metrics.items():
                    averages.add(name, metric(output.detach(), target), n)

    def _end_epoch(self, validation: Iterable | None) -> None:
        record = self._averages.read(["cost", *self.metrics], self.device)  # the one wait for the device in an epoch
        if not math.isfinite(record["cost"]):
            raise self._diverged(f"the average of the losses is {record['cost']}")
        if validation is not None:
            found = self.evaluate(validation)
            if not math.isfinite(found["cost"]):
                raise self._diverged(f"the validation loss is {found['cost']}")
            record |= {f"validation_{name}": value for name, value in found.items()}
            if self.early_stopping is not None and self.early_stopping.step(found["cost"], self.model):
                self.stop = True
        for name, value in record.items():
            self.history.setdefault(name, []).append(value)
        self.epoch, self.batch, self._averages, self._measuring = self.epoch + 1, 0, Averages(), False
        for callback in self.callbacks:
            callback.on_epoch(self, record)
        if self.checkpoint is not None:
            self.save(self.checkpoint)

    def _diverged(self, what: str) -> ValueError:
        rate = self.optimizer.param_groups[0]["lr"]
        return ValueError(
            f"Trainer: in epoch {self.epoch}, step {self.batch}, {what}; expected a learning rate smaller than {rate}, "
            "and finite inputs"
        )

    # --- what is given ---

    def _saved_callbacks(self) -> list[Callback]:
        return [callback for callback in self.callbacks if not isinstance(callback, ProgressBar)]

    def _continue(self, loader: Iterable) -> None:
        # The loader goes on where the checkpoint was written, or where an error broke off the epoch.
        state, self._loader_state = self._loader_state, None
        if state is None and self.batch > 0 and loader is self._loader and hasattr(loader, "state_dict"):
            state = loader.state_dict()
        self._loader = loader
        if state is not None and hasattr(loader, "load_state_dict"):
            loader.load_state_dict(state)
        elif self.batch > 0 and not self._measuring:
            raise ValueError(
                f"Trainer: the training goes on after {self.batch} steps of epoch {self.epoch}, and the loader, a "
                f"{type(loader).__name__}, has no place to go on from; expected a TensorLoader, or a checkpoint "
                "written after an epoch"
            )

    def _check_fit(self, loader: Iterable, epochs: int, validation: Iterable | None, resume: bool) -> None:
        arguments.check_count(epochs, "epochs", "Trainer")
        for name, given in (("loader", loader), ("validation", validation)):
            if isinstance(given, (Tensor, tuple, list)) and (not len(given) or isinstance(given[0], Tensor)):
                raise ValueError(
                    f"Trainer: {name} is a {type(given).__name__} of numbers or tensors; expected a loader of "
                    "minibatches, such as TensorLoader(X, t, batch_size=64)"
                )
            if loader is None or not (given is None or hasattr(given, "__iter__") or hasattr(given, "__getitem__")):
                raise ValueError(
                    f"Trainer: {name} is {given!r}; expected a loader of minibatches, such as "
                    "TensorLoader(X, t, batch_size=64)"
                )
        if isinstance(loader, TensorLoader) and loader.world_size != processes.world_size():
            raise ValueError(
                f"Trainer: the loader has world_size {loader.world_size}; expected {processes.world_size()}, the "
                "number of processes"
            )
        if self.early_stopping is not None and validation is None:
            raise ValueError("Trainer: early_stopping without validation; expected a loader whose cost it compares")
        if resume and self.checkpoint is None:
            raise ValueError("Trainer: resume without checkpoint; expected a file to go on from")

    def _check_state(self, state: dict) -> None:
        if sorted(state) != sorted(_KEYS):
            raise ValueError(f"Trainer: the checkpoint has {', '.join(map(str, state))}; expected {', '.join(_KEYS)}")
        for name, kind in _KEYS.items():
            if kind is not None and not isinstance(state[name], kind):
                raise ValueError(
                    f"Trainer: the checkpoint has {name} of type {type(state[name]).__name__}; expected {kind.__name__}"
                )
        for name, one, other in (
            ("counts", sorted(state["counts"]), sorted(_COUNTS)),
            ("averages of as many processes", len(state["averages"]), state["world_size"]),
            ("random states of as many processes", len(state["random"]), state["world_size"]),
        ):
            if one != other:
                raise ValueError(f"Trainer: the checkpoint has {name} {one}; expected {other}")
        found = [
            state["world_size"], len(state["callbacks"]), state["early_stopping"] is not None,
            len(state["random"][0]["generators"]),
        ]  # fmt: skip
        own = [
            processes.world_size(), len(self._saved_callbacks()), self.early_stopping is not None, len(self.generators)
        ]  # fmt: skip
        for name, one, other in zip(("world_size", "callbacks", "early_stopping", "generators"), found, own):
            if one != other:
                raise ValueError(f"Trainer: the checkpoint has {name} {one}; expected {other}")


def _checked_metrics(metrics) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, dict) or not all(callable(metric) for metric in metrics.values()):
        raise ValueError(f"Trainer: metrics is {metrics!r}; expected functions by name, such as {{'accuracy': accuracy}}")
    taken = {"cost", *(f"validation_{name}" for name in ("cost", *metrics))}
    for name in metrics:
        if name in taken:
            raise ValueError(f"Trainer: a metric has the name {name!r}; expected one that the history does not have already")
    return dict(metrics)
