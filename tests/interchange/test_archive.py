"""Zips are unpacked under caps, and no name in them reaches the disk."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from segmentation.interchange.archive import Unpacking, safe_name
from segmentation.interchange.errors import (
    EmptyFileError,
    EncryptedError,
    TooLargeError,
    UnreadableError,
    UnsafePathError,
)
from segmentation.interchange.types import Limits


def packed(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def unpacking(tmp_path: Path, **limits: int) -> Unpacking:
    (tmp_path / "out").mkdir()
    return Unpacking(Limits(**limits), tmp_path / "out")


def test_entries_come_out_as_they_went_in_under_names_of_our_own(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"a b/ü 1.dcm": b"one", "c\\d.dcm": b"two", "e/": b""})
    found = list(unpacking(tmp_path).unpack(archive))
    assert [(one.name, one.path.read_bytes()) for one in found if one.path] == [
        ("a b/ü 1.dcm", b"one"),
        ("c/d.dcm", b"two"),
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["entry-1", "entry-2"]


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "c:x", "..", "a\\..\\..\\x", "", "a\0b"]
)
def test_names_that_leave_their_folder_are_refused(name: str) -> None:
    with pytest.raises(UnsafePathError):
        safe_name(name)


def test_one_unsafe_name_hides_no_good_one(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"../escape": b"bad", "good": b"good"})
    first, second = unpacking(tmp_path).unpack(archive)
    assert isinstance(first.error, UnsafePathError)
    assert second.path is not None
    assert not (tmp_path / "escape").exists()


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    (found,) = unpacking(tmp_path).unpack(tmp_path / "z.zip")
    assert isinstance(found.error, UnsafePathError)
    assert "link" in str(found.error)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_taken_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a", b"first")
        archive.writestr("a", b"second")
    first, second = unpacking(tmp_path).unpack(tmp_path / "z.zip")
    assert first.path is not None
    assert first.path.read_bytes() == b"first"
    assert "twice" in str(second.error)


def test_locked_entries_are_said_to_be(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"a": b"content"})
    raw = bytearray(archive.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + place] |= 1
    archive.write_bytes(raw)
    (found,) = unpacking(tmp_path).unpack(archive)
    assert isinstance(found.error, EncryptedError)


def test_a_bomb_is_refused_early(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"zeros": bytes(40 * 1024**2)})
    with pytest.raises(TooLargeError, match="200 times"):
        list(unpacking(tmp_path).unpack(archive))
    assert not list((tmp_path / "out").iterdir())


def test_a_blank_slice_is_no_bomb(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"blank": bytes(512 * 512 * 2)})
    (found,) = unpacking(tmp_path).unpack(archive)
    assert found.path is not None
    assert found.path.stat().st_size == 512 * 512 * 2


def test_forged_sizes_do_not_lift_the_cap(tmp_path: Path) -> None:
    archive = packed(tmp_path / "z.zip", {"zeros": bytes(40 * 1024**2)})
    raw = bytearray(archive.read_bytes())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(signature) + place
        raw[at : at + 4] = struct.pack("<I", 100)
    archive.write_bytes(raw)
    # The stated 100 bytes are all that is read, and then the checksum is wrong.
    (found,) = unpacking(tmp_path).unpack(archive)
    assert isinstance(found.error, UnreadableError)
    assert not list((tmp_path / "out").iterdir())


def test_caps_on_entries_and_bytes_hold_over_all_archives(tmp_path: Path) -> None:
    first = packed(tmp_path / "1.zip", {str(n): b"x" for n in range(6)})
    second = packed(tmp_path / "2.zip", {str(n): b"x" for n in range(6)})
    several = unpacking(tmp_path, entries=10)
    assert len(list(several.unpack(first))) == 6
    with pytest.raises(TooLargeError, match="10 entries"):
        list(several.unpack(second))
    bytes_only = Unpacking(Limits(unpacked_bytes=8), tmp_path / "out2")
    (tmp_path / "out2").mkdir()
    list(bytes_only.unpack(first))
    with pytest.raises(TooLargeError, match="unpacks to more"):
        list(bytes_only.unpack(second))


def test_an_empty_or_broken_zip_is_refused(tmp_path: Path) -> None:
    several = unpacking(tmp_path)
    with pytest.raises(EmptyFileError):
        list(several.unpack(packed(tmp_path / "e.zip", {})))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a", b"content" * 100)
    for keep in (10, 200, len(whole.getvalue()) - 5):
        (tmp_path / "b.zip").write_bytes(whole.getvalue()[:keep])
        with pytest.raises(UnreadableError):
            list(several.unpack(tmp_path / "b.zip"))
