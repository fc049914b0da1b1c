"""Sphinx extension: the page around the text, for theme/nndl/layout.html."""

import html
import re
from pathlib import Path

from book import execution

# Runs before anything is painted, so that a dark page never flashes white; and says whether the page begins with a
# jump, to an anchor or to where the reader was (theme/static/page.js).
FIRST_SCRIPT = (
    'try{var t=localStorage.getItem("nndl-theme")}catch(e){}'
    'document.documentElement.dataset.theme=t||(matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light");'
    'if(location.hash||(performance.getEntriesByType("navigation")[0]||{}).type!="navigate")'
    'document.documentElement.dataset.whole="yes"'
)

# KaTeX's fonts, and how the page shows that one is used.
FONTS = {
    "Main-Regular": "katex",
    "Math-Italic": "mathnormal",
    "Main-Bold": "mathbf",
    "Math-BoldItalic": "boldsymbol",
    "Caligraphic-Regular": "mathcal",
    "AMS-Regular": "amsrm|mathbb",
    "Size1-Regular": "small-op|delimsizing size1",
    "Size2-Regular": "large-op|delimsizing size2",
    "Size3-Regular": "delimsizing size3",
    "Size4-Regular": "delimsizing size4|delim-size4",
    "Main-Italic": "mathit|textit",
    "Script-Regular": "mathscr",
    "Fraktur-Regular": "mathfrak",
    "SansSerif-Regular": "mathsf|textsf",
    "Typewriter-Regular": "mathtt|texttt",
}
# Beside the browser's own command, which leaves out what is folded. Without scripts they would do nothing.
PRINT = (
    '<button type="button" class="print" title="What is folded is left out">Print</button> '
    '<button type="button" class="print unfolded">Print with solutions and code</button>'
)


def hurry(body: str) -> str:
    """A picture on the first screen is the largest thing on it: fetch it at once."""
    at = body.find("<img")
    if at < 0 or len(text_of(body[:at]).split()) > 120:
        return body
    end = body.find(">", at)
    first = re.sub(r'\s(loading|decoding)="\w+"', "", body[at:end]).replace("<img", '<img fetchpriority="high"', 1)
    return body[:at] + first + body[end:]


def fonts_of(body: str) -> list[str]:
    """The fonts of the formulas on the first screen, fetched with the style sheet: no line moves when they come."""
    end = 0
    while end >= 0 and len(text_of(body[:end]).split()) < 250:
        end = body.find("</p>", end + 4)
    return fonts_in(body[: end if end >= 0 else len(body)])


def fonts_in(body: str) -> list[str]:
    """The fonts of all formulas in a text."""
    return [name for name, mark in FONTS.items() if re.search(mark, body)] if 'class="katex' in body else []


def words_of(text: str) -> str:
    """HTML as one line of words."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def text_of(body: str) -> str:
    """The words of a page as one line, without code, formulas and scripts."""
    body = re.sub(r"<(script|pre|style|figure|details|table)\b.*?</\1>", " ", body, flags=re.DOTALL)
    body = re.sub(r'<span class="katex-html".*?(?=</p>|</div>|</li>)', " ", body, flags=re.DOTALL)
    return words_of(body)


def description_of(body: str) -> str:
    """The first sentences of a page, at most 160 characters."""
    for paragraph in re.findall(r"<p>(.*?)</p>", body, re.DOTALL):
        if "katex" in paragraph:
            continue
        text = words_of(paragraph)
        if len(text) < 40:
            continue
        if len(text) <= 160:
            return text
        sentences = re.match(r"(.{60,159}[.?!])(?=\s)", text)
        return sentences[1] if sentences else text[:159].rsplit(" ", 1)[0] + "…"
    return ""


def about(app, pagename, context) -> str:
    """The line below the title: how long it takes, and what can be done with the page."""
    parts = []
    if pagename.startswith("chapters/"):
        # A chapter says itself how long it takes, with its figures and code.
        said = re.search(r"<strong>Time</strong>:[^<]*?(about [\w ]+? (?:to read|for all of it))", context["body"])
        parts += [said[1]] if said else []
        if run := execution.load(pagename):
            parts.append(f"{run.metadata.nndl.seconds:.0f} seconds to run")
    items = [f"<span>{part[0].upper() + part[1:]}</span>" for part in [", ".join(parts)] if part]
    for link in context.get("page_links", []):
        download = " download" if link.get("download") else ""
        url, tooltip, text = (html.escape(link[key]) for key in ("url", "tooltip", "text"))
        items.append(f'<a href="{url}" title="{tooltip}"{download}>{text}</a>')
    if "<details" in context["body"]:
        items.append(PRINT)
    if "<img " in context["body"]:
        # What chapters say of black, white and how dark something is was written on white paper. See the style sheet.
        items.append(
            '<span class="on-dark">On a dark page, figures swap black and white, dark and bright. Hues stay.</span>'
        )
    return f'<div class="about-this-page">{" ".join(items)}</div>' if items else ""


def short_names(toc: str) -> str:
    """In a narrow column: of a module the last name, and names of code break where their words do."""
    toc = re.sub(r'(<span class="pre">)[\w.]+\.(\w+</span>)', r"\1\2", toc)
    return re.sub(r">([^<>]+)<", lambda text: f">{re.sub(r'(?<=[a-z0-9])_(?=[a-z0-9])', '_<wbr>', text[1])}<", toc)


def prepare(app, pagename, _template, context, _doctree):
    body = context.get("body") or ""
    context["page_first_script"] = FIRST_SCRIPT
    context["page_digest"] = app.nndl_digest
    context["page_fonts"] = fonts_of(body)
    context["page_all_fonts"] = " ".join(fonts_in(body))
    # Of the scripts that extensions ask for, those of the library's own pieces.
    own = {path.name for path in Path(app.srcdir, "nndl_lib", "interactive", "js").glob("*.js")}
    names = [
        str(getattr(script, "filename", None) or "").removeprefix("_static/") for script in context["script_files"]
    ]
    context["page_scripts"] = [name for name in names if name in own]
    context["page_scripts"] += ["figures.js"] if 'class="picture"' in body else []

    name = html.unescape(re.sub(r"<[^>]*>", "", str(context.get("title") or "Search")))
    book = context["docstitle"]
    context["page_name"] = name
    context["page_title"] = name if name == book else f"{name} · {book}"
    context["page_noindex"] = pagename in ("search", "404", "offline")
    context["page_description"] = description_of(body)

    toctree = context.get("toctree")
    contents = toctree(collapse=True, maxdepth=3, titles_only=True, includehidden=True) if toctree else ""
    # Sphinx says that captions are headings, without a level; the links in the list say where they lead by themselves.
    contents = contents.replace(' role="heading"', "")
    context["page_contents"] = re.sub(
        r'<a class="current reference internal" href="#">', '<a aria-current="page" href="#">', contents
    )
    toc = context.get("toc") or ""
    context["page_toc"] = short_names(toc) if context.get("display_toc") else ""

    if body:
        context["body"] = body = hurry(body)
        context["body"] = body.replace("</h1>", f"</h1>\n{about(app, pagename, context)}", 1)


def setup(app):
    app.connect("html-page-context", prepare, priority=950)  # after explorers and exercises
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
