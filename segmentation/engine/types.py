"""What travels between the rooms of the engine, and from the engine to the service.

Frozen dataclasses and nothing else. Axis order, box convention and world coordinates are those of
``engine.geometry``: arrays are ``(z, y, x)`` (a 2-D image has ``z = 1``), colour is a leading
channel axis, boxes are ``(x1, y1, x2, y2)`` half-open in pixels of the source grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal[
    "instance2d", "semantic2d", "semantic3d", "boxes2d", "labels2d", "prompts2d", "prompts3d"
]
PROMPT_TASKS: Final[frozenset[Task]] = frozenset({"prompts2d", "prompts3d"})
"""Networks that answer a person's clicks (``engine.prompts``) and find nothing by themselves."""
SOLID_TASKS: Final[frozenset[Task]] = frozenset({"semantic3d", "prompts3d"})
"""Networks that see a volume at once."""
Box = tuple[int, int, int, int]
RunLengths = NDArray[np.uint32]
"""Lengths of runs of 0 and 1 in turn over a slice in row-major order, 0 first, ending with 1.

The zeros after the last run are implied; an empty mask has no runs (see ``engine.masks``).
"""


@dataclass(frozen=True)
class Picture:
    """One image as the engine sees it: pixels on the source grid and what they mean.

    ``pixels`` has shape ``(c, z, y, x)`` in the file's own units (uint8, uint16, int16 or
    float32); ``spacing_mm`` is ``(z, y, x)``, or None where the file states none.
    """

    pixels: NDArray[Any]
    spacing_mm: tuple[float, float, float] | None = None
    modality: str = ""


@dataclass(frozen=True)
class Candidate:
    """One finding that the network proposes, kept whether or not suppression removed it.

    ``label`` counts from 1 in the network's own list of labels. ``slices`` maps z to run lengths
    (empty for boxes and image labels); ``z`` is that of a mere box. ``suppressed_by`` is the index
    of the candidate that removed this one, ``overlap`` how much they share (intersection over the
    smaller area).
    """

    label: int
    score: float
    box: Box | None = None
    slices: Mapping[int, RunLengths] = field(default_factory=dict)
    suppressed_by: int | None = None
    overlap: float | None = None
    z: int = 0


@dataclass(frozen=True)
class Settings:
    """What a person may choose for one run; None leaves the network's own value.

    ``runtime`` says what computes on a CPU: ``auto`` takes OpenVINO where it can run the network,
    else PyTorch; ``torch`` takes PyTorch at once, which suits a network that will soon change.
    """

    score_cutoff: float | None = None
    overlap_cutoff: float | None = None
    device: str = "auto"
    threads: int | None = None
    runtime: Literal["auto", "torch"] = "auto"


@dataclass(frozen=True)
class Segmentation:
    """All that one run of a network says about one image.

    ``candidates`` stand in decreasing order of score, ties by their place in the image.
    ``overlaps`` lists ``(i, j, share)`` for every pair ``i < j`` of one label group that overlaps,
    so that suppression can be decided again without the network. ``grid_zyx`` is the source grid;
    where there are several ``moments``, every z is the number of a plane (``engine.geometry``).
    """

    task: Task
    labels: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    overlaps: tuple[tuple[int, int, float], ...]
    grid_zyx: tuple[int, int, int]
    score_cutoff: float
    overlap_cutoff: float
    uncertainty: float
    device: str
    seconds: float
    moments: int = 1
