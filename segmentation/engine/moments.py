"""One image of several moments through one network: every moment is a picture of its own.

A cine or a dynamic volume is predicted moment by moment, one in memory at a time, and the answers
become one segmentation whose masks lie on planes numbered through all moments (see
``engine.geometry``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from segmentation.engine.checkpoints import Network
from segmentation.engine.config import Recipe
from segmentation.engine.geometry import plane_number
from segmentation.engine.inference import segment
from segmentation.engine.masks import area
from segmentation.engine.types import Box, Candidate, Picture, Segmentation, Settings
from segmentation.engine.uncertainty import PlaneKeeper

Progress = Callable[[float, str], None]
Overlaps = tuple[tuple[int, int, float], ...]


def segment_moments(
    picture_at: Callable[[int], Picture],
    moments: int,
    network: Network,
    settings: Settings,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    keep_plane: PlaneKeeper | None = None,
) -> Segmentation:
    """Everything the network says about all moments of one image, as ``inference.segment`` does.

    ``picture_at`` gives the picture of moment ``t``, 0 to ``moments - 1``; each is asked for once
    and in order, so that one is in memory at a time. Progress counts moments and says how long the
    rest takes; ``cancelled`` is asked within each of them. ``keep_plane`` takes the map of
    uncertainty, its planes numbered through all moments. Raises what ``segment`` raises.
    """
    if moments == 1:
        return segment(picture_at(0), network, settings, recipe, progress, cancelled, keep_plane)
    began = time.monotonic()
    parts = []
    for t in range(moments):
        told = progress and _of_moment(progress, t, moments, began)
        picture = picture_at(t)
        kept = keep_plane and _on_moment(keep_plane, t, picture.pixels.shape[1])
        parts.append(segment(picture, network, settings, recipe, told, cancelled, kept))
    return join_moments(parts)


def join_moments(parts: Sequence[Segmentation]) -> Segmentation:
    """One segmentation of what was found moment by moment; ``parts`` holds one for each moment.

    Objects and boxes stay what they were, on the planes of their moment; pairs that overlap and
    suppression never cross moments. A pixel class is one candidate with the masks of all its
    moments, its score their mean by area. An image label has one answer: the mean of its scores
    over all moments, because the highest of many frames would nearly always say yes. The
    uncertainty is the mean over all moments.
    """
    first = parts[0]
    shifted = [_shifted(part, t) for t, part in enumerate(parts)]
    overlaps: Overlaps = ()
    if first.task == "labels2d":
        candidates = _mean_labels(parts)
    elif first.task in ("semantic2d", "semantic3d"):
        candidates = _joined_classes(shifted, len(first.labels))
    else:
        candidates, overlaps = _listed(parts, shifted)
    return replace(
        first,
        candidates=candidates,
        overlaps=overlaps,
        moments=len(parts),
        uncertainty=sum(part.uncertainty for part in parts) / len(parts),
        seconds=sum(part.seconds for part in parts),
    )


def _of_moment(progress: Progress, t: int, moments: int, began: float) -> Progress:
    rest = (time.monotonic() - began) / t * (moments - t) if t else 0.0
    left = f", about {ceil(rest / 60)} min left" if rest > 60 else ""

    def tell(part: float, sentence: str) -> None:
        progress((t + part) / moments, f"Moment {t + 1} of {moments}{left}: {sentence}")

    return tell


def _on_moment(keep_plane: PlaneKeeper, t: int, depth: int) -> PlaneKeeper:
    return lambda z, plane: keep_plane(plane_number(t, z, depth), plane)


def _shifted(part: Segmentation, t: int) -> list[Candidate]:
    depth = part.grid_zyx[0]
    return [
        replace(
            candidate,
            z=plane_number(t, candidate.z, depth),
            slices={plane_number(t, z, depth): runs for z, runs in candidate.slices.items()},
        )
        for candidate in part.candidates
    ]


def _mean_labels(parts: Sequence[Segmentation]) -> tuple[Candidate, ...]:
    labels = range(1, len(parts[0].labels) + 1)
    scores = dict.fromkeys(labels, 0.0)
    for part in parts:
        for candidate in part.candidates:
            scores[candidate.label] += candidate.score / len(parts)
    found = [Candidate(label, min(score, 1.0)) for label, score in scores.items()]
    return tuple(sorted(found, key=lambda candidate: (-candidate.score, candidate.label)))


def _joined_classes(shifted: Sequence[list[Candidate]], labels: int) -> tuple[Candidate, ...]:
    found = []
    for label in range(1, labels + 1):
        own = [one for part in shifted for one in part if one.label == label]
        if not own:
            continue
        sizes = [sum(area(runs) for runs in one.slices.values()) for one in own]
        score = float(np.average([one.score for one in own], weights=sizes))
        slices = {plane: runs for one in own for plane, runs in one.slices.items()}
        boxes = [one.box for one in own if one.box is not None]
        found.append(Candidate(label, min(score, 1.0), _around(boxes), slices))
    return tuple(sorted(found, key=lambda candidate: (-candidate.score, candidate.label)))


def _around(boxes: Sequence[Box]) -> Box | None:
    if not boxes:
        return None
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def _listed(
    parts: Sequence[Segmentation], shifted: Sequence[list[Candidate]]
) -> tuple[tuple[Candidate, ...], Overlaps]:
    """All candidates by decreasing score; ties by moment, then by their place in it."""
    everyone = [
        (t, place, candidate)
        for t, part in enumerate(shifted)
        for place, candidate in enumerate(part)
    ]
    everyone.sort(key=lambda row: -row[2].score)
    new = {(t, place): at for at, (t, place, _) in enumerate(everyone)}
    candidates = tuple(
        candidate
        if candidate.suppressed_by is None
        else replace(candidate, suppressed_by=new[t, candidate.suppressed_by])
        for t, _, candidate in everyone
    )
    overlaps = sorted(
        (new[t, i], new[t, j], share)
        for t, part in enumerate(parts)
        for i, j, share in part.overlaps
    )
    return candidates, tuple(overlaps)
