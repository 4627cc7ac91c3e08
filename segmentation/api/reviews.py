"""The steps from work to verdict."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.case_shapes import CaseRowSerializer
from segmentation.api.cases import row_answer
from segmentation.api.permissions import person_of
from segmentation.api.shapes import read
from segmentation.selectors.revisions import case_get
from segmentation.services import reviews as services


class ReturnSerializer(serializers.Serializer[Any]):
    comment = serializers.CharField(max_length=5000)


class AcceptSerializer(serializers.Serializer[Any]):
    revision = serializers.UUIDField(
        required=False, help_text="What was looked at; refused when the case has changed since."
    )


class SubmitView(APIView):
    @extend_schema(operation_id="case_submit", request=None, responses=CaseRowSerializer)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Hand the case to a reviewer as it stands."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        services.case_submit(user=user, case=case)
        return Response(row_answer(user, case_id))


class ReturnView(APIView):
    @extend_schema(
        operation_id="case_return", request=ReturnSerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Give a submitted case back with a word on what is missing."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        services.case_return(user=user, case=case, **read(ReturnSerializer, request))
        return Response(row_answer(user, case_id))


class AcceptView(APIView):
    @extend_schema(
        operation_id="case_accept", request=AcceptSerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Accept exactly the revision that stands at the head."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        seen = read(AcceptSerializer, request).get("revision")
        services.case_accept(user=user, case=case, revision_id=seen)
        return Response(row_answer(user, case_id))


class ReopenView(APIView):
    @extend_schema(operation_id="case_reopen", request=None, responses=CaseRowSerializer)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Open a submitted, accepted or withdrawn case for work again."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        services.case_reopen(user=user, case=case)
        return Response(row_answer(user, case_id))


urlpatterns = [
    path("cases/<uuid:case_id>/submit/", SubmitView.as_view()),
    path("cases/<uuid:case_id>/return/", ReturnView.as_view()),
    path("cases/<uuid:case_id>/accept/", AcceptView.as_view()),
    path("cases/<uuid:case_id>/reopen/", ReopenView.as_view()),
]
