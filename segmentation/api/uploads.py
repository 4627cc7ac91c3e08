"""Uploads: open a session, bring files by the tus 1.0 protocol, close it, read the report.

The protocol (https://tus.io/protocols/resumable-upload): core, creation, termination, expiration.
"""

from __future__ import annotations

import base64
import binascii
import io
import uuid
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.permissions import person_of
from segmentation.api.shapes import EmptySerializer, read
from segmentation.errors import InvalidInputError
from segmentation.selectors import uploads as selectors
from segmentation.selectors.projects import project_get
from segmentation.services import uploads as services

TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
EXTENSIONS = "creation,termination,expiration"
UPLOAD_STATES = ("open", "importing", "done", "failed")
OUTCOMES = ("imported", "refused", "duplicate", "image", "mask", "table", "note", "archive")


class FileOutcomeSerializer(serializers.Serializer[Any]):
    input = serializers.IntegerField()
    given = serializers.IntegerField(
        allow_null=True, help_text="The rank of the uploaded file; all files of a zip share it."
    )
    name = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(OUTCOMES)
    code = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(allow_blank=True)
    case = serializers.IntegerField(allow_null=True, help_text="The number of its case.")
    case_id = serializers.UUIDField(allow_null=True)


class ReportSerializer(serializers.Serializer[Any]):
    imported = serializers.IntegerField(help_text="How many cases are new.")
    refused = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    added = serializers.IntegerField(
        default=0, help_text="How many series joined the case of their study."
    )
    files = FileOutcomeSerializer(many=True)


class UploadFileSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    input = serializers.IntegerField()
    length = serializers.IntegerField()
    offset = serializers.IntegerField()


class UploadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    project = serializers.UUIDField()
    state = serializers.ChoiceField(UPLOAD_STATES)
    job = serializers.UUIDField(allow_null=True)
    files = UploadFileSerializer(many=True)
    report = ReportSerializer(allow_null=True)
    created_at = serializers.DateTimeField()


class UploadCloseSerializer(serializers.Serializer[Any]):
    discard_unfinished = serializers.BooleanField(
        default=False, help_text="Drop files that did not arrive whole, instead of refusing."
    )


class UploadsView(APIView):
    @extend_schema(
        operation_id="upload_open", request=EmptySerializer, responses={201: UploadSerializer}
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Begin to bring files into a project."""
        user = person_of(request)
        project = project_get(user=user, project_id=project_id)
        session = services.upload_session_open(user=user, project=project)
        return Response(selectors.upload_answer(session), status=201)


class UploadView(APIView):
    @extend_schema(operation_id="upload_get", responses=UploadSerializer)
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """How far an upload is, and its report when the import has finished."""
        session = selectors.upload_get(user=person_of(request), session_id=session_id)
        return Response(selectors.upload_answer(session))


class UploadCloseView(APIView):
    @extend_schema(
        operation_id="upload_close",
        request=UploadCloseSerializer,
        responses={202: UploadSerializer},
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """All files are there: import them."""
        user = person_of(request)
        session = services.upload_session_close(
            user=user,
            session=selectors.upload_get(user=user, session_id=session_id),
            discard_unfinished=read(UploadCloseSerializer, request)["discard_unfinished"],
        )
        return Response(selectors.upload_answer(session), status=202)


class TusFilesView(APIView):
    """Where an upload client announces a file."""

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(
            status=204,
            headers=TUS
            | {
                "Tus-Version": "1.0.0",
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(services.file_bytes_max()),
            },
        )

    @extend_schema(operation_id="upload_file_create", request=None, responses={201: None})
    def post(self, request: Request, session_id: uuid.UUID) -> HttpResponse:
        """``Upload-Length`` and ``Upload-Metadata`` (filename, relativePath) announce a file."""
        user = person_of(request)
        _require_version(request)
        names = _metadata(request.headers.get("Upload-Metadata", ""))
        file = services.upload_file_create(
            user=user,
            session=selectors.upload_get(user=user, session_id=session_id),
            length_bytes=_whole_number(request, "Upload-Length"),
            relative_path=names.get("relativePath") or names.get("filename", ""),
        )
        where = request.build_absolute_uri(f"{request.path}{file.pk}/")
        expires = http_date(services.expires_at(file.session).timestamp())
        headers = {"Location": where, "Upload-Offset": "0", "Upload-Expires": expires}
        headers["Upload-Position"] = str(file.position)
        return HttpResponse(status=201, headers=TUS | headers)


class TusFileView(APIView):
    """One announced file."""

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers=TUS | {"Tus-Version": "1.0.0"})

    @extend_schema(operation_id="upload_file_offset", responses={200: None})
    def head(self, request: Request, session_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
        """How many bytes are safely here."""
        file = selectors.upload_file_get(
            user=person_of(request), session_id=session_id, file_id=file_id
        )
        told = {"Upload-Offset": str(file.offset_bytes), "Upload-Length": str(file.length_bytes)}
        return HttpResponse(status=200, headers=TUS | told)

    @extend_schema(
        operation_id="upload_file_append",
        request={"application/offset+octet-stream": OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request: Request, session_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
        """Bytes that begin at ``Upload-Offset``; 409 when that is not where the file ends."""
        user = person_of(request)
        _require_version(request)
        file = selectors.upload_file_get(user=user, session_id=session_id, file_id=file_id)
        file = services.upload_bytes_append(
            user=user,
            file_id=file.pk,
            offset_bytes=_whole_number(request, "Upload-Offset"),
            source=request.stream or io.BytesIO(),
            length_bytes=_whole_number(request, "Content-Length", "0"),
        )
        expires = http_date(services.expires_at(file.session).timestamp())
        told = {"Upload-Offset": str(file.offset_bytes), "Upload-Expires": expires}
        return HttpResponse(status=204, headers=TUS | told)

    @extend_schema(operation_id="upload_file_remove", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
        """Take the file back."""
        user = person_of(request)
        file = selectors.upload_file_get(user=user, session_id=session_id, file_id=file_id)
        services.upload_file_remove(user=user, file_id=file.pk)
        return HttpResponse(status=204, headers=TUS)


def _require_version(request: Request) -> None:
    if request.headers.get("Tus-Resumable", "1.0.0") != "1.0.0":
        raise InvalidInputError("This server speaks version 1.0.0 of the tus protocol.")


def _whole_number(request: Request, header: str, usual: str = "") -> int:
    given = request.headers.get(header) or usual
    if not given.isascii() or not given.isdigit() or len(given) > 15:
        raise InvalidInputError(f"{header} must be a number of bytes.", fields={header: "Missing."})
    return int(given)


def _metadata(words: str) -> dict[str, str]:
    """``key base64,key base64``."""
    found = {}
    for pair in filter(None, (part.strip() for part in words.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidInputError("Upload-Metadata is not base64 of UTF-8.") from error
    return found


urlpatterns = [
    path("projects/<uuid:project_id>/uploads/", UploadsView.as_view()),
    path("uploads/<uuid:session_id>/", UploadView.as_view()),
    path("uploads/<uuid:session_id>/close/", UploadCloseView.as_view()),
    path("uploads/<uuid:session_id>/files/", TusFilesView.as_view()),
    path("uploads/<uuid:session_id>/files/<uuid:file_id>/", TusFileView.as_view()),
]
