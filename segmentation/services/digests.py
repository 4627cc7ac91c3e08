"""What proves a state: canonical JSON and the root digest over slices and findings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def canonical_json(value: object) -> str:
    """The one spelling of a JSON value that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def json_digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def finding_digest(fields: Mapping[str, Any]) -> str:
    """The digest of what a finding is: all of its fields."""
    return json_digest(dict(fields))


def state_digest(
    slices: Iterable[tuple[int, int, str]], findings: Iterable[tuple[int, str]]
) -> str:
    """The root over a whole state: ``(finding, z, digest)`` and ``(finding, digest)``.

    SHA-256 over the lines ``s:finding:z:digest`` in the order of their text, then the lines
    ``f:finding:digest`` likewise. Erased slices and removed findings are not given.
    """
    lines = sorted(f"s:{finding}:{z}:{digest}\n" for finding, z, digest in slices)
    lines += sorted(f"f:{finding}:{digest}\n" for finding, digest in findings)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
