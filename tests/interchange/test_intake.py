"""The door as a whole: folders and zips, one bad file never hiding nine good ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentation.interchange.intake import IntakeReader, read_paths
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.types import Limits, ReadCase, Refusal
from tests.interchange.drawn import save, slice_of, write_axial
from tests.interchange.folders import GREY, codes, png, roles, zipped


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def test_one_bad_file_hides_no_good_one(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(9):
        png(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "nothing.dcm").write_bytes(b"")
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert len(intake.images) == 9
    assert codes(intake) == {
        "bad.png": "unreadable",
        "notes.txt": "not_an_image",
        "nothing.dcm": "empty",
    }
    assert sum(role == "image" for role in roles(intake).values()) == 9


def test_a_name_is_not_believed(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "scan.dcm")
    (image,) = read_paths([tmp_path / "scan.dcm"], sandbox=sandbox).images
    assert image.pixels.shape == (1, 1, 1, 20, 30)
    assert image.name == "scan.dcm"
    assert image.inputs == (0,)


def test_what_is_not_there_or_no_file_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.png").symlink_to("/etc/passwd")
    paths = [tmp_path / "gone.png", tmp_path / "empty", tmp_path / "link.png", Path("/dev/zero")]
    intake = read_paths(paths, sandbox=sandbox)
    assert codes(intake) == {
        "gone.png": "not_found",
        "empty": "empty",
        "link.png": "unsafe_path",
        "zero": "unsafe_path",
    }
    assert [refusal.input for refusal in intake.refusals] == [0, 1, 2, 3]


def test_a_series_in_a_zip_is_one_image_and_its_files_are_told(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    write_axial(tmp_path / "s", [0, 1, 2, 3])
    png(tmp_path / "s" / "extra.png")
    (tmp_path / "s" / ".DS_Store").write_bytes(b"x")
    archive = zipped(tmp_path / "s", tmp_path / "study.zip")
    intake = read_paths([archive], sandbox=sandbox)
    assert sorted(image.pixels.shape[2] for image in intake.images) == [1, 4]
    volume = next(image for image in intake.images if image.pixels.shape[2] == 4)
    names = {file.index: file.name for file in intake.inputs}
    assert sorted(names[n] for n in volume.inputs) == [f"study.zip!/00{n}.dcm" for n in range(4)]
    assert roles(intake)[".DS_Store"] == "note"
    assert roles(intake)["study.zip"] == "archive"
    assert not intake.refusals


def test_a_refused_series_is_one_refusal_over_all_its_files(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    write_axial(tmp_path, [0, 1, 2, 6, 7])
    intake = read_paths([tmp_path], sandbox=sandbox)
    (refusal,) = intake.refusals
    assert refusal.code == "missing_slices"
    assert len(refusal.inputs) == 5
    separate = read_paths([tmp_path], sandbox=sandbox, separate_slices=True)
    assert len(separate.images) == 5
    assert not separate.refusals


def test_the_digest_depends_on_bytes_not_on_names_or_order(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    paths = write_axial(tmp_path / "a", [0, 1, 2])
    renamed = []
    for number, path in enumerate(reversed(paths)):
        renamed.append(tmp_path / f"{number}.x")
        renamed[-1].write_bytes(path.read_bytes())
    first = read_paths(paths, sandbox=sandbox).images[0]
    second = read_paths(renamed, sandbox=sandbox).images[0]
    assert first.source_digest == second.source_digest
    assert len(first.source_digest) == 64
    paths[0].write_bytes(paths[0].read_bytes() + b"\0\0")
    assert read_paths(paths, sandbox=sandbox).images[0].source_digest != first.source_digest


def test_a_zip_inside_a_zip_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "in" / "a.png")
    zipped(tmp_path / "in", tmp_path / "in" / "inner.zip")
    outer = zipped(tmp_path / "in", tmp_path / "outer.zip")
    intake = read_paths([outer], sandbox=sandbox)
    assert codes(intake) == {"inner.zip": "unsupported"}
    assert len(intake.images) == 1


def test_an_archive_beyond_its_cap_is_refused_as_a_whole(tmp_path: Path) -> None:
    for number in range(5):
        png(tmp_path / "in" / f"{number}.png")
    archive = zipped(tmp_path / "in", tmp_path / "z.zip")
    intake = read_paths([archive], Limits(entries=4))
    assert codes(intake) == {"z.zip": "too_large"}
    assert [file.name for file in intake.inputs] == ["z.zip"]


def test_progress_reaches_every_file(sandbox: Sandbox, tmp_path: Path) -> None:
    write_axial(tmp_path / "s", [0, 1, 2])
    png(tmp_path / "a.png")
    (tmp_path / "t.txt").write_text("x")
    told: list[tuple[int, int, str]] = []
    read_paths([tmp_path], on_progress=lambda *step: told.append(step), sandbox=sandbox)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (5, 5)


def test_results_come_one_at_a_time(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "b.txt").write_text("x")
    png(tmp_path / "c.png")
    passing = tmp_path / "passing"
    passing.mkdir()
    paths = [tmp_path / name for name in ("a.png", "b.txt", "c.png")]
    with IntakeReader(paths, folder=passing) as reader:
        assert list(passing.iterdir())
        kinds = [type(found) for found in reader]
        assert sorted(kind.__name__ for kind in kinds) == ["ReadCase", "ReadCase", "Refusal"]
        assert {ReadCase, Refusal} == set(kinds)
        assert len(reader.inputs) == 3
    assert not list(passing.iterdir())


def test_a_damaged_slice_is_refused_and_the_rest_of_its_series_says_what_is_missing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    paths = write_axial(tmp_path, [0, 1, 2, 3, 4])
    paths[2].write_bytes(paths[2].read_bytes()[:300])
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert not intake.images
    assert sorted(refusal.code for refusal in intake.refusals) == ["missing_slices", "unreadable"]


def test_a_patients_name_is_in_no_refusal_and_no_attribute(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    save(slice_of(GREY), tmp_path / "a.dcm")
    save(slice_of(GREY, PixelData=None), tmp_path / "b.dcm")
    intake = read_paths([tmp_path], sandbox=sandbox)
    (image,) = intake.images
    assert "Zebrafink" not in str([refusal.sentence for refusal in intake.refusals])
    assert "Zebrafink" not in str(image.attributes) + str(image.warnings) + image.burned_in_why
