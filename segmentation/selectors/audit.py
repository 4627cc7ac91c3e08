"""Reading the audit trail; whether its chains hold is asked of the verification service."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from segmentation.access import require, scoped, visible
from segmentation.models import AuditEvent, Case, Project
from segmentation.selectors.people import display_name


def audit_events(*, user: User, chain: str = "", project_id: object = None) -> QuerySet[AuditEvent]:
    """The events of one chain, or of all chains of a project, or everything there is to see."""
    events = scoped(user, AuditEvent).select_related("actor")
    if project_id:
        project = visible(user, Project, project_id)
        require(user, "audit.read", project)
        events = events.filter(project=project)
    if chain:
        _require_chain(user, chain)
        events = events.filter(chain=chain)
    elif not project_id:
        require(user, "job.all")
    return events


def audit_answer(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "chain": event.chain,
        "sequence": event.sequence,
        "hash": event.hash,
        "previous_hash": event.previous_hash,
        "actor": display_name(event.actor) if event.actor else event.actor_key,
        "action": event.action,
        "subject": event.subject,
        "at": event.at,
    }


def _require_chain(user: User, chain: str) -> None:
    """A chain is a case's id, ``project:<id>`` or ``site``."""
    if chain == "site":
        require(user, "person.write")
    elif chain.startswith("project:"):
        require(user, "audit.read", visible(user, Project, chain.removeprefix("project:")))
    else:
        require(user, "audit.read", visible(user, Case, chain, "project").project)
