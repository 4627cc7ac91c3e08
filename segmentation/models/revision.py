"""Masks, append-only: a revision holds the rows that changed, and names its parent.

Finding number 0 is not a finding: its mask is the region marked as reviewed. The ``Current…``
tables are the head revision unfolded, kept in the same transaction, so that opening a case or
computing a digest never walks the history.

A row's ``z`` is the number of its plane, counted through all moments of the image: z itself where
there is one moment (see ``engine.geometry``).
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

REVIEWED = 0
"""The finding number whose mask is the region marked as reviewed."""

EMPTY_STATES = frozenset({"rejected", "suppressed"})
"""Findings in these states say nothing about the image."""


class MaskRevision(models.Model):
    """One step in the life of a case's masks. Never updated, never deleted.

    ``digest`` is the root over the per-slice and per-finding digests of the whole state after the
    step. ``on_head`` is False for a revision that lost a race and is kept beside the line.
    """

    class Kind(models.TextChoices):
        IMPORTED = "imported", "imported"
        PREDICTED = "predicted", "predicted"
        EDITED = "edited", "edited"
        MERGED = "merged", "merged"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="revisions")
    sequence = models.PositiveIntegerField()
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    operation = models.CharField(max_length=40, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(
        "SegmentationRun", null=True, on_delete=models.PROTECT, related_name="+"
    )
    sitting = models.UUIDField(null=True)
    idempotency_key = models.CharField(max_length=64, null=True)
    on_head = models.BooleanField(default=True)
    digest = models.CharField(max_length=64)
    snapshot = models.ForeignKey("Blob", null=True, on_delete=models.PROTECT, related_name="+")
    project_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "sequence"], name="revision_sequence_once"),
            models.UniqueConstraint(fields=["case", "idempotency_key"], name="revision_key_once"),
        ]

    def __str__(self) -> str:
        return f"revision {self.sequence}"


class SliceChange(models.Model):
    """The run lengths of one finding on one slice after a revision; empty means erased."""

    revision = models.ForeignKey(MaskRevision, on_delete=models.CASCADE, related_name="slices")
    finding = models.PositiveIntegerField()
    z = models.PositiveIntegerField()
    runs = models.BinaryField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "finding", "z"], name="slice_change_once")
        ]

    def __str__(self) -> str:
        return f"finding {self.finding} slice {self.z}"


class FindingChange(models.Model):
    """What one finding is after a revision: label, state, score, box; ``removed`` ends it."""

    revision = models.ForeignKey(MaskRevision, on_delete=models.CASCADE, related_name="findings")
    finding = models.PositiveIntegerField()
    fields = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "finding"], name="finding_change_once")
        ]

    def __str__(self) -> str:
        return f"finding {self.finding}"


class CurrentSlice(models.Model):
    """Which slice change stands at the head of a case."""

    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="current_slices")
    finding = models.PositiveIntegerField()
    z = models.PositiveIntegerField()
    change = models.ForeignKey(SliceChange, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "finding", "z"], name="current_slice_once")
        ]

    def __str__(self) -> str:
        return f"finding {self.finding} slice {self.z}"


class CurrentFinding(models.Model):
    """What a finding is at the head of a case."""

    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="current_findings")
    finding = models.PositiveIntegerField()
    fields = models.JSONField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "finding"], name="current_finding_once")
        ]

    def __str__(self) -> str:
        return f"finding {self.finding}"
