"""Sphinx extension: numbered equations and exercises for pencil and paper have addresses, #eq-5-3 and #exercise-3."""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
EXERCISE = re.compile(r"(\d+)\. ")


def sign(name: str, what: str) -> str:
    """The sign beside what has an address of its own, to copy that from."""
    return f'<a class="headerlink" href="#{name}" title="Link to {what}" aria-label="Link to {what}">#</a>'


class Anchors(SphinxTransform):
    """Give them their addresses as soon as a source has been read."""

    default_priority = 500

    def apply(self, **_options) -> None:
        for equation in self.document.findall(nodes.math_block):
            if tag := TAG.search(equation.astext()):
                equation["nndl_number"] = tag[1]
                equation["ids"].insert(0, f"eq-{tag[1].replace('.', '-')}")
                equation["classes"].insert(0, "equation")
        for section in self.document.findall(nodes.section):
            if "exercises" in section["ids"]:
                for paragraph in section.findall(nodes.paragraph):
                    first = next((part for part in paragraph.children if part.astext()), None)
                    if isinstance(first, nodes.strong) and (number := EXERCISE.match(first.astext())):
                        paragraph["nndl_number"] = number[1]
                        paragraph["ids"].insert(0, f"exercise-{number[1]}")


def setup(app):
    app.add_transform(Anchors)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
