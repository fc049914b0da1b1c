"""Chapters run under the tests as they do in the build: static explorers, no start-up files of the user's."""

import os

import pytest
import torch

from tests.browser import CHROMIUM, FLAGS
from tests.chapters import ROOT

os.environ["NNDL_STATIC"] = "1"
os.environ["IPYTHONDIR"] = str(ROOT / "_build" / "ipython")
torch.set_num_threads(1)  # two workers share two cores, and the problems of tests are small


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
