"""Views into the depth of a volume in a real browser, on a drawn one whose every voxel is known."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import Phantom
from tests.browser.conftest import SWITCHES, Desk
from tests.browser.steps import all_saved, bring_in, drag, open_case, state_of, token_of
from tests.rest import Rest
from tests.running import Site, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

IN_SOFTWARE = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
WITHOUT_3D = ("--disable-gpu", "--disable-3d-apis", "--disable-software-rasterizer")
AS_A_CARD = """
const own = WebGL2RenderingContext.prototype.getExtension;
WebGL2RenderingContext.prototype.getExtension = function (name) {
  return name === "WEBGL_debug_renderer_info" ? null : own.call(this, name);
};
"""
SURFACES_BY = (("webgl2", IN_SOFTWARE, AS_A_CARD), ("canvas", WITHOUT_3D, ""))
"""Who has a graphics card has its surfaces by WebGL2; one made up by the processor, which hides its
name, stands in for it. Who has none has them by the page itself."""

SHAPE = (17, 41, 51)
SPACING = (2.0, 1.0, 1.0)
MIDDLE = tuple(size // 2 for size in SHAPE)
"""The voxel in the middle, where the crosshair stands at first."""


def bead_above_the_middle() -> NDArray[np.int16]:
    """Water with a bright bead one slice above the middle and a dark one below it."""
    z, y, x = MIDDLE
    grey = np.zeros(SHAPE, np.int16)
    grey[z + 1, y - 3 : y + 4, x - 3 : x + 4] = 200
    grey[z - 1, y - 3 : y + 4, x - 3 : x + 4] = -200
    return grey


def a_series(folder: Path, grey: NDArray[np.int16]) -> Path:
    folder.mkdir()
    write_ct_series(folder, Phantom(grey, np.zeros(SHAPE, np.uint8), (), SPACING), folder.name)
    return folder


def open_series(desk: Desk, boss: Rest, folder: Path) -> tuple[Page, str]:
    labels = [{"name": "organ", "colour": "#d55e00"}, {"name": "vessel", "colour": "#0072b2"}]
    asked = {"name": folder.name, "task": "semantic", "labels": labels}
    project = boss.post("projects/", asked)["id"]
    bring_in(desk, project, folder)
    (row,) = boss.get(f"projects/{project}/cases/")["results"]
    page = open_case(desk, row["id"])
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    return page, row["id"]


def colour_at(page: Page, canvas: str, right: float = 0.5, down: float = 0.5) -> list[int]:
    """Red, green and blue of a canvas at a share of its width and height."""
    told: list[int] = page.get_by_test_id(canvas).evaluate(
        """(canvas, [right, down]) => {
          const [x, y] = [Math.floor(canvas.width * right), Math.floor(canvas.height * down)];
          return Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3));
        }""",
        [right, down],
    )
    return told


def grey_of(value: float) -> list[int]:
    """A value in HU through the window of the series, centre 40 and width 400."""
    return [min(255, max(0, round((value - (40 - 200)) * 255 / 400)))] * 3


def shows(page: Page, canvas: str, colour: list[int]) -> None:
    """Waits for the middle of a canvas to have a colour, within what smoothing may change."""
    seen: list[int] = []

    def is_there() -> bool:
        seen[:] = colour_at(page, canvas)
        return all(abs(one - other) <= 2 for one, other in zip(seen, colour, strict=True))

    assert until(is_there, 30), (canvas, seen, colour)


def test_views_into_the_depth(
    running_site: Site, desk: type[Desk], browser: Browser, chromium: str, tmp_path: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    page, case = open_series(person, boss, a_series(tmp_path / "bead", bead_above_the_middle()))
    tilted_plane(person, page)
    slabs(person, page, boss, case)
    surfaces_follow_the_hand(page)
    for kind, switches, shim in SURFACES_BY:
        other = browser.browser_type.launch(
            executable_path=chromium, args=[*(set(SWITCHES) - {"--disable-gpu"}), *switches]
        )
        try:
            surfaces(person, other, case, kind, shim)
        finally:
            other.close()


def tilted_plane(person: Desk, page: Page) -> None:
    """Level it shows slices, stepped it shows the next ones, dragged upright it cuts the bead."""
    canvas, view = "oblique-view", page.get_by_test_id("oblique-view")
    page.keyboard.press("Shift+R")
    shows(page, canvas, grey_of(0))
    assert brightest(page, canvas) < grey_of(150)[0]
    view.focus()
    for key, value in (("PageUp", 200), ("PageDown", 0), ("PageDown", -200), ("PageUp", 0)):
        page.keyboard.press(key)
        page.keyboard.press(key)  # a step is 1 mm, a slice 2 mm
        shows(page, canvas, grey_of(value))
    assert brightest(page, canvas) < grey_of(150)[0]

    box = page.get_by_test_id("review-canvas-coronal").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 70, y)  # the handle of the tilted plane's line
    page.mouse.down()
    page.mouse.move(x + 50, y + 50, steps=4)
    page.mouse.move(x, y + 70, steps=4)
    page.mouse.up()
    assert until(lambda: brightest(page, canvas) >= grey_of(195)[0], 30)
    expect(page.get_by_test_id("caption-axial")).to_contain_text("Axial 9 / 17")
    person.picture("62-tilted")

    page.get_by_test_id("tool-brush").click()
    view.click()
    expect(page.get_by_text("Masks lie on the stored slices")).to_be_visible()
    page.get_by_test_id("oblique-level").click()
    assert until(lambda: brightest(page, canvas) < grey_of(150)[0], 30)
    page.keyboard.press("Shift+R")
    expect(view).to_have_count(0)


def brightest(page: Page, canvas: str) -> int:
    """The greatest blue in the middle of a canvas: neither its letters nor its amber marks."""
    told: int = page.get_by_test_id(canvas).evaluate(
        """(canvas) => {
          const [w, h] = [canvas.width, canvas.height];
          const seen = canvas.getContext("2d").getImageData(w * 0.2, h * 0.2, w * 0.6, h * 0.6);
          return seen.data.reduce((most, part, k) => (k % 4 === 2 ? Math.max(most, part) : most));
        }"""
    )
    return told


def slabs(person: Desk, page: Page, boss: Rest, case: str) -> None:
    axial = "review-canvas-axial"
    shows(page, axial, grey_of(0))

    page.keyboard.press("*")
    caption = page.get_by_test_id("slab-caption-axial")
    expect(caption).to_contain_text("MIP 10 mm 5 slices")
    expect(page.get_by_test_id("slab-caption-coronal")).to_contain_text("11 slices")
    shows(page, axial, grey_of(200))
    page.keyboard.press("<")
    page.keyboard.press("<")
    expect(caption).to_contain_text("MIP 6 mm 3 slices")
    person.picture("60-slab")

    page.get_by_test_id("tool-brush").click()
    drag(page, 0, 0, 20, 0)
    expect(page.get_by_text("A slab shows several slices at once")).to_be_visible()
    all_saved(page)
    assert state_of(boss, case)["slices"] == []

    page.keyboard.press("*")
    shows(page, axial, grey_of(-200))
    page.get_by_test_id("view-options").click()
    page.get_by_test_id("slab-rule").select_option("mean")
    shows(page, axial, grey_of(0))
    page.get_by_test_id("slab-rule").select_option("max")
    page.get_by_test_id("image-colours").select_option("hot")
    shows(page, axial, [255, 255, 157])  # shade 230 of 255 in "hot", between yellow and white
    page.get_by_test_id("slab-rule").select_option("")
    expect(caption).to_have_count(0)
    page.keyboard.press("Escape")
    drag(page, 0, 0, 20, 0)
    boss.wait_for(lambda: state_of(boss, case)["slices"], lambda drawn: len(drawn) > 0)
    assert {row["z"] for row in state_of(boss, case)["slices"]} == {MIDDLE[0]}

    page.reload()  # the colours stay with the person, the slab does not
    expect(page.get_by_test_id("review-canvas-axial")).to_be_visible()
    page.get_by_test_id("view-options").click()
    expect(page.get_by_test_id("image-colours")).to_have_value("hot")
    expect(page.get_by_test_id("slab-rule")).to_have_value("")
    page.get_by_test_id("image-colours").select_option("grey")
    page.keyboard.press("Escape")


def surfaces_follow_the_hand(page: Page) -> None:
    expect(page.get_by_test_id("tool-ball")).to_be_enabled()
    page.keyboard.press("Shift+Z")
    view = page.get_by_test_id("surface-view")
    expect(view).to_have_attribute("data-kind", "canvas")  # no card, or one made up
    expect(view).to_have_attribute("data-count", "1")
    page.get_by_test_id("tool-ball").click()
    drag(page, 0, 0, 1, 0)
    page.get_by_test_id("finding-1").click()
    page.keyboard.press("Delete")
    expect(view).to_have_attribute("data-count", "0")
    expect(page.get_by_test_id("surface-note")).to_contain_text("No masks")
    page.keyboard.press("Control+z")
    expect(view).to_have_attribute("data-count", "1")
    all_saved(page)
    page.keyboard.press("Shift+Z")
    expect(view).to_have_count(0)


def surfaces(person: Desk, browser: Browser, case: str, kind: str, shim: str) -> None:
    """The ball around the middle, seen by a painter: turned, chosen, with the crosshair on it."""
    context = browser.new_context(
        storage_state=person.context.storage_state(), viewport={"width": 1440, "height": 900}
    )
    page = context.new_page()
    page.on("pageerror", lambda error: person.troubles.append(str(error)))
    page.add_init_script(shim)
    page.goto(f"{person.site.url}/cases/{case}")
    expect(page.get_by_test_id("review-canvas-axial")).to_be_visible()
    page.keyboard.press("Shift+Z")
    view = page.get_by_test_id("surface-view")
    expect(view).to_have_attribute("data-kind", kind)
    expect(view).to_have_attribute("data-count", "1")
    expect(view).to_have_attribute("data-pending", "0")

    front = seen_in(view)
    red, green, blue = colours_at(front, 0.55, 0.45)  # beside the crosshair, on the ball
    assert red > 120, (kind, red, green, blue)
    assert red > green > blue, "the label's orange"
    assert colours_at(front, 0.1, 0.3) == (26, 27, 29)
    page.screenshot(path=person.pictures / f"61-surfaces-{kind}.png")

    box = view.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    expect(page.get_by_test_id("finding-label")).to_be_visible()  # it is selected
    page.get_by_test_id("review-canvas-coronal").click(position={"x": 4, "y": 4})
    page.mouse.click(x, y)
    slices = page.get_by_test_id("caption-coronal")
    expect(slices).to_contain_text(f"/ {SHAPE[1]}")
    found = int((slices.text_content() or "").split()[1])
    # The front of a ball of six pixels around row 21, counted from one.
    assert 13 <= found <= 16, found

    still = seen_in(view)
    view.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    assert until(lambda: seen_in(view) != still, 10)
    page.get_by_test_id("surface-side-A").click()
    page.get_by_role("button", name="Close the 3-D view").click()
    expect(view).to_have_count(0)
    context.close()


def seen_in(view: Locator) -> bytes:
    return view.screenshot()


def colours_at(picture: bytes, right: float, down: float) -> tuple[int, ...]:
    pixels = np.asarray(Image.open(BytesIO(picture)).convert("RGB"))
    height, width = pixels.shape[:2]
    return tuple(int(part) for part in pixels[int(height * down), int(width * right)])
