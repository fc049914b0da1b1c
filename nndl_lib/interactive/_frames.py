"""Figures as pictures, and pictures and data as HTML: what explorers and pieces write alike."""

import base64
import html
import io
import json
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image


class Picture(NamedTuple):
    """An encoded picture of a figure."""

    data: bytes
    kind: str  # "webp" or "png"
    width: int  # in CSS pixels, 100 an inch
    height: int

    @property
    def source(self) -> str:
        """The address that holds the picture itself."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.data).decode()}"

    def as_html(self, alt: str, more: str = "") -> str:
        """The ``<img>``, with ``more`` attributes."""
        size = f'width="{self.width}" height="{self.height}"'
        return f'<img src="{self.source}" alt="{html.escape(alt)}" {size}{more}>'


def picture_of(figure: Figure, kind: str, dpi: int) -> Picture:
    """A figure as "png", with all its colors, or as "webp", with 64: lossless a third of the bytes, and no smear."""
    width, height = (round(100 * float(size)) for size in figure.get_size_inches())
    # Draw once: savefig, with its many options, draws a figure twice.
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    options: dict[str, Any] = {}
    if kind == "webp":
        picture = picture.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
        picture = picture.point(lambda level: 255 if level == 254 else level)  # the octree loses pure white
        options = {"lossless": True, "quality": 60, "method": 2}
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return Picture(file.getvalue(), kind, width, height)


def json_text(data: Any) -> str:
    """Data as JSON that can stand in a page: "</script>" and "<!--" would end the script element early, or never."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
