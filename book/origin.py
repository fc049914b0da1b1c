"""Where a book comes from: the one place that knows the repository, the revision and the addresses that follow."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from book.files import ROOT, project


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
    version = project(root)["version"] if (root / "pyproject.toml").is_file() else "0"
    revision = environment.get("NNDL_REVISION") or (find_revision(root, version) if repository else "")
    return Origin(repository, revision, site.rstrip("/"), settings.get("branch") or "main", version)


def find_revision(root: Path, version: str) -> str:
    """The tag of this version if it is here, else the commit; empty where git knows of neither."""

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        except FileNotFoundError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    return f"v{version}" if f"v{version}" in git("tag", "--points-at", "HEAD").split() else git("rev-parse", "HEAD")
