"""nndl_lib.data._download against a server on this machine, honest and faulty."""

import hashlib
import os
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nndl_lib.data import _download as downloads

DATA = bytes(k * k % 251 for k in range(700_000))  # more than two chunks
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Gives DATA at any address, faulty in the way that the address names; writes down what is asked for."""

    def do_GET(self):
        server, fault = self.server, self.path.rsplit("/", 1)[-1]
        asked = self.headers.get("Range")
        server.asked.append((fault, asked))
        if fault == "silent":
            server.closing.wait(5)
            return
        if fault == "no-http":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        if fault.isdigit():
            self.send_error(int(fault))
            return
        data = DATA if fault != "changed" else DATA[:-1] + b"\0"
        whole = fault in ("no-ranges", "whole-with-range")  # gives all of it whatever is asked for
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not whole else 0
        if asked and start >= len(data):
            self.send_error(416)
            return
        first = sum(name == fault for name, _ in server.asked) == 1
        self.send_response(206 if asked and not whole else 200)
        if asked and fault == "whole-with-range":
            self.send_header("Content-Range", f"{asked.replace('=', ' ')}{len(data) - 1}/{len(data)}")
        if asked and not whole:
            shift = 1 if fault == "wrong-range" else 0
            self.send_header("Content-Range", f"bytes {start - shift}-{len(data) - 1}/{len(data)}")
            start -= shift
        if fault != "no-length":
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = fault == "always-cut" or (first and fault in ("cut-once", "wrong-range", "no-ranges", "whole-with-range"))
        end = len(data) - 1 if fault == "last-byte-missing" else len(data)
        self.wfile.write(data[start:][:300_000] if cut else data[start:end])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.closing = [], threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetches_once(server, tmp_path):
    path = tmp_path / "new" / "data"
    assert downloads.fetch([f"{server.address}/good"], str(path), SHA) == path
    assert path.read_bytes() == DATA and os.listdir(path.parent) == ["data"]
    assert downloads.fetch([f"{server.address}/good"], path, SHA) == path
    assert server.asked == [("good", None)]
    assert downloads.sha256_of(path) == SHA


def test_a_file_with_another_checksum_is_replaced(server, tmp_path):
    (tmp_path / "data").write_bytes(b"other")
    downloads.fetch([f"{server.address}/good"], tmp_path / "data", SHA)
    assert (tmp_path / "data").read_bytes() == DATA


def test_a_broken_transfer_goes_on(server, tmp_path):
    downloads.fetch([f"{server.address}/cut-once"], tmp_path / "data", SHA)
    assert (tmp_path / "data").read_bytes() == DATA and os.listdir(tmp_path) == ["data"]
    assert server.asked == [("cut-once", None), ("cut-once", "bytes=300000-")]


def test_goes_on_with_another_mirror_and_in_another_call(server, tmp_path):
    with pytest.raises(OSError, match="the connection ended after 300000 of 700000 bytes"):
        downloads.fetch([f"{server.address}/always-cut"], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data.part").stat().st_size == 300_000
    server.asked.clear()
    downloads.fetch([f"{server.address}/404", f"{server.address}/good"], tmp_path / "data", SHA)
    assert server.asked == [("404", "bytes=300000-"), ("good", "bytes=300000-")]
    assert (tmp_path / "data").read_bytes() == DATA and os.listdir(tmp_path) == ["data"]


def test_a_transfer_that_lacks_its_last_byte_is_kept(server, tmp_path):
    with pytest.raises(OSError, match="the connection ended after 699999 of 700000 bytes"):
        downloads.fetch([f"{server.address}/last-byte-missing"], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data.part").read_bytes() == DATA[:-1]


@pytest.mark.parametrize("fault", ["no-ranges", "wrong-range", "whole-with-range"])
def test_servers_that_do_not_go_on_start_over(server, tmp_path, fault):
    downloads.fetch([f"{server.address}/{fault}"], tmp_path / "data", SHA)
    assert (tmp_path / "data").read_bytes() == DATA and os.listdir(tmp_path) == ["data"]
    asked = [None, "bytes=300000-"] + ([None] if fault == "wrong-range" else [])  # what it gave is thrown away
    assert server.asked == [(fault, one) for one in asked]


def test_a_server_that_does_not_say_the_length(server, tmp_path):
    downloads.fetch([f"{server.address}/no-length"], tmp_path / "data", SHA)
    assert (tmp_path / "data").read_bytes() == DATA


@pytest.mark.parametrize("begun", [b"x" * 1000, b"y" * 700_000, b"z" * 700_001])
def test_a_beginning_of_another_file_is_thrown_away(server, tmp_path, begun):
    (tmp_path / "data.part").write_bytes(begun)
    downloads.fetch([f"{server.address}/good"], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data").read_bytes() == DATA and os.listdir(tmp_path) == ["data"]
    assert [asked for _, asked in server.asked] == [f"bytes={len(begun)}-", None]


def test_a_whole_part_is_taken(server, tmp_path):
    (tmp_path / "data.part").write_bytes(DATA)
    downloads.fetch([f"{server.address}/good"], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data").read_bytes() == DATA and len(server.asked) == 1


def test_a_changed_file_is_refused_and_the_next_mirror_asked(server, tmp_path):
    changed, good = f"{server.address}/changed", f"{server.address}/good"
    with pytest.raises(OSError, match=rf"{changed}: what came \(700000 bytes\) has SHA-256 \w{{64}}; expected {SHA}"):
        downloads.fetch([changed], tmp_path / "data", SHA)
    assert os.listdir(tmp_path) == []
    assert len(server.asked) == 3
    downloads.fetch([changed, good], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data").read_bytes() == DATA


def test_refusals_are_taken_at_their_word_and_failures_tried_again(server, tmp_path):
    urls = [f"{server.address}/{status}" for status in (404, 416, 500, 503)]
    with pytest.raises(OSError) as caught:
        downloads.fetch(urls, tmp_path / "data", SHA, attempts=2)
    assert [fault for fault, _ in server.asked] == ["404", "416", "500", "500", "503", "503"]
    assert str(caught.value).splitlines() == [
        f"fetch: {tmp_path / 'data'} could not be fetched:",
        f"  {urls[0]}: HTTP status 404 (Not Found)",
        f"  {urls[1]}: HTTP status 416 ({HTTPStatus(416).phrase})",  # whose words differ between versions of Python
        f"  {urls[2]}: HTTP status 500 (Internal Server Error)",
        f"  {urls[3]}: HTTP status 503 (Service Unavailable)",
        "expected one of these addresses to give it. Without a network, put the file there by hand; its SHA-256 is "
        + SHA,
    ]


def test_a_silent_server_is_not_waited_for(server, tmp_path):
    with pytest.raises(OSError, match="/silent: .*timed out"):
        downloads.fetch([f"{server.address}/silent"], tmp_path / "data", SHA, timeout=0.1, attempts=1)


def test_a_server_that_speaks_another_language_is_one_that_fails(server, tmp_path):
    downloads.fetch([f"{server.address}/no-http", f"{server.address}/good"], tmp_path / "data", SHA, attempts=1)
    assert (tmp_path / "data").read_bytes() == DATA and [fault for fault, _ in server.asked] == ["no-http", "good"]


def test_the_folder_is_made(server, tmp_path):
    downloads.fetch([f"{server.address}/good"], tmp_path / "a" / "b" / "data", SHA)
    assert (tmp_path / "a" / "b" / "data").read_bytes() == DATA


def test_what_arrived_is_on_the_disk_before_it_gets_its_name(server, tmp_path, monkeypatch):
    def fails(number):
        raise OSError("the disk says no")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="^fetch: .*data could not be written: the disk says no"):
        downloads.fetch([f"{server.address}/good"], tmp_path / "data", SHA)
    assert not (tmp_path / "data").exists()


def test_says_so_where_the_file_that_is_there_is_another(tmp_path):
    (tmp_path / "data").write_bytes(b"other")
    with pytest.raises(OSError) as caught:
        downloads.fetch(["http://127.0.0.1:9/data"], tmp_path / "data", SHA, attempts=1)
    other = hashlib.sha256(b"other").hexdigest()
    assert str(caught.value).splitlines()[2] == f"  the file that is there has SHA-256 {other}"
    assert (tmp_path / "data").read_bytes() == b"other"


def test_offline(tmp_path):
    # No server listens there, and no such name is known.
    urls = ["http://127.0.0.1:9/data", "http://nowhere.invalid/data"]
    with pytest.raises(OSError) as caught:
        downloads.fetch(urls, tmp_path / "data", SHA, attempts=1)
    for url in urls:
        assert re.search(re.escape(url) + r": \S+", str(caught.value))
    assert "Connection refused" in str(caught.value) and "put the file there by hand" in str(caught.value)
    (tmp_path / "data").write_bytes(DATA)
    assert downloads.fetch(urls, tmp_path / "data", SHA) == tmp_path / "data"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, a disk that is full")
def test_a_full_disk(server, tmp_path):
    (tmp_path / "data.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="^fetch: .*data could not be written: .*No space left"):
        downloads.fetch([f"{server.address}/good", f"{server.address}/404"], tmp_path / "data", SHA)
    assert len(server.asked) == 1  # another address would not help


def test_no_address(tmp_path):
    with pytest.raises(ValueError, match=r"^fetch: urls is \[\]; expected a list of at least one address"):
        downloads.fetch([], tmp_path / "data", SHA)
    with pytest.raises(ValueError, match="^fetch: urls is 'http://127.0.0.1:9/data'; expected a list"):
        downloads.fetch("http://127.0.0.1:9/data", tmp_path / "data", SHA)
    for url in ("data", "file:///data", "ftp://here/data", 5):
        with pytest.raises(
            ValueError, match=f"^fetch: an address is {url!r}; expected http:// or https:// at its beginning"
        ):
            downloads.fetch(["http://127.0.0.1:9/data", url], tmp_path / "folder" / "data", SHA)
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("sha", [None, "", "abc", SHA[:-1] + "g", SHA + "0", 5])
def test_no_checksum(tmp_path, sha):
    # None would be the checksum of a file that is not there.
    with pytest.raises(ValueError, match=re.escape(f"fetch: sha256 is {sha!r}; expected 64 hexadecimal digits")):
        downloads.fetch(["http://127.0.0.1:9/data"], tmp_path / "data", sha)


def test_a_checksum_in_capitals(tmp_path):
    (tmp_path / "data").write_bytes(DATA)
    assert downloads.fetch(["http://127.0.0.1:9/data"], tmp_path / "data", SHA.upper()) == tmp_path / "data"


@pytest.mark.parametrize(
    "options", [{"attempts": 0}, {"attempts": "3"}, {"timeout": 0}, {"timeout": "1"}, {"timeout": -1}]
)
def test_other_numbers(tmp_path, options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"^fetch: {name} is {value!r}; expected"):
        downloads.fetch(["http://127.0.0.1:9/data"], tmp_path / "data", SHA, **options)
