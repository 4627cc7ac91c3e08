"""Who works on a case, who is in it right now, and what was said about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Assignment(models.Model):
    """A case that stands on one person's list."""

    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="assignment_once")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.case_id}"


class Presence(models.Model):
    """Who holds the pen: a lease that ends by itself; ``fence`` grows with each new holder."""

    case = models.OneToOneField("Case", on_delete=models.CASCADE, related_name="presence")
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    tab = models.UUIDField(null=True)
    fence = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    watchers = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.holder_id} in {self.case_id}"


class Review(models.Model):
    """A verdict on one exact revision."""

    class Verdict(models.TextChoices):
        SUBMITTED = "submitted", "submitted"
        RETURNED = "returned", "returned"
        ACCEPTED = "accepted", "accepted"

    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="reviews")
    revision = models.ForeignKey("MaskRevision", on_delete=models.PROTECT, related_name="reviews")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.verdict


class Comment(models.Model):
    """A remark on a case, at a place in the image where there is one (``x, y, z`` in voxels, z
    counted through all moments)."""

    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    text = models.TextField()
    finding = models.PositiveIntegerField(null=True)
    place = models.JSONField(null=True)
    resolved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"comment {self.pk}"
