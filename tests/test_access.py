"""What a page says to who does not see it, and shows to who sees it in the system's own few colors."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.browser import CHROMIUM, wait_until
from tests.chapters import CHAPTERS, ROOT, SITE
from tests.test_page import WCAG, axe, with_web
from theme.formulas import Renderer

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
PAGES = sorted(file for file in SITE.rglob("*.html") if file.relative_to(SITE).parts[0] not in ("_static", "notebooks"))


def address(name):
    return (SITE / f"{name}.html").as_uri()


@pytest.fixture(scope="module")
def window(browser):
    page = browser.new_page(viewport={"width": 1366, "height": 850})
    yield page
    page.close()


@pytest.fixture(params=["light", "dark"])
def high_contrast(window, request):
    """A page in high contrast, black on white or white on black."""
    window.emulate_media(forced_colors="active", color_scheme=request.param)
    yield window
    window.emulate_media(forced_colors="none", color_scheme="light")


def pixels(page_or_part, **options):
    return np.asarray(Image.open(io.BytesIO(page_or_part.screenshot(**options))).convert("RGB")).astype(int)


# --- high contrast --------------------------------------------------------------------------------------------------

# The formulas of a page, one below the other, and nothing else.
FORMULAS = """async () => {
    const all = Array.from(document.querySelectorAll("article .katex")).slice(0, 150).map(formula => {
        const line = document.createElement("div");
        line.append(formula.cloneNode(true));
        return line; });
    document.body.replaceChildren(...all);
    document.body.style.cssText = "color: CanvasText; background: Canvas; columns: 3";
    await document.fonts.ready; }"""


@in_browser
def test_no_letter_of_a_formula_is_covered(browser):
    page = browser.new_page(viewport={"width": 1366, "height": 850}, color_scheme="light")
    page.goto(address("chapters/05-backpropagation"))
    page.evaluate(FORMULAS)
    seen = []
    for forced in ("none", "active"):
        page.emulate_media(forced_colors=forced, color_scheme="light")
        page.evaluate("document.fonts.ready.then(() => 0)")
        seen.append(pixels(page, full_page=True).mean(-1))
    page.close()
    assert (seen[0] < 128).sum() > 20_000, "there are no formulas"
    assert (seen[1] - seen[0] > 60).sum() == 0, "ink that is there with colors is missing without"


@in_browser
def test_marks_in_high_contrast(high_contrast):
    page = high_contrast
    page.goto(f"{address('chapters/03-classification')}#eq-3-10")
    mark = page.locator(".on-this-page [aria-current]")
    mark.wait_for()
    other = page.locator(".on-this-page a:not([aria-current])").last
    for marked, plain in [(mark, other), (page.locator("#contents [aria-current]"), page.locator("#contents a").first)]:
        seen = pixels(marked)
        ground = seen[4, -8]
        assert np.abs(ground - pixels(plain)[4, -8]).max() > 60, "the mark has the color of the page"
        # The words on it are not on a plate of another color.
        assert (np.abs(seen - ground).sum(-1) < 12).mean() > 0.6
    target = page.locator("#eq-3-10")
    assert target.evaluate("formula => getComputedStyle(formula).outlineStyle") == "solid"
    figure = page.locator(".cell_output img").first
    for theme in ("light", "dark"):  # whatever the system's ground is, a figure is seen
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        figure.scroll_into_view_if_needed()
        figure.evaluate("image => image.decode()")
        assert pixels(figure).mean(-1).std() > 20, f"{theme}: nothing is left of a figure"


@in_browser
def test_pieces_in_high_contrast(high_contrast):
    page = high_contrast
    page.goto(address("chapters/draw-a-digit"))
    page.locator(".nndl-piece[data-ready=yes]").wait_for(state="attached")
    page.add_style_tag(content=".bar { display: none !important } .dd i { transition: none !important }")
    bar = page.locator(".dd-first i")
    inside = pixels(bar)[3:-3, 3:-3].reshape(-1, 3).mean(0)
    beside = pixels(page.locator(".dd-first"))[3, 3]
    assert np.abs(inside - beside).max() > 100, "the bar of the answer has the color of the paper"
    frame = "row => getComputedStyle(row).borderTopColor"
    assert bar.locator("xpath=../..").evaluate(frame) != page.locator(".dd-bars li:not(.dd-first)").first.evaluate(
        frame
    )
    active = page.locator(".dd-on i").first
    assert np.abs(pixels(active)[1:-1, 1:-1].reshape(-1, 3).mean(0) - beside).max() > 100
    page.goto(address("chapters/playground"))
    page.locator(".nndl-piece[data-ready=yes]").wait_for(state="attached")
    outline = "unit => [getComputedStyle(unit).outlineStyle, getComputedStyle(unit).outlineWidth]"
    assert page.locator(".unit[aria-pressed=true]").evaluate(outline) == ["solid", "4px"]
    assert page.locator(".unit[aria-pressed=false]").first.evaluate(outline)[0] == "none"
    # It is painted for the system's ground, whatever the reader chose for the page.
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_timeout(100)
        assert (page.locator(".pg[data-dark]").count() == 1) == is_dark


@in_browser
@with_web
@pytest.mark.parametrize("name", ["chapters/notation", "chapters/draw-a-digit"])
def test_accessible_in_high_contrast(window, name):
    window.emulate_media(forced_colors="active", color_scheme="dark")
    window.goto(address(name))
    found = axe(window, WCAG)
    window.emulate_media(forced_colors="none", color_scheme="light")
    assert found == []


# --- names and order ------------------------------------------------------------------------------------------------


@in_browser
def test_names_of_controls(window):
    page = window
    page.goto(address("chapters/07-training-deep-networks"))
    assert page.locator("select").count() == 0  # they come with the first key, or near the screen
    page.keyboard.press("Shift")
    labels = page.locator(".nndl-controls label")
    assert labels.count() > 4 and page.locator(".nndl-controls select").count() > 1
    for label in labels.all():
        name, control = label.evaluate("label => [label.firstChild.textContent.trim(), label.control.localName]")
        role = "slider" if control == "input" else "combobox"
        assert label.get_by_role(role, name=name, exact=True).count() == 1, f"{name} is not the whole name"
    names = page.locator("button.copy").evaluate_all("all => all.map(button => button.ariaLabel)")
    assert len(names) > 20 and len(set(names)) == len(names)
    assert re.fullmatch(r"Copy cell 1: \S.*", names[0])


@in_browser
def test_a_list_to_choose_from_comes_when_the_reader_is_near(window):
    window.goto(address("chapters/07-training-deep-networks"))
    figure = window.locator("figure.nndl-explorer", has=window.locator("template"))
    assert figure.count() > 1
    first = figure.first.element_handle()

    def has_come():
        first.evaluate("figure => figure.scrollIntoView()")  # again and again: what comes near is laid out
        return first.evaluate("figure => Boolean(figure.querySelector('select') && figure.dataset.ready)")

    wait_until(window, has_come)
    assert figure.count() > 0


def test_what_is_on_a_page_is_said_before_its_text():
    for file in PAGES:
        text = file.read_text(encoding="utf-8")
        if 'id="on-this-page"' in text:
            assert text.index('id="contents"') < text.index('id="on-this-page"') < text.index("<main"), file.name


@in_browser
def test_a_menu_closes_when_the_phone_is_turned(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, menu = context.new_page(), "#contents:popover-open"
    page.goto(address("chapters/notation"))
    screen = context.new_cdp_session(page)
    page.get_by_role("button", name="Contents").click()
    assert page.locator(menu).is_visible()
    turned = {"angle": 90, "type": "landscapePrimary"}
    size = {"width": 844, "height": 390, "deviceScaleFactor": 1, "mobile": True, "screenOrientation": turned}
    screen.send("Emulation.setDeviceMetricsOverride", size)
    wait_until(page, lambda: page.locator(menu).count() == 0)
    context.close()


@in_browser
@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1366])
def test_buttons_of_digits_stay_in_their_column(window, width):
    window.set_viewport_size({"width": width, "height": 850})
    window.goto(address("chapters/draw-a-digit"))
    window.locator(".dd-digits button").last.wait_for()
    beyond = window.evaluate("""() => Array.from(document.querySelectorAll(".dd button")).filter(button =>
        button.getBoundingClientRect().right > button.closest("[role=group]").getBoundingClientRect().right + 0.5
    ).map(button => button.textContent)""")
    window.set_viewport_size({"width": 1366, "height": 850})
    assert beyond == []


AROUND = """const display = document.querySelector("p + .equation");
    range.setStart(display.previousElementSibling, 0); range.setEnd(display.nextElementSibling, 1)"""


@in_browser
def test_copied_text_has_its_formulas_as_tex(browser):
    page = browser.new_page()
    page.goto(address("chapters/02-linear-models"))
    page.evaluate("""() => { document.documentElement.dataset.whole = "yes";
        addEventListener("copy", event => { window.copied = event.clipboardData.getData("text/plain"); }); }""")
    for select, sign in [
        # A part of a formula within a line; a paragraph, the display after it, and what follows; code alone.
        ("const f = document.querySelector('article p .katex .mord'); range.selectNodeContents(f)", "$"),
        ("range.selectNodeContents(document.querySelector('p + .equation .katex-display'))", "$$"),
        ("range.selectNodeContents(document.querySelector('p + .equation .katex-html .mord'))", "$$"),
        (AROUND, "$$"),
        ("range.selectNodeContents(document.querySelector('.cell_input pre'))", None),
    ]:
        page.evaluate(f"""() => {{ window.copied = null; const range = document.createRange(); {select};
            getSelection().removeAllRanges(); getSelection().addRange(range); }}""")
        page.keyboard.press("ControlOrMeta+c")
        copied = page.evaluate("window.copied")
        if sign is None:
            assert not copied, "code is copied as the browser does it"
            continue
        place = "'article p .katex annotation'" if sign == "$" else "'p + .equation annotation'"
        tex = page.evaluate(f"document.querySelector({place}).textContent.trim()")
        assert f"{sign}{tex}{sign}" in copied and copied.count(tex) == 1, copied
        if sign == "$":
            assert copied == f"${tex}$"
    page.close()


# --- MathML ---------------------------------------------------------------------------------------------------------

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
WITHIN = {"mtr": {"mtable"}, "mtd": {"mtr"}, "annotation": {"semantics"}}
TOKENS = {"mi", "mn", "mo", "mtext", "mspace", "annotation"}
ROWS = {"math", "mrow", "mstyle", "msqrt", "menclose", "mtd", "mpadded", "mphantom", "semantics"}


def faults(text):
    """What the standard does not allow in a formula: too many parts, parts in a word, something unknown."""
    found = []
    for parent in ElementTree.fromstring(text).iter():
        name, parts = parent.tag.removeprefix(NAMESPACE), [part.tag.removeprefix(NAMESPACE) for part in parent]
        if name in TOKENS and parts:
            found.append(f"{name} holds {parts}")
        elif name in CHILDREN and len(parts) != CHILDREN[name]:
            found.append(f"{name} has {len(parts)} parts: {parts}")
        elif name not in {*TOKENS, *CHILDREN, *ROWS, "mtable", "mtr"}:
            found.append(f"unknown: {name}")
        elif name not in TOKENS and (parent.text or "").strip():
            found.append(f"{name} holds text")
        found += [f"{part} in {name}" for part in parts if name not in WITHIN.get(part, {name})]
        if name in ("mtable", "mtr"):
            found += [f"{part} in {name}" for part in parts if part != {"mtable": "mtr", "mtr": "mtd"}[name]]
    return found


def test_formulas_are_valid_mathml():
    seen = 0
    for file in PAGES:
        for text in re.findall(r"<math\b.*?</math>", file.read_text(encoding="utf-8"), re.DOTALL):
            seen += 1
            assert faults(text) == [], f"{file.name}: {text}"
    assert seen > 3000


def test_names_of_functions_below_a_letter():
    render = Renderer()
    for latex in [r"\lambda_{\max}", r"\sigma_{\max}^k", r"x^{\log}", r"\frac{\log\max}{2}", r"\overline{\max}"]:
        for display in (False, True):
            math = re.search(r"<math.*?</math>", render(latex, display))[0]
            assert faults(math) == [] and f">{latex}</annotation>" in math
    assert "<msub><mi>λ</mi><mi>max</mi></msub>" in render(r"\lambda_{\max}")
    assert "<mi>max</mi><mo>\u2061</mo>" in render(r"\max x")  # where it is applied to something
    argmin = re.search(r"<math.*?</math>", render(r"\underset{f}{\arg\min} x"))[0]
    assert faults(argmin) == []
    render.close()
    for wrong in ["<msub><mi>a</mi><mi>b</mi><mo>c</mo></msub>", "<mi><mo>a</mo></mi>", "<mrow>a</mrow>"]:
        assert faults(f'<math xmlns="{NAMESPACE[1:-1]}">{wrong}</math>')


def test_drawings_say_whether_they_are_filled():
    # A line without `fill` is filled with black between its ends.
    for file in [*(SITE / "_static").glob("*.svg"), *(ROOT / "theme" / "static").glob("*.svg")]:
        tree = ElementTree.parse(file)
        parents = {child: parent for parent in tree.iter() for child in parent}
        for drawn in tree.iter():
            if drawn.tag.rpartition("}")[2] in ("path", "polyline", "rect", "circle", "polygon", "ellipse"):
                chain = [drawn]
                while chain[-1] in parents:
                    chain.append(parents[chain[-1]])
                assert any("fill" in part.attrib for part in chain), f"{file.name}: {drawn.attrib}"


def test_pictures_beside_a_link_are_decoration():
    # Their link says where it leads, the goal of the explorer: their own text would say it twice.
    text = (SITE / "explorers.html").read_text(encoding="utf-8")
    pictures = re.findall(r"<li><img ([^>]*)>", text)
    assert len(pictures) > 2 * len(CHAPTERS) - 2 and all('alt=""' in picture for picture in pictures)
