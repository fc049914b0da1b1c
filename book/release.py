"""What a release consists of: the wheel, the site and the notebooks as archives, the PDF of the book, and checksums.

    .venv/bin/python -m book.release     into _build/release, from what `make pdf` built

Where NNDL_REVISION names a tag (`v0.1.0`), it has to be that of the version, and CHANGELOG.md has to have its section.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin

from book.files import BUILD, NOTEBOOKS, PDF, ROOT, SITE, copy_file, library_files, project, write_whole

RELEASE = BUILD / "release"
PROJECT = ["pyproject.toml", "README.md", "LICENSE"]  # beside the library, all that the wheel is built from


def build_wheel(to: Path, root: Path = ROOT) -> Path:
    """Build the wheel, from a copy: setuptools leaves folders of its own where it works."""
    with tempfile.TemporaryDirectory() as scratch:
        for file in [*(root / name for name in PROJECT), *library_files(root)]:
            copy_file(file, Path(scratch, file.relative_to(root)))
        readme = Path(scratch, "README.md")
        readme.write_text(absolute_links(readme.read_text(encoding="utf-8")), encoding="utf-8")
        options = "--no-deps --no-build-isolation --quiet --disable-pip-version-check --wheel-dir".split()
        subprocess.run([sys.executable, "-m", "pip", "wheel", scratch, *options, str(to)], check=True)
    (wheel,) = to.glob("*.whl")
    return wheel


def absolute_links(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The README as PyPI shows it: links that are relative to its place at GitHub would lead nowhere there."""
    repository, revision = environment.get("NNDL_REPOSITORY"), environment.get("NNDL_REVISION") or "main"
    if not repository:
        return text
    place = f"{repository}/blob/{revision}/README.md"
    return re.sub(r"(?<=\]\()[^)\s]+(?=\))", lambda match: urljoin(place, match[0]), text)


def archive(folder: Path, to: Path) -> None:
    """Write a folder as a zip file that is the same, byte for byte, for the same content."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{to.stem}/{path.relative_to(folder).as_posix()}", (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            file.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def fault_of(tag: str, version: str, changelog: str) -> str:
    """Why this tag cannot be released, or the empty string."""
    if tag != f"v{version}":
        return f"the tag is {tag!r} and pyproject.toml says {version!r}; expected the tag 'v{version}'"
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        return f"CHANGELOG.md has no section '## [{version}] - year-month-day'"
    return ""


def main() -> int:
    version = project()["version"]
    tag = os.environ.get("NNDL_REVISION", "")
    if tag.startswith("v"):
        fault = fault_of(tag, version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
        if fault:
            print(f"release: {fault}", file=sys.stderr)
            return 1
    if not (SITE / PDF.name).is_file():
        print("release: the site has no PDF of the book: make pdf", file=sys.stderr)
        return 1
    shutil.rmtree(RELEASE, ignore_errors=True)
    (RELEASE / "wheel").mkdir(parents=True)
    files = [build_wheel(RELEASE / "wheel")]
    for name, folder in [("site", SITE), ("notebooks", NOTEBOOKS)]:
        files.append(RELEASE / f"nndl-{name}-{version}.zip")
        archive(folder, files[-1])
    files.append(RELEASE / f"nndl-book-{version}.pdf")
    shutil.copyfile(SITE / PDF.name, files[-1])
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    write_whole(RELEASE / "SHA256SUMS", "".join(sums))
    print("".join(sums), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
