"""Preprocessing recipes: what they may hold, a project's own, and a look before one is set."""

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
from segmentation.api.shapes import TASKS, read, shape
from segmentation.errors import NotFoundError
from segmentation.selectors import projects as selectors
from segmentation.services import recipes as services


class StepsSerializer(serializers.Serializer[Any]):
    steps = serializers.ListField(child=serializers.DictField(), max_length=20)


class RecipeSerializer(StepsSerializer):
    number = serializers.IntegerField()
    digest = serializers.CharField()
    author = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


OptionSerializer = shape(
    "OptionSerializer",
    name=serializers.CharField(),
    label=serializers.CharField(),
    type=serializers.ChoiceField(("number", "integer", "boolean", "choice")),
    default=serializers.JSONField(),
    min=serializers.FloatField(allow_null=True),
    max=serializers.FloatField(allow_null=True),
    unit=serializers.CharField(allow_blank=True),
    choices=serializers.ListField(child=serializers.CharField()),
)
MethodSerializer = shape(
    "MethodSerializer",
    name=serializers.CharField(),
    label=serializers.CharField(),
    help=serializers.CharField(),
    options=OptionSerializer(many=True),
)
StepKindSerializer = shape(
    "StepKindSerializer",
    name=serializers.CharField(),
    label=serializers.CharField(),
    methods=MethodSerializer(many=True),
)
RecipeDefaultsSerializer = shape(
    "RecipeDefaultsSerializer", **{task: StepsSerializer() for task in TASKS}
)


class RecipeSchemaSerializer(serializers.Serializer[Any]):
    steps = StepKindSerializer(many=True)
    defaults = RecipeDefaultsSerializer()


class PreviewRequestSerializer(StepsSerializer):
    case = serializers.UUIDField()


class PreviewSerializer(serializers.Serializer[Any]):
    before = serializers.CharField()
    after = serializers.CharField()
    note = serializers.CharField()


class RecipeSchemaView(APIView):
    @extend_schema(operation_id="recipe_schema", responses=RecipeSchemaSerializer)
    def get(self, request: Request) -> Response:
        """Every step with its methods and options, for drawing a form; where each task starts."""
        person_of(request)
        return Response(services.recipe_schema())


class RecipeView(APIView):
    @extend_schema(operation_id="recipe_get", responses=RecipeSerializer)
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The recipe that the project uses now."""
        user = person_of(request)
        project = selectors.project_get(user=user, project_id=project_id)
        newest = selectors.recipes(user=user, project=project).first()
        if newest is None:
            raise NotFoundError("This project has no recipe yet.")
        return Response(selectors.recipe_answer(newest))

    @extend_schema(operation_id="recipe_set", request=StepsSerializer, responses=RecipeSerializer)
    def put(self, request: Request, project_id: uuid.UUID) -> Response:
        """Set the project's recipe; earlier ones stay with the results they made."""
        user = person_of(request)
        recipe = services.recipe_set(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            **read(StepsSerializer, request),
        )
        return Response(selectors.recipe_answer(recipe))


class RecipesView(APIView):
    @extend_schema(
        operation_id="recipes_list",
        parameters=PAGING,
        responses=page_of("Recipe", RecipeSerializer),
    )
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """The recipes the project had, newest first."""
        user = person_of(request)
        project = selectors.project_get(user=user, project_id=project_id)
        rows = selectors.recipes(user=user, project=project)
        return Response(keyset_page(rows, ("-number",), request, selectors.recipe_answer))


class RecipePreviewView(APIView):
    @extend_schema(
        operation_id="recipe_preview",
        request=PreviewRequestSerializer,
        responses=PreviewSerializer,
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        """One slice of a case before and after a recipe that need not be set."""
        user = person_of(request)
        given = read(PreviewRequestSerializer, request)
        told = services.recipe_preview(
            user=user,
            project=selectors.project_get(user=user, project_id=project_id),
            case_id=given["case"],
            steps=given["steps"],
        )
        return Response(told)


urlpatterns = [
    path("recipe-schema/", RecipeSchemaView.as_view()),
    path("projects/<uuid:project_id>/recipe/", RecipeView.as_view()),
    path("projects/<uuid:project_id>/recipe/preview/", RecipePreviewView.as_view()),
    path("projects/<uuid:project_id>/recipes/", RecipesView.as_view()),
]
