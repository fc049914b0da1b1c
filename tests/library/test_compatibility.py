"""The handshake between a notebook and the library that it finds."""

import sys
import types

import pytest
import torch

import nndl_lib
from nndl_lib import compatibility


@pytest.mark.parametrize(
    "installed, needed, fits",
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.1", "0.1.0", True),
        ("0.10.0", "0.9.9", True),
        ("1.0", "0.99.99", True),
        ("0.2.0.dev1", "0.2.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.9.9", "0.10.0", False),
        ("0.99", "1.0.0", False),
    ],
)
def test_versions_are_compared_as_numbers(monkeypatch, installed, needed, fits):
    monkeypatch.setattr(nndl_lib, "__version__", installed)
    if fits:
        assert compatibility.require(needed) is None
    else:
        with pytest.raises(ImportError, match=f"written for nndl_lib {needed}, and nndl_lib {installed} is installed"):
            compatibility.require(needed)


def test_the_message_says_how_to_update(monkeypatch, tmp_path):
    monkeypatch.setattr(nndl_lib, "__version__", "0.0.9")
    (tmp_path / "nndl_lib").mkdir()
    monkeypatch.setattr(nndl_lib, "__file__", str(tmp_path / "nndl_lib" / "__init__.py"))
    with pytest.raises(ImportError, match="make lab there; then restart the kernel"):
        compatibility.require("0.1.0")
    with pytest.raises(ImportError) as error:
        compatibility.require("0.1.0", "git+https://github.com/a/b@v0.1.0")
    assert f'{sys.executable} -m pip install --upgrade "nndl-lib @ git+https://github.com/a/b@v0.1.0"' in str(
        error.value
    )
    (tmp_path / "pyproject.toml").touch()  # a checkout, installed as editable: pip would put a second copy beside it
    with pytest.raises(ImportError, match="git pull") as error:
        compatibility.require("0.1.0", "git+https://github.com/a/b@v0.1.0")
    assert str(tmp_path) in str(error.value) and "pip install" not in str(error.value)


def test_what_is_no_version_is_refused():
    with pytest.raises(ValueError, match="'newest' is not a version; expected one like '0.1.0'"):
        compatibility.require("newest")


@pytest.mark.parametrize("gpu", [True, False])
def test_colab_is_told_which_size_fits(monkeypatch, capsys, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    compatibility.announce_size()
    assert capsys.readouterr().out == ""  # not in Colab
    for name in ["google", "google.colab"]:
        module = types.ModuleType(name)
        module.__spec__, module.__path__ = types.SimpleNamespace(name=name), []
        monkeypatch.setitem(sys.modules, name, module)
    compatibility.announce_size()
    text = capsys.readouterr().out
    assert ("has a GPU" in text) == gpu and ("small variant runs" in text) != gpu
