"""Sphinx extension: the pages of the exercises, and the notebooks beside them.

- A page is derived from its source, see theme/exercises.py: stubs that are not written yet, solutions folded below.
- The student and solution notebooks are written to `_build/notebooks` and copied beside the pages, which link to them.
- Where the book's repository is known (NNDL_REPOSITORY, an address at GitHub), the page has buttons that launch the
  student notebook from the branch `notebooks`.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import exercises
import jupytext

REPOSITORY = "NNDL_REPOSITORY"


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


def launch_buttons(repository: str, name: str) -> list[dict]:
    """Buttons for a student notebook on the branch `notebooks`. Empty where no repository is known.

    Raises ValueError where the address is not one at GitHub, which is where Colab and Binder look.
    """
    if not repository:
        return []
    match = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository)
    if not match:
        raise ValueError(f"{REPOSITORY} is {repository!r}; expected https://github.com/owner/name")
    path = f"exercises/{name}.ipynb"
    colab = f"https://colab.research.google.com/github/{match[1]}/blob/notebooks/{path}"
    binder = f"https://mybinder.org/v2/gh/{match[1]}/notebooks?urlpath=lab/tree/{path}"
    return [
        {"type": "link", "text": "Colab", "tooltip": "Run in Colab", "url": colab, "icon": "fas fa-rocket", "label": "launch-colab"},
        {"type": "link", "text": "Binder", "tooltip": "Run in Binder", "url": binder, "icon": "fas fa-rocket", "label": "launch-binder"},
    ]


def add_buttons(app, pagename, templatename, context, doctree):
    if not is_exercise(pagename):
        return
    name, buttons = pagename.removeprefix("exercises/"), context["header_buttons"]
    files = [("exercises", ".ipynb", "The notebook, without solutions"), ("solutions", "solutions", "The notebook with solutions")]
    for group in buttons:
        if group.get("label") == "download-buttons":
            # The source holds the solutions among the stubs: not what one who wants to work on them should get.
            printing = [button for button in group["buttons"] if button["label"] == "download-pdf-button"]
            group["buttons"] = [
                {"type": "link", "url": f"{context['pathto']('notebooks', 1)}/{folder}/{name}.ipynb", "text": text,
                 "tooltip": tooltip, "icon": "fas fa-file-code", "label": f"download-{folder}-button"}
                for folder, text, tooltip in files
            ] + printing
    launch = launch_buttons(os.environ.get(REPOSITORY, ""), name)
    if launch:
        buttons.insert(0, {"type": "group", "tooltip": "Launch", "icon": "fas fa-rocket", "buttons": launch, "label": "launch-buttons"})


def write_notebooks(app, error):
    if error is None and exercises.SOURCES:
        exercises.write_notebooks()
        shutil.copytree(exercises.NOTEBOOKS, Path(app.outdir, "notebooks"), dirs_exist_ok=True)


def setup(app):
    app.add_config_value("nndl_repository", os.environ.get(REPOSITORY, ""), "html")  # another one: write the pages again
    app.connect("source-read", derive_page)
    app.connect("html-page-context", add_buttons, priority=900)  # after the theme has made its own
    app.connect("build-finished", write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
