"""A training that is interrupted, wherever that is, goes on to the numbers of one that never was, bit by bit.

In the same process by calling ``fit`` again, and in another one from the last checkpoint. The model has no randomness
of its own: what a forward pass drew stays drawn where the step after it was not taken.
"""

import collections
import warnings

import pytest
import torch
import torch.nn.functional as F

from nndl_lib import data, nn, optim, training
from nndl_lib.data import TensorLoader
from nndl_lib.training import Trainer, checkpoint

F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


X, t = data.make_moons(43, 0.1, rng(), **F64)


class Clock:
    """Counts what is called, and interrupts one call of one place."""

    def __init__(self, at=None):
        self.calls, self.at = collections.Counter(), at

    def tick(self, place):
        self.calls[place] += 1
        if self.at == (place, self.calls[place]):
            raise KeyboardInterrupt(place)

    def wrapped(self, place, function):
        def call(*args):
            self.tick(place)
            return function(*args)

        return call


class Ticks(training.Callback):
    def __init__(self, clock):
        self.clock = clock

    def on_fit_start(self, trainer, steps):
        self.clock.tick("on_fit_start")

    def on_step(self, trainer):
        self.clock.tick("on_step")

    def on_epoch(self, trainer, record):
        self.clock.tick("on_epoch")

    def on_fit_end(self, trainer):
        self.clock.tick("on_fit_end")

    def state_dict(self):
        self.clock.tick("state_dict")
        return {}


class Loader(TensorLoader):
    def __iter__(self):
        for batch in super().__iter__():
            self.clock.tick(self.place)
            yield batch


def loader_of(clock, place, **options):
    loader = Loader(X, t, transform=clock.wrapped("transform", lambda x: x), **options)
    loader.clock, loader.place = clock, place
    return loader


class Training:
    def __init__(self, clock, path):
        model = torch.nn.Sequential(nn.MLP([2, 5, 2], nn.Tanh, generator=rng(), **F64), nn.Dropout(0.0))
        right = clock.wrapped("metric", lambda z, t: z.argmax(dim=1) == t)
        self.trainer = Trainer(
            model,
            clock.wrapped("loss", F.cross_entropy),
            optim.Adam(model.parameters(), lr=0.05),
            metrics={"share": right},
            schedule=clock.wrapped("schedule", lambda step: 0.98**step),
            callbacks=[Ticks(clock)],
            progress=False,
            checkpoint=path,
            checkpoint_steps=4,
            early_stopping=training.EarlyStopping(9),
            device="cpu",
        )
        self.loader = loader_of(clock, "loader", batch_size=8, generator=rng(1))
        self.validation = loader_of(clock, "validation", batch_size=20)

    def fit(self, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # after an interrupt at the very end nothing is left to train
            return self.trainer.fit(self.loader, 3, self.validation, **options)

    def result(self):
        counts = {name: getattr(self.trainer, name) for name in ("epoch", "step", "batch", "measuring")}
        return counts, self.trainer.history, [p.tolist() for p in self.trainer.model.parameters()]


PLACES = (
    "loader",
    "transform",
    "loss",
    "metric",
    "schedule",
    "on_step",
    "on_epoch",
    "on_fit_start",
    "on_fit_end",
    "state_dict",
    "save",
    "validation",
)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    clock = Clock()
    training = Training(clock, tmp_path_factory.mktemp("unbroken") / "c.pt")
    training.fit()
    clock.calls["save"] = 7
    return training.result(), clock.calls


@pytest.mark.parametrize("place", PLACES)
def test_goes_on_to_the_same_bits(place, unbroken, tmp_path, monkeypatch):
    expected, calls = unbroken
    times = calls[place]
    assert times > 0
    write = checkpoint.save
    for call in sorted({1, 2, times // 2, times - 1, times} & set(range(1, times + 1))):
        clock, path = Clock((place, call)), tmp_path / f"{call}.pt"
        monkeypatch.setattr(checkpoint, "save", clock.wrapped("save", write))
        broken = Training(clock, path)
        with pytest.raises(KeyboardInterrupt):
            broken.fit()
        assert all(part.training for part in broken.trainer.model.modules())
        again = Training(Clock(), path)  # in a process of its own, from the last checkpoint or from the beginning
        again.fit(resume=True)
        assert again.result() == expected, (place, call)
        broken.fit()
        assert broken.result() == expected, (place, call)


def test_an_end_that_fails_does_not_keep_the_others_from_theirs():
    ends = []

    class Ends(training.Callback):
        def __init__(self, error=None):
            self.error = error

        def on_fit_end(self, trainer):
            ends.append(self)
            if self.error is not None:
                raise self.error

    model = nn.MLP([2, 2], **F64)
    given = [Ends(), Ends(ValueError("first")), Ends()]
    trainer = Trainer(
        model,
        F.cross_entropy,
        torch.optim.SGD(model.parameters(), lr=0.1),
        callbacks=given,
        progress=False,
        device="cpu",
    )
    with pytest.raises(ValueError, match="first"):
        trainer.fit([(X, t)], 1)
    assert ends == given


def test_saved_in_the_validation_and_gone_on_from(tmp_path):
    # A checkpoint that is written by hand while the epoch is measured: its steps are not taken again.
    clock = Clock(("validation", 4))
    broken, unbroken = Training(clock, tmp_path / "a.pt"), Training(Clock(), tmp_path / "b.pt")
    unbroken.fit()
    with pytest.raises(KeyboardInterrupt):
        broken.fit()
    broken.trainer.save(tmp_path / "a.pt")
    again = Training(Clock(), tmp_path / "a.pt")
    again.trainer.load(tmp_path / "a.pt")
    assert again.trainer.measuring and again.trainer.batch == 6
    again.trainer.save(tmp_path / "c.pt")  # read and written again, it has the same place
    for path in ("a.pt", "c.pt"):
        again = Training(Clock(), tmp_path / path)
        again.fit(resume=True)
        assert again.result() == unbroken.result()


def test_a_loop_within_the_loop_is_refused():
    model = nn.MLP([2, 2], **F64)

    class Peeks(training.Callback):
        def on_step(self, trainer):
            if trainer.step == 3:
                trainer.evaluate(loader)
                trainer.state_dict()

    loader = TensorLoader(X, t, batch_size=8, generator=rng())
    options = {"progress": False, "device": "cpu"}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, F.cross_entropy, optimizer, callbacks=[Peeks()], **options)
    message = "Trainer: the loader is after minibatch 0 of an epoch, and 3 steps are done; "
    message += "expected a loader that nothing else"
    with pytest.raises(ValueError, match=message):
        trainer.fit(loader, 1)
    Peeks.on_step = lambda self, trainer: trainer.evaluate(loader)
    trainer = Trainer(model, F.cross_entropy, optimizer, callbacks=[Peeks()], **options)
    with pytest.raises(
        ValueError, match="TensorLoader: another loop over it began in this one; expected a loader for each"
    ):
        trainer.fit(loader, 1)
