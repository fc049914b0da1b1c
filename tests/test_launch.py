"""Every way to a running chapter, walked: Colab, JupyterLab, without a network, another Python.

GitHub is stood in for by a local repository, Colab by an empty folder and an environment without the library. What
takes minutes is marked `launch`; `make test-launch` runs it.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from book import notebooks, publish
from book.origin import Origin
from tests import launch
from tests.browser import CHROMIUM, FLAGS, wait_until
from tests.chapters import EXECUTED, ROOT, text_of
from tests.test_build import CELL, HEADER, book  # noqa: F401, the last is a fixture
from tests.test_publish import NOTEBOOKS, notebook_of

browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on this machine")


# --- Colab: a notebook, an empty folder, no library -----------------------------------------------------------------


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A function that runs a published notebook in a new environment, and returns the notebook with its outputs."""
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    base = tmp_path_factory.mktemp("colab")
    settings, commit = launch.repository(base / "repository")
    found = Origin(launch.ADDRESS, commit, "https://some-one.github.io/book", "main", "0.1.0")
    python = launch.environment_without_library(base / "environment")

    def run(name, timeout=300):
        folder = base / re.sub(r"\W", "-", name)
        folder.mkdir()
        file = folder / "notebook.ipynb"
        notebook = notebook_of(name, found)
        for cell in notebook.cells:
            cell.update(outputs=[], execution_count=None) if cell.cell_type == "code" else None
        notebooks.write(notebook, file)
        done = launch.run_notebook(python, file, settings, timeout)
        assert done.returncode == 0, done.stderr[-3000:]
        return nbformat.read(file, as_version=4)

    run.python, run.commit = python, commit
    return run


def texts(notebook):
    return [
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]


def test_an_exercise_in_colab(colab):
    notebook = colab("exercises/02-linear-models.ipynb")
    answers = [text for text in texts(notebook) if "not written yet" in text]
    assert len(answers) >= 3
    # pip took the library from the very commit, and the second cell found it in the same kernel.
    where = subprocess.run(
        [colab.python, "-c", "import nndl_lib; print(nndl_lib.__file__)"],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(where.stdout.strip()).parent
    (record,) = folder.parent.glob("nndl_lib-*.dist-info/direct_url.json")
    assert colab.commit in record.read_text(encoding="utf-8") and launch.ADDRESS in record.read_text(encoding="utf-8")
    assert str(folder).startswith(str(colab.python.parent.parent))


def test_a_chapter_in_colab(colab):
    notebook = colab("intro.ipynb")
    assert any(
        "widget-view" in kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    )


@pytest.mark.launch
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_in_colab(colab, name):
    notebook = colab(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    if name.startswith("solutions/"):
        passed = [text for text in texts(notebook) if re.match(r"\w+: passed", text)]
        assert len(passed) == sum(bool(re.match(r"check\.\w+\(", cell.source)) for cell in code)


@pytest.mark.launch
def test_an_older_library_is_told_apart(colab, tmp_path):
    # The whole way: pip's own copy, then a notebook of a later version.
    found = Origin(launch.ADDRESS, colab.commit, "", "main", "99.0.0")
    cells = [
        notebooks.install_cell(Origin(launch.ADDRESS, colab.commit, "", "main", "0.1.0")),
        notebooks.install_cell(found),
    ]
    cells[1].id = "second"
    notebooks.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebook.ipynb")
    done = launch.run_notebook(colab.python, tmp_path / "notebook.ipynb", {}, 120)
    assert done.returncode != 0
    assert "was written for nndl_lib 99.0.0" in done.stderr and "pip install --upgrade" in done.stderr


# --- Binder: what it installs, installed ----------------------------------------------------------------------------


@pytest.mark.launch
def test_binders_environment_runs_a_chapter(tmp_path):
    # As Binder does: an empty environment, the branch's requirements, then its postBuild. Needs a package index.
    settings, commit = launch.repository(tmp_path / "repository")
    found = Origin(launch.ADDRESS, commit, "", "main", "0.1.0")
    branch = tmp_path / "branch"
    publish.write_binder(found, "", branch)
    for name in ["intro.ipynb", "chapters/10-recurrent-networks.ipynb"]:
        notebooks.write(notebook_of(name, found), branch / name)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "environment"], check=True)
    programs = tmp_path / "environment" / "bin"
    environment = {**os.environ, **settings, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    for command in [
        ["python", "-m", "pip", "install", "--quiet", "-r", "binder/requirements.txt"],
        ["bash", "binder/postBuild"],
    ]:
        done = subprocess.run(command, cwd=branch, env=environment, capture_output=True, text=True, timeout=1200)
        assert done.returncode == 0, done.stderr[-3000:]
    for name in ["intro.ipynb", "chapters/10-recurrent-networks.ipynb"]:
        done = launch.run_notebook(programs / "python", branch / name, settings, 300)
        assert done.returncode == 0, done.stderr[-3000:]
        notebook = nbformat.read(branch / name, as_version=4)
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


# --- JupyterLab: a server, a browser, Run All -----------------------------------------------------------------------


@contextlib.contextmanager
def jupyter_lab(folder):
    """A server on this machine, with no settings but its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NNDL_", "JUPYTER", "IPYTHON"))}
    home = folder / "home"
    home.mkdir()
    news = home / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    with open(folder / "server.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter",
                "lab",
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={port}",
                "--port-retries=0",
                f"--notebook-dir={folder}",
                "--IdentityProvider.token=",
                f"--LabApp.user_settings_dir={home / 'settings'}",
            ],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "JUPYTER_PREFER_ENV_PATH": "1"},
        )
        try:
            for _ in range(300):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
                    break
                assert server.poll() is None, (folder / "server.log").read_text(encoding="utf-8")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()  # it ends its kernels
            server.wait(timeout=30)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A function that opens a notebook in JupyterLab, in a new window; it returns the page."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter_lab(folder) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def show(notebook, name):
            notebooks.write(notebook, folder / f"{name}.ipynb")
            page = chromium.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(60_000)
            page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb")
            page.locator(".jp-Notebook .jp-Cell").first.wait_for()
            page.get_by_text("| Idle").wait_for()  # before its kernel is there, Run All asks for one
            return page

        yield show
        chromium.close()


def run_all(page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def faults(page):
    return page.locator('.jp-OutputArea-output:is([data-mime-type$="stderr"], [data-mime-type$="error"])').count()


@browser
def test_jupyterlab_runs_a_page_and_its_explorer_lives(lab):
    page = lab(
        notebooks.published(nbformat.read(EXECUTED / "intro.ipynb", as_version=4), "intro", Origin(version="0.1.0")),
        "intro",
    )
    run_all(page)
    # The explorer becomes a widget: a slider, and a picture that the kernel draws anew.
    slider, image = (
        page.locator(".jp-OutputArea .widget-slider").first,
        page.locator(".jp-OutputArea .widget-html img").first,
    )
    slider.wait_for()
    image.scroll_into_view_if_needed()
    before, alt = image.get_attribute("src"), image.get_attribute("alt")
    slider.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_until(page, lambda: image.get_attribute("src") != before, seconds=60)
    assert image.get_attribute("alt") != alt
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 300
    assert faults(page) == 0
    page.close()


@browser
@pytest.mark.launch
def test_saving_a_page_changes_nothing(tmp_path):
    # What JupyterLab itself adds to a notebook is known in tests/test_saving.py; here is looked whether that is all.
    page, settings = tmp_path / "page.md", tmp_path / "home" / "settings" / "@jupyterlab" / "docmanager-extension"
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "chapters" / "02-linear-models.md", page)
    with jupyter_lab(tmp_path) as address, sync_playwright() as playwright:
        settings.mkdir()
        (settings / "plugin.jupyterlab-settings").write_text(
            '{"defaultViewers": {"markdown": "Jupytext Notebook"}}', encoding="utf-8"
        )
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = chromium.new_page(viewport={"width": 1400, "height": 1000})
        window.set_default_timeout(60_000)
        window.goto(f"{address}/lab/tree/page.md")
        window.locator(".jp-Notebook .jp-Cell").first.wait_for()
        window.get_by_text("| Idle").wait_for()
        run_all(window)
        before = page.stat().st_mtime_ns
        wait_until(window, lambda: window.locator(".jp-OutputArea-output").count() > 0, seconds=60)
        window.keyboard.press("Control+s")
        wait_until(window, lambda: page.stat().st_mtime_ns != before, seconds=30)
        chromium.close()
    assert text_of(page) == text_of(ROOT / "chapters" / "02-linear-models.md")


PIECES = [
    """
from nndl_lib.interactive.playground import playground
playground(data="moons", hidden=[3])
""",
    """
import torch
from nndl_lib import nn
from nndl_lib.interactive.draw_digit import draw_digit
from nndl_lib.runtime import generator
draw_digit(nn.MLP([64, 4, 10], generator=generator(0)), torch.arange(64.0)[None] // 4, torch.tensor([3]))
""",
]
AT_A_CORNER = "canvas => [...canvas.getContext('2d').getImageData(2, 2, 1, 1).data]"


@browser
def test_jupyterlab_shows_pieces_by_anywidget(lab):
    pytest.importorskip("anywidget")
    cells = [nbformat.v4.new_code_cell(text.strip(), id=f"cell-{k}") for k, text in enumerate(PIECES)]
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    page = lab(nbformat.v4.new_notebook(cells=cells, metadata=python), "pieces")
    run_all(page)
    drawing, field = page.locator(".jp-OutputArea .dd"), page.locator(".jp-OutputArea .pg")
    drawing.wait_for()
    assert page.locator(".nndl-piece").count() == 0 and faults(page) == 0  # a widget each, no HTML
    # Drawn on, by mouse: a line from top to bottom.
    drawing.get_by_role("button", name="Clear").click()
    assert "blank paper" in drawing.locator(".dd-sees").text_content()
    drawing.locator(".dd-surface").scroll_into_view_if_needed()
    box = drawing.locator(".dd-surface").bounding_box()
    x, top, bottom = box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"], box["y"] + 0.8 * box["height"]
    page.mouse.move(x, top)
    page.mouse.down()
    page.mouse.move(x, bottom, steps=10)
    page.mouse.up()
    assert drawing.locator("polyline").count() == 1 and "your drawing" in drawing.locator(".dd-sees").text_content()
    # A step, and the words and the picture change.
    field.scroll_into_view_if_needed()
    canvas = field.locator(".plot canvas")
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    field.get_by_role("button", name="Step", exact=True).click()
    assert field.locator(".count").text_content().startswith("Step 1 ·")
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before
    # Letters are shortcuts of JupyterLab, which adds, cuts and pastes cells by them: not while they go to a piece.
    for place in [field.get_by_role("button", name="Step", exact=True), drawing.locator(".dd-surface")]:
        place.focus()
        for key in "abxv":
            page.keyboard.press(key)
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2 and drawing.count() == field.count() == 1
    # In JupyterLab's dark theme, paper is dark: in the canvas as in the elements.
    field.scroll_into_view_if_needed()
    light = canvas.evaluate(AT_A_CORNER)
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.get_by_text("Theme", exact=True).hover()
    page.get_by_role("menuitem", name="JupyterLab Dark", exact=True).click()
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    wait_until(page, lambda: sum(canvas.evaluate(AT_A_CORNER)[:3]) < 350)
    assert sum(light[:3]) > 500
    assert drawing.evaluate("piece => getComputedStyle(piece).backgroundColor") == "rgb(22, 25, 29)"
    page.close()


# --- without a network ----------------------------------------------------------------------------------------------

PAGE = (
    HEADER
    + "# Page\n\nWords and $x^2$.\n\n"
    + CELL
    % textwrap.dedent("""
    import socket
    import matplotlib.pyplot as plt
    from nndl_lib.interactive import explore
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=5)  # an address that nobody has
    except OSError as error:
        print(error.strerror)
    explore(lambda red: plt.figure(figsize=(2, 1), facecolor=(red / 255, 0, 0)), goal="g", red=[0, 100, 200])
""").strip()
)

BROWSE = """
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=sys.argv[3:])
    page = browser.new_page()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(sys.argv[2])
    figure = page.locator("figure.nndl-explorer")
    before = figure.locator("img").get_attribute("alt")
    figure.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    figure.locator("img").evaluate("image => image.decode()")
    after, formulas = figure.locator("img").get_attribute("alt"), page.locator(".katex-html").count()
    print(before, "|", after, "|", formulas, "|", failed)
    browser.close()
"""


def without_network():
    """The start of a command that has no network, or a reason to skip."""
    for options in ["-rn", "-n"]:
        command = ["unshare", options, sys.executable, str(ROOT / "tests" / "offline.py")]
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    pytest.skip("this machine does not let a process have a network namespace of its own")


@browser
def test_offline_a_book_is_built_and_read(book):
    command = without_network()
    book.write(chapters__02_page=PAGE)
    built = subprocess.run(
        [*command, sys.executable, "-m", "book.build"],
        cwd=book.folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "NNDL_REPOSITORY": launch.ADDRESS, "NNDL_REVISION": "v0.1.0"},
    )
    assert built.returncode == 0, built.stdout + built.stderr
    site = book.folder / "_build" / "html"
    html = (site / "chapters" / "02-page.html").read_text(encoding="utf-8")
    assert "Network is unreachable" in html
    for target in [
        "https://colab.research.google.com/github/some-one/book/blob/notebooks/chapters/02-page.ipynb",
        "https://mybinder.org/v2/gh/some-one/book/notebooks?urlpath=lab/tree/chapters/02-page.ipynb",
        "https://github.com/some-one/book/edit/main/chapters/02-page.md",
        "../notebooks/chapters/02-page.ipynb",
    ]:
        assert f'href="{target}"' in html, target
    assert (site / "notebooks" / "chapters" / "02-page.ipynb").is_file()
    page = (site / "chapters" / "02-page.html").as_uri()
    read = subprocess.run(
        [*command, sys.executable, "-c", BROWSE, CHROMIUM, page, *FLAGS],
        cwd=book.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert read.returncode == 0, read.stderr
    before, after, formulas, failed = read.stdout.strip().split(" | ")
    assert (before, after, failed) == ("Plot with red = 0", "Plot with red = 100", "[]") and int(formulas) == 1


# --- another Python -------------------------------------------------------------------------------------------------


def other_pythons():
    """Pythons on this machine, of another version than this one, that can run the library's tests."""
    ours, found = sys.version_info[:2], []
    for minor in range(11, 20):
        python = shutil.which(f"python3.{minor}")
        if python and (3, minor) != ours:
            asked = subprocess.run(
                [python, "-c", "import torch, sklearn, matplotlib, ipywidgets, pytest, hypothesis"], capture_output=True
            )
            if asked.returncode == 0:
                found.append(python)
    return found


@pytest.mark.launch
def test_the_library_on_other_pythons():
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python here has PyTorch and pytest; the workflow `test` tries the oldest and the newest")
    for python in pythons:
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-o", "addopts=--strict-markers", "tests/library"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{python}:\n{done.stdout[-3000:]}"


# --- links that leave the book --------------------------------------------------------------------------------------


@pytest.mark.launch
def test_links_are_followed(book, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "good.html").write_text("<p>Good.</p>", encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", tmp_path / "site"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = re.search(r"http://[\d.:]+", server.stdout.readline())[0]
        for name, status in [("good.html", 0), ("bad.html", 1)]:
            text = f"{HEADER}# Page\n\nSee [there]({address}/{name}).\n"
            (book.folder / "chapters" / "02-page.md").write_text(text, encoding="utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "book.build", "linkcheck"],
                cwd=book.folder,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == status, done.stdout + done.stderr
            assert ("links: all lead somewhere" in done.stdout) == (status == 0)
            assert (f"{address}/bad.html" in done.stdout + done.stderr) == (status == 1)
    finally:
        server.terminate()
        server.communicate(timeout=30)  # which also closes the pipe
