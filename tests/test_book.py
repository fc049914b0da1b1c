"""The folders `book` and `theme`: which may use which, what needs no package, and what the book's settings name."""

import ast
import graphlib
import re
import subprocess
import sys

import pytest
import yaml

import book
import theme
from book.files import importable
from tests.chapters import ROOT, text_of

FILES = {  # by the name of the module
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for folder in ("book", "theme")
    for file in importable(ROOT / folder, ".py")
}
# The modules that need nothing but Python: the workflow `release` has nothing else; the tests of the library use some.
BARE = ["book.files", "book.kernel", "book.messages", "book.reference", "book.release"]


def imports(source):
    """The modules that a source imports, wherever in the source that is."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that one sees where they lead"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & FILES.keys() or {node.module}
    return found


def folders(source):
    return {name.split(".")[0] for name in imports(source)}


@pytest.mark.parametrize("name", FILES)
def test_the_theme_uses_the_book_and_never_the_other_way_round(name):
    used = folders(text_of(FILES[name]))
    assert not used & ({"theme", "nndl_lib", "tests"} if name.split(".")[0] == "book" else {"tests"})


def test_the_check_sees_every_form():
    for line in ("import theme.page", "from theme import page", "def late():\n    from theme.page import style as s"):
        assert folders(line) == {"theme"}, line
    assert imports("from book import files, origin") == {"book.files", "book.origin"}
    assert imports("from book.files import ROOT") == {"book.files"}


def test_nothing_is_imported_in_a_circle():
    graph = {name: imports(text_of(file)) & FILES.keys() for name, file in FILES.items()}
    assert graph["book.publish"] > {"book.exercises", "book.notebooks"}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, with the way


@pytest.mark.parametrize("folder", [book, theme])
def test_a_folder_says_what_is_in_it(folder):
    named = re.findall(r"^    (\w+) {2,}\S", folder.__doc__, re.MULTILINE)
    assert sorted(f"{folder.__name__}.{name}" for name in named) == [
        name for name in sorted(FILES) if name.startswith(f"{folder.__name__}.")
    ]


def test_the_settings_name_every_extension():
    named = yaml.safe_load(text_of(ROOT / "_config.yml"))["sphinx"]["config"]["extensions"]
    own = {name for name in named if name.split(".")[0] in ("book", "theme")}
    assert own == {name for name, file in FILES.items() if "\ndef setup(app):\n" in text_of(file)}


@pytest.mark.parametrize("name", BARE)
def test_what_needs_no_package(name):
    done = subprocess.run([sys.executable, "-S", "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
