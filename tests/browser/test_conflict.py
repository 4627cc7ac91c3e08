"""Two people draw on one mask while one of them is cut off: nothing of either is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from segmentation.engine import masks
from tests.browser.conftest import Desk
from tests.browser.steps import (
    all_saved,
    bring_in,
    drag,
    open_case,
    saved_after,
    shown_mask,
    state_of,
    token_of,
)
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def case(running_site: Site, desk: type[Desk], tmp_path: Path) -> tuple[Desk, Rest, str]:
    """An even picture to draw on, and the administrator who brought it."""
    person = desk()
    person.use_link(running_site.administrator_link())
    boss = Rest(running_site, token_of(running_site, "admin"))
    labels = [{"name": "organ", "colour": "#0072b2"}]
    project = boss.post("projects/", {"name": "Two", "task": "semantic", "labels": labels})["id"]
    picture = tmp_path / "picture.png"
    Image.fromarray(np.full((96, 128), 90, dtype=np.uint8)).save(picture)
    bring_in(person, project, [picture])
    (told,) = boss.get(f"projects/{project}/cases/")["results"]
    return person, boss, told["id"]


def test_both_sides_of_a_conflict_can_be_put_together(
    running_site: Site, desk: type[Desk], case: tuple[Desk, Rest, str]
) -> None:
    first, boss, number = case
    page = open_case(first, number)
    all_saved(page)
    nothing = state_of(boss, number)
    page.get_by_test_id("tool-brush").click()  # waits for the pen
    drag(page, -200, -100, -120, -100)
    before = boss.wait_for(lambda: state_of(boss, number), lambda state: state["head"] is not None)
    assert before["head"] != nothing["head"]
    first.context.set_offline(True)
    drag(page, -160, -160, -160, -40)
    expect(page.get_by_test_id("save-status")).to_have_attribute("data-status", "unsynced")

    project = boss.get(f"cases/{number}/")["project"]["id"]
    link = running_site.command("create_link", "second").strip()
    known = {person["username"]: person["id"] for person in boss.get("people/")["results"]}
    members = [{"user": known["second"], "role": "annotator"}]
    members.append({"user": known["admin"], "role": "administrator"})
    boss.ask("PUT", f"projects/{project}/members/", json={"members": members}).raise_for_status()
    second = desk()
    second.use_link(link)
    other = open_case(second, number)
    if other.get_by_test_id("presence-take").is_visible():  # else the lease has run out already
        other.get_by_test_id("presence-take").click()
    watch = {"tab": boss.tab, "seconds": 0, "want": "watch"}
    boss.wait_for(
        lambda: boss.post(f"cases/{number}/presence/", watch)["holder"],
        lambda holder: holder is not None and holder["username"] == "second",
    )
    other.get_by_test_id("tool-brush").click()
    drag(other, -140, -100, 40, -100)
    theirs = saved_after(before, boss, number)
    second.go("/")

    first.context.set_offline(False)
    expect(page.get_by_test_id("conflict-dialog")).to_be_visible()
    for side in ("mine", "theirs", "both"):
        expect(page.get_by_test_id(f"conflict-side-{side}")).to_be_visible()
    page.wait_for_timeout(500)  # a frame or two until they are drawn
    pictures = {
        side: page.get_by_test_id(f"conflict-side-{side}").screenshot()
        for side in ("mine", "theirs", "both")
    }
    assert len(set(pictures.values())) == 3
    first.picture("40-conflict")
    page.get_by_test_id("conflict-both").click()
    expect(page.get_by_test_id("conflict-dialog")).to_be_hidden()
    all_saved(page)
    together = shown_mask(saved_after(theirs, boss, number))
    assert masks.area(masks.subtract(shown_mask(theirs), together)) == 0
    mine = masks.subtract(together, shown_mask(theirs))
    x1, _, x2, _ = masks.bounding_box(mine, 128) or (0, 0, 0, 0)
    assert masks.area(mine) > 0
    assert x2 - x1 <= 3 * 8  # a vertical stroke, not theirs


def test_a_pen_that_comes_while_the_case_is_read_brings_what_was_left_unsent(
    running_site: Site, case: tuple[Desk, Rest, str]
) -> None:
    """The page that drew without a network is gone and is still thought to hold the pen."""
    person, boss, number = case
    page = open_case(person, number)
    page.get_by_test_id("tool-brush").click()  # waits for the pen
    person.context.set_offline(True)
    drag(page, -160, -100, -60, -40)
    expect(page.get_by_test_id("save-status")).to_have_attribute("data-status", "unsynced")
    after = person.context.new_page()
    page.close()
    person.context.set_offline(False)

    waiting: list[Route] = []
    asked = 0

    def hold_back(route: Route) -> None:
        """The masks come first with the picture; then again, with or without the pen."""
        nonlocal asked
        asked += 1
        if asked == 2:
            waiting.append(route)
        else:
            route.continue_()

    after.route(f"**/cases/{number}/state/", hold_back)
    after.goto(f"{running_site.url}/cases/{number}")
    take = after.get_by_test_id("presence-take")
    expect(take).to_be_visible()
    with after.expect_response(lambda answer: answer.url.endswith("/presence/take/")):
        take.click()
    after.wait_for_timeout(200)  # the page has heard it
    (route,) = waiting
    with after.expect_response(lambda answer: answer.url.endswith("/revisions/")):
        route.continue_()
    assert masks.area(shown_mask(state_of(boss, number))) > 0
    all_saved(after)
