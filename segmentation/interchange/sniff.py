"""What a file is, told from its first bytes; a name or suffix is never believed."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

HEAD_BYTES = 4096

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (128, b"DICM", "dicom"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"BM", "bmp"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (8, b"WEBP", "webp"),
    (0, b"\x00\x00\x00\x0cjP  ", "jpeg2000"),
    (0, b"\xff\x4f\xff\x51", "jpeg2000"),
    (0, b"%PDF", "pdf"),
    (0, b"NRRD0", "nrrd"),
    (0, b"ObjectType", "metaimage"),
    (0, b"CDF\x01", "minc"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"TRACK\x00", "tractography"),
    (0, b"Rar!", "rar"),
    (0, b"7z\xbc\xaf", "7z"),
    (257, b"ustar", "tar"),
    (0, b"MZ", "program"),
    (0, b"\x7fELF", "program"),
    (0, b"\x80\x02", "pickle"),
    (0, b"\x80\x04", "pickle"),
    (0, b"DanM", "msp"),
    (0, b"LinS", "msp"),
)

DESCRIPTIONS = {
    "bmp": "a BMP picture",
    "gif": "a GIF picture",
    "webp": "a WebP picture",
    "jpeg2000": "a JPEG 2000 picture",
    "netpbm": "a PNM picture",
    "msp": "a Microsoft Paint picture",
    "pdf": "a PDF document",
    "svg": "an SVG drawing",
    "nrrd": "an NRRD volume",
    "metaimage": "a MetaImage volume",
    "minc": "a MINC volume",
    "hdf5": "an HDF5 file",
    "parrec": "the header of a Philips PAR/REC scan",
    "tractography": "a tractography file",
    "nifti_pair": "one half of an .hdr/.img pair",
    "rar": "a RAR archive",
    "7z": "a 7-Zip archive",
    "tar": "a tar archive",
    "gzip": "a gzip archive",
    "program": "a program",
    "pickle": "a Python pickle",
    "json": "a JSON document",
    "xml": "an XML document",
    "text": "a text file",
    "unknown": "a file of a kind that is not known here",
}
PICTURES = frozenset({"bmp", "gif", "webp", "jpeg2000", "netpbm", "msp"})
VOLUMES = frozenset({"nrrd", "metaimage", "minc", "hdf5", "parrec", "nifti_pair"})
ARCHIVES = frozenset({"rar", "7z", "tar", "gzip"})


def sniff(path: Path) -> str:
    """Name the format of a file from its first 4 KiB; see ``sniff_bytes``."""
    with path.open("rb") as stream:
        return sniff_bytes(stream.read(HEAD_BYTES))


def sniff_bytes(head: bytes) -> str:
    """Name the format that begins with these bytes.

    Readable: ``dicom``, ``dicom_bare`` (no preamble), ``nifti``, ``nifti_gz``, ``png``, ``jpeg``,
    ``tiff``, ``zip``. ``empty`` for no bytes, otherwise a key of ``DESCRIPTIONS``.
    """
    if not head:
        return "empty"
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if head[:2] == b"\x1f\x8b":
        inner = _gunzip(head)
        return "nifti_gz" if _nifti_kind(inner) == "nifti" else "gzip"
    return _nifti_kind(head) or _bare_dicom(head) or _text_kind(head)


def _gunzip(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, 1024)
    except zlib.error:
        return b""


def _nifti_kind(head: bytes) -> str:
    """NIfTI-1 and -2 state their header's length first and a magic word further on."""
    if len(head) < 4:
        return ""
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"}
    if 348 in sizes:
        magic = head[344:348]
        if magic == b"n+1\x00":
            return "nifti"
        return "nifti_pair" if magic == b"ni1\x00" else ""
    if 540 in sizes and head[4:7] == b"n+2":
        return "nifti"
    return "nifti_pair" if 540 in sizes and head[4:7] == b"ni2" else ""


def _bare_dicom(head: bytes) -> str:
    """DICOM without its preamble begins with an element of group 2 or 8 of believable length."""
    if len(head) < 12:
        return ""
    for order in "<>":
        group, element, length = struct.unpack(order + "HHI", head[:8])
        explicit = head[4:6].isalpha() and head[4:6].isupper()
        if group in (0x0002, 0x0008) and element < 0x2000 and (explicit or length < 1024):
            return "dicom_bare"
    return ""


def _text_kind(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:2] in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6", b"P7") and head[2:3].isspace():
        return "netpbm"
    if text[:4] == b"<svg" or b"<svg" in text[:512]:
        return "svg"
    if text[:1] == b"<":
        return "xml"
    if text[:1] in (b"{", b"["):
        return "json"
    if b"\x00" in head or _share_of_controls(head) > 0.02:
        return "unknown"
    return "parrec" if b"DATA DESCRIPTION FILE" in head else "text"


def _share_of_controls(head: bytes) -> float:
    controls = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\x0c")
    return controls / len(head)


def refusal_of(kind: str) -> tuple[str, str]:
    """Give the code and the sentence for a format that holds no image which can be read."""
    if kind == "empty":
        return "empty", "This file is empty. Export it again and import the new copy."
    what = DESCRIPTIONS.get(kind, DESCRIPTIONS["unknown"])
    if kind in PICTURES:
        return "unsupported", f"This is {what}. Save it as PNG, JPEG or TIFF and import that."
    if kind in VOLUMES:
        return "unsupported", f"This is {what}. Convert it to NIfTI or DICOM and import that."
    if kind in ARCHIVES:
        return "unsupported", f"This is {what}. Unpack it, or pack the images as a zip."
    return (
        "not_an_image",
        f"This is {what}, not an image. Import DICOM, NIfTI, PNG, JPEG or TIFF files.",
    )
