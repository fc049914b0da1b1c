"""A page that is opened in JupyterLab and saved is the same file: only an edit changes it, and runs it again."""

import shutil

import jupytext
import nbformat
import pytest
from jupyter_client.kernelspec import get_kernel_spec

from book import files
from tests.chapters import ROOT, text_of

NOTEBOOKS = [page for page in files.pages() if text_of(page).startswith("---\n")]
FORM = "Its headers are not in JupyterLab's form: .venv/bin/jupytext --to md:myst"


@pytest.fixture
def server(tmp_path):
    """What reads and writes files for JupyterLab, with the book's settings of jupytext."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return jupytext.TextFileContentsManager(root_dir=str(tmp_path))


def run_and_looked_at(notebook):
    """The notebook as JupyterLab sends it back: with the kernel that it found, outputs, and what was folded."""
    kernel = get_kernel_spec("python3")
    notebook = nbformat.from_dict(nbformat.v4.reads(nbformat.v4.writes(notebook)))
    notebook.metadata.kernelspec = nbformat.from_dict(
        {"name": "python3", "display_name": kernel.display_name, "language": kernel.language}
    )
    notebook.metadata.language_info = nbformat.from_dict(
        {"name": "python", "version": "3.11.0", "file_extension": ".py", "pygments_lexer": "ipython3"}
    )
    for number, cell in enumerate(notebook.cells):
        cell.metadata.update(editable=True, slideshow={"slide_type": ""})
        if cell.cell_type == "code":
            cell.execution_count = number
            cell.outputs = [nbformat.v4.new_output("stream", text="42\n")]
            cell.metadata.update(trusted=True, collapsed=True, scrolled=True, jupyter={"outputs_hidden": True})
    return notebook


def save(server, path, change=lambda notebook: notebook):
    """The text of a page after it was opened and saved."""
    model = server.get(path, type="notebook", content=True)
    server.save({"type": "notebook", "format": "json", "content": change(model["content"])}, path)
    return server.get(path, type="file", content=True)["content"]


@pytest.mark.parametrize("page", NOTEBOOKS, ids=files.page_of)
def test_saving_changes_nothing(server, tmp_path, page):
    path = page.relative_to(ROOT).as_posix()
    files.copy_file(page, tmp_path / path)
    assert save(server, path) == text_of(page), f"{path} {FORM} {path}"
    assert save(server, path, run_and_looked_at) == text_of(page), f"{path} {FORM} {path}"
    assert [file.name for file in tmp_path.rglob("*.*") if file.is_file()] == ["pyproject.toml", page.name]


def test_an_edit_changes_its_line_alone(server, tmp_path):
    page = ROOT / "chapters" / "02-linear-models.md"
    shutil.copy(page, tmp_path / "page.md")
    before = save(server, "page.md").splitlines()

    def edit(notebook):
        notebook = run_and_looked_at(notebook)
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        cell.source = cell.source.replace("import math\n", "import cmath\n")
        return notebook

    after = save(server, "page.md", edit).splitlines()
    changed = [pair for pair in zip(before, after) if pair[0] != pair[1]]
    assert len(before) == len(after) and changed == [("import math", "import cmath")]


def test_pages_with_code_have_one_header():
    headers = {text_of(page).split("\n---\n")[0] for page in NOTEBOOKS}
    assert len(headers) == 1 and len(NOTEBOOKS) > 20
