"""Nothing of WCAG 2.2 AA that axe can judge is broken on any page, in any state, light or dark, at
the width of a desk or of a phone."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.phantoms import ct_series, nuclei_field
from segmentation.engine import masks
from tests.browser.axe import Inspector
from tests.browser.conftest import PASSWORD, SAME_BEHIND_NGINX, Desk
from tests.browser.steps import all_saved, drag, open_case, state_of, token_of
from tests.rest import Rest
from tests.running import Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    SAME_BEHIND_NGINX,
]
LABELS = [{"name": "cell", "colour": "#0072b2"}, {"name": "debris", "colour": "#e69f00"}]
MANY = 10_000


class World:
    """A site with something in every corner."""

    def __init__(self, boss: Rest, folder: Path) -> None:
        self.boss = boss
        self.empty = self._project("Empty", "instances")
        self.cells = self._project("Cells", "instances")
        self.volumes = self._project("Volumes", "semantic")
        self.boxes = self._project("Boxes", "boxes")
        self.labels = self._project("Kinds", "labels")
        pictures = _pictures(folder)
        boss.upload_paths(self.cells, pictures[:2])
        boss.upload_paths(self.boxes, pictures[2:4])
        boss.upload_paths(self.labels, pictures[4:5])
        series = folder / "series"
        series.mkdir()
        write_ct_series(series, ct_series((6, 64, 64)), "series")
        boss.upload_paths(self.volumes, sorted(series.iterdir()))
        boss.wait_for_jobs("predict")

    def _project(self, name: str, task: str) -> str:
        made = self.boss.post("projects/", {"name": name, "task": task, "labels": LABELS})
        return str(made["id"])

    def case(self, project: str, which: int = 0) -> str:
        rows = self.boss.get(f"projects/{project}/cases/?order=number")["results"]
        return str(rows[which]["id"])

    def fill_with_boxes(self, case: str) -> None:
        """So many findings as a slide of cells may have."""
        self.boss.hold(case)
        fields = {"label": 1, "state": "accepted", "source": "person", "z": 0}
        findings = [
            {"finding": n + 1, **fields, "box": [n % 80, n % 60, n % 80 + 6, n % 60 + 6]}
            for n in range(MANY)
        ]
        told = self.boss.save(case, None, [], findings, "many")
        assert told.status_code in (200, 201), told.text
        self.boss.post(
            f"cases/{case}/presence/", {"tab": self.boss.tab, "seconds": 0, "want": "leave"}
        )


def _pictures(folder: Path) -> list[Path]:
    paths = [folder / f"field{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.fromarray(nuclei_field(8, (96, 112), seed=number).pixels).save(path)
    return paths


@pytest.fixture
def world(running_site: Site, tmp_path: Path) -> World:
    running_site.administrator_link()
    return World(Rest(running_site, token_of(running_site, "admin")), tmp_path)


def test_axe_finds_nothing_on_any_page(
    running_site: Site, desk: type[Desk], world: World, tmp_path: Path
) -> None:
    person = desk()
    seen = Inspector(person.page)
    try:
        _everything(person, seen, running_site, world, tmp_path)
    finally:
        print(f"{len(seen.looked)} states", *seen.found, sep="\n")
    assert seen.found == []
    assert len(seen.looked) == len(set(seen.looked))


def _everything(person: Desk, seen: Inspector, site: Site, world: World, folder: Path) -> None:
    at_the_door(person, seen, site)
    lists_and_administration(person, seen, world)
    the_worklist(person, seen, world)
    bringing_in(person, seen, world, folder)
    reviewing(person, seen, world)
    states_of_the_review(person, seen, world)
    a_conflict(person, seen, world)
    signed_out(person, seen, world)


def at_the_door(person: Desk, seen: Inspector, site: Site) -> None:
    page = person.go("/sign-in/")
    seen.look("sign-in")
    page.locator("input[type=password]").fill("wrong")
    page.locator("input[type=text], input[name=username]").first.fill("admin")
    page.locator("button[type=submit]").click()
    expect(page.get_by_text("do not belong together")).to_be_visible()
    seen.look("sign-in refused")
    person.go("/link/spent")
    seen.look("a spent link")
    link = site.administrator_link()
    person.go(link[link.index("/link/") :])
    seen.look("a one-time link")
    for each in page.locator("input[type=password]").all():
        each.fill(PASSWORD)
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_test_id("account-menu")).to_be_visible()
    page.get_by_test_id("account-menu").click()
    seen.look("the account menu")


def lists_and_administration(person: Desk, seen: Inspector, world: World) -> None:
    page = person.page
    for name, path, there in (
        ("projects", "/", "project-card"),
        ("a new project", "/projects/new", "project-form"),
        ("learn without a training set", f"/projects/{world.cells}/learn", "learn"),
        ("settings", f"/projects/{world.cells}/settings", "settings"),
        ("networks", "/networks", "network"),
        ("jobs", "/jobs", "job-list"),
        ("people", "/people", "people"),
        ("account", "/account", "tokens"),
        ("a page that is not there", "/projects/1/2/3", "page-missing"),
    ):
        person.go(path)
        expect(page.get_by_test_id(there).first).to_be_visible()
        seen.look(name)
    person.go("/people")
    page.get_by_test_id("person-new").click()
    expect(page.get_by_test_id("person-username")).to_be_visible()
    seen.look("a new person")
    page.get_by_test_id("person-username").fill("grace")
    page.get_by_test_id("person-save").click()
    expect(page.get_by_test_id("one-time-link")).to_be_visible()
    seen.look("a link for a new person")
    person.go("/account")
    page.get_by_test_id("token-name").fill("script")
    page.get_by_test_id("token-create").click()
    expect(page.get_by_test_id("token-value")).to_be_visible()
    seen.look("a new token")
    person.go("/api/v1/docs/")
    seen.look("the programming interface")


def the_worklist(person: Desk, seen: Inspector, world: World) -> None:
    page = person.go(f"/projects/{world.empty}")
    expect(page.get_by_test_id("worklist-empty")).to_be_visible()
    seen.look("an empty project")
    person.go(f"/projects/{world.cells}")
    expect(page.get_by_test_id("case-row")).to_have_count(2)
    seen.look("the worklist")
    page.get_by_test_id("case-row").first.get_by_role("checkbox").check()
    expect(page.get_by_test_id("bulk-bar")).to_be_visible()
    seen.look("the worklist with a choice")
    page.get_by_test_id("bulk-assign").click()
    expect(page.get_by_test_id("assign-save")).to_be_visible()
    seen.look("assigning")
    page.keyboard.press("Escape")
    page.get_by_test_id("export-open").click()
    expect(page.get_by_test_id("export-start")).to_be_visible()
    seen.look("exporting")
    page.keyboard.press("Escape")
    _failing(page, f"**/projects/{world.cells}/cases/**")
    page.reload()
    expect(page.get_by_test_id("failure").first).to_be_visible()
    seen.look("the worklist that failed")
    page.unroute_all()


def bringing_in(person: Desk, seen: Inspector, world: World, folder: Path) -> None:
    page = person.go(f"/projects/{world.empty}/import")
    expect(page.get_by_test_id("file-drop")).to_be_visible()
    seen.look("importing")
    (folder / "not_an_image.png").write_text("no picture")
    good = folder / "good.png"
    Image.fromarray(nuclei_field(8, (64, 64), seed=77).pixels).save(good)
    page.get_by_test_id("file-input").set_input_files([good, folder / "not_an_image.png"])
    expect(page.get_by_test_id("import-report")).to_be_visible()
    seen.look("the report of an import")


def reviewing(person: Desk, seen: Inspector, world: World) -> None:
    """Every panel, tool and dialog of the review page."""
    page = open_case(person, world.case(world.cells))
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    seen.look("review with the offer of the tour")
    page.locator("[data-testid^=finding-]").first.click()
    for tab in ("measures", "comments", "history", "case", "findings"):
        page.get_by_test_id(f"panel-tab-{tab}").click()
        seen.look(f"review, panel {tab}")
    for key, tool in (
        ("b", "brush"),
        ("t", "threshold"),
        ("f", "fill"),
        ("k", "prompt"),
        ("u", "ruler"),
    ):
        page.keyboard.press(key)
        expect(page.get_by_test_id(f"tool-{tool}")).to_have_attribute("aria-pressed", "true")
        seen.look(f"review, tool {tool}")
    drag(page, -40, -30, 40, 30)
    page.get_by_test_id("panel-tab-measures").click()
    expect(page.get_by_test_id("measure-1")).to_be_visible()
    seen.look("review, a measurement")
    page.keyboard.press("Shift+S")
    expect(page.get_by_test_id("shape-panel")).to_be_visible()
    seen.look("review, panel shape")
    page.keyboard.press("y")
    expect(page.get_by_test_id("uncertainty-key")).to_be_visible()
    seen.look("review, uncertainty")
    page.keyboard.press("y")
    page.get_by_test_id("help").click()
    expect(page.get_by_test_id("help-overlay")).to_be_visible()
    seen.look("review, help")
    page.get_by_test_id("keys-change").click()
    page.get_by_test_id("key-accept").click()
    seen.look("review, keys that are changed")
    page.keyboard.press("Escape")
    page.get_by_test_id("tour-again").click()
    expect(page.get_by_test_id("tour")).to_be_visible()
    seen.look("review, tour")
    page.get_by_test_id("tour-skip").click()
    page.keyboard.press("z")
    seen.look("review, the image alone")
    page.keyboard.press("z")
    all_saved(page)
    page.get_by_test_id("case-submit").click()
    expect(page.get_by_test_id("review-case-state")).to_have_attribute("data-state", "submitted")
    seen.look("review, submitted and read-only")
    page.get_by_test_id("case-return").click()
    expect(page.get_by_test_id("case-return-comment")).to_be_visible()
    seen.look("review, sending back")


def states_of_the_review(person: Desk, seen: Inspector, world: World) -> None:
    page = open_case(person, world.case(world.volumes))
    seen.look("review of a volume, empty")
    for name, project in (("boxes", world.boxes), ("image labels", world.labels)):
        open_case(person, world.case(project))
        seen.look(f"review of {name}")
    many = world.case(world.boxes, 1)
    world.fill_with_boxes(many)
    open_case(person, many)
    expect(page.get_by_test_id("finding-1")).to_be_visible()
    seen.look("review, ten thousand findings")
    world.boss.post(f"cases/{many}/presence/take/", {"tab": world.boss.tab})
    expect(page.get_by_test_id("presence-take")).to_be_visible()
    seen.look("review, held elsewhere")
    held: list[Route] = []
    page.route("**/api/v1/cases/*/", lambda route: held.append(route))
    page.reload()
    expect(page.get_by_test_id("review-loading")).to_be_visible()
    seen.look("review, loading")
    page.unroute_all(behavior="ignoreErrors")
    _failing(page, "**/api/v1/cases/*/")
    page.reload()
    expect(page.get_by_test_id("review-failed")).to_be_visible()
    seen.look("review that failed")
    page.unroute_all()


def _failing(page: Page, pattern: str) -> None:
    page.route(pattern, lambda route: route.fulfill(status=500, json={}))


def a_conflict(person: Desk, seen: Inspector, world: World) -> None:
    """Two people draw on the same slice of the same finding, one of them without a network."""
    case = world.case(world.volumes)
    page = open_case(person, case)
    expect(page.get_by_test_id("tool-brush")).to_be_enabled()
    page.get_by_test_id("tool-brush").click()
    drag(page, -60, -20, -30, -10)
    all_saved(page)
    told: dict[str, Any] = world.boss.wait_for(
        lambda: state_of(world.boss, case), lambda told: len(told["slices"]) > 0
    )
    person.context.set_offline(True)
    drag(page, -20, 10, 20, 20)
    expect(page.get_by_test_id("save-status")).to_have_attribute("data-status", "unsynced")
    seen.look("review without a network")
    (row,) = told["slices"]
    theirs = np.zeros((64, 64), bool)
    theirs[5:9, 5:9] = True
    runs = base64.b64encode(masks.to_bytes(masks.encode(theirs))).decode()
    world.boss.post(f"cases/{case}/presence/take/", {"tab": world.boss.tab})
    slices = [{"finding": row["finding"], "z": row["z"], "runs": runs}]
    answer = world.boss.save(case, told["head"]["id"], slices, [], "theirs")
    assert answer.status_code in (200, 201), answer.text
    person.context.set_offline(False)
    expect(page.get_by_test_id("conflict-dialog")).to_be_visible()
    seen.look("review, a conflict")
    page.get_by_test_id("conflict-mine").click()
    all_saved(page)


def signed_out(person: Desk, seen: Inspector, world: World) -> None:
    """The session ends while the page is open: the sign-in comes over it."""
    page = person.go(f"/projects/{world.cells}")
    expect(page.get_by_test_id("case-row").first).to_be_visible()
    person.context.clear_cookies()
    page.get_by_test_id("nav-settings").click()
    expect(page.get_by_test_id("sign-in-password")).to_be_visible()
    seen.look("sign-in over the page")
