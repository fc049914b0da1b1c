"""Run the notebooks of the book, each once, before Sphinx reads them.

    .venv/bin/python -m book.execution                         those that changed
    .venv/bin/python -m book.execution chapters/02-linear-models ...   these alone, if they changed

An executed notebook lies in `_build/executed`, under the name of its page, with its text, its outputs, and the key of
all that decided them: the code, the library, the pinned packages, Python, and the kernel's settings. While the key
stays, nothing runs again; a change of prose alone is written into the notebook. A run that is stopped is taken up
where it was, since each notebook is written whole when it is done.
"""

import json
import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from book import exercises, files, kernel
from book.files import EXECUTED, ROOT, digest, is_exercise, library_files, page_of, pages_with_code, write_whole
from book.messages import say

TIMEOUT = 120  # seconds for one cell; a whole chapter should take 30
JOBS = min(os.cpu_count() or 1, 8)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
MARKDOWN = MdParserConfig(enable_extensions={"dollarmath", "amsmath"})


@dataclass
class Fault:
    """Why a notebook could not be run: where, in one line, and what Python said."""

    page: str
    line: int
    cause: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.page}.md:{self.line}: {self.cause}"


# --- what decides an output -----------------------------------------------------------------------------------------


def notebook_pages() -> list[str]:
    """The pages of the book that are run, exercises included, in its order."""
    return [page for page in map(page_of, files.pages()) if is_exercise(page) or page in pages_with_code()]


def read(page: str, text: str) -> nbformat.NotebookNode:
    """The notebook of a page's source, not yet run. Its metadata say in which line each cell begins.

    Raises ValueError where the regions of an exercise do not fit together.
    """
    return parse(exercises.page_source(text, page) if is_exercise(page) else text)


def parse(text: str) -> nbformat.NotebookNode:
    """MyST Markdown as a notebook."""
    notebook = read_myst_markdown_notebook(text, config=MARKDOWN, add_source_map=True)
    for number, cell in enumerate(notebook.cells):  # the names that MyST-NB draws are random
        cell.id = f"cell-{number}"
    return notebook


class Keys:
    """Names for all that outputs depend on: of chapters, and of exercises, which alone depend on the checks."""

    def __init__(self, root: Path = ROOT):
        sources = library_files(root)
        checks = [file for file in sources if root / "nndl_lib" / "checks" in file.parents]
        library = [*(file for file in sources if file not in checks), root / "requirements.lock"]
        settings = json.dumps([platform.python_version(), kernel.SETTINGS, kernel.FILES])
        self.for_chapters = digest(library, root, settings)
        self.for_exercises = digest(checks, root, self.for_chapters)

    def of(self, page: str, notebook: nbformat.NotebookNode) -> str:
        cells = [(cell.source, cell.metadata.get("tags", [])) for cell in code_cells(notebook)]
        return digest([], ROOT, json.dumps([self.for_exercises if is_exercise(page) else self.for_chapters, cells]))


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# --- executed notebooks ---------------------------------------------------------------------------------------------


def file_of(page: str) -> Path:
    return EXECUTED / f"{page}.ipynb"


def load(page: str) -> nbformat.NotebookNode | None:
    """The executed notebook of a page, or None where there is none that can be read."""
    try:
        return nbformat.read(file_of(page), as_version=4)
    except (OSError, ValueError):  # nbformat's errors are ValueErrors
        return None


def store(page: str, notebook: nbformat.NotebookNode, key: str, seconds: float) -> None:
    """Write an executed notebook, whole or not at all."""
    kept = {name: notebook.metadata[name] for name in ("kernelspec", "source_map") if name in notebook.metadata}
    notebook.metadata = nbformat.from_dict({**kept, "nndl": {"key": key, "seconds": seconds}})
    nbformat.validate(notebook)
    write_whole(file_of(page), nbformat.writes(notebook) + "\n")


def take_over(page: str, notebook: nbformat.NotebookNode, key: str) -> bool:
    """Fill a notebook from an earlier run of the same code, if there is one, and write it with its present text."""
    before = load(page)
    if before is None or before.metadata.get("nndl", {}).get("key") != key:
        return False
    for cell, ran in zip(code_cells(notebook), code_cells(before), strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    store(page, notebook, key, before.metadata.nndl.seconds)
    return True


def is_current(page: str, text: str, keys: Keys) -> bool:
    """Whether the executed notebook is that of this source, with this library."""
    found, notebook = load(page), read(page, text)
    if found is None or [cell.source for cell in found.cells] != [cell.source for cell in notebook.cells]:
        return False
    return found.metadata.get("nndl", {}).get("key") == keys.of(page, notebook)


# --- running --------------------------------------------------------------------------------------------------------


def run(page: str, notebook: nbformat.NotebookNode, key: str) -> float | Fault:
    """Run a notebook in a kernel of its own, and write it. Returns: the seconds that it took, or why it could not."""
    at = 0

    def remember(cell, cell_index):
        nonlocal at
        at = cell_index

    def fault(cause, traceback=""):
        return Fault(page, notebook.metadata["source_map"][at] + 1, cause, ANSI.sub("", traceback))

    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        km=kernel.manager(),
        timeout=TIMEOUT,
        record_timing=False,
        coalesce_streams=True,  # however the kernel's messages were cut
        on_cell_start=remember,
        resources={"metadata": {"path": str(ROOT / Path(page).parent)}},
    )
    client.owns_km = True  # it ends the kernel, also after an error
    with tempfile.TemporaryFile("w+", errors="replace") as said:  # what is said past the cells, by a crash for example
        try:
            client.execute(env=kernel.variables(), stdout=said, stderr=said)
        except CellExecutionError as error:
            return fault(f"this cell failed with {error.ename}: {error.evalue}", error.traceback)
        except CellTimeoutError:
            return fault(f"this cell ran for more than {TIMEOUT} seconds")
        except Exception as error:
            said.seek(0)
            dead = isinstance(error, DeadKernelError)
            cause = "the kernel died in this cell" if dead else f"the kernel failed: {type(error).__name__}: {error}"
            return fault(cause, said.read())
    for at, cell in enumerate(notebook.cells):  # noqa: B007  # `fault` says where
        if found := shown_traceback(cell):
            said_last = ANSI.sub("", found).strip().splitlines()[-1]
            return fault(f"this cell shows a traceback and has no tag raises-exception: {said_last}", found)
    seconds = time.perf_counter() - start
    store(page, notebook, key, seconds)
    return seconds


def shown_traceback(cell: nbformat.NotebookNode) -> str:
    """What Python or IPython reported without stopping: a figure that could not be drawn, an error in a thread."""
    if cell.cell_type != "code" or "raises-exception" in cell.metadata.get("tags", []):
        return ""
    texts = [output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stderr"]
    errors = ["\n".join(output.traceback) for output in cell.outputs if output.output_type == "error"]
    return next((text for text in [*errors, *texts] if "Traceback (most recent call last)" in ANSI.sub("", text)), "")


def run_in_worker(page: str, notebook: nbformat.NotebookNode, key: str) -> float | Fault:
    """An interrupt ends the kernel, by nbclient. What else it means, the process that started this one says."""
    try:
        return run(page, notebook, key)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nbclient has put back Python's own


def result_of(page: str, done: Future) -> float | Fault:
    """What a worker returned, or why it could not: its process was ended, its disk is full."""
    try:
        return done.result()
    except Exception as error:
        return Fault(page, 1, f"it could not be run: {type(error).__name__}: {error}")


def execute(only: Iterable[str] = ()) -> list[Fault]:
    """Bring the executed notebooks up to date. Returns: what could not be run, in the order of the book.

    only: pages; without any, all of the book's.
    """
    pages, keys, faults, to_run = notebook_pages(), Keys(), [], []
    files.remove_others(EXECUTED, map(file_of, pages))  # what is no page any longer leaves nothing behind
    for page in [page for page in pages if page in only] if only else pages:
        try:
            notebook = read(page, (ROOT / f"{page}.md").read_text(encoding="utf-8"))
        except ValueError as error:
            faults.append(Fault(page, 1, str(error).removeprefix(f"{page}.md: ")))
            continue
        key = keys.of(page, notebook)
        if not take_over(page, notebook, key):
            to_run.append((page, notebook, key))
    say(f"  notebooks to run: {len(to_run)} of {len(pages)}")
    if not to_run:
        return faults
    with ProcessPoolExecutor(min(JOBS, len(to_run)), get_context("spawn")) as pool:
        interrupts = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the workers start like this
        running = {pool.submit(run_in_worker, *work): work[0] for work in to_run}
        signal.signal(signal.SIGINT, interrupts)
        try:
            for number, done in enumerate(as_completed(running), start=1):
                result = result_of(running[done], done)
                text = f"{result:.1f} s" if isinstance(result, float) else "failed"
                say(f"  [{number}/{len(to_run)}] {running[done]}: {text}")
                faults += [] if isinstance(result, float) else [result]
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            say("\nStopped. What was done is kept: the next run goes on from here.")
            raise
    return sorted(faults, key=lambda fault: pages.index(fault.page))


def report(faults: list[Fault]) -> None:
    """The last lines say where and why."""
    for fault in faults:
        if fault.traceback:
            say(f"\n{fault.traceback}")
    say("\n" + "\n".join(map(str, faults)))


def main() -> int:
    try:
        faults = execute(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    if faults:
        report(faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
