"""nndl_lib.interactive.explore: its HTML read back and its frames decoded, the live controls, and every error."""

import base64
import functools
import html
import io
import itertools
import json
import math
import re
from html.parser import HTMLParser
from importlib import resources

import matplotlib

matplotlib.use("Agg")

import IPython.display
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from nndl_lib.interactive import _explore as widgets
from nndl_lib.interactive import explore, static_html

HOSTILE = "a < b & \"c\" 'd' </script><b>e</b> &lt; {f}"


@pytest.fixture(autouse=True)
def own_style_and_no_figures_left():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # tests of the book's style may have run in this process
        plt.close("all")
        yield
        left = plt.get_fignums()
        plt.close("all")
    assert left == []


def swatch(**values):
    """A figure of one color, which tells the values: each is 0, 1, 2, ... or such a number as text."""
    red, green, blue = [int(value) * 40 / 255 for value in values.values()] + [0.0] * (3 - len(values))
    return plt.figure(figsize=(0.3, 0.1), facecolor=(red, green, blue))


def color_of(picture):
    """The numbers that a swatch was drawn for, as three."""
    pixels = np.asarray(picture).reshape(-1, 3)
    assert (pixels == pixels[0]).all()
    return tuple((pixels[0] / 40).tolist())


def line_plot(slope, kind="plain"):
    figure, ax = plt.subplots(figsize=(1.5, 1.0))
    ax.plot([0, 1], [0, slope], color="red" if kind == "plain" else "blue")
    ax.set(ylim=(0, 3))
    return figure


def decoded(source):
    kind, data = source.split(";base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == f"data:image/{picture.format.lower()}"
    return picture


def drawn_directly(**values):
    """What matplotlib itself saves for a line plot, as an array."""
    figure, file = line_plot(**values), io.BytesIO()
    figure.savefig(file, format="png", dpi=widgets.FRAME_DPI)
    plt.close(figure)
    return np.asarray(Image.open(file).convert("RGB")).astype(float)


class Page(HTMLParser):
    """The elements of a page in order, the text in each kind of element, and the explorer's data."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []  # every element is closed
        (self.image,) = [found for tag, found in self.tags if tag == "img"]
        self.data, self.script = self.texts["script"]
        self.book = json.loads(self.data)
        self.frames = list(self.book["frames"])
        self.frames[self.book["first"]] = self.image["src"]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "input"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open:
            self.texts[self.open[-1]][-1] += text

    def all(self, tag):
        return [found for name, found in self.tags if name == tag]


# --- the frames ---


def test_frames_are_row_major_with_the_last_axis_fastest():
    page = Page(static_html(swatch, goal="g", a=[0, 1], b=[0, 1, 2], c=["0", "1"]))
    expected = [(a, b, c) for a in range(2) for b in range(3) for c in range(2)]
    assert [color_of(decoded(frame)) for frame in page.frames] == expected
    assert page.book["values"] == [["0", "1"], ["0", "1", "2"], ["0", "1"]]


@settings(derandomize=True, deadline=None, max_examples=10, database=None)
@given(st.data())
def test_every_frame_is_where_the_script_looks(choose):
    sizes = choose.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axes = {name: list(range(size)) for name, size in zip("abc", sizes)}
    start = {name: choose.draw(st.sampled_from(values)) for name, values in axes.items()}
    page = Page(static_html(swatch, goal="g", start=start, **axes))
    assert len(page.frames) == len(page.book["alts"]) == math.prod(sizes)
    for chosen in itertools.product(*axes.values()):
        at = 0
        for k, value in enumerate(chosen):  # as explore.js finds the frame from its controls
            at = at * len(page.book["values"][k]) + value
        assert color_of(decoded(page.frames[at]))[: len(sizes)] == chosen
    assert color_of(decoded(page.image["src"]))[: len(sizes)] == tuple(start.values())


def test_frames_show_the_plot_itself():
    slopes, kinds = [1, 2, 3], ["plain", "other"]
    page = Page(static_html(line_plot, goal="g", slope=slopes, kind=kinds))
    direct = [drawn_directly(slope=slope, kind=kind) for slope in slopes for kind in kinds]
    assert direct[0].shape == (144, 216, 3)
    for k, frame in enumerate(page.frames):
        picture = np.asarray(decoded(frame).convert("RGB")).astype(float)
        off = [np.abs(picture - other).mean() for other in direct]
        # Frames have 64 colors: that costs about 0.06 gray levels of 255, another slope or color more than two.
        assert off[k] < 0.3 and min(value for other, value in enumerate(off) if other != k) > 2


def test_first_frame_is_stored_once():
    text = static_html(swatch, goal="g", a=[0, 1, 2])
    page = Page(text)
    assert page.book["first"] == 0
    assert [frame is None for frame in page.book["frames"]] == [True, False, False]
    assert text.count(page.image["src"]) == 1
    assert page.image["src"].startswith("data:image/webp;base64,")


def test_start():
    start = {"b": 1, "c": "2"}
    page = Page(static_html(swatch, goal="g", start=start, a=[0, 1], b=[0, 1], c=["0", "1", "2"]))
    assert page.book["first"] == 0 * 6 + 1 * 3 + 2
    assert [k for k, frame in enumerate(page.book["frames"]) if frame is None] == [5]
    assert color_of(decoded(page.image["src"])) == (0, 1, 2)
    assert page.image["alt"] == page.book["alts"][5] == "Plot with a = 0, b = 1, c = 2"
    assert [control["value"] for control in page.all("input")] == ["0", "1"]
    assert [control["aria-valuetext"] for control in page.all("input")] == ["0", "1"]
    assert ["selected" in option for option in page.all("option")] == [False, False, True]
    assert page.texts["span"] == ["0", "1"]


def growing(shown):
    """A draw whose axes would move to the right from frame to frame, as their tick labels get longer."""

    def draw(power, axes=1):
        figure, ax = plt.subplots(1, axes, figsize=(1.5, 1.0), squeeze=False, layout="constrained")
        ax[0, 0].set(ylim=(0, 10**power))
        ax[0, 0].ticklabel_format(style="plain")
        shown.append(figure)
        return figure

    return draw


def lefts(figures):
    return [round(figure.axes[0].get_position().x0, 6) for figure in figures]


def test_axes_stand_still():
    shown, alone = [], []
    static_html(growing(shown), goal="g", power=[1, 3, 5])
    for power in (1, 3, 5):  # each in an explorer of its own: there they do differ
        static_html(growing(alone), goal="g", power=[power])
    assert lefts(shown) == [lefts(alone)[0]] * 3
    assert len(set(lefts(alone))) == 3


def test_axes_stand_still_in_a_live_kernel():
    shown = []
    _, _, (power,), _ = live(growing(shown), power=[1, 3, 5])
    power.index = 1
    power.index = 2
    assert len(shown) == 3 and len(set(lefts(shown))) == 1


def test_frames_with_other_axes_have_their_own_layout():
    shown, alone = [], []
    static_html(growing(shown), goal="g", axes=[1, 2], power=[1])
    static_html(growing(alone), goal="g", axes=[2], power=[1])
    assert [len(figure.axes) for figure in shown] == [1, 2]
    assert shown[1].axes[1].get_position().bounds == alone[0].axes[1].get_position().bounds


def test_size_of_the_picture():
    page = Page(static_html(lambda a: plt.figure(figsize=(2.25, 0.5)), goal="g", a=[0, 1]))
    # 100 CSS pixels an inch, 144 pixels an inch in the frame.
    assert (page.image["width"], page.image["height"]) == ("225", "50")
    assert [decoded(frame).size for frame in page.frames] == [(324, 72)] * 2


def test_figure_may_be_returned_or_left_or_free():
    def left(a):
        swatch(a=a)

    def free(a):  # not known to pyplot
        return Figure(figsize=(0.3, 0.1), facecolor=(a * 40 / 255, 0, 0))

    expected = static_html(swatch, goal="g", a=[0, 1])
    assert static_html(left, goal="g", a=[0, 1]) == expected
    assert static_html(free, goal="g", a=[0, 1]) == expected


def test_second_call_gives_the_same():
    def call():
        return static_html(line_plot, goal="g", slope=[1, 2], kind=["plain", "other"])

    assert call() == call()


# --- the controls ---


def test_numbers_give_a_slider_and_strings_a_list():
    page = Page(static_html(swatch, goal="Find it", labels={"b": "second"}, a=[0, 1, 2], b=["1", "2"]))
    (slider,) = page.all("input")
    assert {name: slider[name] for name in ("type", "min", "max", "step", "value")} == {
        "type": "range",
        "min": "0",
        "max": "2",
        "step": "1",
        "value": "0",
    }
    assert len(page.all("select")) == 1
    assert [option["value"] for option in page.all("option")] == ["0", "1"]
    assert page.texts["option"] == ["1", "2"]
    assert [text.strip() for text in page.texts["label"]] == ["a", "second"]
    assert page.texts["figcaption"] == [" Find it"] and page.texts["strong"] == ["Try it."]


def test_values_that_are_shown():
    page = Page(static_html(lambda a: swatch(a=0), goal="g", a=[1, 0.1, 1 / 3, 1e-6, -2.5]))
    assert page.book["values"] == [["1", "0.1", "0.3333", "1e-06", "-2.5"]]


def test_draw_is_given_the_values_themselves():
    given_values = []

    def draw(a, b):
        given_values.append((a, b))
        return swatch(a=0)

    static_html(draw, goal="g", a=[1 / 3, 2], b=["x", "y"])
    assert given_values == [(1 / 3, "x"), (1 / 3, "y"), (2, "x"), (2, "y")]


@pytest.mark.parametrize("values", [np.arange(3), torch.arange(3), range(3), (0, 1, 2), np.array([0, 1, 2.0])])
def test_axis_may_be_any_sequence(values):
    assert static_html(swatch, goal="g", a=values) == static_html(swatch, goal="g", a=[0, 1, 2])


def test_axis_may_be_a_generator():
    assert static_html(swatch, goal="g", a=(k for k in range(3))) == static_html(swatch, goal="g", a=[0, 1, 2])


def test_draw_is_named_by_position_alone():
    page = Page(static_html(lambda draw: swatch(a=draw), goal="g", draw=[0, 1]))
    assert len(page.frames) == 2


# --- texts ---


def test_alt_names_the_values_by_default():
    page = Page(static_html(lambda a, b: swatch(), goal="g", labels={"b": "rate"}, a=["x", "y"], b=[0.1, 1 / 3]))
    expected = [f"Plot with a = {a}, rate = {b}" for a in "xy" for b in ("0.1", "0.3333")]
    assert page.book["alts"] == expected
    assert page.image["alt"] == expected[0]


def test_alt_as_a_format_string():
    page = Page(static_html(lambda a, b: swatch(), goal="g", alt="{b} over {a}", a=["x", "y"], b=[0.1, 1 / 3]))
    assert page.book["alts"] == ["0.1 over x", "0.3333 over x", "0.1 over y", "0.3333 over y"]
    assert page.image["alt"] == "0.1 over x"


def test_alt_as_a_function():
    page = Page(static_html(lambda a, b: swatch(), goal="g", alt=lambda a, b: f"{b + 1} and {a}", a=["x"], b=[1, 2]))
    assert page.book["alts"] == ["2 and x", "3 and x"]


def test_texts_cannot_break_out():
    values = {"a": [HOSTILE, "plain"], "b": [0, 1]}
    options = {"goal": HOSTILE, "alt": lambda a, b: f"{a} {b}", "labels": {"a": HOSTILE, "b": HOSTILE}}
    page = Page(static_html(lambda a, b: swatch(), **options, **values))
    plain = Page(static_html(lambda a, b: swatch(), goal="g", a=["x", "y"], b=[0, 1]))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]  # no element more, none less
    assert [sorted(found) for _, found in page.tags] == [sorted(found) for _, found in plain.tags]
    assert page.texts["figcaption"] == [f" {HOSTILE}"]
    assert [text.strip() for text in page.texts["label"]] == [HOSTILE, HOSTILE]
    assert page.texts["option"] == [HOSTILE, "plain"]
    assert page.image["alt"] == f"{HOSTILE} 0"
    assert page.book["alts"] == [f"{HOSTILE} 0", f"{HOSTILE} 1", "plain 0", "plain 1"]
    assert page.book["values"][0] == [HOSTILE, "plain"]
    assert "</" not in page.data


def test_alt_of_the_picture_is_escaped_in_the_source():
    # Python's own parser forgives a bare "<" or "&" in an attribute; the source must not rely on that.
    text = static_html(swatch, goal="g", alt='<"&', a=[0])
    assert 'alt="&lt;&quot;&amp;"' in text


def test_letters_beyond_ascii_stay():
    page = Page(static_html(swatch, goal="α → β", alt="größer {a}", a=[0]))
    assert page.texts["figcaption"] == [" α → β"]
    assert page.book["alts"] == ["größer 0"]


def test_page_stands_alone():
    text = static_html(swatch, goal="g", a=[0, 1])
    page = Page(text)
    source = resources.files("nndl_lib.interactive").joinpath("js/explore.js").read_text(encoding="utf-8")
    assert page.script.strip() == source.strip()
    for _, found in page.tags:  # nothing is fetched
        assert "href" not in found and found.get("src", "data:").startswith("data:")
    assert "://" not in text


def test_controls_are_hidden_until_the_script_runs():
    # Where no script runs there must be no control that does nothing.
    page = Page(static_html(swatch, goal="g", a=[0, 1]))
    (controls,) = [found for found in page.all("div") if found.get("class") == "nndl-controls"]
    (said,) = [found for found in page.all("div") if found.get("class") == "nndl-said"]
    assert "hidden" in controls or "display:none" in controls["style"].replace(" ", "")
    assert said["role"] == "status"


# --- errors ---

BAD = {
    "no axis": ({}, "explore: no axis was given; expected at least one"),
    "empty axis": ({"a": []}, "axis 'a' is empty; expected at least one value"),
    "a string as axis": ({"a": "abc"}, "axis 'a' is 'abc'; expected a sequence of numbers or of strings"),
    "a number as axis": ({"a": 3}, "axis 'a' is 3; expected a sequence of numbers or of strings"),
    "mixed": ({"a": [1, "x"]}, "axis 'a' holds [1, 'x']; expected finite numbers only, or strings only"),
    "nan": ({"a": [1.0, math.nan]}, "axis 'a' holds [1.0, nan]; expected finite numbers only, or strings only"),
    "infinity": ({"a": [math.inf]}, "axis 'a' holds [inf]; expected finite numbers only, or strings only"),
    "bool": ({"a": [True, False]}, "axis 'a' holds [True, False]; expected finite numbers only, or strings only"),
    "none": ({"a": [None]}, "axis 'a' holds [None]; expected finite numbers only, or strings only"),
    "rows": ({"a": np.ones((1, 2))}, "axis 'a' holds [[1.0, 1.0]]; expected finite numbers only, or strings only"),
    "duplicates": ({"a": ["x", "x"]}, "axis 'a' shows two values alike: ['x', 'x']; expected different values"),
    "equal numbers": ({"a": [1, 1.0]}, "axis 'a' shows two values alike: ['1', '1']; expected different values"),
    "look equal": (
        {"a": [0.12341, 0.12342]},
        "axis 'a' shows two values alike: ['0.1234', '0.1234']; expected different values",
    ),
    "unknown label": (
        {"a": [1], "b": [1], "labels": {"c": "x"}},
        "labels names 'c', which is not an axis; the axes are a, b",
    ),
    "unknown start": ({"a": [1], "start": {"c": 1}}, "start names 'c', which is not an axis; the axes are a"),
    "start elsewhere": ({"a": [1, 2], "start": {"a": 3}}, "start has a = 3; expected one of [1, 2]"),
    "start is a bool": ({"a": [0, 1], "start": {"a": True}}, "start has a = True; expected one of [0, 1]"),
    "a dict as axis": ({"a": {1: "x"}}, "axis 'a' is {1: 'x'}; expected a sequence of numbers or of strings"),
    "labels of another kind": ({"a": [1], "labels": ["x"]}, "labels is ['x']; expected a dict by the names of axes"),
    "a label of another kind": ({"a": [1], "labels": {"a": 1}}, "labels['a'] is 1; expected a text"),
    "start of another kind": ({"a": [1], "start": 1}, "start is 1; expected a dict by the names of axes, or None"),
    "alt of another kind": ({"a": [1], "alt": 3}, "alt is 3; expected a text"),
    "alt of another axis": (
        {"a": [1], "alt": "b is {b}"},
        "alt is 'b is {b}', which lacks 'b'; expected a text with no more",
    ),
    "alt by number": ({"a": [1], "alt": "{} {}"}, "alt is '{} {}', which lacks "),
}
KINDS = {
    "goal": (lambda show: show(swatch, goal=None, a=[1]), "goal is None; expected a text"),
    "draw": (lambda show: show(3, goal="g", a=[1]), "draw is 3; expected a function"),
    "a class": (
        lambda show: show(plt.Figure, goal="g", a=[1]),
        "draw is <class 'matplotlib.figure.Figure'>; expected a function",
    ),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("static", ["1", "0"])
def test_other_kinds_of_arguments(monkeypatch, name, static):
    call, message = KINDS[name]
    monkeypatch.setenv("NNDL_STATIC", static)
    for show in (static_html, explore):
        with pytest.raises(ValueError, match=re.escape(f"explore: {message}")):
            call(show)


def test_alt_that_gives_no_text():
    with pytest.raises(ValueError, match=re.escape("explore: alt gave None with {'a': 7}; expected a text")):
        static_html(lambda a: plt.figure(), goal="g", alt=lambda a: None, a=[7])
    for limit in ("max_frames", "max_bytes"):
        with pytest.raises(ValueError, match=f"explore: {limit} is 2.5; expected an integer of at least 1"):
            static_html(swatch, goal="g", a=[7], **{limit: 2.5})


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("static", ["1", "0"])
def test_bad_arguments(monkeypatch, name, static):
    options, message = BAD[name]
    monkeypatch.setenv("NNDL_STATIC", static)
    for show in (static_html, explore):
        with pytest.raises(ValueError, match=re.escape(message)):
            show(swatch, goal="g", **options)


def test_too_many_frames():
    def never(**values):
        raise AssertionError("nothing is drawn where there are too many frames")

    message = "2 x 5 x 3 = 30 frames; expected at most max_frames = 29: thin out the axis 'b', which has 5 values"
    with pytest.raises(ValueError, match=re.escape(message)):
        static_html(never, goal="g", max_frames=29, a=range(2), b=range(5), c=range(3))
    message = "201 = 201 frames; expected at most max_frames = 200: thin out the axis 'a', which has 201 values"
    with pytest.raises(ValueError, match=re.escape(message)):
        static_html(never, goal="g", a=range(201))


def test_as_many_frames_as_allowed():
    assert len(Page(static_html(swatch, goal="g", max_frames=6, a=range(2), b=range(3))).frames) == 6


def test_too_many_bytes():
    frames = Page(static_html(swatch, goal="g", a=range(3))).frames
    sizes = [len(base64.b64decode(frame.split(",")[1])) for frame in frames]
    whole = static_html(swatch, goal="g", max_bytes=sum(sizes), a=range(3))
    assert whole == static_html(swatch, goal="g", a=range(3))
    message = (
        f"the first 3 of 3 frames take {sum(sizes)} bytes; expected at most max_bytes = {sum(sizes) - 1} for all: "
        "thin out the axis 'a', which has 3 values, or draw a smaller figure"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        static_html(swatch, goal="g", max_bytes=sum(sizes) - 1, a=range(3))
    with pytest.raises(ValueError, match=f"the first 1 of 3 frames take {sizes[0]} bytes; .* max_bytes = 10 "):
        static_html(swatch, goal="g", max_bytes=10, a=range(3))


@pytest.mark.parametrize("result", [None, "a picture"])
def test_draw_that_makes_no_figure(result):
    message = re.escape(f"draw made no figure and returned {result!r} with {{'a': 7}}; expected a figure")
    with pytest.raises(ValueError, match=message):
        static_html(lambda a: result, goal="g", a=[7])


def test_draw_that_raises_leaves_no_figure():
    def draw(a):
        plt.figure()
        plt.figure()
        if a == 1:
            raise ZeroDivisionError("at one")
        return plt.gcf()

    with pytest.raises(ZeroDivisionError, match="at one"):
        static_html(draw, goal="g", a=[0, 1])
    assert plt.get_fignums() == []


def test_figures_of_the_user_stay():
    first, second = plt.figure(), plt.figure()
    plt.figure(first.number)  # the older one is the current one
    static_html(swatch, goal="g", a=[0, 1])
    with pytest.raises(ValueError, match="draw made no figure"):
        static_html(lambda a: None, goal="g", a=[0, 1])
    assert plt.get_fignums() == [first.number, second.number]
    assert plt.gcf() is first
    plt.close("all")


def test_figure_of_the_user_may_be_drawn_again():
    shared = plt.figure(figsize=(0.3, 0.1))

    def draw(a):
        shared.set_facecolor((a * 40 / 255, 0, 0))
        return shared

    page = Page(static_html(draw, goal="g", a=[0, 1, 2]))
    assert [color_of(decoded(frame))[0] for frame in page.frames] == [0, 1, 2]
    assert plt.get_fignums() == [shared.number]
    plt.close("all")


# --- in a live kernel ---


def live(draw, goal="g", alt=None, labels=None, start=None, **axes):
    box = widgets._live(draw, goal, alt, widgets.axes_of(draw, goal, alt, labels, start, axes))
    heading, *controls, picture = box.children
    return box, heading, controls, picture


class Picture(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)
        ((self.tag, self.found),) = self.tags

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_live_controls():
    box, heading, (slider, choice), picture = live(
        swatch, goal="x < y", labels={"b": "second"}, start={"a": 2}, a=[0, 1, 2], b=["0", "1"]
    )
    assert type(box) is ipywidgets.VBox
    assert type(slider) is ipywidgets.SelectionSlider and type(choice) is ipywidgets.Dropdown
    assert (slider.description, choice.description) == ("a", "second")
    assert (slider.options, choice.options) == ((("0", 0), ("1", 1), ("2", 2)), (("0", "0"), ("1", "1")))
    assert (slider.index, choice.index) == (2, 0)
    assert heading.value == "<strong>Try it.</strong> x &lt; y"
    assert color_of(decoded(Picture(picture.value).found["src"]))[:2] == (2, 0)


def test_live_controls_move_the_picture():
    _, _, (a, b), picture = live(swatch, alt="a is {a}, b is {b}", a=[0, 1, 2], b=["0", "1"])
    for at_a, at_b in [(1, 0), (1, 1), (2, 1), (0, 0)]:
        a.index, b.index = at_a, at_b
        found = Picture(picture.value).found
        assert color_of(decoded(found["src"]))[:2] == (at_a, at_b)
        assert found["alt"] == f"a is {at_a}, b is {at_b}"
        assert (found["width"], found["height"]) == ("30", "10")


def test_live_picture_is_matplotlibs_own():
    _, _, (slope,), picture = live(line_plot, slope=[1, 2])
    for k, value in enumerate([1, 2]):
        slope.index = k
        found = np.asarray(decoded(Picture(picture.value).found["src"])).astype(float)
        assert np.array_equal(found, drawn_directly(slope=value))  # PNG, with all its colors


def test_live_and_static_agree_on_alts():
    options = {"a": [0, 1], "b": ["0", "1"]}
    for alt in (None, "{b} over {a}", lambda a, b: f"function of {a} and {b}"):
        page = Page(static_html(swatch, goal="g", alt=alt, **options))
        _, _, (a, b), picture = live(swatch, alt=alt, **options)
        found = []
        for a.index, b.index in itertools.product(range(2), range(2)):
            found.append(Picture(picture.value).found["alt"])
        assert found == page.book["alts"]


def test_live_texts_cannot_break_out():
    _, heading, _, picture = live(lambda a: swatch(), goal=HOSTILE, a=[HOSTILE])
    assert heading.value == f"<strong>Try it.</strong> {html.escape(HOSTILE)}"
    assert Picture(picture.value).found["alt"] == f"Plot with a = {HOSTILE}"


def test_live_draw_that_raises_says_so_and_recovers():
    def draw(a):
        figure = swatch(a=a)
        if a == 1:
            raise ZeroDivisionError("<b> at one")
        return figure

    _, _, (a,), picture = live(draw, a=[0, 1, 2])
    assert Picture(picture.value).tag == "img"
    a.index = 1
    assert Picture(picture.value).found == {"role": "alert"}  # in place of the picture
    assert "ZeroDivisionError: &lt;b&gt; at one (with {&#x27;a&#x27;: 1})" in picture.value
    assert plt.get_fignums() == []
    a.index = 2
    assert color_of(decoded(Picture(picture.value).found["src"]))[0] == 2


NOTEBOOK = """
import functools
import matplotlib.pyplot as plt
blue = 0
def red(a):
    return a / 2
@functools.cache
def green(a, *, part=0.5):
    return part * red(a)
def draw(a):
    return plt.figure(figsize=(1, 1), facecolor=(red(a), green(a), blue))
"""
LATER = "blue = None\ndef red(a): return 'red'\ndef green(a): return 'green'\n"


def test_live_names_that_later_cells_give_away(monkeypatch, published):
    monkeypatch.delenv("NNDL_STATIC", raising=False)
    notebook = {"__name__": "__main__"}
    exec(NOTEBOOK, notebook)
    exec("def alt(a): return f'{red(a)} and {green(a)}'", notebook)
    widgets.explore(notebook["draw"], goal="g", alt=notebook["alt"], a=[0, 1])
    (((box,), _),) = published
    exec(LATER, notebook)
    slider, picture = box.children[1:]
    slider.index = 1
    assert 'alt="0.5 and 0.25"' in picture.value, picture.value
    data = base64.b64decode(re.search(r"base64,([^\"]+)", picture.value)[1])
    assert Image.open(io.BytesIO(data)).convert("RGB").getpixel((9, 9)) == (128, 64, 0)
    # Functions of a module keep its own names, and what is no function stays.
    kept = [line_plot, "a is {a}", None, functools.partial(line_plot), green]
    assert all(one is other for one, other in zip(widgets._frozen(*kept), kept, strict=True))


@functools.cache
def green(a):
    return a


def test_live_draw_that_makes_no_figure_says_so():
    _, _, _, picture = live(lambda a: None, a=[7])
    assert 'role="alert"' in picture.value
    assert "draw made no figure and returned None" in picture.value


# --- explore ---


@pytest.fixture
def published(monkeypatch):
    """What is handed to IPython's display, as pairs of positional and keyword arguments."""
    calls = []
    monkeypatch.setattr(IPython.display, "display", lambda *args, **options: calls.append((args, options)))
    return calls


def test_explore_while_the_book_is_built(monkeypatch, published):
    monkeypatch.setenv("NNDL_STATIC", "1")
    options = {"goal": "Find it", "alt": "{a}", "labels": {"a": "first"}, "start": {"a": 1}, "a": [0, 1], "b": ["0"]}
    assert explore(swatch, **options) is None
    ((args, given_options),) = published
    assert args == ({"text/html": static_html(swatch, **options), "text/plain": "explorer: Find it"},)
    assert given_options == {"raw": True}


def test_explore_keeps_the_limits(monkeypatch, published):
    monkeypatch.setenv("NNDL_STATIC", "1")
    with pytest.raises(ValueError, match="max_frames = 1:"):
        explore(swatch, goal="g", max_frames=1, a=[0, 1])
    with pytest.raises(ValueError, match="max_bytes = 5 "):
        explore(swatch, goal="g", max_bytes=5, a=[0, 1])
    assert published == []


def test_explore_in_a_live_kernel(monkeypatch, published):
    monkeypatch.delenv("NNDL_STATIC", raising=False)
    assert explore(swatch, goal="Find it", alt="at {a}", labels={"a": "first"}, start={"a": 1}, a=[0, 1]) is None
    (((box,), given_options),) = published
    assert given_options == {}
    heading, slider, picture = box.children
    assert type(box) is ipywidgets.VBox and "Find it" in heading.value
    assert (slider.description, slider.index) == ("first", 1)
    assert Picture(picture.value).found["alt"] == "at 1"


def test_comment_and_script_in_a_text():
    # In a script element "<!--" followed by "<script" keeps "</script>" from ending it: all that follows is swallowed.
    assert "<" not in Page(static_html(swatch, goal="g", alt="<!-- <script>", a=[0])).data


def test_the_current_figure_is_drawn():
    def draw(a):
        plt.figure(7, figsize=(1, 1))
        plt.figure(3, figsize=(2, 2))  # the current figure, though its number is lower

    assert Page(static_html(draw, goal="g", a=[0])).image["width"] == "200"


def test_background_stays_white():
    page = Page(static_html(lambda a: line_plot(1), goal="g", a=[0]))
    assert np.asarray(decoded(page.frames[0]).convert("RGB"))[0, 0].tolist() == [255, 255, 255]


def test_equal_aspect_keeps_its_size():
    shown = []

    def draw(k):
        figure, ax = plt.subplots(figsize=(2, 1))
        ax.set(aspect="equal", xlim=(0, 1 if k == 0 else 0.2), ylim=(0, 0.2 if k == 0 else 1))
        shown.append(figure)
        return figure

    static_html(draw, goal="g", k=[0, 1])
    static_html(draw, goal="g", k=[1])
    assert shown[1].axes[0].get_position().height == pytest.approx(shown[2].axes[0].get_position().height)


def test_tight_box_set_by_the_user():
    def draw(a):
        figure = line_plot(1)
        figure.axes[0].set_title("long " * 20)
        return figure

    plain = static_html(draw, goal="g", a=[0])
    matplotlib.rcParams["savefig.bbox"] = "tight"
    assert static_html(draw, goal="g", a=[0]) == plain


def test_live_alt_that_raises_says_so():
    _, _, (a,), picture = live(swatch, alt=lambda a: f"{1 / (1 - a)}", a=[0, 1])
    a.index = 1
    assert 'role="alert"' in picture.value


@pytest.mark.parametrize("values", [[10000, 20000], [12344, 12341]])
def test_whole_numbers_are_shown_whole(values):
    page = Page(static_html(lambda a: swatch(), goal="g", a=values))
    assert page.book["values"] == [list(map(str, values))]


def test_numpy_integers_in_a_list():
    assert static_html(swatch, goal="g", a=list(np.arange(2))) == static_html(swatch, goal="g", a=[0, 1])


def test_axis_of_a_set():
    with pytest.raises(ValueError, match="expected a sequence"):  # its order changes from run to run
        static_html(lambda a: swatch(), goal="g", a={"x", "y"})
