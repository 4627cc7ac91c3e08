from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from numpy.typing import NDArray
from PIL import Image as Pillow

from segmentation.errors import StorageFullError
from segmentation.models import (
    AuditEvent,
    Case,
    CurrentFinding,
    CurrentSlice,
    Image,
    Job,
    Label,
    MaskRevision,
    Project,
)
from segmentation.services import import_cases, imports
from segmentation.services.imports import Report, import_paths
from segmentation.storage.volumes import slice_plane
from tests.builders import a_project
from tests.interchange.drawn import write_axial

pytestmark = pytest.mark.django_db

CANARY = "Canary^Birdy"


def drawn(seed: int, side: int = 24) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (side, side), dtype=np.uint8)


def a_picture(folder: Path, name: str, seed: int = 1) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(drawn(seed)).save(path)
    return path


def an_index(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def bring(project: Project, *paths: Path) -> Report:
    return import_paths(list(paths), project, None)


def the_case(project: Project) -> Case:
    return Case.objects.get(project=project)


def test_a_picture_becomes_a_case_with_exactly_its_pixels(tmp_path: Path) -> None:
    project = a_project()
    report = bring(project, a_picture(tmp_path, "one.png"))
    assert (report.imported, report.refused, report.duplicate) == (1, 0, 0)
    case = the_case(project)
    assert (case.number, case.state, case.title) == (1, "ready", "Case 1")
    image = case.images.get()
    assert (image.size_z, image.size_y, image.size_x, image.dtype) == (1, 24, 24, "uint8")
    assert np.array_equal(slice_plane(image.pack_id, 0)[0], drawn(1))
    assert image.thumbnail is not None
    assert AuditEvent.objects.filter(chain=str(case.pk), action="case.import").exists()


def test_one_bad_file_never_hides_nine_good_ones(tmp_path: Path) -> None:
    for seed in range(9):
        a_picture(tmp_path, f"{seed}.png", seed)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nand then nothing that makes sense")
    project = a_project()
    report = bring(project, tmp_path)
    assert (report.imported, report.refused) == (9, 1)
    (refused,) = [file for file in report.files if file.outcome == "refused"]
    assert refused.code == "unreadable"
    assert refused.sentence
    assert sorted(Case.objects.values_list("number", flat=True)) == list(range(1, 10))


def test_a_failure_of_our_own_stays_with_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_picture(tmp_path, "a.png", 1)
    a_picture(tmp_path, "b.png", 2)
    whole = import_cases.thumbnail_jpeg

    def fail_once(plane: NDArray[Any], *given: Any) -> bytes:
        if np.array_equal(plane[0], drawn(1)):
            raise ValueError("a bug")
        return whole(plane, *given)

    monkeypatch.setattr(import_cases, "thumbnail_jpeg", fail_once)
    report = bring(a_project(), tmp_path)
    assert (report.imported, report.refused) == (1, 1)
    assert [file.code for file in report.files if file.outcome == "refused"] == ["bug"]


def test_a_full_disk_is_no_fault_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise StorageFullError("The server's disk is full.")

    monkeypatch.setattr(import_cases, "blob_put", full)
    with pytest.raises(StorageFullError):
        bring(a_project(), a_picture(tmp_path, "one.png"))


def test_the_same_file_again_is_told_by_the_number_of_its_case(tmp_path: Path) -> None:
    project = a_project()
    path = a_picture(tmp_path, "one.png")
    bring(project, path)
    report = bring(project, path)
    assert (report.imported, report.duplicate) == (0, 1)
    assert report.files[0].code == "already_here"
    assert report.files[0].sentence == "Already here: case 1."
    assert Case.objects.filter(project=project).count() == 1


def test_the_same_file_may_come_to_another_project_or_after_withdrawal(tmp_path: Path) -> None:
    first, second = a_project(), a_project()
    path = a_picture(tmp_path, "one.png")
    bring(first, path)
    assert bring(second, path).imported == 1
    Case.objects.filter(project=first).update(state=Case.State.WITHDRAWN)
    assert bring(first, path).imported == 1


def test_masks_of_an_index_become_the_first_revision(tmp_path: Path) -> None:
    a_picture(tmp_path, "images/a.png")
    mask = np.zeros((24, 24), dtype=np.uint16)
    mask[2:6, 2:6], mask[10:12, 10:20] = 1, 2
    (tmp_path / "masks").mkdir()
    Pillow.fromarray(mask.astype(np.uint8)).save(tmp_path / "masks/a.png")
    an_index(
        tmp_path,
        [{"id": "a", "image": "images/a.png", "mask": "masks/a.png", "n_instances": 2}],
    )
    project = a_project()
    report = bring(project, tmp_path)
    assert report.imported == 1
    assert {file.outcome for file in report.files} == {"imported", "mask", "table"}
    case = the_case(project)
    assert case.head is not None
    assert (case.head.kind, case.head.operation) == (MaskRevision.Kind.IMPORTED, "import")
    assert CurrentFinding.objects.filter(case=case).count() == 2
    fields = CurrentFinding.objects.filter(case=case).values_list("fields", flat=True)
    assert {(one["label"], one["state"], one["source"]) for one in fields} == {
        (1, "accepted", "import")
    }
    assert CurrentSlice.objects.filter(case=case).count() == 2
    assert not Job.objects.filter(case=case).exists()


def test_classes_of_a_semantic_mask_become_one_finding_each(tmp_path: Path) -> None:
    a_picture(tmp_path, "a.png")
    mask = np.zeros((24, 24), dtype=np.uint8)
    mask[0:4], mask[4:8], mask[20:24] = 1, 2, 2
    Pillow.fromarray(mask).save(tmp_path / "a_mask.png")
    an_index(tmp_path, [{"id": "a", "image": "a.png", "label": "a_mask.png"}])
    project = a_project(task="semantic", labels=("front", "back"))
    bring(project, tmp_path)
    labels = [one.fields["label"] for one in CurrentFinding.objects.order_by("finding")]
    assert labels == [1, 2]


def test_a_value_without_a_label_is_left_out_and_told(tmp_path: Path) -> None:
    a_picture(tmp_path, "a.png")
    mask = np.zeros((24, 24), dtype=np.uint8)
    mask[0:4], mask[4:8] = 1, 7
    Pillow.fromarray(mask).save(tmp_path / "a_mask.png")
    an_index(tmp_path, [{"id": "a", "image": "a.png", "label": "a_mask.png"}])
    project = a_project(task="semantic", labels=("front", "back"))
    report = bring(project, tmp_path)
    assert CurrentFinding.objects.count() == 1
    sentences = " ".join(file.sentence for file in report.files)
    assert "Value 7 of the mask has no label here" in sentences


def test_rows_marked_as_test_are_held_out_and_the_others_not(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        a_picture(tmp_path, f"{name}.png", seed)
    an_index(
        tmp_path,
        [
            {"id": "a", "image": "a.png", "split": "test"},
            {"id": "b", "image": "b.png", "split": "train"},
        ],
    )
    project = a_project(holdout_share=0.9)
    bring(project, tmp_path)
    held = dict(Case.objects.values_list("number", "is_holdout"))
    assert held == {1: True, 2: False}


def test_a_patient_is_on_one_side_for_good(tmp_path: Path) -> None:
    rows = []
    for seed in range(12):
        a_picture(tmp_path, f"{seed}.png", seed)
        rows.append({"id": seed, "image": f"{seed}.png", "patient": f"patient {seed % 3}"})
    an_index(tmp_path, rows)
    project = a_project(holdout_share=0.5)
    bring(project, tmp_path)
    sides: dict[str, set[bool]] = {}
    for key, held in Case.objects.values_list("patient_key", "is_holdout"):
        sides.setdefault(key, set()).add(held)
    assert len(sides) == 3
    assert all(len(side) == 1 for side in sides.values())


def test_no_name_of_a_patient_or_file_is_kept(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / CANARY
    a_picture(folder, f"{CANARY}.png")
    an_index(folder, [{"id": CANARY, "image": f"{CANARY}.png", "patient": CANARY}])
    project = a_project()
    report = bring(project, folder)
    assert report.imported == 1
    told = json.dumps(report.told(with_names=False))
    assert CANARY not in told
    rows = [
        row
        for model in (Case, Image, AuditEvent, Job, MaskRevision)
        for row in model._default_manager.values()
    ]
    assert rows
    assert CANARY not in json.dumps(rows, default=str)
    names = [str(path) for path in Path(settings.MEDSEG_DATA).rglob("*")]
    assert not [name for name in names if CANARY in name]
    assert the_case(project).patient_key.startswith("p_")


def test_a_project_that_keeps_names_titles_its_cases_by_them(tmp_path: Path) -> None:
    project = a_project(keep_file_names=True)
    bring(project, a_picture(tmp_path, "slide 7.png"))
    assert the_case(project).title.startswith("slide 7")


def test_originals_are_kept_only_where_asked(tmp_path: Path) -> None:
    plain, keeping = a_project(), a_project(keep_originals=True)
    path = a_picture(tmp_path, "one.png")
    bring(plain, path)
    bring(keeping, path)
    assert Image.objects.get(case__project=plain).original is None
    assert Image.objects.get(case__project=keeping).original is not None


def test_an_import_that_is_done_again_reports_what_it_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports.uuid, "uuid4", lambda: "the same import")
    project = a_project()
    path = a_picture(tmp_path, "one.png")
    assert bring(project, path).imported == 1
    again = bring(project, path)
    assert (again.imported, again.duplicate) == (1, 0)
    assert Case.objects.filter(project=project).count() == 1


def test_labels_that_are_retired_take_no_masks(tmp_path: Path) -> None:
    a_picture(tmp_path, "a.png")
    mask = np.ones((24, 24), dtype=np.uint8)
    Pillow.fromarray(mask).save(tmp_path / "m.png")
    an_index(tmp_path, [{"id": "a", "image": "a.png", "label": "m.png"}])
    project = a_project(task="semantic", labels=("front", "back"))
    Label.objects.filter(project=project, index=1).update(retired_at="2026-01-01T00:00Z")
    Label.objects.filter(project=project, index=2).update(retired_at="2026-01-01T00:00Z")
    bring(project, tmp_path)
    assert the_case(project).head is None


def test_a_patients_name_in_a_dicom_series_is_found_nowhere(
    tmp_path: Path, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / CANARY
    write_axial(
        folder,
        [0.0, 2.0, 4.0],
        PatientName=CANARY,
        PatientID=CANARY,
        StudyDescription=CANARY,
        InstitutionName=CANARY,
        AccessionNumber=CANARY[:16],
    )
    project = a_project()
    report = bring(project, folder)
    assert (report.imported, report.refused) == (1, 0)
    case = the_case(project)
    assert case.patient_key.startswith("p_")
    assert case.study_key.startswith("p_")
    assert case.images.get().size_z == 3
    rows = [
        row
        for model in apps.get_models()
        if model.__module__.startswith("segmentation.")
        for row in model._default_manager.values()
    ]
    assert CANARY[:16] not in json.dumps(rows, default=str)
    kept = [path for path in Path(settings.MEDSEG_DATA).rglob("*") if path.is_file()]
    assert not [path for path in kept if CANARY[:16] in str(path)]
    assert not [path for path in kept if CANARY[:16].encode() in path.read_bytes()]
    told = capfd.readouterr()
    assert CANARY[:16] not in told.out + told.err


def test_the_same_patient_has_one_pseudonym_in_every_import(tmp_path: Path) -> None:
    project = a_project()
    for day, series in enumerate(("1.2.3", "1.2.4")):
        write_axial(tmp_path / series, [0.0, 2.0 + day], series=series, PatientID="7")
        bring(project, tmp_path / series)
    assert len(set(Case.objects.values_list("patient_key", flat=True))) == 1


def test_a_picture_that_may_show_a_name_is_held_back_and_not_predicted(tmp_path: Path) -> None:
    write_axial(tmp_path, [0.0, 2.0], BurnedInAnnotation="YES")
    project = a_project()
    bring(project, tmp_path)
    case = the_case(project)
    assert case.state == "quarantined"
    assert "burned into" in case.images.get().burned_in_risk
    assert not Job.objects.exists()
