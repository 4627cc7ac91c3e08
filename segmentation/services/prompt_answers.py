"""Answering prompts, in the worker: by a network that learnt to, else by contours."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import structlog
from django.db.models import Q

from segmentation.engine import masks
from segmentation.engine.errors import EngineError
from segmentation.engine.geometry import moment_and_z, plane_number
from segmentation.engine.prompt_contour import contour_solver
from segmentation.engine.prompt_network import extent_of, network_solver
from segmentation.engine.prompt_prior import PriorSolver, keeps_cells
from segmentation.engine.prompts import Answer, Prompts, Solver, Stroke, answer
from segmentation.engine.suitability import suits
from segmentation.engine.types import Picture, RunLengths
from segmentation.engine.values import turned
from segmentation.errors import InvalidInputError, MedsegError
from segmentation.jobs.replies import reply
from segmentation.models import CurrentSlice, Image, NetworkVersion
from segmentation.services.network_choice import champion_of
from segmentation.services.networks import network_load
from segmentation.services.pictures import spacing_of
from segmentation.storage.planes import volume_open

Slices = dict[int, RunLengths]
log = structlog.get_logger(__name__)


def prompt_reply(key: str, asked: Mapping[str, Any]) -> None:
    """Answer one question; what cannot be answered is refused in words."""
    try:
        told = prompt_find(asked)
    except (EngineError, MedsegError) as refusal:
        told = {"refused": str(refusal)}
    except Exception as error:  # whoever waits must hear of a bug as well
        log.error("prompt_failed", exc_info=error)
        kind = type(error).__name__
        told = {"refused": f"Something unexpected went wrong ({kind}). The log has the place."}
    reply(key, told)


def prompt_find(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one question, as the page reads it."""
    began = time.monotonic()
    image = Image.objects.select_related("case__project").get(pk=asked["image"])
    picture, plane = _picture(image, asked["t"], asked["z"])
    solver, extent, told = _solver(image, picture, flat=plane is not None)
    found = answer(picture, _prompts(image, asked, plane), solver, extent)
    if isinstance(solver, PriorSolver) and solver.is_contour:
        told = {"method": "contour", "network": None,
                "reason": f"{told['network']} finds nothing there."}  # fmt: skip
    first = asked["z"] if plane is not None else 0
    return {
        "slices": [
            {"z": z + first, "runs": base64.b64encode(masks.to_bytes(runs)).decode()}
            for z, runs in sorted(found.slices.items())
        ],
        "score": round(found.score, 4),
        "region": _region(found, first),
        "seconds": round(time.monotonic() - began, 4),
        **told,
    }


def prompt_warm() -> None:
    """Load what the first answer would wait for."""
    look = Picture(np.eye(32, dtype=np.uint8)[None, None])
    answer(look, Prompts((Stroke(((0, 16, 16),)),), plane=0), contour_solver)


def _picture(image: Image, t: int, z: int | None) -> tuple[Picture, int | None]:
    """The pixels as stored: an answer does not depend on slope and intercept, only on their sign.

    A plane becomes an image of its own, so that nothing else is read.
    """
    stored = volume_open(image.pack_id)[t]
    if z is not None and not 0 <= z < image.size_z:
        raise InvalidInputError(f"This image has {image.size_z} slices.")
    part = stored if z is None else stored[:, z : z + 1]
    inverted = (image.photometric == "MONOCHROME1") != (image.slope < 0)
    values = turned(part) if inverted else part
    return Picture(values, spacing_of(image), image.modality), None if z is None else 0


def _solver(image: Image, picture: Picture, *, flat: bool) -> tuple[Solver, float, dict[str, Any]]:
    """Who answers, how long its objects usually are, and what the page tells about it.

    The project's own network for clicks that knows the kind of image, else one that ships, else in
    a volume the network that segments there, else contours.
    """
    task = "prompts2d" if flat else "prompts3d"
    refusals = []
    for version in _champions(image, task):
        fits, reason = suits(version.card, picture, image.case.kind)
        if fits:
            network = network_load(version)
            return network_solver(network, threads=1), extent_of(network), _told(version, reason)
        refusals.append(f"{_name(version)}: {reason}")
    prior = None if flat else _that_segments(image, picture)
    if prior is not None:
        reason = f"{prior.network.name} finds such objects by itself; clicks choose and mend one."
        return PriorSolver(network_load(prior), threads=1), 0.0, _told(prior, reason)
    reason = " ".join(refusals) or "No network that answers clicks is installed for such images."
    return contour_solver, 0.0, {"method": "contour", "network": None, "reason": reason}


def _champions(image: Image, task: str) -> list[NetworkVersion]:
    """The project's own first, and of these the ones made for the image's kind; then newest."""
    project, kind = image.case.project_id, image.case.kind
    versions = NetworkVersion.objects.select_related("network").filter(
        Q(network__project=None) | Q(network__project=project),
        network__task=task,
        state=NetworkVersion.State.CHAMPION,
    )

    def rank(version: NetworkVersion) -> tuple[bool, bool, float]:
        return (
            version.network.project_id is None,
            kind not in version.card.get("kinds", ()),
            -version.created_at.timestamp(),
        )

    return sorted(versions, key=rank)


def _that_segments(image: Image, picture: Picture) -> NetworkVersion | None:
    """The network that segments such volumes in this project, where it sees them cell by cell."""
    project = image.case.project
    version = champion_of(project, image.case.kind)
    if version is None or version.card["task"] != "semantic3d":
        return None
    if not suits(version.card, picture, image.case.kind)[0]:
        return None
    return version if keeps_cells(network_load(version)) else None


def _told(version: NetworkVersion, reason: str) -> dict[str, Any]:
    return {"method": "network", "network": _name(version), "reason": reason}


def _name(version: NetworkVersion) -> str:
    return f"{version.network.name}@{version.number}"


def _prompts(image: Image, asked: Mapping[str, Any], plane: int | None) -> Prompts:
    shift = asked["z"] if plane is not None else 0
    strokes = tuple(
        Stroke(tuple((z - shift, y, x) for x, y, z in stroke["points"]), stroke["positive"])
        for stroke in asked["strokes"]
    )
    given = asked["previous"]
    previous = (
        _previous(given) if given is not None else _finding(image, asked["finding"], asked["t"])
    )
    if plane is not None:
        previous = {0: previous[shift]} if shift in previous else {}
    box, depth = asked["box"], asked["depth"]
    return Prompts(
        strokes,
        None if box is None else (box[0], box[1], box[2], box[3]),
        plane,
        None if depth is None or plane is not None else (depth[0], depth[1]),
        previous,
    )


def _previous(rows: list[dict[str, Any]]) -> Slices:
    try:
        decoded = [(row["z"], base64.b64decode(row["runs"], validate=True)) for row in rows]
    except ValueError as error:
        raise InvalidInputError("The mask to correct is not base64.") from error
    return {z: runs for z, raw in decoded if (runs := masks.from_bytes(raw)).size}


def _finding(image: Image, finding: int | None, t: int) -> Slices:
    """The saved mask of the finding to correct, by the slices of moment ``t``."""
    if finding is None:
        return {}
    depth = image.size_z
    rows = CurrentSlice.objects.filter(
        case=image.case_id,
        finding=finding,
        z__gte=plane_number(t, 0, depth),
        z__lt=plane_number(t + 1, 0, depth),
    )
    return {
        moment_and_z(plane, depth)[1]: masks.from_bytes(bytes(runs))
        for plane, runs in rows.values_list("z", "change__runs")
    }


def _region(found: Answer, first: int) -> list[list[int]]:
    (z1, z2), *others = found.region
    return [[z1 + first, z2 + first], *([start, stop] for start, stop in others)]
