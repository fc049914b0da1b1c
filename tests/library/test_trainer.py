"""nndl_lib.training.Trainer, averages and callbacks against bare loops of torch, step for step, and what is refused."""

import contextlib
import copy
import math
import os
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import data, functional, models, nn, optim, rnn, training
from nndl_lib.data import TensorLoader
from nndl_lib.optim import schedules
from nndl_lib.training import Trainer, checkpoint, processes
from nndl_lib.training._averages import Averages

checks = settings(derandomize=True, deadline=None, max_examples=15, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("NNDL_DEVICE", "cpu")


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(torch.as_tensor(found, **F64), torch.as_tensor(expected, **F64), rtol=1e-12, atol=1e-12)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


X, t = data.make_moons(43, 0.1, rng(), **F64)


def model_of(seed=0, hidden=5):
    return nn.MLP([2, hidden, 2], nn.Tanh, generator=rng(seed), **F64)


def loader_of(seed=1, batch_size=8, X=X, t=t):
    return TensorLoader(X, t, batch_size=batch_size, generator=None if seed is None else rng(seed))


def right(z, t):
    return z.argmax(dim=1) == t


def trainer_of(model=None, lr=0.05, loss=F.cross_entropy, optimizer=None, **options):
    model = model or model_of()
    return Trainer(model, loss, optimizer or torch.optim.Adam(model.parameters(), lr=lr), **options)


def equal_states(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


# --- the steps ---


@checks
@given(
    N=st.integers(2, 30),
    batch_size=st.integers(1, 12),
    clip=st.none() | st.floats(0.01, 1),
    seed=seeds,
    scheduled=st.booleans(),
    name=st.sampled_from(["SGD", "Adam", "RMSprop"]),
    own=st.booleans(),
)
def test_the_steps_and_history_of_a_bare_loop(N, batch_size, clip, seed, scheduled, name, own):
    X, t = torch.randn(N, 3, generator=rng(seed), **F64), torch.randint(2, (N,), generator=rng(seed))
    ours, torchs = (nn.MLP([3, 4, 2], nn.Tanh, generator=rng(seed), **F64) for _ in range(2))
    groups = [[{"params": m[0].parameters(), "lr": 0.01}, {"params": m[2].parameters()}] for m in (ours, torchs)]
    one = getattr(optim if own else torch.optim, name)(groups[0], lr=0.03)
    other = getattr(torch.optim, name)(groups[1], lr=0.03)
    factor = (lambda step: schedules.exponential(step, 0.9)) if scheduled else None
    trainer = Trainer(
        ours, F.cross_entropy, one, metrics={"accuracy": right}, clip_norm=clip, schedule=factor, progress=False
    )
    history = trainer.fit(
        TensorLoader(X, t, batch_size=batch_size, generator=rng(seed)), 3, TensorLoader(X, t, batch_size=4)
    )
    order, step, expected = rng(seed), 0, {name: [] for name in history}
    for _ in range(3):
        losses, hits = 0, 0
        for rows in torch.randperm(N, generator=order).split(batch_size):
            if scheduled:
                for group, lr in zip(other.param_groups, (0.01, 0.03)):
                    group["lr"] = lr * 0.9**step
            z = torchs(X[rows])
            loss = F.cross_entropy(z, t[rows])
            other.zero_grad()
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(torchs.parameters(), clip)
            other.step()
            step += 1
            losses, hits = losses + loss.item() * len(rows), hits + right(z, t[rows]).sum().item()
        z = torchs(X)
        for name, value in (
            ("cost", losses / N),
            ("accuracy", hits / N),
            ("validation_cost", F.cross_entropy(z, t).item()),
            ("validation_accuracy", right(z, t).double().mean().item()),
        ):
            expected[name].append(value)
    for p, q in zip(ours.parameters(), torchs.parameters()):
        close(p.detach(), q.detach())
    assert list(history) == list(expected) and history is trainer.history
    for name in expected:
        close(history[name], expected[name])
    assert (trainer.epoch, trainer.step, trainer.batch) == (3, step, 0)
    assert ours.training


def test_clipping_measures_the_gradients_of_what_is_trained():
    model = model_of()
    last = list(model.parameters())[-2:]
    before = [p.detach().clone() for p in last]
    trainer_of(model, optimizer=torch.optim.SGD(last, lr=1.0), clip_norm=0.01).fit(loader_of(None, 43), 1)
    moved = torch.cat([(p - old).flatten() for p, old in zip(last, before)]).norm().item()
    assert math.isclose(moved, 0.01, rel_tol=1e-3)  # the others' gradients, larger ones, do not count


def test_the_same_as_train():
    model, other = model_of(), model_of()
    history = trainer_of(model, optimizer=optim.SGD(model.parameters(), lr=0.1), loss=functional.cross_entropy).fit(
        loader_of(5), 4, loader_of(None, 43)
    )
    expected = training.train(
        other, functional.cross_entropy, X, t, lr=0.1, epochs=4, batch_size=8, generator=rng(5), validation=(X, t)
    )
    close(history["cost"], expected.cost)
    close(history["validation_cost"], expected.validation_cost)
    close(model[0].weight.detach(), other[0].weight.detach())


def test_several_inputs_and_a_plain_list_of_minibatches():
    class Two(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Bilinear(2, 3, 1, **F64)

        def forward(self, a, b):
            return self.layer(a, b)[:, 0]

    a, b, y = torch.randn(9, 2, **F64), torch.randn(9, 3, **F64), torch.randn(9, **F64)
    model = Two()
    batches = [(a[k : k + 4], b[k : k + 4], y[k : k + 4]) for k in range(0, 9, 4)]
    history = trainer_of(model, loss=F.mse_loss).fit(batches, 30, [[a, b, y]])
    assert history["cost"][-1] < history["cost"][0]
    close(history["validation_cost"][-1], F.mse_loss(model(a, b), y).item())


def test_epochs_are_counted_over_calls_of_fit():
    one, other = trainer_of(), trainer_of()
    loader = loader_of()
    one.fit(loader, 2)
    before = copy.deepcopy(one.model.state_dict())
    with pytest.warns(
        UserWarning, match="nothing is left to train: 2 epochs are done; expected epochs above that, not 2"
    ):
        one.fit(loader, 2)
    equal_states(one.model.state_dict(), before)
    one.fit(loader, 5)
    other.fit(loader_of(), 5)
    equal_states(one.model.state_dict(), other.model.state_dict())
    assert one.history == other.history and len(one.history["cost"]) == 5


def test_evaluation_is_in_evaluation_mode_and_leaves_the_mode():
    model = torch.nn.Sequential(model_of(), torch.nn.Dropout(0.5))
    trainer = trainer_of(model)
    for training_mode in (True, False):
        model.train(training_mode)
        found = trainer.evaluate(loader_of(None, 10))
        assert model.training is training_mode
        close(found["cost"], F.cross_entropy(model[0](X), t).item())
    assert list(found) == ["cost"] and all(p.grad is None for p in model.parameters())

    class Modes(training.Callback):
        def on_step(self, trainer):
            assert trainer.model.training

        def on_epoch(self, trainer, record):
            self.record = record

    seen = Modes()
    history = trainer_of(model, callbacks=[seen]).fit(loader_of(), 2, loader_of())
    assert seen.record == {name: values[-1] for name, values in history.items()}


@pytest.mark.parametrize("where", ["training", "validation", "evaluate"])
def test_every_part_is_in_its_own_mode_afterwards(where):
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2, **F64), model_of(), nn.Dropout(0.5, generator=rng()))
    seen = []
    model.register_forward_pre_hook(lambda module, inputs: seen.append([part.training for part in module.modules()]))

    def loss(z, t):
        if fails and torch.is_grad_enabled() == (where == "training"):
            raise KeyboardInterrupt
        return F.cross_entropy(z, t)

    model[0].eval()  # by the reader, for the whole of the training
    for whole in (False, True):
        if whole:
            model.eval()
        before = [part.training for part in model.modules()]
        for fails in (True, False):
            trainer = trainer_of(model, loss=loss)
            with pytest.raises(KeyboardInterrupt) if fails else contextlib.nullcontext():
                trainer.evaluate(loader_of()) if where == "evaluate" else trainer.fit(loader_of(), 1, loader_of(2))
            assert [part.training for part in model.modules()] == before
    n = len(before)
    whole, part, none = (True,) * n, (True, False, *(True,) * (n - 2)), (False,) * n
    assert set(map(tuple, seen)) == ({none} if where == "evaluate" else {whole, part, none})


def test_normalization_that_the_reader_stopped_keeps_its_statistics():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2, **F64), model_of())
    model[0].eval()
    trainer = trainer_of(model)
    trainer.fit(loader_of(), 2, loader_of(None))
    assert model[0].num_batches_tracked == 0 and torch.equal(model[0].running_mean, torch.zeros(2, **F64))
    model[0].train()
    trainer.fit(loader_of(), 3, loader_of(None))
    assert model[0].num_batches_tracked == 6


class Freezes(training.Callback):
    def on_step(self, trainer):
        if trainer.step == 8:  # in the second epoch, with a gradient of this step
            trainer.model[0].requires_grad_(False)
            self.kept = trainer.model[0].weight.detach().clone()


@pytest.mark.parametrize("own", [False, True])
def test_a_frozen_layer_does_not_move(own):
    freezes = Freezes()
    model = model_of()
    optimizer = (optim if own else torch.optim).AdamW(model.parameters(), lr=0.05, weight_decay=0.1)
    trainer = trainer_of(model, optimizer=optimizer, callbacks=[freezes], clip_norm=1.0)
    trainer.fit(loader_of(), 3)
    assert torch.equal(model[0].weight, freezes.kept)
    model[0].requires_grad_(True)
    trainer.fit(loader_of(), 4)
    assert not torch.equal(model[0].weight, freezes.kept)


def test_a_group_that_is_added_is_scheduled_and_clipped():
    model = model_of()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    trainer = trainer_of(model, optimizer=optimizer, schedule=lambda step: 0.5**step, clip_norm=1e-3)
    trainer.fit(loader_of(), 1)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer.add_param_group({"params": model[0].parameters(), "lr": 100 * 2.0**6})
    trainer.fit(loader_of(None, 43), 2)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1 * 0.5**6, 100]
    moved = torch.cat([(p - q).flatten() for p, q in zip(model[0].parameters(), before)]).norm().item()
    assert 0.01 < moved < 0.1  # 100 times at most the clipped norm
    optimizer.add_param_group({"params": model_of(5)[0].parameters()})
    with refused("Trainer: the optimizer has a parameter (5, 2); expected the model's"):
        trainer.fit(loader_of(), 3)


def test_the_history_has_an_entry_for_each_epoch():
    trainer = trainer_of(metrics={"share": right})
    trainer.fit(loader_of(), 2)
    trainer.fit(loader_of(), 3, loader_of(None))
    history = trainer.fit(loader_of(), 4)
    assert {len(values) for values in history.values()} == {4}
    for name in ("validation_cost", "validation_share"):
        assert [math.isnan(value) for value in history[name]] == [True, True, False, True]
    assert all(map(math.isfinite, history["cost"] + history["share"]))


# --- averages ---


def test_averages():
    averages = Averages()
    for values in ([1.0, 2.0, 6.0], [5.0]):
        values = torch.tensor(values, requires_grad=True)
        averages.count(len(values))
        averages.add("mean", values.mean(), len(values))
        averages.add("each", values, len(values))
        averages.add("number", values.mean().item(), len(values))
        averages.add("share", values > 1.5, len(values))
    found = averages.read(["mean", "each", "number", "share"], CPU)
    assert found == {"mean": 3.5, "each": 3.5, "number": 3.5, "share": 0.75}
    assert not averages.total("each").requires_grad and averages.total("none") is None
    assert averages.total("mean").dtype == torch.float32
    half = Averages()
    half.add("x", torch.tensor(1.0, dtype=torch.bfloat16), 1)
    for _ in range(999):
        half.add("x", torch.tensor(1.0, dtype=torch.bfloat16), 1)
    assert half.total("x").item() == 1000  # bfloat16 would stop at 256
    again = Averages()
    state = averages.state_dict()
    again.load_state_dict(state, CPU)
    again.count(4), again.add("mean", 0.5, 4)
    assert again.read(["mean"], CPU) == {"mean": 2.0} and averages.read(["mean"], CPU) == {"mean": 3.5}
    again.load_state_dict(state, CPU)
    for one in (again, averages):  # what was saved does not change with what goes on
        one.add("each", 100.0, 1)
    assert state["sums"]["each"].item() == 14
    for value, kind in ((None, "NoneType"), ("1", "str"), ([1.0], "list")):
        with refused(f"Averages: loss is a {kind}; expected a number, or a tensor"):
            averages.add("loss", value, 1)
    with refused("Averages: loss is torch.complex64; expected real numbers"):
        averages.add("loss", torch.tensor(1j), 1)
    for values in (
        [3, 5],
        [True, False],
        [torch.tensor(True), torch.tensor(2)],
        [np.float32(1), np.int64(2)],
        [1, 0.5],
    ):
        mixed = Averages()
        for value in values:
            mixed.count(2), mixed.add("x", value, 2)
        assert mixed.read(["x"], CPU) == {"x": sum(map(float, values)) / 2}
    with refused("Averages: loss has shape (2, 2); expected (), the average, or (2,), a value for each example"):
        averages.add("loss", torch.ones(2, 2), 2)
    with refused("Averages: loss has shape (3,); expected (), the average, or (2,)"):
        averages.add("loss", torch.ones(3), 2)
    with refused("Averages: there is no example; expected at least one minibatch"):
        Averages().read(["cost"], CPU)


def test_a_process_without_examples_reads_what_the_others_have(monkeypatch):
    monkeypatch.setattr(processes, "_sum", lambda sums: sums.add_(torch.tensor([6.0, 3.0])))
    assert Averages().read(["cost"], CPU) == {"cost": 2.0}


# --- early stopping, callbacks, progress ---


def test_early_stopping_restores_the_best():
    stopping = training.EarlyStopping(patience=3)
    trainer = trainer_of(lr=0.3, early_stopping=stopping)  # so large that the cost goes up and down
    history = trainer.fit(loader_of(), 60, loader_of(None, 43))
    costs = history["validation_cost"]
    assert len(costs) < 60 and trainer.stop and trainer.epoch == len(costs)
    assert costs.index(min(costs)) == len(costs) - 4 == stopping.best_epoch
    close(trainer.evaluate(loader_of(None, 43))["cost"], min(costs))
    with pytest.warns(
        UserWarning,
        match="nothing is left to train: it was stopped, by early stopping or a callback; expected trainer.stop = F",
    ):
        assert trainer.fit(loader_of(), 99, loader_of()) == history
    assert trainer.step == 6 * len(costs)


class Writes(training.Callback):
    def __init__(self, stop_after=99):
        self.seen, self.stop_after = [], stop_after

    def on_fit_start(self, trainer, steps):
        self.seen.append(("start", steps))

    def on_step(self, trainer):
        self.seen.append(("step", trainer.step, trainer.batch))

    def on_epoch(self, trainer, record):
        self.seen.append(("epoch", trainer.epoch, *record))
        trainer.stop = trainer.epoch == self.stop_after

    def on_fit_end(self, trainer):
        self.seen.append(("end",))

    def state_dict(self):
        return {"seen": len(self.seen)}

    def load_state_dict(self, state_dict):
        self.loaded = state_dict["seen"]


def test_callbacks(tmp_path):
    writes = Writes(stop_after=2)
    trainer_of(callbacks=[writes], checkpoint=tmp_path / "c.pt").fit(loader_of(None, 22), 9)
    assert writes.seen == [
        ("start", 2),
        ("step", 1, 1),
        ("step", 2, 2),
        ("epoch", 1, "cost"),
        ("step", 3, 1),
        ("step", 4, 2),
        ("epoch", 2, "cost"),
        ("end",),
    ]
    other = Writes()
    trainer = trainer_of(callbacks=[other])
    trainer.load(tmp_path / "c.pt")
    assert other.loaded == 7 and trainer.stop
    failing = Writes()
    with pytest.raises(ZeroDivisionError):
        trainer_of(callbacks=[failing], loss=lambda z, t: 1 / 0).fit(iter([(X, t)]), 1)
    assert failing.seen == [("start", None), ("end",)]
    plain = training.Callback()
    plain.on_fit_start(None, 1), plain.on_step(None), plain.on_epoch(None, {}), plain.on_fit_end(None)
    assert plain.state_dict() == {} and plain.load_state_dict({}) is None


class Bar:
    made = []

    def __init__(self, **options):
        self.options, self.updates, self.closed, self.text = options, 0, False, None
        Bar.made.append(self)

    def set_postfix_str(self, text, refresh):
        self.text = text

    def update(self):
        self.updates += 1

    def close(self):
        self.closed = True


@pytest.fixture
def tqdm(monkeypatch):
    Bar.made = []
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    module = types.ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)


def test_the_progress_bar(tqdm, monkeypatch):
    monkeypatch.setenv("NNDL_STATIC", "0")
    history = trainer_of().fit(loader_of(), 2)
    assert [(bar.updates, bar.closed) for bar in Bar.made] == [(6, True)] * 2
    assert [bar.options for bar in Bar.made] == [
        {"total": 6, "initial": 0, "desc": f"epoch {k}", "leave": False} for k in range(2)
    ]
    assert [bar.text for bar in Bar.made] == ["", f"cost {history['cost'][0]:.4g}"]


def test_the_progress_bar_is_closed_after_an_error(tqdm):
    class Fails(training.Callback):
        def on_step(self, trainer):
            if trainer.step == 2:
                raise KeyboardInterrupt

    trainer = trainer_of(callbacks=[training.ProgressBar(True), Fails()])
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(loader_of(), 2)
    assert [(bar.updates, bar.closed) for bar in Bar.made] == [(2, True)]
    del trainer.callbacks[1]
    trainer.fit(trainer._loader, 2)
    assert [(bar.updates, bar.options["initial"]) for bar in Bar.made[1:]] == [(4, 2), (6, 0)]


def test_silent_in_book_builds_and_without_tqdm(tqdm, monkeypatch):
    monkeypatch.setenv("NNDL_STATIC", "1")
    trainer_of().fit(loader_of(), 1)
    trainer_of(progress=False).fit(loader_of(), 1)
    assert Bar.made == []
    trainer_of(progress=True).fit(loader_of(), 1)
    assert len(Bar.made) == 1
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    trainer_of(progress=True).fit(loader_of(), 1)
    assert len(Bar.made) == 1


def test_a_callback_that_leaves_evaluation_mode_does_not_stop_dropout():
    class Evaluates(training.Callback):
        def on_epoch(self, trainer, record):
            trainer.model.eval()

    model = torch.nn.Sequential(model_of(), nn.Dropout(0.5))
    modes = []
    model[1].register_forward_hook(lambda module, inputs, output: modes.append(module.training))
    trainer_of(model, callbacks=[Evaluates()]).fit(loader_of(), 3)
    assert modes == [True] * 18


# --- precision, compile ---


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision(precision):
    dtype, seen, inside = getattr(torch, precision), [], []
    model = nn.MLP([2, 16, 2], nn.Tanh, generator=rng())

    def loss(z, t):
        seen.append(z.dtype)
        return functional.cross_entropy(z, t)

    model[1].register_forward_hook(lambda module, inputs, output: inside.append(output.dtype))
    trainer = trainer_of(model, loss=loss, precision=precision, clip_norm=1.0)
    history = trainer.fit(loader_of(X=X.float()), 15, loader_of(X=X.float()))
    assert set(inside) == {dtype} and set(seen) == {torch.float32} and model[0].weight.dtype == torch.float32
    assert history["cost"][-1] < history["cost"][0] / 2
    plain = nn.MLP([2, 16, 2], nn.Tanh, generator=rng())
    expected = trainer_of(plain, clip_norm=1.0).fit(loader_of(X=X.float()), 15)
    assert history["cost"] == pytest.approx(expected["cost"], rel=0.05)  # the scale of the loss is not in the gradients
    assert history["cost"] != expected["cost"]


def test_normalization_in_mixed_precision():
    first, second, third = (nn.Linear(*sizes, generator=rng(1)) for sizes in ((2, 8), (8, 8), (8, 2)))
    layers = [first, nn.BatchNorm1d(8), nn.Tanh(), second, nn.LayerNorm(8), third]
    trainer = trainer_of(torch.nn.Sequential(*layers), precision="bfloat16")
    layers[1].register_forward_hook(lambda module, inputs, output: seen.append((inputs[0].dtype, output.dtype)))
    seen = []
    history = trainer.fit(loader_of(X=X.float()), 10)
    assert history["cost"][-1] < history["cost"][0] and set(seen) == {(torch.bfloat16, torch.float32)}


def test_float16_skips_a_step_that_is_too_large_and_lowers_its_scale(tmp_path):
    model = nn.MLP([2, 2], generator=rng())
    before = copy.deepcopy(model.state_dict())
    trainer = trainer_of(model, loss=lambda z, t: 1e4 * z.square().mean(), precision="float16")
    trainer.fit([(X.float(), t)], 1)
    equal_states(model.state_dict(), before)
    trainer.save(tmp_path / "c.pt")
    other = trainer_of(nn.MLP([2, 2]), precision="float16")
    other.load(tmp_path / "c.pt")
    scale = other.state_dict()["scaler"]["scale"]
    assert scale == 2.0**15 == trainer.state_dict()["scaler"]["scale"]


def test_compile():
    plain, compiled = trainer_of(), trainer_of(compile="eager")
    plain.fit(loader_of(), 2, loader_of(None))
    compiled.fit(loader_of(), 2, loader_of(None))
    equal_states(plain.model.state_dict(), compiled.model.state_dict())
    assert plain.history == compiled.history
    used = []

    def backend(graph, inputs):
        used.append(graph)
        return graph.forward

    torch._dynamo.reset()
    one = trainer_of(compile=backend)
    one.fit(loader_of(None, 43), 1)
    assert used
    used.clear()
    one.evaluate(loader_of(None, 43))
    assert used


class LastOutput(torch.nn.Module):
    """A recurrent network of the book, read out after its last step."""

    def __init__(self, network):
        super().__init__()
        self.network, self.readout = (
            network(2, 3, dropout=0.3, num_layers=2, generator=rng(), **F64),
            nn.Linear(3, 2, **F64),
        )

    def forward(self, x):
        return self.readout(self.network(torch.stack([x, -x]))[0][-1])


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # both of torch's, about itself
@pytest.mark.filterwarnings("ignore:<class 'torch.autograd.function.Function'> should not be instantiated")
@pytest.mark.parametrize("kind", ["dropout", "norm", "RNN", "LSTM"])
def test_models_of_the_book_are_compiled(kind):
    def made():
        if kind in ("RNN", "LSTM"):
            return LastOutput(getattr(rnn, kind))
        layer = nn.Dropout(0.5, generator=rng(3)) if kind == "dropout" else nn.BatchNorm1d(2, **F64)
        return torch.nn.Sequential(layer, model_of())

    torch._dynamo.reset()
    plain = made()
    compiled = copy.deepcopy(plain)
    history = trainer_of(plain).fit(loader_of(), 2, loader_of(None))
    found = trainer_of(compiled, compile="eager").fit(loader_of(), 2, loader_of(None))
    if kind == "LSTM":  # compiled, it takes the steps one by one, which rounds otherwise than its own backward pass
        torch.testing.assert_close(
            (compiled.state_dict(), found), (plain.state_dict(), history), rtol=1e-10, atol=1e-12
        )
    else:
        assert found == history
        equal_states(plain.state_dict(), compiled.state_dict())
    with pytest.raises(Exception, match="Invalid backend: 'eagre'"):
        trainer_of(made(), compile="eagre")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("precision", [None, "bfloat16", "float16"])
def test_on_a_gpu(precision, tmp_path):
    model = nn.MLP([2, 16, 2], nn.Tanh, generator=rng())
    trainer = trainer_of(
        model,
        device="cuda",
        precision=precision,
        metrics={"accuracy": right},
        checkpoint=tmp_path / "c.pt",
        clip_norm=1.0,
    )
    loader = TensorLoader(X.float(), t, batch_size=8, generator=rng(1), device="cuda")
    history = trainer.fit(loader, 15, loader_of(X=X.float()))
    assert history["cost"][-1] < history["cost"][0] / 2 and model[0].weight.is_cuda
    other = trainer_of(nn.MLP([2, 16, 2], nn.Tanh), device="cuda", precision=precision, metrics={"accuracy": right})
    other.load(tmp_path / "c.pt")
    equal_states(other.model.state_dict(), trainer.model.state_dict())


# --- checkpoints ---


class Noisy(torch.nn.Module):
    """Draws from the global generator and from its own."""

    def __init__(self, seed=0):
        super().__init__()
        self.body, self.own = model_of(seed), rng(9)
        self.norm = torch.nn.BatchNorm1d(2, **F64)

    def forward(self, x):
        x = functional.dropout(F.dropout(x, 0.1, self.training), 0.1, self.training, generator=self.own)
        return self.body(self.norm(x))


def noisy_trainer(path=None, seed=0, stopping=False, own=False, **options):
    torch.manual_seed(5)
    model = Noisy(seed)
    optimizer = (optim.NAdam if own else torch.optim.AdamW)(model.parameters(), lr=0.03)
    return Trainer(
        model,
        F.cross_entropy,
        optimizer,
        metrics={"accuracy": right},
        generators=[model.own],
        checkpoint=path,
        schedule=lambda step: schedules.cosine(step, 24),
        progress=False,
        clip_norm=0.5,
        early_stopping=training.EarlyStopping(2) if stopping else None,
        **options,
    )


class Interrupt(training.Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("every, killed", [(1, 3), (4, 11), (3, 13), (6, 18), (None, 15), (5, 23)])
def test_goes_on_to_the_same_bits(tmp_path, every, killed, own):
    unbroken = noisy_trainer(own=own, stopping=True, callbacks=[training.Callback()])
    unbroken.fit(loader_of(), 4, loader_of(None, 43))
    path = tmp_path / "c.pt"
    options = {"own": own, "stopping": True, "checkpoint_steps": every}
    with pytest.raises(KeyboardInterrupt):
        broken = noisy_trainer(path, callbacks=[Interrupt(killed)], **options)
        broken.fit(loader_of(), 4, loader_of(None, 43), resume=True)
    torch.rand(7)  # the generators are elsewhere, and the model is another one
    other = noisy_trainer(path, seed=3, callbacks=[training.Callback()], **options)
    other.fit(loader_of(77), 4, loader_of(None, 43), resume=True)
    equal_states(other.model.state_dict(), unbroken.model.state_dict())
    assert other.history == unbroken.history and other.step == unbroken.step
    # And once it is over, it stays as it is.
    again = noisy_trainer(path, seed=4, callbacks=[training.Callback()], **options)
    assert again.fit(loader_of(78), 4, loader_of(None, 43), resume=True) == unbroken.history
    equal_states(again.model.state_dict(), unbroken.model.state_dict())


def test_goes_on_after_an_interrupt_in_the_same_process():
    unbroken, broken = noisy_trainer(), noisy_trainer(callbacks=[Interrupt(9)])
    torch.manual_seed(5)
    unbroken.fit(loader_of(), 3)
    torch.manual_seed(5)
    loader = loader_of()
    with pytest.raises(KeyboardInterrupt):
        broken.fit(loader, 3)
    broken.callbacks.clear()
    broken.fit(loader, 3)
    equal_states(broken.model.state_dict(), unbroken.model.state_dict())
    assert broken.history == unbroken.history


def test_goes_on_after_an_interrupt_in_the_validation():
    class Once(TensorLoader):
        failed = False

        def __iter__(self):
            if not self.failed and loader.epoch == 2:
                self.failed = True
                raise KeyboardInterrupt
            return super().__iter__()

    unbroken, broken = trainer_of(), trainer_of()
    unbroken.fit(loader_of(), 4, loader_of(None))
    for plain in (False, True):
        loader, broken = loader_of(), trainer_of()
        validation = Once(X, t, batch_size=43)
        with pytest.raises(KeyboardInterrupt):
            broken.fit(loader, 4, validation)
        broken.fit(loader, 2, validation)
        assert (broken.epoch, broken.step, broken.batch) == (2, 12, 0)
        if plain:  # its next checkpoint is another's
            broken.load_state_dict(unbroken.state_dict())
        with pytest.warns(UserWarning, match="4 epochs are done") if plain else contextlib.nullcontext():
            broken.fit(loader, 4, validation)
        equal_states(broken.model.state_dict(), unbroken.model.state_dict())
        close(broken.history["cost"], unbroken.history["cost"])


def test_another_loader_cannot_go_on_within_an_epoch():
    broken = trainer_of(callbacks=[Interrupt(9)])
    with pytest.raises(KeyboardInterrupt):
        broken.fit(loader_of(), 3)
    with refused(
        "Trainer: the training goes on after 3 steps of epoch 1, and the loader, a TensorLoader, has no place"
    ):
        broken.fit(loader_of(), 3)
    assert broken.step == 9


def test_steps_between_checkpoints_are_counted_through_all_epochs(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(Trainer, "save", lambda trainer, path: written.append((trainer.epoch, trainer.step)))
    trainer_of(checkpoint=tmp_path / "c.pt", checkpoint_steps=4).fit(loader_of(), 2)
    assert written == [(0, 4), (1, 6), (1, 8), (1, 12), (2, 12)]


def test_a_schedule_goes_on_from_the_rate_of_the_checkpoint():
    # Not from that of its last step, nor from that of the optimizer that goes on.
    first, other = (trainer_of(lr=lr, schedule=lambda step: 0.5**step) for lr in (0.1, 0.7))
    first.fit(loader_of(), 1)
    other.load_state_dict(first.state_dict())
    other.fit(loader_of(), 2)
    assert other.step == 12 and math.isclose(other.optimizer.param_groups[0]["lr"], 0.1 * 0.5**11)


def test_a_checkpoint_read_after_an_interrupt_in_the_validation_starts_with_an_epoch():
    class Stops(TensorLoader):
        def __iter__(self):
            raise KeyboardInterrupt

    unbroken, broken, loader = trainer_of(), trainer_of(), loader_of()
    unbroken.fit(loader, 1)
    state = copy.deepcopy(unbroken.state_dict())
    unbroken.fit(loader, 2)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(loader_of(), 1, Stops(X, t, batch_size=43))
    broken.load_state_dict(state)
    broken.fit(loader_of(), 2)
    equal_states(broken.model.state_dict(), unbroken.model.state_dict())
    assert broken.history == unbroken.history and broken.step == 12


def test_any_loader_goes_on_at_the_end_of_an_epoch(tmp_path):
    data = torch.utils.data.TensorDataset(X, t)

    def loader():
        return torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)

    unbroken = noisy_trainer()
    unbroken.fit(loader(), 4)
    path = tmp_path / "c.pt"
    noisy_trainer(path).fit(loader(), 2)
    other = noisy_trainer(path, seed=3)
    other.fit(loader(), 4, resume=True)
    equal_states(other.model.state_dict(), unbroken.model.state_dict())
    with pytest.raises(KeyboardInterrupt):
        noisy_trainer(path, checkpoint_steps=4, callbacks=[Interrupt(5)]).fit(loader(), 4)
    with refused(
        "Trainer: the training goes on after 4 steps of epoch 0, and the loader, a DataLoader, has no place to go on "
        "from; expected a TensorLoader, or a checkpoint written after an epoch"
    ):
        noisy_trainer(path, checkpoint_steps=4, callbacks=[Interrupt(99)]).fit(loader(), 4, resume=True)


def test_what_a_checkpoint_holds_is_data_alone(tmp_path):
    trainer = noisy_trainer(tmp_path / "c.pt", stopping=True)
    trainer.fit(loader_of(), 1, loader_of())
    state = checkpoint.load(tmp_path / "c.pt")
    assert state.keys() == trainer.state_dict().keys()
    assert os.listdir(tmp_path) == ["c.pt"]
    trainer.history["cost"].append(1.0)
    assert len(state["history"]["cost"]) == 1
    trainer.load_state_dict(state)
    trainer.history["cost"].append(2.0)
    assert len(state["history"]["cost"]) == 1  # copies both ways


def test_checkpoints_of_others_are_refused_and_nothing_changes(tmp_path):
    path = tmp_path / "c.pt"
    trainer_of(checkpoint=path).fit(loader_of(), 1)
    small, other = model_of(hidden=4), model_of()
    cases = [
        (trainer_of(small), "the checkpoint has 0.weight (5, 2) of torch.float64; expected (4, 2) of torch.float64"),
        (trainer_of(nn.MLP([2, 5, 2])), "0.weight (5, 2) of torch.float64; expected (5, 2) of torch.float32"),
        (trainer_of(Noisy()), "the checkpoint has body.0.weight of no shape, as it is missing; expected (5, 2)"),
        (trainer_of(other, optimizer=optim.SGD(other.parameters())), "checkpoint has optimizer 'Adam'; expected 'SGD'"),
        (trainer_of(precision="float16"), "the checkpoint has precision None; expected 'float16'"),
        (trainer_of(generators=[rng()]), "the checkpoint has generators 0; expected 1"),
        (trainer_of(callbacks=[Writes()]), "the checkpoint has callbacks 0; expected 1"),
        (trainer_of(early_stopping=training.EarlyStopping(1)), "has early_stopping False; expected True"),
    ]
    for trainer, message in cases:
        before = copy.deepcopy(trainer.model.state_dict())
        with refused(message):
            trainer.load(path)
        equal_states(trainer.model.state_dict(), before)
        assert trainer.step == 0 and trainer.optimizer.state_dict()["state"] == {}
    trainer_of(checkpoint=tmp_path / "h.pt", precision="float16").fit(loader_of(), 1)
    with refused("Trainer: the checkpoint has precision 'float16'; expected 'bfloat16'"):
        trainer_of(precision="bfloat16").load(tmp_path / "h.pt")
    two = model_of()
    groups = [{"params": [p]} for p in two.parameters()]
    before = copy.deepcopy(two.state_dict())
    with pytest.raises(ValueError):
        trainer_of(two, optimizer=torch.optim.Adam(groups)).load(path)
    equal_states(two.state_dict(), before)
    state = checkpoint.load(path)
    for changed, message in (
        ({"history": []}, "history of type list; expected dict"),
        ({"callbacks": None}, "callbacks of type NoneType; expected list"),
        ({"counts": {"epoch": 1}}, "counts ['epoch']; expected ['batch', 'epoch', 'measuring', 'step', 'stop']"),
        ({"averages": []}, "averages of as many processes 0; expected 1"),
        ({"random": []}, "random states of as many processes 0; expected 1"),
    ):
        trainer = trainer_of()
        before = copy.deepcopy(trainer.model.state_dict())
        with refused(f"Trainer: the checkpoint has {message}"):
            trainer.load_state_dict(state | changed)
        equal_states(trainer.model.state_dict(), before)
    checkpoint.save({"model": {}}, path)
    with refused("Trainer: the checkpoint has model; expected averages, callbacks, counts, early_stopping"):
        trainer_of().load(path)
    with pytest.raises(FileNotFoundError):
        trainer_of().load(tmp_path / "none.pt")
    path.write_bytes(b"PK")
    with refused("cannot be read"):
        trainer_of(checkpoint=path).fit(loader_of(), 1, resume=True)


def test_a_rate_of_numpy_and_a_state_that_cannot_be_read(tmp_path):
    path, model = tmp_path / "c.pt", model_of()
    optimizer = torch.optim.SGD(model.parameters(), lr=np.float64(0.1))
    trainer_of(model, optimizer=optimizer, checkpoint=path, schedule=lambda k: np.float64(0.5)).fit(loader_of(), 2)
    other = model_of(3)
    other = trainer_of(other, optimizer=torch.optim.SGD(other.parameters(), lr=1.0))
    other.load(path)
    equal_states(other.model.state_dict(), model.state_dict())

    class Keeps(training.Callback):
        def state_dict(self):
            return {"where": tmp_path}

    with refused("save: state['callbacks'][0]['where'] is a PosixPath; expected tensors, numbers, strings"):
        trainer_of(checkpoint=path, callbacks=[Keeps()]).fit(loader_of(), 1)
    assert checkpoint.load(path)["counts"]["epoch"] == 2 and os.listdir(tmp_path) == ["c.pt"]


class Extra(torch.nn.Linear):
    """A layer with a state beside its tensors, as torch's quantized ones have, or those of other libraries."""

    def __init__(self, extra):
        super().__init__(2, 2, **F64)
        self.extra = self.read = extra

    def get_extra_state(self):
        return self.extra

    def set_extra_state(self, state):
        self.read = state


@pytest.mark.parametrize(
    "extra", [{"scale": 0.5, "name": "a"}, None, 3, "x", [torch.ones(1)], (1, (2,)), np.float64(0.5)]
)
@pytest.mark.parametrize("own", [False, True])
def test_an_extra_state_is_saved_and_read(extra, own, tmp_path):
    path = tmp_path / "c.pt"
    one, other = (torch.nn.Sequential(Extra(extra), torch.nn.BatchNorm1d(2, **F64)) for _ in range(2))
    make = (optim if own else torch.optim).Adam
    trainer_of(one, optimizer=make(one.parameters(), lr=0.1), checkpoint=path).fit(loader_of(), 2)
    other[0].extra, other[0].read = "another", None  # whether it fits is the module's to say
    trainer = trainer_of(other, optimizer=make(other.parameters(), lr=0.1), checkpoint=path)
    trainer.load(path)
    assert other[0].read == extra and torch.equal(other[0].weight, one[0].weight)
    assert other[1].num_batches_tracked == 12


def test_what_cannot_be_saved_is_refused_before_the_first_step(tmp_path):
    class Keeps(training.Callback):
        def __init__(self, state):
            self.state = state

        def state_dict(self):
            return self.state

    class Own(torch.Tensor):
        pass

    for value in ({1}, np.ones(2), np.array(1.0), Path("x"), training.History(1, 2, 3), torch.ones(2).as_subclass(Own)):
        for model, called in ((model_of(), [Keeps({"a": value})]), (Extra(value), [])):
            trainer = trainer_of(model, callbacks=called, checkpoint=tmp_path / "c.pt")
            with pytest.raises(
                ValueError, match=f"^save: state.* is a {type(value).__name__}; expected tensors, numbers,"
            ):
                trainer.fit(loader_of(), 1)
            assert trainer.step == 0 and os.listdir(tmp_path) == []


def test_generators_of_the_model_are_saved_unasked(tmp_path):
    def trainer(seed):
        model = torch.nn.Sequential(
            nn.Dropout(0.5, generator=rng(seed)), model_of(), nn.Dropout(0.5, generator=rng(seed + 1))
        )
        return trainer_of(model, checkpoint=tmp_path / "c.pt", generators=[model[0].generator])

    one, other, unbroken = trainer(0), trainer(5), trainer(0)
    assert one.generators == [one.model[0].generator, one.model[2].generator]
    one.fit(loader_of(), 1)
    other.fit(loader_of(7), 3, resume=True)
    unbroken.fit(loader_of(), 3)
    equal_states(other.model.state_dict(), unbroken.model.state_dict())


def test_a_generator_that_is_shared_is_refused():
    shared = rng(3)
    loader = TensorLoader(X, t, batch_size=8, generator=shared)
    message = "Trainer: the loader's generator is also torch's own, or that of the model, of the validation or among "
    message += "generators; expected one from which nothing else draws"
    model = torch.nn.Sequential(model_of(), nn.Dropout(0.5, generator=shared))
    recurrent = torch.nn.ModuleList([rnn.LSTM(2, 3, generator=shared)])
    recurrent[0].generator = shared
    data = torch.utils.data.TensorDataset(X, t)
    for trainer, shares, validation in (
        (trainer_of(model), loader, None),
        (trainer_of(recurrent), loader, None),
        (trainer_of(generators=[rng(), shared]), loader, None),
        (trainer_of(generators=[shared]), torch.utils.data.DataLoader(data, 8, shuffle=True, generator=shared), None),
        (trainer_of(), loader, TensorLoader(X, t, batch_size=8, generator=shared)),
        (trainer_of(), TensorLoader(X, t, batch_size=8, generator=torch.default_generator), None),
    ):
        with refused(message):
            trainer.fit(shares, 1, validation)
        assert trainer.step == 0
    trainer_of().fit(loader, 1, loader)  # once after the other, from one place


def test_other_measurements_do_not_go_on_within_an_epoch(tmp_path):
    path = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt):
        trainer_of(checkpoint=path, checkpoint_steps=2, callbacks=[Interrupt(3)]).fit(loader_of(), 1)
    other = trainer_of(checkpoint=path, callbacks=[Interrupt(99)], metrics={"share": right})
    with refused("Trainer: the checkpoint has measured ['cost']; expected ['cost', 'share']"):
        other.fit(loader_of(), 1, resume=True)
    with refused("Trainer: early_stopping has seen 2 values already; expected a new one"):
        stopping = training.EarlyStopping(3)
        trainer_of(early_stopping=stopping).fit(loader_of(), 2, loader_of(None))
        trainer_of(early_stopping=stopping)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, a disk that is full")
def test_a_full_disk_ends_the_training_with_the_last_checkpoint_whole(tmp_path):
    path = tmp_path / "c.pt"

    class Fills(training.Callback):
        def on_epoch(self, trainer, record):
            if trainer.epoch == 3:
                (tmp_path / ".c.pt.part").symlink_to("/dev/full")

    with pytest.raises(OSError, match="written: .*No space left on device.*the file that was there is unchanged"):
        noisy_trainer(path, callbacks=[Fills()]).fit(loader_of(), 4)
    assert checkpoint.load(path)["counts"]["epoch"] == 2
    unbroken, other = noisy_trainer(), noisy_trainer(path, seed=2, callbacks=[training.Callback()])
    torch.manual_seed(5)
    unbroken.fit(loader_of(), 4)
    other.fit(loader_of(3), 4, resume=True)
    equal_states(other.model.state_dict(), unbroken.model.state_dict())


def test_what_has_diverged_is_not_saved(tmp_path):
    path = tmp_path / "c.pt"

    def loss(z, t):
        return F.cross_entropy(z, t) + (math.nan if trainer.step >= 8 else 0)

    trainer = trainer_of(loss=loss, checkpoint=path, checkpoint_steps=2)
    with refused("Trainer: in epoch 1, step 4, the sum of the losses is nan; expected a learning rate smaller than"):
        trainer.fit(loader_of(), 2)
    assert checkpoint.load(path)["counts"]["step"] == 8


def test_divergence_is_found_once_an_epoch():
    trainer = trainer_of(loss=lambda z, t: z.sum() * math.inf)
    with refused("Trainer: in epoch 0, step 6, the average of the losses is "):
        trainer.fit(loader_of(), 2)
    trainer = trainer_of(loss=functional.cross_entropy)
    with torch.no_grad():
        trainer.model[0].bias.fill_(math.nan)
    with refused("Trainer: in epoch 0, step 0, the model's output is not finite; expected a learning rate smaller"):
        trainer.fit(loader_of(), 2)
    with refused("evaluate: in epoch 0, step 0, the model's output is not finite"):
        trainer.evaluate(loader_of())
    trainer = trainer_of(loss=lambda z, t: F.cross_entropy(z, t) * (1 if trainer.model.training else math.nan))
    with refused("Trainer: in epoch 0, step 6, the validation loss is nan"):
        trainer.fit(loader_of(), 2, loader_of())
    with refused("functional"):  # the error of a loss that is not about the outputs is left as it is
        trainer_of(loss=lambda z, t: (_ for _ in ()).throw(ValueError("functional"))).fit(loader_of(), 1)


# --- what is refused ---


@pytest.mark.parametrize(
    "message, call",
    [
        ("clip_norm is 0; expected a finite number greater than 0", lambda: trainer_of(clip_norm=0)),
        ("clip_norm is -1; expected a finite number greater than 0", lambda: trainer_of(clip_norm=-1)),
        ("precision is 'half'; expected 'bfloat16' or 'float16'", lambda: trainer_of(precision="half")),
        ("checkpoint_steps is 5 without checkpoint; expected a file", lambda: trainer_of(checkpoint_steps=5)),
        ("checkpoint_steps is 0; expected an integer", lambda: trainer_of(checkpoint="c.pt", checkpoint_steps=0)),
        (
            "the optimizer has a parameter (5, 2); expected the model's",
            lambda: trainer_of(optimizer=torch.optim.SGD(model_of(1).parameters())),
        ),
        (
            "optimizer is LBFGS, whose step needs a closure; expected one without",
            lambda: (lambda model: trainer_of(model, optimizer=torch.optim.LBFGS(model.parameters())))(model_of()),
        ),
        (
            "all parameters of the optimizer are frozen; expected one that requires a gradient",
            lambda: trainer_of(model_of().requires_grad_(False)),
        ),
        ("loss is 0.5; expected a function", lambda: trainer_of(loss=0.5)),
        (
            "loss is <class 'torch.nn.modules.loss.MSELoss'>; expected a function",
            lambda: trainer_of(loss=torch.nn.MSELoss),
        ),
        ("compile is 1; expected True or False", lambda: trainer_of(compile=1)),
        ("progress is 'no'; expected True or False", lambda: trainer_of(progress="no")),
        ("clip_norm is True; expected a finite number", lambda: trainer_of(clip_norm=True)),
        ("precision is ['float16']; expected 'bfloat16'", lambda: trainer_of(precision=["float16"])),
        ("checkpoint is '5'; expected a file", lambda: trainer_of(checkpoint=5)),
        ("generators is <torch._C.Generator", lambda: trainer_of(generators=rng())),
        ("generators is [<torch._C.Generator", lambda: trainer_of(generators=[rng(), 0])),
        ("early_stopping is 3; expected a training.EarlyStopping", lambda: trainer_of(early_stopping=3)),
        ("metrics is {1: <function", lambda: trainer_of(metrics={1: right})),
        (
            "resume is 'False'; expected True or False",
            lambda: trainer_of(checkpoint="c.pt").fit(loader_of(), 1, resume="False"),
        ),
        ("loader is <class", lambda: trainer_of().fit(TensorLoader, 1)),
        ("loader is None; expected a loader of minibatches", lambda: trainer_of().evaluate(None)),
        ("epochs is 0; expected an integer of at least 1", lambda: trainer_of().fit(loader_of(), 0)),
        ("loader is a tuple of numbers or tensors; expected a loader", lambda: trainer_of().fit((X, t), 1)),
        ("loader is a Tensor of numbers or tensors; expected a loader", lambda: trainer_of().fit(X, 1)),
        ("loader is a list of numbers or tensors; expected a loader", lambda: trainer_of().fit([], 1)),
        ("validation is a tuple of numbers or tensors", lambda: trainer_of().fit(loader_of(), 1, (X, t))),
        ("resume without checkpoint; expected a file", lambda: trainer_of().fit(loader_of(), 1, resume=True)),
        (
            "early_stopping without validation; expected a loader",
            lambda: trainer_of(early_stopping=training.EarlyStopping(1)).fit(loader_of(), 1),
        ),
        (
            "the loader has world_size 2; expected 1, the number of processes",
            lambda: trainer_of().fit(TensorLoader(X, t, batch_size=2, world_size=2), 1),
        ),
        ("the loader gave a Tensor; expected a tuple of at least two tensors", lambda: trainer_of().fit(iter([X]), 1)),
        ("the loader gave a tuple of 1; expected a tuple of at least two", lambda: trainer_of().fit([(X,)], 1)),
        (
            "the loader gave (43, 2), a list; expected tensors, one example",
            lambda: trainer_of().fit([(X, t.tolist())], 1),
        ),
        ("the loader gave (43, 2), (); expected tensors, one example a row", lambda: trainer_of().fit([(X, t[0])], 1)),
        ("loader is None; expected a loader of minibatches", lambda: trainer_of().fit(None, 1)),
        ("validation is 3; expected a loader of minibatches", lambda: trainer_of().fit(loader_of(), 1, 3)),
        ("model is <function right", lambda: Trainer(right, F.cross_entropy, None)),
        ("optimizer is None; expected one of torch.optim or", lambda: Trainer(model_of(), F.cross_entropy, None)),
        ("precision is 'float32'; expected 'bfloat16'", lambda: trainer_of(precision="float32")),
        ("metrics is [1]; expected functions by name", lambda: trainer_of(metrics=[1])),
        ("metrics is {'a': 1}; expected functions by name", lambda: trainer_of(metrics={"a": 1})),
        ("a metric has the name 'cost'; expected one that", lambda: trainer_of(metrics={"cost": right})),
        (
            "a metric has the name 'validation_a'; expected one that the history does not have already",
            lambda: trainer_of(metrics={"a": right, "validation_a": right}),
        ),
        ("callbacks is [1]; expected a list of training.Callback", lambda: trainer_of(callbacks=[1])),
        (
            "callbacks is <nndl_lib.training._callbacks.Callback object",
            lambda: trainer_of(callbacks=training.Callback()),
        ),
        ("checkpoint is ''; expected a file, not a folder", lambda: trainer_of(checkpoint="")),
        ("checkpoint is '.'; expected a file, not a folder", lambda: trainer_of(checkpoint=Path("."))),
        ("schedule is 0.5; expected a function", lambda: trainer_of(schedule=0.5)),
        (
            "the schedule's factor for step 1 is None; expected a finite number of at least 0",
            lambda: trainer_of(schedule=lambda k: None if k else 1).fit(loader_of(), 1),
        ),
        (
            "the schedule's factor for step 0 is nan; expected a finite number",
            lambda: trainer_of(schedule=lambda k: math.nan).fit(loader_of(), 1),
        ),
        ("the loss is a float; expected a 0-d tensor", lambda: trainer_of(loss=lambda z, t: 0.5).fit([(X, t)], 1)),
        ("the loss has no gradient", lambda: trainer_of(loss=lambda z, t: torch.tensor(0.5)).fit([(X, t)], 1)),
        (
            "batch[0][0, 0] is nan; expected finite numbers",
            lambda: trainer_of(loss=functional.cross_entropy).fit([(X * math.nan, t)], 1),
        ),
        (
            "the loss has shape (43,); expected a 0-d tensor",
            lambda: trainer_of(loss=lambda z, t: F.cross_entropy(z, t, reduction="none")).fit([(X, t)], 1),
        ),
    ],
)
def test_bad_arguments(message, call):
    with pytest.raises(ValueError, match="^(Trainer|fit|evaluate): " + re.escape(message)):
        call()


def test_an_empty_loader():
    with refused("Averages: there is no example; expected at least one minibatch"):
        trainer_of().fit(iter([]), 1)
    with refused("expected at least one minibatch (an iterator has none, once read)"):
        trainer_of().fit(iter([(X, t)]), 2)


def test_a_loader_that_does_not_know_its_length():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([(X, t)])

    writes = Writes()
    trainer_of(callbacks=[writes]).fit(torch.utils.data.DataLoader(Stream(), batch_size=None), 2)
    assert writes.seen[0] == ("start", None) and writes.seen[-2][:2] == ("epoch", 2)


@pytest.mark.parametrize("name", ["LeNet", "RNN", "LSTM", "GRU"])
def test_models_of_the_library_run_in_mixed_precision(name):
    g = torch.Generator().manual_seed(0)
    if name == "LeNet":
        model, x = models.LeNet(small=True, generator=g), torch.randn(4, 1, 8, 8, generator=g)
    else:
        model, x = getattr(rnn, name)(3, 4, num_layers=2, generator=g), torch.randn(5, 2, 3, generator=g)

    def output(x):
        return model(x) if name == "LeNet" else model(x)[0]

    exact = output(x).detach()
    with torch.autocast("cpu", torch.bfloat16):
        found = output(x.to(torch.bfloat16))
    found.float().square().sum().backward()
    torch.testing.assert_close(found.float(), exact, rtol=0.05, atol=0.05)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
