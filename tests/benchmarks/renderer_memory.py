"""How much memory the review page takes: ``python -m tests.benchmarks.renderer_memory --json``.

A whole site runs, and a real Chromium without a GPU opens a volume of 512 x 512 x 1,000 voxels of
16 bits and a colour picture of 8,192 x 8,192 pixels, each in a browser of its own. Everything is
looked at: all slices of all three planes are scrolled through; the picture is panned over whole at
full size and zoomed from end to end, drawn on, filled and windowed. What counts is the process
that draws the page, its workers included: ``rss`` is the highest resident memory that Linux ever
saw (``VmHWM``, shared libraries included), ``pss`` the highest of samples taken four times a
second, in which what is shared counts by its share, ``heap`` the script's own at the end.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nibabel
import numpy as np
from PIL import Image

from tests.benchmarks.bare_browser import Tab, bare_browser
from tests.benchmarks.flow import PASSWORD, SWITCHES, a_site
from tests.benchmarks.measuring import finish, options, peer, say
from tests.conftest import find_chromium
from tests.rest import Rest
from tests.running import Site

LIMITS_MB = {"volume": 700, "picture": 500}
MB = 10**6
SAMPLE_S = 0.25
LABELS = [{"name": "something", "colour": "#0072b2"}]

SCROLL = """
async (plane, count, delta) => {
  const canvas = document.querySelector(`[data-testid=review-canvas-${plane}]`);
  const at = canvas.getBoundingClientRect();
  const turn = {
    deltaY: delta, bubbles: true, cancelable: true,
    clientX: at.x + at.width / 2, clientY: at.y + at.height / 2,
  };
  const began = performance.now();
  for (let step = 0; step < count; step++) {
    canvas.dispatchEvent(new WheelEvent('wheel', turn));
    await new Promise((painted) => requestAnimationFrame(painted));
  }
  return (performance.now() - began) / count;
}
"""
CANVAS = "document.querySelector('[data-testid=review-canvas-axial]')"
BOX = f"(({{ x, y, width, height }}) => [x, y, width, height])({CANVAS}.getBoundingClientRect())"
SAVED = "document.querySelector('[data-testid=save-status]').dataset.status === 'saved'"
TILES = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/tiles/')).length"
CLEAR_AWAY = """
document.querySelectorAll('.notice .icon-button, .toast .icon-button').forEach((one) => one.click())
"""
SOMETHING_SHOWN = """
(() => {
  const canvas = document.querySelector('[data-testid=review-canvas-axial]');
  if (!canvas || canvas.width === 0) return false;
  const [x, y] = [canvas.width >> 1, canvas.height >> 1];
  const [red] = canvas.getContext('2d').getImageData(x, y, 1, 1).data;
  return red > 60;
})()
"""
SIDE = """
fetch(`/api/v1/cases/${location.pathname.slice(7)}/`)
  .then((answer) => answer.json())
  .then((told) => told.images[0].size.x)
"""
FRAMES = """
(() => {
  const took = [];
  let longest = 0;
  let before = performance.now();
  const look = (now) => {
    took.push(now - before);
    before = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  }).observe({ entryTypes: ['longtask'] });
  window.frames_seen = () => {
    const sorted = [...took].sort((a, b) => a - b);
    const at = (share) => Math.round(10 * sorted[Math.floor(share * (sorted.length - 1))]) / 10;
    return { frame_p50_ms: at(0.5), frame_p95_ms: at(0.95), longest_task_ms: Math.round(longest) };
  };
})()
"""
ALL_HERE = """
document.querySelector('[data-testid=slice-number]') !== null
  && !document.querySelector('footer').textContent.includes('slices here')
"""


class Watch:
    """The memory of the process that draws the page."""

    def __init__(self, tab: Tab) -> None:
        self.renderers = tab.renderers()
        self.pss: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            for number in self.renderers:
                now = kib(Path(f"/proc/{number}/smaps_rollup"), "Pss:")
                self.pss[number] = max(self.pss.get(number, 0), now)

    def finish(self) -> dict[str, int]:
        """MB of the largest of the renderers: browsers keep a spare one beside the page's own."""
        self._stop.set()
        self._thread.join()
        peaks = {one: kib(Path(f"/proc/{one}/status"), "VmHWM:") for one in self.renderers}
        largest = max(peaks, key=lambda one: peaks[one])
        now = kib(Path(f"/proc/{largest}/status"), "VmRSS:")
        return {
            "rss_mb": peaks[largest] * 1024 // MB,
            "pss_mb": self.pss[largest] * 1024 // MB,
            "end_rss_mb": now * 1024 // MB,
        }


def kib(path: Path, word: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:  # the process has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(word)), 0)


def main() -> None:
    asked = options(
        __doc__,
        only={"choices": sorted(LIMITS_MB), "help": "one of the two"},
        slices={"type": int, "default": 1000, "help": "of the volume"},
        side={"type": int, "default": 8192, "help": "pixels of the picture"},
        screenshots={"type": Path, "help": "a folder for pictures of what was measured"},
    )
    peer("websockets.sync.client")
    chosen = [asked.only] if asked.only else list(LIMITS_MB)
    with a_site() as site:
        cases = fill(site, chosen, asked)
        rows = measure(site, cases, asked)
    finish(
        "renderer_memory", "the limits that were promised", rows, asked.json,
        volume=[512, 512, asked.slices], picture=[asked.side, asked.side, 3],
    )  # fmt: skip


def fill(site: Site, chosen: list[str], asked: Any) -> dict[str, str]:
    """Import what is measured; the case of each. No network knows the label, so none runs."""
    boss = Rest(site, str(json.loads(site.command("create_token", "admin", "--json"))["token"]))
    cases = {}
    for what in chosen:
        boss.post("projects/", {"name": what, "task": "semantic", "labels": LABELS})
        with tempfile.TemporaryDirectory() as folder:
            draw = draw_volume if what == "volume" else draw_picture
            draw(Path(folder), asked)
            began = time.monotonic()
            site.command("import_cases", folder, "--project", what, "--json")
            say(f"{what}: imported in {time.monotonic() - began:.0f} s")
        (project,) = (one for one in boss.get("projects/")["results"] if one["name"] == what)
        (row,) = boss.get(f"projects/{project['id']}/cases/")["results"]
        cases[what] = row["id"]
    return cases


def draw_volume(folder: Path, asked: Any) -> None:
    """A body with organs and the noise of a scanner, of other values on every slice."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    noise = rng.normal(0, 25, (640, 640)).astype(np.int16)
    volume = np.empty((512, 512, asked.slices), np.int16, order="F")
    for z in range(asked.slices):
        turn = 2 * np.pi * z / asked.slices
        body = np.where(x**2 / 0.7 + y**2 / 0.4 < 1, 40, -1000)
        organ = (x - 0.4 * np.cos(turn)) ** 2 + (y - 0.3 * np.sin(turn)) ** 2 < 0.05
        at = rng.integers(0, 128, 2)
        plane = np.where(organ, 300 + z, body).astype(np.int16)
        volume[:, :, z] = (plane + noise[at[0] : at[0] + 512, at[1] : at[1] + 512]).T
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([0.7, 0.7, 1.0, 1])), folder / "volume.nii")


def draw_picture(folder: Path, asked: Any) -> None:
    """Stained tissue, roughly: cells on every scale and noise in every pixel, unlike anywhere."""
    side = asked.side
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(120, 250, (side // 128, side // 128, 3), dtype=np.uint8))
    tissue = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).copy()
    fine = Image.fromarray(rng.integers(0, 255, (side // 12, side // 12), dtype=np.uint8))
    cells = np.asarray(fine.resize((side, side), Image.Resampling.BICUBIC)) > 170
    tissue[cells] = (tissue[cells] * 0.55).astype(np.uint8)
    for row in range(0, side, 512):
        part = tissue[row : row + 512]
        part += rng.integers(0, 6, part.shape, dtype=np.uint8)
    Image.fromarray(tissue).save(folder / "picture.tif")


def measure(site: Site, cases: dict[str, str], asked: Any) -> list[dict[str, object]]:
    link = site.url + urlsplit(site.administrator_link()).path
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("No Chromium is here; set CHROMIUM to one.")
    rows: list[dict[str, object]] = []
    for what, case in cases.items():
        with bare_browser(chromium, SWITCHES) as tab:
            sign_in(tab, site, link, is_first=not rows)
            look = look_at_volume if what == "volume" else look_at_picture
            began = time.monotonic()
            tab.go(f"{site.url}/cases/{case}")
            tab.until(f"location.pathname === '/cases/{case}' && {CANVAS} !== null")
            watch = Watch(tab)
            more = look(tab, partial(picture_of, tab, asked))
            heap = int(tab.evaluate("performance.memory.usedJSHeapSize"))
            peaks = watch.finish()
        limit = LIMITS_MB[what]
        rows.append({
            "what": what, "limit_mb": limit, **peaks, "heap_mb": heap // MB,
            "within": peaks["rss_mb"] <= limit, "seconds": round(time.monotonic() - began),
            **more,
        })  # fmt: skip
        say(f"{rows[-1]} load {os.getloadavg()[0]:.1f}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, "") for name in names} for row in rows]


def sign_in(tab: Tab, site: Site, link: str, is_first: bool) -> None:
    """With the link the first time, then with the password that was set by it."""
    tab.go(link if is_first else site.url)
    tab.until("document.querySelector('input[type=password]') !== null")
    tab.evaluate(
        "document.querySelectorAll('input[type=password]')"
        f".forEach((one) => (one.value = '{PASSWORD}'))"
    )
    if not is_first:
        tab.evaluate("document.querySelector('input[name=username]').value = 'admin'")
    tab.evaluate("document.querySelector('button[type=submit]').click()")
    tab.until("document.querySelector('[data-testid=account-menu]') !== null")


def picture_of(tab: Tab, asked: Any, name: str) -> None:
    if asked.screenshots:
        asked.screenshots.mkdir(parents=True, exist_ok=True)
        tab.screenshot(asked.screenshots / f"{name}.png")


def look_at_volume(tab: Tab, picture: Callable[[str], None]) -> dict[str, object]:
    """Wait for every slice, scroll through all of every plane and back, draw a stroke."""
    began = time.monotonic()
    tab.until(ALL_HERE)
    loaded = time.monotonic() - began
    took = {}
    for plane, steps in (("axial", 1000), ("coronal", 512), ("sagittal", 512)):
        tab.evaluate(f"({SCROLL})('{plane}', {steps // 2}, 60)")
        took[plane] = float(tab.evaluate(f"({SCROLL})('{plane}', {steps}, -60)"))
    stroke(tab)
    picture("volume")
    return {"loaded_s": round(loaded, 1)} | {
        f"{plane}_step_ms": round(each, 1) for plane, each in took.items()
    }


def look_at_picture(tab: Tab, picture: Callable[[str], None]) -> dict[str, object]:
    """Look at the whole, zoom in, pan over all of it at full size, and use the tools there."""
    tab.evaluate("performance.setResourceTimingBufferSize(20000)")
    tab.until(SOMETHING_SHOWN)
    first = float(tab.evaluate("performance.now()"))
    settle(tab)
    tab.evaluate(CLEAR_AWAY)
    picture("picture-whole")
    tab.evaluate(FRAMES)
    sheet = Sheet(tab)
    zoom(tab, sheet, 1 / sheet.fitted)
    settle(tab)
    picture("picture-full-size")
    pans = pan_everywhere(tab, sheet)
    panned = dict(tab.evaluate("window.frames_seen()"))
    # The walk ends at the lower left corner: back to where the tools find something.
    tab.drag(sheet.off(300, -100), sheet.off(-350, 100), button="middle")
    settle(tab)
    use_tools(tab, sheet)
    picture("picture-tools")
    for factor in (8, 1 / 100, 12):
        zoom(tab, sheet, factor)
        settle(tab)
    picture("picture-end")
    return {
        "first_sight_ms": round(first), "pans": pans, "tiles": tab.evaluate(TILES),
        **{f"pan_{name}": value for name, value in panned.items()},
    }  # fmt: skip


class Sheet:
    """Where the canvas is, and how large the picture is on it when it fits."""

    def __init__(self, tab: Tab) -> None:
        self.x, self.y, self.width, self.height = (float(one) for one in tab.evaluate(BOX))
        self.side = int(tab.evaluate(SIDE))
        self.middle = (self.x + self.width / 2, self.y + self.height / 2)
        self.fitted = 0.97 * min(self.width, self.height) / self.side

    def off(self, dx: float, dy: float) -> tuple[float, float]:
        """A place so far from the middle."""
        return self.middle[0] + dx, self.middle[1] + dy


def settle(tab: Tab) -> None:
    """Wait until half a second brings no new tile."""
    before = -1
    while (now := int(tab.evaluate(TILES))) != before:
        before = now
        time.sleep(0.5)


def zoom(tab: Tab, sheet: Sheet, factor: float) -> None:
    """The wheel makes it e times as large every 300."""
    steps = 24
    for _ in range(steps):
        tab.zoom(sheet.middle, -300 * math.log(factor) / steps)
        time.sleep(0.016)


def pan_everywhere(tab: Tab, sheet: Sheet) -> int:
    """From the middle to a corner, then row by row over everything; how many drags it took."""
    wide, high = sheet.width * 0.8, sheet.height * 0.8
    across, down = math.ceil(sheet.side / wide), math.ceil(sheet.side / high)
    moves = [(1, 0)] * (across // 2) + [(0, 1)] * (down // 2)
    for row in range(down):
        moves += [(-1 if row % 2 == 0 else 1, 0)] * (across - 1) + [(0, -1)]
    for right, below in moves[:-1]:
        half = (right * wide / 2, below * high / 2)
        tab.drag(sheet.off(-half[0], -half[1]), sheet.off(*half), button="middle")
    return len(moves) - 1


def use_tools(tab: Tab, sheet: Sheet) -> None:
    """Brush, gated brush, a threshold of all that is in sight, and the window."""
    stroke(tab)
    tab.click("tool-gated")
    tab.mouse("mouseMoved", *sheet.off(0, -120))
    settle(tab)
    tab.drag(sheet.off(-80, -120), sheet.off(80, -140))
    tab.click("tool-threshold")
    settle(tab)
    tab.click("threshold-apply")
    tab.click("tool-window")
    tab.drag(sheet.middle, sheet.off(90, 60))
    tab.until(SAVED)


def stroke(tab: Tab) -> None:
    """Draw with the brush and wait until the service has it."""
    tab.click("tool-brush")
    sheet = Sheet(tab)
    tab.drag(sheet.off(-60, 0), sheet.off(60, 30))
    tab.until(SAVED)


if __name__ == "__main__":
    main()
