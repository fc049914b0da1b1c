"""Interactive pieces: small programs that run in the reader's browser, in a notebook as on a plain page.

A piece of some name is written in JavaScript: ``js/<name>.js`` beside this file, a module without imports. Its default
export is ``{render({ model, el })}`` as anywidget wants it; ``model.get(key)`` gives an entry of the piece's data.
``<name>_*.js``, where there are any, are put before it. Browsers load no modules from files, so on a page the module is
wrapped as a classic script. In a notebook the HTML carries it; on the site ``theme/interactive.py`` serves it once.
"""

import html
import importlib.util
import re
from collections.abc import Callable
from importlib import resources

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nndl_lib.interactive._frames import json_text, picture_of
from nndl_lib.runtime import is_static


def module_script(name: str) -> str:
    """The JavaScript of a piece as one module.

    Raises: ValueError: there is no such piece, or its text would end the element that holds it on a page.
    """
    folder = resources.files("nndl_lib.interactive").joinpath("js")
    files = sorted(file.name for file in folder.iterdir() if re.fullmatch(rf"{re.escape(name)}(_\w+)?\.js", file.name))
    if f"{name}.js" not in files:
        raise ValueError(f"module_script: the piece is {name!r}; expected the name of a file in interactive/js")
    files = [*(file for file in files if file != f"{name}.js"), f"{name}.js"]
    text = "\n".join(folder.joinpath(file).read_text(encoding="utf-8") for file in files)
    if re.search(r"</script|<!--", text, re.IGNORECASE):
        raise ValueError(f"module_script: {name}.js holds '</script' or '<!--'; expected text that can stand in a page")
    return text


def classic_script(name: str) -> str:
    """The same as a classic script, which starts every element of this piece on the page, and may run repeatedly.

    Raises: ValueError: as ``module_script``, or there is no default export.
    """
    text, count = re.subn(r"^export default ", "const piece = ", module_script(name), flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"classic_script: {name}.js has {count} default exports; expected one")
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    return f"""(function () {{
"use strict";
{text}
function start(el) {{
  if (el.dataset.ready) return;
  el.dataset.ready = "yes";
  const data = JSON.parse(el.querySelector("script[type='application/json']").textContent);
  piece.render({{ model: {{ get: (key) => data[key] }}, el }});
}}
function startAll() {{
  document.querySelectorAll(".nndl-piece[data-piece='{name}']").forEach(start);
}}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
else startAll();
}})();
"""


def piece_html(name: str, data: dict, inside: str) -> str:
    """The piece as HTML that stands alone, with its script: for a notebook, a downloaded one, or any page.

    Args:
        name: of the piece.
        data: what ``model.get`` gives, as JSON can hold it.
        inside: HTML that shows where no script runs; the script replaces it.

    Raises: ValueError: as ``classic_script``.
    """
    return (
        f'<div class="nndl-piece" data-piece="{html.escape(name)}">\n{inside}\n'
        f'<script type="application/json">{json_text(data)}</script>\n<script>\n{classic_script(name)}</script>\n</div>'
    )


def still_html(figure: Figure, alt: str, title: str, goal: str, note: str) -> str:
    """A figure, which is closed, between a goal and a note, for ``inside``.

    It is an image: JupyterLab shows those of notebooks that it does not trust, and no SVG.
    """
    figure.set_facecolor("white")
    picture = picture_of(figure, "webp", dpi=120).as_html(alt, ' style="max-width:100%;height:auto"')
    plt.close(figure)
    return f"<p><strong>{title}</strong> {html.escape(goal)}</p>\n{picture}\n<p><em>{note}</em></p>"


def show(name: str, data: dict, inside: Callable[[], str]) -> None:
    """Display a piece: in a live kernel by anywidget, if that is installed, and else as HTML.

    Args and errors as for ``piece_html``, but ``inside`` is called for the HTML, and only where it is needed. The entry
    "live" is added to the data: whether a kernel is running, so that the page's address is not the piece's to change.
    """
    from IPython.display import display

    data = {**data, "live": not is_static()}
    if data["live"] and importlib.util.find_spec("anywidget"):
        display(_widget(name, data))
    else:
        display({"text/html": piece_html(name, data, inside()), "text/plain": f"interactive piece: {name}"}, raw=True)


def _widget(name: str, data: dict):
    import anywidget
    import traitlets

    entries = {key: traitlets.Any(value).tag(sync=True) for key, value in data.items()}
    return type("Piece", (anywidget.AnyWidget,), {"_esm": module_script(name), **entries})()
