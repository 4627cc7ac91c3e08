"""How soon the next case shows: ``python -m tests.benchmarks.flow``.

A whole site runs, and a real Chromium without a GPU goes through a worklist by the keyboard. Each
case is one grey of its own, so that the page's own pixels say which case is on the screen: what is
timed runs from the key's own time stamp to the frame after the one in which the middle of the
picture has the next case's grey. A row is one way to go on: ``submit`` waits for the service to
take the case, ``next`` leaves it as it is. The peer is the same page where it reads nothing ahead,
as it does for people who save data. The two take turns, case by case.
"""

from __future__ import annotations

import io
import json
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

from tests.benchmarks.measuring import finish, options, peer, say
from tests.conftest import find_chromium
from tests.running import Site

PATIENCE_S = 60.0
PASSWORD = "correct horse battery staple"
SWITCHES = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SAVES_DATA = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
WATCH = """
(greys) => {
  window.shown = null;
  addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const pressed = event.timeStamp;
    const before = location.pathname;
    const look = () => {
      const canvas = document.querySelector('[data-testid=review-canvas-axial]');
      const number = location.pathname === before ? undefined : greys[location.pathname.slice(7)];
      if (canvas && canvas.width > 0 && number !== undefined) {
        const [x, y] = [canvas.width >> 1, canvas.height >> 1];
        const [grey] = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
        if (Math.abs(grey - number) <= 3) {
          requestAnimationFrame((now) => (window.shown = performance.now() - pressed));
          return;
        }
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, true);
}
"""


def main() -> None:
    asked = options(
        __doc__,
        side={"type": int, "default": 1024, "help": "pixels along an edge"},
        rest={"type": float, "default": 2.0, "help": "seconds that a person looks at a case"},
    )
    peer("playwright.sync_api")
    cases = 2 * (asked.rounds + 2)
    with a_site() as site:
        greys = fill(site, cases, asked.side)
        took = run(site, greys, asked)
    rows = [row(way, took[way, True], took[way, False]) for way in ("submit", "next")]
    finish(
        "flow", "the page that reads nothing ahead", rows, asked.json,
        side=asked.side, rest_s=asked.rest, cases=cases, milliseconds={
            f"{way}, {'ahead' if ahead else 'not ahead'}": [round(one, 1) for one in values]
            for (way, ahead), values in took.items()
        },
    )  # fmt: skip


def row(way: str, ours: list[float], theirs: list[float]) -> dict[str, object]:
    return {
        "way": way,
        "ours_p50_ms": round(statistics.median(ours), 1),
        "ours_p95_ms": round(p95(ours), 1),
        "peer_p50_ms": round(statistics.median(theirs), 1),
        "peer_p95_ms": round(p95(theirs), 1),
        "n": len(ours),
        "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
    }


def p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20, method="inclusive")[-1]


@contextmanager
def a_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="ms-", dir="/tmp") as folder:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.bind(("127.0.0.1", 0))
            port = int(trial.getsockname()[1])
        site = Site(Path(folder) / "data", port)
        site.make_database()
        try:
            site.start()
            site.wait_until_ready()
            yield site
        finally:
            site.remove()


def fill(site: Site, count: int, side: int) -> dict[str, int]:
    """Import ``count`` pictures; the grey in the middle of each case, by its key.

    Boxes are asked for, which no shipped network finds: nothing lies on the picture.
    """
    from tests.rest import Rest

    noise = np.random.default_rng(0).integers(0, 256, (side, side), dtype=np.uint8)
    middle = slice(side // 4, 3 * side // 4)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            noise[middle, middle] = grey_of(number)
            Image.fromarray(noise).save(Path(folder) / f"case{number:03d}.png")
        words = ("import_cases", folder, "--project", "Flow", "--task", "boxes", "--json")
        site.command(*words)
    boss = Rest(site, str(json.loads(site.command("create_token", "admin", "--json"))["token"]))
    (project,) = boss.get("projects/")["results"]
    rows = boss.get(f"projects/{project['id']}/cases/?limit=200&order=number")["results"]
    return {case["id"]: middle_of(boss, case["id"]) for case in rows}


def middle_of(person: Any, case: str) -> int:
    """The grey that the service itself shows there."""
    (image,) = (one["id"] for one in person.get(f"cases/{case}/")["images"])
    picture = Image.open(io.BytesIO(person.ask("GET", f"images/{image}/preview/0/").content))
    return int(np.asarray(picture.convert("L"))[picture.height // 2, picture.width // 2])


def grey_of(number: int) -> int:
    """Far from its neighbours'."""
    return 70 + number * 37 % 181


def run(site: Site, greys: dict[str, int], asked: Any) -> dict[tuple[str, bool], list[float]]:
    from playwright.sync_api import sync_playwright

    link = site.url + urlsplit(site.administrator_link()).path
    took: dict[tuple[str, bool], list[float]] = {
        (way, ahead): [] for way in ("submit", "next") for ahead in (True, False)
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(SWITCHES))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        sign_in(context.new_page(), link)
        pages = {True: context.new_page(), False: context.new_page()}
        pages[False].add_init_script(SAVES_DATA)
        half = len(greys) // 2
        starts = {True: next(iter(greys)), False: list(greys)[half]}
        switch_on(pages[True], f"{site.url}/cases/{starts[True]}")
        for way, key in (("next", "Shift+Enter"), ("submit", "Control+Enter")):
            for ahead, page in pages.items():
                page.goto(f"{site.url}/cases/{starts[ahead]}")
                page.evaluate(WATCH, greys)
            for number in range(asked.rounds + 1):
                for ahead, page in pages.items():
                    shown = one(page, key, asked.rest)
                    if number > 0:  # the first of each fetches scripts and starts workers
                        took[way, ahead].append(shown)
            say(f"{way}: load {os.getloadavg()[0]:.1f}")
        browser.close()
    return took


def sign_in(page: Any, link: str) -> None:
    page.goto(link)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("button[type=submit]").first.click()
    page.get_by_test_id("account-menu").wait_for()
    page.close()


def switch_on(page: Any, address: str) -> None:
    """A verdict leads on to the next case."""
    page.goto(address)
    page.get_by_test_id("goes-on").click()


def one(page: Any, key: str, rest_s: float) -> float:
    """Milliseconds from the key to the next case's picture, after a while of looking."""
    page.bring_to_front()
    page.locator("[data-testid=save-status][data-status=saved]").wait_for()
    time.sleep(rest_s)
    page.evaluate("window.shown = null")
    page.keyboard.press(key)
    return figure_of(page, "shown")


def figure_of(page: Any, name: str) -> float:
    """What the page's own script has put under this name, once it has."""
    deadline = time.monotonic() + PATIENCE_S
    while (told := page.evaluate(f"window.{name}")) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing was {name} within {PATIENCE_S:.0f} s at {page.url}")
        time.sleep(0.02)
    return float(told)


if __name__ == "__main__":
    main()
