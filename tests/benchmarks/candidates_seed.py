"""Records a drawn run on a case: ``python -m tests.benchmarks.candidates_seed CASE N``.

Started in a site's environment. What a worker does with a network's answer happens to drawn
candidates here, by the same services: N of them, two or three to each of the drawn nuclei, a few
pixels apart, so that most overlaps are real ones.
"""

from __future__ import annotations

import sys
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

SIDE = 2048
SHIFT_PX = 4


def main() -> None:
    case_id, count = sys.argv[1], int(sys.argv[2])
    django.setup()
    from segmentation.models import (
        Blob,
        Case,
        Label,
        MaskRevision,
        NetworkVersion,
        SegmentationRun,
    )
    from segmentation.selectors.revisions import finding_next
    from segmentation.services.candidates import proposal_make, proposal_pack, proposal_rows
    from segmentation.services.network_choice import label_map
    from segmentation.services.revisions import revision_record_system
    from segmentation.storage.blobs import blob_put

    case = Case.objects.get(pk=case_id)
    found = drawn(count)
    labels = Label.objects.filter(project=case.project_id, retired_at=None)
    proposal = proposal_make(found, label_map(found.labels, labels))
    run = SegmentationRun.objects.create(
        case=case,
        image=case.images.get(),
        network_version=NetworkVersion.objects.filter(network__name="nuclei").latest("number"),
        candidates=blob_put(proposal_pack(proposal), Blob.Kind.CANDIDATES),
        finding_base=finding_next(case) - 1,
        candidate_count=len(proposal.candidates),
        kept_count=proposal.kept_count,
        score_cutoff=found.score_cutoff,
        overlap_cutoff=found.overlap_cutoff,
        uncertainty=found.uncertainty,
        device=found.device,
        seconds=found.seconds,
    )
    rows, slices = proposal_rows(proposal, str(run.pk), run.finding_base)
    kind = MaskRevision.Kind.PREDICTED
    revision_record_system(case, kind, rows, slices, run=run, operation="predict")
    print(
        f"{run.candidate_count} candidates, {run.kept_count} kept, {len(found.overlaps)} overlaps"
    )


def drawn(count: int) -> Any:
    from segmentation.demo.phantoms import nuclei_field
    from segmentation.engine.masks import bounding_box, encode_at
    from segmentation.engine.nms import pairwise_overlaps
    from segmentation.engine.spans import spans_from_runs
    from segmentation.engine.types import Candidate, Segmentation

    rng = np.random.default_rng(5)
    nuclei = nuclei_field(int(count / 2.5), (SIDE, SIDE)).nuclei
    owners: NDArray[np.int64] = np.arange(count) % len(nuclei)
    scores = np.sort(rng.uniform(0.05, 1, count))[::-1]
    rng.shuffle(owners)
    runs = []
    for owner in owners:
        (top, left), mask = nuclei[owner].top_left, nuclei[owner].mask
        down, right = rng.integers(-SHIFT_PX, SHIFT_PX + 1, 2)
        y, x = np.clip([top + down, left + right], 0, SIDE - mask.shape[0])
        runs.append(encode_at(mask, (int(y), int(x)), (SIDE, SIDE)))
    i, j, share = pairwise_overlaps(spans_from_runs(runs, SIDE), np.zeros(count))
    return Segmentation(
        task="instance2d",
        labels=("nucleus",),
        candidates=tuple(
            Candidate(1, float(score), bounding_box(run, SIDE), {0: run})
            for score, run in zip(scores, runs, strict=True)
        ),
        overlaps=tuple(zip(i.tolist(), j.tolist(), share.tolist(), strict=True)),
        grid_zyx=(1, SIDE, SIDE),
        score_cutoff=0.3,
        overlap_cutoff=0.4,
        uncertainty=0.5,
        device="cpu",
        seconds=1.0,
    )


if __name__ == "__main__":
    main()
