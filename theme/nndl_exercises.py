"""Sphinx extension: the pages of the exercises, derived from their sources.

Stubs that are not written yet, solutions folded below: see theme/exercises.py. The notebooks beside the pages are written
by theme/nndl_launch.py.
"""

import sys

import jupytext

import exercises


def is_exercise(docname: str) -> bool:
    return docname in {f"exercises/{source.stem}" for source in exercises.SOURCES}


def derive_page(app, docname, source):
    if not is_exercise(docname):
        return
    name = docname.removeprefix("exercises/")
    links = (
        f'**Work on it**: <a href="../notebooks/exercises/{name}.ipynb" download>download this page as a notebook</a>, '
        f"or run `make lab` and open `my_exercises/{name}.ipynb`. "
        "[How to work the exercises](how-to-work-the-exercises.md) tells more."
    )
    try:
        notebook = exercises.read(source[0], f"{docname}.md")
    except ValueError as error:
        print(f"\n{error}", flush=True)
        sys.exit(1)
    source[0] = jupytext.writes(exercises.page(notebook, links), fmt="md:myst")


def setup(app):
    app.connect("source-read", derive_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
