"""Whether a notebook and the library that it finds fit together.

Published notebooks call ``require`` in their first cell, which installs the library where there is none. A notebook may
outlive its environment: someone opens it a year later, beside an older copy of the library. Nothing is imported here
but Python's own modules, so that the answer comes at once.
"""

import importlib.util
import re
import sys
from pathlib import Path

import nndl_lib

__all__ = ["announce_size", "require"]


def require(version: str, source: str = "") -> None:
    """Return if this copy of the library is ``version`` or newer.

    Args:
        version: the version that the notebook was written for, as ``"0.1.0"``.
        source: what pip installs that version from; empty if nobody knows.

    Raises:
        ValueError: ``version`` is not a version.
        ImportError: the copy is older; the message says how to update it.
    """
    if _numbers(nndl_lib.__version__) >= _numbers(version):
        return
    folder = Path(nndl_lib.__file__).resolve().parent.parent
    if (folder / "pyproject.toml").is_file():
        update = f"It comes from the project's files in {str(folder)!r}: get the newest there (git pull)"
    elif source:
        update = f'Update it: {sys.executable} -m pip install --upgrade "nndl-lib @ {source}"'
    else:
        update = "Get the project's newest files, and run make lab there"
    raise ImportError(
        f"This notebook was written for nndl_lib {version}, and nndl_lib {nndl_lib.__version__} is installed here. "
        f"{update}; then restart the kernel."
    )


def announce_size() -> None:
    """In Colab, print which size of a chapter's experiments fits the machine. Elsewhere, do nothing.

    Chapters with ``FULL_SIZE`` run the small one until that is set.
    """
    if not _in_colab():
        return
    import torch

    if torch.cuda.is_available():
        print("This machine has a GPU: the cell that sets FULL_SIZE = False may say True, which takes minutes.")
    else:
        print(
            "This machine has no GPU, so the small variant runs: FULL_SIZE stays False. "
            "For the full size choose Runtime, Change runtime type, T4 GPU, and run this cell again."
        )


def _in_colab() -> bool:
    return "google" in sys.modules and importlib.util.find_spec("google.colab") is not None


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers before any suffix: (0, 2, 0) for 0.2.0.dev1."""
    match = re.match(r"\d+(\.\d+)*", version)
    if not match:
        raise ValueError(f"require: {version!r} is not a version; expected one like '0.1.0'")
    return tuple(int(part) for part in match[0].split("."))
