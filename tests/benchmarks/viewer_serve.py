"""A static server for the peers' pages: ``python -m tests.benchmarks.viewer_serve PAGE DATA PORT``.

Files of PAGE, its index for every address without a file (as pages with a router of their own
want it), and DATA under ``/data/``. What compresses well is kept compressed, so that no peer waits
for gzip; nothing is cached by the browser that a fresh visitor would not have.
"""

from __future__ import annotations

import gzip
import mimetypes
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SQUEEZED = {".js", ".css", ".html", ".json", ".svg", ".wasm", ".bin"}
LEVEL = 6


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that closes a page breaks off what it was reading."""


def main() -> None:
    page, data, port = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), int(sys.argv[3])

    @cache
    def content(path: Path) -> tuple[bytes, bool]:
        plain = path.read_bytes()
        # What is imported into our site lies deeper, and stays as it is.
        if path.suffix not in SQUEEZED or not (path.parent == data or page in path.parents):
            return plain, False
        kept = path.with_name(path.name + ".gz")
        if not kept.exists():
            kept.write_bytes(gzip.compress(plain, LEVEL, mtime=0))
        return kept.read_bytes(), True

    def place(address: str) -> Path:
        root, name = (data, address[6:]) if address.startswith("/data/") else (page, address[1:])
        path = (root / name).resolve()
        return path if path.is_file() and path.is_relative_to(root) else page / "index.html"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = place(self.path.partition("?")[0])
            body, squeezed = content(path)
            self.send_response(200)
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if squeezed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Says nothing: its lines would drown the tables."""

    for path in (*page.rglob("*"), *data.glob("*")):
        if path.is_file() and path.suffix in SQUEEZED:
            content(path)
    server = Server(("127.0.0.1", port), Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
