"""What people do in a browser, as steps that several tests take."""

from __future__ import annotations

import base64
import json
from functools import reduce
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from segmentation.engine import masks
from segmentation.engine.types import RunLengths
from tests.browser.conftest import Desk
from tests.rest import Rest
from tests.running import Site

LONG_MS = 600_000


def bring_in(desk: Desk, project: str, files: list[Path] | Path) -> Locator:
    """Choose files or a folder on the import page and wait for the report's lines."""
    page = desk.go(f"/projects/{project}/import")
    which = "folder-input" if isinstance(files, Path) else "file-input"
    page.get_by_test_id(which).set_input_files(files)
    expect(page.get_by_test_id("import-report")).to_be_visible(timeout=LONG_MS)
    return page.get_by_test_id("report-line")


def open_case(desk: Desk, case: str) -> Page:
    page = desk.go(f"/cases/{case}")
    expect(page.get_by_test_id("review-canvas-axial")).to_be_visible()
    expect(page.get_by_test_id("save-status")).to_be_visible()
    return page


def middle(page: Page) -> tuple[float, float]:
    box = page.get_by_test_id("review-canvas-axial").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, dx: float, dy: float, to_dx: float, to_dy: float) -> None:
    x, y = middle(page)
    page.mouse.move(x + dx, y + dy)
    page.mouse.down()
    page.mouse.move(x + to_dx, y + to_dy, steps=6)
    page.mouse.up()


def all_saved(page: Page) -> None:
    expect(page.get_by_test_id("save-status")).to_have_attribute("data-status", "saved")


def state_of(person: Rest, case: str) -> dict[str, Any]:
    told: dict[str, Any] = person.get(f"cases/{case}/state/")
    return told


def shown_mask(state: dict[str, Any]) -> RunLengths:
    """Of a picture of one plane: the pixels under any mask that counts."""
    hidden = {
        told["finding"] for told in state["findings"] if told["state"] in ("rejected", "suppressed")
    }
    runs = [
        masks.from_bytes(base64.b64decode(row["runs"]))
        for row in state["slices"]
        if row["finding"] not in hidden | {0}
    ]
    return reduce(masks.union, runs)


def saved_after(before: dict[str, Any], person: Rest, case: str) -> dict[str, Any]:
    """The state once the page has saved something more."""
    told: dict[str, Any] = person.wait_for(
        lambda: state_of(person, case),
        lambda told: told["head"]["sequence"] > before["head"]["sequence"],
    )
    return told


def token_of(site: Site, person: str) -> str:
    return str(json.loads(site.command("create_token", person, "--json"))["token"])


def learn(desk: Desk, project: str, *, start: str, steps: int, picture: str) -> Locator:
    """Freeze where it is due, train, watch the curve, and wait for the verdict."""
    page = desk.go(f"/projects/{project}/learn")
    if page.get_by_test_id("training-set").count() == 0:
        page.get_by_test_id("freeze").click()
    expect(page.get_by_test_id("training-set").first).to_be_visible()
    page.get_by_test_id("train-start").select_option(start)
    page.get_by_test_id("train-unit").select_option("steps")
    page.get_by_test_id("train-budget").fill(str(steps))
    known = page.get_by_test_id("comparison-row").count()
    page.get_by_test_id("train-begin").click()
    expect(page.get_by_test_id("training")).to_be_visible()
    if steps > 1:
        expect(page.get_by_test_id("loss-plot")).to_be_visible(timeout=LONG_MS)
    desk.picture(f"{picture}-training")
    expect(page.get_by_test_id("comparison-row")).to_have_count(known + 1, timeout=LONG_MS)
    row = page.get_by_test_id("comparison-row").first
    expect(row).not_to_have_attribute("data-outcome", "", timeout=LONG_MS)
    row.get_by_role("button").first.click()
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_be_visible()
    desk.picture(f"{picture}-verdict")
    return verdict
