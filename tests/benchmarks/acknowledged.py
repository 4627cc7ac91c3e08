"""How soon a stroke is safe: ``python -m tests.benchmarks.acknowledged``.

A whole site runs; a real Chromium draws stroke after stroke on a case with several hundred
findings, at rest and while the workers predict one large image after the other. What is timed runs
from the time stamp of the pointer's release to the end of the service's answer with the digests,
by the page's own clock. The peer is the same page at rest.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from segmentation.demo.phantoms import nuclei_field
from tests.benchmarks.flow import SWITCHES, a_site, figure_of, p95, sign_in
from tests.benchmarks.measuring import finish, options, peer, say
from tests.conftest import find_chromium
from tests.rest import Rest
from tests.running import Site

PROJECT = "Strokes"

WATCH = """
() => {
  window.released = 0;
  addEventListener('pointerup', (event) => (window.released = event.timeStamp), true);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.initiatorType === 'fetch' && entry.name.endsWith('/revisions/')) {
        window.acknowledged = entry.responseEnd - window.released;
      }
    }
  }).observe({ type: 'resource' });
}
"""


def main() -> None:
    asked = options(
        __doc__,
        side={"type": int, "default": 2048, "help": "pixels along an edge of what is predicted"},
        images={"type": int, "default": 24, "help": "how many of these"},
    )
    peer("playwright.sync_api")
    with a_site() as site:
        person, case = a_case(site)
        at_rest, busy, predicting = run(site, person, case, asked)
    rows = [
        {"while": name, "p50_ms": round(statistics.median(took), 1), "p95_ms": round(p95(took), 1),
         "most_ms": round(max(took), 1), "n": len(took)}
        for name, took in (("at rest", at_rest), ("predictions run", busy))
    ]  # fmt: skip
    finish(
        "acknowledged", "the page at rest", rows, asked.json,
        ratio=round(statistics.median(at_rest) / statistics.median(busy), 2),
        strokes_during_a_prediction=predicting, aim="p95 at most 150 ms while predictions run",
    )  # fmt: skip


def a_case(site: Site) -> tuple[Rest, str]:
    """A predicted case with the findings that strokes lie among."""
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(nuclei_field(400, (1024, 1024), seed=1).pixels).save(Path(folder) / "a.png")
        site.command("import_cases", folder, "--project", PROJECT, "--task", "instances", "--json")
    person = Rest(site, str(json.loads(site.command("create_token", "admin", "--json"))["token"]))
    person.wait_for_jobs("predict")
    (project,) = person.get("projects/")["results"]
    (case,) = person.get(f"projects/{project['id']}/cases/")["results"]
    return person, case["id"]


def run(site: Site, person: Rest, case: str, asked: Any) -> tuple[list[float], list[float], int]:
    from playwright.sync_api import sync_playwright

    strokes = max(20, 4 * asked.rounds)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(SWITCHES))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(60_000)
        sign_in(context.new_page(), site.url + urlsplit(site.administrator_link()).path)
        page = context.new_page()
        page.goto(f"{site.url}/cases/{case}")
        page.locator("[data-testid=save-status][data-status=saved]").wait_for()
        page.evaluate(WATCH)
        page.keyboard.press("b")
        lot = random.Random(1)
        for _ in range(3):  # the first ones fetch scripts
            stroke(page, lot)
        at_rest = [stroke(page, lot) for _ in range(strokes)]
        say(f"at rest: load {os.getloadavg()[0]:.1f}")
        bring_work(site, asked)
        busy: list[float] = []
        predicting = 0
        while len(busy) < strokes and (running := is_predicting(person)) is not None:
            busy.append(stroke(page, lot))
            predicting += running
        say(f"predictions run: load {os.getloadavg()[0]:.1f}")
        browser.close()
    return at_rest, busy, predicting


def bring_work(site: Site, asked: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(asked.images):
            field = nuclei_field(900, (asked.side, asked.side), seed=100 + number)
            Image.fromarray(field.pixels).save(Path(folder) / f"large{number:02d}.png")
        site.command("import_cases", folder, "--project", PROJECT, "--json")


def is_predicting(person: Rest) -> bool | None:
    """Whether a prediction runs this moment; None when there is none left."""
    states = [job["state"] for job in person.jobs() if job["kind"] == "predict"]
    if not {"queued", "running"} & set(states):
        return None
    return "running" in states


def stroke(page: Any, lot: random.Random) -> float:
    """Milliseconds from the release to the answer."""
    box = page.get_by_test_id("review-canvas-axial").bounding_box()
    x = box["x"] + box["width"] * lot.uniform(0.3, 0.7)
    y = box["y"] + box["height"] * lot.uniform(0.3, 0.7)
    page.evaluate("window.acknowledged = null")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 24, steps=6)
    page.mouse.up()
    return figure_of(page, "acknowledged")


if __name__ == "__main__":
    main()
