"""How small a picture may become: not so small that its letters cannot be read; then it scrolls sideways.

Figures are drawn with text of 12 points (`plotting.use_style`). How wide such a picture has to be for letters of 8 CSS
pixels follows from the dots an inch that it was drawn with. On a wider screen it is as wide as the column or as drawn.
theme/static/figures.js enlarges it, for a closer look; explorers, which move, stay where they are.
"""

from math import ceil

READABLE = 8  # CSS pixels
TEXT = 12  # points, of 72 an inch


def least_width(width: int, dpi: float) -> int:
    """The CSS pixels across that a picture needs, which is drawn in as many as its pixels where there is room."""
    return ceil(width * READABLE / (TEXT / 72 * dpi))


def framed(image: str, width: int, dpi: float) -> str:
    """An `<img>` of that width and resolution in a frame within which it scrolls."""
    return f'<div class="picture" style="--least: {least_width(width, dpi)}px">{image.strip()}</div>\n'
