"""Sphinx extension: explorers on the page. Their frames become files, their script is served once.

In a notebook an explorer carries its frames and its script inside (nndl_lib/interactive/_explore.py). On the site that would make
every visitor load every frame. Here each frame becomes a file below ``_images``, named by its content, that the page's
script fetches when the figure comes near the screen.
"""

import base64
import hashlib
import itertools
import re
from importlib import resources
from pathlib import Path

FIGURE = re.compile(r'<figure class="nndl-explorer".*?</figure>', re.DOTALL)
FRAME = re.compile(r"data:image/webp;base64,([A-Za-z0-9+/=]+)")
SCRIPT = re.compile(r"<script>\n.*?</script>\n", re.DOTALL)


def write_frames(app, pagename, _template, context, _doctree):
    body = context.get("body")
    if not body or "nndl-explorer" not in body:
        return
    folder = Path(app.outdir, "_images")
    folder.mkdir(exist_ok=True)
    up = "../" * pagename.count("/")

    def to_file(match):
        frame = base64.b64decode(match[1])
        name = f"frame-{hashlib.sha256(frame).hexdigest()[:20]}.webp"
        (folder / name).write_bytes(frame)
        return f"{up}_images/{name}"

    numbers = itertools.count(1)

    def to_page(figure):
        text = SCRIPT.sub("", FRAME.sub(to_file, figure[0]))
        return text.replace("<figure", f'<figure id="explorer-{next(numbers)}"', 1)  # to link to

    context["body"] = FIGURE.sub(to_page, body)
    app.add_js_file("explore.js", loading_method="defer")


def copy_script(app):
    if app.builder.format == "html":
        static = Path(app.outdir, "_static")
        static.mkdir(parents=True, exist_ok=True)
        script = resources.files("nndl_lib.interactive").joinpath("js/explore.js").read_text(encoding="utf-8")
        (static / "explore.js").write_text(script, encoding="utf-8")


def setup(app):
    app.connect("builder-inited", copy_script)
    app.connect("html-page-context", write_frames)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
