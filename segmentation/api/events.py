"""The stream of events: jobs, cases, presence and training as they happen."""

from __future__ import annotations

import uuid

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.views import APIView

from segmentation.api.error_handler import body_of
from segmentation.api.permissions import person_of
from segmentation.errors import InvalidInputError, MedsegError, NotSignedInError
from segmentation.services.events import Listener, events_follow, listener_open


@require_GET
async def events(request: HttpRequest) -> HttpResponseBase:
    """``?project=`` and ``?case=`` narrow the stream; a page that was away reads again."""
    try:
        listener = await sync_to_async(_listener)(request)
    except MedsegError as refusal:
        return JsonResponse(body_of(refusal), status=refusal.status)
    answer = StreamingHttpResponse(events_follow(listener), content_type="text/event-stream")
    answer["Cache-Control"] = "no-cache, no-transform"
    answer["X-Accel-Buffering"] = "no"
    return answer


def _listener(request: HttpRequest) -> Listener:
    """By session or by token, like every other door."""
    asked = APIView().initialize_request(request)
    try:
        user = person_of(asked)
    except AuthenticationFailed as error:
        raise NotSignedInError("Your sign-in is not valid any more.") from error
    project, case = (_key(request, name) for name in ("project", "case"))
    return listener_open(user=user, project=project, case=case)


def _key(request: HttpRequest, name: str) -> uuid.UUID | None:
    given = request.GET.get(name)
    try:
        return uuid.UUID(given) if given else None
    except ValueError as error:
        raise InvalidInputError(f"This is not the id of a {name}.", fields={name: ""}) from error


urlpatterns = [path("events/", events)]
