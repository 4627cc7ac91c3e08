"""Lengths and angles that are kept with a case."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.permissions import person_of
from segmentation.api.shapes import asked_key, read
from segmentation.errors import InvalidInputError
from segmentation.selectors import measurements as selectors
from segmentation.selectors.revisions import case_get
from segmentation.services import measurements as services

KINDS = ("length", "angle")
PLANES = ("axial", "coronal", "sagittal")
TAB = OpenApiParameter("tab", uuid.UUID, required=True, description="The tab with the pen.")


class PointField(serializers.ListField):
    """A voxel position of the reference grid: x, y, z."""

    child = serializers.FloatField()

    def __init__(self, **words: Any) -> None:
        super().__init__(min_length=3, max_length=3, **words)


class MeasuredSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS)
    plane = serializers.ChoiceField(choices=PLANES)
    moment = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)
    points = serializers.ListField(child=PointField(), min_length=2, max_length=3)
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class NewMeasurementSerializer(MeasuredSerializer):
    tab = serializers.UUIDField(help_text="The tab with the pen.")


class MeasurementSerializer(MeasuredSerializer):
    id = serializers.UUIDField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.ChoiceField(choices=("mm", "px", "deg"))
    author = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class MeasurementListSerializer(serializers.Serializer[Any]):
    results = MeasurementSerializer(many=True)


class MeasurementsView(APIView):
    @extend_schema(operation_id="measurements_list", responses=MeasurementListSerializer)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """What is measured in the case, oldest first."""
        rows = selectors.measurements(user=person_of(request), case_id=case_id)
        return Response({"results": [services.measurement_answer(row) for row in rows]})


class MeasurementView(APIView):
    @extend_schema(
        operation_id="measurement_put",
        request=NewMeasurementSerializer,
        responses=MeasurementSerializer,
    )
    def put(self, request: Request, case_id: uuid.UUID, measurement_id: uuid.UUID) -> Response:
        """Keep a measurement under an id that the client chose, new or changed."""
        user = person_of(request)
        told = read(NewMeasurementSerializer, request)
        tab = told.pop("tab")
        points = [(x, y, z) for x, y, z in told.pop("points")]
        row = services.measurement_put(
            user=user,
            case=case_get(user=user, case_id=case_id),
            measurement_id=measurement_id,
            measured=services.Measured(points=points, **told),
            tab=tab,
        )
        return Response(services.measurement_answer(row))

    @extend_schema(operation_id="measurement_remove", parameters=[TAB], responses={204: None})
    def delete(self, request: Request, case_id: uuid.UUID, measurement_id: uuid.UUID) -> Response:
        """Take a measurement away; put it again under its id to have it back."""
        user = person_of(request)
        tab = asked_key(request, "tab")
        if tab is None:
            raise InvalidInputError("Say which tab holds the pen.", fields={"tab": "Missing."})
        services.measurement_remove(
            user=user,
            case=case_get(user=user, case_id=case_id),
            measurement_id=measurement_id,
            tab=tab,
        )
        return Response(status=204)


urlpatterns = [
    path("cases/<uuid:case_id>/measurements/", MeasurementsView.as_view()),
    path(
        "cases/<uuid:case_id>/measurements/<uuid:measurement_id>/",
        MeasurementView.as_view(),
    ),
]
