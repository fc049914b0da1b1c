"""One step of a training: from a minibatch to an update, in whatever precision and on however many processes.

What ``training.Trainer`` does with each minibatch. Of its own it has no loop.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from nndl_lib import _arguments as arguments
from nndl_lib.optim import Optimizer, clip_grad_norm_
from nndl_lib.optim._base import check_optimizer
from nndl_lib.training import processes

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Stepper:
    """A model, a loss and an optimizer, with all that decides what a step is. ``training.Trainer`` says what each is.

    Attributes:
        device, model, optimizer: those given, the model on the device.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor],
        optimizer: torch.optim.Optimizer | Optimizer,
        device: torch.device,
        *,
        schedule: Callable[[int], float] | None = None,
        clip_norm: float | None = None,
        precision: str | None = None,
        compile: bool | str = False,
    ):
        """Move the model to the device, and join it with those of the other processes where there are some.

        Raises:
            ValueError: an argument is of another kind or outside its range, or the optimizer cannot train the model.
        """
        if not isinstance(model, torch.nn.Module):
            raise ValueError(f"Trainer: model is a {type(model).__name__}; expected a torch.nn.Module")
        arguments.check_function(loss, "loss", "Trainer", classes=False)
        check_optimizer(optimizer, model, "Trainer")
        if schedule is not None:
            arguments.check_function(schedule, "schedule", "Trainer", classes=False)
        if clip_norm is not None:
            arguments.check_positive(clip_norm, "clip_norm", "Trainer")
        if precision is not None and not (isinstance(precision, str) and precision in _DTYPES):
            raise ValueError(f"Trainer: precision is {precision!r}; expected None, 'bfloat16' or 'float16'")
        self.device, self.model, self.optimizer = device, model.to(device), optimizer
        self._loss, self._schedule, self._clip_norm, self._dtype = loss, schedule, clip_norm, _DTYPES.get(precision)
        self._precision, self._rates = precision, [group["lr"] for group in optimizer.param_groups]
        # float16 has no numbers below 6e-8: the loss is scaled up, so that small gradients do not become 0.
        self._scaler = torch.amp.GradScaler(device.type) if precision == "float16" else None
        forward = DistributedDataParallel(model) if processes.world_size() > 1 else model
        self._training, self._evaluation = forward, model  # evaluation needs no process but its own
        if isinstance(compile, str) or callable(compile) or arguments.check_flag(compile, "compile", "Trainer"):
            backend = "inductor" if compile is True else compile
            self._training, self._evaluation = (torch.compile(f, backend=backend) for f in (forward, model))

    def outputs(self, batch: Sequence[Tensor], training: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs, targets and the loss (0-d) of a minibatch: a tuple of tensors, the targets last.

        In mixed precision, outputs of that precision become float32 before the loss.

        Raises:
            ValueError: the minibatch is none, its inputs hold a NaN or an infinity that the loss refuses, or the loss is
                not a 0-d tensor.
            FloatingPointError: the loss refuses the outputs, and they hold a NaN or an infinity.
        """
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            what = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, (tuple, list)) else "")
            raise ValueError(
                f"Trainer: the loader gave {what}; expected a tuple of at least two tensors, the targets last"
            )
        if not all(isinstance(x, Tensor) for x in batch) or batch[-1].ndim == 0:
            what = ", ".join(f"{tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}" for x in batch)
            raise ValueError(f"Trainer: the loader gave {what}; expected tensors, one example a row")
        here = self.device  # a TensorLoader's minibatches are, and to ask costs less than to move nothing
        *inputs, target = [x if x.device == here else x.to(here, non_blocking=True) for x in batch]
        forward = self._training if training else self._evaluation
        if self._dtype is None:
            output = forward(*inputs)
        else:
            with torch.autocast(self.device.type, self._dtype):
                output = forward(*inputs)
            if isinstance(output, Tensor) and output.dtype == self._dtype:
                output = output.float()  # a loss is a sum of many small numbers
        try:
            value = self._loss(output, target)
        except ValueError as error:  # the losses of functional refuse outputs that are not finite
            if isinstance(output, Tensor) and not output.isfinite().all():
                for k, x in enumerate(inputs):
                    if not x.isfinite().all():
                        what = f"tensor {k} of the minibatch holds a NaN or an infinity"
                        raise ValueError(f"Trainer: {what}; expected finite inputs") from error
                raise FloatingPointError("the model's output is not finite") from error
            raise
        if not isinstance(value, Tensor) or value.ndim != 0:
            what = f"has shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"is a {type(value).__name__}"
            raise ValueError(f"Trainer: the loss {what}; expected a 0-d tensor, the minibatch's average")
        return output, target, value

    def update(self, value: Tensor, number: int) -> None:
        """Take step ``number``, from 0, along the gradient of a loss that ``outputs`` gave.

        Raises:
            ValueError: the loss has no gradient, or the schedule's factor is not a number of at least 0.
        """
        if not value.requires_grad:
            raise ValueError("Trainer: the loss has no gradient; expected one computed from parameters that require it")
        groups = self.optimizer.param_groups
        self._rates += [group["lr"] for group in groups[len(self._rates) :]]  # of groups that were added since
        if self._schedule is not None:
            factor = self._schedule(number)
            arguments.check_number(factor, f"the schedule's factor for step {number}", "Trainer")
            for group, rate in zip(groups, self._rates):
                group["lr"] = rate * factor
        self.model.zero_grad()  # all of it: what a frozen layer has left from before would move it
        if self._scaler is None:
            value.backward()
            self._clip()
            self.optimizer.step()
        else:
            self._scaler.scale(value).backward()
            if self._clip_norm is not None:
                self._scaler.unscale_(self.optimizer)
                self._clip()
            self._scaler.step(self.optimizer)  # skipped where a gradient is not finite; then the scale is halved
            self._scaler.update()

    def state_dict(self) -> dict:
        """The states of model, optimizer and scale, and the learning rates that a schedule multiplies."""
        return {
            "model": self.model.state_dict(),
            "optimizer_class": type(self.optimizer).__name__,
            "optimizer": self.optimizer.state_dict(),
            "rates": list(self._rates),
            "precision": self._precision,
            "scaler": None if self._scaler is None else self._scaler.state_dict(),
        }

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned, for a model that ``checkpoint.check_state`` knows to be the same.

        Raises:
            ValueError: it is that of another optimizer or precision; nothing is changed then.
        """
        found, own = state_dict["optimizer_class"], type(self.optimizer).__name__
        if found != own:
            raise ValueError(f"Trainer: the checkpoint has the optimizer {found}; expected {own}")
        found, own = state_dict["precision"], self._precision
        if found != own:
            raise ValueError(f"Trainer: the checkpoint has the precision {found!r}; expected {own!r}")
        self.optimizer.load_state_dict(state_dict["optimizer"])  # before the model, as it may refuse
        self.model.load_state_dict(state_dict["model"])
        self._rates = list(state_dict["rates"])
        if self._scaler is not None:
            self._scaler.load_state_dict(state_dict["scaler"])

    def _clip(self) -> None:
        if self._clip_norm is not None:
            trained = [p for group in self.optimizer.param_groups for p in group["params"]]
            clip_grad_norm_(trained, self._clip_norm)
