"""Chapters run under the tests as they do in the build: static explorers, no start-up files of the user's."""

import os

import torch

from tests.chapters import ROOT

os.environ["NNDL_STATIC"] = "1"
os.environ["IPYTHONDIR"] = str(ROOT / "_build" / "ipython")
torch.set_num_threads(1)  # two workers share two cores, and the problems of tests are small
