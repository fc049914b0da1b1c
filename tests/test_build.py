"""The build itself, on books of one page in a folder whose name has a space: what is run again, and how it fails."""

import os
import shutil
import subprocess
import sys

import pytest

from tests import chapters, test_chapters
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


@pytest.fixture
def book(tmp_path):
    """A function that writes the page and builds the book; it returns (exit status, output)."""
    folder = tmp_path / "a book"
    for name in ["book", "theme", "nndl_lib"]:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ["_config.yml", "requirements.lock"]:
        shutil.copy(ROOT / name, folder / name)
    (folder / "chapters").mkdir()
    (folder / "intro.md").write_text("# Start\n\nA page.\n", encoding="utf-8")
    (folder / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: chapters/02-page\n", encoding="utf-8"
    )

    def build(text):
        page = folder / "chapters" / "02-page.md"
        if not page.exists() or page.read_text(encoding="utf-8") != HEADER + text:
            page.write_text(HEADER + text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "book.build"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "NO_COLOR": "1"},
        )
        return done.returncode, done.stdout + done.stderr

    build.folder = folder
    return build


def test_runs_again_only_what_changed(book):
    text = "# Page\n\nWords.\n\n" + CELL % "print(6 * 7)"
    status, said = book(text)
    assert status == 0, said
    assert "s, now" in said and "done in" in said and "index.html" in said
    page = (book.folder / "_build" / "html" / "chapters" / "02-page.html").read_text(encoding="utf-8")
    assert ">42\n<" in page
    assert (book.folder / "_build" / "jupyter_execute" / "chapters" / "02-page.ipynb").is_file()

    status, said = book(text)
    assert status == 0 and "pages to read: 0" in said, said

    status, said = book(text.replace("Words.", "Other words."))
    assert status == 0 and "in an earlier run" in said, said
    # The notebook of a page from the cache is complete: nbval compares with its outputs.
    notebook = chapters.nbformat.read(
        book.folder / "_build" / "jupyter_execute" / "chapters" / "02-page.ipynb", as_version=4
    )
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cell.execution_count == 1 and cell.outputs[0].text == "42\n"
    assert "Other words." in notebook.cells[0].source

    # A change of the style reaches the page, and runs nothing.
    with open(book.folder / "theme" / "static" / "nndl.css", "a", encoding="utf-8") as file:
        file.write("/* changed */\n")
    status, said = book(text.replace("Words.", "Other words."))
    assert status == 0 and "pages to read: 0" in said, said
    assert "/* changed */" in (book.folder / "_build" / "html" / "_static" / "nndl.css").read_text(encoding="utf-8")

    # Old output under a new library would be a lie.
    with open(book.folder / "nndl_lib" / "linear.py", "a", encoding="utf-8") as file:
        file.write("# changed\n")
    status, said = book(text.replace("Words.", "Other words."))
    assert status == 0 and "s, now" in said, said


KEYS = """
from types import SimpleNamespace
from book import execution
config = SimpleNamespace()
execution.use_keyed_caches(SimpleNamespace(srcdir="."), config)
print(config.nb_execution_cache_path, config.nndl_exercises_cache)
"""


def test_the_keys_of_the_caches(tmp_path):
    # A chapter's depends on the whole library but the checks, in subpackages too; an exercise's on those as well.
    for name in ["book", "nndl_lib"]:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)

    def keys():
        done = subprocess.run([sys.executable, "-c", KEYS], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.split()

    chapter, exercise = keys()
    library = tmp_path / "nndl_lib"
    (library / "__pycache__").mkdir()
    (library / "__pycache__" / "linear.pyc").write_bytes(b"compiled")
    assert keys() == [chapter, exercise]
    for name in ["linear.py", "interactive/js/explore.js", "functional/_losses.py", "nn/__init__.py"]:
        with open(library / name, "a", encoding="utf-8") as file:
            file.write(" ")
        before, (chapter, exercise) = (chapter, exercise), keys()
        assert chapter != before[0] and exercise != before[1], name
    (library / "nn" / "_linear.py").rename(library / "functional" / "_linear.py")  # the same text, another module
    before, (chapter, exercise) = (chapter, exercise), keys()
    assert chapter != before[0] and exercise != before[1]
    with open(library / "checks" / "_engine.py", "a", encoding="utf-8") as file:
        file.write(" ")
    assert keys()[0] == chapter and keys()[1] != exercise


def test_a_failing_cell_says_where(book):
    status, said = book("# Page\n\n" + CELL % "y = 0\nx = 1\n\nprint(x + y)" + CELL % "y = 0\nx = 1\n\nprint(x / y)")
    assert status == 1
    line = 11 + 2 + 7 + 2  # header, title, the cell before that begins alike, its own fence and then the line
    assert f"chapters/02-page.md:{line}: this cell failed with ZeroDivisionError: division by zero" in said, said
    assert "not built" in said


def test_a_broken_link_says_where(book):
    status, said = book("# Page\n\nSee [there](03-nowhere.md#at-all).\n\nAnd [here](#no-such-heading).\n")
    assert status == 1
    assert "02-page.md:14: WARNING" in said and "03-nowhere" in said, said
    assert "02-page.md:16: WARNING" in said and "no-such-heading" in said, said


def test_a_formula_that_cannot_be_read_says_where(book):
    status, said = book("# Page\n\nWords.\n\nIn a line $\\frac{1}$ of text.\n")
    assert status == 1
    assert "chapters/02-page.md:16: a formula that KaTeX cannot read" in said and "frac" in said, said


@pytest.mark.parametrize(
    "check, text, complaint",
    [
        ("test_no_myst_in_text", "See {ref}`there`.\n", "bad.md:14: a role"),
        ("test_no_myst_in_text", "```{note}\nRaw in Colab.\n```\n", "bad.md:14: a directive"),
        ("test_no_myst_in_text", "(label)=\n", "bad.md:14: a label"),
        ("test_no_myst_in_text", "See [](02-page.md).\n", "bad.md:14: a link without text"),
        (
            "test_headings_are_unique",
            "## Once, more\n\n## Once more!\n",
            "bad.md:16: heading 'once more' stands at line 14",
        ),
        ("test_plain_words", "This is clearly so.\n", "bad.md:14: 'clearly'"),
        ("test_headings_are_unique", "## Twice\n\n## Twice\n", "bad.md:16: heading 'twice' stands at line 14"),
        ("test_equations_are_numbered_in_order", "$$\na \\tag{2.2}\n$$\n", "bad.md:15: equation 2.2, expected 2.1"),
        (
            "test_equations_are_numbered_in_order",
            "$$\na \\tag{2.1}\n$$\nSee (2.7).\n",
            "bad.md:17: (2.7) is no equation",
        ),
        ("test_code_fits_the_page", CELL % ("#" * 89), "bad.md:14: a line of 89"),
        ("test_code_fits_the_page", CELL % ("x = 1\n" * 41), "bad.md:14: a cell of 41 lines"),
    ],
)
def test_a_fault_in_a_chapter_is_found(tmp_path, monkeypatch, check, text, complaint):
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(test_chapters, "ROOT", tmp_path)
    path = tmp_path / "02-bad.md"
    path.write_text(HEADER + "# Title\n\n" + text, encoding="utf-8")
    with pytest.raises(pytest.fail.Exception) as found:
        getattr(test_chapters, check)(path)
    assert complaint in str(found.value)


def test_a_missing_alt_text_is_found(tmp_path, monkeypatch):
    plot = CELL % "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    path = tmp_path / "02-bad.md"
    path.write_text(HEADER + "# Title\n\n" + plot, encoding="utf-8")
    notebook = chapters.jupytext.read(path)
    picture = chapters.nbformat.v4.new_output("display_data", {"image/png": "aGVsbG8=", "text/plain": "<Figure>"})
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [picture]
    for module in [chapters, test_chapters]:
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "EXECUTED", tmp_path)
    chapters.nbformat.write(notebook, tmp_path / "02-bad.ipynb")
    with pytest.raises(pytest.fail.Exception, match="bad.md:14: a figure without alt text"):
        test_chapters.test_every_figure_has_an_alt_text(path)


def test_solution_regions_that_do_not_fit_stop_the_build(book):
    (book.folder / "exercises").mkdir()
    (book.folder / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n  - file: exercises/02-page\n", encoding="utf-8"
    )
    source = book.folder / "exercises" / "02-page.md"
    guide = "# How to\n"
    (book.folder / "exercises" / "how-to-work-the-exercises.md").write_text(guide, encoding="utf-8")
    cell = CELL % "def f():\n    # BEGIN SOLUTION\n    return 1"
    source.write_text(HEADER + "# Page\n\n" + cell, encoding="utf-8")
    status, said = book("# Page\n")
    assert status == 1
    where = "exercises/02-page.md: the cell that begins ['def f():']: "
    assert f"{where}# BEGIN SOLUTION and # END SOLUTION do not come in pairs" in said
    assert "Traceback" not in said and "The book was not built." in said


REFUSED = """
from types import SimpleNamespace
from sphinxcontrib import katex
from theme import formulas
start, tries = katex.KaTeXServer.start_server_process.__func__, []
def refuses_twice(cls, rundir, timeout):
    found = start(cls, rundir, timeout)
    tries.append(1)
    if len(tries) < 3:
        raise ConnectionRefusedError
    return found
katex.KaTeXServer.start_server_process = classmethod(refuses_twice)
katex.KaTeXServer.katex_path = "./katex.min.js"
formulas.use_packaged_node(None, None)
formulas.prepare_katex(SimpleNamespace(), None)
katex.KaTeXServer.start()
print(len(tries))
"""


@pytest.mark.skipif(os.name != "posix", reason="sockets of files")
def test_no_renderer_is_left_behind():
    # One that refuses the connection, as on a busy machine, is ended: else it keeps this pipe open, and run() waits.
    done = subprocess.run([sys.executable, "-c", REFUSED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["3"], done.stderr
