"""Training sets, trainings, and how a challenger became champion or did not."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class TrainingSet(models.Model):
    """A frozen list of accepted revisions by digest, split by patient; it never changes.

    ``manifest`` holds ``{"train": [...], "validation": [...], "holdout": [...]}`` with one entry
    per case: case, revision, revision digest, image digest, patient key, group.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="training_sets")
    number = models.PositiveIntegerField()
    manifest = models.JSONField()
    digest = models.CharField(max_length=64)
    recipe = models.ForeignKey("RecipeVersion", on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="training_set_once")
        ]

    def __str__(self) -> str:
        return f"training set {self.number}"


class TrainingRun(models.Model):
    """One training: what it started from, what it was allowed, what it did, what came out."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    training_set = models.ForeignKey(TrainingSet, on_delete=models.PROTECT, related_name="runs")
    job = models.OneToOneField("Job", null=True, on_delete=models.SET_NULL, related_name="training")
    start = models.ForeignKey(
        "NetworkVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(max_length=40, blank=True)
    budget_steps = models.PositiveIntegerField(null=True)
    budget_minutes = models.FloatField(null=True)
    seed = models.PositiveIntegerField(default=0)
    curve = models.JSONField(default=list)
    log = models.TextField(blank=True)
    challenger = models.ForeignKey(
        "NetworkVersion", null=True, on_delete=models.PROTECT, related_name="trainings"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"training {self.id}"


class Comparison(models.Model):
    """Champion and challenger on the same hold-out, case by case."""

    class Outcome(models.TextChoices):
        PROMOTE = "promote", "promote"
        KEEP = "keep", "keep"
        NEEDS_PERSON = "needs_person", "needs a person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    training_set = models.ForeignKey(
        TrainingSet, on_delete=models.PROTECT, related_name="comparisons"
    )
    kind = models.CharField(max_length=40, blank=True)
    champion = models.ForeignKey(
        "NetworkVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    challenger = models.ForeignKey("NetworkVersion", on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(
        "Job", null=True, on_delete=models.SET_NULL, related_name="comparison"
    )
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    results = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"comparison {self.id}"


class Promotion(models.Model):
    """A change of the network that serves a project; rollback is a promotion of the one before."""

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="promotions")
    kind = models.CharField(max_length=40, blank=True)
    before = models.ForeignKey(
        "NetworkVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    after = models.ForeignKey(
        "NetworkVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    comparison = models.ForeignKey(
        Comparison, null=True, on_delete=models.PROTECT, related_name="promotions"
    )
    is_rollback = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"promotion {self.pk}"
