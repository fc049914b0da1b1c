"""MNIST and Fashion-MNIST: fetched once, compared with known checksums, and read from the format that they come in.

The files lie in a folder ``mnist`` or ``fashion`` of the folder that the environment variable ``NNDL_DATA`` names, or
else of ``~/.cache/nndl_lib``. The same files come in other wrappings too: unpacked, as torchvision keeps them, or
packed again, as Debian does. So a file that is there already is known by what it holds, packed or not, and a file that
is fetched by the checksum of the packed one. Used in chapter 09, which has a smaller set for where there is no network.
"""

import gzip
import hashlib
import math
import os
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nndl_lib._declared import checked, one_of
from nndl_lib.data._download import fetch

# The third byte of a file says what its numbers are.
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_MIRRORS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    "fashion": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
}
# SHA-256 of each file, packed as the mirrors have it, and unpacked.
_CHECKSUMS = {
    "mnist": {
        "train-images-idx3-ubyte": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    "fashion": {
        "train-images-idx3-ubyte": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        "train-labels-idx1-ubyte": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "t10k-labels-idx1-ubyte": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    },
}
_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion": (
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
}

_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)  # what gzip raises where a file is not whole
_UNREADABLE = (OSError, *_BROKEN)


class Images(NamedTuple):
    """Gray images with their classes."""

    X: Tensor  # (N, 28, 28), from 0 (background) to 1; with dtype=torch.uint8, from 0 to 255
    t: Tensor  # (N,) of int64, 0 to 9
    target_names: tuple[str, ...]  # the name of class 0, 1, ...


def _addresses(value: Sequence[str], name: str, caller: str) -> Sequence[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"{caller}: {name} is {value!r}; expected a list of addresses")
    return value


def _pixels(value: torch.dtype, name: str, caller: str) -> torch.dtype:
    if not isinstance(value, torch.dtype) or not value.is_floating_point and value != torch.uint8:
        raise ValueError(f"{caller}: {name} is {value!r}; expected a floating-point one, or torch.uint8 for 0 to 255")
    return value


@checked(name=one_of(*_MIRRORS), split=one_of(*_FILES), mirrors=_addresses, dtype=_pixels)
def mnist(
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
        folder: where the files lie, in it or in its folder of that name, packed or not, under the names that they come
            with, with ".gz" or without; what is missing is fetched to the latter. No file that is there is changed.
            By default as the module says; there, a file that something broke is fetched again in its place.
        mirrors: addresses of folders with files of these names, instead of the known ones, in the order to try.
        dtype: of X; None for the default floating-point one.
        device: where the tensors are to be.

    Source: LeCun, Bottou, Bengio & Haffner (1998), https://doi.org/10.1109/5.726791; Xiao, Rasul & Vollgraf (2017),
    https://arxiv.org/abs/1708.07747.

    Raises:
        ValueError: name or split is unknown, mirrors is no list, dtype is neither floating-point nor uint8, or a file
            has other contents than such images.
        OSError: a file is not there and could not be fetched; it says what each mirror answered, and which files of
            that name hold something else or cannot be read. Or such a file is where the fetched one would go.

    Warns:
        UserWarning: a file was fetched though one of that name is there, and what is wrong with that one.
    """
    torch.empty(0, device=device)  # a device that is not there is refused before anything is fetched
    own = bool(folder)
    folder = Path(folder or os.environ.get("NNDL_DATA") or Path.home() / ".cache" / "nndl_lib")
    if folder.is_file():
        raise NotADirectoryError(f"mnist: folder is {folder}, a file; expected the folder that holds it")
    files = _FILES[split]
    X, t = (
        _parse(_contents(name, file, folder, own, _MIRRORS[name] if mirrors is None else mirrors), file)
        for file in files
    )
    if X.shape != (len(t), 28, 28) or t.ndim != 1 or X.dtype != torch.uint8 or t.dtype != torch.uint8 or t.max() > 9:
        raise ValueError(
            f"mnist: {files[0]} has shape {tuple(X.shape)} and {files[1]} {tuple(t.shape)}; "
            "expected (N, 28, 28) and (N,) of uint8, with classes from 0 to 9"
        )
    X, t = X.to(device), t.to(device, torch.int64)
    return Images(X if dtype == torch.uint8 else X.to(dtype or torch.get_default_dtype()) / 255, t, _CLASSES[name])


def _contents(name: str, file: str, folder: Path, own: bool, mirrors: Sequence[str]) -> bytes:
    # What one file holds, unpacked: of the first that holds the right thing, or else fetched. own: a reader's folder.
    packed, unpacked = _CHECKSUMS[name][file]
    target = folder / name / f"{file}.gz"
    others = {}  # files of that name: what is wrong with them
    for path in (folder / name / file, target, folder / file, folder / f"{file}.gz"):
        try:
            raw = _unpacked(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except _UNREADABLE as error:
            others[path] = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
            continue
        found = hashlib.sha256(raw).hexdigest()
        if found == unpacked:
            return raw
        others[path] = f"{path} holds {len(raw)} bytes with SHA-256 {found}; expected {unpacked}"
    notes = "".join(f"\n  {other}" for other in others.values())
    if target in others and (own or not target.is_file()):
        raise OSError(
            f"mnist: {file} of {name} was not found, and not fetched, for its place is taken:{notes}\n"
            f"expected nothing at {target}. Move it away, and the next call fetches the file"
        )
    try:
        fetch([f"{mirror.rstrip('/')}/{file}.gz" for mirror in mirrors], target, packed)
    except OSError as error:
        notes = notes and f"\nFiles of that name are there, but not the right ones:{notes}"
        raise OSError(
            f"mnist: {error}\nA copy packed otherwise will do too, or an unpacked one, {file} with SHA-256 "
            f"{unpacked}, there or in {folder}{notes}"
        ) from error
    if others:
        what = f"mnist: {target} was fetched, for what was there already is not {file} of {name}:{notes}"
        warnings.warn(what, stacklevel=5)  # at the line that calls mnist
    return _unpacked(target)


def read_idx(path: str | os.PathLike) -> Tensor:
    """A tensor from a file in the IDX format, as it is or compressed with gzip, whatever its name ends in.

    Two zero bytes, one for the type of the numbers, one for the number of axes; the sizes of the axes, four bytes each,
    and the numbers, row by row; in all of it the most significant byte comes first.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, longer than its head says, or in another format.
    """
    try:
        raw = _unpacked(path)
    except _BROKEN as error:
        raise ValueError(f"read_idx: {path} cannot be unpacked: {error}; expected a whole gzip file") from error
    return _parse(raw, path)


def _unpacked(path: str | os.PathLike) -> bytes:
    # Told by its first two bytes: a browser may unpack a file and leave it the name that ends in ".gz".
    raw = Path(path).read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _parse(raw: bytes, path: str | os.PathLike) -> Tensor:
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _DTYPES or raw[3] > 64 or len(raw) < 4 + 4 * raw[3]:
        head = raw[:4].hex(" ") or "nothing"
        raise ValueError(
            f"read_idx: {path} begins with {head}; expected 00 00, a type, and the number of axes, at most 64"
        )
    dtype, start = np.dtype(_DTYPES[raw[2]]), 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", raw[3], 4))
    expected = start + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        raise ValueError(f"read_idx: {path} has {len(raw)} bytes; expected {expected} for {shape} of {dtype.name}")
    numbers = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return torch.from_numpy(numbers.astype(dtype.newbyteorder("=")))
