from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import zstandard
from django.utils import timezone
from torch import Tensor, nn

from segmentation.engine import masks
from segmentation.engine.checkpoints import Network
from segmentation.errors import NotPermittedError, StateRefusedError, UnsuitableNetworkError
from segmentation.models import (
    Blob,
    Case,
    CurrentFinding,
    CurrentSlice,
    Image,
    Job,
    MaskRevision,
    NetworkVersion,
    Project,
    RecipeVersion,
    SegmentationRun,
)
from segmentation.models import Network as NetworkRow
from segmentation.selectors.images import candidates_frame
from segmentation.selectors.revisions import finding_next
from segmentation.services import runs
from segmentation.services.job_execution import job_execute
from segmentation.services.jobs import job_cancel
from segmentation.services.revisions import revision_record_system
from segmentation.services.run_requests import run_bulk, run_request
from segmentation.storage.blobs import blob_put
from segmentation.storage.volumes import slice_plane
from tests.builders import a_case, a_finding, a_member, a_project, a_slice

pytestmark = pytest.mark.django_db(transaction=True)

CUT = 2048
"""Drawn cases hold noise of 0 to 4095; the network below marks what is brighter than this."""
CARD: dict[str, Any] = {
    "name": "brightness",
    "version": "1",
    "task": "semantic2d",
    "labels": ["bright"],
    "architecture": {"inputs": 1},
    "recipe": {"steps": []},
    "patch_zyx": [1, 64, 64],
    "score_cutoff": 0.5,
    "overlap_cutoff": 0.4,
}


class Brightness(nn.Module):
    """Ground or bright, without doubt."""

    def forward(self, x: Tensor) -> Tensor:
        grey = (x[:, 0] - CUT) / 100
        return torch.stack([-grey, grey], dim=1) * 20


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(version: NetworkVersion) -> Network:
        return Network("semantic2d", ("bright",), version.card, Brightness().eval())

    monkeypatch.setattr(runs, "network_load", load)


def a_version(project: Project | None = None, **card: Any) -> NetworkVersion:
    task = card.get("task", "semantic2d")
    network = NetworkRow.objects.create(project=project, name=uuid.uuid4().hex, task=task)
    return NetworkVersion.objects.create(
        network=network,
        number=1,
        state=NetworkVersion.State.CHAMPION,
        weights=blob_put(uuid.uuid4().bytes, Blob.Kind.WEIGHTS),
        card={**CARD, **card},
        digest=uuid.uuid4().hex,
    )


@pytest.fixture
def project() -> Project:
    return a_project(task="semantic", labels=("bright",))


@pytest.fixture
def case(project: Project) -> Case:
    return a_case(project)


def predict(case: Case, **wish: Any) -> Job:
    job = run_request(user=a_member(case.project, "annotator"), case=case, **wish)
    assert job_execute(job.pk)
    return Job.objects.get(pk=job.pk)


def bright(case: Case) -> np.ndarray:
    return slice_plane(case.images.get().pack_id, 0)[0] > CUT


def test_a_prediction_becomes_one_revision_of_proposed_findings(case: Case) -> None:
    version = a_version()
    job = predict(case)
    assert (job.state, job.cause) == ("succeeded", "")
    run = SegmentationRun.objects.get(case=case)
    case.refresh_from_db()
    assert case.head is not None
    assert (case.head.kind, case.head.run, case.state) == ("predicted", run, "ready")
    assert case.uncertainty == run.uncertainty
    assert (run.network_version, run.recipe, run.recipe_steps) == (version, None, {"steps": []})
    assert version.network.name in run.reason
    finding = CurrentFinding.objects.get(case=case)
    assert finding.fields["state"] == "proposed"
    assert (finding.fields["run"], finding.fields["candidate"]) == (str(run.pk), 0)
    assert (finding.fields["label"], finding.fields["source"]) == (1, "network")
    rows = CurrentSlice.objects.get(case=case).change.runs
    assert np.array_equal(masks.decode(masks.from_bytes(bytes(rows)), (48, 64)), bright(case))


def test_all_candidates_are_kept_as_the_page_reads_them(case: Case) -> None:
    a_version()
    predict(case)
    frame = candidates_frame(user=a_member(case.project, "viewer"), case_id=case.pk)
    told = json.loads(zstandard.decompress(frame))
    assert told["grid_zyx"] == [1, 48, 64]
    (candidate,) = told["candidates"]
    rows = base64.b64decode(candidate["slices"]["0"])
    assert np.array_equal(masks.decode(masks.from_bytes(rows), (48, 64)), bright(case))
    assert candidate["suppressed_by"] is None


def test_every_moment_of_a_cine_is_predicted_on_its_own_planes(project: Project) -> None:
    a_version()
    cine = a_case(project, zyx=(2, 48, 64), moments=3)
    job = predict(cine)
    assert job.state == "succeeded"
    rows = {row.z: bytes(row.change.runs) for row in CurrentSlice.objects.filter(case=cine)}
    assert sorted(rows) == [0, 1, 2, 3, 4, 5]
    pack = cine.images.get().pack_id
    for t in range(3):
        for z in range(2):
            mask = masks.decode(masks.from_bytes(rows[t * 2 + z]), (48, 64))
            assert np.array_equal(mask, slice_plane(pack, z, t)[0] > CUT)
    assert CurrentFinding.objects.filter(case=cine).count() == 1
    frame = candidates_frame(user=a_member(project, "viewer"), case_id=cine.pk)
    assert json.loads(zstandard.decompress(frame))["moments"] == 3


def a_second_image(case: Case) -> Image:
    image = case.images.get()
    return Image.objects.create(
        **{
            field.attname: getattr(image, field.attname)
            for field in Image._meta.concrete_fields
            if field.name not in {"id", "is_reference"}
        },
        is_reference=False,
    )


def make_reference(image: Image) -> None:
    Image.objects.filter(case=image.case).update(is_reference=False)
    Image.objects.filter(pk=image.pk).update(is_reference=True)


def test_a_prediction_is_of_the_image_that_is_the_reference_when_it_starts(case: Case) -> None:
    a_version()
    other = a_second_image(case)
    job = run_request(user=a_member(case.project, "annotator"), case=case)
    make_reference(other)
    assert job_execute(job.pk)
    assert SegmentationRun.objects.get(case=case).image == other


def test_a_prediction_of_an_image_that_is_no_longer_the_reference_is_left_out(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_version()
    other, whole = a_second_image(case), runs.segment_moments

    def moved_meanwhile(*given: Any, **more: Any) -> Any:
        make_reference(other)
        return whole(*given, **more)

    monkeypatch.setattr(runs, "segment_moments", moved_meanwhile)
    job = predict(case)
    assert job.result["skipped"]
    assert "Another series became the reference" in job.result["reason"]
    assert not SegmentationRun.objects.filter(case=case).exists()


def test_a_request_while_one_waits_is_the_same_job(case: Case) -> None:
    a_version()
    person = a_member(case.project, "annotator")
    assert run_request(user=person, case=case) == run_request(user=person, case=case)
    assert Job.objects.count() == 1


def test_a_chosen_network_is_an_override_that_is_recorded(case: Case) -> None:
    a_version()
    chosen = a_version(kinds=["something else"])
    predict(case, version=chosen)
    run = SegmentationRun.objects.get(case=case)
    assert run.network_version == chosen
    assert run.overridden_by is not None
    assert run.overridden_by.get_username() in run.reason


def test_a_network_of_another_task_or_project_is_refused(case: Case) -> None:
    person = a_member(case.project, "annotator")
    for version in (a_version(task="instance2d"), a_version(project=a_project())):
        with pytest.raises(UnsuitableNetworkError):
            run_request(user=person, case=case, version=version)


def test_where_no_network_suits_the_reason_is_said_and_the_case_stays_ready(case: Case) -> None:
    a_version(modalities=["MR"])
    job = predict(case)
    assert (job.state, job.cause_code) == ("failed", "unsuitable_network")
    case.refresh_from_db()
    assert (case.state, case.head) == ("ready", None)
    assert case.origin["no_network_reason"] == job.cause
    a_version()
    predict(case)
    case.refresh_from_db()
    assert "no_network_reason" not in case.origin


def test_a_viewer_may_not_ask_for_a_prediction(case: Case) -> None:
    with pytest.raises(NotPermittedError):
        run_request(user=a_member(case.project, "viewer"), case=case)


@pytest.mark.parametrize("state", ["submitted", "accepted", "withdrawn", "quarantined"])
def test_a_case_that_is_not_open_is_not_predicted(project: Project, state: str) -> None:
    with pytest.raises(StateRefusedError):
        run_request(user=a_member(project, "annotator"), case=a_case(project, state=state))


def test_a_touched_case_is_never_predicted_silently(case: Case) -> None:
    a_version()
    Case.objects.filter(pk=case.pk).update(touched_at=timezone.now())
    with pytest.raises(StateRefusedError, match="worked on"):
        run_request(user=a_member(case.project, "annotator"), case=case)


def test_a_case_touched_while_its_prediction_waits_is_left_alone(case: Case) -> None:
    a_version()
    job = run_request(user=a_member(case.project, "annotator"), case=case)
    Case.objects.filter(pk=case.pk).update(touched_at=timezone.now())
    job_execute(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["skipped"]) == ("succeeded", True)
    assert not SegmentationRun.objects.exists()


def during(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen while the network computes."""
    whole = runs.segment_moments

    def segment(*given: Any, **named: Any) -> Any:
        found = whole(*given, **named)
        happens()
        return found

    monkeypatch.setattr(runs, "segment_moments", segment)


def test_a_case_touched_while_it_is_computed_is_left_alone(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_version()
    touched = Case.objects.filter(pk=case.pk)
    during(monkeypatch, lambda: touched.update(touched_at=timezone.now()))
    job = predict(case)
    assert job.result["skipped"]
    assert not MaskRevision.objects.filter(case=case).exists()


def test_a_worker_that_lost_its_job_records_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_version()
    during(monkeypatch, lambda: Job.objects.update(fence=99, state=Job.State.QUEUED))
    job = predict(case)
    assert (job.state, job.fence) == ("queued", 99)
    assert not SegmentationRun.objects.exists()
    assert not MaskRevision.objects.exists()


def test_a_cancelled_prediction_leaves_the_case_as_it_was(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_version()
    person = a_member(case.project, "annotator")
    job = run_request(user=person, case=case)
    job_cancel(user=person, job_id=job.pk)
    assert not job_execute(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not SegmentationRun.objects.exists()


def test_predicting_again_exchanges_proposals_under_new_numbers(case: Case) -> None:
    a_version()
    predict(case)
    first = CurrentFinding.objects.get(case=case).finding
    job = predict(case)
    assert job.state == "succeeded"
    second = CurrentFinding.objects.get(case=case)
    assert second.finding > first
    assert SegmentationRun.objects.filter(case=case).count() == 2
    assert finding_next(case) == second.finding + 1


def test_what_a_person_decided_survives_an_asked_for_prediction(case: Case) -> None:
    a_version()
    revision_record_system(case, "edited", [a_finding(1)], [a_slice(1)])
    Case.objects.filter(pk=case.pk).update(touched_at=timezone.now())
    job = predict(case, replace="untouched_findings")
    assert job.state == "succeeded"
    states = {row.finding: row.fields["state"] for row in CurrentFinding.objects.all()}
    assert states == {1: "accepted", 2: "proposed"}


def test_a_recipe_that_a_person_set_is_used_and_named(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_version()
    steps = {"steps": [{"name": "denoise", "method": "median"}]}
    recipe = RecipeVersion.objects.create(
        project=case.project, number=2, steps=steps, digest="another"
    )
    asked: list[Any] = []
    whole = runs.segment_moments

    def segment(*given: Any, **named: Any) -> Any:
        asked.append(given[4])
        return whole(*given, **named)

    monkeypatch.setattr(runs, "segment_moments", segment)
    job = predict(case)
    assert (job.state, job.cause) == ("succeeded", "")
    assert asked[0] is not None
    assert SegmentationRun.objects.get(case=case).recipe == recipe


def test_bulk_prediction_takes_untouched_cases_only(project: Project) -> None:
    a_version()
    untouched, touched, masked = (a_case(project) for _ in range(3))
    Case.objects.filter(pk=touched.pk).update(touched_at=timezone.now())
    revision_record_system(masked, "imported", [a_finding(1)], [a_slice(1)])
    a_case(project, state="accepted")
    administrator = a_member(project, "administrator")
    assert run_bulk(user=administrator, project=project) == (1, 2)
    assert [job.case for job in Job.objects.all()] == [untouched]
    assert run_bulk(user=administrator, project=project) == (0, 2)
    with pytest.raises(NotPermittedError):
        run_bulk(user=a_member(project, "reviewer"), project=project)
