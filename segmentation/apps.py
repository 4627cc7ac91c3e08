"""The one Django application of the product."""

from __future__ import annotations

from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    """Registers models, checks and nothing else."""

    name = "segmentation"
    verbose_name = "medseg"
    default_auto_field = "django.db.models.BigAutoField"
