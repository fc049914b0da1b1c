"""nndl_lib.autograd against PyTorch: forward and backward of an MLP. Run: python benchmarks/autograd.py"""

import numpy as np
import torch
from timing import compare, table

from nndl_lib import autograd

CASES = [(256, (64, 100, 100, 10)), (256, (784, 256, 10)), (1024, (784, 256, 10))]


def main() -> None:
    rows = []
    for dtype in (np.float32, np.float64):
        for batch_size, sizes in CASES:
            g = np.random.default_rng(0)
            X = g.standard_normal((batch_size, sizes[0])).astype(dtype)
            t = g.integers(0, sizes[-1], batch_size)
            arrays = []
            for inputs, outputs in zip(sizes, sizes[1:]):
                arrays += [(g.standard_normal((outputs, inputs)) / inputs**0.5).astype(dtype), np.zeros(outputs, dtype)]
            ours = [autograd.Tensor(array.copy(), requires_grad=True) for array in arrays]
            theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
            X_torch, t_torch = torch.tensor(X), torch.tensor(t)

            def step_of_ours():
                H = autograd.Tensor(X)
                for k in range(0, len(ours), 2):
                    H = H @ ours[k].T + ours[k + 1]
                    H = H.relu() if k + 2 < len(ours) else H
                for parameter in ours:
                    parameter.grad = None
                autograd.cross_entropy(H, t).backward()

            def step_of_torchs():
                H = X_torch
                for k in range(0, len(theirs), 2):
                    H = H @ theirs[k].T + theirs[k + 1]
                    H = H.relu() if k + 2 < len(theirs) else H
                for parameter in theirs:
                    parameter.grad = None
                torch.nn.functional.cross_entropy(H, t_torch).backward()

            step_of_ours(), step_of_torchs()
            for one, other in zip(ours, theirs):  # equal first
                torch.testing.assert_close(torch.tensor(one.grad), other.grad, rtol=1e-4, atol=1e-5)
            name = f"batch {batch_size}, {'-'.join(map(str, sizes))}, {np.dtype(dtype).name}"
            rows.append((name, compare(step_of_ours, step_of_torchs, 2.0)))
    table(rows)


if __name__ == "__main__":
    main()
