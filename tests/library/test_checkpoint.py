"""nndl_lib.training.checkpoint: whole or not at all, nothing of a broken file, and all states of random numbers."""

import os
import pickle
import random
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from nndl_lib.training import checkpoint

STATE = {"weights": torch.arange(500.0), "step": 3, "names": ["a", "b"], "none": None, "pair": (1, 2.5)}


def same(found, expected=STATE):
    assert found.keys() == expected.keys()
    assert torch.equal(found["weights"], expected["weights"])
    assert {k: v for k, v in found.items() if k != "weights"} == {k: v for k, v in expected.items() if k != "weights"}


def test_there_and_back(tmp_path):
    path = tmp_path / "new folder" / "state.pt"
    checkpoint.save(STATE, path)
    same(checkpoint.load(str(path)))
    assert os.listdir(path.parent) == ["state.pt"]
    checkpoint.save({**STATE, "step": 4}, path)
    assert checkpoint.load(path)["step"] == 4


def test_data_reaches_the_disk_before_the_name_does(tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    checkpoint.save(STATE, tmp_path / "state.pt")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, a disk that is full")
@pytest.mark.parametrize("before", [True, False])
def test_a_full_disk(tmp_path, before):
    path = tmp_path / "state.pt"
    if before:
        checkpoint.save(STATE, path)
    (tmp_path / ".state.pt.part").symlink_to("/dev/full")
    kept = "the file that was there is unchanged" if before else "there is no file"
    with pytest.raises(OSError, match=rf"^save: {re.escape(str(path))} could not .*No space left.*; {kept}"):
        checkpoint.save({**STATE, "weights": torch.zeros(10**6)}, path)
    assert os.listdir(tmp_path) == (["state.pt"] if before else [])
    if before:
        same(checkpoint.load(path))


def test_a_failing_rename_and_an_interrupt(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    checkpoint.save(STATE, path)

    def fails(*paths):
        raise PermissionError("not allowed")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="could not be written: not allowed; the file that was there is unchanged"):
        checkpoint.save({"step": 9}, path)

    def interrupted(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save({"step": 9}, path)
    assert os.listdir(tmp_path) == ["state.pt"]
    same(checkpoint.load(path))


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="^save: .* could not be written"):
        checkpoint.save(STATE, tmp_path / "file" / "state.pt")


def test_truncated_and_changed_files(tmp_path):
    path = tmp_path / "state.pt"
    checkpoint.save(STATE, path)
    whole = path.read_bytes()
    for size in (0, 1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=rf"^load: .*state.pt \({size} bytes\) cannot be read: .*; expected"):
            checkpoint.load(path)
    place = whole.index(STATE["weights"].numpy().tobytes()[100:200])
    path.write_bytes(whole[:place] + b"\x07" + whole[place + 1 :])  # one number changed: torch alone does not see it
    assert torch.load(path, weights_only=True)["weights"].shape == (500,)
    with pytest.raises(ValueError, match="has another checksum than when it was written"):
        checkpoint.load(path)
    path.write_bytes(whole)
    same(checkpoint.load(path))


class Harmful:
    def __reduce__(self):
        return print, ("a file was run",)


def test_nothing_in_a_file_is_run(tmp_path, capsys):
    path = tmp_path / "state.pt"
    torch.save({"x": Harmful()}, path)
    with pytest.raises(ValueError, match="^load: .* cannot be read"):
        checkpoint.load(path)
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(ValueError, match="^load: .* cannot be read"):
        checkpoint.load(path)
    assert capsys.readouterr().out == ""


def test_other_things_than_states(tmp_path):
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="^load: .*list.pt holds a list; expected a dict"):
        checkpoint.load(tmp_path / "list.pt")
    for path, what in ((tmp_path / "none.pt", "not there"), (tmp_path, "a folder")):
        with pytest.raises(FileNotFoundError, match=f"^load: .* is {what}; expected a checkpoint"):
            checkpoint.load(path)


def test_numbers_of_numpy_become_pythons(tmp_path):
    entries = OrderedDict(a=np.float64(0.1), b=[np.int32(3), (np.bool_(True), 2)], c={np.int64(5): "x"})
    checkpoint.save({"entries": entries, "plain": STATE}, tmp_path / "state.pt")
    found = checkpoint.load(tmp_path / "state.pt")
    same(found["plain"])
    assert found["entries"] == {"a": 0.1, "b": [3, (True, 2)], "c": {5: "x"}}
    assert type(entries["a"]) is np.float64  # the caller's are as they were


def test_what_could_not_be_read_is_not_written(tmp_path):
    class Numbers(list):
        pass

    class Own(torch.Tensor):
        pass

    path = tmp_path / "folder" / "state.pt"
    for state, message in (
        ({"a": [1, {"b": Path("x")}]}, "state['a'][1]['b'] is a PosixPath"),
        ({"a": (0, lambda: 0)}, "state['a'][1] is a function"),
        ({"a": Numbers()}, "state['a'] is a Numbers"),
        ({"a": np.zeros(3)}, "state['a'] is a ndarray"),
        ({"a": {1}}, "state['a'] is a set"),
        ({"a": torch.ones(2).as_subclass(Own)}, "state['a'] is a Own"),
        ({"a": {b"x": 0, Path: 1}}, "a key of state['a'] is a type"),
    ):
        with pytest.raises(ValueError, match=re.escape(f"save: {message}; expected tensors, numbers, strings,")):
            checkpoint.save(state, path)
        with pytest.raises(ValueError, match=re.escape(f"save: {message}; expected")):
            checkpoint._check_plain(state)
    assert not path.parent.exists()
    assert checkpoint._check_plain(STATE) is None


def test_check_state_names_what_differs():
    state = {"a": torch.ones(2, 3), "b": torch.ones(2)}
    checkpoint._check_state({name: 0 * entry for name, entry in state.items()}, state, "it", "who")
    for found, message in (
        ({"a": torch.ones(3, 2), "b": torch.ones(1)}, "who: it has a (3, 2) of torch.float32; expected (2, 3) of"),
        ({"a": torch.ones(2, 3)}, "who: it has b of no shape, as it is missing; expected (2,) of torch.float32"),
        ({**state, "c": torch.ones(1)}, "who: it has c (1,) of torch.float32; expected of no shape, as it is missing"),
        ({**state, "b": torch.ones(2).double()}, "who: it has b (2,) of torch.float64; expected (2,) of torch.float32"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            checkpoint._check_state(found, state, "it", "who")


def test_an_extra_state_is_its_modules_to_judge():
    state = {"a": torch.ones(2), "_extra_state": 3, "b._extra_state": {"x": 1}}
    checkpoint._check_state({**state, "_extra_state": None, "b._extra_state": torch.ones(3)}, state, "it", "who")
    for found, message in (
        (
            {"a": torch.ones(2), "_extra_state": 3},
            "b._extra_state of no shape, as it is missing; expected as an extra state",
        ),
        ({**state, "a": 1.0}, "who: it has a as a float; expected (2,) of torch.float32"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            checkpoint._check_state(found, state, "it", "who")


def test_what_a_models_state_has_on_it_is_kept(tmp_path):
    model = torch.nn.BatchNorm1d(2)
    state = model.state_dict()
    state["number"] = np.float64(1)
    checkpoint.save({"model": state}, tmp_path / "c.pt")
    found = checkpoint.load(tmp_path / "c.pt")["model"]
    assert found._metadata == model.state_dict()._metadata and found["number"] == 1.0


def drawn(generator):
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.rand(),
        np.random.randn(),
        torch.rand(2).tolist(),
        torch.randn(1).item(),
        torch.rand(2, generator=generator).tolist(),
    )


def test_random_states(tmp_path):
    own = torch.Generator().manual_seed(3)
    random.gauss(0, 1), np.random.randn()  # each keeps a second number for the next call
    state = checkpoint.random_state("cpu", [own])
    expected = drawn(own)
    checkpoint.save({"random": state}, tmp_path / "state.pt")
    drawn(own)
    checkpoint.set_random_state(checkpoint.load(tmp_path / "state.pt")["random"], "cpu", iter([own]))
    assert drawn(own) == expected
    with pytest.raises(ValueError, match="^set_random_state: the state has 1 generators; expected 0"):
        checkpoint.set_random_state(state)
    assert checkpoint.random_state()["generators"] == [] and checkpoint.random_state()["device"] is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_random_state_of_a_gpu():
    state = checkpoint.random_state("cuda")
    expected = torch.rand(3, device="cuda")
    checkpoint.set_random_state(state, "cuda")
    assert torch.equal(torch.rand(3, device="cuda"), expected)
