"""What becomes of `exercises/NN-name.md`, the one source of a chapter's coding exercises, solutions included.

    .venv/bin/python -m book.exercises notebooks     student and solution notebooks into _build/notebooks
    .venv/bin/python -m book.exercises mine          student notebooks into my_exercises, none overwritten
    .venv/bin/python -m book.exercises otter         sources for otter-grader into _build/otter

In a code cell, the lines from `# BEGIN SOLUTION` to `# END SOLUTION` are the solution; students get a line to replace.
In the text, `<details>` with the summary "Solution" goes with the cell before it; students do not get it, and the page
shows it folded, with the code. All functions here take and return notebooks; nothing here runs a cell. What published
notebooks have beside their content, an install cell and links that lead somewhere, is the same as for chapters:
book/notebooks.py.
"""

import copy
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat

from book import notebooks
from book.files import (
    BUILD,
    EXERCISES,
    NOTEBOOKS,
    ROOT,
    copy_file,
    library_files,
    page_of,
    pages_with_code,
    remove_others,
)
from book.messages import stop
from book.origin import Origin, origin

Text = Callable[[str], str]  # what becomes of the source of a cell
REGION = re.compile(r"^( *)# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION(?:\n|\Z)", re.MULTILINE | re.DOTALL)
FOLD = re.compile(r"<details>\n<summary>Solution</summary>\n\n(.*?)\n\n</details>\n*", re.DOTALL)
STUB = 'raise NotImplementedError("not written yet")  # put your lines here instead\n'


def read(text: str, name: str) -> nbformat.NotebookNode:
    """The notebook of a source. Raises ValueError, with its name and the fault, where its regions do not fit together.

    name: of the source, for the message.
    """
    notebook = jupytext.reads(text, fmt="md:myst")
    open_cell = ""
    for cell in notebook.cells:
        marks = re.findall(r"# (BEGIN|END) SOLUTION", cell.source)
        regions = REGION.findall(cell.source)
        first = cell.source.strip().splitlines()[:1]
        if marks != ["BEGIN", "END"] * len(regions):
            raise ValueError(
                f"{name}: the cell that begins {first}: # BEGIN SOLUTION and # END SOLUTION do not come in pairs"
            )
        folds = len(FOLD.findall(cell.source))
        if folds != cell.source.count("<summary>Solution</summary>") or folds > 1 or bool(folds) > bool(open_cell):
            raise ValueError(f"{name}: the text that begins {first}: a folded solution does not follow a cell with one")
        if regions and open_cell:
            raise ValueError(f"{name}: the cell that begins {open_cell!r} has no folded <details> 'Solution' after it")
        open_cell = first[0] if regions else "" if folds else open_cell
    if open_cell:
        raise ValueError(f"{name}: the cell that begins {open_cell!r} has no folded <details> 'Solution' after it")
    notebooks.number_cells(notebook)
    return notebook


def load(source: Path) -> nbformat.NotebookNode:
    """The notebook of a source's file."""
    return read(source.read_text(encoding="utf-8"), source.name)


def stub(source: str) -> str:
    """A cell without its solution: each region becomes one line, which says that it is not written yet."""
    return REGION.sub(lambda match: match[1] + STUB, source).rstrip("\n")


def solved(source: str) -> str:
    """A cell with its solution, without the marks."""
    return REGION.sub(lambda match: match[2], source).rstrip("\n")


def plain_links(text: str) -> str:
    """Links between the book's pages lead nowhere from a notebook that was moved: their text stays."""
    return notebooks.absolute_links(text, "", site="")


def student(notebook: nbformat.NotebookNode, links: Text = plain_links) -> nbformat.NotebookNode:
    """For those who work the exercises: stubs, hints, checks; no solutions. links: what becomes of links to pages."""
    return _finish(notebook, stub, lambda text: FOLD.sub("", text), links)


def solution(notebook: nbformat.NotebookNode, links: Text = plain_links) -> nbformat.NotebookNode:
    """For those who teach: everything."""
    return _finish(notebook, solved, lambda text: text, links)


def page(notebook: nbformat.NotebookNode, links: str = "") -> nbformat.NotebookNode:
    """For the book: as the student's, with the solutions folded below, code included. Links go under the title."""
    notebook, code = copy.deepcopy(notebook), ""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code = solved(cell.source) if REGION.search(cell.source) else code
            cell.source = stub(cell.source)
        else:
            unfolded = f"<details>\n<summary>Solution, once you have tried</summary>\n\n```python\n{code}\n```\n\n"
            cell.source = FOLD.sub(lambda match: f"{unfolded}{match[1]}\n\n</details>\n\n", cell.source)
    if links:
        cell = notebook.cells[0]
        title, rest = cell.source.split("\n", 1)
        cell.source = f"{title}\n\n{links}\n{rest}"
    return notebook


def page_source(text: str, name: str) -> str:
    """The source of the book's page, from the exercises' own; see `read` for what it refuses.

    name: of the page, for example `exercises/02-linear-models`.
    """
    notebook = name.rpartition("/")[2]
    links = (
        f'**Work on it**: <a href="../notebooks/{name}.ipynb" download>download this page as a notebook</a>, '
        f"or run `make lab` and open `my_exercises/{notebook}.ipynb`. "
        "[How to work the exercises](how-to-work-the-exercises.md) tells more."
    )
    return jupytext.writes(page(read(text, f"{name}.md"), links), fmt="md:myst")


def _finish(
    notebook: nbformat.NotebookNode, code: Text, text: Text, links: Text = plain_links
) -> nbformat.NotebookNode:
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(notebooks.KERNEL)
    for cell in notebook.cells:
        cell.source = code(cell.source) if cell.cell_type == "code" else links(text(cell.source)).strip("\n")
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def otter(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """As otter-grader's `otter assign` wants it: raw cells around each question, its solution and its test."""
    finished = _finish(notebook, lambda source: source, lambda text: FOLD.sub("", text))
    # An autograder has no other way to the library than with its files.
    library = "\n".join(f"  - {file.relative_to(ROOT)}" for file in library_files())
    config = f"# ASSIGNMENT CONFIG\nname: {name}\nrequirements: [torch, numpy, scikit-learn]\nfiles:\n{library}\n"
    config += "solutions_pdf: false\ntemplate_pdf: false\nexport_cell:\n  pdf: false\ngenerate: true\n"
    config += "tests:\n  ok_format: false\n"
    cells = [nbformat.v4.new_raw_cell(config)]
    text: list[nbformat.NotebookNode] = []  # the task, which belongs to the question
    for cell in finished.cells:
        if cell.cell_type != "code":
            text.append(cell)
        elif REGION.search(cell.source):
            (function,) = re.findall(r"^def (\w+)\(", cell.source, re.MULTILINE)[:1]
            prompt = re.sub(
                r"^( *)# BEGIN SOLUTION$",
                lambda match: textwrap.indent(
                    f'""" # BEGIN PROMPT\n{STUB}""" # END PROMPT\n# BEGIN SOLUTION', match[1]
                ),
                cell.source,
                flags=re.MULTILINE,
            )
            test = f"def test_{function}(check, {function}):\n    verdict = check.{function}.verdict({function})\n"
            test += "    assert verdict.passed, verdict.message\n"
            cells += [
                nbformat.v4.new_raw_cell(f"# BEGIN QUESTION\nname: {function}\npoints: 1"),
                *text,
                nbformat.v4.new_raw_cell("# BEGIN SOLUTION"),
                nbformat.v4.new_code_cell(prompt),
                nbformat.v4.new_raw_cell("# END SOLUTION"),
                nbformat.v4.new_raw_cell("# BEGIN TESTS"),
                nbformat.v4.new_code_cell(test),
                nbformat.v4.new_raw_cell("# END TESTS"),
                nbformat.v4.new_raw_cell("# END QUESTION"),
            ]
            text = []
        elif not re.match(r"check\.\w+\(", cell.source):  # that is the test, and otter brings its own call
            cells, text = [*cells, *text, cell], []
    finished.cells = [*cells, *text]
    notebooks.number_cells(finished)
    return finished


def published(source: Path, folder: str, found: Origin) -> nbformat.NotebookNode:
    """A source's notebook for everyone: for students from the folder `exercises`, for teachers from `solutions`."""
    page = page_of(source)  # of which both are a part, and from where its links lead
    derive = {"exercises": student, "solutions": solution}[folder]
    derived = derive(load(source), links=lambda text: notebooks.absolute_links(text, page, found.site))
    return notebooks.published(derived, page, found)


def write_notebooks(found: Origin | None = None) -> None:
    found = found or origin()
    for folder in ["exercises", "solutions"]:
        written = [NOTEBOOKS / folder / f"{source.stem}.ipynb" for source in EXERCISES]
        for source, path in zip(EXERCISES, written):
            notebooks.write(published(source, folder, found), path)
        guides = [NOTEBOOKS / f"{page}.ipynb" for page in pages_with_code()]  # published from what was executed
        remove_others(NOTEBOOKS / folder, [*written, *guides])  # those of sources that are no more


def write_mine() -> None:
    for source in EXERCISES:
        path = ROOT / "my_exercises" / f"{source.stem}.ipynb"
        if not path.exists():  # what is there is someone's work
            notebooks.write(student(load(source)), path)


def write_otter() -> None:
    shutil.rmtree(BUILD / "otter", ignore_errors=True)  # with what otter-grader made of sources that are no more
    for source in EXERCISES:
        folder = BUILD / "otter" / source.stem
        notebooks.write(otter(load(source), source.stem), folder / f"{source.stem}.ipynb")
        for file in library_files():
            copy_file(file, folder / file.relative_to(ROOT))


if __name__ == "__main__":
    try:
        {"notebooks": write_notebooks, "mine": write_mine, "otter": write_otter}[sys.argv[1]]()
    except ValueError as error:  # in a source, or in a setting: it says where
        stop(str(error))
