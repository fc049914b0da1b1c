"""Modules, with the state of PyTorch's own: a state dict goes both ways.

Parameters have the names, shapes and default distribution that they have in ``torch.nn``. A row of X is an example.

``linear`` has the linear layer, ``activations`` the activations as modules, ``mlp`` the multilayer perceptron,
``normalization`` batch, layer, local response and weight normalization, ``dropout`` dropout, ``blocks`` residual,
highway and dense blocks of any layers. For images, ``convolution`` has convolution and pooling, ``architectures`` LeNet
and AlexNet, ``residual`` the blocks of ResNet and ResNeXt, ``densenet`` those of DenseNet. Take them from here::

    from nndl_lib import nn

    model = nn.MLP([64, 100, 10], nn.Tanh)
"""

from nndl_lib.nn.activations import ELU, Identity, LeakyReLU, ReLU, Sigmoid, Softplus, Step, Tanh
from nndl_lib.nn.architectures import AlexNet, LeNet
from nndl_lib.nn.blocks import Dense, Highway, Residual, deep_mlp
from nndl_lib.nn.convolution import AvgPool2d, Conv2d, Flatten, GlobalAvgPool2d, MaxPool2d
from nndl_lib.nn.densenet import DenseBlock, DenseLayer, DenseNet, Transition
from nndl_lib.nn.dropout import Dropout
from nndl_lib.nn.linear import Linear
from nndl_lib.nn.mlp import MLP
from nndl_lib.nn.normalization import BatchNorm1d, BatchNorm2d, LayerNorm, LocalResponseNorm, weight_norm
from nndl_lib.nn.residual import BasicBlock, Bottleneck, ResNet, ResNeXtBlock

__all__ = [
    "ELU",
    "MLP",
    "AlexNet",
    "AvgPool2d",
    "BasicBlock",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bottleneck",
    "Conv2d",
    "Dense",
    "DenseBlock",
    "DenseLayer",
    "DenseNet",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "Highway",
    "Identity",
    "LayerNorm",
    "LeNet",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "ReLU",
    "ResNeXtBlock",
    "ResNet",
    "Residual",
    "Sigmoid",
    "Softplus",
    "Step",
    "Tanh",
    "Transition",
    "deep_mlp",
    "weight_norm",
]
