"""nndl_lib: the small, exact library of the book "Neural Networks and Deep Learning".

Importing the package loads nothing else. Take the module you need::

    from nndl_lib import data, linear, plotting
    from nndl_lib.interactive import explore

Modules, each importing only from those before it: ``compatibility``, ``arguments``, ``runtime``, ``checks`` (of the
exercises), ``data``, ``downloads``, ``mnist``, ``toys``, ``sequences``, ``linear``, ``functional``, ``nn``, ``init``, ``probes``,
``rnn``, ``architecture``, ``text``, ``updates``, ``optimizer``, ``optim``, ``lbfgs``, ``schedules``,
``regularization``, ``augmentation``, ``training``, ``ensembles``, ``ensemble_training``, ``processes``, ``averages``,
``checkpoint``, ``loader``, ``callbacks``, ``stepper``, ``trainer``, ``autograd``, ``gradcheck``, ``plotting``,
``plotting_classes``, ``plotting_graphs``, ``widgets``, ``pieces``, ``playground``, ``draw_digit``.
"""

__version__ = "0.1.0"
