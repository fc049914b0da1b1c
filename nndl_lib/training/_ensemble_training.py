"""Training of ensembles: gradient descent on all members at once, each as ``training.train`` would do it alone.

Used in chapter 08, "Regularization and generalization". What ``training.Ensemble`` computes at once is stepped at
once: the sum of the members' losses has the gradient of each, as no member's parameters are in another's loss, and an
optimizer that works entry by entry treats stacked parameters as it would treat each one's. It is faster than a loop
where the step of one member is small: some ten times for minibatches of nets with up to a few hundred units. From about
300,000 activations a member, n times the width, a loop on a CPU is as fast or faster.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib import functional, optim, runtime
from nndl_lib.optim import Optimizer
from nndl_lib.optim._base import check_optimizer
from nndl_lib.training._ensemble import Ensemble
from nndl_lib.training._loop import History, minibatches


def train_ensemble(
    ensemble: Ensemble,
    loss: Callable[..., Tensor],
    X: Tensor,
    t: Tensor,
    *,
    rows: Tensor | None = None,
    lr: float | None = None,
    epochs: int,
    batch_size: int,
    generator: torch.Generator | Sequence[torch.Generator],
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    optimizer: torch.optim.Optimizer | Optimizer | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
) -> History:
    """Train all members at once, in place. Each gets the steps that ``training.train`` would give it alone.

    Args:
        ensemble: trained in training mode, as ``train`` says; afterwards in the modes that it was in. Its members give one
            tensor each.
        loss: one of ``functional``'s or torch's. It is called with ``reduction="none"`` on the outputs and targets of
            all members, one below the other, and averaged for each member.
        X: (N, ...), one example a row.
        t: (N, ...), their targets; or (M, N, ...), for each member its own.
        rows: (M, n) of int64, the rows of X and t that each member has, from ``bootstrap`` for example; else all.
        lr: the learning rate alpha, greater than 0; needed unless there is an optimizer.
        epochs: how often to go through the data, at least 1.
        batch_size: examples a step; where it is all of them or more, the batch is made once, and no order is drawn.
        generator: what the order of the examples is drawn from, anew in each epoch. One generator: all members go
            through their rows in the same order, each as ``train`` does with a generator in this one's state.
            M generators: each member in the order of its own.
        momentum: from 0 to below 1. weight_decay: lambda, at least 0, on all parameters, as in ``torch.optim.SGD``.
        optimizer: over the ensemble's parameters, instead of lr, momentum and weight_decay. It has to work entry by
            entry, as SGD, RMSprop and Adam do; L-BFGS and the clipping of a norm would mix the members.
        validation: (X, t) to measure after each epoch; the accuracy too, under the conditions of ``train``.

    Returns: a ``History`` whose tensors are (M, epochs).

    Raises:
        ValueError: an argument is outside its range or contradicts another, shapes do not fit together, or a member's
            loss became NaN or infinite, which says that lr is too large.
    """
    if not isinstance(ensemble, Ensemble):
        raise ValueError(f"train_ensemble: ensemble is a {type(ensemble).__name__}; expected a training.Ensemble")
    M = len(ensemble)
    _check_data(X, t, M, rows, "")
    X, t = (
        data.detach() if data.requires_grad else data for data in (X, t)
    )  # every epoch goes back, and none beyond the data
    batch_size = arguments.check_count(batch_size, "batch_size", "train_ensemble")
    generators = list(generator) if isinstance(generator, (list, tuple)) else [generator]
    _check_options(M, loss, epochs, generators, validation)
    _check_rates(ensemble, lr, momentum, weight_decay, optimizer)
    if optimizer is None:
        optimizer = optim.SGD(ensemble.parameters(), lr, momentum=momentum, weight_decay=weight_decay)
    if validation is not None:
        _check_data(*validation, M, None, "validation: ")
        validation = validation[0], False, _flat(validation[1], M, len(validation[0]))
    n = len(X) if rows is None else rows.shape[1]
    whole = _batch(X, t, M, rows, None) if batch_size >= n else None
    cost, validation_cost, validation_accuracy = [], [], []
    for epoch in range(epochs):
        losses, sizes = [], []
        with runtime.training(ensemble):
            for step, places in enumerate(_places(n, batch_size, generators, X.device)):
                batch = _batch(X, t, M, rows, places) if whole is None else whole
                ensemble.zero_grad()
                values, _ = _losses(ensemble, loss, *batch, epoch, optimizer)
                values.sum().backward()  # no member's parameters are in another's loss
                optimizer.step()
                losses.append(values.detach())
                sizes.append(places.shape[-1])
        losses = torch.stack(losses)
        _check_finite(losses, "the loss", epoch, optimizer)
        cost.append(losses.new_tensor(sizes) @ losses / n)
        if validation is not None:
            value, share = _evaluate(ensemble, loss, validation, epoch, optimizer)
            validation_cost.append(value)
            validation_accuracy.append(share)
    cost = torch.stack(cost, dim=1)
    if validation is None:
        return History(cost, None, None)
    measured = None not in validation_accuracy
    validation_accuracy = torch.stack(validation_accuracy, dim=1) if measured else None
    return History(cost, torch.stack(validation_cost, dim=1), validation_accuracy)


# --- a step of all members ---


def _places(n: int, batch_size: int, generators: list[torch.Generator], device: torch.device) -> Sequence[Tensor]:
    """One epoch of minibatches: places (batch,) in the rows of every member, or (M, batch), each member's own."""
    if batch_size >= n:
        return (torch.arange(n, device=device),)
    orders = [torch.cat(list(minibatches(n, n, g))).to(device) for g in generators]
    return (orders[0] if len(orders) == 1 else torch.stack(orders)).split(batch_size, dim=-1)


def _batch(X: Tensor, t: Tensor, M: int, rows: Tensor | None, places: Tensor | None) -> tuple[Tensor, bool, Tensor]:
    """Inputs, whether each member has its own, and the targets of all members, one below the other."""
    rows = None if rows is None else rows.to(X.device)
    if rows is not None and places is not None:
        rows = rows[:, places] if places.ndim == 1 else rows.gather(1, places)
    elif rows is None:
        rows = places
    if rows is None:
        return X, False, _flat(t, M, len(X))
    own = rows.ndim == 2
    if not _own_targets(t, M, len(X)):
        return X[rows], own, _flat(t[rows], M, rows.shape[-1], own)
    if own:
        return X[rows], own, t[torch.arange(M, device=t.device).unsqueeze(1), rows].flatten(0, 1)
    return X[rows], own, t[:, rows].flatten(0, 1)


def _own_targets(t: Tensor, M: int, N: int) -> bool:
    return t.shape[:2] == (M, N)


def _flat(t: Tensor, M: int, N: int, own: bool | None = None) -> Tensor:
    own = _own_targets(t, M, N) if own is None else own
    return (t if own else t.expand(M, *t.shape)).flatten(0, 1)


def _losses(ensemble, loss, X: Tensor, own: bool, targets: Tensor, epoch: int, optimizer) -> tuple[Tensor, Tensor]:
    """Each member's average loss (M,), and the outputs (M, n, ...)."""
    z = ensemble(X, own)
    if not isinstance(z, Tensor):
        what = f"a {type(z).__name__}, as recurrent networks do"
        raise ValueError(f"train_ensemble: the members give {what}; expected one tensor, which the loss takes")
    M, n = z.shape[:2]
    try:
        losses = loss(z.flatten(0, 1), targets, reduction="none")
    except TypeError as error:
        raise ValueError(f"train_ensemble: the loss is {loss}; expected one that takes reduction='none'") from error
    except ValueError:  # the losses of functional refuse outputs that are not finite
        _check_finite(z.detach().flatten(1).sum(dim=1).unsqueeze(0), "the sum of the outputs", epoch, optimizer)
        raise
    if losses.shape[:1] != (M * n,):
        raise ValueError(
            f"train_ensemble: the loss has shape {tuple(losses.shape)}; expected ({M * n}, ...), one entry or more for "
            f"each of {n} examples of {M} members"
        )
    return losses.reshape(M, -1).mean(dim=1), z


def _check_finite(losses: Tensor, what: str, epoch: int, optimizer) -> None:
    for step, m in (~losses.isfinite()).nonzero()[:1].tolist():
        raise ValueError(
            f"train_ensemble: in epoch {epoch}, {what} of member {m} is {losses[step, m].item()}; "
            f"expected a learning rate smaller than lr = {optimizer.param_groups[0]['lr']}"
        )


@torch.no_grad()
def _evaluate(ensemble, loss, validation, epoch: int, optimizer) -> tuple[Tensor, Tensor | None]:
    with runtime.evaluation(ensemble):
        values, z = _losses(ensemble, loss, *validation, epoch, optimizer)
    _check_finite(values.unsqueeze(0), "the validation loss", epoch, optimizer)
    t = validation[2].reshape(z.shape[:2] + validation[2].shape[1:])
    if t.dtype == torch.int64 and z.ndim == 3:
        return values, (z.argmax(dim=2) == t).to(z.dtype).mean(dim=1)
    if loss is functional.binary_cross_entropy_with_logits and bool(((t == 0) | (t == 1)).all()):
        return values, ((z >= 0) == t).to(z.dtype).flatten(1).mean(dim=1)
    return values, None


# --- checks of arguments ---


def _check_data(X: Tensor, t: Tensor, M: int, rows: Tensor | None, where: str) -> None:
    caller = "train_ensemble"
    arguments.check_tensors(f"{caller}: {where}".removesuffix(": "), X=X, t=t)
    N = X.shape[0] if X.ndim else 0
    if N == 0 or not (_own_targets(t, M, N) or t.shape[:1] == (N,)):
        raise ValueError(
            f"{caller}: {where}X has shape {tuple(X.shape)} and t {tuple(t.shape)}; "
            f"expected X (N, ...) and t (N, ...) or ({M}, N, ...), with N of at least 1"
        )
    if M == N and t.shape[:2] == (N, N):
        raise ValueError(
            f"{caller}: {where}t has shape {tuple(t.shape)}, and there are {M} members and {N} rows; "
            "expected another number of members, as t may be (N, ...) or (M, N, ...)"
        )
    if X.is_floating_point():
        arguments.check_finite(X, caller, **{f"{where}X": X})
    if rows is None:
        return
    if rows.ndim != 2 or len(rows) != M or rows.shape[1] == 0 or rows.dtype != torch.int64:
        raise ValueError(
            f"{caller}: rows has shape {tuple(rows.shape)} and dtype {rows.dtype}; expected ({M}, n) of torch.int64"
        )
    arguments.raise_at((rows < 0) | (rows >= N), rows, "rows", caller, f"numbers from 0 to {N - 1}")


def _check_options(M: int, loss, epochs, generators, validation) -> None:
    caller = "train_ensemble"
    arguments.check_function(loss, "loss", caller, classes=False)
    arguments.check_count(epochs, "epochs", caller)
    for k, generator in enumerate(generators):
        arguments.check_generator(generator, f"generator[{k}]" if len(generators) > 1 else "generator", caller)
    if len(generators) not in (1, M):
        raise ValueError(f"{caller}: there are {len(generators)} generators for {M} members; expected one, or {M}")
    if validation is not None and (not isinstance(validation, (tuple, list)) or len(validation) != 2):
        raise ValueError(f"{caller}: validation is a {type(validation).__name__}; expected a pair (X, t)")


def _check_rates(ensemble: Ensemble, lr, momentum, weight_decay, optimizer) -> None:
    caller = "train_ensemble"
    arguments.check_number(momentum, "momentum", caller, below=1)
    arguments.check_number(weight_decay, "weight_decay", caller)
    if optimizer is None and lr is None:
        raise ValueError(f"{caller}: lr is not given; expected a learning rate lr or an optimizer")
    if optimizer is None:
        arguments.check_positive(lr, "the learning rate lr", caller)
        return
    if lr is not None or momentum != 0 or weight_decay != 0:
        raise ValueError(
            f"{caller}: lr is {lr}, momentum {momentum} and weight_decay {weight_decay} beside an optimizer; "
            "expected none of them, as it has its own"
        )
    check_optimizer(optimizer, ensemble, caller)
