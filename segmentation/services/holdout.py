"""Whether a case is held out: decided once per patient and project, by a keyed hash."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.utils.encoding import force_bytes

from segmentation.models import Case, Project


def site_key() -> bytes:
    """The secret under which patients become pseudonyms; it never leaves the server."""
    return hashlib.sha256(b"medseg pseudonyms " + force_bytes(settings.SECRET_KEY)).digest()


def holdout_decide(
    project: Project, *, patient_key: str, group: str, source_digest: str, split: str = ""
) -> bool:
    """True for cases that no training may see.

    A patient (or, where none is known, a group, else the image itself) that already has cases
    here stays on its side. Else the ``split`` column of a table decides (``test`` is held out);
    else a keyed hash of who it is, below the project's hold-out share.
    """
    known = _known(project, patient_key, group)
    if known is not None:
        return known
    if split:
        return split.casefold() in {"test", "holdout", "hold-out"}
    who = patient_key or (f"group:{group}" if group else f"image:{source_digest}")
    return _share(project, who) < project.holdout_share


def _known(project: Project, patient_key: str, group: str) -> bool | None:
    cases = Case.objects.filter(project=project)
    if patient_key:
        cases = cases.filter(patient_key=patient_key)
    elif group:
        cases = cases.filter(patient_key="", group=group)
    else:
        return None
    return cases.order_by("number").values_list("is_holdout", flat=True).first()


def _share(project: Project, who: str) -> float:
    """A number in [0, 1) that nobody without the key can foretell or choose."""
    digest = hmac.new(site_key(), f"holdout {project.pk} {who}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) / 2.0**64
