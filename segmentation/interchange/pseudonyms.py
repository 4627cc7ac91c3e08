"""Keyed pseudonyms of patients, studies and frames: all that is kept of who they are."""

from __future__ import annotations

import hashlib
import hmac

_DIGITS = 20


def pseudonym(secret: bytes, kind: str, value: str) -> str:
    """Give the keyed pseudonym of an identifier: ``p_`` and 20 hexadecimal digits.

    HMAC-SHA256 over the kind and the value. The same person has the same pseudonym at one site
    and another one at the next; an empty value has none, so that strangers do not become one.
    """
    if not value:
        return ""
    digest = hmac.new(secret, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()
    return f"p_{digest[:_DIGITS]}"
