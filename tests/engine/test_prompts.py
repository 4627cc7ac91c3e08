"""Prompts on drawn images whose truth is known: a click finds the disc, corrections correct."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.prompt_clicks import (
    click_through,
    dense,
    first_prompts,
    middle_of,
    next_stroke,
)
from segmentation.engine.prompt_contour import contour_solver
from segmentation.engine.prompt_network import pulled
from segmentation.engine.prompt_region import first_region, region_around, zoomed_out
from segmentation.engine.prompts import Answer, Look, Prompts, Stroke, answer, look_at
from segmentation.engine.types import Picture

Bools = NDArray[np.bool_]


def disc(
    size: int, middle: tuple[float, float], radius: float, *, colour: bool = False
) -> tuple[Picture, Bools]:
    """A bright disc on a dark noisy ground, grey or green on red."""
    y, x = np.mgrid[:size, :size]
    truth = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 <= radius**2
    noise = np.random.default_rng(0).normal(0, 6, (size, size))
    grey = np.where(truth, 160, 60) + noise
    channels = [np.where(truth, 90, 150) + noise, grey] if colour else [grey]
    pixels = np.stack([*channels, noise + 40] if colour else channels)
    return Picture(np.clip(pixels, 0, 255).astype(np.uint8)[:, None]), truth[None]


def iou(found: Answer, truth: Bools) -> float:
    mask = dense(found, (truth.shape[0], truth.shape[1], truth.shape[2]))
    return float((mask & truth).sum() / (mask | truth).sum())


def click(*point: int, positive: bool = True) -> Stroke:
    return Stroke(((point[0], point[1], point[2]),), positive)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("radius", [5, 20, 60])
def test_one_click_finds_a_disc_of_any_size(radius: int, colour: bool) -> None:
    picture, truth = disc(200, (90, 110), radius, colour=colour)
    found = answer(picture, Prompts((click(0, 92, 108),), plane=0), contour_solver)
    assert iou(found, truth) > (0.75 if radius == 5 else 0.9)
    assert 0.5 < found.score <= 1


def test_an_object_larger_than_the_first_region_is_looked_at_from_afar() -> None:
    picture, truth = disc(900, (450, 430), 300)
    found = answer(picture, Prompts((click(0, 450, 430),), plane=0), contour_solver)
    assert iou(found, truth) > 0.9
    assert found.region == ((0, 1), (0, 900), (0, 900))  # 256, then 512, then 900 pixels


def test_only_the_region_is_read() -> None:
    picture, _ = disc(900, (450, 430), 20)
    found = answer(picture, Prompts((click(0, 450, 430),), plane=0), contour_solver)
    assert found.region == ((0, 1), (322, 578), (302, 558))
    beyond = picture.pixels.copy()
    beyond[:, :, :322] = 255
    again = answer(
        replace(picture, pixels=beyond), Prompts((click(0, 450, 430),), plane=0), contour_solver
    )
    assert np.array_equal(found.slices[0], again.slices[0])


def test_hounsfield_units_and_thick_slices_are_no_obstacle() -> None:
    """A ball of 12 mm radius, 60 HU on 0, in voxels of 4 x 1 x 1 mm."""
    z, y, x = np.mgrid[:20, :80, :80]
    truth = ((z - 10) * 4) ** 2 + (y - 40) ** 2 + (x - 42) ** 2 <= 144
    noise = np.random.default_rng(1).normal(0, 8, truth.shape)
    pixels = (np.where(truth, 60, 0) + noise).astype(np.int16)[None]
    picture = Picture(pixels, (4.0, 1.0, 1.0), "CT")
    found = answer(picture, Prompts((click(10, 40, 42),)), contour_solver)
    assert iou(found, truth) > 0.8
    assert min(found.slices) >= 7
    assert max(found.slices) <= 13


def test_a_box_is_a_hard_outside() -> None:
    picture, truth = disc(200, (90, 110), 30)
    box = (85, 60, 135, 100)  # cuts the disc's left, right and lower parts off
    found = dense(answer(picture, Prompts(box=box, plane=0), contour_solver), (1, 200, 200))
    inside = np.zeros_like(found)
    inside[0, 60:100, 85:135] = True
    assert not (found & ~inside).any()
    assert (found & truth & inside).sum() > 0.7 * (truth & inside).sum()


def test_later_clicks_mend_two_touching_discs() -> None:
    """Equal discs that touch look like one; a click away on the second leaves the first."""
    y, x = np.mgrid[:120, :160]
    one = (y - 60) ** 2 + (x - 55) ** 2 <= 20**2
    two = (y - 60) ** 2 + (x - 92) ** 2 <= 20**2
    noise = np.random.default_rng(2).normal(0, 5, one.shape)
    picture = Picture((np.where(one | two, 150, 50) + noise).astype(np.uint8)[None, None])
    both = {0: masks.encode(one | two)}
    prompts = Prompts((click(0, 60, 55), click(0, 60, 95, positive=False)), plane=0, previous=both)
    found = answer(picture, prompts, contour_solver)
    assert iou(found, one[None]) > 0.85


def test_corrections_reach_any_shape_in_the_end() -> None:
    """A ring with a gap, the opposite of star-shaped, with no edge to see at the gap."""
    y, x = np.mgrid[:128, :128]
    far = np.hypot(y - 64, x - 64)
    truth = (far > 22) & (far < 44) & ~((x > 64) & (abs(y - 64) < 8))
    noise = np.random.default_rng(3).normal(0, 5, truth.shape)
    picture = Picture((np.where(far < 44, 150, 50) + noise).astype(np.uint8)[None, None])
    reached = click_through(picture, truth[None], contour_solver, 0.0, 12)
    assert max(reached) > 0.8


def test_the_answer_holds_every_click_and_no_ban_and_fills_holes() -> None:
    def checkered(look: Look) -> NDArray[np.float32]:
        answer = np.zeros(look.inside.shape, np.float32)
        answer[0, 10:30, 10:30] = 0.9
        answer[0, 18:22, 18:22] = 0.0  # a hole
        answer[0, 50:60, 50:60] = 0.9  # a part that nobody clicked on
        return answer

    picture = Picture(np.zeros((1, 1, 80, 80), np.uint8))
    strokes = (click(0, 12, 12), click(0, 28, 28, positive=False), click(0, 35, 20))
    found = dense(answer(picture, Prompts(strokes, plane=0), checkered), (1, 80, 80))[0]
    assert found[12, 12]
    assert found[20, 20]
    assert found[35, 20]
    assert not found[28, 28]
    assert not found[50:60, 50:60].any()
    holed = Prompts((click(0, 12, 12), click(0, 20, 20, positive=False)), plane=0)
    assert not dense(answer(picture, holed, checkered), (1, 80, 80))[0, 20, 20]


def test_the_same_prompts_get_the_same_answer() -> None:
    picture, _ = disc(300, (150, 140), 40, colour=True)
    prompts = Prompts((click(0, 150, 140), click(0, 150, 190, positive=False)), plane=0)
    one, two = (answer(picture, prompts, contour_solver) for _ in range(2))
    assert np.array_equal(one.slices[0], two.slices[0])
    assert one.score == two.score


def test_strokes_are_drawn_as_lines_and_the_last_one_wins() -> None:
    picture = Picture(np.zeros((1, 1, 50, 50), np.uint8))
    line = Stroke(((0, 10, 10), (0, 10, 20)))
    over = click(0, 10, 15, positive=False)
    region = first_region((1, 50, 50), None, np.array([[0, 10, 10]]), 0.0, flat=True)
    look = look_at(picture, Prompts((line, over), plane=0), region)
    assert np.flatnonzero(look.inside[0, 10]).tolist() == [10, 11, 12, 13, 14, 16, 17, 18, 19, 20]
    assert np.argwhere(look.outside).tolist() == [[0, 10, 15]]


def test_a_region_has_room_keeps_to_its_size_and_grows_to_the_whole_image() -> None:
    corners = np.array([[0, 500, 500], [0, 900, 600]])
    region = first_region((1, 2000, 3000), None, corners, 0.0, flat=True)
    assert max(region.grid) <= 256
    (_, _), (y1, y2), (x1, x2) = region.window
    assert y1 <= 500
    assert y2 > 900
    assert x1 <= 500
    assert x2 > 600
    seen = region
    while (wider := zoomed_out(seen)) is not None:
        seen = wider
    assert seen.window == ((0, 1), (0, 2000), (0, 3000))
    solid = first_region((300, 512, 512), (2.5, 0.7, 0.7), np.array([[100, 256, 256]]), 0.0,
                         flat=False)  # fmt: skip
    assert max(solid.grid) <= 64
    cells = np.array(solid.cell_zyx)
    assert cells.max() / cells.min() < 4


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        (Prompts(plane=0), "Click on the object"),
        (Prompts((click(0, 5, 60),), plane=0), "outside the image"),
        (Prompts((click(1, 5, 5),), plane=0), "outside the image"),
        (Prompts(box=(10, 10, 10, 20), plane=0), "box is empty"),
        (Prompts((click(0, 5, 5, positive=False),), plane=0), "Click on the object"),
        (Prompts((click(0, 5, 5),), plane=3), "on the slice"),
        (Prompts((Stroke(((0, 5, 5),) * 20_001),), plane=0), "at most 20000"),
    ],
)
def test_prompts_that_say_nothing_about_the_image_are_refused(prompts: Prompts, words: str) -> None:
    picture = Picture(np.zeros((1, 1, 50, 50), np.uint8))
    with pytest.raises(InvalidArrayError, match=words):
        answer(picture, prompts, contour_solver)


def test_an_image_of_one_value_gets_an_answer_around_the_click() -> None:
    picture = Picture(np.full((1, 1, 50, 50), 7, np.uint8))
    found = dense(answer(picture, Prompts((click(0, 20, 30),), plane=0), contour_solver),
                  (1, 50, 50))  # fmt: skip
    assert found[0, 20, 30]


def test_the_simulated_person_clicks_in_the_middle_of_the_largest_mistake() -> None:
    truth = np.zeros((1, 40, 40), np.bool_)
    truth[0, 10:21, 10:31] = True
    place = middle_of(truth)
    assert place is not None
    assert place.voxel[1] == 15  # rows 10 to 20
    found = truth.copy()
    found[0, 10:21, 25:31] = False  # 66 pixels missing
    found[0, 30:34, 30:34] = True  # 16 too many
    assert next_stroke(truth, found) == Stroke(((0, 12, 27),))  # the first that is 3 deep
    assert next_stroke(truth, truth) is None
    assert first_prompts(truth, boxed=True).box == (10, 10, 31, 21)
    assert middle_of(np.zeros((1, 4, 4), np.bool_)) is None


def test_what_was_drawn_before_stays_though_no_click_lies_on_it() -> None:
    picture, truth = disc(200, (60, 60), 20)
    drawn = np.zeros((200, 200), np.bool_)
    drawn[120:140, 120:140] = True
    prompts = Prompts((click(0, 60, 60),), plane=0, previous={0: masks.encode(drawn)})
    found = dense(answer(picture, prompts, contour_solver), (1, 200, 200))[0]
    assert found[120:140, 120:140].mean() > 0.95
    assert (found & truth[0]).sum() > 0.8 * truth.sum()


def test_a_small_image_seen_from_afar_is_seen_as_sharply_as_before() -> None:
    """Twice as far away there is no more to see, so that the cells stay as small as pixels."""
    source = (35, 51, 36)
    near = first_region(source, None, np.array([[10, 10, 10]]), 25.0, flat=False)
    assert near.grid < source
    far = zoomed_out(near)
    assert far is not None
    assert far.grid == source
    wide = region_around((0, 300, 300), (1, 600, 600), None, 2000.0, flat=True)
    assert wide.grid == (1, 256, 256)


def test_a_network_is_pulled_to_the_side_of_a_click_around_it() -> None:
    nothing = np.zeros((1, 41, 41), np.bool_)
    inside, outside = nothing.copy(), nothing.copy()
    inside[0, 20, 10] = outside[0, 20, 30] = True
    pixels = np.zeros((1, 1, 41, 41), np.float32)
    look = Look(pixels, inside, outside, None, None, (1.0, 1.0, 1.0), ((False, False),) * 3)
    doubtful = pulled(np.full((1, 41, 41), -1.0, np.float32), look)[0]
    assert doubtful[20, 10] > 0.95
    assert (doubtful[20, 5:16] > 0.5).all()  # 5 exp(-5^2 / (2 4^2)) = 2.3 outweighs -1
    assert (doubtful[:, 22:] < 0.5).all()
    sure = pulled(np.full((1, 41, 41), 50.0, np.float32), look)[0]
    assert (sure[20, 28:33] < 0.5).all()  # 5 exp(-2^2 / (2 4^2)) = 4.4 outweighs the most, 4
    assert sure[0, 0] > 0.95
