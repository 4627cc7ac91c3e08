"""Remarks on a case."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import PAGING, keyset_page, page_of
from segmentation.api.permissions import person_of
from segmentation.api.shapes import read
from segmentation.selectors import reviews as selectors
from segmentation.selectors.revisions import case_get
from segmentation.services import comments as services


class PlaceSerializer(serializers.Serializer[Any]):
    """A voxel of the reference grid; z is counted through all moments."""

    x = serializers.FloatField()
    y = serializers.FloatField()
    z = serializers.FloatField()


class NewCommentSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=5000)
    finding = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    place = PlaceSerializer(required=False, allow_null=True)


class CommentChangeSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=5000, required=False)
    resolved = serializers.BooleanField(required=False)


class CommentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    author = serializers.CharField(allow_null=True)
    author_id = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    finding = serializers.IntegerField(allow_null=True)
    place = PlaceSerializer(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class CommentsView(APIView):
    @extend_schema(
        operation_id="comments_list",
        parameters=PAGING,
        responses=page_of("Comment", CommentSerializer),
    )
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """What was said about the case, oldest first."""
        rows = selectors.comments(user=person_of(request), case_id=case_id)
        return Response(keyset_page(rows, ("id",), request, selectors.comment_answer))

    @extend_schema(
        operation_id="comment_create",
        request=NewCommentSerializer,
        responses={201: CommentSerializer},
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Say something about the case, one of its findings, or a place in it."""
        user = person_of(request)
        case = case_get(user=user, case_id=case_id)
        comment = services.comment_add(user=user, case=case, **read(NewCommentSerializer, request))
        return Response(selectors.comment_answer(comment), status=201)


class CommentView(APIView):
    @extend_schema(
        operation_id="comment_update",
        request=CommentChangeSerializer,
        responses=CommentSerializer,
    )
    def patch(self, request: Request, comment_id: int) -> Response:
        """Settle a comment, open it again, or mend one's own words."""
        comment = services.comment_update(
            user=person_of(request),
            comment_id=comment_id,
            **read(CommentChangeSerializer, request),
        )
        return Response(selectors.comment_answer(comment))


urlpatterns = [
    path("cases/<uuid:case_id>/comments/", CommentsView.as_view()),
    path("comments/<int:comment_id>/", CommentView.as_view()),
]
