"""Files from the network, whole or not at all: resumed where a transfer broke off, compared with a known checksum.

Written with Python's own modules: the well-kept libraries for it do not resume a transfer.
"""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

from nndl_lib._arguments import check_positive
from nndl_lib._declared import checked, count

_CHUNK = 1 << 18


def sha256_of(path: str | os.PathLike) -> str:
    """The SHA-256 checksum of a file, 64 hexadecimal digits. Raises: OSError where it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _addresses(value: Sequence[str], name: str, caller: str) -> Sequence[str]:
    if isinstance(value, str) or not value:
        raise ValueError(f"{caller}: {name} is {value!r}; expected a list of at least one address")
    for url in value:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ValueError(f"{caller}: an address is {url!r}; expected http:// or https:// at its beginning")
    return value


def _checksum(value: str, name: str, caller: str) -> str:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise ValueError(f"{caller}: {name} is {value!r}; expected 64 hexadecimal digits")
    return value.lower()


@checked(urls=_addresses, sha256=_checksum, timeout=check_positive, attempts=count())
def fetch(urls: Sequence[str], path: str | os.PathLike, sha256: str, timeout: float = 30.0, attempts: int = 3) -> Path:
    """Return path, once it is a file with this checksum: if it is there already, without the network.

    What has arrived is kept beside path, with ``.part`` at its end, until it is whole; the next attempt, or the next
    call, asks for the rest. A file with another checksum than expected is thrown away, and replaced if it is at path.

    Args:
        urls: where the file is, by http or https; tried in this order.
        path: where it is to be; its folder is made if need be.
        sha256: its checksum, 64 hexadecimal digits, in capitals or not.
        timeout: seconds to wait for an answer, or for the next piece of it.
        attempts: how often to ask each address, at least 1; a refusal (status 4xx) is taken at its word.

    Raises:
        ValueError: there is no address, or one that is not by http or https, or another argument is outside its range.
        OSError: no address gave the file; it says what each answered. Or the disk cannot be written.
    """
    path = Path(path)
    found = sha256_of(path) if path.is_file() else None
    if found == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        for _ in range(attempts):
            try:
                _transfer(url, path, sha256, timeout)
                return path
            except urllib.error.HTTPError as error:
                error.close()
                failures.append(f"{url}: HTTP status {error.code} ({error.reason})")
                if error.code < 500:
                    break
            except _Unwritable as error:
                raise OSError(f"fetch: {path} could not be written: {error}") from error
            except (OSError, http.client.HTTPException) as error:  # URLError, timeouts and broken connections too
                reason = error.reason if isinstance(error, urllib.error.URLError) else error
                failures.append(f"{url}: {reason or type(error).__name__}")
    lines = "\n  ".join(dict.fromkeys(failures))
    lines += f"\n  the file that is there has SHA-256 {found}" if found else ""
    raise OSError(
        f"fetch: {path} could not be fetched:\n  {lines}\nexpected one of these addresses to give it. "
        f"Without a network, put the file there by hand; its SHA-256 is {sha256}"
    )


class _Unwritable(Exception):
    """The disk is at fault and no other address will help."""


def _transfer(url: str, path: Path, sha256: str, timeout: float) -> None:
    # Goes on with what is there, and moves it to path once it has the checksum.
    part = path.with_name(path.name + ".part")
    resumed = _receive(url, part, timeout)
    found = sha256_of(part)
    if found != sha256 and resumed:  # the beginning may have been that of another file
        part.unlink()
        _receive(url, part, timeout)
        found = sha256_of(part)
    if found != sha256:
        size = part.stat().st_size
        part.unlink()
        raise OSError(f"what came ({size} bytes) has SHA-256 {found}; expected {sha256}")
    os.replace(part, path)


def _receive(url: str, part: Path, timeout: float) -> bool:
    # Appends to part what it lacks; returns whether there was something before.
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "nndl-lib", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is there: whole, or another file's
            error.close()
            return True
        raise
    with response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        length = response.headers.get("Content-Length")
        done = _write(response, part, "ab" if goes_on else "wb")
        if length is not None and done < int(length):
            raise OSError(f"the connection ended after {done} of {length} bytes")
    return bool(have) and goes_on


def _write(response, part: Path, mode: str) -> int:
    done = 0
    with _on_disk():
        file = open(part, mode)
    with file:
        while chunk := response.read(_CHUNK):
            with _on_disk():
                file.write(chunk)
            done += len(chunk)
        with _on_disk():
            file.flush()
            os.fsync(file.fileno())
    return done


@contextmanager
def _on_disk():
    try:
        yield
    except OSError as error:
        raise _Unwritable(error) from error
