"""nndl_lib.mnist: the format against NumPy, and small files in it, fetched from a server on this machine."""

import gzip
import hashlib
import re
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import mnist

checks = settings(derandomize=True, deadline=None, max_examples=30, database=None)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
FILES = [f"{split}-{part}-ubyte.gz" for split in ("train", "t10k") for part in ("images-idx3", "labels-idx1")]


def idx(array):
    kind = array.dtype.str[1:]
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[kind], array.ndim, *array.shape)
    return head + array.astype(f">{kind}").tobytes()


# --- the format ---


@checks
@given(kind=st.sampled_from(sorted(CODES)), shape=st.lists(st.integers(0, 4), max_size=4), seed=st.integers(0, 999))
def test_read_idx(tmp_path_factory, kind, shape, seed):
    array = np.asarray(np.random.default_rng(seed).normal(size=shape) * 60).astype(kind)
    folder = tmp_path_factory.mktemp("idx")
    (folder / "a").write_bytes(idx(array))
    (folder / "a.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("a", "a.gz"):
        found = mnist.read_idx(str(folder / name))
        assert found.dtype == torch.from_numpy(array.reshape(-1)).dtype and found.shape == array.shape
        assert np.array_equal(found.numpy(), array)


def test_broken_idx_files(tmp_path):
    raw, path = idx(np.arange(6, dtype="i2").reshape(2, 3)), tmp_path / "a"
    for data, message in (
        (b"", "begins with nothing; expected 00 00, a type, and the number of axes"),
        (b"\0\0\x08", "begins with 00 00 08; expected"),
        (b"\x01" + raw[1:], "begins with 01 00 0b 02; expected"),
        (raw[:2] + b"\x0a" + raw[3:], "begins with 00 00 0a 02; expected"),
        (raw[:8], "begins with 00 00 0b 02; expected"),
        (raw[:-1], "has 23 bytes; expected 24 for (2, 3) of int16"),
        (raw + b"\0", "has 25 bytes; expected 24 for (2, 3) of int16"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=re.escape(f"read_idx: {path} {message}")):
            mnist.read_idx(path)
    packed, path = gzip.compress(raw), tmp_path / "a.gz"
    for data in (packed[:-3], raw, packed[:12] + b"\xff\xff" + packed[14:], packed[:-8] + b"abcd" + packed[-4:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"^read_idx: .*a\.gz cannot be unpacked: .*; expected a whole gzip file"):
            mnist.read_idx(path)
    with pytest.raises(FileNotFoundError):
        mnist.read_idx(tmp_path / "none.gz")


# --- the sets ---


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A mirror on this machine with small files in both sets' place; gives its address, its folder and the arrays."""
    folder, rng, arrays = tmp_path / "site", np.random.default_rng(0), {}
    folder.mkdir()
    for k, (file, n) in enumerate(zip(FILES, (5, 5, 3, 3))):
        arrays[file] = rng.integers(0, 256, (n, 28, 28), "u1") if k % 2 == 0 else rng.integers(0, 10, n, "u1")
        (folder / file).write_bytes(gzip.compress(idx(arrays[file])))
    checksums = tuple(hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES)
    monkeypatch.setattr(mnist, "_CHECKSUMS", {"mnist": checksums, "fashion": checksums})
    monkeypatch.setenv("NNDL_DATA", str(tmp_path / "cache"))
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *arguments: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder, arrays
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_load(site, tmp_path, name):
    url, _, arrays = site
    for split, images, labels in (("train", *FILES[:2]), ("test", *FILES[2:])):
        data = mnist.load(name, split, mirrors=[url + "/"])
        assert data.X.dtype == torch.float32 and data.t.dtype == torch.int64
        np.testing.assert_allclose(data.X.numpy(), arrays[images] / 255, rtol=1e-7)
        assert data.t.tolist() == arrays[labels].tolist()
        assert sorted(path.name for path in (tmp_path / "cache" / name).iterdir()) == sorted(
            FILES[:2] if split == "train" else FILES
        )
    assert len(data.target_names) == 10
    assert data.target_names[9] == {"mnist": "9", "fashion": "ankle boot"}[name]


def test_dtypes_folder_and_device(site, tmp_path):
    url, _, arrays = site
    raw = mnist.load("mnist", folder=tmp_path / "own", mirrors=[url], dtype=torch.uint8, device="cpu")
    assert raw.X.dtype == torch.uint8 and np.array_equal(raw.X.numpy(), arrays[FILES[0]])
    assert (tmp_path / "own" / "mnist" / FILES[0]).is_file()
    exact = mnist.load("mnist", folder=tmp_path / "own", dtype=torch.float64)  # no mirror is asked
    assert exact.X.dtype == torch.float64 and np.array_equal(exact.X.numpy(), arrays[FILES[0]] / 255)


def test_files_that_a_reader_has_already(site, tmp_path, monkeypatch):
    _, folder, arrays = site
    nowhere = ["http://127.0.0.1:9/"]
    found = mnist.load("mnist", folder=folder, mirrors=nowhere, dtype=torch.uint8)  # in the folder itself
    assert np.array_equal(found.X.numpy(), arrays[FILES[0]]) and not (folder / "mnist").exists()
    (folder / FILES[0]).write_bytes(b"of another set")  # is left as it is, and not read
    with pytest.raises(OSError, match=f"{re.escape(str(folder / 'mnist' / FILES[0]))} could not be fetched"):
        mnist.load("mnist", folder=folder, mirrors=nowhere)
    assert (folder / FILES[0]).read_bytes() == b"of another set"


def test_the_known_mirrors_are_asked_in_turn(site, monkeypatch):
    url, *_ = site
    monkeypatch.setattr(mnist, "_MIRRORS", {"mnist": (f"{url}/nothing/", f"{url}/"), "fashion": (f"{url}/nothing/",)})
    assert len(mnist.load("mnist", "test").t) == 3
    with pytest.raises(OSError, match=f"could not be fetched:\n  {url}/nothing/{FILES[0]}: HTTP status 404"):
        mnist.load("fashion")


def test_the_default_folder(site, tmp_path, monkeypatch):
    monkeypatch.delenv("NNDL_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    mnist.load("mnist", "test", mirrors=[site[0]])
    assert (tmp_path / ".cache" / "nndl_lib" / "mnist" / FILES[2]).is_file()


def test_truncated_and_changed_files_are_refused(site, tmp_path):
    url, folder, _ = site
    whole = (folder / FILES[0]).read_bytes()
    for data in (whole[:-5], whole[:50] + b"?" + whole[51:]):
        (folder / FILES[0]).write_bytes(data)
        with pytest.raises(OSError, match=rf"{FILES[0]}: what came \({len(data)} bytes\) has SHA-256"):
            mnist.load("mnist", mirrors=[url])
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []
    (folder / FILES[0]).write_bytes(whole)
    cached = tmp_path / "cache" / "mnist" / FILES[0]
    cached.write_bytes(whole[:100])  # a file in the cache that something else broke
    assert len(mnist.load("mnist", mirrors=[url]).t) == 5


@pytest.mark.parametrize("array, k", [
    (np.zeros((5, 28, 27), "u1"), 0), (np.zeros((4, 28, 28), "u1"), 0), (np.zeros((5, 28, 28), "i4"), 0),
    (np.full(5, 10, "u1"), 1), (np.zeros((5, 1), "u1"), 1), (np.zeros(5, "i4"), 1),
])  # fmt: skip
def test_other_contents(site, monkeypatch, array, k):
    url, folder, _ = site
    (folder / FILES[k]).write_bytes(gzip.compress(idx(array)))
    sums = tuple(hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES)
    monkeypatch.setattr(mnist, "_CHECKSUMS", {"mnist": sums})
    shape = str(array.shape)
    with pytest.raises(ValueError, match=rf"^load: {FILES[0]} .*{re.escape(shape)}.*; expected \(N, 28, 28\)"):
        mnist.load("mnist", mirrors=[url])


@pytest.mark.parametrize("message, arguments", [
    ("load: name is 'digits'; expected 'mnist' or 'fashion'", {"name": "digits"}),
    ("load: split is 'valid'; expected 'train' or 'test'", {"name": "mnist", "split": "valid"}),
    ("load: dtype is torch.int64; expected a floating-point one", {"name": "mnist", "dtype": torch.int64}),
])  # fmt: skip
def test_what_is_refused(message, arguments):
    with pytest.raises(ValueError, match=re.escape(message)):
        mnist.load(**arguments)


def test_known_addresses_and_checksums():
    for name in ("mnist", "fashion"):
        assert len(set(mnist._CHECKSUMS[name])) == 4
        assert all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in mnist._CHECKSUMS[name])
        assert len(mnist._MIRRORS[name]) == 2 and all(url.endswith("/") for url in mnist._MIRRORS[name])
