"""The build itself, on books of one page in a folder whose name has a space: what is run again, and how it fails."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import nbformat
import pytest

from book import execution, kernel
from tests import chapters, test_chapters
from tests.small_book import CELL, HEADER, SmallBook


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path / "a book")


def test_runs_again_only_what_changed(book):
    text = "# Page\n\nWords.\n\n" + CELL % "import nndl_lib\nprint(6 * 7)\nprint(nndl_lib.__file__)"
    status, said = book.build(text)
    assert status == 0, said
    assert "notebooks to run: 1 of 1" in said and "done in" in said and "index.html" in said
    # The library is that of this folder, wherever the environment has its own from.
    assert f">42\n{book.folder / 'nndl_lib' / '__init__.py'}\n<" in book.html()

    status, said = book.build(text)
    assert status == 0 and "notebooks to run: 0" in said and "pages to read: 0" in said, said

    status, said = book.build(text.replace("Words.", "Other words."))
    assert status == 0 and "notebooks to run: 0" in said and "pages to read: 1" in said, said
    # The notebook has the new text and the old output: nbval compares with it.
    notebook = nbformat.read(book.executed(), as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cell.execution_count == 1 and cell.outputs[0].text.startswith("42\n")
    assert "Other words." in notebook.cells[0].source and "Other words." in book.html()

    # A change of the style reaches the page, and runs nothing.
    with open(book.folder / "theme" / "static" / "nndl.css", "a", encoding="utf-8") as file:
        file.write("/* changed */\n")
    status, said = book.build(text.replace("Words.", "Other words."))
    assert status == 0 and "pages to read: 0" in said, said
    assert "/* changed */" in (book.folder / "_build" / "html" / "_static" / "page.css").read_text(encoding="utf-8")

    # Old output under a new library would be a lie.
    with open(book.folder / "nndl_lib" / "linear.py", "a", encoding="utf-8") as file:
        file.write("# changed\n")
    status, said = book.build(text.replace("Words.", "Other words."))
    assert status == 0 and "notebooks to run: 1 of 1" in said, said


def test_the_command_of_jupyter_book(book):
    # People of that ecosystem type it. It runs nothing, so it says what to type first; then it works.
    text = HEADER + "# Page\n\n" + CELL % "print(6 * 7)"
    book.write(chapters__02_page=text)
    status, said = book.run("jupyter-book", "build", ".")
    assert status == 1 and "chapters/02-page.md: it has not been run" in said and "Type: make book" in said
    assert "Traceback" not in said
    assert book.run("book.execution") == (0, said_of_one_run(book))
    status, said = book.run("jupyter-book", "build", ".")
    assert status == 0 and ">42\n<" in book.html(), said
    assert book.run()[0] == 0  # and it has not spoiled anything


def said_of_one_run(book):
    seconds = nbformat.read(book.executed(), as_version=4).metadata.nndl.seconds
    return f"  notebooks to run: 1 of 1\n  [1/1] chapters/02-page: {seconds:.1f} s\n"


def test_what_is_no_longer_there_leaves_nothing_behind(book):
    picture = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    book.write(chapters__03_gone=HEADER + "# Gone\n\n" + CELL % picture)
    status, said = book.build("# Page\n\n" + CELL % "print(6 * 7)")
    assert status == 0, said
    assert len(list((book.folder / "_build" / "html" / "_images").glob("*"))) == 1
    (book.folder / "chapters" / "03-gone.md").unlink()
    book.pages.remove("chapters/03-gone")
    status, said = book.build("# Page\n\n" + CELL % "print(6 * 7)")
    assert status == 0, said
    left = [
        str(file) for part in ("executed", "html", "notebooks") for file in (book.folder / "_build" / part).rglob("*")
    ]
    assert left and not [file for file in left if "03-gone" in file or "_images/" in file]


# --- what decides an output -----------------------------------------------------------------------------------------


def test_the_keys(tmp_path):
    # A chapter's depends on the whole library but the checks, in subpackages too; an exercise's on those as well.
    book = SmallBook(tmp_path)
    notebook = execution.read("chapters/02-page", HEADER + CELL % "print(1)")

    def keys():
        found = execution.Keys(tmp_path)
        return found.of("chapters/02-page", notebook), found.of("exercises/02-linear-models", notebook)

    chapter, exercise = keys()
    library = book.folder / "nndl_lib"
    (library / "__pycache__").mkdir()
    (library / "__pycache__" / "linear.pyc").write_bytes(b"compiled")
    assert keys() == (chapter, exercise)
    for name in ["linear.py", "interactive/js/explore.js", "functional/_losses.py", "nn/__init__.py"]:
        with open(library / name, "a", encoding="utf-8") as file:
            file.write(" ")
        before, (chapter, exercise) = (chapter, exercise), keys()
        assert chapter != before[0] and exercise != before[1], name
    (library / "nn" / "_linear.py").rename(library / "functional" / "_linear.py")  # the same text, another module
    before, (chapter, exercise) = (chapter, exercise), keys()
    assert chapter != before[0] and exercise != before[1]
    with open(library / "checks" / "_engine.py", "a", encoding="utf-8") as file:
        file.write(" ")
    assert keys()[0] == chapter and keys()[1] != exercise


def test_code_and_tags_are_part_of_the_key_and_prose_is_not():
    keys = execution.Keys()

    def key(text):
        return keys.of("chapters/02-page", execution.read("chapters/02-page", HEADER + text))

    before = key("# Page\n\n" + CELL % "print(1)")
    assert key("# Other words\n\n" + CELL % "print(1)") == before
    assert key("# Page\n\n" + CELL % "print(2)") != before
    assert key("# Page\n\n" + CELL % ":tags: [raises-exception]\n\nprint(1)") != before


def test_settings_are_part_of_the_key(monkeypatch):
    before = execution.Keys().for_chapters
    monkeypatch.setitem(kernel.SETTINGS, "NNDL_STATIC", "0")
    assert execution.Keys().for_chapters != before


SURROUNDINGS = r"""
import os, sys, matplotlib, torch, nndl_lib
print(sys.executable, torch.__file__, nndl_lib.__file__, sep="\n")
print(matplotlib.rcParams["axes.facecolor"], "started" in globals(), torch.get_num_threads())
print(os.environ["NNDL_STATIC"], sorted(set(os.environ) & {"NNDL_DEVICE", "HTTPS_PROXY"}))
"""


def test_nothing_of_the_user_gets_into_a_cell(book, tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return str(file)

    # Another kernel of the same name, start-up files, another torch, dark figures, a device, a proxy, other threads.
    write(
        "jupyter/kernels/python3/kernel.json",
        '{"argv": ["/nowhere"], "display_name": "Python 3", "language": "python"}',
    )
    write("ipython/profile_default/startup/00.py", "started = True\n")
    write("modules/torch.py", "raise ImportError('not this one')\n")
    style = write("mpl/matplotlibrc", "axes.facecolor: black\ntext.usetex: True\n")
    variables = {
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONPATH": str(tmp_path / "modules"),
        "MATPLOTLIBRC": style,
        "MPLCONFIGDIR": str(tmp_path / "mpl"),
        "NNDL_DEVICE": "cuda",
        "NNDL_STATIC": "0",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "OMP_NUM_THREADS": "7",
    }
    book.write(chapters__02_page=HEADER + "# Page\n\n" + CELL % SURROUNDINGS.strip())
    status, said = book.run("book.execution", **variables)
    assert status == 0, said
    cells = nbformat.read(book.executed(), as_version=4).cells
    python, torch, library, *rest = cells[-1].outputs[0].text.splitlines()
    assert python == sys.executable and str(tmp_path / "modules") not in torch
    assert library == str(book.folder / "nndl_lib" / "__init__.py")
    assert rest == ["white False 1", "1 []"]


# --- how it fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, cause, told",
    [
        ("y = 0\nprint(1 / y)", "this cell failed with ZeroDivisionError: division by zero", "----> 2 print(1 / y)"),
        ("import time\ntime.sleep(9)", "this cell ran for more than 2 seconds", ""),
        ("import os\nprint(1, flush=True)\nos._exit(3)", "the kernel died in this cell", ""),
        (
            "import threading\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()",
            "this cell shows a traceback and has no tag raises-exception: ZeroDivisionError: division by zero",
            "Traceback",
        ),
        (
            "import matplotlib.pyplot as plt\nplt.title(r'$\\frac{1$')\nplt.show()",
            "this cell shows a traceback and has no tag raises-exception: ParseSyntaxException: Expected",
            "ParseSyntaxException",
        ),
    ],
    ids=["error", "timeout", "death", "thread", "figure"],
)
def test_every_failure_says_where_and_why(tmp_path, monkeypatch, source, cause, told):
    monkeypatch.setattr(execution, "ROOT", tmp_path)
    monkeypatch.setattr(execution, "EXECUTED", tmp_path)
    monkeypatch.setattr(execution, "TIMEOUT", 2 if "sleep" in source else 60)
    text = HEADER + "# Page\n\n" + CELL % "y = 0" + "Words.\n\n" + CELL % source
    fault = execution.run("02-page", execution.read("02-page", text), "key")
    line = text.splitlines().index(source.splitlines()[0], 20) + 1
    assert str(fault).startswith(f"02-page.md:{line}: {cause}"), fault
    assert told in fault.traceback and "\x1b" not in fault.traceback
    assert not list(tmp_path.rglob("*.ipynb"))


def test_a_worker_that_is_ended_or_cannot_write_is_a_failure_like_others():
    done = Future()
    done.set_exception(OSError(28, "No space left on device"))
    fault = execution.result_of("chapters/02-page", done)
    assert str(fault) == "chapters/02-page.md:1: it could not be run: OSError: [Errno 28] No space left on device"


def test_an_error_that_is_asked_for_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "ROOT", tmp_path)
    monkeypatch.setattr(execution, "EXECUTED", tmp_path)
    text = HEADER + CELL % ":tags: [raises-exception]\n\n1 / 0" + CELL % "print(2)"
    assert execution.run("02-page", execution.read("02-page", text), "key") > 0
    notebook = nbformat.read(tmp_path / "02-page.ipynb", as_version=4)
    assert notebook.cells[0].outputs[0].ename == "ZeroDivisionError" and notebook.cells[1].outputs[0].text == "2\n"


def test_all_that_fails_is_said_at_the_end(book):
    book.write(chapters__03_other=HEADER + "# Other\n\n" + CELL % "print(1 / 0)")
    status, said = book.build("# Page\n\n" + CELL % "import nowhere")
    assert status == 1
    end = said.strip().splitlines()[-4:]
    assert end[0].startswith("chapters/03-other.md:15: this cell failed with ZeroDivisionError")
    assert end[1].startswith("chapters/02-page.md:15: this cell failed with ModuleNotFoundError: No module named")
    assert end[3] == "The book was not built. The lines above say where and why."


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts of process groups")
def test_a_run_that_is_stopped_is_taken_up(book):
    text = HEADER + "# Page\n\n" + CELL % "print(6 * 7)"
    slow = HEADER + "# Slow\n\n" + CELL % "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)"
    book.write(chapters__02_page=text, chapters__03_slow=slow)
    process = subprocess.Popen(
        [sys.executable, "-m", "book.build"],
        cwd=book.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 100
    while not (book.executed().exists() and (book.folder / "chapters" / "begun").exists()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT) if sys.platform == "win32" else os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and said.endswith(
        "Stopped. What was done is kept: the next run goes on from here.\n"
    )
    assert "Traceback" not in said
    book.write(chapters__03_slow=slow.replace("600", "0"))
    status, said = book.run("book.execution")
    assert status == 0 and "notebooks to run: 1 of 2" in said


def test_a_broken_link_says_where(book):
    status, said = book.build("# Page\n\nSee [there](03-nowhere.md#at-all).\n\nAnd [here](#no-such-heading).\n")
    assert status == 1
    assert "02-page.md:14: WARNING" in said and "03-nowhere" in said, said
    assert "02-page.md:16: WARNING" in said and "no-such-heading" in said, said


def test_a_formula_that_cannot_be_read_says_where(book):
    status, said = book.build("# Page\n\nWords.\n\nIn a line $\\frac{1}$ of text.\n\n" + CELL % "print(1)")
    assert status == 1
    assert "chapters/02-page.md:16: a formula that KaTeX cannot read" in said and "frac" in said, said


def test_a_fault_in_the_last_stage_says_what_it_was(book):
    # Sphinx wraps what an extension raises, and writes the traceback into a file somewhere.
    publish = book.folder / "book" / "publish.py"
    source = publish.read_text(encoding="utf-8").replace(
        "        write_all(app.nndl_origin)\n", "        {}['nothing']\n"
    )
    publish.write_text(source, encoding="utf-8")
    status, said = book.build("# Page\n\nWords.\n")
    line = source.splitlines().index("        {}['nothing']") + 1
    assert status == 1 and f"book/publish.py:{line}: KeyError: 'nothing'" in said, said
    assert "Traceback" not in said and said.strip().endswith("The lines above say where and why.")


@pytest.mark.parametrize(
    "check, text, complaint",
    [
        ("test_no_myst_in_text", "See {ref}`there`.\n", "bad.md:14: a role"),
        ("test_no_myst_in_text", "```{note}\nRaw in Colab.\n```\n", "bad.md:14: a directive"),
        ("test_no_myst_in_text", "(label)=\n", "bad.md:14: a label"),
        ("test_no_myst_in_text", "See [](02-page.md).\n", "bad.md:14: a link without text"),
        (
            "test_headings_are_unique",
            "## Once, more\n\n## Once more!\n",
            "bad.md:16: heading 'once more' stands at line 14",
        ),
        ("test_plain_words", "This is clearly so.\n", "bad.md:14: 'clearly'"),
        ("test_headings_are_unique", "## Twice\n\n## Twice\n", "bad.md:16: heading 'twice' stands at line 14"),
        ("test_equations_are_numbered_in_order", "$$\na \\tag{2.2}\n$$\n", "bad.md:15: equation 2.2, expected 2.1"),
        (
            "test_equations_are_numbered_in_order",
            "$$\na \\tag{2.1}\n$$\nSee (2.7).\n",
            "bad.md:17: (2.7) is no equation",
        ),
        ("test_code_fits_the_page", CELL % ("#" * 89), "bad.md:14: a line of 89"),
        ("test_code_fits_the_page", CELL % ("x = 1\n" * 41), "bad.md:14: a cell of 41 lines"),
    ],
)
def test_a_fault_in_a_chapter_is_found(tmp_path, monkeypatch, check, text, complaint):
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(test_chapters, "ROOT", tmp_path)
    path = tmp_path / "02-bad.md"
    path.write_text(HEADER + "# Title\n\n" + text, encoding="utf-8")
    with pytest.raises(pytest.fail.Exception) as found:
        getattr(test_chapters, check)(path)
    assert complaint in str(found.value)


def test_a_missing_alt_text_is_found(tmp_path, monkeypatch):
    plot = CELL % "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    path = tmp_path / "02-bad.md"
    path.write_text(HEADER + "# Title\n\n" + plot, encoding="utf-8")
    notebook = chapters.jupytext.read(path)
    picture = chapters.nbformat.v4.new_output("display_data", {"image/png": "aGVsbG8=", "text/plain": "<Figure>"})
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [picture]
    for module in [chapters, test_chapters]:
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "EXECUTED", tmp_path)
    chapters.nbformat.write(notebook, tmp_path / "02-bad.ipynb")
    with pytest.raises(pytest.fail.Exception, match="bad.md:14: a figure without alt text"):
        test_chapters.test_every_figure_has_an_alt_text(path)


def test_solution_regions_that_do_not_fit_stop_the_build(book):
    cell = CELL % "def f():\n    # BEGIN SOLUTION\n    return 1"
    book.write(
        exercises__how_to_work_the_exercises="# How to\n",
        exercises__02_page=HEADER + "# Page\n\n" + cell,
    )
    status, said = book.build("# Page\n")
    assert status == 1
    where = "exercises/02-page.md:1: the cell that begins ['def f():']: "
    assert f"{where}# BEGIN SOLUTION and # END SOLUTION do not come in pairs" in said
    assert "Traceback" not in said and "The book was not built." in said
