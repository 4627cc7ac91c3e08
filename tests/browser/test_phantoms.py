"""What the page shows of a volume lies where pydicom and nibabel say, in every orientation.

Small volumes, axes of unequal length and spacing, every voxel with a value of its own and the
patient a little askew: the 24 ways in which DICOM's axes can lie and the 24 mirrored ones that
NIfTI has besides; with ``MEDSEG_PHANTOMS=all`` NIfTI's other 24, too. In each of them and on each
plane: the letters at the edges, the value and the place in the patient under the pointer, the grey
on the screen; and on one plane the ruler's length.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Desk
from tests.browser.phantoms import (
    SIZE_XYZ,
    Expected,
    body,
    read_dicom,
    read_nifti,
    write_dicom,
    write_nifti,
)
from tests.browser.steps import token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

# The letters at left, right, top and bottom, as the axes run to left, posterior and superior.
LETTERS = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}
# What runs across and down a plane, and what it steps through: the patient's x, y and z.
AXES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
FIT = 0.97
ALL = os.environ.get("MEDSEG_PHANTOMS") == "all"
WATCH = """
(() => {
  const words = new Map();
  const { fillText, fillRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillRect = function (...box) {
    words.set(this.canvas, []);  // a plane begins with its ground
    return fillRect.apply(this, box);
  };
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
    words.get(this.canvas)?.push({ text, x, y });
    return fillText.call(this, text, x, y);
  };
  const canvas = (plane) => document.querySelector(`[data-testid=review-canvas-${plane}]`);
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  window.words_on = (plane) => words.get(canvas(plane)) ?? [];
  window.boxes = () => Object.fromEntries(['axial', 'coronal', 'sagittal'].map((plane) => {
    const { x, y, width, height } = canvas(plane).getBoundingClientRect();
    return [plane, { x, y, width, height }];
  }));
  window.under = async (plane, points) => {
    const at = canvas(plane);
    const { x, y } = at.getBoundingClientRect();
    const ratio = at.width / at.clientWidth;
    const seen = [];
    for (const [u, v] of points) {
      const where = { clientX: x + u, clientY: y + v, bubbles: true, pointerId: 1 };
      at.dispatchEvent(new PointerEvent('pointermove', where));
      await painted();
      const told = document.querySelector('[data-testid=pointer-value]').textContent;
      const spot = [Math.round(u * ratio), Math.round(v * ratio), 1, 1];
      seen.push({ told, grey: at.getContext('2d').getImageData(...spot).data[0] });
    }
    return seen;
  };
  window.is_whole = (plane) => {
    const drawn = words.get(canvas(plane)) ?? [];
    const isHere = drawn.every(({ text }) => text !== '…');
    return isHere && drawn.length > 4 && !canvas(plane).dataset.old;
  };
  window.go = (path) => {
    document.querySelectorAll('canvas').forEach((one) => (one.dataset.old = 'old'));
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
  };
})()
"""
READY = """
(id) => location.pathname === `/cases/${id}`
  && ['axial', 'coronal', 'sagittal'].every((plane) => is_whole(plane))
  && !document.querySelector('footer').textContent.includes('slices here')
"""
CLEAR_AWAY = """
document.querySelectorAll('.notice .icon-button, .toast .icon-button').forEach((one) => one.click())
"""


def test_every_orientation_shows_as_independent_readers_have_it(
    running_site: Site, desk: type[Desk], tmp_path: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    labels = [{"name": "something", "colour": "#0072b2"}]
    boss.post("projects/", {"name": "Phantoms", "task": "semantic", "labels": labels})
    cases = bring(running_site, tmp_path)
    assert len(cases) == (72 if ALL else 48)
    person.page.add_init_script(WATCH)
    began = time.monotonic()
    page = person.go(f"/cases/{cases[0][0]}")
    for number, (case, expected) in enumerate(cases):
        if number > 0:
            page.evaluate("(path) => go(path)", f"/cases/{case}")
        judge(page, case, expected, ruled=list(AXES)[number % 3])
    person.picture("40-phantom")
    print(f"{len(cases)} volumes in {time.monotonic() - began:.1f} s")


def bring(site: Site, folder: Path) -> list[tuple[str, Expected]]:
    """Import all; the case of each with what the readers say of its file."""
    readers = {path: read_nifti(path) for path in write_nifti(folder / "nifti", not ALL)}
    readers |= {path: read_dicom(path) for path in write_dicom(folder / "dicom")}
    told = json.loads(
        site.command("import_cases", *map(str, readers), "--project", "Phantoms", "--json")
    )
    names = {path.name: expected for path, expected in readers.items()}
    found = {}
    for file in told["files"]:
        assert file["outcome"] == "imported", file
        parts = re.split(r"[/\\]", file["name"])
        expected = next(names[part] for part in parts if part in names)
        found[file["case_id"]] = expected
    return list(found.items())


def judge(page: Page, case: str, expected: Expected, ruled: str) -> None:
    open_whole(page, case)
    boxes = page.evaluate("boxes()")
    for plane in AXES:
        sheet = Sheet(plane, expected, boxes[plane])
        where = f"{expected.name}, {plane}"
        letters = [sheet.word(page, spot) for spot in ("left", "right", "top", "bottom")]
        assert tuple(letters) == LETTERS[plane], where
        points = sheet.points()
        seen = page.evaluate("([plane, at]) => under(plane, at)", [plane, sheet.places(points)])
        for index, one in zip(points, seen, strict=True):
            value, world = told(one["told"])
            assert value == expected.values[index], (where, index, one)
            assert np.allclose(world, expected.affine_lps[:3] @ [*index, 1], atol=0.06), where
            assert abs(one["grey"] - grey_of(expected, index)) <= 4, (where, index, one)
    sheet = Sheet(ruled, expected, boxes[ruled])
    begin, end = sheet.points()[1:3]
    length = np.linalg.norm(expected.affine_lps[:3, :3] @ np.subtract(end, begin))
    assert sheet.ruler(page, begin, end) == pytest.approx(length, rel=0.01), expected.name


def open_whole(page: Page, case: str) -> None:
    """Until this case is there with all of its slices and nothing lies over its planes."""
    deadline = time.monotonic() + 60
    while not page.evaluate(READY, case):
        assert time.monotonic() < deadline, case
        time.sleep(0.01)
    page.evaluate(CLEAR_AWAY)


def told(text: str) -> tuple[float, list[float]]:
    """The value and the place (L, P, S) that the page tells."""
    found = re.search(r"\d+, \d+, \d+ +(-?[\d.]+).* L (\S+) +P (\S+) +S (\S+) mm", text)
    assert found is not None, text
    value, *world = (float(part) for part in found.groups())
    return value, world


def grey_of(expected: Expected, index: tuple[int, ...]) -> float:
    """Files without a window are shown from their least to their greatest value."""
    low, high = int(body().min()), int(body().max())
    return 255 * (int(expected.values[index]) - low) / (high - low)


class Sheet:
    """Where a plane's voxels lie on its canvas: the whole plane, true to scale, in the middle."""

    def __init__(self, plane: str, expected: Expected, box: dict[str, float]) -> None:
        self.plane, self.box = plane, box
        self.across, self.down, self.through = AXES[plane]
        self.spacing = expected.spacing
        sides = [SIZE_XYZ[axis] * self.spacing[axis] for axis in (self.across, self.down)]
        self.per_mm = FIT * min(box["width"] / sides[0], box["height"] / sides[1])

    def points(self) -> list[tuple[int, ...]]:
        """Voxels of the slice that a case opens with: away from its middle lines, unlike mirrored
        ones."""
        last_u, last_v = SIZE_XYZ[self.across] - 1, SIZE_XYZ[self.down] - 1
        return [self.index(u, v) for u, v in ((0, 0), (last_u, 1), (2, last_v - 1), (1, last_v))]

    def index(self, u: int, v: int) -> tuple[int, ...]:
        index = [side // 2 for side in SIZE_XYZ]
        index[self.across], index[self.down] = u, v
        return tuple(index)

    def places(self, points: list[tuple[int, ...]]) -> list[list[float]]:
        return [list(self.place(index)) for index in points]

    def place(self, index: tuple[int, ...]) -> tuple[float, float]:
        """The middle of a voxel in the canvas's own pixels; z runs upwards."""
        u, v = (index[axis] + 0.5 - SIZE_XYZ[axis] / 2 for axis in (self.across, self.down))
        up = -1 if self.down == 2 else 1
        return (
            self.box["width"] / 2 + u * self.spacing[self.across] * self.per_mm,
            self.box["height"] / 2 + up * v * self.spacing[self.down] * self.per_mm,
        )

    def word(self, page: Page, spot: str) -> str:
        """The letter that is drawn nearest to an edge's middle."""
        width, height = self.box["width"], self.box["height"]
        at = {
            "left": (0, height / 2), "right": (width, height / 2),
            "top": (width / 2, 0), "bottom": (width / 2, height),
        }[spot]  # fmt: skip
        words = page.evaluate("(plane) => words_on(plane)", self.plane)
        single = [word for word in words if re.fullmatch("[A-Z]", word["text"])]
        return str(min(single, key=lambda w: np.hypot(w["x"] - at[0], w["y"] - at[1]))["text"])

    def ruler(self, page: Page, begin: tuple[int, ...], end: tuple[int, ...]) -> float:
        """Millimetres between two voxels as the ruler tells them; the scale bar is no ruler."""
        page.get_by_test_id("tool-ruler").click()
        (x1, y1), (x2, y2) = self.place(begin), self.place(end)
        left, top = self.box["x"], self.box["y"]
        page.mouse.move(left + x1, top + y1)
        page.mouse.down()
        page.mouse.move(left + x2, top + y2, steps=2)
        page.mouse.up()
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        words = page.evaluate("(plane) => words_on(plane)", self.plane)
        drawn = [
            float(word["text"].split()[0])
            for word in words
            if word["text"].endswith(" mm") and word["y"] < self.box["height"] - 40
        ]
        assert len(drawn) == 1, words
        return drawn[0]
