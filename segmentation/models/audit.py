"""Who did what when: a hash chain per case, and a site chain over their heads."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEvent(models.Model):
    """One event in the chain named ``chain`` (a case's id, or ``project:<id>``, or ``site``).

    ``hash`` is SHA-256 over the previous hash and the canonical JSON of this event. Written in the
    transaction of the act itself; never updated, never deleted.
    """

    chain = models.CharField(max_length=60)
    project = models.ForeignKey(
        "Project", null=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    sequence = models.PositiveIntegerField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_key = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60)
    subject = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "sequence"], name="audit_sequence_once")
        ]
        indexes = [models.Index(fields=["at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.chain} {self.sequence} {self.action}"


class SiteAnchor(models.Model):
    """The site chain: each row seals the heads that changed since the row before."""

    sequence = models.PositiveIntegerField(unique=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)
    heads = models.JSONField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"anchor {self.sequence}"
