"""A segmentation against its truth: figures of one case, and of many.

Instances: TP / (TP + FP + FN) at IoU 0.5 to 0.9, pooled over images. Pixel classes: Dice and IoU
per label, the mean over labels, then over cases. Boxes: COCO's average precision. Image labels:
area under the ROC curve per label. What has no value is None and counts in no mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import metrics, nms
from segmentation.engine.cases import Truth
from segmentation.engine.errors import InvalidTrainingSetError
from segmentation.engine.render import label_map
from segmentation.engine.types import Candidate, Segmentation, Task

Figures = Mapping[str, float | None]
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
LEADING: Mapping[Task, str] = {
    "instance2d": "ap50",
    "semantic2d": "dice",
    "semantic3d": "dice",
    "boxes2d": "ap50",
    "labels2d": "auroc",
    "prompts2d": "iou3",
    "prompts3d": "iou3",
}
"""The figure by which networks of a task are compared."""

CASE_FIGURE: Mapping[Task, str] = {**LEADING, "labels2d": "correct"}
"""The figure of one case by which networks are compared, 0 to 1."""

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class CaseScore:
    """The figures of one case, and what pooling over cases needs beside them.

    ``boxes`` holds per label (true boxes, predicted boxes, scores); ``labels`` holds per label
    (score, is true).
    """

    figures: Figures
    counts: tuple[metrics.Counts, ...] = ()
    boxes: tuple[tuple[Boxes, Boxes, Boxes], ...] = ()
    labels: tuple[tuple[float, bool], ...] = ()
    names: tuple[str, ...] = ()


def score_case(segmentation: Segmentation, truth: Truth) -> CaseScore:
    """Compare one segmentation with its truth; both on the source grid."""
    if segmentation.task == "instance2d":
        return _score_instances(segmentation, truth)
    if segmentation.task == "boxes2d":
        return _score_boxes(segmentation, truth)
    if segmentation.task == "labels2d":
        return _score_labels(segmentation, truth)
    return _score_classes(segmentation, truth)


def summarise(task: Task, scores: Sequence[CaseScore]) -> dict[str, float | None]:
    """The figures over all cases, by name; None where no case has a value."""
    if task == "instance2d":
        pooled = [metrics.pool(s.counts[k] for s in scores) for k in range(len(THRESHOLDS))]
        found = _ap_figures(tuple(pooled))
        found["panoptic_quality"] = _number(pooled[0].panoptic_quality)
        return found
    if task == "boxes2d":
        return _pooled_boxes(scores)
    if task == "labels2d":
        return _pooled_labels(scores)
    names = sorted({name for score in scores for name in score.figures})
    return {name: _mean([score.figures.get(name) for score in scores]) for name in names}


def _score_instances(segmentation: Segmentation, truth: Truth) -> CaseScore:
    if truth.instances is None:
        raise InvalidTrainingSetError("It has no mask of objects to compare with.")
    counts = metrics.average_precision(
        truth.instances, label_map(segmentation), THRESHOLDS, truth.ignore
    )
    figures = _ap_figures(counts)
    at_half = counts[0]
    figures |= {
        "found": float(at_half.true_positive),
        "invented": float(at_half.false_positive),
        "missed": float(at_half.false_negative),
    }
    return CaseScore(figures, counts)


def _ap_figures(counts: Sequence[metrics.Counts]) -> dict[str, float | None]:
    return {
        f"ap{round(threshold * 100)}": _number(count.average_precision)
        for threshold, count in zip(THRESHOLDS, counts, strict=True)
    }


def _score_classes(segmentation: Segmentation, truth: Truth) -> CaseScore:
    if truth.classes is None:
        raise InvalidTrainingSetError("It has no mask of labels to compare with.")
    drawn = label_map(segmentation)
    figures: dict[str, float | None] = {}
    for label, name in enumerate(segmentation.labels, start=1):
        dice = metrics.dice(truth.classes, drawn, label, truth.ignore)
        iou = metrics.iou(truth.classes, drawn, label, truth.ignore)
        figures |= {f"dice {name}": _number(dice), f"iou {name}": _number(iou)}
    for measure in ("dice", "iou"):
        figures[measure] = _mean([figures[f"{measure} {name}"] for name in segmentation.labels])
    return CaseScore(figures)


def _score_boxes(segmentation: Segmentation, truth: Truth) -> CaseScore:
    if truth.boxes is None:
        raise InvalidTrainingSetError("It has no boxes to compare with.")
    parts = []
    shown = _ranked(segmentation)
    for label in range(1, len(segmentation.labels) + 1):
        true_boxes = [box for known, box in truth.boxes if known == label]
        found = [c for c in shown if c.label == label]
        parts.append(
            (
                np.array(true_boxes, np.float64).reshape(-1, 4),
                np.array([c.box for c in found], np.float64).reshape(-1, 4),
                np.array([c.score for c in found], np.float64),
            )
        )
    score = CaseScore({}, boxes=tuple(parts), names=segmentation.labels)
    return CaseScore(_pooled_boxes([score]), boxes=score.boxes, names=score.names)


def _ranked(segmentation: Segmentation) -> list[Candidate]:
    """All boxes that no better one suppresses, as if there were no score cut-off.

    Average precision is a figure of the ranking; a cut-off would only hide its tail, and beside it
    nothing suppresses the doubles of weak boxes.
    """
    scores = [candidate.score for candidate in segmentation.candidates]
    pairs = np.array(segmentation.overlaps, np.float64).reshape(-1, 3).T
    stays = nms.resolve(scores, (pairs[0], pairs[1], pairs[2]), 0.0, segmentation.overlap_cutoff)
    return [
        candidate
        for candidate, kept in zip(segmentation.candidates, stays.keep, strict=True)
        if kept and candidate.box is not None
    ]


def _pooled_boxes(scores: Sequence[CaseScore]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    names = scores[0].names if scores else ()
    for label, name in enumerate(names):
        truths = [score.boxes[label][0] for score in scores]
        found = [(score.boxes[label][1], score.boxes[label][2]) for score in scores]
        precision = metrics.box_average_precision(truths, found)
        figures |= {
            f"ap50 {name}": _number(precision.at(0.5)),
            f"ap {name}": _number(precision.mean),
        }
    for measure in ("ap50", "ap"):
        figures[measure] = _mean([figures[f"{measure} {name}"] for name in names])
    return figures


def _score_labels(segmentation: Segmentation, truth: Truth) -> CaseScore:
    if truth.label is None:
        raise InvalidTrainingSetError("It has no image label to compare with.")
    scores = {candidate.label: candidate.score for candidate in segmentation.candidates}
    pairs = tuple(
        (scores[label], label == truth.label) for label in range(1, len(segmentation.labels) + 1)
    )
    said = {label for label in scores if scores[label] >= segmentation.score_cutoff}
    right = said == ({truth.label} if truth.label else set())
    figures: Figures = {"correct": float(right)}
    return CaseScore(figures, labels=pairs, names=segmentation.labels)


def _pooled_labels(scores: Sequence[CaseScore]) -> dict[str, float | None]:
    names = scores[0].names if scores else ()
    figures: dict[str, float | None] = {"accuracy": _mean([s.figures["correct"] for s in scores])}
    for label, name in enumerate(names):
        values = [score.labels[label][0] for score in scores]
        truths = [score.labels[label][1] for score in scores]
        figures[f"auroc {name}"] = _number(metrics.auroc(values, truths))
    figures["auroc"] = _mean([figures[f"auroc {name}"] for name in names])
    return figures


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _mean(values: Sequence[float | None]) -> float | None:
    return _number(metrics.summarise(math.nan if v is None else v for v in values).mean)
