"""Sphinx extension: buttons that launch, download and edit a page, for the line below its title.

Colab and Binder open a page's notebook from the branch `notebooks`; downloads lie beside the pages; "Suggest an edit"
opens the source on the branch that is edited. Where the repository is not known (see book/origin.py), downloads are all
there is.
"""

from book.files import ROOT, is_exercise, pages_with_code
from book.origin import Origin, origin


def notebook_of(pagename: str) -> str | None:
    """The published notebook that a page launches, or None for a page without code: for exercises, the student's."""
    return f"{pagename}.ipynb" if is_exercise(pagename) or pagename in pages_with_code() else None


def link(text: str, tooltip: str, url: str, label: str) -> dict:
    return {"text": text, "tooltip": tooltip, "url": url, "label": label, "download": label.startswith("download")}


def buttons(pagename: str, found: Origin | None = None, notebooks: str = "notebooks") -> dict[str, list[dict]]:
    """What a page offers, as links with a text and a tooltip: lists named "launch", "download" and "edit", maybe empty.

    notebooks: the address of the site's folder of notebooks, as seen from the page.
    """
    found = origin() if found is None else found
    path = notebook_of(pagename)
    offers: dict[str, list[dict]] = {"launch": [], "download": [], "edit": []}
    if path and found.source:  # else the notebook there could not install the library
        colab = "In Google's notebooks, with a GPU if you ask for one"
        binder = "In a free notebook server, without an account"
        offers["launch"] = [
            link("Run in Colab", colab, found.colab(path), "launch-colab"),
            link("Run in Binder", binder, found.binder(path), "launch-binder"),
        ]
    if path and is_exercise(pagename):
        solved = path.replace("exercises/", "solutions/", 1)
        work, look = "Without solutions, to work on", "The notebook with solutions"
        offers["download"] = [
            link("Download the notebook", work, f"{notebooks}/{path}", "download-exercises-button"),
            link("with solutions", look, f"{notebooks}/{solved}", "download-solutions-button"),
        ]
    elif path:
        run = "To run in JupyterLab or elsewhere"
        offers["download"] = [
            link("Download the notebook", run, f"{notebooks}/{path}", "download-notebook-button"),
        ]
    if source_of(pagename, found) and not pagename.startswith("reference/"):
        edit = found.file(f"{pagename}.md", "edit")
        offers["edit"] = [link("Suggest an edit", "Suggest an edit of this page", edit, "source-edit-button")]
    return offers


def source_of(pagename: str, found: Origin) -> str:
    """The address of a page's source, or the empty string."""
    source = f"{pagename}.md"
    return found.file(source) if found.repository and (ROOT / source).is_file() else ""


def add_buttons(app, pagename, templatename, context, doctree):
    """For the line below the page's title, which theme/page.py writes."""
    offers = buttons(pagename, app.nndl_origin, context["pathto"]("notebooks", 1))
    context["page_links"] = [*offers["launch"], *offers["download"], *offers["edit"]]
    context["page_source"] = source_of(pagename, app.nndl_origin)


def setup(app):
    # After book/publish.py has found the origin, before theme/page.py.
    app.connect("html-page-context", add_buttons, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
