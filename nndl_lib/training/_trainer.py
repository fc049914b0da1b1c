"""A trainer for any model: the loop of ``training.train`` with what long trainings need around it.

Devices, mixed precision, several processes, validation, schedules, and checkpoints from which a training that was
killed goes on to the same numbers. ``training.train`` is the loop alone, to read. Used from chapter 09 on.
"""

import contextlib
import math
import os
import warnings
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import runtime
from nndl_lib.data import TensorLoader
from nndl_lib.optim import Optimizer
from nndl_lib.optim._base import check_optimizer
from nndl_lib.training import checkpoint as checkpoints
from nndl_lib.training import processes
from nndl_lib.training._averages import Averages
from nndl_lib.training._callbacks import Callback, ProgressBar
from nndl_lib.training._early_stopping import EarlyStopping, check_new
from nndl_lib.training._stepper import Stepper

# What a checkpoint holds, and of what type where that is always the same.
_KEYS = {
    "world_size": int,
    "stepper": dict,
    "counts": dict,
    "history": dict,
    "averages": list,
    "early_stopping": None,
    "callbacks": list,
    "loader": None,
    "random": list,
}
_COUNTS = ("epoch", "step", "batch", "measuring", "stop")


class Trainer:
    """Trains a model on a loader's minibatches, and keeps all that is needed to go on later.

    Attributes:
        model, optimizer: those given, the model on ``device``.
        epoch, step, batch: epochs and steps that are done, and steps of the epoch that goes on.
        measuring: whether the steps of that epoch are all done, and its validation is not.
        history: a list of floats, one an epoch, for each of "cost", the metrics, and with validation
            "validation_cost" and "validation_<metric>"; NaN for an epoch in which that was not measured. The cost is the
            average of the losses over the epoch's examples, each taken before the update that its minibatch made;
            likewise the metrics.
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
            model: maps the inputs of a minibatch, all of its tensors but the last, to outputs. It is trained in training
                mode, as ``runtime.training`` says: a part that you have put in evaluation mode stays in it. After ``fit``
                and ``evaluate`` every module is in the mode that it was in.
            loss: maps outputs and targets to the average loss of the minibatch, a 0-d tensor.
            optimizer: of torch or ``nndl_lib``, over parameters of the model; none that needs a closure, such as L-BFGS.
            device: as for ``runtime.get_device``.
            metrics: by name, functions of outputs and targets: to the average over the minibatch, a 0-d tensor or a
                number, or to a value for each example (n,), as ``lambda z, t: z.argmax(dim=1) == t`` for the accuracy.
            schedule: maps the number of the step, from 0, to a factor for the learning rates that the optimizer has now;
                what sets them otherwise has no effect then.
            clip_norm: scale the gradients to this norm where theirs is larger.
            precision: "bfloat16" or "float16", for the model to compute in that where it is safe (``torch.autocast``).
                Loss and metrics get float32. With float16 the loss is scaled.
            compile: run the model through ``torch.compile``; a name for that of its backend.
            early_stopping: a new one; gets the validation cost after each epoch. At the end the model has the state that
                was best.
            callbacks: called in this order. progress: whether to show a bar; None as ``training.ProgressBar``.
            checkpoint: a file to write after each epoch, and after every ``checkpoint_steps`` steps if that is given.
            generators: those that the data draw from, beside the loader's own, to be saved as well. Those that are
                attributes of the model's modules, such as dropout's, are found without it.

        Raises:
            ValueError: an argument is of another kind or outside its range, a metric has the name of another entry of the
                history, or the optimizer has a parameter that is not the model's, or only frozen ones.
            RuntimeError: as ``runtime.get_device``.
        """
        _check_options(checkpoint, checkpoint_steps, callbacks, generators, early_stopping)
        if progress is not None:
            progress = arguments.check_flag(progress, "progress", "Trainer")
        self.device, self.metrics = runtime.get_device(device), _checked_metrics(metrics)
        self._stepper = Stepper(
            model,
            loss,
            optimizer,
            self.device,
            schedule=schedule,
            clip_norm=clip_norm,
            precision=precision,
            compile=compile,
        )
        self.model, self.optimizer, self.early_stopping = self._stepper.model, optimizer, early_stopping
        self.callbacks = list(callbacks)
        if progress is not False and processes.rank() == 0:
            self.callbacks.append(ProgressBar(progress))
        self.checkpoint, self.checkpoint_steps = checkpoint, checkpoint_steps
        self.generators = list({id(one): one for one in (*generators, *_generators(model))}.values())
        self.epoch, self.step, self.batch, self.measuring, self.stop, self.history = 0, 0, 0, False, False, {}
        self._averages, self._loader, self._loader_state, self._broken_off = Averages(), None, None, False

    def fit(self, loader: Iterable, epochs: int, validation: Iterable | None = None, resume: bool = False) -> dict:
        """Train until ``epochs`` epochs are done, those before this call counted; return ``history``.

        After an error or an interrupt, the next call goes on where it came, with the same loader: what was measured so
        far counts, and a minibatch whose step was not taken comes again. What that one drew, as for dropout, stays drawn.

        Args:
            loader: each loop over it gives the minibatches of an epoch, tuples of tensors, the targets last.
            validation: another, to measure cost and metrics on after each epoch, in evaluation mode.
            resume: go on from the checkpoint, if its file is there; start from the beginning if not. The optimizer's
                settings, such as its learning rate, are then those of the checkpoint.

        Raises:
            ValueError: an argument is outside its range or contradicts another, something else draws from the loader's
                generator, the checkpoint could not hold what a module or a callback wants to keep, the loss is not a 0-d
                tensor, or it became NaN or infinite, which says that the learning rate is too large; then nothing is
                saved.
            OSError: a checkpoint cannot be written. The one of before is still there.

        Warns:
            UserWarning: nothing is left to do, as ``stop`` is True, or, without ``resume``, as so many epochs are done.
        """
        self._check_fit(loader, epochs, validation, resume)
        if resume and os.path.isfile(self.checkpoint):
            self.load(self.checkpoint)
        self._continue(loader)
        if self.checkpoint is not None:
            self._checked_state()  # what cannot be saved is refused before the first step, not after the first epoch
        if self.stop and self.epoch < epochs:
            _warn("the training was stopped, by early stopping or a callback; expected trainer.stop = False, to go on")
        elif self.epoch >= epochs and not resume:
            _warn(
                f"{self.epoch} epochs are done; expected epochs above that, not {epochs}, as they count from the first"
            )
        with contextlib.ExitStack() as ends:
            for callback in reversed(self.callbacks):
                ends.callback(callback.on_fit_end, self)  # each is called, whatever one before it raises
            for callback in self.callbacks:
                callback.on_fit_start(self, _length(loader))
            while self.epoch < epochs and not self.stop:
                if not self.measuring:  # an interrupt in the validation does not train the epoch again
                    self._train_epoch(loader)
                self._end_epoch(validation)
        if self.early_stopping is not None and self.early_stopping.epoch > 0:
            self.early_stopping.restore(self.model)
        return self.history

    @torch.no_grad()
    def evaluate(self, loader: Iterable) -> dict[str, float]:
        """The averages of loss and metrics over a loader's examples, "cost" first, in evaluation mode.

        With several processes, over what all of them have; make the loader with ``even=False`` to leave nothing out.

        Raises:
            ValueError: the loader has no minibatch, the loss is not a 0-d tensor, or the model's output not finite.
        """
        _check_loader(loader, "loader")
        averages = Averages()
        try:
            with runtime.evaluation(self.model):
                for batch in loader:
                    output, target, value = self._stepper.outputs(batch, training=False)
                    averages.add_all(self._measured(output, target, value), len(target))
        except FloatingPointError as error:
            raise self._diverged(f"in evaluation, {error}") from error
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
        state = self._checked_state()
        if processes.rank() == 0:
            try:
                checkpoints.save(state, path)
            except OSError as failed:
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
            "loader": self._loader_state or self._place(),
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
        self.epoch, self.step, self.batch, self.measuring, self.stop = (counts[name] for name in _COUNTS)
        self.history = {name: list(values) for name, values in state_dict["history"].items()}
        self._averages.load_state_dict(state_dict["averages"][rank], self.device)
        self._loader_state, self._broken_off = state_dict["loader"], False
        checkpoints.set_random_state(state_dict["random"][rank], self.device, self.generators)

    # --- one epoch ---

    def _train_epoch(self, loader: Iterable) -> None:
        self._broken_off = True
        with runtime.training(self.model):
            for batch in loader:
                try:
                    outputs = self._stepper.outputs(batch, training=True)
                except FloatingPointError as error:
                    raise self._diverged(str(error)) from error
                measured = self._measured(*outputs)  # before the step: where it fails, nothing was done
                self._stepper.update(outputs[2], self.step)
                self._averages.add_all(measured, len(outputs[1]))
                self.step += 1
                self.batch += 1
                for callback in self.callbacks:
                    callback.on_step(self)
                if self.checkpoint_steps is not None and self.step % self.checkpoint_steps == 0:
                    self.save(self.checkpoint)
        self.measuring, self._broken_off = True, False

    @torch.no_grad()
    def _measured(self, output: Tensor, target: Tensor, value: Tensor) -> dict[str, Tensor | float]:
        return {"cost": value} | {name: metric(output.detach(), target) for name, metric in self.metrics.items()}

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
        for name in {**self.history, **record}:  # each has an entry for each epoch
            self.history.setdefault(name, [math.nan] * self.epoch).append(record.get(name, math.nan))
        self.epoch, self.batch, self._averages, self.measuring = self.epoch + 1, 0, Averages(), False
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
        if state is None and self._broken_off and loader is self._loader:
            state = self._place()
        if state is not None and hasattr(loader, "load_state_dict"):
            loader.load_state_dict(state)
        elif self.batch > 0 and not self.measuring:
            expected = "the loader of before" if hasattr(loader, "load_state_dict") else "a TensorLoader"
            raise ValueError(
                f"Trainer: the training goes on after {self.batch} steps of epoch {self.epoch}, and the loader, a "
                f"{type(loader).__name__}, has no place to go on from; expected {expected}, or a checkpoint "
                "written after an epoch"
            )
        self._loader = loader

    def _place(self) -> dict | None:
        # Where the loader is: after the last minibatch of which the step was taken.
        state = self._loader.state_dict() if hasattr(self._loader, "state_dict") else None
        if isinstance(self._loader, TensorLoader) and not self.measuring:
            if state["batch"] not in (self.batch, self.batch + 1):
                raise ValueError(
                    f"Trainer: the loader is after minibatch {state['batch']} of an epoch, and {self.batch} steps are done; "
                    "expected a loader that nothing else loops over"
                )
            state["batch"] = self.batch
        return state

    def _checked_state(self) -> dict:
        state, error = self.state_dict(), None
        try:
            checkpoints.check_plain(state)
        except ValueError as failed:
            error = failed
        processes.raise_together(error)
        return state

    def _check_fit(self, loader: Iterable, epochs: int, validation: Iterable | None, resume: bool) -> None:
        arguments.check_count(epochs, "epochs", "Trainer")
        arguments.check_flag(resume, "resume", "Trainer")
        _check_loader(loader, "loader")
        if validation is not None:
            _check_loader(validation, "validation")
        check_optimizer(self.optimizer, self.model, "Trainer")  # parameters may have been added since
        if isinstance(loader, TensorLoader) and loader.world_size != processes.world_size():
            raise ValueError(
                f"Trainer: the loader has world_size {loader.world_size}; expected {processes.world_size()}, the "
                "number of processes"
            )
        others = [torch.default_generator, *self.generators]
        others += _generators(validation) if validation is not loader else []
        if any(one is other for one in _generators(loader) for other in others):
            raise ValueError(
                "Trainer: the loader's generator is also torch's own, or that of the model, of the validation or among "
                "generators; expected one from which nothing else draws, so that the order can be made again"
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
        checkpoints.check_state(state["stepper"]["model"], self.model.state_dict(), "the checkpoint", "Trainer")
        sums, own = sorted(state["averages"][0]["sums"]), sorted(["cost", *self.metrics])
        if sums not in ([], own):  # in the middle of an epoch, what was not measured from its start has no average
            raise ValueError(f"Trainer: the checkpoint has measured {sums}; expected {own}")
        found = [
            state["world_size"],
            len(state["callbacks"]),
            state["early_stopping"] is not None,
            len(state["random"][0]["generators"]),
        ]
        own = [
            processes.world_size(),
            len(self._saved_callbacks()),
            self.early_stopping is not None,
            len(self.generators),
        ]
        for name, one, other in zip(("world_size", "callbacks", "early_stopping", "generators"), found, own):
            if one != other:
                raise ValueError(f"Trainer: the checkpoint has {name} {one}; expected {other}")


def _checked_metrics(metrics) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, dict) or not all(isinstance(name, str) and callable(f) for name, f in metrics.items()):
        raise ValueError(
            f"Trainer: metrics is {metrics!r}; expected functions by name, such as {{'accuracy': accuracy}}"
        )
    taken = {"cost", *(f"validation_{name}" for name in ("cost", *metrics))}
    for name in metrics:
        if name in taken:
            raise ValueError(
                f"Trainer: a metric has the name {name!r}; expected one that the history does not have already"
            )
    return dict(metrics)


def _check_options(checkpoint, checkpoint_steps, callbacks, generators, early_stopping) -> None:
    if checkpoint is not None:
        if not isinstance(checkpoint, (str, os.PathLike)) or not os.fspath(checkpoint) or os.path.isdir(checkpoint):
            raise ValueError(f"Trainer: checkpoint is {str(checkpoint)!r}; expected a file, not a folder")
    if checkpoint_steps is not None:
        arguments.check_count(checkpoint_steps, "checkpoint_steps", "Trainer")
        if checkpoint is None:
            raise ValueError(f"Trainer: checkpoint_steps is {checkpoint_steps} without checkpoint; expected a file")
    if not isinstance(callbacks, (list, tuple)) or not all(isinstance(callback, Callback) for callback in callbacks):
        raise ValueError(f"Trainer: callbacks is {callbacks!r}; expected a list of training.Callback")
    if not isinstance(generators, (list, tuple)):
        raise ValueError(f"Trainer: generators is {generators!r}; expected a list of torch.Generator")
    for k, generator in enumerate(generators):
        arguments.check_generator(generator, f"generators[{k}]", "Trainer")
    if early_stopping is not None:
        check_new(early_stopping, "Trainer")


def _check_loader(given: Iterable, name: str) -> None:
    hint = "expected a loader of minibatches, such as TensorLoader(X, t, batch_size=64)"
    if isinstance(given, (Tensor, tuple, list)) and (not len(given) or isinstance(given[0], Tensor)):
        raise ValueError(f"Trainer: {name} is a {type(given).__name__} of numbers or tensors; {hint}")
    if isinstance(given, type) or not (hasattr(given, "__iter__") or hasattr(given, "__getitem__")):
        raise ValueError(f"Trainer: {name} is {given!r}; {hint}")


def _warn(what: str) -> None:
    warnings.warn(f"Trainer: nothing is left to train: {what}", stacklevel=3)  # at the line that calls fit


def _length(loader: Iterable) -> int | None:
    try:
        return len(loader)
    except TypeError:  # it has none, or, as one of torch's over a stream, does not know it
        return None


def _generators(owner: torch.nn.Module | Iterable) -> list[torch.Generator]:
    # Those that are attributes of a loader, or of a model's modules.
    parts = owner.modules() if isinstance(owner, torch.nn.Module) else [owner]
    values = (value for part in parts for value in getattr(part, "__dict__", {}).values())
    return [value for value in values if isinstance(value, torch.Generator)]
