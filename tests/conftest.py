"""Chapters run under the tests as they do in the build: static explorers, no start-up files of the user's."""

import os

from tests.chapters import ROOT

os.environ["NNDL_STATIC"] = "1"
os.environ["IPYTHONDIR"] = str(ROOT / "_build" / "ipython")
