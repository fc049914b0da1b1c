"""Forward and backward of each loss, nndl_lib against torch. Run: python benchmarks/functional.py"""

import torch
import torch.nn.functional as F
from timing import compare, table

from nndl_lib import functional

SIZES = [(64, 10), (1024, 10), (4096, 100)]


def cases(z: torch.Tensor, generator: torch.Generator):
    N, K = z.shape
    classes = torch.randint(K, (N,), generator=generator)
    shares = torch.rand(N, K, generator=generator).to(z.dtype)
    rows = shares / shares.sum(dim=1, keepdim=True)
    yield "cross_entropy", lambda: functional.cross_entropy(z, classes), lambda: F.cross_entropy(z, classes)
    yield "cross_entropy, probabilities", lambda: functional.cross_entropy(z, rows), lambda: F.cross_entropy(z, rows)
    yield (
        "binary_cross_entropy_with_logits",
        lambda: functional.binary_cross_entropy_with_logits(z, shares),
        lambda: F.binary_cross_entropy_with_logits(z, shares),
    )
    yield (
        "multiclass_hinge_loss",
        lambda: functional.multiclass_hinge_loss(z, classes),
        lambda: K * F.multi_margin_loss(z, classes),
    )
    yield "mse_loss", lambda: functional.mse_loss(z, shares), lambda: F.mse_loss(z, shares)


def step(loss, z):
    z.grad = None
    value = loss()
    value.backward()
    return value.detach(), z.grad


def main() -> None:
    generator, rows = torch.Generator().manual_seed(0), []
    for dtype in (torch.float32, torch.float64):
        for size in SIZES:
            z = torch.randn(size, generator=generator).to(dtype).requires_grad_()
            for name, ours, torchs in cases(z, generator):
                for found, expected in zip(step(ours, z), step(torchs, z)):  # equal first
                    rtol, atol = (1e-5, 1e-8) if dtype == torch.float32 else (1e-12, 1e-14)
                    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)
                times = compare(lambda: step(ours, z), lambda: step(torchs, z), 0.4)
                rows.append((f"{name} {size} {str(dtype).removeprefix('torch.')}", times))
    table(rows)


if __name__ == "__main__":
    main()
