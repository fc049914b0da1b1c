"""Sphinx extension: what moves on a page. Pictures become files, scripts are served once, links to settings are kept.

In a notebook an explorer (nndl_lib/interactive/_explore.py) or another piece (nndl_lib/interactive/_pieces.py) carries
its pictures and its script inside. On the site that would make every visitor load every frame. Here each picture
becomes a file below `_images`, named by its content, that is fetched when it comes near the screen; each script is a
file below `_static`, loaded by the pages that have such a piece and by no other.

A chapter links to settings of a piece in plain Markdown, `[text](playground.md#playground=data:xor)`. MyST would look
for a heading of that name, so such links are written as HTML before it reads the page.
"""

import base64
import hashlib
import html
import itertools
import re
from importlib import resources
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from book.files import write_whole
from nndl_lib.interactive import _pieces as pieces
from theme.pictures import framed

EXPLORER = 'class="nndl-explorer"'
PIECE = re.compile(r'<div class="nndl-piece" data-piece="(\w+)">')
SCRIPT = re.compile(r"<script>\n.*?</script>\n", re.DOTALL)
PICTURE = re.compile(r"data:image/(webp|png|jpeg);base64,([A-Za-z0-9+/=]+)")
IMAGE = re.compile(r'<img [^>]* width="(\d+)"[^>]*>')
LIST = re.compile(r"<select\b.*?</select>", re.DOTALL)
LINK = re.compile(r"\[([^\][]+)\]\(([\w./-]*?)(?:\.md)?#(\w+)=([\w.,:-]*)\)")


def write_links(_app, _docname, source):
    def as_html(match):
        text, page, name, settings = match.groups()
        return f'<a href="{page and page + ".html"}#{name}={html.escape(settings)}">{text}</a>'

    if not source[0].startswith("{"):
        source[0] = LINK.sub(as_html, source[0])
        return
    notebook = nbformat.reads(source[0], as_version=4)  # see book/sources.py
    for cell in notebook.cells:
        cell.source = LINK.sub(as_html, cell.source) if cell.cell_type == "markdown" else cell.source
    source[0] = nbformat.writes(notebook)


class Lighten(SphinxPostTransform):
    """Take scripts and pictures out of the explorers and pieces of a page, whose names begin with an address."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_options) -> None:
        numbers = itertools.count(1)
        for node in list(self.document.findall(nodes.raw)):
            text = node.astext()
            if EXPLORER in text:
                text = text.replace("<figure", f'<figure id="explorer-{next(numbers)}"', 1)  # to link to
                text = IMAGE.sub(lambda image: framed(image[0], int(image[1]), 100), self.lighten(text, "frame"))
                # A list to choose from waits until the reader is near: Chromium lays out all that stands around one,
                # wherever on the page it is, to know whether it could fill it in.
                text = LIST.sub(r"<template>\g<0></template>", text)
                node.replace_self(nodes.raw("", text, format="html"))
            elif PIECE.search(text):
                # The picture shows until the script runs, and where none does: it can wait until the reader is near.
                text = self.lighten(text, "piece").replace("<img ", '<img loading="lazy" ')
                node.replace_self(nodes.raw("", text, format="html"))

    def lighten(self, text: str, kind: str) -> str:
        """The HTML of an explorer or piece without its script, and with pictures as files named after their `kind`."""

        def to_file(match):
            data = base64.b64decode(match[2])
            name = f"_images/{kind}-{hashlib.sha256(data).hexdigest()[:20]}.{match[1]}"
            file = Path(self.app.outdir, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            return f"{'../' * self.env.docname.count('/')}{name}"

        return SCRIPT.sub("", PICTURE.sub(to_file, text))


def serve_scripts(app, _pagename, _template, _context, doctree):
    texts = [node.astext() for node in doctree.findall(nodes.raw)] if doctree else []
    if any(EXPLORER in text for text in texts):
        app.add_js_file("explore.js", loading_method="defer")
    for name in sorted({match[1] for text in texts for match in PIECE.finditer(text)}):
        write_whole(Path(app.outdir, "_static", f"{name}.js"), pieces.classic_script(name))
        app.add_js_file(f"{name}.js", loading_method="defer")


def copy_script(app):
    if app.builder.format == "html":
        script = resources.files("nndl_lib.interactive").joinpath("js/explore.js").read_text(encoding="utf-8")
        write_whole(Path(app.outdir, "_static", "explore.js"), script)


def setup(app):
    app.connect("builder-inited", copy_script)
    app.connect("source-read", write_links, priority=600)  # after book/sources.py
    app.add_post_transform(Lighten)
    app.connect("html-page-context", serve_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
