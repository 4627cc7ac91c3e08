"""What people measured in a case."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Measurement(models.Model):
    """A length or an angle on one plane of the reference image.

    ``points`` are continuous voxel positions ``[x, y, z]``. The page chooses the id, so that what
    is sent twice is one measurement and what is undone comes back as itself. A removed one keeps
    its row; each change stands with its points in the audit chain of the case.
    """

    class Kind(models.TextChoices):
        LENGTH = "length", "length"
        ANGLE = "angle", "angle"

    class Plane(models.TextChoices):
        AXIAL = "axial", "axial"
        CORONAL = "coronal", "coronal"
        SAGITTAL = "sagittal", "sagittal"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="measurements")
    image = models.ForeignKey("Image", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    plane = models.CharField(max_length=8, choices=Plane.choices)
    moment = models.PositiveIntegerField(default=0)
    points = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    removed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
