"""What readers play with, in a notebook and on a plain web page: explorers, and larger pieces in modules of their own.

``interactive.playground`` is a network on points of the plane, ``interactive.draw_digit`` one that reads drawings::

    from nndl_lib.interactive import explore
"""

from nndl_lib.interactive._explore import explore, static_html

__all__ = ["explore", "static_html"]
