"""What trainings are given: checks of arguments, for ``nndl_lib._declared`` or of several at once."""

import inspect
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.optim import Optimizer

check_function = partial(arguments.check_function, classes=False)  # loss=CrossEntropyLoss, without (), is a slip


def check_pair(value: tuple[Tensor, Tensor], name: str, caller: str) -> tuple[Tensor, Tensor]:
    """Return value. Raises: ValueError where it is not a pair, of inputs and targets."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{caller}: {name} is a {type(value).__name__}; expected a pair (X, t)")
    return value[0], value[1]


def check_data(caller: str, X: Tensor, t: Tensor, validation: tuple[Tensor, Tensor] | None, M: int = 0) -> None:
    """Raises: ValueError where inputs and targets do not belong together row by row, or inputs are not finite.

    M: of how many members each may have targets of its own, (M, N, ...).
    """
    for inputs, targets, where in [(X, t, "")] + ([] if validation is None else [(*validation, "validation: ")]):
        arguments.check_tensors(f"{caller}: {where}".removesuffix(": "), X=inputs, t=targets)
        rows = tuple(inputs.shape[:1])
        shapes = [tuple(targets.shape[:1]) == rows, M > 0 and tuple(targets.shape[:2]) == (M, *rows)]
        found = f"{where}X has shape {tuple(inputs.shape)} and t {tuple(targets.shape)}"
        if rows in ((), (0,)) or not any(shapes):
            own = f" or ({M}, N, ...)" if M else ""
            raise ValueError(f"{caller}: {found}; expected X (N, ...) and t (N, ...){own}, with N of at least 1")
        if all(shapes):
            raise ValueError(
                f"{caller}: {found}, and there are {M} members; expected another number of members than of rows, "
                "as t may be (N, ...) or (M, N, ...)"
            )
        if inputs.is_floating_point():
            arguments.check_finite(inputs, caller, **{f"{where}X": inputs})


def check_rule(
    caller: str, model: torch.nn.Module, optimizer: torch.optim.Optimizer | Optimizer | None, **settings: float | None
) -> None:
    """Raises: ValueError where there is neither a learning rate nor an optimizer that can train the model, or both."""
    if optimizer is None:
        if settings["lr"] is None:
            raise ValueError(f"{caller}: lr is not given; expected a learning rate lr or an optimizer")
        return
    if any(settings.values()):
        found = ", ".join(f"{name} is {value}" for name, value in settings.items())
        raise ValueError(f"{caller}: {found} beside an optimizer; expected none of them, as it has its own")
    check_optimizer(optimizer, model, caller)


def check_optimizer(optimizer: torch.optim.Optimizer | Optimizer, model: torch.nn.Module, caller: str) -> None:
    """Raises: ValueError where a loop that calls ``backward`` and ``step`` cannot train the model with it.

    It is none of torch's or ``nndl_lib``'s, it needs a closure, as L-BFGS does, a parameter is not the model's, or none
    requires a gradient.
    """
    if not isinstance(optimizer, (torch.optim.Optimizer, Optimizer)):
        raise ValueError(f"{caller}: optimizer is {optimizer!r}; expected one of torch.optim or nndl_lib.optim")
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        what = f"{type(optimizer).__name__}, whose step needs a closure"
        raise ValueError(f"{caller}: optimizer is {what}; expected one without; call its step in a loop of your own")
    own, params = set(model.parameters()), [p for group in optimizer.param_groups for p in group["params"]]
    for p in (p for p in params if p not in own):
        raise ValueError(f"{caller}: the optimizer has a parameter {tuple(p.shape)}; expected the model's")
    if not any(p.requires_grad for p in params):
        raise ValueError(f"{caller}: all parameters of the optimizer are frozen; expected one that requires a gradient")


# --- of a Trainer ---


def check_batch(batch: Any) -> list[Tensor]:
    """Return a minibatch as a list. Raises: ValueError where it is not two or more tensors, the last with rows."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        what = f"a {type(batch).__name__}" + (f" of {len(batch)}" if isinstance(batch, (tuple, list)) else "")
        raise ValueError(f"Trainer: the loader gave {what}; expected a tuple of at least two tensors, the targets last")
    if not all(isinstance(x, Tensor) for x in batch) or batch[-1].ndim == 0:
        what = ", ".join(f"{tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}" for x in batch)
        raise ValueError(f"Trainer: the loader gave {what}; expected tensors, one example a row")
    return list(batch)


def check_loader(value: Iterable, name: str, caller: str) -> Iterable:
    """Return value. Raises: ValueError where no loop over it gives minibatches, or it holds rows instead."""
    hint = "expected a loader of minibatches, such as TensorLoader(X, t, batch_size=64)"
    if isinstance(value, (Tensor, tuple, list)) and (not len(value) or isinstance(value[0], Tensor)):
        raise ValueError(f"{caller}: {name} is a {type(value).__name__} of numbers or tensors; {hint}")
    if isinstance(value, type) or not (hasattr(value, "__iter__") or hasattr(value, "__getitem__")):
        raise ValueError(f"{caller}: {name} is {value!r}; {hint}")
    return value


def check_metrics(value: dict[str, Callable], name: str, caller: str) -> dict[str, Callable]:
    """Return value. Raises: ValueError where it is not functions by name, or a name is one of the history's own."""
    if not isinstance(value, dict) or not all(isinstance(key, str) and callable(f) for key, f in value.items()):
        raise ValueError(f"{caller}: {name} is {value!r}; expected functions by name, as {{'accuracy': accuracy}}")
    for key in value.keys() & {"cost", *(f"validation_{key}" for key in ("cost", *value))}:
        raise ValueError(
            f"{caller}: a metric has the name {key!r}; expected one that the history does not have already"
        )
    return value


def check_compile(value: bool | str | Callable, name: str, caller: str) -> bool | str | Callable:
    """Return value. Raises: ValueError where it is neither a flag nor a name or a function, of a backend of torch's."""
    return value if isinstance(value, str) or callable(value) else arguments.check_flag(value, name, caller)


def check_file(value: str | os.PathLike, name: str, caller: str) -> str | os.PathLike:
    """Return value. Raises: ValueError where it cannot be the path of a file."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value) or os.path.isdir(value):
        raise ValueError(f"{caller}: {name} is {str(value)!r}; expected a file, not a folder")
    return value


def check_each(kind: type, called: str) -> Callable[[Any, str, str], list]:
    """A check: a list or tuple of objects of one kind; it returns a list. Raises: ValueError where it is another."""

    def check(value: Any, name: str, caller: str) -> list:
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, kind) for one in value):
            raise ValueError(f"{caller}: {name} is {value!r}; expected a list of {called}")
        return list(value)

    return check
