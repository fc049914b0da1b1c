"""Checks of what a function of the library is given: each raises ValueError in the name of its caller.

Checks of shapes, dtypes and devices cost next to nothing. Those of values cost one pass and one wait for the device;
the search for the entry that is wrong happens only after that. Where there are no values, as ``known`` says, they are
not checked.
"""

import math
import operator
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import torch
from torch import Tensor


def check_count(value: int, name: str, caller: str, least: int = 1, most: int | None = None) -> int:
    """Return value as a Python int; NumPy's integers count as well.

    Raises: ValueError where value is not an integer of at least ``least``, and at most ``most``. A bool is none.
    """
    number = _integer(value)
    if number is None or number < least or (most is not None and number > most):
        expected = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{caller}: {name} is {value!r}; expected an integer {expected}")
    return number


def check_device(device: str | torch.device | None, caller: str) -> torch.device | None:
    """Return device as one of torch's, or None.

    Raises: ValueError where it names none: ``tensor.to(0.5)`` would take it for a tensor.
    """
    try:
        return None if device is None else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{caller}: device is {device!r}; expected one of torch's, such as 'cpu' or 'cuda'") from error


def check_dim(dim: int, input: Tensor, caller: str) -> int:
    """Return dim as a Python int. Raises: ValueError where it is no dimension of input, from the start or the end."""
    number = _integer(dim)
    if number is None or not -input.ndim <= number < input.ndim:
        raise ValueError(
            f"{caller}: input has shape {_shape(input)} and dim is {dim!r}; expected one of its dimensions"
        )
    return number


def check_flag(value: bool, name: str, caller: str) -> bool:
    """Return value as a Python bool.

    Raises: ValueError where it is not True or False: "False" and 2 would count as True.
    """
    if type(value).__name__ not in ("bool", "bool_"):  # NumPy calls its own bool_, later bool
        raise ValueError(f"{caller}: {name} is {value!r}; expected True or False")
    return bool(value)


def check_function(value: Callable, name: str, caller: str, classes: bool = True) -> Callable:
    """Return value. Raises: ValueError where it cannot be called, or is a class where ``classes`` is False.

    A class is what ``loss=CrossEntropyLoss`` without () is.
    """
    if not callable(value) or isinstance(value, type) and not classes:
        raise ValueError(f"{caller}: {name} is {value!r}; expected a function")
    return value


def check_generator(
    value: torch.Generator | None, name: str, caller: str, optional: bool = False
) -> torch.Generator | None:
    """Return value. Raises: ValueError where it is not a torch.Generator. None is one where it is ``optional``."""
    if not (isinstance(value, torch.Generator) or optional and value is None):
        expected = (
            "a torch.Generator, or None" if optional else "a torch.Generator, e.g. torch.Generator().manual_seed(0)"
        )
        raise ValueError(f"{caller}: {name} is {value!r}; expected {expected}")
    return value


def check_integer(value: int, name: str, caller: str) -> int:
    """Return value as a Python int. Raises: ValueError where it is no integer, of Python or NumPy. A bool is none."""
    number = _integer(value)
    if number is None:
        raise ValueError(f"{caller}: {name} is {value!r}; expected an integer")
    return number


def check_list(value: Iterable, name: str, caller: str, expected: str) -> list:
    """Return value as a list. Raises: ValueError where it cannot be one, or is a dict, a string or a set."""
    if isinstance(value, (dict, set, frozenset, str)) or not isinstance(value, Iterable):
        raise ValueError(f"{caller}: {name} is of type {type(value).__name__}; expected {expected}")
    return list(value)


def check_model(value: torch.nn.Module, name: str, caller: str) -> torch.nn.Module:
    """Return value. Raises: ValueError where it is not a torch.nn.Module."""
    if not isinstance(value, torch.nn.Module):
        raise ValueError(f"{caller}: {name} is {value!r}; expected a torch.nn.Module")
    return value


def check_number(value: float, name: str, caller: str, least: float = 0, below: float = math.inf) -> float:
    """Return value as a Python float, whoever's number it is.

    Raises: ValueError where value is not a number from ``least`` to below ``below``. A bool or a tensor is none.
    """
    number = _real(value)
    if number is None or not least <= number < below:
        expected = "a finite number" if below == math.inf else f"a number from {least} to below {below}"
        expected += f" of at least {least}" if below == math.inf and least > -math.inf else ""
        raise ValueError(f"{caller}: {name} is {value!r}; expected {expected}")
    return number


def check_positive(value: float, name: str, caller: str) -> float:
    """Return value as a Python float.

    Raises: ValueError where it is not a finite number greater than 0. A bool or a tensor is none.
    """
    number = _real(value)
    if number is None or not 0 < number < math.inf:
        raise ValueError(f"{caller}: {name} is {value!r}; expected a finite number greater than 0")
    return number


def check_share(value: Any, name: str, caller: str, optional: bool = False) -> Any:
    """Return value. Raises: ValueError where it is not a number from 0 to 1. None is one where it is ``optional``."""
    number = _real(value)
    if (number is None or not 0 <= number <= 1) and not (optional and value is None):
        raise ValueError(
            f"{caller}: {name} is {value!r}; expected a number from 0 to 1{', or None' if optional else ''}"
        )
    return value


def check_pair(value: int | tuple[int, int], name: str, caller: str, least: int = 1) -> tuple[int, int]:
    """Return a number for height and one for width: value itself, or one integer twice.

    Raises: ValueError where value is neither an integer of at least ``least`` nor two of them.
    """
    parts = value if isinstance(value, (tuple, list)) else (value, value)
    pair = [part for part in map(_integer, parts) if part is not None and part >= least]
    if len(parts) != 2 or len(pair) != 2:
        raise ValueError(f"{caller}: {name} is {value!r}; expected an integer of at least {least}, or two")
    return pair[0], pair[1]


def check_tensors(caller: str, **named: Tensor) -> None:
    """Raises: ValueError where one of the named values is not a tensor: a list, or an array of NumPy."""
    for name, value in named.items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{caller}: {name} is a {type(value).__name__}; expected a tensor, e.g. torch.tensor({name})"
            )


def check_floating(input: Tensor, caller: str) -> Tensor:
    """Return input. Raises: ValueError where it is not a floating-point tensor."""
    check_tensors(caller, input=input)
    if not input.is_floating_point():
        raise ValueError(f"{caller}: input is {input.dtype}; expected a floating-point dtype")
    return input


def check_size(input: Tensor, caller: str) -> None:
    """Raises: ValueError where input is not floating-point, or has no entry."""
    check_floating(input, caller)
    if input.numel() == 0:
        raise ValueError(f"{caller}: input has shape {_shape(input)}; expected at least one entry")


def check_same(input: Tensor, target: Tensor, caller: str) -> None:
    """Raises: ValueError where input has no entry, or the two differ in shape, dtype or device. Nothing broadcasts."""
    check_size(input, caller)
    check_tensors(caller, target=target)
    if input.shape != target.shape:
        raise ValueError(
            f"{caller}: input has shape {_shape(input)} and target {_shape(target)}; expected the same shape for both"
        )
    if input.dtype != target.dtype:
        raise ValueError(
            f"{caller}: input is {input.dtype} and target is {target.dtype}; expected the same dtype for both"
        )
    _check_device(input, target, caller)


def check_rows(made: Tensor, rows: Tensor, name: str, caller: str) -> Tensor:
    """Return what the function of that name made of rows (n, ...).

    Raises: ValueError where that is no tensor, or one with another number of rows, which belong to other targets then.
    """
    if not isinstance(made, Tensor):
        raise ValueError(f"{caller}: {name} gave a {type(made).__name__}; expected a tensor")
    if made.shape[:1] != rows.shape[:1]:
        raise ValueError(f"{caller}: {name} gave {_shape(made)} for {len(rows)} rows; expected as many rows")
    return made


def check_dtype(dtype: torch.dtype | None, caller: str, integers: bool = False) -> torch.dtype:
    """Return dtype, or the default one for None.

    Raises: ValueError where it is not floating-point, nor one of integers where those may be, nor None.
    """
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if (
        not isinstance(dtype, torch.dtype)
        or dtype.is_complex
        or dtype == torch.bool
        or not (dtype.is_floating_point or integers)
    ):
        raise ValueError(
            f"{caller}: dtype is {dtype!r}; expected {'a real' if integers else 'a floating-point'} dtype of torch"
        )
    return dtype


def check_finite(values: Tensor, caller: str, **named: Tensor) -> Tensor:
    """Return values, whose sum shows a NaN or an infinity in the named tensors that they were computed from.

    Raises: ValueError where one of the named tensors holds one.
    """
    if known(values) and not math.isfinite(values.detach().sum().item()):
        for name, tensor in named.items():
            raise_at(~tensor.isfinite(), tensor, name, caller, "finite numbers")
    return values


def known(x: Tensor) -> bool:
    """Whether x has values to look at: not on the device "meta", under ``torch.func.vmap`` or while compiling."""
    if x.is_meta or torch.compiler.is_compiling():
        return False
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return False
        x = functorch.get_unwrapped(x)
    return True


def raise_at(wrong: Tensor, tensor: Tensor, name: str, caller: str, expected: str) -> None:
    """Raises: ValueError that names the first entry of tensor at which ``wrong`` is True, if there is any."""
    for where in wrong.nonzero()[:1].tolist():
        at = f"[{', '.join(map(str, where))}]" if where else ""
        raise ValueError(f"{caller}: {name}{at} is {tensor[tuple(where)].item()}; expected {expected}")


def _integer(value) -> int | None:
    # As a Python int, whoever's integer it is; None for anything else, and for a bool.
    if isinstance(value, (bool, Tensor)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _real(value) -> float | None:
    # As a Python float; None for anything else, for a bool, and for an integer that is larger than any float.
    if type(value) is float:
        return value
    try:
        return None if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    except OverflowError:
        return None


def _check_device(input: Tensor, target: Tensor, caller: str) -> None:
    if input.device != target.device:
        raise ValueError(
            f"{caller}: input is on {input.device} and target on {target.device}; expected one device for both"
        )


def _shape(x: Tensor) -> str:
    return str(tuple(x.shape))
