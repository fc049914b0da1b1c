"""Chapters run under the tests as they do in the build: static explorers, no start-up files of the user's."""

import os

import pytest
import torch

from book import kernel

# nbval starts kernels with the variables of this process. The folder of modules stays out: some tests look for what an
# installation finds by itself.
os.environ.update({name: value for name, value in kernel.variables().items() if name != "PYTHONPATH"})
for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "MPLBACKEND", "NNDL_DEVICE"):
    os.environ.pop(name, None)
for name in ("no_proxy", "NO_PROXY"):  # servers and kernels on this machine are reached without a proxy
    os.environ[name] = ",".join(["127.0.0.1", "localhost", *filter(None, [os.environ.get(name)])])
torch.set_num_threads(1)  # two workers share two cores, and the problems of tests are small


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    from tests.browser import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def needs_the_book(path):
    """Whether a module of tests looks at the book. All others run where the library alone is installed (`-m alone`)."""
    return "tests.chapters import" in path.read_text(encoding="utf-8")


def pytest_ignore_collect(collection_path, config):
    # What is not imported may need packages that are not there.
    is_module = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    return True if config.option.markexpr == "alone" and is_module and needs_the_book(collection_path) else None


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.suffix == ".py" and not needs_the_book(item.path):
            item.add_marker(pytest.mark.alone)
