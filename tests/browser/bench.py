"""A drawn case on the table: what is done to it in a browser, and what the service holds then."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import Phantom
from segmentation.engine import masks
from tests.browser.conftest import Desk
from tests.browser.steps import all_saved, bring_in, middle, open_case, state_of
from tests.rest import Rest

Mask = NDArray[np.bool_]
LABELS = [
    {"name": "cell", "colour": "#0072b2"},
    {"name": "cluster", "colour": "#e69f00", "overlap_allowed": True},
]


def a_picture(folder: Path) -> Path:
    """A square with a hole, a dumb-bell and a speck, bright on dark, as a CT of one slice: no
    network that ships proposes anything on it."""
    grey = np.full((80, 96), 40, np.int16)
    grey[::2, ::3] += 6
    grey[10:40, 10:40] = 200
    grey[20:25, 20:25] = 40
    grey[50:62, 40:52] = grey[55:57, 52:60] = grey[50:62, 60:74] = 200
    grey[12:14, 60:62] = 200
    return _series(folder, grey[None], (1.0, 1.0, 1.0))


def a_volume(folder: Path) -> Path:
    """A bright tilted column with a cavity and a speck beside it; slices are twice as thick."""
    grey = np.full((16, 40, 48), 50, np.int16)
    y, x = np.mgrid[:40, :48]
    for z in range(2, 13):
        grey[z][np.hypot(x - 18 - z / 2, y - 20) < 8] = 180
    grey[6:8, 18:22, 20:24] = 50
    grey[6, 4:6, 40:42] = 180
    return _series(folder, grey, (2.0, 1.0, 1.0))


def _series(folder: Path, grey: NDArray[np.int16], spacing: tuple[float, float, float]) -> Path:
    folder.mkdir()
    write_ct_series(folder, Phantom(grey, np.zeros(grey.shape, np.uint8), (), spacing), folder.name)
    return folder


class Bench:
    """A case on the table: what is done to it, and what the service holds afterwards."""

    def __init__(self, page: Page, boss: Rest, case: str) -> None:
        self.page, self.boss, self.case = page, boss, case
        (image,) = boss.get(f"cases/{case}/")["images"]
        self.shape = image["size"]["z"], image["size"]["y"], image["size"]["x"]

    def masks(self) -> dict[int, Mask]:
        """Every finding's voxels as (z, y, x), in the order of their numbers."""
        told = state_of(self.boss, self.case)
        numbers = sorted(one["finding"] for one in told["findings"])
        found = {number: np.zeros(self.shape, bool) for number in numbers}
        for row in told["slices"]:
            if row["finding"] in found:
                runs = masks.from_bytes(base64.b64decode(row["runs"]))
                found[row["finding"]][row["z"]] = masks.decode(runs, self.shape[1:])
        return found

    def does(self, act: Callable[[], object]) -> dict[int, Mask]:
        def revision() -> int:
            head = state_of(self.boss, self.case)["head"]
            return head["sequence"] if head else 0

        before = revision()
        act()
        self.boss.wait_for(revision, lambda now: now > before)
        all_saved(self.page)
        return self.masks()

    def press(self, *keys: str) -> dict[int, Mask]:
        def strike() -> None:
            for key in keys:
                self.page.keyboard.press(key)

        return self.does(strike)

    def undoes(self, key: str, expected: dict[int, Mask]) -> dict[int, Mask]:
        """Press, compare, and take it back: undo is one step, and leads to the very same masks."""
        before = self.masks()
        same(self.press(key), expected)
        same(self.press("Control+z"), before)
        return before


def same(found: dict[int, Mask], expected: dict[int, Mask]) -> None:
    assert sorted(found) == sorted(expected)
    for number, mask in expected.items():
        assert np.array_equal(found[number], mask), (number, found[number].sum(), mask.sum())


def a_case(desk: Desk, boss: Rest, task: str, path: Path) -> Bench:
    project = boss.post("projects/", {"name": f"Kit {path.name}", "task": task, "labels": LABELS})
    bring_in(desk, project["id"], path)
    (row,) = boss.get(f"projects/{project['id']}/cases/")["results"]
    page = open_case(desk, row["id"])
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    return Bench(page, boss, row["id"])


def scale_of(page: Page) -> float:
    """Canvas pixels per image pixel, from two places of the pointer."""
    box = page.get_by_test_id("review-canvas-axial").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    away, columns = min(box["width"], box["height"]) / 4, []
    for dx in (-away, away):
        page.mouse.move(x + dx, y)
        page.wait_for_timeout(200)  # the readout follows the pointer once a frame
        text = page.get_by_test_id("pointer-value").inner_text()
        columns.append(int(text.split(",")[0]))
    return 2 * away / (columns[1] - columns[0])


class Pointer:
    """The mouse in voxels of the picture that fills the canvas."""

    def __init__(self, bench: Bench) -> None:
        self.page = bench.page
        _, self.height, self.width = bench.shape
        self.scale = scale_of(bench.page)

    def at(self, x: float, y: float) -> tuple[float, float]:
        middle_x, middle_y = middle(self.page)
        return (
            middle_x + (x - self.width / 2) * self.scale,
            middle_y + (y - self.height / 2) * self.scale,
        )

    def click(self, x: float, y: float, *held: str) -> None:
        self.drag([(x, y)], *held)

    def drag(self, path: list[tuple[float, float]], *held: str) -> None:
        for key in held:
            self.page.keyboard.down(key)
        self.page.mouse.move(*self.at(*path[0]))
        self.page.mouse.down()
        for x, y in path[1:]:
            self.page.mouse.move(*self.at(x, y), steps=3)
        self.page.mouse.up()
        for key in held:
            self.page.keyboard.up(key)
