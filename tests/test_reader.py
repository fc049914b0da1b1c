"""What a page remembers of its reader, in the browser alone, and that it can be read without a network."""

import re
import shutil

import pytest

from tests.browser import CHROMIUM, serve, wait_until
from tests.chapters import SITE
from tests.test_search import BLOCKED

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")
CHAPTER, OTHER = "chapters/10-recurrent-networks.html", "chapters/02-linear-models.html"


def read_on(page, section):
    """Turn the wheel until a section is the one that is read."""

    def is_there():
        page.mouse.wheel(0, 500)
        return page.evaluate("document.querySelector('.on-this-page [aria-current]')?.hash") == section

    page.mouse.move(600, 400)
    wait_until(page, is_there, 30)
    assert page.evaluate("document.querySelector('.on-this-page [aria-current]')?.hash") == section
    page.keyboard.press(
        "Shift"
    )  # a wheel's event may reach the page's script later than this returns, a key's does not


def test_the_book_remembers_where_the_reading_stopped(browser):
    # As files, so that nothing can be told to a server.
    address = SITE.as_uri() + "/"
    context = browser.new_context(viewport={"width": 1366, "height": 800})
    page, line = context.new_page(), ".go-on"
    page.goto(f"{address}index.html")
    assert not page.locator(line).is_visible()
    # A place that a link led to has not been read.
    page.goto(f"{address}{OTHER}#exercises")
    page.goto(f"{address}index.html")
    assert not page.locator(line).is_visible()

    page.goto(address + CHAPTER)
    assert not page.locator(line).is_visible()
    read_on(page, "#a-network-with-a-state")
    page.goto(f"{address}{OTHER}#exercise-2")
    page.get_by_role("checkbox", name="Done: 2. Scaling the cost.").check()
    page.goto(f"{address}exercises/10-recurrent-networks.html")
    assert page.get_by_role("checkbox").count() == 5
    page.get_by_role("checkbox", name="Done: 2. A step of an LSTM").check()

    page.goto(address + CHAPTER)
    shift = """() => new Promise(done => { let sum = 0;
        new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
            .observe({type: "layout-shift", buffered: true});
        setTimeout(() => done(sum), 500); })"""
    assert page.evaluate(shift) < 0.01  # the line is there from the first paint on
    page.get_by_role("link", name="Go on where you stopped: A network with a state").click()
    wait_until(page, lambda: page.evaluate("scrollY") > 1000)
    assert page.url.endswith("#a-network-with-a-state")
    page.mouse.wheel(0, 100)
    page.goto(f"{address}index.html")
    assert "2 exercises done." in page.locator(line).inner_text()
    link = page.locator(line).get_by_role("link", name="Go on in chapter 10, Recurrent networks: ")
    link.click()
    page.wait_for_url("**/10-recurrent-networks.html#*")

    page.goto(f"{address}index.html")
    page.get_by_role("button", name="Forget it").click()
    assert not page.locator(line).is_visible()
    assert page.evaluate("Object.keys(localStorage)") == []
    page.goto(f"{address}{OTHER}")
    assert page.get_by_role("checkbox", checked=True).count() == 0 < page.get_by_role("checkbox").count()
    assert not page.locator(line).is_visible()
    # Who has come to the end of a page is offered the next one.
    page.goto(f"{address}exercises/how-to-work-the-exercises.html")
    page.goto(f"{address}exercises/09-convolutional-networks.html")
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 10)
    last = page.evaluate("Array.from(document.querySelectorAll('.on-this-page a')).pop().hash")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    read_on(page, last)
    page.goto(f"{address}index.html")
    page.get_by_role("link", name="Go on with chapter 10, Recurrent networks").click()
    page.wait_for_url(f"**/{CHAPTER}")
    context.close()


@pytest.mark.parametrize("served", [True, False])
def test_without_a_store_it_is_not_there(browser, served):
    context, faults = browser.new_context(viewport={"width": 320, "height": 700}), []
    context.add_init_script(BLOCKED)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    with serve(SITE, "/a/book/") as (address, _):
        address = address if served else SITE.as_uri() + "/"
        for name in (CHAPTER, OTHER, "index.html"):
            page.goto(address + name)
            page.mouse.wheel(0, 3000)
            assert page.get_by_role("checkbox").count() == 0 and not page.locator(".go-on").is_visible(), name
        page.goto("about:blank")
    context.close()
    assert not faults, faults


# The addresses of what is kept, below the site's.
KEPT = """async () => { const found = [];
    for (const name of await caches.keys())
        for (const request of await (await caches.open(name)).keys()) found.push(request.url);
    return found.map(address => address.replace(/.*\\/a\\/book\\//, "")); }"""


def wait_for(page, names, seconds=20.0):
    """Wait until all of these are kept."""
    wait_until(page, lambda: {*names} <= {*page.evaluate(KEPT)}, seconds)


def test_what_was_read_can_be_read_without_a_network(browser):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    style = re.search(r"_static/page\.css\?\w+", (SITE / CHAPTER).read_text(encoding="utf-8"))[0]
    pictures = {*re.findall(r"_images/[\w.-]+", (SITE / OTHER).read_text(encoding="utf-8"))}
    pictures = {name for name in pictures if not name.startswith("_images/card-")}
    with serve(SITE, "/a/book/") as (address, _):
        page.goto(f"{address}{CHAPTER}?q=state#sequences")  # the very first visit, before anything can be kept
        wait_for(page, [CHAPTER, style, "offline.html"])
        # Of a page that is only opened, what was on the screen; of one that is read, all.
        page.goto(address + OTHER)
        wait_for(page, [OTHER])
        assert len(pictures & {*page.evaluate(KEPT)}) < len(pictures) / 2
        page.mouse.wheel(0, 300)
        wait_for(page, pictures)

    # The server is gone.
    page.reload()
    assert "Linear models" in page.title() and page.get_by_role("heading", name="2. Linear models").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).position") == "sticky"
    image = page.locator(".cell_output img").last
    image.scroll_into_view_if_needed()
    wait_until(page, lambda: image.evaluate("image => image.naturalWidth") > 100)
    page.goto(address + CHAPTER)
    assert "Recurrent networks" in page.title()
    # What was never opened says so, and what there is.
    answer = page.goto(address + "chapters/03-classification.html")
    assert answer.status == 503
    assert page.get_by_role("heading", name="This page is not here without a network").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.bar')).position") == "sticky"
    assert page.locator("article li a").all_inner_texts() == ["2. Linear models", "10. Recurrent networks"]
    page.get_by_role("link", name="10. Recurrent networks").last.click()
    page.wait_for_url(f"**/{CHAPTER}")
    context.close()


def test_a_new_book_replaces_the_old_one(browser, tmp_path):
    name, worker, pages = "chapters/notation.html", "offline-worker.js", {}
    scripts = [f"_static/{name}" for name in ("page.css", "page.js", "print.js", "reader.js", "icon.svg")]
    for file in [name, worker, "offline.html", *scripts]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SITE / file, tmp_path / file)
        pages[file] = (SITE / file).read_text(encoding="utf-8")
    digest = re.search(r"page\.css\?(\w+)", pages[name])[1]
    old, new = f"_static/page.css?{digest}", "_static/page.css?0123abcd"

    def publish(change):
        for file in (name, "offline.html", worker):
            (tmp_path / file).write_text(change(pages[file]), encoding="utf-8")

    context = browser.new_context()
    page = context.new_page()
    with serve(tmp_path, "/a/book/") as (address, sizes):
        page.goto(address + name)
        wait_for(page, [name, old])
        # Another build: another style, another text, another name of the build.
        build = re.search(r'BUILD = "(\w{16})"', pages[worker])[1]
        publish(lambda text: text.replace(digest, "0123abcd").replace(">Notation<", ">Signs<").replace(build, "0" * 16))
        page.goto(address + name)
        assert page.locator("h1").inner_text().startswith("Signs")  # at once
        wait_for(page, [name, new, "offline.html"])
        wait_until(page, lambda: old not in page.evaluate(KEPT), 20)  # nothing shows it any more
        # What does not change without another address is not asked again.
        sizes.clear()
        page.goto(address + name)
        assert "/a/book/" + name in sizes and "/a/book/_static/page.css" not in sizes
        # A book without this leaves nothing behind.
        (tmp_path / worker).unlink()
        (tmp_path / name).write_text(re.sub(r"<script defer.*?</script>", "", pages[name]), encoding="utf-8")
        page.goto(address + name)
        left = "navigator.serviceWorker.getRegistrations().then(all => all.length)"
        wait_until(page, lambda: page.evaluate(left) == 0 and page.evaluate("caches.keys()") == [])
    context.close()
