"""The demo is made once, survives being killed, and respects what people did to it."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from PIL import Image

from segmentation.demo.catalogue import PARTS, DemoPart
from segmentation.demo.folders import Row, write_index
from segmentation.errors import StateRefusedError
from segmentation.models import Case, Membership, Project
from segmentation.services import demo
from segmentation.services.demo import PEOPLE, demo_make
from segmentation.services.people import link_person, password_set_by_link
from segmentation.services.projects import project_update
from segmentation.services.verification import verify
from segmentation.storage.folders import cache_folder, scratch_folder
from tests.builders import a_person

pytestmark = pytest.mark.django_db
AT_HAND = PARTS[:4]
"""Drawn fields, installed pictures, drawn radiographs, and one part that would be fetched."""


def tiny(folder: Path, files: Any) -> None:
    """One picture of 12 by 16 pixels, the same each time."""
    pixels = np.arange(192, dtype=np.uint8).reshape(12, 16)
    Image.fromarray(pixels).save(folder / "a.png")
    write_index(folder, [Row("Tiny", "a.png", "here", "CC0-1.0")], instances=True)


def other(folder: Path, files: Any) -> None:
    tiny(folder, files)
    Image.open(folder / "a.png").rotate(180).save(folder / "a.png")


TINY = (
    DemoPart("fields", "nuclei", tiny, is_drawn=True),
    DemoPart("pictures", "nuclei", other),
    DemoPart("lungs", "lungs", tiny, is_drawn=True),
)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    monkeypatch.setattr(demo, "PARTS", TINY)


@pytest.fixture
def maker() -> User:
    return a_person("ada", is_superuser=True)


def silent(line: str) -> None:
    pass


def test_without_a_network_the_phantoms_and_installed_pictures_stand_alone(
    maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "PARTS", AT_HAND)
    report = demo_make(silent)
    assert (report.imported, report.refused) == (7, 0)
    assert (report.missing, report.failed) == (("stardist",), ())
    nuclei, lungs = Project.objects.order_by("name")
    assert (nuclei.name, nuclei.task, nuclei.is_demo) == ("Demo · Cell nuclei", "instances", True)
    assert (lungs.cases.count(), nuclei.cases.count()) == (2, 5)
    assert not any(cache_folder("demo").iterdir())
    assert verify().problems == ()
    real = Case.objects.filter(is_drawn=False)
    assert {case.title for case in real} == {
        "Colonic glands, immunohistochemistry",
        "Cell in saline, quantitative phase",
    }
    with_truth = Case.objects.get(title="Drawn chest radiograph 1")
    assert with_truth.head is not None
    assert with_truth.head.kind == "imported"
    assert Case.objects.get(title="Drawn chest radiograph 2").head is None


def test_drawn_cases_are_badged_and_all_say_where_they_come_from(maker: User) -> None:
    demo_make(silent)
    assert Case.objects.filter(is_drawn=True).count() == 2
    for case in Case.objects.all():
        assert (case.origin["source"], case.origin["licence"]) == ("here", "CC0-1.0")


def test_three_demo_people_get_links_and_roles_but_no_passwords(maker: User) -> None:
    said: list[str] = []
    demo_make(said.append, address="http://here/")
    (block,) = [text for text in said if "Demo people" in text]
    links = dict(re.findall(r"(demo-\w+)\s+http://here/link/([^/]+)/", block))
    assert set(links) == set(PEOPLE)
    for name, token in links.items():
        person = link_person(token)
        assert person.get_username() == name
        assert person.get_full_name().startswith("Demo ")
        assert not person.has_usable_password()
        assert not person.is_superuser
    for project in Project.objects.all():
        roles = Membership.objects.filter(project=project).values_list("user__username", "role")
        assert dict(roles) == {
            "ada": "administrator",
            "demo-annotator": "annotator",
            "demo-reviewer": "reviewer",
            "demo-administrator": "administrator",
        }


def test_a_second_run_changes_nothing(maker: User) -> None:
    demo_make(silent)
    before = list(Case.objects.values_list("pk", "head"))
    said: list[str] = []
    assert demo_make(said.append).imported == 0
    assert len(said) == 1
    assert "made before" in said[0]
    assert list(Case.objects.values_list("pk", "head")) == before


def test_a_run_that_was_killed_goes_on_and_brings_nothing_twice(
    maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = demo.import_paths
    calls: list[Any] = []

    def killed_after_storing(*args: Any, **more: Any) -> Any:
        calls.append(whole(*args, **more))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return calls[-1]

    monkeypatch.setattr(demo, "import_paths", killed_after_storing)
    with pytest.raises(KeyboardInterrupt):
        demo_make(silent)
    (scratch_folder() / "demo-left-over" / "demo").mkdir(parents=True)
    assert Case.objects.count() == 2
    monkeypatch.setattr(demo, "import_paths", whole)
    assert demo_make(silent).imported == 1
    assert Case.objects.count() == 3
    assert Project.objects.count() == 2
    assert not list(scratch_folder().glob("demo-*"))


def test_somebody_who_set_a_password_gets_no_second_link(
    maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(demo, "PARTS", ())
    demo_make(said.append)
    token = re.findall(r"demo-reviewer\s+/link/([^/]+)/", said[0])[0]
    password_set_by_link(token=token, password="a long enough phrase 42")
    monkeypatch.setattr(demo, "PARTS", TINY)
    demo_make(said.append, missing=True)
    assert "demo-reviewer" not in said[1]
    assert "demo-annotator" in said[1]


def test_a_project_that_was_put_away_stays_away(
    maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "PARTS", TINY[:1])
    demo_make(silent)
    project_update(user=maker, project=Project.objects.get(), changes={}, archived=True)
    monkeypatch.setattr(demo, "PARTS", TINY)
    demo_make(silent, missing=True)
    put_away, lungs = Project.objects.order_by("name")
    assert put_away.cases.count() == 1
    assert lungs.cases.count() == 1


def test_a_part_that_fails_hides_no_other_and_is_tried_again(
    maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path, files: Any) -> None:
        raise OSError("no room")

    parts = (DemoPart("fields", "nuclei", broken, is_drawn=True), *TINY[1:])
    monkeypatch.setattr(demo, "PARTS", parts)
    report = demo_make(silent)
    assert (report.failed, report.imported) == (("fields",), 2)
    monkeypatch.setattr(demo, "PARTS", TINY)
    assert demo_make(silent).imported == 1


def test_two_runs_at_once_are_one(maker: User) -> None:
    with (scratch_folder() / "demo.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        said: list[str] = []
        assert demo_make(said.append).imported == 0
    assert "Another process" in said[0]
    assert not Project.objects.exists()


def test_without_a_site_administrator_it_is_refused_with_the_way_out() -> None:
    with pytest.raises(StateRefusedError, match="create_link NAME --site-administrator"):
        demo_make(silent)
    assert not User.objects.exists()
