"""nndl_lib.data._mnist: the format against NumPy, and small files in it, fetched from a server on this machine."""

import gzip
import hashlib
import os
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

from nndl_lib.data import _mnist as mnist

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
    (folder / "b.gz").write_bytes(idx(array))  # unpacked on its way, by a browser
    (folder / "b").write_bytes(gzip.compress(idx(array)))
    for name in ("a", "a.gz", "b", "b.gz"):
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
        (b"\0\0\x08\x41" + 65 * b"\0\0\0\1" + b"\0", "begins with 00 00 08 41; expected"),  # more axes than NumPy has
        (raw[:-1], "has 23 bytes; expected 24 for (2, 3) of int16"),
        (raw + b"\0", "has 25 bytes; expected 24 for (2, 3) of int16"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=re.escape(f"read_idx: {path} {message}")):
            mnist.read_idx(path)
    packed, path = gzip.compress(raw), tmp_path / "a.gz"
    for data in (packed[:-3], packed[:12] + b"\xff\xff" + packed[14:], packed[:-8] + b"abcd" + packed[-4:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"^read_idx: .*a\.gz cannot be unpacked: .*; expected a whole gzip file"):
            mnist.read_idx(path)
    with pytest.raises(FileNotFoundError):
        mnist.read_idx(tmp_path / "none.gz")


# --- the sets ---


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def checksums_of(folder):
    packed = {file: (folder / file).read_bytes() for file in FILES}
    return {file.removesuffix(".gz"): (sha256(data), sha256(gzip.decompress(data))) for file, data in packed.items()}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A mirror on this machine with small files in both sets' place; gives its address, its folder and the arrays."""
    folder, rng, arrays = tmp_path / "site", np.random.default_rng(0), {}
    folder.mkdir()
    for k, (file, n) in enumerate(zip(FILES, (5, 5, 3, 3))):
        arrays[file] = rng.integers(0, 256, (n, 28, 28), "u1") if k % 2 == 0 else rng.integers(0, 10, n, "u1")
        (folder / file).write_bytes(gzip.compress(idx(arrays[file])))
    monkeypatch.setattr(mnist, "_CHECKSUMS", dict.fromkeys(("mnist", "fashion"), checksums_of(folder)))
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
        data = mnist.mnist(name, split, mirrors=[url + "/"])
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
    raw = mnist.mnist("mnist", folder=tmp_path / "own", mirrors=[url], dtype=torch.uint8, device="cpu")
    assert raw.X.dtype == torch.uint8 and np.array_equal(raw.X.numpy(), arrays[FILES[0]])
    assert (tmp_path / "own" / "mnist" / FILES[0]).is_file()
    exact = mnist.mnist("mnist", folder=tmp_path / "own", dtype=torch.float64)  # no mirror is asked
    assert exact.X.dtype == torch.float64 and np.array_equal(exact.X.numpy(), arrays[FILES[0]] / 255)


NOWHERE = ["http://127.0.0.1:9/"]  # where nothing answers


def repacked(data):
    # The same contents behind another head, with a name and a time, and less pressed, as other programs do it.
    head = b"\x1f\x8b\x08\x08" + struct.pack("<I", 1234567890) + b"\0\x03name\0"
    again = head + gzip.compress(gzip.decompress(data), compresslevel=1)[10:]
    assert sha256(again) != sha256(data) and gzip.decompress(again) == gzip.decompress(data)
    return again


def snapshot(folder):
    # Whatever is written over, replaced, renamed or made differs in this; files need not be readable for it.
    stats = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


@pytest.mark.parametrize("place", ["", "mnist"])
@pytest.mark.parametrize(
    "ending, wrapping",
    [
        (".gz", bytes),
        (".gz", repacked),
        ("", gzip.decompress),
        (".gz", gzip.decompress),
        ("", repacked),
    ],
    ids=["as fetched", "packed otherwise", "unpacked", "unpacked, named .gz", "packed, not named .gz"],
)
def test_files_that_a_reader_has_already(site, tmp_path, place, ending, wrapping):
    _, folder, arrays = site
    own = tmp_path / "own"
    (own / place).mkdir(parents=True)
    for file in FILES:
        (own / place / file.replace(".gz", ending)).write_bytes(wrapping((folder / file).read_bytes()))
    before = snapshot(own)
    for split, images, labels in (("train", *FILES[:2]), ("test", *FILES[2:])):
        found = mnist.mnist("mnist", split, folder=str(own), mirrors=NOWHERE, dtype=torch.uint8)
        assert np.array_equal(found.X.numpy(), arrays[images]) and found.t.tolist() == arrays[labels].tolist()
    assert snapshot(own) == before and (own / "mnist").exists() == (place == "mnist")


@pytest.mark.parametrize(
    "mnist_at, fashion_at",
    [
        ("{}", "{}.gz"),
        ("{}.gz", "{}"),
        ("{}", "fashion/{}"),
        ("mnist/{}.gz", "{}.gz"),
        ("mnist/{}", "fashion/{}.gz"),
    ],
)
def test_both_sets_in_one_folder(tmp_path, monkeypatch, mnist_at, fashion_at):
    sums = {}
    for k, (name, at) in enumerate((("mnist", mnist_at), ("fashion", fashion_at))):
        contents = {
            "train-images-idx3-ubyte": np.full((k + 1, 28, 28), k),
            "train-labels-idx1-ubyte": np.full(k + 1, k),
        }
        sums[name] = {}
        for file, array in contents.items():
            raw, path = idx(array.astype("u1")), tmp_path / at.format(file)
            sums[name][file] = ("not asked for", sha256(raw))
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(gzip.compress(raw) if at.endswith(".gz") else raw)
    monkeypatch.setattr(mnist, "_CHECKSUMS", sums)
    before = snapshot(tmp_path)
    assert len(before) == 4
    for k, name in enumerate(("mnist", "fashion")):
        found = mnist.mnist(name, folder=tmp_path, mirrors=NOWHERE, dtype=torch.uint8)
        assert found.X.shape == (k + 1, 28, 28) and torch.all(found.X == k) and torch.all(found.t == k)
    assert snapshot(tmp_path) == before


def spoil(path, whole, fault):
    """Puts something at path that is not the file, and returns what load says about it."""
    if fault == "a folder":
        path.mkdir()
        (path / "mine").write_bytes(b"mine")
        return f"{path} cannot be read: Is a directory"
    if fault == "no permission":
        path.write_bytes(whole)
        path.chmod(0)
        return f"{path} cannot be read: Permission denied"
    data = {
        "truncated": whole[:-9],
        "truncated, unpacked": gzip.decompress(whole)[:-9],
        "changed inside": whole[:-6] + b"?" + whole[-5:],
        "other contents": gzip.compress(b"of another set"),
        "empty": b"",
    }[fault]
    path.write_bytes(data)
    if fault in ("truncated", "changed inside"):
        reason = "Compressed file ended before" if fault == "truncated" else "CRC check failed"
        return f"{path} cannot be read: {reason}"
    raw = b"of another set" if fault == "other contents" else data
    expected = mnist._CHECKSUMS["mnist"][FILES[0].removesuffix(".gz")][1]
    return f"{path} holds {len(raw)} bytes with SHA-256 {sha256(raw)}; expected {expected}"


unless_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read every file")
FAULTS = ["truncated", "truncated, unpacked", "changed inside", "other contents", "empty", "a folder"]
FAULTS += [pytest.param("no permission", marks=unless_root)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [FILES[0], FILES[0][:-3], f"mnist/{FILES[0][:-3]}"])
def test_a_file_that_is_not_the_right_one_is_left_alone(site, tmp_path, fault, at):
    url, folder, arrays = site
    (own := tmp_path / "own").joinpath("mnist").mkdir(parents=True)
    message = spoil(own / at, (folder / FILES[0]).read_bytes(), fault)
    before = snapshot(own)
    # Without a network: what the mirrors say, what would do and where, and what is wrong with the file.
    with pytest.raises(OSError, match=re.escape(message)) as caught:
        mnist.mnist("mnist", folder=own, mirrors=NOWHERE)
    said, (packed, unpacked) = str(caught.value), mnist._CHECKSUMS["mnist"][FILES[0][:-3]]
    assert f"mnist: fetch: {own / 'mnist' / FILES[0]} could not be fetched:\n  {NOWHERE[0]}{FILES[0]}: " in said
    assert f"put the file there by hand; its SHA-256 is {packed}\nA copy packed otherwise will do too" in said
    assert f"or an unpacked one, {FILES[0][:-3]} with SHA-256 {unpacked}, there or in {own}\n" in said
    # With one: another is fetched, and a warning says so, once.
    with pytest.warns(UserWarning) as warned:
        found = mnist.mnist("mnist", folder=own, mirrors=[url], dtype=torch.uint8)
    assert np.array_equal(found.X.numpy(), arrays[FILES[0]]) and len(warned) == 1 and warned[0].filename == __file__
    start = (
        f"mnist: {own / 'mnist' / FILES[0]} was fetched, for what was there already is not {FILES[0][:-3]} of mnist:"
    )
    assert str(warned[0].message).startswith(f"{start}\n  {message}")
    mnist.mnist("mnist", folder=own, mirrors=NOWHERE)
    assert len(before) == 1 and before.items() <= snapshot(own).items()


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_fetched_over_a_file_of_a_reader(site, tmp_path, fault):
    url, folder, arrays = site
    target = tmp_path / "own" / "mnist" / FILES[0]
    target.parent.mkdir(parents=True)
    message = spoil(target, (folder / FILES[0]).read_bytes(), fault)
    before = snapshot(tmp_path / "own")
    with pytest.raises(OSError, match=re.escape(f"its place is taken:\n  {message}")) as caught:
        mnist.mnist("mnist", folder=tmp_path / "own", mirrors=[url])
    assert f"expected nothing at {target}. Move it away" in str(caught.value)
    assert len(before) == 1 and snapshot(tmp_path / "own") == before
    target.rename(tmp_path / "aside")
    found = mnist.mnist("mnist", folder=tmp_path / "own", mirrors=[url], dtype=torch.uint8)
    assert np.array_equal(found.X.numpy(), arrays[FILES[0]])


def test_a_file_and_a_folder_in_each_others_place(site, tmp_path):
    url, folder, _ = site
    with pytest.raises(NotADirectoryError, match=rf"^mnist: folder is .*{FILES[0]}, a file; expected the folder"):
        mnist.mnist("mnist", folder=folder / FILES[0], mirrors=[url])
    own = tmp_path / "own"
    own.mkdir()
    (own / "mnist").write_bytes(b"mine")
    with pytest.raises(OSError, match=r"^mnist: \[Errno \d+\] File exists: '.*mnist'\n"):
        mnist.mnist("mnist", folder=own, mirrors=[url])
    for file in FILES:
        (own / file).write_bytes((folder / file).read_bytes())
    assert len(mnist.mnist("mnist", folder=own, mirrors=NOWHERE).t) == 5
    assert (own / "mnist").read_bytes() == b"mine"
    cached = tmp_path / "cache" / "mnist" / FILES[0]
    cached.mkdir(parents=True)  # in the library's own folder too
    with pytest.raises(OSError, match="its place is taken:\n.* cannot be read: Is a directory"):
        mnist.mnist("mnist", mirrors=[url])
    assert list(cached.parent.iterdir()) == [cached]


def test_the_known_mirrors_are_asked_in_turn(site, monkeypatch):
    url, *_ = site
    monkeypatch.setattr(mnist, "_MIRRORS", {"mnist": (f"{url}/nothing/", f"{url}/"), "fashion": (f"{url}/nothing/",)})
    assert len(mnist.mnist("mnist", "test").t) == 3
    with pytest.raises(OSError, match=f"could not be fetched:\n  {url}/nothing/{FILES[0]}: HTTP status 404"):
        mnist.mnist("fashion")


def test_the_default_folder(site, tmp_path, monkeypatch):
    monkeypatch.delenv("NNDL_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    mnist.mnist("mnist", "test", mirrors=[site[0]])
    assert (tmp_path / ".cache" / "nndl_lib" / "mnist" / FILES[2]).is_file()


def test_truncated_and_changed_files_are_refused(site, tmp_path):
    url, folder, _ = site
    whole = (folder / FILES[0]).read_bytes()
    for data in (whole[:-5], whole[:50] + b"?" + whole[51:]):
        (folder / FILES[0]).write_bytes(data)
        with pytest.raises(OSError, match=rf"{FILES[0]}: what came \({len(data)} bytes\) has SHA-256"):
            mnist.mnist("mnist", mirrors=[url])
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []
    (folder / FILES[0]).write_bytes(whole)
    cached = tmp_path / "cache" / "mnist" / FILES[0]
    cached.write_bytes(whole[:100])  # a file in the cache that something else broke
    with pytest.warns(UserWarning, match=rf"{FILES[0]} was fetched, .*\n.*{FILES[0]} cannot be read: Compressed file"):
        assert len(mnist.mnist("mnist", mirrors=[url]).t) == 5
    assert cached.read_bytes() == whole


@pytest.mark.parametrize(
    "array, k",
    [
        (np.zeros((5, 28, 27), "u1"), 0),
        (np.zeros((4, 28, 28), "u1"), 0),
        (np.zeros((5, 28, 28), "i4"), 0),
        (np.full(5, 10, "u1"), 1),
        (np.zeros((5, 1), "u1"), 1),
        (np.zeros(5, "i4"), 1),
    ],
)
def test_other_contents(site, monkeypatch, array, k):
    url, folder, _ = site
    (folder / FILES[k]).write_bytes(gzip.compress(idx(array)))
    monkeypatch.setattr(mnist, "_CHECKSUMS", {"mnist": checksums_of(folder)})
    shape = str(array.shape)
    with pytest.raises(ValueError, match=rf"^mnist: {FILES[0][:-3]} .*{re.escape(shape)}.*; expected \(N, 28, 28\)"):
        mnist.mnist("mnist", mirrors=[url])


@pytest.mark.parametrize(
    "message, arguments",
    [
        ("mnist: name is 'digits'; expected 'mnist' or 'fashion'", {"name": "digits"}),
        ("mnist: split is 'valid'; expected 'train' or 'test'", {"name": "mnist", "split": "valid"}),
        ("mnist: dtype is torch.int64; expected a floating-point one", {"name": "mnist", "dtype": torch.int64}),
        ("mnist: dtype is 'float32'; expected a floating-point one", {"name": "mnist", "dtype": "float32"}),
        (
            "mnist: mirrors is 'http://here/'; expected a list of addresses",
            {"name": "mnist", "mirrors": "http://here/"},
        ),
    ],
)
def test_what_is_refused(message, arguments):
    with pytest.raises(ValueError, match=re.escape(message)):
        mnist.mnist(**arguments)


def test_known_addresses_and_checksums():
    for name in ("mnist", "fashion"):
        assert list(mnist._CHECKSUMS[name]) == [file.removesuffix(".gz") for file in FILES]
        checksums = [checksum for both in mnist._CHECKSUMS[name].values() for checksum in both]
        assert len(set(checksums)) == 8 and all(re.fullmatch("[0-9a-f]{64}", checksum) for checksum in checksums)
        assert len(mnist._MIRRORS[name]) == 2 and all(url.endswith("/") for url in mnist._MIRRORS[name])


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": ["mnist"]}, "mnist: name is ['mnist']; expected 'mnist' or 'fashion'"),
        ({"split": True}, "mnist: split is True; expected 'train' or 'test'"),
        ({"mirrors": 5}, "mnist: mirrors is 5; expected a list of addresses"),
        ({"mirrors": []}, "fetch: urls is []; expected a list of at least one address"),  # not the known ones instead
        ({"dtype": "float32"}, "mnist: dtype is 'float32'; expected a floating-point one"),
    ],
)
def test_other_kinds_of_arguments(tmp_path, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mnist.mnist(**({"name": "mnist", "folder": tmp_path, "mirrors": NOWHERE} | options))


def test_a_device_that_is_not_there_is_refused_before_the_network_is_asked(tmp_path):
    with pytest.raises(RuntimeError, match="nowhere"):
        mnist.mnist("mnist", folder=tmp_path, mirrors=NOWHERE, device="nowhere")
    assert not any(tmp_path.iterdir())
