"""Build the book: `make book` calls this.

    .venv/bin/python -m book.build               run what changed (book/execution.py), then the pages
    .venv/bin/python -m book.build linkcheck     no pages; follow every link that leaves the book

The settings are Jupyter Book's `_config.yml` and `_toc.yml`; Sphinx does the work. Not the command `jupyter-book
build`, because that ends a failed build with a traceback below the line that says where the fault is. It works, too,
once the notebooks have been run; where they have not, book/sources.py says what to type.
"""

import contextlib
import shutil
import sys
import time
import traceback
from pathlib import Path

from jupyter_book.config import get_final_config
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from book import execution
from book.files import BUILD, ROOT, SITE

LINKCHECK = {  # some sites turn programs away, or know the anchor only when their scripts have run
    "linkcheck_timeout": 30,
    "linkcheck_retries": 3,
    "linkcheck_workers": 4,
    "linkcheck_anchors": False,
    "linkcheck_allow_unauthorized": True,
    "linkcheck_report_timeouts_as_broken": False,
}


def main(builder: str = "html") -> int:
    start = time.perf_counter()
    print("book: running the notebooks that changed", flush=True)
    try:
        faults = execution.execute()
        if faults:
            execution.report(faults)
            return failed()
        print("book: reading the pages", flush=True)
        status = run_sphinx(builder)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # a full disk, a source that cannot be read
        print(f"\n{cause_of(error)}", file=sys.stderr)
        return failed()
    if builder == "linkcheck":
        print("links: all lead somewhere" if status == 0 else "links: the lines above say which lead nowhere")
        return status
    if status != 0:
        return failed()
    shutil.copyfile(SITE / "intro.html", SITE / "index.html")  # the cover is what the site's address itself shows
    print(f"book: done in {time.perf_counter() - start:.0f} s. Open {(SITE / 'index.html').as_uri()}")
    return 0


def failed() -> int:
    print("\nThe book was not built. The lines above say where and why.", file=sys.stderr)
    return 1


def run_sphinx(builder: str) -> int:
    """0 if all went well. Where a page cannot be made, lines on the way say where; what ends Sphinx is said here."""
    settings, _ = get_final_config(
        user_yaml=ROOT / "_config.yml",
        cli_config={"external_toc_path": str(ROOT / "_toc.yml"), "latex_individualpages": False, **LINKCHECK},
        sourcedir=ROOT,
    )
    with patch_docutils(), docutils_namespace():
        try:
            app = Sphinx(
                srcdir=ROOT,
                confdir=None,
                outdir=BUILD / builder,
                doctreedir=BUILD / ".doctrees",
                buildername=builder,
                confoverrides=settings,
                status=None,
                warningiserror=True,
                keep_going=True,
            )
            app.build()
            return app.statuscode
        except SystemExit:  # from book/messages.py, which has said where and why
            return 1
        except Exception as error:
            print(f"\n{cause_of(error)}", file=sys.stderr)
            return 1


def cause_of(error: BaseException) -> str:
    """What went wrong at the root of it, and in which line of this project: Sphinx wraps what others raise."""
    while inner := error.__cause__ or getattr(error, "orig_exc", None) or error.__context__:
        error = inner
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        with contextlib.suppress(ValueError):  # not a file of this folder
            path = Path(frame.filename).relative_to(ROOT)
            where = where if path.parts[0].startswith(".") else f"{path}:{frame.lineno}: "
    return f"{where}{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
