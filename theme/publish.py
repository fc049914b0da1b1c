"""Notebooks for readers, from those that the build executed: they install what they need, and their links lead somewhere.

    .venv/bin/python theme/publish.py     into _build/notebooks, from what `make book` built last

`_build/notebooks` is also what the branch `notebooks` holds, where the buttons for Colab and Binder lead (see
theme/nndl_launch.py): chapters with their outputs, exercises for students, solutions, and what Binder needs to install.
No function here runs a cell or writes outside `_build`.
"""

import copy
import functools
import os
import posixpath
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
EXECUTED = ROOT / "_build" / "jupyter_execute"
NOTEBOOKS = ROOT / "_build" / "notebooks"
INSTALL_ID = "install"  # of the first code cell; the others are named after their place
# A link, or what may look like one and is none: fenced code, code in a line, formulas.
LINK = re.compile(
    r"^```.*?^```|`[^`]+`|\$\$.*?\$\$|\$[^$\n]+\$|(?<!!)\[(?P<text>[^]]+)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Origin:
    """Where a book comes from. What is not known is empty; then notebooks say so instead of installing anything."""

    repository: str = ""  # https://github.com/owner/name
    revision: str = ""  # the tag or commit that the book was built from
    site: str = ""  # the address of the published pages, without a slash at the end
    branch: str = "main"  # where the sources are edited
    version: str = "0"  # of the library

    @property
    def name(self) -> str:
        """`owner/name`, which is what Colab and Binder ask for."""
        return self.repository.removeprefix("https://github.com/")

    @property
    def source(self) -> str:
        """What pip installs the library from."""
        return f"git+{self.repository}@{self.revision}" if self.repository and self.revision else ""


def origin(environment=os.environ, root: Path = ROOT) -> Origin:
    """The origin of this checkout. The environment comes before `_config.yml`, so that a fork changes no file.

    Raises ValueError where the repository's address is not one at GitHub, which is where Colab and Binder look.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings = config.get("repository") or {}
    repository = environment.get("NNDL_REPOSITORY") or settings.get("url") or ""
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", repository)
    if repository and not match:
        raise ValueError(f"NNDL_REPOSITORY is {repository!r}; expected https://github.com/owner/name")
    site = environment.get("NNDL_SITE") or (config.get("html") or {}).get("baseurl") or ""
    if match:
        owner, name = match.groups()
        repository = f"https://github.com/{owner}/{name}"
        # GitHub Pages' own address, until another one is given.
        pages = f"https://{owner.lower()}.github.io"
        site = site or (pages if name.lower() == f"{owner.lower()}.github.io" else f"{pages}/{name}")
    version = "0"
    if (root / "pyproject.toml").is_file():
        version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    revision = environment.get("NNDL_REVISION") or (find_revision(root, version) if repository else "")
    return Origin(repository, revision, site.rstrip("/"), settings.get("branch") or "main", version)


def find_revision(root: Path, version: str) -> str:
    """The tag of this version if it is here, else the commit; empty where git knows of neither."""

    def git(*arguments):
        try:
            done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        except FileNotFoundError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    return f"v{version}" if f"v{version}" in git("tag", "--points-at", "HEAD").split() else git("rev-parse", "HEAD")


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
        '    raise ImportError(f"nndl_lib is older than {needed}: update it and restart the kernel. {source}") from None',
        "compatibility.require(needed, source)",
    ]
    if full_size:
        lines += ["compatibility.announce_size()"]
    return nbformat.v4.new_code_cell("\n".join(lines), id=INSTALL_ID, metadata={"tags": ["install"]})


def absolute_links(text: str, page: str, site: str) -> str:
    """Links between the book's pages, from where `page` stands, as links to the published site.

    Where that has no address, the text of the link stays: it would lead nowhere from a notebook that was moved.
    """

    def absolute(match):
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
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "nndl": {"version": found.version, "revision": found.revision},
            **({"accelerator": "GPU", "colab": {"gpuType": "T4"}} if full_size else {}),
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
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
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    nbformat.write(notebook, scratch)
    os.replace(scratch, path)


@functools.cache  # asked for every page of a build
def pages_with_code(root: Path = ROOT) -> list[str]:
    """The pages that are notebooks, but those of the exercises: from these, others are derived."""
    folders = [
        folder for folder in sorted(root.iterdir()) if folder.is_dir() and not folder.name.startswith((".", "_"))
    ]
    files = [file for folder in [root, *folders] for file in sorted(folder.glob("*.md"))]

    def has_code(text):  # a page without jupytext's header may show a code cell, as an example
        return text.startswith("---\n") and "\n```{code-cell}" in text

    pages = [
        file.relative_to(root).with_suffix("").as_posix()
        for file in files
        if has_code(file.read_text(encoding="utf-8"))
    ]
    return [page for page in pages if not re.match(r"exercises/\d\d-", page)]


def write_chapters(found: Origin, executed: Path = EXECUTED, to: Path = NOTEBOOKS) -> None:
    """Write every executed page of the book into `to`. For the exercises' own see theme/exercises.py."""
    for page in pages_with_code():
        if (executed / f"{page}.ipynb").is_file():  # a page outside the book's contents is not executed
            write(published(nbformat.read(executed / f"{page}.ipynb", as_version=4), page, found), to / f"{page}.ipynb")


def runtime_pins(root: Path = ROOT) -> list[str]:
    """The lines of requirements.lock that running a notebook needs: the library's dependencies, JupyterLab, and theirs."""

    def normal(name):
        return re.sub(r"[-_.]+", "-", name).lower()

    pins, needed_by, name = {}, {}, None
    for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([\w.-]+)==", line):
            name = normal(match[1])
            pins.setdefault(name, []).append(line)  # several: one for old Pythons, one for new ones
            needed_by.setdefault(name, set())
        elif name and (match := re.match(r"\s+#(?: via)?\s+([\w.-]+)", line)):
            needed_by[name].add(normal(match[1]))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {normal(re.match(r"[\w.-]+", entry)[0]) for entry in project["dependencies"]} | {"jupyterlab"}
    size = 0
    while size != len(wanted):
        size = len(wanted)
        wanted |= {name for name, users in needed_by.items() if users & wanted}
    return [line for name in sorted(wanted) for line in pins[name]]


def write_binder(found: Origin, index: str, to: Path = NOTEBOOKS, root: Path = ROOT) -> None:
    """What Binder installs for the published notebooks, with the same pins as the book's own environment.

    index: one more package index, for example that of PyTorch's CPU builds; empty for none.
    """
    folder = to / "binder"
    folder.mkdir(parents=True, exist_ok=True)
    first = [f"--extra-index-url {index}"] if index else []
    (folder / "requirements.txt").write_text("\n".join([*first, *runtime_pins(root)]) + "\n", encoding="utf-8")
    (folder / "library.txt").write_text(f"nndl-lib @ {found.source}\n", encoding="utf-8")
    for name in ["runtime.txt", "postBuild"]:
        shutil.copy(root / "binder" / name, folder / name)
    about = (
        "# Notebooks of the book\n\nWritten by the build, from the sources on the branch `{branch}`: edit them there.\n"
    )
    (to / "README.md").write_text(about.format(branch=found.branch), encoding="utf-8")


def write_all(found: Origin) -> None:
    """Write everything that is published beside the pages, anew."""
    import exercises  # which imports this module

    shutil.rmtree(NOTEBOOKS, ignore_errors=True)  # a page that is no more shall not stay published
    write_chapters(found)
    exercises.write_notebooks(found)
    if found.source and (ROOT / "binder").is_dir():
        write_binder(found, os.environ.get("NNDL_BINDER_INDEX", ""))


if __name__ == "__main__":
    write_all(origin())
