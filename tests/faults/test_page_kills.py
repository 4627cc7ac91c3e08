"""A page that dies at a random moment of drawing: at most the unfinished stroke is missing.

The renderers of a real Chromium are killed, every tenth time the whole browser, half of the times
without a network. ``MEDSEG_PAGE_KILLS=200`` is the long run, which also goes a step back and forth
after each.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Playwright, expect

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import Phantom
from segmentation.engine import masks
from tests.browser.conftest import PASSWORD, PATIENCE_MS
from tests.faults.drawn_truth import Drawn, Pixels, Point
from tests.faults.frail_browser import FrailBrowser, lives
from tests.rest import Rest
from tests.running import Site, until

FEW = 5
KILLS = int(os.environ.get("MEDSEG_PAGE_KILLS", FEW))
pytestmark = [
    pytest.mark.skipif(
        os.environ.get("DATABASE_URL", "").startswith("postgres"),
        reason="run once, on SQLite: what a page keeps knows no database",
    ),
    pytest.mark.browser,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(600 + 40 * KILLS),
]
HEIGHT, WIDTH, RADIUS = 80, 96, 6.0
LABELS = [{"name": "organ", "colour": "#0072b2"}]


@dataclass
class Tally:
    kills: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """Of the last act of each page: whether it was found as it had been left before."""
        killed = sum(self.kills.values())
        return {
            "killed": killed,
            "kills": dict(sorted(self.kills.items())),
            "finished": dict(sorted(self.acts.items())),
            "found": dict(sorted(self.outcomes.items())),
        }


@dataclass(frozen=True)
class Known:
    """What must be there: voxels, and how many measurements."""

    drawn: Drawn
    measures: int

    def is_met(self, mask: Pixels, measures: int) -> bool:
        return self.drawn.misses(mask) == 0 and self.measures == measures


class Hand:
    """Draws by lot on an open case, and knows what must be there after each finished act."""

    def __init__(
        self, page: Page, lot: random.Random, start: Known, points: list[Point], tally: Tally
    ) -> None:
        self.page, self.lot, self.points, self.tally = page, lot, points, tally
        self.states = [start]
        # What may be there if the page dies in the middle of the act that is going on.
        self.possible = [start]
        canvas = page.get_by_test_id("review-canvas-axial").bounding_box()
        assert canvas is not None
        self.middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
        self.scale = self._scale(min(canvas["width"], canvas["height"]) / 4)
        page.get_by_test_id("tool-brush").click()
        page.get_by_test_id("tool-radius").fill(str(RADIUS))
        page.get_by_test_id("tool-radius").blur()

    def _scale(self, away: float) -> float:
        """Canvas pixels per image pixel, from two places of the pointer."""
        columns = []
        for dx in (-away, away):
            self.page.mouse.move(self.middle[0] + dx, self.middle[1])
            self.page.wait_for_timeout(120)  # the readout follows the pointer once a frame
            text = self.page.get_by_test_id("pointer-value").inner_text()
            columns.append(int(text.split(",")[0]))
        return 2 * away / (columns[1] - columns[0])

    def act(self) -> None:
        name = self.lot.choices(["brush", "eraser", "undo", "ruler"], [6, 4, 2, 1])[0]
        if name == "undo":
            self._undo()
        elif name == "ruler":
            self._measure()
        else:
            self._draw(name)
        self.tally.acts[name] += 1
        self.possible = [self.states[-1]]

    def _undo(self) -> None:
        if len(self.states) > 1:
            self.possible = self.states[-2:]
            self.page.keyboard.press("Control+z")
            self.states.pop()

    def _measure(self) -> None:
        """From where no point of another measurement would be taken by the hand."""
        now = self.states[-1]
        for _ in range(50):
            path = self._path(2)
            away = [math.dist(path[0], point) for point in (*self.points, path[1])]
            if min(away) * self.scale > 20:
                self.points.extend(path)
                return self._stroke("ruler", path, now, Known(now.drawn, now.measures + 1))

    def _draw(self, tool: str) -> None:
        now = self.states[-1]
        for _ in range(20):
            path = self._path(self.lot.randint(2, 7))
            if now.drawn.surely_changes(tool, path, RADIUS):
                amid = Known(now.drawn.amid(tool, path, RADIUS), now.measures)
                after = Known(now.drawn.after(tool, path, RADIUS), now.measures)
                return self._stroke(tool, path, amid, after)

    def _stroke(self, tool: str, path: list[Point], amid: Known, after: Known) -> None:
        self.page.get_by_test_id(f"tool-{tool}").click()
        self.possible = [amid, after]
        self._drag(path)
        self.states.append(after)

    def _path(self, points: int) -> list[Point]:
        x, y = self.lot.uniform(8, WIDTH - 8), self.lot.uniform(8, HEIGHT - 8)
        path = [(x, y)]
        for _ in range(points - 1):
            x = min(WIDTH - 4.0, max(4.0, x + self.lot.uniform(-16, 16)))
            y = min(HEIGHT - 4.0, max(4.0, y + self.lot.uniform(-16, 16)))
            path.append((x, y))
        return path

    def _drag(self, path: list[Point]) -> None:
        where = [
            (
                self.middle[0] + (x - WIDTH / 2) * self.scale,
                self.middle[1] + (y - HEIGHT / 2) * self.scale,
            )
            for x, y in path
        ]
        self.page.mouse.move(*where[0])
        self.page.mouse.down()
        for at in where[1:]:
            self.page.mouse.move(*at, steps=self.lot.randint(1, 4))
        self.page.mouse.up()


@pytest.fixture
def case(running_site: Site, tmp_path: Path) -> tuple[Rest, str]:
    """A drawn slice that no network looks at."""
    running_site.administrator_link()
    boss = Rest(
        running_site, json.loads(running_site.command("create_token", "admin", "--json"))["token"]
    )
    project = boss.post("projects/", {"name": "Kills", "task": "semantic", "labels": LABELS})["id"]
    grey = np.full((1, HEIGHT, WIDTH), 40, np.int16)
    grey[0, 20:60, 20:70] = 200
    folder = tmp_path / "series"
    folder.mkdir()
    drawn = Phantom(grey, np.zeros(grey.shape, np.uint8), (), (1.0, 1.0, 1.0))
    write_ct_series(folder, drawn, "kills")
    boss.upload_paths(project, sorted(folder.iterdir()))
    (row,) = boss.get(f"projects/{project}/cases/")["results"]
    return boss, row["id"]


@pytest.fixture
def frail(chromium: str, playwright: Playwright, tmp_path: Path) -> Iterator[FrailBrowser]:
    expect.set_options(timeout=PATIENCE_MS)
    browser = FrailBrowser(playwright, chromium, tmp_path / "profile")
    yield browser
    browser.context.close()


def sign_in(frail: FrailBrowser, site: Site) -> None:
    page = frail.new_page()
    link = site.administrator_link()
    page.goto(site.url + link[link.index("/link/") :])
    for each in page.locator("input[type=password]").all():
        each.fill(PASSWORD)
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_test_id("account-menu")).to_be_visible()
    frail.cookies = frail.context.cookies()


def opened(frail: FrailBrowser, site: Site, case: str) -> Page:
    """The case with the pen in the hand; the page that died may still be thought to hold it."""
    page = frail.new_page()
    page.goto(f"{site.url}/cases/{case}")
    brush = page.get_by_test_id("tool-brush")
    take = page.get_by_test_id("presence-take")
    expect(brush.and_(page.locator(":enabled")).or_(take)).to_be_visible()
    if take.is_visible():
        take.click()
    expect(brush).to_be_enabled()
    if page.get_by_test_id("tour-skip").is_visible():
        page.get_by_test_id("tour-skip").click()
    return page


def mask_of(boss: Rest, case: str) -> Pixels:
    told = boss.get(f"cases/{case}/state/")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for row in told["slices"]:
        mask |= masks.decode(masks.from_bytes(base64.b64decode(row["runs"])), (HEIGHT, WIDTH))
    return mask


def draw_until_killed(frail: FrailBrowser, hand: Hand, killed: str) -> None:
    number = frail.process(killed)
    timer = threading.Timer(hand.lot.uniform(0.1, 1.8), _kill, [number])
    timer.start()
    try:
        while timer.is_alive() or lives(number):
            hand.act()
    except PlaywrightError:
        timer.join()
    assert until(lambda: not lives(number))


def _kill(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def test_a_killed_page_misses_at_most_the_unfinished_stroke(
    running_site: Site, case: tuple[Rest, str], frail: FrailBrowser
) -> None:
    boss, number = case
    lot, tally = random.Random(4), Tally()
    sign_in(frail, running_site)
    page = opened(frail, running_site, number)
    known = Known(Drawn.exactly(np.zeros((HEIGHT, WIDTH), bool)), 0)
    points: list[Point] = []
    older: list[Known] = []
    for kill in range(KILLS):
        hand = Hand(page, lot, known, points, tally)
        offline = lot.random() < 0.5
        frail.context.set_offline(offline)
        killed = "main" if kill % 10 == 4 else "renderer"
        draw_until_killed(frail, hand, killed)
        frail.come_back(killed)
        tally.kills[f"{killed}, {'offline' if offline else 'online'}"] += 1

        page = opened(frail, running_site, number)
        mask, measures = saved(page, boss, number, hand.possible)
        whole = hand.states[-1].is_met(mask, measures)
        tally.outcomes["as before the act" if whole else "with a part of the act"] += 1
        if KILLS > FEW and len(hand.states) > 1:
            goes_back_and_forth(page, boss, number, hand, older, mask, measures)
        older = [*older, *hand.states][-4:]
        known = Known(Drawn.exactly(mask), measures)
        print(json.dumps(tally.told()), flush=True)
    assert json.loads(running_site.command("verify", "--json").splitlines()[-1])["problems"] == []


def saved(page: Page, boss: Rest, case: str, possible: list[Known]) -> tuple[Pixels, int]:
    """What the service holds once the page has sent all; it must be one of what is possible."""
    expect(page.get_by_test_id("save-status")).to_have_attribute("data-status", "saved")
    mask, measures = mask_of(boss, case), _measured(boss, case)

    def is_there() -> bool:
        nonlocal mask, measures
        mask, measures = mask_of(boss, case), _measured(boss, case)
        return any(one.is_met(mask, measures) for one in possible)

    # Measurements travel beside the strokes.
    assert until(is_there), ([(one.drawn.misses(mask), one.measures) for one in possible], measures)
    return mask, measures


def goes_back_and_forth(
    page: Page,
    boss: Rest,
    case: str,
    hand: Hand,
    older: list[Known],
    mask: Pixels,
    measures: int,
) -> None:
    """The steps outlived the page, too: one step back, and forth to the very same voxels."""
    now = Known(Drawn.exactly(mask), measures)
    if page.get_by_test_id("undo").is_disabled():
        # The only step was being taken back.
        assert hand.states[0].is_met(mask, measures)
        return
    page.get_by_test_id("undo").click()
    assert until(lambda: not now.is_met(mask_of(boss, case), _measured(boss, case)))
    # A step further where the page died in the middle of going back, perhaps into an older sitting.
    saved(page, boss, case, [*older, *hand.states[-3:]])
    page.get_by_test_id("redo").click()
    saved(page, boss, case, [now])


def _measured(boss: Rest, case: str) -> int:
    return len(boss.get(f"cases/{case}/measurements/")["results"])
