"""Who is in a case: the beat of an open tab, and taking the pen over."""

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
from segmentation.api.shapes import PersonRefSerializer, read
from segmentation.selectors.revisions import case_get
from segmentation.services import presence as services


class BeatSerializer(serializers.Serializer[Any]):
    tab = serializers.UUIDField()
    seconds = serializers.IntegerField(min_value=0, max_value=3600, default=0)
    want = serializers.ChoiceField(("hold", "watch", "leave"))


class TakeSerializer(serializers.Serializer[Any]):
    tab = serializers.UUIDField()


class HolderSerializer(PersonRefSerializer):
    since = serializers.DateTimeField(allow_null=True)


class PresenceSerializer(serializers.Serializer[Any]):
    holder = HolderSerializer(allow_null=True)
    is_me = serializers.BooleanField()
    fence = serializers.IntegerField()
    watchers = PersonRefSerializer(many=True)
    expires_in_s = serializers.FloatField()


class PresenceView(APIView):
    @extend_schema(
        operation_id="presence_beat", request=BeatSerializer, responses=PresenceSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Say that a tab is here; every ten seconds, or the pen falls free."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        return Response(
            services.presence_beat(user=user, case=case, **read(BeatSerializer, request))
        )


class PresenceTakeView(APIView):
    @extend_schema(
        operation_id="presence_take", request=TakeSerializer, responses=PresenceSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Take the pen; whoever held it turns read-only."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        return Response(
            services.presence_take(user=user, case=case, **read(TakeSerializer, request))
        )


urlpatterns = [
    path("cases/<uuid:case_id>/presence/", PresenceView.as_view()),
    path("cases/<uuid:case_id>/presence/take/", PresenceTakeView.as_view()),
]
