"""``make_demo`` as ``up`` runs it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from segmentation.demo.catalogue import DemoPart
from segmentation.services import demo
from tests.builders import a_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))


def make(*words: str) -> str:
    out = io.StringIO()
    call_command("make_demo", *words, stdout=out)
    return out.getvalue()


def never(folder: Path, files: Any) -> None:
    raise OSError("no room")


def test_links_stand_in_one_block_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    a_person("ada", is_superuser=True)
    monkeypatch.setattr(demo, "PARTS", ())
    lines = make("--address", "http://here:8000/").splitlines()
    assert lines[0].startswith("Demo people.")
    assert [line.split()[0] for line in lines[1:]] == list(demo.PEOPLE)
    assert all(" http://here:8000/link/" in line for line in lines[1:])
    assert "made before" in make()


def test_what_no_network_brought_is_named_with_the_way_to_get_it_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_person("ada", is_superuser=True)
    monkeypatch.setattr(demo, "PARTS", (DemoPart("a", "nuclei", never, "stardist"),))
    assert "Not there: stardist. Later: python3 manage.py make_demo --missing" in make()


def test_a_part_that_fails_ends_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_person("ada", is_superuser=True)
    monkeypatch.setattr(demo, "PARTS", (DemoPart("fields", "nuclei", never),))
    with pytest.raises(CommandError, match="could not be made: fields"):
        make()


def test_nobody_who_runs_the_site_is_a_refusal() -> None:
    with pytest.raises(CommandError, match="--site-administrator"):
        make()
