"""An export as a job: asked for by who may, done once, kept as one archive."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from django.contrib.auth.models import User

from segmentation.errors import InvalidInputError, NotPermittedError
from segmentation.models import AuditEvent, Case, Job, Project
from segmentation.selectors.exports import export_archive
from segmentation.services import export_formats
from segmentation.services.export_requests import ACCEPTED, CHOSEN, export_start
from segmentation.services.job_execution import job_execute
from segmentation.services.verification import verify
from segmentation.storage.blobs import blob_read_whole
from tests.builders import a_case, a_finding, a_member, a_project, a_slice
from tests.services.exporting import draw

# The heartbeat of a job is a thread of its own and must see what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project() -> Project:
    project = a_project()
    case = a_case(project)
    draw(case, [a_finding(1)], [a_slice(1)])
    Case.objects.filter(pk=case.pk).update(state="accepted", accepted_revision=case.head)
    return project


@pytest.fixture
def reviewer(project: Project) -> User:
    return a_member(project, "reviewer")


def asked(project: Project, user: User, which: str = ACCEPTED, **more: object) -> Job:
    return export_start(user=user, project=project, format="labels", which=which, **more)


@pytest.mark.storage
def test_the_archive_holds_the_files_and_the_site_stays_clean(
    project: Project, reviewer: User
) -> None:
    job = asked(project, reviewer)
    assert job_execute(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["exported"], job.result["refused"]) == ("succeeded", 1, [])
    archive = export_archive(user=reviewer, job_id=job.pk)
    with zipfile.ZipFile(io.BytesIO(blob_read_whole(archive.sha256))) as file:
        assert file.namelist() == ["case-1.findings.json", "case-1.labels.tif", "export.json"]
        assert file.testzip() is None
    assert verify().problems == ()
    assert AuditEvent.objects.filter(action="export.create").count() == 1


def test_a_refused_case_is_told_in_the_job_s_result(
    project: Project, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_formats.write_labels
    monkeypatch.setattr(
        export_formats, "write_labels", lambda path, labels, axes: whole(path, labels * 0)
    )
    job = asked(project, reviewer)
    job_execute(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded"
    assert [told["code"] for told in job.result["refused"]] == ["export_damaged"]


def test_an_annotator_may_not_export(project: Project) -> None:
    with pytest.raises(NotPermittedError):
        asked(project, a_member(project, "annotator"))
    assert not Job.objects.exists()


def test_chosen_without_a_case_is_refused(project: Project, reviewer: User) -> None:
    with pytest.raises(InvalidInputError, match="at least one case"):
        asked(project, reviewer, CHOSEN)


def test_a_case_of_another_project_does_not_leave_with_this_one(
    project: Project, reviewer: User
) -> None:
    foreign = a_case(a_project())
    draw(foreign, [a_finding(1)], [a_slice(1)])
    job = asked(project, reviewer, CHOSEN, cases=[foreign.pk, uuid.uuid4()])
    job_execute(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["exported"], job.result["files"]) == ("succeeded", 0, 1)
