"""A training step of an MLP, nndl_lib against torch.nn and torch.optim. Run: python benchmarks/mlp_step.py

With ``--device cuda`` on a GPU. One step is forward, cross-entropy, backward and an SGD update. Its time includes one
pass through ``train``'s loop. The last rows say what the taught form of one part costs a training of the book's size:
all is ``nndl_lib``'s on both sides, but for the norm of chapter 7's network on the digits, or the optimizer.
"""

from functools import partial

import torch
import torch.nn.functional as F
from timing import compare, device_of, table

from nndl_lib import functional, nn, optim, training

CASES = [(64, (64, 100, 10)), (256, (64, 100, 100, 10)), (1024, (784, 256, 10))]
LR, MOMENTUM = 1e-3, 0.9


def networks(sizes: tuple[int, ...], device: torch.device):
    ours = nn.MLP(sizes, generator=torch.Generator().manual_seed(0)).to(device)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    torchs = torch.nn.Sequential(*layers[:-1]).to(device)
    torchs.load_state_dict(ours.state_dict())
    return ours, torchs


def epoch_of_ours(model, X, t, batch_size):
    generator = torch.Generator().manual_seed(1)
    options = {"lr": LR, "epochs": 1, "batch_size": batch_size, "momentum": MOMENTUM}
    training.train(model, functional.cross_entropy, X, t, generator=generator, **options)


def epoch_of_torchs(model, X, t, batch_size):
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    for rows in torch.randperm(len(X), generator=generator).split(batch_size):
        rows = rows.to(X.device)
        optimizer.zero_grad()
        F.cross_entropy(model(X[rows]), t[rows]).backward()
        optimizer.step()


def epoch_with(model, X, t, batch_size, **rule):
    generator = torch.Generator().manual_seed(1)
    training.train(model, functional.cross_entropy, X, t, epochs=1, batch_size=batch_size, generator=generator, **rule)
    return list(model.parameters())


def parts(device: torch.device, batch_size: int = 64):
    """Ten steps with a part of ours, ten with torch's, and what that part is."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(10 * batch_size, 64, generator=generator).to(device)
    t = torch.randint(10, (len(X),), generator=generator).to(device)
    for name in ("BatchNorm1d", "LayerNorm"):
        both = [
            nn.deep_mlp(64, 32, 10, 6, norm=getattr(library, name), generator=torch.Generator().manual_seed(0))
            for library in (nn, torch.nn)
        ]
        steps = [partial(epoch_with, m.to(device), X, t, batch_size, lr=LR, momentum=MOMENTUM) for m in both]
        yield f"64-32-32-32-32-32-10, {name}", steps
    for name in ("RMSprop", "NAdam"):
        both = [networks((64, 100, 10), device)[0] for _ in range(2)]
        rules = [getattr(library, name)(m.parameters(), lr=LR) for library, m in zip((optim, torch.optim), both)]
        yield f"64-100-10, {name}", [partial(epoch_with, m, X, t, batch_size, optimizer=r) for m, r in zip(both, rules)]


def main() -> None:
    device, rows = device_of(__doc__), []
    for batch_size, sizes in CASES:
        generator = torch.Generator().manual_seed(0)
        X = torch.randn(10 * batch_size, sizes[0], generator=generator)
        X, t = X.to(device), torch.randint(sizes[-1], (len(X),), generator=generator).to(device)
        ours, torchs = networks(sizes, device)
        epoch_of_ours(ours, X, t, batch_size)
        epoch_of_torchs(torchs, X, t, batch_size)
        for one, other in zip(ours.parameters(), torchs.parameters()):  # equal first
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
        result = compare(
            lambda: epoch_of_ours(ours, X, t, batch_size),
            lambda: epoch_of_torchs(torchs, X, t, batch_size),
            3.0,
            device,
        )
        rows.append((f"10 steps of {batch_size}, {'-'.join(map(str, sizes))}", result))
    for name, steps in parts(device):
        for one, other in zip(*(step() for step in steps)):  # equal first
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        rows.append((f"10 steps of 64, {name}", compare(*steps, 3.0, device)))
    table(rows, device)


if __name__ == "__main__":
    main()
