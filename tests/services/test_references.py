"""A person chooses which image of a case masks lie on, while none lie anywhere."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from segmentation.errors import NotFoundError, NotPermittedError, StateRefusedError
from segmentation.models import AuditEvent, Case, Image, Job, NetworkVersion, Presence
from segmentation.services import studies
from segmentation.services.comments import comment_add
from segmentation.services.network_choice import Suggestion
from segmentation.services.presence import presence_beat
from segmentation.services.studies import reference_choose
from tests.builders import a_member, a_project
from tests.services.drawn_studies import (
    THICK,
    THIN,
    a_scout,
    a_series,
    bring,
    depth_of_reference,
    draw,
    the_case,
)

pytestmark = pytest.mark.django_db


def two_series(folder: Path) -> tuple[Case, Image]:
    project = a_project()
    a_series(folder, "thick", THICK)
    a_series(folder, "thin", THIN)
    a_scout(folder)
    bring(project, folder)
    case = the_case(project)
    return case, case.images.get(size_z=len(THICK))


def test_a_person_makes_another_series_the_reference_and_predictions_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, other = two_series(tmp_path)
    before = case.images.get(is_reference=True)
    suits = Suggestion(NetworkVersion(), "It suits.")
    monkeypatch.setattr(studies, "network_suggest", lambda *asked: suits)
    waiting = Job.objects.create(project=case.project, case=case, kind="predict")
    reference_choose(user=a_member(case.project, "annotator"), case=case, image_id=other.pk)
    assert depth_of_reference(the_case(case.project)) == len(THICK)
    waiting.refresh_from_db()
    assert waiting.state == Job.State.CANCELLED
    queued = Job.objects.get(kind="predict", state=Job.State.QUEUED)
    assert queued.payload["image"] == str(other.pk)
    event = AuditEvent.objects.get(action="case.reference")
    assert event.subject == {"before": str(before.pk), "after": str(other.pk)}


def test_a_reference_that_no_network_suits_says_so_and_waits_for_nothing(tmp_path: Path) -> None:
    case, other = two_series(tmp_path)
    reference_choose(user=a_member(case.project, "annotator"), case=case, image_id=other.pk)
    assert the_case(case.project).origin["no_network_reason"]
    assert not Job.objects.filter(kind="predict").exists()


def test_the_reference_stays_once_masks_lie_on_it(tmp_path: Path) -> None:
    case, other = two_series(tmp_path)
    draw(case)
    person = a_member(case.project, "reviewer")
    with pytest.raises(StateRefusedError, match="Masks lie on the reference"):
        reference_choose(user=person, case=case, image_id=other.pk)
    assert depth_of_reference(case) == len(THIN)


def test_the_reference_stays_while_somebody_else_has_the_pen(tmp_path: Path) -> None:
    case, other = two_series(tmp_path)
    holder, person = a_member(case.project, "annotator", "zoe"), a_member(case.project, "reviewer")
    presence_beat(user=holder, case=case, tab=uuid.uuid4(), seconds=0, want="hold")
    with pytest.raises(StateRefusedError, match="zoe has this case open"):
        reference_choose(user=person, case=case, image_id=other.pk)
    Presence.objects.update(expires_at=None)
    reference_choose(user=person, case=case, image_id=other.pk)


def test_the_reference_stays_where_a_comment_points_at_it(tmp_path: Path) -> None:
    case, other = two_series(tmp_path)
    person = a_member(case.project, "annotator")
    comment_add(user=person, case=case, text="here", place={"x": 1, "y": 1, "z": 1})
    with pytest.raises(StateRefusedError, match="comment points"):
        reference_choose(user=person, case=case, image_id=other.pk)


def test_an_overview_is_no_reference_beside_a_volume(tmp_path: Path) -> None:
    case, _ = two_series(tmp_path)
    scout = case.images.get(size_z=1)
    with pytest.raises(StateRefusedError, match="overview"):
        reference_choose(user=a_member(case.project, "annotator"), case=case, image_id=scout.pk)


def test_only_who_may_edit_chooses_among_the_images_of_the_case_itself(tmp_path: Path) -> None:
    case, other = two_series(tmp_path)
    with pytest.raises(NotPermittedError):
        reference_choose(user=a_member(case.project, "viewer"), case=case, image_id=other.pk)
    with pytest.raises(NotFoundError):
        reference_choose(user=a_member(case.project, "annotator"), case=case, image_id=uuid.uuid4())
