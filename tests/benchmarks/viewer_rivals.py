"""The peers' pages for the comparison: each served to itself, and opened like ours."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext

from medseg_site.places import REPOSITORY
from tests.benchmarks.viewer_browser import Sight, UnseenError, watching

CANVAS = "#axial canvas.cornerstone-canvas"
OHIF_CANVAS = "canvas.cornerstone-canvas"
STEPS = "window.bench && (bench.ready || bench.errors.length > 0)"


@contextmanager
def served(page: Path, data: Path) -> Iterator[str]:
    """The address of a static server of its own process."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("127.0.0.1", 0))
        port = int(trial.getsockname()[1])
    words = ("-m", "tests.benchmarks.viewer_serve", str(page), str(data), str(port))
    server = subprocess.Popen(
        [sys.executable, *words], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            raise SystemExit("the peers' server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def cornerstone_address(url: str, show: str, size: tuple[float, float] | None = None) -> str:
    """``size`` is the room that our own planes have."""
    room = f"&width={size[0]:.0f}&height={size[1]:.0f}" if size else ""
    return f"{url}/?show={show}{room}"


def ohif_address(url: str) -> str:
    return f"{url}/viewer/dicomjson?url={url}/data/study.json"


def cornerstone_opened(context: BrowserContext, address: str) -> Sight:
    sight = watching(context, address, CANVAS)
    sight.page.wait_for_function(STEPS)
    told = sight.page.evaluate("bench")
    if not told["ready"]:
        raise UnseenError(told["errors"][0].splitlines()[0])
    sight.page.wait_for_timeout(1500)
    return sight
