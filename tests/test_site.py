"""The built pages, as files: links lead somewhere, pictures have alt texts, nothing comes from elsewhere."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from sphinxcontrib import katex

from tests.chapters import CHAPTERS, EXERCISES, GUIDE, ROOT, SITE

PAGES = sorted(file for file in SITE.rglob("*.html") if "_static" not in file.parts)


class Page(HTMLParser):
    """Collects (line, tag, attributes) of every element."""

    def __init__(self, path):
        super().__init__()
        self.elements = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.elements.append((self.getpos()[0], tag, dict(attributes)))


@pytest.fixture(scope="module")
def pages():
    assert PAGES, "no page was built"
    return {path: Page(path) for path in PAGES}


def name(path):
    return path.relative_to(SITE)


def test_every_source_became_a_page():
    for path in [
        *CHAPTERS,
        *EXERCISES,
        GUIDE,
        GUIDE.with_name("use-in-a-course.md"),
        ROOT / "chapters" / "playground.md",
        ROOT / "intro.md",
        ROOT / "CONTRIBUTING.md",
    ]:
        assert (SITE / path.relative_to(ROOT).with_suffix(".html")).is_file(), f"{path.name} is not in the book"
    assert (SITE / "index.html").is_file()


def test_links_inside_the_book(pages):
    anchors = {
        path: {attributes[key] for _, _, attributes in page.elements for key in ("id", "name") if key in attributes}
        for path, page in pages.items()
    }
    faults, seen = [], 0
    for path, page in pages.items():
        for line, tag, attributes in page.elements:
            target = attributes.get("href") if tag in ("a", "link") else attributes.get("src")
            if not target or urlsplit(target).scheme or target.startswith("//"):
                continue
            seen += 1
            parts = urlsplit(target)
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not file.is_file():
                faults.append(f"{name(path)}:{line}: {target!r} leads to no file")
            elif "=" in parts.fragment:  # settings of an interactive piece, as #playground=data:xor
                piece = parts.fragment.split("=")[0]
                if ("nndl-piece", piece) not in {
                    (a.get("class"), a.get("data-piece")) for _, _, a in pages[file].elements
                }:
                    faults.append(f"{name(path)}:{line}: {target!r} is for a piece that is not on that page")
            elif parts.fragment and file in anchors and unquote(parts.fragment) not in anchors[file]:
                faults.append(f"{name(path)}:{line}: {target!r} leads to no place on that page")
    assert seen > 100  # the parser still finds links
    assert not faults, "\n" + "\n".join(faults)


def test_every_picture_has_an_alt_text(pages):
    # The book's sign stands beside its name, and a small picture of an explorer beside its goal: they say nothing more.
    beside = {
        (path, attributes.get("src"))
        for path, page in pages.items()
        for _, tag, attributes in page.elements
        if tag == "img"
        and attributes.get("alt") == ""
        and (attributes["src"].endswith("_static/icon.svg") or path.name == "explorers.html")
    }
    assert len(beside) >= len(pages)
    faults = [
        f"{name(path)}:{line}: {attributes.get('src')} has no alt text"
        for path, page in pages.items()
        for line, tag, attributes in page.elements
        if tag == "img" and not (attributes.get("alt") or "").strip() and (path, attributes.get("src")) not in beside
    ]
    assert not faults, "\n" + "\n".join(faults)


def test_nothing_is_loaded_from_elsewhere(pages):
    faults = []
    for path, page in pages.items():
        for line, tag, attributes in page.elements:
            loads = attributes.get("src") if tag in ("script", "img", "iframe", "source") else None
            if tag == "link" and attributes.get("rel") not in ("canonical", None):
                loads = attributes.get("href")
            if loads and (urlsplit(loads).scheme in ("http", "https") or loads.startswith("//")):
                faults.append(f"{name(path)}:{line}: loads {loads}")
    for style in SITE.rglob("*.css"):
        faults += [
            f"{style.name}: loads {address}"
            for address in re.findall(r"url\(['\"]?((?:https?:)?//[^)'\"]+)", style.read_text(encoding="utf-8"))
        ]
    assert not faults, "\n" + "\n".join(faults)


def test_math_was_rendered(pages):
    for path in CHAPTERS:
        text = (SITE / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8")
        assert text.count('class="katex"') > 20, f"{path.name}: no rendered math"
        assert "katex-error" not in text and "ParseError" not in text, f"{path.name}: math that KaTeX cannot read"


def test_math_style_fits_the_renderer():
    style = (ROOT / "theme" / "static" / "katex" / "katex.min.css").read_text(encoding="utf-8")
    assert f'content:"{katex.katex_version}"' in style, f"theme/static/katex is not of KaTeX {katex.katex_version}"


def test_explorers_keep_their_frames_outside_the_page():
    for path in CHAPTERS:
        text = (SITE / path.relative_to(ROOT).with_suffix(".html")).read_text(encoding="utf-8")
        assert len(re.findall(r'<figure id="explorer-\d+" class="nndl-explorer"', text)) >= 2
        assert "data:image/webp" not in text, f"{path.name}: frames are inside the page"
        for source in re.findall(r'"((?:\.\./)*_images/frame-[^"]+)"', text):
            assert (SITE / "chapters" / source).resolve().is_file(), f"{path.name}: {source} is missing"
