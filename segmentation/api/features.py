"""What a finding measures."""

from __future__ import annotations

import uuid

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.images import MOMENT, moment_of
from segmentation.api.permissions import person_of
from segmentation.services.features import finding_measure


class FeaturesSerializer(serializers.Serializer[object]):
    finding = serializers.IntegerField()
    features = serializers.DictField(
        child=serializers.JSONField(),
        help_text="Figures by name; lengths in length_unit, mm or px; null where there is none.",
    )


class FeaturesView(APIView):
    @extend_schema(
        operation_id="finding_features", parameters=[MOMENT], responses=FeaturesSerializer
    )
    def get(self, request: Request, case_id: uuid.UUID, finding: int) -> Response:
        """Size, shape, intensity and texture of a finding as it is saved."""
        features = finding_measure(
            user=person_of(request), case_id=case_id, finding=finding, t=moment_of(request)
        )
        return Response({"finding": finding, "features": features})


urlpatterns = [
    path("cases/<uuid:case_id>/findings/<int:finding>/features/", FeaturesView.as_view())
]
