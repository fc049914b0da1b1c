"""Notebooks for readers: they install what they need, and their links lead somewhere.

All functions but `write` take and return; nothing here runs a cell.
"""

import copy
import posixpath
import re
from pathlib import Path

import nbformat

from book.files import write_whole
from book.origin import Origin

INSTALL_ID = "install"  # of the first code cell; the others are named after their place
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# A link, or what may look like one and is none: fenced code, code in a line, formulas.
LINK = re.compile(
    r"^```.*?^```|`[^`]+`|\$\$.*?\$\$|\$[^$\n]+\$|(?<!!)\[(?P<text>[^]]+)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def number_cells(notebook: nbformat.NotebookNode) -> None:
    """Name the cells after their place: jupytext's names are random, and the same source shall give the same file."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"


def install_cell(found: Origin, full_size: bool = False) -> nbformat.NotebookNode:
    """The first cell. It copes with no library, with one that is too old to be asked, and with an old Python."""
    lines = [
        "# nndl_lib, the book's library: installed where it is missing. Where it is there, this cell does nothing.",
        "import importlib, importlib.util, subprocess, sys",
        "",
        f'needed, source = "{found.version}", "{found.source}"',
        "if sys.version_info < (3, 11):",
        '    raise RuntimeError(f"The book needs Python 3.11 or newer; this is Python {sys.version.split()[0]}.")',
        'if importlib.util.find_spec("nndl_lib") is None:',
    ]
    if found.source:
        lines += [
            '    command = [sys.executable, "-m", "pip", "install", "--quiet", f"nndl-lib @ {source}"]',
            "    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)",
            "    if done.returncode != 0:",
            '        raise RuntimeError(f"pip could not install nndl_lib from {source}:\\n{done.stdout}")',
            "    importlib.invalidate_caches()",
        ]
    else:
        lines += ['    raise ImportError("nndl_lib is missing. Get the project\'s files, and run make lab there.")']
    lines += [
        "try:",
        "    from nndl_lib import compatibility",
        "except ImportError:",
        (
            '    raise ImportError(f"nndl_lib is older than {needed}: update it and restart the kernel. {source}") '
            "from None"
        ),
        "compatibility.require(needed, source)",
    ]
    if full_size:
        lines += ["compatibility.announce_size()"]
    return nbformat.v4.new_code_cell("\n".join(lines), id=INSTALL_ID, metadata={"tags": ["install"]})


def absolute_links(text: str, page: str, site: str) -> str:
    """Links between the book's pages, from where `page` stands, as links to the published site.

    Where that has no address, the text of the link stays: it would lead nowhere from a notebook that was moved.
    """

    def absolute(match: re.Match[str]) -> str:
        target = match["target"]
        if target is None or re.match(r"[a-z]+:", target):
            return match[0]
        if not site:
            return match["text"]
        path, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else f"{page}.md"
        path = re.sub(r"\.(md|ipynb)$", ".html", path)
        return f"[{match['text']}]({site}/{path}{'#' + anchor if anchor else ''})"

    return LINK.sub(absolute, text)


def published(notebook: nbformat.NotebookNode, page: str, found: Origin) -> nbformat.NotebookNode:
    """A notebook as readers get it, with the install cell, from one that the build derived or executed.

    page: its name in the book without a suffix, for example `chapters/02-linear-models`.
    """
    notebook = copy.deepcopy(notebook)
    full_size = any("FULL_SIZE" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    notebook.metadata = nbformat.from_dict(
        {
            **KERNEL,
            "nndl": {"version": found.version, "revision": found.revision},
            **({"accelerator": "GPU", "colab": {"gpuType": "T4"}} if full_size else {}),
        }
    )
    number_cells(notebook)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = absolute_links(cell.source, page, found.site).strip("\n")
            cell.metadata = nbformat.from_dict({})
            continue
        # What the page folds or leaves out is folded in JupyterLab ("jupyter") and in Colab ("cellView").
        folded = {"hide-input", "remove-input", "hide-cell", "remove-cell"} & set(tags)
        hidden = {"cellView": "form", "jupyter": {"source_hidden": True}} if folded else {}
        kept = [tag for tag in tags if tag == "raises-exception"]
        cell.metadata = nbformat.from_dict({**hidden, **({"tags": kept} if kept else {})})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # its model is not in the file
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    title = next((k for k, cell in enumerate(notebook.cells) if cell.cell_type == "markdown"), -1)
    notebook.cells.insert(title + 1, install_cell(found, full_size))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a valid notebook, whole or not at all."""
    nbformat.validate(notebook)
    write_whole(path, nbformat.writes(notebook) + "\n")
