"""Sphinx extension: the one style sheet.

Jupyter Book brings a theme and half a dozen extensions that add scripts and style sheets of their own, three megabytes
with those they load from elsewhere. None of them is loaded (see `_config.yml`), and the layout takes none of those that
others ask for: the style and the script of this book are one file each.
"""

import re
from pathlib import Path

from pygments.formatters import HtmlFormatter

from book.files import digest, write_whole

CODE_STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}


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
    own = [(static / name).read_text(encoding="utf-8") for name in ("nndl.css", "reader.css", "print.css")]
    return "\n".join([katex, *own, *rules, ""])


def write_style(app):
    if app.builder.format != "html":
        return
    source = Path(app.srcdir, "theme", "static")
    text = style(source)
    write_whole(Path(app.outdir, "_static", "page.css"), text)
    # In the addresses of style and scripts, so that a browser never puts a new page into an old style.
    scripts = [*source.rglob("*.js"), *Path(app.srcdir, "nndl_lib", "interactive", "js").glob("*.js")]
    app.nndl_digest = digest(sorted(scripts), Path(app.srcdir), text)[:8]


def setup(app):
    app.connect("builder-inited", write_style)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
