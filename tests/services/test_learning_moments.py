"""A cine teaches moment by moment, and is compared on all that is known of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segmentation.engine import masks
from segmentation.engine.checkpoints import Network
from segmentation.models import Case, Comparison, NetworkVersion, Project, TrainingSet
from segmentation.services import comparisons
from segmentation.services.changes import SliceRows
from segmentation.services.comparison_requests import comparison_start
from segmentation.services.job_execution import job_execute
from segmentation.services.learning_cases import training_cases
from segmentation.services.training_sets import training_set_freeze
from segmentation.storage.volumes import slice_plane
from tests.builders import a_case, a_finding, a_member, a_project
from tests.services.exporting import draw
from tests.services.test_runs import CUT, Brightness, a_version

pytestmark = pytest.mark.django_db(transaction=True)


def a_cine(project: Project, reviewed: tuple[int, ...] = (), **fields: Any) -> Case:
    """Three frames of which what is bright was drawn and accepted; frame 1 is left empty."""
    case = a_case(project, moments=3, **fields)
    pack = case.images.get().pack_id
    rows = [
        SliceRows(1, t, masks.to_bytes(masks.encode(slice_plane(pack, 0, t)[0] > CUT)))
        for t in (0, 2)
    ]
    whole = masks.to_bytes(masks.encode(np.ones((48, 64), bool)))
    draw(case, [a_finding(1)], [*rows, *(SliceRows(0, t, whole) for t in reviewed)])
    case.state, case.accepted_revision = Case.State.ACCEPTED, case.head
    case.save(update_fields=["state", "accepted_revision"])
    return case


@pytest.fixture
def project() -> Project:
    return a_project(task="semantic", labels=("bright",))


def freeze(project: Project) -> TrainingSet:
    return training_set_freeze(user=a_member(project, "administrator"), project=project)


def test_every_reviewed_frame_is_a_sample_of_its_own(project: Project) -> None:
    case = a_cine(project, reviewed=(0, 2))
    cases, task = training_cases(freeze(project))
    assert (task, len(cases)) == ("semantic2d", 2)
    assert len({one.id for one in cases}) == 2
    assert len({one.group for one in cases}) == 1
    assert sum(one.weight for one in cases) == pytest.approx(1)
    pack = case.images.get().pack_id
    for one, t in zip(cases, (0, 2), strict=True):
        picture, truth = one.load()
        assert np.array_equal(picture.pixels[0, 0], slice_plane(pack, 0, t)[0])
        assert truth.classes is not None
        assert np.array_equal(truth.classes[0] > 0, picture.pixels[0, 0] > CUT)
        assert truth.ignore is None


def test_without_marks_every_frame_of_an_accepted_cine_is_truth(project: Project) -> None:
    a_cine(project)
    cases, _ = training_cases(freeze(project))
    empty = [not one.load()[1].classes.any() for one in cases]
    assert empty == [False, True, False]


def test_a_comparison_scores_every_known_frame(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network marks what is bright: Dice 1 where that was drawn, 0 on the frame left empty."""

    def load(version: NetworkVersion) -> Network:
        return Network("semantic2d", ("bright",), version.card, Brightness().eval())

    monkeypatch.setattr(comparisons, "network_load", load)
    a_cine(project)
    a_cine(project, is_holdout=True)
    person = a_member(project, "administrator")
    challenger = a_version(project)
    challenger.state = NetworkVersion.State.CHALLENGER
    challenger.save(update_fields=["state"])
    made = comparison_start(user=person, challenger=challenger, training_set=freeze(project))
    assert made.job is not None
    assert job_execute(made.job.pk)
    made = Comparison.objects.get(pk=made.pk)
    made.job.refresh_from_db()
    assert (made.job.state, made.job.cause) == ("succeeded", "")
    (one,) = made.results["cases"]
    assert one["challenger"] == pytest.approx(2 / 3)
