"""nndl_lib.runtime: which device is chosen, and that a seed gives the same random numbers again."""

import contextlib
import random
import re

import numpy as np
import pytest
import torch

from nndl_lib.runtime import evaluation, generator, get_device, is_static, seed_everything, training

BAD_SEEDS = [-1, 2**32, 1.5, True, False, "1", None, np.int64(-1), np.float64(1), torch.tensor(1)]


def gpus(monkeypatch, count):
    """Let PyTorch report so many CUDA GPUs, whatever this machine has: only the choice is tested, nothing runs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


@pytest.fixture(autouse=True)
def no_device_in_environment(monkeypatch):
    monkeypatch.delenv("NNDL_DEVICE", raising=False)


def test_default_is_the_gpu_where_there_is_one(monkeypatch):
    gpus(monkeypatch, 1)
    assert get_device() == torch.device("cuda")
    gpus(monkeypatch, 0)
    assert get_device() == torch.device("cpu")


def test_default_is_never_mps(monkeypatch):
    gpus(monkeypatch, 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert get_device() == torch.device("cpu")
    assert get_device("mps") == torch.device("mps")


def test_environment_goes_before_the_default(monkeypatch):
    gpus(monkeypatch, 2)
    monkeypatch.setenv("NNDL_DEVICE", "cpu")
    assert get_device() == torch.device("cpu")
    monkeypatch.setenv("NNDL_DEVICE", "cuda:1")
    assert get_device() == torch.device("cuda:1")


def test_empty_environment_variable_counts_as_not_given(monkeypatch):
    gpus(monkeypatch, 1)
    monkeypatch.setenv("NNDL_DEVICE", "")
    assert get_device() == torch.device("cuda")


def test_argument_goes_before_the_environment(monkeypatch):
    gpus(monkeypatch, 2)
    monkeypatch.setenv("NNDL_DEVICE", "cuda:1")
    assert get_device("cpu") == torch.device("cpu")
    assert get_device("cuda:0") == torch.device("cuda:0")
    monkeypatch.setenv("NNDL_DEVICE", "no such device")
    assert get_device("cpu") == torch.device("cpu")


def test_torch_device_is_accepted():
    assert get_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_on_a_machine_without_it():
    message = r"'cuda' \(from the argument\) was asked for.* 0 CUDA GPUs.*expected 'cpu'$"
    with pytest.raises(RuntimeError, match=message):
        get_device("cuda")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:7"])
def test_cuda_where_pytorch_sees_none(monkeypatch, name):
    gpus(monkeypatch, 0)
    with pytest.raises(RuntimeError, match=f"'{name}' .*from the argument.* 0 CUDA GPUs.*expected 'cpu'$"):
        get_device(name)
    monkeypatch.setenv("NNDL_DEVICE", name)
    with pytest.raises(RuntimeError, match=f"'{name}' .*from the environment variable NNDL_DEVICE.* 0 CUDA GPUs"):
        get_device()


def test_cuda_index_too_large(monkeypatch):
    gpus(monkeypatch, 2)
    assert get_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(RuntimeError, match="'cuda:2' .* sees 2 CUDA GPUs here; expected 'cpu' or 'cuda:0' to 'cuda:1'"):
        get_device("cuda:2")


def test_mps_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="'mps' .*from the argument.* no Apple GPU"):
        get_device("mps")


@pytest.mark.parametrize("name", ["gpu", "CPU", "", "cuda:x", "cuda:-1", 1.5])
def test_bad_device_name(name):
    message = f"{name!r} (from the argument) is not a device; expected 'cpu', 'cuda', 'cuda:<index>' or 'mps'"
    with pytest.raises(ValueError, match=re.escape(message)):
        get_device(name)


def test_bad_device_name_in_the_environment(monkeypatch):
    monkeypatch.setenv("NNDL_DEVICE", "gpu")
    message = r"'gpu' \(from the environment variable NNDL_DEVICE\) is not a device; expected"
    with pytest.raises(ValueError, match=message):
        get_device()


def test_device_that_the_book_does_not_use():
    with pytest.raises(ValueError, match="'meta' .* is not supported; expected 'cpu', 'cuda'"):
        get_device("meta")


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, np.int64(3), np.uint8(5)])
def test_generator_is_pytorchs_of_that_seed(seed):
    expected = torch.rand(5, generator=torch.Generator().manual_seed(int(seed)))
    assert torch.equal(torch.rand(5, generator=generator(seed)), expected)


def test_generators_of_different_seeds_differ():
    assert not torch.equal(torch.rand(5, generator=generator(1)), torch.rand(5, generator=generator(2)))


def test_generator_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    torch.rand(5, generator=generator(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_generator_is_on_the_device_asked_for():
    assert generator(0, torch.device("cpu")).device == torch.device("cpu")


@pytest.mark.parametrize("seed", BAD_SEEDS)
def test_generator_bad_seed(seed):
    message = re.escape(f"generator: seed is {seed!r}; expected an integer from 0 to {2**32 - 1}")
    with pytest.raises(ValueError, match=message):
        generator(seed)


def drawn(seed):
    own = seed_everything(seed)
    return random.random(), np.random.rand(3).tolist(), torch.rand(3).tolist(), torch.rand(3, generator=own).tolist()


def test_seed_everything_repeats():
    assert drawn(7) == drawn(7)


def test_seed_everything_reaches_each_generator():
    for one, other in zip(drawn(7), drawn(8)):
        assert one != other


def test_seed_everything_seeds_as_the_libraries_do():
    expected = (
        random.Random(7).random(),
        np.random.RandomState(7).rand(3).tolist(),
        torch.rand(3, generator=torch.Generator().manual_seed(7)).tolist(),
    )
    python, numpy, torch_global, torch_own = drawn(7)
    assert (python, numpy, torch_global) == expected
    assert torch_own == expected[2]


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_seed_everything_takes_the_bounds(seed):
    assert seed_everything(seed).initial_seed() == seed


@pytest.mark.parametrize("seed", BAD_SEEDS)
def test_seed_everything_bad_seed_changes_nothing(seed):
    before = random.getstate(), torch.get_rng_state()
    message = re.escape(f"seed_everything: seed is {seed!r}; expected an integer from 0 to {2**32 - 1}")
    with pytest.raises(ValueError, match=message):
        seed_everything(seed)
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("value, expected", [(None, False), ("", False), ("0", False), ("1", True)])
def test_is_static(monkeypatch, value, expected):
    monkeypatch.delenv("NNDL_STATIC", raising=False)
    if value is not None:
        monkeypatch.setenv("NNDL_STATIC", value)
    assert is_static() is expected


# --- the modes of a model ---


def parts():
    return torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout()))


def modes(model):
    return [part.training for part in model.modules()]


@pytest.mark.parametrize("kept", range(2**5))
def test_every_module_gets_its_own_mode_back(kept):
    model = parts()
    before = [bool(kept >> k & 1) for k in range(5)]
    for part, mode in zip(model.modules(), before, strict=True):
        part.training = mode
    for error in (None, ValueError, KeyboardInterrupt):
        for mode, inside in ((evaluation, [False] * 5), (training, before if any(before) else [True] * 5)):
            with pytest.raises(error) if error else contextlib.nullcontext():
                with mode(model):
                    assert modes(model) == inside
                    if error:
                        raise error
            assert modes(model) == before


def test_a_mode_that_is_set_within_training_stays():
    model = parts()
    with training(model):
        model[1].eval()
    assert modes(model) == [True, True, False, False, False]


def test_a_function_has_no_mode():
    with evaluation(abs):
        pass


def test_evaluation_puts_back_what_a_module_of_its_own_kind_changed():
    class Stubborn(torch.nn.Module):  # as models are written whose normalization never trains
        def train(self, mode=True):
            if not mode:
                self.training = False
                raise ValueError("no")
            return super().train(mode)

    model = torch.nn.Sequential(torch.nn.Dropout(), Stubborn())
    with pytest.raises(ValueError, match="no"):
        with evaluation(model):
            pass
    assert modes(model) == [True] * 3
