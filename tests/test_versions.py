"""Versions: they agree wherever they stand, and no version takes away what an earlier one promised."""

import importlib
import re

import nndl_lib
from tests import public_names
from tests.chapters import ROOT, text_of

SEMANTIC = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"


def test_versions_agree():
    version = public_names.version()
    assert re.fullmatch(SEMANTIC, version)
    assert nndl_lib.__version__ == version
    assert f"version: {version}\n" in text_of(ROOT / "CITATION.cff")
    released = re.findall(rf"^## \[({SEMANTIC})\] - \d{{4}}-\d\d-\d\d$", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    versions = [tuple(map(int, found[1:])) for found in released]
    assert versions == sorted(versions, reverse=True), "CHANGELOG.md: the newest comes first"
    assert all(found <= tuple(map(int, version.split("."))) for found in versions), (
        "CHANGELOG.md is ahead of pyproject.toml"
    )
    assert re.findall(r"^## (\S+)", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)[0] in ("[Unreleased]", f"[{version}]")


def test_no_public_name_is_lost_or_forgotten():
    def docstring(module, name):
        return getattr(importlib.import_module(module), name).__doc__

    promise = public_names.promised(text_of(public_names.FILE))
    found = public_names.faults(promise, public_names.current(), docstring, public_names.version())
    assert not found, "\n" + "\n".join(found)
    assert sum(map(len, promise.values())) > 300


def test_names_are_read_as_they_are():
    for module, names in public_names.current().items():
        assert names == sorted(importlib.import_module(module).__all__), module


def test_faults_are_found():
    names = {"nndl_lib.a": ["one", "two"]}
    say = lambda module, name: "Deprecated since 0.2.0: use one."  # noqa: E731

    def faults(text, version="0.2.0", docstring=say):
        return public_names.faults(public_names.promised(text), names, docstring, version)

    assert faults("nndl_lib.a: one two") == []
    assert faults("nndl_lib.a: one") == ["nndl_lib.a.two is new: make names"]
    assert faults("") == ["nndl_lib.a.one is new: make names", "nndl_lib.a.two is new: make names"]
    (gone,) = faults("nndl_lib.a: one two three")
    assert "nndl_lib.a.three is gone: readers' code uses it" in gone
    assert "nndl_lib.b.four is gone" in faults("nndl_lib.a: one two\nnndl_lib.b: four")[0]  # with its module
    # Deprecated in 0.2.0: still there, and said so; gone in 0.3.0, but not in 0.2.5.
    assert faults("nndl_lib.a: one two(deprecated:0.2.0)") == []
    (silent,) = faults("nndl_lib.a: one two(deprecated:0.2.0)", docstring=lambda module, name: None)
    assert "does not say 'Deprecated since 0.2.0'" in silent
    assert faults("nndl_lib.a: one two three(deprecated:0.2.0)", "0.3.0") == []
    assert faults("nndl_lib.a: one two three(deprecated:0.9.0)", "0.10.0") == []
    (early,) = faults("nndl_lib.a: one two three(deprecated:0.2.0)", "0.2.5")
    assert "is gone in 0.2.5, the minor version in which it was deprecated (0.2.0)" in early
