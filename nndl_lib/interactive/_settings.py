"""The playground's settings and its random numbers: the same as in JavaScript."""

import math
from typing import Any

# The default and all choices, as in playground_network.js; "seed" and "hidden" have ranges instead.
CHOICES: dict[str, tuple[Any, list | None]] = {
    "data": ("ring", ["ring", "xor", "gaussians", "spiral", "moons"]),
    "noise": (0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    "points": (200, [20, 50, 100, 200]),
    "seed": (1, None),
    "inputs": ("linear", ["linear", "quadratic"]),
    "hidden": ([4], None),
    "activation": ("tanh", ["tanh", "relu", "logistic", "linear"]),
    "init": (1, [0, 0.1, 1, 5]),
    "optimizer": ("sgd", ["sgd", "momentum", "adam"]),
    "lr": (0.1, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]),
    "batch": (10, [1, 2, 5, 10, 20, 50, 200]),
    "penalty": ("none", ["none", "l2", "l1"]),
    "lambda": (0.001, [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]),
}
_STREAMS = {"train": 0, "test": 1, "weights": 2, "batches": 3}


def check_settings(**given: Any) -> dict[str, Any]:
    """All settings of the playground by name: those given, the defaults for the others. ``lam`` is the strength lambda.

    Raises: ValueError: there is no such setting, or its value is none of these.
    """
    given = {"lambda" if name == "lam" else name: value for name, value in given.items()}
    for name, value in given.items():
        if name not in CHOICES:
            raise ValueError(f"playground: {name!r} is no setting; expected one of {', '.join(CHOICES)}")
        if name == "hidden":
            fits = isinstance(value, (list, tuple)) and len(value) <= 4 and all(_is_whole(n, 1, 8) for n in value)
            expected = "a list of up to four integers from 1 to 8"
        elif name == "seed":
            fits, expected = _is_whole(value, 0, 999), "an integer from 0 to 999"
        else:
            choices = CHOICES[name][1] or []
            fits = not isinstance(value, bool) and value in choices
            expected = "one of " + ", ".join(map(str, choices))
        if not fits:
            raise ValueError(f"playground: {name} is {value!r}; expected {expected}")
    found = {name: given.get(name, usual) for name, (usual, _) in CHOICES.items()}
    return {**found, "hidden": list(found["hidden"])}


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


class Mulberry32:
    """Random numbers that are the same in Python and JavaScript: Tommy Ettinger's mulberry32, 32 bits of state."""

    def __init__(self, seed: int):
        """Start at a seed, of which the last 32 bits count."""
        self.state = seed & 0xFFFFFFFF

    def bits(self) -> int:
        """A whole number from 0 to 2**32 - 1."""
        self.state = (self.state + 0x6D2B79F5) & 0xFFFFFFFF
        z = (self.state ^ self.state >> 15) * (self.state | 1) & 0xFFFFFFFF
        z ^= z + (z ^ z >> 7) * (z | 61) & 0xFFFFFFFF
        return z ^ z >> 14

    def uniform(self) -> float:
        """A number from 0 to below 1."""
        return self.bits() / 2**32

    def normal(self) -> float:
        """A draw from the standard normal distribution, by the method of Box and Muller, from two uniform numbers."""
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def shuffle(self, order: list) -> None:
        """Put a list in random order, in place (Fisher and Yates)."""
        for i in range(len(order) - 1, 0, -1):
            j = math.floor(self.uniform() * (i + 1))
            order[i], order[j] = order[j], order[i]


def stream(settings: dict, use: str) -> Mulberry32:
    """The random numbers of one use, "train", "test", "weights" or "batches", which no other use disturbs."""
    return Mulberry32(8 * settings["seed"] + _STREAMS[use])
