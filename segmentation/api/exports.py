"""Export: start one, and fetch its archive when it is ready."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.jobs import JobSerializer
from segmentation.api.permissions import person_of
from segmentation.selectors.exports import export_archive
from segmentation.selectors.images import blob_pieces
from segmentation.selectors.jobs import job_answer
from segmentation.selectors.projects import project_get
from segmentation.services.export_requests import ACCEPTED, CHOSEN, FORMATS, export_start


class ExportStartSerializer(serializers.Serializer[object]):
    format = serializers.ChoiceField(choices=FORMATS)
    which = serializers.ChoiceField(choices=(ACCEPTED, CHOSEN), default=ACCEPTED)
    cases = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=100_000)


class ExportsView(APIView):
    @extend_schema(
        operation_id="export_start", request=ExportStartSerializer, responses={201: JobSerializer}
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        given = ExportStartSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = person_of(request)
        job = export_start(
            user=user, project=project_get(user=user, project_id=project_id), **given.validated_data
        )
        return Response(job_answer(job), status=201)


class ExportDownloadView(APIView):
    @extend_schema(
        operation_id="export_download", responses={(200, "application/zip"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, job_id: uuid.UUID) -> StreamingHttpResponse:
        archive = export_archive(user=person_of(request), job_id=job_id)
        pieces: Iterator[bytes] = blob_pieces(archive.sha256)
        answer = StreamingHttpResponse(pieces, content_type="application/zip")
        answer["Content-Length"] = str(archive.length_bytes)
        answer["Content-Disposition"] = f'attachment; filename="{archive.name}"'
        answer["Cache-Control"] = "private, no-store"
        return answer


urlpatterns = [
    path("projects/<uuid:project_id>/exports/", ExportsView.as_view()),
    path("exports/<uuid:job_id>/download/", ExportDownloadView.as_view()),
]
