"""What is published beside the pages, from the notebooks that the build executed.

    .venv/bin/python -m book.publish     into _build/notebooks, from what `make book` built last

`_build/notebooks` is also what the branch `notebooks` holds, where the buttons for Colab and Binder lead (see
theme/buttons.py): chapters with their outputs, exercises for students, solutions, what Binder needs to install, and a
page of badges. Nothing here runs a cell or writes outside `_build`. As a Sphinx extension, it does so at the end of a
build, and copies the notebooks into the site.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import nbformat

from book import exercises, notebooks
from book.files import EXECUTED, EXERCISES, NOTEBOOKS, ROOT, page_of, pages_with_code, project, write_whole
from book.messages import say, stop
from book.origin import Origin, origin

COLAB, BINDER = "https://colab.research.google.com/assets/colab-badge.svg", "https://mybinder.org/badge_logo.svg"


def write_chapters(found: Origin, executed: Path = EXECUTED, to: Path = NOTEBOOKS) -> None:
    """Write every executed page of the book into `to`. For the exercises' own see book/exercises.py."""
    for page in pages_with_code():
        if (executed / f"{page}.ipynb").is_file():  # a page outside the book's contents is not executed
            notebook = nbformat.read(executed / f"{page}.ipynb", as_version=4)
            notebooks.write(notebooks.published(notebook, page, found), to / f"{page}.ipynb")


def runtime_pins(root: Path = ROOT) -> list[str]:
    """The lines of requirements.lock that a notebook needs: the library's dependencies, JupyterLab, and theirs."""

    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pins: dict[str, list[str]] = {}
    needed_by: dict[str, set[str]] = {}
    name = None
    for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==", line):
            name = normal(match[1])
            pins.setdefault(name, []).append(line)  # several: one for old Pythons, one for new ones
            needed_by.setdefault(name, set())
        elif name and (match := re.match(r"\s+#(?: via)?\s+([\w.-]+)", line)):
            needed_by[name].add(normal(match[1]))
    wanted = {normal(re.split(r"[^\w.-]", entry)[0]) for entry in project(root)["dependencies"]} | {"jupyterlab"}
    size = 0
    while size != len(wanted):
        size = len(wanted)
        wanted |= {name for name, users in needed_by.items() if users & wanted}
    return [line for name in sorted(wanted) for line in pins[name]]


def write_binder(found: Origin, index: str, to: Path = NOTEBOOKS, root: Path = ROOT) -> None:
    """What Binder installs for the published notebooks, with the same pins as the book's own environment.

    index: one more package index, for example that of PyTorch's CPU builds; empty for none.
    """
    folder = to / "binder"
    first = [f"--extra-index-url {index}"] if index else []
    write_whole(folder / "requirements.txt", "\n".join([*first, *runtime_pins(root)]) + "\n")
    write_whole(folder / "library.txt", f"nndl-lib @ {found.source}\n")
    for name in ["runtime.txt", "postBuild"]:
        shutil.copy(root / "binder" / name, folder / name)


def write_readme(found: Origin, to: Path = NOTEBOOKS) -> None:
    """Write what the branch shows at GitHub: its notebooks, and the badges that open each in Colab and in Binder."""
    about = f"Written by the build, from the sources on the branch `{found.branch}`: edit them there."
    rows = ["| notebook | on the page | run it |", "|---|---|---|"]
    for page in [*pages_with_code(), *(page_of(source) for source in EXERCISES)]:
        path = f"{page}.ipynb"
        lines = (ROOT / f"{page}.md").read_text(encoding="utf-8").splitlines()
        title = next(line.removeprefix("# ") for line in lines if line.startswith("# "))
        rows.append(
            f"| [{title}]({path}) | [read]({found.site}/{page}.html) | "
            f"[![Open in Colab]({COLAB})]({found.colab(path)}) [![Launch in Binder]({BINDER})]({found.binder(path)}) |"
        )
    write_whole(to / "README.md", "\n".join(["# Notebooks of the book", "", about, "", *rows]) + "\n")


def write_all(found: Origin) -> None:
    """Write everything that is published beside the pages, anew."""
    shutil.rmtree(NOTEBOOKS, ignore_errors=True)  # a page that is no more shall not stay published
    write_chapters(found)
    exercises.write_notebooks(found)
    if found.source and (ROOT / "binder").is_dir():
        write_binder(found, os.environ.get("NNDL_BINDER_INDEX", ""))
        write_readme(found)


# --- as a Sphinx extension ------------------------------------------------------------------------------------------


def find_origin(app, config):
    try:
        app.nndl_origin = origin()
    except ValueError as error:
        stop(str(error))
    if app.nndl_origin.fault:
        say(f"  {app.nndl_origin.fault}")
    # Other addresses: write the pages again. Not so for another commit, which only the notebooks name.
    config.nndl_addresses = f"{app.nndl_origin.repository} {app.nndl_origin.branch} {app.nndl_origin.site}"


def publish(app, error):
    if error is None and app.builder.format == "html":
        write_all(app.nndl_origin)
        site = Path(app.outdir, "notebooks")
        shutil.rmtree(site, ignore_errors=True)
        for file in NOTEBOOKS.rglob("*.ipynb"):
            copied = site / file.relative_to(NOTEBOOKS)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)


def setup(app):
    app.add_config_value("nndl_addresses", "", "html")
    app.connect("config-inited", find_origin)
    app.connect("build-finished", publish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    try:
        found = origin()
        if found.fault:
            raise ValueError(found.fault)
    except ValueError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 1
    write_all(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
