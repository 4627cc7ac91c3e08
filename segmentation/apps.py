"""The one Django application of the product."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register

from segmentation import checks


class SegmentationConfig(AppConfig):
    """Registers models, checks and nothing else."""

    name = "segmentation"
    verbose_name = "medseg"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for check in checks.ALL:
            register(check)
