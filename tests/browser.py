"""The browser that tests drive: the installed Chromium or Chrome, without a network of its own; and a server."""

import contextlib
import gzip
import http.server
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from book.pdf import CHROMIUM as CHROMIUM

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PACKED = (".html", ".css", ".js", ".svg", ".json", ".ipynb", ".txt", ".xml")


@contextlib.contextmanager
def serve(folder: Path, prefix: str = "/"):
    """Serve a folder below a path, as static hosts do: text compressed by gzip, and a 404 page.

    Yields (address, sizes): where the folder is, and the bytes sent, by path.
    """
    sizes = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            file = folder / (path.removeprefix(prefix) or "index.html")
            status = 200
            if not path.startswith(prefix) or not file.is_file():
                status, file = 404, folder / "404.html"
            data = file.read_bytes() if file.is_file() else b"There is no such page."
            self.send_response(status)
            self.send_header(
                "Content-Type",
                http.server.SimpleHTTPRequestHandler.extensions_map.get(
                    file.suffix,
                    {
                        ".html": "text/html; charset=utf-8",
                        ".js": "text/javascript; charset=utf-8",
                        ".css": "text/css",
                        ".svg": "image/svg+xml",
                        ".webp": "image/webp",
                        ".woff2": "font/woff2",
                    }.get(file.suffix, "application/octet-stream"),
                ),
            )
            if file.suffix in PACKED:
                data = gzip.compress(data, 6)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            sizes[path] = len(data)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a page that was left while it loaded
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{prefix}", sizes
        server.shutdown()


def wait_until(page, holds, seconds: float = 10.0):
    """Wait until `holds()` is true: a busy machine is slower than any fixed wait.

    Raises: AssertionError: it is not when the time is up.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not after {seconds:g} seconds"
        page.wait_for_timeout(30)
