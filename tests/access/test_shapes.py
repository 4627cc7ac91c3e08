"""What an answer looks like is what the schema says, and the schema says it of every operation."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.http import HttpResponse
from openapi_schema_validator import OAS31Validator

from tests.access.asking import OPERATIONS, SCHEMA, answer_to
from tests.access.doors import DOORS
from tests.access.world import World, build


@pytest.fixture
def world() -> World:
    return build()


def test_the_schema_is_valid_and_leaves_no_warning() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert "operationId: revision_append" in out.getvalue()


def shape_of(operation: str, status: int) -> dict[str, Any] | None:
    method, address = OPERATIONS[operation]
    answers = SCHEMA["paths"][address][method]["responses"]
    told = answers.get(str(status), answers["default"])
    content = told.get("content", {}).get("application/json")
    return content["schema"] if content else None


@pytest.mark.django_db
def test_each_answer_has_the_shape_that_the_schema_names(world: World) -> None:
    wrong = {}
    for operation in sorted(DOORS):
        for who in ("nobody", "administrator", "site"):
            with transaction.atomic():
                if faults := faults_of(operation, answer_to(world, operation, who)):
                    wrong[operation, who] = faults
                transaction.set_rollback(True)
    assert wrong == {}


def faults_of(operation: str, answer: HttpResponse) -> list[str]:
    shape = shape_of(operation, answer.status_code)
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    if shape is None or not is_json:
        return [] if (shape is None) == (not is_json) else ["one is JSON, the other is not"]
    if answer.headers.get("Content-Encoding"):
        return []
    document = {**shape, "components": SCHEMA["components"]}
    return [
        f"{'/'.join(str(part) for part in fault.absolute_path)}: {fault.message}"
        for fault in OAS31Validator(document).iter_errors(answer.json())
    ]
