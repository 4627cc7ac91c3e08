"""The audit trail, for administrators."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import PAGING, keyset_page, page_of
from segmentation.api.permissions import person_of
from segmentation.selectors import audit as selectors


class AuditEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    chain = serializers.CharField()
    sequence = serializers.IntegerField()
    hash = serializers.CharField()
    previous_hash = serializers.CharField(allow_blank=True)
    actor = serializers.CharField()
    action = serializers.CharField()
    subject = serializers.DictField()
    at = serializers.DateTimeField()


class AuditView(APIView):
    @extend_schema(
        operation_id="audit_list",
        parameters=[
            *PAGING,
            OpenApiParameter("chain", str, description="A case's id, project:<id>, or site."),
            OpenApiParameter("project", uuid.UUID, description="All chains of a project."),
        ],
        responses=page_of("Audit", AuditEventSerializer),
    )
    def get(self, request: Request) -> Response:
        """Who did what when, newest first."""
        rows = selectors.audit_events(
            user=person_of(request),
            chain=request.query_params.get("chain", ""),
            project_id=request.query_params.get("project") or None,
        )
        return Response(keyset_page(rows, ("-id",), request, selectors.audit_answer))


urlpatterns = [path("audit/", AuditView.as_view())]
