"""MNIST and Fashion-MNIST: fetched once, compared with known checksums, and read from the format that they come in.

The files lie in a folder ``mnist`` or ``fashion`` of the folder that the environment variable ``NNDL_DATA`` names, or
else of ``~/.cache/nndl_lib``. Used in chapter 09, which has a smaller set for where there is no network.
"""

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nndl_lib import downloads

__all__ = ["Images", "load", "read_idx"]

# The third byte of a file says what its numbers are.
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}
_MIRRORS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    "fashion": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
}
# SHA-256 of the four files, in their order above.
_CHECKSUMS = {
    "mnist": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "fashion": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
}
_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion": (
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
}


class Images(NamedTuple):
    """Gray images with their classes."""

    X: Tensor  # (N, 28, 28), from 0 (background) to 1; with dtype=torch.uint8, from 0 to 255
    t: Tensor  # (N,) of int64, 0 to 9
    target_names: tuple[str, ...]  # the name of class 0, 1, ...


def load(
    name: str,
    split: str = "train",
    *,
    folder: str | os.PathLike | None = None,
    mirrors: Sequence[str] | None = None,
    dtype: torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> Images:
    """MNIST, handwritten digits, or Fashion-MNIST, clothes: 60,000 images to train with, or 10,000 to test.

    Without a network, once the files are there. The two sets take 12 and 31 megabytes as files.

    Args:
        name: "mnist" or "fashion".
        split: "train" or "test".
        folder: where the files lie, in it or in its folder of that name; what is missing is fetched to the latter. By
            default as the module says.
        mirrors: addresses of folders with files of these names, instead of the known ones, in the order to try.
        dtype: of X; None for the default floating-point one.
        device: where the tensors are to be.

    Source: LeCun, Bottou, Bengio & Haffner (1998), https://doi.org/10.1109/5.726791; Xiao, Rasul & Vollgraf (2017),
    https://arxiv.org/abs/1708.07747.

    Raises:
        ValueError: name or split is unknown, dtype is neither floating-point nor uint8, or a file has other contents
            than such images.
        OSError: a file is not there and could not be fetched; it says what each mirror answered.
    """
    for what, value, known in (("name", name, _MIRRORS), ("split", split, ("train", "test"))):
        if value not in known:
            raise ValueError(f"load: {what} is {value!r}; expected {' or '.join(map(repr, known))}")
    dtype = dtype or torch.get_default_dtype()
    if not dtype.is_floating_point and dtype != torch.uint8:
        raise ValueError(f"load: dtype is {dtype}; expected a floating-point one, or torch.uint8 for 0 to 255")
    folder = Path(folder or os.environ.get("NNDL_DATA") or Path.home() / ".cache" / "nndl_lib")
    paths = []
    for (part, _), file, checksum in zip(_FILES, _FILES.values(), _CHECKSUMS[name]):
        if part != split:
            continue
        if (folder / file).is_file() and downloads.sha256_of(folder / file) == checksum:  # another set's is left alone
            paths.append(folder / file)
        else:
            urls = [f"{mirror.rstrip('/')}/{file}" for mirror in mirrors or _MIRRORS[name]]
            paths.append(downloads.fetch(urls, folder / name / file, checksum))
    X, t = (read_idx(path) for path in paths)
    if X.shape != (len(t), 28, 28) or t.ndim != 1 or X.dtype != torch.uint8 or t.dtype != torch.uint8 or t.max() > 9:
        raise ValueError(
            f"load: {paths[0].name} has shape {tuple(X.shape)} and {paths[1].name} {tuple(t.shape)}; "
            "expected (N, 28, 28) and (N,) of uint8, with classes from 0 to 9"
        )
    X = X.to(device)
    return Images(X if dtype == torch.uint8 else X.to(dtype) / 255, t.to(device, torch.int64), _CLASSES[name])


def read_idx(path: str | os.PathLike) -> Tensor:
    """A tensor from a file in the IDX format, compressed with gzip if its name ends in ".gz".

    Two zero bytes, one for the type of the numbers, one for the number of axes; the sizes of the axes, four bytes each,
    and the numbers, row by row; in all of it the most significant byte comes first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, longer than its head says, or in another format.
    """
    path = Path(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            raw = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"read_idx: {path} cannot be unpacked: {error}; expected a whole gzip file") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _DTYPES or len(raw) < 4 + 4 * raw[3]:
        head = raw[:4].hex(" ") or "nothing"
        raise ValueError(f"read_idx: {path} begins with {head}; expected 00 00, a type, and the number of axes")
    dtype, start = np.dtype(_DTYPES[raw[2]]), 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", raw[3], 4))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        raise ValueError(f"read_idx: {path} has {len(raw)} bytes; expected {expected} for {shape} of {dtype.name}")
    numbers = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return torch.from_numpy(numbers.astype(dtype.newbyteorder("=")))
