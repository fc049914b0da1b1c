"""The revision that published notebooks install: this checkout's own, or a line that says why it is not known."""

import subprocess
from types import SimpleNamespace

import pytest

from book import origin, publish

CONFIG = "repository:\n  url: https://github.com/a/b\n"
COMMIT = "git -c user.name=n -c user.email=e@x.org -c commit.gpgsign=false commit --quiet --allow-empty -m first"


@pytest.fixture(autouse=True)
def nothing_is_given(monkeypatch):
    for name in ["NNDL_REPOSITORY", "NNDL_REVISION", "NNDL_SITE"]:
        monkeypatch.delenv(name, raising=False)


def make_repository(folder):
    """A repository with a commit, whose name is returned."""
    folder.mkdir(exist_ok=True)
    (folder / "_config.yml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(COMMIT.split(), cwd=folder, check=True)
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


def unpack(folder):
    """The files of a book without its history."""
    folder.mkdir()
    (folder / "_config.yml").write_text(CONFIG, encoding="utf-8")
    return folder


def test_a_checkout_knows_its_commit(tmp_path):
    commit = make_repository(tmp_path / "a book")
    found = origin.origin({}, tmp_path / "a book")
    assert found.source == f"git+https://github.com/a/b@{commit}" and found.fault == ""
    (tmp_path / "a link").symlink_to(tmp_path / "a book")
    assert origin.origin({}, tmp_path / "a link").revision == commit


def test_a_hook_of_another_repository_does_not_answer(tmp_path, monkeypatch):
    commit = make_repository(tmp_path / "book")
    subprocess.run(["git", "init", "--quiet", tmp_path / "other"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert origin.find_revision(tmp_path / "book", "0") == commit


def faults(tmp_path, monkeypatch):
    """Books whose revision nobody knows: (folder, words of the reason)."""
    yield unpack(tmp_path / "alone"), "git says: not a git repository"
    make_repository(tmp_path / "course")
    yield unpack(tmp_path / "course" / "book"), f"lie in that of {tmp_path / 'course'}"
    subprocess.run(["git", "init", "--quiet", unpack(tmp_path / "new")], check=True)
    yield tmp_path / "new", "git says: "  # no commit yet
    make_repository(tmp_path / "another's")
    with monkeypatch.context() as changed:
        changed.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "true")
        yield tmp_path / "another's", "git says: detected dubious ownership"
    with monkeypatch.context() as changed:
        changed.setenv("PATH", str(tmp_path))
        yield tmp_path / "another's", "git is not installed"


def test_a_revision_that_is_not_known_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for root, reason in faults(tmp_path, monkeypatch):
        found = origin.origin({}, root)
        assert (found.revision, found.source) == ("", "") and found.repository
        assert reason in found.fault and "\n" not in found.fault, found.fault
        assert found.fault.endswith("set NNDL_REVISION")
        given = origin.origin({"NNDL_REVISION": "v1.2.3"}, root)  # whoever says it is believed
        assert (given.revision, given.fault) == ("v1.2.3", "")


def test_without_a_repository_nobody_asks(tmp_path):
    (tmp_path / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    assert origin.origin({}, tmp_path) == origin.Origin()


@pytest.mark.parametrize(
    "address, repository",
    [
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("git@github.com:a/b-c.d.git", "https://github.com/a/b-c.d"),
        ("ssh://git@github.com/a/b", "https://github.com/a/b"),
        ("https://example.org/a/b.git", ""),
        ("/somewhere/a/b", ""),
    ],
)
def test_a_clone_knows_its_repository(tmp_path, address, repository):
    commit = make_repository(tmp_path / "book")
    (tmp_path / "book" / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    assert origin.origin({}, tmp_path / "book").repository == ""  # no remote
    subprocess.run(["git", "remote", "add", "origin", address], cwd=tmp_path / "book", check=True)
    found = origin.origin({}, tmp_path / "book")
    assert (found.repository, found.revision) == (repository, commit if repository else "")
    given = {"NNDL_REPOSITORY": "https://github.com/c/d"}
    assert origin.origin(given, tmp_path / "book").repository == "https://github.com/c/d"  # it comes first
    inside = unpack(tmp_path / "book" / "course")  # files within another repository are not its own
    (inside / "_config.yml").write_text("title: A book\n", encoding="utf-8")
    assert origin.origin({}, inside).repository == ""


def test_nothing_is_published_without_a_revision(monkeypatch, capsys):
    written = []
    monkeypatch.setattr(publish, "write_all", written.append)
    for found, status in [
        (origin.Origin(), 0),  # no repository: notebooks say what to do
        (origin.Origin("https://github.com/a/b", "v1", fault=""), 0),
        (origin.Origin("https://github.com/a/b", fault="the revision is not known"), 1),
    ]:
        monkeypatch.setattr(publish, "origin", lambda found=found: found)
        assert publish.main() == status
        assert (written.pop() if written else None) == (None if status else found)
    assert capsys.readouterr().err == "publish: the revision is not known\n"


def test_a_build_says_it_in_a_line(monkeypatch, capsys):
    for found, said in [
        (origin.Origin("https://github.com/a/b", "v1"), ""),
        (origin.Origin("https://github.com/a/b", fault="the revision is not known"), "  the revision is not known\n"),
    ]:
        monkeypatch.setattr(publish, "origin", lambda found=found: found)
        publish.find_origin(SimpleNamespace(), SimpleNamespace())
        assert capsys.readouterr().out == said


@pytest.mark.parametrize("name", ["v1.2.3", "0123abc", "a" * 40, "spring-2027", "course/v1", "v1.0+b", "12"])
def test_what_may_be_a_revision(tmp_path, name):
    assert origin.origin({"NNDL_REVISION": name}, unpack(tmp_path / "book")).revision == name


@pytest.mark.parametrize(
    "name",
    ["HEAD", " ", "v1 ", "-v1", "a..b", "v1;x", "refs/heads/main", "a b", "@", "v1.", "a/", "a@{1}", "v1\n", "~"],
)
def test_what_is_no_revision(tmp_path, name):
    with pytest.raises(ValueError, match="NNDL_REVISION is .*; expected a tag or a commit, for example v0"):
        origin.origin({"NNDL_REVISION": name}, unpack(tmp_path / "book"))
