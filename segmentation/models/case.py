"""A case is one study; its images are pixels on a grid, without names."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce, Concat, Lower


class Case(models.Model):
    """One study of one patient or specimen, and where it stands in the work.

    ``head`` is the newest mask revision that counts; it moves by compare-and-swap only. The
    hold-out is decided once, at import, by a keyed hash of the patient. ``attention`` is the
    uncertainty, or -1 where nothing was predicted: a list sorted by it can walk along an index.
    ``frame_key`` is the pseudonym of the frame of reference that all its images share; with one,
    the case is the only one of its study and frame, and a series that comes later joins it.
    ``words`` is what a search looks in: lowered when written, not for every row of every search.
    """

    class State(models.TextChoices):
        IMPORTING = "importing", "importing"
        QUARANTINED = "quarantined", "quarantined"
        READY = "ready", "ready"
        IN_PROGRESS = "in_progress", "in progress"
        SUBMITTED = "submitted", "submitted"
        RETURNED = "returned", "returned"
        ACCEPTED = "accepted", "accepted"
        WITHDRAWN = "withdrawn", "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="cases")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=State.choices, default=State.IMPORTING)
    patient_key = models.CharField(max_length=40, blank=True)
    study_key = models.CharField(max_length=40, blank=True)
    frame_key = models.CharField(max_length=40, blank=True)
    group = models.CharField(max_length=80, blank=True)
    site = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=40, blank=True)
    consent = models.BooleanField(default=True)
    words = models.GeneratedField(
        expression=Lower(Concat("title", models.Value(" "), "group")),
        output_field=models.CharField(max_length=300),
        db_persist=True,
    )
    is_holdout = models.BooleanField(default=False)
    is_drawn = models.BooleanField(default=False)
    origin = models.JSONField(default=dict, blank=True)
    uncertainty = models.FloatField(null=True)
    attention = models.GeneratedField(
        expression=Coalesce("uncertainty", models.Value(-1.0)),
        output_field=models.FloatField(),
        db_persist=True,
    )
    head = models.ForeignKey("MaskRevision", null=True, on_delete=models.PROTECT, related_name="+")
    accepted_revision = models.ForeignKey(
        "MaskRevision", null=True, on_delete=models.PROTECT, related_name="+"
    )
    touched_at = models.DateTimeField(null=True)
    score_cutoff = models.FloatField(null=True)
    overlap_cutoff = models.FloatField(null=True)
    seconds_spent = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="case_number_once"),
            models.UniqueConstraint(
                fields=["project", "patient_key", "study_key", "frame_key"],
                condition=~models.Q(frame_key="") & ~models.Q(state="withdrawn"),
                name="case_study_once",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "number"], name="case_by_state"),
            models.Index(fields=["project", "attention", "number"], name="case_by_attention"),
            models.Index(fields=["project", "patient_key"], name="case_by_patient"),
            models.Index(fields=["project", "updated_at", "number"], name="case_by_update"),
            models.Index(fields=["project", "kind", "number"], name="case_by_kind"),
        ]

    def __str__(self) -> str:
        return f"case {self.number}"


class Image(models.Model):
    """Pixels of a case on one grid, axes ``t c z y x``. Masks lie on the grid of the reference.

    ``affine_lps`` maps the stored grid's voxel index ``(x, y, z, 1)`` to DICOM patient
    millimetres; ``source_grid`` leads back to the file's own grid, exactly. A value is
    ``stored * slope + intercept`` in ``value_unit``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="images")
    is_reference = models.BooleanField(default=True)
    import_key = models.CharField(max_length=40, blank=True)
    pack = models.ForeignKey("Blob", on_delete=models.PROTECT, related_name="+")
    thumbnail = models.ForeignKey("Blob", null=True, on_delete=models.PROTECT, related_name="+")
    original = models.ForeignKey("Blob", null=True, on_delete=models.PROTECT, related_name="+")
    size_t = models.PositiveIntegerField(default=1)
    size_c = models.PositiveIntegerField(default=1)
    size_z = models.PositiveIntegerField(default=1)
    size_y = models.PositiveIntegerField()
    size_x = models.PositiveIntegerField()
    dtype = models.CharField(max_length=8)
    spacing_mm = models.JSONField(null=True)
    spacing_source = models.CharField(max_length=16, blank=True)
    affine_lps = models.JSONField(null=True)
    source_grid = models.JSONField(default=dict)
    acquisition_axis = models.CharField(max_length=1, default="z")
    modality = models.CharField(max_length=16, blank=True)
    photometric = models.CharField(max_length=32, blank=True)
    window = models.JSONField(null=True)
    value_range = models.JSONField(default=list)
    value_unit = models.CharField(max_length=16, blank=True)
    slope = models.FloatField(default=1.0)
    intercept = models.FloatField(default=0.0)
    attributes = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    burned_in_risk = models.CharField(max_length=200, blank=True)
    source_digest = models.CharField(max_length=64)
    pixel_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=models.Q(is_reference=True),
                name="image_reference_once",
            )
        ]
        indexes = [models.Index(fields=["source_digest"], name="image_by_source")]

    @property
    def slices(self) -> int:
        """How many slices were acquired, whichever stored axis they lie along."""
        return int(getattr(self, f"size_{self.acquisition_axis}"))

    def __str__(self) -> str:
        return f"image {self.size_x}x{self.size_y}x{self.size_z}"
