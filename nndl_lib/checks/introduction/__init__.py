"""Checks of the exercises to chapter 01, "Introduction"."""

from nndl_lib.checks.introduction._analogy import analogy
from nndl_lib.checks.introduction._company import company
from nndl_lib.checks.introduction._judge import judge
from nndl_lib.checks.introduction._replay import replay
from nndl_lib.checks.introduction._vote import vote

__all__ = ["judge", "company", "analogy", "vote", "replay"]
