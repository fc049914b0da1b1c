"""Checks of the coding exercises, one module a chapter. In a notebook::

    from nndl_lib.checks import linear_models as check

    check.cost(cost)  # prints "passed", or one sentence that names the mistake and the smallest input that shows it

``engine`` runs the reader's function and finds the words; each chapter's module says what is right and which mistakes
are common. Nothing here needs a notebook: ``check.cost.verdict(cost)`` returns what would be printed.
"""
