"""Sphinx extension: what belongs to the site as a whole.

A page of all explorers, one for addresses that lead nowhere, and, where the site's address is known
(book/origin.py), the map for search engines and a picture for each page that is shown where somebody shares a link to
it.
"""

import hashlib
import html
import re
from pathlib import Path
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from book.files import remove_others, write_whole

CARD = (1200, 630)  # pixels, as Open Graph asks for
FIGURE = re.compile(
    r'<figure id="(explorer-\d+)" class="nndl-explorer".*?<strong>Try it\.</strong>(.*?)</figcaption>.*?<img (.*?)>',
    re.DOTALL,
)


def address_of(app) -> str:
    """Where the site is published, with a slash at the end; empty where that is not known."""
    return f"{app.nndl_origin.site}/" if app.nndl_origin.site else ""


def place(app, pagename, _template, context, _doctree):
    """The page's own address, the same for its two names where it has two; and its picture."""
    address = address_of(app)
    context["page_address"] = context["page_card"] = context["page_base"] = ""
    if not address:
        return
    if pagename == "404":
        context["page_base"] = address  # it is shown in any folder, so what it loads is named from the root
    elif pagename not in ("search", "offline"):
        context["page_address"] = address if pagename == app.config.root_doc else f"{address}{pagename}.html"
        context["page_card"] = address + card(app, context["page_name"], context.get("page_description", ""))


# --- pages that no file stands for ----------------------------------------------------------------------------------


def explorers(app) -> str:
    """A page of all explorers, by chapter, from the pages that have been written."""
    parts = [
        "<section><h1>Explorers</h1>",
        (
            "<p>Every figure of the book that moves. Each asks you to find something; it works in the page, by mouse, "
            "finger or keyboard.</p>"
        ),
    ]
    titles = app.env.titles
    for name in [
        app.config.root_doc,
        *sorted(docname for docname in app.env.found_docs if docname.startswith("chapters/")),
    ]:
        file = Path(app.outdir, f"{name}.html")
        found = FIGURE.findall(file.read_text(encoding="utf-8")) if file.exists() else []
        if not found:
            continue
        title = "Start here" if name == app.config.root_doc else titles[name].astext()
        items = []
        for anchor, goal, image in found:
            picture = re.sub(r'src="(?:\.\./)*', 'src="', f" {image}")
            picture = re.sub(r'\s(loading|decoding|fetchpriority)="\w+"', "", picture).strip(" /")
            # The goal says where the link leads: the picture beside it is decoration to who hears the page.
            colors = ' class="photograph"' if re.search(r'alt="[^"]*photograph', picture) else ""  # kept on a dark page
            picture = re.sub(r'alt="[^"]*"', f'alt=""{colors}', picture)
            items.append(f'<li><img loading="lazy" {picture}><a href="{name}.html#{anchor}">{goal.strip()}</a></li>')
        section = name.rpartition("/")[2]
        parts.append(f'<section id="{section}"><h2>{html.escape(title)}</h2>\n<ul class="explorers">')
        parts += [*items, "</ul></section>"]
    return "\n".join([*parts, "</section>"])


NOWHERE = """<section><h1>There is no such page</h1>
<p>The address leads to nothing in this book: it may be mistyped, or the page has been renamed.</p>
<ul>
<li><a href="intro.html">Start here</a>, with a map of all chapters</li>
<li><a href="search.html">Search</a> for a word that stood on the page</li>
<li><a href="explorers.html">All explorers</a></li>
</ul></section>"""


def pages(app):
    yield "explorers", {"title": "Explorers", "body": explorers(app)}, "layout.html"
    yield "404", {"title": "There is no such page", "body": NOWHERE}, "layout.html"


# --- for search engines and shared links ----------------------------------------------------------------------------


def card(app, title: str, description: str) -> str:
    """The name of a picture with the page's title, drawn unless it is there."""
    name = f"_images/card-{hashlib.sha256(f'{title}|{description}'.encode()).hexdigest()[:16]}.png"
    file = Path(app.outdir, name)
    if not file.exists():
        from matplotlib import font_manager  # brings the font; a second to load, needed here alone

        def font(size, weight="normal"):
            found = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
            return ImageFont.truetype(found, size)

        picture = Image.new("RGB", CARD, "#ffffff")
        draw = ImageDraw.Draw(picture)
        draw.rectangle([0, 0, 24, CARD[1]], fill="#0a5aa8")
        y = 110
        for line in wrap(title, 26)[:3]:
            draw.text((90, y), line, fill="#1c2127", font=font(64, "bold"))
            y += 84
        y += 24
        for line in wrap(description, 58)[:4]:
            draw.text((90, y), line, fill="#555e68", font=font(30))
            y += 44
        draw.text((90, CARD[1] - 80), app.config.html_title, fill="#0a5aa8", font=font(28, "bold"))
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, optimize=True)
    return name


def remove_what_is_no_more(app, error):
    """Pages of an earlier build whose source has gone, and pictures that no page shows."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for file in [
        *site.glob("*.html"),
        *(file for folder in ("chapters", "exercises", "reference") for file in (site / folder).rglob("*.html")),
    ]:
        name = file.relative_to(site).with_suffix("").as_posix()
        if name not in app.env.found_docs and name not in ("index", "search", "explorers", "404", "offline"):
            file.unlink()
    pages = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.html"))
    shown = set(re.findall(r"_images/([\w.-]+)", pages))
    remove_others(site / "_images", [site / "_images" / name for name in shown])


def write_map(app, error):
    if error is not None or app.builder.format != "html":
        return
    address = address_of(app)
    names = sorted(docname for docname in app.env.found_docs if docname != app.config.root_doc)
    if address:
        places = [address, *(f"{address}{name}.html" for name in [*names, "explorers"])]
        urls = "\n".join(f"<url><loc>{html.escape(place)}</loc></url>" for place in places)
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        write_whole(Path(app.outdir, "sitemap.xml"), f"{head}\n{urls}\n</urlset>\n")
        write_whole(Path(app.outdir, "robots.txt"), f"User-agent: *\nAllow: /\nSitemap: {address}sitemap.xml\n")


def setup(app):
    app.connect("html-page-context", place, priority=960)  # after theme/page.py, which names the page
    app.connect("html-collect-pages", pages)
    app.connect("build-finished", remove_what_is_no_more)
    app.connect("build-finished", write_map)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
