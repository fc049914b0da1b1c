"""Sphinx extension: how the parts of a text are written as HTML, where this book wants them otherwise than Sphinx."""

from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from PIL import Image
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

from theme.anchors import sign
from theme.pictures import framed

LONG_OUTPUT = 30  # lines of printed text that are shown without being unfolded


class Writer(HTML5Translator):
    """Sphinx's writer of pages, with what is otherwise here."""

    def add_permalink_ref(self, node, title):
        # The sign beside a heading is for the mouse: its name would be read with the heading's, on thirty stops of the
        # keyboard, and "On this page" has the same addresses.
        self.body.append(
            f'<a class="headerlink" href="#{node["ids"][0]}" title="{title}" aria-hidden="true" tabindex="-1">#</a>'
        )

    def visit_paragraph(self, node):
        super().visit_paragraph(node)
        if number := node.get("nndl_number"):  # see theme/anchors.py
            self.body.append(sign(node["ids"][0], f"exercise {number}"))

    def visit_table(self, node):
        self.body.append('<div class="table">')
        super().visit_table(node)

    def depart_table(self, node):
        super().depart_table(node)
        self.body.append("</div>\n")

    def visit_entry(self, node):
        super().visit_entry(node)
        if not node.astext() and isinstance(node.parent.parent, nodes.thead):
            # An empty corner of a table heads nothing.
            self.body[-1], self.context[-1] = "<td>", "</td>\n"
            node.clear()

    def visit_literal(self, node):
        if not isinstance(node.parent, nodes.title):
            super().visit_literal(node)
            return
        # The name of a module as a heading breaks at its dots.
        start = self.starttag(node, "code", "", CLASS="docutils literal notranslate")
        self.body.append(f'{start}<span class="pre">{self.encode(node.astext()).replace(".", ".<wbr>")}</span></code>')
        raise nodes.SkipNode

    def visit_image(self, node):
        """Figures of cells: from the PNG that matplotlib wrote to WebP without loss, about a third smaller; sizes said
        in the page, so that nothing moves when they arrive; fetched when they come near the screen."""
        _, name = self.builder.env.images.get(node["uri"], ("", ""))
        source = Path(self.builder.srcdir, node["uri"])
        if not name.endswith(".png"):
            super().visit_image(node)
            return
        target = Path(self.builder.outdir, "_images", name).with_suffix(".webp")
        with Image.open(source) as picture:
            (width, height), dpi = picture.size, picture.info.get("dpi", (100, 100))[0]
            if not target.exists():  # the name is made from the picture's content
                target.parent.mkdir(parents=True, exist_ok=True)
                picture.convert("RGB").save(target, lossless=True, method=4)
        self.builder.images.pop(node["uri"], None)  # the PNG need not be copied to the site
        place = f"{self.builder.imgpath}/{target.name}"
        attributes = {"src": place, "alt": node.get("alt", ""), "width": width, "height": height}
        image = self.starttag(node, "img", "", **attributes, loading="lazy", decoding="async")
        self.body.append(framed(image, width, dpi))

    def depart_image(self, node):
        pass


def visit_fold(self, node):
    self.body.append(f'<details class="admonition hide {" ".join(node["classes"])}">\n')
    self.body.append(f"<summary>{self.encode(node['prompt_show'])}</summary>\n")


def depart_fold(self, _node):
    self.body.append("</details>\n")


class FoldLongOutputs(SphinxPostTransform):
    """What prints more lines than one wants to see is folded."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_options) -> None:
        for output in list(self.document.findall(nodes.literal_block)):
            if {"output", "stream"} <= set(output["classes"]) and (lines := output.astext().count("\n")) > LONG_OUTPUT:
                start = f'<details class="long-output"><summary>What it prints: {lines} lines</summary>\n'
                where = output.parent.index(output)
                output.parent.insert(where + 1, nodes.raw("", "\n</details>", format="html"))
                output.parent.insert(where, nodes.raw("", start, format="html"))


def setup(app):
    app.set_translator("html", Writer)
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
    app.add_post_transform(FoldLongOutputs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
