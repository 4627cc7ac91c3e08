"""What is shown when nothing else answers; programs get the same words as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        400,
        "unreadable_request",
        _("This request cannot be understood"),
        _("Go back, load the page again and repeat the step."),
    )


def not_permitted(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        403,
        "not_permitted",
        _("This is not yours to open"),
        _("Ask an administrator of the project for a role that may."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(
        request,
        403,
        "csrf",
        _("This page is too old"),
        _("It was opened before you signed in or out. Load it again and repeat the step."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(
        request,
        404,
        "not_found",
        _("There is nothing at this address"),
        _("It may have been moved, or it is not yours to see."),
    )


def failed(request: HttpRequest) -> HttpResponse:
    return _answer(
        request,
        500,
        "failed",
        _("Something went wrong on this site"),
        _("What was saved is safe. Try again; if it stays, tell the person who runs the site."),
    )


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Too many wrong passwords for one name from one place."""
    answer = _answer(
        request,
        429,
        "too_many_attempts",
        _("Too many wrong passwords"),
        _("This name is closed from here for a quarter of an hour. Then try again."),
    )
    answer.headers["Retry-After"] = "900"
    return answer


def _answer(
    request: HttpRequest, status: int, code: str, title: str, sentence: str
) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"code": code, "message": f"{title}. {sentence}"}, status=status)
    told = {"status": status, "title": title, "sentence": sentence}
    return render(request, "pages/error.html", told, status=status)
