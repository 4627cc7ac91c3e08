"""What is decided about a case as a whole: who works on it, whether it may be seen, whether it
stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from segmentation.access import require, verbs_of
from segmentation.errors import InvalidInputError, StateRefusedError
from segmentation.jobs.progress import publish_on_commit
from segmentation.jobs.queue import end
from segmentation.models import Assignment, Case, Image, Job
from segmentation.services.audit import event_record
from segmentation.services.first_runs import first_run_queue, origin_noted
from segmentation.services.network_choice import network_for


def case_assign(*, user: User, case: Case, people: Sequence[User]) -> Case:
    """Put the case on these people's lists and no others'. An annotator may take or leave a case
    for themselves only."""
    before = set(case.assignments.values_list("user_id", flat=True))
    wanted = {person.pk: person for person in people}
    if before ^ wanted.keys() <= {user.pk}:
        require(user, "case.edit", case.project)
    else:
        require(user, "assignment.write", case.project)
    for person in wanted.values():
        if "case.edit" not in verbs_of(person, case.project):
            raise InvalidInputError(
                f"{person.get_username()} cannot change masks in this project.",
                fields={"users": str(person.pk)},
            )
    with transaction.atomic():
        case.assignments.exclude(user__in=wanted).delete()
        for person in wanted.values():
            Assignment.objects.get_or_create(case=case, user=person)
        event_record(case, "case.assign", actor=user, subject={"users": sorted(wanted)})
        case_tell(case)
    return case


def case_release(*, user: User, case: Case) -> Case:
    """A reviewer looked: nothing in the picture tells who the patient is. Work may begin, and what
    import would have queued is queued now."""
    require(user, "case.review", case.project)
    image = Image.objects.get(case=case, is_reference=True)
    suggestion = network_for(image, case.project)

    def release(locked: Case) -> None:
        if locked.state != Case.State.QUARANTINED:
            raise StateRefusedError("This case is not held back.")
        locked.state = Case.State.READY
        locked.origin = origin_noted(locked.origin, suggestion)
        first_run_queue(locked, image, suggestion, user)

    return _step(user, case, "case.release", release)


def case_withdraw(*, user: User, case: Case) -> Case:
    """Take a case out of all work for good, waiting jobs included. Its history stays readable."""
    require(user, "case.withdraw", case.project)

    def withdraw(locked: Case) -> None:
        if locked.state == Case.State.WITHDRAWN:
            raise StateRefusedError("This case is already withdrawn.")
        locked.state = Case.State.WITHDRAWN
        waiting = Job.objects.select_for_update().filter(case=locked)
        for job in waiting.filter(state__in=(Job.State.QUEUED, Job.State.PAUSED)):
            end(job, Job.State.CANCELLED)

    return _step(user, case, "case.withdraw", withdraw)


def _step(user: User, case: Case, action: str, change: Callable[[Case], None]) -> Case:
    with transaction.atomic():
        locked = (
            Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case.pk)
        )
        before = str(locked.state)
        change(locked)
        locked.save(update_fields=["state", "origin", "updated_at"])
        subject = {"before": before, "after": str(locked.state)}
        event_record(locked, action, actor=user, subject=subject)
        case_tell(locked)
    return locked


def case_tell(case: Case, **more: object) -> None:
    """Let the pages know that the case changed."""
    head = str(case.head_id) if case.head_id else None
    content = {"id": str(case.pk), "state": str(case.state), "head": head, **more}
    publish_on_commit("case", content, project=case.project_id, case=case.pk)
