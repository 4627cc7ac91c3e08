"""``segment`` with networks whose answer is known, and with a trained one, on drawn images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from segmentation.engine import masks, nms, predict_objects
from segmentation.engine.checkpoints import Network
from segmentation.engine.errors import CancelledError, InvalidArrayError, UnsuitableImageError
from segmentation.engine.inference import segment
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.networks.star import Grid, StarNet
from segmentation.engine.prediction import tile_starts
from segmentation.engine.render import kept, label_map
from segmentation.engine.targets import star_targets
from segmentation.engine.types import Picture, Settings
from tests.engine.drawn import ball, discs

CPU = Settings(device="cpu", threads=1)


class Oracle(nn.Module):
    """Reads objects off an image in which every object has a grey value of its own."""

    def __init__(self, grid: Grid = 4) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        labels = x[0, 0].numpy().round().astype(np.uint16)
        targets = star_targets(labels, None, None, 32, self.grid)
        probability = torch.logit(torch.from_numpy(targets.probability), eps=1e-6)
        rays = torch.from_numpy(np.maximum(targets.rays, 0.1)).log()
        fine = torch.from_numpy(targets.foreground.astype(np.float32)) * 20 - 10
        return probability[None, None], rays[None], fine[None, None]


class OracleOfOne(Oracle):
    """The same for a single bright object: blended greys at its edge are no other objects."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return super().forward((x > 50).float())


class Brightness(nn.Module):
    """Pixel classes by brightness: above 0.5 label 1, above 1.5 label 2."""

    def forward(self, x: Tensor) -> Tensor:
        grey = x[:, 0]
        return torch.stack([0.5 - grey, 0.5 - (grey - 1).abs(), grey - 1.5], dim=1) * 20


def network(task: Any, module: nn.Module, **card: Any) -> Network:
    labels = ["one", "two"] if task.startswith("semantic") else ["nucleus"]
    whole = {
        "name": "drawn",
        "task": task,
        "architecture": {"inputs": 1},
        "recipe": {"steps": []},
        "patch_zyx": [1, 64, 64],
        "score_cutoff": 0.5,
        "overlap_cutoff": 0.4,
        **card,
    }
    return Network(task, tuple(labels), whole, module.eval())


def numbered(labels: np.ndarray) -> Picture:
    return Picture(labels[None].astype(np.uint8))


def assert_same_objects(found: np.ndarray, truth: np.ndarray, iou: float) -> None:
    assert len(np.unique(found)) == len(np.unique(truth))
    for value in np.unique(truth)[1:]:
        there = truth == value
        best = np.bincount(found[there]).argmax()
        mine = found == best
        assert (mine & there).sum() / (mine | there).sum() > iou


@pytest.mark.parametrize("grid", [2, 4])
def test_objects_come_back_where_they_are(grid) -> None:
    truth = discs(3)[1].instances
    found = segment(numbered(truth), network("instance2d", Oracle(grid)), CPU)
    assert found.grid_zyx == truth.shape
    assert_same_objects(label_map(found), truth, 0.95)
    scores = [c.score for c in found.candidates]
    assert scores == sorted(scores, reverse=True)
    for candidate in kept(found):
        assert candidate.box == masks.bounding_box(candidate.slices[0], truth.shape[2])


@pytest.mark.parametrize("grid", [2, 4])
def test_tiles_make_no_difference(monkeypatch, grid) -> None:
    truth = discs(4, size=200, count=20)[1].instances
    whole = segment(numbered(truth), network("instance2d", Oracle(grid)), CPU)
    monkeypatch.setattr(predict_objects, "CORE", 64)
    monkeypatch.setattr(predict_objects, "HALO", 32)
    tiled = segment(numbered(truth), network("instance2d", Oracle(grid)), CPU)
    assert np.array_equal(label_map(whole) > 0, label_map(tiled) > 0)
    assert [c.box for c in kept(whole)] == [c.box for c in kept(tiled)]


def test_the_recipe_s_size_is_undone_exactly() -> None:
    truth = np.kron(discs(5)[1].instances, np.ones((1, 2, 2), np.uint16))[:, :191, :187]
    size = {"name": "size", "method": "height_width", "longest": 96, "smooth": False}
    half = network("instance2d", OracleOfOne(), recipe={"steps": [size]})
    one = np.where(truth == 1, 100, 0)
    found = segment(numbered(one), half, CPU)
    drawn = label_map(found)
    assert drawn.shape == truth.shape
    shared = ((drawn > 0) & (truth == 1)).sum() / ((drawn > 0) | (truth == 1)).sum()
    assert shared > 0.85


def test_overlaps_decide_suppression_again_at_any_cutoff() -> None:
    torch.manual_seed(1)
    net = network("instance2d", StarNet(1, 1))
    found = segment(discs(6)[0], net, Settings(score_cutoff=0.3, device="cpu"))
    assert found.candidates
    scores = [c.score for c in found.candidates]
    i, j, share = (np.array(column) for column in zip(*found.overlaps, strict=True))
    pairs = (i.astype(int), j.astype(int), share)
    again = nms.resolve(scores, pairs, found.score_cutoff, found.overlap_cutoff)
    for n, candidate in enumerate(found.candidates):
        if candidate.suppressed_by is None:
            assert again.keep[n] or candidate.score < found.score_cutoff
        else:
            assert again.suppressed_by[n] == candidate.suppressed_by
            assert candidate.overlap == pytest.approx(again.overlap[n])
            assert found.candidates[candidate.suppressed_by].score >= candidate.score


def test_an_empty_image_has_no_candidates_and_no_doubt() -> None:
    found = segment(
        Picture(np.zeros((1, 1, 50, 70), np.uint8)), network("instance2d", Oracle()), CPU
    )
    assert found.candidates == ()
    assert found.overlaps == ()
    assert 0 <= found.uncertainty < 0.01


def test_the_same_image_gives_the_same_answer_to_the_bit() -> None:
    torch.manual_seed(2)
    net = network("instance2d", StarNet(1, 1), score_cutoff=0.3)
    picture = discs(7)[0]
    one, two = (segment(picture, net, CPU) for _ in range(2))
    assert [(c.score, c.box, c.suppressed_by) for c in one.candidates] == [
        (c.score, c.box, c.suppressed_by) for c in two.candidates
    ]
    assert one.uncertainty == two.uncertainty


def test_slices_of_a_stack_never_suppress_each_other() -> None:
    truth = np.repeat(discs(8)[1].instances, 3, axis=0)
    found = segment(numbered(truth), network("instance2d", Oracle()), CPU)
    assert len(kept(found)) == 3 * int(truth.max())
    assert all(len(c.slices) == 1 for c in found.candidates)


def test_pixel_classes_of_a_volume_larger_than_the_window() -> None:
    rng = np.random.default_rng(0)
    classes = np.kron(rng.integers(0, 3, (5, 6, 7)), np.ones((4, 4, 4))).astype(np.uint8)
    net = network("semantic3d", Brightness(), patch_zyx=[8, 12, 16])
    found = segment(Picture(classes[None]), net, CPU)
    assert np.array_equal(label_map(found), classes)
    assert {c.label for c in found.candidates} == {1, 2}
    assert all(c.score > 0.99 for c in found.candidates)


def test_pixel_classes_of_an_image_smaller_than_the_window() -> None:
    classes = np.zeros((1, 21, 33), np.uint8)
    classes[0, 5:9, 10:30] = 2
    found = segment(Picture(classes[None]), network("semantic2d", Brightness()), CPU)
    assert np.array_equal(label_map(found), classes)
    (only,) = found.candidates
    assert (only.label, only.box) == (2, (10, 5, 30, 9))


def test_pixel_classes_come_back_to_the_source_grid() -> None:
    classes = np.zeros((1, 100, 160), np.uint8)
    classes[0, 20:80, 40:120] = 1
    size = {"name": "size", "method": "height_width", "longest": 64}
    net = network("semantic2d", Brightness(), recipe={"steps": [size]})
    drawn = label_map(segment(Picture(classes[None]), net, CPU)) == 1
    truth = classes == 1
    assert drawn.shape == truth.shape
    assert (drawn & truth).sum() / (drawn | truth).sum() > 0.95


def test_boxes_are_found_and_suppressed_by_their_own_overlap() -> None:
    truth = discs(9)[1].instances
    found = segment(numbered(truth), network("boxes2d", Oracle()), CPU)
    boxes = {c.box for c in kept(found)}
    assert len(boxes) == int(truth.max())
    for value in range(1, int(truth.max()) + 1):
        rows, columns = np.nonzero(truth[0] == value)
        real = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert min(max(abs(a - b) for a, b in zip(box, real, strict=True)) for box in boxes) <= 1


def test_image_labels_are_all_listed_with_their_scores() -> None:
    module = build(architecture_for("labels2d", labels=3, channels=1))
    net = Network("labels2d", ("a", "b", "c"), network("labels2d", module).card, module.eval())
    found = segment(discs(1)[0], net, CPU)
    assert sorted(c.label for c in found.candidates) == [1, 2, 3]
    assert all(0 <= c.score <= 1 and not c.slices for c in found.candidates)


def test_volumes_reach_a_three_dimensional_network() -> None:
    module = build(architecture_for("semantic3d", labels=2, channels=1))
    net = network("semantic3d", module, patch_zyx=[16, 16, 16])
    picture, truth = ball(0)
    assert segment(picture, net, CPU).grid_zyx == truth.classes.shape


def test_grey_images_suit_a_colour_network_and_four_channels_none() -> None:
    colour = network("instance2d", StarNet(3, 1), architecture={"inputs": 3})
    segment(discs(1)[0], colour, CPU)
    with pytest.raises(UnsuitableImageError, match="4 channels"):
        segment(Picture(np.zeros((4, 1, 32, 32), np.uint8)), colour, CPU)


def test_progress_grows_to_one_and_cancelling_stops() -> None:
    told: list[float] = []
    net = network("instance2d", Oracle())
    segment(discs(1)[0], net, CPU, progress=lambda part, _: told.append(part))
    assert told == sorted(told)
    assert told[-1] == 1.0
    with pytest.raises(CancelledError):
        segment(discs(1)[0], net, CPU, cancelled=lambda: True)
    asked = iter([False, True])
    with pytest.raises(CancelledError):
        segment(discs(1)[0], net, CPU, cancelled=lambda: next(asked))


def test_a_cutoff_outside_its_range_is_refused() -> None:
    with pytest.raises(InvalidArrayError, match="between 0 and 1"):
        segment(discs(1)[0], network("instance2d", Oracle()), Settings(score_cutoff=1.5))


@pytest.mark.parametrize(
    ("size", "patch", "step", "starts"),
    [(10, 16, 8, [0]), (16, 16, 8, [0]), (17, 16, 8, [0, 1]), (40, 16, 12, [0, 12, 24])],
)
def test_windows_cover_everything(size, patch, step, starts) -> None:
    assert tile_starts(size, patch, step) == starts
