"""The masks of a case: the state at the head, saving, the history, differences, going back."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import page_of
from segmentation.api.permissions import person_of
from segmentation.api.revision_shapes import (
    CaseStateSerializer,
    ConflictSerializer,
    DiffSerializer,
    HistoryEntrySerializer,
    MergeSerializer,
    RestoreSerializer,
    SavedSerializer,
    SaveHeadSerializer,
    SaveSerializer,
    StateSerializer,
)
from segmentation.api.shapes import read
from segmentation.errors import InvalidInputError, PreconditionRequiredError
from segmentation.selectors import history
from segmentation.selectors import revisions as selectors
from segmentation.services import revision_merges, revisions
from segmentation.services.changes import read_findings, read_slices

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
NO_REVISION = "none"

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description='The revision that the change was made on, quoted; "none" before the first.',
)
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="Up to 64 letters, digits, - and _; the same key saves once.",
)


class CaseStateView(APIView):
    @extend_schema(operation_id="case_state", responses=CaseStateSerializer)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """All findings and masks as they stand; the ETag is what If-Match wants."""
        told = selectors.case_state(user=person_of(request), case_id=case_id)
        return _tagged(told, told["head"], request)


class CaseRevisionsView(APIView):
    @extend_schema(
        operation_id="revisions_list",
        parameters=[OpenApiParameter("after", str, description="Where the page before ended.")],
        responses=page_of("History", HistoryEntrySerializer),
    )
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """What happened to the masks, newest first, one entry for each sitting of a person."""
        after = request.query_params.get("after", "")
        if after and not (after.isascii() and after.isdigit()):
            raise InvalidInputError("This page's address is damaged; start the list again.")
        told = history.case_history(
            user=person_of(request), case_id=case_id, after=int(after) if after else None
        )
        return Response(told)

    @extend_schema(
        operation_id="revision_append",
        parameters=[IF_MATCH, KEY_HEADER],
        request=SaveSerializer,
        responses={200: SavedSerializer, 201: SavedSerializer, 409: ConflictSerializer},
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Save one change. On an older state it is refused, kept beside the line, and told."""
        user = person_of(request)
        parent_id, key = _parent(request), _key(request)
        given = read(SaveHeadSerializer, request)
        rows = request.data if isinstance(request.data, dict) else {}
        cutoffs = given.get("cutoffs", {})
        saved = revisions.revision_append(
            user=user,
            case=selectors.case_get(user=user, case_id=case_id),
            parent_id=parent_id,
            key=key,
            asked=revisions.Asked(
                given["operation"],
                read_slices(rows.get("slices", [])),
                read_findings(rows.get("findings", [])),
                sitting=given.get("sitting"),
                score_cutoff=cutoffs.get("score"),
                overlap_cutoff=cutoffs.get("overlap"),
            ),
            tab=given["tab"],
            fence=given.get("fence"),
        )
        return _saved(saved)


class RevisionStateView(APIView):
    @extend_schema(operation_id="revision_state", responses=StateSerializer)
    def get(self, request: Request, revision_id: uuid.UUID) -> Response:
        """All findings and masks as they stood after a revision."""
        told = selectors.revision_state(user=person_of(request), revision_id=revision_id)
        return _tagged(told, told["head"], request)


class RevisionMergeView(APIView):
    @extend_schema(
        operation_id="revision_merge",
        request=MergeSerializer,
        responses={200: SavedSerializer, 201: SavedSerializer, 409: ConflictSerializer},
    )
    def post(self, request: Request, revision_id: uuid.UUID) -> Response:
        """Bring a change that was kept beside the line onto it: both sides, or mine."""
        user = person_of(request)
        side = selectors.revision_get(user=user, revision_id=revision_id)
        given = read(MergeSerializer, request)
        saved = revision_merges.revision_merge(
            user=user, case=side.case, side=side, key=_key_if_given(request), **given
        )
        return _saved(saved)


class CaseRestoreView(APIView):
    @extend_schema(
        operation_id="revision_restore",
        request=RestoreSerializer,
        responses={200: SavedSerializer, 201: SavedSerializer},
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Bring an earlier state back as a new revision."""
        user = person_of(request)
        given = read(RestoreSerializer, request)
        saved = revisions.revision_restore(
            user=user,
            case=selectors.case_get(user=user, case_id=case_id),
            revision=selectors.revision_get(user=user, revision_id=given["revision"]),
            tab=given["tab"],
            key=_key_if_given(request),
        )
        return _saved(saved)


class CaseDiffView(APIView):
    @extend_schema(
        operation_id="case_diff",
        parameters=[
            OpenApiParameter("from", uuid.UUID, description="By default the one before."),
            OpenApiParameter("to", uuid.UUID, description="By default the head."),
        ],
        responses=DiffSerializer,
    )
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """Which slices and findings differ between two revisions, and by how many pixels."""
        told = history.case_diff(
            user=person_of(request),
            case_id=case_id,
            before_id=request.query_params.get("from") or None,
            after_id=request.query_params.get("to") or None,
        )
        return Response(told)


def _parent(request: Request) -> uuid.UUID | None:
    given = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not given:
        raise PreconditionRequiredError(
            "A change must say in If-Match which revision it was made on."
        )
    if given == NO_REVISION:
        return None
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise InvalidInputError('If-Match must be a revision\'s id or "none".') from error


def _key_if_given(request: Request) -> str | None:
    return _key(request) if "Idempotency-Key" in request.headers else None


def _key(request: Request) -> str:
    given = request.headers.get("Idempotency-Key", "")
    if not given:
        raise PreconditionRequiredError(
            "A change must carry an Idempotency-Key, so that it is saved once."
        )
    if not KEY.fullmatch(given):
        raise InvalidInputError("An Idempotency-Key is up to 64 letters, digits, - and _.")
    return given


def _saved(saved: revisions.Saved) -> Response:
    return Response(selectors.saved_answer(saved.revision), status=201 if saved.created else 200)


def _tagged(told: dict[str, Any], head: dict[str, Any] | None, request: Request) -> Response:
    tag = f'"{head["id"] if head else NO_REVISION}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers=headers)
    return Response(told, headers=headers)


urlpatterns = [
    path("cases/<uuid:case_id>/state/", CaseStateView.as_view()),
    path("cases/<uuid:case_id>/revisions/", CaseRevisionsView.as_view()),
    path("cases/<uuid:case_id>/diff/", CaseDiffView.as_view()),
    path("cases/<uuid:case_id>/restore/", CaseRestoreView.as_view()),
    path("revisions/<uuid:revision_id>/state/", RevisionStateView.as_view()),
    path("revisions/<uuid:revision_id>/merge/", RevisionMergeView.as_view()),
]
