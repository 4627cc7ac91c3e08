"""Freezing a training set: which accepted revisions, split by patient, under one digest."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from segmentation import access
from segmentation.errors import InvalidInputError
from segmentation.models import Case, Image, Project, RecipeVersion, TrainingSet
from segmentation.services.audit import event_record
from segmentation.services.digests import json_digest
from segmentation.services.holdout import site_key

VALIDATION_SHARE = 0.2
Entry = dict[str, Any]


def training_set_freeze(*, user: User, project: Project) -> TrainingSet:
    """Freeze every accepted revision of the project that may be learned from.

    Hold-out cases are listed for comparison and never trained on. A case left out is named with
    its reason. Refused while nothing outside the hold-out is accepted.
    """
    access.require(user, "training.freeze", project)
    entries, excluded = _entries(project)
    manifest = split_entries(str(project.id), entries)
    manifest["excluded"] += excluded
    if not manifest["train"]:
        raise InvalidInputError(
            "No accepted case outside the hold-out can be trained on yet. Accept at least one "
            "case that is not in the hold-out, then freeze the training set."
        )
    with transaction.atomic():
        number = TrainingSet.objects.filter(project=project).aggregate(last=Max("number"))["last"]
        frozen = TrainingSet.objects.create(
            project=project,
            number=(number or 0) + 1,
            manifest=manifest,
            digest=json_digest(manifest),
            recipe=RecipeVersion.objects.filter(project=project).latest("number"),
            author=user,
        )
        event_record(
            project,
            "training_set.freeze",
            actor=user,
            subject={"training_set": str(frozen.id), "digest": frozen.digest},
        )
    return frozen


def split_entries(project_key: str, entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Train, validation and hold-out so that no patient and no group lies in two of them.

    Cases that share a patient or a group form one family. A family that touches the hold-out
    keeps only its hold-out cases; the rest of it is excluded. Whether another family is
    validated on follows from a keyed hash, so it stays where it is when the set grows.
    """
    split: dict[str, list[Entry]] = {"train": [], "validation": [], "holdout": [], "excluded": []}
    families = _families(entries)
    for family in families:
        held = [entry for entry in family if entry["is_holdout"]]
        split["holdout"] += held
        rest = [entry for entry in family if not entry["is_holdout"]]
        if held:
            reason = "shares a patient or a group with the hold-out"
            split["excluded"] += [{**entry, "reason": reason} for entry in rest]
        else:
            split["validation" if _is_validated_on(project_key, family) else "train"] += rest
    _lend_one(split)
    for entries_of_split in split.values():
        entries_of_split.sort(key=lambda entry: int(entry["number"]))
    return split


def _entries(project: Project) -> tuple[list[Entry], list[Entry]]:
    cases = (
        Case.objects.filter(project=project, state=Case.State.ACCEPTED)
        .exclude(accepted_revision=None)
        .select_related("accepted_revision")
        .order_by("number")
    )
    images = Image.objects.filter(case__in=cases, is_reference=True)
    image_of = {image.case_id: image for image in images}
    entries, excluded = [], []
    for case in cases:
        entry = _entry(case, image_of[case.id])
        if case.consent:
            entries.append(entry)
        else:
            excluded.append({**entry, "reason": "consent was withdrawn"})
    return entries, excluded


def _entry(case: Case, image: Image) -> Entry:
    revision = case.accepted_revision
    if revision is None:
        raise ValueError("only accepted cases have an entry")
    entry = {
        "case": str(case.id),
        "number": case.number,
        "revision": str(revision.id),
        "digest": revision.digest,
        "image": str(image.id),
        "image_digest": image.pixel_digest,
        "patient_key": case.patient_key,
        "group": case.group,
        "kind": case.kind,
        "is_holdout": case.is_holdout,
        "is_volume": image.size_z > 1,
    }
    return entry | {"is_moving": True} if image.size_t > 1 else entry


def _families(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Join entries that share a patient key or a group name (union-find by shared names)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    listed = list(entries)
    for entry in listed:
        for name in _names(entry):
            parent[root(name)] = root(_names(entry)[0])
    families: dict[str, list[Entry]] = {}
    for entry in listed:
        families.setdefault(root(_names(entry)[0]), []).append(entry)
    return list(families.values())


def _names(entry: Mapping[str, Any]) -> list[str]:
    names = [f"case:{entry['case']}"]
    if entry["patient_key"]:
        names.append(f"patient:{entry['patient_key']}")
    if entry["group"]:
        names.append(f"group:{entry['group']}")
    return names


def _is_validated_on(project_key: str, family: Sequence[Entry]) -> bool:
    name = min(_names(entry)[-1] for entry in family)
    digest = hmac.new(
        site_key(), f"validation:{project_key}:{name}".encode(), hashlib.sha256
    ).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < VALIDATION_SHARE


def _lend_one(split: dict[str, list[Entry]]) -> None:
    """A small set may fall wholly into one part: training comes first, then one to validate on."""
    if not split["train"] and split["validation"]:
        split["train"], split["validation"] = split["validation"], []
    if not split["validation"] and len(_families(split["train"])) > 1:
        last = _families(split["train"])[-1]
        split["validation"] = last
        split["train"] = [entry for entry in split["train"] if entry not in last]
