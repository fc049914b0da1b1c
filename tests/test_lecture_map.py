"""The lecture map: each topic leads to a section that exists, or says that it is planned."""

import re

import pytest

from tests.chapters import CHAPTERS, ROOT, prose_lines, sections, text_of

MAP = ROOT / "chapters" / "lecture-map.md"
LECTURES = {name[0]: text for name, (_, text) in sections(MAP).items()}
ROWS = [
    (number, *(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]))
    for number, line in prose_lines(MAP)
    if line.startswith("|") and not re.match(r"\| (topic|-)|\|-", line)
]


def anchor(heading):
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()))


def anchors(path):
    return {anchor(match[2]) for _, line in prose_lines(path) if (match := re.match(r"(#{1,3}) (.+)", line))}


def test_all_five_lectures_have_topics():
    assert sorted(LECTURES) == list("ABCDE")
    assert all(text.count("\n|") > 15 for text in LECTURES.values())


@pytest.mark.parametrize(
    ("number", "topic", "where"), ROWS, ids=lambda value: value if isinstance(value, int) else None
)
def test_a_topic_leads_to_a_section_or_is_planned(number, topic, where):
    links = re.findall(r"\[[^\]]+\]\(([^)]+)\)", where)
    rest = re.sub(r"\[[^\]]+\]\([^)]+\)", "", where).strip(" ,")
    assert topic and (where == "planned" or (links and not rest)), (
        f"lecture-map.md:{number}: {topic!r} leads to {where!r}"
    )
    for link in links:
        file, _, part = link.partition("#")
        assert (MAP.parent / file).exists(), f"lecture-map.md:{number}: there is no {file}"
        assert part in anchors(MAP.parent / file), f"lecture-map.md:{number}: {file} has no heading {part!r}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_in_the_map_of_each_lecture_that_it_names(path):
    named = re.findall(r"^- \*\*([A-E])\*\*", sections(path)["In the lectures"][1], re.MULTILINE)
    missing = [letter for letter in named if f"]({path.name}" not in LECTURES[letter]]
    assert named and not missing, f"{path.name} names the lectures {named}; the map of {missing} does not lead to it"


def test_the_notation_page_leads_to_sections_that_exist():
    page = ROOT / "chapters" / "notation.md"
    links = re.findall(r"\]\((\d\d-[^)#]+)#([^)]+)\)", text_of(page))
    assert len(links) > 20
    missing = [f"{file}#{part}" for file, part in links if part not in anchors(page.parent / file)]
    assert not missing
