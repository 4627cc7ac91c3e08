"""How to ask at a door of the API, as anybody."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.access.doors import DOORS
from tests.access.world import World

METHODS = ("get", "post", "put", "patch", "delete")
SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
OPERATIONS: dict[str, tuple[str, str]] = {
    operation["operationId"]: (method, address)
    for address, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
    if method in METHODS
}
"""Method and address of each operation, by its name."""


def answer_to(world: World, operation: str, who: str) -> HttpResponse:
    door, (method, address) = DOORS[operation], OPERATIONS[operation]
    names = {
        **world.names,
        "tab": world.tab,
        **{role: person.pk for role, person in world.people.items()},
    }
    names |= {name: filled(value, names) for name, value in door.names.items()}
    path = re.sub(r"\{(\w+)\}", lambda found: str(names[found[1]]), address)
    client = Client(raise_request_exception=False)
    if who != "nobody":
        client.force_login(world.people[who])
    body = json.dumps(filled(door.body, names)) if door.body is not None else ""
    headers = {name: filled(value, names) for name, value in door.headers.items()}
    return client.generic(
        method.upper(),
        f"{path}?{filled(door.query, names)}",
        body,
        content_type="application/json",
        headers=headers,
    )


def filled(value: Any, names: dict[str, Any]) -> Any:
    """``$name`` replaced everywhere inside; a value that is nothing else keeps its type."""
    if isinstance(value, dict):
        return {key: filled(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, names) for part in value]
    if not isinstance(value, str):
        return value
    if (whole := re.fullmatch(r"\$(\w+)", value)) and isinstance(names[whole[1]], int):
        return names[whole[1]]
    return re.sub(r"\$(\w+)", lambda found: str(names[found[1]]), value)
