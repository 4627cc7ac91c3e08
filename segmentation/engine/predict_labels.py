"""Labels of a whole image: every label with its probability, none suppressed."""

from __future__ import annotations

import torch
from torch import Tensor

from segmentation.engine.augment import Layers
from segmentation.engine.prediction import Found, Work, binary_entropy
from segmentation.engine.samples import Example, shrink
from segmentation.engine.types import Candidate


def predict_labels(work: Work) -> Found:
    """One candidate per label, best first; of a volume, its middle slice is judged."""
    example = shrink(Example(Layers(work.pixels, {}), 0), work.patch_zyx)
    logits = work.run(example.layers.pixels[:, 0])
    if not isinstance(logits, Tensor):
        raise TypeError("A network for image labels must answer with one tensor.")
    scores = torch.sigmoid(logits[0]).to("cpu").numpy()
    work.tell(1, 1)
    candidates = [Candidate(label, float(score)) for label, score in enumerate(scores, start=1)]
    candidates.sort(key=lambda c: (-c.score, c.label))
    return Found(tuple(candidates), (), float(binary_entropy(scores).mean()))
