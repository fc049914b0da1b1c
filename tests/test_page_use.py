"""What readers do with the pages: follow a link to a place, turn pages, copy code, print at night.

And that nothing is lost between a chapter and its page.
"""

import html
import re

import jinja2
import nbformat
import pytest

from tests.browser import CHROMIUM, serve, wait_until
from tests.chapters import CHAPTERS, EXERCISES, ROOT, SITE

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
PAGES = sorted(file for file in SITE.rglob("*.html") if file.relative_to(SITE).parts[0] not in ("_static", "notebooks"))


def text_of(name):
    return (SITE / name).read_text(encoding="utf-8")


def page_name(path):
    return path.relative_to(ROOT).with_suffix(".html")


def page_of(path):
    return text_of(page_name(path))


@pytest.fixture(scope="module")
def site():
    with serve(SITE, "/a/book/") as (address, _):
        yield address


# --- in the browser -------------------------------------------------------------------------------------------------

# Where the target of the address stands below the bar, and what is marked in "On this page".
PLACE = """() => {
    const target = document.getElementById(location.hash.slice(1)), heading = target.querySelector("h2, h3") || target;
    const marked = document.querySelector(".on-this-page [aria-current]"), bar = document.querySelector(".bar");
    return [heading.getBoundingClientRect().top - bar.getBoundingClientRect().bottom, marked && marked.hash]; }"""


def lies_there(below, marked, section):
    return 0 <= below <= 80 and section in (None, marked)


@in_browser
@pytest.mark.parametrize("width, height", [(360, 740), (1366, 768)])
def test_links_lead_to_their_place_and_it_is_marked(browser, site, width, height):
    # As most readers have it: motion is not reduced.
    context = browser.new_context(viewport={"width": width, "height": height})
    for name, place, section in [
        ("chapters/03-classification.html", "eq-3-10", "#what-should-a-confident-mistake-cost"),
        ("chapters/03-classification.html", "exercise-3", "#exercises"),
        ("chapters/05-backpropagation.html", "explorer-3", None),
        ("chapters/glossary.html", "s", "#s"),
        ("reference/nndl_lib/functional.html", "max-pool2d", "#max-pool2d"),
    ]:
        page = context.new_page()
        page.goto(f"{site}{name}#{place}", wait_until="load")
        for way in ("from elsewhere", "from the page itself"):
            page.wait_for_timeout(300)  # in which sections that came near are laid out, or begin to be
            wait_until(page, lambda: lies_there(*page.evaluate(PLACE), section))
            below, marked = page.evaluate(PLACE)
            assert lies_there(below, marked, section), (
                f"{name}#{place}, {way}: {below:.0f} pixels below the bar, {marked} is marked"
            )
            page.evaluate(
                "() => { const hash = location.hash; location.hash = ''; scrollTo(0, 0); location.hash = hash; }"
            )
        page.close()
    context.close()


@in_browser
def test_the_last_section_is_marked_at_the_end(browser, site):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(site + "chapters/glossary.html")

    def last_is_marked():
        page.evaluate(
            "scrollTo(0, document.documentElement.scrollHeight)"
        )  # again and again: the page grows while one scrolls
        return page.evaluate("document.querySelector('.on-this-page [aria-current]')?.hash") == "#z"

    wait_until(page, last_is_marked)
    page.close()


@in_browser
def test_the_contents_show_where_the_page_is(browser, site):
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(site + "reference/nndl_lib/training.html")

    def is_seen(top, bottom):
        box = page.locator("#contents [aria-current=page]").bounding_box()
        return box is not None and top <= box["y"] and box["y"] + box["height"] <= bottom

    wait_until(page, lambda: is_seen(52, 768))
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="Contents").click()
    wait_until(page, lambda: is_seen(0, 740))
    page.locator("#contents").evaluate("menu => menu.scrollTop = 0")
    page.get_by_role("button", name="Close").click()  # not everyone has a key Escape
    assert not page.locator("#contents").is_visible()
    page.close()


@in_browser
def test_copy(browser, site):
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.goto(site + "chapters/02-linear-models.html")
    cell = page.locator("article > section > .cell > .cell_input").first
    cell.hover()
    cell.get_by_role("button", name="Copy").click()
    cell.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == cell.locator("pre").evaluate("code => code.textContent.trimEnd()") and len(copied.splitlines()) > 3
    context.close()


# What is on the screen and is not on paper; and code that is pale on paper.
LOST = """() => Array.from(
    document.querySelectorAll("article :is(h1, h2, h3, p, li, pre, td, img, figcaption, .katex-html)")
).filter(
    e => !e.closest(".nndl-controls, .nndl-hint, .about-this-page, details")
        && (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})
            || e.getBoundingClientRect().height === 0)
).map(e => e.outerHTML.slice(0, 80))"""
PALE = """() => { const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const bright = color => { context.fillStyle = color; context.fillRect(0, 0, 1, 1);
        const [r, g, b] = context.getImageData(0, 0, 1, 1).data; return (0.3 * r + 0.6 * g + 0.1 * b) / 255; };
    return Array.from(document.querySelectorAll("article :is(p, li, h2, td, pre, pre span)")).filter(
        e => bright(getComputedStyle(e).color) > 0.55).map(e => e.outerHTML.slice(0, 80)); }"""


@in_browser
@pytest.mark.parametrize("script", [True, False])
def test_nothing_is_lost_on_paper(browser, site, script):
    # Who prints at night has a dark page on the screen; black text on white paper comes out of it.
    context = browser.new_context(
        viewport={"width": 720, "height": 1000}, color_scheme="dark", java_script_enabled=script
    )
    page = context.new_page()
    page.goto(site + "chapters/03-classification.html")
    assert len(page.evaluate(PALE)) > 100, "the page is dark, and this does not see it"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(LOST) == []
    assert page.evaluate(PALE) == []
    context.close()


@in_browser
@pytest.mark.parametrize("width", [360, 1366])
def test_the_text_is_large_enough_and_its_lines_short_enough(browser, site, width):
    page = browser.new_page(viewport={"width": width, "height": 768})
    page.goto(site + "chapters/02-linear-models.html")
    least = {"p": 16, "li": 15, ".table td": 14, ".cell_input pre": 12.5, ".cell_output pre": 10.5, "figcaption": 14}
    size = """whats => whats.map(what => {
        const e = document.querySelector("article " + what);
        return [what, e ? parseFloat(getComputedStyle(e).fontSize) : 99]; })"""
    sizes = page.evaluate(size, [*least])
    assert [(what, size) for what, size in sizes if size < least[what]] == []
    assert page.locator("article > section > p").first.bounding_box()["width"] <= 680
    page.close()


# Whole, and where it stands beside the formula, it takes no room that the formula needs.
CUT = """() => {
    document.documentElement.dataset.whole = "yes";
    return Array.from(document.querySelectorAll(".equation"), equation => {
        const number = equation.querySelector(".number").getBoundingClientRect();
        const formula = equation.querySelector(".formula").getBoundingClientRect();
        const below = number.top >= formula.bottom, beside = number.left >= formula.right;
        const display = equation.querySelector(".katex-display"), fits = display.scrollWidth <= display.clientWidth + 1;
        const whole = number.left >= 0 && number.right <= innerWidth && number.width > 20;
        return [equation.id, whole && (below || beside && fits)]; }); }"""


@in_browser
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_number_of_an_equation_is_cut(browser, path):
    page = browser.new_page(viewport={"width": 320, "height": 800})
    page.goto((SITE / page_name(path)).as_uri())
    for width in [320, 390, 768, 1024, 1366]:
        page.set_viewport_size({"width": width, "height": 800})
        found = page.evaluate(CUT)
        assert len(found) >= 5 and [name for name, whole in found if not whole] == [], f"at {width}"
    page.close()


@in_browser
def test_a_mention_shows_its_equation(browser):
    page = browser.new_page(viewport={"width": 1366, "height": 768}, has_touch=True)
    page.goto((SITE / "chapters" / "08-regularization.html").as_uri())
    shown, links = page.locator(".shown-equation"), page.locator("a.to-equation[href^='#']:not(details *)")
    far = """links => links.map(link => Math.abs(document.querySelector(link.hash).getBoundingClientRect().top
        - link.getBoundingClientRect().top))"""
    distances = links.evaluate_all(far)
    near, link = links.nth(distances.index(min(distances))), links.nth(distances.index(max(distances)))
    assert min(distances) < 300 and max(distances) > 2000
    near.hover()
    assert not shown.is_visible()  # the equation itself stands there
    link.hover()
    assert shown.is_visible()
    place = link.get_attribute("href")
    text = "node => node.querySelector('annotation').textContent"
    assert shown.evaluate(text) == page.locator(place).evaluate(text)
    box = shown.bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= 1366 and 0 <= box["y"] and box["y"] + box["height"] <= 768
    shown.hover()  # one may read on in it
    page.wait_for_timeout(400)
    assert shown.is_visible()
    page.keyboard.press("Escape")
    assert not shown.is_visible()
    link.focus()
    assert shown.is_visible()
    page.mouse.move(5, 5)
    page.keyboard.press("Tab")
    wait_until(page, lambda: not shown.is_visible())
    link.tap()
    assert shown.is_visible() and page.url.endswith(".html")
    link.tap()
    wait_until(page, lambda: page.url.endswith(place))
    # One of another page, which the page has brought along.
    other = page.locator("a.to-equation:not([href^='#'], details *)").first
    other.scroll_into_view_if_needed()
    other.hover()
    assert shown.is_visible() and shown.locator(".katex").count() == 1
    page.close()


# --- in the files ---------------------------------------------------------------------------------------------------


def test_numbers_stand_at_their_addresses():
    for path in CHAPTERS:
        text = page_of(path)
        equations = re.findall(r'<div class="equation math" id="eq-(\d+)-(\d+)">(.*?)</a></div>', text, re.DOTALL)
        tags = re.findall(r"\\tag\{(\d+)\.(\d+)\}", path.read_text(encoding="utf-8"))
        assert len(equations) >= 5 and [equation[:2] for equation in equations] == tags
        for chapter, number, equation in equations:
            assert equation.endswith(f">({chapter}.{number})"), (
                f"{path.stem}: another equation is at #eq-{chapter}-{number}"
            )
        for number, exercise in re.findall(r'<p id="exercise-(\d+)">(.*?)</p>', text, re.DOTALL):
            assert f"<strong>{number}. " in exercise, f"{path.stem}: another exercise is at #exercise-{number}"


def test_every_mention_of_an_equation_is_a_link():
    for path in [*CHAPTERS, *EXERCISES]:
        text = re.sub(
            r"<(pre|figure|script|nav|aside|template|annotation)\b.*?</\1>", "", page_of(path), flags=re.DOTALL
        )
        text = re.sub(r'<span class="katex-html".*?</span></span></span>|<code\b.*?</code>', "", text, flags=re.DOTALL)
        text = re.sub(r'<a class="number".*?</a>', "", text)
        for mention in re.finditer(r"\((\d+)\.(\d+)\)(.{4})", text, re.DOTALL):
            assert mention[3] == "</a>", f"{path.stem}: {mention[0]} is no link"
        for address, chapter, number in re.findall(
            r'<a class="to-equation[^"]*" href="([^"]*)">\((\d+)\.(\d+)\)</a>', text
        ):
            file, _, place = address.partition("#")
            other = (SITE / page_name(path)).parent / file if file else SITE / page_name(path)
            assert place == f"eq-{chapter}-{number}" and other.name.startswith(f"{int(chapter):02d}-")
            assert f'id="{place}"' in other.read_text(encoding="utf-8"), f"{path.stem}: {address} leads nowhere"
            if file:  # to be shown without going there
                assert f'<template data-equation="{place}">' in page_of(path)


def test_chapters_exercises_and_terms_are_links_too():
    text = page_of(next(path for path in CHAPTERS if path.stem.startswith("06")))
    assert re.search(r'<a class="[^"]*" href="07-[\w-]+\.html">chapter 7</a>', text, re.IGNORECASE)
    assert re.search(r'<a class="[^"]*" href="#exercise-\d+">exercise \d+</a>', text, re.IGNORECASE)
    glossary = text_of("chapters/glossary.html")
    terms = {place for path in CHAPTERS for place in re.findall(r'href="glossary\.html#(term-[\w-]+)"', page_of(path))}
    assert len(terms) >= 10 and all(f'id="{place}"' in glossary for place in terms)


def test_every_figure_of_a_chapter_is_on_its_page():
    hidden = {"remove-cell", "remove-output"}
    for path in CHAPTERS:
        file = ROOT / "_build" / "executed" / path.relative_to(ROOT).with_suffix(".ipynb")
        cells = [
            cell
            for cell in nbformat.read(file, as_version=4).cells
            if cell.cell_type == "code" and not hidden & set(cell.metadata.get("tags", []))
        ]
        drawn = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
        shown = re.findall(r'<img [^>]*src="\.\./_images/([0-9a-f]{64})\.webp"', page_of(path))
        assert len(shown) == drawn > 0, f"{path.stem}: {drawn} figures are drawn and {len(shown)} shown"
        assert all((SITE / "_images" / f"{name}.webp").stat().st_size > 1000 for name in shown)


def test_pictures_say_their_size_and_wait_until_they_are_near():
    for file in PAGES:
        article = file.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]
        pictures = [picture for picture in re.findall(r"<img [^>]*>", article) if "_images/" in picture]
        faults = [
            picture
            for picture in pictures
            if not re.search(r'width="\d+"', picture) or not re.search(r'height="\d+"', picture)
        ]
        faults += [
            picture for picture in pictures if 'loading="lazy"' not in picture and "fetchpriority" not in picture
        ]
        assert not faults and sum("fetchpriority" in picture for picture in pictures) <= 1, f"{file.name}: {faults[:2]}"


def test_pages_are_turned_in_the_order_of_the_contents():
    name, seen = "intro.html", []
    while name and len(seen) < 200:
        seen.append(name)
        text = text_of(name)
        follow = re.search(r'rel="next" href="([^"#]+)"', text)
        following = (SITE / name).parent.joinpath(follow[1]).resolve().relative_to(SITE).as_posix() if follow else None
        if following:
            back = re.search(r'rel="prev" href="([^"#]*)"', text_of(following))
            assert (SITE / following).parent.joinpath(back[1]).resolve() == SITE / name, (
                f"{following} does not lead back to {name}"
            )
        name = following
    chapters = [path.relative_to(ROOT).with_suffix(".html").as_posix() for path in CHAPTERS]
    assert [name for name in seen if name in chapters] == chapters
    others = {file.relative_to(SITE).as_posix() for file in PAGES} - {
        "index.html",
        "search.html",
        "404.html",
        "offline.html",
        "genindex.html",
        "explorers.html",
    }
    assert set(seen) == others
    # And each page is marked as the one that is open, in the contents.
    for name in seen:
        contents = text_of(name).partition('<nav class="contents"')[2].partition("</nav>")[0]
        assert contents.count('aria-current="page"') == 1, name


def test_the_head_of_a_page_with_an_address():
    # Built without an address, the site has no such page: the template is filled here.
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT / "theme" / "nndl"))
    fill = environment.get_template("layout.html").render
    common = {
        "pathto": lambda name, *_: name,
        "docstitle": "The book",
        "page_title": "A & B",
        "page_name": "A & B",
        "pagename": "a",
    }
    address, card = "https://a.example/book/a.html", "https://a.example/book/card.png"
    head = fill(**common, page_address=address, page_card=card, page_description="What it says.").partition("</head>")[
        0
    ]
    for wanted in [
        f'<link rel="canonical" href="{address}">',
        f'<meta property="og:url" content="{address}">',
        f'<meta property="og:image" content="{card}">',
        '<meta name="description" content="What it says.">',
        f"<title>{html.escape('A & B')}</title>",
        '<html lang="en"',
        'name="viewport" content="width=device-width',
    ]:
        assert wanted in head, wanted
    assert "noindex" not in head and "<base" not in head
    nowhere = fill(**common, page_noindex=True, page_base="https://a.example/book/").partition("</head>")[0]
    assert '<meta name="robots" content="noindex">' in nowhere and "canonical" not in nowhere
    # The base comes before the first address that it is for.
    assert nowhere.index('<base href="https://a.example/book/">') < nowhere.index("<link")


def test_every_page_can_be_walked_by_its_landmarks():
    for file in (file for file in PAGES if file.name != "genindex.html"):  # not linked to
        text, name = file.read_text(encoding="utf-8"), file.relative_to(SITE)
        body = text.partition("<body>")[2].lstrip()
        assert body.startswith('<a class="skip" href="#content">'), f"{name}: the first stop is not the way to the text"
        assert (
            len(re.findall(r'<main id="content" tabindex="-1">', text)) == 1 and len(re.findall(r"<h1\b", text)) == 1
        ), name
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", text.partition("<main")[2])]
        assert all(deeper <= level + 1 for level, deeper in zip(levels, levels[1:])), f"{name}: a heading skips a level"
        labels = [re.search(r'aria-label="([^"]+)"', nav) for nav in re.findall(r"<nav\b[^>]*>", text)]
        assert all(labels) and len({label[1] for label in labels}) == len(labels) >= 2, (
            f"{name}: navigation without a name"
        )


def test_every_frame_is_a_picture():
    # In the browser a frame that cannot be decoded would keep a test waiting.
    frames = list((SITE / "_images").glob("frame-*.webp"))
    assert len(frames) > 100
    assert [file.name for file in frames if file.read_bytes()[:4] != b"RIFF" or file.stat().st_size < 500] == []
