"""Averages over the examples of many minibatches, summed on the device: nothing waits for it until it is read."""

from numbers import Real

import torch
from torch import Tensor

from nndl_lib.training import processes


class Averages:
    """Sums of named quantities, and the number of examples that they are sums over."""

    def __init__(self) -> None:
        """Start with no example."""
        self.n = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, name: str, value: Tensor | float, n: int) -> None:
        """Add a quantity of n examples: their average, a 0-d tensor or a number, or one value for each, (n,).

        Count the examples themselves by ``count``, once a minibatch.

        Raises:
            ValueError: value has another shape, or is no real number.
        """
        if not isinstance(value, Tensor):
            if not isinstance(value, Real):
                raise ValueError(f"Averages: {name} is a {type(value).__name__}; expected a number, or a tensor")
            value = torch.tensor(float(value), dtype=torch.float64)
        value = value.detach()
        if value.is_complex():
            raise ValueError(f"Averages: {name} is {value.dtype}; expected real numbers")
        if value.ndim == 1 and len(value) == n:
            value, n = value.sum(dtype=None if value.is_floating_point() else torch.float32), 1
        elif value.ndim != 0:
            raise ValueError(
                f"Averages: {name} has shape {tuple(value.shape)}; expected (), the average, or ({n},), "
                "a value for each example"
            )
        total = self._sums.get(name)
        if total is None:  # at least float32, in which a million examples can be counted
            self._sums[name] = value.to(torch.promote_types(value.dtype, torch.float32)) * n
        else:
            total.add_(value.to(total.device), alpha=n)

    def count(self, n: int) -> None:
        """Say that n more examples were added."""
        self.n += n

    def add_all(self, values: dict[str, Tensor | float], n: int) -> None:
        """Add all that was measured on n examples, by name, and count them. Raises ValueError as ``add`` does."""
        for name, value in values.items():
            self.add(name, value, n)
        self.count(n)

    def total(self, name: str) -> Tensor | None:
        """The sum of a quantity so far, in this process; None before the first."""
        return self._sums.get(name)

    def read(self, names: list[str], device: torch.device) -> dict[str, float]:
        """The averages over the examples of all processes. All have to call it, with the same names.

        Raises:
            ValueError: there is no example in any.
        """
        # Apple's GPU has no float64.
        wide = torch.float32 if device.type == "mps" else torch.float64
        sums = torch.full((len(names) + 1,), self.n, dtype=wide, device=device)  # the number stays in the last entry
        for k, name in enumerate(names):
            sums[k] = self._sums.get(name, 0)
        *totals, n = processes._sum(sums).tolist()
        if n == 0:
            raise ValueError(
                "Averages: there is no example; expected at least one minibatch (an iterator has none, once read)"
            )
        return {name: total / n for name, total in zip(names, totals)}

    def state_dict(self) -> dict:
        """Copies of the sums, on the CPU, and the number of examples."""
        return {"n": self.n, "sums": {name: total.detach().cpu().clone() for name, total in self._sums.items()}}

    def load_state_dict(self, state_dict: dict, device: torch.device) -> None:
        """Go on from what ``state_dict`` returned, with the sums on the device."""
        self.n = state_dict["n"]
        self._sums = {name: total.to(device, copy=True) for name, total in state_dict["sums"].items()}
