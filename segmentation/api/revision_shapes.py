"""What the schema tells of masks, findings and their history.

What a save carries is read by ``services.changes`` itself: a slider may move thousands of findings
at once, and a serializer for each would take longer than the save.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from segmentation.api.shapes import FINDING_STATES, HeadSerializer, PersonRefSerializer, shape

SOURCES = ("network", "person", "import")
PLANE = "Number of the plane, counted through all moments: t * size z + z."
KINDS = ("imported", "predicted", "edited", "merged")


def _fields(*, required: bool) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
    """What a finding is; a change may leave fields out, which then keep their value."""
    corners = serializers.FloatField()
    return {
        "label": serializers.IntegerField(required=required),
        "state": serializers.ChoiceField(FINDING_STATES, required=required),
        "score": serializers.FloatField(allow_null=True, required=required),
        "box": serializers.ListField(
            child=corners,
            min_length=4,
            max_length=4,
            allow_null=True,
            required=required,
            help_text="x1, y1, x2, y2; half-open.",
        ),
        "z": serializers.IntegerField(allow_null=True, required=required, help_text=PLANE),
        "candidate": serializers.IntegerField(allow_null=True, required=required),
        "run": serializers.UUIDField(allow_null=True, required=required),
        "source": serializers.ChoiceField(SOURCES, required=required),
        "note": serializers.CharField(allow_blank=True, required=required),
        "suppressed_by": serializers.IntegerField(allow_null=True, required=required),
    }


FindingFieldsSerializer = shape("FindingFieldsSerializer", **_fields(required=True))
FindingSerializer = shape(
    "FindingSerializer", finding=serializers.IntegerField(), **_fields(required=True)
)
FindingChangeSerializer = shape(
    "FindingChangeSerializer",
    finding=serializers.IntegerField(min_value=1),
    removed=serializers.BooleanField(required=False),
    **_fields(required=False),
)


class SliceChangeSerializer(serializers.Serializer[Any]):
    finding = serializers.IntegerField(min_value=0)
    z = serializers.IntegerField(min_value=0, help_text=PLANE)
    runs = serializers.CharField(
        allow_blank=True,
        help_text="Base64 of LEB128 run lengths in row-major order; empty erases.",
    )


class SliceSerializer(SliceChangeSerializer):
    digest = serializers.CharField()


class StateSerializer(serializers.Serializer[Any]):
    head = HeadSerializer(allow_null=True)
    findings = FindingSerializer(many=True)
    slices = SliceSerializer(many=True)


class CaseStateSerializer(StateSerializer):
    next_finding = serializers.IntegerField(help_text="The number for a new finding.")


class CutoffsSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(min_value=0, max_value=1, required=False)
    overlap = serializers.FloatField(min_value=0, max_value=1, required=False)


class SaveHeadSerializer(serializers.Serializer[Any]):
    """All of a save but its rows."""

    operation = serializers.CharField(max_length=40)
    sitting = serializers.UUIDField(required=False, allow_null=True)
    tab = serializers.UUIDField()
    fence = serializers.IntegerField(required=False, allow_null=True)
    cutoffs = CutoffsSerializer(required=False)


class SaveSerializer(SaveHeadSerializer):
    slices = SliceChangeSerializer(many=True, required=False)
    findings = FindingChangeSerializer(many=True, required=False)


class AcceptedSerializer(serializers.Serializer[Any]):
    finding = serializers.IntegerField()
    z = serializers.IntegerField(help_text=PLANE)
    digest = serializers.CharField()


SavedSerializer = shape(
    "SavedSerializer",
    id=serializers.UUIDField(),
    sequence=serializers.IntegerField(),
    digest=serializers.CharField(),
    parent=serializers.UUIDField(allow_null=True),
    accepted=AcceptedSerializer(many=True),
)


class KeptSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()


class TheirsSerializer(serializers.Serializer[Any]):
    slices = SliceSerializer(many=True)
    findings = FindingChangeSerializer(many=True)


class ConflictSerializer(serializers.Serializer[Any]):
    """``conflict`` tells head, kept and theirs; other codes only their sentence."""

    code = serializers.CharField()
    message = serializers.CharField()
    head = HeadSerializer(required=False, allow_null=True)
    kept = KeptSerializer(required=False)
    theirs = TheirsSerializer(required=False)


HistoryEntrySerializer = shape(
    "HistoryEntrySerializer",
    id=serializers.UUIDField(),
    sequence=serializers.IntegerField(),
    kind=serializers.ChoiceField(KINDS),
    operation=serializers.CharField(allow_blank=True),
    author=PersonRefSerializer(allow_null=True),
    created_at=serializers.DateTimeField(),
    started_at=serializers.DateTimeField(),
    count=serializers.IntegerField(),
    on_head=serializers.BooleanField(),
    parent=serializers.UUIDField(allow_null=True),
)


class SliceDiffSerializer(serializers.Serializer[Any]):
    finding = serializers.IntegerField()
    z = serializers.IntegerField(help_text=PLANE)
    added = serializers.IntegerField(help_text="Pixels.")
    removed = serializers.IntegerField(help_text="Pixels.")
    from_runs = serializers.CharField(allow_blank=True)
    to_runs = serializers.CharField(allow_blank=True)


class FindingDiffSerializer(serializers.Serializer[Any]):
    finding = serializers.IntegerField()
    before = FindingFieldsSerializer(allow_null=True)
    after = FindingFieldsSerializer(allow_null=True)


DiffSerializer = shape(
    "DiffSerializer",
    slices=SliceDiffSerializer(many=True),
    findings=FindingDiffSerializer(many=True),
    to=HeadSerializer(allow_null=True),
    **{"from": HeadSerializer(allow_null=True)},
)


class RestoreSerializer(serializers.Serializer[Any]):
    revision = serializers.UUIDField()
    tab = serializers.UUIDField()


class MergeSerializer(serializers.Serializer[Any]):
    take = serializers.ChoiceField(("both", "mine"))
    tab = serializers.UUIDField()
