"""Pointing at a finding: clicks, scribbles and a box in, a mask out. Nothing is stored."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.permissions import person_of
from segmentation.api.shapes import read, shape
from segmentation.selectors.revisions import case_get
from segmentation.services import prompts as services

STROKES_MAX = 200
POINTS_MAX = 5_000
SLICES_MAX = 2_000


def _index() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=1 << 20)


PromptSliceSerializer = shape(
    "PromptSliceSerializer",
    z=_index(),
    runs=serializers.CharField(help_text="Base64 of LEB128 run lengths in row-major order."),
)


class StrokeSerializer(serializers.Serializer[Any]):
    points = serializers.ListField(
        child=serializers.ListField(child=_index(), min_length=3, max_length=3),
        min_length=1,
        max_length=POINTS_MAX,
        help_text="x, y, z of pixels; one is a click, several a scribble.",
    )
    positive = serializers.BooleanField(default=True)


PromptSerializer = shape(
    "PromptSerializer",
    label=serializers.IntegerField(min_value=1),
    t=serializers.IntegerField(min_value=0, default=0),
    z=serializers.IntegerField(
        min_value=0, allow_null=True, help_text="The slice; null asks for the whole volume."
    ),
    strokes=serializers.ListField(child=StrokeSerializer(), default=list, max_length=STROKES_MAX),
    box=serializers.ListField(
        child=serializers.IntegerField(), min_length=4, max_length=4, allow_null=True,
        default=None, help_text="x1, y1, x2, y2; half-open. The object lies wholly inside.",
    ),
    depth=serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=2, max_length=2,
        allow_null=True, default=None, help_text="First slice and the one after the last.",
    ),
    previous=serializers.ListField(
        child=PromptSliceSerializer(), allow_null=True, default=None, max_length=SLICES_MAX,
        help_text="The mask to correct, as the page shows it.",
    ),
    finding=serializers.IntegerField(
        min_value=1, allow_null=True, default=None,
        help_text="Or the finding whose saved mask is to be corrected.",
    ),
)  # fmt: skip


PromptAnswerSerializer = shape(
    "PromptAnswerSerializer",
    label=serializers.IntegerField(),
    slices=PromptSliceSerializer(many=True),
    score=serializers.FloatField(),
    region=serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="What was looked at: start and stop along z, y and x.",
    ),
    method=serializers.ChoiceField(("network", "contour")),
    network=serializers.CharField(allow_null=True),
    reason=serializers.CharField(),
    seconds=serializers.FloatField(),
)


class CasePromptView(APIView):
    @extend_schema(
        operation_id="case_prompt", request=PromptSerializer, responses=PromptAnswerSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """The mask that clicks, scribbles and a box mean; nothing is stored."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        asked = read(PromptSerializer, request)
        return Response(services.prompt_answer(user=user, case=case, asked=asked))


urlpatterns = [path("cases/<uuid:case_id>/prompt/", CasePromptView.as_view())]
