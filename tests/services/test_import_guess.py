from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from PIL import Image as Pillow

from segmentation.models import (
    Blob,
    Case,
    CurrentFinding,
    Label,
    Network,
    NetworkVersion,
    Project,
)
from segmentation.services.import_guess import project_guess
from segmentation.storage.blobs import blob_put
from tests.builders import a_person

pytestmark = pytest.mark.django_db

VOC = """<annotation><object><name>{name}</name><bndbox><xmin>3</xmin><ymin>4</ymin>
<xmax>9</xmax><ymax>12</ymax></bndbox></object></annotation>"""


def a_folder(root: Path, column: str = "", **rows: Any) -> Path:
    """One picture per row; ``column`` names the masks, arrays or texts."""
    lines = []
    for seed, (name, truth) in enumerate(rows.items()):
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 24), dtype=np.uint8)
        Pillow.fromarray(pixels).save(root / f"{name}.png")
        line = {"id": name, "image": f"{name}.png"}
        if isinstance(truth, np.ndarray):
            Pillow.fromarray(truth).save(root / f"{name}_m.png")
            line[column] = f"{name}_m.png"
        elif column == "annotation":
            (root / f"{name}.xml").write_text(truth)
            line[column] = f"{name}.xml"
        else:
            line[column] = truth
        lines.append(line)
    with (root / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return root


def a_mask(*values: int) -> np.ndarray:
    """Each value in two pieces: what lies in one piece would be an object."""
    mask = np.zeros((24, 24), dtype=np.uint8)
    for row, value in enumerate(values):
        mask[3 * row + 1 : 3 * row + 3, 2:8] = mask[3 * row + 1 : 3 * row + 3, 12:20] = value
    return mask


def named(guess: Any) -> list[str]:
    return [label.name for label in guess.labels]


def test_classes_of_masks_become_labels(tmp_path: Path) -> None:
    guess = project_guess([a_folder(tmp_path, "label", a=a_mask(1, 2), b=a_mask(2, 5))])
    assert guess.task == "semantic"
    assert named(guess) == ["class 1", "class 2", "class 5"]
    assert len({label.colour for label in guess.labels}) == 3


def test_one_class_is_a_region(tmp_path: Path) -> None:
    guess = project_guess([a_folder(tmp_path, "mask", a=a_mask(1))])
    assert (guess.task, named(guess)) == ("semantic", ["region"])


def test_boxes_make_a_project_of_boxes_with_their_words(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "annotation", a=VOC.format(name="RBC"), b=VOC.format(name="WBC"))
    guess = project_guess([folder])
    assert (guess.task, named(guess)) == ("boxes", ["RBC", "WBC"])


def test_words_make_a_project_of_image_labels(tmp_path: Path) -> None:
    guess = project_guess([a_folder(tmp_path, "class", a="benign", b="malignant")])
    assert (guess.task, named(guess)) == ("labels", ["benign", "malignant"])


def test_a_task_that_is_given_is_taken(tmp_path: Path) -> None:
    guess = project_guess([a_folder(tmp_path, "mask", a=a_mask(1))], "instances")
    assert (guess.task, named(guess)) == ("instances", ["class 1"])


def test_images_alone_make_a_project_for_the_network_that_suits_them(tmp_path: Path) -> None:
    Pillow.new("L", (9, 9)).save(tmp_path / "a.png")
    assert project_guess([tmp_path]).task == "semantic"
    card = {"name": "drawn", "task": "instance2d", "labels": ["cell"]}
    NetworkVersion.objects.create(
        network=Network.objects.create(name="drawn", task="instance2d"),
        number=1,
        state=NetworkVersion.State.CHAMPION,
        weights=blob_put(b"weights", Blob.Kind.WEIGHTS),
        card=card,
    )
    guess = project_guess([tmp_path])
    assert (guess.task, named(guess)) == ("instances", ["cell"])
    assert project_guess([tmp_path], "boxes").task == "boxes"


def command(*words: str) -> tuple[dict[str, Any], int]:
    out, code = io.StringIO(), 0
    try:
        call_command("import_cases", *words, "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(out.getvalue()), code


def test_the_command_makes_the_project_and_tells_what_became_of_each_file(
    tmp_path: Path,
) -> None:
    a_person(is_superuser=True)
    folder = a_folder(tmp_path, "label", a=a_mask(1, 2), b=a_mask(2, 5))
    answer, code = command(str(folder), "--project", "new one")
    assert (code, answer["imported"], answer["refused"], answer["duplicate"]) == (0, 2, 0, 0)
    project = Project.objects.get(name="new one")
    assert (project.task, project.pk.hex) == ("semantic", answer["project"].replace("-", ""))
    assert {file["outcome"] for file in answer["files"]} == {"imported", "mask", "table"}
    five = Label.objects.get(project=project, name="class 5")
    assert five.index == 3
    second = Case.objects.get(project=project, number=2)
    found = CurrentFinding.objects.filter(case=second).values_list("fields", flat=True)
    assert sorted(fields["label"] for fields in found) == [2, 3]
    again, code = command(str(folder), "--project", "new one")
    assert (code, again["imported"], again["duplicate"]) == (0, 0, 2)


def test_the_command_ends_with_one_when_a_file_was_refused(tmp_path: Path) -> None:
    a_person(is_superuser=True)
    (tmp_path / "notes.txt").write_text("no image at all")
    answer, code = command(str(tmp_path), "--project", "p")
    assert (code, answer["imported"], answer["refused"]) == (1, 0, 1)


@pytest.mark.parametrize("words", [["/nowhere"], ["/etc/hostname", "--task", "labels"]])
def test_the_command_ends_with_two_when_it_was_misused(words: list[str]) -> None:
    a_person(is_superuser=True)
    Project.objects.create(name="p", task="semantic")
    answer, code = command(*words, "--project", "p")
    assert (code, answer["error"]["code"]) == (2, "usage")


def test_a_site_that_nobody_runs_gets_its_first_administrator(tmp_path: Path) -> None:
    Pillow.new("L", (32, 32), 90).save(tmp_path / "a.png")
    answer, code = command(str(tmp_path), "--project", "p")
    assert (code, answer["imported"]) == (0, 1)
    administrator = User.objects.get(username="admin")
    assert administrator.is_superuser
    assert not administrator.has_usable_password()
