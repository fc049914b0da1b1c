"""The glossary: in order, each word once, each leading to a section that exists and uses the word."""

import re
from collections import Counter

import pytest

from tests.chapters import CHAPTERS, ROOT, prose_lines, text_of
from tests.test_lecture_map import anchor, anchors

PAGE = ROOT / "chapters" / "glossary.md"
ITEM = re.compile(r"- \*\*(?P<term>[^*]+)\*\*: (?P<text>.+?) → (?P<links>\[.+\))")
LINK = re.compile(r"\[chapter (\d+)\]\(([\w.-]+\.md)#([\w-]+)\)")


def items_of(lines):
    """(line number, item) of the list, with the lines that continue an item joined to it."""
    items = []
    for number, line in lines:
        if line.startswith("- "):
            items.append((number, line))
        elif line.startswith("  ") and items:
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}")
    return items


ITEMS = items_of(prose_lines(PAGE))
ENTRIES = [(number, *match.group("term", "text", "links")) for number, item in ITEMS if (match := ITEM.fullmatch(item))]


def key(term):
    """What the order goes by: letters, digits and spaces, word by word."""
    return re.sub(r"[^a-z0-9 ]", "", re.sub(r"[-–]", " ", term.lower()))


def names(term):
    """`long short-term memory (LSTM)` has two names; `bias (an error)` has one, with a remark."""
    name, _, rest = term.partition(" (")
    return [name] if re.match(r"an? |of |\Z", rest) else [name, rest.rstrip(")")]


def forms(name):
    """The word, its plural, and the other forms of a verb: overfitting, overfits, overfit; saturation, saturates."""
    found = [name, *(name + ending for ending in ("s", "es", "d", "ed"))]
    if name.endswith("y"):
        found.append(name[:-1] + "ies")
    if match := re.fullmatch(r"(.+?)(?:(.)\2)?(ing|ion)", name):
        stem = match[1] + (match[2] or "")
        found += [stem + ending for ending in ("", "s", "e", "es", "ed")]
    return found


def plain(text):
    return re.sub(r"[\s–-]+", " ", re.sub(r"[*$]", "", text)).lower()


def uses(text, name):
    """Whether one paragraph, or it and the heading above, has every word of the name in one of its forms."""
    heading, _, rest = text.partition("\n") if text.startswith("#") else ("", "", text)
    words = ["|".join(re.escape(form) for form in forms(word)) for word in plain(name).split()]
    return any(
        all(re.search(rf"(?<!\w)(?:{word})(?!\w)", plain(f"{heading} {paragraph}")) for word in words)
        for paragraph in re.split(r"\n\n+|\n(?=- )", rest)
    )


def sections_by_anchor(path):
    """For each heading of level 2 or 3: itself and its prose, up to the next heading."""
    found, current = {}, None
    for _, line in prose_lines(path):
        if match := re.match(r"#{1,3} (.+)", line):
            current = anchor(match[1])
            found[current] = ""
        if current:
            found[current] += line + "\n"
    return found


SECTIONS = {path.name: sections_by_anchor(path) for path in CHAPTERS}


def test_every_item_is_an_entry():
    odd = [f"glossary.md:{number}: {item[:60]!r}" for number, item in ITEMS if not ITEM.fullmatch(item)]
    assert not odd, "expected '- **term**: text → [chapter N](file.md#section)': " + "; ".join(odd)
    assert len(ENTRIES) > 130
    wrong = [
        f"glossary.md:{number}: {term}"
        for number, term, text, links in ENTRIES
        if re.sub(LINK, "", links).strip(" ,") or text[-1] not in ".?"
    ]
    assert not wrong, f"a link to no section of a chapter, or no full stop: {wrong}"


def test_terms_are_in_alphabetical_order():
    terms = [term for _, term, _, _ in ENTRIES]
    wrong = [f"{late!r} before {early!r}" for late, early in zip(terms, terms[1:]) if key(late) > key(early)]
    assert not wrong


def test_each_term_stands_under_its_letter_and_each_letter_is_linked():
    letters = [(number, line[3:]) for number, line in prose_lines(PAGE) if line.startswith("## ")]
    for number, term, _, _ in ENTRIES:
        above = [letter for start, letter in letters if start < number]
        assert above and above[-1] == key(term)[0].upper(), f"glossary.md:{number}: {term!r} stands under {above[-1:]}"
    assert [letter for _, letter in letters] == sorted({key(term)[0].upper() for _, term, _, _ in ENTRIES})
    linked = re.findall(r"\[([A-Z])\]\(#([a-z])\)", text_of(PAGE))
    assert linked == [(letter, letter.lower()) for _, letter in letters]


def test_no_term_stands_twice():
    twice = [term for term, count in Counter(key(term) for _, term, _, _ in ENTRIES).items() if count > 1]
    assert not twice


@pytest.mark.parametrize(("number", "term", "text", "links"), ENTRIES, ids=[key(entry[1]) for entry in ENTRIES])
def test_an_entry_leads_to_a_section_that_uses_the_word(number, term, text, links):
    for chapter, file, part in LINK.findall(links):
        assert file in SECTIONS, f"glossary.md:{number}: there is no {file}"
        assert int(chapter) == int(file[:2]), f"glossary.md:{number}: 'chapter {chapter}' leads to {file}"
        assert part in anchors(PAGE.parent / file), f"glossary.md:{number}: {file} has no heading {part!r}"
        there = SECTIONS[file][part]
        assert any(uses(there, name) for name in names(term)), f"glossary.md:{number}: {term!r} is not in {file}#{part}"


def test_words_after_see_and_compare_are_entries():
    known = {name.lower() for _, term, _, _ in ENTRIES for name in [term, *names(term)]}
    sent, lost = 0, []
    for number, _, text, _ in ENTRIES:
        for sentence in re.findall(r"(?:See|Compare|Another name of|Short for) (.+?)[.;,]", text):
            for word in re.findall(r"\*([^*]+)\*", sentence):
                sent += 1
                lost += [f"glossary.md:{number}: {word!r}"] if word.lower() not in known else []
    assert sent > 10 and not lost


def test_every_chapter_is_linked():
    linked = Counter(file for *_, links in ENTRIES for _, file, _ in LINK.findall(links))
    few = {path.name: linked[path.name] for path in CHAPTERS if linked[path.name] < 5}
    assert not few, f"fewer than five entries lead to {few}"


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("it **overfits**: this", "overfitting", True),
        ("long\nvalleys", "valley", True),
        ("a queue", "queues", False),
        ("batch\nnormalization", "batch normalization", True),
        ("the units", "uni", False),
        ("analogies", "analogy", True),
        ("one-hot vector", "one-hot", True),
        ("a unit saturates", "saturation", True),
        ("gates", "gated", False),
        ("a layer that is **hidden**", "hidden layer", True),
        ("a layer\n\nhidden", "hidden layer", False),
        ("### L2\n\nThis penalty", "L2 penalty", True),
    ],
)
def test_word_forms(text, name, expected):
    assert uses(text, name) == expected
