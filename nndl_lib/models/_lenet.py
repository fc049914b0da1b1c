"""LeNet and AlexNet. Derived in chapter 09, "Convolutional networks"."""

from collections.abc import Callable

import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib.nn import Conv2d, Dropout, Flatten, Linear, LocalResponseNorm, MaxPool2d, ReLU


class _Classifier(torch.nn.Module):
    """Feature maps, then logits of them: ``classifier(features(x))``, each a ``Sequential``."""

    def _make(self, features: list[torch.nn.Module], classifier: list[torch.nn.Module]) -> None:
        self.features, self.classifier = torch.nn.Sequential(*features), torch.nn.Sequential(*classifier)

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

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        small: bool = False,
        activation: Callable[[], torch.nn.Module] = ReLU,
        pool: Callable[[int], torch.nn.Module] = MaxPool2d,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights, layer after layer.

        Args:
            activation: makes a module, such as the class ``Tanh``, which LeNet-5 had.
            pool: makes one from the size of its windows, such as ``AvgPool2d``, which is next to what LeNet-5 had.

        Raises:
            ValueError: a number is not an integer of at least 1.
        """
        super().__init__()
        for name, value in (("num_classes", num_classes), ("in_channels", in_channels)):
            arguments.check_count(value, name, "LeNet")
        for name, make in (("activation", activation), ("pool", pool)):
            arguments.check_function(make, name, "LeNet")
        options = {"generator": generator, "dtype": dtype, "device": device}
        if arguments.check_flag(small, "small", "LeNet"):
            first, second = Conv2d(in_channels, 8, 3, padding=1, **options), Conv2d(8, 16, 3, padding=1, **options)
            widths = [16 * 2 * 2, 32, num_classes]
        else:
            first, second = Conv2d(in_channels, 6, 5, padding=2, **options), Conv2d(6, 16, 5, **options)
            widths = [16 * 5 * 5, 120, 84, num_classes]
        layers = []
        for inputs, outputs in zip(widths, widths[1:]):
            layers += [Linear(inputs, outputs, **options), activation()]
        self._make([first, activation(), pool(2), second, activation(), pool(2)], [Flatten(), *layers[:-1]])


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

    def __init__(
        self,
        num_classes: int = 1000,
        padding: int = 2,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
    ):
        """Draw the weights, layer after layer; the generator draws the dropout as well.

        Args:
            padding: of the first layer: 2 for images of 224 x 224, 0 for 227 x 227.
            device: "meta" makes no numbers, which is enough for an ``architecture_table``.

        Raises:
            ValueError: num_classes is not an integer of at least 1, or padding not of at least 0.
        """
        super().__init__()
        arguments.check_count(num_classes, "num_classes", "AlexNet")
        arguments.check_count(padding, "padding", "AlexNet", least=0)
        options = {"generator": generator, "dtype": dtype, "device": device}
        norm = {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0}
        self._make(
            [
                *(Conv2d(3, 96, 11, stride=4, padding=padding, **options), ReLU()),
                *(LocalResponseNorm(**norm), MaxPool2d(3, stride=2)),
                *(Conv2d(96, 256, 5, padding=2, groups=2, **options), ReLU()),
                *(LocalResponseNorm(**norm), MaxPool2d(3, stride=2)),
                *(Conv2d(256, 384, 3, padding=1, **options), ReLU()),
                *(Conv2d(384, 384, 3, padding=1, groups=2, **options), ReLU()),
                *(Conv2d(384, 256, 3, padding=1, groups=2, **options), ReLU(), MaxPool2d(3, stride=2)),
            ],
            [
                Flatten(),
                *(Dropout(generator=generator), Linear(256 * 6 * 6, 4096, **options), ReLU()),
                *(Dropout(generator=generator), Linear(4096, 4096, **options), ReLU()),
                Linear(4096, num_classes, **options),
            ],
        )
