"""The pages of the API reference: every public name is there, with what its docstring says."""

import re
import subprocess
import sys
import time

import pytest

from book import reference
from tests import public_names
from tests.chapters import ROOT, SITE, text_of

BOOK = reference.Book(ROOT)
NAMES = public_names.current()


@pytest.mark.parametrize("name", BOOK.pages)
def test_page(name):
    html, markdown = text_of(SITE / "reference" / "nndl_lib" / f"{name}.html"), BOOK.page(name)
    rooms = [
        module
        for module in NAMES
        if module == f"nndl_lib.{name}" or module.startswith(f"nndl_lib.{name}.") and name != "checks"
    ]
    names = {entry for module in rooms for entry in NAMES[module] if f"{module}.{entry}" not in NAMES}
    shown = set(re.findall(r"^#{2,3} ([\w\\]+)$", markdown, re.MULTILINE)) | set(
        re.findall(r"`(\w+)`", "".join(re.findall("^Constants: .*$", markdown, re.MULTILINE)))
    )
    assert {entry.replace("\\", "") for entry in shown} == names
    # The text is shown as it is meant: no backtick is left over, nothing became emphasis by chance.
    body = re.sub(
        r"<pre>.*?</pre>|<code.*?</code>|<script.*?</script>",
        "",
        re.search(r"<article.*?</article>", html, re.DOTALL)[0],
        flags=re.DOTALL,
    )
    assert "`" not in body and "<em>" not in body
    assert not re.search(r">(Args|Returns|Raises):", body)


def test_the_index_names_every_module():
    html = text_of(SITE / "reference" / "index.html")
    tops = {name.split(".")[1] for name in NAMES}
    assert tops == {*BOOK.pages}
    for name in BOOK.pages:
        assert f'href="nndl_lib/{name}.html"' in html
    assert "chapters/02-linear-models.html" in text_of(SITE / "reference" / "nndl_lib" / "linear.html")


def test_docstrings_become_markdown():
    text = BOOK.docstring(
        'A sum ``a * b`` of a_b and <c>, chapter 02, "Linear models"; see ``linear``.\n\n'
        "Args:\n    x: the input,\n        on two lines.\n"
        "    y, z: more.\n\nReturns:\n    What ``x`` is.\n\nUsed so::\n\n    f(x)  # [1]\n\n"
        "Raises:\n    ValueError: x is *bad*.\n"
    )
    assert text.splitlines() == [
        (
            "A sum ``a * b`` of a\\_b and \\<c\\>, [chapter 2](../../chapters/02-linear-models.md), "
            '"Linear models"; see [`linear`](linear.md).'
        ),
        "",
        "**Args**",
        "",
        "- `x`: the input,",
        "  on two lines.",
        "- `y, z`: more.",
        "",
        "**Returns**",
        "",
        "What ``x`` is.",
        "",
        "Used so:",
        "",
        "```python",
        "f(x)  # [1]",
        "```",
        "",
        "**Raises**",
        "",
        "- `ValueError`: x is \\*bad\\*.",
    ]


def test_signatures_are_as_written(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "nndl_lib").mkdir()
    (tmp_path / "nndl_lib" / "__init__.py").write_text('"""``one``"""\n', encoding="utf-8")
    (tmp_path / "nndl_lib" / "one.py").write_text(
        '''"""One."""
__all__ = ["LIMIT", "Thing", "function"]
LIMIT = 3
class Thing:
    """A thing."""
    def __init__(self, size: int, /, *rest, name="x"):
        pass
    def grow(self, by: float = 1.0) -> None:
        """Grow."""
    @property
    def area(self) -> float:
        """Area."""
    @staticmethod
    def make(kind) -> "Thing":
        """Make."""
def function(
    first: tuple[int, int], second: dict[str, list[float]] = {"a": [1, 2]}, *, third: str = "long", **fourth
) -> list[int]:
    """Function."""
def hidden():
    """Not offered."""
''',
        encoding="utf-8",
    )
    page = reference.Book(tmp_path).page("one")
    for line in [
        "Thing(size: int, /, *rest, name='x')",
        "Thing.grow(by: float=1.0) -> None",
        "Thing.area -> float",
        "Thing.make(kind) -> 'Thing'",
        (
            "    first: tuple[int, int],\n    second: dict[str, list[float]]={'a': [1, 2]},\n    *,\n"
            "    third: str='long',\n    **fourth\n) -> list[int]"
        ),
        "Constants: `LIMIT`.",
    ]:
        assert line in page, page
    assert "hidden" not in page


def test_pages_that_did_not_change_are_left_alone(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "nndl_lib").mkdir()
    (tmp_path / "nndl_lib" / "__init__.py").write_text('"""``one`` ``two``"""\n', encoding="utf-8")
    for name in ["one", "two"]:
        (tmp_path / "nndl_lib" / f"{name}.py").write_text('"""Text."""\n__all__ = []\n', encoding="utf-8")
    reference.write(tmp_path)
    page = tmp_path / "reference" / "nndl_lib" / "one.md"
    before = page.stat().st_mtime_ns
    (tmp_path / "nndl_lib" / "two.py").unlink()
    reference.write(tmp_path)
    assert page.stat().st_mtime_ns == before
    assert sorted(file.name for file in (tmp_path / "reference").rglob("*.md")) == ["index.md", "one.md"]


def test_it_is_quick_and_imports_nothing():
    start = time.process_time()
    for name in reference.Book(ROOT).pages:
        BOOK.page(name)
    assert time.process_time() - start < 5
    use = "reference.Book(reference.Path('.')).page('nn')"
    code = f"import sys; from book import reference; {use}; print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
