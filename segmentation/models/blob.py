"""Bytes that are named by their own digest and never change."""

from __future__ import annotations

from django.db import models


class Blob(models.Model):
    """One immutable file in storage; ``sha256`` is both its name and its proof."""

    class Kind(models.TextChoices):
        IMAGE = "image", "image pack"
        THUMBNAIL = "thumbnail", "thumbnail"
        ORIGINAL = "original", "original upload"
        CANDIDATES = "candidates", "candidates of a run"
        UNCERTAINTY = "uncertainty", "uncertainty of a run"
        SNAPSHOT = "snapshot", "packed revision"
        WEIGHTS = "weights", "network weights"
        EXPORT = "export", "export archive"
        PICTURE = "picture", "comparison picture"

    sha256 = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    length_bytes = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.sha256[:12]}"
