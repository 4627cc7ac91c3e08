"""PNG, JPEG and TIFF: samples equal what was written, upright, at full depth."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import (
    MixedSizesError,
    TooLargeError,
    UnreadableError,
    UnsupportedError,
)
from segmentation.interchange.labels import read_labels, write_labels
from segmentation.interchange.raster import read_picture
from segmentation.interchange.tiff import read_tiff
from segmentation.interchange.types import Limits

BUDGET = Budget(Limits())
GREY16 = (np.arange(35, dtype=np.uint16) * 1871).reshape(5, 7)
RGB16 = np.stack([GREY16, GREY16[::-1], GREY16[:, ::-1]], axis=-1)


def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path) -> None:
    for samples in (GREY16, RGB16):
        path = tmp_path / "p.png"
        path.write_bytes(imagecodecs.png_encode(samples))
        image = read_picture(path, "png", BUDGET)
        assert image.pixels.dtype == np.uint16
        flat = image.pixels[0, :, 0]
        assert np.array_equal(flat, np.moveaxis(samples.reshape(5, 7, -1), -1, 0))
        assert image.spacing_mm is None
        assert image.source.shape == (1, 5, 7)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_png_mode_gives_grey_or_three_channels(tmp_path: Path, mode: str) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    picture = Image.fromarray(colour).convert(mode)
    picture.save(tmp_path / "p.png")
    image = read_picture(tmp_path / "p.png", "png", BUDGET)
    grey = mode in ("1", "L", "LA")
    expected = np.asarray(picture.convert("L" if grey else "RGB")).reshape(6, 9, -1)
    assert image.photometric == ("MONOCHROME2" if grey else "RGB")
    assert np.array_equal(image.pixels[0, :, 0], np.moveaxis(expected, -1, 0))


def test_colour_with_equal_channels_is_kept_as_grey(tmp_path: Path) -> None:
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    Image.fromarray(np.stack([grey] * 3, axis=-1)).save(tmp_path / "p.png")
    image = read_picture(tmp_path / "p.png", "png", BUDGET)
    assert image.pixels.shape == (1, 1, 1, 4, 6)
    assert np.array_equal(image.pixels[0, 0, 0], grey)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_turns_a_picture_upright_and_back(
    tmp_path: Path, orientation: int
) -> None:
    picture = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "p.png", exif=exif)
    image = read_picture(tmp_path / "p.png", "png", BUDGET)
    with Image.open(tmp_path / "p.png") as peer:
        assert np.array_equal(image.pixels[0, 0, 0], np.asarray(ImageOps.exif_transpose(peer)))
        assert np.array_equal(image.source.to_source(image.pixels[0, 0])[0], np.asarray(peer))


def test_print_colours_become_rgb(tmp_path: Path) -> None:
    picture = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    picture.save(tmp_path / "p.jpg", quality=95)
    image = read_picture(tmp_path / "p.jpg", "jpeg", BUDGET)
    with Image.open(tmp_path / "p.jpg") as peer:
        assert np.array_equal(
            image.pixels[0, :, 0], np.moveaxis(np.asarray(peer.convert("RGB")), -1, 0)
        )


def test_a_picture_cut_short_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for suffix, kind in ((".png", "png"), (".jpg", "jpeg")):
        path = tmp_path / f"p{suffix}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(UnreadableError, match="cut short"):
            read_picture(path, kind, BUDGET)


def test_a_picture_beyond_the_limit_is_refused_by_its_header(tmp_path: Path) -> None:
    Image.new("L", (300, 200)).save(tmp_path / "p.png")
    with pytest.raises(TooLargeError, match="1 x 200 x 300"):
        read_picture(tmp_path / "p.png", "png", Budget(Limits(pixels=59_999)))
    assert read_picture(tmp_path / "p.png", "png", Budget(Limits(pixels=60_000))).pixels.size


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_colour_keeps_its_depth_in_both_layouts(tmp_path: Path, planar: str) -> None:
    samples = RGB16 if planar == "contig" else np.moveaxis(RGB16, -1, 0)
    tifffile.imwrite(tmp_path / "p.tif", samples, photometric="rgb", planarconfig=planar)
    image = read_tiff(tmp_path / "p.tif", BUDGET)
    assert np.array_equal(image.pixels[0, :, 0], np.moveaxis(RGB16, -1, 0))


def test_pages_of_one_size_become_slices(tmp_path: Path) -> None:
    stack = np.stack([GREY16, GREY16 + 1, GREY16 + 2])
    tifffile.imwrite(tmp_path / "p.tif", stack, photometric="minisblack", metadata=None)
    image = read_tiff(tmp_path / "p.tif", BUDGET)
    assert np.array_equal(image.pixels[0, 0], stack)
    assert image.spacing_mm is None


def test_pages_of_different_sizes_are_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "p.tif") as writer:
        writer.write(GREY16, metadata=None)
        writer.write(GREY16[:3], metadata=None)
    with pytest.raises(MixedSizesError, match="2 pages"):
        read_tiff(tmp_path / "p.tif", BUDGET)


def test_spacing_comes_from_ome_and_from_imagej(tmp_path: Path) -> None:
    stack = np.zeros((2, 3, 5, 7), np.uint8)
    stack[1, 2, 4, 6] = 9
    about = {"axes": "ZCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.4, "PhysicalSizeZ": 2.0}
    tifffile.imwrite(tmp_path / "o.ome.tif", stack, metadata=about, photometric="minisblack")
    ome = read_tiff(tmp_path / "o.ome.tif", BUDGET)
    assert ome.spacing_mm == pytest.approx((0.002, 0.0004, 0.0005))
    assert ome.spacing_source == "pixel_size"
    assert ome.pixels.shape == (1, 3, 2, 5, 7)
    assert ome.pixels[0, 2, 1, 4, 6] == 9

    tifffile.imwrite(
        tmp_path / "i.tif",
        GREY16,
        imagej=True,
        resolution=(4.0, 2.0),
        metadata={"unit": "um", "axes": "YX"},
    )
    assert read_tiff(tmp_path / "i.tif", BUDGET).spacing_mm == pytest.approx((1.0, 5e-4, 2.5e-4))


def test_a_print_resolution_is_no_spacing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", GREY16, resolution=(300, 300), metadata=None)
    assert read_tiff(tmp_path / "p.tif", BUDGET).spacing_mm is None


def test_white_is_zero_is_turned(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "p.tif", GREY16, photometric="miniswhite", metadata=None)
    assert np.array_equal(read_tiff(tmp_path / "p.tif", BUDGET).pixels[0, 0, 0], 65535 - GREY16)


@pytest.mark.parametrize(("suffix", "shape"), [(".png", (1, 4, 6)), (".tif", (3, 4, 6))])
@pytest.mark.parametrize("highest", [0, 255, 256, 65535])
def test_labels_come_back_as_written(
    tmp_path: Path, suffix: str, shape: tuple[int, int, int], highest: int
) -> None:
    labels = np.zeros(shape, np.uint16)
    labels[0, 1, 2] = highest
    write_labels(tmp_path / f"m{suffix}", labels)
    kind = "png" if suffix == ".png" else "tiff"
    assert np.array_equal(read_labels(tmp_path / f"m{suffix}", kind, BUDGET), labels)
    if suffix == ".png":
        with Image.open(tmp_path / "m.png") as peer:
            assert peer.mode == ("L" if highest < 256 else "I;16")


def test_a_palette_mask_gives_its_indices(tmp_path: Path) -> None:
    picture = Image.fromarray(np.uint8([[0, 1], [2, 1]]), mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "m.png")
    assert read_labels(tmp_path / "m.png", "png", BUDGET).tolist() == [[[0, 1], [2, 1]]]


def test_a_mask_in_colours_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "m.png")
    with pytest.raises(UnsupportedError, match="colour"):
        read_labels(tmp_path / "m.png", "png", BUDGET)
