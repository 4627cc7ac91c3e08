"""Signing in and out in place, one's own account, preferences and tokens."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import PAGING, keyset_page, page_of
from segmentation.api.permissions import person_of
from segmentation.api.shapes import ROLES, read
from segmentation.errors import WrongPasswordError
from segmentation.selectors import people as selectors
from segmentation.services import people as services

BACKEND = "django.contrib.auth.backends.ModelBackend"


class MyProjectSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(ROLES)


class MeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    full_name = serializers.CharField()
    is_site_administrator = serializers.BooleanField()
    projects = MyProjectSerializer(many=True)
    preferences = serializers.DictField()


class SignInSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(trim_whitespace=False, max_length=1024, write_only=True)


class PasswordChangeSerializer(serializers.Serializer[Any]):
    current_password = serializers.CharField(
        trim_whitespace=False, max_length=1024, write_only=True
    )
    new_password = serializers.CharField(trim_whitespace=False, max_length=1024, write_only=True)


class LinkUseSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=200)
    password = serializers.CharField(trim_whitespace=False, max_length=1024, write_only=True)


class TokenSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=80)
    created_at = serializers.DateTimeField(read_only=True)


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True)


class MeView(APIView):
    @extend_schema(operation_id="me_get", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who is signed in, in which projects, with which preferences."""
        get_token(_plain(request))  # has the answer set the cookie that later changes need
        return Response(selectors.me(user=person_of(request)))


class PreferencesView(APIView):
    @extend_schema(
        operation_id="preferences_set",
        request={"application/json": {"type": "object", "additionalProperties": {}}},
        responses={200: {"type": "object", "additionalProperties": {}}},
    )
    def put(self, request: Request) -> Response:
        """Keep how the page looks and behaves for this person."""
        choices = serializers.DictField().run_validation(request.data)
        return Response(services.preferences_set(user=person_of(request), choices=dict(choices)))


@method_decorator(csrf_protect, name="dispatch")
class SessionView(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(
        operation_id="session_create", request=SignInSerializer, responses=MeSerializer, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Sign in where one stands, without leaving the page."""
        given = read(SignInSerializer, request)
        plain = _plain(request)
        person = authenticate(plain, **given)
        if not isinstance(person, User):
            raise WrongPasswordError("This name and password do not belong together. Try again.")
        login(plain, person)
        return Response(selectors.me(user=person))

    @extend_schema(operation_id="session_delete", responses={204: None}, auth=[])
    def delete(self, request: Request) -> Response:
        """Sign out."""
        logout(_plain(request))
        return Response(status=204)


@method_decorator(csrf_protect, name="dispatch")
class LinkUseView(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(
        operation_id="session_link", request=LinkUseSerializer, responses=MeSerializer, auth=[]
    )
    def post(self, request: Request) -> Response:
        """Set a password with a one-time link and sign in."""
        person = services.password_set_by_link(**read(LinkUseSerializer, request))
        login(_plain(request), person, backend=BACKEND)
        return Response(selectors.me(user=person))


class PasswordView(APIView):
    @extend_schema(
        operation_id="password_change", request=PasswordChangeSerializer, responses={204: None}
    )
    def put(self, request: Request) -> Response:
        """Change one's own password; this sign-in stays, all others of the person end."""
        given = read(PasswordChangeSerializer, request)
        plain, user = _plain(request), person_of(request)
        known = authenticate(
            plain, username=user.get_username(), password=given["current_password"]
        )
        if known != user:
            sentence = "This is not the password that you have now. Type it again."
            raise WrongPasswordError(sentence, fields={"current_password": sentence})
        person = services.password_change(user=user, password=given["new_password"])
        if request.auth is None:  # signed in by a session, not by a token
            update_session_auth_hash(plain, person)
        return Response(status=204)


class TokensView(APIView):
    @extend_schema(
        operation_id="tokens_list",
        parameters=PAGING,
        responses=page_of("Token", TokenSerializer),
    )
    def get(self, request: Request) -> Response:
        """One's own tokens; their texts are not kept."""
        rows = selectors.tokens(user=person_of(request))
        return Response(keyset_page(rows, ("-id",), request, selectors.token_answer))

    @extend_schema(
        operation_id="token_create", request=TokenSerializer, responses={201: NewTokenSerializer}
    )
    def post(self, request: Request) -> Response:
        """Make a token for a program; its text is in this answer only."""
        named, text = services.token_create(
            user=person_of(request), **read(TokenSerializer, request)
        )
        return Response({**selectors.token_answer(named), "token": text}, status=201)


class TokenView(APIView):
    @extend_schema(operation_id="token_delete", responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """End a token at once."""
        services.token_remove(user=person_of(request), token_id=token_id)
        return Response(status=204)


def _plain(request: Request) -> HttpRequest:
    """Django's own request: sign-in limits leave their mark on it, not on the wrapper."""
    return request._request


urlpatterns = [
    path("me/", MeView.as_view()),
    path("me/preferences/", PreferencesView.as_view()),
    path("me/password/", PasswordView.as_view()),
    path("me/tokens/", TokensView.as_view()),
    path("me/tokens/<int:token_id>/", TokenView.as_view()),
    path("session/", SessionView.as_view()),
    path("session/link/", LinkUseView.as_view()),
]
