"""Pixels on disk: one pack per image, one chunk per plane, readable by byte range.

A pack is chunks back to back, then a JSON header, then 16 bytes: the header's length (little
endian, 8 bytes) and ``MEDSEG01``. A chunk is one ``(t, z)`` plane with all its channels, as
``storage.codec`` spells samples, in one zstd frame. The page fetches chunks as they stand.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from segmentation.errors import StorageDamagedError
from segmentation.models import Blob
from segmentation.storage.blobs import blob_open, blob_read
from segmentation.storage.codec import decode_samples, encode_samples

MAGIC = b"MEDSEG01"
TAIL = struct.Struct("<Q8s")
LEVEL = 3
DTYPES = ("uint8", "uint16", "int16")
Shape = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class PackHeader:
    """What a pack says of itself; ``chunks`` lists (offset, length) with z running fastest."""

    shape: Shape
    dtype: str
    pixel_digest: str
    value_range: tuple[int, int]
    chunks: tuple[tuple[int, int], ...]

    def chunk(self, t: int, z: int) -> tuple[int, int]:
        return self.chunks[t * self.shape[2] + z]


def pack_write(pixels: NDArray[Any], target: Path) -> PackHeader:
    """Write ``(t, c, z, y, x)`` pixels to ``target``, plane by plane (a memmap stays on disk).

    ``pixel_digest`` is SHA-256 over the axes, the type and the little-endian samples in the order
    of the chunks, so the same pixels have the same digest whatever the compressor does.
    """
    if pixels.ndim != 5 or str(pixels.dtype) not in DTYPES or 0 in pixels.shape:
        raise ValueError(f"pixels {pixels.shape} {pixels.dtype} are not a canonical image")
    t, c, z, y, x = pixels.shape
    with target.open("wb") as file:
        draft = PackDraft(file, (t, c, z, y, x), str(pixels.dtype))
        for plane in _planes(pixels):
            draft.add(plane)
        return draft.finish()


class PackDraft:
    """A pack that is written as its planes come, one ``(c, y, x)`` after the other, z fastest."""

    def __init__(self, file: IO[bytes], shape: Shape, dtype: str) -> None:
        self._file, self._shape, self._dtype = file, shape, dtype
        self._seen = hashlib.sha256(f"{shape} {dtype}".encode())
        self._chunks: list[tuple[int, int]] = []
        self._range: tuple[int, int] | None = None

    def add(self, plane: NDArray[Any]) -> None:
        low, high = int(plane.min()), int(plane.max())
        before = self._range or (low, high)
        self._range = (min(low, before[0]), max(high, before[1]))
        self._seen.update(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes())
        frame = frame_write(plane)
        self._chunks.append((self._file.tell(), len(frame)))
        self._file.write(frame)

    def finish(self) -> PackHeader:
        """Write the header; raises ValueError where planes are missing."""
        if self._range is None or len(self._chunks) != self._shape[0] * self._shape[2]:
            raise ValueError(f"{len(self._chunks)} planes do not make an image of {self._shape}")
        digest, chunks = self._seen.hexdigest(), tuple(self._chunks)
        header = PackHeader(self._shape, self._dtype, digest, self._range, chunks)
        words = json.dumps(_spell(header), separators=(",", ":")).encode()
        self._file.write(words + TAIL.pack(len(words), MAGIC))
        return header


def frame_write(plane: NDArray[Any]) -> bytes:
    """One plane ``(c, y, x)`` as the zstd frame that travels."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(encode_samples(plane))


@lru_cache(maxsize=512)
def pack_header(sha256: str) -> PackHeader:
    """The header of a stored pack; packs never change, so it is read once per process."""
    length = Blob.objects.values_list("length_bytes", flat=True).get(pk=sha256)
    size, magic = TAIL.unpack(blob_read(sha256, length - TAIL.size, TAIL.size))
    if magic != MAGIC or size > length - TAIL.size:
        raise StorageDamagedError(
            f"The image pack {sha256[:12]} is damaged. Restore it from a backup and run verify."
        )
    told = json.loads(blob_read(sha256, length - TAIL.size - size, size))
    return PackHeader(
        shape=tuple(told["shape"]),
        dtype=told["dtype"],
        pixel_digest=told["pixel_digest"],
        value_range=tuple(told["value_range"]),
        chunks=tuple((offset, count) for offset, count in told["chunks"]),
    )


def slice_frame(sha256: str, z: int, t: int = 0) -> bytes:
    """The stored zstd frame of one plane, by one ranged read."""
    header = pack_header(sha256)
    offset, length = header.chunk(t, z)
    return blob_read(sha256, offset, length)


def slice_plane(sha256: str, z: int, t: int = 0) -> NDArray[Any]:
    """One plane as an array ``(c, y, x)``."""
    return _plane_from(pack_header(sha256), slice_frame(sha256, z, t))


def pack_planes(sha256: str) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """All planes with their t and z, in one pass over the file."""
    header = pack_header(sha256)
    with blob_open(sha256) as file:
        for place, (offset, length) in enumerate(header.chunks):
            file.seek(offset)
            t, z = divmod(place, header.shape[2])
            yield t, z, _plane_from(header, file.read(length))


def pack_digest(sha256: str) -> str:
    """The pixel digest computed anew from what is stored."""
    header = pack_header(sha256)
    planes = (plane for _, _, plane in pack_planes(sha256))
    return pixel_digest(header.shape, header.dtype, planes)


def pixel_digest(shape: Shape, dtype: str, planes: Iterable[NDArray[Any]]) -> str:
    """SHA-256 over axes, type and samples, as ``pack_write`` computes it."""
    seen = hashlib.sha256(f"{shape} {dtype}".encode())
    for plane in planes:
        seen.update(plane.astype(plane.dtype.newbyteorder("<"), copy=False).tobytes())
    return seen.hexdigest()


def _planes(pixels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for t in range(pixels.shape[0]):
        for z in range(pixels.shape[2]):
            yield np.ascontiguousarray(pixels[t, :, z])


def _plane_from(header: PackHeader, frame: bytes) -> NDArray[Any]:
    _, c, _, y, x = header.shape
    content = zstandard.ZstdDecompressor().decompress(frame)
    return decode_samples(content, np.dtype(header.dtype), (c, y, x))


def _spell(header: PackHeader) -> dict[str, Any]:
    return {
        "shape": header.shape,
        "dtype": header.dtype,
        "pixel_digest": header.pixel_digest,
        "value_range": header.value_range,
        "chunks": header.chunks,
    }
