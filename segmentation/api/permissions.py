"""Who is asking. What they may do is asked of ``access``, by the services and selectors."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.request import Request

from segmentation.errors import NotSignedInError


def person_of(request: Request) -> User:
    """The signed-in person, or a refusal."""
    if not isinstance(request.user, User) or not request.user.is_active:
        raise NotSignedInError("Sign in to go on.")
    return request.user
