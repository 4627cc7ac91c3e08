"""What the schema tells of cases and their images."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from segmentation.api.jobs import JobBriefSerializer
from segmentation.api.presence import PresenceSerializer
from segmentation.api.shapes import CASE_STATES, TASKS, HeadSerializer, PersonRefSerializer

AXES = ("t", "c", "z", "y", "x")
DTYPES = ("uint8", "uint16", "int16")
VERDICTS = ("submitted", "returned", "accepted")


class CaseFactsSerializer(serializers.Serializer[Any]):
    """What a row of the worklist and the review page both tell of a case."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(CASE_STATES)
    kind = serializers.CharField(allow_blank=True)
    site = serializers.CharField(allow_blank=True)
    group = serializers.CharField(allow_blank=True)
    is_holdout = serializers.BooleanField()
    is_drawn = serializers.BooleanField()
    uncertainty = serializers.FloatField(allow_null=True)


class CaseRowSerializer(CaseFactsSerializer):
    assignees = PersonRefSerializer(many=True)
    thumbnail = serializers.CharField(allow_null=True)
    size = serializers.ListField(
        child=serializers.IntegerField(), allow_null=True, help_text="z, y, x."
    )
    modality = serializers.CharField(allow_blank=True)
    series = serializers.IntegerField(help_text="How many images the case has.")
    findings = serializers.IntegerField()
    touched = serializers.BooleanField()
    job = JobBriefSerializer(allow_null=True)
    holder = PersonRefSerializer(allow_null=True)
    updated_at = serializers.DateTimeField()


class SizeSerializer(serializers.Serializer[Any]):
    t = serializers.IntegerField()
    c = serializers.IntegerField()
    z = serializers.IntegerField()
    y = serializers.IntegerField()
    x = serializers.IntegerField()


class TilesSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField(help_text="Pixels a side; those at the far edges are cut.")
    levels = serializers.IntegerField(
        help_text="Each half as many pixels a side as the one before."
    )


class ImageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    is_reference = serializers.BooleanField()
    size = SizeSerializer()
    dtype = serializers.ChoiceField(DTYPES)
    spacing_mm = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="z, y, x."
    )
    spacing_source = serializers.CharField(allow_blank=True)
    affine_lps = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        allow_null=True,
        help_text="From voxel (x, y, z, 1) to DICOM patient millimetres.",
    )
    acquisition_axis = serializers.ChoiceField(("z", "y", "x"))
    modality = serializers.CharField(allow_blank=True)
    photometric = serializers.CharField(allow_blank=True)
    window = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Centre and width, in values."
    )
    value_range = serializers.ListField(child=serializers.FloatField(), help_text="In values.")
    value_unit = serializers.CharField(allow_blank=True)
    slope = serializers.FloatField(help_text="A value is stored * slope + intercept.")
    intercept = serializers.FloatField()
    attributes = serializers.DictField()
    warnings = serializers.ListField(child=serializers.CharField())
    burned_in_risk = serializers.BooleanField()
    burned_in_why = serializers.CharField(allow_blank=True)
    has_thumbnail = serializers.BooleanField()
    slices = serializers.IntegerField(help_text="As acquired, whichever axis they lie along.")
    tiles = TilesSerializer(
        allow_null=True, help_text="How a large picture is cut; null where planes are sent whole."
    )
    slice_url_template = serializers.CharField()


class CaseLabelSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    name = serializers.CharField()
    colour = serializers.CharField()
    key = serializers.CharField(allow_blank=True)
    code = serializers.CharField(allow_blank=True)
    overlap_allowed = serializers.BooleanField()
    is_ignore = serializers.BooleanField()
    retired = serializers.BooleanField()


class CaseProjectSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    task = serializers.ChoiceField(TASKS)
    version = serializers.IntegerField()
    verbs = serializers.ListField(child=serializers.CharField())
    labels = CaseLabelSerializer(many=True)


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    network = serializers.CharField()
    version = serializers.IntegerField()
    version_id = serializers.UUIDField()
    recipe = serializers.IntegerField(
        allow_null=True, help_text="The project's recipe; null where the network's own was used."
    )
    recipe_steps = serializers.ListField(child=serializers.DictField())
    reason = serializers.CharField(allow_blank=True)
    overridden_by = serializers.CharField(allow_null=True)
    score_cutoff = serializers.FloatField()
    overlap_cutoff = serializers.FloatField()
    uncertainty = serializers.FloatField()
    has_uncertainty_map = serializers.BooleanField()
    uncertain_places = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Plane (moment * slices + z), y, x and pixels; the largest regions first.",
    )
    finding_base = serializers.IntegerField(
        help_text="Candidate i is finding finding_base + i + 1."
    )
    candidate_count = serializers.IntegerField()
    kept_count = serializers.IntegerField()
    device = serializers.CharField()
    seconds = serializers.FloatField()
    created_at = serializers.DateTimeField()


class CutoffsSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField()
    overlap = serializers.FloatField()


class VerdictSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    verdict = serializers.ChoiceField(VERDICTS)
    comment = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_null=True)
    revision = serializers.UUIDField()
    created_at = serializers.DateTimeField()


class CaseSerializer(CaseFactsSerializer):
    touched_at = serializers.DateTimeField(allow_null=True)
    seconds_spent = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    images = ImageSerializer(many=True)
    project = CaseProjectSerializer()
    head = HeadSerializer(allow_null=True)
    accepted_revision = serializers.UUIDField(allow_null=True)
    run = RunSerializer(allow_null=True)
    job = JobBriefSerializer(allow_null=True)
    no_network_reason = serializers.CharField(allow_null=True)
    # A field that is called like an attribute of its own base class, which the stubs know.
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="where the image comes from, '' if nobody said"
    )
    licence = serializers.CharField()
    presence = PresenceSerializer()
    cutoffs = CutoffsSerializer(allow_null=True)
    reviews = VerdictSerializer(many=True)
    assignees = PersonRefSerializer(many=True)
