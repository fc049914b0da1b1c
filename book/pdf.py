"""The whole book as one PDF, from the pages of the site: `make pdf`.

    .venv/bin/python -m book.pdf     into _build/pdf, and beside the site, from what `make book` built

A headless Chromium prints the document that book/document.py makes of the pages, twice: on which page something stands
is known when it has been printed once.
"""

import html
import io
import shutil
from pathlib import Path

from book.document import document
from book.files import PDF, ROOT, SITE, write_whole
from book.messages import say, stop
from book.origin import find_revision, git_of, origin

BROWSERS = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
CHROMIUM = next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pages_of(pdf: bytes) -> dict[str, int]:
    """On which page each place stands that a link of the document leads to, counted from 1."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(pdf))
    places = reader.named_destinations.items()
    return {name.lstrip("/"): 1 + (reader.get_destination_page_number(place) or 0) for name, place in places}


def print_pdf(source: Path) -> bytes:
    """The document as a PDF, in which each place that names a page has its number."""
    from playwright.sync_api import sync_playwright

    fill = (
        "numbers => document.querySelectorAll('[data-page-of]').forEach(e => e.textContent = numbers[e.dataset.pageOf])"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(source.as_uri())
        page.evaluate("Promise.all(Array.from(document.fonts, face => face.load()))")
        numbers = pages_of(page.pdf(prefer_css_page_size=True, print_background=True))
        page.evaluate(fill, numbers)
        pdf = page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
        browser.close()
    if pages_of(pdf) != numbers:
        raise RuntimeError("a number in the contents has moved what it numbers")
    return pdf


def about_this_copy() -> tuple[str, str]:
    """The lines of the title page on this copy of the book, and the address of the site or the empty string."""
    found, lines = origin(), []
    try:
        revision = found.revision or find_revision(ROOT, found.version)
        date = git_of(ROOT, "show", "-s", "--format=%cs", "HEAD")
        lines.append(f"Version {found.version}, revision {html.escape(revision[:12])} of {date}")
    except LookupError:  # files without a repository
        lines.append(f"Version {found.version}")
    if found.site:
        lines.append(f'The pages, on which figures move and code runs: <a href="{found.site}/">{found.site}</a>')
    lines.append("Text and figures: CC BY 4.0. Code: MIT.")
    return "<br>".join(lines), found.site


def offer(name: str) -> None:
    """A link on the cover of the site to the PDF beside it."""
    link = f'<a href="{name}" title="All chapters, with solutions" download>The book as a PDF</a>'
    for cover in (SITE / "intro.html", SITE / "index.html"):
        text = cover.read_text(encoding="utf-8")
        if link not in text:
            write_whole(
                cover, text.replace('<div class="about-this-page">', f'<div class="about-this-page">{link} ', 1)
            )


def main() -> None:
    if not CHROMIUM:
        stop("pdf: there is no Chromium or Chrome on this machine, which prints the book; nothing was written")
    if not (SITE / "intro.html").is_file():
        stop("pdf: there is no site to print: make book")
    about, site = about_this_copy()
    source = PDF.with_suffix(".html")
    write_whole(source, document(site=site, about=about))
    say("pdf: printing, twice: the contents name pages")
    pdf = print_pdf(source)
    for file in (PDF, SITE / PDF.name):
        write_whole(file, pdf)
    offer(PDF.name)
    say(f"pdf: {len(pdf) / 1e6:.0f} MB. Open {PDF.as_uri()}")


if __name__ == "__main__":
    main()
