"""Figures on a phone: their labels can be read, what is wider than the screen scrolls, and a tap enlarges them."""

import inspect
import io
import re
from base64 import b64decode

import matplotlib
import pytest
from PIL import Image

from book import execution
from nndl_lib import plotting
from tests.browser import CHROMIUM
from tests.chapters import CHAPTERS, ROOT, SITE
from theme.pictures import READABLE, TEXT, least_width

in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
PHONE = 390  # CSS pixels across
SIZE = re.compile(r"\b(?:font|label|title)size=([\d.]+)")
EXPLORER_IMAGE = re.compile(r'class="nndl-explorer".*?<img [^>]* width="(\d+)"', re.DOTALL)


def sizes_of(code, helpers):
    """The sizes of text, in points, that a cell asks for: itself, by helpers of the chapter, by the library's plots."""
    found = [float(size) for size in SIZE.findall(code)]
    for name, sizes in helpers.items():
        found += sizes if re.search(rf"\b{name}\(", code) else []
    for name in plotting.__all__:
        if re.search(rf"\b{name}\(", code) and callable(function := getattr(plotting, name)):
            if name == "draw_graph" and ("down=True" in code or "*graph" not in code):
                continue  # the small print inside of circles is that of operations, in graphs from left to right
            found += [float(size) for size in SIZE.findall(inspect.getsource(function))]
    return found


def figures_of(page):
    """(first line of the code, width, dots an inch, smallest text in points) of each figure and each explorer."""
    helpers = {}
    for cell in execution.code_cells(execution.load(page)):
        own = re.findall(r"^def (\w+)\(", cell.source, re.MULTILINE)
        sizes = sizes_of(cell.source, {name: sizes for name, sizes in helpers.items() if name not in own})
        helpers |= dict.fromkeys(own, sizes)
        points, first = min([TEXT, *sizes]), cell.source.split("\n")[0]
        for output in cell.outputs:
            kinds = output.get("data", {})
            if "image/png" in kinds:
                with Image.open(io.BytesIO(b64decode(kinds["image/png"]))) as picture:
                    yield first, picture.width, picture.info["dpi"][0], points
            elif found := EXPLORER_IMAGE.search(kinds.get("text/html", "")):
                yield first, int(found[1]), 100, points


def shown_width(width, dpi, screen):
    """How wide the page shows a picture, as `test_pictures_are_as_wide_as_said` finds in a browser."""
    return max(min(width, screen), least_width(width, dpi))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_labels_can_be_read_on_a_phone(path):
    page = path.relative_to(ROOT).with_suffix("").as_posix()
    figures = list(figures_of(page))
    assert len(figures) >= 5
    small = {
        first: round(points / 72 * dpi * shown_width(width, dpi, PHONE) / width, 1)
        for first, width, dpi, points in figures
        if points / 72 * dpi * shown_width(width, dpi, PHONE) / width < READABLE
    }
    assert small == {}, "labels below 8 pixels: larger letters, or a narrower figure with its panels above each other"


def test_the_text_of_figures_is_as_large_as_the_page_takes_it_to_be():
    with matplotlib.rc_context():
        plotting.use_style()
        kinds = (
            "font.size",
            "axes.titlesize",
            "axes.labelsize",
            "xtick.labelsize",
            "ytick.labelsize",
            "legend.fontsize",
        )
        sizes = [matplotlib.rcParams[kind] for kind in kinds]
        assert {size if size != "medium" else matplotlib.rcParams["font.size"] for size in sizes} == {TEXT}


# Of each picture: the width drawn, the least, the one shown, and whether all of it can be reached.
WIDTHS = """() => { document.documentElement.dataset.whole = "yes";
    return Array.from(document.querySelectorAll(".picture > img"), image => {
        const frame = image.parentElement, box = frame.getBoundingClientRect();
        const least = parseFloat(getComputedStyle(frame).getPropertyValue("--least"));
        return [Number(image.getAttribute("width")), least, image.offsetWidth,
            box.left >= 0 && box.right <= innerWidth && frame.scrollWidth >= image.offsetWidth]; }); }"""


@in_browser
@pytest.mark.parametrize("screen", [320, 390])
def test_pictures_are_as_wide_as_said(browser, screen):
    page = browser.new_page(viewport={"width": screen, "height": 800})
    page.goto((SITE / "chapters" / "05-backpropagation.html").as_uri())
    found = page.evaluate(WIDTHS)
    assert len(found) >= 10  # figures and explorers
    for width, least, shown, reached in found:
        assert least in (least_width(width, 120), least_width(width, 100))
        assert shown == max(min(width, screen), least) and reached
    # Where one scrolls, the keyboard can do it.
    wide = [k for k, (_, least, *_) in enumerate(found) if least > screen]
    assert bool(wide) == (screen == 320)
    for k in wide[:1]:
        frame = page.locator(".picture").nth(k)
        frame.scroll_into_view_if_needed()
        page.wait_for_function("frame => frame.tabIndex === 0", arg=frame.element_handle())
    page.close()


@in_browser
def test_enlarge(browser):
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    page.goto((SITE / "chapters" / "05-backpropagation.html").as_uri())
    images, buttons = page.locator(".picture > img"), page.locator("button.enlarge")
    explorers = page.locator(".nndl-explorer .picture")
    assert buttons.count() == images.count() - explorers.count() > 5 < images.count()
    image = page.locator(".picture > img").first
    alt, width = image.get_attribute("alt"), int(image.get_attribute("width"))
    button = page.get_by_role("button", name=f"Enlarge figure: {alt}")
    dialog, large = page.get_by_role("dialog"), page.locator("dialog img")
    for open_it, close_it in [
        (lambda: button.press("Enter"), lambda: page.keyboard.press("Escape")),
        (lambda: button.press("Space"), lambda: page.keyboard.press("Enter")),  # "Close" has the focus
        (image.tap, lambda: page.get_by_role("button", name="Close", exact=True).tap()),
    ]:
        open_it()
        assert dialog.is_visible() and page.locator("dialog:modal").count() == 1
        assert large.get_attribute("alt") == alt and large.evaluate("image => image.offsetWidth") == width > 390
        assert large.evaluate("image => getComputedStyle(image).filter") == image.evaluate(
            "image => getComputedStyle(image).filter"
        )
        room = page.locator("dialog > div")
        room.evaluate("room => room.scrollLeft = 9999")
        assert room.evaluate("room => room.scrollLeft + room.clientWidth") == width
        close_it()
        assert not dialog.is_visible() and button.evaluate("button => button === document.activeElement")
    # Where there is room, there is no further stop of the keyboard, and a click does nothing.
    page.set_viewport_size({"width": 1366, "height": 768})
    assert not button.is_visible()
    image.click()
    assert not dialog.is_visible()
    page.close()
