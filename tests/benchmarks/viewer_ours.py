"""Our review page for the comparison: a whole site with two imported cases, opened as people do."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request

from medseg_site.places import REPOSITORY
from tests.benchmarks.flow import a_site
from tests.benchmarks.viewer_browser import Sight, fresh, watching
from tests.benchmarks.viewer_data import ZYX
from tests.rest import Rest
from tests.running import Site

CANVAS = "[data-testid=review-canvas-axial]"
PLANES = ".planes"
RADIUS_PX = 15
BUILT = REPOSITORY / "segmentation" / "static" / "segmentation"


@dataclass(frozen=True)
class Ours:
    """A running site with the volume and the crowd imported.

    The volume is there twice: one page at a time may draw on a case.
    """

    site: Site
    volume: str
    again: str
    crowd: str

    def address(self, case: str) -> str:
        return f"{self.site.url}/cases/{case}"


@contextmanager
def ours(volume: Path, crowd: Path) -> Iterator[Ours]:
    with a_site() as site:
        site.administrator_link()  # once it is told, nobody else makes the first person
        for folder, name, task in (
            (volume, "Volume", "semantic"),
            (volume, "Again", "semantic"),
            (crowd, "Crowd", "instances"),
        ):
            words = ("import_cases", str(folder), "--project", name, "--task", task, "--json")
            site.command(*words)
        boss = Rest(site, str(json.loads(site.command("create_token", "admin", "--json"))["token"]))
        cases = {}
        for project in boss.get("projects/")["results"]:
            (case,) = boss.get(f"projects/{project['id']}/cases/")["results"]
            cases[project["name"]] = case["id"]
        boss.wait_for_jobs("predict")
        yield Ours(site, cases["Volume"], cases["Again"], cases["Crowd"])


def loaded(page: Page) -> None:
    """Every slice is here, and what was drawn is saved."""
    page.locator("[data-testid=save-status][data-status=saved]").wait_for()
    page.wait_for_function(
        "count => performance.getEntriesByType('resource')"
        ".filter((one) => one.name.includes('/slices/') && one.responseEnd > 0).length >= count",
        arg=ZYX[0],
    )


def volume_opened(context: BrowserContext, address: str, three: bool) -> Sight:
    context.add_init_script("performance.setResourceTimingBufferSize(2000)")
    sight = watching(context, address, CANVAS)
    loaded(sight.page)
    page = sight.page
    page.wait_for_function("() => watch.masks !== null")
    if (page.locator(f"{PLANES} canvas").count() == 3) != three:
        page.keyboard.press("l")
        page.locator(f"{PLANES} canvas").nth(2).wait_for(state="visible" if three else "detached")
    page.get_by_test_id("tool-brush").click()
    page.get_by_test_id("tool-radius").fill(str(RADIUS_PX))
    page.locator(CANVAS).focus()
    return sight


def scripts_loaded(browser: Browser, here: Ours, state: Any) -> dict[str, int]:
    """Bytes of script as they came over the wire until the case can be worked on, by file."""
    context = fresh(browser, state)
    sizes: dict[str, int] = {}
    try:
        page = context.new_page()
        finished: list[Request] = []
        page.on("requestfinished", lambda request: finished.append(request))
        page.goto(here.address(here.volume))
        page.get_by_test_id("tool-brush").and_(page.locator(":enabled")).wait_for()
        page.locator("[data-testid=save-status][data-status=saved]").wait_for()
        for request in finished:
            if urlsplit(request.url).path.endswith(".js"):
                name = urlsplit(request.url).path.removeprefix("/static/segmentation/")
                sizes[name] = request.sizes()["responseBodySize"]
    finally:
        context.close()
    return sizes


def chunks(first: dict[str, int]) -> list[dict[str, object]]:
    """Every built script, its size as gzip makes it, and whether opening a case needs it."""
    rows = []
    for path in sorted(BUILT.rglob("*.js")):
        name = str(path.relative_to(BUILT))
        packed = len(gzip.compress(path.read_bytes(), 9, mtime=0))
        rows.append({"chunk": name, "gzip_bytes": packed, "at_first": name in first})
    return rows
