"""Data: real sets that ship with scikit-learn or are fetched once, toy sets made from a seed, and what prepares them.

Nothing is loaded before it is asked for. ``data.augmentation`` changes images, each in its own way::

    from nndl_lib import data

    train, validation = data.split(data.digits(), [1000, 797], generator(0))
"""

from nndl_lib.data import augmentation
from nndl_lib.data._canvases import digit_canvases
from nndl_lib.data._loader import TensorLoader
from nndl_lib.data._mnist import Images, mnist
from nndl_lib.data._points import boolean_inputs, make_blobs, make_circles, make_moons, make_spirals
from nndl_lib.data._sequences import adding_problem, delayed_copy, noisy_oscillation
from nndl_lib.data._tables import (
    Dataset,
    Standardizer,
    Whitening,
    breast_cancer,
    diabetes,
    digits,
    make_line,
    make_sine,
    split,
    wine,
)

__all__ = ["Dataset", "make_line", "make_sine", "diabetes", "breast_cancer", "wine", "digits"]
__all__ += ["split", "Standardizer", "Whitening"]
__all__ += ["boolean_inputs", "make_blobs", "make_moons", "make_circles", "make_spirals"]
__all__ += ["adding_problem", "delayed_copy", "noisy_oscillation"]
__all__ += ["digit_canvases"]
__all__ += ["mnist", "Images", "TensorLoader"]
__all__ += ["augmentation"]
