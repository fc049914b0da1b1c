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
torch.set_num_threads(1)  # workers share the cores, and the problems of tests are small


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    from tests.browser import CHROMIUM, FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


# What takes longest begins first, so that both workers end together: they take modules in this order. First of all the
# notebooks, each of which is one; the rest comes after these, as it is.
LONG = [
    "test_page.py",
    "test_exercises.py",
    "test_browser.py",
    "test_launch.py",
    "test_build.py",
    "test_playground.py",
    "test_draw_digit.py",
    "test_hostile.py",
]


def pytest_collection_modifyitems(items):
    places = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: -1 if item.path.suffix == ".ipynb" else places.get(item.path.name, len(LONG)))
