"""MNIST at full size: how long until a network reads 99 of 100 test digits.

    python benchmarks/mnist.py --device cuda

The network is LeNet, trained by ``training.Trainer`` as in chapter 09, with all images on the device, and tested after
each epoch. Looking at the test set is for the clock alone: the training does not depend on it.

Without ``--device`` on the CPU. ``--precision bfloat16`` or ``float16`` for mixed precision, ``--compile inductor`` or
another backend of torch.compile, ``--batch-size``, ``--epochs`` and ``--lr`` for other settings, ``--threads`` for the
CPU, ``--folder`` for MNIST's files, if you have them.
"""

import argparse
import time

import torch
from timing import finished, machine

from nndl_lib import functional, models, optim
from nndl_lib.data import TensorLoader
from nndl_lib.data import _mnist as mnist
from nndl_lib.optim import schedules
from nndl_lib.training import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder")
    parser.add_argument("--precision", choices=["bfloat16", "float16"])
    parser.add_argument("--compile", default=False)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    sets = [mnist.load("mnist", split, folder=options.folder, dtype=torch.float32) for split in ("train", "test")]
    (X, t), (X_test, t_test) = ((one.X[:, None], one.t) for one in sets)
    print(machine(device))

    generator = torch.Generator().manual_seed(0)
    model = models.LeNet(generator=generator, dtype=torch.float32)
    # Minibatches of one size: a compiler would compile anew for the last.
    loader = TensorLoader(X, t, batch_size=options.batch_size, generator=generator, device=device, drop_last=True)
    test = TensorLoader(X_test, t_test, batch_size=1000, device=device)
    steps = options.epochs * len(loader)
    trainer = Trainer(
        model,
        functional.cross_entropy,
        optim.Adam(model.parameters(), lr=options.lr),
        device=device,
        progress=False,
        metrics={"accuracy": lambda z, t: z.argmax(dim=1) == t},
        schedule=lambda step: schedules.cosine(step, steps),
        precision=options.precision,
        compile=options.compile,
    )
    trainer.evaluate(test)  # the device starts up, and a compiler compiles
    start, training = finished(device), 0.0
    for epoch in range(options.epochs):
        before = time.perf_counter()
        trainer.fit(loader, epoch + 1)
        training += finished(device) - before
        accuracy = trainer.evaluate(test)["accuracy"]
        spent = finished(device) - start
        print(
            f"epoch {epoch}: test accuracy {accuracy:.2%} after {spent:.2f} s, {training / (epoch + 1):.2f} s an epoch"
        )


if __name__ == "__main__":
    main()
