"""Every address of the API; each noun names its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from segmentation.api import (
    audit,
    cases,
    comments,
    docs,
    events,
    exports,
    features,
    images,
    jobs,
    learning,
    measurements,
    networks,
    people,
    presence,
    projects,
    prompts,
    recipes,
    reviews,
    revisions,
    session,
    uploads,
)

NOUNS = (
    session,
    people,
    projects,
    recipes,
    uploads,
    cases,
    images,
    revisions,
    features,
    prompts,
    presence,
    reviews,
    comments,
    measurements,
    networks,
    learning,
    exports,
    jobs,
    events,
    audit,
    docs,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(pattern for noun in NOUNS for pattern in noun.urlpatterns),
]
