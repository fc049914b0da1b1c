"""What the tests know about the chapters: their sources, their executed notebooks, and lines to point at."""

import re
from pathlib import Path

import jupytext
import nbformat

from book.files import CHAPTERS, EXECUTED, EXERCISES, ROOT, SITE

__all__ = ["CHAPTERS", "EXECUTED", "EXERCISES", "ROOT", "SITE"]  # where the build has them
PLAY = [ROOT / "chapters" / "playground.md", ROOT / "chapters" / "draw-a-digit.md"]  # pieces that run in the browser
GUIDE = ROOT / "exercises" / "how-to-work-the-exercises.md"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_lines(path: Path) -> list[tuple[int, str]]:
    """(line number, line) of all that is not a code cell, a fenced block or the header."""
    lines, fence, header = [], None, False
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if number == 1 and line == "---":
            header = True
        elif header:
            header = line != "---"
        elif fence:
            fence = None if line.strip() == fence else fence
        elif match := re.match(r"\s*(`{3,}|~{3,})", line):
            fence = match[1]
        else:
            lines.append((number, line))
    return lines


def code_cells(path: Path) -> list[tuple[int, list[str], str]]:
    """(line number, tags, source) of each code cell."""
    cells = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    starts = [k for k, line in enumerate(text_of(path).splitlines(), start=1) if line.startswith("```{code-cell}")]
    assert len(cells) == len(starts), f"{path.name}: {len(cells)} code cells, {len(starts)} fences"
    return [(line, cell.metadata.get("tags", []), cell.source) for line, cell in zip(starts, cells)]


def executed_cells(path: Path) -> list[tuple[int, nbformat.NotebookNode]]:
    """(line number in the source, executed cell) of each code cell."""
    notebook = nbformat.read(EXECUTED / path.relative_to(ROOT).with_suffix(".ipynb"), as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for line, _, _ in code_cells(path)]
    assert len(cells) == len(lines), (
        f"{path.name}: the executed notebook has {len(cells)} code cells, the source {len(lines)}"
    )
    return list(zip(lines, cells))


def sections(path: Path) -> dict[str, tuple[int, str]]:
    """For each heading of level 2: its line, and the text up to the next one."""
    found, name = {}, None
    headings = {number: line[3:].strip() for number, line in prose_lines(path) if line.startswith("## ")}
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if number in headings:
            name = headings[number]
            found[name] = (number, "")
        elif name:
            found[name] = (found[name][0], found[name][1] + line + "\n")
    return found
