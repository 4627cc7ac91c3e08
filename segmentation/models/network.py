"""Networks and their versions."""

from __future__ import annotations

import uuid

from django.db import models


class Network(models.Model):
    """A named line of networks for one task; shipped ones belong to no project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(
        "Project", null=True, on_delete=models.CASCADE, related_name="networks"
    )
    name = models.CharField(max_length=80, unique=True)
    task = models.CharField(max_length=16)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class NetworkVersion(models.Model):
    """One set of weights with its card. Weights never change; the state word does."""

    class State(models.TextChoices):
        CHALLENGER = "challenger", "challenger"
        SHADOW = "shadow", "shadow"
        CHAMPION = "champion", "champion"
        RETIRED = "retired", "retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.CHALLENGER)
    weights = models.ForeignKey("Blob", on_delete=models.PROTECT, related_name="+")
    card = models.JSONField()
    digest = models.CharField(max_length=64)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "number"], name="network_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.network_id}@{self.number}"
