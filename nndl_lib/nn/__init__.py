"""Modules, with the state of PyTorch's own: a state dict goes both ways.

Parameters have the names, shapes and default distribution that they have in ``torch.nn``. A row of X is an example.

``linear`` has the linear layer, ``activations`` the activations as modules, ``mlp`` the multilayer perceptron. Take them
from here::

    from nndl_lib import nn

    model = nn.MLP([64, 100, 10], nn.Tanh)
"""

from nndl_lib.nn.activations import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Softplus, Step, Tanh
from nndl_lib.nn.linear import Linear
from nndl_lib.nn.mlp import MLP

__all__ = ["ELU", "MLP", "Identity", "LeakyReLU", "Linear", "ReLU", "Sigmoid", "Softplus", "Step", "Tanh"]
