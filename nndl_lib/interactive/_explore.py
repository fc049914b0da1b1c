"""Explorers: a figure with controls, alive in a running notebook and on a plain web page.

``explore(draw, alpha=[0.1, 0.2])`` is used like ``ipywidgets.interact``. In a live kernel it shows ordinary
ipywidgets controls that call ``draw``. While the book is built (``NNDL_STATIC=1``) it draws one frame for every
combination of the axes' values and writes them as one piece of HTML, which needs no kernel and no network: on the
page, in a downloaded notebook, in nbviewer. First used in chapter 02, "Linear models".
"""

import functools
import html
import itertools
import math
import types
from collections.abc import Callable, Iterable, Mapping
from importlib import resources

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nndl_lib._arguments import check_count
from nndl_lib.interactive._axes import Alt, Axis, alt_text, axes_of, thin_out
from nndl_lib.interactive._frames import Picture, json_text, picture_of
from nndl_lib.runtime import is_static

MAX_FRAMES = 200
MAX_BYTES = 1_500_000
FRAME_DPI = 144  # pixels an inch; shown at 100 CSS pixels an inch, so a frame is sharp on a fine screen


def explore(
    draw: Callable[..., Figure | None],
    /,
    *,
    goal: str,
    alt: Alt = None,
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
        table = axes_of(draw, goal, alt, labels, start, axes)
        draw, alt = _frozen(draw, alt)
        display(_live(draw, goal, alt, table))


def static_html(
    draw: Callable[..., Figure | None],
    /,
    *,
    goal: str,
    alt: Alt = None,
    labels: Mapping[str, str] | None = None,
    start: Mapping[str, object] | None = None,
    max_frames: int = MAX_FRAMES,
    max_bytes: int = MAX_BYTES,
    **axes: Iterable,
) -> str:
    """The explorer as one piece of HTML, with all its frames. Arguments and errors as for ``explore``."""
    table = axes_of(draw, goal, alt, labels, start, axes)
    max_frames = check_count(max_frames, "max_frames", "explore")
    max_bytes = check_count(max_bytes, "max_bytes", "explore")
    count = math.prod(len(axis.values) for axis in table)
    if count > max_frames:
        raise ValueError(
            f"explore: {' x '.join(str(len(axis.values)) for axis in table)} = {count} frames; "
            f"expected at most max_frames = {max_frames}: {thin_out(table)}"
        )
    render, frames, alts, total = _Renderer(draw, "webp"), [], [], 0
    for values in itertools.product(*(axis.values for axis in table)):
        chosen = {axis.name: value for axis, value in zip(table, values)}
        frames.append(render(chosen))
        alts.append(alt_text(alt, table, chosen))
        total += len(frames[-1].data)
        if total > max_bytes:
            raise ValueError(
                f"explore: the first {len(frames)} of {count} frames take {total} bytes; "
                f"expected at most max_bytes = {max_bytes} for all: {thin_out(table)}, or draw a smaller figure"
            )
    first = 0
    for axis in table:
        first = first * len(axis.values) + axis.start
    # The first frame stands in the page, and the script takes it from there.
    image = frames[first].as_html(alts[first], ' loading="lazy"')
    sources = [None if k == first else frame.source for k, frame in enumerate(frames)]
    data = json_text({"values": [axis.texts for axis in table], "first": first, "frames": sources, "alts": alts})
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


def _control(axis: Axis) -> str:
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


def _live(draw: Callable, goal: str, alt: Alt, table: list[Axis]):
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
            shown = render(chosen).as_html(alt_text(alt, table, chosen))
        except Exception as error:  # a callback's traceback would vanish: show what went wrong where the figure stood
            message = html.escape(f"{type(error).__name__}: {error} (with {chosen})")
            picture.value = f'<p role="alert">{message}</p>'
            return
        picture.value = shown

    for control in controls:
        control.observe(show, names="index")
    show()
    heading = ipywidgets.HTML(f"<strong>Try it.</strong> {html.escape(goal)}")
    return ipywidgets.VBox([heading, *controls, picture])


class _Renderer:
    """Draws frames. The first one decides where the axes stand, so that they do not jump from frame to frame."""

    def __init__(self, draw: Callable, kind: str):
        self.draw, self.kind = draw, kind
        self.positions: list | None = None

    def __call__(self, chosen: dict) -> Picture:
        """One frame, for the chosen values."""
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
            return self._picture(figure)
        finally:
            for number in set(plt.get_fignums()) - before:
                plt.close(number)

    def _picture(self, figure: Figure) -> Picture:
        if self.positions is not None and len(self.positions) == len(figure.axes):
            figure.set_layout_engine("none")
            for ax, position in zip(figure.axes, self.positions):
                ax.set_position(position)
        picture = picture_of(figure, self.kind, FRAME_DPI)
        if self.positions is None:
            self.positions = [ax.get_position(original=True) for ax in figure.axes]
        return picture
