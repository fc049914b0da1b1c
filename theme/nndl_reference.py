"""Sphinx extension: writes the pages of the API reference, if the book's contents name them, before they are looked for.

See theme/reference.py. Sphinx's own autodoc was not taken: it imports the library, and with it PyTorch, for every build, and
shows each re-exported name twice; reading the sources takes a third of a second.
"""

from pathlib import Path

import reference


def setup(app):
    # In setup, since what is in the folder decides, in the event that comes next, which pages there are.
    if "reference/" in Path(app.config.external_toc_path).read_text(encoding="utf-8"):
        reference.write(Path(app.srcdir))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
