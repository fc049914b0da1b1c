"""The names that the library promises to keep, in tests/public_names.txt, one module a line, `nndl_lib.linear: ridge`.

    make names     adds what is new; nothing is ever removed by itself

A name that is to go is first marked there, `ridge(deprecated:0.3.0)`, with a docstring that says "Deprecated since
0.3.0" and what to use instead, and a DeprecationWarning when it is called. It may go in a later minor version.
"""

import importlib
import re
import tomllib

from book.files import ROOT, library_files

FILE = ROOT / "tests" / "public_names.txt"


def current() -> dict[str, list[str]]:
    """For every public module, which has no underscore in its name, its ``__all__``, sorted."""
    files = [file.relative_to(ROOT).with_suffix("") for file in library_files() if file.suffix == ".py"]
    names = {".".join(file.parts).removesuffix(".__init__") for file in files}
    return {
        name: sorted(importlib.import_module(name).__all__)
        for name in sorted(names)
        if name != "nndl_lib" and "._" not in name
    }


def promised(text: str) -> dict[str, dict[str, str]]:
    """For every module its names, each with the version since which it is deprecated, or the empty string."""
    found = {}
    for line in text.splitlines():
        module, _, names = line.partition(": ")
        found[module] = dict(
            re.fullmatch(r"(\w+)(?:\(deprecated:([\d.]+)\))?", name).groups(default="") for name in names.split()
        )
    return found


def faults(promise: dict, names: dict, docstring, version: str) -> list[str]:
    """What is wrong between the promise and the library: a name removed too early, or new and not promised yet."""
    found = []
    minor = tuple(map(int, version.split(".")[:2]))
    for module, wanted in promise.items():
        for name, since in wanted.items():
            here = name in names.get(module, [])
            if not here and not since:
                found.append(
                    f"{module}.{name} is gone: readers' code uses it; deprecate it first (tests/public_names.py)"
                )
            elif not here and tuple(map(int, since.split(".")[:2])) >= minor:
                found.append(
                    f"{module}.{name} is gone in {version}, the minor version in which it was deprecated ({since})"
                )
            elif here and since and f"Deprecated since {since}" not in (docstring(module, name) or ""):
                found.append(f"{module}.{name}: its docstring does not say 'Deprecated since {since}'")
    for module, wanted in names.items():
        found += [f"{module}.{name} is new: make names" for name in wanted if name not in promise.get(module, {})]
    return found


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def main() -> None:
    promise = promised(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for module, names in current().items():
        for name in names:
            promise.setdefault(module, {}).setdefault(name, "")
    lines = [
        f"{module}: "
        + " ".join(name + (f"(deprecated:{since})" if since else "") for name, since in sorted(names.items()))
        for module, names in sorted(promise.items())
    ]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
