"""Which files belong to the book: no others do, whatever lies beside them; and how files are written."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from book import exercises, files, reference, release
from book.origin import Origin
from tests.chapters import ROOT, text_of

# What editors, desktops and file managers leave.
BESIDE_MODULES = [
    ".ipynb_checkpoints/linear-checkpoint.py",
    "linear (copy).py",
    "linear - Copy.py",
    "linear-Copy1.py",
    "linear 2.py",
    "linear.py~",
    "#linear.py#",
    ".linear.py.swp",
    "._linear.py",
    "linear.BASE.1234.py",
    ".DS_Store",
    "Thumbs.db",
    "functional (copy)/__init__.py",
    "functional/.ipynb_checkpoints/_losses-checkpoint.py",
    "interactive/js/.ipynb_checkpoints/explore-checkpoint.js",
    "interactive/js/explore copy.js",
]
BESIDE_PAGES = [
    ".ipynb_checkpoints/02-linear-models-checkpoint.md",
    "02-linear-models-Copy1.md",
    "02-linear-models (copy).md",
    "02-linear-models.md~",
    "#02-linear-models.md#",
    ".02-linear-models.md.swp",
    "._02-linear-models.md",
    ".DS_Store",
]
# Links that lead nowhere, by which Emacs locks a file.
LINKS = [".#linear.py", "functional/.#_losses.py", ".#02-linear-models.md"]


def litter(folder, names, content):
    """Put files of these names into a folder, and a link that leads nowhere into it and into one of its folders."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    for name in LINKS:
        if (folder / name).parent.is_dir():
            (folder / name).symlink_to("someone@somewhere.1234:5678")


@pytest.fixture
def copies(tmp_path):
    """Two copies of the sources, the second one littered."""
    clean, littered = tmp_path / "clean", tmp_path / "littered"
    for root in [clean, littered]:
        for file in [*files.pages(), *files.library_files(), *files.importable(ROOT / "book", ".py")]:
            files.copy_file(file, root / file.relative_to(ROOT))
        for name in ["_toc.yml", "_config.yml", "pyproject.toml", "README.md", "LICENSE", "requirements.lock"]:
            files.copy_file(ROOT / name, root / name)
    litter(littered / "nndl_lib", BESIDE_MODULES, "__all__ = ['litter']\nlitter = 1\n")
    for folder in ["chapters", "exercises"]:
        litter(littered / folder, BESIDE_PAGES, text_of(ROOT / "chapters" / "03-classification.md"))
    return clean, littered


def below(root, found):
    return [path.relative_to(root).as_posix() for path in found]


def test_what_lies_beside_the_sources_is_not_the_book(copies):
    for find in [
        files.library_files,
        files.pages,
        lambda root: files.numbered("chapters", root),
        lambda root: files.numbered("exercises", root),
        lambda root: [root / page for page in files.pages_with_code(root)],
    ]:
        clean, littered = (below(root, find(root)) for root in copies)
        assert clean == littered and clean


def test_the_library_is_what_git_has():
    tracked = subprocess.run(["git", "ls-files", "nndl_lib"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {*below(ROOT, files.library_files())} >= {*tracked.stdout.split("\n")} - {""}


# --- the table of contents ------------------------------------------------------------------------------------------

CONTENTS = [
    "format: jb-article\nroot: intro\nsections:\n- file: a/02-one\n  sections:\n    - file: a/one-more # file: a/no\n",
    "# file: a/no\nformat: jb-book\nroot: intro.md\nchapters:\n- file: 'a/02-one'\n- {file: a/one-more}\n",
    """format: jb-book
root: "intro"
parts:
  - caption: First
    chapters:
      - file: "a/02-one.md"
      # - file: a/no
      - title: One more
        file: a/one-more
      - url: https://example.org/file
  - caption: Second
    chapters:
      - glob: a/two*
""",
]


@pytest.mark.parametrize("text", [text_of(ROOT / "_toc.yml"), *CONTENTS])
def test_contents_are_read_as_sphinx_reads_them(tmp_path, text):
    (tmp_path / "_toc.yml").write_text(text, encoding="utf-8")
    everything = [
        "intro",
        "a/02-one",
        "a/one-more",
        "a/no",
        "a/two",
        "reference/index",
        *map(files.page_of, files.pages()),
    ]
    for name in everything:
        files.write_whole(tmp_path / f"{name}.md", "# Page\n")
    expected = [name.removesuffix(".md") for name in parse_toc_yaml(tmp_path / "_toc.yml") if "*" not in name]
    assert [files.page_of(file, tmp_path) for file in files.pages(tmp_path)] == expected
    assert len(expected) >= 3


def test_what_the_contents_name_and_is_not_there(tmp_path):
    (tmp_path / "_toc.yml").write_text(CONTENTS[0], encoding="utf-8")
    assert files.pages(tmp_path) == []  # Sphinx says what is missing
    (tmp_path / "_toc.yml").unlink()
    assert files.pages(tmp_path) == []


# --- what is made of them -------------------------------------------------------------------------------------------


def test_nothing_beside_the_sources_is_documented_or_promised(copies):
    clean, littered = copies
    for root in copies:
        reference.write(root)
    pages = [{file.relative_to(root): text_of(file) for file in (root / "reference").rglob("*")
              if file.is_file()} for root in copies]  # fmt: skip
    assert pages[0] == pages[1] and len(pages[0]) > 10
    # The names of the modules whose public names are listed, as tests/public_names.py finds them in a littered folder.
    code = "import importlib; importlib.import_module = lambda name: type('', (), {'__all__': []})\n"
    code += "from tests import public_names; print(*public_names.current())"
    for root in copies:
        files.copy_file(ROOT / "tests" / "public_names.py", root / "tests" / "public_names.py")
    names = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for root in copies
    ]
    assert names[0] == names[1] and "nndl_lib.linear" in names[0]


@pytest.mark.parametrize("check", ["ruff check", "ruff format --check", "mypy --cache-dir cache"])
def test_checks_of_the_form_do_not_stumble_over_it(tmp_path, check):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ["nndl_lib", "book", "theme", "tests"]:
        files.write_whole(tmp_path / name / "__init__.py", '"""A folder."""\n')
        litter(tmp_path / name, BESIDE_MODULES, '"""A copy."""\n')
    done = subprocess.run(
        [sys.executable, "-m", *check.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_beside_the_sources_is_in_the_wheel(copies, tmp_path):
    wheel = release.build_wheel(tmp_path / "wheel", copies[1])
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    assert names == {*below(ROOT, files.library_files())}


def test_what_is_no_more_leaves_nothing(tmp_path, monkeypatch):
    built = tmp_path / "_build"
    monkeypatch.setattr(exercises, "BUILD", built)
    monkeypatch.setattr(exercises, "NOTEBOOKS", built / "notebooks")
    first, second = exercises.EXERCISES[:2]
    monkeypatch.setattr(exercises, "EXERCISES", [first, second])

    def write():
        exercises.write_notebooks(Origin())
        exercises.write_otter()
        return {file for file in built.rglob("*") if file.is_file()}

    before = write()
    files.write_whole(built / "otter" / first.stem / "nndl_lib" / "gone.py", "")  # of an earlier library
    files.write_whole(built / "otter" / second.stem / "autograder" / "autograder.zip", "")  # made by otter-grader
    monkeypatch.setattr(exercises, "EXERCISES", [first])
    after = write()
    assert {file for file in before if second.stem not in str(file)} == after
    assert not list(built.rglob(f"*{second.stem}*"))


def test_others_are_removed(tmp_path):
    kept = [tmp_path / "a" / "kept.txt", tmp_path / "not-there.txt"]
    for name in ["a/kept.txt", "a/gone.txt", "b/c/gone.txt", ".hidden/gone.txt"]:
        files.write_whole(tmp_path / name, name)
    (tmp_path / "link").symlink_to("nowhere")
    files.remove_others(tmp_path, kept)
    assert below(tmp_path, tmp_path.rglob("*")) == ["a", "a/kept.txt"]


# --- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_file_has_the_permissions_that_the_user_asks_for(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.write_whole(tmp_path / "page.html", "one")
        files.write_whole(tmp_path / "page.html", "two")
        release.archive(tmp_path, tmp_path / "site.zip")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o666 & ~mask
    with zipfile.ZipFile(tmp_path / "site.zip") as file:  # what is handed on can be read by everyone
        assert file.getinfo("site/page.html").external_attr >> 16 == 0o644


FULL = """
import resource, sys
from pathlib import Path
from book.files import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # a longer file fails, as on a full disk
write_whole(Path(sys.argv[1]), "new " * 1000)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of files")
def test_a_full_disk_leaves_no_half_file(tmp_path):
    for name in ["old.txt", "folder/new.txt"]:
        (tmp_path / "old.txt").write_text("old", encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", FULL, tmp_path / name], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
        assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["old.txt"]
        assert text_of(tmp_path / "old.txt") == "old"
