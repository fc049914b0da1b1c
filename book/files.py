"""Where the book's files are, and the one way to write a file. Needs nothing but Python.

A page's name is its source's path without the suffix, for example `chapters/02-linear-models`.
"""

import functools
import hashlib
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SITE = BUILD / "html"
EXECUTED = BUILD / "executed"
NOTEBOOKS = BUILD / "notebooks"


def numbered(folder: Path) -> list[Path]:
    """The sources `NN-name.md` of a folder, in order: one for each chapter."""
    return sorted(folder.glob("[0-9][0-9]-*.md"))


CHAPTERS = numbered(ROOT / "chapters")
EXERCISES = numbered(ROOT / "exercises")


def page_of(source: Path, root: Path = ROOT) -> str:
    """The name of a source's page."""
    return source.relative_to(root).with_suffix("").as_posix()


def is_exercise(page: str) -> bool:
    """Whether the page is that of a chapter's exercises, from whose source notebooks are derived too."""
    return page in map(page_of, EXERCISES)


def contents(root: Path = ROOT) -> list[str]:
    """The pages that `_toc.yml` names one by one, in its order."""
    text = (root / "_toc.yml").read_text(encoding="utf-8")
    return re.findall(r"^[ -]*(?:root|file): *(\S+)", text, re.MULTILINE)


@functools.cache  # asked for every page of a build
def pages_with_code(root: Path = ROOT) -> list[str]:
    """The pages that are notebooks, but those of the exercises: from these, others are derived."""
    folders = [
        folder for folder in sorted(root.iterdir()) if folder.is_dir() and not folder.name.startswith((".", "_"))
    ]
    files = [file for folder in [root, *folders] for file in sorted(folder.glob("*.md"))]
    derived = numbered(root / "exercises")

    def has_code(text: str) -> bool:  # a page without jupytext's header may show a code cell, as an example
        return text.startswith("---\n") and "\n```{code-cell}" in text

    return [page_of(file, root) for file in files if file not in derived and has_code(file.read_text(encoding="utf-8"))]


def library_files(root: Path = ROOT) -> list[Path]:
    """The library's sources, in Python and JavaScript."""
    return [file for file in sorted((root / "nndl_lib").rglob("*")) if file.suffix in (".py", ".js")]


def project(root: Path = ROOT) -> dict:
    """The section `project` of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def digest(files: Iterable[Path], root: Path, start: str = "") -> str:
    """A short name for the names and contents of files, and for the text before them."""
    found = hashlib.sha256(start.encode())
    for file in files:
        found.update(b"\0" + file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all, and the folders above it. One that says the same already is left untouched."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_bytes(content)
    os.replace(scratch, path)
