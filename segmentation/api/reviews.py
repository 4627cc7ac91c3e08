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

from segmentation.api.permissions import person_of
from segmentation.api.shapes import CASE_STATES, HeadSerializer, PersonRefSerializer, read
from segmentation.selectors.reviews import case_step
from segmentation.selectors.revisions import case_get
from segmentation.services import reviews as services


class CaseStepSerializer(serializers.Serializer[Any]):
    """Where the case stands after the step."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(CASE_STATES)
    head = HeadSerializer(allow_null=True)
    accepted_revision = serializers.UUIDField(allow_null=True)
    assignees = PersonRefSerializer(many=True)
    updated_at = serializers.DateTimeField()


class ReturnSerializer(serializers.Serializer[Any]):
    comment = serializers.CharField(max_length=5000)


class AcceptSerializer(serializers.Serializer[Any]):
    revision = serializers.UUIDField(
        required=False, help_text="What was looked at; refused when the case has changed since."
    )


class AssignSerializer(serializers.Serializer[Any]):
    users = serializers.ListField(child=serializers.IntegerField(), max_length=100)


class SubmitView(APIView):
    @extend_schema(operation_id="case_submit", request=None, responses=CaseStepSerializer)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Hand the case to a reviewer as it stands."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        return Response(case_step(user=user, case=services.case_submit(user=user, case=case)))


class ReturnView(APIView):
    @extend_schema(
        operation_id="case_return", request=ReturnSerializer, responses=CaseStepSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Give a submitted case back with a word on what is missing."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        case = services.case_return(user=user, case=case, **read(ReturnSerializer, request))
        return Response(case_step(user=user, case=case))


class AcceptView(APIView):
    @extend_schema(
        operation_id="case_accept", request=AcceptSerializer, responses=CaseStepSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Accept exactly the revision that stands at the head."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        seen = read(AcceptSerializer, request).get("revision")
        case = services.case_accept(user=user, case=case, revision_id=seen)
        return Response(case_step(user=user, case=case))


class ReopenView(APIView):
    @extend_schema(operation_id="case_reopen", request=None, responses=CaseStepSerializer)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Open a submitted, accepted or withdrawn case for work again."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        return Response(case_step(user=user, case=services.case_reopen(user=user, case=case)))


class WithdrawView(APIView):
    @extend_schema(operation_id="case_withdraw", request=None, responses=CaseStepSerializer)
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Take the case out of work and training; nothing is deleted."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        return Response(case_step(user=user, case=services.case_withdraw(user=user, case=case)))


class AssignView(APIView):
    @extend_schema(
        operation_id="case_assign", request=AssignSerializer, responses=CaseStepSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Put the case on these people's lists; anyone may take or leave it for themselves."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        case = services.case_assign(user=user, case=case, **read(AssignSerializer, request))
        return Response(case_step(user=user, case=case))


urlpatterns = [
    path("cases/<uuid:case_id>/submit/", SubmitView.as_view()),
    path("cases/<uuid:case_id>/return/", ReturnView.as_view()),
    path("cases/<uuid:case_id>/accept/", AcceptView.as_view()),
    path("cases/<uuid:case_id>/reopen/", ReopenView.as_view()),
    path("cases/<uuid:case_id>/withdraw/", WithdrawView.as_view()),
    path("cases/<uuid:case_id>/assign/", AssignView.as_view()),
]
