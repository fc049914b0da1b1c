"""What the tests of launching share: an environment like Colab's, and a repository that stands for GitHub's."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from book import release
from book.files import copy_file, library_files
from tests.chapters import ROOT

ADDRESS = "https://github.com/some-one/book"
MINE = ("nndl_lib", "__editable__.nndl", "__editable___nndl", "__editable__nndl")  # what an installed library leaves


def environment_without_library(folder: Path) -> Path:
    """Make a virtual environment that has all packages of this one, but not the library; return its Python.

    The packages are links: nothing is copied, and `pip install` writes into the new environment alone.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    links = folder / "packages"
    links.mkdir()
    for place in dict.fromkeys(sysconfig.get_paths()[key] for key in ("purelib", "platlib")):
        for path in Path(place).iterdir():
            if not path.name.startswith(MINE) and path.suffix != ".pth" and not (links / path.name).exists():
                (links / path.name).symlink_to(path)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    site = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    (site / "packages.pth").write_text(f"{links}\n", encoding="utf-8")
    return python


def repository(folder: Path) -> tuple[dict[str, str], str]:
    """Make a repository of the library as it lies here, edits included; return git's settings for it, and its commit.

    With these settings, git takes `ADDRESS` to mean this repository.
    """
    folder.mkdir()
    for file in [*(ROOT / name for name in release.PROJECT), *library_files()]:
        copy_file(file, folder / file.relative_to(ROOT))
    settings = folder.parent / "gitconfig"
    settings.write_text(
        f'[url "{folder.as_uri()}"]\n    insteadOf = {ADDRESS}\n'
        "[user]\n    name = n\n    email = e@x.org\n[safe]\n    directory = *\n"
        "[uploadpack]\n    allowFilter = true\n    allowAnySHA1InWant = true\n",
        encoding="utf-8",
    )
    environment = {"GIT_CONFIG_GLOBAL": str(settings), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "The library")
    return environment, git("rev-parse", "HEAD")


def run_notebook(python: Path, file: Path, environment: dict[str, str], timeout: int) -> subprocess.CompletedProcess:
    """Run a notebook in place, from its own folder, as that Python's kernel would; outputs are written into it."""
    home = file.parent / "home"  # no settings, kernels or caches of whoever runs the tests
    home.mkdir(exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "JUPYTER", "IPYTHON", "NNDL_", "PIP_", "GIT_"))
    }
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    return subprocess.run(
        [python, "-c", "from nbclient.cli import main; main()", "--inplace", f"--timeout={timeout}", file.name],
        cwd=file.parent,
        timeout=timeout,
        env={
            **kept,
            **offline,
            "HOME": str(home),
            "JUPYTER_PLATFORM_DIRS": "1",
            "MPLCONFIGDIR": str(home),
            **environment,
        },
        capture_output=True,
        text=True,
    )
