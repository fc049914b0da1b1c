"""An epoch by trainer.Trainer against the same loop without it. Run: python benchmarks/trainer.py

With ``--device cuda`` on a GPU. Both take the same minibatches, model, loss and optimizer, and sum the losses, as an
epoch's cost needs.
"""

import torch
import torch.nn.functional as F
from timing import compare, device_of, table

from nndl_lib import nn
from nndl_lib.data import TensorLoader
from nndl_lib.training import Trainer

CASES = [(64, (64, 100, 10)), (128, (784, 256, 10)), (256, (784, 512, 512, 10))]
STEPS = 20


def parts(sizes: tuple[int, ...], device: torch.device):
    model = nn.MLP(sizes, generator=torch.Generator().manual_seed(0)).to(device)
    return model, torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)


def bare_epoch(model, optimizer, X, t, batch_size, generator) -> float:
    model.train()
    total = torch.zeros((), device=X.device)
    for rows in torch.randperm(len(X), generator=generator).to(X.device).split(batch_size):
        loss = F.cross_entropy(model(X.index_select(0, rows)), t.index_select(0, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(X)


def main() -> None:
    device, rows = device_of(__doc__), []
    for batch_size, sizes in CASES:
        generator = torch.Generator().manual_seed(0)
        X = torch.randn(STEPS * batch_size, sizes[0], generator=generator)
        X, t = X.to(device), torch.randint(sizes[-1], (len(X),), generator=generator).to(device)
        (ours, one), (bare, other) = parts(sizes, device), parts(sizes, device)
        trainer = Trainer(ours, F.cross_entropy, one, device=device, progress=False)
        loader = TensorLoader(X, t, batch_size=batch_size, generator=torch.Generator().manual_seed(1))
        order = torch.Generator().manual_seed(1)
        for _ in range(2):
            trainer.fit(loader, trainer.epoch + 1)
            cost = bare_epoch(bare, other, X, t, batch_size, order)
        assert abs(trainer.history["cost"][-1] - cost) < 1e-6
        for p, q in zip(ours.parameters(), bare.parameters()):  # equal first
            assert torch.equal(p, q)
        result = compare(
            lambda: trainer.fit(loader, trainer.epoch + 1),
            lambda: bare_epoch(bare, other, X, t, batch_size, order),
            5.0,
            device,
        )
        rows.append((f"{STEPS} steps of {batch_size}, {'-'.join(map(str, sizes))}", result))
    table(rows, device)


if __name__ == "__main__":
    main()
