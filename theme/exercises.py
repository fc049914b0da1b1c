"""What becomes of `exercises/NN-name.md`, the one source of a chapter's coding exercises, solutions included.

    .venv/bin/python theme/exercises.py notebooks     student and solution notebooks into _build/notebooks
    .venv/bin/python theme/exercises.py mine          student notebooks into my_exercises, none overwritten
    .venv/bin/python theme/exercises.py otter         sources for otter-grader into _build/otter

In a code cell, the lines from `# BEGIN SOLUTION` to `# END SOLUTION` are the solution; students get a line to replace.
In the text, `<details>` with the summary "Solution" goes with the cell before it; students do not get it, and the page
shows it folded, with the code. All functions here take and return notebooks; nothing here runs a cell. What published
notebooks have beside their content, an install cell and links that lead somewhere, is the same as for chapters:
theme/publish.py.
"""

import copy
import re
import sys
import textwrap
from pathlib import Path

import jupytext
import nbformat
import publish
from publish import write

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "exercises").glob("[0-9][0-9]-*.md"))
NOTEBOOKS = publish.NOTEBOOKS
REGION = re.compile(r"^( *)# BEGIN SOLUTION\n(.*?)^ *# END SOLUTION(?:\n|\Z)", re.MULTILINE | re.DOTALL)
FOLD = re.compile(r"<details>\n<summary>Solution</summary>\n\n(.*?)\n\n</details>\n*", re.DOTALL)
STUB = 'raise NotImplementedError("not written yet")  # put your lines here instead\n'


def read(text: str, name: str) -> nbformat.NotebookNode:
    """The notebook of a source. Raises ValueError, with the name and the fault, where its regions do not fit together."""
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
    for number, cell in enumerate(notebook.cells):  # jupytext's are random: the same source gives the same file
        cell.id = f"cell-{number}"
    return notebook


def stub(source: str) -> str:
    """A cell without its solution: each region becomes one line, which says that it is not written yet."""
    return REGION.sub(lambda match: match[1] + STUB, source).rstrip("\n")


def solved(source: str) -> str:
    """A cell with its solution, without the marks."""
    return REGION.sub(lambda match: match[2], source).rstrip("\n")


def student(notebook: nbformat.NotebookNode, links=None) -> nbformat.NotebookNode:
    """For those who work the exercises: stubs, hints, checks; no solutions. links: what becomes of those between pages."""
    return _finish(notebook, stub, lambda text: FOLD.sub("", text), links)


def solution(notebook: nbformat.NotebookNode, links=None) -> nbformat.NotebookNode:
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


def plain_links(text: str) -> str:
    """Links between the book's pages lead nowhere from a notebook that was moved: their text stays."""
    return publish.absolute_links(text, "", site="")


def _finish(notebook, code, text, links=None) -> nbformat.NotebookNode:
    notebook, links = copy.deepcopy(notebook), links or plain_links
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.source = code(cell.source) if cell.cell_type == "code" else links(text(cell.source)).strip("\n")
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def otter(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """As otter-grader's `otter assign` wants it: raw cells around each question, its solution and its test."""
    finished = _finish(notebook, lambda source: source, lambda text: FOLD.sub("", text))
    library = "\n".join(f"  - {file}" for file in library_files())
    config = f"# ASSIGNMENT CONFIG\nname: {name}\nrequirements: [torch, numpy, scikit-learn]\nfiles:\n{library}\n"
    config += "solutions_pdf: false\ntemplate_pdf: false\nexport_cell:\n  pdf: false\ngenerate: true\ntests:\n  ok_format: false\n"
    cells = [nbformat.v4.new_raw_cell(config)]
    text = []  # the task, which belongs to the question
    for cell in finished.cells:
        if cell.cell_type != "code":
            text.append(cell)
        elif REGION.search(cell.source):
            function = re.search(r"^def (\w+)\(", cell.source, re.MULTILINE)[1]
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
    for number, cell in enumerate(finished.cells):
        cell.id = f"cell-{number}"
    return finished


def library_files() -> list[str]:
    """The library's files, relative to the book: an autograder has no other way to it."""
    return sorted(
        str(file.relative_to(ROOT)) for file in (ROOT / "nndl_lib").rglob("*") if file.suffix in (".py", ".js")
    )


def published(source: Path, folder: str, found: publish.Origin) -> nbformat.NotebookNode:
    """A source's notebook for everyone: for students from the folder `exercises`, for teachers from `solutions`."""
    page = f"exercises/{source.stem}"  # of which both are a part, and from where its links lead
    derive = {"exercises": student, "solutions": solution}[folder]
    notebook = read(source.read_text(encoding="utf-8"), source.name)
    derived = derive(notebook, links=lambda text: publish.absolute_links(text, page, found.site))
    return publish.published(derived, page, found)


def write_notebooks(found: publish.Origin | None = None) -> None:
    found = found or publish.origin()
    for source in SOURCES:
        for folder in ["exercises", "solutions"]:
            write(published(source, folder, found), NOTEBOOKS / folder / f"{source.stem}.ipynb")


def write_mine() -> None:
    for source in SOURCES:
        path = ROOT / "my_exercises" / f"{source.stem}.ipynb"
        if not path.exists():  # what is there is someone's work
            write(student(read(source.read_text(encoding="utf-8"), source.name)), path)


def write_otter() -> None:
    for source in SOURCES:
        folder = ROOT / "_build" / "otter" / source.stem
        write(
            otter(read(source.read_text(encoding="utf-8"), source.name), source.stem), folder / f"{source.stem}.ipynb"
        )
        for file in library_files():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes((ROOT / file).read_bytes())


if __name__ == "__main__":
    {"notebooks": write_notebooks, "mine": write_mine, "otter": write_otter}[sys.argv[1]]()
