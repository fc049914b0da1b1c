"""What is published beside the pages: notebooks that install what they need, the buttons to them, Binder's files."""

import re
import subprocess
import sys
import tomllib
import types

import nbformat
import pytest
import yaml

from book import exercises, files, notebooks, origin, publish
from tests.chapters import EXECUTED, EXERCISES, ROOT, SITE, text_of
from tests.test_repository import normal
from theme import buttons

FOUND = origin.Origin(
    "https://github.com/some-one/a.book", "v9.8.7", "https://some-one.github.io/a.book", "main", "9.8.7"
)
PAGES = files.pages_with_code()
NOTEBOOKS = [
    *(f"{page}.ipynb" for page in PAGES),
    *(f"{folder}/{source.stem}.ipynb" for folder in ["exercises", "solutions"] for source in EXERCISES),
]


def notebook_of(name, found=FOUND):
    """A notebook as it is published from this origin."""
    folder, _, stem = name.removesuffix(".ipynb").rpartition("/")
    if name.removesuffix(".ipynb") in PAGES:
        return notebooks.published(nbformat.read(EXECUTED / name, as_version=4), name.removesuffix(".ipynb"), found)
    return exercises.published(ROOT / "exercises" / f"{stem}.md", folder, found)


def prose(notebook):
    """The text of a notebook without code and formulas."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"^```.*?^```|`[^`]+`|\$\$.*?\$\$|\$[^$\n]+\$", "", text, flags=re.MULTILINE | re.DOTALL)


# --- notebooks ------------------------------------------------------------------------------------------------------


def test_everything_with_code_is_published():
    executed = {
        file.relative_to(EXECUTED).as_posix()
        for file in EXECUTED.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in file.parts
    }
    assert executed <= {*NOTEBOOKS} and len(PAGES) >= 11
    for folder in [files.NOTEBOOKS, SITE / "notebooks"]:
        assert {file.relative_to(folder).as_posix() for file in folder.rglob("*.ipynb")} == {*NOTEBOOKS}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name):
    notebook = notebook_of(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert (
        code[0].id == notebooks.INSTALL_ID
        and 'source = "9.8.7", "git+https://github.com/some-one/a.book@v9.8.7"' in code[0].source
    )
    assert sum("pip" in cell.source for cell in code) == 1
    compile(code[0].source, name, "exec")
    # Nothing of MyST: no directive, role, label or tag of the page's; no link that leads nowhere.
    text = prose(notebook)
    assert not re.search(r"^\s*(:::|```\{|\([\w-]+\)=$)|\{[\w-]+\}`|^---$", text, re.MULTILINE)
    assert not re.search(r"(?<!!)\[[^]]+\]\((?!https?:)", text), "a link that leads nowhere from a notebook"
    for cell in notebook.cells:
        assert not {*cell.metadata} - {"tags", "jupyter", "cellView"} and not {*cell.metadata.get("tags", [])} - {
            "install",
            "raises-exception",
        }
    # Links to the book lead to pages of it.
    for page, anchor in re.findall(r"\]\(https://some-one\.github\.io/a\.book/([^)#]+)(?:#([^)]+))?\)", text):
        assert (SITE / page).is_file(), page
        name, _, settings = anchor.partition("=")  # settings of an interactive piece, as #playground=data:xor
        place = f'data-piece="{name}"' if settings else f'id="{anchor}"'
        assert not anchor or place in text_of(SITE / page), f"{page}#{anchor}"
    # Colab gives a GPU to those that can use it.
    full = "FULL_SIZE" in "\n".join(cell.source for cell in code[1:])
    assert (notebook.metadata.get("accelerator") == "GPU") == full == ("announce_size" in code[0].source)
    assert notebook.metadata.get("colab", {}).get("gpuType") == ("T4" if full else None)


@pytest.mark.parametrize("name", [f"{page}.ipynb" for page in PAGES])
def test_chapters_are_as_executed(name):
    executed, written = (
        nbformat.read(EXECUTED / name, as_version=4),
        nbformat.read(SITE / "notebooks" / name, as_version=4),
    )
    before = [(cell.source, cell.outputs) for cell in executed.cells if cell.cell_type == "code"]
    after = [(cell.source, cell.outputs) for cell in written.cells if cell.cell_type == "code"]
    assert after[1:] == before and "compatibility.require" in after[0][0]
    assert any(outputs for _, outputs in after)
    folded = [
        {"hide-input", "remove-cell", "remove-input"} & {*cell.metadata.get("tags", [])}
        for cell in executed.cells
        if cell.cell_type == "code"
    ]
    assert [bool(tags) for tags in folded] == [
        "jupyter" in cell.metadata for cell in written.cells if cell.cell_type == "code"
    ][1:]


def test_links():
    text = (
        "[a](02-x.md#b), [c](../intro.md), [d](#e), [f](https://g.org/h.md), ![i](j.png), `[k](l)`, $[m](n)$\n\n"
        "```\n[o](p.md)\n```\n\n$$\n[q](r)\n$$\n"
    )
    with_site = notebooks.absolute_links(text, "chapters/03-y", "https://s.org/book")
    assert with_site.startswith(
        "[a](https://s.org/book/chapters/02-x.html#b), [c](https://s.org/book/intro.html), "
        "[d](https://s.org/book/chapters/03-y.html#e), [f](https://g.org/h.md), "
    )
    without = notebooks.absolute_links(text, "chapters/03-y", "")
    assert without.startswith("a, c, d, [f](https://g.org/h.md), ")
    for result in [with_site, without]:
        assert result.endswith(text[text.index("![i]") :])


# --- the install cell -----------------------------------------------------------------------------------------------


def run_cell(found, monkeypatch, library, pip=0, python=sys.version_info):
    """Run the install cell where `library` is what can be imported (None: nothing, until pip has run): pip's calls."""
    calls = []
    here = types.ModuleType("nndl_lib")
    here.__path__ = []
    monkeypatch.setitem(sys.modules, "nndl_lib", here)
    monkeypatch.setitem(sys.modules, "nndl_lib.compatibility", None)  # an editable installation would find it by itself

    def offer(module):
        if module is not None:
            here.compatibility = module

    def run(command, **_):
        calls.append(command)
        offer(types.SimpleNamespace(require=lambda needed, source: None, announce_size=lambda: None))
        return types.SimpleNamespace(returncode=pip, stdout="no such commit")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if library is None else object())
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "version_info", python)
    offer(library if library != "old" else None)
    exec(compile(notebooks.install_cell(found).source, "cell", "exec"), {})
    return calls


def test_a_suitable_library_is_left_alone(monkeypatch):
    asked = []
    library = types.SimpleNamespace(require=lambda *arguments: asked.append(arguments))
    assert run_cell(FOUND, monkeypatch, library) == []
    assert asked == [("9.8.7", "git+https://github.com/some-one/a.book@v9.8.7")]


def test_a_missing_library_is_installed(monkeypatch):
    assert run_cell(FOUND, monkeypatch, None) == [
        [sys.executable, "-m", "pip", "install", "--quiet", "nndl-lib @ git+https://github.com/some-one/a.book@v9.8.7"]
    ]
    with pytest.raises(RuntimeError, match="pip could not install nndl_lib from git.*@v9.8.7:\nno such commit"):
        run_cell(FOUND, monkeypatch, None, pip=1)
    with pytest.raises(ImportError, match="nndl_lib is missing. Get the project's files, and run make lab there"):
        run_cell(origin.Origin(version="9.8.7"), monkeypatch, None)


def test_what_is_too_old_is_named(monkeypatch):
    with pytest.raises(ImportError, match="nndl_lib is older than 9.8.7: update it"):  # older than the question
        run_cell(FOUND, monkeypatch, "old")
    with pytest.raises(RuntimeError, match="The book needs Python 3.11 or newer; this is Python"):
        run_cell(FOUND, monkeypatch, None, python=(3, 10, 4))


# --- where the book comes from --------------------------------------------------------------------------------------


def test_origin_of_a_fork(tmp_path):
    (tmp_path / "_config.yml").write_text(
        "repository:\n  url: https://github.com/a/b\n  branch: trunk\n", encoding="utf-8"
    )
    given = {"NNDL_REVISION": "0123"}
    found = origin.origin(given, tmp_path)
    assert (found.repository, found.branch, found.source) == (
        "https://github.com/a/b",
        "trunk",
        "git+https://github.com/a/b@0123",
    )
    assert found.site == "https://a.github.io/b"
    for address in ["https://github.com/Fork/b", "https://github.com/Fork/b.git", "https://github.com/Fork/b/"]:
        fork = origin.origin({**given, "NNDL_REPOSITORY": address}, tmp_path)
        assert (fork.repository, fork.name, fork.site) == (
            "https://github.com/Fork/b",
            "Fork/b",
            "https://fork.github.io/b",
        )
    assert (
        origin.origin({**given, "NNDL_REPOSITORY": "https://github.com/A/a.github.io"}, tmp_path).site
        == "https://a.github.io"
    )
    assert origin.origin({**given, "NNDL_SITE": "https://book.org/"}, tmp_path).site == "https://book.org"
    with pytest.raises(ValueError, match="'git@github.com:a/b'; expected https://github.com/owner/name"):
        origin.origin({"NNDL_REPOSITORY": "git@github.com:a/b"}, tmp_path)


def test_the_revision_is_a_release_or_a_commit(tmp_path):
    def git(*arguments):
        options = ["-c", "user.name=n", "-c", "user.email=e@x.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *options, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "first")
    assert origin.find_revision(tmp_path, "1.0.0") == git("rev-parse", "HEAD")
    git("tag", "v1.0.0")
    assert origin.find_revision(tmp_path, "1.0.0") == "v1.0.0"
    assert origin.find_revision(tmp_path, "1.0.1") == git("rev-parse", "HEAD")


def test_nothing_is_known_by_itself():
    settings = yaml.safe_load(text_of(ROOT / "_config.yml"))["repository"]
    assert settings == {"url": settings["url"], "branch": "main"}
    assert origin.Origin().source == "" and origin.Origin().name == ""


# --- buttons --------------------------------------------------------------------------------------------------------

DOCUMENTS = [
    file.relative_to(SITE).with_suffix("").as_posix()
    for file in SITE.rglob("*.html")
    if "_static" not in file.parts and (ROOT / file.relative_to(SITE).with_suffix(".md")).is_file()
]


def test_every_button_leads_to_what_is_published():
    published, seen = files.NOTEBOOKS, 0
    for page in DOCUMENTS:
        offers = buttons.buttons(page, FOUND)
        assert {*offers} == {"launch", "download", "edit"}
        urls = {button["label"]: button["url"] for group in offers.values() for button in group}
        for label, prefix in [
            ("launch-colab", "https://colab.research.google.com/github/some-one/a.book/blob/notebooks/"),
            ("launch-binder", "https://mybinder.org/v2/gh/some-one/a.book/notebooks?urlpath=lab/tree/"),
        ]:
            if label in urls:
                seen += 1
                assert urls[label].startswith(prefix)
                path = urls[label].removeprefix(prefix)
                assert (published / path).is_file() and path == f"{page}.ipynb"
        for button in offers["download"]:
            assert (SITE / button["url"]).is_file(), button["url"]
        if not page.startswith("reference/"):
            assert urls["source-edit-button"] == f"https://github.com/some-one/a.book/edit/main/{page}.md"
    assert seen == 2 * (len(PAGES) + len(EXERCISES))


def test_without_an_address_there_are_downloads_alone():
    for page in DOCUMENTS:
        offers = buttons.buttons(page, origin.Origin())
        assert offers["launch"] == offers["edit"] == []
        assert bool(offers["download"]) == bool(buttons.notebook_of(page))
    assert [
        button["url"]
        for button in buttons.buttons("exercises/02-linear-models", origin.Origin(), "../notebooks")["download"]
    ] == ["../notebooks/exercises/02-linear-models.ipynb", "../notebooks/solutions/02-linear-models.ipynb"]
    assert buttons.buttons("chapters/notation", origin.Origin())["download"] == []


def test_badges_open_every_notebook(tmp_path):
    publish.write_readme(FOUND, tmp_path)
    shown = text_of(tmp_path / "README.md")
    targets = re.findall(r"\]\(([^)\s]+)\)", shown)
    for page in [*PAGES, *(f"exercises/{source.stem}" for source in EXERCISES)]:
        path = f"{page}.ipynb"
        for target in [path, f"{FOUND.site}/{page}.html", FOUND.colab(path), FOUND.binder(path)]:
            assert targets.count(target) == 1, target
        assert (files.NOTEBOOKS / f"{page}.ipynb").is_file() and (SITE / f"{page}.html").is_file()
    assert "[9. Convolutional networks](chapters/09-convolutional-networks.ipynb)" in shown
    # The sources do not know their address, but what GitHub shows resolves this from the repository's page.
    badges = re.findall(r"\[!\[([^]]+)\]\([^)]+\)\]\(\.\./\.\./([^)#]+)", text_of(ROOT / "README.md"))
    assert badges == [
        ("Tests", "actions/workflows/publish.yml"),
        ("Open in Colab", "tree/notebooks"),
        ("Launch in Binder", "tree/notebooks"),
    ]
    assert (ROOT / ".github" / "workflows" / "publish.yml").is_file()


# --- Binder and the development container ---------------------------------------------------------------------------


def pins(lines):
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines}


def test_binder_has_the_pins_of_the_lock(tmp_path):
    publish.write_binder(FOUND, "https://wheels.example.org/cpu", tmp_path)
    index, *lines = text_of(tmp_path / "binder" / "requirements.txt").splitlines()
    assert index == "--extra-index-url https://wheels.example.org/cpu"
    lock = [
        line
        for line in text_of(ROOT / "requirements.lock").splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    ]
    assert {*lines} < {*lock} and len(lines) > 60
    assert [line for line in lock if normal(line.split("==")[0]) in pins(lines)] == sorted(
        lines, key=lock.index
    )  # all lines of each
    # Everything that the library and JupyterLab need is there, as the installed packages' own metadata say.
    from importlib.metadata import PackageNotFoundError, requires

    wanted = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["dependencies"] + ["jupyterlab"]
    missing, checked, left = set(), set(), [normal(re.match(r"[\w.-]+", entry)[0]) for entry in wanted]
    while left:
        name = left.pop()
        if name in checked:
            continue
        checked.add(name)
        if name not in pins(lines):
            missing.add(name)
        try:
            needs = [entry for entry in requires(name) or [] if ";" not in entry]
        except PackageNotFoundError:
            continue
        left += [normal(re.match(r"[\w.-]+", entry)[0]) for entry in needs]
    assert not {name for name in missing if not name.startswith(("nvidia", "cuda", "triton"))}
    assert text_of(tmp_path / "binder" / "library.txt") == f"nndl-lib @ {FOUND.source}\n"
    assert (tmp_path / "binder" / "postBuild").stat().st_mode & 0o111, "Binder runs it"
    publish.write_binder(FOUND, "", tmp_path)
    assert "--" not in text_of(tmp_path / "binder" / "requirements.txt")


def test_binder_on_the_sources():
    # One pointer to the lock: there is nothing to keep in step.
    (line,) = [line for line in text_of(ROOT / "binder" / "requirements.txt").splitlines() if not line.startswith("#")]
    assert (
        line.startswith("-r ") and (ROOT / "binder" / line.removeprefix("-r ")).resolve() == ROOT / "requirements.lock"
    )
    version = tuple(map(int, re.fullmatch(r"python-(\d+)\.(\d+)\n", text_of(ROOT / "binder" / "runtime.txt")).groups()))
    assert (3, 11) <= version <= (3, 14)
    subprocess.run(["bash", "-n", ROOT / "binder" / "postBuild"], check=True)


def test_development_container():
    text = re.sub(r"^\s*//.*$", "", text_of(ROOT / ".devcontainer" / "devcontainer.json"), flags=re.MULTILINE)
    container = yaml.safe_load(text)  # JSON is YAML
    for target in re.findall(r"make ([a-z-]+)", container["postCreateCommand"].replace("chromium make", "")):
        assert re.search(rf"^{target}:", text_of(ROOT / "Makefile"), re.MULTILINE), target
    assert container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith(
        "/.venv/bin/python"
    )
