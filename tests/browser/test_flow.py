"""Going through cases: what a person likes is kept, keys are theirs, what is measured stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.steps import all_saved, bring_in, drag, open_case, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def pictures_of_boxes(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(4)
    paths = [tmp_path / f"picture{number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (96, 128), dtype=np.uint8)).save(path)
    return paths


def test_a_person_goes_through_the_cases(
    running_site: Site, desk: type[Desk], pictures_of_boxes: list[Path]
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    labels = [{"name": "cell", "colour": "#0072b2", "key": "k"}]
    made = boss.post("projects/", {"name": "Flow", "task": "boxes", "labels": labels})
    bring_in(person, made["id"], pictures_of_boxes)
    cases = boss.get(f"projects/{made['id']}/cases/?order=number")["results"]
    first, second, third = (case["id"] for case in cases)

    page = open_case(person, first)
    keys_are_the_persons_own(person, page)
    measures(person, page, boss, first)
    looks_are_kept(page)
    the_next_case_is_read_ahead(page, boss, first, second, third)


def keys_are_the_persons_own(person: Desk, page: Page) -> None:
    page.get_by_test_id("help").click()
    page.get_by_test_id("keys-change").click()
    page.get_by_test_id("key-accept").click()
    page.keyboard.press("r")
    expect(page.get_by_test_id("keys-told")).to_contain_text("already means “Reject”")
    page.get_by_test_id("key-accept").click()
    page.keyboard.press("k")
    expect(page.get_by_test_id("keys-told")).to_contain_text("chooses the label “cell”")
    page.get_by_test_id("key-tool.ruler").click()
    page.keyboard.press("_")
    expect(page.get_by_test_id("keys-told")).to_contain_text("_ is now “Ruler”")
    person.picture("30-keys")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help-overlay")).to_be_hidden()


def measures(person: Desk, page: Page, boss: Rest, case: str) -> None:
    page.keyboard.press("_")
    expect(page.get_by_test_id("tool-ruler")).to_have_attribute("aria-pressed", "true")
    drag(page, -60, -40, 60, 50)
    address = f"cases/{case}/measurements/"
    (kept,) = boss.wait_for(lambda: boss.get(address)["results"], lambda rows: len(rows) == 1)
    assert (kept["kind"], kept["unit"]) == ("length", "px")
    page.get_by_test_id("panel-tab-measures").click()
    expect(page.get_by_test_id("measure-1")).to_contain_text("px")
    page.get_by_test_id("measure-note-1").fill("longest")
    page.get_by_test_id("measure-note-1").blur()
    boss.wait_for(lambda: boss.get(address)["results"], lambda rows: rows[0]["note"] == "longest")
    person.picture("31-measured")
    page.get_by_test_id("measure-remove-1").click()
    boss.wait_for(lambda: boss.get(address)["results"], lambda rows: rows == [])
    page.get_by_test_id("undo").click()
    (again,) = boss.wait_for(lambda: boss.get(address)["results"], lambda rows: len(rows) == 1)
    assert again["id"] == kept["id"]


def looks_are_kept(page: Page) -> None:
    page.get_by_test_id("goes-on").click()
    page.keyboard.press("\\")
    expect(page.get_by_test_id("panel-tab-findings")).to_have_count(0)
    page.reload()
    expect(page.get_by_test_id("review-canvas-axial")).to_be_visible()
    expect(page.get_by_test_id("panel-tab-findings")).to_have_count(0)
    expect(page.get_by_test_id("goes-on")).to_have_attribute("aria-pressed", "true")


def the_next_case_is_read_ahead(page: Page, boss: Rest, *cases: str) -> None:
    """Its pixels are fetched before the key is pressed, its pen is not taken, and it opens."""
    first, second, third = cases
    (image,) = (one["id"] for one in boss.get(f"cases/{second}/")["images"])
    fetched = f"performance.getEntriesByType('resource').some((e) => e.name.includes('{image}'))"
    boss.wait_for(lambda: page.evaluate(fetched), bool)
    project = boss.get(f"cases/{second}/")["project"]["id"]
    rows = boss.get(f"projects/{project}/cases/")["results"]
    assert [row["id"] for row in rows if row["holder"] is not None] == [first]
    all_saved(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/cases/{second}")
    expect(page.get_by_test_id("review-case-state")).to_have_attribute("data-state", "ready")
    assert boss.get(f"cases/{first}/")["state"] == "submitted"
    page.keyboard.press("Shift+Enter")
    page.wait_for_url(f"**/cases/{third}")
