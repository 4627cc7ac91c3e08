"""Champion against challenger on the same hold-out, case by case, with pictures of the worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from segmentation.engine.cases import Truth
from segmentation.engine.gate import PairedScore, Verdict, judge
from segmentation.engine.inference import segment
from segmentation.engine.moments import join_moments
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.render import label_map as painted
from segmentation.engine.scoring import CASE_FIGURE, CaseScore, score_case, summarise
from segmentation.engine.types import Candidate, Picture, Segmentation, Settings, Task
from segmentation.errors import InvalidInputError
from segmentation.jobs.work import Work
from segmentation.models import Blob, Comparison, Label, NetworkVersion
from segmentation.services.audit import event_record
from segmentation.services.comparison_pictures import (
    picture_of_boxes,
    picture_of_masks,
    worst_slice,
)
from segmentation.services.learning_cases import (
    Entry,
    KnownCase,
    case_load,
    entries_of,
    order_of,
    task_of,
)
from segmentation.services.network_choice import label_map
from segmentation.services.networks import network_load
from segmentation.services.truths import LabelOrder
from segmentation.storage.blobs import blob_put

PICTURES = 10


@dataclass(frozen=True)
class _Compared:
    """One hold-out case with both networks' figures; None where there is nothing to score."""

    entry: Entry
    champion: Mapping[str, float | None]
    challenger: Mapping[str, float | None]
    picture: bytes


def comparison_execute(work: Work) -> None:
    """Run both networks over the hold-out, score them, let the gate judge, keep the pictures."""
    comparison = Comparison.objects.select_related(
        "training_set__project", "training_set__recipe", "champion", "challenger"
    ).get(pk=work.payload["comparison"])
    entries = entries_of(comparison.training_set, "holdout", comparison.kind)
    if not entries:
        raise InvalidInputError(
            "No accepted case is in the hold-out yet, so there is nothing to compare on. Accept "
            "cases that are marked as hold-out, freeze a new training set and compare again."
        )
    bench = _Bench(comparison, task_of(comparison.training_set, entries))
    compared = []
    for place, entry in enumerate(entries):
        work.check()
        work.progress(place / len(entries), f"Hold-out case {place + 1} of {len(entries)}")
        compared.append(bench.compare(entry))
    per_label = _per_label(compared, bench.figure)
    leads = {told["label"]: told["challenger"] - told["champion"] for told in per_label}
    verdict = judge(_paired(compared, bench.figure), leads)
    if comparison.champion is None:
        verdict = _without_champion(verdict)
    results = _results(compared, verdict, bench.figure) | {"per_label": per_label}
    with work.recording() as result:
        Comparison.objects.filter(pk=comparison.pk).update(
            outcome=verdict.outcome, reason=verdict.reason, results=results
        )
        event_record(
            comparison.training_set.project,
            "comparison.finish",
            actor=None,
            subject={"comparison": str(comparison.id), "outcome": verdict.outcome},
        )
        result.update(comparison=str(comparison.id), outcome=verdict.outcome)


class _Bench:
    """Both networks, ready to be held against the truth of one case after another."""

    def __init__(self, comparison: Comparison, task: Task) -> None:
        frozen = comparison.training_set
        self._task = task
        self._champion, self._challenger = comparison.champion, comparison.challenger
        # A recipe that a person set rules both; otherwise each network brings its own.
        steps = frozen.recipe.steps if frozen.recipe.number > 1 else None
        self._recipe = parse_recipe(steps) if steps else None
        self._order = order_of(frozen)
        self._labels = list(Label.objects.filter(project=frozen.project, retired_at=None))
        self.figure = CASE_FIGURE[task]

    def compare(self, entry: Entry) -> _Compared:
        """Both networks on every moment that is known; the picture is of the worst of them."""
        known = case_load(entry, self._task, self._order)
        if self._task == "labels2d" and len(known.moments) > 1:
            return self._compare_labels(entry, known)
        champion, challenger = [], []
        worst, picture = math.inf, b""
        for t in known.moments:
            shown, truth = known.picture(t), known.truth(t)
            before = self._segment(self._champion, shown)
            after = self._segment(self._challenger, shown)
            champion.append(score_case(before, truth))
            challenger.append(score_case(after, truth))
            lead = self._lead(champion[-1], challenger[-1])
            if not picture or lead < worst:
                worst, picture = lead, _picture(self._task, shown, truth, before, after)
        return _Compared(entry, self._pooled(champion), self._pooled(challenger), picture)

    def _compare_labels(self, entry: Entry, known: KnownCase) -> _Compared:
        """One answer for all moments, as a prediction gives it."""
        shown, truth = known.picture(known.moments[0]), known.truth(known.moments[0])
        before, after = (
            join_moments([self._segment(version, known.picture(t)) for t in known.moments])
            for version in (self._champion, self._challenger)
        )
        return _Compared(
            entry,
            score_case(before, truth).figures,
            score_case(after, truth).figures,
            _picture(self._task, shown, truth, before, after),
        )

    def _pooled(self, scores: Sequence[CaseScore]) -> Mapping[str, float | None]:
        return scores[0].figures if len(scores) == 1 else summarise(self._task, scores)

    def _lead(self, champion: CaseScore, challenger: CaseScore) -> float:
        lead = _number(challenger.figures.get(self.figure)) - _number(
            champion.figures.get(self.figure)
        )
        return lead if math.isfinite(lead) else math.inf

    def _segment(self, version: NetworkVersion | None, picture: Picture) -> Segmentation:
        if version is None:
            return _nothing(self._task, self._order, picture)
        found = segment(picture, network_load(version), Settings(), self._recipe)
        return relabelled(found, label_map(found.labels, self._labels), self._order)


def relabelled(found: Segmentation, label_of: Mapping[int, int], order: LabelOrder) -> Segmentation:
    """A segmentation in the project's labels; candidates without a label there are left out."""
    numbers = {
        label: order.number_of[index]
        for label, index in label_of.items()
        if index in order.number_of
    }
    kept = tuple(
        replace(candidate, label=numbers[candidate.label])
        for candidate in found.candidates
        if candidate.label in numbers and candidate.suppressed_by is None
    )
    return replace(found, labels=order.names, candidates=kept, overlaps=())


def _nothing(task: Task, order: LabelOrder, picture: Picture) -> Segmentation:
    """What a project without a champion predicts: nothing, and every image label with score 0."""
    _, z, y, x = picture.pixels.shape
    numbers = range(1, len(order.names) + 1) if task == "labels2d" else ()
    none = tuple(Candidate(label=number, score=0.0) for number in numbers)
    return Segmentation(
        task, order.names, none, (), (z, y, x), 1.0, 1.0, uncertainty=0.0, device="", seconds=0.0
    )


def _paired(compared: Sequence[_Compared], figure: str) -> list[PairedScore]:
    return [
        PairedScore(
            case=one.entry["case"],
            patient=one.entry["patient_key"] or one.entry["group"] or one.entry["case"],
            champion=_number(one.champion.get(figure)),
            challenger=_number(one.challenger.get(figure)),
        )
        for one in compared
    ]


def _per_label(compared: Sequence[_Compared], figure: str) -> list[dict[str, Any]]:
    """Both networks' mean figures per label, over the cases that both can be scored on."""
    names = {name for one in compared for name in one.challenger if name.startswith(f"{figure} ")}
    told = []
    for name in sorted(names):
        pairs = [(_number(one.champion.get(name)), _number(one.challenger.get(name)))
                 for one in compared]  # fmt: skip
        known = np.array([pair for pair in pairs if np.isfinite(pair).all()]).reshape(-1, 2)
        if known.size:
            champion, challenger = (float(value) for value in known.mean(axis=0))
            label = name.removeprefix(f"{figure} ")
            told.append({"label": label, "champion": champion, "challenger": challenger})
    return told


def _without_champion(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        outcome="needs_person",
        reason="This project has no network yet, so there is nothing to compare with. Look at the "
        f"cases below and decide whether the new one is good enough ({verdict.challenger:.3f}).",
    )


def _results(compared: Sequence[_Compared], verdict: Verdict, figure: str) -> dict[str, Any]:
    """What the page shows; the cases with the largest loss first, pictures for those."""
    ordered = sorted(compared, key=lambda one: _lead(one, figure))
    cases = []
    for place, one in enumerate(ordered):
        blob = blob_put(one.picture, Blob.Kind.PICTURE) if place < PICTURES else None
        lead = _lead(one, figure)
        cases.append(
            {
                "case": one.entry["case"],
                "number": one.entry["number"],
                "champion": one.champion.get(figure),
                "challenger": one.challenger.get(figure),
                "difference": lead if np.isfinite(lead) else None,
                "picture": blob.sha256 if blob else None,
            }
        )
    summary = {name: _finite(value) for name, value in asdict(verdict).items()}
    return {"figure": figure, "summary": summary, "cases": cases}


def _lead(one: _Compared, figure: str) -> float:
    """The challenger's lead on a case; infinite where it cannot be told, so that it comes last."""
    lead = _number(one.challenger.get(figure)) - _number(one.champion.get(figure))
    return lead if np.isfinite(lead) else float("inf")


def _picture(
    task: Task, picture: Picture, truth: Truth, before: Segmentation, after: Segmentation
) -> bytes:
    if task in ("boxes2d", "labels2d"):
        drawn = [box for _, box in truth.boxes or ()]
        return picture_of_boxes(picture.pixels[:, 0], drawn, _boxes(before), _boxes(after))
    known = truth.instances if truth.instances is not None else truth.classes
    if known is None:
        raise InvalidInputError("A hold-out case has no mask to compare with.")
    maps = painted(before), painted(after)
    z = worst_slice(known, *maps)
    return picture_of_masks(picture.pixels[:, z], known[z], maps[0][z], maps[1][z])


def _boxes(found: Segmentation) -> list[tuple[int, int, int, int]]:
    return [candidate.box for candidate in found.candidates if candidate.box is not None]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _finite(value: Any) -> Any:
    """JSON knows no infinity."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
