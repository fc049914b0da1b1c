"""Functions of tensors, with the names, arguments and values of ``torch.nn.functional``, from basic tensor operations.

    from nndl_lib import functional

    functional.cross_entropy(functional.relu(X) @ W, t)

Each says what it takes in one line above it, refuses what does not fit, and begins with its mathematics.
"""

from nndl_lib.functional._boxes import box_iou, nms, roi_align
from nndl_lib.functional._convolution import conv2d, conv2d_loops
from nndl_lib.functional._dropout import dropout
from nndl_lib.functional._losses import (
    accuracy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
    multiclass_hinge_loss,
    softmax,
)
from nndl_lib.functional._normalization import batch_norm, layer_norm, local_response_norm
from nndl_lib.functional._pointwise import (
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
from nndl_lib.functional._pooling import avg_pool2d, max_pool2d
from nndl_lib.functional._windows import output_size

__all__ = [
    "mse_loss",
    "softmax",
    "log_softmax",
    "cross_entropy",
    "binary_cross_entropy_with_logits",
    "multiclass_hinge_loss",
    "accuracy",
]
__all__ += ["identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "Activation", "activations"]
__all__ += ["batch_norm", "layer_norm", "local_response_norm", "dropout"]
__all__ += ["conv2d", "conv2d_loops", "max_pool2d", "avg_pool2d", "output_size"]
__all__ += ["box_iou", "nms", "roi_align"]
