"""Books of a page or two in a folder of their own, to build them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chapters import ROOT

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
CELL = "```{code-cell} ipython3\n%s\n```\n\n"


class SmallBook:
    """A copy of what builds the book, with pages of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ["book", "theme", "nndl_lib"]:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ["_config.yml", "requirements.lock"]:
            shutil.copy(ROOT / name, folder / name)
        self.pages: list[str] = []
        self.write(intro="# Start\n\nA page.\n")

    def write(self, **texts: str) -> None:
        """Write pages: the file `chapters/02-page.md` is `chapters__02_page`. All that were written are the book's."""
        for name, text in texts.items():
            page = name.replace("__", "/").replace("_", "-")
            self._write(f"{page}.md", text)
            self.pages += [] if page in self.pages else [page]
        others = "".join(f"  - file: {page}\n" for page in self.pages if page != "intro")
        self._write("_toc.yml", "format: jb-book\nroot: intro\n" + (f"chapters:\n{others}" if others else ""))

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:  # else it would be read again
            file.write_text(text, encoding="utf-8")

    def run(self, *command: str, **variables: str) -> tuple[int, str]:
        """Run a Python module, or jupyter-book's command. Returns: the exit status, and all that it said."""
        name, *arguments = command or ("book.build",)
        program = [sys.executable, "-m", name] if name != "jupyter-book" else [Path(sys.executable).with_name(name)]
        done = subprocess.run(
            [*program, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": "", **variables},
        )
        return done.returncode, done.stdout

    def build(self, text: str, header: str = HEADER) -> tuple[int, str]:
        """Build the book with this text of its one chapter."""
        self.write(chapters__02_page=header + text)
        return self.run()

    def html(self, page: str = "chapters/02-page") -> str:
        return (self.folder / "_build" / "html" / f"{page}.html").read_text(encoding="utf-8")

    def executed(self, page: str = "chapters/02-page") -> Path:
        return self.folder / "_build" / "executed" / f"{page}.ipynb"
