"""LeNet and AlexNet. Derived in chapter 09, "Convolutional networks"."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from nndl_lib._arguments import check_flag, check_function
from nndl_lib._declared import checked, count
from nndl_lib.models._parts import Device, Parts
from nndl_lib.nn import Dropout, Flatten, LocalResponseNorm, MaxPool2d, ReLU


class _Classifier(Module):
    """Feature maps, then logits of them: ``classifier(features(x))``, each a ``Sequential``."""

    features: Sequential
    classifier: Sequential

    def forward(self, input: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, C, H, W). Raises ValueError where the images are of another size."""
        return self.classifier(self.features(input))


class LeNet(_Classifier):
    """Two layers of convolution and pooling, then linear ones, for images of 28 x 28; ``small`` for 8 x 8.

    Adapted from LeNet-5: with its sizes, but every map of the second layer sees all of the first, the pooling has no
    weights, and the output is linear. For 28 x 28 the first convolution pads by 2, as the images of LeNet-5 were padded
    to 32 x 32. With ten classes it has 61,706 parameters. The small one has kernels of 3 x 3 and 3,658.

    Source: LeCun, Bottou, Bengio & Haffner (1998), https://doi.org/10.1109/5.726791.

    Attributes:
        features: convolution, activation, pooling, twice. classifier: flatten, then linear layers and activations.
    """

    @checked(num_classes=count(), in_channels=count(), small=check_flag, activation=check_function, pool=check_function)
    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        small: bool = False,
        activation: Callable[[], Module] = ReLU,
        pool: Callable[[int], Module] = MaxPool2d,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights, layer after layer.

        Args:
            activation: makes a module, such as the class ``Tanh``, which LeNet-5 had.
            pool: makes one from the size of its windows, such as ``AvgPool2d``, which is next to what LeNet-5 had.

        Raises:
            ValueError: a number is not an integer of at least 1.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        conv = partial(make.conv, bias=True)
        if small:
            first, second = conv(in_channels, 8, 3), conv(8, 16, 3)
            widths = [16 * 2 * 2, 32, num_classes]
        else:
            first, second = conv(in_channels, 6, 5), conv(6, 16, 5, padding=0)
            widths = [16 * 5 * 5, 120, 84, num_classes]
        self.features = Sequential(first, activation(), pool(2), second, activation(), pool(2))
        layers: list[Module] = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [make.linear(inputs, outputs), activation()]
        self.classifier = Sequential(Flatten(), *layers[:-1])


class AlexNet(_Classifier):
    """The network that won ImageNet's competition of 2012: 60,965,224 parameters for 1000 classes.

    The paper's two GPUs are the two groups of the second, fourth and fifth convolution. Responses are normalized after
    the first two, over 5 channels with k = 2, alpha = 1e-4 and beta = 0.75; the paper's sum of squares is a mean here,
    so alpha is 5e-4.

    The paper says that images are 224 x 224 (150,528 numbers) and that the first layer, of 96 kernels 11 x 11 with
    stride 4, has 253,440 units. These do not fit together: (224 - 11) / 4 is not an integer, and 253,440 / 96 is not
    a square, but 55 * 48. Images of 227 x 227, or of 224 x 224 with 2 pixels of padding, which this class has, give
    55 x 55 places, 290,400 units, and from there on the paper's sizes: 186,624, 64,896, 64,896, 43,264, 4096, 4096,
    1000.

    Source: Krizhevsky, Sutskever & Hinton (2012), https://doi.org/10.1145/3065386.

    Attributes:
        features: five convolutions. classifier: flatten, dropout, and three linear layers.
    """

    @checked(num_classes=count(), padding=count(least=0))
    def __init__(
        self,
        num_classes: int = 1000,
        padding: int = 2,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: Device = None,
    ):
        """Draw the weights, layer after layer; the generator draws the dropout as well.

        Args:
            padding: of the first layer: 2 for images of 224 x 224, 0 for 227 x 227.
            device: "meta" makes no numbers, which is enough for an ``architecture_table``.

        Raises:
            ValueError: num_classes is not an integer of at least 1, or padding not of at least 0.
        """
        super().__init__()
        make = Parts(generator, dtype, device)
        conv, drop = partial(make.conv, bias=True), partial(Dropout, generator=generator)
        norm = partial(LocalResponseNorm, 5, alpha=5e-4, beta=0.75, k=2.0)
        self.features = Sequential(
            *(conv(3, 96, 11, stride=4, padding=padding), ReLU(), norm(), MaxPool2d(3, stride=2)),
            *(conv(96, 256, 5, groups=2), ReLU(), norm(), MaxPool2d(3, stride=2)),
            *(conv(256, 384, 3), ReLU()),
            *(conv(384, 384, 3, groups=2), ReLU()),
            *(conv(384, 256, 3, groups=2), ReLU(), MaxPool2d(3, stride=2)),
        )
        self.classifier = Sequential(
            Flatten(),
            *(drop(), make.linear(256 * 6 * 6, 4096), ReLU()),
            *(drop(), make.linear(4096, 4096), ReLU()),
            make.linear(4096, num_classes),
        )
