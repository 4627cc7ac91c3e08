"""A real Chromium on a real site: one context per person, pictures of every step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.running import Site

# For what neither the proxy nor the processes of the composition have a part in.
SAME_BEHIND_NGINX = pytest.mark.skipif(
    os.environ.get("MEDSEG_TEST_SITE") == "composed",
    reason="run once, without nginx: the pages behind it are the same bytes",
)
PASSWORD = "correct horse battery staple"
PATIENCE_MS = 60_000
# Chromium looks for its makers' hosts at every start; a test goes nowhere but to the site.
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(chromium: str, playwright: Playwright) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    browser = playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
    yield browser
    browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: ``MEDSEG_SCREENSHOTS`` keeps them."""
    folder = Path(os.environ.get("MEDSEG_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Desk:
    """One person at one browser."""

    def __init__(self, browser: Browser, site: Site, pictures: Path) -> None:
        self.context = browser.new_context(
            viewport={"width": 1440, "height": 900}, accept_downloads=True
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.site, self.pictures = site, pictures
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def use_link(self, link: str) -> None:
        """Set the password with a one-time link and arrive signed in."""
        self.page.goto(self.site.url + link[link.index("/link/") :])
        for field in self.page.locator("input[type=password]").all():
            field.fill(PASSWORD)
        self.page.locator("button[type=submit]").first.click()
        expect(self.page.get_by_test_id("account-menu")).to_be_visible()

    def go(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def picture(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.png")


@pytest.fixture
def desk(browser: Browser, pictures: Path, running_site: Site) -> Iterator[type[Desk]]:
    """Makes desks at the running site; whatever broke in a page's script fails the test."""
    made: list[Desk] = []

    class ADesk(Desk):
        def __init__(self) -> None:
            super().__init__(browser, running_site, pictures)
            made.append(self)

    yield ADesk
    for each in made:
        each.context.close()
    assert [trouble for each in made for trouble in each.troubles] == []
