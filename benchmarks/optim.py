"""One step of each optimizer on an MLP of a million weights, against torch.optim. Run: python benchmarks/optim.py

torch.optim with its defaults for the CPU. L-BFGS is left out: its time is the closure's.
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
    table(rows)


if __name__ == "__main__":
    main()
