"""The audit trail: who did what when, in hash chains that show any later change.

An event is written in the transaction of the act itself, so there is none without the other. A
site anchor seals the heads of the chains that moved, about once a minute while anything happens.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from segmentation.models import AuditEvent, Case, Project, SiteAnchor
from segmentation.services.digests import canonical_json

SITE = "site"
ANCHOR_EVERY_S = 60.0
OVERLAP = timedelta(minutes=10)
"""How far an anchor looks back beyond the one before: an event is stamped before it commits."""

_anchored_at = 0.0


def event_hash(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and everything the event says."""
    told = {
        "chain": event.chain,
        "sequence": event.sequence,
        "actor": event.actor_key,
        "action": event.action,
        "subject": event.subject,
        "at": event.at.isoformat(),
    }
    return hashlib.sha256((event.previous_hash + canonical_json(told)).encode()).hexdigest()


def anchor_hash(previous: str, heads: Mapping[str, Any], at: datetime) -> str:
    """SHA-256 over the anchor before and the heads that this one seals."""
    told = {"heads": heads, "at": at.isoformat()}
    return hashlib.sha256((previous + canonical_json(told)).encode()).hexdigest()


def chain_name(about: Case | Project | None) -> str:
    """The chain that tells of a case, of a project, or of the site."""
    if isinstance(about, Case):
        return str(about.pk)
    return f"project:{about.pk}" if about else SITE


def event_record(
    about: Case | Project | None,
    action: str,
    *,
    actor: User | AnonymousUser | None,
    subject: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append one event to the chain of a case, a project or (None) the site.

    Belongs into the transaction of the act. ``subject`` holds ids, digests and state words, never
    a name; ``actor`` None means the site itself acted.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit event is written in the transaction of the act it tells of.")
    person = actor if isinstance(actor, User) else None
    chain = chain_name(about)
    _lock(chain)
    last = AuditEvent.objects.filter(chain=chain).order_by("-sequence").first()
    event = AuditEvent(
        chain=chain,
        project_id=about.project_id if isinstance(about, Case) else about.pk if about else None,
        sequence=last.sequence + 1 if last else 1,
        previous_hash=last.hash if last else "",
        actor=person,
        actor_key=f"user:{person.pk}" if person else "site",
        action=action,
        subject=dict(subject or {}),
        at=timezone.now(),
    )
    event.hash = event_hash(event)
    event.save(force_insert=True)
    transaction.on_commit(_anchor_when_due, robust=True)
    return event


def _lock(chain: str) -> None:
    """One writer at a time per chain. SQLite's writers stand in line anyway."""
    if connection.vendor != "postgresql":
        return
    key = int.from_bytes(hashlib.sha256(chain.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _anchor_when_due() -> None:
    global _anchored_at
    if time.monotonic() - _anchored_at < ANCHOR_EVERY_S:
        return
    _anchored_at = time.monotonic()
    anchor_make(not_before=timedelta(seconds=ANCHOR_EVERY_S))


@transaction.atomic
def anchor_make(*, not_before: timedelta = timedelta(0)) -> SiteAnchor | None:
    """Seal the heads that moved since the last anchor; None when nothing did, or it is too soon."""
    _lock(SITE)
    last = SiteAnchor.objects.order_by("-sequence").first()
    now = timezone.now()
    if last and now - last.at < not_before:
        return None
    heads = _heads(last.at - OVERLAP if last else None)
    if not heads or (last and heads == last.heads):
        return None
    previous = last.hash if last else ""
    return SiteAnchor.objects.create(
        sequence=last.sequence + 1 if last else 1,
        previous_hash=previous,
        hash=anchor_hash(previous, heads, now),
        heads=heads,
        at=now,
    )


def _heads(since: datetime | None) -> dict[str, list[int | str]]:
    events = AuditEvent.objects.filter(at__gte=since) if since else AuditEvent.objects.all()
    newest = dict(events.values_list("chain").annotate(Max("sequence")))
    return {
        chain: [sequence, digest]
        for chain, sequence, digest in AuditEvent.objects.filter(
            chain__in=newest, sequence__in=set(newest.values())
        ).values_list("chain", "sequence", "hash")
        if newest[chain] == sequence
    }
