"""Small real things to test with: people, projects, cases with pixels, rows of masks."""

from __future__ import annotations

import base64
import itertools
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.auth.models import User

from segmentation.engine import masks
from segmentation.models import Blob, Case, Image, Label, Membership, Project, RecipeVersion
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.digests import json_digest
from segmentation.storage.blobs import blob_put
from segmentation.storage.volumes import pack_write

_count = itertools.count(1)
RECIPE: dict[str, Any] = {"steps": []}


def a_person(name: str = "", **fields: Any) -> User:
    return User.objects.create_user(
        name or f"person{next(_count)}", password="correct horse battery", **fields
    )


def a_project(
    name: str = "", labels: Sequence[str] = ("nucleus",), task: str = "instances", **fields: Any
) -> Project:
    project = Project.objects.create(
        name=name or f"project {next(_count)}", task=task, **{"holdout_share": 0.0, **fields}
    )
    for index, label in enumerate(labels, start=1):
        Label.objects.create(
            project=project, index=index, name=label, colour=f"#0072{index:02x}", key=str(index)
        )
    RecipeVersion.objects.create(
        project=project, number=1, steps=RECIPE, digest=json_digest(RECIPE)
    )
    return project


def a_member(project: Project, role: str, name: str = "") -> User:
    person = a_person(name)
    Membership.objects.create(project=project, user=person, role=role)
    return person


def a_case(
    project: Project,
    zyx: tuple[int, int, int] = (1, 48, 64),
    state: str = "ready",
    moments: int = 1,
    **fields: Any,
) -> Case:
    """A case with one image of drawn noise, seeded by its number."""
    project.case_counter += 1
    project.save(update_fields=["case_counter"])
    number = project.case_counter
    case = Case.objects.create(
        project=project, number=number, title=f"case {number}", state=state, **fields
    )
    noise = np.random.default_rng(number).integers(0, 4096, (moments, 1, *zyx), dtype=np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        header = pack_write(noise, Path(folder) / "pack")
        pack = blob_put(Path(folder) / "pack", Blob.Kind.IMAGE)
    Image.objects.create(
        case=case,
        pack=pack,
        size_t=moments,
        size_z=zyx[0],
        size_y=zyx[1],
        size_x=zyx[2],
        dtype="uint16",
        source_grid={"permutation": [0, 1, 2], "flips": [False] * 3, "shape": list(zyx)},
        value_range=list(header.value_range),
        source_digest=header.pixel_digest,
        pixel_digest=header.pixel_digest,
    )
    return case


def rows_of(x1: int, y1: int, x2: int, y2: int, width: int = 64, height: int = 48) -> bytes:
    """The wire form of a filled rectangle."""
    mask = np.zeros((height, width), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return masks.to_bytes(masks.encode(mask))


def wire(rows: bytes) -> str:
    return base64.b64encode(rows).decode()


def a_finding(number: int, **fields: Any) -> FindingRow:
    return FindingRow(number, {"label": 1, "state": "accepted", **fields})


def a_slice(number: int, z: int = 0, x: int = 0) -> SliceRows:
    """A square of 4 by 4 pixels, ``x`` pixels from the left."""
    return SliceRows(number, z, rows_of(x, 0, x + 4, 4))


def a_key() -> str:
    return uuid.uuid4().hex
