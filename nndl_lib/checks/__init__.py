"""Checks of the coding exercises, one module a chapter with one file an exercise. In a notebook::

    from nndl_lib.checks import linear_models as check

    check.cost(cost)  # prints "passed", or one sentence that names the mistake, and the smallest input that shows it

Each chapter's module says what is right and which mistakes are common; ``exercise`` makes a check of that, from
``Case``s to try, and runs the reader's function. Nothing here needs a notebook: ``check.cost.verdict(cost)`` returns
what would be printed.
"""

from nndl_lib.checks._case import Case
from nndl_lib.checks._engine import exercise

__all__ = ["exercise", "Case"]
