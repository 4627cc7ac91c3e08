"""The queue of record. Celery only rings; this row is the truth about a job."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Job(models.Model):
    """One piece of background work with a lease, a heartbeat and a fence.

    A worker owns the job while ``lease_until`` lies ahead; every change of owner raises ``fence``,
    and a result is recorded only under the fence it was computed with. ``payload`` holds ids and
    settings only, never names.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Queue(models.TextChoices):
        INTERACTIVE = "interactive", "interactive"
        PREDICT = "predict", "predict"
        TRAIN = "train", "train"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=24)
    queue = models.CharField(max_length=16, choices=Queue.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    project = models.ForeignKey("Project", null=True, on_delete=models.CASCADE, related_name="jobs")
    case = models.ForeignKey("Case", null=True, on_delete=models.CASCADE, related_name="jobs")
    payload = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    progress = models.FloatField(default=0.0)
    message = models.CharField(max_length=300, blank=True)
    cause = models.TextField(blank=True)
    cause_code = models.CharField(max_length=60, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fence = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    pause_requested = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "queue", "created_at"], name="job_by_state"),
            models.Index(fields=["project", "created_at"], name="job_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
