"""Every address of the API; each noun names its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from segmentation.api import (
    audit,
    comments,
    docs,
    people,
    presence,
    projects,
    recipes,
    reviews,
    revisions,
    session,
)

NOUNS = (
    session,
    people,
    projects,
    recipes,
    revisions,
    presence,
    reviews,
    comments,
    audit,
    docs,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(pattern for noun in NOUNS for pattern in noun.urlpatterns),
]
