"""The loop over minibatches: a loss, its gradient, a step. ``train`` is its plain use.

``train_ensemble`` goes through it with a loss for each member, ``Trainer`` with what long trainings need around it.
Written out in chapter 03, "Classification", without momentum, and used from there on.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nndl_lib import functional, runtime
from nndl_lib._arguments import check_generator, check_model, check_positive, check_rows
from nndl_lib._declared import checked, count, number
from nndl_lib.optim import Optimizer
from nndl_lib.training._checks import check_data, check_function, check_pair, check_rule
from nndl_lib.training._early_stopping import EarlyStopping, check_new

Loss = Callable[[Tensor, Tensor], Tensor]


class History(NamedTuple):
    """What ``train`` measured, one entry an epoch, each tensor (epochs,) on the device of the data.

    Where early stopping ended the training, only the epochs until then. From ``train_ensemble``, each is (M, epochs),
    one row a member.
    """

    cost: Tensor  # the average loss over the epoch's examples, each taken before the update that its minibatch made
    validation_cost: Tensor | None  # the loss on the validation set after the epoch; None without such a set
    validation_accuracy: Tensor | None  # likewise, for classification; None for other tasks


@checked(N=count(), batch_size=count(), generator=check_generator)
def minibatches(N: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """One epoch: the numbers 0 to N - 1 in random order, every one exactly once, in tensors (batch_size,) of int64.

    The last one is shorter where batch_size does not divide N. Each call draws a new order from the generator.

    Raises:
        ValueError: an argument is outside its range or of another kind.
    """
    return iter(torch.randperm(N, generator=generator, device=generator.device).split(batch_size))


@checked(
    model=check_model,
    loss=check_function,
    lr=check_positive,
    epochs=count(),
    batch_size=count(),
    generator=check_generator,
    momentum=number(below=1),
    validation=check_pair,
    transform=check_function,
    early_stopping=check_new,
)
def train(
    model: torch.nn.Module,
    loss: Loss,
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
    check_data("train", X, t, validation)
    check_rule("train", model, optimizer, lr=lr, momentum=momentum)
    if early_stopping is not None and validation is None:
        raise ValueError("train: early_stopping without validation; expected validation=(X, t), whose cost it compares")
    X, t = X.detach(), t.detach()  # every epoch goes back, and none beyond the data
    parameters = list(model.parameters())
    velocities = [torch.zeros_like(w) for w in parameters]

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in minibatches(len(X), batch_size, generator):
            # These are X[rows] and t[rows], in less time.
            inputs, targets = (data.index_select(0, rows.to(data.device)) for data in (X, t))
            if transform is not None:
                inputs = check_rows(transform(inputs), inputs, "transform", "train")
            yield inputs, targets

    def measure(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        inputs, targets = batch
        z = model(inputs)
        return average_loss("train", loss, z, targets), z

    def step(value: Tensor) -> None:
        value.backward()
        if optimizer is not None:
            optimizer.step()
            return
        with torch.no_grad():
            for w, v in zip(parameters, velocities):
                if w.grad is not None:
                    v.mul_(momentum).add_(w.grad)  # v = momentum v + g
                    w.sub_(v, alpha=lr)  # w = w - lr v

    rule = {"lr": lr} if optimizer is None else optimizer.param_groups[0]
    return descend("train", model, loss, batches, measure, step, rule, epochs, validation, early_stopping)


# --- what all trainings share ---


def steps(
    caller: str,
    model: torch.nn.Module,
    batches: Iterable[Any],
    measure: Callable[[Any], tuple[Tensor, Any]],
    step: Callable[[Tensor], None],
) -> Iterator[tuple[Tensor, Any, int]]:
    """Go through the minibatches of an epoch: for each its loss, the gradient of that, and a step.

    Args:
        batches: tuples, the targets last.
        measure: maps a minibatch to its loss, 0-d or (M,) of M members, and to whatever else is to be known of it.
        step: takes the step, given the loss. No parameter has a gradient then.

    Returns: after each step the losses, detached, what else was measured, and the number of examples, of each member.

    Raises:
        ValueError: the loss has no gradient.
    """
    for batch in batches:
        value, measured = measure(batch)
        if not value.requires_grad:
            raise ValueError(
                f"{caller}: the loss has no gradient; expected one computed from parameters that require it"
            )
        model.zero_grad()  # all of it: an optimizer would move frozen ones by what is left from before
        step(value)
        yield value.detach(), measured, len(batch[-1]) // value.numel()


def descend(
    caller: str,
    model: torch.nn.Module,
    loss: Callable[..., Tensor],
    batches: Callable[[], Iterable[Any]],
    measure: Callable[[Any], tuple[Tensor, Tensor]],
    step: Callable[[Tensor], None],
    rule: dict[str, Any],
    epochs: int,
    validation: Any = None,
    early_stopping: EarlyStopping | None = None,
) -> History:
    """Go through that many epochs, and measure cost and accuracy on a minibatch for validation after each.

    Args:
        batches: gives the minibatches of an epoch. measure: of one, its loss as for ``steps`` and the outputs, one
            below the other. rule: has the learning rate "lr".

    Raises:
        ValueError: as ``steps``, or a loss or an output is NaN or infinite.
    """
    measured: list[tuple[Tensor, Tensor | None, Tensor | None]] = []  # in the epochs that are done
    losses: list[Tensor] = []  # of the steps of this one
    with located(caller, lambda: (len(measured), len(losses), rule["lr"])):
        while len(measured) < epochs:
            sizes: list[int] = []
            losses.clear()
            with runtime.training(model):
                for value, _, n in steps(caller, model, batches(), measure, step):
                    losses.append(value)
                    sizes.append(n)
            values = torch.stack(losses)
            _check_finite(values, "the loss", 0)  # looked at once an epoch: it waits for the device
            cost = values.new_tensor(sizes) @ values / sum(sizes)
            if validation is None:
                measured.append((cost, None, None))
                continue
            with torch.no_grad(), runtime.evaluation(model):
                value, z = measure(validation)
            _check_finite(value.unsqueeze(0), "the validation loss", len(losses))
            measured.append((cost, value, _accuracy(loss, z, validation[-1], value)))
            if early_stopping is not None and early_stopping.step(value, model):
                break
    if early_stopping is not None:
        early_stopping.restore(model)
    columns: list[Any] = [None if each[0] is None else torch.stack(each, dim=-1) for each in zip(*measured)]
    return History(*columns)


class Diverged(Exception):
    """What has become NaN or infinite; ``located`` says where, in a ValueError."""

    def __init__(self, what: str, step: int | None = None):
        super().__init__(what)
        self.step = step


@contextmanager
def located(caller: str, where: Callable[[], tuple[int, int, float]]) -> Iterator[None]:
    """Raises: ValueError for what diverges while it lasts; ``where`` tells epoch, step and learning rate."""
    try:
        yield
    except Diverged as error:
        epoch, step, lr = where()
        place = f"in epoch {epoch}, step {step if error.step is None else error.step}"
        expected = f"expected a learning rate smaller than lr = {lr}, and finite data"
        raise ValueError(f"{caller}: {place}, {error}; {expected}") from error.__cause__


def average_loss(caller: str, loss: Loss, z: Tensor, t: Tensor) -> Tensor:
    """The loss of a minibatch. Raises: Diverged as ``guarded``; ValueError where it is not a 0-d tensor."""
    value = guarded(loss, z, t)
    if not isinstance(value, Tensor) or value.ndim != 0:
        what = f"has shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"is a {type(value).__name__}"
        raise ValueError(f"{caller}: the loss {what}; expected a 0-d tensor, the minibatch's average")
    return value


def guarded(loss: Loss, z: Tensor, t: Tensor, M: int = 1) -> Tensor:
    """The loss as it is. Raises: Diverged where it refuses outputs z, of M members, that are not finite."""
    try:
        return loss(z, t)
    except ValueError as error:  # the losses of functional do
        if isinstance(z, Tensor):
            for m in (~z.isfinite()).reshape(M, -1).any(dim=1).nonzero()[:1, 0].tolist():
                whose = f"the output of member {m}" if M > 1 else "the model's output"
                raise Diverged(f"{whose} is not finite") from error
        raise


def _check_finite(losses: Tensor, what: str, first: int) -> None:
    # Of steps from ``first`` on: (steps,), or (steps, M) for M members.
    for step, *member in (~losses.isfinite()).nonzero()[:1].tolist():
        of = f" of member {member[0]}" if member else ""
        raise Diverged(f"{what}{of} is {losses[(step, *member)].item()}", first + step)


def _accuracy(loss: Callable[..., Tensor], z: Tensor, t: Tensor, value: Tensor) -> Tensor | None:
    # The share of right answers, as ``functional.accuracy`` counts them, in the shape of the loss: one for each member.
    binary = loss is functional.binary_cross_entropy_with_logits or t.dtype == torch.int64
    if t.dtype == torch.int64 and z.ndim == 2 and t.ndim == 1:
        right = z.argmax(dim=1) == t
    elif binary and z.shape == t.shape and bool(((t == 0) | (t == 1)).all()):
        right = (z >= 0) == t
    else:
        return None
    right = right.reshape(*value.shape, -1)
    return right.sum(dim=-1).to(value.dtype) / right.shape[-1]
