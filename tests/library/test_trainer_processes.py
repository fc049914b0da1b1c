"""nndl_lib.training.Trainer in processes of its own: killed and started again, and two that train together."""

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import nndl_lib
from nndl_lib import nn
from nndl_lib.data import TensorLoader
from nndl_lib.training import Trainer, processes

ROOT = Path(nndl_lib.__file__).parent.parent

# Each script is one that a reader would write; "kill" and "half" are what goes wrong.
KILLED = """
import os, signal, sys
import torch
from nndl_lib import data, functional, nn, optim, training
from nndl_lib.data import TensorLoader
from nndl_lib.training import Trainer

torch.set_num_threads(1)
path, fault, when = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Kill(training.Callback):
    def on_step(self, trainer):
        if fault == "step" and trainer.step == when:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "half" and trainer.step == when:
            torch.save = half

def half(state, file):
    whole(state, file)
    file.truncate(file.tell() // 2)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

whole = torch.save
torch.manual_seed(0)
X, t = data.make_moons(50, 0.1, torch.Generator().manual_seed(0))
own = torch.Generator().manual_seed(1)
layers = [nn.Linear(2, 8, generator=own), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2, generator=own)]
layers += [torch.nn.Dropout(0.1)]
model = torch.nn.Sequential(*layers, nn.Linear(8, 2, generator=own))
trainer = Trainer(model, functional.cross_entropy, optim.Adam(model.parameters(), lr=0.02), device="cpu",
                  callbacks=[Kill()], checkpoint=path, checkpoint_steps=4, generators=[own], clip_norm=1.0)
loader = TensorLoader(X, t, batch_size=8, generator=torch.Generator().manual_seed(2))
trainer.fit(loader, 4, TensorLoader(X, t, batch_size=50), resume=True)
torch.save({"model": model.state_dict(), "history": trainer.history, "step": trainer.step}, path + ".end")
"""

TOGETHER = """
import sys
import torch
import torch.nn.functional as F
from nndl_lib import nn
from nndl_lib.training import processes
from nndl_lib.data import TensorLoader
from nndl_lib.training import Trainer
from tests.library.test_trainer_processes import parts

torch.set_num_threads(1)
folder = sys.argv[1]
with processes.started("cpu") as here:
    assert (here.world_size, here.device) == (2, torch.device("cpu"))
    assert here.rank == processes.rank() and processes.world_size() == 2
    assert processes._gathered(here.rank) == [0, 1]
    assert processes._sum(torch.tensor([1.0, here.rank])).tolist() == [2, 1]

    def run(epochs, resume, path="c.pt", seed=0, **options):
        trainer, train, validation = parts(here.rank, here.world_size, seed, checkpoint=f"{folder}/{path}", **options)
        trainer.fit(train, epochs, validation, resume=resume)
        return trainer

    whole = run(4, False, "whole.pt")
    if here.rank == 0:
        torch.save({"model": whole.model.state_dict(), "history": whole.history}, f"{folder}/end.pt")
    states = processes._gathered(whole.model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert len({str(history) for history in processes._gathered(whole.history)}) == 1

    # Broken off after two epochs, and again in the middle of the third; the masks of dropout differ between the two.
    dropout = run(4, False, "d.pt", dropout=0.3)
    run(2, False, dropout=0.3)
    try:
        run(4, True, dropout=0.3, checkpoint_steps=2, broken_off=11)
    except KeyboardInterrupt:
        processes._gathered("both")
    else:
        raise AssertionError("it was not broken off")
    torch.manual_seed(8)
    again = run(4, True, seed=here.rank + 5, dropout=0.3)
    for name, entry in again.model.state_dict().items():
        assert torch.equal(entry, dropout.model.state_dict()[name]), name
    assert again.history == dropout.history

    # What goes wrong in one process ends all of them.
    def message(call):
        try:
            call()
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    whole.checkpoint = "/dev/null/c.pt"
    for rank, text in enumerate(processes._gathered(message(lambda: whole.save("/dev/null/c.pt")))):
        start = "OSError: save:" if rank == 0 else "RuntimeError: Trainer: process 0 of 2 failed: OSError: save:"
        assert text.startswith(start), text
    text = message(lambda: whole.fit(TensorLoader(torch.ones(4, 3), torch.ones(4), batch_size=2), 9))
    assert text.startswith("ValueError: Trainer: the loader has world_size 1; expected 2"), text
    whole._averages.add("cost", float("nan") if here.rank else 1.0, 1)
    text = message(lambda: whole.save(f"{folder}/whole.pt"))
    start = ["RuntimeError: Trainer: process 1 of 2 failed: ValueError", "ValueError"][here.rank]
    assert text.startswith(start), text
    with processes.started("cpu") as inside:  # started already: nothing is started or ended
        assert inside == here
    processes._gathered(None)
assert processes.world_size() == 1 and processes._gathered(3) == [3]
"""


def parts(rank, world_size, seed=0, dropout=0.0, broken_off=None, **options):
    """A trainer and its two loaders: 26 examples, so that the last minibatches are shared unevenly in evaluation."""
    from nndl_lib.training import Callback

    class Break(Callback):
        def on_step(self, trainer):
            if trainer.step == broken_off:
                raise KeyboardInterrupt

    generator = torch.Generator().manual_seed(1)
    X = torch.randn(26, 3, generator=generator, dtype=torch.float64)
    t = torch.randint(2, (26,), generator=generator)
    torch.manual_seed(20 + rank)
    own = torch.Generator().manual_seed(seed)
    model = nn.MLP([3, 6, 2], nn.Tanh, generator=own, dtype=torch.float64)
    model = torch.nn.Sequential(torch.nn.Dropout(dropout), *model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    trainer = Trainer(
        model,
        torch.nn.functional.cross_entropy,
        optimizer,
        device="cpu",
        clip_norm=0.7,
        callbacks=[Break()],
        metrics={"accuracy": lambda z, t: z.argmax(dim=1) == t},
        progress=False,
        **options,
    )
    shares = {"rank": rank, "world_size": world_size}
    train = TensorLoader(X, t, batch_size=8, generator=torch.Generator().manual_seed(2), **shares)
    return trainer, train, TensorLoader(X[:25], t[:25], batch_size=8, even=False, **shares)


def run(command, folder, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, **options)


def test_killed_twice_it_ends_with_the_same_bits(tmp_path, monkeypatch):
    script = tmp_path / "train.py"
    script.write_text(KILLED)

    def here(name):  # without a fault it can as well run in this process
        monkeypatch.setattr(sys, "argv", ["train.py", str(tmp_path / name), "none", "0"])
        runpy.run_path(str(script))
        return torch.load(tmp_path / f"{name}.end", weights_only=True)

    def killed(*arguments):
        done = run([sys.executable, "train.py", "c.pt", *arguments], tmp_path)
        assert done.returncode == -signal.SIGKILL, done.stderr
        return torch.load(tmp_path / "c.pt", weights_only=True)["counts"]

    whole = here("whole.pt")
    counts = killed("step", "10")  # in the middle of an epoch
    assert (counts["epoch"], counts["batch"], counts["step"]) == (1, 1, 8)
    counts = killed("half", "15")  # while it writes its next checkpoint, at step 16: the one after epoch 2 is whole
    assert (counts["epoch"], counts["batch"], counts["step"]) == (2, 0, 14)
    assert (tmp_path / ".c.pt.part").stat().st_size > 0
    end = here("c.pt")
    assert end["step"] == whole["step"] == 28 and end["history"] == whole["history"]
    for name in whole["model"]:
        assert torch.equal(end["model"][name], whole["model"][name]), name
    assert not (tmp_path / ".c.pt.part").exists()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_take_the_steps_of_one(tmp_path):
    (tmp_path / "train.py").write_text(TOGETHER)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = run([*torchrun, "train.py", str(tmp_path)], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = torch.load(tmp_path / "end.pt", weights_only=True)
    trainer, train, validation = parts(0, 1)
    trainer.fit(train, 4, validation)
    for name, entry in trainer.model.state_dict().items():
        torch.testing.assert_close(found["model"][name], entry, rtol=1e-12, atol=1e-12)
    for name, values in trainer.history.items():
        assert found["history"][name] == pytest.approx(values, rel=1e-12, abs=1e-12)
    alone, *_ = parts(0, 1)
    with pytest.raises(ValueError, match="^Trainer: the checkpoint has world_size 2; expected 1"):
        alone.load(tmp_path / "whole.pt")


def test_one_process_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with processes.started("cpu") as here:
        assert here == (0, 1, torch.device("cpu"))
        assert not torch.distributed.is_initialized()
    x = torch.ones(2)
    assert processes._sum(x) is x and x.tolist() == [1, 1]
    with processes._together():
        pass
    with pytest.raises(KeyError), processes._together():
        raise KeyError("a")
