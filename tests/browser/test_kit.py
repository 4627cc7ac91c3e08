"""The correction kit in a real browser: each operation is run on a drawn case, by keys where there
are keys, and what the service then holds is compared with SciPy's answer on what it held before."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect
from scipy import ndimage

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import Phantom
from segmentation.engine import masks
from tests.browser.conftest import Desk
from tests.browser.steps import all_saved, bring_in, drag, open_case, state_of, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

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


def ball(radius: float, spacing: tuple[float, ...]) -> Mask:
    reach = [int(radius // step) for step in spacing]
    axes = np.mgrid[tuple(slice(-n, n + 1) for n in reach)]
    away = sum((axis * step) ** 2 for axis, step in zip(axes, spacing, strict=True))
    found: Mask = np.asarray(away) <= radius**2
    return found


def majority(mask: Mask, element: Mask) -> Mask:
    """The rule of the page: more than half of the ball, as far as it lies in the picture."""
    count = ndimage.convolve(mask.astype(int), element.astype(int), mode="constant")
    within = ndimage.convolve(np.ones(mask.shape, int), element.astype(int), mode="constant")
    settled: Mask = np.where(2 * count == within, mask, 2 * count > within)
    return settled


def largest(mask: Mask) -> Mask:
    parts, _ = ndimage.label(mask)
    kept: Mask = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return kept


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


def test_the_kit(running_site: Site, desk: Callable[[], Desk], tmp_path: Path) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    by_keys_alone(person, a_case(person, boss, "instances", a_picture(tmp_path / "keys")))
    by_hand(person, a_case(person, boss, "instances", a_picture(tmp_path / "hand")))
    in_depth(person, a_case(person, boss, "semantic", a_volume(tmp_path / "column")))


def by_keys_alone(person: Desk, bench: Bench) -> None:
    page, disc = bench.page, ball(2, (1.0, 1.0))[None]

    page.keyboard.press("t")
    expect(page.get_by_test_id("threshold-low")).to_be_visible()
    for key in ("BracketRight", "BracketLeft", "Escape"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("threshold-apply")).to_have_count(0)
    page.keyboard.press("t")
    expect(page.get_by_test_id("threshold-apply")).to_be_visible()
    person.picture("40-threshold")
    bright = bench.press("Enter")[1]
    assert bright.sum() == 900 - 25 + 144 + 168 + 16 + 4

    bench.undoes("Shift+L", {1: largest(bright)})
    page.keyboard.press("Shift+S")
    expect(page.get_by_test_id("shape-panel")).to_be_visible()
    page.get_by_test_id("shape-smallest").fill("5")
    page.get_by_test_id("shape-smallest").press("Enter")
    page.get_by_test_id("shape-grow").focus()
    speckless = bench.press("Shift+K")[1]
    assert bright.sum() - speckless.sum() == 4
    bench.undoes("Shift+F", {1: ndimage.binary_fill_holes(speckless[0])[None]})
    bench.undoes("+", {1: ndimage.binary_dilation(speckless, disc)})
    bench.undoes("-", {1: ndimage.binary_erosion(speckless, disc, border_value=1)})
    bench.undoes("Shift+O", {1: majority(speckless, disc)})

    apart = bench.press("Shift+V")
    assert [int(mask.sum()) for mask in apart.values()] == [875, 328]
    person.picture("41-shape")
    page.keyboard.press("Shift+C")
    expect(page.get_by_test_id("shape-other")).to_have_value("2")
    person.picture("42-the-other-finding")
    joined = bench.press("Shift+G")
    same(joined, {1: speckless})
    bench.press("Control+z")

    drawn = bench.masks()
    page.keyboard.press("Shift+D")  # masks of this label may not overlap
    expect(page.get_by_text("may not overlap")).to_be_visible()
    same(bench.masks(), drawn)
    page.keyboard.press("b")
    page.get_by_test_id("tool-neighbours").select_option("allow")
    copied = bench.press("Shift+D")
    assert np.array_equal(copied[3], copied[1])


def by_hand(person: Desk, bench: Bench) -> None:
    page = bench.page
    canvas = page.get_by_test_id("review-canvas-axial").bounding_box()
    assert canvas is not None
    # The whole picture is in sight, its middle in the middle of the canvas.
    scale = _scale_of(page)

    def across(x1: float, y1: float, x2: float, y2: float) -> None:
        drag(page, (x1 - 48) * scale, (y1 - 40) * scale, (x2 - 48) * scale, (y2 - 40) * scale)

    page.keyboard.press("Shift+B")
    page.get_by_test_id("tool-radius").fill("8")
    page.get_by_test_id("tool-tolerance").fill("5")
    gated = bench.does(lambda: across(45, 56, 69, 56))[1]
    # From one half of the dumb-bell through its bar to the other, and nothing of the dark around.
    assert gated[0, 55, [45, 69]].all()
    assert not gated[0, :50].any()
    assert not gated[0, 50:54, 52:60].any()
    person.picture("43-brush-by-likeness")
    bench.press("Control+z")

    page.keyboard.press("t")
    across(36, 46, 78, 66)  # the dumb-bell alone
    expect(page.get_by_test_id("threshold-low")).to_be_visible()
    person.picture("44-threshold-in-a-rectangle")
    (bell,) = bench.press("Enter").values()
    assert bell.sum() == 144 + 168 + 16

    page.keyboard.press("Shift+X")
    person.picture("45-scissors")
    halves = bench.does(lambda: across(56.5, 46, 56.5, 66))
    (kept, right), (cut, left) = halves.items()
    assert np.array_equal(right | left, bell)
    assert not (right & left).any()
    assert right[0, 55, 70]
    assert left[0, 55, 45]
    person.picture("46-cut")

    page.keyboard.press("v")
    page.keyboard.press("Shift+S")
    bench.page.keyboard.down("Control")
    x, y = (46 - 48) * scale, (56 - 40) * scale
    middle_x, middle_y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.click(middle_x + x, middle_y + y)
    bench.page.keyboard.up("Control")
    expect(page.get_by_test_id("shape-other")).to_have_value(str(cut))
    whole = bench.does(lambda: page.get_by_test_id("shape-merge").click())
    same(whole, {kept: bell})

    page.set_viewport_size({"width": 390, "height": 844})
    person.picture("47-phone")
    expect(page.get_by_test_id("shape-grow")).to_be_visible()


def _scale_of(page: Page) -> float:
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


def in_depth(person: Desk, bench: Bench) -> None:
    page = bench.page
    expect(page.get_by_text("slices here")).to_have_count(0)

    page.keyboard.press("t")
    column = bench.press("Enter")[1]
    assert column.any(axis=(1, 2)).sum() == 11
    person.picture("48-threshold-through-the-volume")
    bench.undoes("Shift+L", {1: largest(column)})
    solid = bench.press("Shift+L")[1]
    filled = ndimage.binary_fill_holes(solid)
    assert filled.sum() - solid.sum() == 32
    bench.undoes("Shift+F", {1: filled})

    page.keyboard.press("Shift+S")
    page.get_by_test_id("shape-unit").select_option("length")
    thick = (2.0, 1.0, 1.0)
    bench.undoes("+", {1: ndimage.binary_dilation(solid, ball(2, thick))})
    bench.undoes("-", {1: ndimage.binary_erosion(solid, ball(2, thick), border_value=1)})
    bench.undoes("Shift+O", {1: majority(solid, ball(2, thick))})
    person.picture("49-shape-of-a-volume")

    page.get_by_test_id("shape-reach-slices").click()
    rows = np.stack([ndimage.binary_dilation(one, ball(2, (1.0, 1.0))) for one in solid])
    bench.undoes("+", {1: rows})
    page.keyboard.press(",")
    page.keyboard.press(",")
    expect(page.get_by_test_id("shape-reach-slice")).to_be_checked()
    here = int(page.get_by_test_id("slice-number").inner_text().split()[1]) - 1
    one = solid.copy()
    one[here] = rows[here]
    bench.undoes("+", {1: one})

    top = int(np.flatnonzero(solid.any(axis=(1, 2))).max())
    for _ in range(top - here):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{top + 1} /")
    before = bench.masks()[1]
    copied = bench.press("Shift+ArrowUp")[1]
    assert np.array_equal(copied[top + 1], before[top])
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{top + 2} /")
    bench.press("Control+z")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+ArrowUp")
    expect(page.get_by_text("seems to end here")).to_be_visible()
    same(bench.masks(), {1: before})

    page.keyboard.press("ArrowDown")
    erased = bench.does(lambda: _erase_slice(page, top - 1))
    assert not erased[1][top - 1].any()
    page.keyboard.press("ArrowDown")
    fitted = bench.press("Control+ArrowUp")[1]
    truth = before[top - 1]
    dice = 2 * (fitted[top - 1] & truth).sum() / (fitted[top - 1].sum() + truth.sum())
    assert dice > 0.97
    person.picture("50-fitted-to-the-next-slice")
    page.set_viewport_size({"width": 390, "height": 844})
    person.picture("51-phone-volume")


def _erase_slice(page: Page, z: int) -> None:
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{z + 1} /")
    page.keyboard.press("e")
    page.get_by_test_id("tool-radius").fill("80")
    drag(page, 0, 0, 5, 0)
