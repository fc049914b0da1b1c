"""Modules, with the state of PyTorch's own: a state dict goes both ways.

Parameters have the names, shapes and default distribution that they have in ``torch.nn``. A row of X is an example.

``linear`` has the linear layer, ``activations`` the activations as modules, ``mlp`` the multilayer perceptron,
``normalization`` batch, layer, local response and weight normalization, ``dropout`` dropout, ``blocks`` residual,
highway and dense blocks. Take them from here::

    from nndl_lib import nn

    model = nn.MLP([64, 100, 10], nn.Tanh)
"""

from nndl_lib.nn.activations import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Softplus, Step, Tanh
from nndl_lib.nn.blocks import Dense, Highway, Residual, deep_mlp
from nndl_lib.nn.dropout import Dropout
from nndl_lib.nn.linear import Linear
from nndl_lib.nn.mlp import MLP
from nndl_lib.nn.normalization import BatchNorm1d, LayerNorm, LocalResponseNorm, weight_norm

__all__ = [
    "ELU",
    "MLP",
    "BatchNorm1d",
    "Dense",
    "Dropout",
    "Highway",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "ReLU",
    "Residual",
    "Sigmoid",
    "Softplus",
    "Step",
    "Tanh",
    "deep_mlp",
    "weight_norm",
]
