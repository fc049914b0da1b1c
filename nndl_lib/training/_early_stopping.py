"""Early stopping: when a training ends, and the best state until then. Derived in chapter 08, "Regularization and generalization"."""

import copy
import math
from numbers import Real

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments


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
        raise ValueError(f"{caller}: early_stopping is {early_stopping!r}; expected a training.EarlyStopping")
    if early_stopping.epoch > 0:
        raise ValueError(f"{caller}: early_stopping has seen {early_stopping.epoch} values already; expected a new one")


def _copies(state: dict) -> dict:
    # state_dict gives the tensors of the model themselves, which training goes on to change. What ``get_extra_state``
    # gives may be anything.
    return {name: e.detach().clone() if isinstance(e, Tensor) else copy.deepcopy(e) for name, e in state.items()}


def _shapes(state: dict) -> dict:
    # An extra state may be larger than before, and need not be a tensor.
    return {name: "any" if name.endswith("_extra_state") else tuple(e.shape) for name, e in state.items()}
