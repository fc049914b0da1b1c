"""Explorers: a figure with controls, alive in a running notebook and on a plain web page.

``explore(draw, alpha=[0.1, 0.2])`` is used like ``ipywidgets.interact``. In a live kernel it shows ordinary
ipywidgets controls that call ``draw``. While the book is built (``NNDL_STATIC=1``) it draws one frame for every
combination of the axes' values and writes them as one piece of HTML, which needs no kernel and no network: on the
page, in a downloaded notebook, in nbviewer. First used in chapter 02, "Linear models".
"""

import base64
import functools
import html
import io
import itertools
import json
import math
import types
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from nndl_lib import _arguments as arguments
from nndl_lib.runtime import is_static

MAX_FRAMES = 200
MAX_BYTES = 1_500_000
FRAME_DPI = 144  # pixels an inch; shown at 100 CSS pixels an inch, so a frame is sharp on a fine screen


class _Axis(NamedTuple):
    name: str  # the keyword of draw
    label: str  # what the reader sees beside the control
    values: list  # what draw receives
    texts: list[str]  # the same, as the reader sees them
    numeric: bool  # a slider, else a list to choose from
    start: int  # index of the value to begin with


def explore(
    draw: Callable[..., Figure | None],
    /,
    *,
    goal: str,
    alt: str | Callable[..., str] | None = None,
    labels: Mapping[str, str] | None = None,
    start: Mapping[str, object] | None = None,
    max_frames: int = MAX_FRAMES,
    max_bytes: int = MAX_BYTES,
    **axes: Iterable,
) -> None:
    """Show ``draw(**values)`` with one control for each axis.

    Args:
        draw: makes one matplotlib figure from the axes' values, passed by keyword; returns it, or leaves it as the
            current figure. It must give the same picture for the same values: seed what is random inside it.
        goal: what the reader should try to find, shown above the controls.
        alt: the alt text of a frame: a format string with the axes' names (``"cost with alpha = {alpha}"``), or a
            function of the values. Where it is not given, the axes and their values are named.
        labels: for an axis, the text beside its control, where the keyword itself is not good enough.
        start: for an axis, the value to begin with; otherwise its first.
        max_frames: the most frames that may be drawn for the page.
        max_bytes: the most bytes that the frames may add up to, as WebP.
        axes: for each keyword of ``draw`` its values: numbers give a slider, strings a list to choose from.

    Raises:
        ValueError: an axis is empty or holds something else, another argument is of another kind, or there are too many
            frames or bytes; the message names the axis to thin out.
    """
    from IPython.display import display

    if is_static():
        text = static_html(
            draw, goal=goal, alt=alt, labels=labels, start=start, max_frames=max_frames, max_bytes=max_bytes, **axes
        )
        display({"text/html": text, "text/plain": f"explorer: {goal}"}, raw=True)
    else:
        table = _checked(draw, goal, alt, labels, start, axes)
        draw, alt = _frozen(draw, alt)
        display(_live(draw, goal, alt, table))


def static_html(
    draw: Callable[..., Figure | None],
    /,
    *,
    goal: str,
    alt: str | Callable[..., str] | None = None,
    labels: Mapping[str, str] | None = None,
    start: Mapping[str, object] | None = None,
    max_frames: int = MAX_FRAMES,
    max_bytes: int = MAX_BYTES,
    **axes: Iterable,
) -> str:
    """The explorer as one piece of HTML, with all its frames. Arguments and errors as for ``explore``."""
    table = _checked(draw, goal, alt, labels, start, axes)
    max_frames = arguments.check_count(max_frames, "max_frames", "explore")
    max_bytes = arguments.check_count(max_bytes, "max_bytes", "explore")
    count = math.prod(len(axis.values) for axis in table)
    if count > max_frames:
        raise ValueError(
            f"explore: {' x '.join(str(len(axis.values)) for axis in table)} = {count} frames; "
            f"expected at most max_frames = {max_frames}: {_thin_out(table)}"
        )
    render = _Renderer(draw, "webp")
    frames, alts, total = [], [], 0
    for values in itertools.product(*(axis.values for axis in table)):
        chosen = {axis.name: value for axis, value in zip(table, values)}
        picture, width, height = render(chosen)
        frames.append("data:image/webp;base64," + base64.b64encode(picture).decode())
        alts.append(_alt(alt, table, chosen))
        total += len(picture)
        if total > max_bytes:
            raise ValueError(
                f"explore: the first {len(frames)} of {count} frames take {total} bytes; "
                f"expected at most max_bytes = {max_bytes} for all: {_thin_out(table)}, or draw a smaller figure"
            )

    first = 0
    for axis in table:
        first = first * len(axis.values) + axis.start
    image = (
        f'<img src="{frames[first]}" alt="{html.escape(alts[first])}" width="{width}" height="{height}" loading="lazy">'
    )
    frames[first] = None  # the script takes it from the picture
    book = {"values": [axis.texts for axis in table], "first": first, "frames": frames, "alts": alts}
    # "</script>" and "<!--" in a text would end the script element early, or never.
    data = json.dumps(book, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    script = resources.files("nndl_lib.interactive").joinpath("js/explore.js").read_text(encoding="utf-8")
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
    return (
        f'<figure class="nndl-explorer" style="margin:1em 0;position:relative">\n'
        f"<figcaption><strong>Try it.</strong> {html.escape(goal)}</figcaption>\n"
        f'<div class="nndl-controls" style="display:none">\n{"".join(map(_control, table))}</div>\n'
        # What is left where scripts may not run: a browser without them, JupyterLab before a notebook is trusted.
        f'<p class="nndl-hint"><em>The controls appear when scripts may run, or when this cell is run.</em></p>\n'
        f'{image}\n<div class="nndl-said" role="status" style="{hidden}"></div>\n'
        f'<script type="application/json">{data}</script>\n<script>\n{script}</script>\n</figure>'
    )


def _control(axis: _Axis) -> str:
    label, now = html.escape(axis.label), html.escape(axis.texts[axis.start])
    # Firefox would restore the last position on reload, beside a picture that starts anew: hence autocomplete.
    if axis.numeric:
        return (
            f'<label>{label} <input type="range" min="0" max="{len(axis.values) - 1}" step="1" value="{axis.start}" '
            f'aria-valuetext="{now}" autocomplete="off"> <span>{now}</span></label>\n'
        )
    options = "".join(
        f'<option value="{k}"{" selected" if k == axis.start else ""}>{html.escape(text)}</option>'
        for k, text in enumerate(axis.texts)
    )
    return f'<label>{label} <select autocomplete="off">{options}</select></label>\n'


def _frozen(*given):
    """What is given, but functions that were written in a notebook see its names as they are now.

    A control calls them when all cells below have run, and these may have given X, or a helper's name, another meaning.
    Functions that such a function calls are frozen with it; methods of classes that were written in a notebook are not.
    """
    spaces = {}

    def copy(value):
        function = value.__wrapped__ if isinstance(value, functools._lru_cache_wrapper) else value
        if not isinstance(function, types.FunctionType) or function.__globals__.get("__name__") != "__main__":
            return value
        space = function.__globals__
        if id(space) not in spaces:
            spaces[id(space)] = names = dict(space)
            names.update({name: copy(each) for name, each in space.items()})
        made = types.FunctionType(
            function.__code__, spaces[id(space)], function.__name__, function.__defaults__, function.__closure__
        )
        made.__kwdefaults__ = function.__kwdefaults__
        return made if function is value else functools.lru_cache(**value.cache_parameters())(made)

    return [copy(value) for value in given]


def _live(draw: Callable, goal: str, alt: str | Callable | None, table: list[_Axis]):
    import ipywidgets

    style = {"description_width": "initial"}
    controls = []
    for axis in table:
        kind = ipywidgets.SelectionSlider if axis.numeric else ipywidgets.Dropdown
        options = list(zip(axis.texts, axis.values))
        control = kind(options=options, index=axis.start, description=axis.label, style=style)
        control.layout.width = "min(32em, 95%)"
        controls.append(control)
    picture, render = ipywidgets.HTML(), _Renderer(draw, "png")

    def show(_change=None) -> None:
        chosen = {axis.name: axis.values[control.index] for axis, control in zip(table, controls)}
        try:
            data, width, height = render(chosen)
            text = html.escape(_alt(alt, table, chosen))
        except Exception as error:  # a callback's traceback would vanish: show what went wrong where the figure stood
            message = html.escape(f"{type(error).__name__}: {error} (with {chosen})")
            picture.value = f'<p role="alert">{message}</p>'
            return
        source = "data:image/png;base64," + base64.b64encode(data).decode()
        picture.value = f'<img src="{source}" alt="{text}" width="{width}" height="{height}">'

    for control in controls:
        control.observe(show, names="index")
    show()
    heading = ipywidgets.HTML(f"<strong>Try it.</strong> {html.escape(goal)}")
    return ipywidgets.VBox([heading, *controls, picture])


class _Renderer:
    """Draws frames. The first one decides where the axes stand, so that they do not jump from frame to frame."""

    def __init__(self, draw: Callable, file_format: str):
        self.draw, self.file_format, self.positions = draw, file_format, None

    def __call__(self, chosen: dict) -> tuple[bytes, int, int]:
        """Draw one frame; return its bytes and its width and height in CSS pixels."""
        before = set(plt.get_fignums())
        try:
            figure = self.draw(**chosen)
            opened = [number for number in plt.get_fignums() if number not in before]
            if not isinstance(figure, Figure):
                if not opened:
                    raise ValueError(
                        f"explore: draw made no figure and returned {figure!r} with {chosen}; expected a figure"
                    )
                figure = plt.gcf() if plt.gcf().number in opened else plt.figure(opened[-1])
            return self._encode(figure)
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)

    def _encode(self, figure: Figure) -> tuple[bytes, int, int]:
        if self.positions is not None and len(self.positions) == len(figure.axes):
            figure.set_layout_engine("none")
            for ax, position in zip(figure.axes, self.positions):
                ax.set_position(position)
        width, height = figure.get_size_inches()
        # Draw once: savefig, with its many options, draws a figure twice.
        figure.set_dpi(FRAME_DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        if self.positions is None:
            self.positions = [ax.get_position(original=True) for ax in figure.axes]
        picture = Image.frombytes("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
        file = io.BytesIO()
        if self.file_format == "webp":
            # 64 colors, lossless: a third of the bytes of all the colors, and no smear at the lines.
            picture = picture.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
            picture = picture.point(lambda level: 255 if level == 254 else level)  # the octree loses pure white
            picture.save(file, "webp", lossless=True, quality=60, method=2)
        else:
            picture.save(file, self.file_format)
        return file.getvalue(), round(width * 100), round(height * 100)


def _checked(draw, goal, alt, labels, start, axes: Mapping[str, Iterable]) -> list[_Axis]:
    # The axes, after everything that is given was looked at: before a control is shown, or a frame is drawn.
    arguments.check_function(draw, "draw", "explore", classes=False)
    for name, given in (("labels", labels), ("start", start)):
        if not isinstance(given, Mapping | None):
            raise ValueError(f"explore: {name} is {given!r}; expected a dict by the names of axes, or None")
    texts = {"goal": goal, **({"alt": alt} if alt is not None and not callable(alt) else {})}
    texts |= {f"labels[{name!r}]": label for name, label in (labels or {}).items()}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"explore: {name} is {text!r}; expected a text")
    table = _axes(axes, labels or {}, start or {})
    if isinstance(alt, str):
        try:
            _alt(alt, table, {axis.name: axis.values[0] for axis in table})
        except (LookupError, ValueError) as error:
            known = ", ".join(f"{{{axis.name}}}" for axis in table)
            what = f"alt is {alt!r}, which lacks {error}"
            raise ValueError(f"explore: {what}; expected a text with no more than {known}") from error
    return table


def _axes(axes: Mapping[str, Iterable], labels: Mapping[str, str], start: Mapping[str, object]) -> list[_Axis]:
    if not axes:
        raise ValueError("explore: no axis was given; expected at least one, for example alpha=[0.1, 0.2]")
    for option, given in (("labels", labels), ("start", start)):
        for name in given:
            if name not in axes:
                raise ValueError(
                    f"explore: {option} names {name!r}, which is not an axis; the axes are {', '.join(axes)}"
                )
    table = []
    for name, values in axes.items():
        values = values.tolist() if hasattr(values, "tolist") else values
        # A set would come in another order on another run, and of a dict only the keys.
        if isinstance(values, (str, bytes, set, frozenset, dict)) or not isinstance(values, Iterable):
            raise ValueError(f"explore: axis {name!r} is {values!r}; expected a sequence of numbers or of strings")
        values = [value.item() if hasattr(value, "item") else value for value in values]
        if not values:
            raise ValueError(f"explore: axis {name!r} is empty; expected at least one value")
        words = all(isinstance(value, str) for value in values)
        numeric = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        if not (words or (numeric and all(map(math.isfinite, values)))):
            raise ValueError(f"explore: axis {name!r} holds {values}; expected finite numbers only, or strings only")
        texts = values if words else [_text(value) for value in values]
        if len(set(texts)) != len(texts):
            raise ValueError(f"explore: axis {name!r} shows two values alike: {texts}; expected different values")
        first = start.get(name, values[0])
        if isinstance(first, bool) or first not in values:
            raise ValueError(f"explore: start has {name} = {first!r}; expected one of {values}")
        table.append(_Axis(name, labels.get(name, name), values, list(texts), numeric, values.index(first)))
    return table


def _text(value: int | float) -> str:
    """A number as the reader sees it: whole if it is an int, else four digits, with an exponent only if that is short."""
    short = f"{value:.4g}"
    return str(value) if isinstance(value, int) or "e+" in short and len(str(value)) < 9 else short


def _thin_out(table: list[_Axis]) -> str:
    longest = max(table, key=lambda axis: len(axis.values))
    return f"thin out the axis {longest.name!r}, which has {len(longest.values)} values"


def _alt(alt: str | Callable[..., str] | None, table: list[_Axis], chosen: dict) -> str:
    if callable(alt):
        text = alt(**chosen)
        if not isinstance(text, str):
            raise ValueError(f"explore: alt gave {text!r} with {chosen}; expected a text")
        return text
    texts = {axis.name: axis.texts[axis.values.index(chosen[axis.name])] for axis in table}
    if alt is not None:
        return alt.format(**texts)
    return "Plot with " + ", ".join(f"{axis.label} = {texts[axis.name]}" for axis in table)
