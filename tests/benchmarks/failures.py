"""Where a network fails, for its card: ``python -m tests.benchmarks.failures --network NAME ...``

    python -m tests.benchmarks.failures --network lungs --data DIR --out segmentation/weights/lungs

Scores the test split and draws the worst case of each kind of image (the worst two where there is
one kind) as outlines: the truth, what the network found, and what differs, side by side. No pixel
of an image is shown, so that a card may carry drawings of data that may not be carried along. The
pictures are ``worst-NAME.png`` in ``--out``; where a README.md lies there, its section "Where it
fails" is written anew with the pictures and their figures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.benchmarks import measuring

PANEL_PX = 256
GAP_PX = 6
GROUND, FRAME = (255, 255, 255), (205, 205, 205)
# Okabe and Ito's palette: told apart with any colour vision.
TRUTH, FOUND = (0, 158, 115), (213, 94, 0)
MISSED, INVENTED, OTHER = (0, 114, 178), (240, 228, 66), (204, 121, 167)
HEADING = "## Where it fails"
LEGEND = (
    "The worst cases of the test split, drawn as outlines without the images: left the truth "
    "(green), in the middle what the network says (orange), right what differs (blue: missed, "
    "yellow: too much, purple: another label)."
)
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Case:
    """One scored case: its leading figure (0 to 1), and truth and answer as maps ``(z, y, x)``.

    ``classes`` says that their numbers are labels, which are right or wrong, not objects.
    """

    id: str
    kind: str
    figure: float
    figures: Mapping[str, float | None]
    truth: Labels
    found: Labels
    classes: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", required=True, help="a name, or a network's folder")
    parser.add_argument("--data", type=Path, required=True, help="folder with index.csv")
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--ignore", type=int, action="append", default=[])
    parser.add_argument("--json", action="store_true", help="print one JSON line last")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    django.setup()
    cases = list(scored(chosen))
    if not cases:
        raise SystemExit(f"{chosen.data} has no case of split {chosen.split!r} with a figure.")
    drawn = dict(worst(cases))
    chosen.out.mkdir(parents=True, exist_ok=True)
    for old in chosen.out.glob("worst-*.png"):
        old.unlink()
    for name, case in drawn.items():
        save(picture(case), chosen.out / f"worst-{name}.png")
    readme = chosen.out / "README.md"
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        readme.write_text(with_section(text, section(drawn)), encoding="utf-8")
    told = [
        {"picture": f"worst-{name}.png", "case": case.id, "kind": case.kind, **case.figures}
        for name, case in drawn.items()
    ]
    for row in told:
        measuring.say(str(row))
    if chosen.json:
        print(json.dumps({"network": chosen.network, "cases": len(cases), "worst": told}))


def scored(chosen: argparse.Namespace) -> Iterable[Case]:
    """All cases of the split that have a figure; only the maps of both sides are kept."""
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.render import label_map
    from segmentation.engine.scoring import CASE_FIGURE, score_case
    from segmentation.engine.types import Settings
    from segmentation.management.folder import known_cases
    from segmentation.management.reading import LabelBook

    network = load_network(resolve_network(chosen.network))
    book = LabelBook(network.labels, frozenset(chosen.ignore))
    settings = Settings(device="cpu", threads=1)
    for known in known_cases(chosen.data, network.task, book, chosen.split, measuring.say):
        found = segment(known.picture, network, settings)
        figures = score_case(found, known.truth).figures
        figure = figures[CASE_FIGURE[network.task]]
        if figure is not None:
            truth, answer = truth_map(known.truth, found.grid_zyx), label_map(found)
            if known.truth.ignore is not None:
                answer = np.where(known.truth.ignore, 0, answer)
                truth = np.where(known.truth.ignore, 0, truth)
            classes = known.truth.instances is None and known.truth.classes is not None
            yield Case(known.id, known.kind, figure, figures, truth, answer, classes)


def truth_map(truth: Any, grid_zyx: tuple[int, int, int]) -> Labels:
    """Truth of any task as a map of numbers; boxes are filled, smaller ones on top."""
    if truth.instances is not None:
        return np.asarray(truth.instances)
    if truth.classes is not None:
        return np.asarray(truth.classes)
    drawn = np.zeros(grid_zyx, np.uint16)
    boxes = sorted((box for _, box in truth.boxes or ()), key=lambda b: -area(b))
    for number, (x1, y1, x2, y2) in enumerate(boxes, start=1):
        drawn[0, max(0, y1) : y2, max(0, x1) : x2] = number
    return drawn


def area(box: Sequence[int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def worst(cases: Sequence[Case]) -> list[tuple[str, Case]]:
    """The worst case of each kind by name, or the worst two of the only kind; ties by id."""
    ranked = sorted(cases, key=lambda case: (case.figure, case.id))
    kinds = sorted({case.kind for case in cases})
    if len(kinds) == 1:
        return [(str(number), case) for number, case in enumerate(ranked[:2], start=1)]
    return [(kind or "other", next(c for c in ranked if c.kind == kind)) for kind in kinds]


def picture(case: Case) -> NDArray[np.uint8]:
    """Truth, answer and difference of one slice, ``(y, x, 3)``: the one that differs most."""
    differs = case.truth != case.found if case.classes else (case.truth > 0) != (case.found > 0)
    differing = np.count_nonzero(differs, axis=(1, 2))
    if not differing.any():
        differing = np.count_nonzero(case.truth, axis=(1, 2))
    z = int(differing.argmax())
    truth, found = fitted(case.truth[z]), fitted(case.found[z])
    panels = [panel(truth.shape) for _ in range(3)]
    panels[0][outline(truth)] = TRUTH
    panels[1][outline(found)] = FOUND
    panels[2][(truth > 0) & (found == 0)] = MISSED
    panels[2][(truth == 0) & (found > 0)] = INVENTED
    if case.classes:
        panels[2][(truth != found) & (truth > 0) & (found > 0)] = OTHER
    panels[2][outline(truth)] = TRUTH
    gap = np.full((truth.shape[0], GAP_PX, 3), FRAME, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)


def panel(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.full((*shape, 3), GROUND, np.uint8)


def fitted(labels: Labels) -> Labels:
    """A slice whose longest side is about that of a panel, without new numbers."""
    longest = max(labels.shape)
    size = [max(1, round(n * PANEL_PX / longest)) for n in labels.shape]
    rows, columns = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for new, old in zip(size, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]


def outline(labels: Labels) -> NDArray[np.bool_]:
    """Pixels of a label beside (4-neighbourhood) another label, the ground or the border."""
    padded = np.pad(labels, 1)
    edge = np.zeros(labels.shape, np.bool_)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = padded[dy : dy + labels.shape[0], dx : dx + labels.shape[1]]
        edge |= beside != labels
    return edge & (labels > 0)


def save(pixels: NDArray[np.uint8], path: Path) -> None:
    """A PNG of few colours, which takes a few kilobytes."""
    Image.fromarray(pixels).quantize(16).save(path, optimize=True)


def section(drawn: Mapping[str, Case]) -> str:
    lines = [HEADING, "", LEGEND]
    for name, case in drawn.items():
        lines += ["", f"![{case.id} in outlines](worst-{name}.png)", "", sentence(case)]
    return "\n".join(lines)


def sentence(case: Case) -> str:
    """What the picture shows, in figures."""
    kind = f"{case.kind.replace('_', ' ')}, " if case.kind else ""
    figures = case.figures
    if "found" in figures:
        found, missed, invented = (int(figures[n] or 0) for n in ("found", "missed", "invented"))
        told = f"of {found + missed} objects {found} found, {missed} missed, {invented} invented"
        return f"{case.id} ({kind}AP {case.figure:.2f} at IoU 0.5): {told}."
    wanted = "dice " if case.classes else "ap50 "
    parts = [f"{n} {v:.2f}" for n, v in figures.items() if v is not None and n.startswith(wanted)]
    if not case.classes:
        return f"{case.id} ({kind}{', '.join(parts)})."
    true = case.truth > 0
    missed, more = true & (case.found != case.truth), ~true & (case.found > 0)
    told = f"{share(missed, true)} of the truth missed, {share(more, true)} too much"
    return f"{case.id} ({kind}{', '.join(parts)}): {told}."


def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> str:
    """How many per cent of the whole a part is, in pixels."""
    return f"{100 * int(part.sum()) / max(1, int(whole.sum())):.0f} %"


def with_section(text: str, fresh: str) -> str:
    """A README with the section in place of its old one, else before its limits."""
    old = re.search(rf"^{HEADING}\n.*?(?=^## |\Z)", text, re.M | re.S)
    if old is not None:
        return f"{text[: old.start()]}{fresh}\n\n{text[old.end() :]}".rstrip() + "\n"
    head, limits, tail = text.partition("## Limits\n")
    return f"{head.rstrip()}\n\n{fresh}\n\n{limits}{tail}".rstrip() + "\n"


if __name__ == "__main__":
    main()
