"""What readers do, in Firefox and WebKit: the engines where the pages once differed from Chromium, opened as files."""

import os
import re

import pytest

from tests.chapters import SITE
from tests.engines import FIREFOX, WEBKIT, XVFB, Firefox, WebKit

CHAPTER = "chapters/02-linear-models.html"
WIDTH = 1366
# The engines of which this machine has a browser; the others are skipped, and say so.
ENGINES = [
    pytest.param(Firefox, marks=pytest.mark.skipif(FIREFOX is None, reason="no Firefox on this machine")),
    pytest.param(
        WebKit,
        marks=pytest.mark.skipif(
            WEBKIT is None or not (XVFB or os.environ.get("DISPLAY")),
            reason="no WebKitWebDriver on this machine (webkit2gtk-driver), or no screen for it (xvfb)",
        ),
    ),
]
DARK = "document.documentElement.dataset.theme = 'dark'"
LIGHT = "document.documentElement.dataset.theme = 'light'"
WHOLE = "document.documentElement.dataset.whole = 'yes'"


@pytest.fixture(scope="module", params=ENGINES, ids=lambda engine: engine.__name__)
def engine(request, tmp_path_factory):
    started = request.param(tmp_path_factory.mktemp(request.param.__name__))
    started.resize(WIDTH, 850)
    yield started
    started.close()


@pytest.fixture
def page(engine):
    """An engine, at the end of whose test the pages have logged no error (WebKit's driver tells none)."""
    yield engine
    errors = list(engine.errors)
    engine.errors.clear()
    engine.resize(WIDTH, 850)
    assert not errors, errors


def place(page, selector):
    """The box of an element in the middle of the screen, in CSS pixels, once it, or its picture, has come to stay."""
    box = page.ask(f"""(async () => {{
        const element = document.querySelector({selector!r});
        let before = null;
        for (let k = 0; k < 60; k++) {{ // what comes near is laid out, and moves the rest
            element.scrollIntoView({{block: "center"}});
            await new Promise(done => setTimeout(done, 100));
            const box = element.getBoundingClientRect();
            if (element.complete !== false && before === box.top && box.top < innerHeight) return box.toJSON();
            before = box.top;
        }} }})()""")
    assert box, f"{selector} does not come to rest"
    return box["left"], box["top"], box["right"], box["bottom"]


def visit(page, name=CHAPTER):
    """Go to a page, unless it is open: pages take longer than most of what is looked at in them."""
    address = (SITE / name).as_uri()
    if page.ask("location.href") != address:
        page.go(address)


def test_figures_on_a_dark_page_have_its_ground(page):
    visit(page)
    page.ask(DARK)
    for selector in ("article > section > .cell .cell_output img", "section section .cell_output img"):
        for _ in range(5):  # what comes near may be laid out, and move the rest, after the box was measured
            left, _, right, bottom = place(page, selector)
            picture = page.picture()
            scale = picture.width / page.ask("innerWidth")
            corner, ground = (
                picture.getpixel((round(x * scale), round((bottom - 3) * scale))) for x in (left + 4, right + 20)
            )
            if corner == ground == (21, 24, 28):
                break
        assert corner == ground == (21, 24, 28), f"{selector}: {corner} on {ground}"
    page.ask(LIGHT)


def test_explorers_move(page):
    visit(page)
    place(page, "figure.nndl-explorer img")
    assert page.until("document.querySelector('figure.nndl-explorer').dataset.ready === 'yes'")
    before = (
        "[document.querySelector('figure.nndl-explorer img').src, document.querySelector('.nndl-said').textContent]"
    )
    source, _ = page.ask(before)
    page.ask("document.querySelector('figure.nndl-explorer input').focus()")
    page.press("ArrowRight")
    now, said = page.ask(before)
    assert now != source and said
    assert page.until("document.querySelector('figure.nndl-explorer img').naturalWidth > 300")


def test_the_menu_opens_and_closes(page):
    visit(page)
    page.resize(460, 850)
    is_open = "document.getElementById('contents').matches(':popover-open')"
    page.click("button[popovertarget=contents]")
    assert page.until(is_open)
    page.press("Escape")
    assert page.until(f"!{is_open}")
    page.click("button[popovertarget=contents]")
    assert page.until(is_open)
    page.resize(WIDTH, 850)  # where the contents stand beside the text
    assert page.until(f"!{is_open}") and page.ask("document.getElementById('contents').checkVisibility()")


def test_formulas_are_drawn_with_their_fonts(page):
    visit(page)
    page.ask(WHOLE)
    assert page.until("""document.fonts.ready.then(() => Array.from(document.fonts).filter(
        font => font.family.startsWith("KaTeX") && font.status === "loaded").length >= 3)""")
    # Numbers stand whole beside or below their formulas, at every width.
    for width in (WIDTH, 768, 460):
        page.resize(width, 850)
        cut = page.ask("""Array.from(document.querySelectorAll(".equation > .number")).filter(number => {
            const box = number.getBoundingClientRect();
            return box.left < 0 || box.right > innerWidth || box.width < 20; }).length""")
        assert cut == 0, f"{cut} numbers are cut at {width} pixels"
        assert page.ask("document.documentElement.scrollWidth <= innerWidth")


def test_a_formula_is_copied_as_tex(page):
    visit(page)
    page.ask(WHOLE)
    page.ask("""(() => {
        addEventListener("copy", event => { window.copied = event.clipboardData.getData("text/plain"); });
        const formula = document.querySelector("article p .katex"), range = document.createRange();
        formula.scrollIntoView({block: "center"});
        range.selectNodeContents(formula.closest("p"));
        getSelection().removeAllRanges();
        getSelection().addRange(range); })()""")
    page.press("Control", "c")
    assert page.until("window.copied")
    copied = page.ask("window.copied")
    tex = page.ask("document.querySelector('article p .katex annotation').textContent.trim()")
    assert f"${tex}$" in copied and "\n" not in copied, copied


def test_folds_open_and_links_lead_to_their_place(page):
    visit(page)
    place(page, "article details summary")
    page.click("article details summary")
    assert page.until("document.querySelector('article details').open")
    page.go(f"{(SITE / CHAPTER).as_uri()}#exercise-3")
    place_of = "document.getElementById('exercise-3').getBoundingClientRect().top"
    assert page.until(f"{place_of} >= 50 && {place_of} < 130"), page.ask(place_of)
    mark = "document.querySelector('.on-this-page [aria-current]')?.hash"
    assert page.until(f"{mark} === '#exercises'"), page.ask(mark)


@pytest.mark.parametrize(
    "name, press, says",
    [("playground", "Step", "Step 1 "), ("draw-a-digit", "Show a real 8 from the test set", "a real 8")],
    ids=["playground", "draw-a-digit"],
)
def test_pieces_answer(page, name, press, says):
    page.go((SITE / f"chapters/{name}.html").as_uri())
    assert page.until("document.querySelector('.nndl-piece').dataset.ready === 'yes'")
    inside = "(document.querySelector('.nndl-piece > div')?.shadowRoot || document.querySelector('.nndl-piece'))"
    button = f"""Array.from({inside}.querySelectorAll("button")).find(
        button => [button.textContent, button.ariaLabel].includes({press!r}))"""
    shown = f"{inside}.querySelector('.count, .dd-sees .dd-note').textContent"
    before = page.ask(shown)
    page.ask(f"{button}.click()")
    assert page.until(f"{shown} !== {before!r}")
    assert re.search(says, page.ask(shown))


def test_ci_has_firefox():
    # Elsewhere a missing browser skips these tests; in CI that would be a hole that nobody sees.
    if os.environ.get("CI"):
        assert FIREFOX, "CI must have Firefox: see .ci/run"
