"""Ensembles against a loop of ``train``, and random_affine against loops. Run: python benchmarks/ensembles.py

On one thread. "ours" is all members or images at once; the other column is named in the row: a loop over the members
with the library's own ``train``, ``torch.func.vmap`` for the same ensemble, scipy or torch's grid_sample.
"""

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from timing import compare, table
from torch.func import functional_call, vmap

from nndl_lib import functional, nn, training
from nndl_lib.data import augmentation
from nndl_lib.training import Ensemble, train_ensemble

# Members, hidden units, examples, batch size, epochs, and whether the loss is squared.
TRAININGS = [
    (10, 32, 320, 32, 1, False),
    (30, 32, 320, 32, 1, False),
    (10, 100, 320, 32, 1, False),
    (30, 100, 320, 32, 1, False),
    (5, 100, 200, 200, 10, True),
    (5, 300, 200, 200, 10, True),
    (5, 300, 1000, 1000, 2, True),
]


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def models_of(M: int, hidden: int, dtype: torch.dtype) -> list[nn.MLP]:
    return [nn.MLP([64, hidden, 10], generator=rng(m), dtype=dtype) for m in range(M)]


def training_row(M: int, hidden: int, N: int, batch_size: int, epochs: int, squared: bool):
    options = {"lr": 0.01, "epochs": epochs, "batch_size": batch_size, "momentum": 0.9}
    loss = functional.mse_loss if squared else functional.cross_entropy
    t = torch.randint(10, (N,), generator=rng(1))

    def both(dtype: torch.dtype):
        X = torch.randn(N, 64, generator=rng(0), dtype=dtype)
        targets = F.one_hot(t, 10).to(dtype) if squared else t
        models = models_of(M, hidden, dtype)
        ensemble = Ensemble(models)

        def at_once():
            train_ensemble(ensemble, loss, X, targets, generator=rng(2), **options)

        def loop():
            for model in models:
                training.train(model, loss, X, targets, generator=rng(2), **options)

        return ensemble, models, at_once, loop

    ensemble, models, at_once, loop = both(torch.float64)
    at_once(), loop()
    for member, model in zip(ensemble.unstack(), models):  # equal first
        for p, q in zip(member.parameters(), model.parameters()):
            torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)
    *_, at_once, loop = both(torch.float32)
    return f"train {M} x 64-{hidden}-10, batch {batch_size}: loop", compare(at_once, loop, 2.0)


def forward_row(M: int, hidden: int):
    """Forward and backward of an ensemble by hand and by vmap."""
    ensemble = Ensemble(models_of(M, hidden, torch.float32))
    X, parameters = torch.randn(32, 64, generator=rng(0)), dict(ensemble.members.named_parameters())

    def by_vmap():
        return vmap(lambda p: functional_call(ensemble.members, p, (X,)))(parameters)

    torch.testing.assert_close(ensemble(X), by_vmap(), rtol=1e-4, atol=1e-5)
    gradient = torch.randn(M, 32, 10, generator=rng(1))
    result = compare(lambda: ensemble(X).backward(gradient), lambda: by_vmap().backward(gradient), 2.0)
    return f"forward, backward {M} x 64-{hidden}-10, batch 32: vmap", result


def warp_rows(shape: tuple[int, ...]):
    """One rotation for each image, against scipy and grid_sample image by image, and grid_sample for all at once."""
    images, degrees = torch.rand(shape, generator=rng(0)), 40 * torch.rand(shape[0], generator=rng(1)) - 20
    angles = degrees * (torch.pi / 180)
    c, s = angles.cos(), angles.sin()
    back = torch.stack([torch.stack([c, s], 1), torch.stack([-s, c], 1)], 1).numpy()  # of (row, column)
    center = (np.array(shape[1:]) - 1) / 2
    pixels = images.numpy()

    def scipys():
        return np.stack(
            [
                ndimage.affine_transform(pixels[n], back[n], center - back[n] @ center, order=1, mode="grid-constant")
                for n in range(len(pixels))
            ]
        )

    theta = torch.stack([torch.stack([c, -s, 0 * c], 1), torch.stack([s, c, 0 * c], 1)], 1)  # of (column, row)

    def grids(part: slice):
        x = images[part].unsqueeze(1)
        grid = F.affine_grid(theta[part], x.shape, align_corners=False)
        return F.grid_sample(x, grid, align_corners=False).squeeze(1)

    def loop():
        return torch.cat([grids(slice(n, n + 1)) for n in range(len(images))])

    def ours():
        return augmentation.rotate(images, degrees)

    expected = ours()
    for other in (torch.from_numpy(scipys()), loop(), grids(slice(None))):
        torch.testing.assert_close(other, expected, rtol=1e-4, atol=1e-4)
    name = f"rotate {'x'.join(map(str, shape))}"
    yield f"{name}: loop of scipy", compare(ours, scipys)
    yield f"{name}: loop of grid_sample", compare(ours, loop)
    yield f"{name}: one grid_sample", compare(ours, lambda: grids(slice(None)))


def main() -> None:
    torch.set_num_threads(1)
    rows = [training_row(*case) for case in TRAININGS]
    rows += [forward_row(M, hidden) for M in (10, 30) for hidden in (32, 100)]
    for shape in ((32, 8, 8), (1000, 8, 8), (32, 28, 28)):
        rows += warp_rows(shape)
    table(rows)


if __name__ == "__main__":
    main()
