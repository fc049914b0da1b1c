"""How a page is written: theme/anchors.py, theme/writer.py, theme/page.py, theme/site.py, theme/style.py."""

import base64
import io
import re
from types import SimpleNamespace

import nbformat
import pytest
from PIL import Image

from tests.chapters import ROOT
from tests.small_book import CELL, SmallBook
from theme import page, site, style

PAGE = r"""# Page

**1. Not an exercise.**

$$
a = b \tag{2.5}
$$

$$
c = d
$$

| | one | two |
|---|---|---|
| a | b | c |

## `nndl_lib.nn.init`

%(cells)s
## Exercises

**12. By head.** Words of **3. another**.
"""
PICTURE = """
import numpy as np
import matplotlib.pyplot as plt
plt.imshow(np.random.default_rng(1).random((30, 40)))
plt.show()
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A book with one page, and the text of that page."""
    book = SmallBook(tmp_path_factory.mktemp("written"))
    alt = '---\nmystnb:\n  image:\n    alt: "Noise & \\"more\\"."\n---\n'
    cells = [alt + PICTURE, "print('line\\n' * 29)", "print('line\\n' * 30)", ":tags: [hide-input]\n\nprint(1)"]
    status, said = book.build(PAGE % {"cells": "".join(CELL % cell for cell in cells)})
    assert status == 0, said
    return book, book.html()


def test_equations_get_an_address(written):
    _, text = written
    (number,) = re.findall(r'<div class="([^"]*)" id="eq-2-5">', text)
    assert number == "equation math" and text.count('href="#eq-2-5"') == 1 and text.count("Link to equation") == 1
    assert text.count('<div class="math">') == 1  # the one without a number


def test_exercises_get_an_address_below_their_heading_alone(written):
    _, text = written
    assert text.count('id="exercise-') == 1
    assert re.search(r'<p id="exercise-12"><a class="headerlink" href="#exercise-12"[^>]*>#</a><strong>12\.', text)


def test_long_outputs_are_folded(written):
    _, text = written
    assert re.findall(r"<summary>What it prints: (\d+) lines</summary>", text) == ["31"]
    folded = re.search(r'<details class="long-output">.*?</details>', text, re.DOTALL)[0]
    assert folded.count("line\n") == 30 and text.count("line\n") == 59


def test_folds_tables_and_headings(written):
    _, text = written
    assert "<summary>The code</summary>" in text and 'aria-label="Toggle' not in text
    assert re.search(r'<div class="table"><table[^>]*>.*?<tr[^>]*><td></td>.*?</table>\s*</div>', text, re.DOTALL)
    assert "nndl_lib.<wbr>nn.<wbr>init</span></code>" in text
    signs = re.findall(r'<a class="headerlink" href="#[^"]*"[^>]*>#</a></h\d>', text)
    assert len(signs) == 3 and all('aria-hidden="true" tabindex="-1"' in one for one in signs)


def test_figures_become_webp_without_loss_and_say_their_size(written):
    book, text = written
    (image,) = re.findall(r'<img [^>]*alt="Noise[^>]*>', text)
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', image))
    (output,) = [
        output
        for cell in nbformat.read(book.executed(), as_version=4).cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    site = book.folder / "_build" / "html"
    with (
        Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))) as before,
        Image.open(site / "chapters" / attributes["src"]) as after,
    ):
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
        assert (str(after.width), str(after.height)) == (attributes["width"], attributes["height"])
    assert attributes["src"].endswith(".webp") and attributes["alt"] == "Noise &amp; &quot;more&quot;."
    assert len(list((site / "_images").iterdir())) == 1  # the PNG is not served


def test_a_picture_on_the_first_screen_is_fetched_at_once():
    picture = '<img src="a.webp" loading="lazy" decoding="async">'
    assert (
        page.hurry(f"<p>few words</p>{picture}{picture}")
        == f'<p>few words</p><img fetchpriority="high" src="a.webp">{picture}'
    )
    far = f"<p>{'word ' * 200}</p>{picture}"
    assert page.hurry(far) == far and page.hurry("<p>none</p>") == "<p>none</p>"


def test_the_fonts_of_the_first_screen():
    first = '<p><span class="katex"><span class="mathnormal">x</span></span></p>'
    later = f'<p>{"word " * 300}</p><p><span class="katex"><span class="mathbf">x</span></span></p>'
    assert page.fonts_of(first + later) == ["Main-Regular", "Math-Italic"]
    assert page.fonts_of(later) == []
    assert page.fonts_of("<p>words</p>") == []


@pytest.mark.parametrize(
    "body, expected",
    [
        (
            "<p>Short.</p><p>A sentence that says what the page is about, and more than forty characters long.</p>",
            "A sentence that says what the page is about, and more than forty characters long.",
        ),
        (
            f"<p>A first sentence of about sixty characters, so that it counts. {'And a second one goes on ' * 6}.</p>",
            "A first sentence of about sixty characters, so that it counts.",
        ),
        ('<p>With <span class="katex">x</span>, a formula, which reads badly in a list of results.</p>', ""),
        (f"<p>{'word ' * 60}</p>", ("word " * 31).strip() + "…"),
    ],
)
def test_the_description_of_a_page(body, expected):
    found = page.description_of(body)
    assert found == expected and len(found) <= 160


def app_at(site, tmp_path):
    config = SimpleNamespace(root_doc="intro", html_title="The book")
    return SimpleNamespace(
        nndl_origin=SimpleNamespace(site=site),
        config=config,
        outdir=tmp_path,
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"intro", "chapters/02-page"}),
    )


def test_addresses_cards_and_the_map(tmp_path):
    app, context = (
        app_at("https://a.example/book", tmp_path),
        {"page_name": "Linear models & more", "page_description": "What it says."},
    )
    site.place(app, "chapters/02-page", None, context, None)
    assert context["page_address"] == "https://a.example/book/chapters/02-page.html"
    card = tmp_path / context["page_card"].removeprefix("https://a.example/book/")
    with Image.open(card) as picture:
        assert picture.size == site.CARD and len(picture.convert("L").getcolors()) > 10, "an empty picture"
    site.place(app, "intro", None, context, None)
    assert context["page_address"] == "https://a.example/book/"  # not its second name, index.html
    site.place(app, "404", None, context, None)
    assert context["page_base"] == "https://a.example/book/" and not context["page_address"]
    site.write_map(app, None)
    text = (tmp_path / "sitemap.xml").read_text(encoding="utf-8")
    assert [place for place in text.split() if "<loc>" in place] == [
        f"<url><loc>https://a.example/book/{name}</loc></url>"
        for name in ("", "chapters/02-page.html", "explorers.html")
    ]
    assert "Sitemap: https://a.example/book/sitemap.xml" in (tmp_path / "robots.txt").read_text(encoding="utf-8")


def test_without_an_address_pages_do_not_invent_one(tmp_path):
    app, context = app_at("", tmp_path), {"page_name": "Linear models", "page_description": "What it says."}
    site.place(app, "chapters/02-page", None, context, None)
    site.write_map(app, None)
    assert context["page_address"] == context["page_card"] == context["page_base"] == "" and not list(
        tmp_path.iterdir()
    )


def test_code_can_be_read_in_both_modes():
    # WCAG: 4.5 to one, for each color that the style sheet gives to code, against the background of a cell.
    def luminance(color):
        parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one, two):
        light, dark = sorted([luminance(one), luminance(two)], reverse=True)
        return (light + 0.05) / (dark + 0.05)

    text = style.style(ROOT / "theme" / "static")
    light, dark = re.search(r"--raised: light-dark\((#\w+), (#\w+)\)", text).groups()
    for background, lines in [
        (dark, [line for line in text.splitlines() if line.startswith('html[data-theme="dark"] .highlight .')]),
        (light, [line for line in text.splitlines() if line.startswith(".highlight .")]),
    ]:
        colors = {match[1].lower() for line in lines if (match := re.search(r"color: (#[0-9A-Fa-f]{6})", line))}
        assert len(colors) >= 4
        assert {
            color: round(contrast(color, background), 1) for color in colors if contrast(color, background) < 4.5
        } == {}
