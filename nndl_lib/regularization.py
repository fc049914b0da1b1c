"""Regularization: penalties on the weights, a bound on their norm, and early stopping.

Derived in chapter 08, "Regularization and generalization". Weights are what multiplies inputs: ``weights_of`` leaves
out biases and what normalization layers learn, since a small bias does not make a function smoother.
"""

import copy
import math
from collections.abc import Iterable
from numbers import Real

import torch
from torch import Tensor

from nndl_lib import arguments

__all__ = ["EarlyStopping", "check_new", "l1_penalty", "l2_penalty", "max_norm_", "weights_of"]


# --- penalties ---


def weights_of(model: torch.nn.Module) -> list[Tensor]:
    """The parameters of a model with two axes or more, in its order: the weights of linear and convolutional layers.

    Those with one axis are left out: biases, and the scales and shifts of normalization layers. Not for an
    ``ensembles.Ensemble``, whose parameters have one axis more.

    Raises:
        ValueError: a parameter has no shape yet, as those of ``torch.nn.LazyLinear`` before the first call.
    """
    for name in (name for name, p in model.named_parameters() if torch.nn.parameter.is_lazy(p)):
        raise ValueError(f"weights_of: {name} has no shape yet; expected a model that has seen an input")
    return [p for p in model.parameters() if p.ndim >= 2]


def l2_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """Half the sum of squares, ``sum(w**2) / 2`` over all entries of all parameters: a 0-d tensor, not of half precision.

    The half makes the gradient w itself, so that lambda times this is what torch's ``weight_decay=lambda`` does in SGD.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return sum(_wide(p).square().sum() for p in _listed(parameters, "l2_penalty")) / 2


def l1_penalty(parameters: Iterable[Tensor]) -> Tensor:
    """The sum of absolute values over all entries of all parameters: 0-d, not of half precision. Its gradient at 0 is 0.

    Raises:
        ValueError: there is no parameter, or one is not floating-point.
    """
    return sum(_wide(p).abs().sum() for p in _listed(parameters, "l1_penalty"))


@torch.no_grad()
def max_norm_(weight: Tensor, c: float) -> Tensor:
    """Scale the rows of weight (out, ...) whose Euclidean norm exceeds c to norm c, in place; return weight.

    A row is what comes into one unit: all axes but the first. Call it after each step of an optimizer.
    Source: Srebro & Shraibman (2005), https://doi.org/10.1007/11503415_37; for dropout, Srivastava et al. (2014).

    Raises:
        ValueError: weight is not floating-point or has fewer than two axes, or c is not a finite number above 0.
    """
    c = arguments.check_number(c, "c", "max_norm_")
    if c == 0:
        raise ValueError("max_norm_: c is 0; expected a finite number greater than 0")
    arguments.check_tensors("max_norm_", weight=weight)
    if weight.ndim < 2 or not weight.is_floating_point():
        raise ValueError(
            f"max_norm_: weight has shape {tuple(weight.shape)} and dtype {weight.dtype}; "
            "expected floating-point (out, in), with a row for each unit"
        )
    norms = torch.linalg.vector_norm(_wide(weight), dim=tuple(range(1, weight.ndim)), keepdim=True)
    return weight.mul_(torch.where(norms > c, c / norms, 1))


def _listed(parameters: Iterable[Tensor], caller: str) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = arguments.check_list(parameters, "parameters", caller, "a tensor or a list of tensors")
    if not parameters:
        raise ValueError(f"{caller}: parameters is empty (an iterator is, once read); expected at least one tensor")
    for k, p in enumerate(parameters):
        arguments.check_tensors(caller, **{f"parameters[{k}]": p})
        if not p.is_floating_point():
            raise ValueError(f"{caller}: parameters[{k}] is {p.dtype}; expected a floating-point dtype")
    return parameters


def _wide(p: Tensor) -> Tensor:
    # In half precision squares of 256 are infinite, and those of 1e-4 are 0.
    return p.to(torch.promote_types(p.dtype, torch.float32))


# --- early stopping ---


class EarlyStopping:
    """Says when a measured value has stopped getting better, and keeps the model's state from when it was best.

    Attributes:
        best: the best value so far, a float; None before the first.
        best_epoch: in which call of ``step`` it came, counted from 0; None before the first.
        epoch: how many values there have been.
    """

    def __init__(self, patience: int, min_delta: float = 0.0, mode: str = "min"):
        """Start without any value.

        Args:
            patience: stop after so many values in a row without an improvement, at least 1.
            min_delta: by more than this a value has to be better than the best to count as an improvement, at least 0.
            mode: "min" where small values are good, such as a cost, "max" where large ones are, such as an accuracy.

        Raises:
            ValueError: one of them is outside its range.
        """
        self.patience = arguments.check_count(patience, "patience", "EarlyStopping")
        self.min_delta = arguments.check_number(min_delta, "min_delta", "EarlyStopping")
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode is {mode!r}; expected 'min' or 'max'")
        self.mode = mode
        self.epoch, self.best, self.best_epoch, self._state = 0, None, None, None

    def step(self, value: float | Tensor, model: torch.nn.Module) -> bool:
        """Take the value after an epoch, a number or a 0-d tensor; copy the model's state if it is the best so far.

        Returns: whether to stop.

        Raises:
            ValueError: value is NaN, no number, or a tensor of more than one entry.
        """
        arguments.check_model(model, "model", "EarlyStopping")
        if isinstance(value, bool) or not isinstance(value, (Real, Tensor)):
            raise ValueError(f"EarlyStopping: value is {value!r}; expected a number or a 0-d tensor")
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"EarlyStopping: value has shape {tuple(value.shape)}; expected a number or a 0-d tensor")
        value = float(value.detach() if isinstance(value, Tensor) else value)
        if math.isnan(value):
            raise ValueError(f"EarlyStopping: value is nan in epoch {self.epoch}; expected a number to compare")
        if self.best is None or self._gain(value) > self.min_delta:
            self.best, self.best_epoch, self._state = value, self.epoch, _copies(model.state_dict())
        self.epoch += 1
        return self.epoch - 1 - self.best_epoch >= self.patience

    def restore(self, model: torch.nn.Module) -> None:
        """Set the model's parameters and buffers, and extra states, to what they were at the best value.

        That is what its ``state_dict`` has: buffers with ``persistent=False`` stay as they are.

        Raises:
            ValueError: there has been no value, or the model has other names or shapes than the one that was kept.
        """
        if self._state is None:
            raise ValueError("EarlyStopping: restore before the first step; expected a state to restore")
        arguments.check_model(model, "model", "EarlyStopping")
        found, kept = _shapes(model.state_dict()), _shapes(self._state)
        for name in (name for name in [*kept, *found] if kept.get(name) != found.get(name)):
            raise ValueError(
                f"EarlyStopping: {name} of the model has shape {found.get(name)}; expected {kept.get(name)}, as kept"
            )
        model.load_state_dict(_copies(self._state))  # copies, as a module may keep its extra state as it is given

    def state_dict(self) -> dict:
        """Copies of what is needed to go on: "epoch", "best", "best_epoch", "model"; not the settings."""
        model = None if self._state is None else _copies(self._state)
        return {"epoch": self.epoch, "best": self.best, "best_epoch": self.best_epoch, "model": model}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned.

        Raises:
            ValueError: it has other keys.
        """
        expected = ["epoch", "best", "best_epoch", "model"]
        if sorted(state_dict) != sorted(expected):
            raise ValueError(f"EarlyStopping: state_dict has {', '.join(state_dict)}; expected {', '.join(expected)}")
        self.epoch, self.best, self.best_epoch = (state_dict[name] for name in expected[:3])
        self._state = None if state_dict["model"] is None else _copies(state_dict["model"])

    def _gain(self, value: float) -> float:
        return self.best - value if self.mode == "min" else value - self.best


def check_new(early_stopping: EarlyStopping, caller: str) -> None:
    """Raises: ValueError where it is none, or has values, and perhaps a model, of another training already."""
    if not isinstance(early_stopping, EarlyStopping):
        raise ValueError(f"{caller}: early_stopping is {early_stopping!r}; expected a regularization.EarlyStopping")
    if early_stopping.epoch > 0:
        raise ValueError(f"{caller}: early_stopping has seen {early_stopping.epoch} values already; expected a new one")


def _copies(state: dict) -> dict:
    # state_dict gives the tensors of the model themselves, which training goes on to change. What ``get_extra_state``
    # gives may be anything.
    return {name: e.detach().clone() if isinstance(e, Tensor) else copy.deepcopy(e) for name, e in state.items()}


def _shapes(state: dict) -> dict:
    # An extra state may be larger than before, and need not be a tensor.
    return {name: "any" if name.endswith("_extra_state") else tuple(e.shape) for name, e in state.items()}
