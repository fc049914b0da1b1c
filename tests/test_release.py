"""The wheel, as someone gets it who has nothing else of the project; and the archives of a release."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile

import pytest

from book import release
from book.files import library_files
from tests import public_names
from tests.chapters import ROOT, text_of
from tests.launch import environment_without_library


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return release.build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_every_file(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
        metadata = file.read(next(name for name in file.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    assert names == {path.relative_to(ROOT).as_posix() for path in library_files()}
    assert any(name.endswith(".js") for name in names)
    assert f"Version: {public_names.version()}\n" in metadata and "Requires-Python: >=3.11\n" in metadata
    assert not (ROOT / "build").exists()  # setuptools' own folders stay out of the checkout


USE = """
import importlib, pkgutil, sys
import nndl_lib
for module in pkgutil.walk_packages(nndl_lib.__path__, "nndl_lib."):
    importlib.import_module(module.name)
import matplotlib.pyplot as plt
from nndl_lib import compatibility, interactive
compatibility.require(nndl_lib.__version__)
assert "<script>" in interactive.static_html(lambda a: plt.figure(figsize=(1, 1)), goal="g", a=[0, 1])
print(nndl_lib.__version__, nndl_lib.__file__, len([name for name in sys.modules if name.startswith("nndl_lib")]))
"""


def test_the_wheel_works_alone(wheel, tmp_path):
    python = environment_without_library(tmp_path / "an environment")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--quiet",
            "--no-index",
            "--disable-pip-version-check",
            wheel,
        ],
        check=True,
        env=environment,
    )
    done = subprocess.run(
        [python, "-c", USE], cwd=tmp_path, env={**environment, "NNDL_STATIC": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    version, rest = done.stdout.strip().split(" ", 1)
    where, count = rest.rsplit(" ", 1)
    assert version == public_names.version() and where.startswith(str(tmp_path / "an environment"))
    assert int(count) >= len(public_names.current())


def test_the_readme_leads_somewhere_at_pypi():
    environment = {"NNDL_REPOSITORY": "https://github.com/o/n", "NNDL_REVISION": "v1.0.0"}
    shown = release.absolute_links(text_of(ROOT / "README.md"), environment)
    links = re.findall(r"\]\(([^)\s]+)\)", shown)
    assert len(links) >= 9 and all(link.startswith("https://") for link in links)
    assert "https://github.com/o/n/actions/workflows/publish.yml/badge.svg" in links
    assert "https://github.com/o/n/blob/v1.0.0/CONTRIBUTING.md" in links
    assert shown.count("](") == len(links) and release.absolute_links(shown, environment) == shown
    assert release.absolute_links("[a](b)", {}) == "[a](b)"  # the address is not known


def test_archives_are_the_same_for_the_same_content(tmp_path):
    folder = tmp_path / "html"
    (folder / "a").mkdir(parents=True)
    for name in ["b.html", "a/c.html", "run"]:
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "run").chmod(0o755)
    sums = []
    for name in ["one", "two"]:
        (tmp_path / name).mkdir()
        release.archive(folder, tmp_path / name / "nndl-site-1.0.0.zip")
        sums.append(hashlib.sha256((tmp_path / name / "nndl-site-1.0.0.zip").read_bytes()).hexdigest())
        os.utime(folder / "b.html", (0, 0))
    assert sums[0] == sums[1]
    with zipfile.ZipFile(tmp_path / "one" / "nndl-site-1.0.0.zip") as file:
        assert file.namelist() == [f"nndl-site-1.0.0/{name}" for name in ["a/c.html", "b.html", "run"]]
        assert [entry.external_attr >> 16 for entry in file.infolist()] == [0o644, 0o644, 0o755]


def test_a_tag_that_does_not_fit_is_refused():
    changelog = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n"
    assert release.fault_of("v1.2.0", "1.2.0", changelog) == ""
    assert "the tag is 'v1.2.1' and pyproject.toml says '1.2.0'" in release.fault_of("v1.2.1", "1.2.0", changelog)
    assert "no section '## [1.3.0]" in release.fault_of("v1.3.0", "1.3.0", changelog)


def test_a_release_has_checksums(tmp_path, monkeypatch, wheel):
    monkeypatch.setattr(release, "RELEASE", tmp_path / "release")
    monkeypatch.setattr(
        release, "build_wheel", lambda to: (to / wheel.name).write_bytes(wheel.read_bytes()) and to / wheel.name
    )
    monkeypatch.setattr(release, "archive", lambda folder, to: to.write_text(f"{folder.is_dir()}", encoding="utf-8"))
    monkeypatch.delenv("NNDL_REVISION", raising=False)
    monkeypatch.setattr(release, "SITE", tmp_path / "site")
    (tmp_path / "site").mkdir()
    assert release.main() == 1  # the book on paper is missing
    (tmp_path / "site" / release.PDF.name).write_bytes(b"%PDF")
    assert release.main() == 0
    lines = [line.split("  ") for line in text_of(tmp_path / "release" / "SHA256SUMS").splitlines()]
    version = public_names.version()
    archives = [f"nndl-site-{version}.zip", f"nndl-notebooks-{version}.zip", f"nndl-book-{version}.pdf"]
    assert [name for _, name in lines] == [wheel.name, *archives]
    for digest, name in lines:
        (file,) = (tmp_path / "release").rglob(name)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest and file.read_bytes() not in (b"False",)
    monkeypatch.setenv("NNDL_REVISION", "v0.0.0")
    assert release.main() == 1
