"""Networks and their cards."""

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
from segmentation.selectors import networks as selectors
from segmentation.selectors.projects import project_get
from segmentation.services.network_choice import networks_judged

VERSION_STATES = ("challenger", "shadow", "champion", "retired")


class NetworkVersionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(VERSION_STATES)
    digest = serializers.CharField()
    started_from = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    card = serializers.DictField()


class NetworkSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    task = serializers.CharField()
    project = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    versions = NetworkVersionSerializer(many=True)


class SuitableNetworkSerializer(serializers.Serializer[Any]):
    version_id = serializers.UUIDField()
    network = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(VERSION_STATES)
    suits = serializers.BooleanField()
    reason = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())


class SuitableListSerializer(serializers.Serializer[Any]):
    results = SuitableNetworkSerializer(many=True)


class NetworksView(APIView):
    @extend_schema(
        operation_id="networks_list",
        parameters=PAGING,
        responses=page_of("Network", NetworkSerializer),
    )
    def get(self, request: Request) -> Response:
        """Networks that ship with the product, and those of one's projects."""
        rows = selectors.networks_listed(user=person_of(request))
        return Response(keyset_page(rows, selectors.ORDER, request, selectors.network_answer))


class NetworkView(APIView):
    @extend_schema(operation_id="network_get", responses=NetworkSerializer)
    def get(self, request: Request, network_id: uuid.UUID) -> Response:
        """One network with its versions and their cards."""
        network = selectors.network_get(user=person_of(request), network_id=network_id)
        return Response(selectors.network_answer(network))


class ProjectNetworksView(APIView):
    @extend_schema(operation_id="project_networks", responses=SuitableListSerializer)
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        """Which networks can serve the project, and why or why not."""
        user = person_of(request)
        project = project_get(user=user, project_id=project_id)
        return Response({"results": networks_judged(user=user, project=project)})


urlpatterns = [
    path("networks/", NetworksView.as_view()),
    path("networks/<uuid:network_id>/", NetworkView.as_view()),
    path("projects/<uuid:project_id>/networks/", ProjectNetworksView.as_view()),
]
