"""Convolution, pooling and training steps of small CNNs, nndl_lib against torch. Run: python benchmarks/convolution.py

All on one thread; with ``--device cuda`` on a GPU. A step is forward, cross-entropy, backward and an SGD update.
"windows" is LeNet with the convolutions of ``functional.conv2d``; ``nn.Conv2d`` itself calls PyTorch's kernels.
"""

import torch
import torch.nn.functional as F
from timing import compare, device_of, table

from nndl_lib import functional, models, nn

# N, C, side, O, kernel, padding, groups: the layers of LeNet, small and large, and blocks of ResNet and ResNeXt.
CONVOLUTIONS = [
    *((64, 1, 28, 6, 5, 2, 1), (64, 6, 14, 16, 5, 0, 1), (128, 1, 8, 8, 3, 1, 1), (128, 8, 4, 16, 3, 1, 1)),
    *((16, 64, 16, 64, 3, 1, 1), (16, 128, 16, 128, 3, 1, 32)),
]
LARGE = [(512, 64, 32, 64, 3, 1, 1), (256, 256, 14, 256, 3, 1, 1)]  # for a GPU
POOLS = [(64, 6, 28, 28), (64, 16, 10, 10), (128, 8, 8, 8)]


class Windows(nn.Conv2d):
    """The layer computed by ``functional.conv2d``."""

    def forward(self, x):
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def both(function, *tensors):
    for tensor in tensors:
        tensor.grad = None
    y = function()
    y.backward(torch.ones_like(y))
    return [y.detach(), *(tensor.grad for tensor in tensors if tensor.requires_grad)]


def compared(name, ours, theirs, *tensors, seconds=0.5):
    rows, device = [], tensors[0].device
    for found, expected in zip(both(ours, *tensors), both(theirs, *tensors), strict=True):  # equal first
        # A gradient by a weight is a sum over all windows, in another order: of its size, not of its own, is the error.
        rtol = 1e-3 if found.dtype == torch.float32 else 1e-12
        torch.testing.assert_close(found, expected, rtol=rtol, atol=rtol * expected.abs().max().item())
    with torch.no_grad():
        rows.append((f"{name}, forward", compare(ours, theirs, seconds, device)))
    trained = compare(lambda: both(ours, *tensors), lambda: both(theirs, *tensors), seconds, device)
    rows.append((f"{name}, and backward", trained))
    return rows


def convolutions(device, dtype):
    where = {"device": device, "dtype": dtype}
    for N, C, side, O, kernel, padding, groups in CONVOLUTIONS + LARGE * (device.type == "cuda"):
        x = torch.randn(N, C, side, side, **where).requires_grad_(C > 1)  # an image needs no gradient
        w, b = torch.randn(O, C // groups, kernel, kernel, **where), torch.randn(O, **where)
        options = {"padding": padding, "groups": groups}
        name = f"conv {N}x{C}x{side}x{side} to {O}, {kernel}x{kernel}{f', groups {groups}' if groups > 1 else ''}"
        yield from compared(
            f"{name} {'f32' if dtype == torch.float32 else 'f64'}",
            lambda: functional.conv2d(x, w, b, **options),
            lambda: F.conv2d(x, w, b, **options),
            *(x, w.requires_grad_(), b.requires_grad_()),
        )


def pools(device):
    for shape in POOLS:
        x = torch.randn(shape, device=device).requires_grad_()
        size = "x".join(map(str, shape))
        yield from compared(f"max pool {size}", lambda: functional.max_pool2d(x, 2), lambda: F.max_pool2d(x, 2), x)
        yield from compared(f"avg pool {size}", lambda: functional.avg_pool2d(x, 2), lambda: F.avg_pool2d(x, 2), x)


def in_torch(model, replace):
    """The model with each module replaced by what the table says, with the same state."""
    copy = torch.nn.Sequential(*(replace(layer) for part in (model.features, model.classifier) for layer in part))
    for one, other in zip(copy.parameters(), model.parameters(), strict=True):
        one.data.copy_(other.data)
    return copy


def torchs(layer):
    if isinstance(layer, nn.Conv2d):
        return torch.nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)
    if isinstance(layer, nn.Linear):
        return torch.nn.Linear(layer.in_features, layer.out_features)
    return {nn.ReLU: torch.nn.ReLU, nn.Flatten: torch.nn.Flatten, nn.MaxPool2d: lambda: torch.nn.MaxPool2d(2)}[
        type(layer)
    ]()


def windows(layer):
    if isinstance(layer, nn.Conv2d):
        return Windows(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)
    return layer


def step(model, optimizer, loss, X, t):
    optimizer.zero_grad()
    value = loss(model(X), t)
    value.backward()
    optimizer.step()
    return value.detach()


def steps(device):
    for N, side in ((64, 28), (128, 8)):
        X, t = torch.randn(N, 1, side, side, device=device), torch.randint(10, (N,), device=device)
        for name, change in (
            ("models.LeNet", lambda model: model),
            ("LeNet by windows", lambda model: in_torch(model, windows)),
        ):
            model = models.LeNet(small=side == 8, generator=torch.Generator().manual_seed(0))
            theirs, ours = in_torch(model, torchs).to(device), change(model).to(device)
            sides = [
                (ours, torch.optim.SGD(ours.parameters(), lr=1e-3), functional.cross_entropy, X, t),
                (theirs, torch.optim.SGD(theirs.parameters(), lr=1e-3), F.cross_entropy, X, t),
            ]
            for _ in range(3):  # equal first
                torch.testing.assert_close(step(*sides[0]), step(*sides[1]), rtol=1e-4, atol=1e-5)
            times = compare(lambda: step(*sides[0]), lambda: step(*sides[1]), 2.0, device)
            yield f"step of {name}, {N} images {side}x{side}", times


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = device_of(__doc__)
    found = [*convolutions(device, torch.float32), *convolutions(device, torch.float64), *pools(device), *steps(device)]
    table(found, device)


if __name__ == "__main__":
    main()
