"""What readers play with, in a notebook and on a plain web page: explorers here, the larger pieces in modules of their own.

``interactive.playground`` is a network on points in the plane, ``interactive.draw_digit`` one that reads what is drawn::

    from nndl_lib.interactive import explore
"""

from nndl_lib.interactive._explore import explore, static_html

__all__ = ["explore", "static_html"]
