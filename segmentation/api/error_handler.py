"""The one place where a failure becomes an answer: ``{"code", "message", "fields"?, …}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from segmentation.errors import MedsegError

_WORDS: dict[type[exceptions.APIException], tuple[str, str]] = {
    exceptions.NotAuthenticated: ("not_signed_in", "Sign in to go on."),
    exceptions.AuthenticationFailed: ("not_signed_in", "Your sign-in is not valid any more."),
    exceptions.PermissionDenied: ("not_permitted", "You are not allowed to do this."),
    exceptions.NotFound: ("not_found", "There is nothing at this address."),
    exceptions.MethodNotAllowed: ("not_allowed", "This address does not take that method."),
    exceptions.NotAcceptable: ("not_acceptable", "This address answers in JSON only."),
    exceptions.UnsupportedMediaType: ("wrong_type", "This address takes JSON only."),
    exceptions.ParseError: ("unreadable_request", "The request is not well-formed."),
    exceptions.Throttled: ("too_many_attempts", "Too many requests. Wait a moment."),
}


def handle(failure: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer for what a person or program can mend; None hands a bug on to Django's 500."""
    if isinstance(failure, Http404):
        failure = exceptions.NotFound()
    elif isinstance(failure, PermissionDenied):
        failure = exceptions.PermissionDenied()
    if isinstance(failure, MedsegError):
        set_rollback()
        return Response(body_of(failure), status=failure.status)
    if isinstance(failure, exceptions.ValidationError):
        set_rollback()
        return Response(_invalid(failure), status=failure.status_code)
    if isinstance(failure, exceptions.APIException):
        set_rollback()
        return _answer(failure)
    return None


def body_of(failure: MedsegError) -> dict[str, Any]:
    """What the answer to one of our own failures says."""
    body: dict[str, Any] = {"code": failure.code, "message": failure.message, **failure.details}
    if failure.fields:
        body["fields"] = failure.fields
    return body


def _invalid(failure: exceptions.ValidationError) -> dict[str, Any]:
    fields = _flatten(failure.detail)
    first = next(iter(fields.items()), ("", "The request is not valid."))
    sentence = first[1] if first[0] in {"", "non_field_errors"} else f"{first[0]}: {first[1]}"
    return {"code": "invalid_input", "message": sentence, "fields": fields}


def _flatten(detail: Any, path: str = "") -> dict[str, str]:
    """``{"labels": [{}, {"name": ["Too long."]}]}`` becomes ``{"labels.1.name": "Too long."}``."""
    if isinstance(detail, Mapping):
        pairs = list(detail.items())
    elif isinstance(detail, list | tuple):
        if not any(isinstance(part, Mapping | list | tuple) for part in detail):
            return {path: " ".join(str(part) for part in detail)} if detail else {}
        pairs = list(enumerate(detail))
    else:
        return {path: str(detail)}
    found: dict[str, str] = {}
    for name, part in pairs:
        found |= _flatten(part, f"{path}.{name}" if path else str(name))
    return found


def _answer(failure: exceptions.APIException) -> Response:
    code, sentence = next(
        (words for kind, words in _WORDS.items() if isinstance(failure, kind)),
        ("failed", "The request could not be answered."),
    )
    if isinstance(failure, exceptions.PermissionDenied) and "CSRF" in str(failure.detail):
        code, sentence = "csrf", "This page is too old. Load it again and repeat the step."
    headers = {}
    if (challenge := getattr(failure, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(failure, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    return Response(
        {"code": code, "message": sentence}, status=failure.status_code, headers=headers
    )
