"""The search: what it knows of the book, and where it leads, served, as files, and with site data blocked."""

import json
import re
from urllib.parse import urlencode

import pytest
from docutils import nodes

from tests.browser import CHROMIUM, serve, wait_until
from tests.chapters import CHAPTERS, EXERCISES, ROOT, SITE
from tests.test_page import WEB, with_web
from theme import search

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")


@pytest.fixture(scope="module")
def book():
    """{page: {anchor: (title, words, weight, terms)}}"""
    text = (SITE / "searchindex.js").read_text(encoding="utf-8")
    pages = json.loads(text.removeprefix("var nndlBook = ").removesuffix(";\n"))
    return {
        page: {anchor: (title, words, weight, "".join(terms)) for anchor, title, words, weight, *terms in entries}
        for page, _, entries in pages
    }


def page_name(path):
    return path.relative_to(ROOT).with_suffix("").as_posix()


# --- what it knows --------------------------------------------------------------------------------------------------


def test_every_section_exercise_and_term_is_an_entry(book):
    assert {*book} == {
        file.relative_to(SITE).with_suffix("").as_posix()
        for file in SITE.rglob("*.html")
        if file.relative_to(SITE).parts[0] not in ("_static", "notebooks")
    } - {"index", "search", "404", "offline", "explorers"}
    for path in [*CHAPTERS, *EXERCISES, ROOT / "chapters" / "glossary.md", *(ROOT / "reference").rglob("*.md")]:
        text = (SITE / path.relative_to(ROOT)).with_suffix(".html").read_text(encoding="utf-8")
        article = text.partition("<article")[2]
        places = re.findall(r'<section id="([^"]+)">\s*<h[2-6]', article)
        places += re.findall(r'<p id="(exercise-\d+)"', article) + re.findall(r'<li id="(term-[^"]+)"', article)
        known = book[page_name(path)]
        letters = {place for place in places if len(place) == 1}
        assert {*places} - letters == {*known} - {""}, path.stem
        assert known[""][0] in re.sub(r"<[^>]*>", "", article), path.stem


def test_words_and_no_formulas(book):
    titles = {title for title, _, _, _ in book["chapters/10-recurrent-networks"].values()}
    assert {"10. Recurrent networks", "Backpropagation through time", "Exercise 3. Counting parameters"} <= titles
    _, words, _, _ = book["chapters/10-recurrent-networks"]["vanishing-and-exploding-gradients"]
    assert words.startswith("How does the loss at the end depend on a state … steps earlier?")
    for path in CHAPTERS:
        entries = book[page_name(path)]
        everything = " ".join(words for _, words, _, _ in entries.values())
        assert len(everything.split()) > 4000, path.stem
        assert not re.search(r"\\[a-z]|[_^]\{|\bimport torch\b|<details", everything), path.stem
        # Each once: the words of a section are not those of the one around it, too.
        long = [words for _, words, _, _ in entries.values() if len(words) > 200]
        assert all(everything.count(words[:200]) == 1 for words in long), path.stem


def test_a_part_of_a_text_as_words():
    section = nodes.section("", nodes.title("", "A title"), ids=["a-title"])
    item = nodes.list_item("", nodes.paragraph("", "", nodes.strong("", "bagging"), nodes.Text(": An ensemble. → (8)")))
    item["ids"] = ["term-bagging"]
    section += [
        nodes.paragraph("", "", nodes.Text("Where "), nodes.math("", r"\frac12"), nodes.Text(", it is ")),
        nodes.literal_block("", "code = 1"),
        nodes.bullet_list("", item),
        nodes.section("", nodes.title("", "Within"), nodes.paragraph("", "other words"), ids=["within"]),
    ]
    document = nodes.document("", "")
    document += nodes.section("", nodes.title("", "The page"), nodes.paragraph("", "", nodes.Text("first")), section)
    assert search.entries_of(document) == [
        ("", "The page", "first"),
        ("a-title", "A title", "Where …, it is"),
        ("term-bagging", "bagging", "An ensemble."),
        ("within", "Within", "other words"),
    ]


def test_what_counts_more(book):
    order = ["chapters/04-page#a", "chapters/glossary#a", "exercises/04-page#a", "reference/nndl_lib/nn#a"]
    weights = [search.weight_of(address) for address in order]
    assert weights == sorted(weights, reverse=True) and len({*weights}) == len(order)
    assert search.weight_of("chapters/04-page#exercise-1") < 1 == search.weight_of("chapters/04-page#exercising")
    assert [*book][: len(CHAPTERS)] == [page_name(path) for path in CHAPTERS]
    # The section that introduces ReLU is not called so: the glossary says which it is.
    assert "ReLU" in book["chapters/04-multilayer-perceptrons"]["activation-functions"][3].split(", ")


@with_web
def test_minisearch_is_as_published():
    ours = ROOT / "theme" / "static" / "minisearch" / "minisearch.js"
    assert ours.read_bytes() == (WEB / "minisearch" / "dist" / "umd" / "index.js").read_bytes()


# --- where it leads -------------------------------------------------------------------------------------------------

BLOCKED = """for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"])
    Object.defineProperty(window, name, {get() { throw new DOMException("blocked", "SecurityError"); }});"""
# What is typed, and the beginning of the first result's address.
SEARCHES = {
    "vanishing gradients": "chapters/10-recurrent-networks.html#vanishing-and-exploding-gradients",
    "Vanishing Gradient": "chapters/10-recurrent-networks.html#vanishing-and-exploding-gradients",
    "ReLU": "chapters/04-multilayer-perceptrons.html#activation-functions",
    '"backpropagation through time"': "chapters/10-recurrent-networks.html#backpropagation-through-time",
    "dropout": "chapters/08-regularization.html#switch-units-off-at-random",
    "bias variance": "chapters/08-regularization.html#bias-and-variance",
    "max_pool2d": "reference/nndl_lib/functional.html#max-pool2d",
    "counting parameters": "chapters/10-recurrent-networks.html#exercise-3",
}


@pytest.fixture(scope="module")
def site():
    with serve(SITE, "/a/book/") as (address, _):
        yield address


@pytest.fixture(params=["served", "as files, site data blocked"])
def window(browser, site, request):
    """(page, the site's address) for a narrow screen. Nothing may be asked from elsewhere, and no script may stop."""
    address = site if request.param == "served" else SITE.as_uri() + "/"
    context, faults = browser.new_context(viewport={"width": 320, "height": 700}), []
    if request.param != "served":
        context.add_init_script(BLOCKED)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda asked: asked.url.startswith((address, "data:")) or faults.append(asked.url))
    yield page, address
    context.close()
    assert not faults, faults


def ask(page, address, text):
    """What is said of the results."""
    page.goto(f"{address}search.html?{urlencode({'q': text})}")
    said = page.locator("[role=status]")
    wait_until(page, lambda: said.inner_text())
    return said.inner_text()


def first(page):
    return re.sub(r".*/a/book/|.*/html/|\?[^#]*", "", page.locator("#search-results a").first.evaluate("a => a.href"))


@in_browser
def test_searches_lead_to_their_section(window):
    page, address = window
    for text, place in SEARCHES.items():
        assert re.search(r"\b[1-9]\d* places? found\.$", ask(page, address, text)), text
        assert first(page) == place, text
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    # A phrase is one piece; what stands between its words in the text does not matter, other words do.
    ask(page, address, '"bias variance"')
    found = page.locator("#search-results li").all_inner_texts()
    assert found and all(re.search(r"bias\W+variance", text, re.IGNORECASE) for text in found)
    assert "Bias and variance\n" not in "\n".join(text.partition(" · ")[0] + "\n" for text in found)
    # What is not there is said, with what is there instead.
    assert ask(page, address, "quaternion").startswith("“quaternion” is not in this book.")
    assert page.locator("#search-results li").count() == 0
    assert ask(page, address, '"gradients vanish loudly"').startswith("“gradients vanish loudly” is not in this book")
    said = ask(page, address, "gradeint descent")
    assert "is not in this book. Spelled nearly so: " in said and "gradient" in said and "found." in said
    assert first(page).startswith("chapters/")


# The words that are marked, and how far below the bar their section begins.
MARKED = """() => {
    const bar = document.querySelector(".bar").getBoundingClientRect().bottom;
    const found = CSS.highlights.get("found"), place = document.getElementById(location.hash.slice(1));
    return [found ? Array.from(found, String) : [], place.getBoundingClientRect().top - bar]; }"""


@in_browser
def test_from_the_bar_to_the_words_by_keyboard(window):
    page, address = window
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(address + "chapters/02-linear-models.html")
    page.get_by_role("searchbox", name="Search the book").focus()
    page.keyboard.type("vanishing gradients")
    page.keyboard.press("Enter")
    link = page.locator("#search-results a").first
    link.wait_for()
    assert link.locator("mark").all_inner_texts() == ["Vanishing", "gradients"]
    context = page.locator("#search-results p").first
    assert 40 < len(context.inner_text()) < 220 and context.locator("mark").count() >= 2
    page.locator(".search-large button").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/10-recurrent-networks.html**")

    def is_there():
        words, below = page.evaluate(MARKED)
        return {"vanishing", "gradients"} <= {word.lower() for word in words} and 0 <= below <= 80

    wait_until(page, is_there)
    words, below = page.evaluate(MARKED)
    assert is_there(), f"{words}, {below:.0f} pixels below the bar"
    assert {word.lower() for word in words} <= {"vanishing", "gradients", "gradient"}
    # In a folded solution, which is unfolded then.
    ask(page, address, '"hence smoothing"')
    page.locator("#search-results a").first.click()
    wait_until(page, lambda: page.locator("details[open]").count() == 1)
    assert "hence smoothing" in page.locator("details[open]").inner_text().lower()


@in_browser
def test_all_results_can_be_shown(window):
    page, address = window
    count = int(re.search(r"(\d+) places", ask(page, address, "gradient"))[1])
    assert page.locator("#search-results li").count() == 20 < count
    page.get_by_role("button", name=f"Show the other {count - 20}").press("Enter")
    assert page.locator("#search-results li").count() == count
    assert page.evaluate("document.activeElement.closest('li') === document.querySelectorAll('#search-results li')[20]")
