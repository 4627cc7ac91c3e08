"""The whole loop in a real browser: import, predict, correct, review, train, promote, predict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from medseg_site.places import REPOSITORY
from segmentation.engine import masks
from tests.browser.conftest import Desk
from tests.browser.microscopy import (
    names_in_zip,
    pairs,
    write_indexed,
    write_pictures,
    write_series_zip,
)
from tests.browser.steps import (
    LONG_MS,
    all_saved,
    bring_in,
    drag,
    learn,
    middle,
    open_case,
    saved_after,
    shown_mask,
    state_of,
    token_of,
)
from tests.rest import Rest
from tests.running import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]
TRAINED, HELD_OUT, FRESH, LATER = 18, 6, 3, 1


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Any]:
    """28 squares of real microscopy and a zip of a DICOM series, as files to drag in."""
    squares = pairs(TRAINED + HELD_OUT + FRESH + LATER, tmp_path / "packages")
    known = squares[: TRAINED + HELD_OUT]
    return {
        "indexed": write_indexed(tmp_path / "indexed", known, HELD_OUT),
        "fresh": write_pictures(tmp_path / "fresh", squares[len(known) : len(known) + FRESH]),
        "later": write_pictures(tmp_path / "later", squares[-LATER:]),
        "series": write_series_zip(tmp_path / "series.zip", tmp_path),
    }


def first_network(site: Site, data: Path, folder: Path) -> None:
    """What ``train`` makes in twenty steps, as the project's network."""
    subprocess.run(
        [sys.executable, str(REPOSITORY / "manage.py"), "train", "--data", str(data),
         "--task", "instance2d", "--out", str(folder), "--steps", "20"],
        check=True, cwd=REPOSITORY, env=site.environ, capture_output=True,
    )  # fmt: skip
    site.command("import_network", str(folder), "--name", "first", "--project", "Loop", "--use")


def new_project(desk: Desk) -> str:
    """Made in one page; predictions show even what a young network half believes."""
    page = desk.go("/projects/new")
    page.get_by_test_id("project-name").fill("Loop")
    page.get_by_test_id("task-instances").check(force=True)
    page.get_by_test_id("label-name").first.fill("nucleus")
    page.get_by_test_id("project-holdout").fill("0")  # the index of the folder says who is held out
    desk.picture("01-new-project")
    page.get_by_test_id("project-create").click()
    expect(page.get_by_test_id("file-drop")).to_be_visible()
    project = page.url.split("/projects/")[1].split("/")[0]
    desk.go(f"/projects/{project}")
    expect(page.get_by_test_id("worklist-empty")).to_be_visible()
    desk.picture("02-empty-project")
    return project


def look_at_doubt(desk: Desk, person: Rest, case: str) -> None:
    """Y lays the network's doubt over the image, J goes to the next place; nothing of it is fetched
    before."""
    asked: list[str] = []
    desk.page.on("request", lambda request: asked.append(request.url))
    page = open_case(desk, case)
    all_saved(page)
    canvas = page.get_by_test_id("review-canvas-axial")
    before = canvas.screenshot()
    assert not [url for url in asked if "/uncertainty/" in url]
    with page.expect_response(lambda answer: "/uncertainty/" in answer.url) as answered:
        page.keyboard.press("y")
    assert answered.value.status == 200
    expect(page.get_by_test_id("uncertainty-key")).to_be_visible()
    page.wait_for_timeout(500)  # a frame or two until the map is drawn
    assert canvas.screenshot() != before
    run = person.get(f"cases/{case}/")["run"]
    assert run["has_uncertainty_map"]
    places = len(run["uncertain_places"])
    assert places  # a network of twenty steps is hardly ever sure
    page.keyboard.press("j")
    expect(page.get_by_test_id("uncertain-place")).to_contain_text(f"1 of {places}")
    desk.picture("05-uncertainty")
    page.get_by_test_id("uncertainty-toggle").click()
    expect(page.get_by_test_id("uncertainty-key")).to_have_count(0)


def correct(desk: Desk, person: Rest, case: str) -> None:
    """Brush, erase, draw a polygon, move the cut-off; reload on the way; nothing is lost."""
    page = open_case(desk, case)
    before = state_of(person, case)
    page.get_by_test_id("tool-brush").click()
    drag(page, -120, -60, -60, -40)
    brushed = saved_after(before, person, case)
    page.get_by_test_id("tool-eraser").click()
    drag(page, -100, -56, -90, -52)
    erased = saved_after(brushed, person, case)
    assert erased["head"]["digest"] != brushed["head"]["digest"]
    desk.picture("06-brush-and-eraser")

    page.reload()
    expect(page.get_by_test_id("review-canvas-axial")).to_be_visible()
    all_saved(page)
    assert state_of(person, case) == erased

    page.get_by_test_id("tool-polygon").click()
    x, y = middle(page)
    for dx, dy in ((60, 60), (130, 70), (100, 140)):
        page.mouse.click(x + dx, y + dy)
    page.keyboard.press("Enter")
    drawn = saved_after(erased, person, case)
    raise_cut_off(page, person, case)
    desk.picture("07-polygon-and-cut-off")
    page.get_by_test_id("undo").click()
    person.wait_for(lambda: proposed(person, case), lambda found: found > 0)
    assert state_of(person, case)["findings"] == drawn["findings"]
    page.get_by_test_id("redo").click()
    person.wait_for(lambda: proposed(person, case), lambda found: found == 0)


def look_at_changes(desk: Desk, person: Rest, case: str) -> None:
    """Shift Y holds the case against what the network found; the figures are those of the masks."""
    page = desk.page
    history = person.get(f"cases/{case}/revisions/")["results"]
    first = next(entry["id"] for entry in history if entry["kind"] == "predicted")
    before = shown_mask(person.get(f"revisions/{first}/state/"))
    after = shown_mask(state_of(person, case))
    page.keyboard.press("v")
    page.keyboard.press("Shift+Y")
    expect(page.get_by_test_id("difference-key")).to_be_visible()
    gained, lost = masks.subtract(after, before), masks.subtract(before, after)
    assert masks.area(gained) + masks.area(lost)
    for part, mask in (("gained", gained), ("lost", lost)):
        line = page.get_by_test_id(f"difference-{part}")
        expect(line).to_have_attribute("data-voxels", str(masks.area(mask)))
    page.keyboard.press(";")
    expect(page.get_by_test_id("difference-place")).to_contain_text("1 / ")
    desk.picture("07-changes-since-the-network")
    page.get_by_test_id("difference-end").click()
    expect(page.get_by_test_id("difference-key")).to_have_count(0)


def raise_cut_off(page: Page, person: Rest, case: str) -> None:
    """To the top: none of the young network's guesses stays."""
    page.get_by_test_id("cutoff-score").focus()
    page.keyboard.press("End")
    page.get_by_test_id("cutoff-score").blur()
    person.wait_for(lambda: proposed(person, case), lambda found: found == 0)


def proposed(person: Rest, case: str) -> int:
    return sum(told["state"] == "proposed" for told in state_of(person, case)["findings"])


def test_the_whole_loop(
    running_site: Site, desk: type[Desk], images: dict[str, Any], tmp_path: Path
) -> None:
    site = running_site
    administrator = desk()
    administrator.use_link(site.administrator_link())
    project = new_project(administrator)
    boss = Rest(site, token_of(site, "admin"))
    people = join(site, boss, project)
    first_network(site, images["indexed"], tmp_path / "first")

    annotator = desk()
    annotator.use_link(people["annotator"])
    lines = bring_in(annotator, project, [*images["fresh"], images["series"]])
    expect(lines.first).to_be_visible()
    annotator.picture("03-import-report")
    annotator.page.get_by_test_id("to-worklist").click()
    rows = annotator.page.get_by_test_id("case-row")
    expect(rows).to_have_count(FRESH + 1)
    drawer = Rest(site, token_of(site, "annotator"))
    predicted(drawer, annotator.page, project, FRESH)
    annotator.picture("04-predicted")

    fresh = [case for case in cases_of(drawer, project) if case["kind"] != "ct"]
    volume = next(case for case in cases_of(drawer, project) if case["kind"] == "ct")
    page = open_case(annotator, volume["id"])
    page.keyboard.press("y")
    expect(page.get_by_test_id("uncertainty-key")).to_contain_text("No network has looked")
    annotator.picture("05-volume-without-a-network")
    look_at_doubt(annotator, drawer, fresh[0]["id"])
    correct(annotator, drawer, fresh[0]["id"])
    look_at_changes(annotator, drawer, fresh[0]["id"])
    submit(annotator)
    for case in fresh[1:]:
        raise_cut_off(open_case(annotator, case["id"]), drawer, case["id"])
        submit(annotator)
    bring_in(annotator, project, images["indexed"])
    annotator.picture("08-folder-with-masks")
    cases = cases_of(drawer, project)
    assert sum(case["is_holdout"] for case in cases) == HELD_OUT
    for case in cases:
        if case["state"] == "ready" and case["kind"] != "ct":
            drawer.post(f"cases/{case['id']}/submit/")

    reviewer = desk()
    reviewer.use_link(people["reviewer"])
    send_back(reviewer, fresh[0]["id"])
    open_case(annotator, fresh[0]["id"])
    annotator.picture("10-returned")
    submit(annotator)
    open_case(reviewer, fresh[0]["id"]).get_by_test_id("case-accept").click()
    now_is(reviewer.page, "accepted")
    accept_the_rest(Rest(site, token_of(site, "reviewer")), project)

    first = served(boss, project)
    better = learn(administrator, project, start="champion", steps=160, picture="11")
    expect(better).not_to_have_attribute("data-outcome", "keep")
    promote(administrator)
    second = served(boss, project)
    assert second != first
    worse = learn(administrator, project, start="scratch", steps=1, picture="13")
    expect(worse).to_have_attribute("data-outcome", "keep")
    expect(administrator.page.get_by_test_id("promote")).to_be_disabled()
    assert served(boss, project) == second

    bring_in(annotator, project, images["later"])
    newest = max(cases_of(drawer, project), key=lambda case: case["number"])
    told = drawer.wait_for(
        lambda: drawer.get(f"cases/{newest['id']}/"), lambda told: told["run"] is not None
    )
    assert told["run"]["version_id"] == second
    open_case(annotator, newest["id"])
    annotator.picture("15-predicted-by-the-promoted-network")

    content = export(administrator, project)
    accepted = sum(case["state"] == "accepted" for case in cases_of(boss, project))
    assert sum(name.endswith(".labels.tif") for name in names_in_zip(content)) == accepted
    assert json.loads(site.command("verify", "--json").splitlines()[-1])["problems"] == []


def join(site: Site, boss: Rest, project: str) -> dict[str, str]:
    """An annotator and a reviewer with their one-time links; candidates from a low score on."""
    links = {name: site.command("create_link", name).strip() for name in ("annotator", "reviewer")}
    known = {person["username"]: person["id"] for person in boss.get("people/")["results"]}
    members = [{"user": known[name], "role": name} for name in links]
    members.append({"user": known["admin"], "role": "administrator"})
    told = boss.ask("PUT", f"projects/{project}/members/", json={"members": members})
    assert told.ok, told.text
    told = boss.ask("PATCH", f"projects/{project}/", json={"score_cutoff": 0.15})
    assert told.ok, told.text
    return {name: link[link.index("/link/") :] for name, link in links.items()}


def cases_of(person: Rest, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"projects/{project}/cases/?limit=200")["results"]
    return found


def predicted(person: Rest, page: Page, project: str, count: int) -> None:
    """All done in the background, and told by a page that was never loaded again."""
    page.evaluate("window.neverReloaded = true")
    person.wait_for_jobs("predict")
    heads = [person.get(f"cases/{case['id']}/")["run"] for case in cases_of(person, project)]
    assert sum(run is not None for run in heads) == count
    shown = [case["findings"] for case in cases_of(person, project) if case["findings"]]
    for findings in shown:
        expect(page.get_by_text(f"{findings} finding").first).to_be_visible()
    assert page.evaluate("window.neverReloaded") is True


def submit(desk: Desk) -> None:
    all_saved(desk.page)
    desk.page.get_by_test_id("case-submit").click()
    now_is(desk.page, "submitted")


def now_is(page: Page, state: str) -> None:
    expect(page.get_by_test_id("review-case-state")).to_have_attribute("data-state", state)


def send_back(desk: Desk, case: str) -> None:
    page = open_case(desk, case)
    page.get_by_test_id("case-return").click()
    page.get_by_test_id("case-return-comment").fill("The nucleus at the top left is too large.")
    desk.picture("09-return")
    page.get_by_test_id("case-return-confirm").click()
    now_is(page, "returned")
    expect(page.get_by_test_id("presence-take")).to_be_visible()  # the pen is left to the annotator


def accept_the_rest(reviewer: Rest, project: str) -> None:
    for case in cases_of(reviewer, project):
        if case["state"] == "submitted":
            reviewer.post(f"cases/{case['id']}/accept/")


def served(person: Rest, project: str) -> str:
    (choice,) = person.get(f"projects/{project}/")["network_choices"]
    return str(choice["version_id"])


def promote(desk: Desk) -> None:
    page = desk.page
    page.get_by_test_id("promote").click()
    page.get_by_test_id("promote-reason").fill("Clearly better on every hold-out image.")
    page.get_by_test_id("promote-confirm").click()
    expect(page.get_by_test_id("promotion").first).to_be_visible()
    desk.picture("12-promoted")


def export(desk: Desk, project: str) -> bytes:
    page = desk.go(f"/projects/{project}")
    page.get_by_test_id("export-open").click()
    page.get_by_test_id("export-labels").check()
    page.get_by_test_id("export-start").click()
    with page.expect_download(timeout=LONG_MS) as waiting:
        page.get_by_test_id("export-download").click(timeout=LONG_MS)
    desk.picture("16-export")
    return Path(waiting.value.path()).read_bytes()
