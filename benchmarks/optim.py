"""One step of each optimizer against torch.optim: a million weights in six parameters, and 1600 in a hundred.

Run: python benchmarks/optim.py. torch.optim with its defaults for the CPU. "Rule" is the rule lifted where a class has
a fused form, which is what that form gains. L-BFGS is left out: its time is the closure's.
"""

import torch
from timing import compare, table

from nndl_lib import nn, optim

SIZES = (784, 1024, 256, 10)  # 1,068,810 weights
CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adam", {}),
    ("Adam", {"weight_decay": 1e-4}),
    ("AdamW", {}),
    ("NAdam", {}),
    ("Rprop", {}),
]


def weights(dtype: torch.dtype) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    parameters = list(nn.MLP(SIZES, generator=generator, dtype=dtype).parameters())
    for p in parameters:
        p.grad = torch.randn(p.shape, generator=generator, dtype=dtype)
    return parameters


def small() -> list[torch.Tensor]:
    parameters = [torch.zeros(16, requires_grad=True) for _ in range(100)]
    for p in parameters:
        p.grad = torch.ones(16)
    return parameters


def of_small(name: str, settings: dict) -> list[tuple[str, tuple[float, float, float]]]:
    ours, rule = (getattr(optim, name)(small(), **settings) for _ in range(2))
    torchs, words = getattr(torch.optim, name)(small(), **settings), ", ".join(["100 x 16: " + name, *settings])
    rows = [(words, compare(ours.step, torchs.step))]
    if ours._fused is not None:
        rule._fused = None
        rows.append((words + ", rule", compare(rule.step, torchs.step)))
    return rows


def main() -> None:
    rows = []
    for name, settings in CASES:
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
            one, other = weights(dtype), weights(dtype)
            if name == "NAdam" and dtype == torch.float64:
                tolerance = 1e-9  # torch keeps a product of it in float32
            ours, torchs = getattr(optim, name)(one, **settings), getattr(torch.optim, name)(other, **settings)
            for _ in range(5):
                ours.step(), torchs.step()
            for p, q in zip(one, other):  # equal first
                torch.testing.assert_close(p, q, rtol=tolerance, atol=tolerance)
        words = ", ".join(f"{key} {value}" for key, value in settings.items())
        rows.append((f"{name} {words}"[:51], compare(ours.step, torchs.step, 2.0)))
    for name, settings in CASES:
        rows += of_small(name, settings)
    table(rows)


if __name__ == "__main__":
    main()
