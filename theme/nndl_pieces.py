"""Sphinx extension: interactive pieces on the page. Their script is a file of the site, served once.

In a notebook a piece carries its script inside (nndl_lib/pieces.py). Here it is taken out of the page, which asks for
the file instead.
"""

import re
from pathlib import Path

START = re.compile(r'<div class="nndl-piece" data-piece="(\w+)">')
SCRIPT = re.compile(r"(<script type=\"application/json\">[^<]*</script>\n)<script>\n.*?\n</script>", re.DOTALL)


def serve_scripts(app, _pagename, _template, context, _doctree):
    body = context.get("body")
    if not body or "nndl-piece" not in body:
        return
    for name in sorted(set(START.findall(body))):
        app.add_js_file(f"{name}.js", loading_method="defer")
    context["body"] = re.sub(
        START.pattern + r".*?</script>\n<script>\n.*?</script>\n</div>",
        lambda piece: SCRIPT.sub(r"\1", piece[0]),
        body,
        flags=re.DOTALL,
    )


def copy_scripts(app):
    if app.builder.format != "html":
        return
    from nndl_lib import pieces  # the folder of the library is on the path by now

    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    for name in ("draw_digit",):
        (static / f"{name}.js").write_text(pieces.classic_script(name), encoding="utf-8")


def setup(app):
    app.connect("builder-inited", copy_scripts)
    app.connect("html-page-context", serve_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
