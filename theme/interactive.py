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

from book.files import write_whole
from nndl_lib.interactive import _pieces as pieces

EXPLORER = re.compile(r'<figure class="nndl-explorer".*?</figure>', re.DOTALL)
PIECE = re.compile(r'<div class="nndl-piece" data-piece="(\w+)">.*?</script>\n</div>', re.DOTALL)
SCRIPT = re.compile(r"<script>\n.*?</script>\n", re.DOTALL)
PICTURE = re.compile(r"data:image/(webp|png|jpeg);base64,([A-Za-z0-9+/=]+)")
LINK = re.compile(r"\[([^\][]+)\]\(([\w./-]*?)(?:\.md)?#(\w+)=([\w.,:-]*)\)")


def write_links(_app, _docname, source):
    def as_html(match):
        text, page, name, settings = match.groups()
        return f'<a href="{page and page + ".html"}#{name}={html.escape(settings)}">{text}</a>'

    source[0] = LINK.sub(as_html, source[0])


def lighten(text: str, kind: str, app, pagename: str) -> str:
    """The HTML of an explorer or piece without its script, and with pictures as files whose names begin with `kind`."""

    def to_file(match):
        data = base64.b64decode(match[2])
        name = f"_images/{kind}-{hashlib.sha256(data).hexdigest()[:20]}.{match[1]}"
        file = Path(app.outdir, name)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        return f"{'../' * pagename.count('/')}{name}"

    return SCRIPT.sub("", PICTURE.sub(to_file, text))


def serve_explorers(app, pagename, _template, context, _doctree):
    body = context.get("body") or ""
    if "nndl-explorer" not in body:
        return
    numbers = itertools.count(1)

    def to_page(figure):
        text = lighten(figure[0], "frame", app, pagename)
        return text.replace("<figure", f'<figure id="explorer-{next(numbers)}"', 1)  # to link to

    context["body"] = EXPLORER.sub(to_page, body)
    app.add_js_file("explore.js", loading_method="defer")


def serve_pieces(app, pagename, _template, context, _doctree):
    body = context.get("body") or ""
    names = {match[1] for match in PIECE.finditer(body)}
    if not names:
        return

    def to_page(piece):
        # The picture shows until the script runs, and where none does: it can wait until the reader is near.
        return lighten(piece[0], "piece", app, pagename).replace("<img ", '<img loading="lazy" ')

    context["body"] = PIECE.sub(to_page, body)
    for name in sorted(names):
        write_whole(Path(app.outdir, "_static", f"{name}.js"), pieces.classic_script(name))
        app.add_js_file(f"{name}.js", loading_method="defer")


def copy_script(app):
    if app.builder.format == "html":
        script = resources.files("nndl_lib.interactive").joinpath("js/explore.js").read_text(encoding="utf-8")
        write_whole(Path(app.outdir, "_static", "explore.js"), script)


def setup(app):
    app.connect("builder-inited", copy_script)
    app.connect("source-read", write_links)
    app.connect("html-page-context", serve_explorers)
    app.connect("html-page-context", serve_pieces)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
