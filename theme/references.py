"""Sphinx extension: what the text mentions is a link: equation (5.10), exercise 7, chapter 6, terms of the glossary.

Authors write them as on paper, so that notebooks read well everywhere; the links are made here, for the page.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from theme.formulas import render

GLOSSARY = "chapters/glossary"
MENTION = re.compile(
    r"\((?P<equation>\d+\.\d+)\)"
    r"|(?<!coding )(?P<exercise>\b[Ee]xercise (\d+))\b(?! of )"
    r"|(?P<chapter>\b[Cc]hapter (\d+))\b"
    r"|\b[Cc]hapters (?P<chapters>\d+(?:(?:, | and |, and | to |–)\d+)*)\b"
)
# In these a link would be wrong, or one in another.
KEPT = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.reference, nodes.title)


class Terms(SphinxTransform):
    """Each entry of the glossary has an address: #term-weight-decay."""

    default_priority = 500

    def apply(self, **_options) -> None:
        if self.env.docname == GLOSSARY:
            for item in self.document.findall(nodes.list_item):
                if name := term_of(item):
                    item["ids"].insert(0, f"term-{nodes.make_id(name)}")


def term_of(item: nodes.list_item) -> str:
    """The term that an entry of the glossary begins with, or the empty string."""
    first = next(
        (part for part in item.findall() if isinstance(part, nodes.Text | nodes.strong) and part.astext()), None
    )
    return first.astext() if isinstance(first, nodes.strong) else ""


def note_places(app, doctree):
    """Remember what can be linked to on a page."""
    places = {}
    for node in doctree.findall(nodes.Element):
        if number := node.get("nndl_number"):  # see theme/anchors.py
            kind = "equation" if isinstance(node, nodes.math_block) else "exercise"
            places[kind, number] = node["ids"][0]
            if kind == "equation":
                places["formula", node["ids"][0]] = node.astext()
        elif app.env.docname == GLOSSARY and isinstance(node, nodes.list_item) and (name := term_of(node)):
            places["term", name.lower()] = node["ids"][0]
    app.env.metadata[app.env.docname]["nndl_places"] = places


class Link(SphinxPostTransform):
    """Put the links into a page."""

    default_priority = 950
    formats = ("html",)

    def run(self, **_options) -> None:
        self.elsewhere: set[tuple[str, str]] = set()
        self.pages = {int(page[9:11]): page for page in self.env.found_docs if re.match(r"chapters/\d\d-", page)}
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(part, KEPT) for part in ancestors(text)):
                self.link(text)
        if self.env.docname != GLOSSARY:
            self.link_terms()
        # Formulas of other pages, which theme/static/page.js shows where they are mentioned.
        for page, anchor in sorted(self.elsewhere):
            formula = render(self.app, self.env.metadata[page]["nndl_places"]["formula", anchor], display=True)
            text = f'<template data-equation="{anchor}">{formula}</template>'
            self.document += nodes.raw("", text, format="html")

    def link(self, text: nodes.Text) -> None:
        """Replace a text by its parts, mentions as links."""
        words, parts, end = text.astext(), [], 0
        for match in MENTION.finditer(words):
            for start, stop, place in self.places_of(match):
                if place and place != self.env.docname:
                    parts += [nodes.Text(words[end:start]), self.reference(words[start:stop], place)]
                    end = stop
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(words[end:])])

    def places_of(self, match: re.Match[str]):
        """(start, end, page and anchor or None) of all that a match mentions."""
        if match["equation"]:
            chapter = self.pages.get(int(match["equation"].split(".")[0]), "")
            yield match.start(), match.end(), self.place(chapter, "equation", match["equation"])
        elif match["exercise"]:
            yield *match.span("exercise"), self.place(self.env.docname, "exercise", match["exercise"].split()[1])
        elif match["chapter"]:
            yield *match.span("chapter"), self.pages.get(int(match["chapter"].split()[1]))
        else:
            for number in re.finditer(r"\d+", match["chapters"]):
                start = match.start("chapters")
                yield start + number.start(), start + number.end(), self.pages.get(int(number[0]))

    def place(self, page: str, kind: str, name: str) -> str | None:
        anchor = self.env.metadata[page].get("nndl_places", {}).get((kind, name))
        return f"{page}#{anchor}" if anchor else None

    def reference(self, text: str, place: str) -> nodes.reference:
        page, _, anchor = place.partition("#")
        builder = self.app.builder
        address = "" if page == self.env.docname else builder.get_relative_uri(self.env.docname, page)
        link = nodes.reference(text, text, refuri=f"{address}{'#' if anchor else ''}{anchor}", internal=True)
        if anchor.startswith("eq-"):
            link["classes"] += ["to-equation"]
            if address:
                self.elsewhere.add((page, anchor))
        return link

    def link_terms(self) -> None:
        """A term of the glossary in italics, where the page has it first."""
        seen = set()
        for node in list(self.document.findall(nodes.emphasis)):
            name = node.astext().lower()
            place = self.place(GLOSSARY, "term", name)
            if place and name not in seen and not any(isinstance(part, KEPT) for part in ancestors(node)):
                seen.add(name)
                link = self.reference("", place)
                link["classes"] += ["term"]
                link.clear()
                node.replace_self(link)
                link += node


def ancestors(node: nodes.Node):
    while node := node.parent:
        yield node


def setup(app):
    app.add_transform(Terms)
    app.add_post_transform(Link)
    app.connect("doctree-read", note_places)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
