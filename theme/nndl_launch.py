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
    """What a page offers, as links with a text and a tooltip: lists named "launch", "download" and "edit", some of them empty.

    notebooks: the address of the site's folder of notebooks, as seen from the page.
    """
    found = publish.origin() if found is None else found
    path, offers = notebook_of(pagename), {"launch": [], "download": [], "edit": []}

    def link(text, tooltip, url, label):
        return {"text": text, "tooltip": tooltip, "url": url, "label": label, "download": label.startswith("download")}

    if path and found.repository:
        colab = f"https://colab.research.google.com/github/{found.name}/blob/notebooks/{path}"
        binder = f"https://mybinder.org/v2/gh/{found.name}/notebooks?urlpath=lab/tree/{path}"
        offers["launch"] = [
            link("Run in Colab", "In Google's notebooks, with a GPU if you ask for one", colab, "launch-colab"),
            link("Run in Binder", "In a free notebook server, without an account", binder, "launch-binder"),
        ]
    if is_exercise(pagename):
        solution = path.replace("exercises/", "solutions/", 1)
        offers["download"] = [
            link(
                "Download the notebook",
                "Without solutions, to work on",
                f"{notebooks}/{path}",
                "download-exercises-button",
            ),
            link(
                "with solutions", "The notebook with solutions", f"{notebooks}/{solution}", "download-solutions-button"
            ),
        ]
    elif path:
        offers["download"] = [
            link(
                "Download the notebook",
                "To run in JupyterLab or elsewhere",
                f"{notebooks}/{path}",
                "download-notebook-button",
            ),
        ]
    if found.repository and (publish.ROOT / f"{pagename}.md").is_file() and not pagename.startswith("reference/"):
        edit = f"{found.repository}/edit/{found.branch}/{pagename}.md"
        offers["edit"] = [link("Suggest an edit", "Suggest an edit of this page", edit, "source-edit-button")]
    return offers


def add_buttons(app, pagename, templatename, context, doctree):
    """For the line below the page's title, which theme/nndl_page.py writes."""
    offers = buttons(pagename, app.nndl_origin, context["pathto"]("notebooks", 1))
    context["page_links"] = [*offers["launch"], *offers["download"], *offers["edit"]]
    found, source = app.nndl_origin, publish.ROOT / f"{pagename}.md"
    context["page_source"] = (
        f"{found.repository}/blob/{found.branch}/{pagename}.md" if found.repository and source.is_file() else ""
    )


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
    app.connect("html-page-context", add_buttons, priority=900)  # before theme/nndl_page.py
    app.connect(
        "build-finished", write_notebooks, priority=900
    )  # after theme/nndl_build.py has completed what is executed
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
