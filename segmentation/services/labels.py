"""A project's labels: checked as one set, retired rather than deleted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils import timezone

from segmentation.errors import InvalidInputError
from segmentation.models import Label, Project

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LABELS_MAX = 250
"""Fewer than a byte holds: class images and label exports are 8 bits deep."""


@dataclass(frozen=True)
class LabelSpec:
    """A label as asked for; without an index it is a new one."""

    name: str
    colour: str
    index: int | None = None
    key: str = ""
    code: str = ""
    overlap_allowed: bool = False
    is_ignore: bool = False
    retired: bool = False


def labels_write(project: Project, specs: Sequence[LabelSpec]) -> None:
    """Make the project's labels these. One that is not named any more is retired.

    Belongs into the transaction that versions the project. A label keeps its index for ever: masks
    refer to it.
    """
    standing = {label.index: label for label in Label.objects.filter(project=project)}
    _require_set(specs, standing.keys())
    for label in standing.values():
        Label.objects.filter(pk=label.pk).update(name=f"~{label.index}~")
    free = max([0, *standing, *(spec.index or 0 for spec in specs)]) + 1
    named = set()
    for spec in specs:
        index = spec.index
        if index is None:
            index, free = free, free + 1
        named.add(index)
        _write(project, index, spec, standing.get(index))
    for index in standing.keys() - named:
        label = standing[index]
        label.retired_at = label.retired_at or timezone.now()
        label.save()


def _write(project: Project, index: int, spec: LabelSpec, standing: Label | None) -> None:
    label = standing or Label(project=project, index=index)
    label.name, label.colour = spec.name.strip(), spec.colour.lower()
    label.key, label.code = spec.key, spec.code.strip()
    label.overlap_allowed, label.is_ignore = spec.overlap_allowed, spec.is_ignore
    label.retired_at = (label.retired_at or timezone.now()) if spec.retired else None
    label.save()


def _require_set(specs: Sequence[LabelSpec], standing: Collection[int]) -> None:
    alive = [spec for spec in specs if not spec.retired]
    if not alive:
        raise _fault("A project needs at least one label.", "labels")
    if len(specs) > LABELS_MAX:
        raise _fault(f"A project has at most {LABELS_MAX} labels.", "labels")
    if not any(not spec.is_ignore for spec in alive):
        raise _fault("A project needs a label besides the one for ignored regions.", "labels")
    if sum(spec.is_ignore for spec in alive) > 1:
        raise _fault("Only one label can mean “ignore”.", "is_ignore")
    for spec in specs:
        _require_one(spec, known=spec.index is None or spec.index in standing)
    _require_unique("name", [spec.name.strip().casefold() for spec in specs])
    _require_unique("colour", [spec.colour.lower() for spec in alive])
    _require_unique("key", [spec.key for spec in alive if spec.key])
    _require_unique("index", [str(spec.index) for spec in specs if spec.index is not None])


def _require_one(spec: LabelSpec, *, known: bool) -> None:
    name = spec.name.strip()
    if not name or len(name) > 80 or name.startswith("~"):
        raise _fault("A label's name has 1 to 80 characters and does not start with “~”.", "name")
    if not COLOUR.fullmatch(spec.colour):
        raise _fault(f"The colour of “{name}” must look like #0072b2.", "colour")
    if spec.key and (len(spec.key) != 1 or not spec.key.isprintable() or spec.key.isspace()):
        raise _fault(f"The key of “{name}” must be one letter, digit or sign.", "key")
    if not known:
        raise _fault(f"“{name}” names an index that this project does not have.", "index")


def _require_unique(what: str, values: Sequence[str]) -> None:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise _fault(f"Two labels have the same {what} “{twice}”. Each needs its own.", what)


def _fault(sentence: str, field: str) -> InvalidInputError:
    return InvalidInputError(sentence, fields={field: sentence})
