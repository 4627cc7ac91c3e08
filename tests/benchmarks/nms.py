"""Suppression of star-convex shapes against StarDist's compiled one.

    python -m tests.benchmarks.nms --json

Forty candidates for every object, 32 rays, at most 0.4 of the smaller area shared. Ours is timed
from centres and rays to the kept set, drawing and sorting included; StarDist's is given candidates
that are sorted already and measures polygons with their corners rounded to whole pixels. The sets
that are kept are compared, and each difference is explained by its overlap.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import decode, nms
from segmentation.engine.spans import Spans
from tests.benchmarks import measuring

SIZES = (1_000, 10_000, 100_000)
PER_OBJECT = 40
RAYS = 32
CUTOFF = 0.4


@dataclass(frozen=True)
class Candidates:
    """``points`` (n, 2) whole pixels (y, x), ``rays`` (n, 32), ``scores`` (n,), all decreasing."""

    points: NDArray[np.float32]
    rays: NDArray[np.float32]
    scores: NDArray[np.float32]


def draw(count: int, seed: int = 0) -> Candidates:
    """Objects of radius 7 to 13 that touch here and there; candidates stand within each."""
    rng = np.random.default_rng(seed)
    objects = count // PER_OBJECT
    side = int(np.ceil(np.sqrt(objects)))
    places = np.stack(np.divmod(np.arange(objects), side), axis=1)[:, ::1] * 24.0 + 20
    centres = places + rng.uniform(-3, 3, places.shape)
    angles = 2 * np.pi * np.arange(RAYS) / RAYS
    radius = rng.uniform(7, 13, objects)
    wave = 1 + 0.12 * np.cos(2 * angles + rng.uniform(0, 6.3, (objects, 1)))
    wave += 0.06 * np.cos(3 * angles + rng.uniform(0, 6.3, (objects, 1)))
    owner = np.repeat(np.arange(objects), PER_OBJECT)
    shift = rng.normal(0, 0.22, (owner.size, 2)) * radius[owner, None]
    points = np.round(centres[owner] + shift)
    off = points - centres[owner]
    along = off[:, :1] * np.sin(angles) + off[:, 1:] * np.cos(angles)
    rays = radius[owner, None] * wave[owner] - along
    rays *= rng.normal(1, 0.04, rays.shape)
    scores = np.exp(-((off / radius[owner, None]) ** 2).sum(axis=1)) * rng.uniform(
        0.9, 1, owner.size
    )
    order = np.argsort(-scores, kind="stable")
    columns = (points[order], np.maximum(rays[order], 1), scores[order])
    return Candidates(*(np.ascontiguousarray(c, dtype=np.float32) for c in columns))


def shapes_of(given: Candidates) -> Spans:
    centres = given.points + np.float32(0.5)
    return decode.draw(decode.Proposals(centres, given.rays, given.scores))


def ours(given: Candidates) -> nms.Suppression:
    shapes = shapes_of(given)
    return nms.suppress(shapes, given.scores, np.zeros(len(given.scores), np.int64), CUTOFF)


def differences(given: Candidates, kept: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> list[str]:
    """For each candidate that one side keeps alone, its overlap with what the others keep."""
    i, j, share = nms.pairwise_overlaps(
        shapes_of(given), np.zeros(len(kept), np.int64), CUTOFF - 0.1
    )
    told = []
    for n in np.flatnonzero(kept != theirs):
        better = np.where(j == n, i, -1)
        rivals = share[(better >= 0) & (kept | theirs)[better]]
        near = rivals[np.argmin(abs(rivals - CUTOFF))] if rivals.size else float("nan")
        told.append(f"{'ours' if kept[n] else 'StarDist'} keeps {n}: overlap {near:.3f}")
    return told


def first_call() -> float:
    """CPU seconds that the first call takes: compiling, or reading what was compiled before."""
    began = time.process_time()
    ours(draw(200))
    return time.process_time() - began


def main() -> None:
    chosen = measuring.options(__doc__)
    stardist = measuring.peer("stardist.nms")
    warm_up = first_call()
    measuring.say(f"first call, compiling included where it is not cached: {warm_up:.2f} s")
    rows = []
    for count in SIZES:
        given = draw(count)

        def theirs(given: Candidates = given) -> NDArray[np.bool_]:
            return stardist.non_maximum_suppression_inds(
                given.rays, given.points, given.scores, thresh=CUTOFF, verbose=0
            )

        kept, rival = ours(given).keep, theirs()
        for line in differences(given, kept, rival):
            measuring.say(f"{count}: {line}")
        times = measuring.turns({"ours": lambda g=given: ours(g), "peer": theirs}, chosen.rounds)
        rows.append(
            {
                "candidates": count,
                "kept": int(kept.sum()),
                **measuring.compare(times),
                "jaccard": round(float((kept & rival).sum() / (kept | rival).sum()), 6),
                "only_ours": int((kept & ~rival).sum()),
                "only_peer": int((rival & ~kept).sum()),
            }
        )
        measuring.table(rows[-1:])
    growth = round(rows[-1]["ours_ms"] / rows[-2]["ours_ms"], 1)
    measuring.say(f"ten times the candidates, {growth} times as long (10,000 to 100,000)")
    measuring.finish(
        "nms",
        measuring.version("stardist"),
        rows,
        chosen.json,
        growth_10k_to_100k=growth,
        first_call_s=round(warm_up, 2),
    )


if __name__ == "__main__":
    main()
