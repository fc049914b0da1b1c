"""Functions of tensors, with the names, arguments and values of ``torch.nn.functional``, from basic tensor operations::

    from nndl_lib import functional

    functional.cross_entropy(functional.relu(X) @ W, t)
"""

from nndl_lib.functional._convolution import conv2d, conv2d_loops
from nndl_lib.functional._dropout import dropout
from nndl_lib.functional._losses import (
    mse_loss, softmax, log_softmax, cross_entropy, binary_cross_entropy_with_logits, multiclass_hinge_loss, accuracy,
)
from nndl_lib.functional._normalization import batch_norm, layer_norm, local_response_norm
from nndl_lib.functional._pointwise import (
    identity, step, sigmoid, tanh, relu, leaky_relu, elu, softplus, Activation, activations,
)
from nndl_lib.functional._pooling import max_pool2d, avg_pool2d
from nndl_lib.functional._windows import output_size

__all__ = ["mse_loss", "softmax", "log_softmax", "cross_entropy", "binary_cross_entropy_with_logits", "multiclass_hinge_loss", "accuracy"]
__all__ += ["identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "Activation", "activations"]
__all__ += ["batch_norm", "layer_norm", "local_response_norm", "dropout"]
__all__ += ["conv2d", "conv2d_loops", "max_pool2d", "avg_pool2d", "output_size"]
