"""nndl_lib: the small, exact library of the book "Neural Networks and Deep Learning".

Importing the package loads nothing else. Take what you need from the face of its room::

    from nndl_lib import data, linear, plotting
    from nndl_lib.interactive import explore

The rooms, each importing only from those before it or beside it. At the bottom ``compatibility`` and ``runtime``; on
them ``autograd``, ``data``, ``linear`` and ``functional``; then ``nn`` and ``rnn``; then ``models``, ``text`` and
``optim``; then ``training``; at the top what shows, ``inspection``, ``plotting`` and ``interactive``, and ``checks`` of
the exercises. What begins with an underscore is inside a room: no reader needs it, and it may change.
"""

__version__ = "0.1.0"
