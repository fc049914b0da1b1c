"""Sphinx extension: buttons that launch, download and edit a page, and the published notebooks that they lead to.

- `buttons(pagename)` says what a page offers: Colab and Binder open its notebook from the branch `notebooks`; downloads
  lie beside the pages; "Suggest an edit" opens the source on the branch that is edited. Where the repository is not
  known (see `origin` in theme/publish.py), downloads are all there is.
- After the build, theme/publish.py writes the notebooks, and they are copied into the site.
"""

import shutil
import sys
from pathlib import Path

import publish
from nndl_exercises import is_exercise


def notebook_of(pagename: str) -> str | None:
    """The published notebook that a page launches, or None for a page without code: for exercises, the student's."""
    return f"{pagename}.ipynb" if is_exercise(pagename) or pagename in publish.pages_with_code() else None


def buttons(pagename: str, found: publish.Origin | None = None, notebooks: str = "notebooks") -> dict[str, list[dict]]:
    """What a page offers, as sphinx-book-theme's buttons: lists named "launch", "download" and "edit", some of them empty.

    notebooks: the address of the site's folder of notebooks, as seen from the page.
    """
    found = publish.origin() if found is None else found
    path, offers = notebook_of(pagename), {"launch": [], "download": [], "edit": []}

    def link(text, tooltip, url, icon, label):
        return {"type": "link", "text": text, "tooltip": tooltip, "url": url, "icon": icon, "label": label}

    if path and found.repository:
        colab = f"https://colab.research.google.com/github/{found.name}/blob/notebooks/{path}"
        binder = f"https://mybinder.org/v2/gh/{found.name}/notebooks?urlpath=lab/tree/{path}"
        offers["launch"] = [
            link("Colab", "Run in Colab", colab, "fas fa-rocket", "launch-colab"),
            link("Binder", "Run in Binder", binder, "fas fa-rocket", "launch-binder"),
        ]
    if is_exercise(pagename):
        solution = path.replace("exercises/", "solutions/", 1)
        offers["download"] = [
            link(".ipynb", "The notebook, without solutions", f"{notebooks}/{path}", "fas fa-file-code", "download-exercises-button"),
            link("solutions", "The notebook with solutions", f"{notebooks}/{solution}", "fas fa-file-code", "download-solutions-button"),
        ]
    elif path:
        offers["download"] = [
            link(".ipynb", "The notebook", f"{notebooks}/{path}", "fas fa-file-code", "download-notebook-button"),
        ]
    if found.repository and (publish.ROOT / f"{pagename}.md").is_file() and not pagename.startswith("reference/"):
        edit = f"{found.repository}/edit/{found.branch}/{pagename}.md"
        offers["edit"] = [link("Suggest an edit", "Suggest an edit of this page", edit, "fas fa-pencil-alt", "source-edit-button")]
    return offers


def add_buttons(app, pagename, templatename, context, doctree):
    header = context["header_buttons"]
    offers = buttons(pagename, app.nndl_origin, context["pathto"]("notebooks", 1))
    for group in header:
        if group.get("label") == "download-buttons" and offers["download"]:
            # Not the source: that of an exercise holds the solutions, and of a chapter the notebook is the better copy.
            printing = [button for button in group["buttons"] if button["label"] == "download-pdf-button"]
            group["buttons"] = offers["download"] + printing
    if offers["launch"]:
        header.insert(0, {"type": "group", "tooltip": "Launch", "icon": "fas fa-rocket", "buttons": offers["launch"], "label": "launch-buttons"})
    header += [{**button, "text": ""} for button in offers["edit"]]  # alone it is an icon


def find_origin(app, config):
    try:
        app.nndl_origin = publish.origin()
    except ValueError as error:
        print(f"\n{error}", flush=True)
        sys.exit(1)
    # Other addresses: write the pages again. Not so for another commit, which only the notebooks name.
    config.nndl_addresses = f"{app.nndl_origin.repository} {app.nndl_origin.branch} {app.nndl_origin.site}"


def write_notebooks(app, error):
    if error is None and app.builder.format == "html":
        publish.write_all(app.nndl_origin)
        site = Path(app.outdir, "notebooks")
        shutil.rmtree(site, ignore_errors=True)
        for file in publish.NOTEBOOKS.rglob("*.ipynb"):
            copied = site / file.relative_to(publish.NOTEBOOKS)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)


def setup(app):
    app.add_config_value("nndl_addresses", "", "html")
    app.connect("config-inited", find_origin)
    app.connect("html-page-context", add_buttons, priority=900)  # after the theme has made its own
    app.connect("build-finished", write_notebooks, priority=900)  # after theme/nndl_build.py has completed what is executed
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
