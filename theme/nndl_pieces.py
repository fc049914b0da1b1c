"""Sphinx extension: interactive pieces on the page. A script is served once, a picture becomes a file, links are kept.

A piece is ``<div class="nndl-piece" data-piece="NAME">`` with a picture, its settings as JSON and, for notebooks, its
script (nndl_lib/interactive/_pieces.py). On the site the script is ``_static/NAME.js``, loaded by the pages that have such a piece
and by no other.

A chapter links to settings of a piece in plain Markdown, ``[text](playground.md#playground=data:xor)``. MyST would look
for a heading of that name, so such links are written as HTML before it reads the page.
"""

import base64
import hashlib
import html
import re
from pathlib import Path

from nndl_lib.interactive import _pieces as pieces

PIECE = re.compile(r'<div class="nndl-piece" data-piece="(\w+)">.*?</script>\n</div>', re.DOTALL)
SCRIPT = re.compile(r"<script>\n.*?</script>\n", re.DOTALL)
PICTURE = re.compile(r"data:image/(webp|png|jpeg);base64,([A-Za-z0-9+/=]+)")
LINK = re.compile(r"\[([^\][]+)\]\(([\w./-]*?)(?:\.md)?#(\w+)=([\w.,:-]*)\)")


def write_links(_app, _docname, source):
    def as_html(match):
        text, page, name, settings = match.groups()
        return f'<a href="{page and page + ".html"}#{name}={html.escape(settings)}">{text}</a>'

    source[0] = LINK.sub(as_html, source[0])


def serve_pieces(app, pagename, _template, context, _doctree):
    body = context.get("body") or ""
    names = {match[1] for match in PIECE.finditer(body)}
    if not names:
        return
    up = "../" * pagename.count("/")
    images, static = Path(app.outdir, "_images"), Path(app.outdir, "_static")

    def to_file(match):
        images.mkdir(exist_ok=True)
        data = base64.b64decode(match[2])
        name = f"piece-{hashlib.sha256(data).hexdigest()[:20]}.{match[1]}"
        (images / name).write_bytes(data)
        return f"{up}_images/{name}"

    def to_page(piece):
        # The picture shows until the script runs, and where none does: it can wait until the reader is near.
        return SCRIPT.sub("", PICTURE.sub(to_file, piece[0])).replace("<img ", '<img loading="lazy" ')

    context["body"] = PIECE.sub(to_page, body)
    for name in sorted(names):
        static.mkdir(exist_ok=True)
        (static / f"{name}.js").write_text(pieces.classic_script(name), encoding="utf-8")
        app.add_js_file(f"{name}.js", loading_method="defer")


def setup(app):
    app.connect("source-read", write_links)
    app.connect("html-page-context", serve_pieces)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
