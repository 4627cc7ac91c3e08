"""A study of several series in a real browser: look through them, choose the reference, draw."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.steps import all_saved, bring_in, drag, open_case, state_of, token_of
from tests.rest import Rest
from tests.running import Site
from tests.services.drawn_studies import THICK, THIN, a_scout, a_series

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three series over one another: nine thin slices, four thick ones, one overview."""
    folder = tmp_path / "study"
    a_series(folder, "thick", THICK)
    a_series(folder, "thin", THIN)
    a_scout(folder)
    return folder


def test_masks_are_drawn_on_the_series_that_a_person_chose(
    running_site: Site, desk: type[Desk], study: Path
) -> None:
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    labels = [{"name": "organ", "colour": "#0072b2"}]
    project = boss.post("projects/", {"name": "Study", "task": "semantic", "labels": labels})["id"]
    bring_in(person, project, study)
    (row,) = boss.get(f"projects/{project}/cases/")["results"]
    assert row["series"] == 3

    page = open_case(person, row["id"])
    told = boss.get(f"cases/{row['id']}/")["images"]
    slices = {image["id"]: image["size"]["z"] for image in told}
    first = next(image["id"] for image in told if image["is_reference"])
    other = next(key for key, depth in slices.items() if depth == len(THICK))
    assert slices[first] == len(THIN)
    expect(page.get_by_test_id(f"series-{first}")).to_be_checked()
    person.picture("20-series")
    beside(person, page, other)

    for _ in told:
        page.keyboard.press("q")
    expect(page.get_by_test_id(f"series-{first}")).to_be_checked()
    page.get_by_test_id(f"series-{other}").click()
    expect(page.get_by_test_id("series-other")).to_be_visible()
    expect(page.get_by_test_id("tool-brush")).to_be_disabled()
    drag(page, 0, 0, 20, 0)  # not on the reference: nothing is drawn
    all_saved(page)
    assert state_of(boss, row["id"])["slices"] == []

    page.get_by_test_id("panel-tab-case").click()
    page.get_by_test_id("series-make-reference").click()
    expect(page.get_by_test_id("series-other")).to_have_count(0)
    expect(page.get_by_test_id(f"series-{other}")).to_be_checked()
    page.get_by_test_id("tool-brush").click()
    drag(page, 0, 0, 20, 0)
    boss.wait_for(lambda: state_of(boss, row["id"])["slices"], lambda drawn: len(drawn) > 0)
    person.picture("21-drawn-on-the-chosen-series")
    (finding,) = state_of(boss, row["id"])["findings"]
    assert finding["source"] == "person"
    page.get_by_test_id("panel-tab-case").click()
    page.get_by_test_id(f"series-{first}").click()
    expect(page.get_by_test_id("series-make-reference")).to_have_count(0)


def beside(person: Desk, page: Page, other: str) -> None:
    """The thick series beside the thin one: every 5 mm and every 2 mm of the same patient."""
    page.keyboard.press("Shift+W")
    expect(page.get_by_test_id("beside-which")).to_have_value(other)
    thin, thick = page.get_by_test_id("caption-axial"), page.get_by_test_id("beside-caption-axial")

    def are_at(thin_slice: int, thick_slice: int) -> None:
        expect(thin).to_contain_text(f"Axial {thin_slice} / {len(THIN)}")
        expect(thick).to_contain_text(f"Axial {thick_slice} / {len(THICK)}")

    are_at(5, 3)  # 8 mm is nearest to 10 mm
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    are_at(8, 4)  # 14 mm to 15 mm
    canvas = page.get_by_test_id("beside-canvas-axial")
    canvas.hover()
    page.mouse.wheel(0, 100)  # a slice down there, and this one follows: 10 mm
    are_at(6, 3)
    page.get_by_test_id("tool-brush").click()
    canvas.click()
    expect(page.get_by_text("Masks are drawn on the reference series")).to_be_visible()
    person.picture("22-beside")
    page.keyboard.press("End")
    expect(page.get_by_test_id("beside-note")).to_have_count(0)

    page.keyboard.press("q")  # what is beside and what is shown change places
    expect(page.get_by_test_id(f"series-{other}")).to_be_checked()
    expect(thick).to_contain_text(f"/ {len(THIN)}")
    page.keyboard.press("Shift+Q")
    page.keyboard.press("Shift+W")
    expect(page.get_by_test_id("beside")).to_have_count(0)
