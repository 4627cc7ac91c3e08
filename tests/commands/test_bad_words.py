"""Odd words and odd files at the command line: the right exit code, a sentence, nothing left."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import load_command_class
from PIL import Image

from medseg_site.places import REPOSITORY
from segmentation.management.site_command import NO_DATABASE
from segmentation.models import Case, Project
from tests.builders import a_person, a_project
from tests.commands.folders import disc_folder, write_index

pytestmark = pytest.mark.django_db(transaction=True)

NUCLEI = "nuclei"
"""A shipped network."""


def called(*words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command called as a shell would."""
    given = [str(word) for word in words]
    command = load_command_class("segmentation", given[0])
    out, err = io.StringIO(), io.StringIO()
    command.stdout._out, command.stderr._out = out, err
    try:
        command.run_from_argv(["manage.py", *given])
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of odd things."""
    here = tmp_path / "odd things ü"
    here.mkdir()
    (here / "empty").mkdir()
    (here / "text.png").write_text("not a picture at all")
    (here / "full").mkdir()
    (here / "full" / "kept.txt").write_text("somebody's")
    (here / "nothing.png").write_bytes(b"")
    with zipfile.ZipFile(here / "none.zip", "w"):
        pass
    Image.fromarray(np.eye(32, dtype=np.uint8) * 200).save(here / "a ü.png")
    columns = here / "columns"
    columns.mkdir()
    write_index(columns, [{"name": "x", "picture": "a.png"}])
    other = here / "sizes"
    other.mkdir()
    Image.fromarray(np.eye(32, dtype=np.uint8)).save(other / "a.png")
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(other / "m.png")
    write_index(other, [{"id": "a", "image": "a.png", "mask": "m.png", "split": "test"}])
    disc_folder(here / "discs", 3, 1)
    a_project("Cells")
    a_person("root", is_staff=True)
    return here


MISUSES: Sequence[Sequence[str]] = (
    ("segment",),
    ("segment", "text.png", "--network", NUCLEI),
    ("segment", "text.png", "--network", NUCLEI, "--out", "out", "--score", "7"),
    ("segment", "text.png", "--network", NUCLEI, "--out", "out", "--overlap", "nan"),
    ("segment", "text.png", "--network", NUCLEI, "--out", "out", "--threads", "0"),
    ("train", "--data", "discs", "--task", "instances", "--out", "out", "--steps", "0"),
    ("train", "--data", "discs", "--task", "instances", "--out", "out", "--steps", "-1"),
    ("train", "--data", "discs", "--task", "instances", "--out", "out", "--minutes", "x"),
    ("train", "--data", "discs", "--task", "instances", "--out", "out", "--minutes", "inf"),
    ("train", "--data", "discs", "--task", "spleens", "--out", "out"),
    ("train", "--data", "nowhere", "--task", "instances", "--out", "out"),
    ("evaluate", "--data", "nowhere", "--network", NUCLEI),
    ("evaluate", "--data", "discs", "--split", "tset", "--network", NUCLEI),
    ("export_cases", "--project", "Cells", "--format", "docx", "--out", "out"),
    ("export_cases", "--project", "Sells", "--format", "coco", "--out", "out"),
    ("export_cases", "--project", "Cells", "--format", "coco", "--out", "out"),
    ("export_cases", "--project", "Cells", "--format", "coco", "--out", "full"),
    ("import_cases", "nowhere", "--project", "Cells"),
    ("import_cases", "discs", "--project", "Cells", "--task", "boxes"),
    ("import_cases", "discs", "--project", " "),
    ("import_network", "nowhere", "--name", "x"),
    ("import_network", "text.png", "--name", "x"),
    ("create_token", "nobody"),
    ("create_token",),
)
REFUSALS: Sequence[Sequence[str]] = (
    ("segment", "text.png", "--network", "no-such", "--out", "out"),
    ("segment", "text.png", "--network", NUCLEI, "--out", "out"),
    ("segment", "nothing.png", "--network", NUCLEI, "--out", "out"),
    ("segment", "empty", "--network", NUCLEI, "--out", "out"),
    ("segment", "nowhere", "--network", NUCLEI, "--out", "out"),
    ("segment", "none.zip", "--network", NUCLEI, "--out", "out"),
    ("segment", "a ü.png", "--network", NUCLEI, "--out", "text.png"),
    ("segment", "a ü.png", "--network", NUCLEI, "--out", "/proc/closed"),
    ("segment", "a ü.png", "--network", NUCLEI, "--out", "out", "--device", "tpu"),
    ("train", "--data", "empty", "--task", "instances", "--out", "out"),
    ("train", "--data", "columns", "--task", "semantic", "--out", "out"),
    ("train", "--data", "discs", "--task", "instances", "--out", "out", "--start", "no-such"),
    ("train", "--data", "discs", "--task", "instances", "--out", "text.png", "--steps", "1"),
    ("evaluate", "--data", "discs", "--network", "no-such"),
    ("evaluate", "--data", "empty", "--network", NUCLEI),
    ("evaluate", "--data", "sizes", "--network", NUCLEI),
    ("import_cases", "text.png", "--project", "Cells"),
    ("import_cases", "empty", "--project", "Cells"),
    ("import_cases", "columns", "--project", "Cells"),
    ("import_cases", "none.zip", "--project", "Cells"),
    ("import_network", "empty", "--name", "x"),
)


def below(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def refused(code: int, words: Sequence[str], place: Path, monkeypatch: Any) -> dict[str, Any]:
    """It ends as it should, says a sentence and one line of JSON, and writes nothing."""
    monkeypatch.chdir(place)
    before, cases, projects = below(place), Case.objects.count(), Project.objects.count()
    ended, out, said = called(*words, "--json")
    assert ended == code, said
    assert said.strip().endswith("."), said
    (line,) = out.splitlines()
    answer: dict[str, Any] = json.loads(line)
    assert below(place) == before
    assert (Case.objects.count(), Project.objects.count()) == (cases, projects)
    return answer


@pytest.mark.parametrize("words", MISUSES, ids=" ".join)
def test_words_that_cannot_mean_anything_end_with_2(
    words: Sequence[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = refused(2, words, place, monkeypatch)
    assert answer["error"]["message"].endswith(".")


@pytest.mark.parametrize("words", REFUSALS, ids=" ".join)
def test_what_cannot_be_used_ends_with_1_and_says_why(
    words: Sequence[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = refused(1, words, place, monkeypatch)
    assert "error" in answer or "refused" in json.dumps(answer) or "reason" in json.dumps(answer)


def test_names_with_spaces_and_other_letters_are_names(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    words = ("segment", "a ü.png", "--network", NUCLEI, "--out", "full", "--threads", "1")
    code, out, said = called(*words)
    assert (code, out) == (0, ""), said
    written = {"a ü.labels.tif", "a ü.findings.json"}
    assert {path.name for path in (place / "full").iterdir()} == {"kept.txt", *written}


def test_one_refused_case_does_not_hide_the_figures_of_the_others(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    (place / "discs" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    code, out, _ = called("evaluate", "--data", "discs", "--network", NUCLEI, "--json")
    answer = json.loads(out)
    assert (code, len(answer["cases"])) == (1, 1)
    assert "broken.png" in answer["refused"][0]


def test_verify_finds_nothing_wrong_with_an_empty_site() -> None:
    code, out, said = called("verify", "--json")
    assert (code, json.loads(out)["problems"]) == (0, [])
    assert said.strip().endswith("Problems: 0.")


def on_a_new_site(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    site = {"DJANGO_SETTINGS_MODULE": "medseg_site.settings", "MEDSEG_DATA": str(folder)}
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "django", *words, "--json"],
        env=environ | site,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_import_makes_the_site_and_who_will_run_it(tmp_path: Path) -> None:
    Image.new("L", (32, 32), 90).save(tmp_path / "a.png")
    words = ("import_cases", str(tmp_path / "a.png"), "--project", "First")
    ended = on_a_new_site(tmp_path / "new", *words)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["imported"] == 1
    ended = on_a_new_site(tmp_path / "new", *words)
    assert (ended.returncode, json.loads(ended.stdout)["duplicate"]) == (0, 1)
    token = on_a_new_site(tmp_path / "new", "create_token", "admin")
    assert json.loads(token.stdout)["user"] == "admin"


def test_a_site_that_was_never_started_is_said_to_be_none(tmp_path: Path) -> None:
    ended = on_a_new_site(tmp_path / "new", "verify")
    assert ended.returncode == 1, ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "no_database"
    assert ended.stderr.strip() == NO_DATABASE
