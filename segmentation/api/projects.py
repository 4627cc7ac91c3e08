"""Projects: make, read, change."""

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
from segmentation.api.recipes import RecipeSerializer, StepsSerializer
from segmentation.api.shapes import CASE_STATES, ROLES, TASKS, PersonRefSerializer, read, shape
from segmentation.errors import InvalidInputError
from segmentation.selectors import projects as selectors
from segmentation.services import projects as services
from segmentation.services.labels import LabelSpec


class LabelSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(min_value=1, max_value=250)
    name = serializers.CharField(max_length=80)
    colour = serializers.RegexField(r"^#[0-9a-fA-F]{6}$")
    key = serializers.CharField(max_length=1, allow_blank=True)
    code = serializers.CharField(max_length=120, allow_blank=True)
    overlap_allowed = serializers.BooleanField()
    is_ignore = serializers.BooleanField()
    retired = serializers.BooleanField()


class LabelSpecSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(min_value=1, max_value=250, required=False)
    name = serializers.CharField(max_length=80)
    colour = serializers.CharField(max_length=7)
    key = serializers.CharField(max_length=1, allow_blank=True, required=False)
    code = serializers.CharField(max_length=120, allow_blank=True, required=False)
    overlap_allowed = serializers.BooleanField(required=False)
    is_ignore = serializers.BooleanField(required=False)
    retired = serializers.BooleanField(required=False)


class LabelsSerializer(serializers.Serializer[Any]):
    labels = LabelSpecSerializer(many=True)


class MemberSpecSerializer(serializers.Serializer[Any]):
    user = serializers.IntegerField()
    role = serializers.ChoiceField(ROLES)


class MembersSerializer(serializers.Serializer[Any]):
    members = MemberSpecSerializer(many=True)


class MemberSerializer(PersonRefSerializer):
    role = serializers.ChoiceField(ROLES)


class ChoiceSpecSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(max_length=40, allow_blank=True)
    version_id = serializers.UUIDField()


class ChoicesSerializer(serializers.Serializer[Any]):
    network_choices = ChoiceSpecSerializer(many=True)


class NetworkChoiceSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(allow_blank=True)
    network = serializers.CharField()
    version = serializers.IntegerField()
    version_id = serializers.UUIDField()


class ProjectSettingsSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(allow_blank=True, required=False, max_length=5000)
    holdout_share = serializers.FloatField(required=False)
    keep_file_names = serializers.BooleanField(required=False)
    keep_originals = serializers.BooleanField(required=False)
    predict_on_import = serializers.BooleanField(required=False)
    score_cutoff = serializers.FloatField(allow_null=True, required=False)
    overlap_cutoff = serializers.FloatField(allow_null=True, required=False)


class NewProjectSerializer(ProjectSettingsSerializer):
    name = serializers.CharField(max_length=120)
    task = serializers.ChoiceField(TASKS)
    labels = LabelSpecSerializer(many=True)
    members = MemberSpecSerializer(many=True, required=False)
    recipe = StepsSerializer(required=False)
    network_choices = ChoiceSpecSerializer(many=True, required=False)


class ProjectChangeSerializer(ProjectSettingsSerializer):
    name = serializers.CharField(max_length=120, required=False)
    version = serializers.IntegerField(
        required=False, help_text="The version that the change was made on; refused when old."
    )
    archived = serializers.BooleanField(required=False)


CaseCountsSerializer = shape(
    "CaseCountsSerializer",
    **{state: serializers.IntegerField() for state in (*CASE_STATES, "total")},
)


class ProjectSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    task = serializers.ChoiceField(TASKS)
    version = serializers.IntegerField()
    role = serializers.ChoiceField(ROLES, allow_null=True)
    verbs = serializers.ListField(child=serializers.CharField())
    labels = LabelSerializer(many=True)
    recipe = RecipeSerializer(allow_null=True)
    network_choices = NetworkChoiceSerializer(many=True)
    holdout_share = serializers.FloatField()
    keep_file_names = serializers.BooleanField()
    keep_originals = serializers.BooleanField()
    predict_on_import = serializers.BooleanField()
    score_cutoff = serializers.FloatField(allow_null=True)
    overlap_cutoff = serializers.FloatField(allow_null=True)
    is_demo = serializers.BooleanField()
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    counts = CaseCountsSerializer()
    members = MemberSerializer(many=True)


class ProjectVersionSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    author = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    snapshot = serializers.DictField()


class ProjectsView(APIView):
    @extend_schema(
        operation_id="projects_list",
        parameters=[*PAGING, OpenApiParameter("archived", bool, description="Closed ones.")],
        responses=page_of("Project", ProjectSerializer),
    )
    def get(self, request: Request) -> Response:
        """The projects one works in, by name."""
        user = person_of(request)
        archived = request.query_params.get("archived", "") in {"true", "1"}
        page = keyset_page(selectors.projects(user=user, archived=archived), ("name",), request)
        page["results"] = selectors.project_answers(page["results"], user=user)
        return Response(page)

    @extend_schema(
        operation_id="project_create",
        request=NewProjectSerializer,
        responses={201: ProjectSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a project with its labels, people, recipe and networks in one go."""
        user = person_of(request)
        given = read(NewProjectSerializer, request)
        recipe = given.pop("recipe", None)
        project = services.project_create(
            user=user,
            labels=_labels(given.pop("labels")),
            members=_members(given.pop("members", [])),
            network_choices=_choices(given.pop("network_choices", [])),
            recipe=recipe["steps"] if recipe else None,
            **given,
        )
        return Response(selectors.project_answer(project, user=user), status=201)


class ProjectView(APIView):
    @extend_schema(operation_id="project_get", responses=ProjectSerializer)
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """One project, whole."""
        user = person_of(request)
        project = selectors.project_get(user=user, project_id=project_id)
        return Response(selectors.project_answer(project, user=user))

    @extend_schema(
        operation_id="project_update", request=ProjectChangeSerializer, responses=ProjectSerializer
    )
    def patch(self, request: Request, project_id: uuid.UUID) -> Response:
        """Change a project's settings; the change is kept as a version."""
        user = person_of(request)
        given = read(ProjectChangeSerializer, request)
        if not given:
            raise InvalidInputError("There is nothing to change in this request.")
        project = services.project_update(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            version=given.pop("version", None),
            archived=given.pop("archived", None),
            changes=given,
        )
        return Response(selectors.project_answer(project, user=user))


class ProjectVersionsView(APIView):
    @extend_schema(
        operation_id="project_versions",
        parameters=PAGING,
        responses=page_of("ProjectVersion", ProjectVersionSerializer),
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """What the project was, newest first."""
        user = person_of(request)
        project = selectors.project_get(user=user, project_id=project_id)
        rows = selectors.versions(user=user, project=project)
        return Response(keyset_page(rows, ("-number",), request, selectors.version_answer))


class LabelsView(APIView):
    @extend_schema(operation_id="labels_set", request=LabelsSerializer, responses=ProjectSerializer)
    def put(self, request: Request, project_id: uuid.UUID) -> Response:
        """Make the labels these; what is left out is retired, never deleted."""
        user = person_of(request)
        project = services.labels_set(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            labels=_labels(read(LabelsSerializer, request)["labels"]),
        )
        return Response(selectors.project_answer(project, user=user))


class MembersView(APIView):
    @extend_schema(
        operation_id="members_set", request=MembersSerializer, responses=ProjectSerializer
    )
    def put(self, request: Request, project_id: uuid.UUID) -> Response:
        """Make the people of the project these."""
        user = person_of(request)
        project = services.members_set(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            members=_members(read(MembersSerializer, request)["members"]),
        )
        return Response(selectors.project_answer(project, user=user))


class NetworkChoicesView(APIView):
    @extend_schema(
        operation_id="network_choices_set", request=ChoicesSerializer, responses=ProjectSerializer
    )
    def put(self, request: Request, project_id: uuid.UUID) -> Response:
        """Say which network serves which kind of image."""
        user = person_of(request)
        project = services.network_choices_set(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            choices=_choices(read(ChoicesSerializer, request)["network_choices"]),
        )
        return Response(selectors.project_answer(project, user=user))


def _labels(given: list[dict[str, Any]]) -> list[LabelSpec]:
    return [LabelSpec(**label) for label in given]


def _members(given: list[dict[str, Any]]) -> list[services.MemberSpec]:
    return [services.MemberSpec(**member) for member in given]


def _choices(given: list[dict[str, Any]]) -> list[services.ChoiceSpec]:
    return [services.ChoiceSpec(**choice) for choice in given]


urlpatterns = [
    path("projects/", ProjectsView.as_view()),
    path("projects/<uuid:project_id>/", ProjectView.as_view()),
    path("projects/<uuid:project_id>/versions/", ProjectVersionsView.as_view()),
    path("projects/<uuid:project_id>/labels/", LabelsView.as_view()),
    path("projects/<uuid:project_id>/members/", MembersView.as_view()),
    path("projects/<uuid:project_id>/network-choices/", NetworkChoicesView.as_view()),
]
