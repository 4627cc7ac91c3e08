"""How a page in a real Chromium is watched: what it paints and when, and what its script costs.

Two measures, the same for every viewer:

- *painted*: milliseconds from a real event's own time stamp until a frame has been painted whose
  pixels, read back from the viewer's canvas, differ from before. The reading is done in a task of
  its own after each animation frame, so nobody's order of callbacks matters.
- *script*: self time of the page's own JavaScript by Chromium's sampling profiler, without idling,
  garbage collection, native calls (the canvas's and WebGL's) and the compositor: what would remain
  on a machine with a graphics card. The watch above does not run meanwhile.
"""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.benchmarks.flow import sign_in
from tests.conftest import find_chromium
from tests.running import Site

SAMPLING_US = 250
SETTLE_S = 0.12
"""Longer than any viewer here defers a drawing."""
PATIENCE_MS = 90_000
UNSEEN_MS = 4_000
STROKE_PX = 6
SIZE = {"width": 1440, "height": 900}
COMMON = ("--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-sync")
SWITCHES = {
    "software WebGL": ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "no WebGL": ("--disable-gpu", "--disable-3d-apis", "--disable-software-rasterizer"),
}
# Twelve greys in a small square of the middle are an image in noise: neither a blank nor a letter.
WATCH = """
(() => {
  const small = document.createElement('canvas');
  const channel = new MessageChannel();
  let look = null;
  channel.port1.onmessage = () => look && !look() && requestAnimationFrame(next);
  const next = () => channel.port2.postMessage(0);
  const each = (what) => { look = what; requestAnimationFrame(next); };
  const read = (selector, [x, y, w, h], out) => {
    const canvas = document.querySelector(selector);
    if (!canvas || canvas.width === 0 || canvas.clientWidth === 0) return null;
    const ratio = canvas.width / canvas.clientWidth;
    Object.assign(small, { width: out, height: out });
    const pen = small.getContext('2d', { willReadFrequently: true });
    pen.drawImage(canvas, x * ratio, y * ratio, w * ratio, h * ratio, 0, 0, out, out);
    return pen.getImageData(0, 0, out, out).data;
  };
  const middle = (selector, share) => {
    const canvas = document.querySelector(selector);
    if (!canvas) return [0, 0, 0, 0];
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    const side = share < 1 ? Math.min(w, h) * share : share;
    return [(w - side) / 2, (h - side) / 2, side, side];
  };
  const watch = (window.watch = { image: null, masks: null, changed: null });
  watch.opening = (selector) => each(() => {
    const patch = read(selector, middle(selector, 48), 48);
    const greys = new Set();
    for (let k = 0; patch && k < patch.length; k += 4) greys.add(patch[k]);
    if (greys.size >= 12) watch.image ??= performance.now();
    const whole = watch.image !== null && read(selector, middle(selector, 0.9), 256);
    let coloured = 0;
    for (let k = 0; whole && k < whole.length; k += 4) {
      coloured += Math.max(whole[k], whole[k + 1], whole[k + 2])
        - Math.min(whole[k], whole[k + 1], whole[k + 2]) > 24;
    }
    if (coloured > 0.03 * 256 * 256) watch.masks ??= performance.now();
    return watch.image !== null && watch.masks !== null;
  });
  watch.arm = (selector, kind, [x, y], side) => {
    const box = [x - side / 2, y - side / 2, side, side];
    const before = String(read(selector, box, side));
    watch.changed = null;
    addEventListener(kind, (event) => each(() => {
      if (String(read(selector, box, side)) === before) return false;
      watch.changed = performance.now() - event.timeStamp;
      return true;
    }), { capture: true, once: true });
  };
  watch.stop = () => (look = null);
})();
"""

TWO_FRAMES = """
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))
"""


@dataclass(frozen=True)
class UnseenError(Exception):
    """What was waited for did not come to be seen; ``why`` is what the page said of it."""

    why: str


@dataclass
class Sight:
    """One viewer's page with one canvas that is looked at."""

    page: Page
    canvas: str

    def __post_init__(self) -> None:
        self.errors: list[str] = []
        self.side = STROKE_PX
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.cdp = self.page.context.new_cdp_session(self.page)
        self.cdp.send("Profiler.enable")
        self.cdp.send("Profiler.setSamplingInterval", {"interval": SAMPLING_US})

    @property
    def box(self) -> dict[str, float]:
        found = self.page.locator(self.canvas).bounding_box()
        assert found is not None
        return dict(found)

    def middle(self) -> tuple[float, float]:
        box = self.box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def rest(self) -> None:
        self.page.bring_to_front()
        self.page.mouse.move(*self.middle())
        self.side = STROKE_PX
        time.sleep(2 * SETTLE_S)

    def scroll(self) -> None:
        self.page.mouse.wheel(0, 60)

    def dab(self) -> None:
        """A short stroke to and fro: Cornerstone3D lets a press that does not move wait 400 ms
        for a second one, and takes two close together for a double click."""
        x, y = self.middle()
        self.page.mouse.down()
        self.page.mouse.move(x + self.side, y)
        self.page.mouse.up()
        self.side = STROKE_PX - self.side

    def undo(self) -> None:
        self.page.keyboard.press("Control+z")

    def painted_ms(self, kind: str, act: Callable[[], None]) -> float:
        """From the event ``kind`` that ``act`` makes to the frame that shows what it did."""
        box = self.box
        at = [box["width"] / 2, box["height"] / 2]
        self.page.evaluate("([c, k, at]) => watch.arm(c, k, at, 8)", [self.canvas, kind, at])
        act()
        deadline = time.monotonic() + UNSEEN_MS / 1000
        while time.monotonic() < deadline:
            time.sleep(SETTLE_S / 2)
            if (took := self.page.evaluate("watch.changed")) is not None:
                time.sleep(SETTLE_S)
                return float(took)
        self.page.evaluate("watch.stop()")
        raise UnseenError(self.said() or f"nothing changed in the picture within {UNSEEN_MS} ms")

    def script_each(self, acts: Sequence[Callable[[], None]]) -> list[float]:
        """The page's own script for each act, from its beginning to that of the next one.

        The profiler runs through all of them: what its start costs is in none, and each act has a
        figure of its own. It stamps with the clock that Python reads as monotonic.
        """
        self.cdp.send("Profiler.start")
        time.sleep(SETTLE_S)
        begun = []
        for act in acts:
            begun.append(time.monotonic_ns() // 1000)
            act()
            self.settle()
        profile = self.cdp.send("Profiler.stop")["profile"]
        return script_self_ms(profile, origin_of(self.page.url), begun)

    def settle(self) -> None:
        """Until what was asked for is surely drawn, however far behind the page is."""
        for _ in range(2):
            time.sleep(SETTLE_S / 2)
            self.page.evaluate(TWO_FRAMES)

    def heap_bytes(self) -> int:
        """Script objects and the array buffers that they hold, after collecting garbage."""
        self.cdp.send("HeapProfiler.collectGarbage")
        told = self.cdp.send("Runtime.getHeapUsage")
        return int(told["usedSize"] + told["backingStorageSize"])

    def said(self) -> str:
        return self.errors[0].splitlines()[0] if self.errors else ""


def script_self_ms(profile: Mapping[str, Any], origin: str, begun_us: Sequence[int]) -> list[float]:
    """Milliseconds that functions from ``origin`` were themselves at the top of the stack.

    One figure for each beginning, until the next; a sample lasts until the one after it.
    """
    own = {
        node["id"]
        for node in profile["nodes"]
        if node["callFrame"]["url"].startswith((origin, f"blob:{origin}"))
    }
    deltas, samples = profile.get("timeDeltas", ()), profile.get("samples", ())
    stamps = [profile["startTime"] + passed for passed in itertools.accumulate(deltas)]
    sums = [0.0] * len(begun_us)
    for node, at, until in zip(samples, stamps, stamps[1:], strict=False):
        place = bisect.bisect_right(begun_us, at) - 1
        if node in own and place >= 0:
            sums[place] += (until - at) / 1000
    return sums


def origin_of(url: str) -> str:
    return "/".join(url.split("/")[:3]) + "/"


def launched(playwright: Playwright, table: str) -> Browser:
    return playwright.chromium.launch(
        executable_path=find_chromium(), args=[*COMMON, *SWITCHES[table]]
    )


def signed_in(browser: Browser, site: Site) -> Any:
    """What a browser keeps of the administrator, who signs in with the one link there is."""
    link = site.url + urlsplit(site.administrator_link()).path
    context = browser.new_context()
    sign_in(context.new_page(), link)
    state = context.storage_state()
    context.close()
    return state


def fresh(browser: Browser, state: Any = None) -> BrowserContext:
    """A visitor with an empty cache, signed in where ``state`` says so."""
    context = browser.new_context(viewport=SIZE, storage_state=state)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(WATCH)
    return context


def opened(
    browser: Browser, address: str, canvas: str, wanted: str, state: Any = None
) -> dict[str, float]:
    """Milliseconds from the navigation to the ``image``, and to the ``masks`` if wanted."""
    context = fresh(browser, state)
    try:
        sight = watching(context, address, canvas)
        deadline = time.monotonic() + PATIENCE_MS / 1000 / 3
        while time.monotonic() < deadline:
            told = sight.page.evaluate("({ image: watch.image, masks: watch.masks })")
            if told[wanted] is not None:
                return {name: value for name, value in told.items() if value is not None}
            if sight.errors and time.monotonic() > deadline - PATIENCE_MS / 1000 / 6:
                break
            time.sleep(SETTLE_S)
        raise UnseenError(sight.said() or f"no {wanted} within {PATIENCE_MS / 3000:.0f} s")
    finally:
        context.close()


def watching(context: BrowserContext, address: str, canvas: str) -> Sight:
    page = context.new_page()
    sight = Sight(page, canvas)
    page.add_init_script(f"watch.opening({canvas!r})")
    page.goto(address, wait_until="commit")
    return sight
