"""Cases: the worklist, the next one, one of them whole, and what is decided about it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.urls import path, reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.case_shapes import CaseRowSerializer, CaseSerializer
from segmentation.api.pagination import PAGE_SIZE, PAGING, keyset_page, page_of
from segmentation.api.permissions import person_of
from segmentation.api.shapes import EmptySerializer, asked_key, asked_keys, read
from segmentation.errors import InvalidInputError
from segmentation.selectors import cases as selectors
from segmentation.selectors.case_detail import case_answer
from segmentation.selectors.networks import version_get
from segmentation.selectors.people import person_get
from segmentation.selectors.projects import project_get
from segmentation.services import cases as services
from segmentation.services.run_requests import run_bulk, run_request
from segmentation.services.studies import reference_choose

ORDERS = tuple(selectors.ORDERS)


class NextSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)


class AssignSerializer(serializers.Serializer[Any]):
    users = serializers.ListField(child=serializers.IntegerField(), max_length=50)


class ReferenceSerializer(serializers.Serializer[Any]):
    image = serializers.UUIDField()


class PredictSerializer(serializers.Serializer[Any]):
    version = serializers.UUIDField(required=False, allow_null=True)
    replace = serializers.ChoiceField(("", "untouched_findings"), required=False, default="")


class PredictAgainSerializer(serializers.Serializer[Any]):
    only_untouched = serializers.BooleanField(default=True)


class PredictedAgainSerializer(serializers.Serializer[Any]):
    queued = serializers.IntegerField()
    skipped_touched = serializers.IntegerField()


class CasesView(APIView):
    @extend_schema(
        operation_id="cases_list",
        parameters=[
            *PAGING,
            OpenApiParameter("state", str, description="State words, separated by commas."),
            OpenApiParameter("mine", bool, description="Only those on one's own list."),
            OpenApiParameter("unassigned", bool, description="Only those on nobody's list."),
            OpenApiParameter("kind", str),
            OpenApiParameter("q", str, description="A number, or words of the title or group."),
            OpenApiParameter("order", str, enum=list(ORDERS)),
            OpenApiParameter("ids", str, description="Just these cases, separated by commas."),
        ],
        responses=page_of("Case", CaseRowSerializer),
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The worklist of a project."""
        user = person_of(request)
        project = project_get(user=user, project_id=project_id)
        rows = selectors.cases_listed(user=user, project=project, wanted=_filter(request))
        page = keyset_page(rows, selectors.ORDERS[_order(request)], request)
        page["results"] = [_with_address(row) for row in selectors.case_rows(page["results"])]
        return Response(page)


class CaseNextView(APIView):
    @extend_schema(
        operation_id="case_next",
        parameters=[
            OpenApiParameter("after", uuid.UUID, description="The case one comes from."),
            OpenApiParameter("order", str, enum=list(ORDERS)),
        ],
        responses=NextSerializer,
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The case to go on with."""
        user = person_of(request)
        key = selectors.case_next(
            user=user,
            project=project_get(user=user, project_id=project_id),
            after=asked_key(request, "after"),
            order=_order(request),
        )
        return Response({"id": key})


class CaseView(APIView):
    @extend_schema(operation_id="case_get", responses=CaseSerializer)
    def get(self, request: Request, case_id: uuid.UUID) -> Response:
        """One case whole: images, project, head, run, job, who is in it."""
        answer = case_answer(user=person_of(request), case_id=case_id)
        for image in answer["images"]:
            image["slice_url_template"] = f"/api/v1/images/{image['id']}/slices/{{z}}/?t={{t}}"
        return Response(answer)


class CaseAssignView(APIView):
    @extend_schema(
        operation_id="case_assign", request=AssignSerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Put the case on these people's lists and no others'."""
        user = person_of(request)
        keys = read(AssignSerializer, request)["users"]
        people = [person_get(user=user, person_id=key) for key in keys]
        case = selectors.case_get(user=user, case_id=case_id)
        services.case_assign(user=user, case=case, people=people)
        return Response(row_answer(user, case_id))


class CaseReleaseView(APIView):
    @extend_schema(
        operation_id="case_release", request=EmptySerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Nothing in the picture tells who the patient is: let work begin."""
        user = person_of(request)
        services.case_release(user=user, case=selectors.case_get(user=user, case_id=case_id))
        return Response(row_answer(user, case_id))


class CaseReferenceView(APIView):
    @extend_schema(
        operation_id="case_reference", request=ReferenceSerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Make another image the one that masks lie on, while none lie anywhere."""
        user = person_of(request)
        case = selectors.case_get(user=user, case_id=case_id)
        image_id = read(ReferenceSerializer, request)["image"]
        reference_choose(user=user, case=case, image_id=image_id)
        return Response(row_answer(user, case_id))


class CaseWithdrawView(APIView):
    @extend_schema(
        operation_id="case_withdraw", request=EmptySerializer, responses=CaseRowSerializer
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Take the case out of all work."""
        user = person_of(request)
        services.case_withdraw(user=user, case=selectors.case_get(user=user, case_id=case_id))
        return Response(row_answer(user, case_id))


class CasePredictView(APIView):
    @extend_schema(
        operation_id="case_predict", request=PredictSerializer, responses={202: CaseRowSerializer}
    )
    def post(self, request: Request, case_id: uuid.UUID) -> Response:
        """Queue a prediction, by the network that suits or by a chosen one."""
        user = person_of(request)
        given = read(PredictSerializer, request)
        key = given.get("version")
        run_request(
            user=user,
            case=selectors.case_get(user=user, case_id=case_id),
            version=version_get(user=user, version_id=key) if key else None,
            replace=given["replace"],
        )
        return Response(row_answer(user, case_id), status=202)


class PredictAgainView(APIView):
    @extend_schema(
        operation_id="predict_again",
        request=PredictAgainSerializer,
        responses={202: PredictedAgainSerializer},
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """Predict every untouched case again; a case that a person touched never is."""
        user = person_of(request)
        if not read(PredictAgainSerializer, request)["only_untouched"]:
            raise InvalidInputError("Cases that a person touched are predicted one by one only.")
        project = project_get(user=user, project_id=project_id)
        queued, skipped = run_bulk(user=user, project=project)
        return Response({"queued": queued, "skipped_touched": skipped}, status=202)


def row_answer(user: User, case_id: uuid.UUID) -> dict[str, Any]:
    """One case as the worklist shows it."""
    return _with_address(selectors.case_row(user=user, case_id=case_id))


def _with_address(row: dict[str, Any]) -> dict[str, Any]:
    image, has_thumbnail = row.pop("image"), row.pop("has_thumbnail")
    # What may show a patient's name is not shown in a list.
    shown = has_thumbnail and row["state"] != "quarantined"
    row["thumbnail"] = reverse("image-thumbnail", args=[image]) if shown else None
    return row


def _filter(request: Request) -> selectors.CaseFilter:
    asked = request.query_params
    if any("\0" in word for word in asked.values()):
        raise InvalidInputError("A question cannot hold the character NUL.")
    return selectors.CaseFilter(
        states=tuple(word for word in asked.get("state", "").split(",") if word),
        kind=asked.get("kind", ""),
        words=asked.get("q", "")[:200],
        mine=asked.get("mine", "") in {"1", "true"},
        unassigned=asked.get("unassigned", "") in {"1", "true"},
        keys=asked_keys(request, "ids", PAGE_SIZE),
    )


def _order(request: Request) -> str:
    order = request.query_params.get("order") or "number"
    if order not in selectors.ORDERS:
        raise InvalidInputError(
            f"A list can be sorted by {', '.join(ORDERS)}.", fields={"order": "Unknown."}
        )
    return order


urlpatterns = [
    path("projects/<uuid:project_id>/cases/", CasesView.as_view()),
    path("projects/<uuid:project_id>/cases/next/", CaseNextView.as_view()),
    path("projects/<uuid:project_id>/predict-again/", PredictAgainView.as_view()),
    path("cases/<uuid:case_id>/", CaseView.as_view()),
    path("cases/<uuid:case_id>/assign/", CaseAssignView.as_view()),
    path("cases/<uuid:case_id>/release/", CaseReleaseView.as_view()),
    path("cases/<uuid:case_id>/withdraw/", CaseWithdrawView.as_view()),
    path("cases/<uuid:case_id>/reference/", CaseReferenceView.as_view()),
    path("cases/<uuid:case_id>/predict/", CasePredictView.as_view()),
]
