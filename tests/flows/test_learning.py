"""From accepted cases to a network that serves: freeze, train, compare, promote, roll back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from segmentation.demo.phantoms import nuclei_field
from segmentation.engine import masks
from segmentation.engine.cases import TrainingEvent
from segmentation.errors import (
    ComparisonRefusedError,
    InvalidInputError,
    NotPermittedError,
    StateRefusedError,
)
from segmentation.models import (
    Blob,
    Case,
    Comparison,
    Image,
    Job,
    MaskRevision,
    NetworkChoice,
    NetworkVersion,
    Project,
    TrainingRun,
    TrainingSet,
)
from segmentation.selectors import learning
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.comparison_requests import comparison_start
from segmentation.services.job_execution import job_execute
from segmentation.services.network_choice import champion_of
from segmentation.services.promotions import promotion_make, promotion_roll_back
from segmentation.services.revisions import revision_record_system
from segmentation.services.training_requests import training_start
from segmentation.services.training_sets import training_set_freeze
from segmentation.services.verification import verify
from segmentation.storage.blobs import blob_put, blob_read
from segmentation.storage.volumes import pack_write
from tests.builders import a_member, a_project

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = (64, 64)
PNG = b"\x89PNG"


def an_accepted_case(project: Project, number: int, *, is_holdout: bool) -> Case:
    """A drawn field of nuclei whose drawn truth a person has accepted."""
    field = nuclei_field(6, SIZE, seed=number)
    case = Case.objects.create(
        project=project,
        number=number,
        title=f"field {number}",
        state=Case.State.IN_PROGRESS,
        patient_key=f"p_{number:020d}",
        is_holdout=is_holdout,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack"
        header = pack_write(field.pixels[None, None, None], path)
        pack = blob_put(path, Blob.Kind.IMAGE)
    Image.objects.create(
        case=case,
        pack=pack,
        size_y=SIZE[0],
        size_x=SIZE[1],
        dtype="uint8",
        source_digest=header.pixel_digest,
        pixel_digest=header.pixel_digest,
    )
    drawn = masks.encode_labels(field.labels())
    findings = [
        FindingRow(n, {"label": 1, "state": "accepted", "source": "person", "score": None})
        for n in drawn
    ]
    slices = [SliceRows(n, 0, masks.to_bytes(runs)) for n, runs in drawn.items()]
    revision_record_system(case, MaskRevision.Kind.IMPORTED, findings, slices)
    case.refresh_from_db()
    Case.objects.filter(pk=case.pk).update(
        state=Case.State.ACCEPTED, accepted_revision=case.head, touched_at=timezone.now()
    )
    return case


@pytest.fixture
def project() -> Project:
    project = a_project("Learning")
    for number in range(1, 21):
        an_accepted_case(project, number, is_holdout=number > 8)
    return project


@pytest.fixture
def administrator(project: Project) -> User:
    return a_member(project, "administrator")


def trained(user: User, frozen: TrainingSet, steps: int, start: str = "scratch") -> TrainingRun:
    """A training with the comparison that follows it, both done at once."""
    run = training_start(user=user, training_set=frozen, start=start, steps=steps, seed=3)
    assert run.job is not None
    assert job_execute(run.job.pk)
    run.refresh_from_db()
    assert run.job is not None
    run.job.refresh_from_db()
    assert run.job.state == Job.State.SUCCEEDED, run.job.cause
    return run


def compared(run: TrainingRun) -> Comparison:
    comparison = Comparison.objects.get(challenger=run.challenger)
    assert comparison.job is not None
    assert job_execute(comparison.job.pk)
    comparison.refresh_from_db()
    assert comparison.job is not None
    comparison.job.refresh_from_db()
    assert comparison.job.state == Job.State.SUCCEEDED, comparison.job.cause
    return comparison


@pytest.mark.slow
def test_a_challenger_is_trained_judged_promoted_and_rolled_back(
    project: Project, administrator: User
) -> None:
    frozen = training_set_freeze(user=administrator, project=project)
    assert len(frozen.manifest["holdout"]) == 12
    assert len(frozen.manifest["train"]) + len(frozen.manifest["validation"]) == 8

    first = compared(trained(administrator, frozen, steps=2))
    assert first.champion is None
    assert first.outcome == Comparison.Outcome.NEEDS_PERSON
    with pytest.raises(InvalidInputError, match="Say why"):
        promotion_make(user=administrator, comparison=first)
    promotion_make(user=administrator, comparison=first, reason="the first one")
    assert champion_of(project, "") == first.challenger

    run = trained(administrator, frozen, steps=60)
    told = learning.training(user=administrator, training_id=run.pk)
    assert told["curve"][-1]["step"] == 60
    assert told["curve"][-1]["validation"]
    better = compared(run)
    assert better.champion == first.challenger
    assert better.outcome == Comparison.Outcome.PROMOTE, better.reason
    shown = learning.comparison(user=administrator, comparison_id=better.pk)
    assert len(shown["cases"]) == 12
    picture = learning.comparison_picture(
        user=administrator, comparison_id=better.pk, number=shown["cases"][0]["number"]
    )
    assert picture is not None
    assert blob_read(picture, 0, 4) == PNG
    promotion_make(user=administrator, comparison=better)
    assert champion_of(project, "") == better.challenger

    promotion_roll_back(user=administrator, project=project)
    assert champion_of(project, "") == first.challenger
    promotion_roll_back(user=administrator, project=project)
    assert not NetworkChoice.objects.filter(project=project).exists()
    with pytest.raises(StateRefusedError, match="No promotion is left"):
        promotion_roll_back(user=administrator, project=project)
    assert verify().problems == ()


@pytest.mark.slow
def test_a_worse_challenger_is_refused(project: Project, administrator: User) -> None:
    frozen = training_set_freeze(user=administrator, project=project)
    good = trained(administrator, frozen, steps=60)
    comparison = compared(good)
    promotion_make(user=administrator, comparison=comparison, reason="good enough to begin")
    worse = compared(trained(administrator, frozen, steps=1))
    assert worse.champion == good.challenger
    assert worse.outcome == Comparison.Outcome.KEEP
    with pytest.raises(ComparisonRefusedError):
        promotion_make(user=administrator, comparison=worse, reason="I like it")
    assert champion_of(project, "") == good.challenger
    again = comparison_start(user=administrator, challenger=good.challenger, training_set=frozen)
    assert again.champion == good.challenger


def test_a_training_killed_on_its_way_is_taken_up_by_the_next_worker(
    project: Project, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is saved at every step here, and the first attempt dies after the fourth."""
    frozen = training_set_freeze(user=administrator, project=project)
    monkeypatch.setattr("segmentation.engine.training.STATE_EVERY_S", 0.0)
    run = training_start(user=administrator, training_set=frozen, start="scratch", steps=6)
    assert run.job is not None
    steps: list[int] = []

    def dying(self: object, event: TrainingEvent) -> None:
        steps.append(event.step)
        if len(steps) == 4:
            raise OSError("killed")

    monkeypatch.setattr("segmentation.engine.training.EVENT_EVERY_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("segmentation.services.trainings._Diary.note", dying)
        job_execute(run.job.pk)
    run.job.refresh_from_db()
    assert run.job.state == Job.State.QUEUED
    assert job_execute(run.job.pk)
    run.refresh_from_db()
    assert run.challenger is not None
    assert run.challenger.card["training"]["steps"] == 6
    assert run.curve[0]["step"] >= 4


def test_only_accepted_cases_outside_the_hold_out_are_learned_from(
    project: Project, administrator: User
) -> None:
    Case.objects.filter(project=project, is_holdout=False).update(state=Case.State.SUBMITTED)
    with pytest.raises(InvalidInputError, match="not in the hold-out"):
        training_set_freeze(user=administrator, project=project)


def test_a_case_without_consent_is_left_out_by_name(project: Project, administrator: User) -> None:
    Case.objects.filter(project=project, number=1).update(consent=False)
    frozen = training_set_freeze(user=administrator, project=project)
    assert [entry["number"] for entry in frozen.manifest["excluded"]] == [1]


def test_an_annotator_may_neither_freeze_nor_train(project: Project, administrator: User) -> None:
    annotator = a_member(project, "annotator")
    with pytest.raises(NotPermittedError):
        training_set_freeze(user=annotator, project=project)
    frozen = training_set_freeze(user=administrator, project=project)
    with pytest.raises(NotPermittedError):
        training_start(user=annotator, training_set=frozen, steps=1)


def test_a_budget_is_steps_or_minutes_and_within_reason(
    project: Project, administrator: User
) -> None:
    frozen = training_set_freeze(user=administrator, project=project)
    for wrong in ({}, {"steps": 1, "minutes": 1.0}, {"steps": 0}, {"minutes": -1.0}):
        with pytest.raises(InvalidInputError):
            training_start(user=administrator, training_set=frozen, **wrong)
    assert not TrainingRun.objects.exists()
    assert not NetworkVersion.objects.filter(network__project=project).exists()
