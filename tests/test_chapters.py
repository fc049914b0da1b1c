"""Every chapter keeps the book's skeleton and its promises. Each failure names the file and the line."""

import re

import pytest
import yaml

from book.files import library_files
from tests.chapters import (
    CHAPTERS,
    EXERCISES,
    GUIDE,
    PLAY,
    ROOT,
    code_cells,
    executed_cells,
    prose_lines,
    sections,
    text_of,
)

chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
REFERENCE = [ROOT / "chapters" / f"{name}.md" for name in ("notation", "glossary", "lecture-map")]
PAGES = [*CHAPTERS, *EXERCISES, *PLAY, *REFERENCE, GUIDE, ROOT / "intro.md"]
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
notebook = pytest.mark.parametrize("path", [p for p in PAGES if p not in REFERENCE], ids=lambda path: path.stem)


def fail(faults):
    """Report all faults at once, one a line."""
    if faults:
        pytest.fail("\n" + "\n".join(faults), pytrace=False)


def at(path, line):
    return f"{path.relative_to(ROOT)}:{line}"


# --- the skeleton ---------------------------------------------------------------------------------------------------


@chapter
def test_parts_stand_in_order(path):
    names = list(sections(path))
    last = ["What to remember", "Exercises", "Further reading", "In the lectures"]
    assert names[-4:] == last, f"{path.name} ends with {names[-4:]}; expected {last}"
    assert len(names) >= 7, f"{path.name} has sections {names}; expected at least three before the closing ones"


@chapter
def test_first_screen(path):
    start = text_of(path).split("\n## ")[0]
    title, promise = start.index("\n# "), start.index("**After this chapter you can**")
    assert "```{code-cell}" in start[title:promise], f"{path.name}: nothing to run before 'After this chapter you can'"
    outcomes = re.findall(r"^> - ", start[promise:], re.MULTILINE)
    assert 4 <= len(outcomes) <= 6, f"{path.name}: {len(outcomes)} outcomes; expected 4 to 6"
    for word in ["> **Builds on**", "> **Time**"]:
        assert word in start[promise:], f"{path.name}: no {word!r} under the outcomes"


@chapter
def test_closing_parts_are_full(path):
    parts = sections(path)
    remembered = re.findall(r"^- ", parts["What to remember"][1], re.MULTILINE)
    assert 5 <= len(remembered) <= 8, f"{path.name}: {len(remembered)} lines to remember; expected 5 to 8"

    exercises, _, coding = parts["Exercises"][1].partition("### Coding exercises")
    asked = re.findall(r"^\*\*(\d+)\. ", exercises, re.MULTILINE)
    assert asked == [str(k) for k in range(1, len(asked) + 1)] and len(asked) >= 5, f"{path.name}: exercises {asked}"
    solved = re.findall(r"<details>\n<summary>Solution</summary>\n\n.+?\n\n</details>", exercises, re.DOTALL)
    assert len(solved) == len(asked), f"{path.name}: {len(asked)} exercises, {len(solved)} folded solutions"
    assert len(re.findall(r"^\d+\. \*\*", coding, re.MULTILINE)) >= 3, f"{path.name}: fewer than three coding exercises"

    assert re.search(r"doi\.org|arxiv\.org", parts["Further reading"][1]), f"{path.name}: no DOI or arXiv link"
    assert re.search(r"^- \*\*[A-E]\*\*", parts["In the lectures"][1], re.MULTILINE), f"{path.name}: names no lecture"


@chapter
def test_two_explorers_with_goals(path):
    calls = [source for _, _, source in code_cells(path) if re.search(r"^explore\(", source, re.MULTILINE)]
    assert len(calls) >= 2, f"{path.name}: {len(calls)} explorers; expected at least two"
    assert all("goal=" in call for call in calls)


def test_every_chapter_is_in_the_contents():
    contents = yaml.safe_load(text_of(ROOT / "_toc.yml"))
    listed = [entry["file"] for part in contents["parts"] for entry in part["chapters"]]
    listed = [name for name in listed if re.match(r"chapters/\d", name)]
    assert listed == [f"chapters/{path.stem}" for path in CHAPTERS]
    # Each with its exercises below it.
    below = {
        entry["file"]: [section["file"] for section in entry.get("sections", [])]
        for part in contents["parts"]
        for entry in part["chapters"]
        if entry["file"] in listed
    }
    assert [below[name] for name in listed] == [[f"exercises/{path.stem}"] for path in CHAPTERS]


@chapter
def test_chapter_and_exercises_link_each_other(path):
    assert f"](../exercises/{path.name})" in sections(path)["Exercises"][1]
    assert f"](../chapters/{path.name})" in text_of(ROOT / "exercises" / path.name)


def test_the_map_links_every_chapter():
    missing = [path.name for path in CHAPTERS if f"](chapters/{path.name})" not in text_of(ROOT / "intro.md")]
    assert not missing, f"intro.md: no link to {missing}"


# --- text -----------------------------------------------------------------------------------------------------------

MYST = {
    "a role": r"\{[a-z][\w:-]*\}`",
    "a directive": r"^\s*(:::|```+\{|~~~+\{)",
    "a label": r"^\([\w:.-]+\)=\s*$",
    "a comment": r"^%",
    "a block break": r"^\+\+\+",
    "a substitution": r"\{\{.+?\}\}",
    "an option line": r"^:[a-z-]+:",
    "a footnote": r"\[\^",
    "a link without text": r"\[\]\(",
    "a MyST link": r"<(project|path|inv|myst):",
}
EMPTY_WORDS = ["clearly", "simply", "obviously", "trivially", "easy to see", "needless to say", "of course"]


@page
def test_no_myst_in_text(path):
    faults = []
    for number, line in prose_lines(path):
        faults += [
            f"{at(path, number)}: {name}, which shows raw in Colab: {line.strip()!r}"
            for name, pattern in MYST.items()
            if re.search(pattern, line)
        ]
    # Directives open a fence, so prose_lines takes them for code: look for fences that are not code cells.
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if re.match(r"\s*`{3,}\{(?!code-cell\})", line):
            faults.append(f"{at(path, number)}: a directive, which shows raw in Colab: {line.strip()!r}")
    fail(faults)


@page
def test_plain_words(path):
    fail(
        [
            f"{at(path, number)}: {word!r} in {line.strip()!r}"
            for number, line in prose_lines(path)
            for word in EMPTY_WORDS
            if re.search(rf"\b{word}\b", line, re.IGNORECASE)
        ]
    )


@page
def test_headings_are_unique(path):
    # Two equal headings get the same anchor, and links to the second lead to the first.
    seen, faults = {}, []
    for number, line in prose_lines(path):
        if re.match(r"#{1,4} ", line):
            name = re.sub(r"[^\w -]", "", line.lstrip("# ").lower())  # as the anchor: without punctuation
            if name in seen:
                faults.append(f"{at(path, number)}: heading {name!r} stands at line {seen[name]} already")
            seen[name] = number
    fail(faults)


@chapter
def test_equations_are_numbered_in_order(path):
    chapter_number = int(path.stem[:2])
    tags = [(number, tag) for number, line in prose_lines(path) for tag in re.findall(r"\\tag\{(.*?)\}", line)]
    expected = [f"{chapter_number}.{k}" for k in range(1, len(tags) + 1)]
    fail(
        [
            f"{at(path, number)}: equation {tag}, expected {want}"
            for (number, tag), want in zip(tags, expected)
            if tag != want
        ]
    )
    fail(
        [
            f"{at(path, number)}: ({name}) is no equation of this chapter"
            for number, line in prose_lines(path)
            for name in re.findall(rf"\(({chapter_number}\.\d+)\)", line)
            if name not in expected
        ]
    )


def test_equations_that_the_library_cites_exist():
    tags = {tag for path in CHAPTERS for tag in re.findall(r"\\tag\{(.*?)\}", text_of(path))}
    cited = [
        (file.name, number) for file in library_files() for number in re.findall(r"\beq\. (\d+\.\d+)", text_of(file))
    ]
    assert cited, "no docstring cites an equation"
    fail([f"nndl_lib/{name}: eq. {number} is in no chapter" for name, number in cited if number not in tags])


# --- code and its output --------------------------------------------------------------------------------------------


@page
def test_code_fits_the_page(path):
    faults = []
    for start, _, source in code_cells(path):
        lines = source.splitlines()
        if len(lines) > 40:
            faults.append(f"{at(path, start)}: a cell of {len(lines)} lines; expected at most 40")
        faults += [
            f"{at(path, start)}: a line of {len(line)} characters; expected at most 88: {line.strip()!r}"
            for line in lines
            if len(line) > 88
        ]
    fail(faults)


@notebook
def test_every_figure_has_an_alt_text(path):
    faults = []
    for line, cell in executed_cells(path):
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.outputs:
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data) and len(alt) < 40:
                faults.append(
                    f"{at(path, line)}: a figure without alt text (mystnb: image: alt), or one too short: {alt!r}"
                )
            html = "".join(data.get("text/html", ""))
            faults += [
                f"{at(path, line)}: an explorer's picture without alt text"
                for tag in re.findall("<img[^>]*>", html)
                if not re.search(r'alt="[^"]{15,}"', tag)
            ]
    fail(faults)


@notebook
def test_every_cell_ran_and_is_compared(path):
    # nbval compares nothing in a cell that has no execution count, or one that is tagged to be left out.
    cells = executed_cells(path)
    fail([f"{at(path, line)}: this cell was not executed" for line, cell in cells if not cell.execution_count])
    with_output = [cell for _, cell in cells if cell.outputs]
    expected = sum(
        1 for _, cell in cells if re.search(r"^(print|explore|plt\.show|check[\w.]*)\(", cell.source, re.MULTILINE)
    )
    assert len(with_output) >= expected > 0, f"{path.name}: {len(with_output)} cells with output; expected {expected}"
    ignored = [
        line for line, cell in cells if {"nbval-ignore-output", "nbval-skip"} & set(cell.metadata.get("tags", []))
    ]
    assert len(ignored) <= 0.05 * len(with_output), f"{path.name}: outputs at lines {ignored} are not compared"


@notebook
def test_no_output_is_an_accident(path):
    # Errors and warnings must not be part of a page.
    faults = []
    for line, cell in executed_cells(path):
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"{at(path, line)}: this cell failed: {output.ename}: {output.evalue}")
            elif output.get("name") == "stderr":
                faults.append(f"{at(path, line)}: this cell writes to stderr: {output.text[:200]!r}")
            elif output.output_type == "execute_result":
                faults.append(f"{at(path, line)}: ends with a bare expression; end with plt.show() or print(...)")
    fail(faults)
