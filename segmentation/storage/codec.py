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


def encode_samples(plane: NDArray[Any]) -> bytes:
    """Spell samples of any shape, in C order, as bytes.

    Each sample is its N-bit pattern (N = 8 or 16), differences are modulo 2^N with a zero before
    the first, read as signed and folded to ``(d << 1) ^ (d >> N-1)``. All low bytes come first.
    """
    bits = _width(plane.dtype)
    unsigned, signed = _types(bits)
    values = np.ascontiguousarray(plane).reshape(-1).view(unsigned)
    steps = np.diff(values, prepend=unsigned.type(0)).view(signed)
    folded = ((steps << 1) ^ (steps >> (bits - 1))).view(unsigned)
    if bits == 8:
        return folded.tobytes()
    low = (folded & 0xFF).astype(np.uint8)
    high = (folded >> 8).astype(np.uint8)
    return low.tobytes() + high.tobytes()


def decode_samples(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array that ``encode_samples`` spelled; refuses bytes of another length."""
    bits = _width(dtype)
    unsigned, _ = _types(bits)
    count = int(np.prod(shape))
    raw = np.frombuffer(content, dtype=np.uint8)
    if raw.size != count * bits // 8:
        raise ValueError(f"{raw.size} bytes are not {count} samples of {bits} bits")
    folded: NDArray[Any] = raw
    if bits == 16:
        folded = raw[:count] | raw[count:].astype(np.uint16) << 8
    steps = (folded >> 1) ^ (0 - (folded & 1)).astype(unsigned)
    return np.cumsum(steps, dtype=unsigned).view(dtype).reshape(shape)


def _width(dtype: np.dtype[Any]) -> int:
    if dtype.name not in WIDTHS:
        raise ValueError(f"samples of type {dtype} are not stored")
    return WIDTHS[dtype.name]


def _types(bits: int) -> tuple[np.dtype[Any], np.dtype[Any]]:
    return np.dtype(f"uint{bits}"), np.dtype(f"int{bits}")
