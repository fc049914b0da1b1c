"""Build the book: `make book` calls this. Jupyter Book 1 does the work; book/execution.py says how far it is.

    .venv/bin/python -m book.build               the pages
    .venv/bin/python -m book.build linkcheck     no pages; follow every link that leaves the book

Not the command `jupyter-book build`, because that ends a failed build with a Python traceback below the line that says
where the fault is.
"""

import os
import shutil
import sys
import time

from jupyter_book.sphinx import build_sphinx

from book.files import BUILD, ROOT, SITE, write_whole

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
    folder = BUILD / "ipython"
    settings = folder / "profile_default" / "ipython_kernel_config.py"
    write_whole(settings, 'get_config().IPKernelApp.log_level = "ERROR"\n')
    os.environ["IPYTHONDIR"] = str(folder)


def main(builder: str = "html") -> int:
    start = time.perf_counter()
    print("book: reading the chapters; those that changed are run", flush=True)
    os.environ["NNDL_STATIC"] = "1"  # explorers write frames that need no kernel
    isolate_kernels()
    result = run_sphinx(builder)
    if builder == "linkcheck":
        print("links: all lead somewhere" if result == 0 else "links: the lines above say which lead nowhere")
        return 0 if result == 0 else 1
    if result != 0:
        print("\nThe book was not built. The lines above say where and why.", file=sys.stderr)
        return 1
    shutil.copyfile(SITE / "intro.html", SITE / "index.html")  # the cover is what the site's address itself shows
    print(f"book: done in {time.perf_counter() - start:.0f} s. Open {(SITE / 'index.html').as_uri()}")
    return 0


def run_sphinx(builder: str) -> int | Exception:
    """A status, or the exception that ended it."""
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
    except SystemExit:  # from book/messages.py, which has said where and why
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
