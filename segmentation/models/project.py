"""A project: its task, its labels, its people, its recipe and its networks."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Project(models.Model):
    """A body of cases with one task. Changes are versioned in ``ProjectVersion``."""

    class Task(models.TextChoices):
        INSTANCES = "instances", "instances"
        SEMANTIC = "semantic", "semantic"
        BOXES = "boxes", "boxes"
        LABELS = "labels", "image labels"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    task = models.CharField(max_length=16, choices=Task.choices)
    version = models.PositiveIntegerField(default=1)
    holdout_share = models.FloatField(default=0.2)
    keep_file_names = models.BooleanField(default=False)
    keep_originals = models.BooleanField(default=False)
    predict_on_import = models.BooleanField(default=True)
    score_cutoff = models.FloatField(null=True)
    overlap_cutoff = models.FloatField(null=True)
    is_demo = models.BooleanField(default=False)
    case_counter = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ProjectVersion(models.Model):
    """What the project looked like after one change, whole, and who made it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    snapshot = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="project_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.project_id} v{self.number}"


class Label(models.Model):
    """One name that a finding can carry. Labels are retired, never deleted."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="labels")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    colour = models.CharField(max_length=7)
    key = models.CharField(max_length=1, blank=True)
    code = models.CharField(max_length=120, blank=True)
    overlap_allowed = models.BooleanField(default=False)
    is_ignore = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["project", "index"], name="label_index_once"),
            models.UniqueConstraint(fields=["project", "name"], name="label_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one person is in one project."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "viewer"
        ANNOTATOR = "annotator", "annotator"
        REVIEWER = "reviewer", "reviewer"
        ADMINISTRATOR = "administrator", "administrator"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role}"


class RecipeVersion(models.Model):
    """One state of a project's preprocessing recipe; runs and trainings name the row they used."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="recipes")
    number = models.PositiveIntegerField()
    steps = models.JSONField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="recipe_number_once")
        ]

    def __str__(self) -> str:
        return f"recipe {self.number}"


class NetworkChoice(models.Model):
    """Which network version serves one kind of image in a project ('' serves every kind)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="network_choices")
    kind = models.CharField(max_length=40, blank=True)
    version = models.ForeignKey("NetworkVersion", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="network_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'every kind'}: {self.version_id}"
