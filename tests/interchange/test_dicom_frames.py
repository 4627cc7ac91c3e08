"""Several frames in one file: volumes in space, loops in time, slides in tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_volume import read_series
from segmentation.interchange.errors import MissingSlicesError, UnreadableError, UnsupportedError
from segmentation.interchange.types import Limits, ReadImage
from tests.interchange.drawn import AXIAL, asymmetric, save, slice_of


def read(path: Path) -> ReadImage:
    return read_series([[path]], Budget(Limits()))


def frames_file(path: Path, frames: np.ndarray, **elements: Any) -> Path:
    dataset = slice_of(frames[0], NumberOfFrames=len(frames), **elements)
    dataset.PixelData = np.ascontiguousarray(frames).tobytes()
    return save(dataset, path)


def group(**elements: Any) -> Dataset:
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def enhanced(path: Path, frames: np.ndarray, own: list[Dataset], **more: Any) -> Path:
    shared = group(
        PlaneOrientationSequence=[group(ImageOrientationPatient=[*AXIAL[0], *AXIAL[1]])],
        PixelMeasuresSequence=[group(PixelSpacing=[0.5, 0.25], SliceThickness=3)],
        FrameVOILUTSequence=[group(WindowCenter=50, WindowWidth=350)],
    )
    return frames_file(
        path,
        frames,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=own,
        **more,
    )


def at(z: float, *, intercept: int = 0, moment: int = 1) -> Dataset:
    return group(
        PlanePositionSequence=[group(ImagePositionPatient=[1, 2, z])],
        FrameContentSequence=[group(TemporalPositionIndex=moment)],
        PixelValueTransformationSequence=[
            group(RescaleSlope=1, RescaleIntercept=intercept, RescaleType="HU")
        ],
    )


def test_enhanced_frames_are_ordered_in_space_and_scaled_one_by_one(tmp_path: Path) -> None:
    volume = asymmetric()
    stored = np.stack([volume[3] + 3, volume[1] + 1, volume[0], volume[2] + 2])
    depths = (3, 1, 0, 2)
    own = [at(10 + 3.0 * z, intercept=-z) for z in depths]
    image = read(enhanced(tmp_path / "e.dcm", stored, own))
    assert np.array_equal(image.pixels[0, 0], volume)
    assert np.allclose(image.affine_lps[:3, 3], (1, 2, 10))
    assert image.spacing_mm == (3.0, 0.5, 0.25)
    assert image.window == (50.0, 350.0)
    assert image.value_unit == "HU"


def test_enhanced_frames_at_one_place_are_time_steps(tmp_path: Path) -> None:
    frames = np.stack([np.full((5, 7), value, np.int16) for value in (21, 10, 20, 11)])
    own = [at(1, moment=2), at(0, moment=1), at(0, moment=2), at(1, moment=1)]
    image = read(enhanced(tmp_path / "e.dcm", frames, own))
    assert image.pixels[:, 0, :, 0, 0].tolist() == [[10, 11], [20, 21]]


def test_a_gap_between_enhanced_frames_is_refused(tmp_path: Path) -> None:
    own = [at(z) for z in (0, 1, 2, 5)]
    with pytest.raises(MissingSlicesError, match="Slices 4 to 5"):
        read(enhanced(tmp_path / "e.dcm", np.zeros((4, 5, 7), np.int16), own))


def test_a_loop_becomes_time(tmp_path: Path) -> None:
    frames = asymmetric().astype(np.uint8)
    path = frames_file(
        tmp_path / "c.dcm", frames, Modality="US", FrameTime=40, ImagePositionPatient=None,
        FrameIncrementPointer=0x00181063,
    )  # fmt: skip
    image = read(path)
    assert np.array_equal(image.pixels[:, 0, 0], frames)
    assert image.frame_seconds == 0.04
    assert image.spacing_mm == (2.0, 0.5, 0.25)


def test_frames_counted_by_a_slice_vector_are_slices(tmp_path: Path) -> None:
    frames = asymmetric()
    path = frames_file(
        tmp_path / "n.dcm", frames, Modality="NM", SpacingBetweenSlices=4,
        ImagePositionPatient=None, FrameIncrementPointer=0x00540080,
    )  # fmt: skip
    image = read(path)
    assert np.array_equal(image.pixels[0, 0], frames)
    assert image.spacing_mm == (4.0, 0.5, 0.25)


def test_colour_frames_keep_their_channels(tmp_path: Path) -> None:
    frames = np.arange(2 * 5 * 7 * 3, dtype=np.uint8).reshape(2, 5, 7, 3)
    path = frames_file(tmp_path / "r.dcm", frames, Modality="US", ImagePositionPatient=None)
    image = read(path)
    assert np.array_equal(image.pixels[:, :, 0], np.moveaxis(frames, -1, 1))
    assert image.photometric == "RGB"


def test_fewer_frames_than_claimed_are_refused(tmp_path: Path) -> None:
    path = frames_file(tmp_path / "f.dcm", np.zeros((3, 5, 7), np.int16))
    raw = path.read_bytes()
    path.write_bytes(raw[:-60])
    with pytest.raises(UnreadableError):
        read(path)


def tiled(path: Path, tiles: np.ndarray, **elements: Any) -> Path:
    shared = group(PixelMeasuresSequence=[group(PixelSpacing=[0.0005, 0.0005])])
    return frames_file(
        path, tiles, Modality="SM", TotalPixelMatrixRows=5, TotalPixelMatrixColumns=6,
        SharedFunctionalGroupsSequence=[shared], ImagePositionPatient=None,
        ImageOrientationPatient=None, PixelSpacing=None, **elements,
    )  # fmt: skip


def cut(picture: np.ndarray, corners: list[tuple[int, int]]) -> np.ndarray:
    padded = np.pad(picture, ((0, 4), (0, 4), (0, 0)))
    return np.stack([padded[top : top + 4, left : left + 4] for top, left in corners])


def test_tiles_of_a_slide_are_laid_side_by_side(tmp_path: Path) -> None:
    picture = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    corners = [(0, 0), (0, 4), (4, 0), (4, 4)]
    full = read(tiled(tmp_path / "f.dcm", cut(picture, corners)))
    assert np.array_equal(full.pixels[0, :, 0], np.moveaxis(picture, -1, 0))
    assert full.spacing_mm == (1.0, 0.0005, 0.0005)
    assert full.spacing_source == "pixel_size"
    mixed = [corners[n] for n in (2, 0, 3, 1)]
    own = [
        group(
            PlanePositionSlideSequence=[
                group(
                    RowPositionInTotalImagePixelMatrix=top + 1,
                    ColumnPositionInTotalImagePixelMatrix=left + 1,
                )
            ]
        )
        for top, left in mixed
    ]
    sparse = tiled(tmp_path / "s.dcm", cut(picture, mixed), PerFrameFunctionalGroupsSequence=own)
    assert np.array_equal(read(sparse).pixels, full.pixels)


def test_a_tile_outside_its_slide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="outside"):
        read(tiled(tmp_path / "o.dcm", np.zeros((9, 4, 4, 3), np.uint8)))
