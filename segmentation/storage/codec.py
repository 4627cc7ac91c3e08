"""How samples are spelled before compression: differences, zigzag, byte planes.

Neighbouring pixels differ little, so differences are small numbers of either sign; zigzag makes
them small and positive, and low and high bytes apart compress better than interleaved. The page
undoes the same three steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS = {"uint8": 8, "uint16": 16, "int16": 16}
PIECE = 1 << 22
"""So many samples are worked on at a time: a plane of 8,192 x 8,192 in colour has 200 million, and
each step over them all at once would hold as many bytes again."""


def encode_samples(plane: NDArray[Any]) -> bytes:
    """Spell samples of any shape, in C order, as bytes.

    Each sample is its N-bit pattern (N = 8 or 16), differences are modulo 2^N with a zero before
    the first, read as signed and folded to ``(d << 1) ^ (d >> N-1)``. All low bytes come first.
    """
    bits = _width(plane.dtype)
    unsigned, signed = _types(bits)
    values = np.ascontiguousarray(plane).reshape(-1).view(unsigned)
    out = np.empty(values.size * bits // 8, np.uint8)
    before = unsigned.type(0)
    for start in range(0, values.size, PIECE):
        piece = values[start : start + PIECE]
        steps = np.diff(piece, prepend=before).view(signed)
        folded = ((steps << 1) ^ (steps >> (bits - 1))).view(unsigned)
        out[start : start + piece.size] = folded & 0xFF
        if bits == 16:
            out[values.size + start : values.size + start + piece.size] = folded >> 8
        before = piece[-1]
    return out.tobytes()


def decode_samples(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array that ``encode_samples`` spelled; refuses bytes of another length."""
    bits = _width(dtype)
    unsigned, _ = _types(bits)
    count = int(np.prod(shape))
    raw = np.frombuffer(content, dtype=np.uint8)
    if raw.size != count * bits // 8:
        raise ValueError(f"{raw.size} bytes are not {count} samples of {bits} bits")
    values = np.empty(count, unsigned)
    before = unsigned.type(0)
    for start in range(0, count, PIECE):
        folded: NDArray[Any] = raw[start : min(count, start + PIECE)]
        if bits == 16:
            high = raw[count + start : count + start + folded.size]
            folded = folded | high.astype(np.uint16) << 8
        steps = (folded >> 1) ^ (0 - (folded & 1)).astype(unsigned)
        steps[:1] += before
        piece = np.cumsum(steps, dtype=unsigned, out=values[start : start + folded.size])
        before = piece[-1]
    return values.view(dtype).reshape(shape)


def _width(dtype: np.dtype[Any]) -> int:
    if dtype.name not in WIDTHS:
        raise ValueError(f"samples of type {dtype} are not stored")
    return WIDTHS[dtype.name]


def _types(bits: int) -> tuple[np.dtype[Any], np.dtype[Any]]:
    return np.dtype(f"uint{bits}"), np.dtype(f"int{bits}")
