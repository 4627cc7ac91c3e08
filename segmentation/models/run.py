"""One prediction: which network and recipe said what about which image."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class SegmentationRun(models.Model):
    """The outcome of one network on one image. All candidates are kept, in one immutable blob.

    Candidate ``i`` is finding ``finding_base + i + 1`` wherever it becomes one.
    ``uncertainty_map`` is a pack of bytes on the image's grid, None for runs from before there were
    maps and for labels of a whole image; ``uncertain_places`` lists ``[plane, y, x, pixels]``, the
    largest uncertain regions first.
    ``reason`` tells why this network was taken; ``overridden_by`` names the person who chose
    another one than the card suggests.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey("Case", on_delete=models.CASCADE, related_name="runs")
    image = models.ForeignKey("Image", on_delete=models.CASCADE, related_name="runs")
    network_version = models.ForeignKey(
        "NetworkVersion", on_delete=models.PROTECT, related_name="runs"
    )
    recipe = models.ForeignKey(
        "RecipeVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    recipe_steps = models.JSONField(default=dict)
    job = models.OneToOneField("Job", null=True, on_delete=models.SET_NULL, related_name="run")
    candidates = models.ForeignKey("Blob", on_delete=models.PROTECT, related_name="+")
    uncertainty_map = models.ForeignKey(
        "Blob", null=True, on_delete=models.PROTECT, related_name="+"
    )
    uncertain_places = models.JSONField(default=list)
    finding_base = models.PositiveIntegerField(default=0)
    candidate_count = models.PositiveIntegerField(default=0)
    kept_count = models.PositiveIntegerField(default=0)
    score_cutoff = models.FloatField()
    overlap_cutoff = models.FloatField()
    uncertainty = models.FloatField()
    reason = models.CharField(max_length=300, blank=True)
    overridden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    device = models.CharField(max_length=80)
    seconds = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"run {self.id}"
