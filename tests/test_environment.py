"""What make sets up: an environment for this folder and this Python, whatever the user has set, network or not.

Python is stood in for by a script, which notes what it is called with. So nothing is installed, and no network asked.
"""

import os
import re
import shutil
import subprocess
import time
import urllib.request

import pytest

from tests.chapters import ROOT, text_of

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")

# A Python of the version in its first line. As a venv it makes a folder with a copy of itself; else it writes a line
# into `calls` beside the Makefile, with its environment in `variables`.
PYTHON = r"""#!/usr/bin/env bash
version=3.11
case "$*" in
  *version_info*) echo "$version" ;;
  *ensurepip*) [[ -z ${NO_VENV:-} ]] ;;
  "-m venv "*)
    mkdir -p "$3/bin"
    printf 'version = %s.7\nexecutable = %s\ncommand = %s -m venv %s\n' "$version" "$0" "$0" "$PWD/$3" > "$3/pyvenv.cfg"
    ln -sf "$(realpath "$0")" "$3/bin/python" ;;
  *"import pip"*) [[ -z ${NO_PIP:-} ]] ;;
  *npm*) echo "npm ${*:3}" >> ../../calls; [[ -n ${NETWORK:-} ]] ;;
  *) echo "$*" >> calls; env > variables ;;
esac
"""


class Folder:
    """A folder with the Makefile, and a Python for it in the user's PATH."""

    def __init__(self, path, programs):
        self.path, self.programs = path, programs

    def make(self, *arguments, **variables):
        """What make prints, its status, and what the Pythons were called with."""
        (self.path / "calls").unlink(missing_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "CI"))}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.path,
            env={**kept, "PATH": f"{self.programs}:{os.environ['PATH']}", **variables},
            capture_output=True,
            text=True,
        )
        calls = text_of(self.path / "calls") if (self.path / "calls").exists() else ""
        return done.stdout, done.returncode, calls


def write_python(path, version="3.11"):
    path.parent.mkdir(exist_ok=True)
    path.write_text(PYTHON.replace("version=3.11", f"version={version}"), encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a book"
    (path / "book").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", path)
    shutil.copy(ROOT / "book" / "environment.sh", path / "book")
    shutil.copytree(ROOT / "tests" / "web", path / "tests" / "web")
    for name in ["requirements.lock", "pyproject.toml"]:
        (path / name).touch()
        os.utime(path / name, (0, 0))
    write_python(tmp_path / "programs" / "python3")
    return Folder(path, tmp_path / "programs")


def test_what_is_there_stays(folder):
    said, status, calls = folder.make("environment")
    assert status == 0 and "installing packages into .venv" in said, said
    assert "-m pip install" in calls and "-r requirements.lock" in calls and "--editable ." in calls
    assert folder.make("environment") == ("", 0, "")
    os.utime(folder.path / "requirements.lock", (time.time() + 60,) * 2)  # a lock that changed
    said, status, calls = folder.make("environment")
    assert status == 0 and "-r requirements.lock" in calls and "made again" not in said


def test_an_installation_that_was_interrupted_is_finished(folder):
    folder.make("environment")
    (folder.path / ".venv" / "installed").unlink()
    said, _, calls = folder.make("environment")
    assert "-m pip install" in calls and "made again" not in said
    (folder.path / ".venv" / "installed").unlink()  # earlier still: pip itself is not there yet
    said, _, calls = folder.make("environment", NO_PIP="1")
    assert "environment: .venv is not complete; it is made again" in said and "-m pip install" in calls


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move])
def test_in_another_folder_it_is_made_again(folder, tmp_path, move):
    folder.make("environment")
    (folder.path / ".venv" / "old").touch()
    other = Folder(tmp_path / "another book", folder.programs)
    move(folder.path, other.path, **({"symlinks": True} if move == shutil.copytree else {}))
    said, status, calls = other.make("environment")
    assert said.splitlines()[0] == "environment: .venv was made for another folder; it is made again"
    assert status == 0 and "--editable ." in calls and not (other.path / ".venv" / "old").exists()
    assert other.make("environment") == ("", 0, "")


def test_a_link_to_the_folder_is_no_other_folder(folder, tmp_path):
    folder.make("environment")
    (tmp_path / "link").symlink_to(folder.path)
    assert Folder(tmp_path / "link", folder.programs).make("environment") == ("", 0, "")


def test_a_python_that_is_gone(folder, tmp_path):
    python = write_python(tmp_path / "old" / "python3")
    folder.make("environment", f"PYTHON={python}")
    python.unlink()
    said, status, calls = folder.make("environment")
    assert said.splitlines()[0] == f"environment: .venv was made with {python}, which is gone; it is made again"
    assert status == 0 and "-m pip install" in calls


def test_a_python_that_became_another(folder):
    folder.make("environment")
    write_python(folder.programs / "python3", "3.14")  # as an update of the system does
    said, status, _ = folder.make("environment")
    python = folder.programs / "python3"
    assert f".venv was made with Python 3.11.7, and {python} is 3.14 now; it is made again" in said and status == 0
    assert folder.make("environment") == ("", 0, "")


def test_another_python_is_asked_for(folder):
    write_python(folder.programs / "python3.13", "3.13")
    folder.make("environment")
    said, status, calls = folder.make("environment", "PYTHON=python3.13")
    assert ".venv has Python 3.11, and 3.13 is asked for; it is made again" in said and status == 0 and calls
    for arguments in [[], ["PYTHON=python3.13"]]:  # it stays, also where nobody asks
        assert folder.make("environment", *arguments) == ("", 0, "")


@pytest.mark.parametrize(
    "version, variables, words",
    [
        ("3.10", {}, "Python is 3.10 here ('python3'); the book needs 3.11 or newer"),
        ("2.7", {}, "Python is 2.7 here"),
        ("", {}, "'python3' does not start, or is no Python"),
        ("3.11", {"NO_VENV": "1"}, "This Python cannot make environments ('python3'). On Debian"),
        ("3.11", {"PYTHON": "/nowhere/python3"}, "No '/nowhere/python3' here. Install Python 3.11 or newer"),
    ],
)
def test_a_python_that_does_not_do(folder, version, variables, words):
    python = write_python(folder.programs / "python3", version)
    if not version:
        python.write_text("#!/bin/sh\nexit 126\n", encoding="utf-8")
    said, status, calls = folder.make("environment", **variables)
    assert status == 2 and said.startswith(words) and said.count("\n") == 1 and not calls, said
    assert not (folder.path / ".venv").exists()


def test_nothing_is_removed_for_a_python_that_does_not_do(folder):
    folder.make("environment")
    said, status, _ = folder.make("environment", "PYTHON=/nowhere/python3")
    assert status == 2 and "No '/nowhere/python3' here" in said
    assert (folder.path / ".venv" / "installed").exists()


def test_otter_has_the_python_of_the_book(folder):
    write_python(folder.programs / "python3.13", "3.13")
    folder.make("environment", "PYTHON=python3.13")
    write_python(folder.programs / "python3", "3.10")  # the one that this machine has is too old
    said, status, calls = folder.make("otter")
    assert "installing packages into .venv-otter" in said and "--editable .[course]" in calls
    assert "version = 3.13" in text_of(folder.path / ".venv-otter" / "pyvenv.cfg")
    (folder.path / "calls").unlink()
    assert "installing" not in folder.make("otter")[0]


# --- what the user has set ------------------------------------------------------------------------------------------

LEAKS = """PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_CONSTRAINT PIP_REQUIRE_VIRTUALENV PIP_REQUIRE_HASHES
PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS PYTHONSAFEPATH PYTEST_ADDOPTS PYTEST_PLUGINS
PYTEST_DISABLE_PLUGIN_AUTOLOAD VIRTUAL_ENV CONDA_PREFIX GIT_DIR GIT_WORK_TREE MPLBACKEND NODE_OPTIONS CDPATH""".split()
NEEDED = """PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT PIP_CONFIG_FILE http_proxy HTTPS_PROXY HOME
OMP_NUM_THREADS NO_COLOR PYTHONUTF8 NNDL_REPOSITORY""".split()


def seen(folder, **variables):
    folder.make("environment", **variables)
    return dict(line.split("=", 1) for line in text_of(folder.path / "variables").splitlines() if "=" in line)


def test_variables_of_the_user(folder):
    variables = seen(folder, **dict.fromkeys([*LEAKS, *NEEDED], "of-the-user"))
    assert [name for name in LEAKS if variables.get(name, "0") == "of-the-user"] == []
    assert [name for name in NEEDED if variables.get(name) != "of-the-user"] == []
    assert variables["PIP_USER"] == "0"  # comes before what a file of pip's settings says


@pytest.mark.parametrize("given", [{}, {"no_proxy": "a.org,b.org"}, {"NO_PROXY": "a.org,b.org"}])
def test_this_machine_is_reached_without_a_proxy(folder, given):
    with_proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    variables = seen(folder, **{**with_proxy, **given})
    hosts = ["127.0.0.1", "localhost", *(["a.org", "b.org"] if given else [])]
    assert variables["no_proxy"] == variables["NO_PROXY"] == ",".join(hosts)
    assert variables["http_proxy"] == "http://127.0.0.1:9"  # pip's way out


def test_tests_reach_this_machine_without_a_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert all(urllib.request.proxy_bypass(host) for host in ["127.0.0.1", "127.0.0.1:8888", "localhost"])


# --- what checks the pages ------------------------------------------------------------------------------------------


def test_without_a_network_npm_is_asked_once(folder):
    said, status, calls = folder.make("web")
    sentence = "what checks the pages could not be installed (.venv/web/npm.log): its tests will be skipped"
    assert said.splitlines()[-1] == sentence and status == 0
    assert "npm ci" in calls and "--fetch-retries=0" in calls and re.search(r"--fetch-timeout=\d{4}$", calls.strip())
    assert folder.make("web") == (f"{sentence}\n", 0, "")  # at once
    os.utime(folder.path / ".venv" / "web" / "failed", (0, 0))  # an hour later
    said, status, calls = folder.make("web", NETWORK="1")
    assert "npm ci" in calls and sentence not in said
    assert folder.make("web", NETWORK="1") == ("", 0, "")
    os.utime(folder.path / "tests" / "web" / "package-lock.json", (time.time() + 60,) * 2)
    assert "npm ci" in folder.make("web", NETWORK="1")[2]


def test_in_ci_npm_tries_again(folder):
    assert "--fetch-retries" not in folder.make("web", CI="true")[2]
    assert "npm ci" in folder.make("web", CI="true")[2]
