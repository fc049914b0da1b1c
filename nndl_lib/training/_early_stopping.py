"""Early stopping: when a training ends, and the best state until then.

Derived in chapter 08, "Regularization and generalization".
"""

import copy
import math
from numbers import Real

import torch
from torch import Tensor

from nndl_lib._arguments import check_model
from nndl_lib._declared import checked, count, number, one_of


class EarlyStopping:
    """Says when a measured value has stopped getting better, and keeps the model's state from when it was best.

    Attributes:
        best: the best value so far, a float; None before the first.
        best_epoch: in which call of ``step`` it came, counted from 0; None before the first.
        epoch: how many values there have been.
    """

    @checked(patience=count(), min_delta=number(), mode=one_of("min", "max"))
    def __init__(self, patience: int, min_delta: float = 0.0, mode: str = "min"):
        """Start without any value.

        Args:
            patience: stop after so many values in a row without an improvement, at least 1.
            min_delta: by more than this a value has to be better than the best to count as an improvement, at least 0.
            mode: "min" where small values are good, such as a cost, "max" where large ones are, such as an accuracy.

        Raises:
            ValueError: one of them is outside its range.
        """
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.epoch = 0
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._state: dict | None = None

    @checked(model=check_model)
    def step(self, value: float | Tensor, model: torch.nn.Module) -> bool:
        """Take the value after an epoch, a number or a 0-d tensor; copy the model's state if it is the best so far.

        Returns: whether to stop.

        Raises:
            ValueError: value is NaN, no number, or a tensor of more than one entry.
        """
        value = self._number(value)
        if self.best is None or self.best_epoch is None or self._gain(value, self.best) > self.min_delta:
            self.best, self.best_epoch, self._state = value, self.epoch, _copies(model.state_dict())
        self.epoch += 1
        return self.epoch - 1 - self.best_epoch >= self.patience

    @checked(model=check_model)
    def restore(self, model: torch.nn.Module) -> None:
        """Set the model's parameters and buffers, and extra states, to what they were at the best value.

        That is what its ``state_dict`` has: buffers with ``persistent=False`` stay as they are.

        Raises:
            ValueError: there has been no value, or the model has other names or shapes than the one that was kept.
        """
        if self._state is None:
            raise ValueError("EarlyStopping: restore before the first step; expected a state to restore")
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

    def _gain(self, value: float, best: float) -> float:
        return best - value if self.mode == "min" else value - best

    def _number(self, value: float | Tensor) -> float:
        if isinstance(value, bool) or not isinstance(value, (Real, Tensor)):
            raise ValueError(f"EarlyStopping: value is {value!r}; expected a number or a 0-d tensor")
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"EarlyStopping: value has shape {tuple(value.shape)}; expected a number or a 0-d tensor")
        value = float(value.detach() if isinstance(value, Tensor) else value)
        if math.isnan(value):
            raise ValueError(f"EarlyStopping: value is nan in epoch {self.epoch}; expected a number to compare")
        return value


def check_new(value: EarlyStopping, name: str, caller: str) -> EarlyStopping:
    """Return value. Raises: ValueError where it is none, or has seen values, perhaps of another model, already."""
    if not isinstance(value, EarlyStopping):
        raise ValueError(f"{caller}: {name} is {value!r}; expected a training.EarlyStopping")
    if value.epoch > 0:
        raise ValueError(f"{caller}: {name} has seen {value.epoch} values already; expected a new one")
    return value


def _copies(state: dict) -> dict:
    # state_dict gives the tensors of the model themselves, which training goes on to change. What ``get_extra_state``
    # gives may be anything.
    return {name: e.detach().clone() if isinstance(e, Tensor) else copy.deepcopy(e) for name, e in state.items()}


def _shapes(state: dict) -> dict:
    # An extra state may be larger than before, and need not be a tensor.
    return {name: "any" if name.endswith("_extra_state") else tuple(e.shape) for name, e in state.items()}
