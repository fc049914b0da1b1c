"""Training: shuffled minibatches and stochastic gradient descent, written out.

Written out in chapter 03, "Classification", without momentum, and used from there on.
"""

import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import NamedTuple

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional, runtime
from nndl_lib.optim import Optimizer
from nndl_lib.optim._base import check_optimizer
from nndl_lib.training._early_stopping import EarlyStopping, check_new


class History(NamedTuple):
    """What ``train`` measured, one entry an epoch, each tensor (epochs,) on the device of the data.

    Where early stopping ended the training, only the epochs until then. From ``train_ensemble``, each is (M, epochs),
    one row a member.
    """

    cost: Tensor  # the average loss over the epoch's examples, each taken before the update that its minibatch made
    validation_cost: Tensor | None  # the loss on the validation set after the epoch; None without such a set
    validation_accuracy: Tensor | None  # likewise, for classification; None for other tasks


def minibatches(N: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch: the numbers 0 to N - 1 in random order, every one exactly once, in tensors (batch_size,) of int64.

    The last one is shorter where batch_size does not divide N. Each call draws a new order from the generator.

    Raises:
        ValueError: N or batch_size is not an integer of at least 1, or generator is not a generator.
    """
    N, batch_size = (
        arguments.check_count(n, name, "minibatches") for n, name in ((N, "N"), (batch_size, "batch_size"))
    )
    arguments.check_generator(generator, "generator", "minibatches")
    return iter(torch.randperm(N, generator=generator, device=generator.device).split(batch_size))


def train(
    model: torch.nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    X: Tensor,
    t: Tensor,
    *,
    lr: float | None = None,
    epochs: int,
    batch_size: int,
    generator: torch.Generator,
    momentum: float = 0.0,
    validation: tuple[Tensor, Tensor] | None = None,
    optimizer: torch.optim.Optimizer | Optimizer | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
    early_stopping: EarlyStopping | None = None,
) -> History:
    """Minibatch gradient descent on the parameters of a model, in place: ``v = momentum v + g``, ``w = w - lr v``.

    The same steps as ``torch.optim.SGD``; or those of an optimizer, where one is given. Parameters that do not require
    a gradient stay as they are.

    Args:
        model: maps (n, ...) rows of X to outputs. It is trained in training mode, as ``runtime.training`` says: a part
            that you have put in evaluation mode stays in it. Afterwards every module is in the mode that it was in.
        loss: maps outputs and their targets to the average loss of a minibatch, a 0-d tensor.
        X: (N, ...), one example a row. t: (N, ...), their targets.
        lr: the learning rate alpha, greater than 0; needed unless there is an optimizer, which has its own.
        epochs: how often to go through the data, at least 1.
        batch_size: examples a step; N or more for full-batch gradient descent.
        generator: what the order of the examples is drawn from, anew in each epoch.
        momentum: from 0, plain descent, to below 1.
        validation: (X, t) to measure the loss on after each epoch. The accuracy is measured as well where the targets
            are class numbers (int64), or are 0 and 1 and the loss is ``binary_cross_entropy_with_logits``.
        optimizer: of torch or ``nndl_lib``, over parameters of the model, whose steps are taken instead.
        transform: maps the inputs of each minibatch to what the model gets, row by row, for example an augmentation.
            What is validated is not transformed.
        early_stopping: a new one; gets the validation cost after each epoch, and says when to stop. After the last
            epoch, whichever it is, the model has the state that was best.

    Raises:
        ValueError: an argument is outside its range or contradicts another, X and t differ in their number of rows, X
            holds a NaN or an infinity, the loss is not a 0-d tensor, or it became NaN or infinite, which says that lr
            is too large.
    """
    _check_arguments(X, t, lr, epochs, batch_size, generator, momentum, validation)
    _check_options(model, loss, lr, momentum, validation, optimizer, transform, early_stopping)
    X, t = X.detach(), t.detach()  # every epoch goes back, and none beyond the data
    parameters = list(model.parameters())
    velocities = [torch.zeros_like(p) for p in parameters]
    cost, validation_cost, validation_accuracy = [], [], []
    for epoch in range(epochs):
        losses, sizes = [], []
        with runtime.training(model):
            for step, rows in enumerate(minibatches(len(X), batch_size, generator)):
                # These are X[rows] and t[rows], in less time.
                inputs, targets = (data.index_select(0, rows.to(data.device)) for data in (X, t))
                if transform is not None:
                    inputs = arguments.check_rows(transform(inputs), inputs, "transform", "train")
                value = _checked_loss(loss, model(inputs), targets, epoch, step, _rate(lr, optimizer))
                for p in parameters:  # frozen ones too: an optimizer would move them by what is left from before
                    p.grad = None
                if not value.requires_grad:
                    raise ValueError(
                        "train: the loss has no gradient; expected one computed from parameters that require it"
                    )
                value.backward()
                if optimizer is not None:
                    optimizer.step()
                else:
                    with torch.no_grad():
                        _update(parameters, velocities, lr, momentum)
                losses.append(value.detach())
                sizes.append(len(rows))
        losses, rate = torch.stack(losses), _rate(lr, optimizer)
        for step in (~losses.isfinite()).nonzero()[:1, 0].tolist():  # looked at once an epoch: it waits for the device
            raise _diverged(f"the loss is {losses[step].item()}", epoch, step, rate)
        cost.append(losses @ losses.new_tensor(sizes) / len(X))
        if validation is not None:
            value, share = _evaluate(model, loss, *validation, epoch, len(losses) - 1, rate)
            validation_cost.append(value)
            validation_accuracy.append(share)
            if early_stopping is not None and early_stopping.step(value, model):
                break
    if early_stopping is not None:
        early_stopping.restore(model)
    if validation is None:
        return History(torch.stack(cost), None, None)
    measured = None not in validation_accuracy
    return History(
        torch.stack(cost), torch.stack(validation_cost), cost[0].new_tensor(validation_accuracy) if measured else None
    )


def _rate(lr: float | None, optimizer) -> float:
    return lr if optimizer is None else optimizer.param_groups[0]["lr"]


def _update(parameters: list[Tensor], velocities: list[Tensor], lr: float, momentum: float) -> None:
    # For each: v = momentum v + g, w = w - lr v. The functions of torch for lists of tensors do it in one call each.
    used = [(p, v) for p, v in zip(parameters, velocities) if p.grad is not None]
    if used:
        weights, v = map(list, zip(*used))
        torch._foreach_mul_(v, momentum)
        torch._foreach_add_(v, [p.grad for p in weights])
        torch._foreach_add_(weights, v, alpha=-lr)


@torch.no_grad()
def _evaluate(model, loss, X: Tensor, t: Tensor, epoch: int, step: int, lr: float) -> tuple[Tensor, float | None]:
    with runtime.evaluation(model):
        output = model(X)
    value = _checked_loss(loss, output, t, epoch, step, lr)
    if not value.isfinite():
        raise _diverged(f"the validation loss is {value.item()}", epoch, step, lr)
    binary = loss is functional.binary_cross_entropy_with_logits and bool(((t == 0) | (t == 1)).all())
    return value, functional.accuracy(output, t) if binary or t.dtype == torch.int64 else None


def _checked_loss(loss, output: Tensor, target: Tensor, epoch: int, step: int, lr: float) -> Tensor:
    try:
        value = loss(output, target)
    except ValueError as error:  # the losses of functional refuse outputs that are not finite
        if not output.isfinite().all():
            raise _diverged("the model's output is not finite", epoch, step, lr) from error
        raise
    if not isinstance(value, Tensor) or value.ndim != 0:
        what = f"has shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"is a {type(value).__name__}"
        raise ValueError(f"train: the loss {what}; expected a 0-d tensor, the minibatch's average")
    return value


def _diverged(what: str, epoch: int, step: int, lr: float) -> ValueError:
    return ValueError(f"train: in epoch {epoch}, step {step}, {what}; expected a learning rate smaller than lr = {lr}")


def _check_arguments(X, t, lr, epochs, batch_size, generator, momentum, validation) -> None:
    arguments.check_count(epochs, "epochs", "train")
    arguments.check_count(batch_size, "batch_size", "train")
    if lr is not None and (isinstance(lr, bool) or not isinstance(lr, (Real, Tensor)) or not 0 < lr < math.inf):
        raise ValueError(f"train: the learning rate lr is {lr!r}; expected a finite number greater than 0")
    arguments.check_number(momentum, "momentum", "train", below=1)
    arguments.check_generator(generator, "generator", "train")
    if validation is not None and (not isinstance(validation, (tuple, list)) or len(validation) != 2):
        raise ValueError(f"train: validation is a {type(validation).__name__}; expected a pair (X, t)")
    for inputs, targets, where in [(X, t, "")] + ([] if validation is None else [(*validation, "validation: ")]):
        arguments.check_tensors(f"train: {where}".removesuffix(": "), X=inputs, t=targets)
        if inputs.ndim == 0 or inputs.shape[:1] != targets.shape[:1] or len(inputs) == 0:
            raise ValueError(
                f"train: {where}X has shape {tuple(inputs.shape)} and t {tuple(targets.shape)}; "
                "expected the same number of rows for both, at least 1"
            )
        if inputs.is_floating_point():
            arguments.check_finite(inputs, "train", **{f"{where}X": inputs})


def _check_options(model, loss, lr, momentum, validation, optimizer, transform, early_stopping) -> None:
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"train: model is a {type(model).__name__}; expected a torch.nn.Module")
    arguments.check_function(loss, "loss", "train", classes=False)
    if optimizer is None and lr is None:
        raise ValueError("train: lr is not given; expected a learning rate lr or an optimizer")
    if optimizer is not None and (lr is not None or momentum != 0):
        raise ValueError(
            f"train: lr is {lr} and momentum {momentum} beside an optimizer; expected neither, as it has its own"
        )
    if optimizer is not None:
        check_optimizer(optimizer, model, "train")
    if transform is not None:
        arguments.check_function(transform, "transform", "train", classes=False)
    if early_stopping is not None and validation is None:
        raise ValueError("train: early_stopping without validation; expected validation=(X, t), whose cost it compares")
    if early_stopping is not None:
        check_new(early_stopping, "train")
