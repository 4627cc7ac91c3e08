"""Uploads on their way in: resumable files, and the report each session ends with."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class UploadSession(models.Model):
    """What one person brought in one go. ``report`` names inputs by position, never by name,
    unless the project keeps file names."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        IMPORTING = "importing", "importing"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    job = models.OneToOneField("Job", null=True, on_delete=models.SET_NULL, related_name="upload")
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"upload {self.id}"


class UploadFile(models.Model):
    """One resumable file (tus 1.0). Its bytes lie in the staging folder under its id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(UploadSession, on_delete=models.CASCADE, related_name="files")
    position = models.PositiveIntegerField()
    relative_path = models.TextField(blank=True)
    length_bytes = models.BigIntegerField()
    offset_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "position"], name="upload_position_once")
        ]

    def __str__(self) -> str:
        return f"file {self.position}"
