"""Shapes that several doors share, for reading requests and for telling the schema."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from segmentation.access import VERBS
from segmentation.errors import InvalidInputError

ROLES = sorted(VERBS)
TASKS = ("instances", "semantic", "boxes", "labels")
CASE_STATES = (
    "importing",
    "quarantined",
    "ready",
    "in_progress",
    "submitted",
    "returned",
    "accepted",
    "withdrawn",
)
FINDING_STATES = ("proposed", "suppressed", "accepted", "rejected")


class PersonRefSerializer(serializers.Serializer[Any]):
    """A person as every answer but their own account names them."""

    user = serializers.IntegerField()
    username = serializers.CharField()
    full_name = serializers.CharField()


class HeadSerializer(serializers.Serializer[Any]):
    """A revision by its name, its place in the line and its proof."""

    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    digest = serializers.CharField()


class EmptySerializer(serializers.Serializer[Any]):
    """A request without content."""


def asked_key(request: Request, name: str) -> uuid.UUID | None:
    """The id that the address asks for under this name, if any."""
    given = request.query_params.get(name)
    try:
        return uuid.UUID(given) if given else None
    except ValueError as error:
        raise InvalidInputError(f"This is not an id: {name}.", fields={name: "No id."}) from error


def asked_keys(request: Request, name: str, most: int) -> tuple[uuid.UUID, ...]:
    """The ids, separated by commas, that the address asks for under this name."""
    words = [word for word in request.query_params.get(name, "").split(",") if word]
    if len(words) > most:
        raise InvalidInputError(f"At most {most} ids at once.", fields={name: "Too many."})
    try:
        return tuple(uuid.UUID(word) for word in words)
    except ValueError as error:
        raise InvalidInputError(f"These are not ids: {name}.", fields={name: "No ids."}) from error


def read(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's content, checked, or the refusal that names each wrong field."""
    content = kind(data={} if request.data is None else request.data)
    content.is_valid(raise_exception=True)
    return dict(content.validated_data)


def shape(
    name: str, /, **fields: serializers.Field[Any, Any, Any, Any]
) -> type[serializers.Serializer[Any]]:
    """A serializer class whose fields may be called like a serializer's own attributes
    (``label``, ``help``, ``parent``), which a class statement could not spell."""
    return type(name, (serializers.Serializer,), fields)
