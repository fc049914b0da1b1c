"""Build the book: `make book` calls this. Jupyter Book 1 does the work; theme/nndl_build.py says how far it is.

    .venv/bin/python theme/build.py               the pages
    .venv/bin/python theme/build.py linkcheck     no pages; follow every link that leaves the book

Not the command `jupyter-book build`, because that ends a failed build with a Python traceback below the line that says
where the fault is.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from jupyter_book.sphinx import build_sphinx

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
LINKCHECK = {  # some sites turn programs away, or know the anchor only when their scripts have run
    "linkcheck_timeout": 30,
    "linkcheck_retries": 3,
    "linkcheck_workers": 4,
    "linkcheck_anchors": False,
    "linkcheck_allow_unauthorized": True,
    "linkcheck_report_timeouts_as_broken": False,
}


def isolate_kernels() -> None:
    """Run chapters without the reader's own IPython start-up files, and without the kernel's note on encryption."""
    profile = ROOT / "_build" / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        'get_config().IPKernelApp.log_level = "ERROR"\n', encoding="utf-8"
    )
    os.environ["IPYTHONDIR"] = str(profile.parent)


def main(builder: str = "html") -> int:
    start = time.perf_counter()
    print("book: reading the chapters; those that changed are run", flush=True)
    os.environ["NNDL_STATIC"] = "1"  # explorers write frames that need no kernel
    isolate_kernels()
    result = run_sphinx(builder)
    if builder == "linkcheck":
        print("links: all lead somewhere" if result == 0 else "links: the lines above say which lead nowhere")
        return 0 if result == 0 else 1
    if result != 0:  # a status, or the exception
        print("\nThe book was not built. The lines above say where and why.", file=sys.stderr)
        return 1
    shutil.copyfile(SITE / "intro.html", SITE / "index.html")  # the cover is what the site's address itself shows
    print(f"book: done in {time.perf_counter() - start:.0f} s. Open {(SITE / 'index.html').as_uri()}")
    return 0


def run_sphinx(builder: str) -> int | Exception:
    try:
        return build_sphinx(
            ROOT,
            SITE.with_name(builder),
            noconfig=True,
            path_config=ROOT / "_config.yml",
            confoverrides={"external_toc_path": str(ROOT / "_toc.yml"), "latex_individualpages": False, **LINKCHECK},
            builder=builder,
            warningiserror=True,
            keep_going=True,
            quiet=True,
        )
    except SystemExit as stop:  # from theme/nndl_build.py, which has said which cell failed
        return stop.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
