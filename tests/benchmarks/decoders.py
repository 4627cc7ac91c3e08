"""Three decoders on the maps of the same networks: ``python -m tests.benchmarks.decoders``.

Star and NMS is what StarDist does; star, NMS and refinement is what the product does; foreground
and watershed is the usual peer without stars (distance to the background, smoothed, its maxima as
seeds; scikit-image). Each has one figure chosen on a sample of the training images, with equally
many tries, and is then scored on other groups of images: those that ``train`` with the same
``--seed`` would set aside, or the test split.

Networks are named (``--networks``), or trained from scratch here, one per seed (``--seeds``). A
named one may have learnt from the images set aside here: its figures are then too good, for all
three decoders alike. The
figure is TP / (TP + FP + FN), pooled over images, at an IoU of more than the threshold; intervals
are 95 % percentiles over resampled groups of images.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CUTOFFS = (0.3, 0.4, 0.5, 0.6, 0.7)
SMOOTHED = (0.5, 1.0, 1.5, 2.0, 3.0)
LEAST_AREA = 9
RESAMPLES = 2000


class Decoder(NamedTuple):
    """``draw(maps, figure)`` gives the label image; ``figures`` are what it may be set to."""

    name: str
    figures: tuple[float, ...]
    draw: Callable[[Any, float], Labels]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--networks", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="*", type=int, default=[])
    parser.add_argument("--steps", type=int, default=400, help="length of training per seed")
    parser.add_argument("--seed", type=int, default=0, help="which groups are set aside")
    parser.add_argument("--split", choices=["validation", "test"], default="validation")
    parser.add_argument("--kind", default="fluorescence", help="'' for all kinds")
    parser.add_argument("--sample", type=int, default=40, help="training images to choose on")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    with tempfile.TemporaryDirectory(prefix="decoders-") as folder:
        cases, scored = read(options, Path(folder))
        named = [(name, shipped(name)) for name in options.networks]
        named += [(f"seed {s}", trained(cases, options, s, Path(folder))) for s in options.seeds]
        learnt = [case for case in cases if case.split == "train" and fits(case, options.kind)]
        sample = learnt[:: max(1, len(learnt) // options.sample)]
        answer = {
            "data": options.data.name,
            "split": options.split,
            "kind": options.kind or "all",
            "images": len(scored),
            "groups": len({case.group for case in scored}),
            "networks": {name: compare(net, sample, scored, options) for name, net in named},
        }
    print(json.dumps(answer, indent=1) if options.json else told(answer))


def fits(case: Any, kind: str) -> bool:
    return not kind or case.kind == kind


def read(options: argparse.Namespace, folder: Path) -> tuple[list[Any], list[Any]]:
    """All training cases as ``train`` sees them, and those to score."""
    from segmentation.engine.cases import TrainingCase
    from segmentation.management.folder import known_cases, training_cases
    from segmentation.management.reading import LabelBook
    from segmentation.management.spool import Spool

    book, spool = LabelBook(("nucleus",), frozenset()), Spool(folder)
    cases = training_cases(options.data, "instance2d", book, options.seed, spool, print)
    scored = [case for case in cases if case.split == "validation"]
    if options.split == "test":
        scored = [
            TrainingCase(c.id, spool.put(c.picture, c.truth), c.group, "validation", 1.0, c.kind)
            for c in known_cases(options.data, "instance2d", book, "test", print)
        ]
    return cases, [case for case in scored if fits(case, options.kind)]


def shipped(name: str) -> Any:
    from segmentation.engine.checkpoints import load_network, resolve_network

    return load_network(resolve_network(name))


def trained(cases: list[Any], options: argparse.Namespace, seed: int, folder: Path) -> Any:
    """A network from scratch, the same cases set aside for every seed."""
    from segmentation.engine.preprocessing import parse_recipe
    from segmentation.engine.training import Budget, train

    recipe = parse_recipe({"steps": [{"name": "normalise", "method": "percentile"}]})
    learnt = [case for case in cases if case.split == "train"]
    budget, out = Budget(steps=options.steps), folder / f"seed{seed}"
    return train(
        learnt, "instance2d", ["nucleus"], budget, seed, None, recipe, out, lambda event: None
    )


class Maps(NamedTuple):
    """What a network says of one image, and the two inputs that the product's decoder needs."""

    proposals: Any
    foreground: NDArray[np.uint8]
    picture: Any
    network: Any


def maps_of(network: Any, picture: Any) -> Maps:
    import torch

    from segmentation.engine import preprocessing
    from segmentation.engine.decode import propose, thin
    from segmentation.engine.networks.star import StarOutput
    from segmentation.engine.pixels import match_channels, round_up

    recipe = preprocessing.parse_recipe(network.card["recipe"])
    prepared = preprocessing.apply(recipe, picture)
    channels = int(network.card["architecture"]["inputs"])
    pixels = match_channels(prepared.pixels, channels)[:, 0]
    height, width = pixels.shape[1:]
    beyond = [(0, 0), *((0, round_up(n, 32) - n) for n in (height, width))]
    padded = torch.from_numpy(np.pad(pixels, beyond, mode="symmetric"))[None]
    with torch.inference_mode():
        output = StarOutput(*network.module.eval()(padded))
    grid: Literal[2, 4] = 2 if output.fine.shape[2] == 2 * output.probability.shape[2] else 4
    probability = output.probability[0, 0].sigmoid().numpy()
    found = propose(probability, output.log_rays[0].numpy(), min(CUTOFFS), (0, 0), grid)
    inside = (found.centres[:, 0] < height) & (found.centres[:, 1] < width)
    level = (output.fine[0, 0].sigmoid() * 255).round().numpy().astype(np.uint8)
    return Maps(thin(found.take(inside)), level[:height, :width], picture, network)


def star(maps: Maps, cutoff: float) -> Labels:
    """Polygons, suppressed by overlap; the better score on top."""
    from segmentation.engine import nms
    from segmentation.engine.decode import polygons
    from segmentation.engine.spans import spans_from_polygons

    there = maps.proposals.take(maps.proposals.scores >= cutoff)
    spans = spans_from_polygons(polygons(there), maps.foreground.shape)
    groups = np.zeros(len(there), np.int64)
    keep = nms.suppress(spans, there.scores, groups, maps.network.card["overlap_cutoff"]).keep
    drawn = np.zeros(maps.foreground.shape, np.int32)
    for n in np.flatnonzero(keep)[::-1]:
        for k in range(spans.offsets[n], spans.offsets[n + 1]):
            drawn[spans.y[k], spans.x1[k] : spans.x2[k]] = n + 1
    return drawn


def refined(maps: Maps, cutoff: float) -> Labels:
    """What the product shows."""
    from segmentation.engine.inference import segment
    from segmentation.engine.render import label_map
    from segmentation.engine.types import Settings

    settings = Settings(score_cutoff=cutoff, device="cpu")
    drawn: Labels = label_map(segment(maps.picture, maps.network, settings))[0]
    return drawn


def watershed(maps: Maps, sigma: float) -> Labels:
    """Foreground cut at the valleys of its distance to the background."""
    from scipy import ndimage
    from skimage import feature, morphology, segmentation

    peaks_of: Any = feature.peak_local_max
    flood: Any = segmentation.watershed
    inside = ndimage.binary_fill_holes(maps.foreground >= 128)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), sigma)
    parts, _ = ndimage.label(inside)
    seeds = np.zeros(inside.shape, np.int32)
    peaks = peaks_of(depth, min_distance=2, labels=parts, exclude_border=False)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    drawn = flood(-depth, seeds, mask=inside)
    large: Labels = morphology.remove_small_objects(drawn, max_size=LEAST_AREA)
    return large


DECODERS = (
    Decoder("star + NMS", CUTOFFS, star),
    Decoder("star + NMS + refine", CUTOFFS, refined),
    Decoder("foreground + watershed", SMOOTHED, watershed),
)


def compare(
    network: Any, sample: Sequence[Any], scored: Sequence[Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Each decoder's figures with intervals, and the product's lead over the other two."""
    chosen = {d.name: choose(d, network, sample) for d in DECODERS}
    counts = {
        d.name: np.array([counted(d, network, case, chosen[d.name]) for case in scored])
        for d in DECODERS
    }
    _, groups = np.unique([case.group for case in scored], return_inverse=True)
    draws = resampled(groups)
    precise = {name: precision(draws @ per_group(c, groups)) for name, c in counts.items()}
    own = DECODERS[1].name
    answer: dict[str, Any] = {}
    for name, values in counts.items():
        answer[name] = {
            "chosen": chosen[name],
            "ap": [round(v, 4) for v in precision(values.sum(axis=0)[None])[0].tolist()],
            "interval": interval(precise[name]),
        }
        if name != own:
            answer[name]["lead of refine"] = interval(precise[own] - precise[name])
    return answer


def choose(decoder: Decoder, network: Any, sample: Sequence[Any]) -> float:
    """The figure with the best mean over the thresholds."""

    def mean(figure: float) -> float:
        counts = sum(counted(decoder, network, case, figure) for case in sample)
        return float(precision(np.asarray(counts)[None]).mean())

    return max(decoder.figures, key=mean)


MAPS: dict[tuple[int, str], Maps] = {}


def counted(decoder: Decoder, network: Any, case: Any, figure: float) -> NDArray[np.int64]:
    """Per threshold (found, all that are found, invented or missed)."""
    from segmentation.engine.matching import average_precision

    picture, truth = case.load()
    key = (id(network), case.id)
    if key not in MAPS:
        MAPS[key] = maps_of(network, picture)
    drawn = decoder.draw(MAPS[key], figure)
    found = average_precision(truth.instances[0], drawn, THRESHOLDS)
    whole = [c.true_positive + c.false_positive + c.false_negative for c in found]
    return np.array([[c.true_positive for c in found], whole])


def per_group(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros((groups.max() + 1, *counts.shape[1:]), np.int64)
    np.add.at(sums, groups, counts)
    return sums.reshape(len(sums), -1)


def resampled(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each group is drawn, (resamples, groups)."""
    count = int(groups.max()) + 1
    rng = np.random.default_rng(0)
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)


def precision(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    found, whole = np.split(counts.reshape(len(counts), -1), 2, axis=1)
    return found / np.maximum(whole, 1)


def interval(values: NDArray[np.float64]) -> list[list[float]]:
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return [[round(a, 4), round(b, 4)] for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def told(answer: dict[str, Any]) -> str:
    head = f"{answer['images']} images of {answer['groups']} groups, {answer['kind']}"
    lines = [f"{head}, {answer['split']}; AP at an IoU of {THRESHOLDS}"]
    for network, decoders in answer["networks"].items():
        lines.append(network)
        for name, found in decoders.items():
            values = zip(found["ap"], found["interval"], strict=True)
            cells = [f"{v:.3f} ({low:.3f}-{high:.3f})" for v, (low, high) in values]
            lines.append(f"  {name:24s} {'  '.join(cells)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
