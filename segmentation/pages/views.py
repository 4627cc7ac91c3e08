"""The pages outside the app: its shell, the door with a password, and one-time links."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from segmentation.errors import InvalidInputError, LinkSpentError
from segmentation.services.people import link_person, password_set_by_link

BACKEND = "django.contrib.auth.backends.ModelBackend"
NAME_LENGTH_MAX = 150
LINK = "one_time_link"


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def shell(request: HttpRequest) -> HttpResponse:
    """The one page of the app; its own router reads the rest of the address."""
    return render(request, "pages/shell.html")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@csrf_protect
@ensure_csrf_cookie
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Name and password. Never says which of the two is wrong."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(_next(request))
        return _door(request)
    username = request.POST.get("username", "")[:NAME_LENGTH_MAX]
    person = authenticate(request, username=username, password=request.POST.get("password", ""))
    if not isinstance(person, User):
        return _door(
            request,
            status=400,
            username=username,
            fault=_("This name and password do not belong together. Try again."),
        )
    login(request, person)
    return HttpResponseRedirect(_next(request))


@require_POST
@csrf_protect
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/sign-in/")


@require_safe
@never_cache
def link_open(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link as it was sent. Its secret moves into the session at once, so that no later
    address, log line or referrer holds it; looking at it does not spend it."""
    try:
        link_person(token)
    except LinkSpentError:
        return render(request, "pages/link_spent.html", status=410)
    request.session[LINK] = token
    return HttpResponseRedirect("/link/")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@csrf_protect
@sensitive_post_parameters("password", "again")
def link(request: HttpRequest) -> HttpResponse:
    """Setting the password spends the link that was opened and signs the person in."""
    token = str(request.session.get(LINK, ""))
    try:
        person = link_person(token)
        if request.method != "POST":
            return render(request, "pages/link.html", {"person": person})
        password = request.POST.get("password", "")
        if password != request.POST.get("again", ""):
            raise InvalidInputError(_("The two passwords differ. Type the same one twice."))
        person = password_set_by_link(token=token, password=password)
    except InvalidInputError as error:
        told = {"person": person, "fault": error.message}
        return render(request, "pages/link.html", told, status=400)
    except LinkSpentError:
        return render(request, "pages/link_spent.html", status=410)
    del request.session[LINK]
    login(request, person, backend=BACKEND)
    return HttpResponseRedirect("/")


def _door(
    request: HttpRequest, status: int = 200, username: str = "", fault: str = ""
) -> HttpResponse:
    told = {"next": _next(request), "username": username, "fault": fault}
    return render(request, "pages/sign_in.html", told, status=status)


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, if that is on this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"
