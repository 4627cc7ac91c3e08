"""Box precision on drawn boxes and against the reference package."""

from __future__ import annotations

import contextlib
import io
import math

import numpy as np
import pytest

from segmentation.engine.detection import FALSE_POSITIVE_RATES, box_average_precision, froc
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.geometry import box_iou

BOX = np.array([[0, 0, 10, 10]], dtype=float)


def case(seed: int) -> tuple[list[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]:
    rng = np.random.default_rng(seed)
    truth, prediction = [], []
    for _ in range(6):
        corner = rng.integers(0, 100, (rng.integers(0, 9), 2)).astype(float)
        boxes = np.concatenate([corner, corner + rng.integers(12, 30, corner.shape)], axis=1)
        moved = np.repeat(boxes, 2, axis=0)
        moved = moved + rng.integers(-4, 5, moved.shape)
        corner = rng.integers(0, 100, (3, 2)).astype(float)
        moved = np.concatenate([moved, np.concatenate([corner, corner + 12], axis=1)])
        truth.append(boxes)
        prediction.append((moved, rng.permutation(1000)[: len(moved)] / 1000))
    return truth, prediction


@pytest.mark.parametrize("seed", range(8))
def test_values_equal_those_of_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    truth, prediction = case(seed)

    def rows(boxes: np.ndarray, image: int, scores: np.ndarray | None = None) -> list[dict]:
        return [
            {
                "image_id": image,
                "category_id": 1,
                "bbox": [b[0], b[1], b[2] - b[0], b[3] - b[1]],
                "area": (b[2] - b[0]) * (b[3] - b[1]),
                "iscrowd": 0,
                **({} if scores is None else {"score": scores[k]}),
            }
            for k, b in enumerate(boxes.tolist())
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        theirs = coco.COCO()
        annotations = [row for k, boxes in enumerate(truth) for row in rows(boxes, k + 1)]
        theirs.dataset = {
            "images": [{"id": k + 1} for k in range(len(truth))],
            "categories": [{"id": 1}],
            "annotations": [{**row, "id": n + 1} for n, row in enumerate(annotations)],
        }
        theirs.createIndex()
        found = [
            r for k, (boxes, scores) in enumerate(prediction) for r in rows(boxes, k + 1, scores)
        ]
        evaluation = cocoeval.COCOeval(theirs, theirs.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = box_average_precision(truth, prediction)
    assert ours.mean == pytest.approx(evaluation.stats[0], abs=1e-12)
    assert ours.at(0.5) == pytest.approx(evaluation.stats[1], abs=1e-12)
    assert ours.at(0.75) == pytest.approx(evaluation.stats[2], abs=1e-12)


def test_one_box_found_and_one_invented() -> None:
    # The better score is right: precision 1 at every recall. The other way round: 1 of 2.
    far = BOX + 50
    both = np.concatenate([BOX, far])
    right = box_average_precision([BOX], [(both, np.array([0.9, 0.1]))])
    wrong = box_average_precision([BOX], [(both, np.array([0.1, 0.9]))])
    assert right.mean == 1
    assert wrong.mean == pytest.approx(0.5)


def test_a_second_box_on_the_same_truth_is_invented() -> None:
    twice = np.concatenate([BOX, BOX])
    truth = np.concatenate([BOX, BOX + 50])
    # Recall reaches 1/2 with precision 1, never more: recalls 0 to 0.50 are 51 of 101.
    value = box_average_precision([truth], [(twice, np.array([0.9, 0.8]))], (0.5,))
    assert value.mean == pytest.approx(51 / 101)


def test_emptiness() -> None:
    none = (np.zeros((0, 4)), np.zeros(0))
    assert math.isnan(box_average_precision([], []).mean)
    assert math.isnan(box_average_precision([np.zeros((0, 4))], [(BOX, np.ones(1))]).mean)
    assert box_average_precision([BOX], [none]).mean == 0
    with pytest.raises(InvalidArrayError, match="per image"):
        box_average_precision([BOX], [])


def slow_froc(truth: list, prediction: list, threshold: float, rate: float) -> float:
    """Try every score as the cut-off and count hits and alarms image by image."""
    total, best = sum(map(len, truth)), 0.0
    for cut in {score for _, scores in prediction for score in scores}:
        hits = alarms = 0
        for boxes, (found, scores) in zip(truth, prediction, strict=True):
            free = list(range(len(boxes)))
            for k in sorted(np.flatnonzero(scores >= cut), key=lambda k: -scores[k]):
                shares = {n: box_iou(found[k : k + 1], boxes[n : n + 1])[0, 0] for n in free}
                n = max(shares, key=lambda n: (shares[n], n), default=None)
                if n is not None and shares[n] >= threshold:
                    free.remove(n)
                    hits += 1
                else:
                    alarms += 1
        if alarms / len(truth) <= rate:
            best = max(best, hits / total)
    return best


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.1, 0.5])
def test_froc_equals_trying_every_cut_off(seed: int, threshold: float) -> None:
    truth, prediction = case(seed)
    found = froc(truth, prediction, threshold)
    assert found.rates == FALSE_POSITIVE_RATES
    known = [slow_froc(truth, prediction, threshold, rate) for rate in found.rates]
    assert found.sensitivities == pytest.approx(known)
    assert found.mean == pytest.approx(np.mean(known))


def test_froc_takes_predictions_of_one_score_together() -> None:
    # A hit and an alarm at the same score: no cut-off has the one without the other.
    far = np.array([[50, 50, 60, 60]], dtype=float)
    both = (np.concatenate([BOX, far]), np.array([0.7, 0.7]))
    assert froc([BOX], [both], rates=(0.5, 1.0)).sensitivities == (0.0, 1.0)


def test_froc_without_boxes() -> None:
    none = (np.zeros((0, 4)), np.zeros(0))
    assert math.isnan(froc([none[0]], [none]).mean)
    assert froc([BOX], [none]).mean == 0
    with pytest.raises(InvalidArrayError):
        froc([BOX], [none, none])
