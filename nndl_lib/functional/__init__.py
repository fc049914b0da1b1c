"""Functions of tensors, with the names, arguments and values of ``torch.nn.functional``, from basic tensor operations.

``pointwise`` has the activations with their derivatives, ``losses`` the losses on logits, ``normalization`` batch,
layer and local response normalization, ``stochastic`` dropout, ``precision`` and ``transforms`` what half precision and
``torch.func`` need. For images, ``sliding`` has windows, ``convolution`` and ``pooling`` what is made of them. Take
them from here::

    from nndl_lib import functional

    functional.cross_entropy(functional.relu(X) @ W, t)
"""

from nndl_lib.functional.convolution import conv2d, conv2d_loops
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
from nndl_lib.functional.pooling import avg_pool2d, max_pool2d
from nndl_lib.functional.precision import autocasts, wide
from nndl_lib.functional.sliding import add_windows, output_size, padding_sizes, window_offsets, windows
from nndl_lib.functional.stochastic import dropout
from nndl_lib.functional.transforms import transformed

__all__ = [
    "Activation",
    "accuracy",
    "activations",
    "add_windows",
    "autocasts",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "conv2d_loops",
    "cross_entropy",
    "dropout",
    "elu",
    "identity",
    "layer_norm",
    "leaky_relu",
    "local_response_norm",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "multiclass_hinge_loss",
    "output_size",
    "padding_sizes",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "step",
    "tanh",
    "transformed",
    "wide",
    "window_offsets",
    "windows",
]
