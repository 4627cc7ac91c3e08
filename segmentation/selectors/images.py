"""Reading pixels: planes as they are stored, thumbnails, and 8-bit previews."""

from __future__ import annotations

import gzip
import os
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from django.contrib.auth.models import User

from segmentation.access import require, scoped
from segmentation.errors import NotFoundError
from segmentation.models import Case, Image, Project, SegmentationRun
from segmentation.storage.blobs import PIECE_BYTES, blob_open, blob_read
from segmentation.storage.folders import cache_folder
from segmentation.storage.pictures import preview_jpeg
from segmentation.storage.tiles import TileAt, has_tile, is_tiled, tile_file, tile_frame
from segmentation.storage.volumes import slice_frame, slice_plane

GZIP_LEVEL = 4
_Row = dict[str, Any]
_Numbers = tuple[int, int, int]  # level, row and column of a tile


@dataclass(frozen=True)
class SlicePlace:
    """One plane of one image that a person may see; it never changes, so ``etag`` is for ever."""

    pack: str
    z: int
    t: int

    @property
    def etag(self) -> str:
        return f"{self.pack[:32]}-{self.t}-{self.z}"

    def frame(self) -> bytes:
        """The samples as the zstd frame that travels."""
        return slice_frame(self.pack, self.z, self.t)

    def file(self) -> str:
        """The frame as a file of its own; its name below the cache folder ``slices``."""
        name = f"{self.pack[:2]}/{self.pack}/{self.t}-{self.z}.zst"
        path = cache_folder("slices") / name
        if not path.exists():
            _write(path, self.frame())
        return name


@dataclass(frozen=True)
class TilePlace:
    """One tile of a large picture that a person may see; it never changes either."""

    pack: str
    at: TileAt

    @property
    def etag(self) -> str:
        return f"{self.pack[:32]}-tile-{self.at}"

    def frame(self) -> bytes:
        """The samples as the zstd frame that travels."""
        return tile_frame(self.pack, self.at)

    def file(self) -> str:
        """The frame's file; its name below the cache folder ``slices``."""
        return tile_file(self.pack, self.at)


FramePlace = SlicePlace | TilePlace


def slice_place(*, user: User, image_id: uuid.UUID, z: int, t: int = 0) -> SlicePlace:
    """Where a plane lies, or a refusal."""
    image = _image(user, image_id)
    if not (0 <= z < image["size_z"] and 0 <= t < image["size_t"]):
        raise NotFoundError(
            f"This image has {image['size_z']} slices and {image['size_t']} moments."
        )
    return SlicePlace(image["pack_id"], z, t)


def tile_place(*, user: User, image_id: uuid.UUID, at: _Numbers) -> TilePlace:
    """Where a tile lies, or a refusal; small pictures and volumes have none."""
    image = _image(user, image_id)
    return TilePlace(image["pack_id"], _tile(image, at))


def frame_bytes(place: FramePlace, accepts_zstd: bool) -> tuple[bytes, str]:
    """The samples and how they are compressed: ``zstd`` as stored, else ``gzip``."""
    frame = place.frame()
    if accepts_zstd:
        return frame, "zstd"
    return as_gzip(frame), "gzip"


def as_gzip(frame: bytes) -> bytes:
    """A zstd frame for clients that do not know zstd yet."""
    content = zstandard.ZstdDecompressor().decompress(frame)
    return gzip.compress(content, GZIP_LEVEL, mtime=0)


def thumbnail_blob(*, user: User, image_id: uuid.UUID) -> str:
    """The digest of an image's thumbnail."""
    thumbnail = _image(user, image_id)["thumbnail_id"]
    if thumbnail is None:
        raise NotFoundError("This image has no thumbnail.")
    return str(thumbnail)


def blob_bytes(sha256: str) -> bytes:
    """All bytes of a stored file. Whoever asks has been allowed to see what names it."""
    return blob_read(sha256)


def blob_pieces(sha256: str) -> Iterator[bytes]:
    """The same in pieces, for what is too large to hold."""
    with blob_open(sha256) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def preview_bytes(*, user: User, image_id: uuid.UUID, z: int, t: int = 0) -> bytes:
    """One plane as a JPEG in the image's own window, for pages that only show it."""
    place = slice_place(user=user, image_id=image_id, z=z, t=t)
    image = Image.objects.get(pk=image_id)
    window = None
    if image.window:
        centre, width = image.window
        window = ((centre - image.intercept) / image.slope, abs(width / image.slope))
    plane = slice_plane(place.pack, z, t)
    return preview_jpeg(plane, window, image.photometric == "MONOCHROME1")


def candidates_frame(*, user: User, case_id: uuid.UUID) -> bytes:
    """All candidates of a case's newest run, as the zstd frame they are stored in."""
    run = (
        scoped(user, SegmentationRun)
        .filter(case=case_id)
        .order_by("-created_at")
        .values_list("candidates_id", flat=True)
        .first()
    )
    if run is None:
        raise NotFoundError("Nothing has been predicted for this case yet.")
    return blob_read(run)


def uncertainty_place(*, user: User, run_id: uuid.UUID, z: int, t: int = 0) -> SlicePlace:
    """Where a plane of a run's map of uncertainty lies, or a refusal."""
    run = _run(user, run_id)
    place = slice_place(user=user, image_id=run["image_id"], z=z, t=t)
    return SlicePlace(_map_of(run), place.z, place.t)


def uncertainty_tile_place(*, user: User, run_id: uuid.UUID, at: _Numbers) -> TilePlace:
    """Where a tile of a run's map of uncertainty lies, or a refusal."""
    run = _run(user, run_id)
    tile = _tile(_image(user, run["image_id"]), at)
    return TilePlace(_map_of(run), tile)


def _run(user: User, run_id: uuid.UUID) -> _Row:
    columns = ("uncertainty_map_id", "image_id")
    run: _Row | None = scoped(user, SegmentationRun).filter(pk=run_id).values(*columns).first()
    if run is None:
        raise NotFoundError("There is no such prediction, or it is not yours to see.")
    return run


def _map_of(run: _Row) -> str:
    if run["uncertainty_map_id"] is None:
        raise NotFoundError("No map of uncertainty was kept with this prediction.")
    return str(run["uncertainty_map_id"])


def _tile(image: _Row, numbers: _Numbers) -> TileAt:
    at = TileAt(*numbers)
    shape = tuple(int(image[f"size_{axis}"]) for axis in "tczyx")
    if not (is_tiled(shape) and has_tile(at, *shape[3:])):
        raise NotFoundError("This image has no such tile.")
    return at


def _image(user: User, image_id: uuid.UUID) -> _Row:
    sizes = (f"size_{axis}" for axis in "tczyx")
    columns = ("pack_id", "thumbnail_id", *sizes, "case__state", "case__project_id")
    image: _Row | None = scoped(user, Image).filter(pk=image_id).values(*columns).first()
    if image is None:
        raise NotFoundError("There is no such image, or it is not yours to see.")
    if image["case__state"] == Case.State.QUARANTINED:
        # It may show a patient's name: a reviewer looks first.
        require(user, "case.review", Project.objects.get(pk=image["case__project_id"]))
    return image


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.write_bytes(content)
    draft.replace(path)
