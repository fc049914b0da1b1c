"""Training: minibatches and gradient descent written out, what regularizes it, ensembles, and a trainer for long runs.

``training.checkpoint`` has files that hold the state of a training, ``training.processes`` several processes that train
one model::

    from nndl_lib import training

    history = training.train(model, functional.cross_entropy, X, t, lr=0.1, epochs=20, batch_size=32, generator=g)
"""

from nndl_lib.training import checkpoint, processes
from nndl_lib.training._callbacks import Callback, ProgressBar
from nndl_lib.training._early_stopping import EarlyStopping
from nndl_lib.training._ensemble import Ensemble, bootstrap
from nndl_lib.training._ensemble_training import train_ensemble
from nndl_lib.training._loop import History, minibatches, train
from nndl_lib.training._penalties import l1_penalty, l2_penalty, max_norm_, weights_of
from nndl_lib.training._trainer import Trainer

__all__ = ["train", "minibatches", "History"]
__all__ += ["EarlyStopping", "l1_penalty", "l2_penalty", "weights_of", "max_norm_"]
__all__ += ["Ensemble", "bootstrap", "train_ensemble"]
__all__ += ["Trainer", "Callback", "ProgressBar"]
__all__ += ["checkpoint", "processes"]
