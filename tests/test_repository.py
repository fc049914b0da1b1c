"""The repository's own promises: what the README says is what CI runs, pins are pins, nothing generated is tracked."""

import re
import subprocess
import tomllib

import yaml

from tests.chapters import ROOT, text_of
from tests.test_book import BARE


def commands(script):
    """The lines of a shell script that do something for the book."""
    return re.findall(r"^\s*(make [\w-]+)", script, re.MULTILINE)


def test_ci_runs_what_the_readme_says():
    assert commands(text_of(ROOT / ".ci" / "run")) == ["make test"]
    for command in ["make book", "make test"]:
        assert re.search(rf"^{command}\b", text_of(ROOT / "README.md"), re.MULTILINE), f"README.md: no {command!r}"
    for target in re.findall(
        r"`make ([\w-]+)`|^make ([\w-]+)", text_of(ROOT / "README.md") + text_of(ROOT / "CONTRIBUTING.md"), re.MULTILINE
    ):
        target = "".join(target)
        assert re.search(rf"^{target}:", text_of(ROOT / "Makefile"), re.MULTILINE), f"the Makefile has no {target!r}"
    workflow = yaml.safe_load(text_of(ROOT / ".github" / "workflows" / "test.yml"))
    runs = [step for step in workflow["jobs"]["book"]["steps"] if "run" in step]
    assert [step["run"] for step in runs] == ["bash .ci/run", "make pdf"]
    assert "github.event_name != 'pull_request'" in runs[1]["if"]  # what is published has a PDF: it takes minutes


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_pins_every_dependency():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["book"],
        *project["optional-dependencies"]["test"],
    ]
    lock = text_of(ROOT / "requirements.lock")
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert all(re.match(r"[\w.-]+==[\w.+]+( ;.*)?$", line) for line in lines), (
        "the lock holds something else than exact pins"
    )
    pinned = {normal(line.split("==")[0]) for line in lines}
    missing = [name for name in wanted if normal(re.match(r"[\w.-]+", name)[0]) not in pinned]
    assert not missing, f"requirements.lock: no pin for {missing}"


def test_each_direct_dependency_says_why():
    text = text_of(ROOT / "pyproject.toml")
    entries = re.findall(r'^  "([\w-]+)[^"]*",(.*)$', text, re.MULTILINE)
    assert len(entries) > 10
    assert [name for name, comment in entries if "#" not in comment] == []


def test_nothing_generated_is_tracked():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    made = [
        name
        for name in tracked
        if name.endswith((".ipynb", ".html", ".pyc")) or name.startswith(("_build", ".venv", "reference/"))
    ]
    bad = [name for name in made if not name.startswith("theme/nndl/")]  # templates of pages
    assert not bad, f"tracked, but generated: {bad}"


def test_tests_of_the_library_need_nothing_of_the_book():
    # They run where the package alone is installed: in a workflow on other systems, and on other Pythons.
    bare = "|".join(re.escape(name) for name in BARE)
    for file in (ROOT / "tests" / "library").glob("*.py"):
        used = rf"^\s*(?:from|import) (?!(?:{bare})\b)((?:tests\.chapters|book|theme)\b.*)$"
        found = re.findall(used, text_of(file), re.MULTILINE)
        assert not found, f"{file.name} imports {found}"
    workflow = yaml.safe_load(text_of(ROOT / ".github" / "workflows" / "test.yml"))
    assert workflow["jobs"]["library"]["steps"][-1]["run"].endswith(" tests/library")
