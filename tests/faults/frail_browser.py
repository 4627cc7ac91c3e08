"""A Chromium that is killed on purpose."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright
from playwright.sync_api import Error as PlaywrightError

from medseg_site.site_lock import birth
from tests.browser.conftest import PATIENCE_MS, SWITCHES


class FrailBrowser:
    """A Chromium with a folder of its own: killed, it comes back to what it kept."""

    def __init__(self, playwright: Playwright, chromium: str, folder: Path) -> None:
        self.playwright, self.chromium, self.folder = playwright, chromium, folder
        self.cookies: list[Any] = []
        self.context = self._start()

    def _start(self) -> BrowserContext:
        context = self.playwright.chromium.launch_persistent_context(
            self.folder,
            executable_path=self.chromium,
            args=list(SWITCHES),
            viewport={"width": 1200, "height": 800},
        )
        context.set_default_timeout(PATIENCE_MS)
        # A browser that is killed has not yet put its newest cookies on the disk.
        context.add_cookies(self.cookies)
        return context

    def process(self, kind: str) -> int:
        """The renderer of the page, which is the largest, or the browser itself (``main``)."""
        found = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
        lines = {number: _command_line(number) for number in found}
        (main,) = [
            number
            for number, line in lines.items()
            if f"--user-data-dir={self.folder}" in line and "--type=" not in line and lives(number)
        ]
        if kind == "main":
            return main
        pages = [n for n, line in lines.items() if "--type=renderer" in line and _from(n, main)]
        return max(pages, key=_resident)

    def come_back(self, killed: str) -> None:
        if killed == "main":
            with contextlib.suppress(PlaywrightError):
                self.context.close()
            self.context = self._start()
        self.new_page()  # a page that has crashed hears nothing
        self.context.set_offline(False)

    def new_page(self) -> Page:
        old, page = self.context.pages, self.context.new_page()
        for each in old:
            each.close()
        return page


def _command_line(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _resident(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1])
    except OSError:
        return 0


def lives(number: int) -> bool:
    return birth(number) is not None


def _from(number: int, ancestor: int) -> bool:
    """Whether a process descends from another one."""
    while number > 1:
        if number == ancestor:
            return True
        try:
            status = Path(f"/proc/{number}/stat").read_text()
        except OSError:
            return False
        number = int(status.rsplit(")", 1)[1].split()[1])
    return False
