"""The texts of all pages as one document of HTML, which book/pdf.py prints.

Each address is unlike every other, so that links between chapters lead within the document. What is folded on a page,
hints and solutions, stands at the end of its chapter, with a link to it; folded code stays on the site.
"""

import html
import posixpath
import re
from pathlib import Path

import yaml

from book.files import ROOT, SITE

LEFT_OUT = ("reference/index", "exercises/use-in-a-course", "CONTRIBUTING")  # of use beside a screen
NOT_ON_PAPER = re.compile(
    r'<a class="headerlink".*?</a>|<div class="about-this-page">.*?</div>|<(template|script)\b.*?</\1>'
    r'|<details class=.*?</details>| (loading|decoding|fetchpriority|data-equation)="\w+"',
    re.DOTALL,
)
# A PDF has no MathML: whoever hears it gets the formula as TeX.
FORMULA = re.compile(
    r'<span class="katex-mathml">(?:(?!</math>).)*<annotation encoding="application/x-tex">(.*?)</annotation>'
    r'</semantics></math></span><span class="katex-html" aria-hidden="true">',
    re.DOTALL,
)
FOLDS = re.compile(
    r"<h[2-4]>(?P<heading>.*?)</h[2-4]>"
    r'|<p id="[\w-]*exercise-\d+"><strong>(?P<exercise>.*?)</strong>'
    r"|<details>\s*<summary>(?P<name>[^<]*)</summary>(?P<text>.*?)</details>",
    re.DOTALL,
)


def chapters(root: Path = ROOT) -> list[tuple[str, list[str]]]:
    """The pages that the PDF has, in the order of `_toc.yml`: the part's name or "", and a page with those below it."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = contents.get("parts") or [{"chapters": contents.get("chapters") or []}]
    found = [("", [contents["root"]])]
    for part in parts:
        for chapter in part["chapters"]:
            entries = [chapter, *chapter.get("sections", [])]
            names = [entry["file"].removesuffix(".md") for entry in entries if "file" in entry]
            if names[0] not in LEFT_OUT:
                found.append((part.get("caption", ""), names))
    return found


def key(name: str) -> str:
    """The address of a page within the document, with which all addresses of its parts begin."""
    return name.replace("/", "-")


class Texts:
    """The texts of the pages, as parts of one document.

    site: where pages are that the PDF does not have, or the empty string; images: what leads to the site's folder.
    """

    def __init__(self, names: list[str], site: str, images: str, folder: Path = SITE):
        self.site, self.images = site, images
        self.bodies, self.ids = {}, {}
        for name in names:
            page = (folder / f"{name}.html").read_text(encoding="utf-8")
            body = NOT_ON_PAPER.sub("", page[page.index(">", page.index("<article")) + 1 : page.rindex("</article>")])
            self.bodies[name] = FORMULA.sub(r'<span class="katex-html" role="img" aria-label="\1">', body)
            self.ids[name] = set(re.findall(r'\sid="([^"]+)"', body))

    def address(self, name: str, link: str) -> str:
        """Where a link of a page leads: within the document, to another site, or nowhere, as the empty string."""
        if re.match(r"[a-z]+:", link):
            return link
        place, _, anchor = link.partition("#")
        place = posixpath.normpath(posixpath.join(posixpath.dirname(name), place)) if place else f"{name}.html"
        page = place.removesuffix(".html")
        if page in self.ids:
            return f"#{key(page)}--{anchor}" if anchor in self.ids[page] else f"#{key(page)}"
        return f"{self.site}/{place}{'#' if anchor else ''}{anchor}" if self.site else ""

    def body(self, name: str) -> str:
        """The text of a page, with addresses as they are in the document."""

        def as_here(match):
            what, value = match[1], html.unescape(match[2])
            if what == "src":
                value = f"{self.images}/{posixpath.normpath(posixpath.join(posixpath.dirname(name), value))}"
            elif what == "href":
                value = self.address(name, value)
            else:
                value = f"{key(name)}--{value}"
            return f' {what}="{html.escape(value)}"' if value else ""

        return re.sub(r'\s(id|for|href|src)="([^"]*)"', as_here, self.bodies[name])


def unfold(body: str, prefix: str) -> tuple[str, str]:
    """A text with links in place of its hints and solutions; and those, each below the name of its exercise."""
    answers: list[str] = []
    current = ""

    def move(match):
        nonlocal current
        if not match["name"]:
            current = match["heading"] or match["exercise"]
            return match[0]
        place = f"{prefix}--answer-{len(answers) + 1}"
        head = f"<h4>{current}</h4>" if current else ""
        current = ""  # the solution of one that has a hint follows it
        name = match["name"].split(",")[0]
        answers.append(f'<section id="{place}">{head}<p class="name">{name}</p>{match["text"]}</section>')
        return f'<p class="to-answer"><a href="#{place}">{name}: page {page_of(place)}</a></p>'

    text = FOLDS.sub(move, body)
    return text, "".join(answers)


def page_of(place: str) -> str:
    return f'<span class="page-of" data-page-of="{place}">000</span>'


def lower(body: str) -> str:
    """A text below the title of another: each heading one level down."""
    return re.sub(r"(</?h)([1-5])\b", lambda match: f"{match[1]}{int(match[2]) + 1}", body)


def line(place: str, title: str, kind: str) -> str:
    return f'<li class="{kind}"><a href="#{place}"><span>{title}</span>{page_of(place)}</a></li>\n'


def document(root: Path = ROOT, site: str = "", about: str = "", folder: Path = SITE, images: str = "../html") -> str:
    """The book as one page of HTML. about: what the title page says below the authors."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    title, author = (html.escape(settings[name]) for name in ("title", "author"))
    groups = chapters(root)
    texts = Texts([name for _, names in groups for name in names], site, images, folder)
    parts, contents, rules, before = [], [], [], ""
    for part, (first, *others) in groups:
        text, answers = unfold(texts.body(first), key(first))
        (heading,) = re.findall(r"<h1>(.*?)</h1>", text, re.DOTALL)
        for name in others:
            more, further = unfold(texts.body(name), key(name))
            text += f'<div id="{key(name)}">{lower(more)}</div>'
            answers += further
        if answers:
            place = f"{key(first)}--answers"
            text += f'<section class="answers" id="{place}"><h2>Hints and solutions</h2>{answers}</section>'
        parts.append(f'<article class="bd-article" id="{key(first)}" style="page: {key(first)}">{text}</article>\n')
        words = html.unescape(re.sub("<[^>]*>", "", heading)).replace("\\", "\\\\").replace('"', '\\"')
        rules.append(f'@page {key(first)} {{ @top-right {{ content: "{words}"; }} }}\n')
        contents += [f'<li class="part">{html.escape(part)}</li>\n'] if part != before else []
        contents.append(line(key(first), heading, "chapter"))
        sections = re.findall(r'<section[^>]*\bid="([^"]+)"[^>]*>\s*<h2>(.*?)</h2>', text, re.DOTALL)
        # The letters of a glossary are no sections.
        contents += [line(place, words, "section") for place, words in sections if len(words) > 1]
        before = part
    style = (ROOT / "book" / "pdf.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">\n'
        f'<title>{title}</title><link rel="stylesheet" href="{images}/_static/page.css">\n'
        f"<style>\n{style}{''.join(rules)}</style></head><body>\n"
        f'<div class="title-page"><h1>{title}</h1><p>{author}</p><p class="about">{about}</p></div>\n'
        f'<nav class="contents-page"><h1>Contents</h1><ul>\n{"".join(contents)}</ul></nav>\n'
        f"{''.join(parts)}</body></html>\n"
    )
