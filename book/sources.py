"""Sphinx extension: what Sphinx reads as the source of a page is its executed notebook. Nothing runs here.

`nb_custom_formats` in `_config.yml` names `read_source`, which MyST-NB calls for each source. A line says how many
pages are read, another at the end how many there are.
"""

from pathlib import Path

import nbformat

from book import execution
from book.files import digest, importable
from book.messages import say, stop


def read_source(text: str) -> nbformat.NotebookNode:
    """The notebook of a source as `put_outputs` left it. A page without code is as it was."""
    if text.startswith("{"):
        return nbformat.reads(text, as_version=4)
    return execution.parse(text)


def put_outputs(app, docname, source):
    if docname not in execution.notebook_pages():
        return
    if not execution.is_current(docname, source[0], app.nndl_keys):
        stop(f"{docname}.md: it has not been run since it changed, or the library did. Type: make book")
    file = execution.file_of(docname)
    app.env.note_dependency(str(file))  # another output: the page is read again
    source[0] = file.read_text(encoding="utf-8")


def notice_what_makes_pages(app, config):
    # The sources of pages are derived by Python files here and in the theme: when one of those changes, Sphinx reads
    # every page again. It copies style sheets only when it writes a page: a change of anything else in the theme
    # writes all of them.
    root = Path(app.srcdir)
    code = [file for folder in ("book", "theme") for file in importable(root / folder, ".py")]
    looks = [file for file in sorted((root / "theme").rglob("[!.]*")) if file.is_file() and file.suffix != ".pyc"]
    config.nndl_code = digest(code, root)
    config.nndl_theme = digest([*code, *looks], root)
    app.nndl_keys = execution.Keys()


def say_what_is_read(app, env, docnames):
    say(f"  pages to read: {len(docnames)} of {len(env.found_docs)}")


def say_done(app, error):
    if error is None:
        say(f"  pages in the book: {len(app.env.found_docs)}")


def setup(app):
    app.add_config_value("nndl_code", "", "env")
    app.add_config_value("nndl_theme", "", "html")
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it, for an extension that we do without
    app.connect("config-inited", notice_what_makes_pages)
    app.connect("env-before-read-docs", say_what_is_read)
    app.connect("source-read", put_outputs)
    app.connect("build-finished", say_done)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
