"""Where a book comes from: the one place that knows the repository, the revision and the addresses that follow."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from book.files import ROOT, project

# As git names tags, which includes all commits; HEAD would be another commit for each who installs it.
REVISION = re.compile(r"(?!HEAD$|refs/)\w(?:[\w+-]|[./](?=\w))*", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """Where a book comes from. What is not known is empty; then notebooks say so instead of installing anything."""

    repository: str = ""  # https://github.com/owner/name
    revision: str = ""  # the tag or commit that the book was built from
    site: str = ""  # the address of the published pages, without a slash at the end
    branch: str = "main"  # where the sources are edited
    version: str = "0"  # of the library
    fault: str = ""  # why the revision is not known, where the repository is: in a line, for whoever builds the book

    @property
    def name(self) -> str:
        """`owner/name`, which is what Colab and Binder ask for."""
        return self.repository.removeprefix("https://github.com/")

    @property
    def source(self) -> str:
        """What pip installs the library from."""
        return f"git+{self.repository}@{self.revision}" if self.repository and self.revision else ""

    def colab(self, path: str) -> str:
        """Where Colab opens a notebook of the branch `notebooks`."""
        return f"https://colab.research.google.com/github/{self.name}/blob/notebooks/{path}"

    def binder(self, path: str) -> str:
        """Where Binder opens it."""
        return f"https://mybinder.org/v2/gh/{self.name}/notebooks?urlpath=lab/tree/{path}"

    def file(self, path: str, action: str = "blob") -> str:
        """Where a source is shown, or edited (`edit`)."""
        return f"{self.repository}/{action}/{self.branch}/{path}"


def origin(environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Origin:
    """The origin of this checkout. The environment comes before `_config.yml`, so that a fork changes no file; where
    neither names a repository, it is the one at GitHub that this was cloned from.

    Raises ValueError where the repository's address is not one at GitHub, which is where Colab and Binder look,
    or where NNDL_REVISION cannot be a tag or a commit.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings = config.get("repository") or {}
    repository = environment.get("NNDL_REPOSITORY") or settings.get("url") or find_repository(root)
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
    version = project(root)["version"] if (root / "pyproject.toml").is_file() else "0"
    revision, fault = environment.get("NNDL_REVISION") or "", ""
    if revision and not REVISION.fullmatch(revision):
        raise ValueError(f"NNDL_REVISION is {revision!r}; expected a tag or a commit, for example v{version}")
    if repository and not revision:
        try:
            revision = find_revision(root, version)
        except LookupError as error:
            fault = (
                f"notebooks cannot install the library, since its revision is not known ({error}): set NNDL_REVISION"
            )
    return Origin(repository, revision, site.rstrip("/"), settings.get("branch") or "main", version, fault)


def find_repository(root: Path) -> str:
    """The address at GitHub that this checkout was cloned from, by its remote `origin`, or the empty string."""
    try:
        address = git_of(root, "remote", "get-url", "origin")
    except LookupError:
        return ""
    match = re.fullmatch(r"(?:https://|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    return f"https://github.com/{match[1]}" if match else ""


def find_revision(root: Path, version: str) -> str:
    """The tag of this version if it is here, else the commit. Raises LookupError where neither is known."""
    tags = git_of(root, "tag", "--points-at", "HEAD").split()
    return f"v{version}" if f"v{version}" in tags else git_of(root, "rev-parse", "HEAD")


def git_of(root: Path, *arguments: str) -> str:
    """What git says of the repository whose folder this is.

    Raises LookupError with the reason where it says nothing. Git may be missing, it may refuse the folder of another
    owner, and where these files were unpacked inside another repository it would answer for that one.
    """
    # A hook of git's sets these, and git then answers for its own repository wherever it is asked.
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, text=True)
        except FileNotFoundError:
            raise LookupError("git is not installed") from None
        if done.returncode != 0:
            raise LookupError(f"git says: {done.stderr.strip().split(chr(10))[0].removeprefix('fatal: ')}")
        return done.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    if not top or not root.samefile(top):
        raise LookupError(f"the files are no repository of their own, but lie in that of {top}")
    return git(*arguments)
