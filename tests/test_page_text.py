"""What theme/nndl_page.py and theme/nndl_site.py do to the text of a page, on small pieces of HTML."""

import re
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.chapters import ROOT

sys.path.insert(0, str(ROOT / "theme"))
import nndl_page
import nndl_site


def test_equations_get_an_address():
    numbered = '<div class="math">\n<span class="katex-display"><math><mtext>(2.5)</mtext></math></span></div>'
    plain = numbered.replace("<mtext>(2.5)</mtext>", "")
    done = nndl_page.number_equations(f"<p>a</p>{plain}{numbered}<p>(2.7)</p>")
    assert done.startswith(f'<p>a</p>{plain}<div id="eq-2-5" class="equation math">')
    assert (
        done.count("<div") == done.count("</div>") == 2
        and done.count('href="#eq-2-5"') == 1
        and done.endswith("</a></div><p>(2.7)</p>")
    )


def test_exercises_get_an_address_below_their_heading_alone():
    text = '<p><strong>1. By hand.</strong></p><section id="exercises"><p><strong>12. By head.</strong></p></section>'
    done = nndl_page.number_exercises(text)
    assert 'id="exercise-12"' in done and 'id="exercise-1"' not in done
    assert nndl_page.number_exercises("<p><strong>1. By hand.</strong></p>") == "<p><strong>1. By hand.</strong></p>"


@pytest.mark.parametrize("lines, folded", [(nndl_page.LONG_OUTPUT - 2, False), (nndl_page.LONG_OUTPUT + 5, True)])
def test_long_outputs_are_folded(lines, folded):
    printed = "line\n" * lines
    inside = f'<div class="highlight"><pre><span></span>{printed}</pre></div>'
    output = f'<div class="output stream highlight-myst-ansi notranslate">{inside}\n</div>'
    done = nndl_page.fold_long_outputs(f"<p>a</p>{output}<p>b</p>")
    assert ("<details" in done) == folded and output in done
    if folded:
        assert done.index("<details") < done.index(output) < done.index("</details>") < done.index("<p>b</p>")


def test_a_picture_on_the_first_screen_is_fetched_at_once():
    picture = '<img src="a.webp" loading="lazy" decoding="async">'
    assert (
        nndl_page.hurry(f"<p>few words</p>{picture}{picture}")
        == f'<p>few words</p><img fetchpriority="high" src="a.webp">{picture}'
    )
    far = f"<p>{'word ' * 200}</p>{picture}"
    assert nndl_page.hurry(far) == far and nndl_page.hurry("<p>none</p>") == "<p>none</p>"


def test_the_fonts_of_the_first_screen():
    first = '<p><span class="katex"><span class="mathnormal">x</span></span></p>'
    later = f'<p>{"word " * 300}</p><p><span class="katex"><span class="mathbf">x</span></span></p>'
    assert nndl_page.fonts_of(first + later) == ["Main-Regular", "Math-Italic"]
    assert nndl_page.fonts_of(later) == []
    assert nndl_page.fonts_of("<p>words</p>") == []


@pytest.mark.parametrize(
    "body, expected",
    [
        (
            "<p>Short.</p><p>A sentence that says what the page is about, and more than forty characters long.</p>",
            "A sentence that says what the page is about, and more than forty characters long.",
        ),
        (
            f"<p>A first sentence of about sixty characters, so that it counts. {'And one that goes on ' * 9}.</p>",
            "A first sentence of about sixty characters, so that it counts.",
        ),
        ('<p>With <span class="katex">x</span>, a formula, which reads badly in a list of results.</p>', ""),
        (f"<p>{'word ' * 60}</p>", ("word " * 31).strip() + "…"),
    ],
)
def test_the_description_of_a_page(body, expected):
    found = nndl_page.description_of(body)
    assert found == expected and len(found) <= 160


def test_figures_become_webp_without_loss_and_say_their_size(tmp_path):
    (tmp_path / "in").mkdir()
    Image.effect_noise((40, 30), 50).convert("RGBA").save(tmp_path / "in" / "figure.png")
    app = SimpleNamespace(
        srcdir=tmp_path, outdir=tmp_path / "out", builder=SimpleNamespace(images={"in/figure.png": "figure.png"})
    )
    pictures = nndl_page.Pictures(app)
    text = nndl_page.IMAGE.sub(
        pictures, '<img alt="noise" src="../_images/figure.png" style="width: 3px" /><img src="../_images/other.png">'
    )
    assert text.startswith(
        '<img alt="noise" src="../_images/figure.webp" width="40" height="30" loading="lazy" decoding="async">'
    )
    assert text.endswith('<img src="../_images/other.png">') and pictures.done == {"in/figure.png"}
    with (
        Image.open(tmp_path / "in" / "figure.png") as before,
        Image.open(tmp_path / "out" / "_images" / "figure.webp") as after,
    ):
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()


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
    nndl_site.place(app, "chapters/02-page", None, context, None)
    assert context["page_address"] == "https://a.example/book/chapters/02-page.html"
    card = tmp_path / context["page_card"].removeprefix("https://a.example/book/")
    with Image.open(card) as picture:
        assert picture.size == nndl_site.CARD and len(picture.convert("L").getcolors()) > 10, "an empty picture"
    nndl_site.place(app, "intro", None, context, None)
    assert context["page_address"] == "https://a.example/book/"  # not its second name, index.html
    nndl_site.place(app, "404", None, context, None)
    assert context["page_base"] == "https://a.example/book/" and not context["page_address"]
    nndl_site.write_map(app, None)
    text = (tmp_path / "sitemap.xml").read_text(encoding="utf-8")
    assert [place for place in text.split() if "<loc>" in place] == [
        f"<url><loc>https://a.example/book/{name}</loc></url>"
        for name in ("", "chapters/02-page.html", "explorers.html")
    ]
    assert "Sitemap: https://a.example/book/sitemap.xml" in (tmp_path / "robots.txt").read_text(encoding="utf-8")


def test_without_an_address_pages_do_not_invent_one(tmp_path):
    app, context = app_at("", tmp_path), {"page_name": "Linear models", "page_description": "What it says."}
    nndl_site.place(app, "chapters/02-page", None, context, None)
    nndl_site.write_map(app, None)
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

    text = nndl_page.style(ROOT / "theme" / "static")
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
