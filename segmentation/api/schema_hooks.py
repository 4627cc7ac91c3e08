"""What the schema says of every operation alike."""

from __future__ import annotations

from typing import Any

REFUSAL: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused, or what failed: a stable code and a sentence.",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["code", "message"],
    "additionalProperties": True,
}


def tell_refusals(
    result: dict[str, Any], generator: object, request: object, public: bool
) -> dict[str, Any]:
    """Every operation may answer with a refusal."""
    result["components"]["schemas"]["Refusal"] = REFUSAL
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for methods in result["paths"].values():
        for operation in methods.values():
            answer = {"description": "A refusal or a failure.", "content": content}
            operation["responses"].setdefault("default", answer)
    return result
