"""Networks that have a name, made of the modules of ``nndl_lib.nn``: LeNet, AlexNet, ResNet with its blocks, DenseNet.

Their weights are drawn from one generator, layer after layer::

    from nndl_lib import models

    network = models.ResNet(models.BasicBlock, [2, 2, 2, 2], 10, 3)
"""

from nndl_lib.models._densenet import DenseBlock, DenseLayer, DenseNet, Transition
from nndl_lib.models._lenet import AlexNet, LeNet
from nndl_lib.models._resnet import BasicBlock, Bottleneck, ResNet, ResNeXtBlock

__all__ = ["LeNet", "AlexNet"]
__all__ += ["BasicBlock", "Bottleneck", "ResNeXtBlock", "ResNet"]
__all__ += ["DenseLayer", "DenseBlock", "Transition", "DenseNet"]
