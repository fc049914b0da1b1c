"""Recurrent networks over a batch, forward and backward, nndl_lib against torch.nn. Run: python benchmarks/rnn.py

Batch 64, inputs of 2 numbers, as in the adding problem, and of 64, as from a layer below; one thread. ``--float64`` for
that dtype, ``--device cuda`` for a GPU.
"""

import sys

import torch
from timing import compare, device_of, table

from nndl_lib import rnn

CASES = [(T, D, H) for T in (50, 100) for D in (2, 64) for H in (64, 128)]


def step(model, x, weights):
    for p in model.parameters():
        p.grad = None
    output, _ = model(x)
    (output * weights).sum().backward()
    return output.detach(), *(p.grad for p in model.parameters())


def main() -> None:
    torch.set_num_threads(1)
    device = device_of(__doc__)
    dtype, rows = torch.float64 if "--float64" in sys.argv else torch.float32, []
    tolerance = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-3, "atol": 1e-3}
    for name in ("LSTM", "GRU", "RNN"):
        for T, D, H in CASES:
            generator = torch.Generator().manual_seed(0)
            ours = {"LSTM": rnn.LSTM, "GRU": rnn.GRU, "RNN": rnn.RNN}[name](D, H, dtype=dtype, generator=generator)
            theirs = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "RNN": torch.nn.RNN}[name](D, H, dtype=dtype)
            theirs.load_state_dict(ours.state_dict())
            ours.to(device), theirs.to(device)
            x = torch.randn(T, 64, D, dtype=dtype, generator=generator).to(device)
            weights = torch.randn(T, 64, H, dtype=dtype, generator=generator).to(device)
            for found, expected in zip(step(ours, x, weights), step(theirs, x, weights), strict=True):  # equal first
                torch.testing.assert_close(found, expected, **tolerance)
            times = compare(lambda: step(ours, x, weights), lambda: step(theirs, x, weights), 2.0, device)
            rows.append((f"{name} T={T} D={D} H={H} {str(dtype).removeprefix('torch.')}", times))
    table(rows, device)


if __name__ == "__main__":
    main()
