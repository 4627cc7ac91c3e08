"""What training minimises. Logits in, one number out; ignored pixels weigh nothing."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from segmentation.engine.networks.star import StarOutput
from segmentation.engine.targets import IGNORED


class StarTruth(NamedTuple):
    """A batch of ``targets.StarTargets``: probability and weight (b, h/grid, w/grid), rays
    (b, rays, h/grid, w/grid), foreground and classes (b, h, w)."""

    probability: Tensor
    rays: Tensor
    foreground: Tensor
    classes: Tensor
    weight: Tensor


def polar_iou_loss(log_rays: Tensor, rays: Tensor, weight: Tensor) -> Tensor:
    """One minus the polar IoU (PolarMask, Xie et al., CVPR 2020), a mean weighted by ``weight``.

    ``log_rays`` and ``rays`` are (b, n, h, w), ``weight`` (b, h, w). The ratio of the smaller to
    the larger rays does not depend on an object's size. 0 where no point has weight.
    """
    predicted = log_rays.exp()
    smaller = torch.minimum(predicted, rays).sum(dim=1)
    larger = torch.maximum(predicted, rays).sum(dim=1)
    loss = 1 - smaller / larger.clamp_min(1e-6)
    return (loss * weight).sum() / weight.sum().clamp_min(1e-6)


def soft_dice_loss(probabilities: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """One minus the soft Dice coefficient over the whole batch (Milletari et al., 3DV 2016).

    All ``(b, classes, *s)``, ``known`` broadcastable; the mean over classes. A class that is
    neither true nor predicted costs nothing: the sums are smoothed by one pixel.
    """
    axes = [0, *range(2, probabilities.ndim)]
    shared = (probabilities * truth * known).sum(dim=axes)
    total = ((probabilities + truth) * known).sum(dim=axes)
    return (1 - (2 * shared + 1) / (total + 1)).mean()


def star_loss(output: StarOutput, truth: StarTruth) -> Tensor:
    """BCE(probability) + 2 polar IoU + (BCE + Dice)(foreground) / 2 + CE(label) / 2."""
    probability = output.probability[:, 0]
    bce = functional.binary_cross_entropy_with_logits(
        probability, truth.probability, reduction="none"
    )
    loss = (bce * truth.weight).sum() / truth.weight.sum().clamp_min(1)
    loss = loss + 2 * polar_iou_loss(output.log_rays, truth.rays, truth.probability * truth.weight)
    loss = loss + 0.5 * _foreground_loss(output.fine[:, 0], truth.foreground)
    if output.fine.shape[1] > 1:
        loss = loss + 0.5 * _object_class_loss(output.fine[:, 1:], truth.classes)
    return loss


def _foreground_loss(logits: Tensor, foreground: Tensor) -> Tensor:
    known = (foreground != IGNORED).float()
    truth = (foreground == 1).float()
    bce = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    dice = soft_dice_loss(logits.sigmoid()[:, None], truth[:, None], known[:, None])
    return (bce * known).sum() / known.sum().clamp_min(1) + dice


def _object_class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy of the label inside objects; 0 where no object has a label.

    The labels of a batch weigh by the root of their numbers of pixels, so that one of few or small
    objects is not lost beside a common one.
    """
    inside = (classes > 0) & (classes != IGNORED)
    wanted = torch.where(inside, classes.long() - 1, torch.full_like(classes.long(), -100))
    counts = torch.bincount(wanted[inside], minlength=logits.shape[1]).to(logits.dtype)
    weight = counts.clamp_min(1).rsqrt()
    total = functional.cross_entropy(logits, wanted, weight, ignore_index=-100, reduction="sum")
    return total / (counts * weight).sum().clamp_min(1)


def semantic_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy plus soft Dice of the classes after background (nnU-Net's pair).

    ``logits`` (b, 1 + labels, *s), ``classes`` uint8 (b, *s) with IGNORED.
    """
    known = classes != IGNORED
    wanted = torch.where(known, classes.long(), torch.zeros_like(classes.long()))
    entropy = functional.cross_entropy(logits, wanted, reduction="none")
    weight = known.float()
    hot = functional.one_hot(wanted, logits.shape[1]).movedim(-1, 1).float()
    dice = soft_dice_loss(logits.softmax(dim=1)[:, 1:], hot[:, 1:], weight[:, None])
    return (entropy * weight).sum() / weight.sum().clamp_min(1) + dice


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy per label; ``labels`` (b,) counts from 1, 0 is none of them."""
    hot = functional.one_hot(labels.long(), logits.shape[1] + 1)[:, 1:].float()
    return functional.binary_cross_entropy_with_logits(logits, hot)
