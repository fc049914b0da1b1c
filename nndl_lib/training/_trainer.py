"""A trainer for any model: the loop of ``training.train`` with what long trainings need around it.

Devices, mixed precision, several processes, validation, schedules, and checkpoints from which a training that was
killed goes on to the same numbers. ``training.train`` is the loop alone, to read. Used from chapter 09 on.
"""

import contextlib
import functools
import math
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from nndl_lib import runtime
from nndl_lib._arguments import check_finite, check_flag, check_model, check_number, check_positive
from nndl_lib._declared import checked, count, one_of
from nndl_lib.optim import Optimizer, clip_grad_norm_
from nndl_lib.training import _checks, _resuming, processes
from nndl_lib.training import checkpoint as checkpoints
from nndl_lib.training._averages import Averages
from nndl_lib.training._callbacks import Callback, ProgressBar
from nndl_lib.training._early_stopping import EarlyStopping, check_new
from nndl_lib.training._loop import Diverged, average_loss, located, steps


class Trainer:
    """Trains a model on a loader's minibatches, and keeps all that is needed to go on later.

    Attributes:
        model, optimizer: those given, the model on ``device``.
        epoch, step, batch: epochs and steps that are done, and steps of the epoch that goes on.
        measuring: whether the steps of that epoch are all done, and its validation is not.
        history: a list of floats, one an epoch, for each of "cost", the metrics, and with validation
            "validation_cost" and "validation_<metric>"; NaN for an epoch in which that was not measured. Cost and
            metrics are averages over the epoch's examples, each taken before the update that its minibatch made.
        stop: set to True, in a callback, to end the training after the epoch.
    """

    @checked(
        model=check_model,
        loss=_checks.check_function,
        metrics=_checks.check_metrics,
        schedule=_checks.check_function,
        clip_norm=check_positive,
        precision=one_of("bfloat16", "float16"),
        compile=_checks.check_compile,
        early_stopping=check_new,
        callbacks=_checks.check_each(Callback, "training.Callback"),
        progress=check_flag,
        checkpoint=_checks.check_file,
        checkpoint_steps=count(),
        generators=_checks.check_each(torch.Generator, "torch.Generator"),
    )
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
            model: maps the inputs of a minibatch, all of its tensors but the last, to outputs. It is trained in
                training mode, as ``runtime.training`` says: a part that you have put in evaluation mode stays in it.
                After ``fit`` and ``evaluate`` every module is in the mode that it was in.
            loss: maps outputs and targets to the average loss of the minibatch, a 0-d tensor.
            optimizer: of torch or ``nndl_lib``, over parameters of the model; none that needs a closure, as L-BFGS.
            metrics: by name, functions of outputs and targets: to the average over the minibatch, a 0-d tensor or a
                number, or to a value for each example (n,), as ``lambda z, t: z.argmax(dim=1) == t`` for the accuracy.
            schedule: maps the number of the step, from 0, to a factor for the learning rates that the optimizer has
                now; what sets them otherwise has no effect then.
            device: as for ``runtime.get_device``. clip_norm: gradients of a larger norm are scaled to this one.
            precision: "bfloat16" or "float16", for the model to compute in that where it is safe (``torch.autocast``).
                Loss and metrics get float32. With float16 the loss is scaled.
            compile: run the model through ``torch.compile``; a name for that of its backend.
            early_stopping: a new one; gets the validation cost after each epoch. At the end the model has the state
                that was best.
            callbacks: called in this order. progress: whether to show a bar; None as ``training.ProgressBar``.
            checkpoint: a file to write after each epoch, and after every ``checkpoint_steps`` steps if that is given.
            generators: those that the data draw from, beside the loader's own, to be saved as well. Those that are
                attributes of the model's modules, such as dropout's, are found without it.

        Raises:
            ValueError: an argument is outside its range or of another kind, or the optimizer cannot train the model.
            RuntimeError: as ``runtime.get_device``.
        """
        _checks.check_optimizer(optimizer, model, "Trainer")
        if checkpoint_steps is not None and checkpoint is None:
            raise ValueError(f"Trainer: checkpoint_steps is {checkpoint_steps} without checkpoint; expected a file")
        self.device = runtime.get_device(device)
        self.model, self.optimizer, self.metrics = model.to(self.device), optimizer, dict(metrics or {})
        self._loss, self._schedule, self._clip_norm, self._precision = loss, schedule, clip_norm, precision
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._dtype = None if precision is None else getattr(torch, precision)
        self._autocast: Any = torch.autocast(self.device.type, self._dtype) if precision else contextlib.nullcontext()
        # float16 has no numbers below 6e-8: the loss is scaled up, so that small gradients do not become 0.
        self._scaler: Any = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")
        forwards: list[Any] = [DistributedDataParallel(model) if processes.world_size() > 1 else model, model]
        if compile is not False:
            forwards = [torch.compile(f, backend="inductor" if compile is True else compile) for f in forwards]
        self._training, self._evaluation = forwards  # evaluation needs no process but its own
        self.early_stopping, self.callbacks = early_stopping, list(callbacks)
        if progress is not False and processes.rank() == 0:
            self.callbacks.append(ProgressBar(progress))
        self.checkpoint, self.checkpoint_steps = checkpoint, checkpoint_steps
        self.generators = list({id(one): one for one in (*generators, *_resuming.generators(model))}.values())
        self.epoch, self.step, self.batch, self.measuring, self.stop = 0, 0, 0, False, False
        self.history: dict[str, list[float]] = {}
        self._averages, self._broken_off = Averages(), False
        self._loader, self._loader_state = None, None

    @checked(loader=_checks.check_loader, epochs=count(), validation=_checks.check_loader, resume=check_flag)
    def fit(self, loader: Iterable, epochs: int, validation: Iterable | None = None, resume: bool = False) -> dict:
        """Train until ``epochs`` epochs are done, those before this call counted; return ``history``.

        After an error or an interrupt, the next call goes on where it came, with the same loader: what was measured so
        far counts, and a minibatch whose step was not taken comes again. What that drew, as for dropout, stays drawn.

        Args:
            loader: each loop over it gives the minibatches of an epoch, tuples of tensors, the targets last.
            validation: another, to measure cost and metrics on after each epoch, in evaluation mode.
            resume: go on from the checkpoint, if its file is there; start from the beginning if not. The optimizer's
                settings, such as its learning rate, are then those of the checkpoint.

        Raises:
            ValueError: an argument is outside its range or contradicts another, something else draws from the
                loader's generator, the checkpoint could not hold what a module or a callback wants to keep, or the loss
                is not a 0-d tensor, or became NaN or infinite: lr is too large then, and nothing is saved.
            OSError: a checkpoint cannot be written. The one of before is still there.

        Warns: UserWarning: nothing is left, as ``stop`` is True, or, without ``resume``, as so many epochs are done.
        """
        _checks.check_optimizer(self.optimizer, self.model, "Trainer")  # parameters may have been added since
        _resuming.check_loader(self, loader, validation)
        if self.early_stopping is not None and validation is None:
            raise ValueError("Trainer: early_stopping without validation; expected a loader whose cost it compares")
        if resume and self.checkpoint is None:
            raise ValueError("Trainer: resume without checkpoint; expected a file to go on from")
        if resume and self.checkpoint is not None and os.path.isfile(self.checkpoint):
            self.load(self.checkpoint)
        _resuming.go_on(self, loader)
        if self.checkpoint is not None:  # what cannot be saved is refused now, not after the first epoch
            _resuming.checked_state_of(self)
        if self.stop if self.epoch < epochs else not resume:
            what = f"{self.epoch} epochs are done; expected epochs above that, not {epochs}: they count from the first"
            if self.epoch < epochs:
                what = "it was stopped, by early stopping or a callback; expected trainer.stop = False, to go on"
            warnings.warn(f"Trainer: nothing is left to train: {what}", stacklevel=3)  # at the line that calls fit
        with contextlib.ExitStack() as ends:
            for callback in reversed(self.callbacks):
                ends.callback(callback.on_fit_end, self)  # each is called, whatever one before it raises
            for callback in self.callbacks:
                callback.on_fit_start(self, _resuming.length(loader))
            while self.epoch < epochs and not self.stop:
                if not self.measuring:  # an interrupt in the validation does not train the epoch again
                    self._train_epoch(loader)
                self._end_epoch(validation)
        if self.early_stopping is not None and self.early_stopping.epoch > 0:
            self.early_stopping.restore(self.model)
        return self.history

    @checked(loader=_checks.check_loader)
    def evaluate(self, loader: Iterable) -> dict[str, float]:
        """The averages of loss and metrics over a loader's examples, "cost" first, in evaluation mode.

        With several processes, over what all of them have; make the loader with ``even=False`` to leave nothing out.

        Raises:
            ValueError: the loader has no minibatch, the loss is not a 0-d tensor, or the model's output not finite.
        """
        averages = Averages()
        with located("evaluate", self._where), torch.no_grad(), runtime.evaluation(self.model):
            for batch in loader:
                value, metrics = self._measure(self._evaluation, batch)
                averages.add_all({"cost": value, **metrics}, len(batch[-1]))
        return averages.read(["cost", *self.metrics], self.device)

    def save(self, path: str | os.PathLike) -> None:
        """Write a checkpoint: what ``state_dict`` returns, from the process of rank 0. All processes have to call it.

        Raises:
            ValueError: the loss has become NaN or infinite, or a callback's state is not of the kind that can be saved.
            OSError: it cannot be written. What was at path before is still there.
        """
        total = self._averages.total("cost")
        with processes._together(), located("Trainer", self._where):
            if total is not None and not total.isfinite():
                raise Diverged(f"the sum of the losses is {total.item()}")
        state = _resuming.checked_state_of(self)
        with processes._together():
            if processes.rank() == 0:
                checkpoints.save(state, path)

    def load(self, path: str | os.PathLike) -> None:
        """Read a checkpoint and go on from it: ``fit`` takes the steps that the training that wrote it would have.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is broken, or is that of another model, optimizer, precision or number of processes;
                model and optimizer are then as they were.
        """
        self.load_state_dict(checkpoints.load(path))

    def state_dict(self) -> dict:
        """Model, optimizer, counts, history, the loader's place, random states. All processes have to call it."""
        return _resuming.state_of(self)

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned. Raises ValueError as ``load`` does, before anything is changed."""
        _resuming.restore(self, state_dict)

    # --- one epoch: minibatches, their losses, and the steps ---

    def _train_epoch(self, loader: Iterable) -> None:
        self._broken_off = True
        measure = functools.partial(self._measure, self._training)
        with located("Trainer", self._where), runtime.training(self.model):
            for value, metrics, n in steps("Trainer", self.model, loader, measure, self._step):
                self._averages.add_all({"cost": value, **metrics}, n)
                self.step += 1
                self.batch += 1
                for callback in self.callbacks:
                    callback.on_step(self)
                if self.checkpoint is not None and self.checkpoint_steps and self.step % self.checkpoint_steps == 0:
                    self.save(self.checkpoint)
        self.measuring, self._broken_off = True, False

    def _measure(self, forward: Callable, batch: Sequence[Tensor]) -> tuple[Tensor, dict[str, Tensor | float]]:
        # The loss of a minibatch and its metrics: before the step, which is not taken where one of them fails.
        here = self.device  # a TensorLoader's minibatches are, and to ask costs less than to move nothing
        *inputs, target = [x if x.device == here else x.to(here, non_blocking=True) for x in _checks.check_batch(batch)]
        with self._autocast:
            z = forward(*inputs)
        if isinstance(z, Tensor) and z.dtype == self._dtype:
            z = z.float()  # a loss is a sum of many small numbers
        try:
            value = average_loss("Trainer", self._loss, z, target)
        except Diverged:
            for k, x in enumerate(inputs):
                check_finite(x, "Trainer", **{f"batch[{k}]": x})
            raise
        with torch.no_grad():
            return value, {name: metric(z.detach(), target) for name, metric in self.metrics.items()}

    def _step(self, value: Tensor) -> None:
        groups = self.optimizer.param_groups
        self._rates += [group["lr"] for group in groups[len(self._rates) :]]  # of groups that were added since
        if self._schedule is not None:
            factor = check_number(self._schedule(self.step), f"the schedule's factor for step {self.step}", "Trainer")
            for group, rate in zip(groups, self._rates):
                group["lr"] = rate * factor
        self._scaler.scale(value).backward()
        if self._clip_norm is not None:
            self._scaler.unscale_(self.optimizer)
            clip_grad_norm_([p for group in groups for p in group["params"]], self._clip_norm)
        self._scaler.step(self.optimizer)  # skipped where a scaled gradient is not finite; then the scale is halved
        self._scaler.update()

    def _end_epoch(self, validation: Iterable | None) -> None:
        with located("Trainer", self._where):
            # The one wait for the device in an epoch.
            record = self._averages.read(["cost", *self.metrics], self.device)
            if not math.isfinite(record["cost"]):
                raise Diverged(f"the average of the losses is {record['cost']}")
            if validation is not None:
                found = self.evaluate(validation)
                if not math.isfinite(found["cost"]):
                    raise Diverged(f"the validation loss is {found['cost']}")
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

    def _where(self) -> tuple[int, int, float]:
        return self.epoch, self.batch, self.optimizer.param_groups[0]["lr"]
