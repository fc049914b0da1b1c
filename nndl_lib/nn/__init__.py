"""Modules, with the state of PyTorch's own: a state dict goes both ways.

Parameters have the names, shapes and default distribution that they have in ``torch.nn``. A row of X is an example.
``nn.init`` initializes them in other ways, ``nndl_lib.models`` puts modules together to networks that have a name::

    from nndl_lib import nn

    model = nn.MLP([64, 100, 10], nn.Tanh)
"""

from nndl_lib.nn import init
from nndl_lib.nn._activations import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Softplus, Step, Tanh
from nndl_lib.nn._blocks import Dense, Highway, Residual, deep_mlp
from nndl_lib.nn._convolution import AvgPool2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d
from nndl_lib.nn._dropout import Dropout
from nndl_lib.nn._linear import Linear
from nndl_lib.nn._mlp import MLP
from nndl_lib.nn._normalization import BatchNorm1d, BatchNorm2d, LayerNorm, LocalResponseNorm, weight_norm

__all__ = ["Linear", "MLP"]
__all__ += ["Identity", "Step", "Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "Softplus"]
__all__ += ["BatchNorm1d", "BatchNorm2d", "LayerNorm", "LocalResponseNorm", "weight_norm", "Dropout"]
__all__ += ["Residual", "Highway", "Dense", "deep_mlp"]
__all__ += ["Conv2d", "MaxPool2d", "AvgPool2d", "GlobalAvgPool2d", "Flatten"]
__all__ += ["init"]
