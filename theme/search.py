"""Sphinx extension: what the search looks through. One entry for each section of the book, with its words.

Exercises for pencil and paper and terms of the glossary are entries of their own. Formulas, code and what it prints
stay out: a reader types words. A section also has the terms that it introduces, as the glossary says: ReLU is explained
in one that is called otherwise. The entries are a script, because a page that was opened as a file may fetch nothing
else; theme/static/search.js makes the index of them when somebody searches, which takes a browser less time than an
index would take to come. Sphinx's own search finds pages, not places, and dies where a browser stores nothing.
"""

import hashlib
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

from book.files import write_whole
from theme.references import GLOSSARY

FORMULA = (nodes.math, nodes.math_block)
SILENT = (nodes.literal_block, nodes.raw, nodes.image, nodes.comment, nodes.target, nodes.section)
# How much a hit counts, by the beginning of the address. The text comes before the library, unless the library's
# section has the word as its name.
WEIGHTS = {
    r"chapters/\d.*#(exercise|coding-exercises|what-to-remember)": 0.5,
    r"chapters/\d.*#(further-reading|in-the-lectures)": 0.3,
    r"chapters/\d": 1.0,
    "chapters/|intro": 0.6,
    "exercises/": 0.5,
    "": 0.25,
}


def words_of(node: nodes.Node) -> str:
    """The words of a part of the text, without code and sections within it; a formula is three dots."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, FORMULA):
        return "…" if isinstance(node, nodes.math) else " … "
    if isinstance(node, SILENT):
        return " "
    inside = "".join(map(words_of, node.children))
    return inside if isinstance(node, nodes.Inline) else f" {inside} "


def one_line(text: str) -> str:
    return re.sub(r"\s+([.,;:?!)])", r"\1", " ".join(text.split()))


def entries_of(doctree: nodes.document) -> list[tuple[str, str, str]]:
    """(anchor, title, words) of all sections, exercises and terms of a page, from top to bottom. The anchor of the page
    itself is empty, which leads to its top."""
    entries = []
    for section in doctree.findall(nodes.section):
        anchor = "" if isinstance(section.parent, nodes.document) else section["ids"][0]
        parts: list[tuple[str, str, list[str]]] = [(anchor, section.next_node(nodes.title).astext(), [])]
        for child in section.children:
            if isinstance(child, nodes.title | nodes.section):
                continue
            if isinstance(child, nodes.paragraph) and child.get("nndl_number"):  # see theme/anchors.py
                name = child.next_node(nodes.strong).astext()
                parts.append((child["ids"][0], f"Exercise {name.rstrip('.')}", [words_of(child).replace(name, "", 1)]))
            elif items := terms_of(child):
                for term, item in items.items():
                    # Without the links to sections at its end.
                    said = words_of(item).strip().removeprefix(term).lstrip(": ").partition("→")[0]
                    parts.append((item["ids"][0], term, [said]))
            else:
                parts[-1][2].append(words_of(child))
        entries += [(anchor, one_line(title), one_line(" ".join(words))) for anchor, title, words in parts]
    return [entry for entry in entries if entry[2] or len(entry[1]) > 1]  # of the glossary's letters, none


def terms_of(node: nodes.Node) -> dict[str, nodes.list_item]:
    """The terms of the glossary within a part of it; see theme/references.py."""
    items = [item for item in node.findall(nodes.list_item) if any(name.startswith("term-") for name in item["ids"])]
    return {item.next_node(nodes.strong).astext(): item for item in items}


def introduced(doctree: nodes.document) -> dict[str, list[str]]:
    """The terms that each section introduces, by its address `page#anchor`: where the links at a term's end lead."""
    found: dict[str, list[str]] = {}
    for term, item in terms_of(doctree).items():
        for link in item.findall(addnodes.pending_xref):
            found.setdefault(f"{link['reftarget']}#{link.get('reftargetid')}", []).append(term)
    return found


def note_entries(app, doctree):
    metadata = app.env.metadata[app.env.docname]
    metadata["nndl_entries"] = entries_of(doctree)
    if app.env.docname == GLOSSARY:
        metadata["nndl_introduced"] = introduced(doctree)


def weight_of(address: str) -> float:
    return next(weight for start, weight in WEIGHTS.items() if re.match(start, address))


def script_of(env) -> str:
    """All pages as [name, title, entries], chapters first; an entry as [anchor, title, words, weight, terms]."""
    terms = env.metadata[GLOSSARY].get("nndl_introduced", {})
    book = []
    for page in sorted(env.found_docs, key=lambda page: (-weight_of(page), page)):
        entries = [
            [*entry, weight_of(f"{page}#{entry[0]}"), *filter(None, [", ".join(terms.get(f"{page}#{entry[0]}", []))])]
            for entry in env.metadata[page]["nndl_entries"]
        ]
        book.append([page, one_line(env.titles[page].astext()), entries])
    return f"var nndlBook = {json.dumps(book, ensure_ascii=False, separators=(',', ':'))};\n"


def without_sphinx_search(app):
    app.builder.search = False


def search_page(app):
    """The page of results, and what it looks through; its address changes with what it says."""
    script = script_of(app.env)
    write_whole(Path(app.outdir, "searchindex.js"), script)
    digest = hashlib.sha256(script.encode()).hexdigest()[:8]
    yield "search", {"title": "Search", "search_digest": digest}, "search.html"


def setup(app):
    app.connect("builder-inited", without_sphinx_search)
    app.connect("doctree-read", note_entries)
    app.connect("html-collect-pages", search_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
