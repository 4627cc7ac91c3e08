"""Whether uncertainty finds mistakes: ``python -m tests.benchmarks.uncertainty --data DIR --json``.

The shipped networks predict the test split as the product does. Per pixel: the area under the ROC
curve of the map for finding wrong pixels (those whose class differs from the truth; of objects,
those of another object than the matched one), over whole images and, because sure background
flatters, within 10 pixels of predicted or true foreground. Per case: Spearman's correlation of the
case's uncertainty with 1 - Dice (of objects, 1 - the mean AP over IoU 0.5 to 0.9), its 95 %
interval over resampled groups. ``ece`` is the expected calibration error of the best class over
all pixels, ``ece_band`` the same near foreground, ``ece_tempered`` with the temperature that the
validation groups of the train split give (those ``train --seed 0`` sets aside), which ``kept``
says whether training would keep.

``degraded`` repeats the cases' correlation with every image once as it is and once blurred, noisy,
darkened or cut in contrast by a drawn amount: cases of one hospital are all alike, and a worklist's
order matters most where they are not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring

BAND = 10


@dataclass(frozen=True)
class Set:
    """A network, the folder it is tested on, and which kind of image counts."""

    network: str
    folder: str
    kind: str = ""


SETS = (
    Set("lungs", "cxr_lungs"),
    Set("hippocampus", "hippocampus_mr"),
    Set("nuclei", "nuclei_dsb2018", "fluorescence"),
)


@dataclass
class Tally:
    """Levels of right and wrong pixels, and what there is of each case."""

    whole: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 256), np.int64))
    band: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, 256), np.int64))
    doubt: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def main() -> None:
    chosen = measuring.options(
        __doc__,
        data={"type": Path, "required": True, "help": "folder of the sets' folders"},
        only={"choices": [s.network for s in SETS]},
        degraded={"action": argparse.BooleanOptionalAction, "default": True},
    )
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    django.setup()
    rows = []
    for each in SETS:
        if chosen.only in (None, each.network):
            rows.append(measured(each, chosen.data / each.folder, chosen.degraded))
            measuring.table(rows[-1:])
    measuring.finish("uncertainty", "none", rows, chosen.json)


def measured(each: Set, folder: Path, with_degraded: bool) -> dict[str, object]:
    from segmentation.engine.calibrating import (
        calibrated,
        confidence_error,
        joined,
        known_pixels,
    )
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.ranking import auroc_of_counts, spearman_interval
    from segmentation.engine.types import Settings

    network = load_network(resolve_network(each.network))
    settings = Settings(threads=1)
    tally, worse, known, near = Tally(), Tally(), [], []
    for number, case in enumerate(cases_of(network, folder, each.kind)):
        judge(network, case, case.picture, tally)
        if with_degraded:
            rng = np.random.default_rng(number)
            pixels = degraded(case.picture.pixels, rng)
            judge(network, case, replace(case.picture, pixels=pixels), worse, maps=False)
        found = known_pixels(network, case.picture, case.truth, settings)
        if found is not None:
            known.append(found)
            # On the network's own grid the band is what is not sure ground by either account.
            p, y = found
            close = (p[0] < 0.99) | (y > 0)
            near.append((p[:, close], y[close]))
    entry = calibrated(validation_pixels(network, folder, each.kind))
    temperature = float(entry.get("temperature", 1.0))
    order = spearman_interval(tally.doubt, tally.loss, tally.groups, 0)
    row: dict[str, object] = {
        "network": f"{each.network}@{network.card['version']}",
        "cases": len(tally.loss),
        "groups": len(set(tally.groups)),
        "auroc": round(auroc_of_counts(*tally.whole), 4),
        "auroc_band": round(auroc_of_counts(*tally.band), 4),
        "wrong_share": round(float(tally.whole[0].sum() / tally.whole.sum()), 4),
        "spearman": round(order.value, 3),
        "low": round(order.low, 3),
        "high": round(order.high, 3),
        "ece": round(confidence_error(joined(known)), 4),
        "ece_band": round(confidence_error(joined(near)), 4),
        "validation_cases": entry.get("cases", 0),
        "temperature": temperature,
        "kept": temperature != 1,
        "ece_tempered": round(confidence_error(joined(known), temperature), 4),
    }
    if with_degraded:
        both = spearman_interval(
            tally.doubt + worse.doubt, tally.loss + worse.loss, tally.groups + worse.groups, 0
        )
        row |= {
            "degraded_spearman": round(both.value, 3),
            "degraded_low": round(both.low, 3),
            "degraded_high": round(both.high, 3),
        }
    return row


def cases_of(network: Any, folder: Path, kind: str) -> Iterator[Any]:
    from segmentation.management.folder import known_cases
    from segmentation.management.reading import LabelBook

    book = LabelBook(network.labels, frozenset())
    for case in known_cases(folder, network.task, book, "test", measuring.say):
        if not kind or case.kind == kind:
            yield case


def validation_pixels(network: Any, folder: Path, kind: str) -> list[Any]:
    from segmentation.engine.calibrating import known_pixels
    from segmentation.engine.types import Settings
    from segmentation.management.folder import training_cases
    from segmentation.management.reading import LabelBook
    from segmentation.management.spool import Spool

    with tempfile.TemporaryDirectory(prefix="uncertainty-") as place:
        book, spool = LabelBook(network.labels, frozenset()), Spool(Path(place))
        cases = training_cases(folder, network.task, book, 0, spool, measuring.say)
        chosen = [c for c in cases if c.split == "validation" and (not kind or c.kind == kind)]
        found = [known_pixels(network, *case.load(), Settings(threads=1)) for case in chosen]
    return [known for known in found if known is not None]


def judge(network: Any, case: Any, picture: Any, tally: Tally, maps: bool = True) -> None:
    """Predict one picture of a case and add it to the tally, unless it has no figure."""
    from segmentation.engine.inference import segment
    from segmentation.engine.render import label_map
    from segmentation.engine.scoring import score_case
    from segmentation.engine.types import Settings

    planes: list[NDArray[np.uint8]] = []
    keep = (lambda _, plane: planes.append(plane.copy())) if maps else None
    found = segment(picture, network, Settings(threads=1), keep_plane=keep)
    figures = score_case(found, case.truth).figures
    names = ("ap50", "ap60", "ap70", "ap80", "ap90") if network.task == "instance2d" else ("dice",)
    values = [figures[name] for name in names]
    if any(value is None for value in values):
        return
    tally.doubt.append(found.uncertainty)
    tally.loss.append(1 - float(np.mean([float(value or 0) for value in values])))
    tally.groups.append(case.group)
    if maps:
        count(np.stack(planes), label_map(found), case.truth, tally)


def count(levels: NDArray[np.uint8], drawn: NDArray[Any], truth: Any, tally: Tally) -> None:
    """Count the levels of wrong pixels (first row) and right ones."""
    from scipy import ndimage

    known = truth.classes if truth.instances is None else truth.instances
    wrong = drawn != known if truth.instances is None else other_object(drawn, known)
    there = np.ones(drawn.shape, np.bool_) if truth.ignore is None else ~truth.ignore
    near = ndimage.distance_transform_edt((drawn == 0) & (known == 0)) <= BAND
    for counts, where in ((tally.whole, there), (tally.band, there & near)):
        counts[0] += np.bincount(levels[where & wrong], minlength=256)
        counts[1] += np.bincount(levels[where & ~wrong], minlength=256)


def other_object(drawn: NDArray[Any], known: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels whose object is not the one that the truth has there, matched at IoU above 0.5."""
    mine, theirs = drawn.astype(np.int64), known.astype(np.int64)
    width = int(theirs.max()) + 1
    pairs = np.bincount((mine * width + theirs).reshape(-1), minlength=(mine.max() + 1) * width)
    shared = pairs.reshape(-1, width)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None] - shared
    iou = shared / np.maximum(either, 1)
    iou[0], iou[:, 0] = 0, 0
    # Above one half a pair is the only one that either has.
    matched = np.where(iou.max(axis=1) > 0.5, iou.argmax(axis=1), -1)
    matched[0] = 0
    return np.asarray(matched[mine] != theirs)


def degraded(pixels: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Blurred, noisy, of another gamma, or darker towards one side, by a drawn amount."""
    from scipy import ndimage

    low, high = float(pixels.min()), float(pixels.max())
    shares = (pixels.astype(np.float32) - low) / max(high - low, 1e-9)
    kind, amount = int(rng.integers(4)), float(rng.random())
    if kind == 0:
        widest = 0.012 * max(pixels.shape[2:])
        sigmas = [0, *(0 if n == 1 else amount * widest for n in pixels.shape[1:])]
        shares = ndimage.gaussian_filter(shares, sigmas)
    elif kind == 1:
        shares = shares + rng.normal(0, 0.3 * amount, shares.shape)
    elif kind == 2:
        shares = np.clip(shares, 0, 1) ** np.exp(rng.choice([-1.0, 1.0]) * 1.5 * amount)
    else:
        shares = shares * np.linspace(1 - amount, 1, pixels.shape[3])
    return np.asarray(low + shares * (high - low), dtype=np.float32)


if __name__ == "__main__":
    main()
