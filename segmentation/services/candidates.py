"""All that a network proposed for one image: packed for the page, and what of it is kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import zstandard

from segmentation.engine.masks import to_bytes
from segmentation.engine.nms import resolve
from segmentation.engine.types import Candidate, Segmentation
from segmentation.services.changes import FindingRow, SliceRows

LEVEL = 6


@dataclass(frozen=True)
class Proposal:
    """Candidates in the project's labels, with who suppresses whom at the run's cut-offs."""

    segmentation: Segmentation
    candidates: tuple[Candidate, ...]
    overlaps: tuple[tuple[int, int, float], ...]
    keep: tuple[bool, ...]

    @property
    def kept_count(self) -> int:
        return sum(self.keep)


def proposal_make(segmentation: Segmentation, label_of: Mapping[int, int]) -> Proposal:
    """Bring a network's labels to the project's; candidates without a label there are left out."""
    taken = [
        place
        for place, candidate in enumerate(segmentation.candidates)
        if candidate.label in label_of
    ]
    place_of = {old: new for new, old in enumerate(taken)}
    overlaps = tuple(
        (place_of[i], place_of[j], share)
        for i, j, share in segmentation.overlaps
        if i in place_of and j in place_of
    )
    found = [segmentation.candidates[place] for place in taken]
    decided = _decide(found, overlaps, segmentation)
    return Proposal(
        segmentation=segmentation,
        candidates=tuple(
            replace(
                candidate,
                label=label_of[candidate.label],
                suppressed_by=by if by >= 0 else None,
                overlap=share if by >= 0 else None,
            )
            for candidate, (_, by, share) in zip(found, decided, strict=True)
        ),
        overlaps=overlaps,
        keep=tuple(keep for keep, _, _ in decided),
    )


def proposal_pack(proposal: Proposal) -> bytes:
    """The candidates as the page reads them: JSON in a zstd frame, masks as base64 run lengths."""
    told = {
        "task": proposal.segmentation.task,
        "labels": list(proposal.segmentation.labels),
        "grid_zyx": list(proposal.segmentation.grid_zyx),
        "moments": proposal.segmentation.moments,
        "score_cutoff": proposal.segmentation.score_cutoff,
        "overlap_cutoff": proposal.segmentation.overlap_cutoff,
        "candidates": [_words(candidate) for candidate in proposal.candidates],
        "overlaps": [list(pair) for pair in proposal.overlaps],
    }
    words = json.dumps(told, separators=(",", ":"), allow_nan=False).encode()
    return zstandard.ZstdCompressor(level=LEVEL).compress(words)


def proposal_rows(
    proposal: Proposal, run_id: str, finding_base: int
) -> tuple[list[FindingRow], list[SliceRows]]:
    """The kept candidates as findings; candidate ``i`` becomes number ``finding_base + i + 1``."""
    findings: list[FindingRow] = []
    slices: list[SliceRows] = []
    for place, candidate in enumerate(proposal.candidates):
        if not proposal.keep[place]:
            continue
        number = finding_base + place + 1
        findings.append(FindingRow(number, _fields(candidate, place, run_id)))
        slices.extend(
            SliceRows(number, z, to_bytes(runs)) for z, runs in sorted(candidate.slices.items())
        )
    return findings, slices


def _decide(
    found: Sequence[Candidate],
    overlaps: Sequence[tuple[int, int, float]],
    segmentation: Segmentation,
) -> list[tuple[bool, int, float]]:
    """(kept, suppressed by, overlap) of each candidate at the run's cut-offs."""
    if not found:
        return []
    i, j, share = zip(*overlaps, strict=True) if overlaps else ((), (), ())
    pairs = (np.array(i, dtype=np.int64), np.array(j, dtype=np.int64), np.array(share, dtype=float))
    answer = resolve(
        [candidate.score for candidate in found],
        pairs,
        segmentation.score_cutoff,
        segmentation.overlap_cutoff,
    )
    return [
        (bool(keep), int(by), float(amount))
        for keep, by, amount in zip(answer.keep, answer.suppressed_by, answer.overlap, strict=True)
    ]


def _words(candidate: Candidate) -> dict[str, Any]:
    return {
        "label": candidate.label,
        "score": candidate.score,
        "box": None if candidate.box is None else list(candidate.box),
        "z": candidate.z if candidate.box is not None and not candidate.slices else None,
        "suppressed_by": candidate.suppressed_by,
        "overlap": candidate.overlap,
        "slices": {
            str(z): base64.b64encode(to_bytes(runs)).decode()
            for z, runs in sorted(candidate.slices.items())
        },
    }


def _fields(candidate: Candidate, place: int, run_id: str) -> dict[str, Any]:
    """A box is the finding itself only where there are no pixels."""
    box = None if candidate.slices or candidate.box is None else list(candidate.box)
    return {
        "label": candidate.label,
        "state": "proposed",
        "score": candidate.score,
        "box": box,
        "z": candidate.z if box else None,
        "candidate": place,
        "run": run_id,
        "source": "network",
    }
