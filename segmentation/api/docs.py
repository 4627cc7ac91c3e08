"""The schema of the API, and a page to browse it that needs no script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
Tree = Mapping[str, Any]


@require_safe
@login_required
def docs(request: HttpRequest) -> HttpResponse:
    """All operations by noun: address, parameters, what goes in and what comes out."""
    view = SpectacularJSONAPIView.as_view()
    schema: Tree = view(request).data
    nouns: dict[str, list[dict[str, Any]]] = {}
    for operation in _operations(schema):
        nouns.setdefault(operation["noun"], []).append(operation)
    shapes = schema["components"]["schemas"]
    told = {
        "nouns": sorted(nouns.items()),
        "names": set(shapes),
        "shapes": [(name, _text(shape)) for name, shape in sorted(shapes.items())],
        "title": schema["info"]["title"],
    }
    return render(request, "pages/docs.html", told)


def _operations(schema: Tree) -> Iterator[dict[str, Any]]:
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS:
                continue
            yield {
                "noun": address.removeprefix("/api/v1/").split("/")[0],
                "method": method.upper(),
                "address": address,
                "id": operation["operationId"],
                "summary": operation.get("description", ""),
                "parameters": operation.get("parameters", []),
                "takes": _content(operation.get("requestBody", {})),
                "answers": [
                    (status, _content(answer) or answer.get("description", ""))
                    for status, answer in operation["responses"].items()
                ],
            }


def _content(body: Tree) -> str:
    """The name of a shape where there is one, else the shape itself."""
    for media in body.get("content", {}).values():
        shape = media.get("schema", {})
        return str(shape["$ref"]).rsplit("/", 1)[-1] if "$ref" in shape else _text(shape)
    return ""


def _text(shape: Tree) -> str:
    return json.dumps(shape, indent=2, ensure_ascii=False, default=str)


urlpatterns = [
    path("schema/", SpectacularJSONAPIView.as_view()),
    path("docs/", docs),
]
