"""The book on paper: how a page prints, with what is folded and without; and the PDF of the whole book, `make pdf`."""

import re
import unicodedata
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from book import document, pdf
from tests.browser import CHROMIUM, wait_until
from tests.chapters import CHAPTERS, EXERCISES, ROOT, SITE, text_of
from tests.small_book import HEADER, SmallBook

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")

# --- a page ---------------------------------------------------------------------------------------------------------

PRINTED = """() => Array.from(document.querySelectorAll("article details"), e => [
    e.querySelector("summary").checkVisibility(), e.lastElementChild.getBoundingClientRect().height > 0])"""
# What Firefox cuts, unless a block around it is kept together; such a block must not be an item of a flex or grid.
CUT = """() => Array.from(document.querySelectorAll("article img")).filter(image => {
    for (let e = image.parentElement; e.tagName !== "ARTICLE"; e = e.parentElement) {
        if (["flex", "grid"].includes(getComputedStyle(e.parentElement).display)) return true;
        if (getComputedStyle(e).breakInside === "avoid") return false;
    }
    return true; }).map(image => image.alt)"""
FONTS = """() => {
    const used = new Set();
    for (const e of document.querySelectorAll(".katex-html *")) {
        if (!Array.from(e.childNodes).some(node => node.nodeType === 3 && /[^\\s\\u200b]/.test(node.data))) continue;
        const style = getComputedStyle(e);
        used.add([style.fontFamily.split(",")[0], style.fontStyle, style.fontWeight].join(" "));
    }
    return Array.from(used).filter(name => name.startsWith("KaTeX")); }"""
LOADED = """() => Array.from(document.fonts).filter(face => face.status === "loaded").map(face => [
    face.family.replaceAll('"', ""), face.style, {bold: 700, normal: 400}[face.weight] || face.weight].join(" "))"""
# A font in which no letter of the page is set: nothing but the page's list of fonts asks for it.
ONE_MORE = """document.addEventListener("readystatechange", () => {
    const article = document.querySelector("article");
    if (document.readyState === "interactive") article.dataset.fonts += " Fraktur-Regular"; })"""


@in_browser
def test_a_page_prints_with_and_without_what_is_folded(browser):
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.add_init_script("window.print = () => { dispatchEvent(new Event('beforeprint')); window.printed = true; }")
    page.add_init_script(ONE_MORE)
    page.goto((SITE / "chapters" / "03-classification.html").as_uri())

    # The fonts of what was never on the screen are there, for scripts that print at once.
    wanted = {"KaTeX_Fraktur normal 400", "KaTeX_Size4 normal 400"}
    wait_until(page, lambda: wanted <= set(page.evaluate(LOADED)))
    page.evaluate("document.documentElement.dataset.whole = 'yes'")
    assert page.evaluate("scrollY") == 0 and set(page.evaluate(FONTS)) <= set(page.evaluate(LOADED))
    assert len(page.evaluate(FONTS)) >= 8

    page.emulate_media(media="print")
    assert page.evaluate(CUT) == []
    for heading in page.locator("article :is(h2, h3)").all():  # room for the first lines below it
        assert heading.evaluate("e => parseFloat(getComputedStyle(e, '::after').height)") > 60
    opened = page.locator("details:not(.hide)").first
    opened.evaluate("e => { e.open = true; }")
    folds = page.evaluate(PRINTED)
    assert len(folds) > 10 and folds.count([True, True]) == 1, "what the reader unfolded, and no empty bars"
    assert folds.count([False, False]) == len(folds) - 1

    page.emulate_media(media="screen")
    for name, shown in [("Print with solutions and code", len(folds)), ("Print", 1)]:
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_function("window.printed")
        page.emulate_media(media="print")
        assert [whole for _, whole in page.evaluate(PRINTED)].count(True) == shown, name
        assert not page.get_by_role("button", name="Print").first.is_visible()
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint')); window.printed = false")
        assert page.locator("details[open]").count() == 1, "the page is as it was"
    page.close()


# --- the whole book -------------------------------------------------------------------------------------------------

FIRST = r"""# 1. The first "one"

See [the second](02-page.md#far-away), [exercise two](02-page.md), [its notes](../CONTRIBUTING.md) and
[a site](https://example.org/a).

$$
a = \mathcal{L} \tag{1.1}
$$

%s

## Exercises

**1. By hand.** What is one and one?

<details>
<summary>Hint</summary>

Think of apples.

</details>

<details>
<summary>Solution</summary>

It is two.

</details>

**2. By head.** What is two and two?

<details>
<summary>Solution</summary>

It is four.

</details>
"""
SECOND = "# 2. The second\n\nAs (1.1) says.\n\n%s\n\n## Far away\n\nThe end of it.\n"
LINES = "\n\n".join(["Many words, so that a page is full before they end. " * 6] * 24)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """A book of two chapters, what was said when it was printed, and the PDF."""
    book = SmallBook(tmp_path_factory.mktemp("paper"))
    book.write(
        intro=HEADER + "# Start\n\nA page.\n\n<details>\n<summary>Answers</summary>\n\nForty-two.\n\n</details>\n",
        chapters__01_page=HEADER + FIRST % LINES,
        chapters__02_page=HEADER + SECOND % LINES,
        CONTRIBUTING="# Contributing\n\nA page that is not printed.\n",
    )
    for name in ["book.build", "book.pdf", "book.pdf"]:  # printed again, the cover has one link
        status, said = book.run(name)
        assert status == 0, said
    (file,) = (book.folder / "_build" / "pdf").glob("*.pdf")
    return SimpleNamespace(book=book, file=file, reader=PdfReader(file))


def words(page):
    return unicodedata.normalize("NFKC", " ".join(page.extract_text().split()))  # without ligatures


def first_page(reader, text):
    """The first page after the contents that has this text, from 1."""
    return next(k for k, page in enumerate(reader.pages, 1) if k > 2 and text in words(page))


@in_browser
def test_the_contents_name_pages(printed):
    reader = printed.reader
    assert "Neural Networks and Deep Learning" in words(reader.pages[0]) and "Version 0" in words(reader.pages[0])
    contents = words(reader.pages[1])
    assert "not printed" not in "".join(words(page) for page in reader.pages)
    for title, text, chapter in [
        ("Start", "A page.", "Start"),
        ("1. The first “one”", "See the second", "1. The first “one”"),
        ("Exercises", "What is one", "1. The first “one”"),
        ("2. The second", "As (1.1)", "2. The second"),
        ("Far away", "The end of it", "2. The second"),
    ]:
        number = first_page(reader, text)
        assert f"{title} {number}" in contents, contents
        edge = words(reader.pages[number - 1])
        assert edge.startswith(f"{chapter} {number} "), "the chapter above the page and the number below"
    assert first_page(reader, "The end of it") > first_page(reader, "As (1.1)") + 1  # else the numbers say little


@in_browser
def test_links_lead_within_the_book(printed):
    reader = printed.reader
    targets, addresses = set(), set()
    for page in reader.pages:
        for link in (annotation.get_object() for annotation in page.get("/Annots") or []):
            if "/Dest" in link:
                targets.add(str(link["/Dest"]).lstrip("/"))
            elif "/A" in link:
                addresses.add(str(link["/A"].get_object()["/URI"]))
    assert addresses == {"https://example.org/a"}, "a file of this machine, or a page that is not here"
    numbers = pdf.pages_of(printed.file.read_bytes())
    assert targets <= numbers.keys()
    assert numbers["chapters-01-page--eq-1-1"] == first_page(reader, "See the second")
    assert numbers["chapters-02-page--far-away"] == first_page(reader, "The end of it")
    titles = [entry["/Title"] for entry in flat(reader.outline)]
    assert [title for title in titles if title[0] in "12"] == [
        "1. The first “one”",
        "1. By hand.",
        "2. By head.",
        "2. The second",
    ]


def flat(outline):
    for entry in outline:
        yield from flat(entry) if isinstance(entry, list) else [entry]


@in_browser
def test_solutions_stand_at_the_end_of_their_chapter(printed):
    reader = printed.reader
    asked, answered = first_page(reader, "What is one and one?"), first_page(reader, "It is two.")
    text = words(reader.pages[asked - 1]) + words(reader.pages[answered - 1])
    order = ["What is one", "What is two", "Hints and solutions", "Think of apples", "It is two", "It is four"]
    places = [text.index(part) for part in order]
    assert places == sorted(places) and answered < first_page(reader, "As (1.1)")
    for name in ("Hint", "Solution"):
        assert f"{name}: page {answered}" in text
    assert "Forty-two." in words(reader.pages[first_page(reader, "Answers: page") - 1])


@in_browser
def test_the_cover_offers_it(printed):
    site = printed.book.folder / "_build" / "html"
    assert (site / printed.file.name).read_bytes() == printed.file.read_bytes()
    for name in ("intro", "index"):
        assert printed.book.html(name).count(f'href="{printed.file.name}"') == 1


@in_browser
def test_without_a_browser_nothing_is_written(printed):
    before = printed.file.stat().st_mtime_ns
    status, said = printed.book.run("book.pdf", PATH="")
    assert status == 1 and "there is no Chromium" in said and "Traceback" not in said
    assert printed.file.stat().st_mtime_ns == before
    assert sorted(file.suffix for file in printed.file.parent.iterdir()) == [".html", ".pdf"]


def test_the_document_is_whole():
    # Every chapter with its exercises; and each address once, with all that is linked to.
    names = [name for _, names in document.chapters() for name in names]
    assert {file.relative_to(ROOT).with_suffix("").as_posix() for file in [*CHAPTERS, *EXERCISES]} <= set(names)
    text = document.document()
    places = re.findall(r'\sid="([^"]+)"', text)
    assert len(places) == len(set(places)) > 1000
    linked = set(re.findall(r'\shref="#([^"]+)"', text)) | set(re.findall(r'data-page-of="([^"]+)"', text))
    assert linked <= set(places), sorted(linked - set(places))[:5]
    others = {link for link in re.findall(r'\shref="([^#"][^"]*)"', text) if not link.startswith("https://")}
    assert others <= {"../html/_static/page.css"} | {link for link in others if link.startswith(("http:", "mailto:"))}
    for source in set(re.findall(r'\ssrc="([^"]+)"', text)):
        assert (SITE.parent / "pdf" / source).resolve().is_file(), source
    assert "<details" not in text and "<math" not in text and "<script" not in text
    assert text_of(ROOT / "Makefile").count("-m book.pdf") == 1
