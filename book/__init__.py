"""What make calls, and what makes the sources of pages and notebooks. How a page looks and works is in `theme/`.

    build       make book, make links
    execution   the notebooks of the book, each run once: the keys of their outputs, progress, which cell failed
    kernel      where they run, and what may decide what a cell prints
    sources     what Sphinx reads: the executed notebooks                                          (Sphinx extension)
    exercises   pages and notebooks from the one source of a chapter's exercises; make exercises
    notebooks   what a notebook for readers has: an install cell, links that lead somewhere
    publish     all that is published beside the pages; Binder's files                             (Sphinx extension)
    reference   the API reference, from the library's docstrings                                   (Sphinx extension)
    pdf         make pdf: the whole book on paper, printed by Chromium
    document    what it prints: the texts of all pages as one document of HTML
    release     make release: wheel, site and notebooks with checksums
    origin      the repository, the revision and the addresses of this book
    files       where things are, and the one way to write a file
    messages    what the build says

`environment.sh` makes the environments of `make`, before there is a Python for the rest.
`theme` may import from here; nothing here imports from `theme` or the library (tests/test_book.py). Start modules from
the book's folder: `.venv/bin/python -m book.build`.
"""

import sys

# What reads a notebook imports jsonschema, and that a grammar of international addresses, which takes longer than all
# else that the build imports (1.5 of 2.1 s, in every process). No notebook needs it, and jsonschema does without where
# it is not installed: for what is None here, Python raises the error of that.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
