"""A crowded review page: ``python -m tests.benchmarks.candidates``.

A whole site runs, and a real Chromium without a GPU opens two pictures of 2,048 x 2,048. One has
5,000 candidates of a run, of which the cut-offs keep some: every step of the score's and of the
overlap's slider, made by an arrow key, suppresses anew, paints and saves; ``script`` is what the
page's JavaScript took for it (``viewer_browser`` says how it is taken). The other has 10,000
instances: the list is scrolled, the picture zoomed and moved, instances are chosen with the mouse
and by the key for the next one, while the browser itself tells of every task above 50 ms.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tifffile
from playwright.sync_api import Browser, Page, sync_playwright

from medseg_site.places import REPOSITORY
from segmentation.demo.folders import Row, write_index, write_nuclei
from segmentation.demo.phantoms import nuclei_field
from tests.benchmarks.flow import a_site
from tests.benchmarks.measuring import circumstances, options, say, table
from tests.benchmarks.viewer_browser import SETTLE_S, Sight, fresh, launched, signed_in, watching
from tests.benchmarks.viewer_figures import lone_row
from tests.benchmarks.viewer_run import PLAIN
from tests.rest import Rest
from tests.running import Site

CANVAS = "[data-testid=review-canvas-axial]"
SAVED = "[data-testid=save-status][data-status=saved]"
SLIDERS = {"score": "cutoff-score", "overlap": "cutoff-overlap"}
MEDIAN_MOST_MS, P99_MOST_MS, TASK_MOST_MS = 16, 50, 50
PROJECT, KIND = "Crowded", "drawing"
"""No network claims to know it: nothing is predicted beside what is measured."""
WARMING, RUN, FRAME_S = 10, 25, 0.03
LISTEN = """
window.tasks = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => tasks.push(one.duration)))
  .observe({ type: 'longtask', buffered: false });
"""


def main() -> None:
    asked = options(
        __doc__,
        candidates={"type": int, "default": 5_000},
        instances={"type": int, "default": 10_000},
        steps={"type": int, "default": 100, "help": "steps of each slider"},
    )
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder, a_site() as site:
        say("drawing and importing the cases")
        cases, told = seeded(site, Path(folder), asked)
        say(told)
        with sync_playwright() as playwright:
            browser = launched(playwright, PLAIN)
            state = signed_in(browser, site)
            steps = slider_steps(browser, f"{site.url}/cases/{cases[0]}", state, asked.steps)
            tasks = long_tasks(browser, f"{site.url}/cases/{cases[1]}", state)
            browser.close()
    rows = [row for name, taken in steps.items() for row in slider_rows(name, taken)]
    rows += [task_row(act, taken) for act, taken in tasks.items()]
    say()
    table(rows)
    result = {
        "benchmark": "candidates",
        "peer": None,
        "rows": rows,
        "drawn": told,
        "instances": asked.instances,
        **circumstances(),
    }
    if asked.json:
        print(json.dumps(result), flush=True)


def seeded(site: Site, folder: Path, asked: Any) -> tuple[list[str], str]:
    """The case with candidates and the one with instances."""
    rows = []
    for number, (name, count) in enumerate((("few", 2_000), ("many", asked.instances))):
        field = nuclei_field(count, seed=number)
        picture = folder / f"{name}.tif"
        tifffile.imwrite(picture, field.pixels, photometric="minisblack", metadata=None)
        if name == "many":
            write_nuclei(folder / "many.json", field, picture.name)
        mask = "many.json" if name == "many" else ""
        rows.append(Row(name, picture.name, "drawn", "CC0-1.0", mask=mask, kind=KIND))
    write_index(folder, rows, instances=True)
    site.administrator_link()  # once it is told, nobody else makes the first person
    site.command("import_cases", str(folder), "--project", PROJECT, "--task", "instances", "--json")
    boss = Rest(site, str(json.loads(site.command("create_token", "admin", "--json"))["token"]))
    project = next(one for one in boss.get("projects/")["results"] if one["name"] == PROJECT)
    found = boss.get(f"projects/{project['id']}/cases/?order=number")["results"]
    cases = [case["id"] for case in sorted(found, key=lambda case: int(case["number"]))]
    boss.wait_for_jobs("predict")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.candidates_seed", cases[0], str(asked.candidates)],
        cwd=REPOSITORY, env={**site.environ, "REDIS_URL": f"unix://{site.folder}/run/redis.sock"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(done.stderr[-2000:])
    return cases, done.stdout.strip()


def slider_steps(browser: Browser, address: str, state: Any, count: int) -> dict[str, list[float]]:
    """Milliseconds of script in each step of each slider."""
    context = fresh(browser, state)
    try:
        sight = watching(context, address, CANVAS)
        page = sight.page
        taken = {}
        for name, testid in SLIDERS.items():
            slider = page.get_by_test_id(testid).and_(page.locator(":enabled"))
            slider.wait_for()
            page.locator(SAVED).wait_for()
            slider.focus()
            for key in walk(WARMING):  # the first steps decode masks and compile the script
                page.keyboard.press(key)
                time.sleep(SETTLE_S)
            taken[name] = sight.script_each([pressing(page, key) for key in walk(count)])
            page.locator(SAVED).wait_for()
        say(f"sliders: load {os.getloadavg()[0]:.1f}")
        return taken
    finally:
        context.close()


def walk(count: int) -> list[str]:
    """Down and up again in runs of 25 steps, which is a quarter of a slider."""
    keys = ("ArrowLeft", "ArrowRight")
    return [keys[(step // RUN) % 2] for step in range(count)]


def pressing(page: Page, key: str) -> Callable[[], None]:
    return lambda: page.keyboard.press(key)


def long_tasks(browser: Browser, address: str, state: Any) -> dict[str, list[float]]:
    """Tasks above 50 ms, as the browser tells them, by what was done meanwhile."""
    context = fresh(browser, state)
    try:
        sight = watching(context, address, CANVAS)
        page = sight.page
        page.wait_for_function("() => watch.masks !== null")
        page.locator(SAVED).wait_for()
        page.get_by_test_id("tool-select").click()
        page.evaluate(LISTEN)
        taken = {}
        for name, act in ACTS.items():
            sight.rest()
            page.evaluate("tasks.length = 0")
            act(page, sight)
            time.sleep(4 * SETTLE_S)
            taken[name] = [float(one) for one in page.evaluate("tasks")]
        say(f"instances: load {os.getloadavg()[0]:.1f}")
        return taken
    finally:
        context.close()


def scroll_list(page: Page, sight: Sight) -> None:
    page.get_by_test_id("findings-list").hover()
    for _ in range(60):
        page.mouse.wheel(0, 1500)
        time.sleep(FRAME_S)


def zoom(page: Page, sight: Sight) -> None:
    page.keyboard.down("Control")
    for step in range(60):
        page.mouse.wheel(0, -60 if step < 30 else 60)
        time.sleep(FRAME_S)
    page.keyboard.up("Control")


def pan(page: Page, sight: Sight) -> None:
    x, y = sight.middle()
    page.mouse.down(button="middle")
    for step in range(60):
        page.mouse.move(x + 4 * step - 120, y + 2 * step - 60)
        time.sleep(FRAME_S)
    page.mouse.up(button="middle")
    page.keyboard.press("0")


def select(page: Page, sight: Sight) -> None:
    x, y = sight.middle()
    for step in range(30):
        page.mouse.click(x + 37 * (step % 6) - 90, y + 41 * (step // 6) - 90)
        time.sleep(2 * FRAME_S)


def step_on(page: Page, sight: Sight) -> None:
    for _ in range(30):
        page.keyboard.press("n")
        time.sleep(2 * FRAME_S)


ACTS: dict[str, Callable[[Page, Sight], None]] = {
    "scroll the list": scroll_list,
    "zoom": zoom,
    "pan": pan,
    "select by click": select,
    "next finding": step_on,
}


def slider_rows(name: str, taken: list[float]) -> list[dict[str, object]]:
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[-1]
    about = {"n": len(taken), "most": round(max(taken), 1)}
    return [
        lone_row(f"{name}: p50", "ms", statistics.median(taken), MEDIAN_MOST_MS, about),
        lone_row(f"{name}: p99", "ms", p99, P99_MOST_MS, about),
    ]


def task_row(act: str, taken: list[float]) -> dict[str, object]:
    """The longest task; nothing above 50 ms is told by the browser, so 0 stands for none."""
    most = max(taken, default=0.0)
    return lone_row(act, "ms", most, TASK_MOST_MS, {"n": len(taken), "most": round(most, 1)})


if __name__ == "__main__":
    main()
