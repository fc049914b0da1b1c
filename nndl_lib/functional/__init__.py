"""Functions of tensors, with the names, arguments and values of ``torch.nn.functional``, from basic tensor operations.

``pointwise`` has the activations with their derivatives, ``losses`` the losses on logits, ``normalization`` batch,
layer and local response normalization, ``stochastic`` dropout. Take them from here::

    from nndl_lib import functional

    functional.cross_entropy(functional.relu(X) @ W, t)
"""

from nndl_lib.functional.losses import (
    accuracy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
    multiclass_hinge_loss,
    softmax,
)
from nndl_lib.functional.normalization import batch_norm, layer_norm, local_response_norm
from nndl_lib.functional.pointwise import (
    Activation,
    activations,
    elu,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    softplus,
    step,
    tanh,
)
from nndl_lib.functional.stochastic import dropout

__all__ = [
    "Activation",
    "accuracy",
    "activations",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "identity",
    "layer_norm",
    "leaky_relu",
    "local_response_norm",
    "log_softmax",
    "mse_loss",
    "multiclass_hinge_loss",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "step",
    "tanh",
]
