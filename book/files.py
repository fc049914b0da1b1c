"""Where the book's files are, and the one way to write a file. Needs nothing but Python.

A page's name is its source's path without the suffix, for example `chapters/02-linear-models`.
"""

import functools
import hashlib
import os
import re
import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SITE = BUILD / "html"
EXECUTED = BUILD / "executed"
NOTEBOOKS = BUILD / "notebooks"
PDF = BUILD / "pdf" / "neural-networks-and-deep-learning.pdf"


# Editors and desktops leave files beside the sources, some under names that look alike: `.#page.md`, `page-Copy1.md`,
# `.ipynb_checkpoints`, `module (copy).py`. So pages are those that the table of contents names, and the library's files
# those whose names can be imported.


def importable(folder: Path, *suffixes: str) -> list[Path]:
    """The files of a folder and of those in it whose names, and the names of their folders, Python could import."""

    def belongs(file: Path) -> bool:
        return file.suffix in suffixes and all(
            part.isidentifier() for part in file.relative_to(folder).with_suffix("").parts
        )

    return [file for file in sorted(folder.rglob("*")) if belongs(file) and file.is_file()]


def library_files(root: Path = ROOT) -> list[Path]:
    """The library's sources, in Python and JavaScript."""
    return importable(root / "nndl_lib", ".py", ".js")


def pages(root: Path = ROOT) -> list[Path]:
    """The sources of the pages that `_toc.yml` names and that are there, in its order.

    Read without a package for YAML. Pages that it names by `glob` are not among them: the build writes those itself.
    """
    contents = root / "_toc.yml"
    text = contents.read_text(encoding="utf-8") if contents.is_file() else ""
    text = re.sub(r"(?<!\S)#.*", "", text)  # without comments
    named = re.findall(r"""(?<![\w-])(?:root|file):\s+["']?([^\s"',}]+)""", text)
    files = [root / f"{name.removesuffix('.md')}.md" for name in named]
    return [file for file in files if file.is_file()]


def numbered(folder: str, root: Path = ROOT) -> list[Path]:
    """The pages `NN-name.md` of a folder, in order: one for each chapter."""
    return sorted(file for file in pages(root) if re.fullmatch(rf"{folder}/\d\d-.*", page_of(file, root)))


def page_of(source: Path, root: Path = ROOT) -> str:
    """The name of a source's page."""
    return source.relative_to(root).with_suffix("").as_posix()


CHAPTERS = numbered("chapters")
EXERCISES = numbered("exercises")


def is_exercise(page: str) -> bool:
    """Whether the page is that of a chapter's exercises, from whose source notebooks are derived too."""
    return page in map(page_of, EXERCISES)


@functools.cache  # asked for every page of a build
def pages_with_code(root: Path = ROOT) -> list[str]:
    """The pages that are notebooks, but those of the exercises: from these, others are derived."""
    derived = numbered("exercises", root)

    def has_code(text: str) -> bool:  # a page without jupytext's header may show a code cell, as an example
        return text.startswith("---\n") and "\n```{code-cell}" in text

    return [
        page_of(file, root)
        for file in pages(root)
        if file not in derived and has_code(file.read_text(encoding="utf-8"))
    ]


def project(root: Path = ROOT) -> dict:
    """The section `project` of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def digest(files: Iterable[Path], root: Path, start: str = "") -> str:
    """A short name for the names and contents of files, and for the text before them."""
    found = hashlib.sha256(start.encode())
    for file in files:
        found.update(b"\0" + file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]


def copy_file(file: Path, to: Path) -> None:
    """Copy the content of a file, and make the folders above the copy."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def remove_others(folder: Path, kept: Iterable[Path]) -> None:
    """Remove all files of a folder but those that are named, and then the folders that are empty."""
    stay = {*kept}
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before the folder
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in stay:
            path.unlink()


def write_whole(path: Path, text: str | bytes) -> None:
    """Write a file, whole or not at all, and the folders above it. One that says the same already is left untouched."""
    content = text.encode() if isinstance(text, str) else text
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")  # a name of its own for each of two builds
    try:
        scratch.write_bytes(content)
        os.replace(scratch, path)
    finally:  # where the disk is full, say
        scratch.unlink(missing_ok=True)
