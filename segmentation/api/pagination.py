"""Keyset paging: a page starts after a row, not after a count, so its cost does not grow."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from segmentation.errors import InvalidInputError

PAGE_SIZE = 50
LARGEST_PAGE = 200
PAGING = [
    OpenApiParameter("after", str, description="The cursor that a page before told."),
    OpenApiParameter("limit", int, description=f"How many rows, at most {LARGEST_PAGE}."),
]
"""What every paged list reads from its address."""


def keyset_page(
    rows: QuerySet[Any, Any],
    order: Sequence[str],
    request: Request,
    shape: Callable[[Any], Any] = lambda row: row,
) -> dict[str, Any]:
    """One page of ``rows`` as ``{"results", "next", "previous"}``.

    ``order`` are column names, ``-`` for descending, the last one unique; rows without a value come
    last either way. ``rows`` may be models or ``.values()``; ``shape`` turns a row into its answer.
    The request says ``?after=<cursor>`` and ``?limit=``.
    """
    size = _size(request)
    cursor = request.query_params.get("after", "")
    values, backwards = _read(cursor, len(order)) if cursor else ([], False)
    terms = [_Term(rows, name, backwards) for name in order]
    if cursor:
        rows = _after(rows, terms, values)
    found = list(rows.order_by(*(term.ordering() for term in terms))[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, bool(cursor))
    return {
        "results": [shape(row) for row in found],
        "next": _write(found[-1], terms, False) if found and has_next else None,
        "previous": _write(found[0], terms, True) if found and has_previous else None,
    }


def page_of(name: str, many: type[serializers.BaseSerializer[Any]]) -> type[Any]:
    """The serializer class that tells the schema what a page of ``many`` looks like."""
    return type(
        f"{name}Page",
        (serializers.Serializer,),
        {
            "results": many(many=True),
            "next": serializers.CharField(allow_null=True),
            "previous": serializers.CharField(allow_null=True),
        },
    )


class _Term:
    """One column of the order, as seen in the direction of reading."""

    def __init__(self, rows: QuerySet[Any, Any], name: str, backwards: bool) -> None:
        self.name = name.removeprefix("-")
        self.descending = name.startswith("-") != backwards
        self.nulls_first = backwards
        self.nullable = bool(getattr(_column(rows, self.name), "null", False))

    def ordering(self) -> Any:
        if not self.nullable:
            return f"-{self.name}" if self.descending else self.name
        place = {"nulls_first": True} if self.nulls_first else {"nulls_last": True}
        return F(self.name).desc(**place) if self.descending else F(self.name).asc(**place)

    def equals(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def after(self, value: Any) -> Q | None:
        """The rows strictly after a value; None when there cannot be any."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if self.nulls_first else None
        beyond = Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})
        if self.nullable and not self.nulls_first:
            beyond |= Q(**{f"{self.name}__isnull": True})
        return beyond

    def bound(self, value: Any) -> Q:
        """Implied by ``after``; said apart so that the database can start inside an index."""
        if self.nullable:
            return Q()
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": value})


def _column(rows: QuerySet[Any, Any], name: str) -> object:
    return next((field for field in rows.model._meta.get_fields() if field.name == name), None)


def _after(
    rows: QuerySet[Any, Any], terms: Sequence[_Term], values: Sequence[Any]
) -> QuerySet[Any, Any]:
    try:
        return rows.filter(_beyond(terms, values))
    except (TypeError, ValueError, ValidationError) as error:  # not values of these columns
        raise InvalidInputError("This page belongs to another list; start it again.") from error


def _beyond(terms: Sequence[_Term], values: Sequence[Any]) -> Q:
    """Lexicographic "after": equal in the first columns and after in the next, for each."""
    choices, same = [], Q()
    for term, value in zip(terms, values, strict=True):
        if (after := term.after(value)) is not None:
            choices.append(same & after)
        same &= term.equals(value)
    if not choices:
        return Q(pk__in=[])
    return terms[0].bound(values[0]) & reduce(or_, choices)


def _size(request: Request) -> int:
    given = request.query_params.get("limit", str(PAGE_SIZE))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= LARGEST_PAGE:
        raise InvalidInputError(f"A page holds 1 to {LARGEST_PAGE} rows.", fields={"limit": given})
    return int(given)


def _write(row: Any, terms: Sequence[_Term], backwards: bool) -> str:
    values = [row[t.name] if isinstance(row, Mapping) else getattr(row, t.name) for t in terms]
    told = [int(backwards), *(_plain(value) for value in values)]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def _read(cursor: str, columns: int) -> tuple[list[Any], bool]:
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as error:
        raise InvalidInputError("This page's address is damaged; start the list again.") from error
    if not isinstance(told, list) or len(told) != columns + 1 or told[0] not in (0, 1):
        raise InvalidInputError("This page belongs to a list in another order; start it again.")
    if not all(value is None or isinstance(value, str | int | float) for value in told):
        raise InvalidInputError("This page's address is damaged; start the list again.")
    return told[1:], bool(told[0])
