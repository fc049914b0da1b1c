"""The built pages in a real browser, opened as files, with every request to a network blocked."""

import io
import os
import re

import matplotlib.pyplot as plt
import pytest
from PIL import Image, ImageStat

from nndl_lib.interactive import static_html
from tests.browser import CHROMIUM
from tests.chapters import CHAPTERS, EXERCISES, PLAY, ROOT, SITE

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def new_window(browser, scripts=True):
    """A page, and its faults: what it asks for from elsewhere than the folder, what fails, and errors."""
    page, faults = browser.new_page(java_script_enabled=scripts), []
    page.context.set_offline(True)

    def only_files(request):
        if not request.url.startswith((SITE.as_uri(), "data:", "about:")):
            faults.append(f"asked for {request.url}")

    page.on("request", only_files)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    if scripts:  # without them, scripts that the page preloads are dropped
        page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    return page, faults


def show(page, path, width=1280, height=800):
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="light")
    page.goto((SITE / path.relative_to(ROOT).with_suffix(".html")).as_uri())


WHOLE = "document.documentElement.dataset.whole = 'yes'"  # as for a reader who jumps into the text


@pytest.fixture(scope="module")
def windows(browser):
    """Two windows for visit after visit, with scripts and without."""
    found = {scripts: new_window(browser, scripts) for scripts in (True, False)}
    yield found
    for page, _ in found.values():
        page.close()


@pytest.fixture
def open_page(windows):
    """Open a page of the site; at the end of the test, no request may have left the folder and no error been logged."""

    def open_it(path, scripts=True, width=1280, height=800):
        page, _ = windows[scripts]
        show(page, path, width, height)
        if scripts:
            page.evaluate(WHOLE)
        return page

    yield open_it
    wrong = [fault for _, faults in windows.values() for fault in faults]
    for page, faults in windows.values():
        page.goto("about:blank")  # which ends what is still being loaded
        faults.clear()
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def explorers(browser, request):
    """The explorers of a chapter, whose page is loaded once: tests move them, from wherever they stand."""
    page, faults = new_window(browser)
    show(page, request.param)
    page.evaluate(WHOLE)
    yield page.locator("figure.nndl-explorer").all()
    page.close()
    assert not faults, "\n".join(faults)


# Ask again and again: a browser may go on leaving out a section that was scrolled to once, and would never load the
# image.
DECODED = """async image => {
    for (let k = 0; k < 40 && !(image.complete && image.naturalWidth); k++) {
        image.scrollIntoView({block: "center"}); await new Promise(done => setTimeout(done, 250)); }
    if (!image.naturalWidth) throw new Error("not loaded after 10 s: " + image.src);
    await image.decode(); }"""


def picture(figure):
    """The pixels that the explorer shows, once the browser has decoded them."""
    image = figure.locator("img")
    image.evaluate(DECODED)
    return image.screenshot()


def test_explorers_move_by_keyboard(explorers):
    assert len(explorers) >= 2
    for figure in explorers:
        figure.scroll_into_view_if_needed()
        before = picture(figure)
        for control in figure.locator("input[type=range]").all():
            alt = figure.locator("img").get_attribute("alt")
            value = control.get_attribute("aria-valuetext")
            control.focus()
            # Away from the end that the control may start at.
            at_end = control.evaluate("control => control.value === control.max")
            control.press("ArrowLeft" if at_end else "ArrowRight")
            assert control.get_attribute("aria-valuetext") != value
            assert control.locator("xpath=..").locator("span").inner_text() == control.get_attribute("aria-valuetext")
            after = picture(figure)
            assert after != before, "the control moved and the picture did not"
            before = after
            assert figure.locator("img").get_attribute("alt") != alt
            assert figure.locator(".nndl-said").text_content() == figure.locator("img").get_attribute("alt")


def test_every_frame_is_reached_and_loads(explorers):
    for figure in explorers:
        figure.scroll_into_view_if_needed()
        figure.locator("img").evaluate(DECODED)
        figure.page.wait_for_function("figure => figure.dataset.ready", arg=figure.element_handle())
        sources = figure.evaluate("""async figure => {
            const controls = Array.from(figure.querySelectorAll('input, select')), image = figure.querySelector('img');
            const sizes = controls.map(control => control.max ? Number(control.max) + 1 : control.options.length);
            const total = sizes.reduce((a, b) => a * b), seen = new Set();
            for (let at = 0; at < total; at++) {
                let rest = at;
                for (let k = controls.length - 1; k >= 0; k--) {
                    controls[k].value = rest % sizes[k];
                    rest = Math.floor(rest / sizes[k]);
                }
                controls[0].dispatchEvent(new Event('input'));
                await image.decode();
                if (image.naturalWidth > 300) seen.add(image.alt);
            }
            return [total, seen.size];
        }""")
        assert sources[0] == sources[1], f"{sources[0]} settings, {sources[1]} different pictures"


@chapter
def test_readable_without_javascript(open_page, path):
    page = open_page(path, scripts=False)
    code = page.locator("details.hide").first  # folded code opens
    assert not code.locator("pre").is_visible()
    code.locator("summary").click()
    assert code.locator("pre").is_visible()
    figure = page.locator("figure.nndl-explorer").first
    assert figure.locator("img").is_visible() and not figure.locator(".nndl-controls").is_visible()
    assert figure.locator("figcaption").is_visible()
    assert page.locator(".katex-html").first.is_visible()
    solution = page.locator("details", has=page.locator("summary", has_text="Solution")).first
    assert not solution.locator("p").first.is_visible()
    solution.locator("summary").click()
    assert solution.locator("p").first.is_visible()


@pytest.mark.parametrize("path", [*CHAPTERS, *PLAY, ROOT / "intro.md"], ids=lambda path: path.stem)
def test_phone(open_page, path):
    page = open_page(path, width=360, height=740)
    # Explorers keep their shape, and turn dark with the page.
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, "the text scrolls sideways"
        for figure in page.locator("figure.nndl-explorer").all():
            figure.scroll_into_view_if_needed()
            image = figure.locator("img")
            image.evaluate(DECODED)
            shape, alt, drawn = image.evaluate("""i => [
                [i.naturalWidth / i.naturalHeight, i.clientWidth / i.clientHeight, i.clientWidth],
                i.alt, getComputedStyle(i).filter]""")
            assert abs(shape[0] - shape[1]) < 0.02 and shape[2] <= 360
            # Inverting alone would turn blue lines orange; and a photograph is not to be read as a negative.
            assert ("hue-rotate(180deg)" in drawn) == (scheme == "dark" and "photograph" not in alt)
            assert scheme == "dark" or drawn == "none"
            if "photograph" in alt or scheme == "light":  # in the light nothing is changed
                continue
            brightness = ImageStat.Stat(Image.open(io.BytesIO(figure.screenshot())).convert("L")).mean[0]
            assert brightness < 80, f"brightness {brightness:.0f}"


@pytest.mark.parametrize("path", PLAY, ids=lambda path: path.stem)
def test_pieces_of_the_page(open_page, path):
    # The script is served once and starts the piece; without scripts there are a picture and a sentence.
    text = (SITE / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8")
    name = re.search(r'data-piece="(\w+)"', text)[1]
    assert (
        len(re.findall(rf'<script defer src="\.\./_static/{name}\.js', text)) == 1 and "function startAll" not in text
    )
    page = open_page(path)
    page.locator(".nndl-piece[data-ready=yes]").wait_for(state="attached")
    assert page.locator(".nndl-piece button").count() >= 3
    page = open_page(path, scripts=False)
    assert page.locator(".nndl-piece img").first.is_visible() and page.locator(".nndl-piece p").first.is_visible()


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
@pytest.mark.parametrize("script", [True, False])
def test_exercises_page(open_page, path, script):
    page = open_page(path, scripts=script, width=360, height=740)
    hints, solutions = (
        page.locator("details", has=page.locator("summary", has_text=word)) for word in ("Hint", "Solution")
    )
    assert hints.count() == solutions.count() >= 3
    for fold in solutions.all():  # one click away, and not before
        code = fold.locator("pre").first
        assert not code.is_visible()
        fold.locator("summary").click()
        assert code.is_visible() and "def " in code.inner_text() and "not written yet" not in code.inner_text()
    assert page.locator("text=not written yet").count() >= 2 * solutions.count()  # in each stub and in each output
    link = page.get_by_role("link", name="download this page as a notebook")
    assert link.get_attribute("download") is not None
    file = (SITE / "exercises" / link.get_attribute("href")).resolve()
    assert file.is_file() and file.suffix == ".ipynb"
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, "the text scrolls sideways"


def test_ci_has_a_browser():
    # Elsewhere a missing browser skips these tests; in CI that would be a hole that nobody sees.
    if os.environ.get("CI"):
        assert CHROMIUM, "CI must have a browser: see .ci/run"


def test_an_explorer_by_itself(browser, tmp_path):
    # As in a downloaded notebook or nbviewer: one piece of HTML with its frames and script inside, and a list to
    # choose.
    def draw(red, blue):
        return plt.figure(figsize=(2, 1), facecolor=(red / 255, 0, {"none": 0, "some": 1}[blue]))

    text = static_html(draw, goal="g", red=[0, 100, 200], blue=["none", "some"], start={"red": 100})
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset='utf-8'>{text}{text}", encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    for figure in page.locator("figure.nndl-explorer").all():  # two on one page do not disturb each other
        assert figure.locator(".nndl-hint").count() == 0
        seen = []
        for control, key in [(None, None), ("input", "ArrowRight"), ("select", "ArrowDown"), ("input", "Home")]:
            if control:
                figure.locator(control).focus()
                page.keyboard.press(key)
            color = Image.open(io.BytesIO(picture(figure))).convert("RGB").getpixel((50, 50))
            seen.append((figure.locator("img").get_attribute("alt"), color))
        # The picture and its alt text are those of the setting, not of a neighbor.
        assert seen == [
            ("Plot with red = 100, blue = none", (100, 0, 0)),
            ("Plot with red = 200, blue = none", (200, 0, 0)),
            ("Plot with red = 200, blue = some", (200, 0, 255)),
            ("Plot with red = 0, blue = some", (0, 0, 255)),
        ]
    context.close()
    assert not faults, "\n".join(faults)
