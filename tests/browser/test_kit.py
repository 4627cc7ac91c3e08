"""The correction kit in a real browser: each operation is run on a drawn case, by keys where there
are keys, and what the service then holds is compared with SciPy's answer on what it held before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from scipy import ndimage

from tests.browser.bench import Bench, Mask, a_case, a_picture, a_volume, same, scale_of
from tests.browser.conftest import Desk
from tests.browser.steps import drag, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


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
    scale = scale_of(page)

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
