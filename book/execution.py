"""Sphinx extension: each chapter is run once, its progress shown, and a cell that fails named.

- The cache of executed chapters is keyed by the library and the lock file too, not by the chapter's cells alone; that
  of the exercises by their checks as well, so that a better message there does not run every chapter again.
- The executed notebooks are complete, so that tests can compare them with a second run.
- While the build runs, one line a chapter with its seconds; at the end the number of pages.
"""

import platform
import re
import shutil
import time
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from myst_nb.core.execute.base import ExecutionError
from nbclient.exceptions import CellExecutionError

from book.files import digest, write_whole
from book.messages import say, stop

CACHES = Path("_build", ".jupyter_cache")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def contents(folder: Path) -> list[Path]:
    """All files of a folder and of those in it, but what Python compiled."""
    return [file for file in sorted(folder.rglob("*.*")) if file.suffix != ".pyc"]


# --- what decides an output -----------------------------------------------------------------------------------------


def use_keyed_caches(app, config):
    # All that a page's output depends on beside its own cells: library, pinned packages, Python. The keys are part of
    # the environment's configuration: when one changes, Sphinx reads every page again.
    root = Path(app.srcdir)
    files = contents(root / "nndl_lib")
    checks = [file for file in files if root / "nndl_lib" / "checks" in file.parents]
    library = [file for file in files if file not in checks]
    key = digest([*library, root / "requirements.lock"], root, platform.python_version())
    config.nb_execution_cache_path = str(root / CACHES / key)
    config.nndl_exercises_cache = str(root / CACHES / f"{key}-{digest(checks, root)}")
    keep = {Path(config.nb_execution_cache_path).name, Path(config.nndl_exercises_cache).name}
    for old in (root / CACHES).glob("*"):
        if old.name not in keep:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink()


def notice_what_makes_pages(app, config):
    # The sources of pages are derived by Python files here and in the theme: when one of those changes, Sphinx reads
    # every page again, from the cache. It copies style sheets only when it writes a page: a change of anything else in
    # the theme writes all of them.
    root = Path(app.srcdir)
    files = [*contents(root / "book"), *contents(root / "theme")]
    config.nndl_code = digest([file for file in files if file.suffix == ".py"], root)
    config.nndl_theme = digest(files, root)


def cache_of(config, docname: str) -> str:
    return config.nndl_exercises_cache if docname.startswith("exercises/") else config.nb_execution_cache_path


def choose_cache(app, docname, _source):
    app.env.mystnb_config = app.env.mystnb_config.copy(execution_cache_path=cache_of(app.config, docname))


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
        write_whole(file, nbformat.writes(notebook) + "\n")


# --- progress -------------------------------------------------------------------------------------------------------


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
        say(f"\n{ANSI.sub('', cause.traceback)}")
        stop(f"{chapter.relative_to(app.srcdir)}:{line}: this cell failed with {cause.ename}: {cause.evalue}")


def setup(app):
    app.add_config_value("nndl_code", "", "env")
    app.add_config_value("nndl_theme", "", "html")
    app.add_config_value("nndl_exercises_cache", "", "env")
    app.connect("config-inited", use_keyed_caches)
    app.connect("config-inited", notice_what_makes_pages)
    app.connect("env-before-read-docs", say_what_is_read)
    app.connect("source-read", say_start)
    app.connect("source-read", choose_cache)
    app.connect("doctree-read", say_end)
    app.connect("build-finished", say_done)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
