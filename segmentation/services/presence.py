"""The pen of a case: one tab holds it by a short lease, others watch and may take over."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from segmentation.access import require, verbs_of
from segmentation.errors import NotHolderError
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import Case, Presence
from segmentation.selectors.presence import holder_answer, presence_answer
from segmentation.services.audit import event_record

LEASE = timedelta(seconds=30)
SECONDS_PER_BEAT_MAX = 30
WATCHERS_MAX = 50


def presence_beat(
    *, user: User, case: Case, tab: uuid.UUID, seconds: int, want: str
) -> dict[str, Any]:
    """Say that a tab is here, and what it wants: ``hold`` the pen if free, ``watch`` or ``leave``.

    Whoever may not edit watches. ``seconds`` is the time spent at work since the last beat.
    """
    may_hold = "case.edit" in verbs_of(user, case.project)
    with transaction.atomic():
        presence = _locked(case)
        before = presence.fence, presence.holder_id
        now = timezone.now()
        if want == "leave":
            _leave(presence, tab)
        elif want == "hold" and may_hold and (holds(presence, user, tab) or is_free(presence, now)):
            _hold(presence, user, tab, now)
            _count(case, seconds)
        else:
            _watch(presence, user, tab, now)
        presence.save()
        _tell(case, presence, before)
    return presence_answer(presence, user=user, tab=tab)


def presence_take(*, user: User, case: Case, tab: uuid.UUID) -> dict[str, Any]:
    """Take the pen from whoever holds it; that tab turns read-only and keeps what it had."""
    require(user, "case.takeover", case.project)
    with transaction.atomic():
        presence = _locked(case)
        before = presence.fence, presence.holder_id
        _hold(presence, user, tab, timezone.now())
        presence.save()
        event_record(case, "pen.taken", actor=user, subject={"from": before[1]})
        _tell(case, presence, before)
    return presence_answer(presence, user=user, tab=tab)


def pen_require(case: Case, user: User, tab: uuid.UUID, fence: int | None = None) -> None:
    """Refuse a save from a tab that does not hold the pen; a free pen is taken by the save.

    Belongs into the transaction of the save.
    """
    presence = _locked(case)
    now = timezone.now()
    if holds(presence, user, tab) and fence in (None, presence.fence):
        return
    if is_free(presence, now):
        _hold(presence, user, tab, now)
        presence.save()
        return
    raise NotHolderError(_held_by(presence, user), details=_who(presence))


def holds(presence: Presence, user: User, tab: uuid.UUID) -> bool:
    """Whether this very tab was the last to hold the pen, its lease running or just over."""
    return presence.holder_id == user.pk and presence.tab == tab


def is_free(presence: Presence, now: datetime) -> bool:
    """Whether nobody alive holds the pen."""
    return presence.holder_id is None or presence.expires_at is None or presence.expires_at <= now


def _locked(case: Case) -> Presence:
    presence, _ = Presence.objects.select_for_update().get_or_create(case=case)
    return presence


def _hold(presence: Presence, user: User, tab: uuid.UUID, now: datetime) -> None:
    if not holds(presence, user, tab):
        presence.fence += 1
        presence.since = now
    presence.holder, presence.tab = user, tab
    presence.expires_at = now + LEASE
    presence.watchers.pop(str(tab), None)


def _watch(presence: Presence, user: User, tab: uuid.UUID, now: datetime) -> None:
    _leave(presence, tab)
    kept = sorted(
        (until, name, told)
        for name, told in presence.watchers.items()
        if (until := told["until"]) > now.timestamp()
    )
    presence.watchers = {name: told for _, name, told in kept[-WATCHERS_MAX:]}
    presence.watchers[str(tab)] = {
        "user": user.pk,
        "username": user.get_username(),
        "full_name": user.get_full_name(),
        "until": (now + LEASE).timestamp(),
    }


def _leave(presence: Presence, tab: uuid.UUID) -> None:
    presence.watchers.pop(str(tab), None)
    if presence.tab == tab:
        presence.holder, presence.tab, presence.since, presence.expires_at = None, None, None, None


def _count(case: Case, seconds: int) -> None:
    spent = max(0, min(seconds, SECONDS_PER_BEAT_MAX))
    if spent:
        Case.objects.filter(pk=case.pk).update(seconds_spent=F("seconds_spent") + spent)


def _tell(case: Case, presence: Presence, before: tuple[int, int | None]) -> None:
    """A beat that changes nothing is no news."""
    if (presence.fence, presence.holder_id) == before:
        return
    told = {"case": str(case.pk), "holder": presence.holder_id, "fence": presence.fence}
    publish_on_commit("presence", told, project=case.project_id, case=case.pk)


def _held_by(presence: Presence, user: User) -> str:
    if presence.holder_id == user.pk:
        return "You have this case open for editing in another tab. Take over here to go on."
    name = presence.holder.get_username() if presence.holder else ""
    return f"{name} is editing this case. Your change is not lost: take over to save it."


def _who(presence: Presence) -> dict[str, Any]:
    return {"holder": holder_answer(presence)}
