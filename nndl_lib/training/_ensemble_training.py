"""Training of ensembles: gradient descent on all members at once, each as ``training.train`` would do it alone.

Used in chapter 08, "Regularization and generalization". What ``training.Ensemble`` computes at once is stepped at
once: the sum of the members' losses has the gradient of each, as no member's parameters are in another's loss, and an
optimizer that works entry by entry treats stacked parameters as it would treat each one's. It is faster than a loop
where the step of one member is small: some ten times for minibatches of nets with up to a few hundred units. From about
300,000 activations a member, n times the width, a loop on a CPU is as fast or faster.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from nndl_lib import optim
from nndl_lib._arguments import check_generator, check_positive, raise_at
from nndl_lib._declared import checked, count, number
from nndl_lib.optim import Optimizer
from nndl_lib.training._checks import check_data, check_function, check_pair, check_rule
from nndl_lib.training._ensemble import Ensemble
from nndl_lib.training._loop import History, descend, guarded, minibatches

Batch = tuple[Tensor, bool, Tensor]  # inputs, whether each member has its own, and the targets, one below the other


@checked(
    loss=check_function,
    rows="int64 M n",
    lr=check_positive,
    epochs=count(),
    batch_size=count(),
    momentum=number(below=1),
    weight_decay=number(),
    validation=check_pair,
)
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
        ensemble: trained in training mode, as ``train`` says; afterwards in the modes that it was in. Its members give
            one tensor each.
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
    generators = _check(ensemble, X, t, rows, generator, validation)
    M = len(ensemble)
    check_rule("train_ensemble", ensemble, optimizer, lr=lr, momentum=momentum, weight_decay=weight_decay)
    if optimizer is None:
        optimizer = optim.SGD(ensemble.parameters(), lr, momentum=momentum, weight_decay=weight_decay)
    # Every epoch goes back, and none beyond the data.
    X, t = (data.detach() if data.requires_grad else data for data in (X, t))
    n = len(X) if rows is None else rows.shape[1]
    rows = None if rows is None else rows.to(X.device)
    targets = _of_each(t, M, len(X))
    whole = _batch(X, targets, rows) if batch_size >= n else None

    def batches() -> Iterator[Batch]:
        if whole is not None:
            yield whole
            return
        orders = [torch.cat(list(minibatches(n, n, g))).to(X.device) for g in generators]
        for places in (orders[0] if len(orders) == 1 else torch.stack(orders)).split(batch_size, dim=-1):
            if rows is None:
                yield _batch(X, targets, places)
            else:
                yield _batch(X, targets, rows[:, places] if places.ndim == 1 else rows.gather(1, places))

    def measure(batch: Batch) -> tuple[Tensor, Tensor]:
        inputs, own, t = batch
        z = ensemble(inputs, own)
        if not isinstance(z, Tensor):
            what = f"a {type(z).__name__}, as recurrent networks do"
            raise ValueError(f"train_ensemble: the members give {what}; expected one tensor, which the loss takes")
        z = z.flatten(0, 1)
        return _losses(loss, z, t, M), z

    def step(values: Tensor) -> None:
        values.sum().backward()  # no member's parameters are in another's loss
        optimizer.step()

    measured = None
    if validation is not None:
        measured = _batch(validation[0], _of_each(validation[1], M, len(validation[0])), None)
    rule = optimizer.param_groups[0]
    return descend("train_ensemble", ensemble, loss, batches, measure, step, rule, epochs, measured)


# --- the minibatches of all members, and their losses ---


def _of_each(t: Tensor, M: int, N: int) -> Tensor:
    # The targets of each member, (M, N, ...), where all may share theirs.
    return t if t.shape[:2] == (M, N) else t.expand(M, *t.shape)


def _batch(X: Tensor, targets: Tensor, rows: Tensor | None) -> Batch:
    # For rows (n,) of all members, (M, n), each member's own, or None, all rows; targets (M, N, ...).
    if rows is None:
        return X, False, targets.flatten(0, 1)
    if rows.ndim == 1:
        return X[rows], False, targets[:, rows].flatten(0, 1)
    members = torch.arange(len(rows), device=targets.device).unsqueeze(1)
    return X[rows], True, targets[members, rows].flatten(0, 1)


def _losses(loss: Callable[..., Tensor], z: Tensor, targets: Tensor, M: int) -> Tensor:
    # Each member's average loss (M,), for outputs and targets of all members, one below the other.
    try:
        losses = guarded(lambda z, t: loss(z, t, reduction="none"), z, targets, M)
    except TypeError as error:
        raise ValueError(f"train_ensemble: the loss is {loss}; expected one that takes reduction='none'") from error
    if losses.shape[:1] != z.shape[:1]:
        raise ValueError(
            f"train_ensemble: the loss has shape {tuple(losses.shape)}; expected ({len(z)}, ...), one entry or more "
            f"for each of {len(z) // M} examples of {M} members"
        )
    return losses.reshape(M, -1).mean(dim=1)


def _check(ensemble: Ensemble, X: Tensor, t: Tensor, rows: Tensor | None, generator, validation) -> list:
    # Returns the generators as a list.
    caller = "train_ensemble"
    if not isinstance(ensemble, Ensemble):
        raise ValueError(f"{caller}: ensemble is a {type(ensemble).__name__}; expected a training.Ensemble")
    M = len(ensemble)
    check_data(caller, X, t, validation, M)
    if rows is not None and len(rows) != M:
        raise ValueError(f"{caller}: rows has shape {tuple(rows.shape)}; expected ({M}, n)")
    if rows is not None:
        raise_at((rows < 0) | (rows >= len(X)), rows, "rows", caller, f"numbers from 0 to {len(X) - 1}")
    if not isinstance(generator, (list, tuple)):
        return [check_generator(generator, "generator", caller)]
    if len(generator) not in (1, M):
        raise ValueError(f"{caller}: there are {len(generator)} generators for {M} members; expected one, or {M}")
    return [check_generator(one, f"generator[{k}]", caller) for k, one in enumerate(generator)]
