"""Accounts: who they are, and the links that let them in."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import PAGING, keyset_page, page_of
from segmentation.api.permissions import person_of
from segmentation.api.session import MyProjectSerializer
from segmentation.api.shapes import read
from segmentation.selectors import people as selectors
from segmentation.services import people as services


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    full_name = serializers.CharField()
    is_active = serializers.BooleanField()
    is_site_administrator = serializers.BooleanField()
    last_login = serializers.DateTimeField(allow_null=True)
    has_password = serializers.BooleanField(allow_null=True)
    projects = MyProjectSerializer(many=True)


class NewPersonSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    full_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    is_site_administrator = serializers.BooleanField(required=False)


class PersonChangeSerializer(serializers.Serializer[Any]):
    full_name = serializers.CharField(max_length=150, required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)
    is_site_administrator = serializers.BooleanField(required=False)


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField()


class InvitedPersonSerializer(PersonSerializer):
    url = serializers.URLField()


class PeopleView(APIView):
    @extend_schema(
        operation_id="people_list",
        parameters=PAGING,
        responses=page_of("Person", PersonSerializer),
    )
    def get(self, request: Request) -> Response:
        """The people one works with; a project's administrator sees whom they may add."""
        user = person_of(request)
        rows = selectors.people(user=user)
        return Response(
            keyset_page(
                rows,
                ("username", "id"),
                request,
                lambda person: selectors.person_answer(person, user=user),
            )
        )

    @extend_schema(
        operation_id="person_create",
        request=NewPersonSerializer,
        responses={201: InvitedPersonSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make an account and the one-time link that opens it."""
        user = person_of(request)
        person, link = services.person_create(user=user, **read(NewPersonSerializer, request))
        told = selectors.person_answer(person, user=user)
        return Response({**told, "url": request.build_absolute_uri(link)}, status=201)


class PersonView(APIView):
    @extend_schema(operation_id="person_get", responses=PersonSerializer)
    def get(self, request: Request, person_id: int) -> Response:
        """One account."""
        user = person_of(request)
        person = selectors.person_get(user=user, person_id=person_id)
        return Response(selectors.person_answer(person, user=user))

    @extend_schema(
        operation_id="person_update", request=PersonChangeSerializer, responses=PersonSerializer
    )
    def patch(self, request: Request, person_id: int) -> Response:
        """Change an account, close it or open it again."""
        user = person_of(request)
        person = services.person_update(
            user=user, person_id=person_id, **read(PersonChangeSerializer, request)
        )
        return Response(selectors.person_answer(person, user=user))


class PersonLinkView(APIView):
    @extend_schema(operation_id="person_link", request=None, responses={201: LinkSerializer})
    def post(self, request: Request, person_id: int) -> Response:
        """Make a new one-time link; older ones of this person end."""
        user = person_of(request)
        person = selectors.person_get(user=user, person_id=person_id)
        link = services.link_create(user=user, person=person)
        return Response({"url": request.build_absolute_uri(link)}, status=201)


urlpatterns = [
    path("people/", PeopleView.as_view()),
    path("people/<int:person_id>/", PersonView.as_view()),
    path("people/<int:person_id>/link/", PersonLinkView.as_view()),
]
