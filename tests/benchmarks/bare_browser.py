"""A Chromium with nothing but one tab watched over its own protocol.

Playwright asks the browser for the network's events, and Chromium then keeps up to 200 MB of
answers in the page's process for whoever might ask. Where memory is measured, that must not be.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

START_S = 60.0
ANSWER_S = 300.0


class Tab:
    """One page; every method waits for the browser's answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number, self._session = socket, 0, ""
        target = self.send("Target.createTarget", url="about:blank")
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.send("Emulation.setDeviceMetricsOverride", width=1440, height=900,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip

    def send(self, method: str, /, **words: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": words}
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps(message | session))
        while True:
            told = json.loads(self._socket.recv(timeout=ANSWER_S))
            if told.get("id") == self._number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return dict(told["result"])

    def renderers(self) -> list[int]:
        """Numbers of the processes that draw pages; a browser keeps a spare one."""
        session, self._session = self._session, ""
        told = self.send("SystemInfo.getProcessInfo")["processInfo"]
        self._session = session
        return [int(one["id"]) for one in told if one["type"] == "renderer"]

    def go(self, address: str) -> None:
        self.send("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        told = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"].get("exception", told))
        return told["result"].get("value")

    def until(self, true: str) -> None:
        """Ask again and again; between two pages there may be nobody to answer."""
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            try:
                if self.evaluate(true):
                    return
            except RuntimeError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"not so after {ANSWER_S:.0f} s: {true}")

    def click(self, testid: str) -> None:
        self.until(f"document.querySelector('[data-testid={testid}]') !== null")
        self.evaluate(f"document.querySelector('[data-testid={testid}]').click()")

    def key(self, name: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                      windowsVirtualKeyCode=code)  # fmt: skip

    def mouse(self, kind: str, x: float, y: float, button: str = "none", **more: Any) -> None:
        held = {"none": 0, "left": 1, "middle": 4}[button]
        buttons = 0 if kind == "mouseReleased" else held
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button,
                  buttons=buttons, clickCount=1, **more)  # fmt: skip

    def drag(
        self, begin: Sequence[float], end: Sequence[float], button: str = "left", steps: int = 12
    ) -> None:
        self.mouse("mouseMoved", *begin)
        self.mouse("mousePressed", *begin, button=button)
        for step in range(1, steps + 1):
            at = [a + (b - a) * step / steps for a, b in zip(begin, end, strict=True)]
            self.mouse("mouseMoved", *at, button=button)
        self.mouse("mouseReleased", *end, button=button)

    def zoom(self, at: Sequence[float], delta: float) -> None:
        """The wheel with the control key."""
        self.mouse("mouseWheel", *at, deltaX=0, deltaY=delta, modifiers=2)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))


@contextmanager
def bare_browser(chromium: str, switches: Sequence[str]) -> Iterator[Tab]:
    """A browser of its own, gone at the end with all that it kept."""
    with tempfile.TemporaryDirectory(prefix="ms-chromium-", ignore_cleanup_errors=True) as folder:
        words = [f"--user-data-dir={folder}", "--remote-debugging-port=0", "--headless=new"]
        browser = subprocess.Popen(
            [chromium, *switches, *words, "about:blank"], stderr=subprocess.DEVNULL
        )
        try:
            with connect(_address(Path(folder)), max_size=None) as socket:
                yield Tab(socket)
        finally:
            browser.terminate()
            browser.wait(30)


def _address(folder: Path) -> str:
    told = folder / "DevToolsActivePort"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if told.exists() and len(lines := told.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not start within {START_S:.0f} s")
