"""Forward and backward of batch norm, layer norm and dropout, nndl_lib against torch.

Run: python benchmarks/normalization.py
"""

import torch
from timing import compare, table

from nndl_lib import nn

SIZES = [(64, 100), (256, 512), (4096, 256)]


def pairs(D: int, dtype: torch.dtype):
    yield "BatchNorm1d", nn.BatchNorm1d(D, dtype=dtype), torch.nn.BatchNorm1d(D, dtype=dtype)
    yield "LayerNorm", nn.LayerNorm(D, dtype=dtype), torch.nn.LayerNorm(D, dtype=dtype)
    yield "Dropout", nn.Dropout(0.5), torch.nn.Dropout(0.5)


def step(module, x, grad):
    for tensor in (x, *module.parameters()):
        tensor.grad = None
    y = module(x)
    y.backward(grad)
    return [y.detach(), *(tensor.grad for tensor in (x, *module.parameters()))]


def main() -> None:
    generator, rows = torch.Generator().manual_seed(0), []
    for dtype in (torch.float32, torch.float64):
        for size in SIZES:
            x = torch.randn(size, generator=generator).to(dtype).requires_grad_()
            grad = torch.randn(size, generator=generator).to(dtype)
            for name, ours, torchs in pairs(size[1], dtype):
                found = []
                for module in (ours, torchs):  # equal first; the global seed makes both drop the same entries
                    torch.manual_seed(0)
                    found.append(step(module, x, grad))
                rtol, atol = (1e-4, 1e-4) if dtype == torch.float32 else (1e-12, 1e-12)
                for one, other in zip(*found, strict=True):
                    torch.testing.assert_close(one, other, rtol=rtol, atol=atol)
                times = compare(lambda: step(ours, x, grad), lambda: step(torchs, x, grad), 0.4)
                rows.append((f"{name} {size} {str(dtype).removeprefix('torch.')}", times))
    table(rows)


if __name__ == "__main__":
    main()
