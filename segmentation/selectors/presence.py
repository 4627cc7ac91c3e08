"""Who is in a case right now."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from segmentation.models import Presence
from segmentation.selectors.people import person_ref


def presence_answer(
    presence: Presence | None, *, user: User, tab: uuid.UUID | None = None
) -> dict[str, Any]:
    """Holder and watchers as the page shows them; a lease that ran out counts as nobody."""
    now = timezone.now()
    expires = presence.expires_at if presence else None
    alive = presence is not None and presence.holder is not None and expires and expires > now
    if presence is None or not alive:
        holder, seconds = None, 0.0
    else:
        holder = holder_answer(presence)
        seconds = (expires - now).total_seconds() if expires else 0.0
    return {
        "holder": holder,
        "is_me": bool(
            alive and presence and tab and presence.holder_id == user.pk and presence.tab == tab
        ),
        "fence": presence.fence if presence else 0,
        "watchers": _watchers(presence, now.timestamp(), tab),
        "expires_in_s": round(seconds, 1),
    }


def holder_answer(presence: Presence) -> dict[str, Any] | None:
    """The person with the pen, as every list names them; None for a free pen."""
    alive = presence.expires_at is not None and presence.expires_at > timezone.now()
    if presence.holder is None or not alive:
        return None
    return {**(person_ref(presence.holder) or {}), "since": presence.since}


def _watchers(presence: Presence | None, now: float, tab: uuid.UUID | None) -> list[dict[str, Any]]:
    watchers = presence.watchers if presence else {}
    return [
        {name: told[name] for name in ("user", "username", "full_name")}
        for watching, told in sorted(watchers.items())
        if told["until"] > now and watching != str(tab)
    ]
