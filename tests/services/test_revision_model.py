"""Random work on a case, held step by step to a plain dictionary that does the same."""

from __future__ import annotations

import random
import uuid

import pytest
from django.contrib.auth.models import User

from segmentation.models import Case, MaskRevision
from segmentation.selectors.revisions import State, state_at, state_current
from segmentation.services import revision_line
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.revision_line import digest_of
from segmentation.services.revisions import Asked, revision_append, revision_restore
from tests.builders import a_case, a_finding, a_key, a_member, a_project, rows_of

TAB = uuid.uuid4()
DEPTH = 3


def draw_step(chance: random.Random, state: State) -> tuple[list[SliceRows], list[FindingRow]]:
    """A few findings made, changed or removed, and a few slices painted or erased."""
    findings: dict[int, FindingRow] = {}
    for _ in range(chance.randrange(3)):
        number = chance.randrange(1, 6)
        gone = number in state.findings and chance.random() < 0.3
        note = str(chance.randrange(9))
        findings[number] = FindingRow(number, None) if gone else a_finding(number, note=note)
    kept = {n for n in state.findings if n not in findings or findings[n].fields is not None}
    alive = kept | {n for n, row in findings.items() if row.fields is not None} | {0}
    slices: dict[tuple[int, int], SliceRows] = {}
    for _ in range(chance.randrange(4)):
        number, z = chance.choice(sorted(alive)), chance.randrange(DEPTH)
        x = chance.randrange(60)
        runs = b"" if chance.random() < 0.3 else rows_of(x, 0, x + 4, 4)
        slices[number, z] = SliceRows(number, z, runs)
    return list(slices.values()), list(findings.values())


def same(state: State, told: State) -> bool:
    return state.slices == told.slices and notes(state) == notes(told)


def notes(state: State) -> dict[int, str]:
    return {number: fields["note"] for number, fields in state.findings.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_head_history_and_digest_agree_after_any_work(seed: int) -> None:
    chance = random.Random(seed)
    case = a_case(a_project(), (DEPTH, 48, 64))
    person = a_member(case.project, "annotator")
    model, past = State(), []
    for _ in range(25):
        if past and chance.random() < 0.1:
            revision, model = chance.choice(past)
            model = State(dict(model.slices), dict(model.findings))
            made = revision_restore(user=person, case=case, revision=revision, tab=TAB).revision
        else:
            slices, findings = draw_step(chance, model)
            made = save(person, case, slices, findings)
            model.apply(
                [(row.finding, row.z, row.runs) for row in slices],
                [
                    (r.finding, {"removed": True} if r.fields is None else r.fields)
                    for r in findings
                ],
            )
        past.append((made, State(dict(model.slices), dict(model.findings))))
        current = state_current(case)
        assert same(current, model)
        assert made.digest == digest_of(current)
    for revision, told in past:
        assert same(state_at(revision), told)


def save(
    person: User, case: Case, slices: list[SliceRows], findings: list[FindingRow]
) -> MaskRevision:
    case.refresh_from_db()
    asked = Asked("brush", slices, findings)
    return revision_append(
        user=person, case=case, parent_id=case.head_id, key=a_key(), asked=asked, tab=TAB
    ).revision


@pytest.mark.django_db(transaction=True)
def test_every_so_often_the_state_is_packed_and_read_back_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revision_line, "SNAPSHOT_EVERY", 4)
    chance = random.Random(11)
    case = a_case(a_project(), (DEPTH, 48, 64))
    person = a_member(case.project, "annotator")
    digests = []
    for _ in range(10):
        revision = save(person, case, *draw_step(chance, state_current(case)))
        digests.append(revision.digest)
    packed = MaskRevision.objects.filter(snapshot__isnull=False)
    assert list(packed.order_by("sequence").values_list("sequence", flat=True)) == [4, 8]
    line = MaskRevision.objects.order_by("sequence")
    assert [digest_of(state_at(revision)) for revision in line] == digests
