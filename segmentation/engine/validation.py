"""The figures of a network over cases whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

from segmentation.engine.cases import TrainingCase
from segmentation.engine.checkpoints import Network
from segmentation.engine.config import Recipe
from segmentation.engine.inference import segment
from segmentation.engine.prompt_scoring import validate_prompts
from segmentation.engine.scoring import score_case, summarise
from segmentation.engine.types import PROMPT_TASKS, Settings


def validate(
    network: Network, cases: Sequence[TrainingCase], recipe: Recipe, device: str = "cpu"
) -> dict[str, float | None]:
    """Segment every case and score it; the figures over all of them, by name."""
    if network.task in PROMPT_TASKS:
        return validate_prompts(network, cases, device)
    scores = []
    for case in cases:
        picture, truth = case.load()
        found = segment(picture, network, Settings(device=device, runtime="torch"), recipe)
        scores.append(score_case(found, truth))
    return summarise(network.task, scores)
