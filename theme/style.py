"""Sphinx extension: the one style sheet. What others bring stays out.

Jupyter Book brings a theme and half a dozen extensions that add scripts and style sheets of their own, three megabytes
with those they load from elsewhere. None of them reaches a page of this book: its style and script are one file each.
"""

import hashlib
import re
from pathlib import Path

from pygments.formatters import HtmlFormatter

from book.files import write_whole

FOREIGN = (
    "sphinx_thebe",
    "sphinx_book_theme",
    "pydata_sphinx_theme",
    "sphinx_togglebutton",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_comments",
)
CODE_STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}


def drop_foreign(app, config):
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [entry for entry in listeners if not entry.handler.__module__.startswith(FOREIGN)]
    app.registry.css_files.clear()
    app.registry.js_files.clear()


def style(static: Path) -> str:
    """KaTeX's rules, its fonts in the format that all read; the book's rules; the colors of code, light and dark."""
    code = [HtmlFormatter(style=CODE_STYLES["light"]).get_style_defs(".highlight")]
    dark = HtmlFormatter(style=CODE_STYLES["dark"])
    # On the screen alone: on paper these colors would be pale on white.
    code.append("@media screen {\n" + dark.get_style_defs('html[data-theme="dark"] .highlight') + "\n}")
    without_script = dark.get_style_defs("html:not([data-theme]) .highlight")
    code.append(f"@media screen and (prefers-color-scheme: dark) {{\n{without_script}\n}}")
    # Line numbers are not used, and the page's background is the style sheet's own.
    rules = [
        line
        for block in code
        for line in block.splitlines()
        if "linenos" not in line
        and not re.search(r"\.highlight \{|\.highlight \.hll", line)
        and not line.startswith("pre {")
    ]
    katex = (static / "katex" / "katex.min.css").read_text(encoding="utf-8")
    katex = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", katex).replace(
        "url(fonts/", "url(katex/fonts/"
    )
    return "\n".join([katex, (static / "nndl.css").read_text(encoding="utf-8"), *rules, ""])


def write_style(app):
    if app.builder.format != "html":
        return
    source = Path(app.srcdir, "theme", "static")
    text = style(source)
    write_whole(Path(app.outdir, "_static", "page.css"), text)
    # In the addresses of style and script, so that a browser never puts a new page into an old style.
    app.nndl_digest = hashlib.sha256(text.encode() + (source / "page.js").read_bytes()).hexdigest()[:8]


def setup(app):
    app.connect("config-inited", drop_foreign)
    app.connect("builder-inited", write_style)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
