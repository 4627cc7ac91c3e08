"""``verify`` is silent on an untouched site and names each kind of damage, wherever it is done."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from segmentation.errors import StaleRevisionError
from segmentation.models import (
    AuditEvent,
    Blob,
    Case,
    CurrentFinding,
    CurrentSlice,
    FindingChange,
    Image,
    Job,
    MaskRevision,
    SiteAnchor,
    SliceChange,
    TrainingSet,
)
from segmentation.services.audit import anchor_make
from segmentation.services.digests import json_digest
from segmentation.services.revision_line import snapshot_make
from segmentation.services.revisions import Asked, revision_append
from segmentation.services.verification import verify
from segmentation.storage.blobs import blob_name, blob_put, blob_read
from tests.builders import a_case, a_finding, a_key, a_member, a_project, a_slice, rows_of

pytestmark = pytest.mark.django_db
TAB = uuid.uuid4()


@pytest.fixture
def case() -> Case:
    """A case with three revisions on its line, one kept beside it, and a sealed audit trail."""
    case = a_case(a_project())
    person = a_member(case.project, "annotator")
    heads: list[uuid.UUID | None] = [None]
    for step in range(3):
        asked = Asked("brush", [a_slice(1, x=4 * step)], [] if step else [a_finding(1)])
        saved = revision_append(
            user=person, case=case, parent_id=heads[-1], key=a_key(), asked=asked, tab=TAB
        )
        heads.append(saved.revision.pk)
    with pytest.raises(StaleRevisionError):
        revision_append(
            user=person,
            case=case,
            parent_id=heads[1],
            key=a_key(),
            asked=Asked("brush", [a_slice(1, x=40)], []),
            tab=TAB,
        )
    anchor_make()
    case.refresh_from_db()
    return case


def sentences() -> list[str]:
    return [problem.sentence for problem in verify().problems]


def on_line(case: Case, sequence: int) -> MaskRevision:
    return MaskRevision.objects.get(case=case, sequence=sequence, on_head=True)


@contextmanager
def damaged(sha256: str) -> Iterator[None]:
    """The stored file with its middle byte turned over; whole again afterwards, because the same
    bytes may belong to other tests."""
    whole = blob_read(sha256)
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    replace(sha256, bytes(broken))
    try:
        yield
    finally:
        replace(sha256, whole)


def replace(sha256: str, content: bytes) -> None:
    storage = storages["blobs"]
    storage.delete(blob_name(sha256))
    storage.save(blob_name(sha256), ContentFile(content))


def test_an_untouched_site_is_clean_and_everything_was_looked_at(case: Case) -> None:
    found = verify()
    assert found.problems == ()
    assert found.as_json()["clean"] is True
    assert found.checked["revisions"] == 4
    assert found.checked["images"] == 1
    assert found.checked["audit events"] == AuditEvent.objects.count() > 0
    assert found.checked["site anchors"] == 1


def test_an_empty_site_is_clean(db: None) -> None:
    assert verify().problems == ()


@pytest.mark.storage
def test_a_flipped_byte_in_a_pack_of_pixels_is_found(case: Case) -> None:
    with damaged(Image.objects.get(case=case).pack_id):
        found = verify().problems
    assert "The stored image is not what was written." in {one.sentence for one in found}
    assert {one.area for one in found} <= {"blobs", "images"}
    assert sentences() == []


def test_a_case_without_a_reference_is_found(case: Case) -> None:
    Image.objects.filter(case=case).update(is_reference=False)
    assert sentences() == ["None of its images is the reference."]


@pytest.mark.storage
def test_a_missing_blob_is_found(case: Case) -> None:
    sha256 = blob_put(b"a thumbnail that goes missing", Blob.Kind.THUMBNAIL).sha256
    storages["blobs"].delete(blob_name(sha256))
    (sentence,) = sentences()
    assert "is missing" in sentence


@pytest.mark.storage
def test_a_damaged_snapshot_is_found_and_stops_nothing_else(case: Case) -> None:
    head = on_line(case, 3)
    blob = snapshot_make(head)
    assert sentences() == []
    with damaged(blob.sha256):
        assert any("damaged" in sentence for sentence in sentences())


def test_a_snapshot_of_another_state_is_found(case: Case) -> None:
    early = snapshot_make(on_line(case, 1))
    MaskRevision.objects.filter(pk=on_line(case, 3).pk).update(snapshot=early)
    assert "The snapshot of revision 3 differs." in sentences()


def test_a_slice_whose_runs_were_changed_is_found(case: Case) -> None:
    change = SliceChange.objects.get(revision=on_line(case, 2))
    SliceChange.objects.filter(pk=change.pk).update(runs=rows_of(0, 0, 3, 3))
    found = sentences()
    assert "Finding 1, slice 0 of revision 2 differs." in found
    assert "Revision 2 has another digest." in found


def test_a_slice_whose_digest_was_changed_along_is_found_by_the_root(case: Case) -> None:
    """Whoever changes a row and its digest cannot change the root that was sealed with it."""
    runs = rows_of(0, 0, 3, 3)
    SliceChange.objects.filter(revision=on_line(case, 3)).update(
        runs=runs, digest=hashlib.sha256(runs).hexdigest()
    )
    assert "Revision 3 has another digest." in sentences()


def test_a_changed_finding_is_found(case: Case) -> None:
    fields = {"label": 1, "state": "rejected"}
    FindingChange.objects.filter(revision=on_line(case, 1)).update(fields=fields)
    assert "Revision 1 has another digest." in sentences()


def test_a_changed_row_beside_the_line_is_found(case: Case) -> None:
    kept = MaskRevision.objects.get(case=case, on_head=False)
    SliceChange.objects.filter(revision=kept).update(runs=rows_of(0, 0, 3, 3))
    assert f"Revision {kept.sequence} has another digest." in sentences()


def test_a_broken_parent_is_found(case: Case) -> None:
    MaskRevision.objects.filter(pk=on_line(case, 3).pk).update(parent=on_line(case, 1))
    assert sentences() == ["Revision 3 has another parent."]


def test_a_revision_that_was_taken_out_of_the_line_is_found(case: Case) -> None:
    MaskRevision.objects.filter(pk=on_line(case, 2).pk).update(on_head=False)
    assert "Revision 3 has another parent." in sentences()


def test_a_head_that_was_moved_back_is_found(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(head=on_line(case, 2))
    assert "The head is not the newest revision of its line." in sentences()


def test_a_head_that_was_cut_off_is_found(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(head=None)
    assert "The head is not the newest revision of its line." in sentences()


def test_a_current_slice_that_is_not_the_history_s_is_found(case: Case) -> None:
    old = SliceChange.objects.get(revision=on_line(case, 1))
    CurrentSlice.objects.filter(case=case).update(change=old)
    assert "The current state is not what its history gives." in sentences()


def test_changed_digests_of_the_current_state_are_found(case: Case) -> None:
    CurrentSlice.objects.filter(case=case).update(digest="0" * 64)
    CurrentFinding.objects.filter(case=case).update(digest="0" * 64)
    assert sentences() == [
        "Finding 1, slice 0 stands with another digest.",
        "Finding 1 stands with another digest.",
    ]


def test_an_accepted_revision_of_another_case_is_found(case: Case) -> None:
    other = a_case(case.project)
    Case.objects.filter(pk=other.pk).update(accepted_revision=on_line(case, 1))
    person = a_member(case.project, "annotator")
    asked = Asked("brush", [a_slice(1)], [a_finding(1)])
    revision_append(user=person, case=other, parent_id=None, key=a_key(), asked=asked, tab=TAB)
    assert sentences() == ["The accepted revision is not one of its line."]


def test_an_edited_audit_event_is_found(case: Case) -> None:
    event = AuditEvent.objects.filter(chain=str(case.pk)).order_by("sequence")[1]
    AuditEvent.objects.filter(pk=event.pk).update(subject={"digest": "another"})
    assert sentences() == [f"Event {event.sequence} was changed."]


def test_an_audit_event_that_was_taken_out_is_found(case: Case) -> None:
    AuditEvent.objects.filter(chain=str(case.pk), sequence=2).delete()
    assert "The chain is broken before event 3." in sentences()


def test_a_cut_end_of_an_audit_chain_is_found_by_the_seal(case: Case) -> None:
    """The chain that is left is sound in itself; only the site's anchor knows of more."""
    last = AuditEvent.objects.filter(chain=str(case.pk)).order_by("-sequence")[0]
    last.delete()
    assert sentences() == [f"Event {last.sequence}, sealed by anchor 1, is gone."]


def test_an_edited_anchor_is_found(case: Case) -> None:
    anchor = SiteAnchor.objects.get()
    chain = str(case.pk)
    heads = {name: head for name, head in anchor.heads.items() if name != chain}
    SiteAnchor.objects.filter(pk=anchor.pk).update(heads=heads)
    assert sentences() == ["This anchor was changed."]


def frozen(case: Case, part: str, **more: object) -> TrainingSet:
    revision = on_line(case, 3)
    entry = {
        "case": str(case.pk),
        "number": case.number,
        "patient_key": "p_1",
        "group": "",
        "is_holdout": False,
        "revision": str(revision.pk),
        "digest": revision.digest,
        **more,
    }
    manifest = {"train": [], "validation": [], "holdout": [], part: [entry]}
    return TrainingSet.objects.create(
        project=case.project,
        number=1,
        manifest=manifest,
        digest=json_digest(manifest),
        recipe=case.project.recipes.get(),
    )


def test_a_frozen_training_set_is_clean(case: Case) -> None:
    frozen(case, "train")
    assert sentences() == []


def test_a_changed_training_set_is_found(case: Case) -> None:
    made = frozen(case, "train")
    made.manifest["train"][0]["number"] = 99
    made.save()
    assert sentences() == ["Its list of revisions was changed."]


def test_a_training_set_of_another_revision_is_found(case: Case) -> None:
    frozen(case, "train", digest="0" * 64)
    assert sentences() == [f"Case {case.number} in train is not the frozen revision."]


def test_a_patient_of_the_holdout_among_what_is_learned_is_found(case: Case) -> None:
    made = frozen(case, "train")
    made.manifest["holdout"] = [{**made.manifest["train"][0], "is_holdout": True}]
    made.digest = json_digest(made.manifest)
    made.save()
    assert sentences() == [f"Case {case.number} is trained on and its patient is in the hold-out."]


def test_a_job_whose_worker_is_gone_for_long_is_found(case: Case) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.create(
        kind="predict", queue="predict", state="running", case=case, lease_until=long_ago
    )
    assert sentences() == ["Its worker is gone and no other took it. Start a worker."]


def test_a_case_that_imports_for_ever_is_found(case: Case) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Case.objects.filter(pk=case.pk).update(state="importing", updated_at=long_ago)
    assert sentences() == ["It is still importing, but no import runs."]
